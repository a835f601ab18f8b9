"""Recording facts, and what the pages make of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

import pytest

from casework.access import services as access
from casework.access.types import Level
from casework.audit import selectors as audit
from casework.law import derive, packs, wording
from casework.law.facts import VOCABULARY
from casework.procedure import selectors as procedure
from tests import cast
from tests.pages.conftest import FACTS, record


def _boxes(day: str, name: str = "on") -> dict[str, str]:
    year, month, number = day.split("-")
    return {f"{name}_0": number, f"{name}_1": month, f"{name}_2": year}


def _facts(people: cast.Cast, case_id: object) -> list[dict[str, object]]:
    with cast.acting(people.wanda):
        return [dict(fact.content) for fact in procedure.recorded_facts(case_id)]


def _another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the law speak a made-up German: English with a mark, so that the test does not depend on the translators."""
    english = wording.catalogue("en")
    kept = ("format.", "month.", "weekday.")
    marked = {key: text if key.startswith(kept) else f"[de] {text}" for key, text in english.items()}
    monkeypatch.setattr(wording, "languages", lambda: ("en", "de"))
    monkeypatch.setattr(wording, "catalogue", lambda lang: marked if lang == "de" else english)
    # What is kept of the words belongs to this test alone.
    monkeypatch.setattr(wording, "words_for", lru_cache(wording.Words))


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
        # Facts of one day stand in the order of recording here, and in the file's there: places in it may differ.
        nowhere: dict[str, Any] = {"started_by": None, "met_by": None}
        assert [replace(limit, **nowhere) for limit in shown.deadlines] == [
            replace(limit, **nowhere) for limit in expected.deadlines
        ]
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
        names = {member.name for member in VOCABULARY[kind].members}
        # The printed period is asked for once, with its unit, not also in days.
        for name in names - {"appeal_days"} if "appeal_period" in names else names:
            assert f'name="{name}' in page

    def test_an_unknown_kind_is_not_found(self, people, visit, case_id):
        assert visit("wanda").get(f"/cases/{case_id}/facts/new/no-such-fact/").status_code == 404

    def test_the_list_leads_on_without_a_script(self, people, visit, case_id):
        answer = visit("wanda").get(f"/cases/{case_id}/facts/new/", {"kind": "detained"})
        assert answer.url == f"/cases/{case_id}/facts/new/detained/"

    def test_the_list_offers_every_kind(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/facts/new/").content.decode()
        for kind in VOCABULARY:
            assert f"/facts/new/{kind}/" in page


class TestBadInput:
    """Refused beside the field, with everything typed kept."""

    def test_a_transfer_before_its_acceptance_is_refused_whichever_is_recorded_last(self, people, visit, case_id):
        wanda = visit("wanda")
        accepted, transferred = "take-back-confirmed", "transferred"
        url = f"/cases/{case_id}/facts/new/"
        wanda.post(f"{url}{accepted}/", {**_boxes("2026-09-20"), "state": "HR"})
        page = wanda.post(f"{url}{transferred}/", {**_boxes("2026-09-15"), "state": "HR"}).content.decode()
        said = page.split('id="id_on_error"')[1].split("</div>")[0]
        assert "before the acceptance recorded for 20 September 2026" in said

        other = cast.open_a_case(people)
        record(people, other)
        url = f"/cases/{other}/facts/new/"
        wanda.post(f"{url}{transferred}/", {**_boxes("2026-09-15"), "state": "HR"})
        page = wanda.post(f"{url}{accepted}/", {**_boxes("2026-09-20"), "state": "HR"}).content.decode()
        said = page.split('id="id_on_error"')[1].split("</div>")[0]
        assert "A transfer is recorded for 15 September 2026" in said

    @pytest.mark.parametrize(
        "bad",
        [
            ("eurodac-hit", {**_boxes("2026-09-02"), "state": "FR", "category": "asylum"}, "state", "choose the other"),
            ("eurodac-hit", {**_boxes("2026-09-02"), "state": "XZ", "category": "asylum"}, "state", "on the list"),
            ("take-back-confirmed", {**_boxes("2026-09-05"), "state": "HR"}, "on", "before what it answers"),
            ("detained", {**_boxes("2026-02-30"), "ground": "transfer"}, "on", "30 February 2026 does not exist"),
            ("detained", {**_boxes("2026-03-29"), "time": "02:30", "ground": "transfer"}, "time", "There was no 02:30"),
            ("detained", {**_boxes("2026-10-25"), "time": "02:30", "ground": "transfer"}, "time", "showed 02:30 twice"),
            (
                "return-decision-notified",
                {**_boxes("2026-11-02"), "appeal_period_0": "x"},
                "appeal_period",
                "1 to 9999",
            ),
            ("imprisoned", {"date_unknown": "on", **_boxes("2026-11-02")}, "date_unknown", "Either give the date"),
            ("imprisoned", _boxes("2026-11-02", "not_before"), "date_unknown", "Tick this"),
            (
                "imprisoned",
                {"date_unknown": "on", **_boxes("2026-11-02", "not_before"), **_boxes("2026-10-02", "not_after")},
                "not_after",
                "before the first day",
            ),
        ],
    )
    def test_stands_beside_its_field(self, people, visit, case_id, bad):
        kind, given, field, said = bad
        typed = {**given, "note": "typed by hand", "certainty": "told"}
        answer = visit("wanda").post(f"/cases/{case_id}/facts/new/{kind}/", typed)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert said in page.split(f'id="id_{field}_error"')[1].split("</div>")[0]
        assert "typed by hand" in page
        for name, value in given.items():
            assert f'name="{name}"' in page
            assert f'value="{value}"' in page or value in {"XZ", "on"}
        assert len(_facts(people, case_id)) == len(FACTS)


class TestHours:
    """Typed on the clocks of the acting authority, which the field names."""

    def test_the_zone_is_named(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/facts/new/detained/").content.decode()
        assert "Time in France (Europe/Paris)" in page
        assert "Which of the two?" not in page

    def test_an_hour_that_was_twice_is_asked_about_and_kept_as_answered(self, people, visit, case_id):
        wanda = visit("wanda")
        url = f"/cases/{case_id}/facts/new/detained/"
        given = {**_boxes("2026-10-25"), "time": "02:30", "ground": "transfer"}
        assert "Which of the two?" in wanda.post(url, given).content.decode()
        for which, offset in (("0", "+02:00"), ("1", "+01:00")):
            assert wanda.post(url, {**given, "time_which": which}).status_code == 302
            assert f"2026-10-25T02:30:00{offset}" in [fact.get("at") for fact in _facts(people, case_id)]

    def test_a_limit_that_ends_at_an_hour_says_on_whose_clocks_and_how_many_hours_are_left(
        self, people, visit, case_id
    ):
        given = {**_boxes("2026-11-24"), "time": "09:30", "kind": "hearing"}
        wanda = visit("wanda")
        wanda.post(f"/cases/{case_id}/facts/new/appointment/", given)
        for tab in ("deadlines/", ""):
            page = wanda.get(f"/cases/{case_id}/{tab}").content.decode()
            assert "24 November 2026, 09:30" in page
            assert '<span class="zone">' in page
            assert "in 23 hours" in page


class TestAFactWithoutADate:
    """The day is not known: said so, with the days between which it lies."""

    def test_is_recorded_with_its_bounds_and_told_on_the_timeline(self, people, visit, case_id):
        given = {"date_unknown": "on", **_boxes("2026-11-02", "not_before"), **_boxes("2026-11-09", "not_after")}
        wanda = visit("wanda")
        answer = wanda.post(f"/cases/{case_id}/facts/new/imprisoned/", given)
        assert answer.status_code == 302, answer.content.decode()[-3000:]
        fact = next(fact for fact in _facts(people, case_id) if fact["fact"] == "imprisoned")
        assert fact == {
            "fact": "imprisoned",
            "date_unknown": True,
            "not_before": "2026-11-02",
            "not_after": "2026-11-09",
        }
        page = wanda.get(f"/cases/{case_id}/timeline/").content.decode()
        assert "The date is not known: between 2 November 2026 and 9 November 2026" in page

    def test_comes_back_into_its_form(self, people, visit, case_id):
        wanda = visit("wanda")
        wanda.post(f"/cases/{case_id}/facts/new/imprisoned/", {"date_unknown": "on"})
        with cast.acting(people.wanda):
            fact_id = next(fact.id for fact in procedure.recorded_facts(case_id) if fact.name == "imprisoned")
        page = wanda.get(f"/cases/{case_id}/facts/{fact_id}/correct/").content.decode()
        assert '<details class="unknown-date" open>' in page
        assert "checked" in page.split('name="date_unknown"')[1].split(">")[0]

    @pytest.mark.parametrize("kind", ["appointment", "time-limit-set", "transfer-scheduled"])
    def test_is_not_offered_for_what_is_nothing_but_its_date(self, people, visit, case_id, kind):
        page = visit("wanda").get(f"/cases/{case_id}/facts/new/{kind}/").content.decode()
        assert 'name="date_unknown"' not in page


class TestTheDocumentThatProvesAFact:
    """Chosen from the case's own; a limit that was met shows it."""

    def _document(self, people: cast.Cast, case_id: object, title: str = "Receipt of the notification") -> Any:
        from casework.documents import services as documents

        with cast.acting(people.wanda):
            upload = documents.seal_bytes(case_id, name="receipt.txt", content=b"Synthetic receipt.\n" * 20)
            return documents.add_document(case_id, upload=upload, title=title, kind="letter")

    def _proven(self, people: cast.Cast, case_id: object) -> tuple[Any, list[Any]]:
        """A notification proven by one document, corrected so that another proves it."""
        from casework.procedure import services

        papers = [self._document(people, case_id, title) for title in ("Synthetic first", "Synthetic second")]
        with cast.acting(people.wanda):
            sent = next(f for f in procedure.recorded_facts(case_id) if f.name == "take-back-notified")
            for paper in papers:
                fact_id = services.correct_fact(
                    case_id, fact_id=sent.id, content=sent.content, document=paper, reason="the signed one"
                )
                sent = next(f for f in procedure.recorded_facts(case_id) if f.id == fact_id)
        return sent.id, papers

    def test_stands_on_the_timeline_with_those_of_earlier_versions(self, people, visit, case_id):
        _fact, papers = self._proven(people, case_id)
        page = visit("wanda").get(f"/cases/{case_id}/timeline/").content.decode()
        counting, earlier = page.split('<details class="account">')
        item = next(part for part in counting.split("<li ") if "Synthetic second" in part)
        assert "Take back notification sent" in item
        assert f'action="/cases/{case_id}/documents/{papers[1]}/"' in item
        assert "Document: Synthetic first" in item
        assert f'action="/cases/{case_id}/documents/{papers[0]}/"' in earlier

    def test_is_handed_out_beside_the_limit_that_names_those_of_earlier_versions(self, people, visit, case_id):
        _fact, papers = self._proven(people, case_id)
        page = visit("wanda").get(f"/cases/{case_id}/deadlines/").content.decode()
        cards = [card for card in page.split("<article ")[1:] if "Synthetic second" in card]
        assert cards
        for card in cards:
            assert "Take back notification sent" in card
            assert f'action="/cases/{case_id}/documents/{papers[1]}/"' in card
            assert re.search(r'name="csrfmiddlewaretoken" value="\w{32,}"', card)
            assert "Synthetic first" in card.split("Document before:")[1]

    @pytest.mark.parametrize(("chosen", "kept"), [({"document": ""}, False), ({}, True)])
    def test_is_taken_away_by_choosing_none_and_kept_otherwise(self, people, visit, case_id, chosen, kept):
        fact_id, papers = self._proven(people, case_id)
        given = {**_boxes("2026-09-10"), "state": "HR", "why_corrected": "the wrong letter", **chosen}
        answer = visit("wanda").post(f"/cases/{case_id}/facts/{fact_id}/correct/", given)
        assert answer.status_code == 302
        with cast.acting(people.wanda):
            (sent,) = [f for f in procedure.recorded_facts(case_id) if f.name == "take-back-notified"]
        assert sent.document == (papers[1] if kept else None)

    def test_stands_on_the_limit_that_the_fact_met(self, people, visit):
        case_id = cast.open_a_case(people)
        document = self._document(people, case_id)
        wanda = visit("wanda")
        for fact in FACTS[:2]:
            given = {key: value for key, value in fact.items() if key not in {"fact", "on"}}
            wanda.post(f"/cases/{case_id}/facts/new/{fact['fact']}/", {**_boxes(fact["on"]), **given})
        url = f"/cases/{case_id}/facts/new/take-back-notified/"
        assert "Receipt of the notification" in wanda.get(url).content.decode()
        assert wanda.post(url, {**_boxes("2026-09-10"), "state": "HR", "document": str(document)}).status_code == 302
        page = wanda.get(f"/cases/{case_id}/deadlines/").content.decode()
        met = [part.split("</article>")[0] for part in page.split("Met by:")[1:]]
        (proven,) = [part for part in met if "Take back notification sent" in part]
        assert "10 September 2026" in proven
        assert "Receipt of the notification" in proven

    def test_of_another_case_is_refused(self, people, visit, case_id):
        other = cast.open_a_case(people)
        document = self._document(people, other)
        self._document(people, case_id)
        given = {**_boxes("2026-11-02"), "document": str(document)}
        page = visit("wanda").post(f"/cases/{case_id}/facts/new/imprisoned/", given).content.decode()
        assert 'id="id_document_error"' in page


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
        typed = {**_boxes("2026-09-03"), "state": "HR", "category": "asylum", "note": "read again"}
        assert 'id="id_why_corrected_error"' in wanda.post(url, typed).content.decode()
        wanda.post(url, {**typed, "why_corrected": "the printout says the 3rd"})
        page = wanda.get(f"/cases/{case_id}/timeline/").content.decode()
        assert "3 September 2026" in page
        counting, earlier = page.split('<details class="account">')
        assert ">2 September 2026<" not in counting
        assert ">2 September 2026<" in earlier
        assert "Corrected" in page
        assert "read again" in counting
        # The old version stands below the new one, with the reason; and once more among what counts no more.
        assert "the printout says the 3rd" in counting
        assert "2 September 2026 · Croatia" in counting
        assert "the printout says the 3rd" in earlier

    def test_keeps_the_reason_of_a_failed_transfer_apart_from_why_it_is_corrected(self, people, visit, case_id):
        from casework.procedure import services

        with cast.acting(people.wanda):
            content = {"fact": "transfer-failed", "on": "2026-11-02", "reason": "He was ill."}
            failed = services.record_fact(case_id, content=content)
        wanda = visit("wanda")
        url = f"/cases/{case_id}/facts/{failed}/correct/"
        page = wanda.get(url).content.decode()
        assert 'id="id_reason"' in page
        assert 'id="id_why_corrected"' in page
        typed = {**_boxes("2026-11-03"), "reason": "He was ill.", "why_corrected": "The letter names the 3rd."}
        assert wanda.post(url, typed).status_code == 302
        with cast.acting(people.wanda):
            standing = [fact for fact in procedure.recorded_facts(case_id) if fact.name == "transfer-failed"]
        assert [fact.content.get("reason") for fact in standing if not fact.replaced] == ["He was ill."]

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


class TestSomebodyWasFaster:
    """A fact that was corrected or taken back meanwhile: nothing is overwritten, nothing typed is lost."""

    TYPED = {
        **_boxes("2026-09-03"),
        "state": "HR",
        "category": "asylum",
        "note": "typed with care",
        "why_corrected": "typed reason",
    }

    def _hit(self, people: cast.Cast, case_id: object) -> Any:
        with cast.acting(people.wanda):
            return next(fact for fact in procedure.recorded_facts(case_id) if fact.name == "eurodac-hit")

    def _corrected(self, people: cast.Cast, case_id: object) -> tuple[Any, Any]:
        from casework.procedure import services

        hit = self._hit(people, case_id)
        with cast.acting(people.cora):
            content = {**hit.content, "on": "2026-09-04"}
            return hit.id, services.correct_fact(case_id, fact_id=hit.id, content=content, reason="Cora's reason")

    def _taken_back(self, people: cast.Cast, case_id: object) -> Any:
        from casework.procedure import services

        hit = self._hit(people, case_id)
        with cast.acting(people.cora):
            services.withdraw_fact(case_id, fact_id=hit.id, note="another person's hit")
        return hit.id

    def _refusals(self, people: cast.Cast) -> int:
        with cast.acting(people.wanda):
            return sum(entry.action == "access.refused" for entry in audit.entries_of_actor(people.wanda))

    def test_a_correction_shows_what_stands_and_keeps_what_was_typed(self, people, visit, case_id):
        old, new = self._corrected(people, case_id)
        wanda = visit("wanda")
        answer = wanda.post(f"/cases/{case_id}/facts/{old}/correct/", self.TYPED)
        page = answer.content.decode()
        assert answer.status_code == 409
        assert f"{people.user('cora').name} corrected this fact first" in page
        assert "Cora&#x27;s reason" in page
        assert "4 September 2026" in page
        assert f'href="/cases/{case_id}/facts/{new}/correct/"' in page
        for typed in ("typed with care", "typed reason", 'value="03"'):
            assert typed in page
        assert _facts(people, case_id)[1]["on"] == "2026-09-04"
        # Sent again, it corrects what stands now.
        (send_to,) = re.findall(r'<form method="post" action="([^"]*)" class="card-panel', page)
        assert wanda.post(send_to, self.TYPED).status_code == 302
        assert "2026-09-03" in [fact.get("on") for fact in _facts(people, case_id)]

    def test_a_correction_of_what_was_taken_back_can_be_recorded_anew(self, people, visit, case_id):
        old = self._taken_back(people, case_id)
        answer = visit("wanda").post(f"/cases/{case_id}/facts/{old}/correct/", self.TYPED)
        page = answer.content.decode()
        assert answer.status_code == 409
        assert f"{people.user('cora').name} took this fact back" in page
        assert "typed with care" in page
        assert f'formaction="/cases/{case_id}/facts/new/eurodac-hit/" name="carried"' in page

    def test_a_withdrawal_shows_what_stands_and_keeps_the_reason(self, people, visit, case_id):
        old, new = self._corrected(people, case_id)
        answer = visit("wanda").post(f"/cases/{case_id}/facts/{old}/withdraw/", {"note": "typed reason"})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "typed reason" in page
        assert f'action="/cases/{case_id}/facts/{new}/withdraw/"' in page
        assert len(_facts(people, case_id)) == len(FACTS)

    def test_a_link_to_it_leads_to_what_stands(self, people, visit, case_id):
        old, new = self._corrected(people, case_id)
        wanda = visit("wanda")
        for form in ("correct", "withdraw"):
            answer = wanda.get(f"/cases/{case_id}/facts/{old}/{form}/")
            assert answer.url == f"/cases/{case_id}/facts/{new}/{form}/"
        other = cast.open_a_case(people)
        record(people, other)
        gone = self._taken_back(people, other)
        assert wanda.get(f"/cases/{other}/facts/{gone}/correct/").url == f"/cases/{other}/timeline/"

    @pytest.mark.parametrize("form", ["correct", "withdraw"])
    def test_was_the_same_click_twice(self, people, visit, case_id, form):
        hit = self._hit(people, case_id)
        given = self.TYPED if form == "correct" else {"note": "typed reason"}
        wanda = visit("wanda")
        url = f"/cases/{case_id}/facts/{hit.id}/{form}/"
        answers = [wanda.post(url, given) for _click in range(2)]
        assert [answer.status_code for answer in answers] == [302, 302]
        assert len(_facts(people, case_id)) == len(FACTS) - (form == "withdraw")
        # Another reason is another act.
        again = wanda.post(url, {**given, "why_corrected": "other", "note": "other"})
        assert again.status_code == 409
        assert "You " in again.content.decode()

    def test_is_no_refusal_of_access(self, people, visit, case_id):
        old, _new = self._corrected(people, case_id)
        before = self._refusals(people)
        wanda = visit("wanda")
        wanda.get(f"/cases/{case_id}/facts/{old}/correct/")
        wanda.post(f"/cases/{case_id}/facts/{old}/correct/", self.TYPED)
        wanda.post(f"/cases/{case_id}/facts/{old}/withdraw/", {"note": "typed reason"})
        wanda.post(f"/cases/{case_id}/what-if/eurodac-hit/", {**self.TYPED, "corrects": str(old)})
        assert self._refusals(people) == before
        assert wanda.get(f"/cases/{case_id}/facts/{case_id}/correct/").status_code == 404
        assert self._refusals(people) == before + 1


class TestAContradictionInTheRecord:
    """Recorded before the law knew better: said on every page, with the way to mend it; no page fails."""

    @pytest.fixture
    def at_fault(self, people, case_id):
        """A hit of the very state whose procedure runs, stored past the services."""
        from casework.procedure.models import Fact

        with cast.acting(people.wanda):
            hit = {"fact": "eurodac-hit", "on": "2026-09-05", "state": "FR", "category": "asylum"}
            fact = Fact(case_id=case_id, recorded_by=people.wanda, content={"fact": hit, "note": ""})
            fact.save()
        return fact.pk

    @pytest.mark.parametrize("path", ["", "deadlines/", "timeline/"])
    def test_is_said_with_a_link_to_its_correction(self, people, visit, case_id, at_fault, path):
        answer = visit("wanda").get(f"/cases/{case_id}/{path}")
        page = answer.content.decode()
        assert answer.status_code == 200
        alert = page.split('aria-labelledby="fault-title"')[1].split("</section>")[0]
        assert "contradict each other" in alert
        assert "Eurodac hit received, 5 September 2026" in alert
        assert "facts[" not in alert
        assert f'href="/cases/{case_id}/facts/{at_fault}/correct/"' in alert
        assert "No time limit is running" not in page

    def test_is_no_way_to_record_for_who_may_only_read(self, people, visit, case_id, at_fault):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="reads")
        page = visit("lev").get(f"/cases/{case_id}/deadlines/").content.decode()
        assert "contradict each other" in page
        assert "/correct/" not in page

    def test_is_told_in_a_what_if_apart_from_what_was_typed(self, people, visit, case_id, at_fault):
        wanda = visit("wanda")
        assert wanda.get(f"/cases/{case_id}/what-if/").status_code == 200
        answer = wanda.post(f"/cases/{case_id}/what-if/detained/", {**_boxes("2026-11-20"), "ground": "transfer"})
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "contradict each other" in page
        assert "There is a problem" not in page

    def test_is_mended_by_its_correction_as_a_what_if_shows_first(self, people, visit, case_id, at_fault):
        wanda = visit("wanda")
        given = {**_boxes("2026-09-05"), "state": "HR", "category": "asylum", "why_corrected": "misread"}
        page = wanda.post(
            f"/cases/{case_id}/what-if/eurodac-hit/", {**given, "corrects": str(at_fault)}
        ).content.decode()
        assert "With this fact" in page
        assert wanda.post(f"/cases/{case_id}/facts/{at_fault}/correct/", given).status_code == 302
        assert "contradict each other" not in wanda.get(f"/cases/{case_id}/deadlines/").content.decode()


class TestDeadlines:
    """Every limit with its date, its article, its reasons."""

    def test_shows_article_link_reasons_and_whose_turn_it_is(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/deadlines/").content.decode()
        assert "Art. 46(1)" in page
        assert 'href="https://' in page
        assert "Why this date?" in page
        assert "Croatia" in page

    def test_says_what_would_change_a_date_with_the_new_date_and_only_here(self, people, visit, case_id):
        wanda = visit("wanda")
        page = wanda.get(f"/cases/{case_id}/deadlines/").content.decode()
        assert "What would change this date?" in page
        assert "decided on 23 December 2026 the new end would be 23 June 2027" in page
        assert "If Croatia is told that the person absconded (on 23 November 2026)" in page
        assert "What would change this date?" not in wanda.get(f"/cases/{case_id}/").content.decode()

    def test_is_explained_in_another_language_and_marked_as_such(self, people, visit, case_id, monkeypatch):
        _another_language(monkeypatch)
        wanda = visit("wanda")
        page = wanda.get(f"/cases/{case_id}/deadlines/", {"lang": "de"}).content.decode()
        assert '<ol lang="de">' in page
        assert '<ul lang="de">' in page
        assert '<summary>Why this date?<span class="visually-hidden" lang="de"> [de] ' in page
        assert '<summary>What would change this date?<span class="visually-hidden" lang="de"> [de] ' in page
        assert "[de] " in page
        assert 'href="?lang=en" lang="en"' in page
        english = wanda.get(f"/cases/{case_id}/deadlines/").content.decode()
        assert '<ol lang="' not in english
        assert "[de] " not in english

    @pytest.mark.parametrize("asked", ["xx", "../en", "de; drop"])
    def test_a_language_without_a_catalogue_is_as_if_it_had_not_been_asked_for(self, people, visit, case_id, asked):
        answer = visit("wanda").get(f"/cases/{case_id}/deadlines/", {"lang": asked})
        assert answer.status_code == 200
        page = answer.content.decode()
        assert f'lang="{asked}"' not in page
        assert '<ol lang="' not in page

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


class TestQuestions:
    """A rule whose figure nobody has confirmed gives no date, but a question with its article."""

    @pytest.fixture
    def asking(self):
        """A rule of some state that may only ask, started by a transfer decision."""
        return next(
            rule
            for rule in packs.load()
            if rule.asks and rule.place and [spec.text for spec in rule.starts_on] == ["transfer-decision-notified"]
        )

    def _case(self, people: cast.Cast, country: str) -> Any:
        from casework.procedure import services

        case_id = cast.open_a_case(people, country=country)
        with cast.acting(people.wanda):
            services.record_fact(case_id, content={"fact": "application-registered", "on": "2026-10-01"})
            services.record_fact(case_id, content={"fact": "transfer-decision-notified", "on": "2026-11-16"})
        return case_id

    def test_shows_article_figure_and_where_to_record_the_answer_and_no_date(self, people, visit, asking):
        case_id = self._case(people, asking.place)
        page = visit("wanda").get(f"/cases/{case_id}/deadlines/").content.decode()
        card = page.split("question-card")[1].split("</article>")[0]
        assert asking.source.replace("&", "&amp;") in card
        assert "Figure to check:" in card
        assert "Figure not confirmed" in card
        with cast.acting(people.wanda):
            decision = next(f.id for f in procedure.recorded_facts(case_id) if f.name == "transfer-decision-notified")
        assert f"/cases/{case_id}/facts/{decision}/correct/" in card

    def test_becomes_a_limit_once_the_printed_period_is_recorded(self, people, visit, asking):
        case_id = self._case(people, asking.place)
        wanda = visit("wanda")
        page = wanda.get(f"/cases/{case_id}/deadlines/").content.decode()
        url = page.split("question-card")[1].split('href="/cases/')[1].split('"')[0]
        given = {
            **_boxes("2026-11-16"),
            "appeal_period_0": "12",
            "appeal_period_1": "day",
            "why_corrected": "read it again",
        }
        assert wanda.post(f"/cases/{url}", given).status_code == 302
        after = wanda.get(f"/cases/{case_id}/deadlines/").content.decode()
        assert after.count("question-card") < page.count("question-card")
        # Twelve days end on a Saturday; not every law moves that.
        assert "28 November 2026" in after or "30 November 2026" in after

    def test_offers_who_may_only_read_no_way_to_record(self, people, visit, asking):
        case_id = self._case(people, asking.place)
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="reads")
        page = visit("lev").get(f"/cases/{case_id}/deadlines/").content.decode()
        assert "question-card" in page
        assert "/correct/" not in page


class TestTimeline:
    """The day it happened and the day it was written down."""

    def test_shows_both_days_and_who_recorded(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/timeline/").content.decode()
        assert "2 September 2026" in page
        assert "Recorded 23 November 2026" in page
        assert "Wanda Wójcik" in page

    def test_says_who_took_a_fact_back_and_when(self, people, visit, case_id):
        from casework.procedure import services

        with cast.acting(people.wanda):
            decision = next(f for f in procedure.recorded_facts(case_id) if f.name == "transfer-decision-notified")
        with cast.acting(people.cora):
            services.withdraw_fact(case_id, fact_id=decision.id, note="another person's decision")
        page = visit("wanda").get(f"/cases/{case_id}/timeline/").content.decode()
        gone = page.split('<details class="account">')[1]
        assert "Recorded 23 November 2026, 10:00 by Wanda Wójcik" in gone
        assert f"Taken back 23 November 2026, 10:00 by {people.user('cora').name}" in gone

    def test_is_filtered_by_group(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/timeline/", {"group": "evidence"}).content.decode()
        assert "Eurodac hit received" in page
        assert "Take back notification sent" not in page
