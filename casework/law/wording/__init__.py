"""The words of the law engine: a catalogue per language, keys with gaps in braces, dates and states in words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from string import Formatter

from casework.law.counting import Period


class NoSuchLanguage(ValueError):
    """There is no catalogue for that language."""


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the languages that have a catalogue."""
    folder = resources.files("casework.law.wording")
    return tuple(sorted(e.name.removesuffix(".toml") for e in folder.iterdir() if e.name.endswith(".toml")))


@lru_cache(maxsize=16)
def catalogue(lang: str) -> Mapping[str, str]:
    """Return a language's messages by dotted key; what it lacks is in English.

    Raises:
        NoSuchLanguage: there is no catalogue for `lang`.
    """
    if lang not in languages():
        raise NoSuchLanguage(f"there is no catalogue for {lang!r}; there is one for {', '.join(languages())}")
    own = tomllib.loads((resources.files("casework.law.wording") / f"{lang}.toml").read_text("utf-8"))
    flat = {f"{table}.{key}": text for table, messages in own.items() for key, text in messages.items()}
    return flat if lang == "en" else {**catalogue("en"), **flat}


def has(key: str) -> bool:
    """Tell whether the English catalogue, which the others fall back on, has the key."""
    return key in catalogue("en")


_KEPT_DATES = 20_000
"""How many dates in words are kept before they are all forgotten; it bounds the memory of a long run."""


class Words:
    """One language's way of saying messages; made once per language by `words_for`."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._messages = catalogue(lang)
        self._gapless: dict[str, str] = {}
        self._pieces: dict[str, tuple[tuple[str, str | None], ...]] = {}
        self._between: dict[tuple[str, str, str | None], str] = {}
        self._dates: dict[date | datetime, str] = {}
        self._periods: dict[Period, str] = {}
        self._weekdays = tuple(self._messages[f"weekday.{number}"] for number in range(1, 8))
        self._months = tuple(self._messages[f"month.{number}"] for number in range(1, 13))

    def say(self, key: str, params: Mapping[str, object] | None = None) -> str:
        """Return the message of `key` with its gaps filled: dates in words, periods spelt out, keys in their words.

        A value that is itself a key of the catalogue is rendered with the same params.
        """
        text = self._gapless.get(key)
        if text is not None:
            return text
        pieces = self._pieces.get(key)
        if pieces is None:
            parsed = Formatter().parse(self._messages[key])
            pieces = self._pieces[key] = tuple((literal, name) for literal, name, _, _ in parsed)
            if all(name is None for _, name in pieces):
                self._gapless[key] = "".join(literal for literal, _ in pieces)
        if not params:
            params = _NOTHING
        text = ""
        for literal, name in pieces:
            text += literal if name is None else literal + self._value(name, params[name], params)
        return text

    def between_states(self, key: str, country: str, state: str | None) -> str:
        """Return a message whose only gaps are the two states; kept, since every limit of a case asks for a few."""
        place = (key, country, state)
        known = self._between.get(place)
        if known is None:
            known = self._between[place] = self.say(key, {"country": country, "state": state})
        return known

    def state(self, code: str | None) -> str:
        """Return a state's name in running text."""
        if code is None:
            return self._messages["word.other-state"]
        return self._messages.get(f"state.{code}", code)

    def party(self, whose: str) -> str:
        """Return who must act, in words: the applicant, the authority, or a state."""
        return self._messages.get(f"party.{whose}") or self.state(whose)

    def day(self, day: date) -> str:
        """Return a date, or a date-time with its hour, in words."""
        known = self._dates.get(day)
        if known is None:
            text = self._messages["format.date"].format(day=day.day, month=self._months[day.month - 1], year=day.year)
            if isinstance(day, datetime):
                text = self._messages["format.date-time"].format(date=text, time=f"{day:%H:%M}")
            if len(self._dates) > _KEPT_DATES:
                self._dates.clear()
            known = self._dates[day] = text
        return known

    def weekday(self, day: date) -> str:
        """Return the name of the day of the week."""
        return self._weekdays[day.weekday()]

    def period(self, period: Period) -> str:
        """Return a length in words."""
        known = self._periods.get(period)
        if known is None:
            number = "one" if period.count == 1 else "many"
            known = self._messages[f"period.{period.unit}-{number}"].format(count=period.count)
            self._periods[period] = known
        return known

    def _value(self, name: str, value: object, params: Mapping[str, object]) -> str:
        if isinstance(value, str):
            if name.endswith("state") or name == "country":
                return self.state(value)
            return self.say(value, params) if value in self._messages else value
        if isinstance(value, date):
            return self.weekday(value) if name.endswith("weekday") else self.day(value)
        if isinstance(value, Period):
            return self.period(value)
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
