"""Facts, limits and derivations stand behind the case's wall. Facts are append-only: no role may change or delete one."""

from django.db import migrations

from casework.core import walls

SQL = "\n".join(
    [
        walls.case_wall("procedure_fact", web="SELECT, INSERT", worker="SELECT"),
        walls.case_wall(
            "procedure_limit", web="SELECT, INSERT, UPDATE, DELETE", worker="SELECT, INSERT, UPDATE, DELETE"
        ),
        walls.case_wall("procedure_derivation", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE"),
    ]
)


class Migration(migrations.Migration):
    dependencies = [("procedure", "0001_initial"), ("cases", "0002_walls")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
