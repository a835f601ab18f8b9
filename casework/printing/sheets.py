"""What a prepared exhibit is: pages to draw, text to set, or the reason why neither is possible."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from casework.printing.types import Trouble

if TYPE_CHECKING:
    import pikepdf

    from casework.printing.geometry import Placement


class Sheet(Protocol):
    """One page of an exhibit, able to draw itself into the dossier."""

    @property
    def landscape(self) -> bool:
        """Say whether the page is wider than high."""
        ...

    def draw_into(self, dossier: pikepdf.Pdf) -> tuple[pikepdf.Object, Placement]:
        """Return an XObject of `dossier` and where it goes.

        Raises:
            Unprintable: the page turns out to be damaged.
        """


class Unprintable(Exception):
    """An exhibit cannot be printed; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


@dataclass(slots=True)
class Printable:
    """An exhibit's sheets, or its lines of text; and what the reader must be told about them."""

    sheets: list[Sheet] = field(default_factory=list)
    lines: list[str] | None = None
    troubles: list[Trouble] = field(default_factory=list)
