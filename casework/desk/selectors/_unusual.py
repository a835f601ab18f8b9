"""Unusual access in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access import watching
from casework.accounts import selectors as accounts
from casework.audit import unusual
from casework.audit.models import Unusual
from casework.cases import selectors as cases
from casework.core import clock
from casework.desk.selectors._names import name_of

_SHOWN: Final = timedelta(days=30)


@dataclass(frozen=True)
class UnusualLine:
    """Something unusual that somebody did; `until` is None for a single act.

    `reference` and `case_id` are those of a case opened in an emergency, where the reader may see it.
    """

    id: UUID
    who: str
    what: str
    since: datetime
    until: datetime | None
    reference: str
    case_id: UUID | None
    looked_by: str
    looked_at: datetime | None


def unusual_lines() -> list[UnusualLine]:
    """Return what the reader was told of in the last 30 days, newest first; at most four queries."""
    rows = watching.findings(clock.now() - _SHOWN)
    if not rows:
        return []
    people = accounts.people({pk for row in rows for pk in (row.actor, row.looked_by) if pk is not None})
    opened = watching.cases_of_emergencies(rows)
    references = cases.references(set(opened.values()))
    former = str(_("A former colleague"))

    def line(row: Unusual) -> UnusualLine:
        case_id = opened.get(row.pk)
        reference = references.get(case_id, "") if case_id is not None else ""
        return UnusualLine(
            id=row.pk,
            who=name_of(row.actor, people, former),
            what=unusual.words(row.rule, row.count),
            since=row.since,
            until=row.until if row.until != row.since else None,
            reference=reference,
            case_id=case_id if reference else None,
            looked_by=name_of(row.looked_by, people, former) if row.looked_at else "",
            looked_at=row.looked_at,
        )

    return [line(row) for row in rows]


def unusual_reasons() -> list[tuple[str, str]]:
    """Return what counts as unusual: the label of each rule and when it holds, with its thresholds."""
    return unusual.reasons()
