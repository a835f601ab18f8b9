"""How long closed cases are kept: proposals on the right day, to the right people, and nothing more."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from casework.cases import erasing, retention, services
from casework.cases import selectors as cases
from casework.cases.models import Case
from casework.cases.types import CaseState
from casework.core import clock
from casework.core.errors import Conflict, Invalid, NotAllowed, NotFound
from tests import cast

pytestmark = pytest.mark.django_db


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.fixture
def closed(people: cast.Cast) -> UUID:
    """A case of North, closed on 31 January 2026."""
    with clock.fixed(_at(date(2026, 1, 31))):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.close_case(case_id, on=date(2026, 1, 31))
    return case_id


def _proposed(who: UUID, day: date) -> list[tuple[UUID, date]]:
    with clock.fixed(_at(day)), cast.acting(who):
        return [(one.case_id, one.ended_on) for one in retention.proposals()]


class TestATeamsTimeForKeeping:
    @pytest.mark.parametrize(
        ("months", "last"),
        [(1, date(2026, 2, 28)), (3, date(2026, 4, 30)), (12, date(2027, 1, 31)), (25, date(2028, 2, 29))],
    )
    def test_ends_after_its_last_day(self, people, closed, months, last):
        with cast.acting(people.cora):
            retention.set_retention(people.north, months)
        assert _proposed(people.cora, last) == []
        assert _proposed(people.cora, last.replace(day=1, month=last.month % 12 + 1)) == [(closed, last)]

    @pytest.mark.parametrize("months", [0, -1, 241])
    def test_is_from_one_month_to_twenty_years(self, people, months):
        with cast.acting(people.cora), pytest.raises(Invalid) as refused:
            retention.set_retention(people.north, months)
        assert set(refused.value.fields) == {"months"}

    @pytest.mark.parametrize("months", [1, 240])
    def test_takes_its_bounds(self, people, months):
        with cast.acting(people.cora):
            retention.set_retention(people.north, months)

    def test_is_set_by_its_coordinators_alone(self, people):
        for name in ("wanda", "lev", "aud", "ada"):
            with cast.acting(getattr(people, name)), pytest.raises(NotAllowed):
                retention.set_retention(people.north, 12)
        with cast.acting(people.olga), pytest.raises(NotFound):
            retention.set_retention(people.north, 12)

    def test_without_an_end_proposes_nothing(self, people, closed):
        assert _proposed(people.cora, date(2050, 1, 1)) == []
        with cast.acting(people.cora):
            retention.set_retention(people.north, 6)
        assert _proposed(people.cora, date(2050, 1, 1)) != []
        with cast.acting(people.cora):
            retention.set_retention(people.north, None)
        assert _proposed(people.cora, date(2050, 1, 1)) == []

    def test_proposes_to_the_teams_coordinators_alone_and_erases_nothing(self, people, closed):
        with cast.acting(people.cora):
            retention.set_retention(people.north, 6)
        day = date(2050, 1, 1)
        for name in ("wanda", "lev", "otto", "olga", "aud", "ada"):
            assert _proposed(getattr(people, name), day) == []
        with clock.fixed(_at(day)), cast.acting(people.cora):
            (one,) = retention.proposals()
            assert (one.closed_on, one.ended_on, one.team) == (date(2026, 1, 31), date(2026, 7, 31), "North")
            assert one.reference == services.open_case(closed).reference

    def test_does_not_propose_what_is_open_or_asked_for_already(self, people, closed):
        open_one = cast.open_a_case(people)
        with cast.acting(people.cora):
            retention.set_retention(people.north, 6)
        day = date(2050, 1, 1)
        assert [key for key, _on in _proposed(people.cora, day)] == [closed]
        with cast.acting(people.wanda):
            request = services.request_erasure(closed, reason="retention_ended")
        assert _proposed(people.cora, day) == []
        with cast.acting(people.cora):
            services.refuse_erasure(request)
        assert [key for key, _on in _proposed(people.cora, day)] == [closed]
        with cast.acting(people.wanda):
            services.reopen_case(closed)
        assert _proposed(people.cora, day) == []
        assert open_one


class TestClosingACase:
    def test_and_opening_it_again_is_on_record(self, people):
        from casework.audit import selectors as trail

        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.close_case(case_id, on=clock.today("FR"))
        with cast.acting(people.wanda):
            case = cases.case_for(case_id)
            assert (case.state, case.closed_on) == (CaseState.CLOSED, clock.today("FR"))
            services.reopen_case(case_id)
        with cast.acting(people.wanda):
            case = cases.case_for(case_id)
            assert (case.state, case.closed_on) == (CaseState.OPEN, None)
            names = [entry.action for entry in trail.entries_of_case(case_id, limit=3)]
            assert names == ["case.reopened", "case.closed", "person.added"]
            kinds = Case.history.model.objects.filter(id=case_id).order_by("history_date")
            assert list(kinds.values_list("state", flat=True)) == ["open", "closed", "open"]

    def test_twice_is_a_conflict_both_ways(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            with pytest.raises(Conflict):
                services.reopen_case(case_id)
            services.close_case(case_id, on=clock.today("FR"))
            with pytest.raises(Conflict):
                services.close_case(case_id, on=clock.today("FR"))

    def test_takes_no_day_to_come(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda), pytest.raises(Invalid) as refused:
            services.close_case(case_id, on=date(2999, 1, 1))
        assert set(refused.value.fields) == {"on"}

    def test_is_for_those_who_work_on_it(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.olga), pytest.raises(NotFound):
            services.close_case(case_id, on=clock.today("FR"))

    def test_asks_for_no_erasure(self, people, closed):
        with cast.acting(people.cora):
            assert erasing.erasures() == []
