"""Plain text: lines to be typeset."""

from __future__ import annotations

import codecs
from typing import Final

from casework.printing import typeset
from casework.printing.sheets import Printable, Unprintable
from casework.printing.types import Trouble

MEDIA_TYPES: Final = frozenset({"text/plain"})
MOST_CHARACTERS: Final = 400_000

_TAB: Final = 4
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read(data: bytes) -> Printable:
    """Decode plain text (UTF-8, or UTF-16 with its mark) and return its lines.

    Raises:
        Unprintable: it is in another encoding, which could only be guessed, or is too long.
    """
    encoding = "utf-16" if data.startswith(_WIDE_MARKS) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unprintable(Trouble.UNREADABLE_TEXT) from error
    if "\0" in text:
        raise Unprintable(Trouble.UNREADABLE_TEXT)
    if len(text) > MOST_CHARACTERS:
        raise Unprintable(Trouble.TOO_LARGE)
    shown, complete = typeset.printable(text)
    lines = [_indented(line) for line in shown.replace("\f", "\n").rstrip("\n").split("\n")]
    return Printable(lines=lines, troubles=[] if complete else [Trouble.UNPRINTABLE_CHARACTERS])


def _indented(line: str) -> str:
    """Return the line with its indent in spaces that the typesetter keeps."""
    line = line.expandtabs(_TAB).rstrip()
    words = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(words)) + words
