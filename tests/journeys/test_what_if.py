"""What if …? Asked before anything is recorded, by a caseworker, on a phone, without a script, and by a lawyer."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from playwright.sync_api import Locator, expect

from casework.access import services as access
from casework.access.types import Level
from casework.procedure import selectors as procedure
from casework.procedure import services as recording
from tests import cast
from tests.journeys.test_screens import faults
from tests.journeys.visitor import PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FACTS = (
    {"fact": "application-registered", "on": "2026-09-01", "state": "FR"},
    {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
    {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
    {"fact": "take-back-notification-received", "on": "2026-09-10", "state": "HR"},
)


@pytest.fixture
def case_id(people: cast.Cast) -> UUID:
    """A case of Wanda's in which Croatia is bound by its silence."""
    made = cast.open_a_case(people)
    with cast.acting(people.wanda):
        for fact in FACTS:
            recording.record_fact(made, content=fact)
    return made


def _count(people: cast.Cast, case_id: UUID) -> int:
    with cast.acting(people.wanda):
        return len(procedure.recorded_facts(case_id))


def _ask(visitor: Visitor, case_id: UUID) -> None:
    """From the deadlines to the answer, the way a person goes."""
    visitor.open(f"/cases/{case_id}/deadlines/")
    visitor.follow("What if …?")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("What if …?")
    visitor.page.get_by_label("Find a kind of fact").select_option(label="Other state told of absconding")
    visitor.press("Go on")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("What if: Other state told of absconding")
    visitor.fill_date("Date", date(2026, 11, 20))
    visitor.page.locator("select[name=state]").select_option(label="Croatia")
    visitor.choose("Ground", "Absconded")
    visitor.press("See what it would change")
    expect(visitor.page.locator(".lead").first).to_contain_text("Nothing was stored")


def _longer(visitor: Visitor) -> Locator:
    return visitor.main.locator(".compared").filter(has_text="Transfer, longer because of absconding").last


class TestWhatIf:
    """Nothing is stored until somebody says so."""

    def test_is_answered_side_by_side_changed_and_recorded_in_the_end(self, people, visit, case_id):
        wanda = visit("wanda")
        before = _count(people, case_id)
        _ask(wanda, case_id)
        assert wanda.page.url.endswith(f"/cases/{case_id}/what-if/absconding-notified/")
        expect(_longer(wanda)).to_contain_text("20 November 2029")
        sides = [_longer(wanda).locator(side).bounding_box() for side in (".compared-now", ".compared-then")]
        assert sides[0]["y"] == sides[1]["y"]
        assert list(faults(wanda, "what if, answer")) == []
        assert _count(people, case_id) == before

        wanda.press("Change the what-if")
        assert wanda.page.locator("#id_on_0").input_value() == "20"
        expect(wanda.page.get_by_label("Absconded", exact=True)).to_be_checked()
        wanda.fill_date("Date", date(2026, 11, 10))
        wanda.press("See what it would change")
        expect(_longer(wanda)).to_contain_text("12 November 2029")

        wanda.press("Record this fact")
        expect(wanda.main).to_contain_text("Nothing is recorded yet")
        assert _count(people, case_id) == before
        assert wanda.page.locator("#id_on_0").input_value() == "10"
        wanda.press("Record the fact")
        expect(wanda.page.get_by_role("status").first).to_contain_text("The fact was recorded")
        expect(wanda.main.locator(".limit-card").filter(has_text="longer because of absc").first).to_be_visible()
        assert _count(people, case_id) == before + 1

    def test_works_on_a_phone_without_a_script_with_the_sides_below_each_other(self, people, visit, case_id):
        wanda = visit("wanda", viewport=PHONE, java_script_enabled=False)
        _ask(wanda, case_id)
        sides = [_longer(wanda).locator(side).bounding_box() for side in (".compared-now", ".compared-then")]
        assert sides[0]["y"] + sides[0]["height"] <= sides[1]["y"]

    def test_is_asked_from_the_form_in_which_a_fact_is_recorded(self, people, visit, case_id):
        wanda = visit("wanda")
        before = _count(people, case_id)
        wanda.open(f"/cases/{case_id}/facts/new/transferred/")
        wanda.fill_date("Date", date(2026, 11, 20))
        wanda.page.get_by_label("Note").fill("Synthetic note, typed with care.")
        wanda.press("See what it would change")
        met = wanda.main.locator(".compared").filter(has=wanda.page.get_by_role("heading", name="Transfer", exact=True))
        expect(met).to_contain_text("Met on 20 November 2026")
        wanda.press("Record this fact")
        expect(wanda.page.get_by_label("Note")).to_have_value("Synthetic note, typed with care.")
        assert _count(people, case_id) == before

    def test_is_answered_to_a_lawyer_in_russian(self, people, visit, case_id):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="reads")
        lev = visit("lev")
        _ask(lev, case_id)
        expect(lev.page.get_by_role("button", name="Record this fact")).to_have_count(0)
        lev.press("русский")
        expect(lev.main.locator(".compared .limit-title[lang=ru]").first).to_be_visible()
        expect(lev.main).to_contain_text("20 November 2029")
        assert "?" not in lev.page.url
