"""A lost second factor: a colleague who has spoken with the person asks, everybody is told, and a day passes.

Who asks and makes the link: a coordinator of one of the person's teams. For outside lawyers: of a team whose case they
have access to. For people without a team: another administrator. Nobody does it for themselves, and an administrator
never for somebody who sees cases. Where the only coordinator (or administrator) lost it, any coordinator may.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from casework.access import policies, registry, selectors
from casework.access.actions import Action
from casework.accounts import resets
from casework.accounts import selectors as accounts
from casework.accounts.models import FactorReset, User
from casework.accounts.resets import NewLink
from casework.accounts.types import TEAM_ROLES, Person, Role
from casework.audit import services as audit
from casework.core import clock, work
from casework.core.errors import Conflict, NotAllowed, NotFound
from casework.notices import alerts
from casework.notices.types import Kind


@dataclass(frozen=True)
class Waiting:
    """A reset that is under way. The link can be made between `ready_at` and `ends_at`; `link_made`: it was."""

    id: UUID
    asked_by: UUID
    asked_at: datetime
    ready_at: datetime
    ends_at: datetime
    link_made: bool

    @property
    def is_ready(self) -> bool:
        return self.ready_at <= clock.now()


@dataclass(frozen=True)
class Factor:
    """Somebody's second factor as far as the actor has to do with it. `is_self`: it is the actor's own."""

    person: Person
    is_self: bool
    waiting: Waiting | None
    may_ask: bool
    may_stop: bool
    may_finish: bool


def factor_of(user_id: UUID) -> Factor:
    """Return what the actor may do about somebody's second factor.

    Raises:
        NotFound: there is no such account, or it is not for the actor to know of.
        NotAllowed: it is not the actor's own, and they neither coordinate a team nor administer accounts.
    """
    is_self = user_id == _actor()
    if not is_self:
        policies.check(Action.RESET_FACTOR)
    user = User.objects.filter(pk=user_id).first()
    found = _factor(user) if user is not None else None
    if found is None:
        raise NotFound
    return found


def factors_waiting() -> list[Factor]:
    """Return the resets under way with which the actor has to do, the oldest first.

    Raises:
        NotAllowed: the actor neither coordinates a team nor administers accounts.
    """
    policies.check(Action.RESET_FACTOR)
    asked = FactorReset.objects.exclude(state__in=(FactorReset.State.DONE, FactorReset.State.STOPPED))
    users = User.objects.filter(pk__in=asked.values("user_id")).exclude(pk=_actor())
    found = [factor for user in users if (factor := _factor(user)) is not None and factor.waiting is not None]
    return sorted(found, key=lambda factor: factor.waiting.asked_at if factor.waiting else clock.now())


def ask_reset(user_id: UUID, known_by: str = FactorReset.Known.VOICE) -> UUID:
    """Ask that somebody may set up a new second factor in a day; tell everybody, them included. Writes to the trail.

    `known_by`: how the actor made sure who was asking, a value of `FactorReset.Known`.

    Raises:
        NotFound, NotAllowed: as `factor_of`, or it is not for the actor to ask.
        Conflict: somebody has asked already.
    """
    resets.lock(user_id)
    found = factor_of(user_id)
    if found.waiting is not None:
        raise Conflict(_("Somebody has asked for this already."))
    if not found.may_ask:
        raise NotAllowed(
            _("A coordinator of this person's team does this; for administrators and auditors another one.")
        )
    row = resets.ask(user_id=user_id, asked_by=_actor(), known_by=known_by)
    told = accounts.everyone_to_tell(user_id) - {_actor()}
    alerts.tell(Kind.FACTOR_RESET, told, about_id=row.pk, subject_id=user_id)
    audit.record("account.factor_reset_asked", obj=user_id, body={"request": str(row.pk), "known_by": known_by})
    return row.pk


def stop_reset(reset_id: UUID) -> None:
    """Stop a reset, up to the moment at which a new factor is set up. Writes to the trail.

    Raises:
        NotFound, NotAllowed: as `factor_of`.
        Conflict: it is not under way any more.
    """
    row, found = _locked(reset_id)
    if not found.may_stop:
        raise NotAllowed
    resets.stop(row, by=_actor())
    audit.record("account.factor_reset_stopped", obj=row.user_id, body={"request": str(row.pk)})


def finish_reset(reset_id: UUID) -> NewLink:
    """Make the link by which the person sets up a new second factor, once, after the day. Writes to the trail.

    Raises:
        NotFound, NotAllowed: as `factor_of`, or the day is not over, or it is not for the actor to do.
        Conflict: it is not under way any more, or the link was made already.
    """
    row, found = _locked(reset_id)
    assert found.waiting is not None
    if found.waiting.link_made:
        raise Conflict(_("The link was made already. If it was lost, stop this and ask again."))
    if not found.may_finish:
        raise NotAllowed(_("The link can be made 24 hours after somebody asked for it, not before."))
    link = resets.make_link(row, by=_actor())
    audit.record("account.factor_reset_linked", obj=row.user_id, body={"request": str(row.pk)})
    return link


def _locked(reset_id: UUID) -> tuple[FactorReset, Factor]:
    user_id = FactorReset.objects.filter(pk=reset_id).values_list("user_id", flat=True).first()
    if user_id is None:
        raise NotFound
    resets.lock(user_id)
    found, row = factor_of(user_id), resets.under_way(user_id)
    if row is None or row.pk != reset_id:
        raise Conflict(_("This is not waiting any more."))
    return row, found


def _factor(user: User) -> Factor | None:
    """Return what the actor may do about a person's second factor; None where they have nothing to do with it."""
    actor_id = _actor()
    is_self = actor_id == user.pk
    asks = not is_self and user.is_active and _may_ask(user.pk)
    is_admin = accounts.standing_of(actor_id).has(Role.ADMIN)
    if not (is_self or asks or is_admin or actor_id in accounts.everyone_to_tell(user.pk)):
        return None
    row = resets.under_way(user.pk)
    waiting = None
    if row is not None:
        ready_at = row.asked_at + resets.WAIT
        made = row.state != FactorReset.State.ASKED
        waiting = Waiting(row.pk, row.asked_by, row.asked_at, ready_at, resets.ends_at(row), made)
    return Factor(
        person=Person(user.pk, user.name, user.email),
        is_self=is_self,
        waiting=waiting,
        may_ask=asks and waiting is None,
        may_stop=waiting is not None,
        may_finish=asks and waiting is not None and waiting.is_ready and not waiting.link_made,
    )


def _may_ask(user_id: UUID) -> bool:
    mine, theirs = accounts.standing_of(_actor()), accounts.standing_of(user_id)
    coordinates = mine.teams(Role.COORDINATOR)
    teams = {team for role in TEAM_ROLES for team in theirs.teams(role)}
    if teams:
        alone = not accounts.coordinators_of(teams) - {user_id}
        return bool(teams & coordinates) or (alone and bool(coordinates))
    if theirs.has(Role.LAWYER):
        return bool(coordinates) and _has_access_in(user_id, coordinates)
    others = [person for person in accounts.holders(Role.ADMIN) if person.id != user_id]
    return mine.has(Role.ADMIN) or (not others and bool(coordinates))


def _has_access_in(user_id: UUID, teams: frozenset[UUID]) -> bool:
    live = Q(until__isnull=True) | Q(until__gt=clock.now())
    given = registry.tables().user.objects.filter(live, user_id=user_id, content_object__team_id__in=teams)
    return any(selectors.is_sound(row) for row in given.select_related("permission"))


def _actor() -> UUID:
    user_id = work.current().actor.user_id
    assert user_id is not None
    return user_id
