"""Erasing a case: one person asks, another confirms, and then nobody can read it again, in any copy that has no key.

Asked for is a row; confirmed, everything of the case goes in one transaction: its keys, its rows in all tables, and
with the commit its files. What stays is the trail, whose particulars died with the key, and the row that says what was
erased, when, by whom and why. Nothing is ever erased by the passing of time: `retention` proposes, people decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access import selectors as access
from casework.access.actions import Action
from casework.access.types import Level
from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.audit import services as audit
from casework.cases import selectors
from casework.cases.models import Case, Erasure
from casework.cases.signals import case_erased, case_erasing
from casework.cases.types import ErasureReason, ErasureState, ErasureView
from casework.core import clock, work
from casework.core.errors import Conflict, Invalid, NotAllowed, NotFound
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError
from casework.crypto.types import KeyUnavailable

# How long a confirmation waits for somebody who is saving the case just now.
_PATIENCE: Final = "10s"
_BUSY: Final = frozenset({"40P01", "55P03"})  # a deadlock, a lock that was not to be had


# --- asking and deciding -------------------------------------------------------------------------------------------


def request_erasure(case_id: UUID, *, reason: str, note: str = "") -> UUID:
    """Ask for a case to be erased; return the request's id. Writes to the case's trail.

    `reason`: a value of `ErasureReason`. `note` is sealed under the case's key and goes with it.

    Raises:
        NotFound, NotAllowed: the actor may not see, or does not lead, the case.
        Invalid: there is no such reason (field `reason`).
        Conflict: a request for this case waits already.
    """
    case = selectors.case_for(case_id, Action.ASK_ERASURE)
    if reason not in ErasureReason.values:
        raise Invalid({"reason": _("Say why the case is to be erased.")})
    # Held, so that of two who ask at once the second finds the request of the first.
    case = selectors.locked(case.pk)
    if Erasure.objects.filter(case_id=case_id, state=ErasureState.ASKED).exists():
        raise Conflict(_("Somebody has already asked for this case to be erased. A second person decides."))
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    row = Erasure(
        case_id=case_id,
        reference=case.reference,
        team_id=case.team_id,
        reason=reason,
        asked_by=actor_id,
        asked_at=clock.now(),
        note=note.strip(),
    )
    row.mac = accounts.mac_of(row.signed_bytes())
    row.save(force_insert=True)
    audit.record("case.erasure_requested", case=case_id, obj=row.pk, row=row, reason=reason)
    return row.pk


def withdraw_erasure(erasure_id: UUID) -> None:
    """Take one's own request back; writes to the case's trail.

    Raises:
        NotFound: there is no such request, or the actor may not know of it, or of the case any more.
        NotAllowed: somebody else asked.
        Conflict: it was decided already.
    """
    row = _waiting(erasure_id)
    if row.asked_by != work.current().actor.user_id:
        raise NotAllowed(_("Only who asked for the erasure can take the request back. A coordinator can refuse it."))
    policies.check(Action.OPEN_CASE, row.case_id)
    _decide(row, ErasureState.WITHDRAWN, "case.erasure_withdrawn")


def refuse_erasure(erasure_id: UUID) -> None:
    """Refuse a request as a coordinator of the case's team; the case stays as it is. Writes to the case's trail.

    Raises:
        NotFound: there is no such request, or the actor may not know of it.
        NotAllowed: the actor asked themselves, or is no coordinator of the team who leads the case.
        Conflict: it was decided already.
    """
    row = _waiting(erasure_id)
    _check_second_person(row, asked_oneself=_("You asked for this erasure yourself: take the request back instead."))
    _decide(row, ErasureState.REFUSED, "case.erasure_refused")


def confirm_erasure(erasure_id: UUID, *, reference: str) -> ErasureView:
    """Erase the case of a request: its keys, its rows in every table, with the commit its files. Returns what went.

    Everything in one transaction: an error anywhere leaves the case whole. Its stream of the trail ends with
    `case.erased`, without particulars. `reference`: the case's, as the person typed it.

    Raises:
        NotFound: there is no such request, or the actor may not know of it.
        NotAllowed: the actor asked themselves, or is no coordinator of the team who leads the case.
        Invalid: the reference is another one (field `reference`).
        Conflict: it was decided already, the request was changed outside the application, or somebody was saving the
            case for too long; nothing was erased.
    """
    row = _waiting(erasure_id)
    _check_second_person(
        row, asked_oneself=_("You asked for this erasure yourself. A second person has to confirm it.")
    )
    if not _is_sound(row) or _note(row) is None:
        raise Conflict(_("This request was changed outside the application. Refuse it, and ask again."))
    if _letters(reference) != _letters(row.reference):
        raise Invalid({"reference": _("This is not the reference of the case. Type it as it stands above.")})
    try:
        with transaction.atomic():
            _erase(row)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") not in _BUSY:
            raise
        raise Conflict(_("Somebody is working on this case just now. Nothing was erased: try again.")) from None
    audit.record("case.erased", case=row.case_id, reason=row.reason)
    access.forget_levels()
    return _view(row, {})


def _erase(row: Erasure) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
    # Everybody takes the derivation before the case; whoever saves the case, or has just saved it, is waited for.
    case_erasing.send(sender=Case, case_id=row.case_id)
    if not Case.objects.select_for_update(no_key=True).filter(pk=row.case_id).exists():
        raise NotFound
    row.key_count = crypto.destroy_scope(row.case_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cw_erase_case(%s)", [row.pk])
    keys = row.key_count
    row.refresh_from_db()
    row.key_count = keys
    row.mac = accounts.mac_of(row.signed_bytes())
    row.save(update_fields=["key_count", "mac"])
    case_erased.send(sender=Case, case_id=row.case_id, objects=tuple(row.objects_left))


def _waiting(erasure_id: UUID) -> Erasure:
    row = Erasure.objects.select_for_update().filter(pk=erasure_id).first()
    if row is None:
        raise NotFound
    if row.state != ErasureState.ASKED:
        raise Conflict(_("This request was decided already."))
    return row


def _check_second_person(row: Erasure, *, asked_oneself: Any) -> None:
    actor = work.current().actor
    if actor.user_id == row.asked_by:
        audit.record_refusal(actor, case=row.case_id, reason="second_person_missing")
        raise NotAllowed(asked_oneself)
    policies.check(Action.CONFIRM_ERASURE, row.case_id)
    if row.team_id not in accounts.standing_of(actor.user_id).teams(Role.COORDINATOR):
        raise NotAllowed(_("Only a coordinator of the case's own team decides about its erasure."))


def _decide(row: Erasure, state: ErasureState, action: str) -> None:
    row.state = state
    row.decided_by, row.decided_at = work.current().actor.user_id, clock.now()
    row.mac = accounts.mac_of(row.signed_bytes())
    row.save(update_fields=["state", "decided_by", "decided_at", "mac"])
    audit.record(action, case=row.case_id, obj=row.pk, row=row, reason=row.reason)


def _letters(reference: str) -> str:
    return "".join(sign for sign in reference.upper() if sign.isalnum())


def _note(row: Erasure) -> str | None:
    """Return the note; None when it was changed outside the application, and nothing where the case has lost its key.

    A case without a key is one to be erased: that its request cannot be read stands in nobody's way.
    """
    if row.state == ErasureState.ERASED:
        return ""
    try:
        return str(row.note)
    except KeyUnavailable:
        return ""
    except DecryptError:
        return None


def _is_sound(row: Erasure) -> bool:
    return accounts.mac_matches(row.signed_bytes(), row.mac)


# --- looking -------------------------------------------------------------------------------------------------------


def erasures() -> list[ErasureView]:
    """Return the requests that the actor may know of, newest first: of teams they coordinate, their own, and those
    that wait for cases that they lead.

    Those of erased cases stay among them. The note is opened for who may still see the case.
    """
    rows = list(Erasure.objects.order_by("-asked_at", "pk"))
    levels = access.levels_for(work.current().actor.user_id, {row.case_id for row in rows})
    with suppress(DecryptError):  # a wrap that was changed is found again below, where it belongs
        crypto.keys_for_many(levels)
    return [_view(row, levels) for row in rows]


def waiting_for_me() -> int:
    """Return how many requests wait for the actor's decision: of teams they coordinate, asked by somebody else."""
    actor_id = work.current().actor.user_id
    teams = accounts.standing_of(actor_id).teams(Role.COORDINATOR)
    if actor_id is None or not teams:
        return 0
    return Erasure.objects.filter(state=ErasureState.ASKED, team_id__in=teams).exclude(asked_by=actor_id).count()


def erasure(erasure_id: UUID) -> ErasureView:
    """Return one request; raise NotFound when there is none, or the actor may not know of it."""
    row = Erasure.objects.filter(pk=erasure_id).first()
    if row is None:
        raise NotFound
    return _view(row, access.levels_for(work.current().actor.user_id, [row.case_id]))


def erasure_of(case_id: UUID) -> ErasureView | None:
    """Return the request that waits for a case, or None; whoever leads the case may know of it.

    Raises:
        NotFound, NotAllowed: the actor may not see, or does not lead, the case.
    """
    policies.check(Action.ASK_ERASURE, case_id)
    row = Erasure.objects.filter(case_id=case_id, state=ErasureState.ASKED).first()
    return _view(row, access.levels_for(work.current().actor.user_id, [case_id])) if row is not None else None


def _view(row: Erasure, levels: Mapping[UUID, Level]) -> ErasureView:
    actor_id = work.current().actor.user_id
    note = _note(row) if row.case_id in levels else ""
    waits, sound = row.state == ErasureState.ASKED, _is_sound(row) and note is not None
    decides = (
        waits
        and actor_id != row.asked_by
        and levels.get(row.case_id, 0) >= Level.LEAD
        and row.team_id in accounts.standing_of(actor_id).teams(Role.COORDINATOR)
    )
    return ErasureView(
        id=row.pk,
        case_id=row.case_id,
        reference=row.reference,
        team_id=row.team_id,
        state=row.state,
        reason=row.reason,
        note=note or "",
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        counts={"keys": row.key_count, "rows": row.row_count, "files": row.file_count},
        may_confirm=decides and sound,
        may_withdraw=waits and actor_id == row.asked_by and row.case_id in levels,
        may_refuse=decides,
        sound=sound,
    )


def id_ever_of(reference: str) -> UUID | None:
    """Return the id of the case that has, or had, this reference; for the verifier of the trail.

    The trail of an erased case can so still be verified by the reference that its certificate names.
    """
    found = selectors.id_of_reference(reference)
    if found is not None:
        return found
    erased = Erasure.objects.filter(reference=reference.strip().upper(), state=ErasureState.ERASED)
    # Without an order: of this table the verifier reads these columns alone.
    return next(iter(erased.values_list("case_id", flat=True)), None)


# --- what an erasure leaves to do ----------------------------------------------------------------------------------


def leftovers() -> list[tuple[UUID, tuple[UUID, ...]]]:
    """Return the erasures whose files are still to be removed, with the ids of those; for the worker."""
    rows = Erasure.objects.filter(state=ErasureState.ERASED).exclude(objects_left=[])
    return [(key, tuple(objects)) for key, objects in rows.values_list("pk", "objects_left")]


def settle(erasure_id: UUID) -> None:
    """Note that the files of an erasure are gone; for the worker."""
    Erasure.objects.filter(pk=erasure_id, state=ErasureState.ERASED).update(objects_left=[])


def sweep_rows() -> int:
    """Take away what units of work that ended after an erasure may have left of the case; for the worker.

    Only tables without a foreign key to the case can hold such rows (notices, requests to derive or plan it again).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT cw_sweep_erased()")
        return int(cursor.fetchone()[0])


# --- erased in backups too -----------------------------------------------------------------------------------------

_LISTED: Final = (
    "id",
    "case_id",
    "reference",
    "team_id",
    "reason",
    "asked_by",
    "asked_at",
    "decided_by",
    "decided_at",
    "key_count",
    "row_count",
    "file_count",
    "mac",
)


class Cursor(Protocol):
    """As much of a database cursor as `erasure_list` and `replay` need: Django's and psycopg's both fit."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...

    def fetchall(self) -> Any: ...


def erasure_list(cursor: Cursor) -> list[dict[str, Any]]:
    """Return what was ever erased as plain values, for the part of a backup that holds the keys.

    `cursor`: of a role that reads `cases_erasure` past its wall (the owner, or whoever makes backups). Ids are text,
    times ISO 8601, the MAC hexadecimal. Nothing about a person is in it.
    """
    columns = ", ".join(_LISTED)
    cursor.execute(f"SELECT {columns} FROM cases_erasure WHERE state = 'erased' ORDER BY decided_at, id")  # noqa: S608
    return [{name: _plain(value) for name, value in zip(_LISTED, row, strict=True)} for row in cursor.fetchall()]


def replay(cursor: Cursor, listed: Iterable[Mapping[str, Any]]) -> list[UUID]:
    """Erase again, in a database restored from an older backup, what was erased since; return the files to remove.

    `cursor`: of the owner, in a transaction of the caller's. `listed`: of the newest backup of keys, as
    `erasure_list` gave it. For each: rows of the case go from every table, wraps of its key go, its scopes are marked
    erased, and the erasure stands in `cases_erasure` with its MAC. Doing it twice changes nothing. The files are those
    that the restored rows named; `objects_left` holds them until the worker's sweep has found them gone.
    """
    names, places = ", ".join(_LISTED), ", ".join(["%s"] * len(_LISTED))
    kept = ", ".join(f"{name} = EXCLUDED.{name}" for name in _LISTED if name != "id")
    objects: list[UUID] = []
    for one in listed:
        values = [bytes.fromhex(one[name]) if name == "mac" else one[name] for name in _LISTED]
        # A request that the backup knows as waiting gives way: it was decided.
        cursor.execute(
            f"INSERT INTO cases_erasure ({names}, state, objects_left, note_sealed)"  # noqa: S608  (our own names)
            f" VALUES ({places}, 'erased', '{{}}', '')"
            f" ON CONFLICT (id) DO UPDATE SET {kept}, state = 'erased', note_sealed = ''",
            values,
        )
        cursor.execute("SELECT unnest(cw_erase_again(%s))", [one["case_id"]])
        objects += [found for (found,) in cursor.fetchall()]
    return objects


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
