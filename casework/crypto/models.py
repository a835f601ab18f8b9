"""The key tables. Their rows open nothing by themselves: the root key lives outside the database."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Kek(models.Model):
    """A version of the wrapping key, itself encrypted under the root key."""

    class State(models.TextChoices):
        ACTIVE = "active"
        RETIRED = "retired"  # still opens what it wrapped, wraps nothing new

    version = models.PositiveBigIntegerField(primary_key=True)
    provider = models.CharField(max_length=16)
    blob = models.BinaryField()
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    retired_at = models.DateTimeField(null=True)  # destroyed a while later, when backups of wraps have aged out

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(version__gte=1, version__lt=1 << 32), name="crypto_kek_version_u32"
            ),
        ]

    def __str__(self) -> str:
        return f"wrapping key {self.version}"


class KeyScope(models.Model):
    """One generation of the key of one scope: a row per (scope, generation), so that several live side by side.

    `id` of the design's table is the column of `scope`; it is the id of the case, person or user that it belongs to.
    """

    class Kind(models.TextChoices):
        CASE = "case"
        PERSON = "person"
        USER = "user"
        INSTALLATION = "installation"
        IMPORT = "import"

    class State(models.TextChoices):
        LIVE = "live"
        RETIRED = "retired"  # an older generation that no value carries any more: opens the trail, seals nothing
        ERASED = "erased"

    pk = models.CompositePrimaryKey("scope", "generation")
    scope = models.UUIDField(db_column="id", editable=False)
    generation = models.PositiveBigIntegerField(default=1, editable=False)
    kind = models.CharField(max_length=12, choices=Kind, editable=False)
    parent = models.UUIDField(null=True, editable=False, db_index=True)
    commit = models.BinaryField(max_length=32)
    state = models.CharField(max_length=8, choices=State, default=State.LIVE)
    # About how many values it has sealed, in steps of 65,536: see `services.count_sealed`.
    sealed = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(generation__gte=1, generation__lt=1 << 32), name="crypto_keyscope_generation_u32"
            ),
            # Only a person's scope lies inside another, and it always does.
            models.CheckConstraint(
                condition=models.Q(kind="person", parent__isnull=False)
                | (~models.Q(kind="person") & models.Q(parent__isnull=True)),
                name="crypto_keyscope_parent_of_person",
            ),
        ]

    def __str__(self) -> str:
        return f"key scope {self.scope}, generation {self.generation}"


class KeyWrap(models.Model):
    """A scope's key encrypted for one recipient. Deleting all of them erases the scope."""

    class Recipient(models.IntegerChoices):
        KEK = 1
        USER = 2  # a person's own key, for sealed scopes
        SCOPE = 3

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.UUIDField(editable=False)
    generation = models.PositiveBigIntegerField(editable=False)
    recipient_kind = models.PositiveSmallIntegerField(choices=Recipient, editable=False)
    recipient_id = models.UUIDField(editable=False)  # all zero for the wrapping key
    key_version = models.PositiveBigIntegerField()  # of the wrapping key, the person's key, or the parent's generation
    blob = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "generation", "recipient_kind", "recipient_id"], name="crypto_keywrap_recipient"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["recipient_kind", "key_version"], name="crypto_keywrap_version")]

    def __str__(self) -> str:
        return f"key wrap of {self.scope}, generation {self.generation}"


class Drill(models.Model):
    """A rehearsal of the recovery that succeeded: shares joined, the newest backup restored and opened."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(db_index=True)
    kek_versions = ArrayField(models.BigIntegerField())  # under which values were opened
    values = models.PositiveBigIntegerField()  # how many were opened
    backup_made_at = models.DateTimeField()
    # Which root key the shares gave: a later one has not been rehearsed. Derived from it, and tells nothing about it.
    root_mark = models.BinaryField(max_length=16)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"recovery drill {self.id}"
