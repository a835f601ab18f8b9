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

from casework.accounts import selectors
from casework.accounts.models import DemoLink, Invitation, Membership, Team, TeamRole, User
from casework.accounts.types import TEAM_ROLES
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
    """Make a team with its caseworker and coordinator groups and return it."""
    with transaction.atomic():
        team = Team.objects.create(name=name, country=country)
        for role in TEAM_ROLES:
            role_group(role, team)
    return team


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
    return held


def invite(*, email: str, role: str, team: Team | None = None) -> NewInvitation:
    """Invite one address to one role for 72 hours; return the token once. Writes to the trail."""
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
    return NewInvitation(made.pk, token, made.expires_at)


def open_invitation(token: str) -> Invitation:
    """Return the live invitation of `token`; raise NotFound when it is unknown, used or over."""
    found = Invitation.objects.filter(
        token_hash=Invitation.hash_of(token), used_at__isnull=True, expires_at__gt=clock.now()
    ).first()
    if found is None or not selectors.mac_matches(found.signed_bytes(), found.mac):
        raise NotFound
    return found


def accept_invitation(*, token: str, name: str, password: str) -> User:
    """Use up an invitation: make the account, give the role, return the user.

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
