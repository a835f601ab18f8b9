"""Public holidays of each state, and the zone of its legal day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from importlib import metadata
from zoneinfo import ZoneInfo

import holidays

VERSION = f"holidays-{metadata.version('holidays')}"
"""Which lists of public holidays are in use; a stored result names them."""

_SATURDAY = 5

_ZONES = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "CH": "Europe/Zurich", "CY": "Asia/Nicosia",
    "CZ": "Europe/Prague", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn",
    "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GR": "Europe/Athens",
    "HR": "Europe/Zagreb", "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IS": "Atlantic/Reykjavik",
    "IT": "Europe/Rome", "LI": "Europe/Vaduz", "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga",
    "MT": "Europe/Malta", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm", "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
}  # fmt: skip

DUBLIN_STATES = frozenset(_ZONES)
"""The states among which the transfer procedure runs: the Union, Iceland, Norway, Switzerland, Liechtenstein."""

UNION = DUBLIN_STATES - {"CH", "DK", "IS", "LI", "NO"}
"""The states that the Union's asylum acts bind as a whole.

Iceland, Liechtenstein, Norway and Switzerland take part by agreement in determining the responsible state alone, and so
does Denmark. Ireland has joined the acts of 2024 and counts as bound.
"""


def zone_of(country: str) -> ZoneInfo:
    """Return the zone whose local day is the legal day in `country`; UTC for a state without one on record."""
    return ZoneInfo(_ZONES.get(country, "UTC"))


@dataclass(frozen=True, eq=False)
class Calendar:
    """The public holidays of one state, or of one of its regions; equal only to itself, so that it may be a cache key.

    `known` is False when no list of holidays exists: then only Saturdays and Sundays are days off. `label` says which
    list is used, in which version, for storing beside a result.
    """

    country: str
    region: str | None
    known: bool
    label: str
    _years: dict[int, Mapping[date, str]] = field(default_factory=dict, repr=False)

    def holiday(self, day: date) -> str | None:
        """Return the name of the public holiday on `day`, or None."""
        year = self._years.get(day.year)
        if year is None:
            year = self._years[day.year] = self._load(day.year)
        return year.get(day)

    def is_working_day(self, day: date) -> bool:
        """Tell whether `day` is neither a Saturday, a Sunday nor a public holiday."""
        return day.weekday() < _SATURDAY and self.holiday(day) is None

    def next_working_day(self, day: date) -> date:
        """Return `day` itself when it is a working day, else the first one after it."""
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return day

    def _load(self, year: int) -> Mapping[date, str]:
        if not self.known:
            return {}
        subdivision = self.region.split("-", 1)[1] if self.region else None
        # Names in one language, said here: left open, the library takes that of the process's environment.
        language = "en_US" if "en_US" in _localized().get(self.country, ()) else None
        return dict(holidays.country_holidays(self.country, subdiv=subdivision, years=year, language=language))


@lru_cache(maxsize=1)
def _localized() -> Mapping[str, list[str]]:
    return holidays.list_localized_countries(include_aliases=False)


@lru_cache(maxsize=1)
def _supported() -> Mapping[str, list[str]]:
    return holidays.list_supported_countries(include_aliases=False)


@lru_cache(maxsize=1024)
def calendar_for(country: str, region: str | None = None) -> Calendar:
    """Return the calendar of a state; of its region where the list of holidays knows that region."""
    supported = _supported()
    known_region = region if region and region.split("-", 1)[1] in supported.get(country, ()) else None
    label = f"{known_region or country} {VERSION}"
    return Calendar(country=country, region=known_region, known=country in supported, label=label)


def knows_region(country: str, region: str) -> bool:
    """Tell whether the region's own holidays are on the list; if not, the whole state's are used."""
    return calendar_for(country, region).region == region
