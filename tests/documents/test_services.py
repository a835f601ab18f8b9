"""Documents: encrypted while they arrive, told by their content, streamed out only when genuine."""

from __future__ import annotations

import errno
import io
import os
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from PIL import Image
from PIL.ExifTags import IFD

from casework.audit import selectors as audit
from casework.core import clock
from casework.core.errors import Invalid, NotAllowed, NotFound
from casework.crypto import envelope
from casework.crypto.envelope import DecryptError
from casework.documents import selectors, services, storage, tasks
from casework.documents.models import Document
from casework.documents.uploads import incoming_folder
from config.celery import app
from tests import cast

pytestmark = pytest.mark.django_db

TEXT = "Synthetic call-up paper. Вымышленная повестка.\n".encode() * 5000


@pytest.fixture
def case_id(people):
    return cast.open_a_case(people)


def _add(people, case_id, content=TEXT, name="paper.txt", who="wanda"):
    with cast.acting(getattr(people, who)):
        upload = services.seal_bytes(case_id, name=name, content=content)
        return services.add_document(case_id, upload=upload, title="Call-up", kind="military", dated_on="2026-09-01")


def _stored() -> list[Path]:
    return [path for path in (Path(settings.CASEWORK_FILES_DIR) / "objects").rglob("*") if path.is_file()]


class TestAdding:
    def test_gives_back_the_same_bytes(self, people, case_id):
        document_id = _add(people, case_id)
        with cast.acting(people.cora):
            opened = services.open_document(case_id, document_id)
            assert opened.view.title == "Call-up"
            assert opened.view.media_type == "text/plain"
            assert opened.view.size == len(TEXT)
            assert b"".join(opened.chunks) == TEXT

    def test_leaves_nothing_readable_on_disk_and_no_telling_name(self, people, case_id):
        before = set(_stored())
        _add(people, case_id)
        (path,) = set(_stored()) - before
        assert b"Synthetic" not in path.read_bytes()
        assert "paper" not in str(path)
        assert path.stat().st_size != len(TEXT)

    def test_refuses_a_program_and_an_empty_file(self, people, case_id):
        for content in (b"MZ\x90\x00\x03\x00\x00", b""):
            with pytest.raises(Invalid) as refused:
                _add(people, case_id, content=content, name="letter.pdf")
            assert "upload" in refused.value.fields

    def test_is_for_those_who_work_on_the_case(self, people, case_id):
        from casework.access import services as access
        from casework.access.types import Level

        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="", until=None)
        with pytest.raises(NotAllowed):
            _add(people, case_id, who="lev")
        with pytest.raises(NotFound):
            _add(people, case_id, who="otto")

    def test_takes_no_upload_that_was_sealed_to_another_case(self, people, case_id):
        other = cast.open_a_case(people)
        with pytest.raises(NotFound), cast.acting(people.wanda):
            upload = services.seal_bytes(other, name="x.txt", content=TEXT)
            services.add_document(case_id, upload=upload, title="", kind="other")


class TestOpening:
    def test_is_refused_by_another_cases_address(self, people, case_id):
        document_id = _add(people, case_id)
        other = cast.open_a_case(people)
        with cast.acting(people.wanda), pytest.raises(NotFound):
            services.open_document(other, document_id)
        with cast.acting(people.otto), pytest.raises(NotFound):
            services.open_document(case_id, document_id)

    @pytest.mark.parametrize("change", ["cut", "flip", "swap"])
    def test_gives_no_byte_of_a_file_that_was_changed(self, people, case_id, change):
        before = set(_stored())
        document_id = _add(people, case_id)
        (path,) = set(_stored()) - before
        data = bytearray(path.read_bytes())
        if change == "cut":
            data = data[: -(1 << 16)]
        elif change == "flip":
            data[20] ^= 1
        else:
            _add(people, case_id, content=b"Another synthetic paper. " * 4 + TEXT)
            (other,) = set(_stored()) - before - {path}
            data = bytearray(other.read_bytes())
        path.write_bytes(data)
        with cast.acting(people.wanda), pytest.raises((DecryptError, Invalid)):
            opened = services.open_document(case_id, document_id)
            next(opened.chunks)

    def test_describes_documents_to_those_who_see_the_case_alone(self, people, case_id):
        _add(people, case_id)
        with cast.acting(people.cora):
            assert [view.title for view in selectors.documents_of(case_id)] == ["Call-up"]
        with cast.acting(people.otto), pytest.raises(NotFound):
            selectors.documents_of(case_id)


class TestSweeping:
    def test_removes_what_a_broken_upload_left_and_nothing_younger(self):
        folder = incoming_folder()
        old, young = folder / "synthetic-old", folder / "synthetic-young"
        for path in (old, young):
            path.write_bytes(b"sealed")
        os.utime(old, times=((clock.now() - timedelta(minutes=61)).timestamp(),) * 2)
        os.utime(young, times=((clock.now() - timedelta(minutes=59)).timestamp(),) * 2)
        assert services.sweep_incoming() >= 1
        assert not old.exists()
        assert young.exists()
        young.unlink()

    def test_runs_every_hour(self):
        assert {"task": "documents.sweep", "schedule": 3600.0}.items() <= app.conf.beat_schedule[
            "sweep-uploads"
        ].items()
        assert tasks.sweep.name == "documents.sweep"
        assert "documents.sweep" in app.tasks


class TestStorage:
    """On local disk by default; on any storage of Django's, since nothing else knows where an object lies."""

    def test_on_disk_is_for_its_owner_alone_and_in_two_levels(self, people, case_id):
        before = set(_stored())
        _add(people, case_id)
        (path,) = set(_stored()) - before
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.parent.parent == Path(settings.CASEWORK_FILES_DIR) / "objects"
        assert path.name.startswith(path.parent.name)

    @pytest.mark.parametrize("elsewhere", [False, True], ids=["disk", "elsewhere"])
    def test_holds_the_whole_life_of_a_document(self, people, case_id, settings, elsewhere):
        if elsewhere:
            settings.STORAGES = {
                **settings.STORAGES,
                "documents": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            }
        on_disk = set(_stored())
        document_id = _add(people, case_id)
        with cast.acting(people.wanda):
            object_id = Document.objects.get(pk=document_id).object_id
            opened = services.open_document(case_id, document_id)
            assert b"".join(opened.chunks) == TEXT
            assert services.content_of(case_id, opened.view).read() == TEXT
        assert bool(set(_stored()) - on_disk) is not elsewhere
        assert object_id in set(storage.all_objects())
        assert storage.size(object_id) == envelope.sealed_file_bytes(len(TEXT))
        with storage.open(object_id) as stored:
            assert TEXT[:20] not in stored.read()
        storage.delete(object_id)
        storage.delete(object_id)
        assert object_id not in set(storage.all_objects())
        assert not storage.exists(object_id)
        with cast.acting(people.wanda), pytest.raises(DecryptError):
            services.open_document(case_id, document_id)

    def test_never_writes_over_an_object(self, tmp_path):
        object_id = uuid4()
        for content in (b"first", b"second"):
            (tmp_path / "made").write_bytes(content)
            if content == b"first":
                storage.put(tmp_path / "made", object_id)
            else:
                with pytest.raises(FileExistsError):
                    storage.put(tmp_path / "made", object_id)
        with storage.open(object_id) as stored:
            assert stored.read() == b"first"
        assert [one for one in storage.all_objects() if str(one)[:2] == str(object_id)[:2]].count(object_id) == 1
        storage.delete(object_id)

    def test_that_is_full_leaves_neither_row_nor_file(self, people, case_id, monkeypatch):
        def full(*_given: object) -> None:
            raise OSError(errno.ENOSPC, "no space")

        before = set(_stored())
        monkeypatch.setattr(storage, "put", full)
        with pytest.raises(Invalid) as refused:
            _add(people, case_id)
        assert "no room" in str(refused.value.fields["upload"])
        assert set(_stored()) == before
        with cast.acting(people.wanda):
            assert selectors.documents_of(case_id) == []

    def test_gives_an_object_back_when_the_unit_of_work_fails(self, people, case_id):
        before = set(_stored())
        with pytest.raises(ZeroDivisionError), cast.acting(people.wanda):
            upload = services.seal_bytes(case_id, name="x.txt", content=TEXT)
            services.add_document(case_id, upload=upload, title="", kind="other")
            assert set(_stored()) != before
            raise ZeroDivisionError
        assert set(_stored()) == before


class TestNamesAndSizes:
    """45: storage paths, names and MIME types of uploads reveal neither name, type nor exact size."""

    def test_of_files_of_about_one_size_are_alike(self, people, case_id):
        before = set(_stored())
        for name, content in (("decision.pdf", b"%PDF-1.7" + b"x" * 100_000), ("photo.jpg", b"\xff\xd8\xff" * 33_440)):
            _add(people, case_id, content=content, name=name)
        new = set(_stored()) - before
        assert len({path.stat().st_size for path in new}) == 1
        for path in new:
            assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f-]{36}", str(path.relative_to(path.parent.parent)))
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(d) FROM documents_document d WHERE case_id = %s", [case_id])
            rows = [str(row) for (row,) in cursor.fetchall()]
        for told in ("decision", "photo", "pdf", "jpeg", "100008", "100320"):
            assert not [row for row in rows if told in row]


class TestTheWholeFile:
    """44: a file with chunks dropped, reordered, duplicated or cut at a chunk border is refused, before a byte."""

    CONTENT = b"".join(f"line {number} of a synthetic paper\n".encode() for number in range(12_000))

    @pytest.mark.parametrize(
        "change", ["drop", "reorder", "duplicate", "cut", "flip last", "lengthen", "empty", "gone"]
    )
    def test_is_verified_before_its_first_byte(self, people, case_id, change):
        document_id = _add(people, case_id, content=self.CONTENT)
        with cast.acting(people.wanda):
            path = Path(storages["documents"].path(storage._name(Document.objects.get(pk=document_id).object_id)))
        data, chunk, header = path.read_bytes(), 65_536 + 16, 8
        chunks = [data[at : at + chunk] for at in range(header, len(data), chunk)]
        assert len(chunks) >= 5
        changed = {
            "drop": [*chunks[:2], *chunks[3:]],
            "reorder": [*chunks[:2], chunks[3], chunks[2], *chunks[4:]],
            "duplicate": [*chunks[:2], chunks[2], *chunks[2:]],
            "cut": chunks[:-1],
            "flip last": [*chunks[:-1], chunks[-1][:-1] + bytes([chunks[-1][-1] ^ 1])],
            "lengthen": [*chunks, chunks[-1]],
            "empty": [],
            "gone": [],
        }[change]
        path.write_bytes(data[:header] + b"".join(changed) if change != "empty" else b"")
        if change == "gone":
            path.unlink()
        with cast.acting(people.wanda), pytest.raises(DecryptError):
            services.open_document(case_id, document_id)
        with cast.acting(people.wanda):
            assert "document.download_cut" in [entry.action for entry in audit.entries_of_case(case_id)]

    def test_gives_no_byte_of_a_chunk_that_is_changed_after_that(self, people, case_id):
        document_id = _add(people, case_id, content=self.CONTENT)
        with cast.acting(people.wanda):
            path = Path(storages["documents"].path(storage._name(Document.objects.get(pk=document_id).object_id)))
            opened = services.open_document(case_id, document_id)
        given = next(opened.chunks)
        data = bytearray(path.read_bytes())
        data[8 + 3 * (65_536 + 16) + 5] ^= 1
        path.write_bytes(data)
        with pytest.raises(DecryptError):
            for piece in opened.chunks:
                given += piece
        assert given == self.CONTENT[: 3 * 65_536 - 8]


class TestACleanCopy:
    def test_shows_no_place_and_stands_in_the_trail(self, people, case_id):
        exif = Image.Exif()
        exif.get_ifd(IFD.GPSInfo)[1] = "N"
        exif[0x013B] = "Synthetic Owner"
        sink = io.BytesIO()
        Image.new("RGB", (30, 20), "grey").save(sink, "JPEG", exif=exif)
        document_id = _add(people, case_id, content=sink.getvalue(), name="photo.jpg")
        with cast.acting(people.wanda):
            copy = services.clean_copy(case_id, document_id)
            assert b"".join(services.open_document(case_id, document_id).chunks) == sink.getvalue()
        assert b"Synthetic Owner" in sink.getvalue()
        assert b"Synthetic Owner" not in copy.content
        assert b"Exif" not in copy.content
        with cast.acting(people.wanda):
            entries = [entry for entry in audit.entries_of_case(case_id) if entry.action == "document.downloaded"]
        assert [entry.particulars for entry in entries if entry.particulars] == [{"copy": "clean"}]

    @pytest.mark.parametrize(("content", "says"), [(TEXT, "no copy"), (b"%PDF-1.7 broken", "damaged")])
    def test_is_refused_with_the_reason(self, people, case_id, content, says):
        document_id = _add(people, case_id, content=content)
        with cast.acting(people.wanda), pytest.raises(Invalid, match=says):
            services.clean_copy(case_id, document_id)

    def test_is_for_those_who_may_open_the_document(self, people, case_id):
        document_id = _add(people, case_id)
        with cast.acting(people.otto), pytest.raises(NotFound):
            services.clean_copy(case_id, document_id)
