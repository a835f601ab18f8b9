"""Unusual access: the worker looks at what is new in the trail and tells whoever answers for the person.

Nobody is told twice and nothing is lost when the worker dies: a finding and its notices are one transaction, and where
to go on from is noted last. What is looked at twice is found to be stored already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from casework.access import policies, registry
from casework.access.actions import Action
from casework.accounts import closing
from casework.accounts import selectors as accounts
from casework.accounts.types import TEAM_ROLES, Role
from casework.audit import actions, chain, unusual
from casework.audit import services as audit
from casework.audit.models import Entry, Unusual
from casework.core import clock, work
from casework.core.errors import NotFound
from casework.notices import alerts
from casework.notices import selectors as notice_selectors
from casework.notices import services as notices
from casework.notices.types import Kind

logger = logging.getLogger(__name__)

# The heartbeat: up to when the trail was looked at.
WATCHING: Final = "watching"
# An entry has the time of the act and is seen at its commit: so long may a unit of work take.
LATEST: Final = timedelta(minutes=10)
# After a longer stop than this, what is older stays unmarked; the trail holds it all the same.
FURTHEST_BACK: Final = timedelta(days=7)
_LOCK: Final = 0x6377_7577  # "cwuw"


def watch() -> int:
    """Look for what is unusual in what is new in the trail, tell of it, and return how many findings are new.

    For the machine's own principal, in short transactions of its own; safe to run at any time, by many at once.
    """
    began = clock.now()
    with work.acting(work.system_actor()):
        last = notice_selectors.beat_at(WATCHING) or began
        active_since = max(last - LATEST, began - FURTHEST_BACK)
        people = unusual.recent_acts(since=active_since - unusual.HOUR, active_since=active_since)
    new = sum(_look_at(acts) for acts in people)
    with work.acting(work.system_actor()):
        notices.beat(WATCHING, at=began)
    if new:
        logger.info("access.unusual", extra={"event": "access.unusual", "count": new})
    return new


def _look_at(acts: Sequence[unusual.Act]) -> int:
    """Keep and tell what is unusual about one person's acts, in one transaction."""
    user_id = acts[0].actor
    habits = partial(_habits, user_id)
    with work.acting(work.system_actor()):
        found = unusual.find(acts, habits)
        if not found:
            return 0
        with connection.cursor() as cursor:
            # Whoever else looks at the same person waits, and then finds it stored.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(user_id)])
        return sum(_keep(user_id, one, acts, habits) for one in found)


@lru_cache(maxsize=1024)
def _habits(user_id: UUID, day: date) -> unusual.Habits:
    # What was before a day does not change, and somebody who works at night is looked at every minute of it.
    return unusual.habits_before(user_id, day)


def _keep(
    user_id: UUID, found: unusual.Found, acts: Sequence[unusual.Act], habits: Callable[[date], unusual.Habits]
) -> bool:
    row = unusual.store(user_id, found, acts, habits)
    if row is None:
        return False
    told = whom_to_tell(user_id, found.cases)
    Unusual.objects.filter(pk=row.pk).update(told=sorted(told))
    audit.record("access.unusual_found", obj=row.pk, body={"person": user_id, "rule": row.rule, "count": row.count})
    alerts.tell(Kind.UNUSUAL, told, about_id=row.pk, subject_id=user_id)
    return True


def whom_to_tell(user_id: UUID, case_ids: Iterable[UUID]) -> set[UUID]:
    """Return who is told of somebody's unusual access; never the person. Active accounts only, MACs checked.

    The coordinators of the person's teams; of an outside lawyer, those of the teams whose cases they are (or, where it
    was about no case, of those that gave them one). Of who has no such coordinator besides themselves: all
    coordinators. Of administrators: the auditors, and of auditors the other auditors and the administrators.
    """
    held = closing.held_by(user_id)
    told: set[UUID] = set()
    if Role.ADMIN in held.roles:
        told |= _all(Role.AUDITOR)
    if Role.AUDITOR in held.roles:
        told |= _all(Role.AUDITOR) | _all(Role.ADMIN)
    if not held.roles & {Role.ADMIN, Role.AUDITOR} or held.roles & TEAM_ROLES:
        teams = {team for role in TEAM_ROLES for team in held.teams(role)} or _teams_of(case_ids) or _giving(user_id)
        told |= accounts.coordinators_of(teams) - {user_id} or _all(Role.COORDINATOR)
    # Nobody besides the person themselves is left: then whoever looks after the whole.
    return told - {user_id} or (_all(Role.AUDITOR) | _all(Role.ADMIN)) - {user_id}


def _all(role: str) -> set[UUID]:
    return {person.id for person in accounts.holders(role)}


def _teams_of(case_ids: Iterable[UUID]) -> set[UUID]:
    cases: Any = registry.tables().user._meta.get_field("content_object").related_model
    return set(cases.objects.filter(pk__in=list(case_ids)).values_list("team_id", flat=True))


def _giving(user_id: UUID) -> set[UUID]:
    given = registry.tables().user.objects.filter(user_id=user_id).values_list("content_object_id", flat=True)
    return _teams_of(given)


# --- for who was told ----------------------------------------------------------------------------------------------


def findings(since: datetime) -> list[Unusual]:
    """Return what the actor was told since then, newest first; auditors see everybody's. One query.

    The database shows nobody what is about themselves.
    """
    return list(Unusual.objects.filter(until__gte=since).order_by("-since", "pk"))


def words_of(finding_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return in words what was found, of those findings that the actor may see; one query."""
    rows = Unusual.objects.filter(pk__in=list(finding_ids))
    return {row.pk: unusual.words(row.rule, row.count) for row in rows}


def cases_of_emergencies(rows: Sequence[Unusual]) -> dict[UUID, UUID]:
    """Return the case of each emergency among these, where the actor may see that case; one query."""
    wanted = {(row.actor, chain.time_us(row.since)): row.pk for row in rows if row.rule == "glass"}
    entries = Entry.objects.filter(
        action=actions.action_named("access.glass_broken").code,
        actor__in={actor for actor, _us in wanted},
        time_us__in={us for _actor, us in wanted},
    )
    found = entries.values_list("actor", "time_us", "case_id")
    return {wanted[actor, us]: case for actor, us, case in found if case is not None and (actor, us) in wanted}


def look_at(finding_id: UUID) -> None:
    """Note that the actor has looked at a finding; writes to the trail. Doing it twice changes nothing.

    Raises:
        NotAllowed: the actor coordinates no team.
        NotFound: they were not told of it, or it is about themselves.
    """
    policies.check(Action.SEE_TEAM)
    user_id = work.current().actor.user_id
    assert user_id is not None
    rows = Unusual.objects.filter(pk=finding_id, told__contains=[user_id])
    row = rows.exclude(actor=user_id).first()
    if row is None:
        raise NotFound
    with transaction.atomic():
        if rows.filter(looked_at__isnull=True).update(looked_by=user_id, looked_at=clock.now()):
            audit.record("access.unusual_seen", obj=row.pk, body={"person": row.actor, "rule": row.rule})


def ends_of_emergencies(grant_ids: Iterable[UUID]) -> dict[UUID, datetime | None]:
    """Return until when these accesses last, of those that the actor may see; one query."""
    rows = registry.tables().user.objects.filter(pk__in=list(grant_ids))
    return dict(rows.values_list("pk", "until"))
