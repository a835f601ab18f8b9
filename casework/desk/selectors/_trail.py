"""The audit trail in words: of one case for who leads it, of everything for the auditor, who sees no case content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.accounts import selectors as accounts
from casework.accounts.types import Person
from casework.audit import actions
from casework.audit import selectors as audit
from casework.audit.types import TrailEntry
from casework.desk import labels
from casework.desk.selectors._names import name_of

_SHORT = 8
# Particulars that say more than their entry's sentence, and the words before them; ids are left out.
_PARTICULARS = {
    "purpose": _("For: %s"),
    "words": _("Searched for: %s"),
    "ground": _("With the ground: %s"),
    "nationality": _("With the nationality: %s"),
    "pages": _("Pages: %s"),
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
    people = accounts.people({pk for entry in shown for pk in (_actor(entry), _holder(entry)) if pk})
    older = shown[-1].cursor if len(found) > audit.PAGE else ""
    return TrailPage(lines=tuple(_line(entry, people) for entry in shown), older=older)


def _line(entry: TrailEntry, people: Mapping[UUID | None, Person]) -> TrailLine:
    if entry.damaged:
        # Of what somebody else may have written nothing is told but where it lies.
        said = str(_("This entry was changed outside the application"))
        return TrailLine(
            at=entry.at,
            who="",
            what=said,
            outcome=str(_("Changed outside")),
            tone="danger",
            detail=str(_("Entry %(seq)s of its stream. Tell your administrator.") % {"seq": entry.seq}),
            case=str(entry.case_id)[:_SHORT] if entry.case_id else "",
            request="",
        )
    return TrailLine(
        at=entry.at,
        who=_who(entry, people),
        what=str(entry.sentence),
        outcome="" if entry.outcome == actions.DONE else str(entry.outcome_label),
        tone="warn" if entry.outcome == actions.REFUSED else "danger",
        detail=" · ".join(filter(None, (str(entry.reason), *_details(entry, people)))),
        case=str(entry.case_id)[:_SHORT] if entry.case_id else "",
        request=str(entry.request_id)[:_SHORT],
    )


def _who(entry: TrailEntry, people: Mapping[UUID | None, Person]) -> str:
    if entry.by_machine:
        return str(_("The system"))
    actor = _actor(entry)
    return name_of(actor, people, str(_("Nobody signed in") if entry.actor is None else _("A former colleague")))


def _actor(entry: TrailEntry) -> UUID | None:
    """Return who acted; whoever signs in was nobody when the request began, and is what the entry is about."""
    return entry.object if entry.actor is None and entry.action.startswith("auth.") else entry.actor


def _holder(entry: TrailEntry) -> UUID | None:
    """Return the person whom an entry about access is about; team roles have numbers, not ids."""
    try:
        return UUID(str((entry.particulars or {}).get("holder", "")))
    except ValueError:
        return None


def _details(entry: TrailEntry, people: Mapping[UUID | None, Person]) -> Iterator[str]:
    particulars = entry.particulars or {}
    if holder := name_of(_holder(entry), people):
        yield str(_("To: %s")) % holder
    if until := particulars.get("until"):
        yield str(_("Until: %s")) % labels.moment(str(until))
    for name, words in _PARTICULARS.items():
        if value := particulars.get(name):
            yield str(words) % value
