from django.db import migrations, models

import casework.core.clock
import casework.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("procedure", "0004_walls_of_rebuilds"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pending",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=casework.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("case_id", models.UUIDField(db_index=True)),
                ("asked_at", models.DateTimeField(default=casework.core.clock.now)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="rebuild",
            name="superseded",
            field=models.BooleanField(default=False),
        ),
    ]
