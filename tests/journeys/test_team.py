"""Somebody leaves and somebody comes: an administrator and a coordinator, each with their own part of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from casework.cases.models import Case
from tests import cast
from tests.access.test_staff import make
from tests.journeys.test_screens import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestSomebodyLeaves:
    def test_and_their_cases_go_to_a_colleague_and_a_new_coordinator_is_confirmed(self, people, visit):
        case_ids = [cast.open_a_case(people) for _ in range(3)]
        nina = make("nina", "caseworker", "North")
        found: list[str] = []

        ada = visit("ada")
        ada.follow("Nina")
        ada.page.get_by_label("Role", exact=True).select_option(label="Coordinator")
        ada.page.get_by_label("Team").select_option(label="North")
        ada.press("Give the role")
        expect(ada.main).to_contain_text("Nina as coordinator of North")
        found += faults(ada, "one person")
        ada.page.set_viewport_size({"width": 1280, "height": 800})
        ada.open("/people/")
        ada.follow("Wanda Wójcik")
        ada.follow("Switch it off")
        ada.press("Switch the account off")
        expect(ada.main).to_contain_text("Switched off")

        cora = visit("cora")
        cora.follow("Team")
        expect(cora.main).to_contain_text("3 open cases are led by Wanda Wójcik")
        found += faults(cora, "team")
        cora.page.get_by_role("button", name=re.compile("^Confirm")).click()
        expect(cora.main.get_by_role("row").filter(has_text="Nina")).to_contain_text("Caseworker, Coordinator")
        cora.page.get_by_role("link", name=re.compile("^Hand them over")).click()
        cora.page.get_by_role("checkbox").nth(1).uncheck()
        cora.page.get_by_label("Why").fill("She left on Friday.")
        cora.press("Hand over the chosen cases")
        expect(cora.page.get_by_role("alert")).to_contain_text("Who leads them from now on")
        expect(cora.page.get_by_role("checkbox").nth(1)).not_to_be_checked()
        expect(cora.page.get_by_label("Why")).to_have_value("She left on Friday.")
        found += faults(cora, "handing over")
        cora.page.get_by_label("Who leads them").select_option(label="Nina")
        cora.press("Hand over the chosen cases")
        expect(cora.main).to_contain_text("2 cases were handed over.")
        expect(cora.main).to_contain_text("1 open case is led by Wanda Wójcik")
        with cast.acting(people.cora):
            assert Case.objects.filter(pk__in=case_ids, lead_id=nina).count() == 2
        assert found == [], "\n".join(found)
