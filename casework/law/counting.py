"""How periods are counted: from which day, to which day, and what a weekend or a holiday does to the end."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from casework.law.calendars import Calendar

CODES = frozenset({"DUB3", "AMMR", "APR", "R1182", "HOURS", "FR-STD", "FR-SHORT", "DE", "STRICT", "NAT?"})
"""Ways of counting that the packs may name; see `end_of` and `hours_end`."""

ROLLS_IN_TEXT = frozenset({"AMMR", "APR", "R1182", "FR-STD", "DE"})
"""Ways of counting whose own text moves an end on a day off to the next working day."""

_NEVER_MOVED = frozenset({"STRICT", "NAT?", "HOURS"})

_WORKING_DAYS = 2
"""How many working days a period of two days or more holds: Regulation 1182/71, Article 3(5)."""

_PERIOD = re.compile(r"([0-9]{1,4}) (hour|day|working day|week|month|year)s?( before)?")


class PeriodError(ValueError):
    """The text is not a length that can be counted."""


@dataclass(frozen=True, slots=True)
class Period:
    """A length as the law writes it: hours, days, working days, weeks, months, years; backwards for a notice before."""

    count: int
    unit: str
    backwards: bool = False

    @classmethod
    @lru_cache(maxsize=512)
    def parse(cls, text: str) -> Period:
        """Read "6 months", "48 hours", "7 working days" or "2 days before".

        Raises:
            PeriodError: the text is something else, or counts nothing.
        """
        match = _PERIOD.fullmatch(text)
        if match is None or int(match[1]) == 0:
            raise PeriodError(f"not a length: {text!r}")
        return cls(int(match[1]), match[2], bool(match[3]))

    def __hash__(self) -> int:
        """Return a hash that is cheap, because every count looks a period up."""
        return self.count * 128 + ord(self.unit[0])

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}{' before' if self.backwards else ''}"


@dataclass(frozen=True, slots=True)
class End:
    """When a period ends: as the words of the act say (`strict`), and moved off a day off (`rolled`)."""

    strict: date
    rolled: date
    clamped: bool


def months_after(event_on: date, months: int) -> date:
    """Return the last day of a period of whole months that an event on `event_on` starts.

    The day of the event does not count; the period ends on the same day of the month, or on the month's last day when
    there is none. Saturdays, Sundays and holidays count. Source: Regulation (EU) No 604/2013, Article 42(a)-(c);
    Regulation (EU) 2024/1351, Article 75(a)-(c).
    """
    year, month = divmod(event_on.year * 12 + event_on.month - 1 + months, 12)
    return date(year, month + 1, min(event_on.day, monthrange(year, month + 1)[1]))


def nominal_end(event_on: date, period: Period) -> date:
    """Return the period's last day before any weekend or holiday is looked at; hours count through `hours_after`.

    A backwards period ends so long before `event_on`. Working days count as days here; `end_of` has the calendar.
    """
    count = -period.count if period.backwards else period.count
    if period.unit in ("day", "working day"):
        return event_on + timedelta(days=count)
    if period.unit == "week":
        return event_on + timedelta(weeks=count)
    if period.unit == "month":
        return months_after(event_on, count)
    if period.unit == "year":
        return months_after(event_on, count * 12)
    raise PeriodError(f"{period} has no last day")


def hours_after(event_at: datetime, hours: int) -> datetime:
    """Return the instant `hours` after `event_at`, in the same zone; real hours pass, also over a clock change.

    Source: Regulation (EEC, Euratom) No 1182/71, Article 3; such a period never moves off a weekend.
    """
    return (event_at.astimezone(UTC) + timedelta(hours=hours)).astimezone(event_at.tzinfo)


@lru_cache(maxsize=65536)
def end_of(event_on: date, period: Period, code: str, calendar: Calendar) -> End:
    """Return when a period of days, weeks, months or years ends that an event on `event_on` starts.

    `code` says how. AMMR, APR, R1182, FR-STD (code of civil procedure, Article 642) and DE (§ 193 BGB, § 222(2) ZPO)
    move an end on a day off to the next working day; R1182 also gives a period of two days or more at least two
    working days (Article 3(5)). DUB3 and FR-SHORT have no such words, and `rolled` is where Regulation 1182/71,
    Article 3(4), or the opinion of the Conseil d'État of 1 July 2020 (438152) would move it. STRICT is never moved;
    NAT? is not moved, for the national rule is not known. A period of working days ends on one. A backwards period is
    never moved: a later day would shorten the notice.
    """
    if period.unit == "working day":
        day = _working_days_from(event_on, -period.count if period.backwards else period.count, calendar)
        return End(day, day, False)
    strict = nominal_end(event_on, period)
    clamped = period.unit in ("month", "year") and strict.day != event_on.day
    if period.backwards or code in _NEVER_MOVED:
        return End(strict, strict, clamped)
    rolled = calendar.next_working_day(strict)
    if code == "R1182" and period.unit == "day" and period.count >= _WORKING_DAYS:
        rolled = max(rolled, _working_days_from(event_on, _WORKING_DAYS, calendar))
    return End(strict, rolled, clamped)


def hours_end(begins: datetime, period: Period, code: str, calendar: Calendar) -> tuple[datetime, datetime]:
    """Return when a period in hours ends that begins at an instant: strictly, and as far as the act could stretch it.

    HOURS runs from minute to minute (as in France for the 48 hours before the court) and never moves. R1182 does not
    count the hour in which the event falls (Article 3(1)), so it can end up to an hour later; it never moves off a
    weekend (Article 3(4)). FR-STD is moved to the end of the next working day when the last hour falls on a day off
    (code of civil procedure, Article 642, to which CESEDA R. 743-10 refers). Both ends are in the zone of `begins`.
    """
    count = -period.count if period.backwards else period.count
    strict = hours_after(begins, count)
    if code == "R1182" and not period.backwards and (begins.minute or begins.second or begins.microsecond):
        whole = begins.replace(minute=0, second=0, microsecond=0)
        return strict, hours_after(whole, count + 1)
    if code == "FR-STD" and not calendar.is_working_day(strict.date()):
        day = calendar.next_working_day(strict.date())
        return strict, datetime.combine(day, time(23, 59), tzinfo=begins.tzinfo)
    return strict, strict


def _working_days_from(day: date, count: int, calendar: Calendar) -> date:
    step = timedelta(days=1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not calendar.is_working_day(day):
            day += step
    return day
