"""Why a time limit ends when it ends, as messages: what started it, how it was counted, what moved or closed it."""

from __future__ import annotations

from collections.abc import Iterator

from casework.law.counting import ROLLS_IN_TEXT, end_of
from casework.law.limits import Limit
from casework.law.timeline import Event, Message

_CERTAINTY = {"told": "because.certainty-told", "estimated": "because.certainty-estimated"}

_WEAKER = {"estimated": 0, "told": 1, "document": 2}


def reasons(limit: Limit) -> Iterator[Message]:
    """Yield the sentences in the order in which a person would ask for them."""
    yield from _start(limit)
    yield from _length(limit)
    yield from _end(limit)
    yield from _pause(limit)
    yield from _close(limit)
    certainty = weakest_certainty(limit)
    if certainty in _CERTAINTY:
        yield Message(_CERTAINTY[certainty], {})


def weakest_certainty(limit: Limit) -> str | None:
    """Return how certain the facts are that the limit rests on: its start's, or its window's where that is weaker."""
    weakest: str | None = None
    for event in (limit.event, limit.root.event if limit.root else None):
        fact = None if event is None else event.fact or event.request
        if fact is not None and fact.certainty and (weakest is None or _WEAKER[fact.certainty] < _WEAKER[weakest]):
            weakest = fact.certainty
    return weakest


def _told(event: Event) -> dict[str, object]:
    """Return what a sentence needs to name an event: its words, its state, its day."""
    name = event.fact.name if event.fact is not None and event.silence is None else event.name
    request = event.request.name if event.request else name
    return {"event": f"event.{name}", "on": event.strict, "state": event.state, "request": f"fact.{request}"}


def _start(limit: Limit) -> Iterator[Message]:
    event, rule = limit.event, limit.rule
    if limit.root is not None and rule.counts_from == "extended":
        yield Message("because.extended", {**_told(event), "start": limit.starts})
    elif isinstance(event.silence, Limit):
        silent = event.silence
        yield Message(
            f"because.silence-{silent.rule.silence}",
            {"state": event.state, "due": silent.silent_from, "on": limit.starts, "basis": silent.rule.legal_basis},
        )
        if silent.rule.silence != "relocation" and limit.at_strict is None:
            earlier = end_of(silent.end_strict, limit.period, limit.rule.counting, limit.calendar).strict
            yield Message("because.silence-earlier", {"strict": earlier})
    elif limit.period.backwards:
        yield Message("because.start-backwards", _told(event))
    elif is_undated(event):
        yield Message("because.start-undated", {**_told(event), "earliest": event.strict, "latest": event.rolled})
    elif limit.at_strict is not None:
        yield Message("because.start-hours", {**_told(event), "on": event.at or event.strict})
    elif event.name == "suspension-over" and event.rolled != event.strict:
        yield Message("because.start-told", {**_told(event), "latest": event.rolled})
    else:
        yield Message("because.start", _told(event))
    if event.assumed:
        yield Message("because.receipt-assumed", {})
    if event.service_is_deemed:
        yield Message("because.deemed", {})


def _length(limit: Limit) -> Iterator[Message]:
    rule = limit.rule
    params: dict[str, object] = {
        "period": limit.period,
        "strict": limit.strict,
        "strict_weekday": limit.strict,
        "country": limit.calendar.country,
    }
    if limit.pause is not None:
        whole = end_of(limit.starts_strict, limit.period, rule.counting, limit.calendar).strict
        params["strict"] = params["strict_weekday"] = whole
    if rule.length_from == "appeal_days":
        yield Message("because.printed" if limit.printed else "because.minimum", params)
    elif rule.length_from in ("appeal_period", "departure_days") and limit.printed:
        yield Message("because.printed-counted", params)
    elif rule.between is not None:
        yield Message("because.minimum", params)
    elif rule.length_from == "urgent_days" and limit.printed:
        yield Message("because.asked-for", params)
    elif limit.cap is not None:
        yield Message("because.length-capped", params)
    elif limit.period.unit == "hour":
        yield Message("because.hours", params)
    elif limit.period.unit == "working day":
        yield Message("because.working-days", params)
    elif limit.clamped:
        yield Message("because.clamped", params)
    else:
        yield Message("because.length", params)
    if limit.cap is not None:
        yield Message("because.capped", {"rule": limit.cap.label, **params})
    if limit.at_strict is not None and limit.event.at is None:
        yield Message("because.hour-unknown", {})


def _end(limit: Limit) -> Iterator[Message]:
    strict, rolled = limit.strict, limit.rolled
    if strict == rolled or limit.pause is not None:
        return
    if limit.floor is not None:
        yield Message("because.not-shortened", {"due": limit.floor})
        return
    params: dict[str, object] = {
        "strict": strict,
        "weekday": strict,
        "rolled": rolled,
        "rolled_weekday": rolled,
        "country": limit.calendar.country,
    }
    if is_undated(limit.event) or (limit.at_strict is not None and limit.event.at is None):
        yield Message("because.between", params)
    elif limit.starts_strict != limit.starts_rolled:
        yield Message("because.chained", params)
    elif limit.period.unit == "hour" and limit.calendar.is_working_day(limit.end_strict):
        yield Message("because.hours-rounded", params)
    else:
        in_text = "rolled" if limit.rule.counting in ROLLS_IN_TEXT else "open"
        if limit.rule.counting == "FR-SHORT":
            in_text = "opinion"
        holiday = limit.calendar.holiday(limit.end_strict)
        if holiday is not None:
            yield Message(f"because.{in_text}-holiday", {**params, "holiday": holiday})
        else:
            yield Message(f"because.{in_text}-weekend", params)
    yield Message(f"because.due-{limit.rule.act_on}", {"due": limit.due})


def _pause(limit: Limit) -> Iterator[Message]:
    if limit.pause is None:
        return
    yield Message("because.paused", _told(limit.pause))
    if limit.resumed is not None:
        yield Message(
            "because.resumed", {**_told(limit.resumed), "strict": limit.end_strict, "rolled": limit.end_rolled}
        )


def is_undated(event: Event) -> bool:
    """Tell whether the event is a recorded fact whose day is not known."""
    return event.fact is not None and event.fact.undated


def _close(limit: Limit) -> Iterator[Message]:
    if limit.superseded_by is not None:
        key = "because.restarted" if limit.superseded_by is limit.rule else "because.superseded"
        yield Message(key, {"rule": limit.superseded_by.label})
    elif limit.met is not None:
        yield Message("because.met", _told(limit.met))
    elif limit.stop is not None and limit.stop is not limit.pause:
        yield Message("because.stopped", _told(limit.stop))
    elif limit.silent_from is not None:
        yield Message(f"because.silent-{limit.rule.silence}", {"state": limit.state, "due": limit.silent_from})
    elif limit.late is not None:
        yield Message("because.late", _told(limit.late))
