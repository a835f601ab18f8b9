"""What a person should be told beside the dates: claims to argue, contested dates, facts that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from casework.law import practice
from casework.law.counting import end_of, nominal_end
from casework.law.limits import Limit
from casework.law.packs import PRINTED, Rule
from casework.law.reading import Reading
from casework.law.regime import AMMR, AMMR_APPLIES_FROM, DUBLIN3
from casework.law.timeline import Event, Message, Timeline

_SHORTEST_URGENT_DAYS = 7
_OF_A_REVIEW = frozenset({"claim.release", "claim.review-late"})
_OF_A_WINDOW = frozenset({"claim.responsible-here", "claim.responsible-here-open"})
# An annulment alone was asked for, and the six months ran out while that was pending (CCE, 15 February 2017, 182277).
_APPEAL_SUSPENDS_NOTHING = frozenset({"BE"})


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
        elif state == "met" and limit.met is not None and _after_strict_end(limit):
            yield Message("warning.met-between", {"on": limit.met.strict, **_named(limit)})
        elif state == "met" and limit.at_strict is not None and _hour_is_wanting(limit):
            yield Message("warning.met-hour-unknown", _named(limit))
        if rule.length_from is not None or rule.restarts_on or rule.lasting is not None:
            yield from _facts_that_do_not_fit(limit, reading)
    yield from _urgency(reading)
    yield from _absconding(reading)
    yield from _crises(reading)


def _after_strict_end(limit: Limit) -> bool:
    assert limit.met is not None
    if limit.at_strict is not None and limit.met.at is not None:
        return limit.met.at > limit.at_strict
    return limit.met.strict > limit.end_strict and limit.pause is None


def _hour_is_wanting(limit: Limit) -> bool:
    """Tell whether the act lies on the last day of a period in hours and its own hour is not recorded."""
    met = limit.met
    return limit.rule.act_on == "earlier" and met is not None and met.at is None and met.strict >= limit.end_strict


def _named(limit: Limit) -> dict[str, object]:
    return {
        "rule": limit.rule.label,
        "strict": limit.strict,
        "rolled": limit.last,
        "due": limit.last,
        "state": limit.state,
        "basis": limit.rule.legal_basis,
    }


def _claims(limit: Limit, reading: Reading) -> Iterator[Message]:
    rule, timeline = limit.rule, reading.timeline
    named = {**_named(limit), "country": timeline.case.country}
    arguable = limit.event.name == "detained" and timeline.case.country in practice.LONGER_AFTER_LATER_DETENTION
    with_reserve = _with_reserve(limit, reading)
    if with_reserve is not None:
        yield Message(with_reserve.key, {**named, **with_reserve.params})
    elif rule.claim is not None:
        yield Message("claim.release-arguable" if arguable and rule.restarts_on else rule.claim, named)
    if rule.frees is not None and timeline.detained_on(limit.later + timedelta(days=1)):
        yield Message(rule.frees, named)
    if limit.late is not None and limit.late.name == "transfer-decision-notified":
        yield Message("warning.decided-when", {**named, "on": limit.late.strict})


def _with_reserve(limit: Limit, reading: Reading) -> Message | None:
    """Return the words for a claim that something on record leaves open, with the later end; None if nothing does."""
    rule = limit.rule
    owed_by_court = rule.whose == "authority" and rule.claim in _OF_A_REVIEW
    if owed_by_court and reading.name == "B" and limit.event.strict < AMMR_APPLIES_FROM:
        # No court could owe the review before the law that asks for it.
        until = end_of(AMMR_APPLIES_FROM, limit.period, rule.counting, limit.calendar).rolled
        return Message("claim.review-before-change", {"on": limit.event.strict, "until": until})
    if rule.claim not in _OF_A_WINDOW or not (rule.restarts_on or rule.extends):
        return None
    window = limit.root or limit
    contested = _contested(limit, reading.timeline, _means(limit, reading.timeline))
    if contested is not None:
        challenge, ruling = contested
        if ruling is None:
            return Message("claim.responsible-here-pending", {"on": challenge.strict})
        told = ruling.fact.get("told_on") if ruling.fact else None
        since = told if isinstance(told, date) else ruling.rolled
        counted = limit if rule.counts_from == "extended" else window
        anew = end_of(since, counted.period, counted.rule.counting, limit.calendar)
        until = max(anew.strict, anew.rolled)
        if until > limit.later:
            return Message("claim.responsible-here-ruling", {"on": challenge.strict, "start": since, "until": until})
    for outside in reading.outside:
        if outside.root is window and outside.until > limit.later:
            return Message("claim.responsible-here-absconding", {"on": outside.event.strict, "until": outside.until})
    return None


def _means(limit: Limit, timeline: Timeline) -> tuple[str, ...]:
    """Return the facts that may suspend a transfer by right."""
    if limit.rule.regime == DUBLIN3 and timeline.case.country in _APPEAL_SUSPENDS_NOTHING:
        return ("suspension-requested",)
    return "appeal-lodged", "suspension-requested"


def _contested(limit: Limit, timeline: Timeline, means: tuple[str, ...]) -> tuple[Event, Event | None] | None:
    """Return what was pending against the transfer within a window without a word about its effect, and what ended it.

    Not the authority's own appeal, nor one after a first ruling: that one suspends nothing by right.
    """
    told = [event.strict for event in timeline.of("suspensive-effect-granted")]
    rulings = [e for e in timeline.of("appeal-decided") if e.fact and e.fact.get("against") == "transfer-decision"]
    first_only = timeline.case.country in practice.FIRST_REMEDY_ONLY
    final = [e for e in rulings if first_only or (e.fact and e.fact.get("final") is not False)]
    ended = [*timeline.of("suspensive-effect-refused", "suspensive-effect-ended"), *final]
    decisions = [event.strict for event in timeline.of("transfer-decision-notified")]
    start = (limit.root or limit).starts_strict
    found: list[tuple[Event, Event | None]] = []
    for event in timeline.of(*means):
        if event.name == "appeal-lodged":
            fact = event.fact
            if fact is None or fact.get("against") != "transfer-decision" or fact.get("by") == "authority":
                continue
        decided = max((day for day in decisions if day <= event.strict), default=date.min)
        if any(decided <= ruling.strict < event.strict for ruling in rulings):
            continue
        end = min((e for e in ended if e.strict >= event.strict), key=lambda e: e.strict, default=None)
        over = end.strict if end is not None else date.max
        if any(decided <= day <= over for day in told):
            continue
        if event.strict <= limit.later and over > start:
            found.append((event, end))
    return max(found, key=lambda pair: pair[1].strict if pair[1] is not None else date.max, default=None)


def _running(limit: Limit, reading: Reading) -> Iterator[Message]:
    if limit.end_strict < reading.on:
        started = limit.starts_strict != limit.starts_rolled or (limit.at_strict is not None and not limit.event.at)
        yield Message("warning.between-open" if started else "warning.between", _named(limit))
    if not limit.printed and limit.rule.length_from in PRINTED:
        shortest = limit.rule.between is not None or limit.rule.length_from == "appeal_days"
        key = "warning.appeal-days-minimum" if shortest else "warning.printed-wanted"
        yield Message(key, {**_named(limit), "due": limit.due, "period": limit.period})


def _facts_that_do_not_fit(limit: Limit, reading: Reading) -> Iterator[Message]:
    rule, on = limit.rule, limit.event.strict
    if rule.length_from in PRINTED and limit.printed:
        yield from _printed(limit)
    if limit.event.name == "detained" and rule.restarts_on:
        yield Message("warning.detained-after-acceptance", {**_named(limit), "on": on})
    if rule.lasting is not None and limit.root is not None:
        for spell in reading.timeline.imprisonments:
            if spell.ends is not None and limit.trigger < spell.ends.strict <= limit.root.end_strict:
                yield Message("warning.released-from-prison", {**_named(limit), "on": spell.ends.strict})


def _printed(limit: Limit) -> Iterator[Message]:
    """Say where the period printed in the decision is not the rule's, or lies outside what the Union allows."""
    rule, on = limit.rule, limit.event.strict
    printed = nominal_end(on, limit.period) if limit.period.unit != "hour" else on
    told = {**_named(limit), "on": on, "printed": limit.period}
    if rule.between is not None:
        shortest, longest = rule.between
        if not nominal_end(on, shortest) <= printed <= nominal_end(on, longest):
            yield Message("warning.printed-outside", {**told, "shortest": shortest, "longest": longest})
    elif rule.period is not None and rule.period != limit.period and not rule.asks:
        own = rule.period
        if "hour" in (own.unit, limit.period.unit) or nominal_end(on, own) != printed:
            yield Message("warning.printed-differs", {**told, "period": own})


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
    for outside in reading.outside:
        told = {"on": outside.event.strict, "state": outside.root.state, "basis": outside.rule.legal_basis}
        yield Message("warning.absconding-outside", told)
    if not any(limit.rule.regime == DUBLIN3 for limit in reading.limits if limit.rule.phase == "procedure"):
        return
    for event in reading.timeline.of("absconding-notified"):
        assert event.fact is not None
        if event.fact.get("ground") != "absconded":
            yield Message("warning.absconding-ground", {"on": event.strict})
        elif event.fact.get("who") == "family-member":
            yield Message("warning.absconding-family", {"on": event.strict})


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


def of_early_decisions(reading: Reading) -> Iterator[Message]:
    """Yield a message for a transfer decision notified before the other state was bound, which may not be taken yet.

    Source: Regulation (EU) No 604/2013, Article 26(1) (C-647/16 Hassan); Regulation (EU) 2024/1351, Article 42(1).
    """
    timeline = reading.timeline
    asked = list(timeline.of("take-charge-requested", "take-back-requested", "take-back-notified"))
    bound = [e.strict for e in timeline.of("acceptance")]
    basis = "Art. 26(1) Regulation (EU) No 604/2013; C-647/16"
    if any(limit.rule.regime == AMMR for limit in reading.limits):
        basis = "Art. 42(1) Regulation (EU) 2024/1351"
    for event in timeline.of("transfer-decision-notified"):
        before = [e for e in asked if e.strict <= event.strict]
        if before and not any(day <= event.strict for day in bound):
            yield Message("warning.decision-early", {"on": event.strict, "state": before[-1].state, "basis": basis})
