"""What a person should be told beside the dates: claims to argue, contested dates, facts that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from casework.law.limits import Limit
from casework.law.packs import Rule
from casework.law.reading import Reading
from casework.law.regime import AMMR, DUBLIN3
from casework.law.timeline import Message

_SHORTEST_APPEAL_DAYS, _LONGEST_APPEAL_DAYS = 7, 21
_SHORTEST_URGENT_DAYS = 7


def about(reading: Reading, settled: bool) -> Iterator[Message]:
    """Yield the messages about one reading's time limits.

    `settled`: nobody needs to be told any more whom a passed period would have made responsible.
    """
    for limit in reading.limits:
        state, rule = limit.now, limit.rule
        if state == "expired":
            if not settled:
                yield from _claims(limit, reading)
        elif state == "running":
            yield from _running(limit, reading)
        elif state == "met" and limit.met is not None and limit.met.strict > limit.end_strict:
            yield Message("warning.met-between", {"on": limit.met.strict, **_named(limit)})
        if rule.length_from is not None or rule.restarts_on or rule.lasting is not None:
            yield from _facts_that_do_not_fit(limit, reading)
    yield from _urgency(reading)
    yield from _absconding(reading)
    yield from _crises(reading)


def _named(limit: Limit) -> dict[str, object]:
    return {
        "rule": limit.rule.label,
        "strict": limit.end_strict,
        "rolled": limit.later,
        "due": limit.later,
        "state": limit.state,
        "basis": limit.rule.legal_basis,
    }


def _claims(limit: Limit, reading: Reading) -> Iterator[Message]:
    rule, timeline = limit.rule, reading.timeline
    named = {**_named(limit), "country": timeline.case.country}
    if rule.claim is not None:
        yield Message(rule.claim, named)
    if rule.frees is not None and timeline.detained_on(limit.later + timedelta(days=1)):
        yield Message(rule.frees, named)
    if limit.late is not None and limit.late.name == "transfer-decision-notified":
        yield Message("warning.decided-when", {**named, "on": limit.late.strict})


def _running(limit: Limit, reading: Reading) -> Iterator[Message]:
    if limit.end_strict < reading.on:
        yield Message("warning.between", _named(limit))
    if not limit.printed and limit.rule.length_from == "appeal_days":
        yield Message("warning.appeal-days-minimum", {"due": limit.due, "basis": limit.rule.legal_basis})


def _facts_that_do_not_fit(limit: Limit, reading: Reading) -> Iterator[Message]:
    rule, on = limit.rule, limit.event.strict
    if rule.length_from == "appeal_days" and rule.regime == AMMR and limit.printed:
        days = limit.period.count
        if not _SHORTEST_APPEAL_DAYS <= days <= _LONGEST_APPEAL_DAYS:
            yield Message("warning.appeal-days-outside", {**_named(limit), "on": on, "days": days})
    if limit.event.name == "detained" and rule.restarts_on:
        yield Message("warning.detained-after-acceptance", {**_named(limit), "on": on})
    if rule.lasting is not None and limit.root is not None:
        for spell in reading.timeline.imprisonments:
            if spell.ends is not None and limit.trigger < spell.ends.strict <= limit.root.end_strict:
                yield Message("warning.released-from-prison", {**_named(limit), "on": spell.ends.strict})


def _urgency(reading: Reading) -> Iterator[Message]:
    for rule in reading.rules.notes:
        if rule.on_expiry != "expiry.urgent-ask":
            continue
        for event in reading.timeline.of("take-charge-requested"):
            days = event.fact.get("urgent_days") if event.fact else None
            if isinstance(days, int) and days < _SHORTEST_URGENT_DAYS:
                params = {"state": event.state, "on": event.strict, "days": days, "basis": rule.legal_basis}
                yield Message("warning.urgent-days-short", params)


def _absconding(reading: Reading) -> Iterator[Message]:
    if not any(limit.rule.regime == DUBLIN3 for limit in reading.limits if limit.rule.phase == "procedure"):
        return
    for event in reading.timeline.of("absconding-notified"):
        if event.fact is not None and event.fact.get("ground") != "absconded":
            yield Message("warning.absconding-ground", {"on": event.strict})


def _crises(reading: Reading) -> Iterator[Message]:
    """Say when a derogation began while a period that it can lengthen was running: the article does not decide that."""
    country = reading.timeline.case.country
    for state, since, _ in reading.timeline.crises:
        for limit in reading.limits:
            if (
                state in (country, limit.state)
                and limit.superseded_by is None
                and limit.starts_strict < since <= limit.later
                and limit.open_at(since)
                and _has_crisis_rule(limit.rule, reading)
            ):
                yield Message("warning.crisis-during", {**_named(limit), "state": state, "on": since})


def _has_crisis_rule(rule: Rule, reading: Reading) -> bool:
    return any(rule.id in other.supersedes for other in reading.rules.crisis)
