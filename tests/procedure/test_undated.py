"""Facts whose day nobody knows yet: they are recorded, kept in order, and give questions instead of dates."""

from __future__ import annotations

from datetime import date

import pytest

from casework.cases import selectors as cases
from casework.core.errors import Invalid
from casework.procedure import selectors, services
from casework.procedure.types import RecordedFact
from tests import cast

pytestmark = pytest.mark.django_db

REGISTERED = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}


@pytest.fixture
def case_id(people):
    return cast.open_a_case(people)


def record(people, case_id, *facts):
    with cast.acting(people.wanda):
        for fact in facts:
            services.record_fact(case_id, content=fact)


class TestTheChronology:
    def test_has_an_undated_fact_where_it_may_begin_and_last_where_nothing_is_known(self, people, case_id):
        record(
            people,
            case_id,
            {"fact": "left-territory", "date_unknown": True},
            {"fact": "appeal-lodged", "date_unknown": True, "not_before": "2026-08-15", "against": "asylum-decision"},
            REGISTERED,
            {"fact": "application-made", "on": "2026-08-01"},
        )
        with cast.acting(people.wanda):
            facts = selectors.recorded_facts(case_id)
        names = ["application-made", "appeal-lodged", "application-registered", "left-territory"]
        assert [fact.name for fact in facts] == names
        assert [fact.undated for fact in facts] == [False, True, False, True]
        assert [fact.on for fact in facts][1] == ""

    def test_refuses_bounds_the_wrong_way_round(self, people, case_id):
        wrong = {"fact": "left-territory", "date_unknown": True, "not_before": "2026-09-01", "not_after": "2026-08-01"}
        with pytest.raises(Invalid):
            record(people, case_id, wrong)

    def test_is_derived_with_the_cautious_bound_and_says_what_to_find_out(self, people, case_id):
        record(
            people,
            case_id,
            REGISTERED,
            {"fact": "transfer-decision-notified", "date_unknown": True, "not_before": "2026-10-01"},
        )
        with cast.acting(people.wanda):
            view = selectors.derived(case_id, "FR")
            stored = {limit.rule: limit.due_on for limit in selectors.stored_limits([case_id])}
        assert stored["ammr-suspension-request"] == date(2026, 10, 8)
        assert any("1 October 2026" in sentence and "not known" in sentence for sentence in view.warnings)


def a_fact(name, **content):
    from casework.core import clock, ids

    return RecordedFact(ids.new_id(), clock.now(), None, {"fact": name, **content}, "")


class TestDetention:
    """The mark on the case, with facts whose day is not known."""

    def test_counts_what_has_happened_on_an_unknown_day(self):
        detained = a_fact("detained", ground="transfer", date_unknown=True)
        assert selectors.is_detained([detained], date(2026, 9, 1))

    def test_does_not_count_what_can_only_happen_later(self):
        detained = a_fact("detained", ground="transfer", date_unknown=True, not_before="2026-10-01")
        assert not selectors.is_detained([detained], date(2026, 9, 1))
        assert selectors.is_detained([detained], date(2026, 10, 1))

    @pytest.mark.parametrize("bounds", [{"not_after": "2026-08-15"}, {"not_before": "2026-07-05"}])
    def test_takes_a_release_that_lies_before_a_detention_to_be_over(self, people, case_id, bounds):
        record(
            people,
            case_id,
            {"fact": "released", "date_unknown": True, **bounds},
            {"fact": "detained", "on": "2026-09-01", "ground": "transfer"},
        )
        with cast.acting(people.wanda):
            assert [fact.name for fact in selectors.recorded_facts(case_id)] == ["released", "detained"]
            assert cases.case_for(case_id).detained
