"""What must hold for any case at all: Hypothesis makes the cases."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from casework.law import derive, facts, packs, regime
from casework.law.timeline import Timeline
from casework.law.types import CaseFile, Deadline, Fact, Person
from tests.law.cases import DETERMINISTIC

STATES = ("HR", "PL", "IT")
RULES = packs.by_id()
COMMON = (
    "application-registered", "eurodac-hit", "take-charge-requested", "take-charge-accepted", "take-charge-refused",
    "take-back-notified", "take-back-confirmed", "transfer-decision-notified", "appeal-lodged", "suspension-requested",
    "suspensive-effect-granted", "appeal-decided", "absconding-notified", "available-again", "imprisoned", "detained",
    "released", "transferred", "crisis-derogation", "transfer-scheduled", "relocation-file-received",
)  # fmt: skip


def _particulars(kind: facts.FactKind) -> st.SearchStrategy[dict[str, object]]:
    values = {
        "choice": lambda m: st.sampled_from(m.choices),
        "days": lambda _: st.integers(1, 30),
        "flag": lambda _: st.booleans(),
        "text": lambda _: st.sampled_from(["statement", "papers"]),
        "date": lambda _: st.dates(date(2028, 1, 1), date(2028, 12, 31)),
        "moment": lambda _: st.dates(date(2028, 1, 1), date(2028, 12, 31)),
        "party": lambda _: st.sampled_from(["applicant", "authority", "FR"]),
    }
    members = {m.name: values[m.kind](m) for m in kind.members if m.kind != "state"}
    required = {name: value for name, value in members.items() if kind.member(name).required}
    optional = {name: value for name, value in members.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def some_facts(draw: st.DrawFn, since: date = date(2026, 1, 5), until: date = date(2027, 6, 30)) -> Fact:
    common = st.sampled_from([facts.VOCABULARY[name] for name in COMMON])
    kind = draw(st.one_of(common, common, st.sampled_from(list(facts.VOCABULARY.values()))))
    state = kind.member("state")
    if kind.name in ("application-registered", "application-lodged"):
        where = None
    elif state is not None and (state.required or draw(st.booleans())):
        where = draw(st.sampled_from(STATES))
    else:
        where = None
    return Fact(kind.name, draw(st.dates(since, until)), state=where, particulars=draw(_particulars(kind)))


cases = st.builds(
    CaseFile,
    country=st.just("FR"),
    facts=st.lists(some_facts(), max_size=14).map(tuple),
    person=st.builds(Person, minor=st.booleans(), unaccompanied=st.booleans()),
)
questions = st.dates(date(2026, 1, 1), date(2030, 1, 1))


def without_reasons(deadline: Deadline) -> Deadline:
    return replace(deadline, because=())


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
        assert derive.procedure(replace(case, facts=tuple(shuffled)), on=on) == derive.procedure(case, on=on)

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
        now = derive.procedure(case, on=on)
        changes_on = now.changes_on or on + timedelta(days=400)
        assert changes_on > on
        last = derive.procedure(case, on=changes_on - timedelta(days=1))
        seen = [(d.rule, d.starts, d.due, d.state, d.reading) for d in now.deadlines]
        assert [(d.rule, d.starts, d.due, d.state, d.reading) for d in last.deadlines] == seen
        assert (last.status, last.responsible_state, last.regime) == (now.status, now.responsible_state, now.regime)

    @DETERMINISTIC
    @given(cases, questions)
    def test_survives_being_written_and_read(self, case: CaseFile, on: date) -> None:
        try:
            read = facts.parse(facts.to_mapping(case))
        except facts.FactsError:
            return  # an answer before its request, or a withdrawn derogation: refused, as it should be
        assert derive.procedure(read, on=on) == derive.procedure(case, on=on)


class TestEveryLimit:
    """What each time limit promises, whatever the case."""

    @DETERMINISTIC
    @given(cases, questions)
    def test_is_ordered_explained_and_consistent(self, case: CaseFile, on: date) -> None:
        procedure = derive.procedure(case, on=on)
        ours = [d for d in procedure.deadlines if d.rule in RULES]
        assert [(d.due, d.rule) for d in ours] == sorted((d.due, d.rule) for d in ours)
        for limit in ours:
            assert limit.due_strict <= limit.due_rolled
            assert limit.due in (limit.due_strict, limit.due_rolled)
            assert (limit.state == "met") == (limit.met_on is not None)
            assert (limit.state == "stopped") == (limit.stopped_by is not None)
            assert (limit.state == "superseded") == (limit.superseded_by is not None)
            if limit.met_on is not None:
                assert limit.met_on <= limit.due_rolled
            if limit.state == "running":
                assert on <= limit.due_rolled
            if limit.state == "expired":
                assert on > limit.due_rolled
            assert limit.state in (*RULES[limit.rule].states, "superseded")
            assert (limit.reading is None) == (procedure.regime != regime.OPEN)

    @DETERMINISTIC
    @given(cases, questions)
    def test_carries_no_gap_and_no_key_in_its_words(self, case: CaseFile, on: date) -> None:
        procedure = derive.procedure(case, on=on)
        said = [*procedure.warnings]
        for limit in procedure.deadlines:
            said.extend((*limit.because, limit.on_expiry, limit.label, limit.legal_basis))
        for sentence in said:
            assert "{" not in sentence
            assert "None" not in sentence
            assert not sentence.startswith(("because.", "warning.", "claim.", "label.", "expiry."))


class TestRegime:
    """Registration selects the regulation; later facts do not."""

    @DETERMINISTIC
    @given(cases, some_facts(), questions)
    def test_a_new_fact_changes_the_regime_only_where_the_law_says_so(
        self, case: CaseFile, fact: Fact, on: date
    ) -> None:
        case = replace(case, facts=(*case.facts, Fact("application-registered", date(2026, 1, 1))))
        before = derive.procedure(case, on=on).regime
        behind = derive.procedure(replace(case, facts=(*case.facts, fact)), on=on).regime
        if before != behind:
            assert {before, behind} == {regime.DUBLIN3, regime.OPEN}
            late_step = regime.has_step_after_change(Timeline(replace(case, facts=(fact,))))
            assert late_step or fact.on <= regime.AMMR_APPLIES_FROM

    @DETERMINISTIC
    @given(cases, questions)
    def test_the_day_of_the_question_does_not_change_it(self, case: CaseFile, on: date) -> None:
        if case.facts:
            assert derive.procedure(case, on=on).regime == derive.procedure(case, on=date(2030, 1, 1)).regime
