"""The web role may ask for a case to be planned again and read nothing; planning is the worker's.

Asking needs no grant: planning twice changes nothing, and a row says no more than an id that its writer knew.
"""

from django.db import migrations

SQL = """
ALTER TABLE reminders_pending ENABLE ROW LEVEL SECURITY;
ALTER TABLE reminders_pending FORCE ROW LEVEL SECURITY;
REVOKE ALL ON reminders_pending FROM PUBLIC;
GRANT INSERT ON reminders_pending TO cw_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON reminders_pending TO cw_worker;
CREATE POLICY reminders_pending_ask ON reminders_pending FOR INSERT TO cw_web WITH CHECK (true);
CREATE POLICY reminders_pending_worker ON reminders_pending TO cw_worker USING (true) WITH CHECK (true);
CREATE POLICY reminders_pending_owner ON reminders_pending TO cw_owner USING (true) WITH CHECK (true);
"""


class Migration(migrations.Migration):
    dependencies = [("reminders", "0001_initial")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
