"""The bytes that are hashed, the tree that is made of them, and the note that is signed: pure, standard library only.

Formats are for ever and stand in docs/formats-audit.md. Integers are big-endian, H is SHA-256. The tree is that of
RFC 6962, section 2.1, with its leaf and node prefixes; the note is C2SP's signed note (tlog-checkpoint with extension
lines). Signing is the caller's: this module knows no key but that of the MAC.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

GENESIS = bytes(32)
NO_DIGEST = bytes(32)
NIL = UUID(int=0)
MAC_BYTES = 16
HASH_BYTES = 32
PUBLIC_KEY_BYTES = 32
EVENT_PREFIX = b"cw/a1"
DIGEST_PREFIX = b"cw/rd1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EVENT = struct.Struct(">5s16sQ32sq16sHBH16s32s32s")
_LEAF = struct.Struct(">c16sQ32s")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `time_us`: microseconds since 1970 UTC; `object`: what it was done to, or NIL;
    `body`: the request id (16 bytes) and the sealed particulars, if any."""

    stream: UUID
    seq: int
    prev: bytes
    time_us: int
    actor: UUID
    action: int
    outcome: int
    reason: int
    object: UUID
    row_digest: bytes
    body: bytes


def time_us(at: datetime) -> int:
    """Return an aware moment as microseconds since 1970 UTC, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """Return the aware moment, UTC, of microseconds since 1970."""
    return _EPOCH + us * _MICROSECOND


def event_bytes(event: Event) -> bytes:
    """Return the 170 bytes that an event's hash is taken over."""
    return _EVENT.pack(
        EVENT_PREFIX,
        event.stream.bytes,
        event.seq,
        event.prev,
        event.time_us,
        event.actor.bytes,
        event.action,
        event.outcome,
        event.reason,
        event.object.bytes,
        event.row_digest,
        hashlib.sha256(event.body).digest(),
    )


def body_context(stream: UUID, seq: int) -> bytes:
    """Return the 24 bytes that bind sealed particulars to their entry."""
    return stream.bytes + struct.pack(">Q", seq)


def event_hash(event: Event) -> bytes:
    """Return the hash (32 bytes) that the next event of the stream carries as `prev`."""
    return hashlib.sha256(event_bytes(event)).digest()


def event_mac(key: bytes, digest: bytes) -> bytes:
    """Return the 16 bytes that only the application can make over an event's hash."""
    return hmac.digest(key, digest, "sha256")[:MAC_BYTES]


def mac_maker(key: bytes) -> Callable[[bytes], bytes]:
    """Return `event_mac` for one key, nearly twice as fast: the key is hashed once and not for every event."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def mac(digest: bytes) -> bytes:
        first = inner.copy()
        first.update(digest)
        second = outer.copy()
        second.update(first.digest())
        return second.digest()[:MAC_BYTES]

    return mac


def row_digest(table: int, row: UUID, sealed: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the digest (32 bytes) of one row's sealed fields.

    `sealed`: (field id, ciphertext) in any order; hashed by ascending id. Ids of table and field are 16 bits.
    """
    digest = hashlib.sha256(DIGEST_PREFIX + struct.pack(">H", table) + row.bytes)
    for field, ciphertext in sorted(sealed):
        digest.update(struct.pack(">H", field) + hashlib.sha256(ciphertext).digest())
    return digest.digest()


def leaf_hash(stream: bytes, seq: int, digest: bytes) -> bytes:
    """Return the tree's leaf for one event: `stream` 16 bytes, `digest` the event's hash."""
    return hashlib.sha256(_LEAF.pack(b"\x00", stream, seq, digest)).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the tree's node over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append leaves and to know the root, 32 bytes a level."""

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        """Take up a saved edge: `roots` of its complete subtrees, the largest first, one for each bit of `size`."""
        if size < 0 or len(roots) != size.bit_count() or any(len(root) != HASH_BYTES for root in roots):
            raise ValueError("these subtrees do not make a tree of that size")
        self.size = size
        self.roots = list(roots)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash on the right."""
        size = self.size
        while size & 1:
            leaf = hashlib.sha256(b"\x01" + self.roots.pop() + leaf).digest()
            size >>= 1
        self.roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root hash; of the empty tree, the hash of nothing."""
        if not self.roots:
            return hashlib.sha256(b"").digest()
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root

    def dump(self) -> bytes:
        """Return the subtree roots in one string, for `load`."""
        return b"".join(self.roots)

    @classmethod
    def load(cls, size: int, dumped: bytes) -> "Frontier":
        """Take up an edge that `dump` wrote."""
        return cls(size, [dumped[at : at + HASH_BYTES] for at in range(0, len(dumped), HASH_BYTES)])


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes in order."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def proof_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges (start, end exclusive) whose roots prove leaf `index` in a tree of `size`, nearest first.

    Source: RFC 6962, section 2.1.1 (PATH).
    """
    if not 0 <= index < size:
        raise ValueError("that leaf is not in the tree")
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def inclusion_proof(index: int, size: int, range_root: Callable[[int, int], bytes]) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size`; `range_root(start, end)` roots a range of leaves."""
    return [range_root(start, end) for start, end in proof_ranges(index, size)]


def root_from_proof(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root to which a proof leads from a leaf hash.

    Raises:
        ValueError: the proof has not the length that this place in a tree of that size needs.
    """
    ranges = proof_ranges(index, size)
    if len(ranges) != len(proof):
        raise ValueError("the proof has the wrong length")
    root = leaf
    for (start, _end), sibling in zip(ranges, proof, strict=True):
        root = node_hash(sibling, root) if start < index else node_hash(root, sibling)
    return root


def consistency_ranges(earlier: int, size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges whose roots prove that the tree of `size` goes on from its first `earlier` leaves.

    Source: RFC 6962, section 2.1.2 (PROOF).
    """
    if not 0 < earlier <= size:
        raise ValueError("no tree of that size came before")
    return _subproof(earlier, 0, size, whole=True)


def _subproof(earlier: int, start: int, end: int, *, whole: bool) -> list[tuple[int, int]]:
    if earlier == end - start:
        return [] if whole else [(start, end)]
    middle = start + (1 << ((end - start - 1).bit_length() - 1))
    if earlier <= middle - start:
        return [*_subproof(earlier, start, middle, whole=whole), (middle, end)]
    return [*_subproof(earlier - (middle - start), middle, end, whole=False), (start, middle)]


def heads_root(heads: Iterable[tuple[bytes, int, bytes]]) -> bytes:
    """Return the root over the last event of every stream: (stream, seq, hash), sorted by stream."""
    return root_of(leaf_hash(stream, seq, digest) for stream, seq, digest in heads)


# --- the signed note -----------------------------------------------------------------------------------------------

_SIGNATURE = "\N{EM DASH} "
_ED25519 = b"\x01"


class BadNote(ValueError):
    """A text is no checkpoint."""


class BadSignature(BadNote):
    """A checkpoint carries no good signature of the key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a note says: the tree's size and root, the hash of the note before it, when, and now and then the heads."""

    origin: str
    size: int
    root: bytes
    prev: bytes
    time: datetime
    heads: bytes | None = None

    def body(self) -> str:
        """Return the signed text, with its last newline."""
        lines = [
            self.origin,
            str(self.size),
            _b64(self.root),
            f"prev {_b64(self.prev)}",
            f"time {self.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        ]
        if self.heads is not None:
            lines.append(f"heads {_b64(self.heads)}")
        return "\n".join(lines) + "\n"


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the four bytes by which a signature line names its Ed25519 key (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def verifier_key(name: str, public_key: bytes) -> str:
    """Return the public key as other tools of the format take it: `name+id+key`."""
    return f"{name}+{key_id(name, public_key).hex()}+{_b64(_ED25519 + public_key)}"


def public_key_of(verifier: str) -> bytes:
    """Return the public key (32 bytes) of a `name+id+key` text; raise BadNote when it is none."""
    name, _plus, rest = verifier.strip().partition("+")
    found, _plus, encoded = rest.partition("+")
    public = _unb64(encoded)
    if public[:1] != _ED25519 or len(public) != 1 + PUBLIC_KEY_BYTES or key_id(name, public[1:]).hex() != found:
        raise BadNote("this is no public key of a sealer")
    return public[1:]


def sign_note(checkpoint: Checkpoint, public_key: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Return the signed note; `sign` makes an Ed25519 signature (64 bytes) over the text."""
    body = checkpoint.body()
    signature = key_id(checkpoint.origin, public_key) + sign(body.encode())
    return f"{body}\n{_SIGNATURE}{checkpoint.origin} {_b64(signature)}\n"


def note_hash(note: str) -> bytes:
    """Return the hash by which the next note names this one as `prev`."""
    return hashlib.sha256(note.encode()).digest()


def read_note(note: str) -> Checkpoint:
    """Return what a note says, whoever signed it; raise BadNote when it is no checkpoint of a trail."""
    return _parts(note)[1]


def open_note(note: str, public_key: bytes, verify: Callable[[bytes, bytes, bytes], bool]) -> Checkpoint:
    """Return what a note says once its signature was found good; other keys' signatures on it are passed over.

    `verify(message, signature, public_key)` checks an Ed25519 signature.

    Raises:
        BadNote: it cannot be read.
        BadSignature: it carries no good signature of this key.
    """
    body, checkpoint, signatures = _parts(note)
    expected = key_id(checkpoint.origin, public_key)
    for name, signature in signatures:
        known = name == checkpoint.origin and signature[:4] == expected
        if known and verify(body.encode(), signature[4:], public_key):
            return checkpoint
    raise BadSignature("the checkpoint carries no good signature of this key")


def _parts(note: str) -> tuple[str, Checkpoint, list[tuple[str, bytes]]]:
    body, separator, signed = note.partition("\n\n")
    if not separator or not signed.endswith("\n"):
        raise BadNote("this is no signed note")
    signatures: list[tuple[str, bytes]] = []
    for line in signed[:-1].split("\n"):
        name, _space, encoded = line.removeprefix(_SIGNATURE).partition(" ")
        if not line.startswith(_SIGNATURE) or not encoded:
            raise BadNote("a line after the text is no signature")
        signatures.append((name, _unb64(encoded)))
    body += "\n"
    return body, _read(body), signatures


def split_notes(text: str) -> Iterator[str]:
    """Yield each note of a file that holds one or several, one after another, blank lines between them or not."""
    lines: list[str] = []
    signed = False
    for line in text.split("\n"):
        if line.startswith(_SIGNATURE):
            signed = True
        elif signed:
            yield "\n".join(lines) + "\n"
            lines, signed = [], False
        if lines or line:
            lines.append(line)
    if lines:
        yield "\n".join(lines) + "\n"


def _read(body: str) -> Checkpoint:
    try:
        origin, size, root, *extensions = body[:-1].split("\n")
        said: dict[str, str] = {}
        for line in extensions:
            name, _space, value = line.partition(" ")
            said.setdefault(name, value)
        checkpoint = Checkpoint(
            origin=origin,
            size=int(size),
            root=_hash_of(root),
            prev=_hash_of(said["prev"]),
            time=datetime.strptime(said["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
            heads=_hash_of(said["heads"]) if "heads" in said else None,
        )
    except (ValueError, KeyError):
        raise BadNote("this is no checkpoint of the trail") from None
    if not origin or str(checkpoint.size) != size or checkpoint.size < 0:
        raise BadNote("this is no checkpoint of the trail")
    return checkpoint


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("a value is not base64") from None
    if _b64(found) != text:
        # Bits after the last byte are ignored in decoding: the same note would have several texts (RFC 4648, 3.5).
        raise BadNote("a value is not in the one form that base64 has for it")
    return found


def _hash_of(text: str) -> bytes:
    digest = _unb64(text)
    if len(digest) != HASH_BYTES:
        raise BadNote("a hash has the wrong length")
    return digest
