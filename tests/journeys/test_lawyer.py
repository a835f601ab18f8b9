"""A lawyer sees the case that was shared and no other, and takes its dossier away, readable to nobody else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pikepdf
import pyrage
import pytest
from playwright.sync_api import expect

from casework.cases.types import PersonInput
from casework.documents import services as documents
from casework.procedure import services as procedure
from tests import cast
from tests.journeys.test_caseworker import FACTS
from tests.journeys.visitor import Visitor, without_tokens

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EXHIBITS = ("Transfer decision", "Statement of the applicant")


@pytest.fixture
def case_id(people):
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        for fact in FACTS:
            procedure.record_fact(case_id, content=fact)
        for title in EXHIBITS:
            text = f"{title}: synthetic. Вымышленный текст.\n".encode() * 120
            upload = documents.seal_bytes(case_id, name=f"{title}.txt", content=text)
            documents.add_document(case_id, upload=upload, title=title, kind="decision", dated_on="2026-10-12")
    return case_id


def _share(wanda: Visitor, case_id: Any) -> None:
    wanda.open(f"/cases/{case_id}/access/")
    wanda.follow("Give access")
    wanda.page.get_by_label("E-mail address").fill("lev@example.org")
    wanda.choose("What they may do", "Read, and export the dossier")
    wanda.page.get_by_label("Why").fill("Synthetic: represents the applicant.")
    wanda.press("Give access")
    expect(wanda.page.get_by_role("status").first).to_contain_text("Access was given.")
    expect(wanda.main.get_by_role("row").filter(has_text="Lev Lindqvist")).to_contain_text("May read and export")


def _export(lev: Visitor, case_id: Any) -> None:
    lev.open(f"/cases/{case_id}/")
    lev.follow("Export the dossier")
    lev.page.get_by_label("What for").fill("Appeal against the transfer decision")
    for title in EXHIBITS:
        lev.group("Exhibits").get_by_label(title, exact=True).check()


def _download(lev: Visitor) -> tuple[str, bytes]:
    with lev.page.expect_download() as download:
        lev.press("Export")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def _titles(items: Any) -> Iterator[str]:
    for item in items:
        yield str(item.title)
        yield from _titles(item.children)


def _text(page: pikepdf.Page) -> str:
    """Return the words of a page whose fonts say, as ours do, which character each of their glyphs stands for."""
    maps = {name: _unicode_map(font) for name, font in page.resources.get("/Font", {}).items()}
    words, current = [], {}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            current = maps[str(operands[0])]
        elif str(operator) in {"Tj", "TJ"}:
            pieces = operands[0] if str(operator) == "TJ" else operands
            for piece in pieces:
                if isinstance(piece, pikepdf.String):
                    code = bytes(piece)
                    words += [current.get(code[at : at + 2], "") for at in range(0, len(code), 2)]
        elif str(operator) == "ET":
            words.append(" ")
    return "".join(words)


def _unicode_map(font: Any) -> dict[bytes, str]:
    table = bytes(font["/ToUnicode"].read_bytes()).decode("latin-1")
    found: dict[bytes, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, text in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[bytes.fromhex(code)] = bytes.fromhex(text).decode("utf-16-be")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, text in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            for step in range(int(last, 16) - int(first, 16) + 1):
                found[(int(first, 16) + step).to_bytes(len(first) // 2, "big")] = chr(int(text, 16) + step)
    return found


class TestLawyer:
    """One shared case, its dossier, and nothing else."""

    def test_sees_exactly_the_shared_case(self, people, visit, case_id):
        other = cast.open_a_case(people, applicant=PersonInput("", name_latin="Unsharedova Nina"))
        lev = visit("lev")
        expect(lev.main).to_contain_text("No case is shared with you")
        wanda = visit("wanda")
        _share(wanda, case_id)
        lev.open("/")
        assert lev.main.get_by_role("row").count() == 2  # its head, and one case
        expect(lev.main.get_by_role("row").last).to_contain_text("Testov Piotr")
        expect(lev.main).not_to_contain_text("Unsharedova")
        lev.open(f"/cases/{case_id}/deadlines/")
        expect(lev.main).to_contain_text("25 March 2027")
        assert lev.page.get_by_role("link", name="Record a fact").count() == 0
        assert lev.open(f"/cases/{case_id}/facts/new/").status == 403

        for page in ("", "deadlines/", "documents/", "dossier/"):
            answers = []
            for unknown in (other, uuid4()):
                assert lev.open(f"/cases/{unknown}/{page}").status == 404
                answers.append(without_tokens(lev.page.content()))
            assert answers[0] == answers[1], page
        expect(lev.main).to_contain_text("There is nothing here that you may see")
        lev.open("/cases/")
        lev.page.get_by_role("searchbox").fill("Unsharedova")
        lev.press("Search")
        expect(lev.main).to_contain_text("Nobody like that")

        wanda.open(f"/cases/{case_id}/access/")
        wanda.main.get_by_role("row").filter(has_text="Lev Lindqvist").get_by_role("link").click()
        wanda.main.get_by_role("button").click()
        expect(wanda.page.get_by_role("status").first).to_contain_text("Access was taken back.")
        assert lev.open(f"/cases/{case_id}/").status == 404

    def test_takes_the_dossier_away_under_their_own_key_and_under_a_passphrase(self, people, visit, case_id):
        _share(visit("wanda"), case_id)
        key = pyrage.x25519.Identity.generate()
        lev = visit("lev")
        lev.open("/profile/")
        lev.page.get_by_label("Public key for encrypted dossiers").fill(str(key.to_public()))
        lev.press("Save")
        expect(lev.page.get_by_role("status").first).to_contain_text("Your profile is saved.")

        _export(lev, case_id)
        expect(lev.page.get_by_label("My own key, from my profile")).to_be_checked()
        name, sealed = _download(lev)
        assert re.fullmatch(r"dossier-[0-9A-Z]{4}-[0-9A-Z]{4}\.pdf\.age", name)
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])
        with pikepdf.open(io.BytesIO(pyrage.decrypt(sealed, [key]))) as pdf, pdf.open_outline() as outline:
            assert len(pdf.pages) > len(EXHIBITS)
            titles = " | ".join(_titles(outline.root))
            cover = _text(pdf.pages[0])
            record = " ".join(_text(page) for page in pdf.pages)
        for title in (*EXHIBITS, "Parties", "Chronology", "Time limits", "List of exhibits"):
            assert title in titles, title
        assert name[8:17] in cover
        assert "Appeal against the transfer decision" in cover
        for words in ("Testov Piotr", "Тестов Пётр", "25 March 2027", "Art. 46", "Вымышленный текст"):
            assert words in record, words

        _export(lev, case_id)
        lev.choose("Encrypted to", "A passphrase")
        passphrase = lev.page.get_by_label("Passphrase", exact=False).last.input_value()
        assert len(passphrase) >= 16
        _name, sealed = _download(lev)
        assert pyrage.passphrase.decrypt(sealed, passphrase).startswith(b"%PDF")
