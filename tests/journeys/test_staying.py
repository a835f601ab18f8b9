"""A screen that was left: the warning, the end of the sign-in, and what was typed given back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from casework.accounts import presence, strong
from tests import cast
from tests.journeys.test_screens import faults
from tests.journeys.visitor import PHONE, Visitor, code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def give_code(visitor: Visitor, who: str, button: str) -> None:
    cache.clear()  # an app's code counts once, and the last one was used within these thirty seconds
    visitor.page.locator("#id_code").fill(code_of(f"{who}@example.org"))
    visitor.press(button)


class TestTheWarning:
    @pytest.mark.parametrize("size", [None, PHONE])
    def test_comes_two_minutes_before_and_goes_when_one_stays(self, people, visit, size):
        wanda = visit("wanda", **({"viewport": size} if size else {}))
        wanda.page.clock.install()
        wanda.open("/cases/")
        dialog = wanda.page.get_by_role("dialog", name="Are you still there?")
        wanda.page.clock.fast_forward("27:50")
        expect(dialog).to_be_hidden()
        wanda.page.clock.fast_forward("00:20")
        expect(dialog).to_be_visible()
        expect(dialog.get_by_role("button", name="Stay signed in")).to_be_focused()
        assert [*faults(wanda, "at hand")] == []
        wanda.page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        wanda.page.clock.fast_forward("28:10")
        expect(dialog).to_be_visible()

    def test_says_when_it_is_too_late_and_can_be_closed(self, people, visit):
        wanda = visit("wanda")
        wanda.page.clock.install()
        wanda.open("/cases/")
        wanda.page.clock.fast_forward("31:00")
        dialog = wanda.page.get_by_role("dialog", name="Are you still there?")
        expect(dialog).to_contain_text("You are signed out.")
        expect(dialog.get_by_role("button", name="Stay signed in")).to_be_hidden()
        wanda.press("Close", within=dialog)
        wanda.page.clock.fast_forward("01:00")
        expect(dialog).to_be_hidden()

    def test_is_put_off_by_another_tab(self, people, visit):
        wanda = visit("wanda")
        wanda.page.clock.install()
        wanda.open("/cases/")
        wanda.page.clock.fast_forward("27:00")
        wanda.page.evaluate("new BroadcastChannel('casework-seen').postMessage(Date.now())")
        wanda.page.wait_for_timeout(50)
        wanda.page.clock.fast_forward("02:00")
        expect(wanda.page.get_by_role("dialog")).to_be_hidden()


class TestWhatWasTyped:
    @pytest.mark.parametrize("script", [True, False])
    def test_is_sent_after_signing_in_again(self, people, visit, monkeypatch, script):
        wanda = visit("wanda", java_script_enabled=script)
        wanda.open("/cases/new/")
        wanda.page.locator("#id_name_latin").fill("Testova Anna")
        wanda.page.locator("#id_country").select_option(label="France")
        with monkeypatch.context() as later:
            later.setattr(presence, "UNUSED", timedelta(seconds=-1))
            wanda.press("Save the case")
        expect(wanda.page.locator("main, body").first).to_contain_text("half an hour without use")
        wanda.page.locator("#id_login").fill("wanda@example.org")
        wanda.page.locator("#id_password").fill(cast.PASSWORD)
        wanda.press("Sign in")
        give_code(wanda, "wanda", "Sign in")
        expect(wanda.page.get_by_role("heading", level=1)).to_have_text("What you had typed")
        assert "Testova" not in wanda.page.inner_text("main")
        if script:
            assert [*faults(wanda, "at hand")] == []
        wanda.press("Send it now")
        expect(wanda.main).to_contain_text("Testova Anna")
        wanda.open("/kept/")
        expect(wanda.main).to_contain_text("Nothing is kept")


class TestAConfirmation:
    def test_is_asked_before_sharing_and_leads_back(self, people, visit, monkeypatch):
        case_id = cast.open_a_case(people)
        wanda = visit("wanda")
        with monkeypatch.context() as later:
            later.setattr(strong, "FRESH", timedelta(seconds=-1))
            wanda.open(f"/cases/{case_id}/access/share/")
        expect(wanda.page.get_by_role("heading", level=1)).to_have_text("Confirm it is you")
        assert [*faults(wanda, "at hand")] == []
        give_code(wanda, "wanda", "Confirm")
        wanda.page.wait_for_url(f"**/cases/{case_id}/access/share/")
