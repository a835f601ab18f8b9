"""The sheet of paper that holds one share of a key: its words, the same as a QR code, and what to do with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from casework.printing import qr_codes
from casework.printing.typeset import typeset

_TEMPLATE: Final = "share_sheet.typ"


@dataclass(frozen=True)
class SheetText:
    """The sentences of a sheet, in the reader's language. Nothing here is secret."""

    language: str
    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    words: str
    code: str
    use: str
    uses: tuple[str, ...]
    do: str
    dos: tuple[str, ...]
    never: str
    nevers: tuple[str, ...]


def share_sheet(text: SheetText, words: tuple[str, ...]) -> bytes:
    """Return the sheet as a PDF of one A4 page in black on white; it carries no metadata but its title."""
    code = qr_codes.svg(code_matrix(words))
    return typeset(template=_TEMPLATE, values={**asdict(text), "share": words, "svg": code})


def code_matrix(words: tuple[str, ...]) -> qr_codes.Matrix:
    """Return the modules of the QR code of these words.

    The words stand in capitals, which the code packs most tightly, with spaces between; a quarter of it may be
    unreadable.
    """
    return qr_codes.matrix(" ".join(words).upper(), spare="Q")
