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
    damaged: bool = False


@dataclass(frozen=True)
class Today:
    """One's own open cases: limits that end within 14 days or passed within 30, and how many cases there are.

    `overdue` are passed limits of our own side, `passed` those of states and authorities: claims to look at.
    `next_on` is the next date beyond those, where there is one. `unread` counts new lines of the inbox, `without_facts`
    cases that nothing was recorded for.
    """

    overdue: tuple[DueLine, ...]
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
    # Two readings of one rule may end on one day: that is one line.
    limits = {(limit.case_id, limit.rule, limit.due_on, limit.state): limit for limit in procedure.stored_limits(known)}
    since, until = day - timedelta(days=BACK_DAYS), day + timedelta(days=AHEAD_DAYS)
    expired = [limit for limit in limits.values() if limit.state == "expired" and since <= limit.due_on]
    expired.sort(key=lambda limit: limit.due_on, reverse=True)
    overdue = [limit for limit in expired if limit.whose == "applicant"][:_MOST]
    passed = [limit for limit in expired if limit.whose != "applicant"][:_MOST]
    running = [limit for limit in limits.values() if limit.state == "running"]
    coming = [limit for limit in running if limit.due_on <= until][:_MOST]
    later = [limit.due_on for limit in running if limit.due_on > until]
    shown = {limit.case_id for limit in (*overdue, *passed, *coming)}
    rows = {row.id: row for row in cases.rows_of(cases.visible().filter(pk__in=shown))}

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
            damaged=row.damaged,
        )

    return Today(
        overdue=tuple(line(limit) for limit in overdue if limit.case_id in rows),
        passed=tuple(line(limit) for limit in passed if limit.case_id in rows),
        coming=tuple(line(limit) for limit in coming if limit.case_id in rows),
        next_on=min(later, default=None),
        unread=notices.unread_count(actor_id, cases.visible().values("pk")),
        own_cases=len(known),
        without_facts=sum(1 for _id, stage, _detained, _due in known.values() if not stage),
        detained=sum(1 for _id, _stage, detained, _due in known.values() if detained),
    )
