"""The coordinator's team: who is in it, who wants to join, and handing over what somebody leads."""

from __future__ import annotations

from casework.access import staff
from casework.accounts.models import RoleRequest
from casework.cases.models import Case
from tests import cast
from tests.access.test_staff import make


class TestTheTeamPage:
    def test_shows_the_own_teams_and_no_other(self, people, visit):
        page = visit("cora").get("/team/").content.decode()
        assert "Wanda Wójcik" in page
        assert "Otto Oja" not in page

    def test_offers_to_confirm_who_wants_to_join(self, people, visit):
        with cast.acting(people.ada):
            staff.propose_role(people.otto, role="coordinator", team_id=people.north)
        cora = visit("cora")
        page = cora.get("/team/").content.decode()
        assert "Otto Oja as coordinator of North" in page
        assert "Asked for by Ada Adler" in page
        request = RoleRequest.objects.get()
        assert visit("olga").post(f"/roles/{request.pk}/", {"act": "confirm"}).status_code == 404
        page = cora.post(f"/roles/{request.pk}/", {"act": "confirm"}, follow=True).content.decode()
        assert "Confirmed" in page
        assert "Otto Oja" in page.split('<h2 id="team-1">')[1]
        again = cora.post(f"/roles/{request.pk}/", {"act": "refuse"}, follow=True).content.decode()
        assert "decided already" in again

    def test_warns_of_cases_whose_lead_is_switched_off(self, people, visit, case_id):
        cora = visit("cora")
        assert "cannot work on" not in cora.get("/team/").content.decode()
        with cast.acting(people.ada):
            staff.switch_off(people.wanda)
        page = cora.get("/team/").content.decode()
        assert "1 open case is led by Wanda Wójcik" in page
        assert f"/team/hand-over/?start={people.wanda}" in page
        assert "cannot work on" not in visit("olga").get("/team/").content.decode()

    def test_is_for_coordinators(self, people, visit):
        for who in ("wanda", "lev", "aud", "ada"):
            for url in ("/team/", "/team/hand-over/"):
                assert visit(who).get(url).status_code == 403, (who, url)


class TestHandingOver:
    url = "/team/hand-over/"

    def test_lists_what_somebody_leads_all_ticked(self, people, visit, case_id):
        make("nina", "caseworker", "North")
        cora = visit("cora")
        assert "Wanda Wójcik (1 open case)" in cora.get(self.url).content.decode()
        page = cora.get(f"{self.url}?start={people.wanda}").content.decode()
        assert f'value="{case_id}" id="id_cases_0" checked' in page
        with cast.acting(people.cora):
            assert Case.objects.get(pk=case_id).reference in page
        assert "Testov" not in page

    def test_moves_them_and_says_how_many(self, people, visit, case_id):
        nina = make("nina", "caseworker", "North")
        given = {"start": people.wanda, "cases": [case_id], "to": nina, "reason": "She leaves."}
        page = visit("cora").post(self.url, given, follow=True).content.decode()
        assert "1 case was handed over." in page
        with cast.acting(people.cora):
            assert Case.objects.get(pk=case_id).lead_id == nina

    def test_keeps_what_was_typed_and_says_what_is_missing(self, people, visit, case_id):
        make("nina", "caseworker", "North")
        given = {"start": people.wanda, "cases": [], "to": "", "reason": "She leaves for a year."}
        page = visit("cora").post(self.url, given).content.decode()
        assert "Choose at least one case." in page
        assert "She leaves for a year." in page
        assert 'id="id_cases_0">' in page

    def test_shows_nothing_of_a_colleague_elsewhere(self, people, visit, case_id):
        assert visit("olga").get(f"{self.url}?start={people.wanda}").status_code == 404
        assert visit("olga").post(self.url, {"start": people.wanda, "cases": [case_id]}).status_code == 404
