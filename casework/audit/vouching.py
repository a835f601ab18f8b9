"""Whether rows are what the trail says of them: an older value put back, a row taken away or put back by other means.

A ciphertext is bound to its place and not to its time. What binds it to its time is the newest entry about its row,
which holds a digest over the row's sealed fields and carries a MAC that only the application can make. So whoever opens
the rows of a case compares them with those entries: one query for a unit of work, however many rows there are.

A row that no entry vouches for is nobody's fault: it is being made just now. And a row that differs is looked at again
together with its entry before anything is said, since somebody may have saved it between two statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, models

from casework.audit import actions, services
from casework.audit.soundness import is_sound
from casework.audit.types import COLUMNS, Row
from casework.core import work
from casework.core.errors import Damaged

_STORE: Final = "audit.vouched"
_ROTATED: Final = actions.action_named("key.rotated").code
_LOOKS: Final = 5
# The same words as in the condition of the index `audit_entry_vouching`, so that the planner knows it by them.
_VOUCHING: Final = (
    "(row_digest <> '\\x0000000000000000000000000000000000000000000000000000000000000000'::bytea"
    " OR action IN (202, 206, 302, 403, 502, 503))"
)
# Of each row the newest entry, and beside it the newest that is no mere renewal of the key: that one names the noun.
_NEWEST: Final = (
    f"SELECT DISTINCT ON (stream, object, action = {_ROTATED}) {COLUMNS} FROM audit_entry"  # noqa: S608  (our own words)
    f" WHERE stream = ANY(%s) AND {_VOUCHING} ORDER BY stream, object, action = {_ROTATED}, seq DESC"
)

# All that was told of some rows, and all renewals, as those of their versions name only these.
_OF_VERSIONS: Final = (
    f"SELECT {COLUMNS} FROM audit_entry WHERE stream = %s AND {_VOUCHING}"  # noqa: S608  (our own words)
    " AND (action = %s OR object = ANY(%s)) ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class Word:
    """What the trail says of one row last. `noun`: what it is ("fact"); `sound`: the application wrote the entry."""

    seq: int
    digest: bytes
    noun: str
    removed: bool
    sound: bool


Words = Mapping[UUID, Word]


def prefetch(streams: Iterable[UUID]) -> None:
    """Read what the trail says of the rows of many cases with one query, for the checks of this unit of work."""
    known = _known()
    missing = [stream for stream in streams if stream not in known]
    if missing:
        known.update(_read(missing))


def check(
    stream: UUID, rows: Sequence[models.Model], *, again: Callable[[], Sequence[models.Model]], whole: str = ""
) -> None:
    """Raise unless the sealed fields of these rows of a case are those that the trail vouches for.

    Args:
        rows: loaded with all their columns.
        again: loads them anew, for a second look.
        whole: the noun of the trail of which `rows` are all that the case has; then none may be missing either.
    Raises:
        Damaged: a row was changed outside the application; nothing of it may be shown.
    """
    prefetch([stream])
    if _wrong(stream, _known()[stream], rows, whole) is None:
        return
    # Whoever saves commits rows and entry together: between two equal readings of the trail the rows stood still.
    for _ in range(_LOOKS):
        before = _read([stream])[stream]
        rows = again()
        after = _read([stream])[stream]
        if before == after:
            _known()[stream] = after
            wrong = _wrong(stream, after, rows, whole)
            if wrong is not None:
                raise wrong
            return


def is_current(stream: UUID, row: models.Model) -> bool:
    """Say whether a row of a case, held by this transaction, is the one that the trail vouches for, or a new one."""
    return _wrong(stream, _read([stream])[stream], [row], "") is None


def knowing(stream: UUID, rows: Iterable[UUID]) -> Callable[[models.Model], bool]:
    """Return what says of an earlier version of one of these rows whether its sealed bytes are ones that the trail
    has vouched for: by an entry about the row, or by the newest about the version itself, where a key was renewed."""
    told: set[tuple[UUID, bytes]] = set()
    renewed: dict[UUID, bytes] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_VERSIONS, [stream, _ROTATED, list(rows)])
        for row in (Row(*columns) for columns in cursor.fetchall()):
            if is_sound(row):
                told.add((row.object, bytes(row.row_digest)))
                renewed[row.object] = bytes(row.row_digest)

    def stood(version: Any) -> bool:
        digest = services.row_digest(version)
        newest = renewed.get(version.pk)
        return (version.id, digest) in told if newest is None else newest == digest

    return stood


def _known() -> dict[UUID, Words]:
    known = work.current().store.setdefault(_STORE, {})
    assert isinstance(known, dict)
    return known


def _wrong(stream: UUID, words: Words, rows: Iterable[models.Model], whole: str) -> Damaged | None:
    pending = services.pending_digests()
    present = set()
    for row in rows:
        present.add(row.pk)
        word = words.get(row.pk)
        if word is None:
            continue
        digest = pending.get(row.pk, word.digest)
        how = "older" if services.row_digest(row) != digest else ""
        if row.pk not in pending:
            how = "trail" if not word.sound else "put back" if word.removed else how
        if how:
            return Damaged(how, case_id=stream, table=getattr(row, "sealed_table", ""), row=row.pk)
    if whole:
        for key, word in words.items():
            if word.noun == whole and not word.removed and key not in present:
                return Damaged("missing", case_id=stream, table=whole, row=key)
    return None


def _read(streams: Sequence[UUID]) -> dict[UUID, Words]:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [list(streams)])
        found = [Row(*columns) for columns in cursor.fetchall()]
    words: dict[UUID, dict[UUID, Word]] = {stream: {} for stream in streams}
    for row in found:
        action = actions.ACTION_BY_CODE.get(row.action)
        noun = "" if action is None or row.action == _ROTATED else action.noun
        removed = action is not None and action.removes
        word = Word(row.seq, bytes(row.row_digest), noun, removed, is_sound(row))
        words[row.stream][row.object] = _newer(words[row.stream].get(row.object), word)
    return dict(words)


def _newer(one: Word | None, other: Word) -> Word:
    if one is None:
        return other
    newest = max(one, other, key=lambda word: word.seq)
    return Word(newest.seq, newest.digest, one.noun or other.noun, newest.removed, one.sound and other.sound)
