"""The list of cases as a caseworker sees it."""

from __future__ import annotations

import re
from dataclasses import replace

from casework.audit import selectors as audit
from casework.cases import selectors as cases
from casework.cases.types import PersonInput
from tests import cast
from tests.pages.conftest import record


def _person(latin: str, original: str = "") -> PersonInput:
    return PersonInput(name_original=original, name_latin=latin)


class TestCaseList:
    """What is shown, and to whom."""

    def test_shows_own_cases_and_none_of_another_team(self, people, visit):
        cast.open_a_case(people, applicant=_person("Vymyslova Anna", "Вымыслова Анна"))
        cast.open_a_case(people, "otto", applicant=_person("Nenastoyashchev Egor"))
        page = visit("wanda").get("/cases/").content.decode()
        assert "Vymyslova Anna" in page
        assert "Вымыслова Анна" in page
        assert "Nenastoyashchev" not in page

    def test_says_in_words_when_the_next_limit_ends(self, people, visit, case_id):
        page = visit("wanda").get("/cases/").content.decode()
        assert "25 March 2027" in page
        assert "in 122 days" in page

    def test_filters_by_country_and_offers_to_remove_the_filter(self, people, visit):
        cast.open_a_case(people, applicant=_person("In France"))
        cast.open_a_case(people, applicant=_person("In Germany"), country="DE")
        page = visit("wanda").get("/cases/", {"country": "DE"}).content.decode()
        assert "In Germany" in page
        assert "In France" not in page
        assert "Country: Germany" in page

    def test_an_unknown_filter_counts_as_none(self, people, visit, case_id):
        page = visit("wanda").get("/cases/", {"country": "<script>", "page": "x", "stage": "nonsense"})
        assert page.status_code == 200
        assert b"Testov Piotr" in page.content

    def test_has_at_most_six_columns(self, people, visit, case_id):
        assert visit("wanda").get("/cases/").content.count(b'role="columnheader"') == 6

    def test_says_what_to_do_when_there_is_no_case(self, people, visit):
        assert "Log the first case" in visit("wanda").get("/cases/").content.decode()

    def test_mine_leaves_out_what_a_colleague_leads(self, people, visit):
        cast.open_a_case(people, "cora", applicant=_person("Led By Cora"))
        cast.open_a_case(people, applicant=_person("Led By Wanda"))
        cora = visit("cora")
        assert "Led By Wanda" in cora.get("/cases/").content.decode()
        mine = cora.get("/cases/", {"view": "mine"}).content.decode()
        assert "Led By Cora" in mine
        assert "Led By Wanda" not in mine


class TestSearchByName:
    """In either script, by POST alone."""

    def test_finds_a_name_in_either_script(self, people, visit):
        cast.open_a_case(people, applicant=_person("Obraztsov Rustam", "Образцов Рустам"))
        wanda = visit("wanda")
        for words in ("Obraztsov", "Образцов", "rustam"):
            assert "Obraztsov Rustam" in wanda.post("/cases/", {"words": words}).content.decode(), words

    def test_never_finds_a_case_of_another_team(self, people, visit):
        cast.open_a_case(people, "otto", applicant=_person("Obraztsov Rustam"))
        page = visit("wanda").post("/cases/", {"words": "Obraztsov"}).content.decode()
        assert "Nobody like that" in page
        assert "Obraztsov Rustam" not in page

    def test_answers_at_once_so_that_no_name_stands_in_an_address(self, people, visit, case_id):
        answer = visit("wanda").post("/cases/", {"words": "Testov"})
        assert answer.status_code == 200
        assert b"words=" not in answer.content

    def test_an_address_with_words_searches_nothing(self, people, visit):
        cast.open_a_case(people, applicant=_person("Somebody Else"))
        assert "Somebody Else" in visit("wanda").get("/cases/", {"words": "Testov"}).content.decode()

    def test_leaves_an_entry_in_the_trail(self, people, visit, case_id):
        visit("wanda").post("/cases/", {"words": "Testov"})
        with cast.acting(people.aud):
            assert "case.searched" in [entry.action for entry in audit.entries_of_actor(people.wanda)]

    def test_without_words_says_what_is_missing(self, people, visit):
        assert b"Enter a name or a number" in visit("wanda").post("/cases/", {"words": " "}).content

    def test_takes_a_number_a_ground_or_a_nationality_and_puts_none_in_an_address(self, people, visit):
        given = cast.a_case()
        applicant = replace(given.applicant, papers=("75 7654321",), nationalities=("KZ",))
        case_id = cast.open_a_case(people, applicant=applicant)
        with cast.acting(people.wanda):
            reference = cases.references([case_id])[case_id]
        wanda = visit("wanda")
        assert "75 7654321" in wanda.get(f"/cases/{case_id}/").content.decode()
        for asked in ({"words": "757654321"}, {"ground": "military"}, {"words": "Testow", "nationality": "KZ"}):
            page = wanda.post("/cases/", asked).content.decode()
            assert reference in page, asked
            assert "757654321" not in "".join(re.findall(r'(?:href|action)="([^"]*)"', page))
        for asked in ({"words": "757654322"}, {"ground": "lgbtqi"}, {"words": "Testow", "nationality": "RU"}):
            assert reference not in wanda.post("/cases/", asked).content.decode(), asked

    def test_keeps_what_was_asked_from_page_to_page(self, people, visit):
        for _ in range(51):
            cast.open_a_case(people)
        page = visit("wanda").post("/cases/", {"ground": "military", "page": "2"}).content.decode()
        assert "Page 2 of 2" in page
        assert '<input type="hidden" name="ground" value="military">' in page


class TestQueries:
    """The number of statements is pinned, and does not grow with the number of cases."""

    def test_the_list_takes_twelve_at_most_for_five_and_for_fifty_cases(self, people, visit, count_queries):
        wanda = visit("wanda")
        wanda.get("/cases/")
        found = []
        for more in (5, 45):
            for _number in range(more):
                cast.open_a_case(people)
            found.append(count_queries(lambda: wanda.get("/cases/")))
        assert found[0] == found[1]
        assert found[0] <= 12

    def test_one_case_takes_sixteen_at_most_whatever_its_facts(self, people, visit, case_id, count_queries):
        wanda = visit("wanda")
        wanda.get(f"/cases/{case_id}/")
        few = count_queries(lambda: wanda.get(f"/cases/{case_id}/"))
        stays = tuple({"fact": "detained", "on": f"2026-11-{day:02}", "ground": "transfer"} for day in range(1, 21))
        record(people, case_id, facts=stays)
        assert count_queries(lambda: wanda.get(f"/cases/{case_id}/")) == few
        assert few <= 16

    def test_the_list_reads_as_many_rows_as_it_shows(self, people, visit, case_id):
        with cast.acting(people.wanda):
            assert cases.visible().count() == 1
