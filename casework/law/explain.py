"""Why a time limit ends when it ends, as messages: what started it, how it was counted, what moved or closed it."""

from __future__ import annotations

from collections.abc import Iterator

from casework.law.counting import ROLLS_IN_TEXT
from casework.law.limits import Limit
from casework.law.timeline import Event, Message

_CERTAINTY = {"told": "because.certainty-told", "estimated": "because.certainty-estimated"}

_WEAKER = {"estimated": 0, "told": 1, "document": 2}


def reasons(limit: Limit) -> Iterator[Message]:
    """Yield the sentences in the order in which a person would ask for them."""
    yield from _start(limit)
    yield from _length(limit)
    yield from _end(limit)
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
    elif limit.period.backwards:
        yield Message("because.start-backwards", _told(event))
    else:
        yield Message("because.start", _told(event))
    if event.assumed:
        yield Message("because.receipt-assumed", {})
    if event.service_is_deemed:
        yield Message("because.deemed", {})


def _length(limit: Limit) -> Iterator[Message]:
    rule = limit.rule
    params = {"period": limit.period, "strict": limit.end_strict, "strict_weekday": limit.end_strict}
    if rule.length_from == "appeal_days":
        yield Message("because.printed" if limit.printed else "because.minimum", params)
    elif rule.length_from == "urgent_days" and limit.printed:
        yield Message("because.asked-for", params)
    elif limit.cap is not None:
        yield Message("because.length-capped", params)
    elif limit.clamped:
        yield Message("because.clamped", params)
    else:
        yield Message("because.length", params)
    if limit.cap is not None:
        yield Message("because.capped", {"rule": limit.cap.label, **params})


def _end(limit: Limit) -> Iterator[Message]:
    strict, rolled = limit.end_strict, limit.end_rolled
    if strict == rolled:
        return
    params: dict[str, object] = {
        "strict": strict,
        "weekday": strict,
        "rolled": rolled,
        "rolled_weekday": rolled,
        "country": limit.calendar.country,
    }
    if limit.starts_strict != limit.starts_rolled:
        yield Message("because.chained", params)
    else:
        in_text = "rolled" if limit.rule.counting in ROLLS_IN_TEXT else "open"
        holiday = limit.calendar.holiday(strict)
        if holiday is not None:
            yield Message(f"because.{in_text}-holiday", {**params, "holiday": holiday})
        else:
            yield Message(f"because.{in_text}-weekend", params)
    yield Message(f"because.due-{limit.rule.act_on}", {"due": limit.due})


def _close(limit: Limit) -> Iterator[Message]:
    if limit.superseded_by is not None:
        key = "because.restarted" if limit.superseded_by is limit.rule else "because.superseded"
        yield Message(key, {"rule": limit.superseded_by.label})
    elif limit.met is not None:
        yield Message("because.met", _told(limit.met))
    elif limit.stop is not None:
        yield Message("because.stopped", _told(limit.stop))
    elif limit.silent_from is not None:
        yield Message(f"because.silent-{limit.rule.silence}", {"state": limit.state, "due": limit.silent_from})
    elif limit.late is not None:
        yield Message("because.late", _told(limit.late))
