"""Dates that a court or an authority set: time limits and appointments, so that they get reminders too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from casework.law.timeline import Event, Timeline
from casework.law.types import Deadline, Fact
from casework.law.wording import Words


def rule_ids() -> tuple[str, ...]:
    """Return the rule ids that such dates carry."""
    kinds = ("hearing", "interview", "registration", "reporting", "medical")
    return ("set-by-court", "set-by-authority", *(f"appointment-{kind}" for kind in kinds))


def deadlines(timeline: Timeline, on: date, words: Words, explain: bool) -> Iterator[Deadline]:
    """Yield a time limit for each date set by others, as of `on`."""
    for event in timeline.of("time-limit-set"):
        yield _set_limit(timeline, event, on, words, explain)
    for event in timeline.of("appointment"):
        yield _appointment(timeline, event, on, words, explain)


def changes(timeline: Timeline, on: date) -> Iterator[date]:
    """Yield the days after `on` on which one of these dates has passed."""
    for event in timeline.of("time-limit-set", "appointment"):
        end = _day(_due(event))
        if end >= on and not _closed(timeline, event, end):
            yield end + timedelta(days=1)


def _set_limit(timeline: Timeline, event: Event, on: date, words: Words, explain: bool) -> Deadline:
    fact = _fact(event)
    by, due = str(fact.get("by")), _due(event)
    closing = _closed(timeline, event, _day(due))
    because = [words.say(f"because.set-by-{by}", {"on": event.strict, "due": due, "what": fact.get("what")})]
    if closing is not None:
        because.append(words.say("because.set-met", {"on": closing.strict}))
    return Deadline(
        rule=f"set-by-{by}",
        starts=event.strict,
        due=due,
        due_strict=due,
        due_rolled=due,
        reading=None,
        state=_state(closing, due, on, "met"),
        met_on=closing.strict if closing else None,
        stopped_by=None,
        superseded_by=None,
        whose=str(fact.get("whose")),
        on_expiry=words.say(f"expiry.set-by-{by}"),
        legal_basis=words.say(f"basis.set-by-{by}", {"on": event.strict}),
        source="",
        confidence="verified",
        because=tuple(because) if explain else (),
        label=words.say(f"label.set-by-{by}"),
        certainty=fact.certainty,
    )


def _appointment(timeline: Timeline, event: Event, on: date, words: Words, explain: bool) -> Deadline:
    fact = _fact(event)
    kind, due = fact.get("kind"), _due(event)
    closing = _closed(timeline, event, _day(due))
    because = [words.say("because.appointment", {"due": due})]
    if closing is not None:
        because.append(words.say("because.appointment-cancelled", {}))
    return Deadline(
        rule=f"appointment-{kind}",
        starts=event.strict,
        due=due,
        due_strict=due,
        due_rolled=due,
        reading=None,
        state=_state(closing, due, on, "stopped"),
        met_on=None,
        stopped_by="appointment-cancelled" if closing else None,
        superseded_by=None,
        whose="applicant",
        on_expiry=words.say("expiry.appointment"),
        legal_basis=words.say("basis.appointment"),
        source="",
        confidence="verified",
        because=tuple(because) if explain else (),
        label=words.say(f"label.appointment-{kind}"),
        certainty=fact.certainty,
    )


def _closed(timeline: Timeline, event: Event, end: date) -> Event | None:
    """Return the fact that met the limit in time, or that called the appointment off."""
    fact = _fact(event)
    if event.name == "appointment":
        for other in timeline.of("appointment-cancelled"):
            if _fact(other).get("kind") == fact.get("kind") and other.strict == event.strict:
                return other
        return None
    for other in timeline.of("time-limit-met"):
        if _fact(other).get("what") == fact.get("what") and event.strict <= other.strict <= end:
            return other
    return None


def _state(closing: Event | None, due: date | datetime, on: date, closed: str) -> str:
    if closing is not None:
        return closed
    return "expired" if on > _day(due) else "running"


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
