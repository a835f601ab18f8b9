"""The trail as an auditor sees it: who and what, and nothing of any case."""

from __future__ import annotations


class TestTrail:
    """Newest first, without content."""

    def test_is_the_auditors_first_page(self, people, visit):
        assert visit("aud").get("/").url == "/trail/"

    def test_shows_who_did_what_and_nothing_of_the_case(self, people, visit, case_id):
        wanda = visit("wanda")
        wanda.get(f"/cases/{case_id}/")
        wanda.post("/cases/", {"words": "Testov"})
        page = visit("aud").get("/trail/").content.decode()
        for words in ("Wanda Wójcik", "Read the case", "Searched the cases", str(case_id)[:8]):
            assert words in page, words
        for secret in ("Testov", "Тестов", "Synthetic", "Croatia", str(case_id)):
            assert secret not in page, secret

    def test_can_be_narrowed_to_one_person(self, people, visit, case_id):
        visit("cora").get(f"/cases/{case_id}/")
        page = visit("aud").get("/trail/", {"who": str(people.cora)}).content.decode()
        table = page.split("<tbody")[1]
        assert "Cora Conti" in table
        assert "Wanda Wójcik" not in table

    def test_leads_to_older_entries(self, people, visit, case_id):
        wanda = visit("wanda")
        for _time in range(55):
            wanda.get(f"/cases/{case_id}/")
        aud = visit("aud")
        page = aud.get("/trail/").content.decode()
        assert page.split("<tbody")[1].count('role="row"') == 50
        older = aud.get("/trail/" + page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&"))
        assert "Opened a new case" in older.content.decode()

    def test_a_made_up_place_in_it_is_not_found(self, people, visit):
        assert visit("aud").get("/trail/", {"before": "1.2.3"}).status_code == 404

    def test_an_auditor_opens_no_case(self, people, visit, case_id):
        aud = visit("aud")
        assert aud.get("/cases/").status_code == 403
        assert aud.get(f"/cases/{case_id}/").status_code == 404

    def test_is_refused_to_everybody_else(self, people, visit):
        for who in ("wanda", "cora", "lev", "ada"):
            assert visit(who).get("/trail/").status_code == 403, who
