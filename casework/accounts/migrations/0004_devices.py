import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import casework.core.clock
import casework.core.ids
from casework.core import walls


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_retention")]

    operations = [
        migrations.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=casework.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("session_key", models.CharField(db_index=True, max_length=40)),
                ("kind", models.CharField(max_length=24)),
                ("began_at", models.DateTimeField(default=casework.core.clock.now)),
                ("seen_at", models.DateTimeField(default=casework.core.clock.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        # As the sessions themselves, which it lists.
        migrations.RunSQL(
            walls.open_tables(["accounts_device"], web="SELECT, INSERT, UPDATE, DELETE"), migrations.RunSQL.noop
        ),
    ]
