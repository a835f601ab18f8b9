"""Opening pages: reading leaves a trace, so each asks for the right, writes to the trail and hands out values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access import services as access
from casework.access.actions import Action
from casework.access.types import Level
from casework.accounts import selectors as accounts
from casework.accounts.types import Person
from casework.audit import proof
from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.types import CaseFilter, CaseView, Household
from casework.core import clock, work
from casework.core.errors import Invalid, NotFound
from casework.desk import labels, selectors
from casework.desk.selectors import CaseHeader, CaseList, DocumentLink, LimitCard, TimelineItem, Today
from casework.documents import selectors as documents
from casework.law import changes
from casework.procedure import selectors as procedure
from casework.procedure.types import ProcedureView, RecordedFact, Replacement, WhatIf
from casework.transfers import selectors as transfers
from casework.transfers.types import Board


@dataclass(frozen=True)
class CasePage:
    """One opened case: its head, its record, the colleagues named on the page, and what was derived where asked for."""

    header: CaseHeader
    case: CaseView
    people: Mapping[UUID | None, Person]
    procedure: ProcedureView | None = None


def open_today() -> Today:
    """Return the actor's day; one trail entry.

    Raises:
        NotAllowed: the actor's role has no cases.
    """
    policies.check(Action.LIST_CASES)
    audit.record("today.viewed")
    return selectors.today()


def proof_of_trail(case_id: UUID, *, since: int | None) -> str:
    """Return the proof of a case's trail as a file; one trail entry. The caller has asked for SEE_CASE_TRAIL.

    Raises:
        casework.audit.proof.NotSealed, casework.audit.proof.NoSuchCheckpoint: as there.
    """

    def names(ids: Collection[UUID]) -> Mapping[UUID, str]:
        return {person.id: person.name for person in accounts.people(ids).values()}

    made = proof.of_case(case_id, names=names, since=since)
    audit.record("audit.exported", case=case_id)
    return json.dumps(made, ensure_ascii=False)


def list_cases(wanted: CaseFilter, number: int = 1) -> CaseList:
    """Return one page of the visible cases; one trail entry, which holds what was searched for.

    Raises:
        NotAllowed: the actor's role has no cases.
    """
    policies.check(Action.LIST_CASES)
    asked = {name: getattr(wanted, name) for name in ("words", "ground", "nationality") if getattr(wanted, name)}
    if asked:
        audit.record("case.searched", body=asked)
    else:
        # Without particulars: they would cost a key for every look at a list, and the filters name nobody.
        audit.record("case.listed")
    return CaseList.of(cases.page_of_cases(wanted, number))


def open_page(case_id: UUID, *, derive: bool = False, lang: str = "", looked: str = "case.read") -> CasePage:
    """Open a case for one of its pages; one trail entry, `looked`. `derive`: also derive its procedure, explained.

    `lang`: the language of the explanation; by default the page's, where the law has words in it.

    Raises:
        NotFound: there is no such case, or the actor may not know of it.
    """
    case = case_services.open_case(case_id, looked=looked)
    derived = procedure.derived(case_id, case.country, lang=lang or labels.law_language()) if derive else None
    authors = {fact.recorded_by for fact in derived.facts if fact.recorded_by} if derived else set()
    people = accounts.people({case.lead_id, *authors} if case.lead_id else authors)
    return CasePage(selectors.header_of(case, derived, people=people), case, people, derived)


def open_for(case_id: UUID, action: Action, *, derive: bool = False, looked: str = "case.read") -> CasePage:
    """Open a case for a page on which the actor does `action`; one trail entry. The rest: as `open_page` has it.

    Raises:
        NotFound, NotAllowed: the actor may not see the case, or not do this.
    """
    policies.check(action, case_id)
    return open_page(case_id, derive=derive, looked=looked)


def fact_to_change(case_id: UUID, fact_id: UUID) -> RecordedFact:
    """Return one fact of a case, for correcting it; its `replaced` says so where it counts no more.

    Raises:
        NotFound, NotAllowed: the actor may not change the record, or there is no such fact.
    """
    policies.check(Action.RECORD_FACT, case_id)
    return _version(case_id, fact_id)


def fact_of(page: CasePage, fact_id: UUID) -> RecordedFact:
    """Return one fact of an opened case, for reading; its `replaced` says so where it counts no more.

    Raises:
        NotFound: there is no such fact.
    """
    return _version(page.header.id, fact_id)


def _version(case_id: UUID, fact_id: UUID) -> RecordedFact:
    for versions in (procedure.recorded_facts, procedure.earlier_versions):
        found = next((fact for fact in versions(case_id) if fact.id == fact_id), None)
        if found is not None:
            return found
    raise NotFound


@dataclass(frozen=True)
class Overtaken:
    """What became of a fact that counts no more while somebody was about to change it, or to suppose it otherwise.

    `last` is the latest step, `who` took it (empty: the actor's own). `then` is the version that took the fact's place
    at once, `now` the one that counts; each is None where the fact was withdrawn instead.
    """

    last: Replacement
    who: str
    then: RecordedFact | None
    now: RecordedFact | None


def overtaken(case_id: UUID, fact: RecordedFact) -> Overtaken | None:
    """Return what became of a fact of a case that the actor may read; None while it counts."""
    if fact.replaced is None:
        return None
    versions = {one.id: one for one in (*procedure.earlier_versions(case_id), *procedure.recorded_facts(case_id))}
    last, then = fact.replaced, versions.get(fact.replaced.fact_id)
    now = then
    while now is not None and now.replaced is not None:
        last, now = now.replaced, versions.get(now.replaced.fact_id)
    found = accounts.people({last.by}).get(last.by) if last.by and not _is_own(last.by) else None
    who = "" if _is_own(last.by) else found.name if found else str(_("the system"))
    return Overtaken(last, who, then, now)


def is_done(
    fact: RecordedFact,
    became: Overtaken,
    *,
    reason: str,
    content: Mapping[str, Any] | None = None,
    note: str = "",
    document: UUID | None = None,
) -> bool:
    """Tell whether the actor did just this to a fact already: a form that was sent twice. No `content`: withdrew it."""
    assert fact.replaced is not None
    if not _is_own(fact.replaced.by) or fact.replaced.reason != reason.strip():
        return False
    if content is None or became.then is None:
        return content is None and became.then is None
    then = became.then
    return (dict(then.content), then.note, then.document) == (dict(content), note.strip(), document)


def _is_own(person_id: UUID | None) -> bool:
    return person_id is not None and person_id == work.current().actor.user_id


def timeline(page: CasePage, *, group: str = "") -> tuple[list[TimelineItem], list[TimelineItem]]:
    """Return what counts and what was corrected or withdrawn, newest first, for a case page that was just opened."""
    assert page.procedure is not None
    case_id = page.header.id
    earlier = procedure.earlier_versions(case_id)
    named = {fact.recorded_by for fact in earlier} | {fact.replaced.by for fact in earlier if fact.replaced}
    strangers = {person for person in named if person} - page.people.keys()
    people = {**page.people, **accounts.people(strangers)} if strangers else page.people
    papers = _documents(case_id, [*page.procedure.facts, *earlier])
    may = page.header.may[Action.RECORD_FACT.value]
    return (
        selectors.timeline_items(
            case_id,
            page.procedure.facts,
            people=people,
            may_correct=may,
            group=group,
            earlier=earlier,
            documents=papers,
        ),
        selectors.timeline_items(case_id, earlier, people=people, may_correct=False, documents=papers),
    )


def deadline_cards(page: CasePage, *, lang: str, marked: str) -> list[LimitCard]:
    """Return every limit of a page that was opened with its procedure, with what proves it and what would change it.

    `lang`: the language in which the law was explained; `marked`: the same where it is not the page's.
    """
    assert page.procedure is not None
    case_id, facts = page.header.id, page.procedure.facts
    earlier = procedure.earlier_versions(case_id) if any(fact.corrected for fact in facts) else []
    return selectors.limit_cards(
        page.procedure,
        would_change=would_change(page, lang),
        documents=_documents(case_id, [*facts, *earlier]),
        earlier=earlier,
        lang=marked,
    )


def would_change(page: CasePage, lang: str) -> Mapping[changes.Name, tuple[str, ...]]:
    """Return what would change each running limit of a page that was opened with its procedure."""
    assert page.procedure is not None
    if page.procedure.fault:
        return {}
    people = cases.households([page.header.id]).get(page.header.id, Household())
    file = procedure.file_of(page.case.country, page.procedure.facts, people, page.procedure.on)
    return changes.would_change(file, page.procedure, on=page.procedure.on, lang=lang)


def _documents(case_id: UUID, facts: Iterable[RecordedFact]) -> Mapping[UUID, DocumentLink]:
    """Return a case's documents by id; no query where none of these facts names one."""
    if not any(fact.document for fact in facts):
        return {}
    return {
        key: DocumentLink(title, reverse("document_download", args=[case_id, key]))
        for key, title in documents_to_choose(case_id)
    }


def documents_to_choose(case_id: UUID) -> list[tuple[UUID, str]]:
    """Return the documents of a case with their titles, for a list to choose from.

    Raises:
        NotFound: there is no such case, or the actor may not know of it.
    """
    return [(document.id, document.title) for document in documents.documents_of(case_id)]


def what_if(page: CasePage, *, content: Mapping[str, Any], corrects: UUID | None = None, lang: str = "") -> WhatIf:
    """Derive an opened case as it is and as it would be with a fact added; nothing is stored.

    Raises:
        NotFound: `corrects` is no fact of this case that counts.
        Invalid: the fact contradicts the record.
    """
    return procedure.what_if(page.header.id, page.case.country, content=content, corrects=corrects, lang=lang or "en")


def fault_now(page: CasePage, corrects: UUID | None) -> ProcedureView | None:
    """Return an opened case's procedure where its recorded facts contradict each other; None where they do not.

    None too where the fact at fault is the one that somebody is about to replace.
    """
    now = procedure.derived(page.header.id, page.case.country, explain=False)
    return now if now.fault and (corrects is None or now.fault_fact != corrects) else None


def share_case(case_id: UUID, *, country: str, email: str, level: Level, until_on: date, reason: str) -> Person:
    """Give the person with that address access until the end of a day in the case's country; return them.

    Raises:
        NotFound, NotAllowed: the actor may not share this case.
        Invalid: nobody signs in with that address, or their role cannot have that access (field `email` or `level`).
    """
    policies.check(Action.SHARE_CASE, case_id)
    try:
        user = accounts.by_email(email)
    except NotFound:
        raise Invalid({"email": _("Nobody signs in with this address. An administrator can invite them.")}) from None
    levels = selectors.role_levels()
    allowed = {given for role in accounts.standing_of(user.pk).roles for given in levels.get(role, frozenset())}
    if not allowed:
        raise Invalid({"email": _("This person's role works with no cases.")})
    if level not in allowed:
        raise Invalid({"level": _("Outside lawyers can read a case and export its dossier, not change it.")})
    until = datetime.combine(until_on + timedelta(days=1), time(), tzinfo=clock.zone_of(country))
    access.grant(case_id=case_id, level=level, reason=reason, until=until, user_id=user.pk)
    return Person(user.pk, user.name, user.email)


def open_board(*, team_id: UUID | None, stages: Collection[str], unassigned: bool, number: int) -> Board:
    """Return one page of the transfer board; one trail entry.

    Raises:
        NotAllowed: the actor coordinates no team.
    """
    board = transfers.board(team_id=team_id, stages=stages, unassigned=unassigned, number=number)
    audit.record("board.viewed")
    return board


def own_roles() -> frozenset[str]:
    """Return the roles of the actor."""
    return accounts.standing_of(work.current().actor.user_id).roles
