"""Verification: reads the whole trail or one stream, in steps of constant memory that can stop and go on.

Three passes. The chain: every event is hashed again, follows the one before, carries a MAC that only the application
can make, and is the one that was sealed. The log: the tree is grown again from its leaves and compared with every
signed checkpoint, those kept elsewhere too. The heads: no stream ends before or after where it should.

Nothing is believed that the database could have been told to say: hashing happens here, over the bytes of the columns.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, models, transaction

from casework.audit import actions, chain, services
from casework.audit.models import Checkpoint, Entry, Head
from casework.audit.types import SYSTEM_STREAM, Finding
from casework.crypto import services as crypto
from casework.crypto import signing

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

STEP: Final = 100_000
LEAVES_A_STEP: Final = 20_000
HEADS_A_STEP: Final = 10_000
FINDINGS_KEPT: Final = 100

_COPY_HEADER: Final = 19
_COPY_END: Final = b"\xff\xff"
# COPY's binary row: a count of fields, then length and bytes of each. The first thirteen have one length each, and the
# upper bytes of the three codes are zero: one mask over the head of the row tells whether all of that is so.
_LENGTHS: Final = (16, 8, 32, 8, 16, 4, 4, 4, 16, 32, 32, 16, 16)
_CODE_BYTES: Final = {5: 2, 6: 1, 7: 2}
_FIXED: Final = struct.Struct(">2x4x16s4x8s4x32s4x8s4x16s4x2x2s4x3x1s4x2x2s4x16s4x32s4x32s4x16s4x16s")
_TAIL: Final = _FIXED.size
_LENGTH: Final = struct.Struct(">i")
_ROWS: Final = """
    SELECT e.stream, e.seq, e.prev, e.time_us, e.actor, e.action, e.outcome, e.reason, e.object, e.row_digest, e.hash,
           e.mac, e.request_id, e.case_id, l.hash, e.body
      FROM (SELECT * FROM audit_entry WHERE {inside} ORDER BY stream, seq LIMIT {step}) e
      LEFT JOIN (SELECT * FROM audit_leaf WHERE {inside}) l ON l.stream = e.stream AND l.seq = e.seq
     ORDER BY e.stream, e.seq
"""
_LEAF: Final = struct.Struct(">hiqi16si8si32s")
_LEAVES: Final = 'SELECT "index", stream, seq, hash FROM audit_leaf WHERE "index" >= %s ORDER BY "index" LIMIT %s'
_HEADS: Final = """
    SELECT ends.stream, ends.kind, ends.claimed, ends.head_hash, ends.sealed, ends.sealed_hash, e.seq, e.hash, e.actor,
           l.seq, l.hash
      FROM (SELECT stream, h.kind, h.seq AS claimed, h.hash AS head_hash, s.seq AS sealed, s.hash AS sealed_hash
              FROM (SELECT * FROM audit_head WHERE {inside}) h
              FULL JOIN (SELECT * FROM audit_sealedhead WHERE {inside}) s USING (stream)
             ORDER BY stream LIMIT %s) ends
      LEFT JOIN LATERAL (SELECT seq, hash, actor FROM audit_entry WHERE stream = ends.stream
                          ORDER BY seq DESC LIMIT 1) e ON true
      LEFT JOIN LATERAL (SELECT seq, hash FROM audit_leaf WHERE stream = ends.stream
                          ORDER BY seq DESC LIMIT 1) l ON true
     ORDER BY ends.stream
"""
_LOST: Final = """
    SELECT l.stream, l.seq FROM audit_leaf l LEFT JOIN audit_entry e ON e.stream = l.stream AND e.seq = l.seq
     WHERE e.stream IS NULL AND (%s::uuid IS NULL OR l.stream = %s::uuid) ORDER BY l.stream, l.seq LIMIT %s
"""
_HEADLESS: Final = """
    SELECT e.stream, max(e.seq) FROM audit_entry e LEFT JOIN audit_head h ON h.stream = e.stream
     WHERE h.stream IS NULL AND (%s::uuid IS NULL OR e.stream = %s::uuid) GROUP BY e.stream ORDER BY e.stream LIMIT %s
"""
# In one statement: the sealer changes both in one transaction.
_TREE: Final = """
    SELECT size, frontier, coalesce((SELECT size FROM audit_checkpoint ORDER BY number DESC LIMIT 1), 0)
      FROM audit_tree
"""
_ENDS: Final = """
    SELECT DISTINCT ON (stream) stream, seq, hash FROM audit_leaf WHERE "index" < %s ORDER BY stream, seq DESC
"""
_NAMING_CASE: Final = frozenset(struct.pack(">H", action.code) for action in actions.ACTIONS if action.names_case)
_SYSTEM: Final = SYSTEM_STREAM.bytes


def _shape() -> tuple[int, int]:
    """Return the mask over the head of a row, and what must be under it: lengths, and zeros above the codes."""
    mask, shape = b"\xff\xff", struct.pack(">h", len(_LENGTHS) + 3)
    for place, length in enumerate(_LENGTHS):
        zeros = length - _CODE_BYTES.get(place, length)
        mask += b"\xff" * (4 + zeros) + bytes(length - zeros)
        shape += _LENGTH.pack(length) + bytes(length)
    return int.from_bytes(mask, "big"), int.from_bytes(shape, "big")


_MASK, _SHAPE = _shape()
_SEALED_TAIL: Final = struct.Struct(">4x16s4x32s4x")
_BODY_OF_SEALED: Final = _TAIL + _SEALED_TAIL.size
_SIXTEEN, _THIRTY_TWO = _LENGTH.pack(16), _LENGTH.pack(32)


class _SealersTree(NamedTuple):
    """Where the sealer says the log ends, and the size of what was signed last."""

    size: int
    edge: bytes
    signed: int


@dataclass
class Position:
    """How far a verification has come: all it needs to go on, the same size whatever the size of the trail."""

    stage: str = "chain"
    stream: str = ""
    seq: int = -(1 << 63)
    hash: str = ""
    entries: int = 0
    streams: int = 0
    matched: int = 0
    leaves: int = 0
    frontier: str = ""
    number: int = 0
    note: str = chain.GENESIS.hex()
    head: str = str(chain.NIL)
    heads: int = 0
    wrong: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def save(self) -> dict[str, Any]:
        """Return it as plain values, for a file."""
        return asdict(self)


class Verification:
    """One verification, done in steps: call `step()` until it returns False; `position` may be saved in between."""

    def __init__(
        self,
        *,
        mac_keys: Sequence[bytes],
        public_key: bytes | None = None,
        notes: Sequence[str] = (),
        stream: UUID | None = None,
        position: Position | None = None,
    ) -> None:
        """Prepare to verify the whole trail, or one `stream`.

        Args:
            mac_keys: the keys of the events' MACs, that of the newest epoch first.
            public_key: the sealer's, 32 bytes; without it checkpoints are compared but their signatures are not.
            notes: checkpoints kept elsewhere.
        Raises:
            BadNote, BadSignature: one of the notes.
        """
        self._macs = [chain.mac_maker(key) for key in mac_keys]
        self._public_key = public_key
        self._stream = stream
        self._kept = [self._opened(note) for note in notes]
        self.position = position or Position()
        self._stages: dict[str, Callable[[], str]] = {
            "chain": self._chain,
            "orphans": self._orphans,
            "log": self._log,
            "heads": self._heads,
            "anchors": self._anchors,
        }

    @property
    def checks_signatures(self) -> bool:
        """Whether the sealer's public key is known, so that signatures are checked."""
        return self._public_key is not None

    @property
    def findings(self) -> list[Finding]:
        """What was found wrong so far, at most a hundred, in the order of the passes."""
        return [
            Finding(found["kind"], UUID(found["stream"]) if found["stream"] else None, found["seq"], found["message"])
            for found in self.position.findings
        ]

    def run(self) -> list[Finding]:
        """Go on to the end and return what was found wrong."""
        while self.step():
            pass
        return self.findings

    def step(self) -> bool:
        """Do one step and say whether there is another."""
        if self.position.stage != "done":
            self.position.stage = self._stages[self.position.stage]()
        return self.position.stage != "done"

    # --- the chain of each stream

    def _chain(self) -> str:  # noqa: PLR0912  (one loop: a call for each row would cost a fifth of the speed)
        """Check the next entries in the order of (stream, seq)."""
        at = self.position
        inside, values = "(stream, seq) > (%s::uuid, %s)", [at.stream or str(chain.NIL), at.seq]
        if self._stream is not None:
            inside, values = "stream = %s::uuid AND seq > %s", [str(self._stream), at.seq]
        last = UUID(at.stream).bytes if at.stream else b""
        seq, prev = max(at.seq, 0), bytes.fromhex(at.hash)
        rows = 0
        sha, mac_of, unpack = hashlib.sha256, self._macs[0], _FIXED.unpack_from
        join, prefix = b"".join, chain.EVENT_PREFIX
        unknown: list[tuple[bytes, int, bytes, bytes]] = []
        for row in _copied(_ROWS.format(inside=inside, step=STEP), [*values, *values]):
            rows += 1
            stream, number = row[6:22], int.from_bytes(row[26:34], "big", signed=True)
            if stream != last:
                last, seq, prev = stream, 0, chain.GENESIS
                at.streams += 1
            expected, seq = seq + 1, number
            if int.from_bytes(row[:_TAIL], "big") & _MASK != _SHAPE:
                self._wrong("edited", stream, number, "A column holds more or less than it was given.")
                prev = b""
                continue
            (_, seq_bytes, was, at_us, actor, action, outcome, reason, target, sealed, stored, mac, request) = unpack(
                row
            )
            case, leaf, body = _tail(row)
            if number > expected:
                self._wrong("deleted", stream, expected, "The event is missing.")
            elif number < expected:
                self._wrong("inserted", stream, number, "A stream begins with its first event.")
            elif prev and was != prev:
                self._wrong("reordered", stream, number, "The event does not follow the one before.")
            body_hash = sha(request + body).digest()
            event = join(
                (prefix, stream, seq_bytes, was, at_us, actor, action, outcome, reason, target, sealed, body_hash)
            )
            if sha(event).digest() != stored:
                self._wrong("edited", stream, number, "The event is not what its hash was taken over.")
            elif mac_of(stored) != mac and not any(older(stored) == mac for older in self._macs[1:]):
                unknown.append((stream, number, stored, mac))
            if leaf is not None:
                at.matched += 1
                if leaf != stored:
                    self._wrong("rewritten", stream, number, "The event is another than the one that was sealed.")
            if case != (stream if stream not in (actor, _SYSTEM) else _object_case(action, target)):
                self._wrong("edited", stream, number, "The event was moved to another case.")
            prev = stored
        self._forged(unknown)
        at.entries += rows
        if last:
            at.stream, at.seq, at.hash = str(UUID(bytes=last)), seq, prev.hex()
        return "chain" if rows == STEP else "heads"

    def _forged(self, unknown: Sequence[tuple[bytes, int, bytes, bytes]]) -> None:
        """Name the events whose MAC is right under no key, not even under one made since this verification began.

        Only after their rows were read: while the database copies, it answers no other question.
        """
        if unknown and crypto.look_for_newer_epoch():
            self._macs = [chain.mac_maker(key) for key in crypto.audit_mac_keys()]
        for stream, number, digest, mac in unknown:
            if not any(mac_of(digest) == mac for mac_of in self._macs):
                self._wrong("forged", stream, number, "The event was not written by the application.")

    # --- the end of each stream

    def _heads(self) -> str:
        """Compare the next streams' last events with their heads and with what was sealed of them."""
        at = self.position
        inside, values = "stream > %s::uuid", [at.head]
        if self._stream is not None:
            inside, values = "stream > %s::uuid AND stream = %s::uuid", [at.head, str(self._stream)]
        with connection.cursor() as cursor:
            cursor.execute(_HEADS.format(inside=inside), [*values, *values, HEADS_A_STEP])
            rows = cursor.fetchall()
        for stream, kind, claimed, head_hash, sealed, sealed_hash, last, last_hash, actor, leaf, leaf_hash in rows:
            at.heads += claimed is not None
            self._compare_end(stream, claimed, bytes(head_hash or b""), last or 0, bytes(last_hash or b""))
            if sealed is not None and (last or 0) < sealed:
                self._wrong("cut off", stream.bytes, (last or 0) + 1, "The event was sealed and is missing.")
            elif sealed is not None and sealed == last and bytes(sealed_hash) != bytes(last_hash):
                self._wrong("rewritten", stream.bytes, last, "The event is another than the one that was sealed.")
            elif (leaf or 0) <= (last or 0) and (sealed, sealed_hash) != (leaf, leaf_hash):
                at_most = max(leaf or 0, sealed or 0)
                self._wrong("edited", stream.bytes, at_most, "The sealer's note of the stream is another.")
            if last and kind is not None and kind != _kind(stream, actor):
                self._wrong("edited", stream.bytes, last, "The head says another kind of stream.")
        if rows:
            at.head = str(rows[-1][0])
        return "heads" if len(rows) == HEADS_A_STEP else "orphans"

    def _compare_end(self, stream: UUID, claimed: int | None, head: bytes, last: int, digest: bytes) -> None:
        if claimed is None:
            self._wrong("deleted", stream.bytes, last, "The stream has lost its head.")
        elif last < claimed:
            self._wrong("cut off", stream.bytes, last + 1, "The event is missing at the end of its stream.")
        elif last > claimed:
            self._wrong("inserted", stream.bytes, claimed + 1, "The event comes after the end of its stream.")
        elif last and digest != head:
            self._wrong("edited", stream.bytes, last, "The head of the stream names another event.")

    def _orphans(self) -> str:
        """Look for sealed events without an entry and streams without a head, where the counts leave room for any."""
        at = self.position
        with connection.cursor() as cursor:
            cursor.execute("SELECT (SELECT count(*) FROM audit_leaf), (SELECT count(*) FROM audit_head WHERE seq > 0)")
            leaves, heads = cursor.fetchone()
            if self._stream is not None or at.matched != leaves:
                cursor.execute(_LOST, [self._stream, self._stream, FINDINGS_KEPT])
                for stream, seq in cursor.fetchall():
                    self._wrong("deleted", stream.bytes, seq, "The event was sealed and is missing.")
            if self._stream is not None or at.streams != heads:
                cursor.execute(_HEADLESS, [self._stream, self._stream, FINDINGS_KEPT])
                for stream, seq in cursor.fetchall():
                    self._wrong("deleted", stream.bytes, seq, "The stream has lost its head.")
        return "log"

    # --- the log and its checkpoints

    def _log(self) -> str:
        """Grow the tree by the next leaves and compare it with the checkpoints of those sizes."""
        at = self.position
        frontier = chain.Frontier.load(at.leaves, bytes.fromhex(at.frontier))
        end = at.leaves + LEAVES_A_STEP
        # Before the leaves, which only grow: the tree's are then among those read.
        with connection.cursor() as cursor:
            cursor.execute(_TREE)
            trees = [_SealersTree(size, bytes(edge), signed) for size, edge, signed in cursor.fetchall()]
        same = {tree for tree in trees if tree[:2] == (frontier.size, frontier.dump())}
        marks: dict[int, list[bytes]] = {}
        for size, root in self._signed_until(end):
            marks.setdefault(size, []).append(root)
        for kept in self._kept:
            if at.leaves < kept.size <= end:
                marks.setdefault(kept.size, []).append(kept.root)
        rows = 0
        for row in _copied(_LEAVES, [at.leaves, LEAVES_A_STEP]):
            rows += 1
            _count, _l, index, _l, stream, _l, seq, _l, digest = _LEAF.unpack(row)
            if index != frontier.size:
                self._wrong("deleted", None, 0, f"Leaf {frontier.size} of the log is missing.")
                return "anchors"
            frontier.append(hashlib.sha256(b"\x00" + stream + seq + digest).digest())
            same.update(tree for tree in trees if tree.size == frontier.size and tree.edge == frontier.dump())
            for root in marks.pop(frontier.size, ()):
                if root != frontier.root():
                    self._wrong(
                        "rewritten", None, 0, f"The log is another than the one signed at {frontier.size} events."
                    )
        at.leaves, at.frontier = frontier.size, frontier.dump().hex()
        if rows == LEAVES_A_STEP:
            return "log"
        self._log_is_long_enough(marks)
        if len(trees) != 1 or len(same) != 1:
            self._wrong("edited", None, 0, "The sealer's tree is not that of the log.")
        elif trees[0].signed != trees[0].size:
            self._wrong("deleted", None, 0, f"Nothing was signed over the log's {trees[0].size} events.")
        return "anchors"

    def _signed_until(self, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield size and root of the database's own checkpoints up to a size, and check that each follows the last."""
        at = self.position
        signed = Checkpoint.objects.filter(number__gt=at.number, size__lte=end).order_by("number")
        for row in signed.iterator():
            try:
                said = self._opened(row.note)
            except chain.BadNote as error:
                self._wrong("rewritten", None, 0, f"Checkpoint {row.number}: {error}.")
                continue
            finally:
                follows = row.number == at.number + 1
                before, at.number, at.note = at.note, row.number, chain.note_hash(row.note).hex()
            if not follows or said.prev.hex() != before or said.size != row.size:
                self._wrong("deleted", None, 0, f"Checkpoint {row.number} does not follow the one before.")
            elif (row.has_heads, row.time.replace(microsecond=0)) != (said.heads is not None, said.time):
                self._wrong("edited", None, 0, f"Checkpoint {row.number} says other than what is filed with it.")
            yield said.size, said.root

    def _log_is_long_enough(self, marks: dict[int, list[bytes]]) -> None:
        sizes = [*marks, *(kept.size for kept in self._kept)]
        sizes += Checkpoint.objects.filter(number__gt=self.position.number).values_list("size", flat=True)[
            :FINDINGS_KEPT
        ]
        longest = max(sizes, default=0)
        if longest > self.position.leaves:
            self._wrong("cut off", None, 0, f"The log has {self.position.leaves} events where {longest} were signed.")

    def _anchors(self) -> str:
        """Compare the newest signed list of all streams' ends with the log, the newest kept elsewhere too."""
        newest = Checkpoint.objects.filter(has_heads=True).order_by("-number").values_list("note", flat=True).first()
        kept = max((note for note in self._kept if note.heads), key=lambda note: note.size, default=None)
        found = [] if kept is None else [kept]
        if newest is not None:
            try:
                found.append(self._opened(newest))
            except chain.BadNote as error:
                self._wrong("rewritten", None, 0, f"The newest checkpoint with heads: {error}.")
        for note in found:
            if note.size <= self.position.leaves and note.heads != _heads_at(note.size):
                self._wrong("rewritten", None, 0, f"The ends of the streams were others at {note.size} events.")
        return "done"

    def _opened(self, note: str) -> chain.Checkpoint:
        if self._public_key is None:
            return chain.read_note(note)
        return chain.open_note(note, self._public_key, signing.verify)

    def _wrong(self, kind: str, stream: bytes | None, seq: int, message: str) -> None:
        named = str(UUID(bytes=stream)) if stream else ""
        kept = self.position.findings
        if stream and any(found["stream"] == named and found["seq"] == seq for found in kept):
            return
        self.position.wrong += 1
        if len(kept) < FINDINGS_KEPT:
            kept.append({"kind": kind, "stream": named, "seq": seq, "message": message})


def row_is_current(row: models.Model, *, stream: UUID) -> bool:
    """Say whether a row's sealed fields are those that the newest entry about it in `stream` vouches for.

    False also when no entry vouches for it. Finds an older ciphertext put back in place of a newer one.
    """
    vouched = (
        Entry.objects.filter(stream=stream, object=row.pk)
        .exclude(row_digest=chain.NO_DIGEST)
        .order_by("-seq")
        .values_list("row_digest", flat=True)
        .first()
    )
    return vouched is not None and bytes(vouched) == services.row_digest(row)


def _copied(query: str, values: Sequence[object]) -> Iterator[bytes]:
    """Yield the rows of a query as COPY sends them in binary."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Both sides come in the order of an index: merging them reads each once, whatever the planner thinks of LIMIT.
        cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_sort = off")
        yield from _received(cursor, query, values)


def _received(cursor: CursorWrapper, query: str, values: Sequence[object]) -> Iterator[bytes]:
    with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)", values) as copy:
        # The driver's own loop costs more than hashing an event does; it only gets the end, to close the copy.
        receive = copy.connection.pgconn.get_copy_data
        length, data = receive(0)
        row = bytes(data[_COPY_HEADER:])
        while length > 0 and row != _COPY_END:
            yield row
            length, data = receive(0)
            row = bytes(data)
        copy.read()


def _tail(row: bytes) -> tuple[bytes | None, bytes | None, bytes]:
    """Return the last three fields: case and leaf, or None for each, and the body, which runs to the row's end."""
    if row[_TAIL : _TAIL + 4] == _SIXTEEN and row[_TAIL + 20 : _TAIL + 24] == _THIRTY_TWO:
        sealed_case, sealed_leaf = _SEALED_TAIL.unpack_from(row, _TAIL)
        return sealed_case, sealed_leaf, row[_BODY_OF_SEALED:]
    at = _TAIL
    values: list[bytes | None] = []
    for _ in range(3):
        (length,) = _LENGTH.unpack_from(row, at)
        at += 4
        values.append(row[at : at + length] if length >= 0 else None)
        at += max(length, 0)
    case, leaf, body = values
    return case, leaf, body or b""


def _object_case(action: bytes, target: bytes) -> bytes | None:
    return target if action in _NAMING_CASE and target != chain.NIL.bytes else None


def _kind(stream: UUID, actor: UUID) -> int:
    if stream == SYSTEM_STREAM:
        return Head.Kind.SYSTEM
    return Head.Kind.USER if stream == actor else Head.Kind.CASE


def _heads_at(size: int) -> bytes:
    """Return the root over the last event of every stream when the log had `size` events."""
    rows = _copied(_ENDS, [size])
    return chain.root_of(hashlib.sha256(b"\x00" + row[6:22] + row[26:34] + row[38:70]).digest() for row in rows)
