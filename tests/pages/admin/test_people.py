"""Accounts as an administrator sees them; no case."""

from __future__ import annotations

from casework.accounts.models import Invitation


class TestPeople:
    """Who is here, and inviting somebody."""

    def test_is_the_administrators_first_page(self, people, visit):
        assert visit("ada").get("/").url == "/people/"

    def test_lists_everybody_with_their_role_and_team(self, people, visit):
        page = visit("ada").get("/people/").content.decode()
        assert "wanda@example.org" in page
        assert "Caseworker, North" in page
        assert "Coordinator, South" in page

    def test_leaves_out_a_role_that_the_application_did_not_give(self, people, visit, superuser, transactional_db):
        superuser.execute(
            "INSERT INTO accounts_membership (id, user_id, group_id, given_at, mac)"
            " SELECT gen_random_uuid(), %s, group_id, now(), 'forgedforgedforg'::bytea"
            " FROM accounts_teamrole WHERE role = 'auditor'",
            [people.otto],
        )
        page = visit("ada").get("/people/").content.decode()
        row = page.split("otto@example.org")[1].split("</tr>")[0]
        assert "Auditor" not in row

    def test_an_invitation_shows_its_link_once_and_the_link_works(self, people, visit, client):
        ada = visit("ada")
        given = {"email": "new@example.org", "role": "caseworker", "team": str(people.north)}
        page = ada.post("/people/", given).content.decode()
        link = page.split('readonly value="')[1].split('"')[0]
        assert client.get(link).status_code == 200
        assert "/invitation/" not in ada.get("/people/").content.decode()
        assert Invitation.objects.get().team_id == people.north

    def test_a_caseworker_needs_a_team(self, people, visit):
        page = visit("ada").post("/people/", {"email": "new@example.org", "role": "caseworker"}).content.decode()
        assert "belong to a team" in page
        assert not Invitation.objects.exists()

    def test_an_administrator_opens_no_case(self, people, visit, case_id):
        ada = visit("ada")
        assert ada.get("/cases/").status_code == 403
        assert ada.get(f"/cases/{case_id}/").status_code == 404

    def test_is_refused_to_everybody_else(self, people, visit):
        for who in ("wanda", "cora", "lev", "aud"):
            answer = visit(who).post("/people/", {"email": "new@example.org", "role": "auditor"})
            assert answer.status_code == 403, who
        assert not Invitation.objects.exists()


class TestRecoveryBanner:
    """What an administrator must not overlook, and nobody else has to see."""

    def _rehearsed(self, superuser, days: int) -> None:
        from casework.crypto import services as crypto

        superuser.execute(
            "INSERT INTO crypto_drill"
            " VALUES (gen_random_uuid(), now() - make_interval(days => %s), '{1}', 9, now(), %s)",
            [days, crypto.root_mark()],
        )

    def test_is_red_until_the_recovery_was_rehearsed(self, people, visit, superuser, transactional_db):
        page = visit("ada").get("/people/").content.decode()
        assert "The recovery of the root key was never rehearsed" in page
        assert "tone-danger" in page
        self._rehearsed(superuser, days=91)
        assert "was not rehearsed for 90 days" in visit("ada").get("/people/").content.decode()
        self._rehearsed(superuser, days=89)
        page = visit("ada").get("/people/").content.decode()
        assert "rehearsed" not in page
        assert "tone-danger" not in page

    def test_is_red_when_the_root_key_is_another(self, people, visit, superuser, transactional_db):
        self._rehearsed(superuser, days=1)
        superuser.execute("UPDATE crypto_drill SET root_mark = decode(repeat('00', 16), 'hex')")
        assert "is another than the one whose recovery" in visit("ada").get("/people/").content.decode()

    def test_is_shown_to_nobody_else(self, people, visit):
        for who, url in (("wanda", "/"), ("cora", "/"), ("lev", "/"), ("aud", "/trail/")):
            assert "rehearsed" not in visit(who).get(url).content.decode()

    def test_costs_one_statement(self, people, visit, count_queries, monkeypatch):
        from casework.crypto import rehearsal

        ada = visit("ada")
        ada.get("/people/")
        with_banner = count_queries(lambda: ada.get("/people/"))
        monkeypatch.setattr(rehearsal, "lack", lambda now: None)
        assert with_banner == count_queries(lambda: ada.get("/people/")) + 1
