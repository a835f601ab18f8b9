"""A record that contradicts itself: its pages stay, work on it goes on, and whatever mends it is accepted."""

from __future__ import annotations

import pytest

from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.types import PersonInput
from casework.core.errors import Invalid
from casework.procedure import selectors, services
from casework.procedure.models import Fact
from tests import cast

pytestmark = pytest.mark.django_db

REGISTERED = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}
HIT = {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"}
OWN_HIT = {**HIT, "state": "FR"}
DETAINED = {"fact": "detained", "on": "2026-09-10", "ground": "transfer"}


@pytest.fixture
def case_id(people):
    return cast.open_a_case(people)


@pytest.fixture
def faulty(people, case_id):
    """A hit of the own state, as it could be recorded before the law refused it; returns its id."""
    with cast.acting(people.wanda):
        services.record_fact(case_id, content=REGISTERED)
        fact = Fact(case_id=case_id, recorded_by=people.wanda, content={"fact": OWN_HIT, "note": ""})
        fact.save()
    return fact.pk


def names(case_id):
    return [fact.name for fact in selectors.recorded_facts(case_id)]


def change_country(case_id, country):
    version = cases.case_for(case_id).version
    case_services.update_case(case_id, given=cast.a_case(country=country, title="Another title"), version=version)


class TestTheView:
    def test_keeps_the_facts_and_names_the_one_at_fault(self, people, case_id, faulty):
        with cast.acting(people.wanda):
            view = selectors.derived(case_id, "FR")
        assert [fact.name for fact in view.facts] == ["application-registered", "eurodac-hit"]
        assert (view.deadlines, view.fault_fact) == ((), faulty)
        assert "FR is the state of this procedure" in view.fault

    def test_says_nothing_where_nothing_is_wrong(self, people, case_id):
        with cast.acting(people.wanda):
            services.record_fact(case_id, content=REGISTERED)
            view = selectors.derived(case_id, "FR")
        assert (view.fault, view.fault_fact) == ("", None)

    def test_leaves_a_relative_whose_state_is_none_out_of_the_law(self, people, case_id):
        with cast.acting(people.wanda):
            services.record_fact(case_id, content=REGISTERED)
            for state in ("UK", "DE"):
                given = PersonInput("Synthetic Sister", "Synthetic Sister", relation="sibling", state=state)
                case_services.add_family_member(case_id, given=given)
        with cast.acting(people.wanda):
            view = selectors.derived(case_id, "FR")
            file = selectors.file_of("FR", view.facts, selectors.household(case_id), view.on)
        assert view.fault == ""
        assert [member.state for member in file.family] == ["DE"]


class TestRecordingBesideAFault:
    def test_takes_another_fact_and_derives_once_the_fault_is_mended(self, people, case_id, faulty):
        with cast.acting(people.wanda):
            services.record_fact(case_id, content=DETAINED)
            assert "detained" in names(case_id)
            assert not cases.case_for(case_id).detained
            services.correct_fact(case_id, fact_id=faulty, content=HIT, reason="The letter says Croatia")
            assert selectors.derived(case_id, "FR").fault == ""
            assert cases.case_for(case_id).detained

    def test_takes_the_withdrawal_of_what_is_at_fault(self, people, case_id, faulty):
        with cast.acting(people.wanda):
            services.withdraw_fact(case_id, fact_id=faulty, note="Of another file")
            assert selectors.derived(case_id, "FR").fault == ""

    @pytest.mark.parametrize(
        "content", [OWN_HIT, {**HIT, "on": "2026-02-30"}, {"fact": "take-back-confirmed", "on": "2026-09-09"}]
    )
    def test_refuses_what_is_itself_at_fault(self, people, case_id, faulty, content):
        with cast.acting(people.wanda):
            services.record_fact(case_id, content={"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"})
            with pytest.raises(Invalid):
                services.record_fact(case_id, content=content)
            assert len(names(case_id)) == 3

    def test_refuses_what_puts_another_at_fault(self, people, case_id, faulty):
        with cast.acting(people.wanda):
            confirmed = {"fact": "take-back-confirmed", "on": "2026-09-09", "state": "HR"}
            services.record_fact(case_id, content=confirmed)
            with pytest.raises(Invalid):
                services.record_fact(case_id, content={"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"})
            assert "take-back-notified" not in names(case_id)

    def test_refuses_a_correction_that_leaves_it_at_fault(self, people, case_id, faulty):
        with cast.acting(people.wanda), pytest.raises(Invalid):
            services.correct_fact(case_id, fact_id=faulty, content={**OWN_HIT, "on": "2026-09-03"}, reason="The day")


class TestARefusal:
    def test_names_the_member_at_fault(self, people, case_id):
        with cast.acting(people.wanda):
            services.record_fact(case_id, content=REGISTERED)
            for act in (
                lambda: services.record_fact(case_id, content=OWN_HIT),
                lambda: selectors.what_if(case_id, "FR", content=OWN_HIT),
            ):
                with pytest.raises(Invalid) as refused:
                    act()
                assert list(refused.value.fields) == ["state"]


class TestSupposing:
    def test_a_correction_that_mends_the_record_shows_what_comes_of_it(self, people, case_id, faulty):
        with cast.acting(people.wanda):
            seen = selectors.what_if(case_id, "FR", content=HIT, corrects=faulty)
        assert seen.now.fault_fact == faulty
        assert (seen.then.fault, bool(seen.then.deadlines)) == ("", True)

    def test_anything_else_beside_the_fault_is_refused(self, people, case_id, faulty):
        with cast.acting(people.wanda), pytest.raises(Invalid):
            selectors.what_if(case_id, "FR", content=DETAINED)


class TestAnotherCountry:
    def test_is_refused_where_a_fact_contradicts_it_and_nothing_is_saved(self, people, case_id):
        with cast.acting(people.wanda):
            for content in (REGISTERED, HIT):
                services.record_fact(case_id, content=content)
        with cast.acting(people.wanda):
            with pytest.raises(Invalid) as refused:
                change_country(case_id, "HR")
            case = cases.view_of(cases.case_for(case_id))
            assert (case.country, case.title, case.version) == ("FR", "Synthetic title", 1)
        assert list(refused.value.fields) == ["country"]
        assert "facts[" not in str(refused.value.fields["country"])

    def test_is_taken_where_the_facts_allow_it(self, people, case_id):
        with cast.acting(people.wanda):
            for content in (REGISTERED, HIT):
                services.record_fact(case_id, content=content)
        with cast.acting(people.wanda):
            change_country(case_id, "DE")
        with cast.acting(people.wanda):
            assert cases.case_for(case_id).country == "DE"
            assert selectors.derived(case_id, "DE").fault == ""

    def test_may_be_what_mends_the_record(self, people, case_id, faulty):
        with cast.acting(people.wanda):
            change_country(case_id, "DE")
        with cast.acting(people.wanda):
            assert selectors.derived(case_id, "DE").fault == ""
