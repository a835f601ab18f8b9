"""A coordinator opens a case of another team for an hour, and its lead ends it; a caseworker freezes their account on a
phone, cannot come in again, and is let in by their coordinator."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from casework.cases import services as case_services
from casework.notices import services as outbox
from tests import cast
from tests.conftest import running_as
from tests.journeys.test_screens import faults
from tests.journeys.visitor import PHONE, WIDE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WHY = "Synthetic: police at the door, nobody of North answers."


def test_a_case_of_another_team_is_open_for_an_hour_and_its_lead_is_told(people, visit):
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        reference = case_services.open_case(case_id).reference
    olga, wanda = visit("olga"), visit("wanda")
    found = _opens(olga, reference)

    with running_as("worker"):
        outbox.dispatch()
    wanda.open("/inbox/")
    expect(wanda.main).to_contain_text("Olga Ozols")
    wanda.open(f"/cases/{case_id}/access/")
    expect(wanda.main).to_contain_text(WHY)
    expect(wanda.main.get_by_role("row", name="Olga Ozols")).to_contain_text("Emergency")
    wanda.page.get_by_role("link", name=re.compile("Take back ?: Olga Ozols")).click()
    wanda.press("Take access back")
    expect(wanda.page.get_by_role("status").first).to_contain_text("Access was taken back")
    assert olga.open(f"/cases/{case_id}/").status == 404
    assert found == [], "\n".join(found)


def _opens(olga: Visitor, reference: str) -> list[str]:
    olga.open("/cases/")
    olga.follow("Open it in an emergency")
    found = list(faults(olga, "emergency"))
    olga.page.set_viewport_size(WIDE)
    olga.page.get_by_label("Reference of the case").fill(reference.lower())
    olga.press("Open the case for 60 minutes")
    expect(olga.page.get_by_role("alert")).to_contain_text("Say in a few words")
    olga.page.get_by_label("What is happening").fill(WHY)
    olga.press("Open the case for 60 minutes")
    expect(olga.page.get_by_role("heading", level=1)).to_have_text(f"Case {reference}")
    banner = olga.main.get_by_role("region", name=re.compile("Opened in an emergency until"))
    expect(banner).to_contain_text("Everything that you do here is on record")
    olga.follow("Record a fact")
    expect(banner).to_be_visible()
    olga.page.go_back()
    return found + list(faults(olga, "a case in an emergency"))


def test_an_account_is_frozen_on_a_phone_and_opened_by_the_coordinator_alone(people, visit):
    cast.open_a_case(people)
    wanda, cora = visit("wanda", viewport=PHONE), visit("cora")
    wanda.open("/profile/")
    wanda.follow("Freeze my account")
    expect(wanda.main).to_contain_text("You cannot undo it yourself.")
    expect(wanda.main).to_contain_text("You lead 1 open case")
    expect(wanda.main).to_contain_text("Cora Conti")
    found = list(faults(wanda, "freezing"))
    wanda.press("Freeze my account now")
    expect(wanda.page.get_by_role("heading", level=1)).to_have_text("Your account is frozen")
    expect(wanda.main).not_to_contain_text("Cora Conti")
    wanda.open("/account/login/")
    wanda.page.locator("#id_login").fill("wanda@example.org")
    wanda.page.locator("#id_password").fill(cast.PASSWORD)
    wanda.press("Sign in")
    expect(wanda.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(wanda.page.get_by_role("alert")).not_to_contain_text("frozen")

    cora.open("/team/")
    region = cora.main.get_by_role("region", name="Frozen for travel")
    expect(region).to_contain_text("Leads 1 open case")
    region.get_by_role("link", name=re.compile("Open again ?: Wanda Wójcik")).click()
    found += list(faults(cora, "opening a frozen account"))
    cora.press("Open the account again")
    expect(cora.page.get_by_role("alert")).to_contain_text("Speak with them first")
    cora.page.get_by_label("I have spoken with this person").check()
    cora.press("Open the account again")
    expect(cora.page.get_by_role("status").first).to_contain_text("The account is open again")
    assert found == [], "\n".join(found)
    visit("wanda")
