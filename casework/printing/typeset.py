"""The only door to Typst: JSON values in, PDF bytes out, nothing from outside the template folder."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pikepdf
import typst

if TYPE_CHECKING:
    from collections.abc import Iterable

TEMPLATES = Path(__file__).parent / "templates"
UNPRINTABLE = "\N{WHITE SQUARE}"

_NO_PACKAGES = TEMPLATES / "no-packages"
_PRINTABLE_BY_CHARACTER: dict[str, bool] = {}
# Libertinus Serif has all of these, and none of them combines with its neighbour: Latin with its extensions, the usual
# Cyrillic.
_PLAIN = re.compile(r"[\n\t -~\u00a0-\u00ac\u00ae-\u017f\u0400-\u045f]+")
# Overrides and isolates make a line read other than it is stored; Typst orders mixed scripts by itself, and hyphenates
# too.
_DROPPED = frozenset("\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# The wheel's fonts have nothing from the East Asian blocks; asking for each of 80,000 signs would take minutes.
_FIRST_EAST_ASIAN, _FIRST_PRIVATE = 0x2E80, 0xE000
# Typst 0.15 stops with an internal error at a link that has letters, but none to be seen.
_INVISIBLE = frozenset({"Cf", "Zs", "Zl", "Zp"})
_LONGEST_WORD = 28
_BREAK_EVERY = 10


def typeset(*, template: str, values: object) -> bytes:
    """Compile a template of ours with `values` as JSON, and return the PDF.

    Only the fonts of the wheel are used; no package can be loaded, since its folder does not exist and no template
    names one. The document carries no date. Two calls with equal values give equal bytes.
    """
    compiler = typst.Compiler(
        root=str(TEMPLATES),
        font_paths=[],
        ignore_system_fonts=True,
        package_path=str(_NO_PACKAGES),
        package_cache_path=str(_NO_PACKAGES),
    )
    pdf = compiler.compile(
        str(TEMPLATES / template), format="pdf", sys_inputs={"values": json.dumps(values)}, timestamp=0
    )
    if not isinstance(pdf, bytes):
        raise TypeError("Typst returned no document")
    return pdf


def printable(text: str) -> tuple[str, bool]:
    """Return `text` as the wheel's fonts can print it, and whether nothing had to be replaced.

    Characters without a glyph become a white square; control characters, soft hyphens and direction overrides go, and
    so does text in which nothing can be seen; words too long for a line get places where they may break.
    """
    if not _PLAIN.fullmatch(text):
        composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
        text = "".join(
            character
            for character in composed
            if character in "\n\t" or (unicodedata.category(character) != "Cc" and character not in _DROPPED)
        )
        _probe({character for character in text if not _PLAIN.match(character)})
    shown = text
    if not _PLAIN.fullmatch(text):
        shown = "".join(
            character if _PLAIN.match(character) or _PRINTABLE_BY_CHARACTER[character] else UNPRINTABLE
            for character in text
        )
    if all(unicodedata.category(character) in _INVISIBLE or character in "\n\t" for character in shown):
        return "", True
    return _breakable(shown), shown == text


def _probe(characters: Iterable[str]) -> None:
    """Typeset each unknown character on a page of its own and remember which came out as the missing glyph."""
    unknown = sorted(character for character in characters if character not in _PRINTABLE_BY_CHARACTER)
    for character in unknown:
        # Surrogates and private or unassigned places have no agreed glyph; joiners are invisible and shape their
        # neighbours.
        category = unicodedata.category(character)
        if category in {"Cs", "Co", "Cn"} or _FIRST_EAST_ASIAN <= ord(character) < _FIRST_PRIVATE:
            _PRINTABLE_BY_CHARACTER[character] = False
        elif category in _INVISIBLE:
            _PRINTABLE_BY_CHARACTER[character] = True
    unknown = [character for character in unknown if character not in _PRINTABLE_BY_CHARACTER]
    if not unknown:
        return
    with pikepdf.open(io.BytesIO(typeset(template="probe.typ", values=unknown))) as pdf:
        for character, page in zip(unknown, pdf.pages, strict=True):
            _PRINTABLE_BY_CHARACTER[character] = not _shows_missing_glyph(page)


def _shows_missing_glyph(page: pikepdf.Page) -> bool:
    """Say whether the page draws glyph 0, which every font reserves for what it does not have."""
    for instruction in pikepdf.parse_content_stream(page, "TJ Tj"):
        for operand in instruction.operands:
            pieces = operand if isinstance(operand, pikepdf.Array) else [operand]
            if any(isinstance(piece, pikepdf.String) and bytes(piece)[:2] == b"\0\0" for piece in pieces):
                return True
    return False


def _breakable(text: str) -> str:
    """Return `text` with zero-width spaces inside words that no line or column could hold."""
    if len(text) <= _LONGEST_WORD:
        return text
    lines = text.split("\n")
    return "\n".join(" ".join(_break_word(word) for word in line.split(" ")) for line in lines)


def _break_word(word: str) -> str:
    if len(word) <= _LONGEST_WORD:
        return word
    return "\u200b".join(word[start : start + _BREAK_EVERY] for start in range(0, len(word), _BREAK_EVERY))
