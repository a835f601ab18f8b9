"""The walls of the outbox: the web role sees its own user's rows and may mark them seen or acknowledged, nothing else.

Planning, sending and marking are the worker's alone, so a broken web process can neither call off a colleague's
reminder nor write one. `cw_user()` is the same function that the walls of `cases` use.
"""

from django.db import migrations

SQL = """
CREATE OR REPLACE FUNCTION cw_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('app.user_id', true), '')::uuid
$$;

ALTER TABLE notices_notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_notice FORCE ROW LEVEL SECURITY;
REVOKE ALL ON notices_notice, notices_heartbeat FROM PUBLIC;
GRANT SELECT, UPDATE (seen_at, acknowledged_at) ON notices_notice TO cw_web;
GRANT SELECT, INSERT, UPDATE ON notices_notice TO cw_worker;
CREATE POLICY notices_notice_read ON notices_notice FOR SELECT TO cw_web
    USING (recipient_id = (SELECT cw_user()));
CREATE POLICY notices_notice_answer ON notices_notice FOR UPDATE TO cw_web
    USING (recipient_id = (SELECT cw_user()) AND channel = 'inbox' AND state = 'sent')
    WITH CHECK (recipient_id = (SELECT cw_user()) AND channel = 'inbox' AND state = 'sent');
CREATE POLICY notices_notice_worker ON notices_notice TO cw_worker USING (true) WITH CHECK (true);
CREATE POLICY notices_notice_owner ON notices_notice TO cw_owner USING (true) WITH CHECK (true);

GRANT SELECT ON notices_heartbeat TO cw_web;
GRANT SELECT, INSERT, UPDATE ON notices_heartbeat TO cw_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
