"""Travel mode: somebody freezes their own account before a border, and only others can open it again.

Who opens it: at once a coordinator of one of the person's teams (for outside lawyers: of a team that gave them access
to a case), who has spoken with them. Where there is no such coordinator, and always for administrators and auditors: an
administrator, a day after asking, while everybody who was told can stop it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from casework.access import policies, registry, selectors
from casework.access.actions import Action
from casework.accounts import closing
from casework.accounts import selectors as accounts
from casework.accounts.models import Unfreezing, User
from casework.accounts.types import TEAM_ROLES, Person, Role
from casework.audit import services as audit
from casework.core import clock, ids, work
from casework.core.errors import Conflict, NotAllowed, NotFound
from casework.notices import alerts
from casework.notices.types import Kind

WAIT: Final = timedelta(hours=24)
# Asked for and forgotten is not a door that stands open.
ENDS: Final = timedelta(days=7)

_WATCHED: Final = frozenset({Role.ADMIN, Role.AUDITOR})


@dataclass(frozen=True)
class Openers:
    """Who can open somebody's account once it is frozen: coordinators at once, or else administrators after a day."""

    at_once: tuple[Person, ...]
    after_a_day: tuple[Person, ...]


@dataclass(frozen=True)
class Waiting:
    """A request that waits: an administrator can open the account between `ready_at` and `ends_at`."""

    asked_by: UUID
    asked_at: datetime
    ready_at: datetime
    ends_at: datetime

    @property
    def is_ready(self) -> bool:
        return self.ready_at <= clock.now()


@dataclass(frozen=True)
class Frozen:
    """A frozen account, and what the actor can do about it.

    `leads`: how many open cases of theirs the actor sees. `may_open`: at once, or now that the day is over; `may_ask`:
    that it be opened in a day; `may_stop`: the request that waits.
    """

    person: Person
    frozen_at: datetime
    leads: int
    waiting: Waiting | None
    may_open: bool
    may_ask: bool
    may_stop: bool


# --- freezing ------------------------------------------------------------------------------------------------------


def freeze_self() -> None:
    """Freeze the actor's own account and end all its sessions; writes to the trail and tells who can open it again.

    Raises:
        NotAllowed: the actor holds no role.
    """
    policies.check(Action.FREEZE_SELF)
    user_id = _actor()
    openers = openers_of(user_id)
    told = {person.id for person in openers.at_once or openers.after_a_day}
    alerts.tell(Kind.FROZEN, told, about_id=ids.new_id(), subject_id=user_id)
    audit.record("account.frozen", obj=user_id)
    closing.freeze(user_id)


def openers_of(user_id: UUID) -> Openers:
    """Return who could open an account, as far as the actor may know: who sees no case sees no lawyer's teams."""
    held = closing.held_by(user_id)
    admins = _but(user_id, accounts.holders(Role.ADMIN))
    if held.roles & _WATCHED:
        return Openers((), admins)
    teams = {team for role in TEAM_ROLES for team in held.teams(role)} or _giving_teams(user_id)
    coordinators = _but(user_id, accounts.holders(Role.COORDINATOR, teams)) if teams else ()
    return Openers(coordinators, () if coordinators else admins)


def cases_led(user_id: UUID) -> int:
    """Return how many open cases somebody leads, of those that the actor may see."""
    return int(_cases().objects.filter(selectors.seen_by(_actor()), lead_id=user_id, state="open").count())


def _giving_teams(user_id: UUID) -> set[UUID]:
    # Ended ones too: an account may stay frozen for longer than an access lasts.
    rows = registry.tables().user.objects.filter(user_id=user_id).select_related("permission")
    given = {row.content_object_id for row in rows if selectors.is_sound(row)}
    return set(_cases().objects.filter(pk__in=given).values_list("team_id", flat=True))


# --- opening again -------------------------------------------------------------------------------------------------


def frozen_account(user_id: UUID) -> Frozen:
    """Return a frozen account with which the actor can do something.

    Raises:
        NotFound: it is not frozen, or it is not for the actor to know.
        NotAllowed: the actor neither coordinates a team nor administers accounts.
    """
    policies.check(Action.UNFREEZE)
    user = User.objects.filter(pk=user_id, frozen_at__isnull=False).first()
    found = _frozen(user) if user is not None else None
    if found is None:
        raise NotFound
    return found


def frozen_accounts() -> list[Frozen]:
    """Return the frozen accounts with which the actor can do something, by name.

    Raises:
        NotAllowed: the actor neither coordinates a team nor administers accounts.
    """
    policies.check(Action.UNFREEZE)
    users = User.objects.filter(frozen_at__isnull=False).order_by("name", "pk")
    return [found for user in users if (found := _frozen(user)) is not None]


def ask_unfreeze(user_id: UUID) -> UUID:
    """Ask that an account be opened in a day, and tell everybody concerned; writes to the trail.

    Raises:
        NotFound, NotAllowed: as `frozen_account`, or it is not for the actor to ask.
        Conflict: somebody has asked already.
    """
    found = _held(user_id)
    if found.waiting is not None:
        raise Conflict(_("Somebody has asked for this already."))
    if not found.may_ask:
        raise NotAllowed(_("A coordinator of this person's team opens the account."))
    if _waiting_rows(user_id).exists():  # of an earlier journey, too old, or not made by the application
        _end(user_id, Unfreezing.State.STOPPED)
    row = Unfreezing(user_id=user_id, asked_by=_actor(), asked_at=clock.now())
    row.mac = accounts.mac_of(row.signed_bytes())
    row.save(force_insert=True)
    audit.record("account.unfreezing_asked", obj=user_id, body={"request": row.pk})
    told = accounts.everyone_to_tell(user_id) - {_actor()}
    alerts.tell(Kind.UNFREEZING, told, about_id=row.pk, subject_id=user_id)
    return row.pk


def stop_unfreezing(user_id: UUID) -> None:
    """Stop a request to open an account; it stays frozen. Writes to the trail.

    Raises:
        NotFound, NotAllowed: as `frozen_account`.
        Conflict: nothing waits any more.
    """
    found = _held(user_id)
    if not found.may_stop:
        raise Conflict(_("There is no request that waits any more."))
    request_id = _end(user_id, Unfreezing.State.STOPPED)
    audit.record("account.unfreezing_stopped", obj=user_id, body={"request": request_id})


def unfreeze(user_id: UUID) -> None:
    """Open a frozen account again, as somebody who has spoken with its owner; writes to the trail and tells them.

    Raises:
        NotFound, NotAllowed: as `frozen_account`, or it is not for the actor to open, or not yet.
    """
    found = _held(user_id)
    if not found.may_open:
        raise NotAllowed(_("This account can be opened one day after an administrator asked for it, not before."))
    request_id = _end(user_id, Unfreezing.State.DONE) if found.waiting is not None else None
    told = {user_id, *(person.id for person in openers_of(user_id).at_once)} - {_actor()}
    closing.thaw(user_id)
    audit.record("account.unfrozen", obj=user_id, body={"request": request_id} if request_id else None)
    # The owner hears of it too: whoever opens an account for somebody who did not ask does it in the open.
    alerts.tell(Kind.UNFREEZING, told, about_id=request_id or ids.new_id(), subject_id=user_id)


def _held(user_id: UUID) -> Frozen:
    """Return what `frozen_account` does, and keep it so: of two who decide at once the second finds it decided."""
    User.objects.select_for_update().filter(pk=user_id).first()
    return frozen_account(user_id)


def _frozen(user: User) -> Frozen | None:
    """Return what the actor can do with a frozen account; None where that is nothing."""
    actor_id = _actor()
    openers, waiting = openers_of(user.pk), _waiting(user)
    at_once = actor_id in {person.id for person in openers.at_once}
    by_day = actor_id in {person.id for person in openers.after_a_day}
    may_stop = waiting is not None and (at_once or by_day or actor_id in accounts.everyone_to_tell(user.pk))
    if actor_id == user.pk or not (at_once or by_day or may_stop):
        return None
    assert user.frozen_at is not None
    return Frozen(
        person=Person(user.pk, user.name, user.email),
        frozen_at=user.frozen_at,
        leads=cases_led(user.pk),
        waiting=waiting,
        may_open=at_once or (by_day and waiting is not None and waiting.is_ready),
        may_ask=by_day and waiting is None,
        may_stop=may_stop,
    )


def _waiting_rows(user_id: UUID) -> QuerySet[Unfreezing]:
    return Unfreezing.objects.filter(user_id=user_id, state=Unfreezing.State.ASKED)


def _waiting(user: User) -> Waiting | None:
    row = _waiting_rows(user.pk).first()
    if row is None or not accounts.mac_matches(row.signed_bytes(), row.mac):
        return None
    assert user.frozen_at is not None
    found = Waiting(row.asked_by, row.asked_at, row.asked_at + WAIT, row.asked_at + WAIT + ENDS)
    # One that was asked for an earlier journey says nothing about this one.
    return found if row.asked_at >= user.frozen_at and found.ends_at > clock.now() else None


def _end(user_id: UUID, state: Unfreezing.State) -> UUID:
    row = _waiting_rows(user_id).select_for_update().first()
    if row is None:
        raise Conflict(_("Somebody else decided about this first."))
    row.state, row.ended_by, row.ended_at = state, _actor(), clock.now()
    row.mac = accounts.mac_of(row.signed_bytes())
    row.save(update_fields=["state", "ended_by", "ended_at", "mac"])
    return row.pk


def _but(user_id: UUID, people: Iterable[Person]) -> tuple[Person, ...]:
    return tuple(person for person in people if person.id != user_id)


def _cases() -> Any:
    return registry.tables().user._meta.get_field("content_object").related_model


def _actor() -> UUID:
    user_id = work.current().actor.user_id
    assert user_id is not None
    return user_id
