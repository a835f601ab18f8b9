"""The day's work: what ends soon in one's own cases, and what has just passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from casework.cases import selectors as cases
from casework.cases.types import CaseState
from casework.core import clock, work
from casework.desk import labels
from casework.notices import selectors as notices
from casework.procedure import selectors as procedure
from casework.procedure.types import StoredLimit

AHEAD_DAYS = 14
BACK_DAYS = 30
_MOST = 30


@dataclass(frozen=True)
class DueLine:
    """One limit of one case, in words."""

    case_id: UUID
    reference: str
    name_latin: str
    name_original: str
    label: str
    due_on: date
    whose: str
    detained: bool


@dataclass(frozen=True)
class Today:
    """One's own open cases: limits that passed within 30 days, limits that end within 14, and how many cases there are.

    `next_on` is the next date beyond those, where there is one. `unread` counts new lines of the inbox, `without_facts`
    cases that nothing was recorded for.
    """

    passed: tuple[DueLine, ...]
    coming: tuple[DueLine, ...]
    next_on: date | None
    unread: int
    own_cases: int
    without_facts: int
    detained: int


def today() -> Today:
    """Return the day's work of the actor in the cases that they lead: a fixed number of queries."""
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    own = cases.visible().filter(state=CaseState.OPEN, lead_id=actor_id)
    known = {row[0]: row for row in own.values_list("id", "stage", "detained", "next_due_on")}
    day = clock.today()
    limits = procedure.stored_limits(known)
    since, until = day - timedelta(days=BACK_DAYS), day + timedelta(days=AHEAD_DAYS)
    passed = [limit for limit in limits if limit.state == "expired" and since <= limit.due_on]
    passed.sort(key=lambda limit: limit.due_on, reverse=True)
    running = [limit for limit in limits if limit.state == "running"]
    coming = [limit for limit in running if limit.due_on <= until]
    later = [limit.due_on for limit in running if limit.due_on > until]
    shown = passed[:_MOST] + coming[:_MOST]
    rows = {row.id: row for row in cases.rows_of(cases.visible().filter(pk__in={limit.case_id for limit in shown}))}

    def line(limit: StoredLimit) -> DueLine:
        row = rows[limit.case_id]
        return DueLine(
            case_id=row.id,
            reference=row.reference,
            name_latin=row.name_latin,
            name_original=row.name_original,
            label=labels.rule(limit.rule),
            due_on=limit.due_on,
            whose=labels.whose(limit.whose),
            detained=row.detained,
        )

    return Today(
        passed=tuple(line(limit) for limit in passed[:_MOST] if limit.case_id in rows),
        coming=tuple(line(limit) for limit in coming[:_MOST] if limit.case_id in rows),
        next_on=min(later, default=None),
        unread=notices.unread_count(actor_id),
        own_cases=len(known),
        without_facts=sum(1 for _id, stage, _detained, _due in known.values() if not stage),
        detained=sum(1 for _id, _stage, detained, _due in known.values() if detained),
    )
