"""Facts, and what was derived from them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

from casework.core import clock, ids
from casework.crypto.fields import SealedJSONField


class Fact(models.Model):
    """One dated fact, or the correction of one: append-only, everything in one sealed value.

    `content`: `fact` (the facts-file members); `note`; `document` (the id of the document of this case that proves it);
    `corrects` (the id of the fact that this one replaces) and `reason` (why); `withdrawn` (true where the corrected
    fact is to count no more and nothing takes its place).
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
    """When what is stored of a case was last written, from what, and the next day on which it changes by itself.

    `rules` and `calendar` name the rule packs and the lists of holidays that the stored answer came from. The row is
    also the lock of all who derive the case.
    """

    case = models.OneToOneField("cases.Case", primary_key=True, on_delete=models.CASCADE, related_name="derivation")
    derived_at = models.DateTimeField()
    changes_on = models.DateField(null=True, db_index=True)
    rules = models.CharField(max_length=16, blank=True, default="")
    calendar = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"derivation {self.pk}"


class Pending(models.Model):
    """A case is to be derived again: somebody else was deriving it when its people or its country changed.

    One row for each request and never a changed one, as with reminders: those who ask wait for nobody, and beat finds
    the row where the wake-up was lost.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    case_id = models.UUIDField(db_index=True)
    asked_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"pending {self.pk}"


class Rebuild(models.Model):
    """One run that derives every open case again, with what it has come to; `ended_at` is None while it goes on.

    `superseded`: it ended because a newer run, of other rules or of another day, took its place.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    began_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    superseded = models.BooleanField(default=False)
    rules = models.CharField(max_length=16)
    calendar = models.CharField(max_length=32)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"rebuild {self.pk}"


class RebuildPart(models.Model):
    """A stretch of the cases, by id, that a run takes in one transaction; `done_at` is None until that is committed.

    `above` and `upto` bound the ids of the cases (the first excluded, the last included). `failed`: cases that could
    not be derived and were left as they are.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    rebuild = models.ForeignKey(Rebuild, on_delete=models.CASCADE, related_name="parts")
    above = models.UUIDField()
    upto = models.UUIDField()
    done_at = models.DateTimeField(null=True)
    looked = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0)
    failed = ArrayField(models.UUIDField(), default=list)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rebuild", "above"], name="procedure_rebuildpart_once")
        ]

    def __str__(self) -> str:
        return f"part {self.pk}"
