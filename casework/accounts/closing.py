"""Accounts that nobody can sign in to: frozen by their owner before a journey, or switched off by an administrator.

The two do not undo each other: an account for which both hold is open again when both have ended. Everything else asks
`is_active` alone, the database's own walls included.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Case, Value, When

from casework.accounts import selectors
from casework.accounts.models import Device, Membership, User
from casework.accounts.types import Standing
from casework.core import clock
from casework.core.jobs import enqueue


def freeze(user_id: UUID) -> bool:
    """Freeze an account and end its sessions; say whether that changed anything. The caller writes the trail."""
    return _close(user_id, "frozen_at")


def thaw(user_id: UUID) -> bool:
    """End a freeze; the account is open again unless it is switched off as well. Returns and writes as `freeze`."""
    return _open(user_id, "frozen_at")


def switch_off(user_id: UUID) -> bool:
    """Switch an account off and end its sessions. Returns and writes as `freeze`."""
    return _close(user_id, "switched_off_at")


def switch_on(user_id: UUID) -> bool:
    """Switch an account on; it is open again unless it is frozen as well. Returns and writes as `freeze`."""
    return _open(user_id, "switched_off_at")


def _close(user_id: UUID, reason: str) -> bool:
    changed = User.objects.filter(pk=user_id, **{reason: None}).update(is_active=False, **{reason: clock.now()})
    if changed:
        end_sessions(user_id)
        _tell(user_id)
    return bool(changed)


def _open(user_id: UUID, reason: str) -> bool:
    other = "frozen_at" if reason == "switched_off_at" else "switched_off_at"
    is_active = Case(When(**{f"{other}__isnull": True}, then=Value(True)), default=Value(False))
    closed = User.objects.filter(pk=user_id, **{f"{reason}__isnull": False})
    changed = closed.update(is_active=is_active, **{reason: None})
    if changed:
        # One that somebody began while the account was being closed would live again with it.
        end_sessions(user_id)
        _tell(user_id)
    return bool(changed)


def end_sessions(user_id: UUID) -> int:
    """Sign somebody out of every browser and return of how many."""
    devices = Device.objects.filter(user_id=user_id)
    keys = list(devices.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    devices.delete()
    return len(keys)


def _tell(user_id: UUID) -> None:
    selectors.forget_standing(user_id)
    # Whom to remind of a case follows its lead's account; what is lost with the broker is made up for within the hour.
    enqueue("reminders.plan")


def held_by(user_id: UUID) -> Standing:
    """Return the roles that somebody holds or, where their account is closed, will hold again; MACs checked."""
    rows = Membership.objects.filter(user_id=user_id).select_related("group__team_role")
    return selectors.standing_from(user_id, rows)
