"""Facts, and what was derived from them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models

from casework.core import clock, ids
from casework.crypto.fields import SealedJSONField


class Fact(models.Model):
    """One dated fact, or the correction of one: append-only, everything in one sealed value.

    `content`: the facts-file members of the fact; `note`; `corrects` (the id of the fact that this one replaces);
    `withdrawn` (true where the corrected fact is to count no more and nothing takes its place).
    """

    sealed_table = "procedure.fact"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="facts")
    recorded_at = models.DateTimeField(default=clock.now)
    recorded_by = models.UUIDField(null=True)
    content = SealedJSONField(field_id=1)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["case", "recorded_at"], name="procedure_fact_case")]

    def __str__(self) -> str:
        return f"fact {self.pk}"

    def sealed_scope(self) -> UUID:
        """The key scope: the case."""
        return self.case_id


class Limit(models.Model):
    """A derived time limit: what lists, the board and reminders need. Its explanation is derived again to be shown."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="limits")
    rule = models.CharField(max_length=64)
    reading = models.CharField(max_length=1, blank=True)
    ordinal = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=12)
    whose = models.CharField(max_length=12)
    due_on = models.DateField()
    due_at = models.DateTimeField(null=True)
    due_strict_on = models.DateField()
    due_rolled_on = models.DateField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "rule", "reading", "ordinal"], name="procedure_limit_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_on"], condition=models.Q(state="running"), name="procedure_limit_running")
        ]

    def __str__(self) -> str:
        return f"limit {self.pk}"


class Derivation(models.Model):
    """When a case was last derived, and the next day on which its answer changes by the passing of time alone."""

    case = models.OneToOneField("cases.Case", primary_key=True, on_delete=models.CASCADE, related_name="derivation")
    derived_at = models.DateTimeField()
    changes_on = models.DateField(null=True, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"derivation {self.pk}"
