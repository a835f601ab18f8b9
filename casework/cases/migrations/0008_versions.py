"""Versions name the request that wrote them, which is that of their entry in the trail, and are signed.

And the worker reads checkpoints, which are made to be handed out, to mail them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_proof"),
        ("cases", "0007_emergency"),
    ]

    operations = [
        migrations.AddField("historicalcase", "digest", models.BinaryField(max_length=32, null=True)),
        migrations.AddField("historicalcase", "mac", models.BinaryField(max_length=16, null=True)),
        migrations.AddField("historicalcase", "request_id", models.UUIDField(editable=False, null=True)),
        migrations.AddField("historicalperson", "digest", models.BinaryField(max_length=32, null=True)),
        migrations.AddField("historicalperson", "mac", models.BinaryField(max_length=16, null=True)),
        migrations.AddField("historicalperson", "request_id", models.UUIDField(editable=False, null=True)),
        migrations.RunSQL(
            "GRANT SELECT ON audit_checkpoint TO cw_worker", "REVOKE SELECT ON audit_checkpoint FROM cw_worker"
        ),
    ]
