"""Who can see a case, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access import emergency
from casework.access import selectors as access
from casework.access.types import GrantView, Level
from casework.accounts import selectors as accounts
from casework.cases.types import CaseView
from casework.core import clock
from casework.desk.selectors._names import name_of


@dataclass(frozen=True)
class AccessLine:
    """One grant in words. `until_on`, the last day on which it holds, is None for a grant without end.

    `emergency_until` is set where its holder took it themselves, in an emergency.
    """

    id: UUID
    holder: str
    is_team: bool
    level: str
    why: str
    given_by: str
    given_at: datetime
    until_on: date | None
    may_be_revoked: bool
    emergency_until: datetime | None = None


def access_lines(case: CaseView, *, may_share: bool) -> list[AccessLine]:
    """Return every live grant on a case in words: a fixed number of queries.

    The lead's own grant and that of the team's coordinators are not taken back here: assigning the case moves them.
    """
    grants = access.grants_on(case.id)
    people = accounts.people(_people_of(grants))
    team = accounts.team_names([case.team_id]).get(case.team_id, "")
    coordinators = accounts.coordinator_group(case.team_id).pk
    lines = []
    for grant in grants:
        is_lead = grant.holder_id is not None and grant.holder_id == case.lead_id
        is_team = grant.group_id is not None
        own = is_lead or grant.group_id == coordinators
        if is_team:
            holder = str(_("Coordinators of %(team)s") % {"team": team}) if own else str(_("A team role"))
        else:
            holder = name_of(grant.holder_id, people, str(_("A former colleague")))
        lines.append(
            AccessLine(
                id=grant.id,
                holder=holder,
                is_team=is_team,
                level=grant.level.label,
                why=grant.reason or _why(is_lead=is_lead, is_coordinators=is_team and own),
                given_by=name_of(grant.granted_by, people, str(_("the system"))),
                given_at=grant.granted_at,
                until_on=_last_day(grant.until, case.country),
                may_be_revoked=may_share and not own,
                emergency_until=grant.until if emergency.is_emergency(grant) else None,
            )
        )
    return lines


def _last_day(until: datetime | None, country: str) -> date | None:
    # A grant ends at an instant, usually midnight: the day that people know is the one before.
    return clock.local_date(until - timedelta(microseconds=1), country) if until else None


def _people_of(grants: Iterable[GrantView]) -> set[UUID]:
    return {pk for grant in grants for pk in (grant.holder_id, grant.granted_by) if pk is not None}


def _why(*, is_lead: bool, is_coordinators: bool) -> str:
    if is_lead:
        return str(_("Leads the case"))
    if is_coordinators:
        return str(_("Coordinates the case's team"))
    return str(_("The case was shared with them"))


def role_levels() -> dict[str, frozenset[Level]]:
    """Return which levels can be given to whom: outside lawyers read and export, colleagues also work."""
    return {
        "lawyer": frozenset({Level.VIEW, Level.DOSSIER}),
        "caseworker": frozenset({Level.VIEW, Level.DOSSIER, Level.WORK}),
        "coordinator": frozenset({Level.VIEW, Level.DOSSIER, Level.WORK}),
    }
