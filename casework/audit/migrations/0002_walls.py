"""The walls of the trail: append-only for everybody, and each database role sees no more of it than it needs.

`audit_may_read` and `audit_may_write` are replaced by the migration of `cases`, which knows who may see a case and who is
an auditor; until then one sees what one did oneself, and writes in one's own name. The text of this migration is part
of the schema: a change is a new migration.
"""

from django.db import migrations

SYSTEM = "'00000000-0000-4000-8000-000000000001'::uuid"
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

# What an entry's hash is taken over (docs/formats-audit.md), put together again by the database itself.
_EVENT = r"""'\x63772f6131'::bytea || uuid_send(a.stream) || int8send(a.seq) || a.prev || int8send(a.time_us)
            || uuid_send(a.actor) || substring(int4send(a.action) FROM 3) || substring(int4send(a.outcome) FROM 4)
            || substring(int4send(a.reason) FROM 3) || uuid_send(a.object) || a.row_digest
            || sha256(uuid_send(a.request_id) || a.body)"""

# Entries can never be taken away, so one that does not follow would stop its stream for good: writers would meet its
# number, the sealer its hash. Nor may anybody but this trigger move a head: the roles have no right to, and ask
# `audit_hold` for the row locks that put writers in order. It looks at all rows of a statement at once, since a unit's
# entries come in one; the last day of the year 9999 is the end of what a page of the trail can show.
CHAIN = f"""
CREATE FUNCTION audit_hold(wanted uuid[]) RETURNS TABLE (stream uuid, seq bigint, hash bytea)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    -- Made before any is locked: a writer that held a lock while making one could wait in a circle.
    INSERT INTO audit_head (stream, kind, seq, hash)
        SELECT id, 1, 0, decode(repeat('00', 32), 'hex') FROM unnest(wanted) AS id ORDER BY id
        ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT h.stream, h.seq, h.hash FROM audit_head h WHERE h.stream = ANY(wanted) ORDER BY h.stream FOR UPDATE;
END
$$;
REVOKE ALL ON FUNCTION audit_hold FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_hold TO cw_web, cw_worker;

CREATE FUNCTION audit_follow() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    follow boolean;
BEGIN
    WITH lined AS (
        SELECT a.stream, a.seq, a.hash, a.actor, row_number() OVER back AS from_end,
               h.seq IS NOT NULL
               AND a.seq = h.seq + row_number() OVER line
               AND a.prev = coalesce(lag(a.hash) OVER line, h.hash)
               AND a.hash = sha256({_EVENT})
               AND a.time_us BETWEEN -62135596800000000 AND 253402214400000000
               AND CASE WHEN a.stream IN (a.actor, {SYSTEM}) THEN a.case_id IS NULL OR a.case_id = a.object
                        ELSE a.case_id IS NOT DISTINCT FROM a.stream END AS follows
          FROM added a LEFT JOIN audit_head h ON h.stream = a.stream
        WINDOW line AS (PARTITION BY a.stream ORDER BY a.seq), back AS (PARTITION BY a.stream ORDER BY a.seq DESC)
    ), moved AS (
        UPDATE audit_head h SET seq = l.seq, hash = l.hash,
               kind = CASE l.stream WHEN {SYSTEM} THEN 3 WHEN l.actor THEN 2 ELSE 1 END
          FROM lined l WHERE l.from_end = 1 AND h.stream = l.stream
    )
    SELECT bool_and(follows) INTO follow FROM lined;
    IF NOT follow THEN
        RAISE EXCEPTION 'an entry does not follow the last one of its stream' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION audit_follow FROM PUBLIC;
CREATE TRIGGER audit_entry_follow AFTER INSERT ON audit_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit_follow();
"""

ROW_POLICIES = f"""
CREATE FUNCTION audit_may_read(stream uuid, case_id uuid, actor uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT actor = {ME}
$$;
CREATE FUNCTION audit_may_write(stream uuid, case_id uuid, actor uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT actor = {ME} OR actor = {NIL}
$$;
ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_entry_read ON audit_entry FOR SELECT TO cw_web, cw_worker
    USING (audit_may_read(stream, case_id, actor));
CREATE POLICY audit_entry_write ON audit_entry FOR INSERT TO cw_web
    WITH CHECK (audit_may_write(stream, case_id, actor));
CREATE POLICY audit_entry_work ON audit_entry FOR INSERT TO cw_worker
    WITH CHECK (actor = {ME} OR actor = {NIL});
CREATE POLICY audit_entry_seal ON audit_entry FOR SELECT TO cw_sealer USING (true);
"""

GRANTS = """
REVOKE ALL ON audit_entry, audit_head, audit_leaf, audit_sealedhead, audit_tree, audit_checkpoint FROM PUBLIC;
GRANT SELECT, INSERT ON audit_entry TO cw_web, cw_worker;
GRANT SELECT ON audit_head TO cw_web, cw_worker;
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
DROP TRIGGER audit_entry_follow ON audit_entry;
DROP FUNCTION audit_follow;
DROP FUNCTION audit_hold;
DROP POLICY audit_entry_write ON audit_entry;
DROP POLICY audit_entry_work ON audit_entry;
DROP POLICY audit_entry_seal ON audit_entry;
ALTER TABLE audit_entry DISABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY;
DROP FUNCTION audit_may_read;
DROP FUNCTION audit_may_write;
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
        migrations.RunSQL(sql=APPEND_ONLY + LENGTHS + CHAIN + ROW_POLICIES + GRANTS + KEYS, reverse_sql=UNDO),
    ]
