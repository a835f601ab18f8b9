"""Wanda lost her phone: Cora asks, a day passes, Cora makes the link, and Wanda sets up a new app with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from casework.access import second_factor
from casework.core import clock
from tests import cast
from tests.journeys.test_screens import faults
from tests.journeys.visitor import code_from

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestALostSecondFactor:
    def test_is_set_up_anew_after_a_day(self, people, visit):
        cora = visit("cora")
        path = f"/people/{people.wanda}/second-factor/"
        cora.open(path)
        assert [*faults(cora, "asking")] == []
        cora.press("Ask for a new second factor")
        expect(cora.page.get_by_role("alert")).to_contain_text("Choose one")
        cora.page.get_by_label("They stood before me").check()
        cora.press("Ask for a new second factor")
        expect(cora.main).to_contain_text("The link can be made from")
        assert [*faults(cora, "waiting")] == []
        cora.press("Stop it")
        expect(cora.page.get_by_role("status").first).to_contain_text("Stopped")

        with clock.fixed(clock.now() - timedelta(hours=25)), cast.acting(people.cora):
            second_factor.ask_reset(people.wanda)
        cora.open(path)
        cora.press("Make the link")
        link = cora.page.get_by_label("One-time link").input_value()
        assert [*faults(cora, "link")] == []

        wanda = visit()
        wanda.page.goto(link)
        assert [*faults(wanda, "opening")] == []
        wanda.page.get_by_label("Password").fill(cast.PASSWORD)
        wanda.press("Go on")
        expect(wanda.page.get_by_role("heading", level=1)).to_have_text("Set up the second step")
        wanda.page.locator("#id_code").fill(code_from(wanda.page.locator(".secret code").inner_text()))
        wanda.press("Turn on")
        expect(wanda.page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
        wanda.open("/cases/")
        expect(wanda.page.get_by_role("navigation", name="Main")).to_be_visible()
