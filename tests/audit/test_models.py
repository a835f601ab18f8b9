"""What the rows of the trail say of themselves: ids and numbers."""

from __future__ import annotations

from uuid import UUID

import pytest

from casework.audit.models import Checkpoint, Entry, Head, Leaf, SealedHead, Tree

STREAM = UUID("11111111-1111-4111-8111-111111111111")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (Entry(stream=STREAM, seq=3), f"{STREAM}/3"),
        (Head(stream=STREAM, seq=3), f"{STREAM}/3"),
        (SealedHead(stream=STREAM, seq=3), f"{STREAM}/3"),
        (Leaf(index=4), "4"),
        (Tree(size=5), "5"),
        (Checkpoint(number=6), "6"),
    ],
)
def test_rows_say_no_more_than_ids_and_numbers(row, text):
    assert str(row) == text
