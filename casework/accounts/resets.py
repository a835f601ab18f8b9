"""A lost second factor, as the account sees it: which reset holds, its link, and who may set up a first factor.

Whether somebody may ask is decided above (`access.second_factor`). Somebody who once had a second factor sets up a new
one by such a link alone: with the password and a row deleted in SQL nobody gets in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from casework.accounts import closing, selectors
from casework.accounts.models import FactorReset, Invitation, User
from casework.audit import selectors as trail
from casework.audit import services as audit
from casework.core import clock
from casework.core.errors import Conflict, NotFound

WAIT: Final = timedelta(hours=24)
# Asked for and forgotten is not a door that stands open.
ENDS: Final = timedelta(days=7)
LINK_LIFE: Final = timedelta(hours=72)
_SESSION_KEY: Final = "factor_reset"
_UNDER_WAY: Final = (FactorReset.State.ASKED, FactorReset.State.LINKED, FactorReset.State.OPENED)
_BY_LINK: Final = (FactorReset.State.LINKED, FactorReset.State.OPENED)


@dataclass(frozen=True)
class NewLink:
    """A link as its maker sees it once; `token` is not kept."""

    token: str
    expires_at: datetime


def under_way(user_id: UUID) -> FactorReset | None:
    """Return the reset of somebody's second factor that is under way; rows that we did not make count for nothing."""
    rows = FactorReset.objects.filter(user_id=user_id, state__in=_UNDER_WAY).order_by("-asked_at")
    return next((row for row in rows if _holds(row)), None)


def ends_at(row: FactorReset) -> datetime:
    """Return when a reset is over by itself: of one that waits its time to be used, else the link's end."""
    return row.expires_at if row.expires_at is not None else row.asked_at + WAIT + ENDS


def lock(user_id: UUID) -> User:
    """Keep everybody else from changing this account until the end of the unit of work; raise NotFound."""
    found = User.objects.select_for_update().filter(pk=user_id).first()
    if found is None:
        raise NotFound
    return found


def ask(*, user_id: UUID, asked_by: UUID, known_by: str) -> FactorReset:
    """Store that a reset was asked for; the caller holds the lock, decides, tells and writes the trail."""
    row = FactorReset(user_id=user_id, asked_by=asked_by, asked_at=clock.now(), known_by=known_by)
    row.mac = selectors.mac_of(row.signed_bytes())
    row.save(force_insert=True)
    return row


def make_link(row: FactorReset, *, by: UUID) -> NewLink:
    """Make the one link of a reset whose day is over; the caller holds the lock, decides and writes the trail."""
    token = secrets.token_urlsafe(32)
    row.linked_by, row.token_hash = by, Invitation.hash_of(token)
    row.expires_at = clock.now() + LINK_LIFE
    _move(row, FactorReset.State.LINKED)
    return NewLink(token, row.expires_at)


def stop(row: FactorReset, *, by: UUID) -> None:
    """End a reset without effect, or with the old factors gone where its link was opened; as `make_link` otherwise."""
    row.ended_by, row.ended_at = by, clock.now()
    _move(row, FactorReset.State.STOPPED)


def open_link(token: str) -> FactorReset:
    """Return the reset whose link this is; raise NotFound when the link is unknown, used, stopped or over."""
    found = FactorReset.objects.select_related("user").filter(token_hash=Invitation.hash_of(token)).first()
    if found is None or found.state not in _BY_LINK or not _holds(found) or not found.user.is_active:
        raise NotFound
    return found


def redeem(token: str) -> User:
    """Take away every second factor of the person whose link this is and end their sessions; return the person.

    The password was checked just before. The link holds until a new factor is set up: somebody who is interrupted
    opens it again. Writes to the trail.

    Raises:
        NotFound: as `open_link`.
    """
    user = lock(open_link(token).user_id)
    row = open_link(token)  # as it stands now that nobody else changes it
    # Not loaded: among them may be one that was put there by another way, and that refuses to be.
    factors = Authenticator.objects.filter(user_id=user.pk)
    kinds = sorted(factors.values_list("type", flat=True))
    factors.delete()
    closing.end_sessions(user.pk)
    _move(row, FactorReset.State.OPENED)
    audit.record("auth.factors_reset", actor=user.pk, obj=user.pk, body={"request": str(row.pk), "kinds": kinds})
    return user


def note(request: HttpRequest, user: User) -> None:
    """Let the session that has just begun set up a factor: it came by the link."""
    row = under_way(user.pk)
    assert row is not None
    request.session[_SESSION_KEY] = str(row.pk)


def may_enrol(request: HttpRequest) -> bool:
    """Say whether a signed-in person without a second factor may set one up: a newcomer, or one who came by a link."""
    user: Any = request.user
    by_link = request.session.get(_SESSION_KEY)
    if by_link is not None:
        row = under_way(user.pk)
        return row is not None and str(row.pk) == by_link and row.state == FactorReset.State.OPENED
    return not trail.has_done(user.pk, "auth.mfa_added")


def complete(user_id: UUID) -> None:
    """End the reset of somebody who has just set up a new factor: its link is spent."""
    row = under_way(user_id)
    if row is not None and row.state == FactorReset.State.OPENED:
        row.ended_by, row.ended_at = user_id, clock.now()
        _move(row, FactorReset.State.DONE)


def _holds(row: FactorReset) -> bool:
    return ends_at(row) > clock.now() and selectors.mac_matches(row.signed_bytes(), row.mac)


def _move(row: FactorReset, state: FactorReset.State) -> None:
    before, row.state = row.state, state
    row.mac = selectors.mac_of(row.signed_bytes())
    columns = ("state", "linked_by", "token_hash", "expires_at", "ended_by", "ended_at", "mac")
    if not FactorReset.objects.filter(pk=row.pk, state=before).update(**{name: getattr(row, name) for name in columns}):
        raise Conflict(_("Somebody else changed this first."))
