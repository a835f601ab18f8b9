"""The transfer board as a coordinator sees it."""

from __future__ import annotations

from casework.cases import selectors as cases
from casework.cases.types import PersonInput
from tests import cast
from tests.pages.conftest import record


def _case(people: cast.Cast, name: str, who: str = "wanda", accepted_on: str | None = None, **changes: object):
    case_id = cast.open_a_case(people, who, applicant=PersonInput("", name), **changes)
    if accepted_on:
        facts = (
            {"fact": "application-registered", "on": "2026-08-01", "state": "FR"},
            {"fact": "take-charge-requested", "on": "2026-08-03", "state": "IT", "basis": "vis"},
            {"fact": "take-charge-accepted", "on": accepted_on, "state": "IT"},
        )
        record(people, case_id, who, facts)
    return case_id


class TestBoard:
    """Open cases of the coordinator's teams, the nearest transfer limit first."""

    def test_orders_by_the_next_transfer_limit_and_puts_cases_without_one_last(self, people, visit):
        _case(people, "No Limit")
        _case(people, "Later One", accepted_on="2026-08-14")
        _case(people, "Sooner One", accepted_on="2026-08-06")
        page = visit("cora").get("/board/").content.decode()
        places = [page.index(name) for name in ("Sooner One", "Later One", "No Limit")]
        assert places == sorted(places)

    def test_shows_no_case_of_another_team(self, people, visit):
        _case(people, "Of The North")
        _case(people, "Of The South", "otto")
        assert "Of The South" not in visit("cora").get("/board/").content.decode()
        assert "Of The North" not in visit("olga").get("/board/").content.decode()

    def test_another_teams_id_in_the_address_shows_nothing(self, people, visit):
        _case(people, "Of The South", "otto")
        page = visit("cora").get("/board/", {"team": str(people.south)}).content.decode()
        assert "Of The South" not in page
        assert "None at this step" in page

    def test_says_state_risk_and_days_left_in_words(self, people, visit):
        case_id = _case(people, "Detained One", accepted_on="2026-08-06", risk_level="imminent")
        record(people, case_id, facts=({"fact": "detained", "on": "2026-11-20", "ground": "transfer"},))
        page = visit("cora").get("/board/").content.decode()
        for words in ("Detained", "Risk: imminent", "Italy", "days", "Wanda Wójcik", "Accepted"):
            assert words in page, words

    def test_counts_columns_and_filters_by_one(self, people, visit):
        _case(people, "Registered One")
        _case(people, "Accepted One", accepted_on="2026-08-06")
        cora = visit("cora")
        page = cora.get("/board/", {"column": "accepted"}).content.decode()
        assert "Accepted One" in page
        assert "Registered One" not in page
        columns = cora.get("/board/", {"view": "columns"}).content.decode()
        assert "Registered One" in columns
        assert 'id="column-accepted"' in columns

    def test_takes_as_many_statements_for_five_cases_as_for_thirty(self, people, visit, count_queries):
        cora = visit("cora")
        cora.get("/board/")
        found = []
        for more in (5, 25):
            for number in range(more):
                _case(people, f"Number {number}")
            found.append(count_queries(lambda: cora.get("/board/")))
        assert found[0] == found[1]
        assert found[0] <= 16

    def test_is_refused_to_caseworkers_and_lawyers(self, people, visit):
        assert visit("wanda").get("/board/").status_code == 403
        assert visit("lev").get("/board/").status_code == 403


class TestAssigning:
    """Within the team, by a coordinator."""

    def test_gives_the_case_to_somebody_of_the_team(self, people, visit, case_id):
        cora = visit("cora")
        page = cora.get(f"/cases/{case_id}/assign/").content.decode()
        assert "Cora Conti" in page
        assert "Otto Oja" not in page
        assert cora.post(f"/cases/{case_id}/assign/", {"lead": str(people.cora)}).url == "/board/"
        with cast.acting(people.cora):
            assert cases.visible().get(pk=case_id).lead_id == people.cora
        assert visit("wanda").get(f"/cases/{case_id}/").status_code == 200

    def test_refuses_somebody_of_another_team(self, people, visit, case_id):
        answer = visit("cora").post(f"/cases/{case_id}/assign/", {"lead": str(people.otto)})
        assert answer.status_code == 200
        with cast.acting(people.cora):
            assert cases.visible().get(pk=case_id).lead_id == people.wanda
        assert visit("otto").get(f"/cases/{case_id}/").status_code == 404

    def test_is_refused_to_the_caseworker_who_leads_it(self, people, visit, case_id):
        wanda = visit("wanda")
        assert wanda.get(f"/cases/{case_id}/assign/").status_code == 403
        assert wanda.post(f"/cases/{case_id}/assign/", {"lead": str(people.wanda)}).status_code == 403


class TestToday:
    """What presses in the coordinator's teams."""

    def test_counts_what_presses_in_ones_own_teams_alone(self, people, visit):
        _case(people, "One", accepted_on="2026-08-06")
        _case(people, "Two", "otto", accepted_on="2026-08-06")
        page = visit("cora").get("/").content.decode()
        assert "Your teams" in page
        assert "<dt>open cases</dt><dd>1</dd>" in page
        assert "/board/" in page
