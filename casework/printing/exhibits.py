"""Read an exhibit once: its fingerprint, and what can be printed of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from casework.printing import image_exhibits, pdf_exhibits, text_exhibits
from casework.printing.sheets import Printable, Unprintable
from casework.printing.types import Trouble

if TYPE_CHECKING:
    from casework.printing.types import Exhibit

MOST_BYTES: Final = 200 * 1024 * 1024

# Most exhibits come in one piece, which is then not copied again.
_PIECE: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An exhibit that was read. `content` is empty of sheets and lines when `troubles` says why nothing is printed."""

    exhibit: Exhibit
    sha256: str
    size_bytes: int
    content: Printable

    @property
    def is_included(self) -> bool:
        """Say whether there is something of it to print."""
        return bool(self.content.sheets) or self.content.lines is not None


def prepare(exhibit: Exhibit) -> Prepared:
    """Read an exhibit to its end and prepare its pages; what cannot be printed becomes a trouble, never an error.

    An exhibit over `MOST_BYTES` is fingerprinted whole but not kept in memory.
    """
    digest, size = hashlib.sha256(), 0
    kept: list[bytes] = []
    with exhibit.open() as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            if size <= MOST_BYTES:
                kept.append(piece)
    try:
        if size > MOST_BYTES:
            raise Unprintable(Trouble.TOO_LARGE)
        content = _read(b"".join(kept), exhibit.media_type.partition(";")[0].strip().lower())
    except Unprintable as error:
        content = Printable(troubles=[error.trouble])
    return Prepared(exhibit=exhibit, sha256=digest.hexdigest(), size_bytes=size, content=content)


def _read(data: bytes, media_type: str) -> Printable:
    if media_type == "application/pdf":
        return pdf_exhibits.read(data)
    if media_type in image_exhibits.MEDIA_TYPES:
        return image_exhibits.read(data)
    if media_type in text_exhibits.MEDIA_TYPES:
        return text_exhibits.read(data)
    raise Unprintable(Trouble.NOT_PRINTABLE)
