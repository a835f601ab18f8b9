"""Accounts as the administrator sees them: who holds which role, in which team. No case is mentioned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.core.errors import NotFound
from casework.desk.selectors._staff import state_of

if TYPE_CHECKING:
    from casework.accounts.models import Team


@dataclass(frozen=True)
class Colleague:
    """One account; `state`: active, frozen or off; `roles` in words, with the team where the role has one."""

    id: UUID
    name: str
    email: str
    state: str
    roles: tuple[str, ...]


def colleagues() -> list[Colleague]:
    """Return every account by name; roles whose membership is not sound are left out. A fixed number of queries."""
    users = get_user_model().objects.order_by("name", "email").prefetch_related("memberships__group__team_role__team")
    return [
        Colleague(
            id=user.pk,
            name=user.name,
            email=user.email,
            state=state_of(user),
            roles=tuple(
                _role_in_words(membership.group.team_role)
                for membership in user.memberships.all()
                if accounts.is_sound(membership)
            ),
        )
        for user in users
    ]


def _role_in_words(held: Any) -> str:
    label = str(Role(held.role).label)
    return f"{label}, {held.team.name}" if held.team is not None else label


def all_teams() -> list[tuple[UUID, str]]:
    """Return the teams by name, with their ids (one query)."""
    return sorted(((pk, team.name) for pk, team in _teams().items()), key=lambda entry: entry[1])


def team_of(team_id: UUID | None) -> Team | None:
    """Return a team for the services of `accounts`, or None; raise NotFound for an unknown id."""
    if team_id is None:
        return None
    found = _teams().get(team_id)
    if found is None:
        raise NotFound
    return found


def _teams() -> dict[UUID, Team]:
    # Teams are reached through the roles' groups: their table belongs to `accounts`.
    groups = Group.objects.filter(team_role__team__isnull=False).select_related("team_role__team")
    teams = (group.team_role.team for group in groups)
    return {team.pk: team for team in teams if team is not None}
