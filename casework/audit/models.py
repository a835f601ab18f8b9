"""The tables of the trail. Ids only, no foreign keys; walls, triggers and row policies stand in the migrations."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from casework.audit.chain import NIL
from casework.core import clock, ids


class Entry(models.Model):
    """One event, for ever. `case_id` repeats what the hash covers (stream or object) in a form that lists can use."""

    pk = models.CompositePrimaryKey("stream", "seq")
    stream = models.UUIDField()
    seq = models.BigIntegerField()
    prev = models.BinaryField()
    time_us = models.BigIntegerField()
    actor = models.UUIDField()
    action = models.IntegerField()
    outcome = models.IntegerField()
    reason = models.IntegerField()
    object = models.UUIDField()
    row_digest = models.BinaryField()
    body = models.BinaryField()
    hash = models.BinaryField()
    mac = models.BinaryField()
    case_id = models.UUIDField(null=True)
    request_id = models.UUIDField()

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(
                fields=["case_id", "time_us"], condition=models.Q(case_id__isnull=False), name="audit_entry_case"
            ),
            models.Index(fields=["actor", "time_us"], name="audit_entry_actor"),
            models.Index(fields=["time_us"], name="audit_entry_time"),
            # For the filters of the trail's pages. Nearly everything was done, so only what was not needs an index.
            models.Index(fields=["action", "time_us"], name="audit_entry_action"),
            models.Index(fields=["outcome", "time_us"], condition=~models.Q(outcome=0), name="audit_entry_outcome"),
            models.Index(fields=["object", "time_us"], condition=models.Q(actor=NIL), name="audit_entry_nobody"),
        ]

    def __str__(self) -> str:
        return f"{self.stream}/{self.seq}"


class Head(models.Model):
    """The last event of a stream; its row lock is what puts the writers of one stream in order."""

    class Kind(models.IntegerChoices):
        CASE = 1
        USER = 2
        SYSTEM = 3

    stream = models.UUIDField(primary_key=True)
    kind = models.SmallIntegerField(choices=Kind.choices)
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.stream}/{self.seq}"


class Leaf(models.Model):
    """One event's place in the sealed log. `hash` is the event's, so that the log stands also without the event."""

    index = models.BigIntegerField(primary_key=True)
    stream = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["stream", "seq"], name="audit_leaf_event")]

    def __str__(self) -> str:
        return str(self.index)


class SealedHead(models.Model):
    """The last sealed event of a stream: where the sealer goes on, and what `heads` of a checkpoint is made of."""

    stream = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.stream}/{self.seq}"


class Tree(models.Model):
    """The log's right edge: one row, locked by the one sealer."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    size = models.BigIntegerField()
    frontier = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.size)


class Checkpoint(models.Model):
    """A signed note over the log, numbered from 1; the copy that counts is the one kept elsewhere."""

    number = models.BigIntegerField(primary_key=True)
    size = models.BigIntegerField(db_index=True)
    time = models.DateTimeField()
    has_heads = models.BooleanField()
    note = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)


class Unusual(models.Model):
    """Something unusual that somebody did, found in the trail; the trail is what proves it, so this is not signed.

    `day` begins when the night ends. `told`: who was told, and may look; `looked_by` said that they have.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    actor = models.UUIDField()
    rule = models.CharField(max_length=16)
    day = models.DateField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    count = models.PositiveIntegerField()
    told = ArrayField(models.UUIDField(), default=list)
    found_at = models.DateTimeField(default=clock.now)
    looked_by = models.UUIDField(null=True)
    looked_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["actor", "rule", "since"], name="audit_unusual_once"),
            models.CheckConstraint(
                condition=models.Q(looked_by__isnull=True, looked_at__isnull=True)
                | models.Q(looked_by__isnull=False, looked_at__isnull=False),
                name="audit_unusual_looked_by_whom",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["since"], name="audit_unusual_since")]

    def __str__(self) -> str:
        return f"finding {self.pk}"


class SeenDevice(models.Model):
    """That somebody signed in with a kind of device, and when last; which kind is a token under the grants' key."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user_id = models.UUIDField()
    token = models.BinaryField()
    last_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["user_id", "token"], name="audit_seendevice_once")]

    def __str__(self) -> str:
        return f"device {self.pk}"
