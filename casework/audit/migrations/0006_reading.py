"""Reading the trail by filters: an index for each, and a policy that asks once a statement instead of once a row.

The policy says what `audit_may_read` said (one's own acts, the acts on cases one sees, everything for auditors), and one
thing more: what nobody signed in did at one's own account, such as a failed sign-in, is one's own to see.
"""

import uuid

import django.contrib.postgres.fields
from django.db import migrations, models

import casework.core.clock
import casework.core.ids

NIL = "'00000000-0000-0000-0000-000000000000'::uuid"

# In subqueries the role is asked once a statement; as a bare call it was asked for every row of a page.
READ = f"""
ALTER POLICY audit_entry_read ON audit_entry USING (
    actor = (SELECT cw_user())
    OR (actor = {NIL} AND object = (SELECT cw_user()))
    OR (SELECT cw_has_role('auditor'))
    OR (case_id IS NOT NULL AND cw_sees(case_id)));
DROP FUNCTION audit_may_read;
"""

UNDO = """
CREATE FUNCTION audit_may_read(stream uuid, case_id uuid, actor uuid) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT actor = cw_user() OR (case_id IS NOT NULL AND cw_sees(case_id)) OR cw_has_role('auditor')
$$;
ALTER POLICY audit_entry_read ON audit_entry USING (audit_may_read(stream, case_id, actor));
"""


SYSTEM = "'00000000-0000-4000-8000-000000000001'::uuid"

# What the rules for unusual access ask of (`casework.audit.unusual`): looks at a case, what leaves it, emergencies,
# signing in, lists and the day's page as signs of being at work; and whatever was refused.
WATCHED = "(outcome = 1 OR action IN (101, 103, 104, 110, 310, 401, 404, 450, 451, 505, 603, 1100, 1115))"
OPENED = "(a.outcome = 0 AND a.action IN (101, 110, 310, 401, 404, 450, 451))"

# The worker watches and reads no more than this: who, what, when and about which case. Particulars, which are sealed,
# and the whole rest of the trail stay shut to it. What it finds it keeps in `audit_unusual`: shown to whoever was told
# of it and to auditors, and never to whom it is about.
UNUSUAL = f"""
CREATE POLICY audit_entry_watch ON audit_entry FOR SELECT TO cw_owner USING ({WATCHED});

CREATE FUNCTION audit_recent_acts(earliest bigint, active bigint)
    RETURNS TABLE (actor uuid, time_us bigint, action integer, outcome integer, case_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.actor, a.time_us, a.action, a.outcome, a.case_id FROM audit_entry a
     WHERE a.time_us >= earliest AND a.actor NOT IN ({NIL}, {SYSTEM})
       AND a.actor IN (SELECT l.actor FROM audit_entry l WHERE l.time_us >= active)
     ORDER BY a.actor, a.time_us
$$;

CREATE FUNCTION audit_habits(who uuid, earliest bigint, past bigint) RETURNS TABLE (hour bigint, cases bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.time_us / 3600000000, count(DISTINCT a.case_id) FILTER (WHERE {OPENED}) FROM audit_entry a
     WHERE a.actor = who AND a.time_us >= earliest AND a.time_us < past
     GROUP BY 1
$$;
REVOKE ALL ON FUNCTION audit_recent_acts, audit_habits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_recent_acts, audit_habits TO cw_worker;

ALTER TABLE audit_unusual ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_unusual FORCE ROW LEVEL SECURITY;
REVOKE ALL ON audit_unusual, audit_seendevice FROM PUBLIC;
GRANT SELECT, UPDATE (looked_by, looked_at) ON audit_unusual TO cw_web;
GRANT SELECT, INSERT, UPDATE (until, count, told) ON audit_unusual TO cw_worker;
CREATE POLICY audit_unusual_read ON audit_unusual FOR SELECT TO cw_web
    USING (actor <> (SELECT cw_user()) AND ((SELECT cw_user()) = ANY (told) OR (SELECT cw_has_role('auditor'))));
CREATE POLICY audit_unusual_look ON audit_unusual FOR UPDATE TO cw_web
    USING (actor <> (SELECT cw_user()) AND (SELECT cw_user()) = ANY (told) AND looked_at IS NULL)
    WITH CHECK (looked_by = (SELECT cw_user()));
CREATE POLICY audit_unusual_worker ON audit_unusual TO cw_worker USING (true) WITH CHECK (true);
CREATE POLICY audit_unusual_owner ON audit_unusual TO cw_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (last_at) ON audit_seendevice TO cw_web;
"""

UNDO_UNUSUAL = """
DROP FUNCTION audit_recent_acts;
DROP FUNCTION audit_habits;
DROP POLICY audit_entry_watch ON audit_entry;
"""

# Verifying is an act like any other: it is on record. Nothing else is the sealer's to write, nor another stream to hold.
VERIFIED = f"""
CREATE OR REPLACE FUNCTION audit_hold(wanted uuid[]) RETURNS TABLE (stream uuid, seq bigint, hash bytea)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF session_user = 'cw_sealer' AND wanted <> ARRAY[{SYSTEM}] THEN
        RAISE EXCEPTION 'the sealer holds the stream of the system alone' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Made before any is locked: a writer that held a lock while making one could wait in a circle.
    INSERT INTO audit_head (stream, kind, seq, hash)
        SELECT id, 1, 0, decode(repeat('00', 32), 'hex') FROM unnest(wanted) AS id ORDER BY id
        ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT h.stream, h.seq, h.hash FROM audit_head h WHERE h.stream = ANY(wanted) ORDER BY h.stream FOR UPDATE;
END
$$;
GRANT INSERT ON audit_entry TO cw_sealer;
GRANT EXECUTE ON FUNCTION audit_hold TO cw_sealer;
CREATE POLICY audit_entry_verified ON audit_entry FOR INSERT TO cw_sealer
    WITH CHECK (stream = {SYSTEM} AND actor = {NIL} AND action = 1001 AND case_id IS NULL);
"""

UNDO_VERIFIED = """
DROP POLICY audit_entry_verified ON audit_entry;
REVOKE EXECUTE ON FUNCTION audit_hold FROM cw_sealer;
REVOKE INSERT ON audit_entry FROM cw_sealer;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_proof"),
        ("cases", "0002_walls"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["action", "time_us"], name="audit_entry_action"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                fields=["outcome", "time_us"],
                condition=models.Q(("outcome", 0), _negated=True),
                name="audit_entry_outcome",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                fields=["object", "time_us"],
                condition=models.Q(("actor", uuid.UUID(int=0))),
                name="audit_entry_nobody",
            ),
        ),
        migrations.RunSQL(sql=READ, reverse_sql=UNDO),
        migrations.CreateModel(
            name="Unusual",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=casework.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("actor", models.UUIDField()),
                ("rule", models.CharField(max_length=16)),
                ("day", models.DateField()),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("count", models.PositiveIntegerField()),
                (
                    "told",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("found_at", models.DateTimeField(default=casework.core.clock.now)),
                ("looked_by", models.UUIDField(null=True)),
                ("looked_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["since"], name="audit_unusual_since")],
                "constraints": [
                    models.UniqueConstraint(fields=("actor", "rule", "since"), name="audit_unusual_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("looked_at__isnull", True), ("looked_by__isnull", True)),
                            models.Q(("looked_at__isnull", False), ("looked_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="audit_unusual_looked_by_whom",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SeenDevice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=casework.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("token", models.BinaryField()),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("user_id", "token"), name="audit_seendevice_once"),
                ],
            },
        ),
        migrations.RunSQL(sql=UNUSUAL, reverse_sql=UNDO_UNUSUAL),
        migrations.RunSQL(sql=VERIFIED, reverse_sql=UNDO_VERIFIED),
    ]
