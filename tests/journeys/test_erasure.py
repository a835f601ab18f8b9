"""A case is closed, asked to be erased, and erased by a second person: gone for both, and a certificate stays.

On wide screens and phones, by keyboard, and without a script.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pikepdf
import pytest
from playwright.sync_api import expect

from casework.cases import erasing
from casework.cases import services as case_services
from casework.core import clock
from casework.documents import services as documents
from casework.procedure import services as procedure
from tests import cast
from tests.journeys.test_lawyer import _text
from tests.journeys.test_screens import _press, faults
from tests.journeys.test_without_script import _tab_to
from tests.journeys.visitor import PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECRETS = ("Testov", "Тестов", "Synthetic title", "synthetic-handle", "Synthetic note")


def in_words(day: Any) -> str:
    return f"{day.day} {day:%B %Y}"


def a_case(people: cast.Cast, *, running: bool = False) -> UUID:
    """Wanda's case with a document; `running`: with facts of these weeks, so that limits run."""
    made = cast.open_a_case(people)
    day = clock.today("FR") - timedelta(days=20)
    with cast.acting(people.wanda):
        upload = documents.seal_bytes(made, name="paper.txt", content=b"Synthetic paper.\n" * 20)
        documents.add_document(made, upload=upload, title="Synthetic paper", kind="other")
        facts = ({"fact": "application-registered", "on": day.isoformat(), "state": "FR"},)
        more = ({"fact": "detained", "on": day.isoformat(), "ground": "transfer"},)
        for fact in facts + more if running else facts[:0]:
            procedure.record_fact(made, content=fact)
    return made


def reference_of(people: cast.Cast, case_id: UUID) -> str:
    with cast.acting(people.wanda):
        return case_services.open_case(case_id).reference


def certificate(visitor: Visitor) -> tuple[str, str, bytes]:
    """Download the certificate of the page at hand: its name, its words, and itself."""
    with visitor.page.expect_download() as download:
        visitor.press("Download the certificate")
    content = Path(download.value.path()).read_bytes()
    with pikepdf.open(download.value.path()) as opened:
        words = " ".join(_text(page) for page in opened.pages)
    return download.value.suggested_filename, words, content


class TestErasing:
    """Two people, one certificate, nothing left to open."""

    def test_is_asked_by_one_confirmed_by_another_and_leaves_a_certificate(self, people, visit):
        case_id = a_case(people, running=True)
        reference, case = reference_of(people, case_id), f"/cases/{case_id}/"
        wanda, cora = visit("wanda"), visit("cora")
        self._asks(wanda, case, reference)
        self._confirms(cora, case, reference)

        for visitor in (wanda, cora):
            assert visitor.open(case).status == 404
            for path in ("/cases/?state=all", "/", "/board/", "/inbox/"):
                if visitor is wanda and path == "/board/":
                    continue
                visitor.open(path)
                for secret in (*SECRETS, reference):
                    expect(visitor.main).not_to_contain_text(secret)
            visitor.open("/cases/")
            visitor.page.get_by_role("searchbox").fill("Testov")
            visitor.press("Search")
            expect(visitor.main).to_contain_text("Nobody")

        wanda.open("/cases/")
        wanda.follow("Requests to erase cases, and what was erased")
        wanda.follow(reference)
        expect(wanda.page.get_by_role("heading", level=1)).to_have_text(f"Case {reference} was erased")
        assert certificate(wanda)[1].count(reference) >= 1

    def _asks(self, wanda: Visitor, case: str, reference: str) -> None:
        wanda.open(case)
        ending = wanda.main.get_by_role("region", name="When it is over")
        wanda.follow("Ask for the case to be erased", ending)
        expect(wanda.page.get_by_role("heading", level=1)).to_have_text(f"Ask for case {reference} to be erased")
        warning = wanda.main.get_by_role("region", name="Is it the right moment?")
        expect(warning).to_contain_text("The person is recorded as detained.")
        expect(warning).to_contain_text("running")
        expect(wanda.main).to_contain_text("Who can confirm it: Cora Conti.")
        wanda.page.get_by_label("Note for whoever confirms").fill("Synthetic note: asked by letter.")
        wanda.press("Ask for the case to be erased")
        expect(wanda.page.get_by_role("alert")).to_contain_text("Choose a reason.")
        assert wanda.page.get_by_label("Note for whoever confirms").input_value().startswith("Synthetic note")
        wanda.choose("Why the case is to be erased", "The person asked for it")
        wanda.press("Ask for the case to be erased")
        expect(wanda.page.get_by_role("status").first).to_contain_text("Nothing is erased until a second person")
        expect(wanda.main).to_contain_text("You asked, so somebody else decides")
        assert wanda.page.get_by_role("button", name="Erase this case for good").count() == 0
        wanda.open(f"{case}deadlines/")
        expect(wanda.main.get_by_role("region", name="This case is to be erased")).to_contain_text("You asked for it")

    def _confirms(self, cora: Visitor, case: str, reference: str) -> None:
        cora.open("/")
        cora.follow("1 request to erase a case waits for you")
        cora.follow(reference)
        expect(cora.main).to_contain_text("Synthetic note: asked by letter.")
        goes = cora.main.get_by_role("region", name="What is destroyed")
        for words in ("1 person", "2 facts with their history", "1 document"):
            expect(goes).to_contain_text(words)
        field = cora.page.get_by_label("Type the reference of the case")
        field.fill("AAAA-AAAA")
        cora.press("Erase this case for good")
        expect(cora.page.get_by_role("alert")).to_contain_text("This is not the reference of the case.")
        assert field.input_value() == "AAAA-AAAA"
        field.fill(reference)
        cora.press("Erase this case for good")
        expect(cora.page.get_by_role("status").first).to_contain_text("The case was erased.")
        expect(cora.page.get_by_role("heading", level=1)).to_have_text(f"Case {reference} was erased")

        name, words, content = certificate(cora)
        assert reference not in name
        assert name.startswith("certificate-")
        # A certificate tells its moments in UTC and says so: in France it may be tomorrow already.
        for said in (reference, "Wanda Wójcik", "Cora Conti", "The person asked for it", in_words(clock.now())):
            assert said in words, said
        for secret in SECRETS:
            assert secret not in words
            assert secret.encode() not in content

    def test_is_told_plainly_when_somebody_else_was_faster(self, people, visit):
        case_id = a_case(people)
        with cast.acting(people.wanda):
            made = erasing.request_erasure(case_id, reason="correction")
        cora = visit("cora")
        cora.open(f"/erasures/{made}/")
        with cast.acting(people.wanda):
            erasing.withdraw_erasure(made)
        cora.page.get_by_label("Type the reference of the case").fill(reference_of(people, case_id))
        cora.press("Erase this case for good")
        expect(cora.page.get_by_role("status").first).to_contain_text("This request was decided already.")
        expect(cora.main).to_contain_text("Taken back by")
        assert cora.page.get_by_role("button", name="Erase this case for good").count() == 0
        assert list(faults(cora, "decided meanwhile")) == []
        assert cora.open(f"/cases/{case_id}/").status == 200

    def test_works_on_a_phone_without_a_script(self, people, visit):
        case_id = a_case(people)
        reference = reference_of(people, case_id)
        wanda = visit("wanda", viewport=PHONE, java_script_enabled=False)
        wanda.open(f"/cases/{case_id}/erase/")
        wanda.choose("Why the case is to be erased", "It was opened by mistake")
        wanda.press("Ask for the case to be erased")
        path = wanda.path
        cora = visit("cora", viewport=PHONE, java_script_enabled=False)
        cora.open(path)
        cora.page.get_by_label("Type the reference of the case").fill(reference)
        cora.press("Erase this case for good")
        expect(cora.page.get_by_role("heading", level=1)).to_have_text(f"Case {reference} was erased")
        assert reference in certificate(cora)[1]
        assert cora.open(f"/cases/{case_id}/").status == 404

    def test_works_by_keyboard_alone(self, people, visit):
        case_id = a_case(people)
        reference = reference_of(people, case_id)
        wanda = visit("wanda")
        wanda.open(f"/cases/{case_id}/")
        _tab_to(wanda.page, "Ask for the case to be erased")
        wanda.page.keyboard.press("Enter")
        wanda.page.wait_for_url("**/erase/")
        _tab_to(wanda.page, "Why the case is to be erased")
        wanda.page.keyboard.press("Space")
        _tab_to(wanda.page, "Ask for the case to be erased")
        wanda.page.keyboard.press("Enter")
        wanda.page.wait_for_url("**/erasures/*/")
        cora = visit("cora")
        cora.open(wanda.path)
        _tab_to(cora.page, "Type the reference of the case")
        cora.page.keyboard.type(reference.lower())
        cora.page.keyboard.press("Enter")
        expect(cora.page.get_by_role("heading", level=1)).to_have_text(f"Case {reference} was erased")


class TestClosing:
    """The record stays, and the case can be worked on again."""

    def test_takes_a_case_from_the_lists_until_it_is_reopened(self, people, visit):
        case_id = a_case(people, running=True)
        reference, case = reference_of(people, case_id), f"/cases/{case_id}/"
        wanda = visit("wanda")
        wanda.open(case)
        wanda.follow("Close the case")
        expect(wanda.main.get_by_role("region", name="Look at this first")).to_contain_text("detained")
        wanda.press("Close the case")
        expect(wanda.page.get_by_role("status").first).to_contain_text("The case was closed.")
        expect(wanda.main).to_contain_text(f"It was closed on {in_words(clock.today('FR'))}.")
        wanda.open("/cases/")
        expect(wanda.main).not_to_contain_text(reference)
        wanda.open("/cases/?state=closed")
        wanda.follow(reference)
        wanda.follow("Reopen the case")
        wanda.press("Reopen the case")
        expect(wanda.page.get_by_role("status").first).to_contain_text("The case is open again.")
        wanda.open("/cases/")
        expect(wanda.main).to_contain_text(reference)


class TestScreens:
    """Looked at by a machine, as all others are."""

    def test_have_no_fault(self, people, visit):
        waits, own, gone, closed = (a_case(people, running=True), *(a_case(people) for _number in range(3)))
        with cast.acting(people.wanda):
            waiting = erasing.request_erasure(waits, reason="consent_withdrawn", note="Synthetic note.")
            erased = erasing.request_erasure(gone, reason="person_request")
            case_services.close_case(closed, on=clock.today("FR") - timedelta(days=90))
        with cast.acting(people.cora):
            erasing.confirm_erasure(erased, reference=erasing.erasure(erased).reference)
        wanda, cora = visit("wanda"), visit("cora")
        cora.open("/erasures/")
        cora.page.get_by_label("Months after closing").fill("1")
        cora.press("Save")
        expect(cora.main.get_by_role("region", name="The time for keeping them has ended")).to_contain_text(
            reference_of(people, closed)
        )
        found: list[str] = []
        screens = (
            (wanda, "summary of a closed case", f"/cases/{closed}/", None),
            (wanda, "case to be erased", f"/cases/{waits}/", None),
            (wanda, "close", f"/cases/{own}/close/", None),
            (wanda, "reopen", f"/cases/{closed}/reopen/", None),
            (wanda, "ask", f"/cases/{own}/erase/", None),
            (wanda, "ask, wrong", f"/cases/{own}/erase/", _press("Ask for the case to be erased")),
            (wanda, "own request", f"/erasures/{waiting}/", None),
            (wanda, "own requests", "/erasures/", None),
            (cora, "today", "/", None),
            (cora, "requests", "/erasures/", None),
            (cora, "request", f"/erasures/{waiting}/", None),
            (cora, "request, wrong", f"/erasures/{waiting}/", _press("Erase this case for good")),
            (cora, "erased", f"/erasures/{erased}/", None),
        )
        for visitor, name, path, act in screens:
            visitor.open(path)
            if act is not None:
                act(visitor)
                visitor.page.wait_for_load_state()
            found += faults(visitor, name)
        assert found == [], "\n" + "\n".join(found)
