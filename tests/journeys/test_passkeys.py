"""A passkey in a real browser with a security key of its own: set up, used to sign in, used to confirm, taken away."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from tests import cast
from tests.journeys.test_screens import faults
from tests.journeys.visitor import PHONE, Visitor, code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
_KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def wanda(people: cast.Cast, visit: Any) -> Visitor:
    visitor: Visitor = visit("wanda")
    return visitor


@pytest.fixture
def plugged_in(wanda: Visitor) -> None:
    """Plug a security key into Wanda's browser."""
    session = wanda.context.new_cdp_session(wanda.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": _KEY})


def give_code(visitor: Visitor) -> None:
    cache.clear()  # an app's code counts once
    visitor.page.locator("#id_code").fill(code_of("wanda@example.org"))


class TestAPasskey:
    def test_is_set_up_signs_in_confirms_and_is_taken_away(self, wanda, plugged_in, monkeypatch):
        page, heading = wanda.page, wanda.page.get_by_role("heading", level=1)

        wanda.open("/account/2fa/")
        wanda.follow("Add a passkey")
        expect(heading).to_have_text("Confirm it is you")
        assert page.get_by_text("Use your password").count() == 0
        give_code(wanda)
        wanda.press("Confirm")
        expect(heading).to_have_text("Add a passkey")
        page.get_by_label("What you call it").fill("blue key")
        assert [*faults(wanda, "adding")] == []
        wanda.press("Add the passkey")
        expect(heading).to_have_text("Recovery codes")
        wanda.open("/account/2fa/webauthn/")
        expect(wanda.main).to_contain_text("blue key")
        expect(wanda.main).to_contain_text("Not used yet")
        assert [*faults(wanda, "list")] == []

        # The same key again: the browser says so, and the page in words.
        wanda.follow("Add a passkey")
        wanda.press("Add the passkey")
        expect(page.get_by_role("alert")).to_contain_text("on your list already")

        wanda.open("/account/logout/")
        wanda.press("Sign out")
        wanda.open("/account/login/")
        page.locator("#id_login").fill("wanda@example.org")
        page.locator("#id_password").fill(cast.PASSWORD)
        wanda.press("Sign in")
        expect(heading).to_have_text("Second step")
        assert [*faults(wanda, "second step")] == []
        wanda.press("Use a passkey")
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()

        # Five minutes later something wants to know again.
        monkeypatch.setattr("allauth.account.app_settings.REAUTHENTICATION_TIMEOUT", 0)
        wanda.open("/account/2fa/webauthn/")
        wanda.follow("Remove blue key")
        wanda.follow("Use a passkey")
        expect(heading).to_have_text("Confirm it is you")
        assert [*faults(wanda, "confirming")] == []
        page.set_viewport_size(PHONE)
        assert [*faults(wanda, "confirming on a phone")] == []
        monkeypatch.undo()
        wanda.press("Use a passkey")
        expect(heading).to_have_text("Remove this passkey?")
        wanda.press("Remove")
        expect(wanda.main).to_contain_text("None yet")
