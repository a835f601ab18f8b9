"""Making and changing a case by the form."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from casework.cases import selectors as cases
from casework.cases import services as case_services
from tests import cast
from tests.pages.conftest import record

SMALLEST = {"name_latin": "Maketova Vera", "country": "FR"}
FULL = {
    "name_original": "Макетова Вера",
    "name_latin": "Maketova Vera",
    "birth_on_0": "7",
    "birth_on_1": "March",
    "birth_on_2": "1991",
    "birth_estimated": "on",
    "gender": "woman",
    "nationalities_0": "RU",
    "nationalities_1": "",
    "languages_0": "ru",
    "languages_1": "fr",
    "country": "FR",
    "ground_political": "on",
    "account_political": "Synthetic account of a picket.",
    "ground_anti-war": "on",
    "account_religious": "Written without its tick.",
    "channels": ["messenger", "email"],
    "contact_details": "synthetic handle",
    "contact_hours": "after 18:00",
    "code_word": "lighthouse",
    "risk_level": "high",
    "title": "Synthetic title",
    "summary": "Synthetic summary",
    "access_notes": "Synthetic notes",
}


def _opened(people: cast.Cast, url: str, who: str = "wanda") -> Any:
    case_id = url.strip("/").split("/")[1]
    with cast.acting(getattr(people, who)):
        return case_services.open_case(cases.visible().get(pk=case_id).pk)


class TestNewCase:
    """Only a name and the country are needed."""

    def test_saves_with_name_and_country_alone(self, people, visit):
        answer = visit("wanda").post("/cases/new/", SMALLEST)
        assert answer.status_code == 302
        assert _opened(people, answer.url).applicant.name_latin == "Maketova Vera"

    def test_keeps_everything_that_was_given(self, people, visit):
        case = _opened(people, visit("wanda").post("/cases/new/", FULL).url)
        applicant = case.applicant
        assert (applicant.name_original, applicant.birth_on.isoformat()) == ("Макетова Вера", "1991-03-07")
        assert applicant.birth_estimated
        assert (applicant.nationalities, applicant.languages) == (("RU",), ("ru", "fr"))
        assert {ground.kind: ground.account for ground in case.grounds} == {
            "political": "Synthetic account of a picket.",
            "anti-war": "",
            "religious": "Written without its tick.",
        }
        assert case.safe_contact.channels == ("messenger", "email")
        assert not case.safe_contact.may_leave_message
        assert case.safe_contact.code_word == "lighthouse"
        assert case.risk_level == "high"

    @pytest.mark.parametrize("missing", ["country", "name_latin"])
    def test_a_mistake_keeps_what_was_typed(self, people, visit, missing):
        given = {**FULL, missing: ""} if missing == "country" else {**FULL, "name_latin": "", "name_original": ""}
        answer = visit("wanda").post("/cases/new/", given)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "There is a problem" in page
        for typed in (
            "Synthetic account of a picket.",
            "Synthetic summary",
            "lighthouse",
            'value="1991"',
            'value="March"',
        ):
            assert typed in page, typed

    def test_a_date_that_does_not_exist_is_refused_beside_its_boxes(self, people, visit):
        page = visit("wanda").post("/cases/new/", {**FULL, "birth_on_0": "31", "birth_on_1": "2"}).content.decode()
        assert "31 February 1991 does not exist." in page

    def test_a_message_after_saving_names_nobody(self, people, visit):
        wanda = visit("wanda")
        wanda.post("/cases/new/", FULL)
        notice = wanda.get("/cases/").content.decode().split('role="status"')[1].split("</div>")[0]
        assert "The case was saved" in notice
        assert "Maketova" not in notice

    def test_is_refused_to_a_lawyer(self, people, visit):
        lev = visit("lev")
        assert lev.get("/cases/new/").status_code == 403
        assert lev.post("/cases/new/", SMALLEST).status_code == 403


class TestChangingACase:
    """The second to save is shown what the first one saved."""

    def test_saves_and_shows_the_form_as_it_was(self, people, visit):
        wanda = visit("wanda")
        url = wanda.post("/cases/new/", FULL).url
        page = wanda.get(url + "edit/").content.decode()
        assert "Synthetic account of a picket." in page
        answer = wanda.post(url + "edit/", {**FULL, "summary": "Another summary", "version": "1"})
        assert answer.status_code == 302
        assert _opened(people, url).summary == "Another summary"

    def test_overwrites_nothing_when_somebody_was_faster(self, people, visit):
        wanda = visit("wanda")
        url = wanda.post("/cases/new/", FULL).url
        wanda.post(url + "edit/", {**FULL, "summary": "The first to save", "version": "1"})
        answer = wanda.post(url + "edit/", {**FULL, "summary": "The second to save", "version": "1"})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "The first to save" in page
        assert "The second to save" in page
        assert 'name="version" value="2"' in page
        assert _opened(people, url).summary == "The first to save"

    def test_a_country_that_the_facts_contradict_is_refused_beside_its_field(self, people, visit):
        wanda = visit("wanda")
        url = wanda.post("/cases/new/", FULL).url
        case_id = url.strip("/").split("/")[1]
        facts = ({"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},)
        record(people, UUID(case_id), facts=facts)
        version = wanda.get(url + "edit/").content.decode().split('name="version" value="')[1].split('"')[0]
        typed = {**FULL, "country": "HR", "summary": "Typed with care", "version": version}
        answer = wanda.post(url + "edit/", typed)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "does not go with this country" in page.split('id="id_country_error"')[1].split("</div>")[0]
        assert "facts[" not in page
        assert "Typed with care" in page
        assert '<option value="HR" selected' in page
        assert _opened(people, url).country == "FR"
        for path in ("", "deadlines/", "timeline/"):
            assert wanda.get(url + path).status_code == 200

    def test_a_mistake_keeps_the_version_that_was_shown_first(self, people, visit):
        wanda = visit("wanda")
        url = wanda.post("/cases/new/", FULL).url
        wanda.post(url + "edit/", {**FULL, "summary": "The first to save", "version": "1"})
        page = wanda.post(url + "edit/", {**FULL, "country": "", "version": "1"}).content.decode()
        assert 'name="version" value="1"' in page
