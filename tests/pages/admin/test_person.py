"""One account, the teams, and what waits for a second person, as an administrator sees them."""

from __future__ import annotations

from casework.accounts.models import Membership, RoleRequest, Team, User
from tests import cast
from tests.access.test_staff import make


class TestOnePerson:
    def test_is_reached_from_the_list_and_shows_roles_but_no_case(self, people, visit, case_id):
        ada = visit("ada")
        assert f'href="/people/{people.wanda}/"' in ada.get("/people/").content.decode()
        page = ada.get(f"/people/{people.wanda}/").content.decode()
        assert "Caseworker" in page
        assert "North" in page
        for word in ("open case", str(case_id), "Testov"):
            assert word not in page

    def test_gets_a_role_at_once_or_after_a_second_person(self, people, visit):
        ada = visit("ada")
        url = f"/people/{people.otto}/"
        page = ada.post(url, {"role": "lawyer", "team": ""}, follow=True).content.decode()
        assert "The role was given." in page
        page = ada.post(url, {"role": "coordinator", "team": str(people.north)}, follow=True).content.decode()
        assert "somebody else has to confirm it" in page
        assert "Otto Oja as coordinator of North" in page
        assert "Cora Conti" in page

    def test_keeps_what_was_typed_when_it_cannot_be(self, people, visit):
        page = visit("ada").post(f"/people/{people.otto}/", {"role": "caseworker", "team": ""}).content.decode()
        assert "belong to a team" in page
        assert '<option value="caseworker" selected>' in page

    def test_loses_a_role_after_a_page_that_says_what_it_does(self, people, visit):
        ada = visit("ada")
        role = Membership.objects.get(user_id=people.wanda)
        url = f"/people/{people.wanda}/roles/{role.pk}/take/"
        assert "stay theirs by name" in ada.get(url).content.decode()
        assert ada.post(url).status_code == 302
        assert not Membership.objects.filter(user_id=people.wanda).exists()
        assert ada.get(url).status_code == 404

    def test_that_is_a_teams_last_coordinator_is_switched_off_with_one_tick_more(self, people, visit):
        ada = visit("ada")
        url = f"/people/{people.cora}/off/"
        assert "North has no other coordinator" in ada.get(url).content.decode()
        page = ada.post(url).content.decode()
        assert "There is a problem" in page
        assert User.objects.get(pk=people.cora).is_active
        assert ada.post(url, {"sure": "on"}).status_code == 302
        assert not User.objects.get(pk=people.cora).is_active
        page = ada.post(f"/people/{people.cora}/on/", follow=True).content.decode()
        assert "has to be confirmed anew" in page

    def test_cannot_be_oneself(self, people, visit):
        ada = visit("ada")
        assert "Only another administrator" in ada.get(f"/people/{people.ada}/").content.decode()
        answer = ada.post(f"/people/{people.ada}/off/")
        assert answer.status_code == 409
        assert "You cannot switch off your own account" in answer.content.decode()

    def test_is_shown_to_nobody_else(self, people, visit):
        for who in ("wanda", "cora", "lev", "aud"):
            for url in (f"/people/{people.otto}/", f"/people/{people.otto}/off/", "/teams/", f"/teams/{people.north}/"):
                assert visit(who).get(url).status_code == 403, (who, url)
            assert visit(who).post(f"/people/{people.otto}/on/").status_code == 403


class TestInvitingACoordinator:
    def test_says_that_the_role_waits(self, people, visit):
        given = {"email": "new@example.org", "role": "coordinator", "team": str(people.north)}
        ada = visit("ada")
        assert "The role of coordinator waits" in ada.post("/people/", given).content.decode()
        page = ada.get("/roles/").content.decode()
        assert "new@example.org as coordinator of North" in page
        assert "Take back" in page
        assert 'value="confirm"' not in page

    def test_is_taken_back_on_the_same_page(self, people, visit):
        given = {"email": "new@example.org", "role": "coordinator", "team": str(people.north)}
        ada = visit("ada")
        ada.post("/people/", given)
        request = RoleRequest.objects.get()
        assert ada.post(f"/roles/{request.pk}/", {"act": "confirm"}).status_code == 403
        assert ada.post(f"/roles/{request.pk}/", {"act": "withdraw"}).status_code == 302
        assert "Nothing waits" in ada.get("/roles/").content.decode()


class TestTeams:
    def test_are_made_and_renamed(self, people, visit):
        ada = visit("ada")
        assert ada.post("/teams/", {"name": "West"}).status_code == 302
        page = ada.post("/teams/", {"name": "west"}).content.decode()
        assert "There is a team of this name already." in page
        team = Team.objects.get(name="West")
        assert ada.post(f"/teams/{team.pk}/", {"name": "Far West"}).status_code == 302
        assert "Far West" in ada.get("/teams/").content.decode()

    def test_say_nothing_of_cases(self, people, visit, case_id):
        def table():
            return visit("ada").get("/teams/").content.decode().split("<table")[1].split("</table>")[0]

        before = table()
        cast.open_a_case(people)
        assert table() == before

    def test_show_the_auditor_what_waits_and_nothing_to_do_about_a_team_with_coordinators(self, people, visit):
        make("gina", "lawyer")
        given = {"email": "new@example.org", "role": "coordinator", "team": str(people.north)}
        visit("ada").post("/people/", given)
        page = visit("aud").get("/roles/").content.decode()
        assert "new@example.org" in page
        assert "Confirm<" not in page
