"""The audit trail in words: of one case for who leads it, of everything for the auditor, who sees no case content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from casework.access.selectors import levels_for
from casework.accounts import devices
from casework.accounts import selectors as accounts
from casework.accounts.types import Person
from casework.audit import actions, unusual
from casework.audit import selectors as audit
from casework.audit.types import EVERYTHING, TrailEntry, TrailFilter
from casework.cases import selectors as cases
from casework.desk import labels
from casework.desk.selectors._names import name_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

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
    """One entry in words; `outcome` is empty for what was simply done, `marks` say what is unusual about it.

    `case` is a reference on the page of somebody who may see the case, with its address; else the beginning of the id,
    as `request` is. `case_start` is that beginning.
    """

    at: datetime
    who: str
    what: str
    outcome: str
    tone: str
    detail: str
    case: str
    request: str
    marks: tuple[StrOrPromise, ...] = ()
    case_start: str = ""
    case_url: str = ""


@dataclass(frozen=True)
class TrailPage:
    """Entries, newest first; `older` is the cursor of the next page, or empty."""

    lines: tuple[TrailLine, ...]
    older: str


@dataclass(frozen=True)
class OwnSummary:
    """What somebody did in the last days, in numbers with their words; where from, and how often sign-ins failed."""

    counts: tuple[tuple[int, StrOrPromise], ...]
    devices: tuple[tuple[str, int, datetime], ...]
    failures: int


def case_trail(case_id: UUID, *, wanted: TrailFilter = EVERYTHING, before: str = "", marked: bool = False) -> TrailPage:
    """Return the trail of one case; a fixed number of queries. The caller has asked whether the reader may see it.

    `marked`: say what is unusual about an entry.
    """
    found = audit.entries_of_case(case_id, wanted=wanted, limit=audit.PAGE + 1, before=before)
    return _page(found, marked=marked)


def actors_of_case(case_id: UUID) -> list[tuple[UUID, StrOrPromise]]:
    """Return the colleagues who stand in a case's trail, with their names; two queries."""
    return [(person.id, person.name) for person in accounts.people(audit.actors_of_case(case_id)).values()]


def trail(*, wanted: TrailFilter = EVERYTHING, before: str = "") -> TrailPage:
    """Return the trail of everything. The caller has made sure that the reader is an auditor."""
    return _page(audit.entries_all(wanted=wanted, limit=audit.PAGE + 1, before=before), marked=True)


def own_trail(user_id: UUID, *, wanted: TrailFilter, before: str = "") -> TrailPage:
    """Return what the actor did themselves; a case by its reference where they still may see it."""
    found = audit.own_entries(user_id, wanted=wanted, limit=audit.PAGE + 1, before=before)
    page = _page(found, marked=False)
    ids = {entry.case_id for entry in found if entry.case_id}
    seen = cases.references(levels_for(user_id, ids)) if ids else {}
    lines = [_with_reference(line, entry.case_id, seen) for entry, line in zip(found, page.lines, strict=False)]
    return replace(page, lines=tuple(lines))


def _with_reference(line: TrailLine, case_id: UUID | None, seen: Mapping[UUID, str]) -> TrailLine:
    if case_id is None or case_id not in seen:
        return line
    return replace(line, case=seen[case_id], case_url=reverse("case_detail", args=[case_id]))


def own_summary(user_id: UUID, since: datetime) -> OwnSummary:
    """Return in numbers what the actor did since then."""
    found = audit.summary_of(user_id, since)

    def count(*names: str) -> int:
        return sum(found.done.get(name, 0) for name in names)

    signed_in = count("auth.signed_in")
    documents = count("document.downloaded", "document.previewed")
    exports = count("dossier.exported", "audit.exported", "calendar.exported")
    return OwnSummary(
        counts=(
            (signed_in, ngettext_lazy("sign-in", "sign-ins", signed_in)),
            (found.cases, ngettext_lazy("case opened", "cases opened", found.cases)),
            (documents, ngettext_lazy("document opened", "documents opened", documents)),
            (exports, ngettext_lazy("export", "exports", exports)),
        ),
        devices=tuple((devices.label(kind), often, last) for kind, often, last in found.devices),
        failures=sum(found.failed.get(name, 0) for name in ("auth.sign_in_failed", "auth.second_factor_failed")),
    )


def _page(found: Sequence[TrailEntry], *, marked: bool) -> TrailPage:
    shown = found[: audit.PAGE]
    people = accounts.people({pk for entry in shown for pk in (_actor(entry), _holder(entry)) if pk})
    older = shown[-1].cursor if len(found) > audit.PAGE else ""
    marks = unusual.marks(shown) if marked else _emergencies(shown)
    return TrailPage(
        lines=tuple(replace(_line(entry, people), marks=marks.get((entry.stream, entry.seq), ())) for entry in shown),
        older=older,
    )


def _emergencies(shown: Sequence[TrailEntry]) -> Mapping[tuple[UUID, int], tuple[StrOrPromise, ...]]:
    """Return what is marked for everybody who sees the entry: emergencies alone."""
    label = unusual.RULES["glass"].label
    return {(entry.stream, entry.seq): (label,) for entry in shown if entry.action == "access.glass_broken"}


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
            case=_start(entry),
            request="",
            case_start=_start(entry),
        )
    return TrailLine(
        at=entry.at,
        who=_who(entry, people),
        what=str(entry.sentence),
        outcome="" if entry.outcome == actions.DONE else str(entry.outcome_label),
        tone="warn" if entry.outcome == actions.REFUSED else "danger",
        detail=" · ".join(filter(None, (str(entry.reason), *_details(entry, people)))),
        case=_start(entry),
        request=str(entry.request_id)[:_SHORT],
        case_start=_start(entry),
    )


def _start(entry: TrailEntry) -> str:
    return str(entry.case_id)[:_SHORT] if entry.case_id else ""


def _who(entry: TrailEntry, people: Mapping[UUID | None, Person]) -> str:
    if entry.by_machine:
        return str(_("The system"))
    actor = _actor(entry) if entry.actor is not None or entry.outcome == actions.DONE else None
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
    # Whoever tried to be somebody, and failed, need not be that person.
    if entry.actor is None and entry.outcome != actions.DONE and (account := name_of(_actor(entry), people)):
        yield str(_("At the account of: %s")) % account
    if holder := name_of(_holder(entry), people):
        yield str(_("To: %s")) % holder
    if device := particulars.get("device"):
        yield devices.label(str(device))
    if until := particulars.get("until"):
        yield str(_("Until: %s")) % labels.moment(str(until))
    for name, words in _PARTICULARS.items():
        if value := particulars.get(name):
            yield str(words) % value
