"""Secrets of one run: each carries a mark that occurs nowhere by chance, and a code that tells which one it is."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

# What every secret of a kind has in common: one pass over a place finds them all, also those cut short.
LATIN: Final = "qvyzhx"
CYRILLIC: Final = "жщёъфы"
DIGITS: Final = "90477135"
_LATIN_CODE, _CYRILLIC_CODE = "abdegiklmnoprstu", "абвгдезиклмнопрс"


@dataclass(frozen=True)
class Secret:
    """One secret: `key` names the input, `typed` is what went into it, `forms` every way in which it is written."""

    key: str
    typed: str
    forms: tuple[str, ...]
    is_day: bool = False


class Book:
    """Makes the secrets and remembers which were really typed."""

    def __init__(self) -> None:
        self.planted: dict[str, Secret] = {}

    def word(self, key: str, *, begins: str = "Bel", ends: str = "") -> str:
        """Plant a word in Latin letters, for instance `Belqvyzhxkromad`."""
        text = f"{begins}{LATIN}{_code(key, _LATIN_CODE)}{ends}"
        return self._plant(key, text, text, text.lower(), text.upper())

    def bad(self, key: str) -> str:
        """Plant a word in an input that refuses it."""
        return self.word(f"bad {key}", begins="Fal")

    def cyrillic(self, key: str, *, decomposed: bool = False) -> str:
        """Plant a name in Cyrillic letters with a ё, composed or as letter and mark."""
        text = f"Ту{CYRILLIC}{_code(key, _CYRILLIC_CODE)}"
        composed, apart = (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
        forms = (composed, apart, composed.lower(), apart.lower(), composed.upper(), composed.replace("ё", "е"))
        return self._plant(key, apart if decomposed else composed, *forms)

    def number(self, key: str) -> str:
        """Plant a number of a paper, written in groups."""
        tail = str(int(hashlib.sha256(key.encode()).hexdigest(), 16))[-4:]
        bare = DIGITS + tail
        spaced = f"{bare[:2]} {bare[2:6]} {bare[6:]}"
        return self._plant(key, spaced, spaced, bare, spaced.replace(" ", "\N{NO-BREAK SPACE}"))

    def day(self, key: str, day: date) -> date:
        """Plant a date; it is looked for in every way in which dates are written."""
        self.planted[key] = Secret(key, f"{day:%d.%m.%Y}", written(day), is_day=True)
        return day

    def given(self, key: str, text: str) -> str:
        """Plant what the machine made itself: a token, a key, a code."""
        return self._plant(key, text, text)

    def _plant(self, key: str, typed: str, *forms: str) -> str:
        self.planted[key] = Secret(key, typed, tuple(dict.fromkeys(forms)))
        return typed


def written(day: date) -> tuple[str, ...]:
    """Return the ways in which a date is written: ISO, with dots and slashes, in words, as Python shows it."""
    month = f"{day:%B}"
    return (
        day.isoformat(),
        f"{day:%d.%m.%Y}",
        f"{day:%d/%m/%Y}",
        f"{day:%m/%d/%Y}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day.day} {month} {day.year}",
        f"{month} {day.day}, {day.year}",
        f"{day.day} {month[:3]} {day.year}",
        f"date({day.year}, {day.month}, {day.day})",
    )


def _code(key: str, letters: str) -> str:
    digest = hashlib.sha256(key.encode()).digest()
    return "".join(letters[byte % len(letters)] for byte in digest[:6])
