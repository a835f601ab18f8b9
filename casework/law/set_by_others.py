"""Dates that a court or an authority set: time limits and appointments, so that they get reminders too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from casework.law.calendars import zone_of
from casework.law.timeline import Event, Timeline, since
from casework.law.types import Deadline, Fact
from casework.law.wording import Words


def rule_ids() -> tuple[str, ...]:
    """Return the rule ids that such dates carry."""
    kinds = ("hearing", "interview", "registration", "reporting", "medical")
    return ("set-by-court", "set-by-authority", *(f"appointment-{kind}" for kind in kinds))


class SetDates:
    """The dates that others set in one case: each with the fact that met it in time, or that called it off."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._zone = zone_of(timeline.case.country)
        met, cancelled = _by(timeline, "time-limit-met", "what"), _by(timeline, "appointment-cancelled", "kind")
        self._dates: list[tuple[Event, date | datetime, Event | None]] = []
        for event in timeline.of("time-limit-set"):
            due = self._local(_due(event))
            found = since(met.get(_fact(event).get("what"), ()), event.strict)
            self._dates.append((event, due, next((other for other in found if _in_time(other, due)), None)))
        for event in timeline.of("appointment"):
            due = self._local(_due(event))
            off = next(iter(since(cancelled.get(_fact(event).get("kind"), ()), event.strict)), None)
            self._dates.append((event, due, off if off is not None and off.strict == event.strict else None))

    def deadlines(self, on: date, at: datetime | None, words: Words, explain: bool) -> Iterator[Deadline]:
        """Yield a time limit for each date, as of `on`, or as of the instant `at` where an hour was set."""
        for event, due, closing in self._dates:
            stands = "expired" if _passed(due, on, at) else "running"
            if event.name == "appointment":
                yield self._appointment(
                    event, due, closing, state="stopped" if closing else stands, words=words, explain=explain
                )
            else:
                yield self._set_limit(
                    event, due, closing, state="met" if closing else stands, words=words, explain=explain
                )

    def changes(self, on: date, at: datetime | None) -> Iterator[date]:
        """Yield the days, from `on`, on which one of these dates passes; a day alone has passed on the next one."""
        for _, due, closing in self._dates:
            if closing is None and not _passed(due, on, at):
                yield _day(due) if at is not None and isinstance(due, datetime) else _day(due) + timedelta(days=1)

    def _local(self, due: date | datetime) -> date | datetime:
        return due.astimezone(self._zone) if isinstance(due, datetime) else due

    def _set_limit(
        self,
        event: Event,
        due: date | datetime,
        closing: Event | None,
        *,
        state: str,
        words: Words,
        explain: bool,
    ) -> Deadline:
        fact = _fact(event)
        by = str(fact.get("by"))
        because = [words.say(f"because.set-by-{by}", {"on": event.strict, "due": due, "what": fact.get("what")})]
        if closing is not None:
            because.append(words.say("because.set-met", {"on": closing.strict}))
        return self._limit(
            event,
            due,
            explain,
            rule=f"set-by-{by}",
            state=state,
            met_on=closing.strict if closing else None,
            whose=str(fact.get("whose")),
            on_expiry=words.say(f"expiry.set-by-{by}"),
            legal_basis=words.say(f"basis.set-by-{by}", {"on": event.strict}),
            because=tuple(because),
            label=words.say(f"label.set-by-{by}"),
            met_by=self._timeline.place_of(closing) if closing else None,
        )

    def _appointment(
        self,
        event: Event,
        due: date | datetime,
        closing: Event | None,
        *,
        state: str,
        words: Words,
        explain: bool,
    ) -> Deadline:
        fact = _fact(event)
        kind = fact.get("kind")
        because = [words.say("because.appointment", {"due": due})]
        if closing is not None:
            because.append(words.say("because.appointment-cancelled", {}))
        return self._limit(
            event,
            due,
            explain,
            rule=f"appointment-{kind}",
            state=state,
            stopped_by="appointment-cancelled" if closing else None,
            whose="applicant",
            on_expiry=words.say("expiry.appointment"),
            legal_basis=words.say("basis.appointment"),
            because=tuple(because),
            label=words.say(f"label.appointment-{kind}"),
        )

    def _limit(
        self, event: Event, due: date | datetime, explain: bool, *, because: tuple[str, ...], **members: Any
    ) -> Deadline:
        """Return a time limit whose date was set, so that every way of counting gives the same."""
        members = {"met_on": None, "stopped_by": None, "met_by": None, **members}
        return Deadline(
            starts=event.strict,
            due=due,
            due_strict=due,
            due_rolled=due,
            reading=None,
            superseded_by=None,
            source="",
            confidence="verified",
            because=because if explain else (),
            certainty=_fact(event).certainty,
            started_by=self._timeline.place_of(event),
            **members,
        )


def _by(timeline: Timeline, name: str, member: str) -> dict[object, list[Event]]:
    found: dict[object, list[Event]] = {}
    for event in timeline.of(name):
        found.setdefault(_fact(event).get(member), []).append(event)
    return found


def _in_time(event: Event, due: date | datetime) -> bool:
    if isinstance(due, datetime) and event.at is not None:
        return event.at <= due
    return event.strict <= _day(due)


def _passed(due: date | datetime, on: date, at: datetime | None) -> bool:
    return at > due if at is not None and isinstance(due, datetime) else on > _day(due)


def _due(event: Event) -> date | datetime:
    fact = _fact(event)
    if event.name == "appointment":
        return fact.at or fact.on
    due = fact.get("due")
    assert isinstance(due, date)
    return due


def _day(due: date | datetime) -> date:
    return due.date() if isinstance(due, datetime) else due


def _fact(event: Event) -> Fact:
    assert event.fact is not None
    return event.fact
