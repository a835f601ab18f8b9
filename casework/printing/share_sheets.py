"""The sheet of paper that holds one share of a key: its words, the same as a QR code, and what to do with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import qrcode

from casework.printing.typeset import typeset

_TEMPLATE: Final = "share_sheet.typ"
_QUIET: Final = 4  # modules of white around a code, as ISO/IEC 18004 wants


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
    code = code_svg(code_matrix(words))
    return typeset(template=_TEMPLATE, values={**asdict(text), "share": words, "svg": code})


def code_matrix(words: tuple[str, ...]) -> tuple[tuple[bool, ...], ...]:
    """Return the modules of the QR code of these words, True for black, without the white around them.

    The words stand in capitals, which the code packs most tightly, with spaces between; a quarter of it may be
    unreadable. Source: ISO/IEC 18004.
    """
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=0)
    code.add_data(" ".join(words).upper())
    code.make(fit=True)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def code_svg(matrix: tuple[tuple[bool, ...], ...]) -> str:
    """Return a drawing of a QR code, as one path, so that no hair lines show between its modules."""
    side = len(matrix) + 2 * _QUIET
    path = "".join(
        f"M{across + _QUIET} {down + _QUIET}h1v1h-1z"
        for down, row in enumerate(matrix)
        for across, black in enumerate(row)
        if black
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    )
