from __future__ import annotations

import uuid
from typing import ClassVar
from uuid import UUID

from django.db import models
from simple_history.models import HistoricalRecords

from casework.crypto.fields import (
    SealedChoiceField,
    SealedDateField,
    SealedIntegerField,
    SealedJSONField,
    SealedTextField,
)


class Letter(models.Model):
    """Has a history and one sealed field of each kind; its scope is a column of its own."""

    sealed_table = "sealed_app.letter"

    class Tone(models.TextChoices):
        KIND = "kind", "Kind"
        STERN = "stern", "Stern"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case_id = models.UUIDField()
    number = models.PositiveIntegerField(default=0)

    title = SealedTextField("title of the letter", field_id=1, max_length=200)
    body = SealedTextField(field_id=2, blank=True, multiline=True)
    sent_on = SealedDateField(field_id=3, blank=True)
    people = SealedJSONField(field_id=4, blank=True, default=list)
    pages = SealedIntegerField(field_id=5, blank=True)
    tone = SealedChoiceField(field_id=6, choices=Tone, default=Tone.KIND)

    history = HistoricalRecords(
        history_id_field=models.UUIDField(default=uuid.uuid4),
        history_user_id_field=models.UUIDField(null=True),
    )

    def __str__(self) -> str:
        return f"letter {self.pk}"

    def sealed_scope(self) -> UUID:
        return self.case_id


class Enclosure(models.Model):
    """Without history; has a field of the same number as the letter's title and a relation to the letter."""

    sealed_table = "sealed_app.enclosure"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    letter = models.ForeignKey(Letter, null=True, on_delete=models.CASCADE, related_name="enclosures")
    case_id = models.UUIDField()
    title = SealedTextField(field_id=1)
    note = SealedTextField(field_id=2)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"enclosure {self.pk}"

    def sealed_scope(self) -> UUID:
        return self.case_id
