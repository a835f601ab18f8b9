"""Looks for secrets in bytes, in every shape in which software writes text."""

from __future__ import annotations

import base64
import re
import unicodedata
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from tests.house.leaks.planting import CYRILLIC, DIGITS, LATIN, Secret

# Bytes on each side of a find that are looked through for whose secret it is.
_AROUND = 700
_LEAST = 6
_HEX = frozenset(b"0123456789abcdefABCDEF")
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_PACKED_BASE64 = re.compile(rb"(?:H4sI|eJ|eN|eA|eF)[A-Za-z0-9+/_-]{16,}")
_MOST_UNPACKED = 4 * 1024 * 1024

RAW = ("utf-8", "utf-16-le", "utf-16-be", "cp1251", "koi8-r")
"""Shapes of text itself, as against those that write one text within another."""


@lru_cache(maxsize=4096)
def shapes(text: str) -> Mapping[str, tuple[bytes, ...]]:
    """Return the ways in which `text` is written, by the name of the shape."""
    found: dict[str, set[bytes]] = {}
    for name in RAW:
        try:
            plain = text.encode(name)
        except UnicodeEncodeError:
            continue
        found.setdefault(name, set()).add(plain)
        found.setdefault("hex", set()).update({plain.hex().encode(), plain.hex().upper().encode()})
        for offset in range(3):
            core = _base64_core(plain, offset)
            found.setdefault("base64", set()).update({core, core.replace(b"+", b"-").replace(b"/", b"_")})
    found["repr"] = {repr(text.encode())[2:-1].encode(), text.encode("unicode_escape")}
    found["json"] = {_escaped(text, "\\u{:04x}"), _escaped(text, "\\u{:04X}")}
    found["html"] = {_escaped(text, form) for form in ("&#{};", "&#x{:x};", "&#x{:X};", "&#{:04d};")}
    for name, lead in (("quoted-printable", "="), ("percent", "%")):
        for case in ("{:02X}", "{:02x}"):
            found.setdefault(name, set()).add(_by_bytes(text, lead + case, everything=False))
            found[name].add(_by_bytes(text, lead + case, everything=True))
    found["octal"] = {_by_bytes(text, "\\{:03o}", everything=False)}
    return {name: tuple(one for one in kinds if len(one) >= _LEAST) for name, kinds in found.items()}


def _base64_core(plain: bytes, offset: int) -> bytes:
    # Without the letters at both ends, which the neighbours change.
    coded = base64.b64encode(b"\0" * offset + plain + b"\0\0")
    return coded[-(-8 * offset // 6) : 8 * (offset + len(plain)) // 6]


def _escaped(text: str, form: str) -> bytes:
    return "".join(one if one.isascii() else form.format(ord(one)) for one in text).encode()


def _by_bytes(text: str, form: str, *, everything: bool) -> bytes:
    plain = text.encode()
    return "".join(chr(one) if one < 128 and not everything else form.format(one) for one in plain).encode()


@dataclass(frozen=True, order=True)
class Hit:
    """One find: whose secret (or "?" for a piece that no whole secret surrounds), in which shape, what stands there."""

    key: str
    shape: str
    around: bytes = field(compare=False)


class Searcher:
    """Searches bytes for the secrets of one run."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = list(secrets)
        spaced = [gap.join((DIGITS[:2], DIGITS[2:6], DIGITS[6:])) for gap in (" ", "\N{NO-BREAK SPACE}")]
        cyrillic = [unicodedata.normalize("NFC", CYRILLIC), unicodedata.normalize("NFD", CYRILLIC)]
        cyrillic += [CYRILLIC.upper(), CYRILLIC.replace("ё", "е")]
        everything = "".join(form for secret in self._secrets for form in secret.forms)
        kinds = ([LATIN, LATIN.upper()], [DIGITS, *spaced], cyrillic)
        marks = [mark for kind in kinds if kind[0] in everything for mark in kind]
        bare = [(form, secret) for secret in self._secrets for form in secret.forms if not _has_mark(form)]
        whole = [form for form, _secret in bare]
        self._needles = _needles(chain(marks, whole))
        # Where text is held as it is and nothing writes it anew: the pages of the database.
        held = (*RAW, "hex", "base64")
        self._plain = _needles(marks, held) | _needles([form for form, it in bare if not it.is_day], held)
        self._plain |= _needles([form for form, it in bare if it.is_day], RAW[:3])
        self._codes = {form.encode() for form in whole if form.isdigit()}
        # Latin letters of two bytes are left out: half of such a needle is zeros, and so is most of memory.
        self._in_memory = {LATIN.encode(): "utf-8", DIGITS.encode(): "utf-8"}
        for mark in cyrillic[:2]:
            self._in_memory |= {mark.encode(): "utf-8", mark.encode("utf-16-le"): "utf-16-le"}

    def find(self, data: bytes, *, raw: bool = False) -> list[Hit]:
        """Return what is in `data`, also in what zlib or gzip pressed together there, each secret once a shape.

        `raw`: pages of a database, which hold text as it is.
        """
        found = dict.fromkeys(self._in(data, self._plain if raw else self._needles))
        # Pages hold too many bytes that look like the begin of something pressed; what is text there is not.
        for content in chain([] if raw else _unpacked(data), _unpacked_base64(data)):
            found |= dict.fromkeys(self._in(content, self._needles))
        return sorted(found)

    def in_memory(self, data: bytes) -> list[Hit]:
        """Return what stands in memory as Python holds text: a byte a letter, or two where one letter needs them."""
        return sorted(dict.fromkeys(self._in(data, self._in_memory)))

    def _in(self, data: bytes, needles: Mapping[bytes, str]) -> Iterator[Hit]:
        for needle, shape in needles.items():
            at = data.find(needle)
            while at >= 0:
                if needle in self._codes and _within_a_number(data, at, at + len(needle)):
                    at = data.find(needle, at + 1)
                    continue
                around = data[max(0, at - _AROUND) : at + _AROUND]
                span = (min(at, _AROUND), min(at, _AROUND) + len(needle))
                whole = [secret.key for secret in self._secrets if _covers(secret, around, shape, span)]
                keys = whole or [secret.key for secret in self._secrets if _begins(secret, around, shape, span)]
                near = data[max(0, at - 60) : at + 60]
                yield from (Hit(key, shape, near) for key in keys or ["?"])
                at = data.find(needle, at + len(needle))


def marks_of(secrets: Iterable[Secret]) -> list[str]:
    """Return few texts of which each secret, as it was typed, has one."""
    typed = [secret.typed for secret in secrets]
    marks = [LATIN, DIGITS[:2] + " " + DIGITS[2:6], unicodedata.normalize("NFC", CYRILLIC)]
    marks.append(unicodedata.normalize("NFD", CYRILLIC))
    return marks + [one for one in typed if not any(mark in one for mark in marks)]


def _within_a_number(data: bytes, begins: int, ends: int) -> bool:
    # A code of eight digits can be part of a longer number, or of hex, by chance.
    return any(one in _HEX for one in (*data[max(0, begins - 1) : begins], *data[ends : ends + 1]))


def _has_mark(text: str) -> bool:
    bare = unicodedata.normalize("NFC", text).lower().replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    return any(mark in bare for mark in (LATIN, DIGITS, CYRILLIC, CYRILLIC.replace("ё", "е")))


def _needles(texts: Iterable[str], only: Collection[str] = ()) -> dict[bytes, str]:
    return {
        one: name
        for text in texts
        for name, kinds in reversed(list(shapes(text).items()))
        if not only or name in only
        for one in kinds
    }


def _covers(secret: Secret, around: bytes, shape: str, span: tuple[int, int]) -> bool:
    """Tell whether the whole secret stands where the find is."""
    for form in secret.forms:
        for one in shapes(form).get(shape, ()):
            at = around.find(one, max(0, span[0] - len(one)))
            while 0 <= at <= span[0]:
                if at + len(one) >= span[1]:
                    return True
                at = around.find(one, at + 1)
    return False


def _begins(secret: Secret, around: bytes, shape: str, span: tuple[int, int]) -> bool:
    """Tell whether the secret begins there and is cut short after two letters of its code, as at the end of a page."""
    needle = around[span[0] : span[1]]
    for form in secret.forms:
        for one in shapes(form).get(shape, ()):
            place = one.find(needle)
            begun = one[: place + len(needle) + 2]
            if place >= 0 and around[span[0] - place :].startswith(begun):
                return True
    return False


def _unpacked(data: bytes) -> Iterator[bytes]:
    for found in _PACKED.finditer(data):
        opener = zlib.decompressobj(wbits=47)
        try:
            content = opener.decompress(data[found.start() : found.start() + _MOST_UNPACKED], _MOST_UNPACKED)
        except zlib.error:
            continue
        if len(content) >= _LEAST:
            yield content


def _unpacked_base64(data: bytes) -> Iterator[bytes]:
    # What zlib pressed and base64 wrote, as Django keeps sessions.
    for found in _PACKED_BASE64.finditer(data):
        coded = found[0].replace(b"-", b"+").replace(b"_", b"/")
        yield from _unpacked(base64.b64decode(coded[: len(coded) // 4 * 4])[:_MOST_UNPACKED])
