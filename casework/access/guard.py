"""No case key is unwrapped for someone without a sound, live grant: the check stands in front of the keyring."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from casework.access import selectors
from casework.core import work
from casework.core.errors import NotFound
from casework.crypto import services as crypto


def install() -> None:
    """Put the guard before the unwrapping of case keys, and let no key outlive its unit of work (once, at start)."""
    crypto.set_unwrap_guard(check, sieve)
    crypto.set_stored_hook(_confirm_at_the_end)
    work.on_end(crypto.clear)


def _confirm_at_the_end() -> None:
    # Before the trail, whose rows of the case's stream are to be locked last and shortly.
    if work.running():
        work.before_commit("crypto", crypto.confirm_stored)


def check(case_ids: Collection[UUID]) -> None:
    """Raise NotFound when the running actor has no sound, live grant on one of `case_ids`.

    The machine's own principal (planning reminders, deriving again) passes: it acts for no person, runs under the
    worker's database role, and shows nothing to anybody.
    """
    actor = work.current().actor
    if actor.kind == "system":
        return
    levels = selectors.levels_for(actor.user_id, case_ids)
    if any(case_id not in levels for case_id in case_ids):
        raise NotFound


def sieve(case_ids: Collection[bytes] | None) -> Collection[bytes] | None:
    """Return those of `case_ids` (None: of all) on which the running actor has a sound, live grant; asks as `check`."""
    actor = work.current().actor
    if actor.kind == "system":
        return case_ids
    return selectors.sound_among(actor.user_id, case_ids)
