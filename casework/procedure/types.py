"""What this area hands out: facts as recorded, and limits as the case page, lists and the dossier show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from casework.core.hidden import Hidden
from casework.law.types import Deadline, Question

_NEVER = "9999-12-31"


@dataclass(frozen=True, repr=False)
class Replacement(Hidden):
    """What took the place of a fact that counts no more: when, by whom and why.

    `withdrawn`: nothing took its place. `fact_id`: the row that says so, which is the new fact unless withdrawn.
    """

    fact_id: UUID
    at: datetime
    by: UUID | None
    reason: str
    withdrawn: bool


@dataclass(frozen=True, repr=False)
class RecordedFact(Hidden):
    """A fact as recorded. `content` holds the facts-file members.

    `corrects` is the fact that this one took the place of, `reason` why. `document` is the document of the case that
    proves it. `replaced` says what took its own place; None while it counts.
    """

    id: UUID
    recorded_at: datetime
    recorded_by: UUID | None
    content: Mapping[str, Any]
    note: str
    corrects: UUID | None = None
    reason: str = ""
    document: UUID | None = None
    replaced: Replacement | None = None

    @property
    def name(self) -> str:
        return str(self.content["fact"])

    @property
    def on(self) -> str:
        """The date, or date-time, as the facts file writes it; empty where the date is not known."""
        return str(self.content.get("at") or self.content.get("on") or "")

    @property
    def undated(self) -> bool:
        """Whether nobody knows yet when it happened."""
        return not self.on

    @property
    def earliest(self) -> str:
        """The first day on which it can have happened, as ISO text; empty where nothing is known of it."""
        return self.on[:10] or str(self.content.get("not_before") or "")[:10]

    @property
    def sort_key(self) -> tuple[str, datetime]:
        """Its place in a chronology: by its day, else the first possible one, else the last; at the end without any."""
        return self.earliest or str(self.content.get("not_after") or "")[:10] or _NEVER, self.recorded_at

    @property
    def corrected(self) -> bool:
        """Whether it took the place of another."""
        return self.corrects is not None


@dataclass(frozen=True)
class ProcedureView:
    """Everything derived for one case on one day, explained; `facts` are those that count, oldest first.

    `questions` stand where a rule is not certain enough for a date; `notes` are the ids of rules without a period that
    the facts touch. `fault`: why the law can make nothing of the facts, a sentence; then there are facts and nothing
    else, and `fault_fact` is the one at fault, where it is a single one.
    """

    regime: str
    status: str
    responsible_state: str | None
    deadlines: tuple[Deadline, ...]
    warnings: tuple[str, ...]
    facts: tuple[RecordedFact, ...]
    on: date
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()
    fault: str = ""
    fault_fact: UUID | None = None

    def proof_of(self, limit: Deadline) -> RecordedFact | None:
        """Return the fact that met a limit, with the document that proves it if there is one; None if none did."""
        return None if limit.met_by is None else self.facts[limit.met_by]


@dataclass(frozen=True)
class WhatIf:
    """A procedure as it stands, and as it would stand with one fact more or another in its place. Nothing is stored."""

    now: ProcedureView
    then: ProcedureView


@dataclass(frozen=True)
class Move:
    """How one time limit of a case comes out otherwise than it is stored; dates are date-times where hours count.

    `was` is None for a limit that is new, `now` for one that no longer stands.
    """

    case_id: UUID
    rule: str
    reading: str
    was: date | datetime | None
    now: date | datetime | None

    @property
    def kind(self) -> str:
        """`new`, `gone` or `moved`."""
        return "new" if self.was is None else "gone" if self.now is None else "moved"

    @property
    def days(self) -> int | None:
        """By how many days it moved, negative where it comes earlier; None where there is nothing to compare."""
        if self.was is None or self.now is None:
            return None
        return (as_date(self.now) - as_date(self.was)).days


def as_date(value: date | datetime) -> date:
    """Return the calendar date of a due date or date-time, in the zone that it carries."""
    return value.date() if isinstance(value, datetime) else value


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
