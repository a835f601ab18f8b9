"""Rehearsals of the recovery: when one last succeeded, and why it is not to be trusted any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from casework.crypto import services
from casework.crypto.keyring import RootKeyError
from casework.crypto.models import Drill

EVERY: Final = timedelta(days=90)


class Lack(StrEnum):
    """Why the recovery is not taken for granted."""

    NEVER = "never"
    OLD = "old"
    OTHER_ROOT = "other-root"


@dataclass(frozen=True)
class LastDrill:
    """The last rehearsal that succeeded."""

    at: datetime
    kek_versions: tuple[int, ...]
    values: int
    backup_made_at: datetime
    root_mark: bytes


def last_drill() -> LastDrill | None:
    """Return the last rehearsal that succeeded, or None."""
    row = Drill.objects.order_by("-at").first()
    if row is None:
        return None
    return LastDrill(row.at, tuple(row.kek_versions), row.values, row.backup_made_at, bytes(row.root_mark))


def lack(now: datetime) -> Lack | None:
    """Say what is missing for the recovery to be trusted; None when it was rehearsed with today's root key lately."""
    last = last_drill()
    if last is None:
        return Lack.NEVER
    try:
        # New wrapping keys need no new rehearsal: each start proves that the root key opens them, and the rehearsal
        # proved that the shares give that root key.
        if services.root_mark() != last.root_mark:
            return Lack.OTHER_ROOT
    except RootKeyError:
        pass  # said by the check of the keys, and louder
    return Lack.OLD if now - last.at > EVERY else None


def note_drill(*, at: datetime, kek_versions: Sequence[int], values: int, backup_made_at: datetime) -> UUID:
    """Store that a rehearsal succeeded with the root key now in use, and return its id."""
    row = Drill.objects.create(
        at=at,
        kek_versions=list(kek_versions),
        values=values,
        backup_made_at=backup_made_at,
        root_mark=services.root_mark(),
    )
    return row.id
