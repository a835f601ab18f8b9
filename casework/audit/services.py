"""Writing the trail: what happens in a unit of work is collected, and written as the last statements before its commit.

One page, one entry: an entry alike in everything but its time is written once a unit. What a rolled-back savepoint
did is not written, save what tells that something was *seen*. Refusals and failed sign-ins outlive the rollback of
their unit: they are written with it when it commits, and in a unit of their own when it does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection, models, transaction

from casework.audit import actions, chain
from casework.audit.types import COLUMNS, SYSTEM_STREAM, Row
from casework.core import clock, work
from casework.crypto import services as crypto
from casework.crypto.envelope import seal_body
from casework.crypto.fields import ciphertexts

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

HOOK = "zz-audit"
_BATCH = 500


_INSERT = "INSERT INTO audit_entry (" + COLUMNS + ") VALUES {inserted}"  # noqa: S608  (our own column names)
_VALUES = "(" + ", ".join(["%s"] * len(Row._fields)) + ")"


@dataclass(eq=False, slots=True)
class _Pending:
    """An entry that waits for the end of its unit. Called by Django once its savepoints and transaction committed."""

    by: work.Actor
    actor: UUID
    stream: UUID
    action: actions.Action
    outcome: int
    reason: int
    target: UUID
    row_digest: bytes
    body: bytes
    case_id: UUID | None
    time_us: int
    survives: bool
    committed: bool = field(default=False)

    def __call__(self) -> None:
        self.committed = True

    def alike(self) -> tuple[object, ...]:
        """What makes two entries of a unit one."""
        return (
            self.stream,
            self.actor,
            self.action.code,
            self.outcome,
            self.reason,
            self.target,
            self.row_digest,
            self.body,
        )


_survivors: ContextVar[tuple[_Pending, ...]] = ContextVar("casework_audit_survivors", default=())


def record(
    action: str,
    *,
    case: UUID | None = None,
    obj: UUID | None = None,
    body: Mapping[str, Any] | None = None,
    reason: int | str = 0,
    outcome: int = actions.DONE,
    row: models.Model | None = None,
    actor: UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Write one entry with the running unit of work; if it cannot be written, the unit fails.

    It goes to the case's stream; without a case to the stream of who acts, or the system's when nobody is signed in.

    Args:
        action: a name of `actions.ACTIONS`.
        obj: the id of what it was done to; default: the row's, else the case's. With `row` it is that row's.
        body: particulars, sealed under the stream's key scope; JSON with ids and dates as text. Not for an erasure:
            its key is gone when the entry is written.
        reason: a number or name of `actions.REASONS`.
        outcome: `actions.DONE`, `REFUSED` or `FAILED`.
        row: a saved row whose sealed fields the entry is to vouch for.
        actor: someone who has just proved who they are, in a unit that began without them (signing in).
        at: when it happened, aware; default: now.
    Raises:
        NoActor: outside a unit of work.
        UnknownCode: no such action or reason.
    """
    _collect(
        work.current(),
        work.current().actor,
        action,
        case=case,
        obj=obj,
        body=body,
        reason=reason,
        outcome=outcome,
        row=row,
        user=actor,
        at=at,
        survives=False,
    )


def record_now(
    actor: work.Actor,
    action: str,
    *,
    case: UUID | None = None,
    obj: UUID | None = None,
    body: Mapping[str, Any] | None = None,
    reason: int | str = 0,
    outcome: int = actions.REFUSED,
    at: datetime | None = None,
) -> None:
    """Write one entry that no rollback takes away; arguments as of `record`.

    Outside a unit of work it has a transaction of its own and is committed on return. Inside one it is written with
    it, and again by itself, right after, when that unit is rolled back.
    """
    unit = work.running()
    if unit is None:
        with work.acting(actor) as own:
            _collect(
                own, actor, action, case=case, obj=obj, body=body, reason=reason, outcome=outcome, at=at, survives=False
            )
        return
    pending = _collect(
        unit, actor, action, case=case, obj=obj, body=body, reason=reason, outcome=outcome, at=at, survives=True
    )
    _survivors.set((*_survivors.get(), pending))


def record_refusal(
    actor: work.Actor,
    action: str = "access.refused",
    *,
    case: UUID | None = None,
    reason: int | str = 0,
    body: Mapping[str, Any] | None = None,
) -> None:
    """Write that someone was refused; survives a rollback, as `record_now`.

    It goes to the stream of who was refused, with the case as its object: whether that case exists may not be known
    here, and someone without a grant must not make the writers of a case wait.
    """
    record_now(actor, action, obj=case, reason=reason, body=body)


def is_refusal_told() -> bool:
    """Say whether the running unit wrote down already that its actor was refused, and why."""
    return any(entry.outcome == actions.REFUSED for entry in _survivors.get())


def write_survivors() -> None:
    """Write what must outlive a unit that was rolled back; runs after every unit (`core.work.on_end`)."""
    survivors = _survivors.get()
    if not survivors:
        return
    _survivors.set(())
    standing = _standing()
    lost = [entry for entry in survivors if not (entry.committed or id(entry) in standing)]
    for actor, entries in groupby(lost, key=lambda entry: entry.by):
        with work.acting(actor) as unit:
            for entry in entries:
                entry.survives = False
                _add(unit, entry)


def _collect(
    unit: work.Work,
    by: work.Actor,
    action: str,
    *,
    case: UUID | None,
    obj: UUID | None,
    body: Mapping[str, Any] | None,
    reason: int | str,
    outcome: int,
    survives: bool,
    at: datetime | None,
    row: models.Model | None = None,
    user: UUID | None = None,
) -> _Pending:
    found = actions.action_named(action)
    if outcome not in actions.OUTCOMES:
        raise actions.UnknownCode(f"no outcome has the number {outcome}")
    who = user or by.user_id or chain.NIL
    if row is not None and obj not in (None, row.pk):
        # The row's digest is looked for by the row's id: under another object nothing would vouch for the row.
        raise ValueError("an entry that vouches for a row has that row as its object")
    target = obj or (row.pk if row is not None else None) or case or chain.NIL
    stream = case or (who if who != chain.NIL else SYSTEM_STREAM)
    entry = _Pending(
        by=by,
        actor=who,
        stream=stream,
        action=found,
        outcome=outcome,
        reason=actions.reason_code(reason),
        target=target,
        row_digest=row_digest(row) if row is not None else chain.NO_DIGEST,
        body=_packed(body),
        case_id=case_of(stream, who, found.code, target),
        time_us=chain.time_us(at or clock.now()),
        survives=survives,
    )
    _add(unit, entry)
    return entry


def _add(unit: work.Work, entry: _Pending) -> None:
    unit.store.setdefault(HOOK, [])
    collected = unit.store[HOOK]
    assert isinstance(collected, list)
    collected.append(entry)
    # Django drops this callback with the savepoint or transaction it was made in: what it dropped did not happen.
    transaction.on_commit(entry)
    work.before_commit(HOOK, _flush)


def case_of(stream: UUID, actor: UUID, action: int, target: UUID) -> UUID | None:
    """Return the case that an entry is about, told from what its hash covers.

    A stream is the system's, its actor's own, or a case's. In the first two the object is a case for some actions.
    """
    if stream not in (SYSTEM_STREAM, actor):
        return stream
    known = actions.ACTION_BY_CODE.get(action)
    return target if known is not None and known.names_case and target != chain.NIL else None


def scope_of(stream: UUID) -> UUID:
    """Return the key scope that a stream's particulars are sealed under: the case's, user's or installation's."""
    return crypto.INSTALLATION if stream == SYSTEM_STREAM else stream


def row_digest(row: models.Model) -> bytes:
    """Return the digest (32 bytes) over a saved row's sealed fields, as they lie in the database."""
    found = ciphertexts(row)
    return chain.row_digest(found.table, found.row, found.values)


def pending_digests() -> dict[UUID, bytes]:
    """Return what the entries that wait for the end of this unit vouch for, by row: the trail does not hold it yet."""
    unit = work.running()
    collected = unit.store.get(HOOK, ()) if unit else ()
    assert isinstance(collected, list | tuple)
    if not collected:
        return {}
    standing = _standing()
    return {
        entry.target: entry.row_digest
        for entry in collected
        if entry.row_digest != chain.NO_DIGEST and id(entry) in standing
    }


def _packed(body: Mapping[str, Any] | None) -> bytes:
    if not body:
        return b""
    return json.dumps(
        body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True, default=_plain
    ).encode()


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"particulars of an entry cannot hold a {type(value).__name__}")


def _standing() -> set[int]:
    return {id(registered[1]) for registered in connection.run_on_commit}


CaseResolver = Callable[[str], UUID | None]
_case_resolver: list[CaseResolver] = []


def set_case_resolver(resolver: CaseResolver) -> None:
    """Register who knows cases by reference (once a process, at start): this area knows ids only."""
    _case_resolver[:] = [resolver]


def case_named(name: str) -> UUID | None:
    """Return the id of a case given by id, or by reference where somebody knows those; None when there is none."""
    try:
        return UUID(name)
    except ValueError:
        return _case_resolver[0](name) if _case_resolver else None


# --- the last statements of a unit ---------------------------------------------------------------------------------


def _flush() -> None:
    unit = work.current()
    collected = unit.store.pop(HOOK)
    assert isinstance(collected, list)
    standing = _standing()
    entries: dict[tuple[object, ...], _Pending] = {}
    for entry in collected:
        if entry.survives or entry.action.looks or id(entry) in standing:
            entries.setdefault(entry.alike(), entry)
        if entry.survives:
            transaction.on_commit(entry)
    _append(sorted(entries.values(), key=lambda entry: entry.stream.bytes), unit.actor)


def _append(entries: Sequence[_Pending], by: work.Actor) -> None:
    if not entries:
        return
    scopes = {entry.stream: scope_of(entry.stream) for entry in entries if entry.body}
    # Keys first: the row locks are taken as late as can be and held for two statements.
    key = crypto.audit_mac_key()
    if len(scopes) > 1:
        crypto.keys_for_many(scopes.values())
    keys = {stream: crypto.keys_for(scope).newest for stream, scope in scopes.items()}
    heads = _held({entry.stream for entry in entries})
    rows: list[Row] = []
    for entry in entries:
        seq, prev = heads[entry.stream]
        seq += 1
        body = b""
        if entry.body:
            context = chain.body_context(entry.stream, seq)
            body = seal_body(entry.body, keys=keys[entry.stream], context=context)
        row = Row(
            stream=entry.stream,
            seq=seq,
            prev=prev,
            time_us=entry.time_us,
            actor=entry.actor,
            action=entry.action.code,
            outcome=entry.outcome,
            reason=entry.reason,
            object=entry.target,
            row_digest=entry.row_digest,
            body=body,
            hash=b"",
            mac=b"",
            case_id=entry.case_id,
            request_id=entry.by.request_id,
        )
        digest = chain.event_hash(row.event())
        heads[entry.stream] = (seq, digest)
        rows.append(row._replace(hash=digest, mac=chain.event_mac(key, digest)))
    _write(rows, by)


def _held(streams: Iterable[UUID]) -> dict[UUID, tuple[int, bytes]]:
    """Lock the heads of these streams, made where missing, in the one order that all writers keep."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT stream, seq, hash FROM audit_hold(%s::uuid[])", [list(streams)])
        return {stream: (seq, bytes(digest)) for stream, seq, digest in cursor.fetchall()}


def _write(rows: Sequence[Row], by: work.Actor) -> None:
    """Insert the rows: one statement where all are by who acts, as almost always. The database moves the heads."""
    told = by.user_id or chain.NIL
    with connection.cursor() as cursor:
        for actor, own in groupby(rows, key=lambda row: row.actor):
            if actor not in (told, chain.NIL):
                told = _tell(cursor, actor)
            of_actor = list(own)
            for at in range(0, len(of_actor), _BATCH):
                _insert(cursor, of_actor[at : at + _BATCH])
        if told != (by.user_id or chain.NIL):
            _tell(cursor, by.user_id)


def _tell(cursor: CursorWrapper, actor: UUID | None) -> UUID:
    cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(actor) if actor else ""])
    return actor or chain.NIL


def _insert(cursor: CursorWrapper, rows: Sequence[Row]) -> None:
    inserted = ", ".join([_VALUES] * len(rows))
    cursor.execute(_INSERT.format(inserted=inserted), [value for row in rows for value in row])
