"""The words of the law engine: a catalogue per language, keys with gaps in braces, dates and states in words.

A catalogue is a folder of parts: `core.toml` (the engine and the Union's transfer rules) and one per rule pack beside
it. A gap may ask for a form, `{state:gen}`; the language keeps its forms in tables such as `[state-gen]`, and where it
has none the plain words are used. Forms of `state` (and `country`), `weekday` and `period` are known; a number takes
the unit that it counts, `{days:day}`, and the form of that, `{days:day.gen}`. Any gap may ask for a capital letter,
`{event:cap}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from string import Formatter
from typing import NamedTuple

from casework.law import plain_toml
from casework.law.counting import Period


class NoSuchLanguage(ValueError):
    """There is no catalogue for that language."""


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the languages that have a catalogue."""
    folder = resources.files("casework.law.wording")
    return tuple(sorted(e.name for e in folder.iterdir() if (e / "core.toml").is_file()))


@lru_cache(maxsize=16)
def written_in(lang: str) -> Mapping[str, str]:
    """Return a language's own messages by dotted key, without what it lacks.

    Raises:
        NoSuchLanguage: there is no catalogue for `lang`.
    """
    if lang not in languages():
        raise NoSuchLanguage(f"there is no catalogue for {lang!r}; there is one for {', '.join(languages())}")
    folder = resources.files("casework.law.wording") / lang
    flat: dict[str, str] = {}
    for part in sorted((e for e in folder.iterdir() if e.name.endswith(".toml")), key=lambda e: e.name):
        for table, messages in plain_toml.loads(part.read_text("utf-8")).items():
            flat.update({f"{table}.{key}": text for key, text in messages.items()})
    return flat


@lru_cache(maxsize=16)
def catalogue(lang: str) -> Mapping[str, str]:
    """Return a language's messages by dotted key; what it lacks is in English.

    Raises:
        NoSuchLanguage: there is no catalogue for `lang`.
    """
    own = written_in(lang)
    return own if lang == "en" else {**written_in("en"), **own}


def has(key: str) -> bool:
    """Tell whether the English catalogue, which the others fall back on, has the key."""
    return key in written_in("en")


def _as_in_english(count: int) -> str:
    return "one" if count == 1 else "many"


def _as_in_french(count: int) -> str:
    return "one" if count in (0, 1) else "many"


def _as_in_russian(count: int) -> str:
    if count % 100 in range(11, 15):
        return "many"
    return {1: "one", 2: "few", 3: "few", 4: "few"}.get(count % 10, "many")


_PLURALS: Mapping[str, Callable[[int], str]] = {"fr": _as_in_french, "ru": _as_in_russian}
"""Which form of a noun a number takes, where that is not as in English."""

_KEPT_DATES = 20_000
"""How many dates in words are kept before they are all forgotten; it bounds the memory of a long run."""

_ENDS_OF_SENTENCES = (".", "?", "!")

_PLACES = {"other": "word.other-state", "stay": "table.country"}
"""What stands for a state that is not named, by its key in the tables of forms, and the message that says it."""


@lru_cache(maxsize=1)
def _english_date() -> re.Pattern[str]:
    months = "|".join(written_in("en")[f"month.{number}"] for number in range(1, 13))
    return re.compile(rf"\b(\d{{1,2}}) ({months}) (\d{{4}})\b")


_CAPITAL = "cap"

_STATE, _WEEKDAY, _BASIS, _OTHER = range(4)


class _Gap(NamedTuple):
    """A gap of a message, after the words before it; without a name there are only these words, at the end.

    `stop`: those words begin with a full stop. `capital`: a sentence begins with the gap.
    """

    before: str
    stop: bool
    name: str | None
    form: str
    kind: int
    capital: bool


def _taken_apart(message: str) -> tuple[_Gap, ...]:
    """Return a message's gaps. Only one that ends like a sentence begins like one: an event's words begin small."""
    gaps: list[_Gap] = []
    is_sentence = message.endswith(_ENDS_OF_SENTENCES)
    for before, name, form, _ in Formatter().parse(message):
        begins = before.rstrip().endswith(_ENDS_OF_SENTENCES) if before else not gaps
        stop = bool(gaps) and before.startswith(".")
        capital = form == _CAPITAL or (is_sentence and begins)
        asked = form if form and form != _CAPITAL else ""
        gaps.append(_Gap(before, stop, name, asked, _kind(name or ""), capital))
    return tuple(gaps)


def _kind(name: str) -> int:
    if name.endswith("state") or name == "country":
        return _STATE
    if name.endswith("weekday"):
        return _WEEKDAY
    return _BASIS if name == "basis" else _OTHER


class Words:
    """One language's way of saying messages; made once per language by `words_for`."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._messages = catalogue(lang)
        self._plural = _PLURALS.get(lang, _as_in_english)
        self._gapless: dict[str, str] = {}
        self._gaps: dict[str, tuple[_Gap, ...]] = {}
        self._between: dict[tuple[str, str, str | None], str] = {}
        self._dates: dict[date, str] = {}
        self._periods: dict[tuple[Period, str], str] = {}
        self._states: dict[tuple[str | None, str], str] = {}
        self._bases: dict[str, str] = {}
        self._weekdays: dict[str, tuple[str, ...]] = {}
        self._months = tuple(self._messages[f"month.{number}"] for number in range(1, 13))
        self._citations = sorted(
            ((key.removeprefix("citation."), text) for key, text in self._messages.items() if key[:9] == "citation."),
            key=lambda pair: -len(pair[0]),
        )

    def say(self, key: str, params: Mapping[str, object] | None = None) -> str:
        """Return the message of `key` with its gaps filled: dates in words, periods spelt out, keys in their words.

        A value that is itself a key of the catalogue is rendered with the same params. A sentence that begins with a
        gap gets its capital, and a full stop after a gap that ends in one is left out.
        """
        known = self._gapless.get(key)
        if known is not None:
            return known
        gaps = self._gaps.get(key)
        if gaps is None:
            gaps = self._gaps[key] = _taken_apart(self._messages[key])
            if all(gap.name is None for gap in gaps):
                self._gapless[key] = "".join(gap.before for gap in gaps)
        if not params:
            params = _NOTHING
        text = ""
        for before, stop, name, form, kind, capital in gaps:
            text += before[1:] if stop and text[-1:] == "." else before
            if name is None:
                continue
            value = params[name]
            if kind == _STATE and (value is None or isinstance(value, str)):
                said = self._states.get((value, form)) or self.state(value, form)
            elif isinstance(value, date):
                said = self.weekday(value, form) if kind == _WEEKDAY else self.day(value)
            else:
                said = self._value(kind, form, value, params)
            text += said[:1].upper() + said[1:] if capital else said
        return text

    def between_states(self, key: str, country: str, state: str | None) -> str:
        """Return a message whose only gaps are the two states; kept, since every limit of a case asks for a few."""
        place = (key, country, state)
        known = self._between.get(place)
        if known is None:
            known = self._between[place] = self.say(key, {"country": country, "state": state})
        return known

    def state(self, code: str | None, form: str = "") -> str:
        """Return a state's name in running text, in the form asked for; of None, "the other state"."""
        place = (code, form)
        known = self._states.get(place)
        if known is None:
            known = self._states[place] = self._state(code, form)
        return known

    def party(self, whose: str) -> str:
        """Return who must act, in words: the applicant, the authority, or a state."""
        return self._messages.get(f"party.{whose}") or self.state(whose)

    def day(self, day: date) -> str:
        """Return a date, or a date-time with its hour, in words."""
        # Equal instants of two zones differ in their words, so the hour on the local clock is the key.
        local = day.replace(tzinfo=None) if isinstance(day, datetime) else day
        known = self._dates.get(local)
        if known is None:
            number = self._messages.get(f"format.day-{day.day}", str(day.day))
            text = self._messages["format.date"].format(day=number, month=self._months[day.month - 1], year=day.year)
            if isinstance(day, datetime):
                text = self._messages["format.date-time"].format(date=text, time=f"{day:%H:%M}")
            if len(self._dates) > _KEPT_DATES:
                self._dates.clear()
            known = self._dates[local] = text
        return known

    def weekday(self, day: date, form: str = "") -> str:
        """Return the name of the day of the week, in the form asked for."""
        names = self._weekdays.get(form)
        if names is None:
            plain = [self._messages[f"weekday.{number}"] for number in range(1, 8)]
            names = tuple(self._messages.get(f"weekday-{form}.{n}", name) for n, name in enumerate(plain, start=1))
            self._weekdays[form] = names
        return names[day.weekday()]

    def period(self, period: Period, form: str = "") -> str:
        """Return a length in words, in the form asked for."""
        place = (period, form)
        known = self._periods.get(place)
        if known is None:
            key = f"{period.unit.replace(' ', '-')}-{self._plural(period.count)}"
            text = self._messages.get(f"period-{form}.{key}") or self._messages[f"period.{key}"]
            known = self._periods[place] = text.format(count=period.count)
        return known

    def basis(self, citation: str) -> str:
        """Return a legal basis, as the packs cite it in English, with the acts and dates in this language."""
        known = self._bases.get(citation)
        if known is None:
            known = citation
            for english, own in self._citations:
                known = known.replace(english, own)
            known = _english_date().sub(self._day_of, known)
            self._bases[citation] = known
        return known

    def _day_of(self, match: re.Match[str]) -> str:
        months = [written_in("en")[f"month.{number}"] for number in range(1, 13)]
        return self.day(date(int(match[3]), months.index(match[2]) + 1, int(match[1])))

    def _state(self, code: str | None, form: str) -> str:
        for place, key in _PLACES.items():
            name = self._messages[key]
            if code == name or (code is None and place == "other"):
                return self._messages.get(f"state-{form}.{place}", name)
        known = self._messages.get(f"state.{code}")
        if known is not None:
            return self._messages.get(f"state-{form}.{code}", known)
        # A state without a name of its own goes by its code, after the preposition that the form may hold.
        return self._messages.get(f"state-{form}._", "{name}").format(name=code)

    def _value(self, kind: int, form: str, value: object, params: Mapping[str, object]) -> str:
        if isinstance(value, str):
            if value in self._messages:
                return self.say(value, params)
            return self.basis(value) if kind == _BASIS else value
        if isinstance(value, Period):
            return self.period(value, form)
        if isinstance(value, int) and form:
            unit, _, form = form.partition(".")
            return self.period(Period(value, unit), form)
        return self.state(None) if value is None else str(value)


_NOTHING: Mapping[str, object] = {}


@lru_cache(maxsize=16)
def words_for(lang: str) -> Words:
    """Return a language's words.

    Raises:
        NoSuchLanguage: there is no catalogue for `lang`.
    """
    return Words(lang)


def render(key: str, lang: str = "en", **params: object) -> str:
    """Return one message in one language; the plain way in for a page that shows a label or a fact's name."""
    return words_for(lang).say(key, params)
