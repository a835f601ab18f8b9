"""File objects (0xC4): STREAM in chunks of 64 KiB, read and written in constant memory.

The encrypted stream is `u64 length || content || zeros`, as long as `sealed_file_bytes` says: a reader that has opened
the first chunk knows how long the whole object must be, and refuses a cut or lengthened one before it gives out a byte.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol
from uuid import UUID

from casework.crypto._aead import ALG_AES_GCM, KEY_BYTES, TAG_BYTES, Cipher, DecryptError, cipher, decrypt
from casework.crypto.envelope._padding import padme

_LOG2_CHUNK: Final = 16
CHUNK_BYTES: Final = 1 << _LOG2_CHUNK
_SEALED_CHUNK: Final = CHUNK_BYTES + TAG_BYTES
_HEADER: Final = bytes([0xC4, ALG_AES_GCM, _LOG2_CHUNK, 0, 0, 0, 0, 0])
_LENGTH: Final = struct.Struct(">Q")
_NONCE: Final = struct.Struct(">7xIB")
_LEAST: Final = 1024  # Padmé hides next to nothing of very short files
_MOST_CHUNKS: Final = 1 << 32


class Source(Protocol):
    """What content is read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class Sink(Protocol):
    """What ciphertext is written to. Where the length is not known in advance it is a `SeekableSink`."""

    def write(self, data: bytes, /) -> object:
        """Write all of `data`."""


class SeekableSink(Sink, Protocol):
    """A sink whose beginning can be written last."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move."""

    def tell(self) -> int:
        """Return the position."""


def _stream_bytes(length: int) -> int:
    return padme(max(_LENGTH.size + length, _LEAST))


def sealed_file_bytes(length: int) -> int:
    """Return the size of the file object that holds `length` bytes of content."""
    stream = _stream_bytes(length)
    return len(_HEADER) + stream + TAG_BYTES * -(-stream // CHUNK_BYTES)


class _Chunks:
    """The cipher of one file, by chunk number."""

    __slots__ = ("_aad", "_cipher")

    def __init__(self, key: bytes, scope: UUID, file_id: UUID) -> None:
        if len(key) != KEY_BYTES:
            msg = "A file key has 32 bytes."
            raise ValueError(msg)
        self._cipher: Cipher = cipher(ALG_AES_GCM, key)
        self._aad = b"cw/fl1" + _HEADER + scope.bytes + file_id.bytes

    def seal(self, number: int, chunk: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(_NONCE.pack(number, last), chunk, self._aad)

    def open(self, number: int, chunk: bytes, *, last: bool) -> bytes:
        return decrypt(self._cipher, _NONCE.pack(number, last), chunk, self._aad)


class FileSealer:
    """Encrypts one file as its content arrives; `write` it piece by piece, then `finish`.

    With `length` the object is written from front to back. Without it (an upload whose size nobody knows yet) the first
    chunk, which tells the length, stays in memory until the end and is written last: the sink must be seekable.
    A file key seals one file, once: a second one under it would repeat nonces.
    """

    def __init__(
        self, sink: Sink | SeekableSink, *, key: bytes, scope: UUID, file_id: UUID, length: int | None = None
    ) -> None:
        self._sink = sink
        self._chunks = _Chunks(key, scope, file_id)
        self._length = length
        self._written = 0
        self._number = 0
        self._first: bytes | None = None
        self._start = 0
        self._finished = False
        if length is not None:
            if _stream_bytes(length) > _MOST_CHUNKS * CHUNK_BYTES:
                msg = "The file is too long for one object."
                raise ValueError(msg)
            sink.write(_HEADER)
            self._pending = bytearray(_LENGTH.pack(length))
        else:
            self._start = sink.tell()  # type: ignore[union-attr]
            sink.write(_HEADER)
            self._pending = bytearray(_LENGTH.size)

    def write(self, data: bytes) -> None:
        """Add content; raises `ValueError` when it is more than was announced."""
        self._written += len(data)
        if self._finished or (self._length is not None and self._written > self._length):
            msg = "More content than announced."
            raise ValueError(msg)
        self._add(data)

    def _add(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if len(self._pending) == CHUNK_BYTES:
                # Only now is it known that this full chunk is not the last one.
                self._put(bytes(self._pending), last=False)
                self._pending.clear()
            room = CHUNK_BYTES - len(self._pending)
            self._pending += view[:room]
            view = view[room:]

    def _put(self, chunk: bytes, *, last: bool) -> None:
        if self._number >= _MOST_CHUNKS:
            msg = "The file is too long for one object."
            raise ValueError(msg)
        if self._length is None and self._number == 0:
            self._first = chunk
            self._sink.write(bytes(len(chunk) + TAG_BYTES))
        else:
            self._sink.write(self._chunks.seal(self._number, chunk, last=last))
        self._number += 1

    def finish(self) -> int:
        """Pad, write the last chunk, and return the length of the content; raises `ValueError` when it fell short."""
        if self._finished or (self._length is not None and self._written != self._length):
            msg = "Less content than announced, or already finished."
            raise ValueError(msg)
        self._finished = True
        missing = _stream_bytes(self._written) - _LENGTH.size - self._written
        zeros = bytes(CHUNK_BYTES)
        while missing > 0:
            self._add(zeros[:missing])
            missing -= CHUNK_BYTES
        self._put(bytes(self._pending), last=True)
        self._pending.clear()
        if self._first is not None:
            self._put_first(self._first)
        return self._written

    def _put_first(self, chunk: bytes) -> None:
        sink: SeekableSink = self._sink  # type: ignore[assignment]
        end = sink.tell()
        sink.seek(self._start + len(_HEADER))
        told = _LENGTH.pack(self._written) + chunk[_LENGTH.size :]
        sink.write(self._chunks.seal(0, told, last=self._number == 1))
        sink.seek(end)
        self._first = None


def encrypt_stream(
    source: Source, sink: Sink | SeekableSink, *, key: bytes, scope: UUID, file_id: UUID, length: int | None = None
) -> int:
    """Encrypt all of `source` into `sink` and return the length of the content in bytes.

    `key`: 32 fresh bytes for this file alone. `length`: announce it where it is known; without it the sink must be
    seekable. Raises `ValueError` when content and announcement differ: what was written is then worthless.
    """
    sealer = FileSealer(sink, key=key, scope=scope, file_id=file_id, length=length)
    while piece := source.read(CHUNK_BYTES):
        sealer.write(piece)
    return sealer.finish()


class _Opened:
    """A file object whose header, first chunk and size were found right."""

    __slots__ = ("_base", "_chunks", "_count", "_first", "_size", "_source", "length")

    def __init__(self, source: BinaryIO, chunks: _Chunks) -> None:
        self._source, self._chunks = source, chunks
        self._base = source.tell()
        self._size = source.seek(0, os.SEEK_END) - self._base - len(_HEADER)
        source.seek(self._base)
        if self._size <= 0 or self._read(len(_HEADER)) != _HEADER:
            raise DecryptError
        self._count = -(-self._size // _SEALED_CHUNK)
        self._first = chunks.open(0, self._read(_SEALED_CHUNK), last=self._count == 1)
        if len(self._first) < _LENGTH.size:
            raise DecryptError
        (self.length,) = _LENGTH.unpack_from(self._first)
        if self._size + len(_HEADER) != sealed_file_bytes(self.length):
            raise DecryptError

    def _read(self, wanted: int) -> bytes:
        pieces = []
        while wanted and (piece := self._source.read(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def chunk(self, number: int) -> bytes:
        if number == 0:
            return self._first
        self._source.seek(self._base + len(_HEADER) + number * _SEALED_CHUNK)
        return self._chunks.open(number, self._read(_SEALED_CHUNK), last=number == self._count - 1)


def file_length(source: BinaryIO, *, key: bytes, scope: UUID, file_id: UUID) -> int:
    """Return the length in bytes of the content of a file object; raises `DecryptError`. `source` is seekable."""
    length: int = _Opened(source, _Chunks(key, scope, file_id)).length
    return length


def decrypt_chunks(
    source: BinaryIO, *, key: bytes, scope: UUID, file_id: UUID, start: int = 0, end: int | None = None
) -> Iterator[bytes]:
    """Open a file object and yield its content from byte `start` up to but not including `end`, in pieces of <= 64 KiB.

    `source` is seekable and stands at the object's beginning. A piece is given out only after its chunk was found
    genuine; a cut, lengthened or foreign object raises `DecryptError` at the call, before the first piece, and a
    changed chunk when its turn comes.
    """
    opened = _Opened(source, _Chunks(key, scope, file_id))
    stop = opened.length if end is None else min(end, opened.length)
    if start < 0:
        msg = "A range starts at 0 or later."
        raise ValueError(msg)
    return _pieces(opened, start + _LENGTH.size, stop + _LENGTH.size)


def _pieces(opened: _Opened, start: int, stop: int) -> Iterator[bytes]:
    while start < stop:
        number, offset = divmod(start, CHUNK_BYTES)
        piece = opened.chunk(number)[offset : offset + stop - start]
        yield piece
        start += len(piece)
