"""The inbox and the day's work."""

from __future__ import annotations

from uuid import UUID

from casework.access import selectors as access
from casework.access import services as access_services
from casework.notices import services as notices
from casework.procedure import services as procedure
from casework.transfers import services as transfers
from tests import cast
from tests.conftest import running_as

SET_BY_COURT = {
    "fact": "time-limit-set",
    "on": "2026-11-20",
    "what": "Statement of grounds",
    "whose": "applicant",
    "by": "court",
}


def tell(people: cast.Cast, case_id: UUID) -> None:
    """Let a court set a date that is one day ahead, and the worker tell who leads the case."""
    with cast.acting(people.wanda):
        procedure.record_fact(case_id, content={**SET_BY_COURT, "due": "2026-11-24"})
    with running_as("worker"):
        notices.dispatch()


class TestInbox:
    """What the reminders told this person, grouped by when it is due."""

    def test_shows_reference_rule_and_why_and_counts_as_seen(self, transactional_db, people, visit, case_id):
        tell(people, case_id)
        wanda = visit("wanda")
        assert "1 new reminder in your inbox" in wanda.get("/").content.decode()
        page = wanda.get("/inbox/").content.decode()
        assert "Tomorrow" in page
        assert "24 November 2026" in page
        assert f"/cases/{case_id}/deadlines/" in page
        assert "new reminder in your inbox" not in wanda.get("/").content.decode()

    def test_taking_in_hand_says_since_when(self, transactional_db, people, visit, case_id):
        tell(people, case_id)
        wanda = visit("wanda")
        page = wanda.get("/inbox/").content.decode()
        url = page.split('action="/inbox/')[1].split('"')[0]
        assert wanda.post(f"/inbox/{url}").status_code == 302
        assert "In hand since" in wanda.get("/inbox/").content.decode()

    def test_nobody_takes_the_line_of_somebody_else_in_hand(self, transactional_db, people, visit, case_id):
        tell(people, case_id)
        url = visit("wanda").get("/inbox/").content.decode().split('action="/inbox/')[1].split('"')[0]
        assert visit("cora").post(f"/inbox/{url}").status_code == 404
        assert "Nothing waits for you" in visit("otto").get("/inbox/").content.decode()

    def test_hides_lines_of_a_case_whose_access_has_ended(self, transactional_db, people, visit, case_id):
        tell(people, case_id)
        with cast.acting(people.cora):
            transfers.assign(case_id, lead_id=people.cora)
            for grant in access.grants_on(case_id):
                if grant.holder_id == people.wanda:
                    access_services.revoke(case_id=case_id, grant_id=grant.id)
        assert "/deadlines/" not in visit("wanda").get("/inbox/").content.decode()

    def test_says_that_the_planner_stands_still(self, people, visit):
        assert "has not run for a while" in visit("wanda").get("/inbox/").content.decode()


class TestToday:
    """One's own cases: what ends soon, what has passed."""

    def test_lists_what_ends_within_two_weeks(self, people, visit, case_id):
        with cast.acting(people.wanda):
            procedure.record_fact(case_id, content={**SET_BY_COURT, "due": "2026-12-04"})
        page = visit("wanda").get("/").content.decode()
        assert "Next 14 days" in page
        assert "4 December 2026" in page

    def test_says_when_nothing_is_due(self, people, visit):
        cast.open_a_case(people)
        page = visit("wanda").get("/").content.decode()
        assert "Nothing due in 14 days" in page
        assert "1 case without any fact" in page

    def test_knows_nothing_of_another_team(self, people, visit, case_id):
        page = visit("otto").get("/").content.decode()
        assert "No case yet" in page
        assert "Testov" not in page
