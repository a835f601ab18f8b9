"""The second wall: who sees which case is asked of the grants by the database itself, for every table of a case.

`app.user_id` is set for the transaction (`casework.core.work`); without it the web role sees no case at all. The wall
does not know the grants' MACs: those stand in front of the keys, in the application.
"""

from django.db import migrations

from casework.core import walls

_LIVE = "(g.until IS NULL OR g.until > now())"

FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION cw_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('app.user_id', true), '')::uuid
$$;

CREATE FUNCTION cw_groups() RETURNS integer[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(m.group_id), '{{}}')
      FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
     WHERE m.user_id = cw_user() AND u.is_active
$$;

CREATE FUNCTION cw_active() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = cw_user() AND u.is_active)
$$;

CREATE FUNCTION cw_has_role(wanted text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM accounts_teamrole r WHERE r.role = wanted AND r.group_id = ANY(cw_groups()))
$$;

-- Runs as the owner of the grant tables, so that a policy on them may ask it without asking itself again.
CREATE FUNCTION cw_sees(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT cw_active() AND EXISTS (SELECT 1 FROM cases_caseusergrant g
                    WHERE g.case_id = wanted AND g.user_id = cw_user() AND {_LIVE})
        OR EXISTS (SELECT 1 FROM cases_casegroupgrant g
                    WHERE g.case_id = wanted AND g.group_id = ANY(cw_groups()) AND {_LIVE})
$$;

CREATE FUNCTION cw_leads(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT cw_active() AND (EXISTS (SELECT 1 FROM cases_caseusergrant g JOIN auth_permission p ON p.id = g.permission_id
                    WHERE g.case_id = wanted AND g.user_id = cw_user() AND p.codename = 'lead_case' AND {_LIVE})
        OR EXISTS (SELECT 1 FROM cases_casegroupgrant g JOIN auth_permission p ON p.id = g.permission_id
                    WHERE g.case_id = wanted AND g.group_id = ANY(cw_groups()) AND p.codename = 'lead_case' AND {_LIVE}))
$$;

-- Grants on a case are written by those who lead it; the first ones come before the case itself.
CREATE FUNCTION cw_may_grant(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT cw_leads(wanted) OR (cw_active() AND NOT EXISTS (SELECT 1 FROM cases_case c WHERE c.id = wanted))
$$;

-- The trail: one's own acts, the acts on cases one sees, and everything (bodies stay sealed) for auditors.
CREATE OR REPLACE FUNCTION audit_may_read(stream uuid, case_id uuid, actor uuid) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT actor = cw_user() OR (case_id IS NOT NULL AND cw_sees(case_id)) OR cw_has_role('auditor')
$$;

-- Nor does anybody write into the trail of a case that they do not see, or into somebody else's own; what belongs to
-- no case (yet) is open, as are the first grants. It runs as the owner, who alone may know that a case exists.
CREATE FUNCTION cw_no_stream(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM cases_case c WHERE c.id = wanted)
       AND NOT EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = wanted)
$$;
CREATE OR REPLACE FUNCTION audit_may_write(stream uuid, case_id uuid, actor uuid) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT (actor = cw_user() OR actor = '00000000-0000-0000-0000-000000000000')
       AND (stream IN (actor, '00000000-0000-4000-8000-000000000001') OR cw_sees(stream) OR cw_no_stream(stream))
$$;
"""

# Written out instead of cw_sees(id): the planner can turn it into joins, and lists stay fast.
_SEES_CASE = f"""
    EXISTS (SELECT 1 FROM cases_caseusergrant g
             WHERE g.case_id = cases_case.id AND g.user_id = (SELECT cw_user()) AND (SELECT cw_active()) AND {_LIVE})
    OR EXISTS (SELECT 1 FROM cases_casegroupgrant g
             WHERE g.case_id = cases_case.id AND g.group_id = ANY((SELECT cw_groups())::integer[]) AND {_LIVE})
"""


def _grant_wall(table: str, own: str) -> str:
    # `own` asks in subqueries, which run once a statement; as bare calls they would run once a row.
    return f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO cw_web;
GRANT SELECT ON {table} TO cw_worker;
CREATE POLICY {table}_read ON {table} FOR SELECT TO cw_web USING ({own} OR cw_sees(case_id));
CREATE POLICY {table}_give ON {table} FOR INSERT TO cw_web WITH CHECK (cw_may_grant(case_id));
CREATE POLICY {table}_change ON {table} FOR UPDATE TO cw_web
    USING (cw_may_grant(case_id)) WITH CHECK (cw_may_grant(case_id));
CREATE POLICY {table}_take ON {table} FOR DELETE TO cw_web USING (cw_may_grant(case_id));
CREATE POLICY {table}_worker ON {table} FOR SELECT TO cw_worker USING (true);
CREATE POLICY {table}_owner ON {table} TO cw_owner USING (true) WITH CHECK (true);
"""


KEYS = """
-- Wrapping keys are made by the owner (`manage.py set_up`): a row added here would stop every start.
GRANT SELECT ON crypto_kek TO cw_web, cw_worker;
GRANT SELECT, INSERT, UPDATE (state) ON crypto_keyscope TO cw_web;
GRANT SELECT ON crypto_keyscope TO cw_worker;
ALTER TABLE crypto_keywrap ENABLE ROW LEVEL SECURITY;
ALTER TABLE crypto_keywrap FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON crypto_keywrap TO cw_web;
GRANT SELECT ON crypto_keywrap TO cw_worker;
CREATE POLICY crypto_keywrap_read ON crypto_keywrap FOR SELECT TO cw_web USING (
    EXISTS (SELECT 1 FROM cases_case c WHERE c.id = crypto_keywrap.scope)
    OR EXISTS (SELECT 1 FROM crypto_keyscope s
                WHERE s.id = crypto_keywrap.scope AND s.kind NOT IN ('case', 'person'))
    OR EXISTS (SELECT 1 FROM crypto_keyscope s JOIN cases_case c ON c.id = s.parent
                WHERE s.id = crypto_keywrap.scope AND s.kind = 'person'));
CREATE POLICY crypto_keywrap_make ON crypto_keywrap FOR INSERT TO cw_web WITH CHECK (true);
CREATE POLICY crypto_keywrap_destroy ON crypto_keywrap FOR DELETE TO cw_web USING (EXISTS (
    SELECT 1 FROM crypto_keyscope s
     WHERE s.id = crypto_keywrap.scope AND s.kind IN ('case', 'person') AND cw_leads(coalesce(s.parent, s.id))));
CREATE POLICY crypto_keywrap_worker ON crypto_keywrap FOR SELECT TO cw_worker USING (true);
CREATE POLICY crypto_keywrap_owner ON crypto_keywrap TO cw_owner USING (true) WITH CHECK (true);
"""

SQL = "\n".join(
    [
        FUNCTIONS,
        _grant_wall("cases_caseusergrant", "user_id = (SELECT cw_user())"),
        _grant_wall("cases_casegroupgrant", "group_id = ANY((SELECT cw_groups())::integer[])"),
        walls.wall("cases_case", sees=_SEES_CASE, web="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE"),
        walls.case_wall("cases_person", web="SELECT, INSERT, UPDATE", worker="SELECT"),
        walls.case_wall("cases_historicalcase", column="id", web="SELECT, INSERT", worker="SELECT, INSERT"),
        walls.case_wall("cases_historicalperson", web="SELECT, INSERT"),
        KEYS,
        # The verifier names cases by their reference: that and the id is all it may read of them.
        "GRANT SELECT (id, reference) ON cases_case TO cw_sealer;",
        "CREATE POLICY cases_case_sealer ON cases_case FOR SELECT TO cw_sealer USING (true);",
    ]
)


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0001_initial"),
        ("accounts", "0002_rights"),
        ("audit", "0002_walls"),
        ("crypto", "0001_initial"),
    ]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
