"""How long a team keeps closed cases. The end of that time proposes a case for erasure; it erases nothing."""

from __future__ import annotations

import calendar
from datetime import date
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts import services as accounts_services
from casework.accounts.types import Role
from casework.audit import services as audit
from casework.cases import selectors
from casework.cases.models import Erasure
from casework.cases.types import CaseState, ErasureState, Proposal
from casework.core import clock, work
from casework.core.errors import Invalid, NotFound

SHORTEST, LONGEST = 1, 240


def set_retention(team_id: UUID, months: int | None) -> None:
    """Say how many months after closing a team's cases are kept; None: as long as they are wanted. Writes to the trail.

    Raises:
        NotAllowed: the actor is no coordinator.
        NotFound: not of this team.
        Invalid: not a whole number from 1 to 240 (field `months`).
    """
    policies.check(Action.SET_RETENTION)
    if team_id not in accounts.standing_of(work.current().actor.user_id).teams(Role.COORDINATOR):
        raise NotFound
    if months is not None and not SHORTEST <= months <= LONGEST:
        raise Invalid({"months": _("Give a number of months from 1 to 240, or leave it empty.")})
    if accounts_services.set_retention(team_id, months):
        audit.record("team.updated", obj=team_id, body={"retention_months": months or 0})


def proposals() -> list[Proposal]:
    """Return the closed cases of the actor's teams whose time for keeping has ended, the longest ended first.

    Cases for which somebody has asked already are left out. For coordinators; empty for anybody else. A case closed on
    a day that the last month does not have is kept to that month's last day.
    """
    actor_id = work.current().actor.user_id
    if actor_id is None:
        return []
    kept = {team.pk: team for team in accounts.teams_of(actor_id, Role.COORDINATOR) if team.retention_months}
    if not kept:
        return []
    waiting = Erasure.objects.filter(state=ErasureState.ASKED, team_id__in=list(kept)).values("case_id")
    rows = selectors.visible().filter(state=CaseState.CLOSED, team_id__in=list(kept)).exclude(pk__in=waiting)
    found = []
    for case_id, reference, team_id, country, closed_on in rows.values_list(
        "pk", "reference", "team_id", "country", "closed_on"
    ):
        assert closed_on is not None  # a constraint of the table
        team = kept[team_id]
        ended_on = months_after(closed_on, team.retention_months or 0)
        # The last day of the time for keeping it belongs to that time.
        if ended_on < clock.today(country):
            found.append(Proposal(case_id, reference, closed_on, ended_on, team.name))
    return sorted(found, key=lambda one: (one.ended_on, one.reference))


def months_after(day: date, months: int) -> date:
    """Return the day that many months later; where that month has no such day, its last one."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
