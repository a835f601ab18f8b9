"""Copies of pictures and PDF files that show the same and tell nothing else: no place, owner, program, script, form."""

from __future__ import annotations

from typing import Final

from casework.printing import image_exhibits, pdf_exhibits
from casework.printing.sheets import Unprintable
from casework.printing.types import Trouble

MEDIA_TYPES: Final = frozenset({"application/pdf", *image_exhibits.MEDIA_TYPES})


def clean(data: bytes, media_type: str) -> bytes:
    """Return a copy of the same media type, made anew from what the file shows.

    What a page draws stays, also under a black bar, in a layer that is switched off or outside of the part that is
    shown: this removes what stands beside the pages, not what somebody covered on them.

    Raises:
        Unprintable: it is damaged, locked, too large, moves, or is of a kind that cannot be made anew.
    """
    if media_type == "application/pdf":
        return pdf_exhibits.without_hidden_data(data)
    if media_type in image_exhibits.MEDIA_TYPES:
        return image_exhibits.without_hidden_data(data)
    raise Unprintable(Trouble.NOT_PRINTABLE)
