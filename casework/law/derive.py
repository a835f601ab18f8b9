"""From facts to procedure: walks the rules of the packs over one case's timeline. Pure; it reads no clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from casework.law import cautions, regime, set_by_others, wording
from casework.law import explain as explaining
from casework.law.calendars import calendar_for, knows_region
from casework.law.limits import Limit
from casework.law.reading import Reading, rules_for
from casework.law.status import stage_of
from casework.law.timeline import Message, Timeline, is_planned
from casework.law.types import CaseFile, Deadline, Procedure
from casework.law.wording import Words

_SETTLED = frozenset({"responsibility-assumed", "closed"})
"""Stages at which nobody needs to be told whom a passed period would have made responsible."""

_OF_THE_PROCEDURE = frozenset({"procedure", "detention", "remedy"})
"""Phases whose running periods make an old case open on 1 July 2026."""


def procedure(case: CaseFile, *, on: date, lang: str = "en", explain: bool = True) -> Procedure:
    """Derive where a case stands on the day `on`, and every time limit with the reasons in words.

    All recorded facts count, also those dated after `on`; `on` decides which periods have ended and whether silence has
    become an acceptance. The order of the facts does not matter.

    Args:
        lang: a language with a catalogue in `wording`.
        explain: False leaves every `because` empty, which is faster; nothing else differs.
    Raises:
        wording.NoSuchLanguage: there is no catalogue for `lang`.
    """
    words = wording.words_for(lang)
    timeline = Timeline(case)
    name, readings = _readings(timeline, on)
    main = readings[0]
    stage, responsible = stage_of(main.timeline, case)
    deadlines = [_deadline(limit, reading, words, explain) for reading in readings for limit in reading.limits]
    deadlines.extend(set_by_others.deadlines(timeline, on, words, explain))
    deadlines.sort(key=_by_due)
    messages = list(_general_warnings(timeline, name, on))
    for reading in readings:
        messages.extend(reading.messages)
        messages.extend(cautions.about(reading, stage in _SETTLED))
    changes = [day for reading in readings for day in reading.changes()]
    changes.extend(set_by_others.changes(timeline, on))
    changes.extend(fact.on for fact in timeline.facts if fact.on > on and not is_planned(fact))
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
    )


def _readings(timeline: Timeline, on: date) -> tuple[str, list[Reading]]:
    """Return the regime and its reading, or both readings of a case that was under way when the law changed."""
    registered = regime.reference_date(timeline, on)
    rules = rules_for(registered, None)
    first = Reading(timeline, rules, on, None)
    if registered >= regime.AMMR_APPLIES_FROM:
        return regime.AMMR, [first]
    if not regime.has_step_after_change(timeline):
        day = regime.AMMR_APPLIES_FROM
        if not _ran_into_change(first if on >= day else Reading(timeline, rules, day, None)):
            return regime.DUBLIN3, [first]
    first.name = "A"
    return regime.OPEN, [first, Reading(timeline, rules_for(registered, "B"), on, "B", instead_of=first)]


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
    rule, state = limit.rule, limit.now
    country = reading.timeline.case.country
    if rule.whose == "country":
        whose = country
    elif rule.whose == "requested":
        whose = limit.state or "authority"
    else:
        whose = rule.whose
    stop = limit.stop if state == "stopped" else None
    return Deadline.with_all(
        rule=rule.id,
        starts=limit.starts,
        due=limit.due,
        due_strict=limit.end_strict,
        due_rolled=limit.end_rolled,
        reading=reading.name,
        state=state,
        met_on=limit.met.strict if state == "met" and limit.met else None,
        stopped_by=(stop.fact.name if stop.fact else stop.name) if stop else None,
        superseded_by=limit.superseded_by.id if limit.superseded_by else None,
        whose=whose,
        on_expiry=words.between_states(rule.on_expiry, country, limit.state),
        legal_basis=rule.legal_basis,
        source=rule.source,
        confidence=rule.confidence,
        because=tuple(words.say(message.key, message.params) for message in explaining.reasons(limit))
        if explain
        else (),
        label=words.say(rule.label),
        concerns=limit.state,
        certainty=explaining.weakest_certainty(limit) if reading.timeline.tells_certainty else None,
        calendar=limit.calendar.label,
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
