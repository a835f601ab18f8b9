"""Counts the live objects of this process that hold a secret; the secrets come and are kept in disguise."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from types import FrameType

_KEY = 0x5A


def disguised(text: str) -> str:
    """Return `text` so that it is not found by whoever looks for it."""
    return bytes(byte ^ _KEY for byte in text.encode()).hex()


def plain(hidden: str) -> str:
    """Return what `disguised` hid."""
    return bytes(byte ^ _KEY for byte in bytes.fromhex(hidden)).decode()


def held(asked: Mapping[str, Sequence[str]]) -> dict[int, list[str]]:
    """Return, by its place in the list `all`, each secret that a live object holds, with the types of what holds it.

    `marks`: what every secret has one of, so that most texts are looked at for these few alone. The collector knows
    containers; a text is found as what a container refers to. What this function holds itself is left out.
    """
    gc.collect()
    marks = [plain(one) for one in asked["marks"]]
    wanted = [plain(one) for one in asked["all"]]
    coded = [[one.encode() for one in many] for many in (marks, wanted)]
    ours = {id(marks), id(wanted), *(id(many) for many in coded)}
    found: dict[int, list[str]] = {}
    for holder in chain(gc.get_objects(), _frames()):
        if id(holder) in ours:
            continue
        for inner in _texts(holder):
            if type(inner) is str:
                short, whole = marks, wanted
            else:
                short, whole = coded  # type: ignore[assignment]
            if any(mark in inner and mark is not inner for mark in short):
                for place, one in enumerate(whole):
                    if one in inner and one is not inner:
                        found.setdefault(place, []).append(f"{type(holder).__module__}.{type(holder).__qualname__}")
    return found


def _frames() -> Iterator[dict[str, object]]:
    # What a thread has in its hands, also while it waits; the collector does not know frames that run.
    for frame in sys._current_frames().values():
        at: FrameType | None = frame
        while at is not None:
            if at.f_code.co_filename != __file__:
                yield at.f_locals
            at = at.f_back


def _texts(holder: object) -> Iterator[str | bytes | bytearray]:
    # What holds nothing but texts and numbers is not tracked by the collector itself.
    for inner in gc.get_referents(holder):
        if type(inner) in {str, bytes, bytearray}:
            yield inner
        elif type(inner) in {dict, tuple} and not gc.is_tracked(inner):
            yield from _texts(inner)
