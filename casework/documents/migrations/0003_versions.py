"""Versions name the request that wrote them, which is that of their entry in the trail, and are signed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0002_walls"),
    ]

    operations = [
        migrations.AddField("historicaldocument", "digest", models.BinaryField(max_length=32, null=True)),
        migrations.AddField("historicaldocument", "mac", models.BinaryField(max_length=16, null=True)),
        migrations.AddField("historicaldocument", "request_id", models.UUIDField(editable=False, null=True)),
    ]
