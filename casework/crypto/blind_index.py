"""Names compared across scripts and spellings: skeletons on both sides, never the spelling itself; and search tokens.

A Cyrillic word is read in one way. A Latin word says nothing of who wrote it, so it is read as each usual convention
would have it, and two words are one name when they share a reading. Pure: no Django, and no cache, as a cached word
would be a person's name that outlives its request. Rules: docs/formats.md, "Name skeleton" and "Search tokens".

Sources of the tables: ГОСТ 7.79-2000 (ISO 9:1995) systems A and B; ICAO Doc 9303 part 3; BGN/PCGN 1947; Duden for the
German press; what the French press writes; PWN for Polish; the Latin alphabets of Azerbaijani, Turkish and Uzbek. No
library does this: those that transliterate (iuliia, transliterate) go one way, by one table, and do not read Latin.
"""

from __future__ import annotations

import hmac
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Final, NamedTuple, final

from casework.crypto._aead import KEY_BYTES, hkdf_expand
from casework.crypto.keyring._scopes import _NeverLeaves

# Of the rules below: whatever keeps skeletons under an older number makes them again.
FOLDING: Final = 2

_TYPO_FROM: Final = 5
_PREFIX_FROM: Final = 2
_MOST_READINGS: Final = 24
_MOST_WORDS: Final = 12

# Letters of a skeleton that stand for other sounds than usual: c ч, j ж дж, q ц, x ш щ, h х.
_CYRILLIC: Final = {
    # Russian; ё is often written е, and both are e
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "j", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "h", "ц": "q", "ч": "c", "ш": "x", "щ": "x", "ъ": "", "ы": "i", "ь": "", "э": "e", "ю": "iu", "я": "ia",
    # Ukrainian and Belarusian
    "є": "ie", "і": "i", "ї": "i", "ґ": "g",
    # Serbian and Macedonian
    "ј": "i", "љ": "li", "њ": "ni", "ђ": "j", "ћ": "c", "џ": "j",
    # Tajik, Uzbek, Kazakh, Kyrgyz, Tatar, Bashkir, Azerbaijani; ў is also Belarusian, there after a vowel
    "ғ": "g", "ӣ": "i", "қ": "k", "ӯ": "u", "ҳ": "h", "ҷ": "j", "ә": "a", "ң": "n", "ө": "o", "ұ": "u", "ү": "u",
    "һ": "h", "ҡ": "k", "җ": "j", "ў": "o", "ҙ": "z", "ҫ": "s", "ҝ": "g", "ҹ": "j",
    # Chechen, Ingush, Avar: the palochka, as its own letter, is not heard by those who write Latin
    "ӏ": "", "Ӏ": "",
}  # fmt: skip
_CYRILLIC_LETTERS: Final = str.maketrans(_CYRILLIC)
_IS_CYRILLIC: Final = re.compile(r"[\u0400-\u052f]")
# Letters of the other script that look alike, as keyboards and scanners mix them within a word.
_CYRILLIC_SHAPES: Final = "аеёорсухкмтвнгіјѕ"
_LATIN_SHAPES: Final = "aeëopcyxkmtbhrijs"
_TO_LATIN: Final = str.maketrans(_CYRILLIC_SHAPES, _LATIN_SHAPES)
_TO_CYRILLIC: Final = str.maketrans(_LATIN_SHAPES, _CYRILLIC_SHAPES)
# ь and ъ before a vowel part it from the consonant: the vowel keeps its glide.
_SOFT_O: Final = re.compile(r"[ьъ](?=[оё])")
_SHORT_U: Final = re.compile(r"(?<=[аеёиоуыэюяіє])ў")

# Apostrophes, and marks that composed with no letter, Arabic vowel signs among them: they do not part words.
_CLOSED_UP: Final = str.maketrans(
    dict.fromkeys("'’‘ʻʼʹʺ`´′″", "") | dict.fromkeys(map(chr, (*range(0x300, 0x370), *range(0x64B, 0x653))), "")
)
_BREAK: Final = re.compile(r"[\W_]+")
_IS_LATIN: Final = re.compile(r"[a-z]")

# What every convention shares. H is an h of its own: х, and г where the language has no g (Ukrainian, Azerbaijani).
_SHARED: Final = {
    "š": "x", "č": "c", "ž": "j", "ş": "x", "ș": "x", "ç": "c", "ğ": "g", "ı": "i", "ł": "l", "đ": "d", "ø": "o",
    "ə": "a", "æ": "ae", "œ": "oe", "ß": "ss", "ĉ": "c", "ŝ": "x", "ẑ": "j", "ż": "j", "ć": "c", "ś": "s", "ź": "z",
    "û": "iu", "â": "ia", "ě": "e", "ë": "e", "ḥ": "h", "ẖ": "h", "ţ": "q", "ț": "q",
    "šč": "x", "dž": "j", "dż": "j",
    "w": "v", "y": "i", "h": "H", "kh": "h", "ck": "k", "ph": "f", "gh": "g",
}  # fmt: skip
# English press, BGN/PCGN, ICAO Doc 9303 and ГОСТ Р 52535: also of names that have their own English j.
_ENGLISH: Final = _SHARED | {
    "shch": "x", "tch": "c", "sch": "x", "dzh": "j", "dj": "j", "ch": "c", "sh": "x", "zh": "j", "ts": "q", "tz": "q",
    "tsh": "tx", "q": "k", "x": "ks",
}  # fmt: skip
_FRENCH: Final = _SHARED | {
    "chtch": "x", "tch": "c", "dj": "j", "ch": "x", "sch": "x", "sh": "x", "ou": "u", "ts": "q", "tz": "q", "qu": "k",
    "q": "k", "x": "ks",
}  # fmt: skip
_GERMAN: Final = _SHARED | {
    "schtsch": "x", "tsch": "c", "dsch": "j", "sch": "x", "sh": "j", "ch": "h", "z": "q", "tz": "q", "j": "i",
    "ts": "q", "x": "ks", "q": "k", "c": "k",
}  # fmt: skip
# Polish, Czech, Croatian, and the scientific transliteration: c is ц.
_SLAVIC: Final = _SHARED | {
    "szcz": "x", "cz": "c", "sz": "x", "rz": "j", "ch": "h", "c": "q", "j": "i", "x": "h", "sh": "x", "zh": "j",
    "ts": "q", "q": "k",
}  # fmt: skip
# ГОСТ 7.79-2000 system B.
_GOST: Final = _SHARED | {
    "shh": "x", "cz": "q", "c": "q", "x": "h", "j": "i", "ch": "c", "sh": "x", "zh": "j", "ts": "q", "q": "k",
}  # fmt: skip
# Azerbaijani, Turkish, Crimean Tatar; Uzbek and Kazakh share x.
_TURKIC: Final = _SHARED | {
    "c": "j", "x": "h", "q": "g", "ch": "c", "sh": "x", "zh": "j", "ts": "q",
}  # fmt: skip


class _Convention(NamedTuple):
    """How some people write: which words may be theirs, what is done first, and their letters."""

    marks: re.Pattern[str] | None
    prepare: Callable[[str], Iterable[str]]
    letters: dict[str, str]
    pattern: re.Pattern[str]

    def spell(self, word: str) -> str:
        """Return a word in the letters of a skeleton."""
        return self.pattern.sub(lambda found: self.letters[found[0]], word)


def _as_it_is(word: str) -> Iterable[str]:
    return (word,)


_C_SOFT: Final = re.compile(r"c(?=[eiyéèêë])")
_C_HARD: Final = re.compile(r"c(?!h)")
_LONG: Final = re.compile(r"oo|ee")
_GU: Final = re.compile(r"gu(?=[eiyéèêëï])")
_MUTE_E: Final = re.compile(r"(?<=[iïy][nm])e$")
_GERMAN_S: Final = re.compile(r"(?<!s)s(?=[aeiouyäöübdgvwmnlrj])")


def _latin_c(word: str) -> str:
    """Return a word with its western c as s or k; ch stays for the tables."""
    return _C_HARD.sub("k", _C_SOFT.sub("s", word)) if "c" in word else word


def _english(word: str) -> Iterable[str]:
    plain = _latin_c(word)
    yield plain
    # Kareem, Mahmood: but Alekseev has two vowels.
    if _LONG.search(plain):
        yield plain.replace("oo", "u").replace("ee", "i")


def _french(word: str) -> Iterable[str]:
    yield _MUTE_E.sub("", _GU.sub("g", _latin_c(word)))


def _german(word: str) -> Iterable[str]:
    """Give all readings of sch (ш, ж) and of s before a vowel or a voiced consonant (с, з)."""
    # Placeholders that no table knows as a word's letter: ž is ж; ẓ is з, which a table must not take for the German z.
    words = [word]
    if "sch" in word.replace("schtsch", "").replace("tsch", "").replace("dsch", ""):
        words.append(re.sub(r"(?<![td])sch(?!tsch)", "ž", word))
    for spelled in words:
        at = [found.start() for found in _GERMAN_S.finditer(spelled)][:3]
        for voiced in itertools.product((False, True), repeat=len(at)):
            letters = list(spelled)
            for position, is_voiced in zip(at, voiced, strict=True):
                if is_voiced:
                    letters[position] = "ẓ"
            yield "".join(letters)


def _turkic(word: str) -> Iterable[str]:
    """Give the readings of ə, which Russian spells а or е: Cəfər Джафар, Məmməd Мамед, Vəli Вели."""
    yield word
    if "ə" in word:
        yield word.replace("ə", "e")
        yield word.replace("ə", "a", 1).replace("ə", "e")


def _convention(
    letters: dict[str, str],
    marks: str | None = None,
    prepare: Callable[[str], Iterable[str]] = _as_it_is,
) -> _Convention:
    longest_first = sorted(letters, key=len, reverse=True)
    return _Convention(
        re.compile(marks) if marks else None, prepare, letters, re.compile("|".join(map(re.escape, longest_first)))
    )


_CONVENTIONS: Final = (
    _convention(_ENGLISH, None, _english),
    _convention(_FRENCH, r"ch|ou|gu[eiyéèêëï]|[iïy][nm]e$", _french),
    _convention(_GERMAN, r"[wjß]|ch", _german),
    _convention(_SLAVIC, r"[cj]|sz|x|ł|ż"),
    _convention(_GOST, r"shh|cz|[cjx]"),
    _convention(_TURKIC, r"[cçşğıəöüxq]", _turkic),
)

# -- what is done to every reading, of either script

# A glide before e or o: Solovyov, Soloviev, Solovjev; Musayev; Yelena. io is ё, and ё is e.
_GLIDE: Final = re.compile(r"i+[eo]")
_AFTER_HUSH: Final = re.compile(r"(?<=[cjx])o")
_SOFT: Final = re.compile(r"(?<=[bcdfghjklmnpqrstvxz])i(?=u)|(?<=l)i(?=a)")
_DOUBLE: Final = re.compile(r"([a-z])\1+")
_FINAL_FF: Final = re.compile(r"(?<=[oe])ff$")
_FINAL_DER: Final = re.compile(r"(?<=n)d(?:er|re)$")
_FINAL_U: Final = re.compile(r"(?<=..)[eo]u$")
_FINAL_EV: Final = re.compile(r"(?<=..)ev(?=a?$)")


class _Reading(NamedTuple):
    """One reading of a word: as far as prefixes go, and whole with its ending merged."""

    start: str
    whole: str


def _finish(letters: str) -> _Reading:
    letters = _FINAL_FF.sub("v", letters)
    letters = letters.replace("ts", "q").replace("kh", "h").replace("dj", "j")
    letters = _DOUBLE.sub(r"\1", _GLIDE.sub("e", letters))
    start = _DOUBLE.sub(r"\1", _SOFT.sub("", _AFTER_HUSH.sub("e", letters)))
    whole = _FINAL_DER.sub("dr", start)
    whole = _FINAL_EV.sub("ov", _FINAL_U.sub("ov", whole))
    return _Reading(start, whole)


def _without_marks(letters: str) -> str:
    if letters.isascii():
        return letters
    return "".join(sign for sign in unicodedata.normalize("NFD", letters) if not unicodedata.combining(sign))


def _latin(word: str) -> Iterator[str]:
    for convention in _CONVENTIONS:
        if convention.marks is None or convention.marks.search(word):
            for prepared in convention.prepare(word):
                letters = _without_marks(convention.spell(prepared))
                yield letters.replace("H", "h")
                if "H" in letters:
                    yield letters.replace("H", "g")


def _readings(word: str) -> list[_Reading]:
    """Return the readings of one casefolded word, each once, that of the English press first."""
    cyrillic = len(_IS_CYRILLIC.findall(word))
    if cyrillic and (latin := len(_IS_LATIN.findall(word))):
        word = word.translate(_TO_LATIN if latin > cyrillic else _TO_CYRILLIC)
        cyrillic *= latin <= cyrillic
    if cyrillic:
        found: Iterable[str] = (_without_marks(_SHORT_U.sub("у", _SOFT_O.sub("и", word)).translate(_CYRILLIC_LETTERS)),)
    elif _IS_LATIN.search(_without_marks(word)):
        found = _latin(word)
    else:
        # No table: the word is found by its own letters.
        return [_Reading(word, word)]
    made = dict.fromkeys(_finish(letters) for letters in found)
    return list(itertools.islice(made, _MOST_READINGS))


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_CLOSED_UP)
    return _BREAK.sub(" ", folded).split()


def _folded(text: str) -> list[list[_Reading]]:
    """Return the readings of each word of a text."""
    return [_readings(word) for word in _words(text)[:_MOST_WORDS]]


def skeleton(name: str) -> str:
    """Return the skeleton of a name as the English press would have read it: its words, one space between them."""
    return " ".join(readings[0].whole for readings in _folded(name))


def skeletons(word: str) -> tuple[str, ...]:
    """Return every skeleton of one word; two words are one name when they share one."""
    return tuple(dict.fromkeys(reading.whole for readings in _folded(word) for reading in readings))


def line(names: Iterable[str]) -> str:
    """Return what a person's names are matched by: ` start` or ` start=whole` for every reading of every word, a space.

    The whole stands only where the ending was merged. Made once, when the names are saved.
    """
    found: dict[str, None] = {}
    for name in names:
        for readings in _folded(name):
            for start, whole in readings:
                found[start if start == whole else f"{start}={whole}"] = None
    return f" {' '.join(found)} " if found else ""


def _parts(folded: str) -> list[_Reading]:
    """Return the readings in a line."""
    pairs = (part.partition("=") for part in folded.split())
    return [_Reading(start, whole or start) for start, _, whole in pairs]


# -- what somebody typed

_DATES: Final = (
    re.compile(r"(?<!\d)(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>\d{4})(?!\d)"),
)
_NOT_IN_NUMBER: Final = re.compile(r"[\W_]+")
_NUMBER_DIGITS: Final = 5
_NUMBER_LETTERS: Final = 4
# Letters that look alike, as a number is copied from a paper by eye.
_LOOK_ALIKE: Final = str.maketrans("АВЕЅЗІЈКМНОРСТУХ", "ABES3IJKMHOPCTYX")


def _date_in(text: str) -> tuple[date | None, str]:
    for pattern in _DATES:
        if found := pattern.search(text):
            try:
                day = date(int(found["y"]), int(found["m"]), int(found["d"]))
            except ValueError:
                continue
            return day, f"{text[: found.start()]} {text[found.end() :]}"
    return None, text


def number(text: str) -> str:
    """Return a document's number as it is compared: letters and digits alone, in capitals, look-alikes made Latin."""
    return _NOT_IN_NUMBER.sub("", unicodedata.normalize("NFKC", text).upper()).translate(_LOOK_ALIKE)


class Entry(NamedTuple):
    """What one person can be found by: the `line` of their names, birth date, and the numbers of their papers."""

    folded: str
    born: date | None = None
    numbers: tuple[str, ...] = ()


class Query:
    """Words, a birth date or a document's number to look for, folded once for many comparisons."""

    __slots__ = ("_near", "_needles", "_sure", "_traces", "born", "number", "words")

    def __init__(self, text: str) -> None:
        self.born, rest = _date_in(text)
        digits, letters = sum(map(str.isdigit, rest)), sum(map(str.isalpha, rest))
        self.number = number(rest) if digits >= _NUMBER_DIGITS and letters <= _NUMBER_LETTERS else ""
        self.words = [] if self.number else _folded(rest)
        # Of each word what is looked for in a line: a beginning, or a whole word.
        self._needles = [
            tuple(
                dict.fromkeys(
                    needle
                    for start, whole in readings
                    for needle in (
                        f" {start}" if len(start) >= _PREFIX_FROM else f" {start} ",
                        f" {whole} ",
                        f"={whole} ",
                    )
                )
            )
            for readings in self.words
        ]
        # What must stand in the text of a search field, for the first look at thousands of them.
        self._sure = [found for found in (self.number, self.born and self.born.isoformat()) if found]
        self._traces = [_shortest(needles) for needles in self._needles]
        self._near = [
            _shortest([*needles, *(half for reading in readings for half in _halves(reading.whole))])
            for readings, needles in zip(self.words, self._needles, strict=True)
        ]

    def __repr__(self) -> str:
        return "<Query hidden>"

    def traces(self, *, near: bool = False) -> list[list[bytes]]:
        """Return what the UTF-8 text that holds a person's line, birth date and numbers has where the person matches.

        Of each list at least one. `near`: where the person nearly matches. It may stand in other texts as well: this
        spares taking them apart, and decides nothing.
        """
        found = [[part] for part in self._sure] + (self._near if near else self._traces)
        return [[part.encode("utf-8", "surrogatepass") for part in parts] for parts in found]

    def __bool__(self) -> bool:
        return bool(self.words or self.number or self.born)

    def matches(self, person: Entry) -> bool:
        """Say whether a person has all that was asked for: number, birth date, and all words in their names."""
        if self.number and self.number not in person.numbers:
            return False
        if self.born is not None and person.born != self.born:
            return False
        return bool(self) and self.found_in(person.folded)

    def matches_whole(self, person: Entry) -> bool:
        """Say whether a person has the birth date and all words as whole names."""
        wholes = {reading.whole for reading in _parts(person.folded)}
        return person.born == self.born and all(
            any(reading.whole in wholes for reading in readings) for readings in self.words
        )

    def nearly_matches(self, person: Entry) -> bool:
        """Say the same where each word may be one letter away."""
        return (self.born is None or person.born == self.born) and self.nearly_in(person.folded)

    def found_in(self, folded: str) -> bool:
        """Say whether a person's `line` has all the words: the same name, or its beginning from 2 letters on."""
        return all(any(needle in folded for needle in word) for word in self._needles)

    def nearly_in(self, folded: str) -> bool:
        """Say whether it has all the words when each from 5 letters on may be one letter away.

        Missing, added, another, or two exchanged. For when nothing was found as it was typed.
        """
        if not self.words:
            return False
        wholes = {reading.whole for reading in _parts(folded)}
        return all(
            any(needle in folded for needle in needles) or any(_near(reading, wholes) for reading in readings)
            for readings, needles in zip(self.words, self._needles, strict=True)
        )


def _shortest(parts: Iterable[str]) -> list[str]:
    """Return the parts that hold no other of them: where one stands, so does the shorter one in it."""
    kept: list[str] = []
    for part in sorted(set(parts), key=lambda part: (len(part), part)):
        if not any(other in part for other in kept):
            kept.append(part)
    return kept


def _halves(whole: str) -> tuple[str, ...]:
    """Return beginnings and an end of which a word in a line has one when it is one letter away from `whole`.

    A change from the middle on leaves the beginning as it is; one before it, the letter after included, the end.
    """
    if len(whole) < _TYPO_FROM:
        return ()
    middle = (len(whole) - 1) // 2
    return f" {whole[:middle]}", f"={whole[:middle]}", f"{whole[middle + 1 :]} "


def _near(reading: _Reading, wholes: Iterable[str]) -> bool:
    whole = reading.whole
    return len(whole) >= _TYPO_FROM and any(
        abs(len(other) - len(whole)) <= 1 and _one_typo(whole, other) for other in wholes
    )


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


# -- tokens: what the index keeps instead of names

KIND_NAME: Final = 1
KIND_PREFIX: Final = 3
KIND_NUMBER: Final = 4
KIND_BORN: Final = 5
# How many bits of a MAC are kept: few enough that other names share a token, enough that hits stay few. Hits are opened
# and compared, so those by chance are never shown.
_BITS: Final = {KIND_NAME: 14, KIND_PREFIX: 12, KIND_NUMBER: 15, KIND_BORN: 15}
_PREFIXES: Final = range(3, 7)
_MOST_VERSIONS: Final = 255


@final
class Index(_NeverLeaves):
    """The index key of one version; makes tokens and gives out nothing else. `root`: 32 random bytes."""

    __slots__ = ("__keys", "version")

    def __init__(self, root: bytes, version: int) -> None:
        if len(root) != KEY_BYTES or not 0 < version <= _MOST_VERSIONS:
            msg = "An index key has 32 bytes and a version from 1 to 255."
            raise ValueError(msg)
        self.version: int = version
        self.__keys = {kind: hkdf_expand(root, b"cw/bi1" + bytes((kind, version))) for kind in _BITS}

    def token(self, kind: int, text: str) -> int:
        """Return one token: a signed 64-bit number, never negative. Source: docs/formats.md, "Search tokens"."""
        mac = int.from_bytes(hmac.digest(self.__keys[kind], text.encode(), "sha256")[:8], "big")
        return (kind << 8 | self.version) << 48 | mac >> (64 - _BITS[kind])

    def tokens_of(self, people: Iterable[Entry]) -> list[int]:
        """Return the tokens under which a case with these people is found, in rising order.

        None for a birth date alone, and none for anything but names, numbers, and a birth date together with a name.
        """
        found: set[int] = set()
        for person in people:
            readings = _parts(person.folded)
            wholes = {reading.whole for reading in readings}
            found.update(self.token(KIND_NAME, whole) for whole in wholes)
            found.update(
                self.token(KIND_PREFIX, reading.start[:length])
                for reading in readings
                for length in _PREFIXES
                if len(reading.start) >= length
            )
            found.update(self.token(KIND_NUMBER, text) for text in person.numbers)
            if person.born is not None:
                found.update(self.token(KIND_BORN, f"{person.born.isoformat()}|{whole}") for whole in wholes)
        return sorted(found)

    def wanted(self, query: Query) -> list[set[int]]:
        """Return sets of tokens: a case may be a hit when it has one of each set. Empty where no token can help.

        That is so for a birth date alone, and for words of which less than three letters were typed.
        """
        if query.number:
            return [{self.token(KIND_NUMBER, query.number)}]
        found: list[set[int]] = []
        for readings in query.words:
            if all(len(reading.start) >= _PREFIXES[0] for reading in readings):
                tokens = {self.token(KIND_NAME, reading.whole) for reading in readings}
                tokens |= {self.token(KIND_PREFIX, reading.start[: _PREFIXES[-1]]) for reading in readings}
                found.append(tokens)
        return found

    def wanted_whole(self, query: Query) -> list[set[int]]:
        """Return the sets of tokens for whole names together with the birth date of a query that has both."""
        day = query.born.isoformat() if query.born else ""
        return [{self.token(KIND_BORN, f"{day}|{reading.whole}") for reading in readings} for readings in query.words]

    def wanted_nearly(self, query: Query) -> list[set[int]]:
        """Return the sets of tokens for words of which the first three letters are right."""
        first = _PREFIXES[0]
        return [
            {self.token(KIND_PREFIX, reading.start[:first]) for reading in readings}
            for readings in query.words
            if all(len(reading.start) >= first for reading in readings)
        ]
