"""Documents: encrypted while they arrive, told by their content, streamed out only when genuine."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from casework.core import clock
from casework.core.errors import Invalid, NotAllowed, NotFound
from casework.crypto.envelope import DecryptError
from casework.documents import policies, selectors, services, tasks
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

    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (b"%PDF-1.7 ...", "application/pdf"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            ("Повестка".encode() + b"\xd0", "text/plain"),
            (b"MZ\x90\x00\x03\x00", None),
            (b"\x7fELF\x02", None),
            (b"", None),
        ],
    )
    def test_goes_by_the_content_not_by_the_name(self, content, media_type):
        assert policies.media_type_of(content) == media_type

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
        tasks.sweep()
        assert not old.exists()
        assert young.exists()
        young.unlink()

    def test_runs_every_hour(self):
        assert {"task": "documents.sweep", "schedule": 3600.0}.items() <= app.conf.beat_schedule[
            "sweep-uploads"
        ].items()
        assert "documents.sweep" in app.tasks
