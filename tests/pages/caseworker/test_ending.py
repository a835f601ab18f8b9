"""Closing and reopening a case, and asking for its erasure, as the caseworker who leads it."""

from __future__ import annotations

from datetime import date

from casework.access import services as access
from casework.access.types import Level
from casework.cases import erasing
from casework.cases import selectors as cases
from casework.cases import services as case_services
from tests import cast
from tests.pages.conftest import record

BOXES = {"on_0": "20", "on_1": "11", "on_2": "2026"}


def waiting(people, case_id, who="wanda"):
    with cast.acting(getattr(people, who)):
        return erasing.erasure_of(case_id)


class TestClosing:
    """A day is given; the record stays."""

    def test_is_offered_at_the_end_of_the_summary(self, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/").content.decode()
        assert f'href="/cases/{case_id}/close/"' in page
        assert f'href="/cases/{case_id}/reopen/"' not in page

    def test_keeps_the_record_and_says_on_the_case_that_it_is_closed(self, people, visit, case_id):
        wanda = visit("wanda")
        assert wanda.post(f"/cases/{case_id}/close/", BOXES).url == f"/cases/{case_id}/"
        with cast.acting(people.wanda):
            row = cases.visible().get(pk=case_id)
        assert (row.state, row.closed_on) == ("closed", date(2026, 11, 20))
        page = wanda.get(f"/cases/{case_id}/").content.decode()
        assert "It was closed on 20 November 2026." in page
        assert "Testov Piotr" in page
        assert f'href="/cases/{case_id}/reopen/"' in page

    def test_says_first_what_is_still_under_way(self, people, visit, case_id):
        record(people, case_id, facts=({"fact": "detained", "on": "2026-11-20", "ground": "transfer"},))
        page = visit("wanda").get(f"/cases/{case_id}/close/").content.decode()
        assert "Look at this first" in page
        assert "The person is recorded as detained." in page
        assert "A transfer is under way." in page
        assert "running" in page

    def test_says_nothing_of_the_kind_for_a_case_without_facts(self, people, visit):
        page = visit("wanda").get(f"/cases/{cast.open_a_case(people)}/close/").content.decode()
        assert "Look at this first" not in page

    def test_keeps_a_day_that_does_not_exist_and_says_so_beside_it(self, people, visit, case_id):
        answer = visit("wanda").post(f"/cases/{case_id}/close/", BOXES | {"on_0": "31"})
        page = answer.content.decode()
        assert "31 November 2026 does not exist." in page
        assert 'value="31"' in page
        with cast.acting(people.wanda):
            assert cases.visible().get(pk=case_id).state == "open"

    def test_refuses_a_day_that_is_still_to_come(self, visit, case_id):
        answer = visit("wanda").post(f"/cases/{case_id}/close/", BOXES | {"on_0": "24"})
        assert "This day is still to come." in answer.content.decode()

    def test_twice_changes_nothing_and_says_so(self, people, visit, case_id):
        wanda = visit("wanda")
        wanda.post(f"/cases/{case_id}/close/", BOXES)
        again = wanda.post(f"/cases/{case_id}/close/", BOXES | {"on_0": "1"}, follow=True)
        assert "This case is closed already." in again.content.decode()
        with cast.acting(people.wanda):
            assert cases.visible().get(pk=case_id).closed_on == date(2026, 11, 20)

    def test_says_how_long_the_team_keeps_closed_cases(self, people, visit, case_id):
        visit("cora").post("/erasures/", {"team": str(people.north), "months": "36"})
        page = visit("wanda").get(f"/cases/{case_id}/close/").content.decode()
        assert "Your team keeps closed cases for 36 months." in page

    def test_is_refused_to_who_may_only_read(self, people, visit, case_id):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="", until=None)
        lev = visit("lev")
        for address in ("close", "reopen", "erase"):
            assert lev.get(f"/cases/{case_id}/{address}/").status_code == 403
            assert lev.post(f"/cases/{case_id}/{address}/", BOXES).status_code == 403
        assert "When it is over" not in lev.get(f"/cases/{case_id}/").content.decode()


class TestReopening:
    """Asked once more, and the case is worked on again."""

    def test_opens_the_case_again(self, people, visit, case_id):
        wanda = visit("wanda")
        wanda.post(f"/cases/{case_id}/close/", BOXES)
        assert "closed on 20 November 2026" in wanda.get(f"/cases/{case_id}/reopen/").content.decode()
        assert wanda.post(f"/cases/{case_id}/reopen/").url == f"/cases/{case_id}/"
        with cast.acting(people.wanda):
            row = cases.visible().get(pk=case_id)
        assert (row.state, row.closed_on) == ("open", None)

    def test_of_an_open_case_leads_back_to_it_and_says_why(self, visit, case_id):
        wanda = visit("wanda")
        assert wanda.get(f"/cases/{case_id}/reopen/").url == f"/cases/{case_id}/"
        answer = wanda.post(f"/cases/{case_id}/reopen/", follow=True)
        assert "This case is open already." in answer.content.decode()


class TestAskingForErasure:
    """Nothing is destroyed by asking."""

    def test_explains_what_goes_what_stays_and_who_confirms(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/erase/").content.decode()
        for words in (
            "1 person",
            "5 facts with their history",
            "0 documents",
            "It cannot be undone.",
            "Backups open nothing of it once their copies of the key have aged out: 14 days",
            "Who can confirm it: Cora Conti.",
            "A transfer is under way.",
        ):
            assert words in page, words
        assert "Wanda Wójcik." not in page

    def test_makes_a_request_that_waits_with_its_note(self, people, visit, case_id):
        wanda = visit("wanda")
        answer = wanda.post(
            f"/cases/{case_id}/erase/", {"reason": "person_request", "note": "Synthetic note: asked by letter."}
        )
        made = waiting(people, case_id)
        assert answer.url == f"/erasures/{made.id}/"
        assert (made.reason, made.note, made.asked_by) == (
            "person_request",
            "Synthetic note: asked by letter.",
            people.wanda,
        )
        page = wanda.get(answer.url).content.decode()
        assert "You asked, so somebody else decides" in page
        assert "Synthetic note: asked by letter." in page
        assert "Erase this case for good" not in page
        assert "Take the request back" in page

    def test_without_a_reason_asks_for_one_and_keeps_the_note(self, people, visit, case_id):
        answer = visit("wanda").post(f"/cases/{case_id}/erase/", {"note": "Synthetic note."})
        page = answer.content.decode()
        assert "Choose a reason." in page
        assert "Synthetic note." in page
        assert waiting(people, case_id) is None

    def test_refuses_a_reason_that_is_none(self, people, visit, case_id):
        answer = visit("wanda").post(f"/cases/{case_id}/erase/", {"reason": "boredom"})
        assert "Choose one of the reasons." in answer.content.decode()
        assert waiting(people, case_id) is None

    def test_takes_a_reason_from_the_address_and_ignores_nonsense_there(self, visit, case_id):
        wanda = visit("wanda")
        page = wanda.get(f"/cases/{case_id}/erase/?reason=retention_ended").content.decode()
        assert page.count("checked") == 1
        assert 'value="retention_ended"' in page.split("checked")[0].rsplit("<input", 1)[1]
        assert "checked" not in wanda.get(f"/cases/{case_id}/erase/?reason=nonsense").content.decode()

    def test_while_one_waits_leads_to_it_and_a_second_is_told_what_stands(self, people, visit, case_id):
        visit("cora").post(f"/cases/{case_id}/erase/", {"reason": "correction"})
        made, wanda = waiting(people, case_id), visit("wanda")
        assert wanda.get(f"/cases/{case_id}/erase/").url == f"/erasures/{made.id}/"
        answer = wanda.post(f"/cases/{case_id}/erase/", {"reason": "person_request", "note": "Typed in vain."})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "Cora Conti has asked for this already" in page
        assert "Typed in vain." in page
        assert f"/erasures/{made.id}/" in page

    def test_stands_on_every_tab_of_the_case_for_who_leads_it_and_for_nobody_else(self, people, visit, case_id):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="", until=None)
        wanda = visit("wanda")
        wanda.post(f"/cases/{case_id}/erase/", {"reason": "person_request"})
        for tab in ("", "deadlines/", "timeline/", "documents/", "access/", "trail/"):
            page = wanda.get(f"/cases/{case_id}/{tab}").content.decode()
            assert "This case is to be erased" in page, tab
            assert "You asked for it on 23 November 2026, 10:00. Reason: The person asked for it." in page, tab
        assert "Wanda Wójcik asked for it" in visit("cora").get(f"/cases/{case_id}/").content.decode()
        assert "This case is to be erased" not in visit("lev").get(f"/cases/{case_id}/").content.decode()

    def test_can_be_taken_back_once(self, people, visit, case_id):
        wanda = visit("wanda")
        wanda.post(f"/cases/{case_id}/erase/", {"reason": "person_request"})
        made = waiting(people, case_id)
        answer = wanda.post(f"/erasures/{made.id}/withdraw/", follow=True)
        assert "The case stays as it is." in answer.content.decode()
        assert waiting(people, case_id) is None
        again = wanda.post(f"/erasures/{made.id}/withdraw/")
        assert again.status_code == 409
        assert "This request was decided already." in again.content.decode()

    def test_lists_ones_own_requests_without_what_only_coordinators_decide(self, people, visit, case_id):
        wanda = visit("wanda")
        assert "You have asked for nothing that still waits" in wanda.get("/erasures/").content.decode()
        wanda.post(f"/cases/{case_id}/erase/", {"reason": "person_request"})
        page = wanda.get("/erasures/").content.decode()
        assert f"/erasures/{waiting(people, case_id).id}/" in page
        assert "How long closed cases are kept" not in page
        assert "The time for keeping them has ended" not in page

    def test_says_when_nobody_else_could_confirm(self, people, visit, case_id):
        from casework.accounts import selectors as accounts

        # Cora leads and is the only coordinator of the team.
        with cast.acting(people.cora):
            assert [person.id for person in accounts.holders("coordinator", [people.north])] == [people.cora]
        page = visit("cora").get(f"/cases/{case_id}/erase/").content.decode()
        assert "Nobody can confirm it yet" in page

    def test_is_not_there_for_another_team(self, people, visit, case_id):
        visit("wanda").post(f"/cases/{case_id}/erase/", {"reason": "person_request"})
        made = waiting(people, case_id)
        for who in ("otto", "olga", "lev", "aud", "ada"):
            client = visit(who)
            assert client.get(f"/cases/{case_id}/erase/").status_code == 404
            assert client.get(f"/erasures/{made.id}/").status_code == 404
            for act in ("", "withdraw/", "refuse/", "certificate/"):
                assert client.post(f"/erasures/{made.id}/{act}").status_code == 404, (who, act)
        assert waiting(people, case_id) is not None


class TestWhatAClosedCaseDoesNot:
    """It leaves the lists of work."""

    def test_stand_in_the_list_of_open_cases(self, people, visit, case_id):
        with cast.acting(people.wanda):
            case_services.close_case(case_id, on=date(2026, 11, 20))
        wanda = visit("wanda")
        assert "Testov" not in wanda.get("/cases/").content.decode()
        assert "Testov" in wanda.get("/cases/?state=closed").content.decode()
