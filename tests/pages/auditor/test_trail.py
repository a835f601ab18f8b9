"""The trail as an auditor sees it: who and what, and nothing of any case."""

from __future__ import annotations

from casework.audit import services as audit
from tests import cast


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


class TestFilters:
    """By person, case, action, outcome and time; in the address stand ids, codes and days."""

    def lines(self, page):
        return page.split("<tbody")[1].split("</tbody>")[0] if "<tbody" in page else ""

    def test_a_click_on_a_case_shows_its_entries_and_keeps_the_other_filters(self, people, visit, case_id):
        other = cast.open_a_case(people, "otto")
        aud = visit("aud")
        page = aud.get("/trail/", {"action": "case.created"}).content.decode()
        assert str(other)[:8] in self.lines(page)
        start = str(case_id)[:8]
        link = next(part.split('"')[0] for part in page.split('href="')[1:] if f"case={start}" in part.split('"')[0])
        narrowed = aud.get("/trail/" + link.replace("&amp;", "&")).content.decode()
        assert self.lines(narrowed).count('role="row"') == 1
        assert start in self.lines(narrowed)
        assert str(other)[:8] not in self.lines(narrowed)

    def test_by_outcome_and_action(self, people, visit, case_id):
        visit("otto").get(f"/cases/{case_id}/")
        page = visit("aud").get("/trail/", {"outcome": "1", "action": "access.refused"}).content.decode()
        lines = self.lines(page)
        assert lines.count('role="row"') == 1
        assert "Otto Oja" in lines
        # What was asked for stands beside the refusal, for whoever looks after the case.
        assert str(case_id)[:8] in lines

    def test_by_days_of_the_organisation(self, people, visit, case_id):
        aud = visit("aud")
        today = {"day_from_0": "23", "day_from_1": "11", "day_from_2": "2026"}
        assert self.lines(aud.get("/trail/", {**today, "action": "case.created"}).content.decode())
        tomorrow = {"day_from_0": "24", "day_from_1": "11", "day_from_2": "2026"}
        page = aud.get("/trail/", {**tomorrow, "action": "case.created"}).content.decode()
        assert self.lines(page) == ""
        assert "Nothing in the trail matches" in page

    def test_a_wrong_day_is_told_beside_its_field_and_nothing_typed_is_lost(self, people, visit):
        sent = {"day_from_0": "31", "day_from_1": "2", "day_from_2": "2026", "action": "case.read"}
        page = visit("aud").get("/trail/", sent).content.decode()
        assert "31 February 2026 does not exist." in page
        assert 'value="31"' in page
        assert '<option value="case.read" selected>' in page
        assert "No entry is shown" in page
        backwards = {f"day_{end}_{box}": part for end, day in (("from", "9 3 2026"), ("to", "8 3 2026"))
                     for box, part in enumerate(day.split())}  # fmt: skip
        assert "not before the first one" in visit("aud").get("/trail/", backwards).content.decode()
        assert "digits and the letters a to f" in visit("aud").get("/trail/", {"case": "Testov"}).content.decode()
        short = visit("aud").get("/trail/", {"case": "ab"}).content.decode()
        assert "Enter at least the first four characters" in short

    def test_older_entries_keep_the_filter(self, people, visit, case_id):
        wanda = visit("wanda")
        for _time in range(52):
            wanda.get(f"/cases/{case_id}/")
        aud = visit("aud")
        page = aud.get("/trail/", {"action": "case.read", "who": str(people.wanda)}).content.decode()
        older = aud.get("/trail/" + page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&"))
        lines = self.lines(older.content.decode())
        assert lines.count('role="row"') == 2
        assert lines.count("Read the case") == 2

    def test_marks_an_emergency_and_shows_only_what_is_unusual(self, people, visit, case_id):
        with cast.acting(people.olga):
            audit.record("access.glass_broken", obj=case_id)
        page = visit("aud").get("/trail/", {"unusual": "on"}).content.decode()
        assert self.lines(page).count('role="row"') == 1
        assert "Emergency access" in self.lines(page)

    def test_asks_the_database_no_more_for_more_entries(self, people, visit, case_id, count_queries):
        aud, wanda = visit("aud"), visit("wanda")
        wanda.get(f"/cases/{case_id}/")
        aud.get("/trail/", {"action": "case.read"})
        few = count_queries(lambda: aud.get("/trail/", {"action": "case.read"}))
        for _time in range(30):
            wanda.get(f"/cases/{case_id}/")
        assert count_queries(lambda: aud.get("/trail/", {"action": "case.read"})) == few <= 16
