"""Recording facts, and what the pages make of them."""

from __future__ import annotations

from datetime import date

import pytest

from casework.law import derive
from casework.law.facts import VOCABULARY
from casework.procedure import selectors as procedure
from tests import cast
from tests.pages.conftest import FACTS


def _boxes(day: str, name: str = "on") -> dict[str, str]:
    year, month, number = day.split("-")
    return {f"{name}_0": number, f"{name}_1": month, f"{name}_2": year}


def _facts(people: cast.Cast, case_id: object) -> list[dict[str, object]]:
    with cast.acting(people.wanda):
        return [dict(fact.content) for fact in procedure.recorded_facts(case_id)]


class TestRecordingAFact:
    """By the form that the vocabulary makes."""

    def test_the_form_and_the_facts_file_lead_to_the_same_limits(self, people, visit):
        case_id = cast.open_a_case(people)
        wanda = visit("wanda")
        for fact in FACTS:
            given = {key: value for key, value in fact.items() if key not in {"fact", "on"}}
            answer = wanda.post(f"/cases/{case_id}/facts/new/{fact['fact']}/", {**_boxes(fact["on"]), **given})
            assert answer.status_code == 302, answer.content.decode()[-3000:]
        expected = derive.procedure(procedure.case_file(country="FR", content=FACTS), on=date(2026, 11, 23))
        with cast.acting(people.wanda):
            shown = procedure.derived(case_id, "FR")
        assert shown.deadlines == expected.deadlines
        page = wanda.get(f"/cases/{case_id}/deadlines/").content.decode()
        for day in ("24 September 2026", "9 October 2026", "25 March 2027"):
            assert day in page, day

    def test_an_hour_is_kept_in_the_zone_of_the_authority(self, people, visit, case_id):
        given = {**_boxes("2026-11-20"), "time": "17:40", "ground": "transfer"}
        visit("wanda").post(f"/cases/{case_id}/facts/new/detained/", given)
        assert _facts(people, case_id)[-1]["at"] == "2026-11-20T17:40:00+01:00"

    def test_a_hearing_set_by_a_court_may_lie_ahead(self, people, visit, case_id):
        given = {**_boxes("2026-12-18"), "time": "09:30", "kind": "hearing", "place": "Synthetic court, room 4"}
        wanda = visit("wanda")
        assert wanda.post(f"/cases/{case_id}/facts/new/appointment/", given).status_code == 302
        assert "18 December 2026" in wanda.get(f"/cases/{case_id}/deadlines/").content.decode()

    def test_a_date_set_by_a_court_becomes_a_limit(self, people, visit, case_id):
        given = {
            **_boxes("2026-11-20"),
            **_boxes("2026-12-04", "due"),
            "what": "Statement of grounds",
            "whose": "applicant",
            "by": "court",
        }
        wanda = visit("wanda")
        assert wanda.post(f"/cases/{case_id}/facts/new/time-limit-set/", given).status_code == 302
        page = wanda.get(f"/cases/{case_id}/deadlines/").content.decode()
        assert "4 December 2026" in page
        assert "in 11 days" in page

    def test_a_day_ahead_is_refused_for_what_has_to_have_happened(self, people, visit, case_id):
        answer = visit("wanda").post(f"/cases/{case_id}/facts/new/released/", _boxes("2026-11-24"))
        assert "This date lies ahead" in answer.content.decode()
        assert len(_facts(people, case_id)) == len(FACTS)

    def test_a_reply_before_its_request_is_refused_beside_the_date_and_nothing_is_kept(self, people, visit, case_id):
        given = {**_boxes("2026-09-05"), "state": "HR"}
        answer = visit("wanda").post(f"/cases/{case_id}/facts/new/take-back-confirmed/", given)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "This lies before what it answers: “Take back notification sent”" in page.replace("&quot;", '"')
        assert "10 September 2026" in page
        assert 'id="id_on_error"' in page
        assert "facts[" not in page
        assert len(_facts(people, case_id)) == len(FACTS)

    def test_what_is_missing_is_said_beside_its_field(self, people, visit, case_id):
        page = visit("wanda").post(f"/cases/{case_id}/facts/new/eurodac-hit/", _boxes("2026-09-02")).content.decode()
        assert 'id="id_state_error"' in page
        assert 'id="id_category_error"' in page

    @pytest.mark.parametrize("kind", sorted(VOCABULARY))
    def test_every_kind_of_fact_has_its_form(self, people, visit, kind):
        case_id = cast.open_a_case(people)
        page = visit("wanda").get(f"/cases/{case_id}/facts/new/{kind}/").content.decode()
        for member in VOCABULARY[kind].members:
            assert f'name="{member.name}' in page

    def test_an_unknown_kind_is_not_found(self, people, visit, case_id):
        assert visit("wanda").get(f"/cases/{case_id}/facts/new/no-such-fact/").status_code == 404

    def test_the_list_leads_on_without_a_script(self, people, visit, case_id):
        answer = visit("wanda").get(f"/cases/{case_id}/facts/new/", {"kind": "detained"})
        assert answer.url == f"/cases/{case_id}/facts/new/detained/"

    def test_the_list_offers_every_kind(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/facts/new/").content.decode()
        for kind in VOCABULARY:
            assert f"/facts/new/{kind}/" in page


class TestCorrectingAFact:
    """The first version stays in the record and counts no more."""

    def _id_of(self, people: cast.Cast, case_id: object, name: str) -> object:
        with cast.acting(people.wanda):
            return next(fact.id for fact in procedure.recorded_facts(case_id) if fact.name == name)

    def test_a_corrected_date_moves_the_limits(self, people, visit, case_id):
        fact_id = self._id_of(people, case_id, "eurodac-hit")
        wanda = visit("wanda")
        url = f"/cases/{case_id}/facts/{fact_id}/correct/"
        assert 'value="2026"' in wanda.get(url).content.decode()
        wanda.post(url, {**_boxes("2026-09-03"), "state": "HR", "category": "asylum", "note": "read again"})
        page = wanda.get(f"/cases/{case_id}/timeline/").content.decode()
        assert "3 September 2026" in page
        counting, earlier = page.split('<details class="account">')
        assert ">2 September 2026<" not in counting
        assert ">2 September 2026<" in earlier
        assert "Corrected" in page
        assert "read again" in page

    def test_a_withdrawn_fact_takes_its_limits_away(self, people, visit, case_id):
        fact_id = self._id_of(people, case_id, "transfer-decision-notified")
        wanda = visit("wanda")
        url = f"/cases/{case_id}/facts/{fact_id}/withdraw/"
        assert wanda.post(url, {"note": ""}).status_code == 200
        assert wanda.post(url, {"note": "another person's decision"}).status_code == 302
        assert "transfer-decision-notified" not in [fact["fact"] for fact in _facts(people, case_id)]

    def test_a_fact_of_another_case_is_not_found(self, people, visit, case_id):
        other = cast.open_a_case(people)
        fact_id = self._id_of(people, case_id, "eurodac-hit")
        assert visit("wanda").get(f"/cases/{other}/facts/{fact_id}/correct/").status_code == 404


class TestDeadlines:
    """Every limit with its date, its article, its reasons."""

    def test_shows_article_link_reasons_and_whose_turn_it_is(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/deadlines/").content.decode()
        assert "Art. 46(1)" in page
        assert 'href="https://' in page
        assert "Why this date?" in page
        assert "Croatia" in page

    def test_a_case_without_facts_says_where_to_begin(self, people, visit):
        case_id = cast.open_a_case(people)
        assert "No time limit yet" in visit("wanda").get(f"/cases/{case_id}/deadlines/").content.decode()

    def test_a_case_on_both_sides_of_the_reform_shows_both_readings(self, people, visit):
        case_id = cast.open_a_case(people)
        facts = (
            {"fact": "application-lodged", "on": "2026-06-10", "state": "FR"},
            {"fact": "eurodac-hit", "on": "2026-06-12", "state": "HR", "category": "asylum"},
            {"fact": "take-back-requested", "on": "2026-07-05", "state": "HR", "basis": "eurodac"},
        )
        with cast.acting(people.wanda):
            from casework.procedure import services

            for fact in facts:
                services.record_fact(case_id, content=fact)
        page = visit("wanda").get(f"/cases/{case_id}/deadlines/").content.decode()
        assert "Reading A" in page
        assert "Reading B" in page
        assert "Two readings of the law" in page


class TestTimeline:
    """The day it happened and the day it was written down."""

    def test_shows_both_days_and_who_recorded(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/timeline/").content.decode()
        assert "2 September 2026" in page
        assert "Recorded 23 November 2026" in page
        assert "Wanda Wójcik" in page

    def test_is_filtered_by_group(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/timeline/", {"group": "evidence"}).content.decode()
        assert "Eurodac hit received" in page
        assert "Take back notification sent" not in page
