"""People, teams and roles in words: for administrators, and for the coordinators of a team. No case is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from casework.access import staff
from casework.accounts import asking
from casework.accounts import selectors as accounts
from casework.accounts.models import Membership, RoleRequest, User
from casework.accounts.types import Person, Role
from casework.cases.handing_over import Lead, LedCase
from casework.core import work
from casework.core.errors import NotFound
from casework.desk import labels
from casework.desk.selectors._names import name_of


@dataclass(frozen=True)
class RequestLine:
    """A coordinator who waits for a second person: who asked, who may confirm, and what the reader can do."""

    id: UUID
    who: str
    email: str
    is_invited: bool
    team: str
    asked_by: str
    asked_at: datetime
    deciders: tuple[str, ...]
    may_decide: bool
    is_mine: bool


@dataclass(frozen=True)
class RoleLine:
    """One role of one person. `alone`: the team that would have no coordinator without it, or empty."""

    id: UUID
    role: str
    team: str
    given_at: datetime
    given_by: str
    alone: str


@dataclass(frozen=True)
class PersonPage:
    """One account. `state`: active, frozen, off; `teams_alone`: that would have no coordinator without it."""

    id: UUID
    name: str
    email: str
    joined_at: datetime
    state: str
    is_off: bool
    is_own: bool
    roles: tuple[RoleLine, ...]
    requests: tuple[RequestLine, ...]
    teams_alone: tuple[str, ...]


@dataclass(frozen=True)
class MemberLine:
    """One member of a team with their roles in it."""

    id: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    state: str


@dataclass(frozen=True)
class TeamLine:
    """A team and its members; `coordinators` counts the active ones."""

    id: UUID
    name: str
    members: tuple[MemberLine, ...]
    coordinators: int


def request_lines(requests: Iterable[RoleRequest]) -> list[RequestLine]:
    """Return requests in words."""
    found = list(requests)
    actor_id = work.current().actor.user_id
    deciders = {request.pk: asking.of(request) for request in found}
    ids = {request.asked_by for request in found}.union(*deciders.values())
    people = accounts.people(ids)
    return [
        RequestLine(
            id=request.pk,
            who=request.user.name if request.user else "",
            email=request.user.email if request.user else request.invitation.email if request.invitation else "",
            is_invited=request.user is None,
            team=request.team.name,
            asked_by=name_of(request.asked_by, people, str(_("A former colleague"))),
            asked_at=request.asked_at,
            deciders=tuple(sorted(people[pk].name for pk in deciders[request.pk])),
            may_decide=actor_id in deciders[request.pk],
            is_mine=request.asked_by == actor_id,
        )
        for request in found
    ]


def role_requests() -> list[RequestLine]:
    """Return what waits for the reader's decision, and for administrators and auditors whatever waits, in words."""
    standing = accounts.standing_of(work.current().actor.user_id)
    if standing.roles & {Role.ADMIN, Role.AUDITOR}:
        return request_lines(asking.waiting())
    return request_lines(staff.waiting_for_me())


def person_page(user_id: UUID) -> PersonPage:
    """Return one account in words; raise NotFound for an unknown one."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound
    held = asking.sound_roles(user_id)
    people = accounts.people(one.given_by for one in held if one.given_by)
    alone = {team.pk: team.name for team in staff.teams_left_alone(held)} if user.is_active else {}
    return PersonPage(
        id=user.pk,
        name=user.name,
        email=user.email,
        joined_at=user.joined_at,
        state=state_of(user),
        is_off=user.switched_off_at is not None,
        is_own=user.pk == work.current().actor.user_id,
        roles=tuple(_role_line(one, people, alone) for one in held),
        requests=tuple(request_lines(asking.waiting(user_id=user_id))),
        teams_alone=tuple(sorted(alone.values())),
    )


def _role_line(held: Membership, people: Mapping[UUID | None, Person], alone: Mapping[UUID, str]) -> RoleLine:
    role, team = held.group.team_role.role, held.group.team_role.team
    return RoleLine(
        id=held.pk,
        role=str(Role(role).label),
        team=team.name if team else "",
        given_at=held.given_at,
        given_by=name_of(held.given_by, people),
        alone=alone.get(team.pk, "") if team and role == Role.COORDINATOR else "",
    )


def state_of(user: User) -> str:
    """Return `off`, `frozen` or `active`; who is both off and frozen is off."""
    if user.switched_off_at is not None:
        return "off"
    return "active" if user.is_active else "frozen"


def team_lines(team_ids: Iterable[UUID] | None = None) -> list[TeamLine]:
    """Return teams by name with their members (two queries); all of them without `team_ids`."""
    wanted = None if team_ids is None else set(team_ids)
    teams = [team for team in asking.teams() if wanted is None or team.pk in wanted]
    members = asking.members([team.pk for team in teams])
    return [_team_line(team.pk, team.name, members.get(team.pk, [])) for team in teams]


def _team_line(team_id: UUID, name: str, held: list[Membership]) -> TeamLine:
    by_person: dict[UUID, list[Membership]] = {}
    for one in held:
        by_person.setdefault(one.user_id, []).append(one)
    return TeamLine(
        id=team_id,
        name=name,
        members=tuple(
            MemberLine(
                id=user_id,
                name=roles[0].user.name,
                email=roles[0].user.email,
                roles=tuple(str(role.label) for role in Role if role in {one.group.team_role.role for one in roles}),
                state=state_of(roles[0].user),
            )
            for user_id, roles in by_person.items()
        ),
        coordinators=sum(one.user.is_active and one.group.team_role.role == Role.COORDINATOR for one in held),
    )


@dataclass(frozen=True)
class LedLine:
    """An open case in the list of a hand-over."""

    id: UUID
    reference: str
    team: str
    due_on: date | None
    rule: str


def led_lines(cases: Iterable[LedCase]) -> list[LedLine]:
    """Return the cases of a hand-over in words (one query, for the teams' names)."""
    found = list(cases)
    names = accounts.team_names({case.team_id for case in found})
    return [
        LedLine(
            case.id,
            case.reference,
            names[case.team_id],
            case.due_on,
            labels.rule(case.due_rule) if case.due_rule else "",
        )
        for case in found
    ]


def leads_to_choose(leads: Iterable[Lead]) -> list[tuple[UUID, str]]:
    """Return who leads cases, with how many, as choices of a form."""
    said = []
    for lead in leads:
        cases = ngettext("%(n)d open case", "%(n)d open cases", lead.count) % {"n": lead.count}
        about = "" if lead.may_lead else str(_(", cannot work on them now"))
        said.append((lead.person.id, f"{lead.person.name} ({cases}{about})"))
    return said
