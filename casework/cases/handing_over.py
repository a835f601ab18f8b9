"""Handing over a whole caseload: everything open that somebody leads in the actor's teams, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Count, F
from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access import selectors as grants
from casework.access import services as access
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Person, Role
from casework.audit import services as audit
from casework.audit.history import bulk
from casework.cases import damage, selectors, services
from casework.cases.models import Case
from casework.cases.signals import leads_changed
from casework.cases.types import CaseState
from casework.core import ids, work
from casework.core.errors import Conflict, Invalid, NotFound
from casework.crypto import services as crypto
from casework.notices import alerts
from casework.notices.types import Kind


@dataclass(frozen=True)
class LedCase:
    """An open case as the list of a hand-over shows it; nothing of it is opened."""

    id: UUID
    reference: str
    team_id: UUID
    due_on: date | None
    due_rule: str


@dataclass(frozen=True)
class Lead:
    """Somebody who leads open cases; `may_lead` is false where their account is closed or they left the team."""

    person: Person
    count: int
    may_lead: bool


def leads() -> list[Lead]:
    """Return who leads open cases of the actor's teams, those who cannot any more first; a fixed number of queries.

    Raises:
        NotAllowed: the actor is no coordinator.
    """
    policies.check(Action.HAND_OVER)
    teams = _own_teams()
    rows = selectors.visible().filter(state=CaseState.OPEN, team_id__in=teams, lead_id__isnull=False).order_by()
    counts = list(rows.values_list("lead_id", "team_id").annotate(Count("pk")))
    people = accounts.people(lead_id for lead_id, _team_id, _count in counts)
    able = {team_id: {person.id for person in services.possible_leads(team_id)} for team_id in teams}
    found: dict[UUID, Lead] = {}
    for lead_id, team_id, count in counts:
        before = found.get(lead_id)
        may_lead = lead_id in able[team_id] and (before is None or before.may_lead)
        found[lead_id] = Lead(people[lead_id], count + (before.count if before else 0), may_lead)
    return sorted(found.values(), key=lambda lead: (lead.may_lead, lead.person.name))


def cases_led_by(lead_id: UUID) -> list[LedCase]:
    """Return the open cases that somebody leads in the actor's teams, the most pressing first (three queries).

    Raises:
        NotAllowed: the actor is no coordinator.
    """
    policies.check(Action.HAND_OVER)
    rows = selectors.visible().filter(state=CaseState.OPEN, team_id__in=_own_teams(), lead_id=lead_id)
    columns = ("id", "reference", "team_id", "next_due_on", "next_due_rule")
    found = [LedCase(*row) for row in rows.order_by(F("next_due_on").asc(nulls_last=True), "id").values_list(*columns)]
    sound = grants.levels_for(work.current().actor.user_id, [case.id for case in found])
    return [case for case in found if case.id in sound]


def possible_targets(cases: Collection[LedCase]) -> list[Person]:
    """Return who may lead at least one of `cases`: active people of their teams, by name."""
    found = {person.id: person for team_id in {case.team_id for case in cases} for person in _able(team_id)}
    return sorted(found.values(), key=lambda person: person.name)


def hand_over(from_id: UUID, to_id: UUID, case_ids: Collection[UUID], reason: str, *, take_back: bool) -> int:
    """Let `to_id` lead these open cases of `from_id`; return how many. All of them or none.

    Each case gets its history and its entries in the trail as an assignment does; the number of statements does not
    grow with that of the cases. `take_back`: the former lead loses every access of their own to them; otherwise they
    may still work on them. Both are told, once.

    Raises:
        NotAllowed: the actor is no coordinator.
        NotFound: a case is unknown, or of no team of the actor's.
        Invalid: nothing is chosen or a case cannot be opened (`cases`), no reason is given (`reason`), the new lead may
            not lead them (`to`), or the actor would lose their own access (`take_back`).
        Conflict: a case was assigned to somebody else or closed meanwhile.
    """
    policies.check(Action.HAND_OVER)
    wanted = set(case_ids)
    if not wanted:
        raise Invalid({"cases": _("Choose at least one case.")})
    if not reason.strip():
        raise Invalid({"reason": _("Say why.")})
    if from_id == to_id:
        raise Invalid({"to": _("They lead these cases already.")})
    rows = _locked(wanted)
    if any(row.lead_id != from_id or row.state != CaseState.OPEN for row in rows):
        raise Conflict(_("Some of these cases were assigned or closed meanwhile. Look at the list again."))
    able = {team_id: {person.id for person in _able(team_id)} for team_id in {row.team_id for row in rows}}
    if any(to_id not in able[row.team_id] for row in rows):
        raise Invalid({"to": _("Choose somebody of the cases' team whose account is open.")})
    _check_they_open(rows)
    access.move_many_first_grants(
        case_ids=[row.pk for row in rows], lead_id=to_id, old_lead_id=from_id, take_back=take_back
    )
    for row in rows:
        row.lead_id = to_id
        row.version += 1
    bulk(Case, update=rows, fields=["lead", "version"], reason="handed_over")
    leads_changed.send(sender=Case, case_ids=[row.pk for row in rows])
    body = {"lead": str(to_id), "from": str(from_id), "reason": reason.strip()}
    for row in rows:
        audit.record("case.assigned", case=row.pk, obj=row.pk, row=row, body=body, reason="reassignment")
    occasion, actor_id = ids.new_id(), work.current().actor.user_id
    for told, about in ((to_id, from_id), (from_id, to_id)):
        if told != actor_id:
            alerts.tell(Kind.HANDED_OVER, {told}, about_id=occasion, subject_id=about)
    return len(rows)


def _locked(wanted: set[UUID]) -> list[Case]:
    """Return the cases, locked in the order that all keep; raise NotFound unless each is one of the actor's teams."""
    rows = list(Case.objects.filter(pk__in=wanted).order_by("pk").select_for_update())
    teams = _own_teams()
    grants.levels_for(work.current().actor.user_id, wanted)  # read at once, and asked for each below
    if len(rows) != len(wanted) or any(row.team_id not in teams for row in rows):
        raise NotFound
    for row in rows:
        policies.check(Action.ASSIGN_CASE, row.pk)
    return rows


def _check_they_open(rows: Collection[Case]) -> None:
    """Raise Invalid, naming them, where cases have lost their key or it does not open: their trail takes no entry.

    Somebody with forty cases is to learn which one stands in the way of the others.
    """
    with suppress(*damage.DOES_NOT_OPEN):  # found again below, where it belongs
        crypto.keys_for_many(row.pk for row in rows)
    shut = []
    for row in rows:
        try:
            crypto.keys_for(row.pk)
        except damage.DOES_NOT_OPEN:
            damage.tell(row.pk)
            shut.append(row.reference)
    if shut:
        said = _("Nothing was handed over. Leave out what cannot be opened, and tell your administrator: %(cases)s.")
        raise Invalid({"cases": said % {"cases": ", ".join(shut)}})


def _own_teams() -> frozenset[UUID]:
    return accounts.standing_of(work.current().actor.user_id).teams(Role.COORDINATOR)


def _able(team_id: UUID) -> list[Person]:
    return services.possible_leads(team_id)


def left_behind() -> Mapping[UUID, int]:
    """Return how many open cases of the actor's teams are led by somebody who cannot any more, by that person."""
    return {lead.person.id: lead.count for lead in leads() if not lead.may_lead}
