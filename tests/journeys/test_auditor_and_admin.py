"""Auditors see that something was done and not what a case says; administrators see accounts and no case."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from casework.access import services as access
from casework.access.types import Level
from casework.documents import services as documents
from casework.procedure import services as procedure
from tests import cast
from tests.journeys.visitor import code_from

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Whatever the case says about a person; none of it may be in the source of a page of theirs.
CONTENT = (
    "Testov",
    "Тестов",
    "Пётр",
    "Piotr",
    "1994",
    "left his unit",
    "synthetic-handle",
    "Call-up paper",
    "messenger",
)


def _a_worked_case(people):
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        fact = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}
        fact_id = procedure.record_fact(case_id, content=fact, note="Synthetic note that left his unit.")
        procedure.correct_fact(case_id, fact_id=fact_id, content={**fact, "on": "2026-09-02"}, reason="misread")
        upload = documents.seal_bytes(case_id, name="paper.txt", content=b"Synthetic paper.\n")
        documents.add_document(case_id, upload=upload, title="Call-up paper", kind="military")
        access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="Testov asked", until=None)
    return case_id


class TestAuditor:
    """The trail says who did what and when."""

    def test_reads_the_trail_without_the_content_of_any_case(self, people, visit):
        case_id = _a_worked_case(people)
        otto = visit("otto")
        assert otto.open(f"/cases/{case_id}/").status == 404
        wanda = visit("wanda")
        wanda.open(f"/cases/{case_id}/")
        expect(wanda.main).to_contain_text("Testov Piotr")
        aud = visit("aud")
        expect(aud.page.get_by_role("heading", level=1)).to_have_text("Audit trail")
        rows = aud.main.get_by_role("row")
        done = {
            (row.get_by_role("cell").nth(1).inner_text(), row.get_by_role("cell").nth(2).inner_text().split("\n")[0])
            for row in rows.all()[1:]
        }
        for what in (
            "Opened a new case",
            "Recorded a fact",
            "Corrected a fact",
            "Added a document",
            "Gave access to the case",
            "Read the case",
        ):
            assert ("Wanda Wójcik", what) in done, what
        assert ("Otto Oja", "Was refused access Refused") in done
        short = str(case_id)[:8]
        expect(rows.filter(has_text="Opened a new case").get_by_role("cell").nth(3)).to_have_text(short)
        source = aud.page.content()
        assert [word for word in CONTENT if word in source] == []

    def test_picks_one_persons_entries_and_opens_no_case(self, people, visit):
        case_id = _a_worked_case(people)
        aud = visit("aud")
        aud.page.get_by_text("Filter", exact=True).click()
        aud.page.get_by_label("Who").select_option(label="Wanda Wójcik")
        aud.page.get_by_label("What was done").select_option(label="Recorded a fact")
        aud.press("Show")
        row = aud.main.get_by_role("row")
        expect(row).to_have_count(2)
        expect(row.nth(1)).to_contain_text("Wanda Wójcik")
        # A click on the case shows what else was done to it by her; the other filters stay until they are taken away.
        row.nth(1).get_by_role("link", name=str(case_id)[:8]).click()
        aud.page.get_by_label("What was done").select_option(label="Everything")
        aud.press("Show")
        expect(aud.main.get_by_role("row").filter(has_text="Opened a new case")).to_have_count(1)
        names = {row.get_by_role("cell").nth(1).inner_text() for row in aud.main.get_by_role("row").all()[1:]}
        assert names == {"Wanda Wójcik"}
        assert f"case={str(case_id)[:8]}" in aud.page.url
        # A day that does not exist is told beside its boxes, which keep it.
        first = aud.page.get_by_role("group", name="From")
        for label, text in (("Day", "31"), ("Month", "2"), ("Year", "2026")):
            first.get_by_label(label).fill(text)
        aud.press("Show")
        expect(first).to_contain_text("31 February 2026 does not exist.")
        expect(first.get_by_label("Day")).to_have_value("31")
        assert aud.open(f"/cases/{case_id}/").status == 404
        source = aud.page.content()
        assert [word for word in CONTENT if word in source] == []


class TestAdmin:
    """Accounts, invitations, and nothing of any case."""

    def test_sees_accounts_invites_somebody_and_opens_no_case(self, people, visit):
        case_id = _a_worked_case(people)
        ada = visit("ada")
        expect(ada.page.get_by_role("heading", level=1)).to_have_text("People")
        expect(ada.main.get_by_role("row").filter(has_text="wanda@example.org")).to_contain_text("Caseworker")
        expect(ada.main.get_by_role("row").filter(has_text="lev@example.org")).to_contain_text("Lawyer")
        assert [word for word in CONTENT if word in ada.page.content()] == []
        for path in (f"/cases/{case_id}/", f"/cases/{case_id}/deadlines/", f"/cases/{case_id}/documents/"):
            assert ada.open(path).status == 404, path
            assert [word for word in CONTENT if word in ada.page.content()] == []
        ada.open("/people/")
        ada.page.get_by_label("E-mail address").fill("nadia@example.org")
        ada.page.get_by_label("Role").select_option(label="Caseworker")
        ada.page.get_by_label(re.compile("^Team")).select_option(label="North")
        ada.press("Make the invitation")
        link = ada.page.get_by_label("One-time link").input_value()
        assert link.startswith(ada.address + "/invitation/")
        nadia = visit()
        nadia.open(link.removeprefix(nadia.address))
        expect(nadia.main).to_contain_text("nadia@example.org")
        nadia.page.get_by_label("Your name").fill("Nadia Synthetic")
        nadia.page.get_by_label("Password", exact=True).fill("five words that nobody says")
        nadia.page.get_by_label("Password again").fill("five words that nobody says")
        nadia.main.get_by_role("button").first.click()
        # Who has just chosen a password is not asked for it again, and gets nowhere without the second step.
        expect(nadia.page.get_by_role("heading", level=1)).to_have_text("Set up the second step")
        nadia.open("/cases/")
        expect(nadia.page.get_by_role("heading", level=1)).to_have_text("Set up the second step")
        nadia.page.locator("#id_code").fill(code_from(nadia.page.locator(".secret code").inner_text()))
        nadia.press("Turn on")
        nadia.page.wait_for_url(re.compile("recovery"))
        nadia.open("/cases/")
        expect(nadia.main).to_contain_text("No case yet")
