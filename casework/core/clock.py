"""The only place that asks what time it is: everything else is told, or asks here, so that tests can move the clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_fixed: ContextVar[datetime | None] = ContextVar("casework_clock", default=None)

# The legal day is the local day of the acting authority: one zone a state is exact for all states we know, save
# the Canary Islands and the Azores, where the capital's day is the authority's day.
_ZONES = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CH": "Europe/Zurich",
    "CY": "Asia/Nicosia",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn",
    "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GR": "Europe/Athens",
    "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IS": "Atlantic/Reykjavik",
    "IT": "Europe/Rome",
    "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "MT": "Europe/Malta",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon",
    "RO": "Europe/Bucharest",
    "SE": "Europe/Stockholm",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
}
DEFAULT_ZONE = "Europe/Brussels"


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return _fixed.get() or datetime.now(UTC)  # noqa: TID251  (the one place)


def zone_of(country: str) -> ZoneInfo:
    """Return the time zone of a state's capital (`country`: ISO 3166 alpha-2), Brussels for any other code."""
    return ZoneInfo(_ZONES.get(country, DEFAULT_ZONE))


def local_date(at: datetime, country: str) -> date:
    """Return the calendar date in `country` at the instant `at` (aware)."""
    return at.astimezone(zone_of(country)).date()


def today(country: str = "") -> date:
    """Return today's calendar date in `country`."""
    return local_date(now(), country)


@contextmanager
def fixed(at: datetime) -> Iterator[None]:
    """Let the clock stand at `at` (aware) inside the block, in this thread or task."""
    if at.tzinfo is None:
        raise ValueError("a fixed clock needs an aware time")
    token = _fixed.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)
