"""Users, teams and who holds which role."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from casework.accounts.types import Role
from casework.core import clock, ids


class UserManager(BaseUserManager["User"]):
    """Looks people up by e-mail, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A colleague or an outside lawyer. E-mail and name are in the clear; the threat model says so."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=8, default="en-gb")
    age_recipient = models.CharField(_("age public key"), max_length=200, blank=True)
    # Never true while one of the two times below is set; `accounts.closing` keeps the three in step.
    is_active = models.BooleanField(_("active"), default=True)
    frozen_at = models.DateTimeField(null=True, editable=False)  # by the person, before a journey
    switched_off_at = models.DateTimeField(null=True, editable=False)  # by an administrator
    joined_at = models.DateTimeField(default=clock.now, editable=False)

    groups = models.ManyToManyField(  # type: ignore[assignment]  # through a table of ours, with a MAC
        Group, through="accounts.Membership", through_fields=("user", "group"), related_name="members", blank=True
    )
    # Rights come from roles and grants alone; a right given to a person outside them would escape both.
    user_permissions = None  # type: ignore[assignment]

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_once"),
            models.CheckConstraint(condition=models.Q(is_superuser=False), name="accounts_no_superuser"),
            models.CheckConstraint(
                condition=models.Q(is_active=False) | models.Q(frozen_at__isnull=True, switched_off_at__isnull=True),
                name="accounts_user_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"

    @property
    def is_staff(self) -> bool:
        """False for everyone: there is no Django admin."""
        return False

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class Team(models.Model):
    """A team of caseworkers and their coordinators."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    # How many months after closing a case is kept before somebody is asked to erase it; None: as long as it is wanted.
    retention_months = models.PositiveSmallIntegerField(_("months that closed cases are kept"), null=True)

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(retention_months__isnull=True)
                | models.Q(retention_months__gte=1, retention_months__lte=240),
                name="accounts_team_retention",
            )
        ]

    def __str__(self) -> str:
        return self.name


class TeamRole(models.Model):
    """A role, in a team or (lawyer, auditor, admin) in the organisation, and the auth group that stands for it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="team_role")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="roles", null=True)
    role = models.CharField(max_length=12, choices=Role.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "role"], name="accounts_teamrole_once", nulls_distinct=False),
            models.CheckConstraint(
                condition=models.Q(team__isnull=False, role__in=[Role.CASEWORKER, Role.COORDINATOR])
                | models.Q(team__isnull=True, role__in=[Role.LAWYER, Role.AUDITOR, Role.ADMIN]),
                name="accounts_teamrole_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.team_id or ''}".strip()


class Membership(models.Model):
    """Someone holds a role. The MAC is keyed by the application: a row added in SQL gives no right."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="memberships")
    given_by = models.UUIDField(null=True)
    given_at = models.DateTimeField(default=clock.now)
    mac = models.BinaryField(max_length=16)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "group"], name="accounts_membership_once")]

    def __str__(self) -> str:
        return f"membership {self.pk}"

    def signed_bytes(self) -> bytes:
        """Return the MAC input, with what the group stands for: one that is made to mean another role counts no more.

        `"cw/m2" || id(16) || user(16) || u32 group || role of the group (32) || given_by(16, zero if none) || i64 time`
        in microseconds. Needs `group__team_role` selected with the row.
        """
        return b"".join(
            (
                b"cw/m2",
                self.id.bytes,
                self.user_id.bytes,
                self.group_id.to_bytes(4, "big"),
                role_bytes(self.group),
                (self.given_by or UUID(int=0)).bytes,
                microseconds(self.given_at),
            )
        )


def role_bytes(group: Group) -> bytes:
    """Return what a group stands for, 32 bytes: `role, padded with zeros (16) || team(16, zero if none)`."""
    team_role: TeamRole = group.team_role
    return meaning_bytes(team_role.role, team_role.team_id)


def meaning_bytes(role: str, team_id: UUID | None) -> bytes:
    """Return a role and its team as MACs see them, 32 bytes."""
    return role.encode().ljust(16, b"\0") + (team_id or UUID(int=0)).bytes


def microseconds(at: datetime) -> bytes:
    """Return an aware time as i64 microseconds since 1970, UTC."""
    return int(at.timestamp() * 1_000_000).to_bytes(8, "big", signed=True)


def counted_microseconds(count: int) -> bytes:
    """Return the same of a time that the database gave as microseconds since 1970."""
    # By way of seconds, as `microseconds` goes: its last digit may differ from the exact one.
    return int(count / 1_000_000 * 1_000_000).to_bytes(8, "big", signed=True)


class Device(models.Model):
    """A browser in which somebody is signed in. `kind`: browser and system without version; no address is kept."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # The session's row, which is under a digest of the cookie.
    session_key = models.CharField(max_length=40, db_index=True)
    kind = models.CharField(max_length=24)
    began_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"device {self.pk}"


class Invitation(models.Model):
    """A single-use way in, bound to one address and role; only the token's hash is kept."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=12, choices=Role.choices)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True)
    token_hash = models.BinaryField(max_length=32, unique=True)
    invited_by = models.UUIDField(null=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    mac = models.BinaryField(max_length=16)

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    def signed_bytes(self) -> bytes:
        """Return the MAC input: a row added in SQL invites nobody.

        `"cw/i1" || id(16) || token hash(32) || role, padded with zeros (16) || team(16, zero if none) ||
        SHA-256 of the address in lower case (32) || invited_by(16, zero if none) || i64 end in microseconds`.
        """
        return b"".join(
            (
                b"cw/i1",
                self.id.bytes,
                bytes(self.token_hash),
                self.role.encode().ljust(16, b"\0"),
                (self.team_id or UUID(int=0)).bytes,
                hashlib.sha256(self.email.lower().encode()).digest(),
                (self.invited_by or UUID(int=0)).bytes,
                microseconds(self.expires_at),
            )
        )

    @staticmethod
    def hash_of(token: str) -> bytes:
        """Return the SHA-256 of a token; tokens hold 256 random bits, so no salt or stretching is needed."""
        return hashlib.sha256(token.encode()).digest()


class Unfreezing(models.Model):
    """Somebody asked for a frozen account to be opened again, after a day and unless a colleague stops it.

    The MAC is keyed by the application: a row added, back-dated or changed in SQL opens nothing.
    """

    class State(models.TextChoices):
        """Where a request stands; each is ended once."""

        ASKED = "asked", pgettext_lazy("unfreezing", "Waiting")
        STOPPED = "stopped", pgettext_lazy("unfreezing", "Stopped")
        DONE = "done", pgettext_lazy("unfreezing", "Opened")

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    ended_by = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    mac = models.BinaryField(max_length=16)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(state="asked"), name="accounts_unfreezing_one_waits"
            )
        ]

    def __str__(self) -> str:
        return f"unfreezing {self.pk}"

    def signed_bytes(self) -> bytes:
        """Return the MAC input.

        `"cw/u1" || id(16) || user(16) || asked_by(16) || i64 asked_at || state, padded with zeros (8) ||
        ended_by(16, zero if none) || i64 ended_at`, times in microseconds since 1970, UTC; no end is 0.
        """
        return b"".join(
            (
                b"cw/u1",
                self.id.bytes,
                self.user_id.bytes,
                self.asked_by.bytes,
                microseconds(self.asked_at),
                self.state.encode().ljust(8, b"\0"),
                (self.ended_by or UUID(int=0)).bytes,
                microseconds(self.ended_at) if self.ended_at else bytes(8),
            )
        )


class RoleRequest(models.Model):
    """Somebody is to be coordinator of a team, and a second person has to confirm it.

    Their account may still be an invitation (`invitation`); `user` follows when it is accepted. The MAC is keyed by the
    application: a request added or confirmed in SQL gives nobody a role.
    """

    class State(models.TextChoices):
        """Where a request stands; each is decided once."""

        WAITING = "waiting", pgettext_lazy("role request", "Waiting")
        CONFIRMED = "confirmed", pgettext_lazy("role request", "Confirmed")
        REFUSED = "refused", pgettext_lazy("role request", "Refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("role request", "Taken back")

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", null=True)
    invitation = models.OneToOneField(Invitation, on_delete=models.PROTECT, related_name="+", null=True)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    mac = models.BinaryField(max_length=16)

    team_id: UUID
    user_id: UUID | None
    invitation_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | models.Q(invitation__isnull=False),
                name="accounts_rolerequest_about_somebody",
            ),
            models.UniqueConstraint(
                fields=["user", "team"], condition=models.Q(state="waiting"), name="accounts_rolerequest_one_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"role request {self.pk}"

    def signed_bytes(self) -> bytes:
        """Return the MAC input.

        `"cw/q1" || id(16) || team(16) || user(16) || invitation(16) || asked_by(16) || i64 asked_at ||
        state, padded with zeros (16) || decided_by(16) || i64 decided_at`; times in microseconds since 1970, UTC; zeros
        for what is not there.
        """
        nobody = UUID(int=0)
        return b"".join(
            (
                b"cw/q1",
                self.id.bytes,
                self.team_id.bytes,
                (self.user_id or nobody).bytes,
                (self.invitation_id or nobody).bytes,
                self.asked_by.bytes,
                microseconds(self.asked_at),
                self.state.encode().ljust(16, b"\0"),
                (self.decided_by or nobody).bytes,
                microseconds(self.decided_at) if self.decided_at else bytes(8),
            )
        )


class FactorReset(models.Model):
    """Somebody lost their second factor, and a colleague asked that they set up a new one: after a day, by a link.

    The MAC is keyed by the application and covers every column: a row added, back-dated or advanced in SQL does
    nothing.
    """

    class State(models.TextChoices):
        """How far it is: asked, a link was made, the link was opened and the old factors are gone, and the two ends."""

        ASKED = "asked", pgettext_lazy("factor reset", "Waiting")
        LINKED = "linked", pgettext_lazy("factor reset", "Link made")
        OPENED = "opened", pgettext_lazy("factor reset", "Link opened")
        DONE = "done", pgettext_lazy("factor reset", "Done")
        STOPPED = "stopped", pgettext_lazy("factor reset", "Stopped")

    class Known(models.TextChoices):
        """How the colleague made sure who was asking."""

        PERSON = "person", pgettext_lazy("factor reset", "They stood before me")
        VOICE = "voice", pgettext_lazy("factor reset", "I know their voice, and called a number that I had before")

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField(default=clock.now)
    known_by = models.CharField(max_length=8, choices=Known.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    linked_by = models.UUIDField(null=True)
    token_hash = models.BinaryField(max_length=32, unique=True, null=True)
    expires_at = models.DateTimeField(null=True)  # the link's
    ended_by = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    mac = models.BinaryField(max_length=16)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["user", "asked_at"], name="accounts_factorreset_user")]

    def __str__(self) -> str:
        return f"factor reset {self.pk}"

    def signed_bytes(self) -> bytes:
        """Return the MAC input.

        `"cw/f1" || id(16) || user(16) || asked_by(16) || i64 asked_at || known_by, padded with zeros (8) || state (8)
        || linked_by(16) || token hash(32) || i64 expires_at || ended_by(16) || i64 ended_at`; what is not there is
        zeros, times are microseconds since 1970, UTC.
        """
        return b"".join(
            (
                b"cw/f1",
                self.id.bytes,
                self.user_id.bytes,
                self.asked_by.bytes,
                microseconds(self.asked_at),
                self.known_by.encode().ljust(8, b"\0"),
                self.state.encode().ljust(8, b"\0"),
                (self.linked_by or UUID(int=0)).bytes,
                bytes(self.token_hash or bytes(32)),
                microseconds(self.expires_at) if self.expires_at else bytes(8),
                (self.ended_by or UUID(int=0)).bytes,
                microseconds(self.ended_at) if self.ended_at else bytes(8),
            )
        )


class DemoLink(models.Model):
    """A one-time sign-in link of the demo; the view that redeems it exists in demo mode alone."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    token_hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link {self.pk}"
