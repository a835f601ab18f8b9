"""Encrypt and open large things in the age format piece by piece, for an identity of our own: the backups."""

from __future__ import annotations

import hashlib
from typing import Any, Final, Protocol, TypeAlias

import pyrage  # it ships no types

Identity: TypeAlias = "pyrage.x25519.Identity"

_FINGERPRINT_BYTES: Final = 8


class Source(Protocol):
    """Something to read pieces from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


class Sink(Protocol):
    """Something to write pieces to."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


class NotOurs(ValueError):
    """What was to be opened is no age file for this identity, or was changed or cut."""


class _Watched:
    """A source or sink that remembers its error: pyrage would hide its kind."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.error: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            data: bytes = self._inner.read(size)
        except BaseException as error:
            self.error = error
            raise
        return data

    def write(self, data: bytes, /) -> int:
        try:
            self._inner.write(data)
        except BaseException as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Leave that to whoever opened the sink."""


def encrypt_stream(source: Source, sink: Sink, *, identity: Identity) -> None:
    """Encrypt all of `source` into `sink` so that only `identity` opens it; memory does not grow with the size.

    Raises:
        whatever `source` and `sink` raise; what was written until then is of no use.
    """
    read, written = _Watched(source), _Watched(sink)
    try:
        pyrage.encrypt_io(read, written, [identity.to_public()])
    except (pyrage.EncryptError, OSError):
        raise read.error or written.error or NotOurs("It could not be encrypted.") from None


def decrypt_stream(source: Source, sink: Sink, *, identity: Identity) -> None:
    """Open an age file into `sink`; each piece is genuine when it is written, but the end may still be missing.

    Raises:
        NotOurs: it is for somebody else, or was changed or cut.
        whatever `source` and `sink` raise.
    """
    read, written = _Watched(source), _Watched(sink)
    try:
        pyrage.decrypt_io(read, written, [identity])
    except (pyrage.DecryptError, OSError):
        raise read.error or written.error or NotOurs("It is not for this key, or was changed or cut.") from None


def fingerprint(identity: Identity) -> str:
    """Return 16 hexadecimal digits that tell one identity from another, and nothing about either."""
    return hashlib.sha256(str(identity.to_public()).encode()).hexdigest()[: 2 * _FINGERPRINT_BYTES]


def secret_of(identity: Identity) -> bytes:
    """Return the identity's secret as bytes, to derive the key of a MAC from."""
    return str(identity).encode()
