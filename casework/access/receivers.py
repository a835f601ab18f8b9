"""Nobody becomes a coordinator, an administrator or an auditor unnoticed: whoever is concerned is told at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from casework.accounts import asking
from casework.accounts import selectors as accounts
from casework.accounts.models import RoleRequest
from casework.accounts.signals import role_asked, role_given, role_taken
from casework.accounts.types import Role
from casework.core import work
from casework.notices import alerts
from casework.notices.types import Kind

_LOOKED_AFTER = frozenset({Role.ADMIN, Role.AUDITOR})


@receiver(role_asked)
def _tell_of_request(request: RoleRequest, **_kwargs: Any) -> None:
    told = asking.of(request) | _concerned(Role.COORDINATOR, request.team_id) | _lookers_after()
    alerts.tell(Kind.ROLE_ASKED, told - _actor(), about_id=request.pk, subject_id=request.user_id)


@receiver(role_given)
def _tell_of_role(user_id: UUID, role: str, team_id: UUID | None, about_id: UUID, **_kwargs: Any) -> None:
    # What a command gives is the synthetic people of the demo; the invitations of `create_user` are accepted in a page.
    if work.current().actor.kind == "command":
        return
    told = _concerned(role, team_id) - _actor() - {user_id}
    alerts.tell(Kind.ROLE_GIVEN, told, about_id=about_id, subject_id=user_id)


@receiver(role_taken)
def _tell_of_end(user_id: UUID, role: str, team_id: UUID | None, about_id: UUID, **_kwargs: Any) -> None:
    told = _concerned(role, team_id) - _actor()
    if role == Role.COORDINATOR:
        # Whoever takes a team its coordinators, to decide for it later, is seen doing so.
        told |= {user_id} | _lookers_after()
    alerts.tell(Kind.ROLE_TAKEN, told - _actor(), about_id=about_id, subject_id=user_id)


def _concerned(role: str, team_id: UUID | None) -> frozenset[UUID]:
    if team_id is not None:
        # A team without coordinators has nobody to look out for it but those of the others.
        return asking.coordinators(team_id) or _all_coordinators()
    return _lookers_after() if role in _LOOKED_AFTER else frozenset()


def _all_coordinators() -> frozenset[UUID]:
    return frozenset(person.id for person in accounts.holders(Role.COORDINATOR))


def _lookers_after() -> frozenset[UUID]:
    return frozenset(person.id for role in _LOOKED_AFTER for person in accounts.holders(role))


def _actor() -> frozenset[UUID]:
    actor_id = work.current().actor.user_id
    return frozenset({actor_id} if actor_id else ())
