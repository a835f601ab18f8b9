"""Earlier versions of a case in words, and its record as it was on a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from casework.accounts import selectors as accounts
from casework.accounts.types import Person as Colleague
from casework.audit import actions
from casework.audit.types import SYSTEM_STREAM
from casework.cases import versions
from casework.cases.types import CaseState, Channel, Ground, Relation, RiskLevel
from casework.core import places
from casework.desk import labels
from casework.desk.selectors._names import name_of
from casework.desk.selectors._page import TimelineItem, fact_line, people_summary, timeline_items
from casework.documents import selectors as documents
from casework.documents.types import DocumentKind
from casework.procedure import selectors as procedure
from casework.procedure.types import RecordedFact

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE: Final = 50
_FAULTS: Mapping[str, StrOrPromise] = {
    versions.CHANGED: _(
        "This version was changed outside the application, so it is not shown. Tell your administrator."
    ),
    versions.GONE: _("The trail tells of this change, but its version is gone. Tell your administrator."),
    versions.SHUT: _("This version cannot be opened: its key is not there any more."),
}


@dataclass(frozen=True)
class ChangeLine:
    """A field with what stood there before and since; `old` is empty where nothing did."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class VersionLine:
    """One version in words. `entry`: the number of its entry in the case's trail; `fault`: why it is not shown."""

    at: datetime
    who: str
    what: str
    subject: str
    entry: int | None
    fault: str
    first: bool
    changes: tuple[ChangeLine, ...]


@dataclass(frozen=True)
class VersionPage:
    """Versions, newest first."""

    lines: tuple[VersionLine, ...]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return -(-self.total // PAGE) or 1


@dataclass(frozen=True)
class PastDocument:
    """A document as it was described."""

    title: str
    kind: str
    file_name: str
    size: str
    dated: str


@dataclass(frozen=True)
class PastPage:
    """The record of a case as it was at the end of a day, in words.

    `existed`: the case was there. `shown`: the record can be shown. `unshown`: how many parts of it cannot. `since`:
    how often it has changed.
    """

    day: date
    existed: bool
    shown: bool
    unshown: int
    since: int
    title: str = ""
    summary: str = ""
    about: tuple[tuple[str, object], ...] = ()
    record: Mapping[str, list[tuple[str, object]]] | None = None
    facts: tuple[TimelineItem, ...] = ()
    documents: tuple[PastDocument, ...] = ()


def version_page(case_id: UUID, number: int = 1) -> VersionPage:
    """Return a page of the versions of a case, facts among them; a fixed number of queries, one trail entry.

    Raises:
        NotFound, NotAllowed: the actor may not see the case, or not its versions.
    """
    history = versions.versions_of(case_id)
    recorded = [*procedure.recorded_facts(case_id), *procedure.earlier_versions(case_id)]
    facts = list(_fact_steps(recorded, versions.entries_of(case_id, _rows_of(recorded))))
    steps: list[versions.Step | _FactStep] = [*history.steps, *facts]
    steps.sort(key=lambda step: step.order, reverse=True)
    total = len(steps)
    number = max(1, min(number, -(-total // PAGE) or 1))
    shown = steps[(number - 1) * PAGE : number * PAGE]
    people = accounts.people(_named(history, facts))
    lines = [
        _fact_line(step, people) if isinstance(step, _FactStep) else _line(history.told(step), people) for step in shown
    ]
    return VersionPage(tuple(lines), total, number)


def past_page(case_id: UUID, day: date, moment: datetime) -> PastPage:
    """Return what the record of a case was on `day`, which ended at `moment`; one trail entry.

    Raises:
        NotFound, NotAllowed: as `version_page`.
    """
    past = versions.as_of(case_id, moment)
    facts, later = procedure.facts_as_of(case_id, moment)
    since = past.since + later
    case = past.case
    if case is None:
        return PastPage(day, past.existed, False, past.unshown, since)
    people = accounts.people({who for who in (*(fact.recorded_by for fact in facts), case.lead_id) if who})
    return PastPage(
        day=day,
        existed=True,
        shown=True,
        unshown=past.unshown,
        since=since,
        title=case.title,
        summary=case.summary,
        about=(
            (str(_("Name")), case.applicant.name_latin or case.applicant.name_original),
            (str(_("In the original script")), case.applicant.name_original),
            (str(_("Procedure in")), labels.country(case.country)),
            (str(_("Stage")), labels.stage(case.stage)),
            (str(_("Risk")), str(RiskLevel(case.risk_level).label)),
            (str(_("State of the case")), str(CaseState(case.state).label)),
            (str(_("Led by")), name_of(case.lead_id, people, str(_("A former colleague"))) if case.lead_id else ""),
        ),
        record=people_summary(case, on=day),
        facts=tuple(timeline_items(case_id, facts, people=people, may_correct=False, documents={})),
        documents=tuple(_document(row) for row in past.documents),
    )


# --- lines ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _FactStep:
    """A fact recorded, corrected or taken back; `before` is what it took the place of."""

    at: datetime
    by: UUID | None
    entry: int | None
    what: str
    fact: RecordedFact | None
    before: RecordedFact | None
    reason: str

    @property
    def order(self) -> tuple[datetime, int]:
        return self.at, self.entry or 0


def _rows_of(recorded: Sequence[RecordedFact]) -> set[UUID]:
    return {fact.id for fact in recorded} | {fact.replaced.fact_id for fact in recorded if fact.replaced}


def _fact_steps(recorded: Sequence[RecordedFact], entries: Mapping[UUID, int]) -> Iterator[_FactStep]:
    known = {fact.id: fact for fact in recorded}
    for fact in recorded:
        before = known.get(fact.corrects) if fact.corrects else None
        what = _sentence("fact.corrected" if fact.corrects else "fact.recorded")
        at, by = fact.recorded_at, fact.recorded_by
        yield _FactStep(at, by, entries.get(fact.id), what, fact, before, fact.reason)
        gone = fact.replaced
        if gone is not None and gone.withdrawn:
            entry = entries.get(gone.fact_id)
            yield _FactStep(gone.at, gone.by, entry, str(_("Took a fact back")), None, fact, gone.reason)


def _named(history: versions.History, facts: Sequence[_FactStep]) -> set[UUID]:
    """Return everybody whose name the lines may need: authors, and those who led the case."""
    leads = {getattr(step.version, "lead_id", None) for step in history.steps}
    authors = {step.by for step in history.steps} | {fact.by for fact in facts}
    return {person for person in authors | leads if person}


def _fact_line(step: _FactStep, people: Mapping[UUID | None, Colleague]) -> VersionLine:
    old, new = _told(step.before), _told(step.fact)
    changes = [ChangeLine(str(_("Fact")), old, new)] if old or new else []
    if step.reason:
        changes.append(ChangeLine(str(_("Reason")), "", step.reason))
    return VersionLine(step.at, _who(step.by, people), step.what, "", step.entry, "", False, tuple(changes))


def _told(fact: RecordedFact | None) -> str:
    if fact is None:
        return ""
    title, text = fact_line(fact.content)
    return " · ".join(part for part in (title, labels.moment(fact.on), text, fact.note) if part)


def _line(version: versions.Version, people: Mapping[UUID | None, Colleague]) -> VersionLine:
    return VersionLine(
        at=version.at,
        who=_who(version.by, people),
        what=_sentence(version.action) or str(_("Changed the record")),
        subject=_subject(version),
        entry=version.entry,
        fault=str(_FAULTS.get(version.fault, "")),
        first=version.kind == "+",
        changes=tuple(
            ChangeLine(
                _label(change.name), _words(change.name, change.old, people), _words(change.name, change.new, people)
            )
            for change in version.changes
        ),
    )


def _subject(version: versions.Version) -> str:
    if version.noun != "case":
        return version.name
    # What the law makes of the facts is told by the entry of the fact.
    known = actions.ACTION_BY_NAME.get(version.action)
    return str(_("What follows from it")) if known is not None and known.noun != "case" else ""


def _sentence(action: str) -> str:
    return str(actions.ACTION_BY_NAME[action].sentence) if action else ""


def _who(person: UUID | None, people: Mapping[UUID | None, Colleague]) -> str:
    if person == SYSTEM_STREAM:
        return str(_("The system"))
    return name_of(person, people, str(_("A former colleague")))


# --- fields --------------------------------------------------------------------------------------------------------

_LABELS: Mapping[str, StrOrPromise] = {
    "title": _("Title"),
    "summary": _("Summary"),
    "access_notes": _("Access notes"),
    "safe_contact": _("Safe contact"),
    "grounds": _("Grounds and account"),
    "state": _("State of the case"),
    "country": _("Procedure in"),
    "regime": _("Regime"),
    "stage": _("Stage"),
    "responsible_state": _("Responsible state"),
    "next_due_on": _("Next time limit"),
    "detained": _("Detained"),
    "risk_level": _("Risk"),
    "opened_on": _("Opened on"),
    "closed_on": _("Closed on"),
    "lead": _("Led by"),
    "team": _("Team"),
    "relation": _("Relation"),
    "name_original": _("Name in the original script"),
    "name_latin": _("Name in Latin letters"),
    "birth_on": _("Date of birth"),
    "birth_estimated": _("Date of birth is estimated"),
    "gender": _("Gender"),
    "nationalities": _("Nationalities"),
    "languages": _("Languages"),
    "particulars": _("Where, and numbers of papers"),
    "kind": _("Kind"),
    "file_name": _("File"),
    "media_type": _("Type of file"),
    "size": _("Size"),
    "dated_on": _("Dated"),
}
_CHOICES: Mapping[str, Mapping[Any, StrOrPromise]] = {
    "state": dict(CaseState.choices),
    "risk_level": dict(RiskLevel.choices),
    "relation": dict(Relation.choices),
    "kind": dict(DocumentKind.choices),
}


def _label(name: str) -> str:
    return str(_LABELS.get(name, name))


def _words(name: str, value: Any, people: Mapping[UUID | None, Colleague]) -> str:
    """Return one value of a version in words; nothing for one that is empty."""
    if value is None or value in ("", [], {}):
        return ""
    if name == "lead":
        return _who(value, people)
    if name in _CHOICES:
        return str(_CHOICES[name].get(value, value))
    if name in _SAID:
        return str(_SAID[name](value))
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    return labels.day(value) if isinstance(value, date) else str(value)


def _grounds(value: Sequence[Mapping[str, str]]) -> str:
    kinds = dict(Ground.choices)
    said = ((str(kinds.get(one["kind"], one["kind"])), one.get("account", "")) for one in value)
    return "; ".join(": ".join(part for part in pair if part) for pair in said)


def _contact(value: Mapping[str, Any]) -> str:
    channels = dict(Channel.choices)
    parts = [", ".join(str(channels.get(one, one)) for one in value.get("channels", ()))]
    parts += [str(value.get(name, "")) for name in ("details", "hours", "code_word")]
    if value.get("may_leave_message"):
        parts.append(str(_("we may leave a message")))
    return " · ".join(part for part in parts if part)


_SAID: Mapping[str, Callable[[Any], object]] = {
    "team": lambda value: accounts.team_names([value]).get(value, ""),
    "country": labels.country,
    "responsible_state": labels.country,
    "regime": labels.regime,
    "stage": labels.stage,
    "dated_on": labels.moment,
    "nationalities": lambda value: ", ".join(str(places.state_name(code)) for code in value),
    "languages": lambda value: ", ".join(str(places.language_name(code)) for code in value),
    "grounds": _grounds,
    "safe_contact": _contact,
    "particulars": lambda value: " · ".join(
        filter(None, (labels.country(value.get("state", "")), *value.get("papers", ())))
    ),
    "size": filesizeformat,
}


def _document(row: Any) -> PastDocument:
    view = documents.view_of(row)
    return PastDocument(
        title=view.title,
        kind=str(_CHOICES["kind"].get(view.kind, view.kind)),
        file_name=view.file_name,
        size=filesizeformat(view.size),
        dated=labels.moment(view.dated_on),
    )
