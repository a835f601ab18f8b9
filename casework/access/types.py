"""Levels and decisions: the words of permission."""

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import pgettext_lazy

from casework.core.hidden import Hidden


class Level(enum.IntEnum):
    """What a grant lets its holder do with one case; a level implies those below it."""

    VIEW = 1
    DOSSIER = 2
    WORK = 3
    LEAD = 4

    @property
    def codename(self) -> str:
        return f"{self.name.lower()}_case"

    @property
    def label(self) -> str:
        return str(LEVEL_LABELS[self])


LEVEL_LABELS = {
    Level.VIEW: pgettext_lazy("level", "may read"),
    Level.DOSSIER: pgettext_lazy("level", "may read and export the dossier"),
    Level.WORK: pgettext_lazy("level", "may work on it"),
    Level.LEAD: pgettext_lazy("level", "leads it"),
}
LEVEL_BY_CODENAME = {level.codename: level for level in Level}


@dataclass(frozen=True)
class Decision:
    """Whether an act is allowed, and whether the actor may know of the case at all."""

    allowed: bool
    visible: bool
    reason: str = ""


@dataclass(frozen=True, repr=False)
class GrantView(Hidden):
    """One grant as the access tab shows it. `holder` is a person's id, or None where a team role holds it."""

    id: UUID
    holder_id: UUID | None
    group_id: int | None
    level: Level
    granted_by: UUID | None
    granted_at: datetime
    until: datetime | None
    reason: str
