from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.crypto.envelope import DecryptError, pad, padded_length, padme, unpad


class TestPadding:
    """Security design, section 3: steps of 32 up to 256, then Padmé."""

    @pytest.mark.parametrize(
        ("length", "padded"),
        [(1, 32), (32, 32), (33, 64), (255, 256), (256, 256), (257, 272), (272, 272), (273, 288), (1000, 1024)],
    )
    def test_goes_up_to_the_next_of_few_lengths(self, length: int, padded: int) -> None:
        assert padded_length(length) == padded

    @given(st.integers(257, 1 << 40))
    def test_wastes_at_most_twelve_percent_of_long_values(self, length: int) -> None:
        assert length <= padme(length) <= length * 1.12
        assert padme(padme(length)) == padme(length)

    def test_leaves_few_lengths(self) -> None:
        assert len({padded_length(length) for length in range(1, 100_000)}) < 200

    @given(st.binary(max_size=600))
    def test_is_taken_away_again_exactly(self, plain: bytes) -> None:
        assert unpad(pad(plain)) == plain
        assert unpad(pad(plain + b"\x80\x00")) == plain + b"\x80\x00"

    @pytest.mark.parametrize("padded", [b"", bytes(32), b"abc", b"abc\x01\x00"])
    def test_without_its_mark_is_refused(self, padded: bytes) -> None:
        with pytest.raises(DecryptError):
            unpad(padded)

    @pytest.mark.parametrize(("length", "padded"), [(0, 0), (1, 1), (2, 2), (9, 10)])
    def test_has_the_published_values_for_short_lengths(self, length: int, padded: int) -> None:
        assert padme(length) == padded
