"""The trail of one case, one's own trail, and the copy for the person concerned."""

from __future__ import annotations

from uuid import uuid4

from casework.audit import services as audit
from casework.core import work
from tests import cast


def lines(page):
    return page.split("<tbody")[1].split("</tbody>")[0] if "<tbody" in page else ""


class TestTheTrailOfACase:
    """For who leads it."""

    def test_is_narrowed_to_people_who_were_there_and_to_what_they_did(self, people, visit, case_id):
        visit("cora").get(f"/cases/{case_id}/")
        wanda = visit("wanda")
        page = wanda.get(f"/cases/{case_id}/trail/").content.decode()
        assert "Cora Conti</option>" in page
        assert "Olga Ozols" not in page
        narrowed = wanda.get(f"/cases/{case_id}/trail/", {"who": str(people.cora), "action": "case.read"})
        assert lines(narrowed.content.decode()).count('role="row"') == 1

    def test_tells_a_caseworker_of_an_emergency_and_a_coordinator_of_all_that_is_unusual(self, people, visit, case_id):
        with cast.acting(people.wanda):
            audit.record("access.glass_broken", case=case_id)
        page = visit("wanda").get(f"/cases/{case_id}/trail/").content.decode()
        assert "Emergency access" in lines(page)
        assert "Only unusual access" not in page
        page = visit("cora").get(f"/cases/{case_id}/trail/", {"unusual": "on"}).content.decode()
        assert lines(page).count('role="row"') == 1

    def test_shows_who_was_refused(self, people, visit, case_id):
        visit("otto").get(f"/cases/{case_id}/")
        page = visit("wanda").get(f"/cases/{case_id}/trail/", {"outcome": "1"}).content.decode()
        assert "Otto Oja" in lines(page)
        assert "Was refused access" in lines(page)


class TestOnesOwnTrail:
    """Whoever lost a laptop sees what was done in their name."""

    def test_sums_up_what_was_done_and_from_where(self, people, visit, case_id):
        wanda = visit("wanda")
        wanda.get(f"/cases/{case_id}/")
        with work.acting(work.Actor(None)):
            audit.record("auth.signed_in", actor=people.wanda, obj=people.wanda, body={"device": "Firefox/Windows"})
        audit.record_now(work.Actor(None), "auth.sign_in_failed", obj=people.wanda)
        audit.record_now(work.Actor(None), "auth.sign_in_failed", obj=people.otto)
        page = wanda.get("/profile/trail/").content.decode()
        for words in ("2 sign-ins", "1 case opened", "0 exports", "Firefox on Windows: 1 sign-in", "1 failed attempt"):
            assert words in page, words
        failed = next(row for row in lines(page).split("</tr>") if "Failed to sign in" in row)
        # Not she: somebody who said so.
        assert "Nobody signed in" in failed
        assert "At the account of: Wanda" in failed
        assert "own_trail" not in page
        assert '/profile/trail/"' in wanda.get("/profile/").content.decode()

    def test_names_a_case_by_its_reference_only_while_one_may_see_it(self, people, visit, case_id):
        from casework.access import selectors as grants
        from casework.access import services as access
        from casework.access.types import Level
        from casework.cases import services as cases

        with cast.acting(people.wanda):
            reference = cases.open_case(case_id).reference
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="", until=None)
        lev = visit("lev")
        lev.get(f"/cases/{case_id}/")
        assert reference in lines(lev.get("/profile/trail/").content.decode())
        with cast.acting(people.wanda):
            held = next(grant.id for grant in grants.grants_on(case_id) if grant.holder_id == people.lev)
            access.revoke(case_id=case_id, grant_id=held)
        page = lines(lev.get("/profile/trail/").content.decode())
        assert reference not in page
        assert str(case_id)[:8] in page

    def test_shows_nothing_of_anybody_else(self, people, visit, case_id):
        visit("wanda").get(f"/cases/{case_id}/")
        page = visit("otto").get("/profile/trail/").content.decode()
        assert "Wanda" not in page
        assert str(case_id)[:8] not in page
        # Nor can one ask for somebody else: there is no such filter, and what is sent for it is not read.
        asked = visit("otto").get("/profile/trail/", {"who": str(people.wanda)}).content.decode()
        assert str(case_id)[:8] not in asked

    def test_is_there_for_every_role_and_filters_by_action(self, people, visit, count_queries):
        for who in ("lev", "aud", "ada", "cora"):
            client = visit(who)
            page = client.get("/profile/trail/", {"action": "auth.signed_in"})
            assert page.status_code == 200, who
            assert lines(page.content.decode()).count('role="row"') >= 1, who


class TestTheCopyForThePerson:
    """A PDF that is handed out once it was confirmed who asks."""

    def test_is_a_pdf_and_leaves_its_entry(self, people, visit, case_id):
        wanda = visit("wanda")
        form = wanda.get(f"/cases/{case_id}/trail/copy/").content.decode()
        for words in ("Article 15", "15(4) and 23", "Name colleagues", "Download the copy"):
            assert words in form, words
        answer = wanda.post(f"/cases/{case_id}/trail/copy/", {"names": "on"})
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
        page = wanda.get(f"/cases/{case_id}/trail/", {"action": "audit.exported"}).content.decode()
        assert "At the person&#x27;s request" in lines(page)

    def test_asks_who_one_is_and_is_not_everybodys(self, people, visit, case_id):
        stale = visit("wanda")
        session = stale.session
        session["account_authentication_methods"] = []
        session.save()
        assert stale.post(f"/cases/{case_id}/trail/copy/", {}).status_code == 302
        assert visit("otto").get(f"/cases/{case_id}/trail/copy/").status_code == 404
        assert visit("wanda").get(f"/cases/{uuid4()}/trail/copy/").status_code == 404

    def test_of_a_wrong_period_says_so_beside_the_day(self, people, visit, case_id):
        sent = {"day_from_0": "9", "day_from_1": "3", "day_from_2": "2026"}
        sent |= {"day_to_0": "8", "day_to_1": "3", "day_to_2": "2026"}
        page = visit("wanda").post(f"/cases/{case_id}/trail/copy/", sent).content.decode()
        assert "not before the first one" in page
