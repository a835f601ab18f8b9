"""Names compared across scripts and spellings: a skeleton on both sides, never the spelling itself.

Used by search mode `scan`, which opens the visible cases' search field and compares in memory. Pure: no Django, and no
cache, as a cached word would be a person's name that outlives its request. Rules: docs/formats.md, "Name skeleton".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

_TYPO_FROM: Final = 5
_PREFIX_FROM: Final = 2

_CYRILLIC: Final = {
    # Russian; ё stands for e after a consonant and is told apart elsewhere
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "j", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ы": "i", "ь": "", "э": "e", "ю": "iu", "я": "ia",
    # Ukrainian and Belarusian
    "є": "ie", "і": "i", "ї": "i", "ґ": "g",
    # Tajik, Uzbek, Kazakh, Kyrgyz; ў is also Belarusian, there after a vowel and told apart elsewhere
    "ғ": "g", "ӣ": "i", "қ": "k", "ӯ": "u", "ҳ": "h", "ҷ": "j", "ә": "a", "ң": "n", "ө": "o", "ұ": "u", "ү": "u",
    "һ": "h", "ҡ": "k", "җ": "j", "ў": "o",
}  # fmt: skip
_LATIN: Final = {
    # letters that stand for one Cyrillic letter in scientific and Turkic spellings, and those without a decomposition
    "š": "sh", "ş": "sh", "č": "ch", "ç": "ch", "ž": "j", "ğ": "g", "ı": "i", "ł": "l", "đ": "d", "ø": "o", "ə": "a",
    "æ": "ae", "œ": "oe", "w": "v", "q": "k", "x": "ks", "y": "i",
}  # fmt: skip
_LETTERS: Final = str.maketrans(_CYRILLIC | _LATIN)
# Apostrophes, and marks that composed with no letter, Arabic vowel signs among them: they do not part words.
_CLOSED_UP: Final = str.maketrans(
    dict.fromkeys("'’‘ʻʼʹʺ`´′″", "") | dict.fromkeys(map(chr, (*range(0x300, 0x370), *range(0x64B, 0x653))), "")
)

_BREAK: Final = re.compile(r"[\W_]+")
_YO: Final = re.compile(r"(?:\b|(?<=[аеёиоуыэюяіїєӣӯ]))ё")
_SHORT_U: Final = re.compile(r"(?<=[аеёиоуыэюяі])ў")
# Longest first: "shch" is one sound, not "s" and "hch".
_DIGRAPHS: Final = {
    "schtsch": "sh", "shch": "sh", "tsch": "ch", "dsch": "j", "sch": "sh", "tch": "ch", "dzh": "j", "dj": "j",
    "kh": "h", "zh": "j", "gh": "g", "ck": "k", "ou": "u",
}  # fmt: skip
_DIGRAPH: Final = re.compile("|".join(_DIGRAPHS))
# A glide before e or o: Solovyov, Soloviev, Solovjev; between vowels Musayev; at the beginning Yelena.
_GLIDE: Final = re.compile(r"(?<=[b-df-hj-np-tv-z])[ij](?=[eo])|(?<=[aeou ])i(?=e)")
_DOUBLE: Final = re.compile(r"([a-z])\1+")
_FINAL_FF: Final = re.compile(r"(?<=[oe])ff(?= )")
_FINAL_OV: Final = re.compile(r"(?<=[^ ][^ ])ev(?=a? )")


class _Words(NamedTuple):
    """The words of one text: as far as prefixes go, and whole with their endings merged. Same order and number."""

    starts: list[str]
    wholes: list[str]


def _plain(text: str) -> str:
    """Return the casefolded words of a text, a space before and after each."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_CLOSED_UP)
    return f" {_BREAK.sub(' ', folded).strip()} "


def _fold(plain: str) -> _Words:
    """Fold all words of a text at once: word by word takes three times as long, and a scan folds thousands."""
    if not plain.isascii():
        plain = _SHORT_U.sub("у", _YO.sub("йо", plain))
    letters = plain.translate(_LETTERS)
    if not letters.isascii():
        letters = "".join(sign for sign in unicodedata.normalize("NFD", letters) if not unicodedata.combining(sign))
    letters = _FINAL_FF.sub("v", _DIGRAPH.sub(lambda found: _DIGRAPHS[found[0]], letters))
    start = _DOUBLE.sub(r"\1", _GLIDE.sub("", letters))
    return _Words(start.split(), _FINAL_OV.sub("ov", start).split())


def _variants(text: str) -> list[_Words]:
    """Return the foldings of a text: two where a Latin j may be й as well as дж."""
    plain = _plain(text)
    return [_fold(plain), _fold(plain.replace("j", "y"))] if "j" in plain else [_fold(plain)]


def skeleton(name: str) -> str:
    """Return the skeleton of a name: its words folded, one space between them.

    All usual spellings of a name in either script share it. Known split: a Latin j, which is й or дж; `skeletons` gives
    both readings.
    """
    return " ".join(_fold(_plain(name)).wholes)


def skeletons(name: str) -> tuple[str, ...]:
    """Return the skeletons of a name, first that of `skeleton`, then the one with every Latin j read as й."""
    return tuple(dict.fromkeys(" ".join(words.wholes) for words in _variants(name)))


class Query:
    """Words to look for, folded once for many comparisons."""

    __slots__ = ("_wanted",)

    def __init__(self, text: str) -> None:
        # One entry per word, each with its readings as (start, whole).
        readings = [list(zip(words.starts, words.wholes, strict=True)) for words in _variants(text)]
        self._wanted = [set(word) for word in zip(*readings, strict=True)]

    def __repr__(self) -> str:
        return "<Query hidden>"

    def matches(self, names: Iterable[str]) -> bool:
        """Say whether one of `names`, each in either script, has all the words.

        A word is found when it is the same name, its beginning (2 letters or more), or, from 5 letters on, one letter
        away (missing, added, other, or two exchanged). No words match nothing.
        """
        return bool(self._wanted) and any(self._in(_variants(name)) for name in names)

    def _in(self, name: list[_Words]) -> bool:
        return all(any(_found(start, whole, words) for start, whole in word for words in name) for word in self._wanted)


def matches(query: str, candidate_names: Iterable[str]) -> bool:
    """Say whether one of the names has all words of the query; see `Query.matches`. For many rows make a `Query`."""
    return Query(query).matches(candidate_names)


def _found(start: str, whole: str, words: _Words) -> bool:
    if whole in words.wholes:
        return True
    if len(start) >= _PREFIX_FROM and any(word.startswith(start) for word in words.starts):
        return True
    return len(whole) >= _TYPO_FROM and any(_one_typo(whole, word) for word in words.wholes)


def _one_typo(a: str, b: str) -> bool:
    """Say whether two different words are one edit apart, an exchange of neighbours counting as one."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    at = next((i for i, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), len(a))
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])
