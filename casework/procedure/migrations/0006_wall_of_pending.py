"""Whoever sees a case may ask for it to be derived again, and reads nothing; deriving on request is the worker's."""

from django.db import migrations

from casework.core import walls


class Migration(migrations.Migration):
    dependencies = [("procedure", "0005_pending")]

    operations = [
        migrations.RunSQL(
            walls.case_wall("procedure_pending", web="INSERT", worker="SELECT, INSERT, DELETE"), migrations.RunSQL.noop
        )
    ]
