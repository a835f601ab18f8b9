"""Adding a document and taking it away."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from casework.audit import selectors as audit
from casework.desk.views.documents import safe_name
from casework.documents import selectors as documents
from tests import cast

PDF = b"%PDF-1.7\nsynthetic exhibit\n%%EOF\n"


def _add(client: Client, case_id: object, content: bytes = PDF, name: str = "decision.pdf", **changes: str) -> object:
    given = {"upload": SimpleUploadedFile(name, content), "title": "Transfer decision", "kind": "decision", **changes}
    return client.post(f"/cases/{case_id}/documents/new/", given)


class TestDocuments:
    """Encrypted while it arrives, handed out only here."""

    def test_comes_back_as_it_was_with_headers_that_run_nothing(self, people, visit, case_id):
        wanda = visit("wanda")
        assert _add(wanda, case_id).status_code == 302
        page = wanda.get(f"/cases/{case_id}/documents/").content.decode()
        assert "Transfer decision" in page
        with cast.acting(people.wanda):
            (document,) = documents.documents_of(case_id)
        answer = wanda.post(f"/cases/{case_id}/documents/{document.id}/")
        assert b"".join(answer.streaming_content) == PDF
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_a_download_is_on_record(self, people, visit, case_id):
        wanda = visit("wanda")
        _add(wanda, case_id)
        with cast.acting(people.wanda):
            (document,) = documents.documents_of(case_id)
        wanda.post(f"/cases/{case_id}/documents/{document.id}/")
        with cast.acting(people.wanda):
            assert "document.downloaded" in [entry.action for entry in audit.entries_of_case(case_id)]

    def test_is_not_handed_out_by_a_link(self, people, visit, case_id):
        wanda = visit("wanda")
        _add(wanda, case_id)
        with cast.acting(people.wanda):
            (document,) = documents.documents_of(case_id)
        assert wanda.get(f"/cases/{case_id}/documents/{document.id}/").status_code == 405

    def test_an_empty_file_is_refused_beside_its_field(self, people, visit, case_id):
        answer = _add(visit("wanda"), case_id, content=b"")
        assert answer.status_code == 200
        assert "The file is empty." in answer.content.decode()

    def test_a_program_is_refused(self, people, visit, case_id):
        answer = _add(visit("wanda"), case_id, content=b"\x7fELF\x00\x00", name="decision.pdf")
        assert "This kind of file is not taken" in answer.content.decode()

    def test_a_document_of_another_case_is_not_found(self, people, visit, case_id):
        wanda = visit("wanda")
        _add(wanda, case_id)
        other = cast.open_a_case(people)
        with cast.acting(people.wanda):
            (document,) = documents.documents_of(case_id)
        assert wanda.post(f"/cases/{other}/documents/{document.id}/").status_code == 404

    def test_says_what_belongs_here_while_there_is_none(self, people, visit, case_id):
        assert "No document yet" in visit("wanda").get(f"/cases/{case_id}/documents/").content.decode()


class TestSafeName:
    """What a browser is told to call the file."""

    def test_keeps_letters_of_every_script(self):
        assert safe_name("Решение 12.pdf") == "Решение 12.pdf"

    def test_takes_away_what_misleads_readers_and_systems(self):
        assert safe_name("..\\..\\in\u202efdp.exe\r\nX: y") == "_.._in_fdp.exe__X_ y"
        assert safe_name("../") == "_"
        assert safe_name(" . ") == "document"
