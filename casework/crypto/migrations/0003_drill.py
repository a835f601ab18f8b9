"""Rehearsals of the recovery. The keeper's commands write them; web and worker only see when the last one was."""

import uuid

import django.contrib.postgres.fields
from django.db import migrations, models

WALL = "GRANT SELECT ON crypto_drill TO cw_web, cw_worker;"
UNDO = "REVOKE ALL ON crypto_drill FROM cw_web, cw_worker;"


class Migration(migrations.Migration):
    dependencies = [("crypto", "0002_rotation")]

    operations = [
        migrations.CreateModel(
            name="Drill",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "kek_versions",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("values", models.PositiveBigIntegerField()),
                ("backup_made_at", models.DateTimeField()),
                ("root_mark", models.BinaryField(max_length=16)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunSQL(WALL, UNDO),
    ]
