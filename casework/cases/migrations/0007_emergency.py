"""Break-glass: what the database lets a coordinator do with a case that it shows them nothing of.

The walls keep such a case, and that there is one, from everybody without a grant; and only who leads a case writes
grants on it. These three functions are the one way around, each as narrow as it can be: they act for `cw_user()` alone,
who must coordinate some team, and the grant that is written is theirs, to work, for the next 60 minutes. Whether it
opens anything is another question: its MAC is the application's.
"""

from django.db import migrations

SQL = """
-- The id of the case with a reference, and the times of a grant that is made in this transaction. Until its end the
-- case is not erased.
CREATE FUNCTION cw_emergency_case(named text) RETURNS TABLE (case_id uuid, begins timestamptz, ends timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT cw_has_role('coordinator') THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.id, now(), now() + interval '60 minutes' FROM cases_case c WHERE c.reference = named FOR KEY SHARE;
END
$$;

CREATE FUNCTION cw_break_glass(wanted uuid, grant_id uuid, signed bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    work_case integer := (SELECT p.id FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id
                           WHERE t.app_label = 'cases' AND t.model = 'case' AND p.codename = 'work_case');
BEGIN
    PERFORM 1 FROM cases_case c WHERE c.id = wanted FOR KEY SHARE;
    IF NOT FOUND OR NOT cw_has_role('coordinator') THEN
        RAISE EXCEPTION 'a case is opened in an emergency by a coordinator' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- What is left of an earlier one, whose time is over.
    DELETE FROM cases_caseusergrant g
     WHERE g.case_id = wanted AND g.user_id = cw_user() AND g.permission_id = work_case;
    INSERT INTO cases_caseusergrant (id, case_id, user_id, permission_id, granted_by, granted_at, until, reason_sealed, mac)
    VALUES (grant_id, wanted, cw_user(), work_case, cw_user(), now(), now() + interval '60 minutes', '', signed);
END
$$;

-- The reason is sealed under the case's key, which nobody is given before they have a grant: so it comes second, in
-- the same transaction, once.
CREATE FUNCTION cw_say_why(grant_id uuid, sealed bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE cases_caseusergrant g SET reason_sealed = sealed
     WHERE g.id = grant_id AND g.user_id = cw_user() AND g.granted_by = cw_user() AND g.granted_at = now()
       AND g.until = now() + interval '60 minutes' AND g.reason_sealed = '';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a reason is given once, with the access' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION cw_emergency_case, cw_break_glass, cw_say_why FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cw_emergency_case, cw_break_glass, cw_say_why TO cw_web;
"""

# Apart from that: what the walls of keys, of heads and of grants left open. Keys are read by whoever searches, thousands
# in one statement, so which scopes there are stays readable (random ids and states, and no way to a value); but a second
# name for somebody else's key, one that everybody may open, is no longer to be had, nor can it be called destroyed.
WALLS_OF_KEYS = """
-- A key is made before the first row of its case.
CREATE FUNCTION cw_no_case(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM cases_case c WHERE c.id = wanted)
$$;
CREATE FUNCTION cw_may_make_key(scope uuid, of_kind text, within uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT cw_no_case(coalesce(within, scope)) OR (of_kind IN ('case', 'person') AND cw_sees(coalesce(within, scope)))
$$;
CREATE FUNCTION cw_may_wrap(wanted uuid, of_generation bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM crypto_keyscope k WHERE k.id = wanted AND k.generation = of_generation
                      AND cw_may_make_key(k.id, k.kind, k.parent))
$$;
ALTER TABLE crypto_keyscope ENABLE ROW LEVEL SECURITY;
ALTER TABLE crypto_keyscope FORCE ROW LEVEL SECURITY;
CREATE POLICY crypto_keyscope_read ON crypto_keyscope FOR SELECT TO cw_web, cw_sealer USING (true);
CREATE POLICY crypto_keyscope_make ON crypto_keyscope FOR INSERT TO cw_web
    WITH CHECK (cw_may_make_key(id, kind, parent));
-- Whoever seals counts how much a key has sealed; that it is destroyed is said by who leads the case.
CREATE POLICY crypto_keyscope_count ON crypto_keyscope FOR UPDATE TO cw_web
    USING (kind NOT IN ('case', 'person') OR cw_sees(coalesce(parent, id)))
    WITH CHECK (state <> 'erased' OR (kind IN ('case', 'person') AND cw_leads(coalesce(parent, id))));
CREATE POLICY crypto_keyscope_worker ON crypto_keyscope TO cw_worker USING (true) WITH CHECK (true);
CREATE POLICY crypto_keyscope_owner ON crypto_keyscope TO cw_owner USING (true) WITH CHECK (true);
ALTER POLICY crypto_keywrap_make ON crypto_keywrap WITH CHECK (cw_may_wrap(scope, generation));

-- How long the trail of a case is says how busy it is, and that there is one.
ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_head FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_head_read ON audit_head FOR SELECT TO cw_web USING (
    stream IN (cw_user(), '00000000-0000-4000-8000-000000000001') OR cw_sees(stream) OR cw_is_erased(stream)
    OR cw_no_stream(stream));
CREATE POLICY audit_head_machine ON audit_head FOR SELECT TO cw_worker, cw_sealer USING (true);
CREATE POLICY audit_head_owner ON audit_head TO cw_owner USING (true) WITH CHECK (true);

-- One's own grant shows while it holds: neither one that has ended nor that of a closed account tells of its case.
ALTER POLICY cases_caseusergrant_read ON cases_caseusergrant USING (
    (user_id = (SELECT cw_user()) AND (SELECT cw_active()) AND (until IS NULL OR until > now())) OR cw_sees(case_id));
ALTER POLICY cases_casegroupgrant_read ON cases_casegroupgrant USING (
    (group_id = ANY((SELECT cw_groups())::integer[]) AND (until IS NULL OR until > now())) OR cw_sees(case_id));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0006_walls_of_erasure"),
        ("audit", "0005_proof"),
        ("crypto", "0004_resealing"),
    ]

    operations = [
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
        migrations.RunSQL(WALLS_OF_KEYS, migrations.RunSQL.noop),
    ]
