"""One time limit while it is worked out: mutable, and known to the law engine alone."""

from __future__ import annotations

from datetime import date, datetime

from casework.law.calendars import Calendar
from casework.law.counting import Period
from casework.law.packs import Rule
from casework.law.timeline import Event


class Limit:
    """A rule applied to the event that starts it.

    `trigger` is the day of the event that brought the limit about; it differs from the start for an extension that is
    counted from the start of the window it extends (`root`). Ends are inclusive: the last day on which one may act.
    A period in hours has its ends as instants too (`at_strict`, `at_rolled`), and its start where the hour is known,
    all on the clock of the state that counts; the days beside them are theirs. `floor`: the end of the window that a
    suspension stopped, where this one, which took its place, would end before it.
    """

    __slots__ = (
        "at_rolled", "at_start", "at_strict", "calendar", "cap", "clamped", "end_rolled", "end_strict", "event",
        "floor", "late", "later", "met", "now", "pause", "period", "printed", "resumed", "root", "rule", "silent_from",
        "starts_rolled", "starts_strict", "state", "stop", "superseded_by", "trigger",
    )  # fmt: skip

    def __init__(self, rule: Rule, event: Event, state: str | None, period: Period, calendar: Calendar) -> None:
        self.rule = rule
        self.event = event
        self.state = state
        self.period = period
        self.calendar = calendar
        self.starts_strict: date = event.strict
        self.starts_rolled: date = event.rolled
        self.trigger: date = event.strict
        self.end_strict: date = event.strict
        self.end_rolled: date = event.rolled
        self.later: date = event.rolled
        self.at_start: datetime | None = None
        self.at_strict: datetime | None = None
        self.at_rolled: datetime | None = None
        self.clamped = False
        self.now = ""
        self.pause: Event | None = None
        self.resumed: Event | None = None
        self.printed = True
        self.cap: Rule | None = None
        self.floor: date | None = None
        self.root: Limit | None = None
        self.met: Event | None = None
        self.stop: Event | None = None
        self.late: Event | None = None
        self.superseded_by: Rule | None = None
        self.silent_from: date | None = None

    @property
    def closed_on(self) -> date | None:
        """Return the day on which a fact met or stopped it, or None."""
        closing = self.met or self.stop
        return closing.strict if closing else None

    def open_at(self, day: date) -> bool:
        """Tell whether it had begun and was neither met nor stopped nor over before `day`."""
        closed = self.closed_on
        return self.starts_strict <= day <= self.later and (closed is None or day <= closed)

    def settle(self, on: date, at: datetime | None = None) -> None:
        """Fix `now`, where the limit stands on that day: running, met, expired, stopped or superseded.

        `at`: the instant of the question where it is known; a period in hours then ends to the minute.
        """
        if self.superseded_by is not None:
            self.now = "superseded"
        elif self.met is not None:
            self.now = "met"
        elif self.stop is not None:
            self.now = "stopped"
        else:
            over = at > self.at_rolled if at is not None and self.at_rolled is not None else on > self.later
            self.now = "expired" if over else "running"

    @property
    def strict(self) -> date | datetime:
        """Return the end on the strict count."""
        return self.at_strict or self.end_strict

    @property
    def rolled(self) -> date | datetime:
        """Return the end on the count that moves days off, or gives what else the act gives."""
        return self.at_rolled or self.end_rolled

    @property
    def last(self) -> date | datetime:
        """Return the later of the two ends."""
        return self.at_rolled or self.later

    @property
    def due(self) -> date | datetime:
        """Return the date to act on: the earlier one for what our side must do, the later for what we would claim."""
        if self.at_strict is not None and self.at_rolled is not None:
            return self.at_strict if self.rule.act_on == "earlier" else self.at_rolled
        if self.rule.act_on == "earlier":
            return min(self.end_strict, self.end_rolled)
        return max(self.end_strict, self.end_rolled)

    @property
    def starts(self) -> date | datetime:
        """Return the day, or for a period in hours the instant, of the event from which `due` is counted."""
        if self.at_start is not None:
            return self.at_start
        return self.starts_strict if self.rule.act_on == "earlier" else self.starts_rolled


def same_state(one: str | None, other: str | None) -> bool:
    """Tell whether two states can be the same; one that was not recorded can be any."""
    return one is None or other is None or one == other
