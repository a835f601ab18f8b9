"""The audit trail in words: of one case for who leads it, of everything for the auditor, who sees no case content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.accounts import selectors as accounts
from casework.accounts.types import Person
from casework.audit import actions
from casework.audit import selectors as audit
from casework.audit.types import TrailEntry

_SHORT = 8
# Particulars that say more than their entry's sentence, and the words before them; ids are left out.
_PARTICULARS = {
    "purpose": _("For: %s"),
    "words": _("Searched for: %s"),
    "pages": _("Pages: %s"),
    "until": _("Until: %s"),
}


@dataclass(frozen=True)
class TrailLine:
    """One entry in words; `case` and `request` are beginnings of ids, `outcome` is empty for what was simply done."""

    at: datetime
    who: str
    what: str
    outcome: str
    tone: str
    detail: str
    case: str
    request: str


@dataclass(frozen=True)
class TrailPage:
    """Entries, newest first; `older` is the cursor of the next page, or empty."""

    lines: tuple[TrailLine, ...]
    older: str


def case_trail(case_id: UUID, *, before: str = "") -> TrailPage:
    """Return the trail of one case; a fixed number of queries. The caller has asked whether the reader may see it."""
    return _page(audit.entries_of_case(case_id, limit=audit.PAGE + 1, before=before))


def trail(*, before: str = "", who: UUID | None = None) -> TrailPage:
    """Return the trail of everything, or of one person. The caller has made sure that the reader is an auditor."""
    if who is not None:
        return _page(audit.entries_of_actor(who, limit=audit.PAGE + 1, before=before))
    return _page(audit.entries_all(limit=audit.PAGE + 1, before=before))


def _page(found: Sequence[TrailEntry]) -> TrailPage:
    shown = found[: audit.PAGE]
    people = accounts.people({entry.actor for entry in shown if entry.actor})
    older = shown[-1].cursor if len(found) > audit.PAGE else ""
    return TrailPage(lines=tuple(_line(entry, people) for entry in shown), older=older)


def _line(entry: TrailEntry, people: Mapping[UUID, Person]) -> TrailLine:
    return TrailLine(
        at=entry.at,
        who=_who(entry, people),
        what=str(entry.sentence),
        outcome="" if entry.outcome == actions.DONE else str(entry.outcome_label),
        tone="warn" if entry.outcome == actions.REFUSED else "danger",
        detail=" · ".join(filter(None, (str(entry.reason), _detail(entry.particulars or {})))),
        case=str(entry.case_id)[:_SHORT] if entry.case_id else "",
        request=str(entry.request_id)[:_SHORT],
    )


def _who(entry: TrailEntry, people: Mapping[UUID, Person]) -> str:
    if entry.by_machine:
        return str(_("The system"))
    if entry.actor is None:
        return str(_("Nobody signed in"))
    return people[entry.actor].name if entry.actor in people else str(_("A former colleague"))


def _detail(particulars: Mapping[str, Any]) -> str:
    return " · ".join(str(words) % particulars[name] for name, words in _PARTICULARS.items() if particulars.get(name))
