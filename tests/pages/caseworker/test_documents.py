"""Adding a document and taking it away."""

from __future__ import annotations

import errno
import io

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.http import content_disposition_header
from PIL import Image

from casework.audit import selectors as audit
from casework.crypto import envelope
from casework.desk.views.documents import safe_name
from casework.documents import selectors as documents
from casework.documents import uploads
from casework.documents.uploads import incoming_folder
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
        # Neither a range nor a date is answered: it is the whole file, and it is on record, each time.
        asked = {"Range": "bytes=0-3", "If-Modified-Since": "Mon, 23 Nov 2026 00:00:00 GMT"}
        answer = wanda.post(f"/cases/{case_id}/documents/{document.id}/", headers=asked)
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content) == PDF
        assert answer["Content-Length"] == str(len(PDF))
        assert answer["Accept-Ranges"] == "none"
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == 'attachment; filename="decision.pdf"'
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert not {"ETag", "Last-Modified"} & answer.headers.keys()

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
        for asked in (wanda.get, wanda.head):
            assert asked(f"/cases/{case_id}/documents/{document.id}/").status_code == 405

    def test_an_empty_file_is_refused_beside_its_field(self, people, visit, case_id):
        answer = _add(visit("wanda"), case_id, content=b"")
        assert answer.status_code == 200
        assert "The file is empty." in answer.content.decode()

    def test_a_program_is_refused(self, people, visit, case_id):
        answer = _add(visit("wanda"), case_id, content=b"\x7fELF\x00\x00", name="decision.pdf")
        assert "This kind of file is not taken" in answer.content.decode()

    def test_a_page_that_a_browser_would_run_is_refused_and_told_what_is_taken(self, visit, case_id):
        page = _add(visit("wanda"), case_id, content=b"<html><script>1</script>", name="letter.txt").content.decode()
        assert "pictures (JPEG, PNG, TIFF, WebP, HEIC)" in page
        assert 'id="id_upload_error"' in page or "id_upload" in page

    def test_too_large_a_file_says_so_beside_its_field(self, people, visit, case_id, settings):
        settings.MAX_DOCUMENT_BYTES, before = 1024 * 1024, set(incoming_folder().iterdir())
        for length in (1_100_000, 5_000_000):
            page = _add(visit("wanda"), case_id, content=b"%PDF-1.7" + bytes(length)).content.decode()
            assert "larger than 1.0\xa0MB" in page
            assert "This field is required" not in page
        with cast.acting(people.wanda):
            assert documents.documents_of(case_id) == []
        assert set(incoming_folder().iterdir()) == before

    @pytest.mark.parametrize("when", ["opening", "writing", "finishing", "moving"])
    def test_a_full_disk_says_so_beside_its_field_and_leaves_nothing(self, people, visit, case_id, monkeypatch, when):
        def full(*_given: object, **_named: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        place = {
            "opening": (uploads.os, "open"),
            "writing": (envelope.FileSealer, "write"),
            "finishing": (uploads.os, "fsync"),
            "moving": (storages["documents"], "_save"),
        }[when]
        wanda, before = visit("wanda"), set(incoming_folder().iterdir())
        with monkeypatch.context() as patched:
            patched.setattr(*place, full)
            answer = _add(wanda, case_id)
        assert answer.status_code == 200
        assert "There is no room to store the file just now." in answer.content.decode()
        with cast.acting(people.wanda):
            assert documents.documents_of(case_id) == []
        assert set(incoming_folder().iterdir()) == before
        assert _add(wanda, case_id).status_code == 302

    def test_the_same_file_twice_is_taken_with_a_warning_in_its_own_case_alone(self, people, visit, case_id):
        wanda, other = visit("wanda"), cast.open_a_case(people)
        _add(wanda, other)
        first = _add(wanda, case_id)
        assert "the very same file" not in wanda.get(first["Location"]).content.decode().lower()
        second = _add(wanda, case_id, name="another-name.pdf", title="Another title")
        page = wanda.get(second["Location"]).content.decode()
        assert "The very same file is already among the documents of this case." in page
        with cast.acting(people.wanda):
            assert len(documents.documents_of(case_id)) == 2

    def test_a_copy_without_hidden_data_stands_beside_the_original(self, people, visit, case_id):
        wanda, sink = visit("wanda"), io.BytesIO()
        Image.new("RGB", (30, 20), "grey").save(sink, "JPEG", comment="lanternmoss")
        _add(wanda, case_id, content=sink.getvalue(), name="photo.jpg")
        _add(wanda, case_id, content=b"Synthetic letter.", name="letter.txt", title="Letter")
        page = wanda.get(f"/cases/{case_id}/documents/").content.decode()
        assert page.count('name="copy" value="clean"') == 1
        with cast.acting(people.wanda):
            letter, photo = sorted(documents.documents_of(case_id), key=lambda view: view.title)
        answer = wanda.post(f"/cases/{case_id}/documents/{photo.id}/", {"copy": "clean"})
        assert answer.content.startswith(b"\xff\xd8")
        assert b"lanternmoss" not in answer.content
        assert answer["Content-Disposition"] == 'attachment; filename="photo.jpg"'
        assert answer["Cache-Control"] == "no-store"
        assert "sandbox" in answer["Content-Security-Policy"]
        refused = wanda.post(f"/cases/{case_id}/documents/{letter.id}/", {"copy": "clean"}, follow=True)
        assert "no copy without hidden data can be made" in refused.content.decode()

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
        assert safe_name("") == "document"
        assert safe_name("CON.pdf") == "_CON.pdf"
        assert safe_name("in\u200bvoice\ufeff\u2066.pdf\x00\x85") == "in_voice__.pdf__"

    def test_keeps_the_ending_of_a_very_long_name_and_the_bytes_that_systems_count(self):
        name = safe_name("Ж" * 300 + ".pdf")
        assert name == "Ж" * 98 + ".pdf"
        assert len(safe_name("x" * 300).encode()) == 200
        assert len(safe_name("x." + "y" * 300).encode()) == 200

    def test_stands_in_the_header_as_rfc_6266_says(self):
        name = safe_name('Решение "1"\r\nSet-Cookie: a=b; x=.pdf')
        header = content_disposition_header(True, name)
        assert header.startswith("attachment; filename*=utf-8''")
        assert not {"\r", "\n", '"'} & set(header)
