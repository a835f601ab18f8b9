"""Renewing keys, with its entries in the trail: the wrapping key, the key of one case, the installation's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from casework.audit import services as audit
from casework.audit import vouching
from casework.core import clock, work
from casework.crypto import renewal, rotation
from casework.crypto import services as crypto
from casework.crypto.renewal import Renewed
from casework.crypto.rotation import Done, Ended, Rotation


def rotate_wrapping_key(
    *, batch: int, began: Callable[[Rotation], None], progress: Callable[[Done], None]
) -> tuple[Rotation, Done, Ended]:
    """Wrap every scope key again under a new version of the wrapping key, or finish what an earlier run began.

    Each batch is a transaction of its own; `progress` is told after each. Raises `RootKeyError`.
    """
    rotation_ = rotation.begin()
    if not rotation_.resumed:
        with work.acting(work.system_actor()):
            audit.record("key.created", body={"wrapping_key": rotation_.version})
    began(rotation_)
    done = Done()
    for done in rotation.rewrap(rotation_.version, batch=batch):
        progress(done)
    ended = rotation.retire(rotation_.version, clock.now(), done)
    with work.acting(work.system_actor()):
        rewrapped = {"wrapping_key": rotation_.version, "wraps": done.rewrapped, "failed": done.failed}
        audit.record("key.rotated", body={**rewrapped, "retired": list(ended.retired)})
        for version in ended.destroyed:
            audit.record("key.destroyed", body={"wrapping_key": version})
    return rotation_, done, ended


def renew_installation_key() -> int:
    """Start a new epoch of the MACs and return its number; every older MAC stays right."""
    with work.acting(work.system_actor()):
        generation = crypto.renew_scope(crypto.INSTALLATION)
        audit.record("key.rotated", body={"installation": generation})
    return generation


def renew_case_key(case_id: UUID, *, progress: Callable[[Renewed], None]) -> tuple[int, Renewed]:
    """Start a new generation of a case's key, or go on with one that was begun, and seal all values anew under it."""
    with work.acting(work.system_actor()):
        generation = renewal.unfinished(case_id)
        if generation is None:
            generation = crypto.renew_scope(case_id)
            audit.record("key.created", case=case_id, body={"generation": generation})
    return generation, finish_case_key(case_id, progress=progress)


def keep() -> None:
    """Finish the renewals of cases whose message was lost, or that were begun because a key had sealed enough."""
    for case_id in renewal.waiting():
        finish_case_key(case_id, progress=lambda done: None)


def finish_case_key(case_id: UUID, *, progress: Callable[[Renewed], None]) -> Renewed:
    """Seal anew whatever of a case lies under older generations, and retire those.

    Rows are taken a few at a time; the trail vouches for each anew, as their ciphertexts are others now. A row that was
    changed outside the application is left as it is, and counted as failed.
    """
    done = Renewed()
    while True:
        before = done
        for part in renewal.outdated(case_id):
            with work.acting(work.system_actor()):
                sealed = renewal.reseal(
                    case_id,
                    part,
                    stands=partial(vouching.is_current, case_id),
                    stood=vouching.knowing(case_id, part.rows),
                )
                # Of earlier versions too: their bytes are others now than when their change was told.
                for row in (*sealed.rows, *sealed.versions):
                    audit.record("key.rotated", case=case_id, row=row)
            done += sealed
            progress(done)
        with work.acting(work.system_actor()):
            done += renewal.rewrap_inside(case_id)
            retired = renewal.retire(case_id)
            if retired:
                audit.record("key.rotated", case=case_id, body={"retired": retired, "values": done.values})
        if retired is not None or done.failed > before.failed:
            return done
