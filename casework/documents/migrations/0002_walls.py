"""Documents and their history stand behind the case's wall."""

from django.db import migrations

from casework.core import walls

SQL = "\n".join(
    [
        walls.case_wall("documents_document", web="SELECT, INSERT, UPDATE"),
        walls.case_wall("documents_historicaldocument", web="SELECT, INSERT"),
    ]
)


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial"), ("cases", "0002_walls")]

    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
