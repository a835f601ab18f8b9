"""What if …? Each limit now and with a fact added, and nothing stored."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.access import services as access
from casework.access.types import Level
from casework.audit import selectors as audit
from casework.core import clock
from casework.procedure import selectors as procedure
from casework.procedure import services as recording
from tests import cast
from tests.pages.conftest import FACTS

_WRITES = re.compile(r"(?i)\s*(insert|update|delete|merge|truncate)\b")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRAIL = re.compile(r'(?i)\s*(insert into|update) "?audit_')
_ABSCONDED = {"on_0": "20", "on_1": "11", "on_2": "2026", "state": "HR", "ground": "absconded"}
_DETAINED = {"on_0": "20", "on_1": "11", "on_2": "2026", "time": "17:40", "ground": "transfer"}


def _rows() -> dict[str, int]:
    """How many rows every table has that the web may read; the trail's are asked for by its own selectors."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = model._meta.db_table
            cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [f'"{table}"'])
            if cursor.fetchone()[0] and model._meta.app_label != "audit":
                found[table] = model._base_manager.count()
    return found


def _ask(client: Any, case_id: object, kind: str, given: dict[str, str]) -> str:
    answer = client.post(f"/cases/{case_id}/what-if/{kind}/", given)
    assert answer.status_code == 200
    return str(answer.content.decode())


def _cards(page: str) -> dict[str, str]:
    """The limits that would change, by their name; each as the text of its card."""
    changed = page.split('<details class="settled">', maxsplit=1)[0]
    found = {}
    for card in changed.split("<article ")[1:]:
        text = " ".join(re.sub(r"<[^>]+>", " ", card.split(">", 1)[1]).split())
        found[re.sub(r"<[^>]+>", "", card.split('class="limit-title">')[1].split("</h3>")[0])] = text
    return found


class TestTheAnswer:
    """Side by side: moved, new, gone, met; the stage; what to look at."""

    def test_shows_the_longer_window_and_the_one_whose_place_it_takes(self, people, visit, case_id):
        page = _ask(visit("wanda"), case_id, "absconding-notified", _ABSCONDED)
        cards = _cards(page)
        longer = cards["Transfer, longer because of absconding"]
        assert "New" in longer
        assert "Now No such limit" in longer
        assert "With this fact 20 November 2029" in longer
        assert "Superseded" in cards["Transfer"]
        assert "Stage now" in page
        assert "Absconding" in page

    def test_shows_a_limit_as_met(self, people, visit, case_id):
        given = {"on_0": "20", "on_1": "11", "on_2": "2026", "state": "HR"}
        card = _cards(_ask(visit("wanda"), case_id, "transferred", given))["Transfer"]
        assert card.startswith("Transfer Met")
        assert "Now 25 March 2027 Running" in card
        assert "With this fact 25 March 2027 Met on 20 November 2026" in card

    def test_supposes_what_lies_ahead(self, people, visit, case_id):
        given = {"on_0": "1", "on_1": "3", "on_2": "2027", "state": "HR", "ground": "absconded"}
        page = _ask(visit("wanda"), case_id, "absconding-notified", given)
        assert "1 March 2030" in _cards(page)["Transfer, longer because of absconding"]

    def test_tells_of_the_warnings_that_come(self, people, visit, case_id):
        given = {"on_0": "20", "on_1": "11", "on_2": "2026", "ground": "administrative"}
        page = _ask(visit("wanda"), case_id, "suspensive-effect-granted", given)
        assert "Then to be looked at" in page

    def test_says_when_nothing_would_change(self, people, visit, case_id):
        given = {"on_0": "20", "on_1": "11", "on_2": "2026", "kind": "hearing"}
        page = _ask(visit("wanda"), case_id, "appointment-cancelled", given)
        assert "Nothing would change" in page

    def test_supposes_a_correction(self, people, visit, case_id):
        with cast.acting(people.wanda):
            hit = next(fact for fact in procedure.recorded_facts(case_id) if fact.name == "eurodac-hit")
        given = {"on_0": "3", "on_1": "9", "on_2": "2026", "state": "HR", "category": "asylum", "corrects": str(hit.id)}
        page = _ask(visit("wanda"), case_id, "eurodac-hit", {**given, "why_corrected": "misread"})
        card = _cards(page)["Take back notification"]
        assert "1 day later" in card
        assert f'action="/cases/{case_id}/facts/{hit.id}/correct/"' in page
        assert 'name="why_corrected" value="misread"' in page

    def test_puts_what_the_record_says_against_it_beside_the_field(self, people, visit, case_id):
        given = {"on_0": "5", "on_1": "9", "on_2": "2026", "state": "HR"}
        page = _ask(visit("wanda"), case_id, "take-back-confirmed", given)
        assert "This lies before what it answers" in page.split('id="id_on_error"')[1].split("</div>")[0]

    @pytest.mark.parametrize("corrects", ["no uuid", "00000000-0000-4000-8000-000000000000"])
    def test_of_a_correction_of_nothing_is_not_found_or_no_correction(self, people, visit, case_id, corrects):
        answer = visit("wanda").post(
            f"/cases/{case_id}/what-if/absconding-notified/", {**_ABSCONDED, "corrects": corrects}
        )
        assert answer.status_code == (200 if corrects == "no uuid" else 404)

    def test_of_a_correction_of_another_kind_of_fact_is_not_found(self, people, visit, case_id):
        with cast.acting(people.wanda):
            hit = next(fact for fact in procedure.recorded_facts(case_id) if fact.name == "eurodac-hit")
        answer = visit("wanda").post(f"/cases/{case_id}/what-if/detained/", {**_DETAINED, "corrects": str(hit.id)})
        assert answer.status_code == 404

    @pytest.mark.parametrize("who", ["wanda", "lev"])
    def test_of_a_correction_that_somebody_else_made_first_keeps_what_was_typed(self, people, visit, case_id, who):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="reads")
            hit = next(fact for fact in procedure.recorded_facts(case_id) if fact.name == "eurodac-hit")
        with cast.acting(people.cora):
            content = {**hit.content, "on": "2026-09-04"}
            new = recording.correct_fact(case_id, fact_id=hit.id, content=content, reason="the printout")
        given = {
            "on_0": "3",
            "on_1": "9",
            "on_2": "2026",
            "state": "HR",
            "category": "asylum",
            "why_corrected": "typed",
        }
        client = visit(who)
        url = f"/cases/{case_id}/what-if/eurodac-hit/"
        answer = client.post(url, {**given, "corrects": str(hit.id)})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "corrected this fact first" in page
        assert "4 September 2026" in page
        assert f'name="corrects" value="{new}"' in page
        assert 'name="why_corrected" value="typed"' in page
        assert 'name="on_0" value="3"' in page
        assert (f"/facts/{new}/correct/" in page) is (who == "wanda")
        assert client.post(url, {**given, "corrects": str(new)}).status_code == 200

    def test_asks_for_no_note_and_stumbles_over_none(self, people, visit, case_id):
        page = _ask(visit("wanda"), case_id, "detained", {**_DETAINED, "note": "n" * 4001})
        assert "Nothing was stored" in page
        assert 'type="hidden" name="note" value="nnn' in page

    @pytest.mark.parametrize(
        "hostile",
        [
            {"date_unknown": "false", "on_0": "", "on_1": "", "on_2": ""},
            {"appeal_period_0": "9" * 5000, "appeal_period_1": "week"},
            {"appeal_period_0": "2", "appeal_period_1": "weeks before"},
        ],
        ids=["unknown", "digits", "backwards"],
    )
    @pytest.mark.parametrize("url", ["what-if/", "facts/new/"])
    def test_refuses_hostile_values_beside_the_field(self, people, visit, case_id, url, hostile):
        given = {"on_0": "12", "on_1": "10", "on_2": "2026", **hostile}
        answer = visit("wanda").post(f"/cases/{case_id}/{url}transfer-decision-notified/", given)
        assert answer.status_code == 200
        field = "on" if "date_unknown" in hostile else "appeal_period"
        assert f'id="id_{field}_error"' in answer.content.decode()


class TestNothing:
    """is stored, and no address tells what was supposed."""

    def test_is_stored_but_that_the_case_was_read(self, people, visit, case_id):
        wanda = visit("wanda")
        wanda.get(f"/cases/{case_id}/deadlines/")  # what a first visit alone writes is written
        before, told = _rows(), self._trail(people, case_id)
        with CaptureQueriesContext(connection) as captured:
            _ask(wanda, case_id, "absconding-notified", {**_ABSCONDED, "note": "synthetic note"})
        assert _rows() == before
        written = [query["sql"] for query in captured.captured_queries if _WRITES.match(query["sql"])]
        assert [sql for sql in written if not _TRAIL.match(sql)] == []
        more = self._trail(people, case_id)
        assert more["case.read"] == told["case.read"] + 1
        assert more - told == Counter({"case.read": 1})

    def _trail(self, people: cast.Cast, case_id: object) -> Counter[str]:
        with cast.acting(people.wanda):
            return Counter(entry.action for entry in audit.entries_of_case(case_id))

    def test_of_what_was_typed_stands_in_an_address(self, people, visit, case_id):
        page = _ask(visit("wanda"), case_id, "absconding-notified", {**_ABSCONDED, "note": "synthetic note"})
        typed = {"20", "11", "2026", "hr", "absconded", "synthetic", "note"}
        for address in re.findall(r'(?:href|action|formaction)="([^"]*)"', page):
            if address.startswith("https://"):
                continue  # a link to the text of the law says what it was, whatever was typed
            assert "?" not in address or address.startswith("?")
            # Without the ids: any digits can stand in one.
            words = re.split(r"[^a-z0-9]+", _UUID.sub("", address).lower())
            assert typed.isdisjoint(words), address

    def test_is_recorded_by_carrying_it_over(self, people, visit, case_id):
        wanda = visit("wanda")
        given = {**_DETAINED, "carried": "1"}
        page = wanda.post(f"/cases/{case_id}/facts/new/detained/", given).content.decode()
        assert 'value="17:40"' in page
        with cast.acting(people.wanda):
            assert len(procedure.recorded_facts(case_id)) == len(FACTS)

    def test_is_lost_on_the_way_back_to_the_question(self, people, visit, case_id):
        page = _ask(visit("wanda"), case_id, "detained", {**_DETAINED, "note": "kept", "carried": "1"})
        assert "See what it would change" in page
        assert 'value="17:40"' in page
        assert 'name="note" value="kept"' in page


class TestWhoMayAsk:
    """Whoever may read the deadlines; recording is offered to who may record."""

    def test_a_lawyer_who_reads_the_case_asks_and_is_not_offered_to_record(self, people, visit, case_id):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="reads")
        lev = visit("lev")
        assert "Nothing is stored" in lev.get(f"/cases/{case_id}/what-if/").content.decode()
        page = _ask(lev, case_id, "absconding-notified", _ABSCONDED)
        assert "20 November 2029" in page
        assert "Record this fact" not in page
        assert f"/cases/{case_id}/facts/" not in page

    def test_a_lawyer_whose_access_has_ended_learns_nothing(self, people, visit, case_id):
        # The database asks its own clock, so the access begins at the hour that it is.
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            until = cursor.fetchone()[0] + timedelta(minutes=5)
        url = f"/cases/{case_id}/what-if/"
        with clock.fixed(until - timedelta(minutes=5)):
            with cast.acting(people.wanda):
                access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="reads", until=until)
            lev = visit("lev")
            assert lev.post(f"{url}detained/", _DETAINED).status_code == 200
        with clock.fixed(until + timedelta(minutes=1)):
            assert lev.get(url).status_code == 404
            assert lev.post(f"{url}detained/", _DETAINED).status_code == 404

    @pytest.mark.parametrize("who", ["otto", "aud", "ada"])
    def test_nobody_else_learns_that_there_is_a_case(self, people, visit, case_id, who):
        client = visit(who)
        for path in ("what-if/", "what-if/detained/"):
            assert client.get(f"/cases/{case_id}/{path}").status_code == 404
        assert client.post(f"/cases/{case_id}/what-if/detained/", _DETAINED).status_code == 404

    def test_an_unknown_kind_is_not_found(self, people, visit, case_id):
        assert visit("wanda").get(f"/cases/{case_id}/what-if/no-such-fact/").status_code == 404

    def test_the_list_leads_on_without_a_script(self, people, visit, case_id):
        answer = visit("wanda").get(f"/cases/{case_id}/what-if/", {"kind": "detained"})
        assert answer.url == f"/cases/{case_id}/what-if/detained/"


class TestQueries:
    """Counted, so that a page does not grow slow unnoticed."""

    def test_are_few(self, people, visit, case_id, count_queries: Callable[[Callable[[], Any]], int]):
        wanda = visit("wanda")
        url = f"/cases/{case_id}/what-if/absconding-notified/"
        wanda.post(url, _ABSCONDED)
        asked = count_queries(lambda: wanda.post(url, _ABSCONDED))
        shown = count_queries(lambda: wanda.get(f"/cases/{case_id}/deadlines/"))
        assert (asked, shown) == (13, 15)
