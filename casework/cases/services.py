"""Making and changing cases. Opening one is here too: reading leaves a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access import services as access
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Person as Colleague
from casework.accounts.types import Role
from casework.audit import services as audit
from casework.audit.history import bulk
from casework.cases import finding, indexing, selectors
from casework.cases.erasing import confirm_erasure, refuse_erasure, request_erasure, withdraw_erasure
from casework.cases.models import Case, Person
from casework.cases.signals import case_reopened, country_changing
from casework.cases.types import CaseInput, CaseState, CaseView, PersonInput, Relation, SummaryUpdate
from casework.core import clock, ids, work
from casework.core.errors import Conflict, Invalid
from casework.crypto import services as crypto

__all__ = [
    "add_family_member",
    "assign_case",
    "close_case",
    "confirm_erasure",
    "create_case",
    "open_case",
    "possible_leads",
    "refuse_erasure",
    "reopen_case",
    "request_erasure",
    "update_case",
    "update_summaries",
    "update_summary",
    "withdraw_erasure",
]


def create_case(*, team_id: UUID, given: CaseInput) -> UUID:
    """Make a case with its applicant in a team of the actor, who leads it; return its id.

    Makes the case's own key, the first grants (the actor and the team's coordinators), the rows and the trail.

    Raises:
        NotAllowed: the actor's roles do not let them make cases.
        Invalid: the team is not one of the actor's, or the applicant has no name.
    """
    policies.check(Action.CREATE_CASE)
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    if not any(team.pk == team_id for team in accounts.teams_of(actor_id, Role.CASEWORKER, Role.COORDINATOR)):
        raise Invalid({"team": _("Choose one of your own teams.")})
    _require_name(given.applicant)
    case_id = ids.new_id()
    crypto.create_scope("case", case_id)
    access.grant_first(case_id=case_id, user_id=actor_id, coordinators=accounts.coordinator_group(team_id).pk)
    case = Case(
        id=case_id,
        country=given.country,
        lead_id=actor_id,
        team_id=team_id,
        risk_level=given.risk_level,
        opened_on=clock.today(given.country),
        title=given.title,
        summary=given.summary,
        access_notes=given.access_notes,
        safe_contact=asdict(given.safe_contact),
        grounds=[asdict(ground) for ground in given.grounds],
    )
    applicant = _new_person(case_id, given.applicant)
    case.search = finding.entry_of(case, [applicant])
    case.save(force_insert=True)
    applicant.save(force_insert=True)
    indexing.write_tokens([case])
    audit.record("case.created", case=case_id, obj=case_id, row=case)
    audit.record("person.added", case=case_id, obj=applicant.pk, row=applicant)
    return case_id


def _require_name(person: PersonInput) -> None:
    if not (person.name_original.strip() or person.name_latin.strip()):
        raise Invalid({"name_original": _("Enter the name in at least one script.")})


def _new_person(case_id: UUID, given: PersonInput) -> Person:
    person = Person(case_id=case_id, relation=given.relation)
    _fill(person, given)
    return person


def _fill(person: Person, given: PersonInput) -> None:
    person.name_original = given.name_original.strip()
    person.name_latin = given.name_latin.strip()
    person.birth_on = given.birth_on
    person.birth_estimated = given.birth_estimated
    person.gender = given.gender
    person.nationalities = list(given.nationalities)
    person.languages = list(given.languages)
    person.particulars = {"state": given.state, "papers": [paper.strip() for paper in given.papers if paper.strip()]}


def open_case(case_id: UUID, *, looked: str = "case.read") -> CaseView:
    """Return a case opened whole; one entry in its trail, `looked`.

    Raises:
        NotFound: there is no such case, or the actor may not know of it.
    """
    case = selectors.case_for(case_id, Action.OPEN_CASE)
    audit.record(looked, case=case_id, obj=case_id)
    return selectors.view_of(case)


def update_case(case_id: UUID, *, given: CaseInput, version: int) -> None:
    """Change a case and its applicant; writes history and the trail.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not change, the case.
        Invalid: the applicant has no name, or the facts on record contradict the new country (`country`).
        Conflict: somebody saved the case after `version` was shown; nothing is written.
    """
    case = selectors.case_for(case_id, Action.EDIT_CASE)
    case = selectors.locked(case.pk)
    if case.version != version:
        raise Conflict(_("Somebody else changed this case while you were writing. Compare and save again."))
    _require_name(given.applicant)
    if given.country != case.country:
        country_changing.send(sender=Case, case_id=case_id, former=case.country, country=given.country)
    people = list(Person.objects.filter(case_id=case_id))
    applicant = next(person for person in people if person.relation == Relation.APPLICANT)
    _fill(applicant, given.applicant)
    applicant.save()
    case.country = given.country
    case.risk_level = given.risk_level
    case.title, case.summary, case.access_notes = given.title, given.summary, given.access_notes
    case.safe_contact = asdict(given.safe_contact)
    case.grounds = [asdict(ground) for ground in given.grounds]
    case.version += 1
    _save_found_by(case, people)
    audit.record("case.updated", case=case_id, obj=case_id, row=case)
    audit.record("person.updated", case=case_id, obj=applicant.pk, row=applicant)


def add_family_member(case_id: UUID, *, given: PersonInput) -> UUID:
    """Add a family member to a case; return their id. Writes history and the trail.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not change, the case.
        Invalid: no name, or a second applicant.
    """
    case = selectors.case_for(case_id, Action.EDIT_CASE)
    if given.relation == Relation.APPLICANT:
        raise Invalid({"relation": _("A case has one applicant; say how this person is related.")})
    _require_name(given)
    case = selectors.locked(case.pk)
    person = _new_person(case_id, given)
    person.save(force_insert=True)
    case.version += 1
    _save_found_by(case, list(Person.objects.filter(case_id=case_id)))
    audit.record("person.added", case=case_id, obj=person.pk, row=person)
    # What the case can be found by was sealed anew with it.
    audit.record("case.search_refreshed", case=case_id, obj=case_id, row=case)
    return person.pk


def _save_found_by(case: Case, people: list[Person]) -> None:
    case.search = finding.entry_of(case, people)
    case.save()
    indexing.write_tokens([case])


def update_summary(case_id: UUID, summary: SummaryUpdate) -> bool:
    """Write what was derived into one case's clear columns; return whether anything changed."""
    return bool(update_summaries({case_id: summary}))


def update_summaries(summaries: Mapping[UUID, SummaryUpdate]) -> int:
    """Write what was derived into the clear columns of cases; return how many cases changed.

    The only writer of regime, stage, responsible state, next due date and the detained mark. `procedure` calls it
    after deriving; permission was asked there. The number of statements does not grow with that of the cases.
    """
    if not summaries:
        return 0
    changed: list[Case] = []
    for row in Case.objects.filter(pk__in=list(summaries)).order_by("pk").select_for_update():
        values = asdict(summaries[row.pk])
        if any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            changed.append(row)
    if changed:
        bulk(Case, update=changed, fields=[column.name for column in fields(SummaryUpdate)])
    return len(changed)


def assign_case(case_id: UUID, *, lead_id: UUID) -> None:
    """Give a case to another caseworker or coordinator of its team; writes history and the trail.

    Raises:
        NotFound, NotAllowed: the actor may not see the case, or is no coordinator of it.
        Invalid: the new lead is not of the case's team.
    """
    case = selectors.case_for(case_id, Action.ASSIGN_CASE)
    case = selectors.locked(case.pk)
    if not any(person.id == lead_id for person in possible_leads(case.team_id)):
        raise Invalid({"lead": _("Choose somebody of the case's team.")})
    former = case.lead_id
    if former == lead_id:
        return
    access.move_first_grants(case_id=case_id, lead_id=lead_id, old_lead_id=former)
    case.lead_id = lead_id
    case.version += 1
    case.save()
    audit.record("case.assigned", case=case_id, obj=case_id, row=case, body={"lead": str(lead_id)})


def possible_leads(team_id: UUID) -> list[Colleague]:
    """Return who may lead a case of the team: its caseworkers and coordinators, by name."""
    found = {
        person.id: person
        for role in (Role.CASEWORKER, Role.COORDINATOR)
        for person in accounts.holders(role, [team_id])
    }
    return sorted(found.values(), key=lambda person: person.name)


def close_case(case_id: UUID, *, on: date) -> None:
    """Close a case; its record stays. Writes history and the trail.

    `on`: the day it ended, from which the time for keeping it runs.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not change, the case.
        Invalid: the day is still to come (field `on`).
        Conflict: it is closed already.
    """
    case = selectors.case_for(case_id, Action.EDIT_CASE)
    case = selectors.locked(case.pk)
    if case.state == CaseState.CLOSED:
        raise Conflict(_("This case is closed already."))
    if on > clock.today(case.country):
        raise Invalid({"on": _("This day is still to come.")})
    case.state, case.closed_on = CaseState.CLOSED, on
    case.version += 1
    case.save()
    audit.record("case.closed", case=case_id, obj=case_id, row=case)


def reopen_case(case_id: UUID) -> None:
    """Work on a closed case again: its limits are derived and its reminders planned anew. Writes history and the trail.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not change, the case.
        Conflict: it is open.
    """
    case = selectors.case_for(case_id, Action.EDIT_CASE)
    case = selectors.locked(case.pk)
    if case.state == CaseState.OPEN:
        raise Conflict(_("This case is open already."))
    case.state, case.closed_on = CaseState.OPEN, None
    case.version += 1
    case.save()
    audit.record("case.reopened", case=case_id, obj=case_id, row=case)
    case_reopened.send(sender=Case, case_id=case_id)
