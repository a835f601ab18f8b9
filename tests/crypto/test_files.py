from __future__ import annotations

import io
import os
import resource
import tempfile
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.crypto.envelope import (
    CHUNK_BYTES,
    DecryptError,
    FileSealer,
    _files,
    decrypt_chunks,
    encrypt_stream,
    file_length,
    sealed_file_bytes,
)
from tests.crypto.conftest import OTHER_ROW, OTHER_SCOPE, ROW, SCOPE
from tests.crypto.test_values import flipped

KEY = bytes(range(32))
SEALED_CHUNK = CHUNK_BYTES + 16
LENGTHS = [0, 1, 1000, 1016, 1017, CHUNK_BYTES - 9, CHUNK_BYTES - 8, CHUNK_BYTES - 7, CHUNK_BYTES * 3, 300_000]


def sealed(content: bytes, *, announced: bool = True) -> bytes:
    sink = io.BytesIO()
    length = len(content) if announced else None
    assert encrypt_stream(io.BytesIO(content), sink, key=KEY, scope=SCOPE, file_id=ROW, length=length) == len(content)
    return sink.getvalue()


def opened(blob: bytes, start: int = 0, end: int | None = None) -> bytes:
    return b"".join(decrypt_chunks(io.BytesIO(blob), key=KEY, scope=SCOPE, file_id=ROW, start=start, end=end))


def chunks(blob: bytes) -> list[bytes]:
    body = blob[8:]
    return [body[at : at + SEALED_CHUNK] for at in range(0, len(body), SEALED_CHUNK)]


class TestFileObject:
    """Security design, sections 3 and 9; invariants 2, 43, 44 and 45."""

    @pytest.mark.parametrize("length", LENGTHS)
    @pytest.mark.parametrize("announced", [True, False])
    def test_opens_to_the_content(self, length: int, announced: bool) -> None:
        content = os.urandom(length)
        blob = sealed(content, announced=announced)
        assert opened(blob) == content
        assert file_length(io.BytesIO(blob), key=KEY, scope=SCOPE, file_id=ROW) == length
        assert len(blob) == sealed_file_bytes(length)

    def test_is_the_same_whether_its_length_was_announced_or_not(self) -> None:
        content = os.urandom(200_000)
        assert sealed(content) == sealed(content, announced=False)

    def test_begins_with_the_documented_header(self) -> None:
        assert sealed(b"")[:8] == bytes.fromhex("c4 01 10 0000000000")

    def test_hides_its_exact_length(self) -> None:
        assert len({sealed_file_bytes(length) for length in range(1017)}) == 1
        assert len({sealed_file_bytes(length) for length in range(1_000_000, 1_010_000)}) <= 2

    @settings(max_examples=60)
    @given(st.integers(0, 200_000), st.integers(0, 210_000))
    def test_gives_any_range_and_no_more(self, start: int, end: int) -> None:
        content = bytes(range(256)) * 700
        assert opened(SEALED_CONTENT, start, end) == content[start:end]

    def test_refuses_a_range_that_starts_before_it(self) -> None:
        with pytest.raises(ValueError, match="range"):
            opened(sealed(b"synthetic"), start=-1)

    def test_reads_only_the_chunks_of_a_range(self) -> None:
        class Counting(io.BytesIO):
            taken = 0

            def read(self, size: int | None = -1, /) -> bytes:
                piece = super().read(size)
                Counting.taken += len(piece)
                return piece

        source = Counting(sealed(bytes(1_000_000)))
        assert b"".join(decrypt_chunks(source, key=KEY, scope=SCOPE, file_id=ROW, start=500_000, end=500_010)) == bytes(
            10
        )
        assert Counting.taken <= 8 + 2 * SEALED_CHUNK

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda parts: parts[:-1], id="last chunk dropped"),
            pytest.param(lambda parts: parts[:1] + parts[2:], id="middle chunk dropped"),
            pytest.param(lambda parts: parts[1:], id="first chunk dropped"),
            pytest.param(lambda parts: [parts[0], parts[2], parts[1], *parts[3:]], id="reordered"),
            pytest.param(lambda parts: [parts[1], parts[0], *parts[2:]], id="reordered at the beginning"),
            pytest.param(lambda parts: [parts[0], parts[1], parts[1], *parts[2:]], id="duplicated"),
            pytest.param(lambda parts: [parts[0], parts[1], parts[1], *parts[3:]], id="duplicated over another"),
            pytest.param(lambda parts: [*parts, parts[-1]], id="last duplicated"),
            pytest.param(lambda parts: [*parts, bytes(SEALED_CHUNK)], id="lengthened"),
            pytest.param(lambda parts: [*parts[:-1], parts[-1][:-1]], id="one byte cut"),
            pytest.param(lambda parts: [*parts, b"\0"], id="one byte more"),
            pytest.param(lambda parts: parts[:1], id="cut after the first chunk"),
            pytest.param(lambda parts: [], id="only a header"),
        ],
    )
    def test_with_its_chunks_disturbed_never_gives_a_wrong_byte(
        self, change: Callable[[list[bytes]], list[bytes]]
    ) -> None:
        content = os.urandom(300_000)
        blob = sealed(content)
        disturbed = blob[:8] + b"".join(change(chunks(blob)))
        released: list[bytes] = []
        with pytest.raises(DecryptError):
            released.extend(decrypt_chunks(io.BytesIO(disturbed), key=KEY, scope=SCOPE, file_id=ROW))
        assert content.startswith(b"".join(released))
        if len(disturbed) != len(blob):
            assert released == []

    def test_whose_last_chunk_was_sealed_as_a_middle_one_is_refused(self) -> None:
        # What a writer that died would leave, were its chunks to end exactly where the length says.
        content = bytes(100_000)
        blob = sealed(content)
        unfinished = _files._Chunks(KEY, SCOPE, ROW)
        stream = len(content).to_bytes(8, "big") + content
        padded = stream.ljust(_files._stream_bytes(len(content)), b"\0")
        last = unfinished.seal(1, padded[CHUNK_BYTES:], last=False)
        assert len(last) == len(chunks(blob)[1])
        with pytest.raises(DecryptError):
            opened(blob[: 8 + SEALED_CHUNK] + last)

    @pytest.mark.parametrize("stream", [b"", b"short", bytes(8), b"\xff" * 1024])
    def test_whose_genuine_first_chunk_tells_no_sound_length_is_refused(self, stream: bytes) -> None:
        chunk = _files._Chunks(KEY, SCOPE, ROW).seal(0, stream, last=True)
        with pytest.raises(DecryptError):
            opened(_files._HEADER + chunk)

    def test_with_any_single_bit_of_a_short_one_changed_is_refused(self) -> None:
        blob = sealed(b"synthetic")
        for bit in range(len(blob) * 8):
            with pytest.raises(DecryptError):
                opened(flipped(blob, bit))

    @pytest.mark.parametrize("at", [0, 1, 2, 3, 8, 70_000, 200_000, -1])
    def test_with_a_byte_of_a_long_one_changed_is_refused(self, at: int) -> None:
        blob = bytearray(sealed(bytes(300_000)))
        blob[at] ^= 1
        with pytest.raises(DecryptError):
            opened(bytes(blob))

    def test_under_another_key_scope_or_id_is_refused(self) -> None:
        source = io.BytesIO(sealed(b"synthetic"))
        for other in ({"key": bytes(32)}, {"scope": OTHER_SCOPE}, {"file_id": OTHER_ROW}):
            source.seek(0)
            with pytest.raises(DecryptError):
                decrypt_chunks(source, **({"key": KEY, "scope": SCOPE, "file_id": ROW} | other))  # type: ignore[arg-type]

    @pytest.mark.parametrize("blob", [b"", b"\xc4", bytes(8), bytes(2000)])
    def test_that_is_none_is_refused(self, blob: bytes) -> None:
        with pytest.raises(DecryptError):
            opened(blob)

    def test_may_lie_inside_another_file(self) -> None:
        source = io.BytesIO(b"before" + sealed(b"synthetic", announced=False))
        source.seek(6)
        assert b"".join(decrypt_chunks(source, key=KEY, scope=SCOPE, file_id=ROW)) == b"synthetic"

    @pytest.mark.parametrize("length", [8, 10])
    def test_is_not_finished_when_content_and_announcement_differ(self, length: int) -> None:
        with pytest.raises(ValueError, match="announced"):
            encrypt_stream(io.BytesIO(b"synthetic"), io.BytesIO(), key=KEY, scope=SCOPE, file_id=ROW, length=length)

    def test_is_finished_once(self) -> None:
        sealer = FileSealer(io.BytesIO(), key=KEY, scope=SCOPE, file_id=ROW)
        sealer.finish()
        with pytest.raises(ValueError, match="finished"):
            sealer.finish()
        with pytest.raises(ValueError, match="More"):
            sealer.write(b"x")

    def test_has_a_key_of_32_bytes_and_a_bounded_length(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            FileSealer(io.BytesIO(), key=b"short", scope=SCOPE, file_id=ROW)
        with pytest.raises(ValueError, match="too long"):
            FileSealer(io.BytesIO(), key=KEY, scope=SCOPE, file_id=ROW, length=1 << 49)

    def test_stops_before_its_chunk_counter_repeats(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("casework.crypto.envelope._files._MOST_CHUNKS", 2)
        sealer = FileSealer(io.BytesIO(), key=KEY, scope=SCOPE, file_id=ROW)
        with pytest.raises(ValueError, match="too long"):
            sealer.write(bytes(CHUNK_BYTES * 4))

    @pytest.mark.parametrize("announced", [True, False])
    def test_of_64_mb_takes_little_memory(self, announced: bool) -> None:
        size = 64 << 20

        class Zeros:
            left = size

            def read(self, wanted: int, /) -> bytes:
                piece = bytes(min(wanted, self.left))
                self.left -= len(piece)
                return piece

        with tempfile.TemporaryFile() as file:
            resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            tracemalloc.start()
            encrypt_stream(Zeros(), file, key=KEY, scope=SCOPE, file_id=ROW, length=size if announced else None)
            file.seek(0)
            count = sum(map(len, decrypt_chunks(file, key=KEY, scope=SCOPE, file_id=ROW)))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
        assert count == size
        assert peak < 2 << 20
        assert grown < 16 << 10  # KiB


SEALED_CONTENT = sealed(bytes(range(256)) * 700)
