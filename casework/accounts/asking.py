"""Who makes a coordinator: somebody who is to see all cases of a team is confirmed by a second person.

A team with an active coordinator decides for itself. Where there is none, a coordinator of another team does, or, where
nobody coordinates anything, another administrator or an auditor. The decision: docs/decisions/0015.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from casework.accounts import selectors
from casework.accounts.models import Invitation, Membership, RoleRequest, Team, User
from casework.accounts.signals import role_asked
from casework.accounts.types import Role
from casework.audit import services as audit
from casework.core import clock, work
from casework.core.errors import Conflict, NotAllowed, NotFound

SEASONED: Final = timedelta(days=7)
"""How long an administrator or auditor holds that role before they count as a second person."""


def coordinators(team_id: UUID) -> frozenset[UUID]:
    """Return the active coordinators of a team, MACs checked."""
    return frozenset(person.id for person in selectors.holders(Role.COORDINATOR, [team_id]))


def confirmers(
    team_id: UUID, *, asked_by: UUID, user_id: UUID | None, asked_at: datetime | None = None
) -> frozenset[UUID]:
    """Return who may confirm that `user_id` becomes coordinator: never who asked, never the person themselves.

    Where the team has none, coordinators of other teams decide: an administrator could switch a team's own off and keep
    a second account as administrator or auditor for this. Only where nobody coordinates anything do those count, and
    none that was made within a week before the request; everybody was told when it was made.
    """
    neither = {asked_by} | ({user_id} if user_id else set())
    own = coordinators(team_id)
    if user_id:
        own -= {user_id}
    if own:
        return frozenset(own - neither)
    elsewhere = frozenset(person.id for person in selectors.holders(Role.COORDINATOR)) - neither
    if elsewhere:
        return elsewhere
    since = (asked_at or clock.now()) - SEASONED
    rows = Membership.objects.filter(
        group__team_role__role__in=[Role.ADMIN, Role.AUDITOR], user__is_active=True, given_at__lte=since
    ).select_related("group__team_role")
    return frozenset(row.user_id for row in rows if selectors.is_sound(row)) - neither


def at_once(team_id: UUID, *, asked_by: UUID | None, user_id: UUID | None = None) -> bool:
    """Say whether no second person is needed.

    That is so for the keeper of the server (nobody is signed in: `asked_by` is None), for a coordinator of the team
    itself, and for a new installation: no case, and nobody who could confirm.
    """
    if asked_by is None or asked_by in coordinators(team_id):
        return True
    return not confirmers(team_id, asked_by=asked_by, user_id=user_id) and not _any_case()


def _any_case() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cw_any_case()")
        return bool(cursor.fetchone()[0])


def ask(
    *, team_id: UUID, asked_by: UUID, user_id: UUID | None = None, invitation_id: UUID | None = None
) -> RoleRequest:
    """Ask that somebody be coordinator of a team; who may confirm is told. Asking twice changes nothing."""
    if user_id is not None:
        waits = RoleRequest.objects.filter(user_id=user_id, team_id=team_id, state=RoleRequest.State.WAITING).first()
        if waits is not None and is_sound(waits):
            return waits
    request = RoleRequest(
        team_id=team_id, user_id=user_id, invitation_id=invitation_id, asked_by=asked_by, asked_at=clock.now()
    )
    _sign(request)
    request.save(force_insert=True)
    audit.record("account.role_asked", obj=user_id or invitation_id, body={"team": team_id, "request": request.pk})
    role_asked.send(sender=RoleRequest, request=request)
    return request


def _sign(request: RoleRequest) -> None:
    request.mac = selectors.mac_of(request.signed_bytes())


def is_sound(request: RoleRequest) -> bool:
    """Say whether the application wrote this request as it stands."""
    return selectors.mac_matches(request.signed_bytes(), request.mac)


def waiting(*, team_ids: Iterable[UUID] | None = None, user_id: UUID | None = None) -> list[RoleRequest]:
    """Return the sound requests that wait, oldest first, of some teams or about one person where given (one query).

    One whose invitation has ended unused waits no more.
    """
    alive = Q(user__isnull=False) | Q(invitation__used_at__isnull=True, invitation__expires_at__gt=clock.now())
    rows = RoleRequest.objects.filter(alive, state=RoleRequest.State.WAITING).select_related(
        "user", "invitation", "team"
    )
    if team_ids is not None:
        rows = rows.filter(team_id__in=list(team_ids))
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    return [row for row in rows.order_by("asked_at", "id") if is_sound(row)]


def decidable_by(user_id: UUID, requests: Iterable[RoleRequest]) -> list[RoleRequest]:
    """Return those of `requests` that `user_id` may confirm or refuse now."""
    return [request for request in requests if user_id in of(request)]


def of(request: RoleRequest) -> frozenset[UUID]:
    """Return who may decide about a request."""
    return confirmers(request.team_id, asked_by=request.asked_by, user_id=request.user_id, asked_at=request.asked_at)


def decide(request_id: UUID, state: RoleRequest.State) -> RoleRequest:
    """Confirm, refuse or take back a request that waits, as the actor of the running unit; writes to the trail.

    The caller gives the role. A refused invitation that was not accepted yet is spent.

    Raises:
        NotFound: there is no such request, or it was not written by the application.
        NotAllowed: the actor may not decide about it.
        Conflict: it was decided already.
    """
    actor_id = work.current().actor.user_id
    request = RoleRequest.objects.filter(pk=request_id).first()
    if request is not None and request.invitation_id is not None:
        # In the order of whoever accepts: the invitation first.
        Invitation.objects.select_for_update().get(pk=request.invitation_id)
    request = RoleRequest.objects.select_for_update().filter(pk=request_id).first()
    if actor_id is None or request is None or not is_sound(request):
        raise NotFound
    if request.state != RoleRequest.State.WAITING:
        raise Conflict(_("This was decided already."))
    if state == RoleRequest.State.WITHDRAWN:
        if request.asked_by != actor_id:
            raise NotAllowed(_("Whoever asked can take this back."))
    elif actor_id not in of(request):
        raise NotAllowed(_("This needs somebody else: a coordinator of the team, or whoever stands in for them."))
    request.state, request.decided_by, request.decided_at = state, actor_id, clock.now()
    _sign(request)
    request.save(update_fields=["state", "decided_by", "decided_at", "mac"])
    confirmed = state == RoleRequest.State.CONFIRMED
    if not confirmed and request.user_id is None:
        assert request.invitation_id is not None
        Invitation.objects.filter(pk=request.invitation_id, used_at__isnull=True).update(used_at=clock.now())
    audit.record(
        "account.role_confirmed" if confirmed else "account.role_refused",
        obj=request.user_id or request.invitation_id,
        body={"team": request.team_id, "request": request.pk},
    )
    return request


def accepted(invitation: Invitation, user: User) -> bool:
    """Say whether an invitation as coordinator that `user` accepts right now gives them the role at once.

    Where it waits for a second person, the request is from now on about the account. The rule is asked again here, so
    that an invitation made before there was this rule cannot get round it.

    Raises:
        NotFound: the request was not written by the application.
    """
    assert invitation.team_id is not None
    request = RoleRequest.objects.select_for_update().filter(invitation=invitation).first()
    if request is None:
        if at_once(invitation.team_id, asked_by=invitation.invited_by, user_id=user.pk):
            return True
        assert invitation.invited_by is not None
        ask(
            team_id=invitation.team_id,
            asked_by=invitation.invited_by,
            user_id=user.pk,
            invitation_id=invitation.pk,
        )
        return False
    if not is_sound(request):
        raise NotFound
    if request.state == RoleRequest.State.WAITING:
        request.user = user
        _sign(request)
        request.save(update_fields=["user", "mac"])
    return bool(request.state == RoleRequest.State.CONFIRMED)


def sound_roles(user_id: UUID) -> list[Membership]:
    """Return the sound memberships of a person, active or not, with what their groups stand for."""
    rows = Membership.objects.filter(user_id=user_id).select_related("group__team_role__team", "user")
    return [row for row in rows.order_by("given_at", "id") if selectors.is_sound(row)]


def teams() -> list[Team]:
    """Return the teams by name."""
    return list(Team.objects.order_by("name"))


def members(team_ids: Iterable[UUID]) -> dict[UUID, list[Membership]]:
    """Return the sound memberships of teams, by team, of people whose account is off too (one query)."""
    groups = Group.objects.filter(team_role__team_id__in=list(team_ids))
    rows = Membership.objects.filter(group__in=groups).select_related("group__team_role", "user")
    found: dict[UUID, list[Membership]] = {}
    for row in rows.order_by("user__name", "id"):
        team_id = row.group.team_role.team_id
        if team_id is not None and selectors.is_sound(row):
            found.setdefault(team_id, []).append(row)
    return found
