"""Sizes of the printed page, in points, and how something is fitted onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHORT: Final = 595.28
LONG: Final = 841.89
# The band at the foot of an exhibit's page carries the stamp; no exhibit is ever drawn under it.
FOOT: Final = 34.0
QUARTER, HALF, THREE_QUARTERS = 90, 180, 270
SIDEWAYS: Final = frozenset({QUARTER, THREE_QUARTERS})


@dataclass(frozen=True, slots=True)
class Placement:
    """The six numbers of a PDF `cm` operator."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def operator(self) -> str:
        """Return the operator as it stands in a content stream."""
        return " ".join(f"{number:.5f}" for number in (self.a, self.b, self.c, self.d, self.e, self.f)) + " cm"


def fit(
    *, width: float, height: float, landscape: bool, margin: float, largest_scale: float
) -> tuple[float, float, float]:
    """Return scale and lower left corner that put a box of this size in the middle of the page's free area."""
    page_width, page_height = (LONG, SHORT) if landscape else (SHORT, LONG)
    free_width, free_height = page_width - 2 * margin, page_height - FOOT - 2 * margin
    scale = min(free_width / width, free_height / height, largest_scale)
    left = (page_width - width * scale) / 2
    bottom = FOOT + margin + (free_height - height * scale) / 2
    return scale, left, bottom


def upright(
    *, box: tuple[float, float, float, float], rotation: int, unit: float, landscape: bool, margin: float
) -> Placement:
    """Return the placement that shows `box` as a reader shows it: turned clockwise by `rotation`, never enlarged."""
    left, bottom, right, top = box
    width, height = right - left, top - bottom
    shown_width, shown_height = (height, width) if rotation in SIDEWAYS else (width, height)
    scale, x, y = fit(width=shown_width, height=shown_height, landscape=landscape, margin=margin, largest_scale=unit)
    if rotation == QUARTER:
        return Placement(0, -scale, scale, 0, x - bottom * scale, y + right * scale)
    if rotation == HALF:
        return Placement(-scale, 0, 0, -scale, x + right * scale, y + top * scale)
    if rotation == THREE_QUARTERS:
        return Placement(0, scale, -scale, 0, x + top * scale, y - left * scale)
    return Placement(scale, 0, 0, scale, x - left * scale, y - bottom * scale)
