"""Opening pages: reading leaves a trace, so each asks for the right, writes to the trail and hands out values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access import services as access
from casework.access.actions import Action
from casework.access.types import Level
from casework.accounts import selectors as accounts
from casework.accounts.types import Person
from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.types import CaseFilter, CaseView
from casework.core import clock, work
from casework.core.errors import Invalid, NotFound
from casework.desk import selectors
from casework.desk.selectors import CaseHeader, CaseList, TimelineItem, Today
from casework.procedure import selectors as procedure
from casework.procedure.types import ProcedureView, RecordedFact
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
    policies.check(Action.SEE_INBOX)
    audit.record("today.viewed")
    return selectors.today()


def list_cases(wanted: CaseFilter, number: int = 1) -> CaseList:
    """Return one page of the visible cases; one trail entry, which holds the words of a search.

    Raises:
        NotAllowed: the actor's role has no cases.
    """
    policies.check(Action.LIST_CASES)
    if wanted.words:
        audit.record("case.searched", body={"words": wanted.words})
    else:
        # Without particulars: they would cost a key for every look at a list, and the filters name nobody.
        audit.record("case.listed")
    return CaseList.of(cases.page_of_cases(wanted, number))


def open_page(case_id: UUID, *, derive: bool = False) -> CasePage:
    """Open a case for one of its pages; one trail entry. `derive`: also derive its procedure, explained.

    Raises:
        NotFound: there is no such case, or the actor may not know of it.
    """
    case = case_services.open_case(case_id)
    derived = procedure.derived(case_id, case.country) if derive else None
    authors = {fact.recorded_by for fact in derived.facts if fact.recorded_by} if derived else set()
    people = accounts.people({case.lead_id, *authors} if case.lead_id else authors)
    return CasePage(selectors.header_of(case, derived, people=people), case, people, derived)


def open_for(case_id: UUID, action: Action) -> CasePage:
    """Open a case for a page on which the actor does `action`; one trail entry.

    Raises:
        NotFound, NotAllowed: the actor may not see the case, or not do this.
    """
    policies.check(action, case_id)
    return open_page(case_id)


def fact_of(case_id: UUID, fact_id: UUID) -> RecordedFact:
    """Return one fact of a case that counts, for correcting it.

    Raises:
        NotFound, NotAllowed: the actor may not change the record, or there is no such fact that counts.
    """
    policies.check(Action.RECORD_FACT, case_id)
    found = next((fact for fact in procedure.recorded_facts(case_id) if fact.id == fact_id), None)
    if found is None:
        raise NotFound
    return found


def earlier_lines(case_id: UUID) -> list[TimelineItem]:
    """Return what was corrected or withdrawn, newest first, for a case page that was opened in this unit of work."""
    facts = procedure.earlier_versions(case_id)
    people = accounts.people({fact.recorded_by for fact in facts if fact.recorded_by}) if facts else {}
    return selectors.timeline_items(case_id, facts, people=people, may_correct=False)


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
