"""When a time limit is spoken of: the ladder of steps. Pure: dates in, instants out.

Limits in days: 30, 14, 7, 3 and 1 days before, the day itself, and the day after when it has passed, at 08:00 of the
organisation's zone. Limits with an hour: the same down to 3 days, then 24, 6 and 1 hours before, and the hour itself
when it has passed; hours are counted in real time, also over the nights when the clocks change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MORNING = time(8)
URGENT_WITHIN = timedelta(hours=48)
# How far ahead rows are planned. The hourly planner passes every step 48 times before it is due, while a case whose
# dates move every week does not rewrite a month of rows each time.
HORIZON = timedelta(hours=48)
# A time limit found to have passed longer ago than this is history (an old case taken over), not news.
NEWS_FOR = timedelta(days=14)
LONGEST_STEP = timedelta(days=30)

OVERDUE, CORRECTED = "overdue", "moved"
_DAYS_BEFORE_AN_HOUR = (30, 14, 7, 3)
_DAYS_BEFORE_A_DAY = (30, 14, 7, 3, 1, 0)
_HOURS = (24, 6, 1)
# From here on the coordinators are told too.
_NEAR = frozenset({"3d", "1d", "0d", "24h", "6h", "1h", OVERDUE})


@dataclass(frozen=True, slots=True)
class Step:
    """One occasion to speak of a limit; `send_at` aware."""

    code: str
    send_at: datetime

    @property
    def is_near(self) -> bool:
        """Whether those who answer for the team hear of it too."""
        return self.code in _NEAR


def ladder(due_on: date, due_at: datetime | None, zone: ZoneInfo) -> tuple[Step, ...]:
    """Return every step of a limit due on `due_on` (with an hour: at `due_at`), the earliest first."""

    def morning(day: date) -> datetime:
        return datetime.combine(day, MORNING, tzinfo=zone)

    if due_at is None:
        steps = [Step(f"{days}d", morning(due_on - timedelta(days=days))) for days in _DAYS_BEFORE_A_DAY]
        return (*steps, Step(OVERDUE, morning(due_on + timedelta(days=1))))
    steps = [Step(f"{days}d", morning(due_on - timedelta(days=days))) for days in _DAYS_BEFORE_AN_HOUR]
    instant = due_at.astimezone(ZoneInfo("UTC"))
    hours = [Step(f"{hours}h", instant - timedelta(hours=hours)) for hours in _HOURS]
    return (*steps, *hours, Step(OVERDUE, instant))


def ends_at(due_on: date, due_at: datetime | None, zone: ZoneInfo) -> datetime:
    """Return the instant after which a limit has passed: its hour, or the end of its day."""
    return due_at or datetime.combine(due_on + timedelta(days=1), time(0), tzinfo=zone)


def is_urgent(send_at: datetime, end: datetime, *, detention: bool) -> bool:
    """Say whether what is sent at `send_at` about a limit that ends at `end` overtakes ordinary mail."""
    return detention or end - send_at <= URGENT_WITHIN


def latest_past(steps: tuple[Step, ...], now: datetime) -> Step | None:
    """Return the last step whose time has come; the ones before it are not made up for (no flood of old mails)."""
    past = [step for step in steps if step.send_at <= now]
    return past[-1] if past else None


def upcoming(steps: tuple[Step, ...], now: datetime) -> tuple[Step, ...]:
    """Return the steps to come within the horizon."""
    return tuple(step for step in steps if now < step.send_at <= now + HORIZON)
