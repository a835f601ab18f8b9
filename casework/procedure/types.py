"""What this area hands out: facts as recorded, and limits as the case page, lists and the dossier show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from casework.law.types import Deadline


@dataclass(frozen=True)
class RecordedFact:
    """A fact that counts. `content` holds the facts-file members; `sort_key` orders a chronology."""

    id: UUID
    recorded_at: datetime
    recorded_by: UUID | None
    content: Mapping[str, Any]
    note: str
    corrected: bool

    @property
    def name(self) -> str:
        return str(self.content["fact"])

    @property
    def on(self) -> str:
        """The date, or date-time, as the facts file writes it."""
        return str(self.content.get("at") or self.content.get("on") or "")


@dataclass(frozen=True)
class ProcedureView:
    """Everything derived for one case on one day, explained; `facts` are those that count, oldest first."""

    regime: str
    status: str
    responsible_state: str | None
    deadlines: tuple[Deadline, ...]
    warnings: tuple[str, ...]
    facts: tuple[RecordedFact, ...]
    on: date


@dataclass(frozen=True)
class StoredLimit:
    """A stored limit as reminders and lists need it; times aware, in UTC."""

    id: UUID
    case_id: UUID
    rule: str
    state: str
    whose: str
    due_on: date
    due_at: datetime | None
