"""The words of this area that need no database."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import models
from django.utils.translation import pgettext_lazy


class Role(models.TextChoices):
    """What someone does here; a person may hold several."""

    CASEWORKER = "caseworker", pgettext_lazy("role", "Caseworker")
    COORDINATOR = "coordinator", pgettext_lazy("role", "Coordinator")
    LAWYER = "lawyer", pgettext_lazy("role", "Lawyer")
    AUDITOR = "auditor", pgettext_lazy("role", "Auditor")
    ADMIN = "admin", pgettext_lazy("role", "Administrator")


UNUSED: Final = timedelta(minutes=30)  # a sign-in ends after so long without use
WARNED: Final = timedelta(minutes=2)  # and says so that long before
LONGEST: Final = timedelta(hours=12)

TEAM_ROLES = frozenset({Role.CASEWORKER, Role.COORDINATOR})


@dataclass(frozen=True)
class Standing:
    """The roles that someone holds, every membership's MAC checked. Group ids are those of `auth.Group`."""

    user_id: UUID
    group_ids: frozenset[int]
    roles: frozenset[str]
    teams_by_role: tuple[tuple[str, UUID], ...] = ()

    def has(self, role: str) -> bool:
        return role in self.roles

    def teams(self, role: str) -> frozenset[UUID]:
        """Return the ids of the teams in which `role` is held."""
        return frozenset(team for held, team in self.teams_by_role if held == role)


@dataclass(frozen=True)
class Person:
    """A colleague as lists show them."""

    id: UUID
    name: str
    email: str
