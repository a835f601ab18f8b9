"""Requests to erase a case, and what became of them; they outlive the case."""

import django.contrib.postgres.fields
from django.db import migrations, models

import casework.core.ids
import casework.crypto.fields


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0004_walls_of_search"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=casework.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("case_id", models.UUIDField(db_index=True)),
                ("reference", models.CharField(max_length=9)),
                ("team_id", models.UUIDField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Waits for a second person"),
                            ("withdrawn", "Withdrawn"),
                            ("refused", "Refused"),
                            ("erased", "Erased"),
                        ],
                        default="asked",
                        max_length=9,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("person_request", "The person asked for it"),
                            ("consent_withdrawn", "Consent was withdrawn"),
                            ("retention_ended", "The time for keeping it has ended"),
                            ("authority_order", "A court or an authority ordered it"),
                            ("correction", "It was opened by mistake"),
                        ],
                        max_length=20,
                    ),
                ),
                ("asked_by", models.UUIDField()),
                ("asked_at", models.DateTimeField()),
                ("decided_by", models.UUIDField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("key_count", models.PositiveIntegerField(default=0)),
                ("row_count", models.PositiveIntegerField(default=0)),
                ("file_count", models.PositiveIntegerField(default=0)),
                (
                    "objects_left",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("mac", models.BinaryField(max_length=16)),
                ("note", casework.crypto.fields.SealedTextField(field_id=1)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "asked")), fields=("case_id",), name="cases_erasure_one_waits"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "erased")), fields=("case_id",), name="cases_erasure_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("state", "asked")),
                            models.Q(
                                models.Q(("state", "asked"), _negated=True),
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="cases_erasure_decided_by_whom",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "erased"), _negated=True),
                            models.Q(("decided_by", models.F("asked_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="cases_erasure_by_two",
                    ),
                ],
            },
        ),
    ]
