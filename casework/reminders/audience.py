"""Who is told: the case's lead; the team's coordinators when the end is near, or at every step when nobody leads."""

from __future__ import annotations

import logging
from uuid import UUID

from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.reminders.planner import Audience

logger = logging.getLogger(__name__)


class Audiences:
    """Answers for one run of the planner; remembers people and teams, of whom there are far fewer than cases."""

    def __init__(self) -> None:
        self._can_lead: dict[UUID, bool] = {}
        self._coordinators: dict[UUID, frozenset[UUID]] = {}
        self._all_coordinators: frozenset[UUID] | None = None

    def of(self, *, case_id: UUID, lead_id: UUID | None, team_id: UUID) -> Audience:
        """Return who hears of a case's limits.

        A lead whose account is not active or holds no role counts as none. A team without coordinators leaves it to
        those of all teams: they learn that something runs, not what; nobody at all is an error in the log.
        """
        coordinators = self._of_team(team_id)
        if lead_id is not None and self._is_working(lead_id):
            return Audience(frozenset({lead_id}), coordinators - {lead_id})
        told = coordinators or self._of_all_teams()
        if not told:
            logger.error("reminders.nobody_to_tell", extra={"event": "reminders.nobody_to_tell", "case_id": case_id})
        return Audience(told)

    def _is_working(self, user_id: UUID) -> bool:
        if user_id not in self._can_lead:
            self._can_lead[user_id] = bool(accounts.standing_of(user_id).roles)
        return self._can_lead[user_id]

    def _of_team(self, team_id: UUID) -> frozenset[UUID]:
        if team_id not in self._coordinators:
            found = accounts.holders(Role.COORDINATOR, [team_id])
            self._coordinators[team_id] = frozenset(person.id for person in found)
        return self._coordinators[team_id]

    def _of_all_teams(self) -> frozenset[UUID]:
        if self._all_coordinators is None:
            self._all_coordinators = frozenset(person.id for person in accounts.holders(Role.COORDINATOR))
        return self._all_coordinators
