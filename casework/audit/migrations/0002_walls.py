"""The walls of the trail: append-only for everybody, and each database role sees no more of it than it needs.

`audit_may_read` is replaced by the migration of `cases`, which knows who may see a case and who is an auditor; until then
one sees what one did oneself. The text of this migration is part of the schema: a change is a new migration.
"""

from django.db import migrations

NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
INSTALLATION = "'ca5e0000-0000-4000-8000-000000000001'::uuid"
ME = "nullif(current_setting('app.user_id', true), '')::uuid"

APPEND_ONLY = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
"""
    for table in ("audit_entry", "audit_leaf", "audit_checkpoint")
)

LENGTHS = """
ALTER TABLE audit_entry
    ADD CONSTRAINT audit_entry_lengths CHECK (
        seq > 0 AND octet_length(prev) = 32 AND octet_length(row_digest) = 32 AND octet_length(hash) = 32
        AND octet_length(mac) = 16 AND action BETWEEN 1 AND 65535 AND outcome BETWEEN 0 AND 255
        AND reason BETWEEN 0 AND 65535);
ALTER TABLE audit_head ADD CONSTRAINT audit_head_lengths CHECK (seq >= 0 AND octet_length(hash) = 32);
ALTER TABLE audit_leaf ADD CONSTRAINT audit_leaf_lengths CHECK ("index" >= 0 AND octet_length(hash) = 32);
INSERT INTO audit_tree (id, size, frontier) VALUES (gen_random_uuid(), 0, '');
"""

ROW_POLICIES = f"""
CREATE FUNCTION audit_may_read(stream uuid, case_id uuid, actor uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT actor = {ME}
$$;
ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_entry_read ON audit_entry FOR SELECT TO cw_web, cw_worker
    USING (audit_may_read(stream, case_id, actor));
CREATE POLICY audit_entry_write ON audit_entry FOR INSERT TO cw_web, cw_worker
    WITH CHECK (actor = {ME} OR actor = {NIL});
CREATE POLICY audit_entry_seal ON audit_entry FOR SELECT TO cw_sealer USING (true);
"""

GRANTS = """
REVOKE ALL ON audit_entry, audit_head, audit_leaf, audit_sealedhead, audit_tree, audit_checkpoint FROM PUBLIC;
GRANT SELECT, INSERT ON audit_entry TO cw_web, cw_worker;
GRANT SELECT, INSERT, UPDATE (seq, hash) ON audit_head TO cw_web, cw_worker;
GRANT SELECT ON audit_entry, audit_head TO cw_sealer;
GRANT SELECT, INSERT ON audit_leaf, audit_checkpoint TO cw_sealer;
GRANT SELECT, INSERT, UPDATE ON audit_sealedhead TO cw_sealer;
GRANT SELECT, UPDATE ON audit_tree TO cw_sealer;
"""

# The verifier needs the key of the MACs, which is the installation's: of the wraps it gets that scope's alone. The
# policy waits until row-level security is switched on for that table, by the migration that knows cases.
KEYS = f"""
GRANT SELECT ON crypto_kek, crypto_keyscope, crypto_keywrap TO cw_sealer;
CREATE POLICY crypto_keywrap_sealer ON crypto_keywrap FOR SELECT TO cw_sealer USING (scope = {INSTALLATION});
"""

UNDO = """
DROP POLICY crypto_keywrap_sealer ON crypto_keywrap;
REVOKE ALL ON crypto_kek, crypto_keyscope, crypto_keywrap FROM cw_sealer;
REVOKE ALL ON audit_entry, audit_head, audit_leaf, audit_sealedhead, audit_tree, audit_checkpoint
    FROM cw_web, cw_worker, cw_sealer;
DROP POLICY audit_entry_read ON audit_entry;
DROP POLICY audit_entry_write ON audit_entry;
DROP POLICY audit_entry_seal ON audit_entry;
ALTER TABLE audit_entry DISABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY;
DROP FUNCTION audit_may_read;
ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_lengths;
ALTER TABLE audit_head DROP CONSTRAINT audit_head_lengths;
ALTER TABLE audit_leaf DROP CONSTRAINT audit_leaf_lengths;
DROP TRIGGER audit_entry_append_only ON audit_entry;
DROP TRIGGER audit_leaf_append_only ON audit_leaf;
DROP TRIGGER audit_checkpoint_append_only ON audit_checkpoint;
DROP FUNCTION audit_append_only;
DELETE FROM audit_tree;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("crypto", "0001_initial")]

    operations = [
        migrations.RunSQL(sql=APPEND_ONLY + LENGTHS + ROW_POLICIES + GRANTS + KEYS, reverse_sql=UNDO),
    ]
