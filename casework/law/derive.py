"""From facts to procedure: walks the rules of the packs over one case's timeline. Pure; it reads no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from casework.law import cautions, facts, regime, set_by_others, undated, wording
from casework.law import explain as explaining
from casework.law.calendars import DUBLIN_STATES, calendar_for, knows_region, zone_of
from casework.law.facts import REPLIES
from casework.law.limits import Limit
from casework.law.packs import Rule
from casework.law.reading import Asked, Reading, rules_beside, rules_for
from casework.law.status import stage_of
from casework.law.timeline import Message, Timeline, is_planned
from casework.law.types import CaseFile, Deadline, Procedure, Question
from casework.law.wording import Words

_SETTLED = frozenset({"responsibility-assumed", "closed"})
"""Stages at which nobody needs to be told whom a passed period would have made responsible."""

_OF_THE_PROCEDURE = frozenset({"procedure", "detention", "remedy"})
"""Phases whose running periods make an old case open on 1 July 2026."""


def procedure(case: CaseFile, *, on: date | datetime, lang: str = "en", explain: bool = True) -> Procedure:
    """Derive where a case stands on the day `on`, and every time limit with the reasons in words.

    All recorded facts count, also those dated after `on`; `on` decides which periods have ended and whether silence has
    become an acceptance. The order of the facts does not matter.

    Args:
        on: the day of the question in the state whose procedure runs; an instant with its offset settles periods in
            hours to the minute, a date alone leaves them running until their last day is over.
        lang: a language with a catalogue in `wording`.
        explain: False leaves every `because` empty, which is faster; nothing else differs.
    Raises:
        wording.NoSuchLanguage: there is no catalogue for `lang`.
        facts.FactsError: `on` lies in another century than any case, or is an hour of no zone.
    """
    words = wording.words_for(lang)
    at: datetime | None = None
    day = on.date() if isinstance(on, datetime) else on
    if not facts.EARLIEST <= day <= facts.LATEST:
        raise facts.FactsError(f"on: {day.isoformat()} cannot be right.", member="on")
    if isinstance(on, datetime) and on.tzinfo is None:
        raise facts.FactsError(f"on: {on.isoformat()} has no offset, such as +02:00.", member="on")
    if isinstance(on, datetime):
        at = on.astimezone(UTC)
        on = at.astimezone(zone_of(case.country)).date()
    timeline = Timeline(undated.bounded(case, on))
    name, readings = _readings(timeline, on, at)
    main = readings[0]
    stage, responsible = stage_of(main.timeline, case)
    rules = rules_beside(case.country, regime.reference_date(timeline, on))
    beside = Reading(main.timeline, rules, on, None, at=at, beside=tuple(readings))
    readings.append(beside)
    deadlines = [_deadline(limit, reading, words, explain) for reading in readings for limit in reading.limits]
    others = set_by_others.SetDates(timeline)
    deadlines.extend(others.deadlines(on, at, words, explain))
    deadlines.sort(key=_by_due)
    messages = [*_general_warnings(timeline, name, on), *cautions.of_early_decisions(main)]
    national = {limit.event.strict for limit in beside.limits if "dublin3-appeal" in limit.rule.supersedes}
    for reading in readings:
        messages.extend(
            message
            for message in reading.messages
            if message.key != "warning.appeal-days-unknown" or message.params["on"] not in national
        )
        messages.extend(cautions.about(reading, stage in _SETTLED))
    changes = [day for reading in readings for day in reading.changes()]
    changes.extend(others.changes(on, at))
    changes.extend(fact.on for fact in timeline.facts if fact.on > on and not is_planned(fact))
    if any(fact.undated and fact.not_after == on for fact in timeline.facts):
        changes.append(on + timedelta(days=1))
    if not timeline.facts and on < regime.AMMR_APPLIES_FROM:
        changes.append(regime.AMMR_APPLIES_FROM)
    return Procedure(
        regime=name,
        status=stage,
        responsible_state=responsible,
        deadlines=tuple(deadlines),
        warnings=tuple(dict.fromkeys(words.say(message.key, message.params) for message in messages)),
        changes_on=min(changes, default=None),
        notes=tuple(dict.fromkeys(note for reading in readings for note in reading.notes)),
        questions=tuple(
            dict.fromkeys(_question(asked, reading, words) for reading in readings for asked in reading.questions)
        ),
    )


def _readings(timeline: Timeline, on: date, at: datetime | None) -> tuple[str, list[Reading]]:
    """Return the regime and its reading, or both readings of a case that was under way when the law changed."""
    registered = regime.reference_date(timeline, on)
    rules = rules_for(registered, None)
    first = Reading(timeline, rules, on, None, at=at)
    if registered >= regime.AMMR_APPLIES_FROM:
        return regime.AMMR, [first]
    if not regime.has_step_after_change(timeline):
        day = regime.AMMR_APPLIES_FROM
        if not _ran_into_change(first if on >= day else Reading(timeline, rules, day, None)):
            return regime.DUBLIN3, [first]
    first.name = "A"
    return regime.OPEN, [first, Reading(timeline, rules_for(registered, "B"), on, "B", at=at, instead_of=first)]


def _ran_into_change(then: Reading) -> bool:
    """Tell whether a period of the Dublin III procedure was running on 1 July 2026.

    `then`: the reading as of that day, or of a later one, which knows no less of it; so the answer does not change as
    time goes by.
    """
    day = regime.AMMR_APPLIES_FROM
    return any(
        limit.rule.phase in _OF_THE_PROCEDURE and limit.superseded_by is None and limit.open_at(day)
        for limit in then.limits
    )


def _deadline(limit: Limit, reading: Reading, words: Words, explain: bool) -> Deadline:
    state, stop, met = limit.now, limit.stop, limit.met
    timeline = reading.timeline
    superseded = limit.superseded_by
    return Deadline.with_all(
        {
            **_said_of(limit.rule, reading.name, timeline.case.country, limit.state, words),
            "starts": limit.starts,
            "due": limit.due,
            "due_strict": limit.at_strict or limit.end_strict,
            "due_rolled": limit.at_rolled or limit.end_rolled,
            "state": state,
            "met_on": met.strict if state == "met" and met else None,
            "stopped_by": (stop.fact.name if stop.fact else stop.name) if state == "stopped" and stop else None,
            "superseded_by": superseded.id if superseded else None,
            "because": tuple(words.say(message.key, message.params) for message in explaining.reasons(limit))
            if explain
            else (),
            "certainty": explaining.weakest_certainty(limit) if timeline.tells_certainty else None,
            "calendar": limit.calendar.label,
            "started_by": timeline.place_of(limit.event),
            "met_by": timeline.place_of(met) if state == "met" and met else None,
        }
    )


@lru_cache(maxsize=8192)
def _said_of(rule: Rule, reading: str | None, country: str, state: str | None, words: Words) -> Mapping[str, object]:
    """Return the members of a time limit that depend on its rule and the two states alone."""
    whose = {"country": country, "requested": state or "authority"}.get(rule.whose, rule.whose)
    return {
        "rule": rule.id,
        "reading": reading,
        "whose": whose,
        "on_expiry": words.between_states(rule.on_expiry, country, state),
        "legal_basis": rule.legal_basis,
        "source": rule.source,
        "confidence": rule.confidence,
        "label": words.say(rule.label),
        "concerns": state,
    }


def _question(asked: Asked, reading: Reading, words: Words) -> Question:
    rule, event = asked.rule, asked.event
    if asked.unknown:
        key = "question.date-unknown"
    elif rule.period is None:
        key = "question.clause"
    else:
        key = "question.printed" if rule.length_from == "appeal_period" else "question.figure"
    params = {
        "rule": rule.label,
        "event": f"event.{event.name}",
        "fact": f"fact.{event.fact.name if event.fact else event.name}",
        "state": event.state,
        "country": reading.timeline.case.country,
        "on": event.strict,
        "period": rule.period,
        "basis": rule.legal_basis,
    }
    return Question(
        rule=rule.id,
        label=words.say(rule.label),
        text=words.say(key, params),
        legal_basis=rule.legal_basis,
        source=rule.source,
        confidence=rule.confidence,
        starts=None if asked.unknown else event.strict,
        period=words.period(rule.period) if rule.period else None,
        fact=reading.timeline.place_of(event),
    )


def _by_due(deadline: Deadline) -> tuple[int, int, str, str, date | datetime, str]:
    due, seconds = deadline.due, 0
    if isinstance(due, datetime):
        due = due.astimezone(UTC)
        seconds = due.hour * 3600 + due.minute * 60 + due.second
    concerns = deadline.concerns or ""
    return due.toordinal(), seconds, deadline.rule, deadline.reading or "", deadline.starts, concerns


def _general_warnings(timeline: Timeline, name: str, on: date) -> Iterator[Message]:
    """Yield what concerns the case as a whole, before what single time limits have to say."""
    case = timeline.case
    if name == regime.OPEN:
        yield Message("warning.open-regime", {})
    if regime.registered_on_both_sides(timeline):
        yield Message("warning.registered-on-both-sides", {})
    if not calendar_for(case.country).known:
        yield Message("warning.no-calendar", {"country": case.country})
    elif case.region and not knows_region(case.country, case.region):
        yield Message("warning.no-regional-calendar", {"region": case.region, "country": case.country})
    events = timeline.events
    if "application-registered" not in events and ("application-lodged" in events or "application-made" in events):
        yield Message("warning.not-registered", {})
    yield from timeline.warnings
    yield from _out_of_place(timeline)
    yield from _undated(timeline)
    for event in timeline.of("take-charge-requested", "take-back-requested"):
        if event.fact is not None and event.fact.get("basis") is None:
            yield Message("warning.basis-unknown", {"on": event.strict, "state": event.state})
    ahead = [fact for fact in timeline.facts if fact.on > on and not is_planned(fact)]
    if ahead:
        yield Message("warning.facts-ahead", {"today": on, "fact": f"fact.{ahead[0].name}", "on": ahead[0].on})
    if timeline.suspensions and timeline.suspensions[-1].ends is None:
        for event in timeline.of("appeal-decided"):
            if event.fact and event.fact.get("final") is False and event.fact.get("against") == "transfer-decision":
                yield Message("warning.not-final", {"on": event.strict})


def _undated(timeline: Timeline) -> Iterator[Message]:
    for fact in timeline.facts:
        if fact.undated:
            key = "warning.undated" if fact.not_before else "warning.undated-unbounded"
            yield Message(key, {"fact": f"fact.{fact.name}", "earliest": fact.on, "latest": fact.not_after})


def _out_of_place(timeline: Timeline) -> Iterator[Message]:
    """Yield what was recorded of a state that cannot have it: no part in the procedure, or never asked."""
    case = timeline.case
    if case.country not in DUBLIN_STATES and case.status is None:
        yield Message("warning.not-a-dublin-state", {"country": case.country})
    for event in timeline.sequence:
        asked = REPLIES.get(event.name, ())
        if event.request is None and any(name in timeline.events for name in asked):
            params = {"fact": f"fact.{event.name}", "state": event.state, "on": event.strict}
            yield Message("warning.answer-without-request", params)
