"""What must hold for any case at all: Hypothesis makes the cases."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from casework.law import derive, facts, packs, regime, set_by_others, undated
from casework.law.calendars import calendar_for, zone_of
from casework.law.counting import ROLLS_IN_TEXT
from casework.law.timeline import Timeline
from casework.law.types import CaseFile, Deadline, Fact, Person, Procedure
from tests.law.cases import DETERMINISTIC, case_from

COUNTRIES = ("FR", "DE", "HR", "EE", "NL", "PT")
STATES = ("IT", "PL", "SE")
RULES = packs.by_id()
COMMON = (
    "application-registered", "eurodac-hit", "take-charge-requested", "take-charge-accepted", "take-charge-refused",
    "take-back-notified", "take-back-confirmed", "transfer-decision-notified", "appeal-lodged", "suspension-requested",
    "suspensive-effect-granted", "appeal-decided", "absconding-notified", "available-again", "imprisoned", "detained",
    "released", "transferred", "crisis-derogation", "transfer-scheduled", "relocation-file-received",
    "asylum-decision-notified", "return-decision-notified", "legal-aid-requested", "legal-aid-decided",
    "application-lodged", "procedure-assigned", "house-arrest-ordered",
)  # fmt: skip
KINDS = st.one_of(
    st.sampled_from([facts.VOCABULARY[name] for name in COMMON]),
    st.sampled_from([facts.VOCABULARY[name] for name in COMMON]),
    st.sampled_from(list(facts.VOCABULARY.values())),
)
EVERY_DAY = st.dates(date(2026, 1, 5), date(2027, 6, 30))
CLOCK = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda moment: moment.replace(second=0, microsecond=0))


def _particulars(kind: facts.FactKind) -> st.SearchStrategy[dict[str, object]]:
    dates = st.dates(date(2028, 1, 1), date(2028, 12, 31)).map(date.isoformat)
    values = {
        "choice": lambda m: st.sampled_from(m.choices),
        "days": lambda _: st.integers(1, 30),
        "flag": lambda _: st.booleans(),
        "text": lambda _: st.sampled_from(["statement", "papers"]),
        "date": lambda _: dates,
        "moment": lambda _: st.one_of(dates, st.just("2026-10-25T02:30:00+01:00")),
        "period": lambda _: st.sampled_from(["48 hours", "7 days", "2 weeks", "1 month", "10 working days"]),
        "party": lambda _: st.sampled_from(["applicant", "authority", "FR"]),
    }
    members = {m.name: values[m.kind](m) for m in kind.members if m.kind != "state" and m.name != "appeal_days"}
    required = {name: value for name, value in members.items() if kind.member(name).required}
    optional = {name: value for name, value in members.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def entries(draw: st.DrawFn, kinds: st.SearchStrategy[facts.FactKind] = KINDS) -> dict[str, Any]:
    """Return an entry of a facts file: on a day, at an hour, or on a day that nobody knows."""
    kind = draw(kinds)
    entry: dict[str, Any] = {"fact": kind.name, **draw(_particulars(kind))}
    when = draw(st.sampled_from(("day", "day", "day", "hour", "unknown")))
    if when == "hour":
        moment = datetime.combine(draw(EVERY_DAY), draw(CLOCK), tzinfo=zone_of("FR"))
        entry["at"] = moment.replace(fold=draw(st.integers(0, 1))).isoformat()
    elif when == "unknown" and not kind.planned and kind.group not in ("set", "derogation"):
        entry["date_unknown"] = True
        bounds = sorted((draw(EVERY_DAY), draw(EVERY_DAY)))
        for name, bound in zip(("not_before", "not_after"), bounds, strict=True):
            if draw(st.booleans()):
                entry[name] = bound.isoformat()
    else:
        entry["on"] = draw(EVERY_DAY).isoformat()
    state = kind.member("state")
    elsewhere = kind.name not in ("application-registered", "application-lodged")
    if state is not None and elsewhere and (state.required or draw(st.booleans())):
        entry["state"] = draw(st.sampled_from(STATES))
    for name, choices in (("certainty", facts.CERTAINTIES), ("service", facts.SERVICES)):
        if draw(st.integers(0, 9)) == 0:
            entry[name] = draw(st.sampled_from(choices))
    return entry


def read(entry: dict[str, Any], country: str) -> Fact | None:
    """Return an entry as a fact, None where it contradicts itself."""
    try:
        return facts.parse_fact(entry, country=country)
    except facts.FactsError:
        return None


@st.composite
def some_cases(draw: st.DrawFn) -> CaseFile:
    country = draw(st.sampled_from(COUNTRIES))
    found = [read(entry, country) for entry in draw(st.lists(entries(), max_size=14))]
    return CaseFile(
        country=country,
        facts=tuple(fact for fact in found if fact is not None),
        person=Person(minor=draw(st.booleans()), unaccompanied=draw(st.booleans())),
    )


cases = some_cases()
days = st.dates(date(2026, 1, 1), date(2030, 1, 1))
instants = st.builds(lambda day, clock: datetime.combine(day, clock, tzinfo=UTC), days, CLOCK)
questions = st.one_of(days, days, instants)


def without_reasons(deadline: Deadline) -> Deadline:
    return replace(deadline, because=())


def named(case: CaseFile, procedure: Procedure) -> Procedure:
    """Return the answer with facts instead of their places, which depend on the order of recording."""

    def fact(place: int | None) -> Any:
        return None if place is None else case.facts[place]

    return replace(
        procedure,
        deadlines=tuple(replace(d, started_by=fact(d.started_by), met_by=fact(d.met_by)) for d in procedure.deadlines),
        questions=tuple(replace(q, fact=fact(q.fact)) for q in procedure.questions),
    )


def as_day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def today(case: CaseFile, on: date) -> date:
    """Return the legal day of the question."""
    return on.astimezone(zone_of(case.country)).date() if isinstance(on, datetime) else on


def _unheard() -> list[str]:
    """Return the facts that no rule and no line of the engine names, so that nothing can follow from them."""
    packs_and_engine = [resources.files("casework.law") / "rules", resources.files("casework.law")]
    texts = [
        entry.read_text("utf-8")
        for folder in packs_and_engine
        for entry in folder.iterdir()
        if entry.name.endswith((".toml", ".py")) and entry.name not in ("facts.py", "changes.py", "document.py")
    ]
    text = "\n".join(texts)
    return [
        name
        for name, kind in facts.VOCABULARY.items()
        if kind.group != "set" and not re.search(rf"(?<![a-z-]){name}(?![a-z-])", text)
    ]


UNHEARD = _unheard()
SET_BY_OTHERS = ("time-limit-set", "appointment")


class TestDeriving:
    """A pure function of the facts and the day."""

    @DETERMINISTIC
    @given(cases, questions)
    def test_gives_the_same_answer_twice(self, case: CaseFile, on: date) -> None:
        assert derive.procedure(case, on=on) == derive.procedure(case, on=on)

    @DETERMINISTIC
    @given(cases, questions, st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_recording(self, case: CaseFile, on: date, chance: random.Random) -> None:
        shuffled = list(case.facts)
        chance.shuffle(shuffled)
        other = replace(case, facts=tuple(shuffled))
        assert named(other, derive.procedure(other, on=on)) == named(case, derive.procedure(case, on=on))

    @DETERMINISTIC
    @given(cases, questions, st.data())
    def test_a_fact_that_nothing_listens_to_changes_nothing(
        self, case: CaseFile, on: date, data: st.DataObject
    ) -> None:
        """Irrelevant is what no rule and no line of the engine names, or what only sets a date of its own."""
        kinds = [facts.VOCABULARY[name] for name in (*UNHEARD, *SET_BY_OTHERS)]
        fact = read(data.draw(entries(st.sampled_from(kinds))), case.country)
        # Where nobody applied and nothing was asked, the first fact's day says which law governs.
        first = min((it.on for it in case.facts if not it.undated), default=date.max)
        assume(fact is not None and not fact.undated and fact.on >= first)
        more = replace(case, facts=(*case.facts, fact))
        before, behind = derive.procedure(case, on=on), derive.procedure(more, on=on)
        own = set(set_by_others.rule_ids())
        place = len(case.facts)
        assert [d for d in behind.deadlines if not (d.rule in own and d.started_by == place)] == list(before.deadlines)
        assert (behind.regime, behind.status, behind.responsible_state, behind.notes, behind.questions) == (
            (before.regime, before.status, before.responsible_state, before.notes, before.questions)
        )

    @DETERMINISTIC
    @given(cases, questions)
    def test_explanations_change_nothing_else(self, case: CaseFile, on: date) -> None:
        explained, plain = (derive.procedure(case, on=on, explain=explain) for explain in (True, False))
        assert all(deadline.because for deadline in explained.deadlines)
        assert tuple(map(without_reasons, explained.deadlines)) == plain.deadlines
        assert replace(explained, deadlines=()) == replace(plain, deadlines=())

    @DETERMINISTIC
    @given(cases, questions)
    def test_stays_the_same_until_the_day_it_names(self, case: CaseFile, on: date) -> None:
        now, day = derive.procedure(case, on=on), today(case, on)
        changes_on = now.changes_on or day + timedelta(days=400)
        assert changes_on > day or (isinstance(on, datetime) and changes_on == day)
        eve: date = changes_on - timedelta(days=1)
        if eve < day:
            return
        if isinstance(on, datetime):
            eve = max(on, datetime.combine(eve, time(23, 59), tzinfo=zone_of(case.country)).astimezone(UTC))
        last = derive.procedure(case, on=eve)
        seen = [(d.rule, d.starts, d.due, d.state, d.reading) for d in now.deadlines]
        assert [(d.rule, d.starts, d.due, d.state, d.reading) for d in last.deadlines] == seen
        assert (last.status, last.responsible_state, last.regime, last.questions) == (
            (now.status, now.responsible_state, now.regime, now.questions)
        )

    @DETERMINISTIC
    @given(cases, questions)
    def test_survives_being_written_and_read(self, case: CaseFile, on: date) -> None:
        written = json.dumps(facts.to_mapping(case))
        try:
            again = facts.parse(json.loads(written))
        except facts.FactsError:
            return  # an answer before its request, or a transfer before its acceptance: refused, as it should be
        assert again == case
        assert json.dumps(facts.to_mapping(again)) == written
        assert derive.procedure(again, on=on) == derive.procedure(case, on=on)


class TestEveryLimit:
    """What each time limit promises, whatever the case."""

    @DETERMINISTIC
    @given(cases, questions)
    def test_is_ordered_explained_and_consistent(self, case: CaseFile, on: date) -> None:
        procedure = derive.procedure(case, on=on)
        ours = [d for d in procedure.deadlines if d.rule in RULES]
        day = today(case, on)
        for limit in ours:
            assert limit.due_strict <= limit.due_rolled
            assert limit.due in (limit.due_strict, limit.due_rolled)
            assert (limit.state == "met") == (limit.met_on is not None)
            assert (limit.state == "stopped") == (limit.stopped_by is not None)
            assert (limit.state == "superseded") == (limit.superseded_by is not None)
            if limit.met_on is not None and not RULES[limit.rule].paused_by:
                assert limit.met_on <= as_day(limit.due_rolled)
            if isinstance(on, datetime) and isinstance(limit.due_rolled, datetime):
                assert limit.state not in ("running", "expired") or (limit.state == "expired") == (
                    on > limit.due_rolled
                )
            elif limit.state in ("running", "expired"):
                assert (limit.state == "expired") == (day > as_day(limit.due_rolled))
            assert limit.state in (*RULES[limit.rule].states, "superseded")
            assert limit.reading is None or procedure.regime == regime.OPEN

    @DETERMINISTIC
    @given(cases, questions)
    def test_is_in_order_of_its_date(self, case: CaseFile, on: date) -> None:
        due = [limit.due for limit in derive.procedure(case, on=on).deadlines]
        moments = [
            it.astimezone(UTC) if isinstance(it, datetime) else datetime.combine(it, time.min, tzinfo=UTC) for it in due
        ]
        assert moments == sorted(moments)

    @DETERMINISTIC
    @given(cases, questions)
    def test_never_ends_on_a_day_off_where_its_act_moves_it(self, case: CaseFile, on: date) -> None:
        for limit in derive.procedure(case, on=on).deadlines:
            rule = RULES.get(limit.rule)
            if rule is None or rule.counting not in ROLLS_IN_TEXT or isinstance(limit.due_rolled, datetime):
                continue
            if rule.length_from == "appeal_days" or (rule.period is not None and rule.period.backwards):
                continue
            acting = limit.concerns if rule.calendar == "requested" and limit.concerns else case.country
            assert calendar_for(acting).is_working_day(limit.due_rolled), limit.rule

    @DETERMINISTIC
    @given(cases, questions)
    def test_of_months_lasts_28_to_31_days_for_each(self, case: CaseFile, on: date) -> None:
        for limit in derive.procedure(case, on=on).deadlines:
            rule = RULES.get(limit.rule)
            if rule is None or rule.period is None or rule.cap or rule.paused_by or rule.length_from or rule.length_if:
                continue
            months = {"month": 1, "year": 12}.get(rule.period.unit, 0) * rule.period.count
            if months:
                longest = (limit.due_rolled - limit.starts).days
                assert 28 * months <= longest
                if rule.act_on == "earlier":
                    assert 28 * months <= (limit.due_strict - limit.starts).days <= 31 * months

    @DETERMINISTIC
    @given(cases, questions)
    def test_cites_a_rule_in_force(self, case: CaseFile, on: date) -> None:
        timeline = Timeline(undated.bounded(case, today(case, on)))
        registered = regime.reference_date(timeline, today(case, on))
        procedure = derive.procedure(case, on=on)
        for limit in procedure.deadlines:
            rule = RULES.get(limit.rule)
            if rule is None:
                assert limit.rule in set_by_others.rule_ids()
                continue
            assert (limit.legal_basis, limit.source, limit.confidence) == (
                (rule.legal_basis, rule.source, rule.confidence)
            )
            started = timeline.case.facts[limit.started_by] if limit.started_by is not None else None
            starts = {as_day(limit.starts), *([started.on] if started else [])}
            governed = {
                "registered": {registered, max(registered, regime.AMMR_APPLIES_FROM)}
                if limit.reading == "B"
                else {registered},
                "event": starts,
                "lodged": {timeline.application_before(day) or day for day in starts},
            }[rule.applies_by]
            assert any(rule.in_force_on(day) for day in governed), limit.rule
            assert rule.place in (None, case.country)

    @DETERMINISTIC
    @given(cases, questions)
    def test_is_no_guess(self, case: CaseFile, on: date) -> None:
        procedure = derive.procedure(case, on=on)
        for limit in procedure.deadlines:
            if limit.confidence == "unverified":
                fact = case.facts[limit.started_by]
                assert {"appeal_period", "appeal_days", "departure_days"} & fact.particulars.keys()
        limits = {(limit.rule, limit.reading, limit.started_by) for limit in procedure.deadlines}
        assert not [question for question in procedure.questions if (question.rule, None, question.fact) in limits]

    @DETERMINISTIC
    @given(cases, questions)
    def test_carries_no_gap_and_no_key_in_its_words(self, case: CaseFile, on: date) -> None:
        procedure = derive.procedure(case, on=on)
        said = [*procedure.warnings]
        for limit in procedure.deadlines:
            said.extend((*limit.because, limit.on_expiry, limit.label, limit.legal_basis))
        for question in procedure.questions:
            said.extend((question.text, question.label))
        for sentence in said:
            assert "{" not in sentence
            assert "None" not in sentence
            assert not sentence.startswith(("because.", "warning.", "claim.", "label.", "expiry.", "question."))


class TestNothingIsShortened:
    """A suspension, or a pause, gives time and takes none."""

    @DETERMINISTIC
    @given(
        st.sampled_from(COUNTRIES),
        st.dates(date(2026, 7, 5), date(2026, 12, 31)),
        st.lists(st.integers(1, 150), min_size=2, max_size=4),
        st.sampled_from(
            ["", "absconding-notified IT ground=absconded", "imprisoned", "crisis-derogation IT until=2027-01-31"]
        ),
        st.integers(0, 100),
    )  # fmt: skip
    def test_no_window_by_a_suspension(
        self, country: str, accepted: date, steps: list[int], more: str, later: int
    ) -> None:
        told = [f"{accepted} take-charge-accepted IT"]
        if more:
            told.append(f"{accepted + timedelta(days=later) if 'crisis' not in more else accepted} {more}")
        free = derive.procedure(case_from("\n".join(told), country=country), on=accepted)
        # Who absconds while nothing runs extends nothing: so it happens before.
        day = accepted + timedelta(days=later)
        for place, step in enumerate(steps):
            day += timedelta(days=step)
            what = "suspensive-effect-ended" if place % 2 else "suspensive-effect-granted ground=by-court"
            told.append(f"{day} {what}")
        suspended = derive.procedure(case_from("\n".join(told), country=country), on=accepted)
        assert _longest(suspended) >= _longest(free)

    @DETERMINISTIC
    @given(
        st.dates(date(2026, 7, 5), date(2027, 12, 31)),
        st.integers(0, 40),
        st.lists(st.integers(0, 200), max_size=3),
    )
    def test_no_period_by_a_pause(self, notified: date, asked: int, answers: list[int]) -> None:
        told = [f"{notified} asylum-decision-notified outcome=refused"]
        free = derive.procedure(case_from(told[0]), on=notified).limit("fr-cnda-1m")
        day = notified + timedelta(days=asked)
        told.append(f"{day} legal-aid-requested against=asylum-decision")
        told.extend(f"{day + timedelta(days=n)} legal-aid-decided against=asylum-decision" for n in answers)
        paused = derive.procedure(case_from("\n".join(told)), on=notified).limit("fr-cnda-1m")
        assert paused.due_strict >= free.due_strict
        assert paused.due_rolled >= free.due_rolled
        assert paused.due_strict <= paused.due_rolled


def _longest(procedure: Procedure) -> date:
    windows = [d for d in procedure.deadlines if RULES[d.rule].restarts_on or RULES[d.rule].extends]
    return max(as_day(d.due) for d in windows if RULES[d.rule].phase == "procedure")


class TestRegime:
    """Registration selects the regulation; later facts do not."""

    @DETERMINISTIC
    @given(cases, entries(), days)
    def test_a_new_fact_changes_the_regime_only_where_the_law_says_so(
        self, case: CaseFile, entry: dict[str, Any], on: date
    ) -> None:
        fact = read(entry, case.country)
        assume(fact is not None and not fact.undated)
        case = replace(case, facts=(*case.facts, Fact("application-registered", date(2026, 1, 1))))
        before = derive.procedure(case, on=on).regime
        behind = derive.procedure(replace(case, facts=(*case.facts, fact)), on=on).regime
        if before != behind:
            assert {before, behind} == {regime.DUBLIN3, regime.OPEN}
            late_step = regime.has_step_after_change(Timeline(replace(case, facts=(fact,))))
            assert late_step or fact.on <= regime.AMMR_APPLIES_FROM

    @DETERMINISTIC
    @given(cases, days)
    def test_the_day_of_the_question_does_not_change_it(self, case: CaseFile, on: date) -> None:
        if case.facts and not any(fact.undated for fact in case.facts):
            assert derive.procedure(case, on=on).regime == derive.procedure(case, on=date(2030, 1, 1)).regime
