"""Which limit counts on the board."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from casework.access import services as access
from casework.access.types import Level
from casework.cases import selectors as cases
from casework.core import clock
from casework.core.errors import NotAllowed
from casework.procedure import services as procedure
from casework.transfers import selectors
from tests import cast

ACCEPTED = (
    {"fact": "application-registered", "on": "2026-08-01", "state": "FR"},
    {"fact": "take-charge-requested", "on": "2026-08-03", "state": "IT", "basis": "vis"},
    {"fact": "take-charge-accepted", "on": "2026-08-10", "state": "IT"},
)


@pytest.fixture(autouse=True)
def _on_23_november_2026():
    with clock.fixed(datetime(2026, 11, 23, 9, 0, tzinfo=UTC)):
        yield


def _accepted(people: cast.Cast, who: str = "wanda"):
    case_id = cast.open_a_case(people, who)
    with cast.acting(getattr(people, who)):
        for fact in ACCEPTED:
            procedure.record_fact(case_id, content=fact)
    return case_id


class TestTransferRules:
    """Rules whose id names the transfer."""

    @pytest.mark.parametrize("rule", ["dublin3-transfer-6m", "ammr-detention-transfer-5w"])
    def test_are_told_by_their_id(self, rule):
        assert selectors.is_transfer_rule(rule)

    @pytest.mark.parametrize("rule", ["ammr-take-charge-reply-1m", "ammr-appeal", "set-by-court", "transferred-x"])
    def test_others_are_none(self, rule):
        assert not selectors.is_transfer_rule(rule)


class TestBoard:
    """The actor's own teams, by the earliest running transfer limit."""

    def test_takes_the_earliest_running_transfer_limit(self, people):
        case_id = _accepted(people)
        with cast.acting(people.cora):
            (row,) = selectors.board().rows
        assert (row.case.id, row.due_on, row.rule) == (case_id, date(2027, 2, 10), "ammr-transfer-6m")

    def test_counts_stages_of_all_pages(self, people):
        for _number in range(3):
            _accepted(people)
        cast.open_a_case(people)
        with cast.acting(people.cora):
            page = selectors.board(size=2, number=2)
        assert dict(page.counts) == {"": 1, "accepted": 3}
        assert (len(page.rows), page.total, page.pages) == (2, 4, 2)

    def test_is_refused_to_who_coordinates_nothing(self, people):
        with cast.acting(people.wanda), pytest.raises(NotAllowed):
            selectors.board()

    def test_shows_nothing_of_a_team_without_a_grant(self, people):
        _accepted(people, "otto")
        with cast.acting(people.cora):
            assert selectors.board(team_id=people.south).rows == ()

    def test_leaves_out_a_case_of_another_team_that_was_shared_with_a_coordinator(self, people):
        case_id = _accepted(people, "otto")
        with cast.acting(people.otto):
            access.grant(case_id=case_id, user_id=people.cora, level=Level.VIEW, reason="advice")
        with cast.acting(people.cora):
            assert cases.visible().filter(pk=case_id).exists()
            assert selectors.board().rows == ()
            assert selectors.board(team_id=people.south).rows == ()


class TestPressure:
    """How a coordinator's teams stand."""

    def test_counts_ones_own_teams(self, people):
        _accepted(people)
        _accepted(people, "otto")
        with cast.acting(people.cora), clock.fixed(datetime(2027, 2, 1, 9, 0, tzinfo=UTC)):
            found = selectors.pressure()
        assert (found.open_cases, found.due_soon, found.unassigned) == (1, 1, 0)
