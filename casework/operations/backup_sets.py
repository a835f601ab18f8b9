"""Sets of a backup on disk: `PATH/data/STAMP`, `PATH/keys/STAMP`, and the pool of files `PATH/data/objects`.

A set is written beside its place under a name that begins with a dot, and moved there when all of it is on the disk: a
set that has its name is whole. Its manifest is readable by anybody, holds no personal data, and carries a MAC under a
key that only the root key gives; everything else is age-encrypted or was ciphertext before.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal
from uuid import UUID

from casework.printing import streams
from casework.printing.streams import Identity

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database.age"
CONTENTS: Final = "contents.age"
KEYS: Final = "keys.age"
PARTS: Final = {"data": (DATABASE, CONTENTS), "keys": (KEYS,)}
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAMED: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_UNFINISHED: Final = re.compile(r"\.\d{8}T\d{6}Z(-removed)?", re.ASCII)
_LOCK: Final = ".lock"
_MAC_LABEL: Final = b"cw/backup1/manifest"
_PIECE: Final = 1 << 20

Kind = Literal["data", "keys"]
KINDS: Final[tuple[Kind, ...]] = ("data", "keys")


class BadBackup(Exception):
    """A backup is missing, incomplete, changed, or not for this key; the message says which and what to do."""


@dataclass(frozen=True)
class Part:
    """One encrypted file of a set."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a set says of itself in the clear. `key`: fingerprint of the identity that opens it."""

    format: int
    kind: str
    stamp: str
    made_at: str
    key: str
    wrapping_keys: tuple[int, ...]
    server: str
    parts: dict[str, Part]
    mac: str = ""

    def signed(self, identity: Identity) -> Manifest:
        """Return it with its MAC."""
        return replace(self, mac=self._mac(identity))

    def is_genuine(self, identity: Identity) -> bool:
        """Tell whether whoever has the root key wrote exactly this."""
        return hmac.compare_digest(self.mac, self._mac(identity))

    def _mac(self, identity: Identity) -> str:
        key = hmac.digest(streams.secret_of(identity), _MAC_LABEL, "sha256")
        content = asdict(self) | {"mac": ""}
        return hmac.digest(key, json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), "sha256").hex()


@dataclass(frozen=True)
class Set:
    """A whole set: its folder and its manifest, as read."""

    folder: Path
    manifest: Manifest

    @property
    def stamp(self) -> str:
        """Its name, the moment at which it was made in UTC."""
        return self.folder.name

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return moment(self.stamp)

    def check(self, identity: Identity) -> None:
        """Read all of the set's own files and compare them with its manifest.

        Raises:
            BadBackup: it belongs to another root key, or something was changed, cut, exchanged or is missing.
        """
        self.check_manifest(identity)
        for name in self.manifest.parts:
            self.check_part(name)

    def check_part(self, name: str) -> None:
        """Compare one file of the set with its genuine manifest; raises `BadBackup`."""
        part, path = self.manifest.parts[name], self.folder / name
        try:
            size, digest = path.stat().st_size, digest_of(path)
        except OSError:
            raise BadBackup(f"{self.called}: {name} is missing or cannot be read.") from None
        if (size, digest) != (part.bytes, part.sha256):
            raise BadBackup(f"{self.called}: {name} was changed or cut. Take another copy of this set.")

    def check_manifest(self, identity: Identity) -> None:
        """Compare the manifest with the place that the set lies in and with the key; raises `BadBackup`."""
        manifest = self.manifest
        if manifest.format != FORMAT:
            raise BadBackup(f"{self.called} was made by a newer version of Casework: update first.")
        if manifest.key != streams.fingerprint(identity):
            versions = ", ".join(map(str, manifest.wrapping_keys)) or "none"
            raise BadBackup(
                f"{self.called} belongs to another root key than the one here: it needs the one that opens wrapping "
                f"key version {versions}. Put back that root key, or restore it from its recovery shares."
            )
        kind = self.folder.parent.name
        wrong_parts = set(manifest.parts) != set(PARTS.get(kind, ()))
        if not manifest.is_genuine(identity) or (manifest.kind, manifest.stamp) != (kind, self.stamp) or wrong_parts:
            raise BadBackup(f"{self.called}: its manifest was changed, or is that of another set.")

    @property
    def called(self) -> str:
        """The set in words."""
        return f"The backup set {self.folder.parent.name}/{self.stamp}"

    def lines(self, part: str, identity: Identity, take: Callable[[Mapping[str, Any]], None]) -> None:
        """Open a part that holds a JSON object a line, and give each to `take`; raises `BadBackup`."""
        sink = _Lines(take)
        try:
            with (self.folder / part).open("rb") as source:
                streams.decrypt_stream(source, sink, identity=identity)
            sink.finish()
        except (streams.NotOurs, OSError, ValueError) as error:
            raise BadBackup(f"{self.called}: {part} cannot be opened ({type(error).__name__}).") from None


class _Lines:
    def __init__(self, take: Callable[[Mapping[str, Any]], None]) -> None:
        self._take, self._rest = take, b""

    def write(self, data: bytes, /) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def finish(self) -> None:
        if self._rest:
            msg = "the last line has no end"
            raise ValueError(msg)


class Text:
    """Lines to be read in pieces, as `encrypt_stream` takes them."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._rest = lines, b""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        while size < 0 or len(self._rest) < size:
            line = next(self._lines, None)
            if line is None:
                break
            self._rest += line.encode() + b"\n"
        given, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return given


class Hashing:
    """A file being written, with its size and SHA-256."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink, self._digest, self.bytes = sink, hashlib.sha256(), 0

    def write(self, data: bytes, /) -> None:
        """Take all of `data`."""
        self._sink.write(data)
        self._digest.update(data)
        self.bytes += len(data)

    def part(self) -> Part:
        """Return what was written."""
        return Part(self.bytes, self._digest.hexdigest())


# --- sets ----------------------------------------------------------------------------------------------------------


def moment(stamp: str) -> datetime:
    """Return the moment that a set is named after."""
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def stamp_of(at: datetime) -> str:
    """Return the name of a set made at that moment."""
    return at.astimezone(UTC).strftime(_STAMP)


def stamps(path: Path, kind: Kind) -> list[str]:
    """Return the names of the sets there, the oldest first; what is half made has no such name."""
    folder = path / kind
    return sorted(entry.name for entry in folder.iterdir() if _is_stamp(entry.name)) if folder.is_dir() else []


def _is_stamp(name: str) -> bool:
    try:
        return bool(_NAMED.fullmatch(name) and moment(name))
    except ValueError:  # digits that are no date
        return False


def read(path: Path, kind: Kind, stamp: str) -> Set:
    """Return a set by its name; raises `BadBackup`."""
    folder = path / kind / stamp
    if stamp not in stamps(path, kind):
        known = ", ".join(stamps(path, kind)[-5:]) or "none"
        raise BadBackup(f"There is no set {kind}/{stamp} in {path}. The newest there: {known}.")
    try:
        given = json.loads((folder / MANIFEST).read_bytes())
        given["parts"] = {name: Part(**part) for name, part in given["parts"].items()}
        given["wrapping_keys"] = tuple(given["wrapping_keys"])
        # Before its MAC is looked at anybody can have written it; after this it can be compared and printed.
        whole = all(type(version) is int for version in given["wrapping_keys"])
        if not whole or not all(str(given[name]).isascii() for name in ("mac", "key")):
            raise ValueError
        return Set(folder, Manifest(**given | {name: str(given[name]) for name in ("mac", "key")}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadBackup(f"The backup set {kind}/{stamp} has no readable manifest: take another copy of it.") from None


def newest(path: Path, kind: Kind) -> Set:
    """Return the newest set; raises `BadBackup` when there is none or it cannot be read."""
    known = stamps(path, kind)
    if not known:
        raise BadBackup(f"There is no backup in {path}: {path / kind} holds no set.")
    return read(path, kind, known[-1])


def begin(path: Path, kind: Kind, stamp: str) -> Path:
    """Make the folder in which a set is written before it has its name."""
    folder = path / kind / f".{stamp}"
    own_folder(folder)
    return folder


def seal_set(folder: Path, manifest: Manifest, identity: Identity) -> None:
    """Write the manifest and put all of the set on the disk."""
    with create(folder / MANIFEST) as sink:
        sink.write(json.dumps(asdict(manifest.signed(identity)), indent=1).encode() + b"\n")
    sync_folder(folder)


def publish(folder: Path) -> Path:
    """Give a finished set its name and return its place."""
    place = folder.with_name(folder.name.removeprefix("."))
    folder.rename(place)
    sync_folder(place.parent)
    return place


def withdraw(place: Path) -> None:
    """Take a set's name away again; the next backup sweeps what is left of it."""
    place.rename(place.with_name(f".{place.name}"))


def remove(folder: Path) -> None:
    """Remove a whole set, such that one that is half removed is not taken for one."""
    gone = folder.with_name(f".{folder.name}-removed")
    folder.rename(gone)
    shutil.rmtree(gone)


def sweep(path: Path) -> None:
    """Remove what backups that were cut off have left, and nothing else. Only whoever holds the lock may.

    The folder that the keeper names may hold what is not ours: other hidden names in it are left alone.
    """
    for kind in KINDS:
        folder = path / kind
        for entry in list(folder.glob(".*")) if folder.is_dir() else ():
            if _UNFINISHED.fullmatch(entry.name):
                shutil.rmtree(entry)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the folder for one backup, made when it is missing; raises `BadBackup` when another one is under way."""
    own_folder(path)
    with os.fdopen(os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadBackup(f"Another backup into {path} is under way.") from None
        yield


# --- the pool of files -----------------------------------------------------------------------------------------------


def pool(path: Path) -> Path:
    """Return the folder of the files of all sets."""
    return path / "data" / "objects"


def in_pool(path: Path, object_id: UUID) -> Path:
    """Return where a file of the store lies in the pool."""
    return pool(path) / str(object_id)[:2] / str(object_id)


def add_to_pool(path: Path, object_id: UUID, source: BinaryIO) -> Part:
    """Copy a file of the store into the pool and return what was copied; it appears there whole."""
    place = in_pool(path, object_id)
    own_folder(place.parent)
    part = _beside(place)
    part.unlink(missing_ok=True)
    with create(part) as raw:
        sink = Hashing(raw)
        while data := source.read(_PIECE):
            sink.write(data)
    part.rename(place)
    sync_folder(place.parent)
    return sink.part()


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}")


def all_in_pool(path: Path) -> Iterator[tuple[Path, UUID | None]]:
    """Yield every file of the pool with its id; None for one that was cut off. What is not ours is left out."""
    for folder in sorted(pool(path).iterdir()) if pool(path).is_dir() else ():
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            try:
                object_id = UUID(entry.name.removeprefix("."))
            except ValueError:
                continue
            place = in_pool(path, object_id)
            if entry == place:
                yield entry, object_id
            elif entry == _beside(place):
                yield entry, None


# --- files -----------------------------------------------------------------------------------------------------------


def own_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, such that only their owner may enter."""
    if not folder.is_dir():
        own_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def create(path: Path) -> Iterator[BinaryIO]:
    """Write a new file that only its owner may read, and put it on the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as sink:
        yield sink
        sink.flush()
        os.fsync(sink.fileno())


def digest_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
