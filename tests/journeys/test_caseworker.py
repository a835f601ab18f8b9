"""A caseworker's main job: log a case, record what happened, read its time limits, be reminded of one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from casework.core import clock
from casework.law import wording
from tests.conftest import ROOT, manage
from tests.journeys.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The run that the README and the issue tracker show; typed into the form and given to `deadlines` alike.
FACTS: tuple[dict[str, str], ...] = (
    {"fact": "application-registered", "on": "2026-09-01", "state": "FR"},
    {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
    {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
    {"fact": "take-back-notification-received", "on": "2026-09-10", "state": "HR"},
    {"fact": "transfer-decision-notified", "on": "2026-10-12"},
    {"fact": "appeal-lodged", "on": "2026-10-16", "against": "transfer-decision"},
    {"fact": "suspension-requested", "on": "2026-10-16"},
)
WORDS = {
    "FR": "France",
    "HR": "Croatia",
    "asylum": "Asylum",
    "transfer-decision": "Transfer decision",
    "hearing": "Hearing",
}
STATES = {"running": "Running", "expired": "Passed"}


class Deadlines:
    """What `manage.py deadlines` says of a facts file, run without key, database or setting."""

    def __init__(self, facts: list[dict[str, Any]], folder: Path, on: str) -> None:
        path = folder / "facts.json"
        path.write_text(json.dumps({"country": "FR", "facts": facts}), encoding="utf-8")
        self._line = [sys.executable, str(ROOT / "manage.py"), "deadlines", str(path), "--on", on]
        self.answer: dict[str, Any] = json.loads(self._run("--json"))
        self.table = self._run()

    def _run(self, *options: str) -> str:
        done = subprocess.run([*self._line, *options], env={}, capture_output=True, check=True, cwd=ROOT)
        return done.stdout.decode()

    def label(self, rule: str) -> str:
        """Return the name of a rule as the table has it: the last column of the row above the rule's id."""
        lines = self.table.splitlines()
        (row,) = (lines[place - 1] for place, line in enumerate(lines) if line.strip().startswith(f"{rule}: "))
        return re.split(r" {2,}", row)[-1]

    def state(self, limit: dict[str, Any]) -> str:
        """Return the state of a limit in the words of the page."""
        if "met_on" in limit:
            return f"Met on {in_words(limit['met_on'])}"
        if "superseded_by" in limit:
            return f"Superseded: {self.label(limit['superseded_by'])}"
        if "stopped_by" in limit:
            return f"Stopped: {wording.render('fact.' + limit['stopped_by'])}"
        return STATES[limit["state"]]

    def limits(self) -> list[dict[str, Any]]:
        """Return the limits as `cards` reads them from the page."""
        parties = {"applicant": "the applicant", "authority": "the authority"}
        return sorted(
            (
                {
                    "label": self.label(limit["rule"]),
                    "due": limit["due"],
                    "words": in_words(limit["due"]),
                    "state": self.state(limit),
                    "whose": parties.get(limit["whose"]) or WORDS[limit["whose"]],
                    "basis": limit["legal_basis"],
                    "because": limit["because"],
                    "would_change": limit["would_change"],
                    "on_expiry": limit["on_expiry"],
                }
                for limit in self.answer["deadlines"]
            ),
            key=lambda limit: (limit["due"], limit["label"]),
        )


def in_words(iso: str) -> str:
    """Return an ISO date, or date-time, as pages write it."""
    at = datetime.fromisoformat(iso)
    day = f"{at.day} {at:%B} {at.year}"
    return f"{day}, {at:%H:%M}" if len(iso) > 10 else day


def cards(visitor: Visitor) -> list[dict[str, Any]]:
    """Read the limits off the screen: every card of the Deadlines page, unfolded as a reader unfolds it."""
    for summary in visitor.main.locator("details.settled > summary").all():
        summary.click()
    found = []
    for card in visitor.main.locator(".limit-card:not(.question-card)").all():
        card.locator(".limit-why > summary").click()
        facts = card.locator(".limit-facts > span")
        expiry = card.locator(".limit-why > p")
        found.append(
            {
                "label": card.locator(".limit-title").inner_text(),
                "due": card.locator(".limit-due time").get_attribute("datetime"),
                "words": card.locator(".limit-due time").inner_text(),
                "state": card.locator(".limit-badges .badge").first.inner_text(),
                "whose": facts.nth(0).inner_text().removeprefix("Whose: "),
                "basis": facts.nth(1).inner_text().removeprefix("Basis: "),
                "because": card.locator(".limit-why li").all_inner_texts(),
                "would_change": card.locator(".limit-change li").all_text_contents(),
                "on_expiry": expiry.inner_text().removeprefix("When it passes: ") if expiry.count() else "",
            }
        )
    return sorted(found, key=lambda limit: (limit["due"], limit["label"]))


def new_case(wanda: Visitor) -> str:
    """Log a case by the form and return its path."""
    wanda.open("/cases/")
    wanda.follow("New case")
    page = wanda.page
    page.get_by_label("Name in the original script").fill("Вымыслова Анна")
    page.get_by_label("Name in Latin letters").fill("Vymyslova Anna")
    wanda.fill_date("Date of birth", date(1994, 5, 17))
    page.get_by_label("Gender").fill("female")
    page.get_by_label("Nationality").first.select_option(label="Russia")
    page.get_by_label("Language", exact=False).first.select_option(label="Russian")
    page.get_by_label("Country of the procedure").select_option(label="France")
    wanda.group("How may we reach the person?").get_by_label("Messenger").check()
    page.get_by_label("Numbers and addresses").fill("synthetic-handle-4711")
    page.get_by_label("Code word").fill("birch")
    page.get_by_label("Political opinion", exact=True).check()
    page.locator(".ground", has_text="Political opinion").locator("summary").click()
    page.get_by_label("Political opinion: What happened").fill("Synthetic account: fined twice for a picket.")
    page.get_by_label("Risk if the person is removed").select_option(label="High")
    page.get_by_label("Short title").fill("Synthetic title")
    wanda.press("Save the case")
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
    return wanda.path


class TestCaseworker:
    """From signing in to a reminder taken in hand, by mouse and keyboard on a wide screen."""

    def test_logs_a_case_reads_the_same_limits_as_deadlines_gives_and_is_reminded(self, people, visit, sink, tmp_path):
        wanda = visit("wanda")
        case = new_case(wanda)
        for words in ("Vymyslova Anna", "Вымыслова Анна", "17 May 1994", "Russian", "No, never", "birch", "Risk: high"):
            expect(wanda.main).to_contain_text(words)
        expect(wanda.main).to_contain_text("synthetic-handle-4711")
        wanda.page.locator("details.account summary", has_text="Political opinion").click()
        expect(wanda.main).to_contain_text("fined twice for a picket")
        reference = wanda.page.get_by_role("heading", level=1).inner_text().removeprefix("Case ")
        assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", reference)
        assert wanda.page.title() == f"{reference} · Summary · Casework"

        for fact in FACTS:
            wanda.record_fact(case, fact, WORDS)
        hearing = clock.today("FR") + timedelta(days=5)
        summons = {"fact": "appointment", "on": f"{hearing}", "time": "09:30", "kind": "hearing", "place": "Room 4"}
        wanda.record_fact(case, summons, WORDS)

        wanda.open(f"{case}deadlines/")
        as_of = wanda.main.locator(".lead-note time").get_attribute("datetime")
        at = datetime.combine(hearing, datetime.min.time().replace(hour=9, minute=30), tzinfo=clock.zone_of("FR"))
        appointment = {"fact": "appointment", "at": at.isoformat(), "kind": "hearing", "place": "Room 4"}
        given = Deadlines([*FACTS, appointment], tmp_path, as_of)
        shown = cards(wanda)
        assert shown == given.limits()
        assert {"24 September 2026", "9 October 2026", "25 March 2027"} <= {limit["words"] for limit in shown}
        expect(wanda.main.locator(".lead-note")).to_contain_text("Appeal pending")
        expect(wanda.main.locator(".lead-note")).to_contain_text("Responsible: Croatia")
        assert (given.answer["status"], given.answer["responsible_state"]) == ("appeal-pending", "HR")
        told = wanda.main.locator("section.notice li").all_inner_texts()
        assert told == given.answer["warnings"]
        next_limit = wanda.main.locator(".limit-card").first
        expect(next_limit).to_contain_text("Hearing")
        expect(next_limit).to_contain_text("in 5 days")

        self._finds(wanda, "Вымыслова", "Vymyslova Anna")
        self._finds(wanda, "vymyslova", "Вымыслова Анна")
        self._adds_and_fetches_a_document(wanda, case)
        self._is_reminded(wanda, sink, reference, hearing)

    def _finds(self, wanda: Visitor, words: str, name: str) -> None:
        wanda.open("/cases/")
        wanda.page.get_by_role("searchbox").fill(words)
        wanda.press("Search")
        expect(wanda.page.get_by_role("heading", level=1)).to_have_text("Search")
        expect(wanda.main).to_contain_text("1 case found")
        expect(wanda.main.get_by_role("cell", name=name)).to_be_visible()
        assert wanda.page.url.endswith("/cases/")  # no name in the address

    def _adds_and_fetches_a_document(self, wanda: Visitor, case: str) -> None:
        content = "Вымышленная повестка. A synthetic call-up paper.\n".encode() * 40
        wanda.open(f"{case}documents/")
        expect(wanda.main).to_contain_text("No document yet")
        wanda.follow("Add a document")
        file = {"name": "povestka.txt", "mimeType": "text/plain", "buffer": content}
        wanda.page.get_by_label("File").set_input_files(file)
        wanda.page.get_by_label("Title").fill("Call-up paper")
        wanda.page.get_by_label("Kind").select_option(label="Call-up or military paper")
        wanda.fill_date("Date on the document", date(2024, 9, 3))
        wanda.press("Add the document")
        row = wanda.main.get_by_role("row").filter(has_text="Call-up paper")
        expect(row).to_contain_text("3 September 2024")
        with wanda.page.expect_download() as download:
            row.get_by_role("button").click()
        assert download.value.suggested_filename == "povestka.txt"
        assert Path(download.value.path()).read_bytes() == content

    def _is_reminded(self, wanda: Visitor, sink: Any, reference: str, hearing: date) -> None:
        wanda.open("/inbox/")
        expect(wanda.main).to_contain_text("Nothing waits for you")
        done = manage("send_reminders", "--json", EMAIL_URL=sink.url)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["mail"] == len(sink.taken)

        mine = [mail for mail in map(message_from_bytes, sink.taken) if mail["To"] == "wanda@example.org"]
        assert mine
        for mail in mine:
            parts = [part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart()]
            text = "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])
            assert "/inbox/" in text
            for secret in ("Vymyslov", "Вымыслов", "Anna", reference, "France", "Croatia", "Political", "earing"):
                assert secret not in text, secret
            assert in_words(hearing.isoformat()) not in text

        wanda.open("/inbox/")
        line = wanda.main.get_by_role("listitem").filter(has_text="Hearing")
        expect(line).to_contain_text(reference)
        expect(line).to_contain_text(in_words(hearing.isoformat()) + ", 09:30")
        expect(line).to_contain_text("New")
        line.get_by_role("button", name="Take in hand").click()
        expect(wanda.page.get_by_role("status").first).to_contain_text("Taken in hand")
        expect(line).to_contain_text("In hand since")
        assert line.get_by_role("button").count() == 0


class TestTypedWrong:
    """What was typed stays, and the fault is said where it can be mended."""

    def test_a_date_that_does_not_exist_keeps_the_whole_form(self, people, visit):
        wanda = visit("wanda")
        wanda.open("/cases/new/")
        page = wanda.page
        page.get_by_label("Name in the original script").fill("Вымыслова Анна")
        wanda.fill_date("Date of birth", ("30", "February", "1990"))
        ground = page.locator(".ground", has_text="Deserter or conscientious objector")
        ground.get_by_role("checkbox").check()
        ground.locator("summary").click()
        ground.get_by_role("textbox").fill("Synthetic account, typed with care.")
        wanda.press("Save the case")

        summary = page.get_by_role("alert")
        expect(summary).to_be_focused()
        expect(summary).to_contain_text("30 February 1990 does not exist.")
        assert page.title().startswith("Error: ")
        group = wanda.group("Date of birth")
        expect(group).to_contain_text("30 February 1990 does not exist.")
        assert [group.get_by_label(name, exact=True).input_value() for name in ("Day", "Month", "Year")] == [
            "30",
            "February",
            "1990",
        ]
        expect(page.get_by_label("Name in the original script")).to_have_value("Вымыслова Анна")
        expect(ground.get_by_role("textbox")).to_have_value("Synthetic account, typed with care.")
        country = page.get_by_label("Country of the procedure")
        assert country.get_attribute("aria-invalid") == "true"
        described = country.get_attribute("aria-describedby").split()
        assert "This field is required." in " ".join(page.locator(f"#{name}").inner_text() for name in described)
        summary.get_by_role("link", name=re.compile("^Country")).click()
        expect(country).to_be_focused()
        summary.get_by_role("link", name=re.compile("^Date of birth")).click()
        expect(group.get_by_label("Day", exact=True)).to_be_focused()

        wanda.fill_date("Date of birth", ("28", "February", "1990"))
        country.select_option(label="France")
        wanda.press("Save the case")
        expect(wanda.main).to_contain_text("28 February 1990")

    def test_a_fact_without_its_state_says_so_beside_the_state(self, people, visit):
        from tests import cast

        case_id = cast.open_a_case(people)
        wanda = visit("wanda")
        wanda.open(f"/cases/{case_id}/facts/new/eurodac-hit/")
        wanda.fill_date("Date", date(2026, 9, 2))
        wanda.choose("What the hit is about", "Asylum")
        wanda.press("Record the fact")
        expect(wanda.page.get_by_role("alert")).to_be_focused()
        state = wanda.page.locator("select[name=state]")
        described = state.get_attribute("aria-describedby").split()
        assert "This field is required." in " ".join(wanda.page.locator(f"#{name}").inner_text() for name in described)
        assert wanda.page.locator("#id_on_1").input_value() == "September"
        expect(wanda.page.get_by_label("Asylum", exact=True)).to_be_checked()
        state.select_option(label="Croatia")
        wanda.press("Record the fact")
        expect(wanda.page.get_by_role("status").first).to_contain_text("The fact was recorded")
