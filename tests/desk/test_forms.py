"""The form of a fact says what the vocabulary says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from casework.core import clock
from casework.desk.forms.facts import FactForm
from casework.law import facts as law
from casework.law.facts import VOCABULARY, FactKind, Member

_VALUES: dict[str, Any] = {"state": "HR", "text": "synthetic words", "days": "7", "flag": "on", "party": "authority"}


def _given(kind: FactKind) -> dict[str, Any]:
    given = {"on_0": "2", "on_1": "9", "on_2": "2026", "certainty": "document"}
    for member in kind.members:
        if member.kind in {"date", "moment"}:
            given |= {f"{member.name}_0": "5", f"{member.name}_1": "10", f"{member.name}_2": "2026"}
        elif member.kind == "period":
            given |= {f"{member.name}_0": "2", f"{member.name}_1": "week"}
        else:
            given[member.name] = member.choices[0] if member.kind == "choice" else _VALUES[member.kind]
    return given


def _asked(kind: FactKind) -> set[str]:
    """The members that the form asks for: of the two that hold a printed figure, one."""
    names = {member.name for member in kind.members}
    return names - {"appeal_days"} if "appeal_period" in names else names


@pytest.fixture(autouse=True)
def _on_23_november_2026():
    with clock.fixed(datetime(2026, 11, 23, 9, 0, tzinfo=UTC)):
        yield


class TestFactForm:
    """Made from `law.facts.VOCABULARY`."""

    @pytest.mark.parametrize("name", sorted(VOCABULARY))
    def test_what_it_gives_is_a_fact_of_the_facts_file(self, name):
        form = FactForm(_given(VOCABULARY[name]), kind=VOCABULARY[name], country="FR")
        assert form.is_valid(), form.errors
        fact = law.parse_fact(form.content)
        assert fact.name == name
        assert fact.certainty == "document"
        given = set(fact.particulars) | ({"state"} if fact.state else set())
        assert given == _asked(VOCABULARY[name])

    @pytest.mark.parametrize("name", sorted(VOCABULARY))
    def test_what_was_recorded_comes_back_unchanged(self, name):
        content = FactForm(_given(VOCABULARY[name]), kind=VOCABULARY[name], country="FR")
        assert content.is_valid()
        shown = FactForm(kind=VOCABULARY[name], country="FR", content=content.content)
        typed: dict[str, Any] = {}
        for bound in shown:
            value = bound.value()
            if VOCABULARY[name].member(bound.name) and VOCABULARY[name].member(bound.name).kind == "period":
                typed |= {f"{bound.name}_0": value.split()[0], f"{bound.name}_1": value.split()[1].rstrip("s")}
            elif hasattr(value, "year"):
                typed |= {f"{bound.name}_0": value.day, f"{bound.name}_1": value.month, f"{bound.name}_2": value.year}
            elif value not in (None, "", False):
                typed[bound.name] = value
        again = FactForm(typed, kind=VOCABULARY[name], country="FR", content=content.content)
        assert again.is_valid(), again.errors
        assert again.content == content.content

    @pytest.mark.parametrize(
        "name", sorted(kind.name for kind in VOCABULARY.values() if any(member.required for member in kind.members))
    )
    def test_a_missing_member_is_said_beside_its_field(self, name):
        form = FactForm({"on_0": "2", "on_1": "9", "on_2": "2026"}, kind=VOCABULARY[name], country="FR")
        assert not form.is_valid()
        assert set(form.errors) == {member.name for member in VOCABULARY[name].members if member.required}

    def test_the_zone_is_that_of_the_authority_in_winter_and_in_summer(self):
        kind = VOCABULARY["detained"]
        given = {"on_0": "1", "on_2": "2026", "ground": "transfer", "time": "10:00"}
        for month, offset in (("2", "+02:00"), ("7", "+03:00")):
            form = FactForm({**given, "on_1": month}, kind=kind, country="FI")
            assert form.is_valid()
            assert form.content["at"].endswith(offset)

    @pytest.mark.parametrize("at", ["2026-09-01T22:30:00Z", "2026-09-01T22:30:00+00:00", "2026-09-02T01:30:00+03:00"])
    def test_day_and_hour_of_a_moment_are_those_of_one_clock(self, at):
        content = {"fact": "detained", "at": at, "ground": "transfer"}
        form = FactForm(kind=VOCABULARY["detained"], country="FR", content=content)
        assert (form["on"].value(), form["time"].value()) == (date(2026, 9, 2), time(0, 30))
        typed = {"on_0": "2", "on_1": "9", "on_2": "2026", "time": "00:30", "ground": "transfer"}
        again = FactForm(typed, kind=VOCABULARY["detained"], country="FR", content=content)
        assert again.is_valid()
        assert datetime.fromisoformat(again.content["at"]) == datetime.fromisoformat(at)

    @pytest.mark.parametrize(
        ("kind", "unknown"), [("imprisoned", "false"), ("imprisoned", "False"), ("visa-expires", "on")]
    )
    def test_a_date_is_asked_for_unless_it_can_be_and_is_said_to_be_unknown(self, kind, unknown):
        form = FactForm({"date_unknown": unknown, "state": "HR"}, kind=VOCABULARY[kind], country="FR")
        assert not form.is_valid()
        assert "on" in form.errors

    def test_what_is_supposed_has_nothing_that_only_the_record_keeps(self):
        given = {**_given(VOCABULARY["vis-hit"]), "note": "n" * 4001}
        form = FactForm(given, kind=VOCABULARY["vis-hit"], country="FR", supposed=True)
        assert form.is_valid(), form.errors
        assert ("note", "n" * 4001) in form.carried_apart

    def test_a_planned_fact_may_lie_ahead_and_another_may_not(self):
        tomorrow = {"on_0": "24", "on_1": "11", "on_2": "2026", "state": "HR"}
        assert FactForm(tomorrow, kind=VOCABULARY["visa-expires"], country="FR").is_valid()
        assert not FactForm(tomorrow, kind=VOCABULARY["vis-hit"], country="FR").is_valid()

    def test_an_hour_without_its_date_is_refused(self):
        kind = VOCABULARY["time-limit-set"]
        given = _given(kind) | {"due_0": "", "due_1": "", "due_2": "", "due_time": "10:00"}
        form = FactForm(given, kind=kind, country="FR")
        assert not form.is_valid()
        assert "due" in form.errors

    def test_a_fault_of_the_law_stands_beside_the_field_it_names(self):
        form = FactForm(_given(VOCABULARY["vis-hit"]), kind=VOCABULARY["vis-hit"], country="FR")
        assert form.is_valid()
        form.add_fault("facts[3] (vis-hit): state: 'Q' is not a state's code of two letters, such as HR.")
        assert "state" in form.errors
        assert "facts[" not in str(form.errors)


class TestMembers:
    """Every member and choice has its words."""

    @pytest.mark.parametrize("name", sorted(VOCABULARY))
    def test_nothing_is_shown_as_a_code(self, name):
        from casework.desk import labels

        assert labels.fact(name) != name
        for member in VOCABULARY[name].members:
            assert isinstance(member, Member)
            assert "_" not in labels.member(member.name)
            for value in member.choices:
                assert "-" not in labels.choice(member.name, value), value
