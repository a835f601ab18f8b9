"""The abstract grant models: guardian's direct-foreign-key rows with level, reason, who granted, until when, and a MAC.

guardian writes one row per permission; our levels imply each other, so a holder has one row per level given and a list
needs to look for any row. The concrete tables add `content_object` (see `casework.cases.models`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from guardian.models.models import GroupObjectPermissionBase, UserObjectPermissionBase

from casework.access.types import LEVEL_BY_CODENAME, Level
from casework.accounts.models import microseconds, role_bytes
from casework.core import clock, ids
from casework.crypto.fields import SealedTextField


def grant_bytes(
    *,
    grant_id: UUID,
    kind: int,
    holder: bytes,
    case_id: UUID,
    level: int,
    granted_by: UUID | None,
    granted_at: datetime,
    until: datetime | None,
) -> bytes:
    """Return the MAC input of a grant.

    `"cw/g2" || id(16) || u8 kind || holder || case(16) || u8 level || granted_by(16) || i64 granted_at || i64 until`.
    `kind`: 1 a person (16 bytes), 2 a group (its number in 4 bytes and what it stands for in 32). Times in microseconds
    since 1970, UTC; no end is 0.
    """
    ends = microseconds(until) if until else bytes(8)
    by = (granted_by or UUID(int=0)).bytes
    starts = microseconds(granted_at)
    return joined(grant_id.bytes, bytes((kind,)), holder, case_id.bytes, bytes((level,)), by, starts, ends)


def joined(*parts: bytes) -> bytes:
    """Return the same from its parts, after the label and in their order."""
    return b"".join((b"cw/g2", *parts))


class GrantFields(models.Model):
    """What both kinds of grant add to guardian's row."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    granted_by = models.UUIDField(null=True)
    granted_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField(null=True)
    # Free words may describe the person, so they are sealed under the case's key.
    reason = SealedTextField(field_id=1)
    mac = models.BinaryField(max_length=16)

    KIND: ClassVar[int]
    content_object_id: UUID
    permission_id: int

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"grant {self.pk}"

    @property
    def level(self) -> Level:
        """The level that guardian's permission stands for; needs `permission` selected with the row."""
        return LEVEL_BY_CODENAME[self.permission.codename]  # type: ignore[attr-defined]

    def sealed_scope(self) -> UUID:
        return self.content_object_id

    def holder_bytes(self) -> bytes:
        """Return the holder as the MAC sees it."""
        raise TypeError("a concrete grant says who holds it")

    def signed_bytes(self) -> bytes:
        """Return the bytes that the MAC covers."""
        return grant_bytes(
            grant_id=self.id,
            kind=self.KIND,
            holder=self.holder_bytes(),
            case_id=self.content_object_id,
            level=self.level,
            granted_by=self.granted_by,
            granted_at=self.granted_at,
            until=self.until,
        )


class UserGrant(GrantFields, UserObjectPermissionBase):
    """A person's grant on one object."""

    KIND = 1
    user_id: UUID

    # guardian's manager would write grants without level, end and MAC.
    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True

    def holder_bytes(self) -> bytes:
        return self.user_id.bytes


class GroupGrant(GrantFields, GroupObjectPermissionBase):
    """A team role's grant on one object."""

    KIND = 2
    group_id: int

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True

    def holder_bytes(self) -> bytes:
        # A group that is made to stand for another role holds nothing that was given to it as this one.
        return self.group_id.to_bytes(4, "big") + role_bytes(self.group)
