"""People, teams and roles, for administrators, and who confirms a new coordinator. No case is touched."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access.actions import Action
from casework.accounts import asking, closing
from casework.accounts import selectors as accounts
from casework.accounts import services as account_services
from casework.accounts.models import Membership, RoleRequest, Team, User
from casework.accounts.services import NewInvitation
from casework.accounts.types import TEAM_ROLES, Role
from casework.audit import services as audit
from casework.core import ids, work
from casework.core.errors import Invalid, NotAllowed, NotFound
from casework.notices import alerts
from casework.notices.types import Kind

_LOOKED_AFTER = frozenset({Role.ADMIN, Role.AUDITOR})


# --- administrators --------------------------------------------------------------------------------------------------


def invite(*, email: str, role: str, team_id: UUID | None = None) -> tuple[NewInvitation, bool]:
    """Invite an address to a role; return the invitation, and whether the role waits for a second person.

    Raises:
        NotAllowed: the actor is no administrator.
        NotFound: there is no such team.
        Invalid: a team role without team, or another role with one (field `team`).
    """
    policies.check(Action.MANAGE_ACCOUNTS)
    made = account_services.invite(email=email, role=role, team=_team(team_id))
    return made, RoleRequest.objects.filter(invitation_id=made.id).exists()


def propose_role(user_id: UUID, *, role: str, team_id: UUID | None = None) -> bool:
    """Give somebody one more role; return whether they hold it now. A coordinator's waits for a second person.

    Raises:
        NotAllowed: the actor is no administrator.
        NotFound: there is no such account or team.
        Invalid: a team role without team or another role with one (`team`); they hold it already, or the account is
            switched off (`role`).
    """
    policies.check(Action.MANAGE_ACCOUNTS)
    user, team = _user(user_id), _team(team_id)
    if (role in TEAM_ROLES) != (team is not None):
        raise Invalid({"team": _("Caseworkers and coordinators belong to a team; other roles to none.")})
    if user.switched_off_at is not None:
        raise Invalid({"role": _("This account is switched off. Switch it on first.")})
    held = {(one.group.team_role.role, one.group.team_role.team_id) for one in asking.sound_roles(user_id)}
    if (role, team_id) in held:
        raise Invalid({"role": _("They have this role already.")})
    if role == Role.COORDINATOR and team is not None:
        asked_by = _actor()
        if not asking.at_once(team.pk, asked_by=asked_by, user_id=user_id):
            asking.ask(team_id=team.pk, asked_by=asked_by, user_id=user_id)
            return False
    account_services.give_role(user=user, role=role, team=team)
    return True


def remove_role(user_id: UUID, membership_id: UUID) -> None:
    """Take a role away; it ends at once. What they lead they go on leading, by name, until it is handed over.

    Raises:
        NotAllowed: the actor is no administrator, or it is the role of the last administrator.
        NotFound: they hold no such role.
    """
    policies.check(Action.MANAGE_ACCOUNTS)
    held = next((one for one in asking.sound_roles(user_id) if one.pk == membership_id), None)
    if held is None:
        raise NotFound
    if held.group.team_role.role == Role.ADMIN:
        _keep_an_administrator(user_id)
    account_services.take_role(held)


def switch_off(user_id: UUID) -> None:
    """Switch an account off: nobody can sign in to it from now on, its sessions end, and its grants count for nothing.

    Nothing is unassigned: the coordinators of their teams are told that cases wait to be handed over.

    Raises:
        NotAllowed: the actor is no administrator, it is their own account, or that of the last administrator.
        NotFound: there is no such account.
    """
    policies.check(Action.MANAGE_ACCOUNTS)
    _user(user_id)
    if user_id == _actor():
        raise NotAllowed(_("You cannot switch off your own account. Ask another administrator."))
    held = asking.sound_roles(user_id)
    if any(one.group.team_role.role == Role.ADMIN for one in held):
        _keep_an_administrator(user_id)
    alone = teams_left_alone(held)
    told = accounts.everyone_to_tell(user_id) - {user_id}
    if not closing.switch_off(user_id):
        return
    if alone:
        told |= {person.id for person in accounts.holders(Role.COORDINATOR)}
    audit.record("account.deactivated", obj=user_id)
    alerts.tell(Kind.SWITCHED_OFF, told - {user_id, _actor()}, about_id=ids.new_id(), subject_id=user_id)


def switch_on(user_id: UUID) -> Collection[str]:
    """Switch an account on again; return the names of the teams for which it waits to be coordinator once more.

    Whoever held the role of a coordinator would see all cases of the team again: that is asked anew. Administrators and
    auditors count as second persons only a week later, as new ones do.

    Raises:
        NotAllowed: the actor is no administrator.
        NotFound: there is no such account.
    """
    policies.check(Action.MANAGE_ACCOUNTS)
    user = _user(user_id)
    if user.switched_off_at is None:
        return ()
    asked_again: list[str] = []
    for held in asking.sound_roles(user_id):
        role, team = held.group.team_role.role, held.group.team_role.team
        if (
            role == Role.COORDINATOR
            and team is not None
            and not asking.at_once(team.pk, asked_by=_actor(), user_id=user_id)
        ):
            account_services.take_role(held)
            asking.ask(team_id=team.pk, asked_by=_actor(), user_id=user_id)
            asked_again.append(team.name)
        elif role in _LOOKED_AFTER:
            account_services.take_role(held)
            account_services.give_role(user=user, role=role)
    closing.switch_on(user_id)
    audit.record("account.activated", obj=user_id)
    alerts.tell(
        Kind.SWITCHED_ON,
        accounts.everyone_to_tell(user_id) - {user_id, _actor()},
        about_id=ids.new_id(),
        subject_id=user_id,
    )
    return tuple(asked_again)


def make_team(name: str) -> UUID:
    """Make a team and return its id; its first coordinator is asked for like any other.

    Raises:
        NotAllowed: the actor is no administrator.
        Invalid: it has no name, or another team has it (field `name`).
    """
    policies.check(Action.MANAGE_TEAMS)
    team = account_services.create_team(name=name)
    audit.record("team.added", obj=team.pk)
    return team.pk


def rename_team(team_id: UUID, name: str) -> None:
    """Give a team another name.

    Raises:
        NotAllowed, Invalid: as `make_team`.
        NotFound: there is no such team.
    """
    policies.check(Action.MANAGE_TEAMS)
    if account_services.rename_team(team_id, name=name):
        audit.record("team.updated", obj=team_id)


def teams_left_alone(held: Collection[Membership]) -> list[Team]:
    """Return the teams that would have no active coordinator without these memberships, by name."""
    own = {one.pk for one in held}
    teams = {team.pk: team for one in held if _coordinates(one) and (team := one.group.team_role.team) is not None}
    if not teams:
        return []
    stay = {
        team_id
        for team_id, of_team in asking.members(teams).items()
        if any(one.user.is_active and _coordinates(one) and one.pk not in own for one in of_team)
    }
    return sorted((team for pk, team in teams.items() if pk not in stay), key=lambda team: team.name)


def _coordinates(held: Membership) -> bool:
    return bool(held.group.team_role.role == Role.COORDINATOR)


def _keep_an_administrator(user_id: UUID) -> None:
    # One after the other: two who take each other's role away at the same moment would leave nobody.
    all_of_them = [one.id for one in accounts.holders(Role.ADMIN)]
    list(User.objects.select_for_update().filter(pk__in=all_of_them).order_by("pk"))
    if not any(person.id != user_id for person in accounts.holders(Role.ADMIN)):
        raise NotAllowed(_("This is the last administrator. Invite another one first."))


def _user(user_id: UUID) -> User:
    found = User.objects.filter(pk=user_id).first()
    if found is None:
        raise NotFound
    return found


def _team(team_id: UUID | None) -> Team | None:
    if team_id is None:
        return None
    found = Team.objects.filter(pk=team_id).first()
    if found is None:
        raise NotFound
    return found


# --- second persons --------------------------------------------------------------------------------------------------


def waiting_for_me() -> list[RoleRequest]:
    """Return the requests to make somebody coordinator that the actor may decide about, oldest first."""
    if not _may_decide():
        return []
    return asking.decidable_by(_actor(), asking.waiting())


def confirm_role(request_id: UUID) -> None:
    """Confirm that somebody becomes coordinator of a team; they see its cases at once, or when they accept.

    Raises:
        NotFound: there is no such request, or the actor may not know of it.
        NotAllowed: it needs somebody else.
        Conflict: it was decided already.
    """
    _may_know(request_id)
    request = asking.decide(request_id, RoleRequest.State.CONFIRMED)
    if request.user is not None:
        account_services.give_role(user=request.user, role=Role.COORDINATOR, team=request.team)


def refuse_role(request_id: UUID) -> None:
    """Refuse that somebody becomes coordinator of a team. Raises as `confirm_role`."""
    _may_know(request_id)
    asking.decide(request_id, RoleRequest.State.REFUSED)


def look_at_role(request_id: UUID) -> None:
    """Raise NotFound or NotAllowed where the actor may not know of a request; nothing else."""
    _may_know(request_id)


def withdraw_role(request_id: UUID) -> None:
    """Take back what the actor asked for themselves. Raises as `confirm_role`."""
    policies.check(Action.MANAGE_ACCOUNTS)
    asking.decide(request_id, RoleRequest.State.WITHDRAWN)


def _may_decide() -> bool:
    actor_id = work.current().actor.user_id
    return any(policies.decide(actor_id, action).allowed for action in (Action.CONFIRM_ROLE, Action.STAND_IN))


def _may_know(request_id: UUID) -> None:
    if not _may_decide():
        policies.check(Action.CONFIRM_ROLE)
    request = RoleRequest.objects.filter(pk=request_id).first()
    if request is None:
        raise NotFound
    standing = accounts.standing_of(_actor())
    if standing.roles & _LOOKED_AFTER or request.team_id in standing.teams(Role.COORDINATOR):
        return
    if _actor() not in asking.of(request):
        raise NotFound


def _actor() -> UUID:
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    return actor_id
