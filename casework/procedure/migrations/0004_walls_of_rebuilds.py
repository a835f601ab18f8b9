"""What a run of `rebuild_deadlines` has done is the worker's alone; it names cases by their ids and nothing else."""

from django.db import migrations

TABLES = ("procedure_rebuild", "procedure_rebuildpart")

SQL = "\n".join(
    f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
REVOKE ALL ON {table} FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO cw_worker;
CREATE POLICY {table}_worker ON {table} TO cw_worker USING (true) WITH CHECK (true);
CREATE POLICY {table}_owner ON {table} TO cw_owner USING (true) WITH CHECK (true);
"""
    for table in TABLES
)


class Migration(migrations.Migration):
    dependencies = [("procedure", "0003_rebuilds")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
