"""Users, teams, roles and invitations: every change of who someone is goes through here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from casework.accounts import asking, selectors
from casework.accounts.models import DemoLink, Invitation, Membership, Team, TeamRole, User
from casework.accounts.signals import role_given, role_taken
from casework.accounts.types import TEAM_ROLES, Role
from casework.audit import services as audit
from casework.core import clock, work
from casework.core.errors import Invalid, NotFound
from casework.crypto import services as crypto

INVITATION_LIFE = timedelta(hours=72)


@dataclass(frozen=True)
class NewInvitation:
    """An invitation as its maker sees it once; `token` is not kept."""

    id: UUID
    token: str
    expires_at: datetime


def create_team(*, name: str, country: str = "") -> Team:
    """Make a team with its caseworker and coordinator groups and return it.

    Raises:
        Invalid: it has no name, or another team has it (field `name`).
    """
    name = _team_name(name)
    with transaction.atomic():
        team = Team.objects.create(name=name, country=country)
        for role in TEAM_ROLES:
            role_group(role, team)
    return team


def rename_team(team_id: UUID, *, name: str) -> bool:
    """Give a team another name; return whether that changed. The caller writes the trail.

    Raises:
        NotFound: there is no such team.
        Invalid: it has no name, or another team has it (field `name`).
    """
    team = Team.objects.filter(pk=team_id).first()
    if team is None:
        raise NotFound
    name = _team_name(name, but=team_id)
    if name == team.name:
        return False
    team.name = name
    team.save(update_fields=["name"])
    return True


def _team_name(name: str, *, but: UUID | None = None) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid({"name": _("Enter a name.")})
    others = Team.objects.filter(name__iexact=name)
    if (others.exclude(pk=but) if but else others).exists():
        raise Invalid({"name": _("There is a team of this name already.")})
    return name


def set_retention(team_id: UUID, months: int | None) -> bool:
    """Store for how many months a team keeps closed cases; return whether that changed. The caller writes the trail."""
    changed = Team.objects.filter(pk=team_id).exclude(retention_months=months).update(retention_months=months)
    return bool(changed)


def role_group(role: str, team: Team | None = None) -> Group:
    """Return the auth group that stands for `role` (in `team`, for team roles), made when it is missing."""
    found = TeamRole.objects.select_related("group").filter(role=role, team=team).first()
    if found is not None:
        return found.group
    with transaction.atomic():
        group, _made = Group.objects.get_or_create(name=f"{role}:{team.pk if team else 'organisation'}")
        TeamRole.objects.get_or_create(role=role, team=team, defaults={"group": group})
    return group


def create_account(*, email: str, name: str, password: str, language: str = "en-gb") -> User:
    """Make a user with a verified address, a key scope of their own and no role; return it.

    Raises:
        Invalid: the address is taken, or the password is too weak (field `password`).
    """
    if User.objects.filter(email__iexact=email).exists():
        raise Invalid({"email": _("Somebody already signs in with this address.")})
    user = User(email=email, name=name, language=language)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid({"password": " ".join(error.messages)}) from None
    user.set_password(password)
    with transaction.atomic():
        user.save()
        EmailAddress.objects.create(user=user, email=email.lower(), verified=True, primary=True)
        crypto.create_scope("user", user.pk)
        audit.record("account.joined", obj=user.pk)
    return user


def give_role(*, user: User, role: str, team: Team | None = None) -> Membership:
    """Let `user` hold `role` (team roles need `team`); doing it twice changes nothing. Writes to the trail.

    Raises:
        Invalid: a team role without team, or another role with one.
    """
    if (role in TEAM_ROLES) != (team is not None):
        raise Invalid({"team": _("Caseworkers and coordinators belong to a team; other roles to none.")})
    group = role_group(role, team)
    held = Membership.objects.filter(user=user, group=group).first()
    if held is None:
        held = Membership(user=user, group=group, given_by=work.current().actor.user_id, given_at=clock.now())
        held.mac = selectors.mac_of(held.signed_bytes())
        held.save(force_insert=True)
        audit.record("account.role_given", obj=user.pk, body={"role": role, "team": str(team.pk) if team else ""})
        selectors.forget_standing(user.pk)
        about = {"user_id": user.pk, "role": role, "team_id": team.pk if team else None, "about_id": held.pk}
        role_given.send(sender=Membership, **about)
    return held


def take_role(held: Membership) -> None:
    """Take a role away (needs `group__team_role` selected with it); it ends with this transaction. Writes to the trail.

    Grants on cases stay: without any role they count for nothing.
    """
    role, team_id, user_id, about_id = held.group.team_role.role, held.group.team_role.team_id, held.user_id, held.pk
    deleted, _by_model = Membership.objects.filter(pk=held.pk).delete()
    if not deleted:
        raise NotFound
    audit.record("account.role_removed", obj=user_id, body={"role": role, "team": str(team_id or "")})
    selectors.forget_standing(user_id)
    role_taken.send(sender=Membership, user_id=user_id, role=role, team_id=team_id, about_id=about_id)


def invite(*, email: str, role: str, team: Team | None = None) -> NewInvitation:
    """Invite one address to one role for 72 hours; return the token once. Writes to the trail.

    Who is to be coordinator waits for a second person, unless `asking.at_once` says otherwise.

    Raises:
        Invalid: a team role without team, or another role with one.
    """
    if (role in TEAM_ROLES) != (team is not None):
        raise Invalid({"team": _("Caseworkers and coordinators belong to a team; other roles to none.")})
    token = secrets.token_urlsafe(32)
    made = Invitation(
        email=email,
        role=role,
        team=team,
        token_hash=Invitation.hash_of(token),
        invited_by=work.current().actor.user_id,
        expires_at=clock.now() + INVITATION_LIFE,
    )
    made.mac = selectors.mac_of(made.signed_bytes())
    made.save(force_insert=True)
    audit.record("account.invited", obj=made.pk, body={"email": email, "role": role})
    if role == Role.COORDINATOR and team is not None and not asking.at_once(team.pk, asked_by=made.invited_by):
        assert made.invited_by is not None
        asking.ask(team_id=team.pk, asked_by=made.invited_by, invitation_id=made.pk)
    return NewInvitation(made.pk, token, made.expires_at)


def open_invitation(token: str) -> Invitation:
    """Return the live invitation of `token`; raise NotFound when it is unknown, used, over, or its maker is off."""
    found = Invitation.objects.filter(
        token_hash=Invitation.hash_of(token), used_at__isnull=True, expires_at__gt=clock.now()
    ).first()
    if found is None or not selectors.mac_matches(found.signed_bytes(), found.mac):
        raise NotFound
    # Whoever is switched off for cause leaves no door behind that they made for somebody.
    if found.invited_by and User.objects.filter(pk=found.invited_by, switched_off_at__isnull=False).exists():
        raise NotFound
    return found


def accept_invitation(*, token: str, name: str, password: str) -> User:
    """Use up an invitation: make the account, give the role (a coordinator's once it is confirmed), return the user.

    Raises:
        NotFound: the invitation is unknown, used or over.
        Invalid: the name is empty, the password too weak, or the address taken meanwhile.
    """
    with transaction.atomic():
        open_invitation(token)
        invitation = Invitation.objects.select_for_update().get(token_hash=Invitation.hash_of(token))
        if invitation.used_at is not None:
            raise NotFound
        if not name.strip():
            raise Invalid({"name": _("Enter your name.")})
        user = create_account(email=invitation.email, name=name.strip(), password=password)
        if invitation.role != Role.COORDINATOR or asking.accepted(invitation, user):
            give_role(user=user, role=invitation.role, team=invitation.team)
        invitation.used_at = clock.now()
        invitation.save(update_fields=["used_at"])
    return user


def make_demo_link(user: User) -> str:
    """Return the token of a one-time sign-in link; the demo alone makes and redeems such links."""
    token = secrets.token_urlsafe(24)
    DemoLink.objects.create(user=user, token_hash=Invitation.hash_of(token))
    return token


def redeem_demo_link(token: str) -> User:
    """Use up a demo link and return its user; raise NotFound when it is unknown or used."""
    with transaction.atomic():
        link = (
            DemoLink.objects.select_for_update()
            .select_related("user")
            .filter(token_hash=Invitation.hash_of(token), used_at__isnull=True)
            .first()
        )
        if link is None:
            raise NotFound
        link.used_at = clock.now()
        link.save(update_fields=["used_at"])
        audit.record("auth.demo_link_used", obj=link.user.pk)
    return link.user
