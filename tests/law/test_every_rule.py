"""Every rule of the packs: its last day, the day after, met, late, stopped, superseded; none without a scenario."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from casework.law import packs
from casework.law.facts import VOCABULARY
from casework.law.packs import Rule
from casework.law.types import Deadline
from tests.law.cases import after, day, derive_from
from tests.law.scenarios import NOTES, SCENARIOS, Note, Scenario

RULES = {rule.id: rule for rule in packs.load()}
PERIODS = [rule for rule in RULES.values() if not rule.is_note]
FAR_OFF = "2035-01-01"


def replacers(rule: Rule) -> set[str]:
    """Return which rules the packs let take a rule's place; "" where it can start anew."""
    found = {other.id for other in PERIODS if rule.id in other.supersedes and rule.regime == other.regime}
    return found | ({""} if rule.restarts_on else set())


def limit_of(scenario: Scenario, more: str = "", *, on: date | str = FAR_OFF) -> Deadline:
    """Return the first limit under the scenario's rule, as of a day or an instant."""
    procedure = derive_from(f"{scenario.facts}\n{more}", on=on, **{"country": scenario.country, **scenario.more})
    return next(d for d in procedure.deadlines if d.rule == scenario.rule)


def end_of(scenario: Scenario) -> date:
    """Return the last day or instant of the scenario's period."""
    return moment(scenario.rolled or scenario.strict)


def moment(text: str) -> date:
    """Return a day, or an instant where an hour is written."""
    return datetime.fromisoformat(text) if "T" in text else day(text)


def just_after(when: date) -> date:
    """Return the next day, or the next minute."""
    return when + timedelta(minutes=1) if isinstance(when, datetime) else after(when)


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.rule)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return request.param


class TestTheTable:
    """The packs decide what must be tested."""

    def test_has_one_scenario_for_each_period(self) -> None:
        assert sorted(s.rule for s in SCENARIOS) == sorted(rule.id for rule in PERIODS)

    def test_has_one_for_each_entry_without_a_period(self) -> None:
        assert sorted(n.rule for n in NOTES) == sorted(rule.id for rule in RULES.values() if rule.is_note)

    def test_tries_every_state_that_the_rule_can_take(self, scenario: Scenario) -> None:
        states = RULES[scenario.rule].states
        assert bool(scenario.met) == bool(scenario.late) == ("met" in states)
        assert bool(scenario.stopped) == ("stopped" in states)

    def test_tries_every_rule_that_can_take_its_place(self, scenario: Scenario) -> None:
        assert set(scenario.superseded.values()) == replacers(RULES[scenario.rule])


class TestEveryPeriod:
    """Each period of Regulations (EU) No 604/2013, 2024/1351 and 2024/1359 in the packs."""

    def test_ends_on_its_day(self, scenario: Scenario) -> None:
        limit = limit_of(scenario)
        strict, rolled = moment(scenario.strict), end_of(scenario)
        assert (limit.due_strict, limit.due_rolled) == (strict, rolled)
        earlier = RULES[scenario.rule].act_on == "earlier"
        assert limit.due == (strict if earlier else rolled)

    def test_runs_on_its_last_day(self, scenario: Scenario) -> None:
        assert limit_of(scenario, on=end_of(scenario)).state == "running"

    def test_has_expired_on_the_day_after(self, scenario: Scenario) -> None:
        assert limit_of(scenario, on=just_after(end_of(scenario))).state == "expired"

    def test_is_met_by_the_act_in_time(self, scenario: Scenario) -> None:
        if scenario.met:
            limit = limit_of(scenario, scenario.met)
            assert (limit.state, limit.met_on) == ("met", day(scenario.met[:10]))

    def test_is_not_met_by_the_act_on_the_day_after(self, scenario: Scenario) -> None:
        if scenario.late:
            limit = limit_of(scenario, scenario.late)
            assert (limit.state, limit.met_on) == ("expired", None)

    def test_is_stopped(self, scenario: Scenario) -> None:
        if scenario.stopped:
            limit = limit_of(scenario, scenario.stopped)
            assert (limit.state, limit.stopped_by) == ("stopped", scenario.stopped.split()[1])

    def test_is_superseded(self, scenario: Scenario) -> None:
        for facts, by in scenario.superseded.items():
            limit = limit_of(scenario, facts)
            assert (limit.state, limit.superseded_by) == ("superseded", by or scenario.rule), facts

    def test_takes_the_place_of_what_another_pack_says(self, scenario: Scenario) -> None:
        rule = RULES[scenario.rule]
        foreign = {other for other in rule.supersedes if RULES[other].regime != rule.regime}
        limit = limit_of(scenario)
        procedure = derive_from(scenario.facts, on=FAR_OFF, **{"country": scenario.country, **scenario.more})
        for other in procedure.deadlines:
            if other.rule in foreign and other.started_by == limit.started_by:
                assert other.state == "superseded", other.rule

    def test_carries_its_basis_and_reasons(self, scenario: Scenario) -> None:
        limit, rule = limit_of(scenario), RULES[scenario.rule]
        assert (limit.legal_basis, limit.source, limit.confidence) == (rule.legal_basis, rule.source, rule.confidence)
        assert len(limit.because) >= 2
        assert limit.on_expiry
        assert "{" not in "".join((*limit.because, limit.on_expiry, limit.label))

    def test_makes_its_claim_once_it_has_passed_and_not_before(self, scenario: Scenario) -> None:
        rule = RULES[scenario.rule]
        end, place = end_of(scenario), scenario.country
        before = derive_from(scenario.facts, on=end, **{"country": place, **scenario.more}).warnings
        behind = derive_from(scenario.facts, on=just_after(end), **{"country": place, **scenario.more}).warnings
        claims = [w for w in behind if rule.legal_basis in w and w not in before]
        assert bool(claims) == bool(rule.claim)

    def test_asks_instead_while_nobody_has_confirmed_it(self, scenario: Scenario) -> None:
        rule = RULES[scenario.rule]
        if not rule.asks:
            return
        facts = re.sub(r" appeal_(period|days)=\S+", "", scenario.facts)
        procedure = derive_from(facts, on=end_of(scenario), **{"country": scenario.country, **scenario.more})
        assert not [d for d in procedure.deadlines if d.rule == rule.id]
        asked = next(q for q in procedure.questions if q.rule == rule.id)
        assert (asked.legal_basis, asked.source, asked.confidence) == (rule.legal_basis, rule.source, "unverified")
        assert asked.period is not None
        assert asked.period in asked.text

    def test_takes_the_period_printed_in_the_decision(self, scenario: Scenario) -> None:
        rule = RULES[scenario.rule]
        if rule.length_from != "appeal_period" or "appeal_days" in scenario.facts:
            return
        starts = {spec.event for spec in rule.starts_on}
        lines = re.sub(r" appeal_period=\S+", "", scenario.facts).splitlines()
        if not any(VOCABULARY[line.split()[1]].member("appeal_period") for line in lines if line.split()[1] in starts):
            return
        printed = [f"{line} appeal_period=400_days" if line.split()[1] in starts else line for line in lines]
        limit = limit_of(replace(scenario, facts="\n".join(printed)))
        assert any("400 days" in sentence for sentence in limit.because)


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.rule)
class TestEveryClause:
    """The entries without a period: they are cited when the facts touch them, and only then."""

    def test_is_cited_when_the_facts_touch_it(self, note: Note) -> None:
        procedure = derive_from(note.facts, **{"country": note.country, **note.more})
        assert note.rule in procedure.notes
        assert not note.warns or any(note.warns in warning for warning in procedure.warnings)
        assert RULES[note.rule].asks == any(question.rule == note.rule for question in procedure.questions)

    def test_is_not_cited_otherwise(self, note: Note) -> None:
        assert note.rule not in derive_from(note.other, **{"country": note.country, **note.more}).notes
