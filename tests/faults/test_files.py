"""Uploads and downloads through a real web server: what the other end of the line sees when a file is damaged."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import storages
from django.test import Client

from casework.audit import selectors as audit
from casework.documents import selectors, services, storage
from casework.documents.models import Document
from casework.documents.uploads import incoming_folder
from tests import cast
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

CHUNK = 65_536 + 16
LINE = b"a line of a synthetic paper %07d\n"
# Longer than what lies in the buffers between two processes, so that the server is still reading when it is changed.
LONG = b"".join(LINE % number for number in range(1_000_000))


@pytest.fixture
def server(tmp_path: Path, people: Any) -> Iterator[int]:
    """Serve the pages with gunicorn, as in production; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    line = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--config", "python:config.gunicorn"]
    line += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
    process = subprocess.Popen(
        [*line, "--worker-tmp-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CASEWORK_ROLE": "web"},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            break
        except OSError:
            time.sleep(0.1)
    yield port
    process.terminate()
    process.wait()


class Browser:
    """Wanda's connection: her session, and the token of its forms."""

    def __init__(self, people: Any, port: int) -> None:
        client = cast.sign_in(Client(), people.user("wanda"))
        self._port = port
        self._cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        page = self.send("GET", "/account/profile/").read().decode()
        self.token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]

    def send(self, method: str, path: str, body: bytes = b"", kind: str = "") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(method, path, body, {"Cookie": self._cookie, "Content-Type": kind, "Connection": "close"})
        return connection.getresponse()

    def download(self, case_id: UUID, document_id: UUID, **more: str) -> http.client.HTTPResponse:
        given = urlencode({"csrfmiddlewaretoken": self.token, **more}).encode()
        return self.send("POST", _path(case_id, document_id), given, "application/x-www-form-urlencoded")

    def form(self, content: bytes) -> bytes:
        fields = {"csrfmiddlewaretoken": self.token, "title": "Sent", "kind": "other"}
        parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fields[name]}\r\n' for name in fields]
        head = '--B\r\nContent-Disposition: form-data; name="upload"; filename="paper.txt"\r\n\r\n'
        return ("".join(parts) + head).encode() + content + b"\r\n--B--\r\n"

    def upload(self, case_id: UUID, content: bytes) -> http.client.HTTPResponse:
        return self.send("POST", _new(case_id), self.form(content), "multipart/form-data; boundary=B")

    def begin_upload(self, case_id: UUID, announced: int, body: bytes) -> socket.socket:
        """Send the beginning of an upload and leave the line open."""
        line = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        head = f"POST {_new(case_id)} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self._cookie}\r\n"
        head += f"Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {announced}\r\n\r\n"
        line.sendall(head.encode() + body)
        return line


def _path(case_id: UUID, document_id: UUID) -> str:
    return f"/cases/{case_id}/documents/{document_id}/"


def _new(case_id: UUID) -> str:
    return f"/cases/{case_id}/documents/new/"


def _stored(people: Any, case_id: UUID, content: bytes = LONG) -> tuple[UUID, Path]:
    with cast.acting(people.wanda):
        upload = services.seal_bytes(case_id, name="paper.txt", content=content)
        document_id = services.add_document(case_id, upload=upload, title="Paper", kind="other")
        object_id = Document.objects.get(pk=document_id).object_id
    return document_id, Path(storages[storage.ALIAS].path(storage._name(object_id)))


def _read_all(answer: http.client.HTTPResponse, given: bytes = b"") -> tuple[bytes, bool]:
    """Return what arrived, and whether the other end broke off."""
    try:
        return given + answer.read(), False
    except http.client.IncompleteRead as error:
        return given + error.partial, True
    except ConnectionError:
        return given, True


class TestDownload:
    """44, at the other end of the line."""

    def test_arrives_whole_and_is_on_record(self, people, server):
        case_id = cast.open_a_case(people)
        document_id, _file = _stored(people, case_id)
        answer = Browser(people, server).download(case_id, document_id)
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(LONG)))
        assert _read_all(answer) == (LONG, False)

    def test_of_a_file_cut_at_a_chunk_border_gives_no_byte_of_it(self, people, server):
        case_id = cast.open_a_case(people)
        document_id, file = _stored(people, case_id)
        with file.open("r+b") as stored:
            stored.truncate(8 + 300 * CHUNK)
        answer = Browser(people, server).download(case_id, document_id)
        given, _broken = _read_all(answer)
        assert answer.status != 200
        assert LINE[:20] not in given
        with cast.acting(people.wanda):
            assert "document.download_cut" in [entry.action for entry in audit.entries_of_case(case_id)]

    @pytest.mark.parametrize("change", ["flip", "swap", "cut"])
    def test_of_a_file_changed_while_it_leaves_is_cut_off(self, people, server, change):
        case_id = cast.open_a_case(people)
        document_id, file = _stored(people, case_id)
        answer = Browser(people, server).download(case_id, document_id)
        given = answer.read(100_000)  # verified whole by now; the rest waits for us to read on
        at = 450
        with file.open("r+b") as stored:
            if change == "cut":
                stored.truncate(8 + at * CHUNK)
            else:
                stored.seek(8 + at * CHUNK)
                one, two = stored.read(CHUNK), stored.read(CHUNK)
                stored.seek(8 + at * CHUNK)
                stored.write(two + one if change == "swap" else bytes([one[0] ^ 1]) + one[1:])
        given, broken = _read_all(answer, given)
        # Announced was the whole length: no reader takes this for a file that ended well.
        assert broken
        assert int(answer.headers["Content-Length"]) == len(LONG)
        assert given == LONG[: len(given)]
        assert len(given) <= at * 65_536 - 8
        with cast.acting(people.wanda):
            assert "document.download_cut" in [entry.action for entry in audit.entries_of_case(case_id)]

    def test_of_a_document_that_is_not_there_tells_nothing(self, people, server):
        assert Browser(people, server).download(cast.open_a_case(people), uuid4()).status == 404


class TestUpload:
    def test_of_two_at_once_keeps_them_apart(self, people, server):
        case_id = cast.open_a_case(people)
        browser, answers = Browser(people, server), []
        contents = [b"first " * 500_000, b"second" * 500_000]
        threads = [
            threading.Thread(target=lambda content=content: answers.append(browser.upload(case_id, content).status))
            for content in contents
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [302, 302]
        with cast.acting(people.wanda):
            found = [
                b"".join(services.open_document(case_id, view.id).chunks) for view in selectors.documents_of(case_id)
            ]
        assert sorted(found) == sorted(contents)

    def test_that_breaks_off_leaves_nothing(self, people, server):
        case_id, before = cast.open_a_case(people), set(incoming_folder().iterdir())
        browser = Browser(people, server)
        body = browser.form(b"x" * 3_000_000)
        line = browser.begin_upload(case_id, len(body), body[:2_000_000])
        _until(lambda: set(incoming_folder().iterdir()) != before)
        line.close()
        _until(lambda: set(incoming_folder().iterdir()) == before)
        with cast.acting(people.wanda):
            assert selectors.documents_of(case_id) == []


def _until(true: Any) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
