"""The sealer: makes one log of all streams and signs checkpoints of it. Runs alone, as its own role with its own key.

A round takes unsealed events in the order of (stream, seq), checks that each follows the one before, gives it the next
leaf and signs the tree that comes of it. What does not follow is refused and reported; the other streams go on, so
that nobody can stop the sealing by damaging one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.db import Error, OperationalError, connection, transaction

from casework.audit import chain
from casework.audit.models import Checkpoint, SealedHead, Tree
from casework.audit.types import COLUMNS, Finding, Row
from casework.core import clock
from casework.crypto import signing

logger = logging.getLogger(__name__)

EVENTS_A_CHECKPOINT: Final = 1_000
LOOK_SECONDS: Final = 5.0
PUBLIC_KEY_FILE: Final = "sealer.pub"


_AFTER: Final = (
    "SELECT " + COLUMNS + " FROM unnest(%s::uuid[], %s::bigint[]) AS after (id, sealed) CROSS JOIN LATERAL"  # noqa: S608  (our own column names)
    " (SELECT * FROM audit_entry WHERE stream = after.id AND seq > after.sealed ORDER BY seq LIMIT %s) AS entry"
    " ORDER BY stream, seq"
)


class Signer(Protocol):
    """The sealer's key: signs, and shows its public half."""

    def sign(self, message: bytes) -> bytes:
        """Return an Ed25519 signature, 64 bytes."""

    def public(self) -> bytes:
        """Return the public key, 32 bytes."""


class _Unsealed(NamedTuple):
    """A stream with unsealed events: the last seq that its head claims, and the last sealed event."""

    stream: UUID
    claimed: int
    seq: int
    hash: bytes


class TreeChanged(Exception):
    """The database's log is not the one that the last checkpoint was signed over."""


class Unconfigured(Exception):
    """A setting that sealing needs is missing; the message names it."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did. `note` is None when there was nothing to sign."""

    sealed: int
    refused: tuple[Finding, ...]
    note: str | None


@dataclass(frozen=True)
class Sealer:
    """Seals and signs. `folder`: where notes are put to be fetched by those who keep them elsewhere, or None."""

    key: Signer
    origin: str
    folder: Path | None = None

    def catch_up(self) -> list[Round]:
        """Seal all that waits, with a checkpoint for every thousand events, and put the notes into the folder.

        A damaged stream is refused once a call, however many rounds it takes.
        """
        self._put_notes()
        rounds: list[Round] = []
        refused: dict[UUID, Finding] = {}
        while not rounds or rounds[-1].sealed or rounds[-1].refused:
            rounds.append(self._round(refused))
            self._put_notes()
        return rounds

    def keep_sealing(self, wait: Callable[[float], bool], *, every: float, tell: Callable[[Round], None]) -> None:
        """Sign every so many seconds, or as soon as a thousand events wait, until `wait(seconds)` says to stop.

        A database that is away, or refuses a statement, is asked again at the next look: events wait, none is lost.
        """
        due: datetime | None = None
        while True:
            now = clock.now()
            try:
                if due is None or now >= due or waiting() >= EVENTS_A_CHECKPOINT:
                    for done in self.catch_up():
                        tell(done)
                    due = now + timedelta(seconds=every)
            except OperationalError:
                logger.warning("seal.database_away", extra={"event": "seal.database_away"})
                connection.close()
            except Error:
                # Whatever somebody put into the tables must not end the sealing: say that it failed, never with what.
                logger.error("seal.database_refused", extra={"event": "seal.database_refused"})
                connection.close()
            if wait(min(every, LOOK_SECONDS)):
                return

    def _round(self, refused: dict[UUID, Finding]) -> Round:
        known = len(refused)
        with transaction.atomic():
            # The row lock keeps a second sealer waiting instead of giving one leaf to two events.
            tree = Tree.objects.select_for_update().get()
            frontier = chain.Frontier.load(tree.size, bytes(tree.frontier))
            self._check_tree(frontier)
            rows = _next_rows(refused)
            if rows:
                _store(rows, frontier)
                Tree.objects.update(size=frontier.size, frontier=frontier.dump())
            note = self._sign(frontier)
        return Round(len(rows), tuple(refused.values())[known:], note)

    def _check_tree(self, frontier: chain.Frontier) -> None:
        """Refuse to go on from a tree that is not the one last signed: a signature over it would hide the change."""
        last = Checkpoint.objects.order_by("-number").first()
        if last is None:
            trusted = frontier.size == 0
        else:
            try:
                said = chain.open_note(last.note, self.key.public(), signing.verify)
            except chain.BadNote:
                raise TreeChanged("The last checkpoint was not signed by this key.") from None
            trusted = (said.size, said.root) == (frontier.size, frontier.root())
        if not trusted:
            raise TreeChanged("The log is not the one that was last signed: verify the trail before sealing on.")

    def _sign(self, frontier: chain.Frontier) -> str | None:
        last = Checkpoint.objects.order_by("-number").first()
        with_heads = Checkpoint.objects.filter(has_heads=True).order_by("-number").first()
        now = clock.now()
        heads_due = with_heads is None or with_heads.time.astimezone(UTC).date() < now.date()
        if frontier.size == 0 or (last is not None and last.size == frontier.size and not heads_due):
            return None
        checkpoint = chain.Checkpoint(
            origin=self.origin,
            size=frontier.size,
            root=frontier.root(),
            prev=chain.GENESIS if last is None else chain.note_hash(last.note),
            time=now,
            heads=_heads_root() if heads_due else None,
        )
        note = chain.sign_note(checkpoint, self.key.public(), self.key.sign)
        Checkpoint.objects.create(
            number=1 if last is None else last.number + 1,
            size=frontier.size,
            time=now,
            has_heads=heads_due,
            note=note,
        )
        return note

    def _put_notes(self) -> None:
        """Put what was signed and is not in the folder yet, also by a run that was killed; and the public key."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        public = self.folder / PUBLIC_KEY_FILE
        if not public.exists():
            write_whole(public, chain.verifier_key(self.origin, self.key.public()) + "\n")
        last_day = max((day for day in self.folder.iterdir() if day.is_dir()), default=self.folder)
        there = max((int(path.stem) for path in last_day.glob("*.note")), default=0)
        for signed in Checkpoint.objects.filter(number__gt=there).order_by("number").iterator():
            day = self.folder / f"{signed.time.astimezone(UTC):%Y-%m-%d}"
            day.mkdir(exist_ok=True)
            write_whole(day / f"{signed.number:08d}.note", signed.note)


def sealer() -> Sealer:
    """Return the sealer that the settings describe.

    Raises:
        Unconfigured: no key file is named.
        SigningKeyError: the key cannot be read.
    """
    if not settings.CASEWORK_SEALER_KEY_FILE:
        raise Unconfigured("Set CASEWORK_SEALER_KEY_FILE to the sealer's key.")
    folder = settings.CASEWORK_CHECKPOINT_DIR
    key = signing.load_signing_key(settings.CASEWORK_SEALER_KEY_FILE)
    return Sealer(key, settings.CASEWORK_ORIGIN, Path(folder) if folder else None)


def newest(*, with_heads: bool = False) -> Checkpoint | None:
    """Return the newest signed checkpoint, or the newest that says the ends of all streams; None before the first."""
    signed = Checkpoint.objects.filter(has_heads=True) if with_heads else Checkpoint.objects.all()
    return signed.order_by("-number").first()


def known_public_key() -> bytes | None:
    """Return the sealer's public key as this machine knows it: from its key, or beside the checkpoints; or None.

    Raises:
        BadNote: what lies beside the checkpoints is no key.
    """
    try:
        return sealer().key.public()
    except (Unconfigured, signing.SigningKeyError):
        beside = Path(settings.CASEWORK_CHECKPOINT_DIR or ".") / PUBLIC_KEY_FILE
        return chain.public_key_of(beside.read_text(encoding="utf-8")) if beside.is_file() else None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it meanwhile, or after a crash, finds all of it or none."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def waiting() -> int:
    """Return how many events are not sealed yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least(coalesce(sum(h.seq - coalesce(s.seq, 0)), 0), 9223372036854775807)::bigint FROM audit_head h"
            " LEFT JOIN audit_sealedhead s USING (stream) WHERE h.seq > coalesce(s.seq, 0)"
        )
        count: int = cursor.fetchone()[0]
    return count


def _next_rows(refused: dict[UUID, Finding]) -> list[Row]:
    """Return the next events to seal, at most a checkpoint's worth; note in `refused` the streams that are damaged."""
    streams = _unsealed(list(refused))
    found = _rows_after(streams)
    rows: list[Row] = []
    for stream in streams:
        wanted = min(stream.claimed - stream.seq, EVENTS_A_CHECKPOINT - len(rows))
        rows += _following(stream, found.get(stream.stream, [])[:wanted], wanted, refused)
    return rows


def _unsealed(refused: list[UUID]) -> list[_Unsealed]:
    """Return the first streams, by id, that together have a checkpoint's worth of unsealed events."""
    streams: list[_Unsealed] = []
    events = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.stream, h.seq, coalesce(s.seq, 0), coalesce(s.hash, %s) FROM audit_head h"
            " LEFT JOIN audit_sealedhead s USING (stream)"
            " WHERE h.seq > coalesce(s.seq, 0) AND h.stream <> ALL(%s::uuid[]) ORDER BY h.stream LIMIT %s",
            [chain.GENESIS, refused, EVENTS_A_CHECKPOINT],
        )
        for stream, claimed, seq, digest in cursor.fetchall():
            if events < EVENTS_A_CHECKPOINT:
                streams.append(_Unsealed(stream, claimed, seq, bytes(digest)))
                events += claimed - seq
    return streams


def _rows_after(streams: list[_Unsealed]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _AFTER,
            [[stream.stream for stream in streams], [stream.seq for stream in streams], EVENTS_A_CHECKPOINT],
        )
        for values in cursor.fetchall():
            row = Row(*values)
            found.setdefault(row.stream, []).append(row)
    return found


def _following(stream: _Unsealed, rows: list[Row], wanted: int, refused: dict[UUID, Finding]) -> list[Row]:
    """Return the rows that follow one another from the last sealed event; the first that does not is a finding."""
    seq, prev = stream.seq, stream.hash
    for number, row in enumerate(rows):
        if row.seq != seq + 1:
            break
        if row.prev != prev or chain.event_hash(row.event()) != row.hash:
            refused[stream.stream] = Finding(
                "edited", stream.stream, row.seq, "The event does not follow the one before."
            )
            return rows[:number]
        seq, prev = row.seq, row.hash
    good = seq - stream.seq
    if good < wanted:
        refused[stream.stream] = Finding("deleted", stream.stream, seq + 1, "The event is missing.")
    return rows[:good]


def _store(rows: list[Row], frontier: chain.Frontier) -> None:
    """Give each row the next leaf and note the last sealed event of its stream."""
    first = frontier.size
    for row in rows:
        frontier.append(chain.leaf_hash(row.stream.bytes, row.seq, row.hash))
    with connection.cursor() as cursor:
        columns: list[Any] = [[row.stream for row in rows], [row.seq for row in rows], [row.hash for row in rows]]
        cursor.execute(
            'INSERT INTO audit_leaf ("index", stream, seq, hash) SELECT %s + place - 1, stream, seq, hash'
            " FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[]) WITH ORDINALITY AS row (stream, seq, hash, place)",
            [first, *columns],
        )
        last = {row.stream: row for row in rows}.values()
        cursor.execute(
            "INSERT INTO audit_sealedhead (stream, seq, hash)"
            " SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[])"
            " ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
            [[row.stream for row in last], [row.seq for row in last], [row.hash for row in last]],
        )


def _heads_root() -> bytes:
    heads = SealedHead.objects.order_by("stream").values_list("stream", "seq", "hash").iterator(chunk_size=5_000)
    return chain.heads_root((stream.bytes, seq, bytes(digest)) for stream, seq, digest in heads)
