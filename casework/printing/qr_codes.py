"""QR codes, drawn by ourselves from their modules. Source: ISO/IEC 18004."""

from __future__ import annotations

from typing import Final

import qrcode

QUIET: Final = 4
"""Modules of white around a code, as the standard wants."""

Matrix = tuple[tuple[bool, ...], ...]


def matrix(content: str | bytes, *, spare: str) -> Matrix:
    """Return the modules of a QR code, True for black, without the white around them.

    `spare`: the level of correction, `M` (15 % of it may be unreadable) or `Q` (a quarter). Text is packed as tightly
    as its signs allow, bytes stand as they are.
    """
    level = {"M": qrcode.constants.ERROR_CORRECT_M, "Q": qrcode.constants.ERROR_CORRECT_Q}[spare]
    code = qrcode.QRCode(error_correction=level, border=0)
    # Bytes in one piece: a reader that has to guess the alphabet guesses once, over all of them.
    code.add_data(content, optimize=0 if isinstance(content, bytes) else 20)
    code.make(fit=True)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def svg(modules: Matrix) -> str:
    """Return a drawing of a QR code, as one path, so that no hair lines show between its modules."""
    side = len(modules) + 2 * QUIET
    path = "".join(
        f"M{across + QUIET} {down + QUIET}h1v1h-1z"
        for down, row in enumerate(modules)
        for across, black in enumerate(row)
        if black
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    )
