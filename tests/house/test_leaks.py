"""What a thief finds: ten planted secrets are sought in the dump, Redis, logs, mail, sessions, cookies and files."""

from __future__ import annotations

import base64
import io
import logging
import os
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import redis
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from casework.core.logging import AllowListFormatter
from tests import cast
from tests.house import sessions

pytestmark = pytest.mark.django_db(transaction=True)

# Each is a word that occurs nowhere by chance; one of them is Cyrillic, one a date written as forms and facts write it.
SECRETS = {
    "name": "Zyxwanov",
    "original": "Зыхванов",
    "summary": "qumranscroll",
    "account": "velvetharrow",
    "contact": "pigeonloft77",
    "codeword": "marzipanowl",
    "fact": "tangleweed",
    "filename": "cobaltspoon",
    "document": "lanternmoss",
    "search": "Zyxwanova-Quill",
    "paper": "ZQ7719304428",
}


def _shapes(secret: str) -> list[bytes]:
    plain = secret.encode()
    shapes = [plain, secret.lower().encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be")]
    shapes += [plain.hex().encode(), plain.hex().upper().encode()]
    # Base64 of the word at each of the three offsets, without the ends that its neighbours change.
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + plain + b"\0\0")
        shapes.append(coded[-(-8 * offset // 6) : 8 * (offset + len(plain)) // 6])
    shapes.append(secret.encode("unicode_escape"))
    return [shape for shape in shapes if len(shape) > 5]


def _found(where: str, data: bytes) -> list[str]:
    return [f"{name} in {where}" for name, secret in SECRETS.items() if any(shape in data for shape in _shapes(secret))]


def _dump(engines) -> bytes:
    from casework.operations.embedded import binaries

    url = urlsplit(engines.database_url("backup"))
    program = binaries.find().postgres.parent / "pg_dump"
    return subprocess.run(
        [str(program), "--no-password", "-h", parse_qs(url.query)["host"][0], "-U", unquote(url.username), "casework"],
        env={**os.environ, "PGPASSWORD": unquote(url.password)},
        capture_output=True,
        check=True,
    ).stdout


class _Everything(logging.Handler):
    """What a production server's console would show, at DEBUG."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines = io.StringIO()
        self.setFormatter(AllowListFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.write(self.format(record) + "\n")


@pytest.fixture
def console():
    handler, root = _Everything(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def _case_form(team) -> dict[str, object]:
    return {
        "team": str(team),
        "country": "FR",
        "name_original": SECRETS["original"],
        "name_latin": SECRETS["name"],
        "birth_on_0": "7",
        "birth_on_1": "3",
        "birth_on_2": "1991",
        "nationalities_0": "RU",
        "languages_0": "ru",
        "papers": SECRETS["paper"],
        "ground_lgbtqi": "on",
        "account_lgbtqi": SECRETS["account"],
        "channels": ["messenger"],
        "contact_details": SECRETS["contact"],
        "code_word": SECRETS["codeword"],
        "risk_level": "high",
        "summary": SECRETS["summary"],
    }


class TestAThief:
    """Invariants 7 and 8: after a whole journey, faults included, nothing of a person is anywhere in the clear."""

    def test_learns_none_of_ten_secrets(self, people, engines, console, monkeypatch):
        client = cast.sign_in(Client(raise_request_exception=False), people.user("wanda"))
        made = client.post(reverse("case_new"), _case_form(people.north))
        assert made.status_code == 302, made.content.decode()[:4000]
        case_id = made.url.rstrip("/").split("/")[-1]
        fact = {"on_0": "1", "on_1": "9", "on_2": "2026", "state": "FR", "note": SECRETS["fact"]}
        recorded = client.post(reverse("fact_form", args=[case_id, "application-registered"]), fact)
        assert recorded.status_code == 302, recorded.content.decode()[:4000]
        upload = SimpleUploadedFile(f"{SECRETS['filename']}.txt", f"{SECRETS['document']} ".encode() * 9000)
        added = client.post(
            reverse("document_new", args=[case_id]), {"upload": upload, "title": SECRETS["filename"], "kind": "other"}
        )
        assert added.status_code == 302, added.content.decode()[:4000]
        # What was planted is there for whoever may see it: otherwise this test would prove nothing.
        page = client.get(reverse("case_detail", args=[case_id])).content.decode()
        assert SECRETS["name"] in page
        assert SECRETS["summary"] in page
        found = client.post(reverse("case_list"), {"words": SECRETS["name"]})
        assert SECRETS["name"] in found.content.decode()
        client.post(reverse("case_list"), {"words": SECRETS["search"]})
        client.get(reverse("case_detail", args=[case_id]) + "?q=" + SECRETS["search"])
        client.post(reverse("case_new"), {**_case_form(people.north), "country": "nowhere"})
        self._break_a_page(client, people, monkeypatch)

        cookies = client.cookies.output().encode()
        store = b"".join(
            path.name.encode() + b"\n" + path.read_bytes()
            for path in sorted(Path(settings.CASEWORK_FILES_DIR).rglob("*"))
            if path.is_file()
        )
        dump = _dump(engines)
        assert b"procedure_fact" in dump
        assert len(store) > 9000 * 12
        broker = redis.Redis.from_url(settings.REDIS_URL)
        kept = b"".join(key + (broker.dump(key) or b"") for key in broker.scan_iter())
        sent = "".join(str(message.message()) for message in mail.outbox).encode()
        hits = [
            *_found("the dump", dump),
            *_found("Redis", kept),
            *_found("the logs", console.lines.getvalue().encode()),
            *_found("mail", sent),
            *_found("sessions", self._sessions()),
            *_found("cookies", cookies),
            *_found("the file store", store),
        ]
        assert hits == []

    def _break_a_page(self, client, people, monkeypatch) -> None:
        from casework.cases import services

        def broken(*_args, given, **_kwargs):
            raise RuntimeError(f"fault while saving {given.applicant.name_latin}")

        with monkeypatch.context() as patch:
            patch.setattr(services, "create_case", broken)
            answer = client.post(reverse("case_new"), _case_form(people.north))
        assert answer.status_code == 500
        assert SECRETS["name"] not in answer.content.decode()

    def _sessions(self) -> bytes:
        kept = sessions.opened()
        assert kept
        return b"".join(str(data).encode() for data in kept)


class TestTheSearchItself:
    """The detector finds what is there: a planted word in each of its shapes."""

    @pytest.mark.parametrize("secret", list(SECRETS))
    def test_knows_a_word_in_every_shape(self, secret):
        word = SECRETS[secret]
        for data in (
            word.encode(),
            word.encode("utf-16-le"),
            word.encode().hex().encode(),
            base64.b64encode(b"xx" + word.encode() + b"tail"),
            base64.b64encode(b"x" + word.encode() + b"tail"),
            base64.b64encode(word.encode() + b"tail"),
        ):
            assert _found("here", b"before" + data + b"after") != []
