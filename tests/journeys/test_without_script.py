"""Nothing that saves or shows needs JavaScript, a mouse or a wide screen."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.visitor import PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# What the keyboard's focus is in: the first label, else its own words.
_FOCUSED = """() => {
  const at = document.activeElement;
  const label = at.labels && at.labels.length ? at.labels[0].innerText : "";
  const group = at.closest("fieldset") ? at.closest("fieldset").querySelector("legend").innerText + " / " : "";
  return group + (label || at.innerText || "").trim();
}"""


def _tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is in the control of this name; every stop must show that it has the focus."""
    for _press in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUSED).startswith(wanted):
            style = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert style != "none", wanted
            return
    raise AssertionError(f"Tab never comes to {wanted!r}")


def _type_into(page: Page, name: str, text: str) -> None:
    _tab_to(page, name)
    page.keyboard.type(text)


def _new_case_by_keyboard(wanda: Visitor) -> str:
    page = wanda.page
    wanda.open("/cases/new/")
    page.keyboard.press("Tab")
    assert page.evaluate(_FOCUSED) == "Skip to main content"
    page.keyboard.press("Enter")
    _type_into(page, "Name in the original script", "Примерова Дарья")
    _type_into(page, "Name in Latin letters", "Primerova Daria")
    _type_into(page, "Date of birth (optional) / Day", "7")
    _type_into(page, "Date of birth (optional) / Month", "march")
    _type_into(page, "Date of birth (optional) / Year", "1991")
    _tab_to(page, "Country of the procedure")
    page.keyboard.type("France")  # a list takes the first letters of what is wanted
    _tab_to(page, "How may we reach the person? (optional) / Messenger")
    page.keyboard.press("Space")
    _tab_to(page, "Anti-war activity")
    page.keyboard.press("Space")
    _tab_to(page, "What happened")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Synthetic account: stickers in shops.")
    _tab_to(page, "Save the case")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/(#main)?$"))
    expect(wanda.main).to_contain_text("7 March 1991")
    expect(wanda.main).to_contain_text("Messenger")
    expect(wanda.main).to_contain_text("Anti-war activity")
    return wanda.path


def _fact_and_limits(wanda: Visitor, case: str) -> None:
    wanda.open(case)
    wanda.follow("Record a fact")
    wanda.page.get_by_label("Find a kind of fact").select_option(label="Application registered")
    wanda.press("Go on")
    expect(wanda.page.get_by_role("heading", level=1)).to_have_text("Application registered")
    wanda.fill_date("Date", date(2026, 9, 1))
    wanda.page.locator("select[name=state]").select_option(label="France")
    wanda.press("Record the fact")
    expect(wanda.page.get_by_role("status").first).to_contain_text("The fact was recorded")
    card = wanda.main.locator(".limit-card").filter(has_text="Take charge request")
    expect(card).to_contain_text("2 November 2026")
    card.locator(".limit-why > summary").click()
    expect(card.locator("li").first).to_contain_text("Counted from the day after 1 September 2026")


class TestTheMainPath:
    """Signing in, a case, a fact, its limits."""

    def test_works_without_javascript(self, people, visit):
        wanda = visit("wanda", java_script_enabled=False)
        wanda.open("/cases/new/")
        wanda.page.get_by_label("Name in Latin letters").fill("Primerova Daria")
        wanda.page.get_by_label("Country of the procedure").select_option(label="France")
        wanda.press("Save the case")
        wanda.page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
        expect(wanda.main).to_contain_text("Primerova Daria")
        assert wanda.page.locator("[data-hide-names]").is_hidden()  # a button that could do nothing
        _fact_and_limits(wanda, wanda.path)
        wanda.page.locator(".account-menu > summary").click()
        wanda.press("Sign out")
        wanda.open("/cases/")
        assert wanda.path == "/account/login/"

    def test_works_on_a_phone_by_keyboard_alone(self, people, visit):
        wanda = visit("wanda", viewport=PHONE)
        _fact_and_limits(wanda, _new_case_by_keyboard(wanda))

    def test_hides_names_on_a_train(self, people, visit):
        from tests import cast

        cast.open_a_case(people)
        wanda = visit("wanda", viewport=PHONE)
        wanda.open("/cases/")
        cell = wanda.main.get_by_role("cell", name=re.compile("Testov"))
        expect(cell).to_be_visible()
        wanda.page.get_by_role("button", name="Hide names").click()
        expect(wanda.main.get_by_text("Testov Piotr")).to_be_hidden()
        expect(wanda.main.get_by_text("T.P.", exact=True)).to_be_visible()
        wanda.open("/cases/")
        expect(wanda.main.get_by_text("Testov Piotr")).to_be_hidden()
