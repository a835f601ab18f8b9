"""Access taken back for cause: the case has a new key at once, and a worker seals what was stored before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from django.test import Client
from django.urls import reverse

from casework.access import selectors as grants
from casework.access import services as access
from casework.access.types import Level
from casework.audit import selectors as audit
from casework.audit import verify
from casework.cases import services as cases
from casework.cases.models import Case
from casework.core.errors import NotFound
from casework.crypto import renewal
from casework.crypto import services as crypto
from casework.crypto.models import KeyScope
from casework.documents import services as documents
from casework.operations import tasks
from casework.operations.embedded import Engines
from tests import cast
from tests.conftest import ROOT, running_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    crypto.forget_process_keys()
    yield
    crypto.forget_process_keys()


@pytest.fixture
def broker(engines: Engines) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(engines.redis_url)
    client.flushall()
    yield client
    client.flushall()
    client.close()


@pytest.fixture
def shared(people: Any) -> tuple[UUID, UUID, UUID]:
    """A case with history and a document that Lev may read: the ids of case, grant and document."""
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        view = cases.open_case(case_id)
        cases.update_case(case_id, given=cast.a_case(title="Second title"), version=view.version)
        upload = documents.seal_bytes(case_id, name="synthetic.pdf", content=b"%PDF-1.7 synthetic " * 5_000)
        document = documents.add_document(case_id, upload=upload, title="Exhibit", kind="evidence")
        access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="synthetic reason")
        (grant,) = [line for line in grants.grants_on(case_id) if line.holder_id == people.lev]
    return case_id, grant.id, document


def _generations(superuser: Any, case_id: UUID) -> set[int]:
    found = set()
    for table, column in (
        ("cases_case", "title_sealed"),
        ("cases_historicalcase", "title_sealed"),
        ("documents_document", "file_key"),
        ("documents_historicaldocument", "title_sealed"),
    ):
        key = "id" if table.startswith("cases_") else "case_id"
        rows = superuser.execute(f"SELECT get_byte({column}, 7) FROM {table} WHERE {key} = %s", [case_id])
        found |= {number for (number,) in rows.fetchall()}
    return found


def _revoke(people: Any, case_id: UUID, grant_id: UUID, **given: str) -> Any:
    wanda = cast.sign_in(Client(), people.user("wanda"))
    return wanda.post(reverse("grant_revoke", args=[case_id, grant_id]), given, follow=True)


class TestForCause:
    def test_is_offered_with_what_it_does(self, people, shared):
        case_id, grant_id, _document = shared
        wanda = cast.sign_in(Client(), people.user("wanda"))
        page = wanda.get(reverse("grant_revoke", args=[case_id, grant_id])).content.decode()
        assert 'name="for_cause"' in page
        assert "gives the case a new key" in page

    def test_renews_the_key_of_the_case_at_once(self, people, shared):
        case_id, grant_id, _document = shared
        answer = _revoke(people, case_id, grant_id, for_cause="on")
        assert "The case has a new key" in answer.content.decode()
        with cast.acting(people.lev), pytest.raises(NotFound):
            cases.open_case(case_id)
        crypto.clear()
        with cast.acting(people.wanda):
            assert crypto.keys_for(case_id).newest.generation == 2
            assert cases.open_case(case_id).title == "Second title"
            created = [entry for entry in audit.entries_of_case(case_id) if entry.action == "key.created"]
            assert [entry.particulars for entry in created] == [{"generation": 2, "revoked": str(grant_id)}]
        assert renewal.waiting() == [case_id]

    def test_is_not_the_ordinary_way(self, people, shared):
        case_id, grant_id, _document = shared
        _revoke(people, case_id, grant_id)
        assert list(KeyScope.objects.filter(scope=case_id).values_list("generation", flat=True)) == [1]

    def test_that_fails_leaves_key_and_grant(self, people, shared, monkeypatch):
        case_id, grant_id, _document = shared

        def broken(*_given: object, **_named: object) -> None:
            raise RuntimeError("synthetic fault")

        monkeypatch.setattr(crypto, "_store", broken)
        with pytest.raises(RuntimeError):
            _revoke(people, case_id, grant_id, for_cause="on")
        assert KeyScope.objects.filter(scope=case_id).count() == 1
        with cast.acting(people.lev):
            assert cases.open_case(case_id).title == "Second title"


class TestTheWorker:
    """It has no right to history, and seals it anew all the same."""

    def test_seals_anew_what_was_stored_before(self, people, shared, superuser):
        case_id, grant_id, document = shared
        _revoke(people, case_id, grant_id, for_cause="on")
        assert 1 in _generations(superuser, case_id)
        with running_as("worker"):
            crypto.forget_process_keys()
            tasks.keep_keys()
        assert _generations(superuser, case_id) == {2}
        states = "SELECT generation, state FROM crypto_keyscope WHERE id = %s ORDER BY 1"
        assert superuser.execute(states, [case_id]).fetchall() == [(1, "retired"), (2, "live")]
        crypto.clear()
        with cast.acting(people.wanda):
            assert verify.row_is_current(Case.objects.get(pk=case_id), stream=case_id)
            assert b"".join(documents.open_document(case_id, document).chunks).startswith(b"%PDF-1.7")

    def test_does_it_by_itself(self, people, shared, superuser, broker):
        case_id, grant_id, _document = shared
        line = [sys.executable, "-m", "celery", "--app", "config", "--quiet", "worker", "--queues", "urgent,ordinary"]
        line += ["--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
        worker = subprocess.Popen(
            line,
            cwd=ROOT,
            env={**os.environ, "CASEWORK_ROLE": "worker"},
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _revoke(people, case_id, grant_id, for_cause="on")
            deadline = time.monotonic() + 60
            retired = "SELECT count(*) FROM crypto_keyscope WHERE id = %s AND state = 'retired'"
            while superuser.execute(retired, [case_id]).fetchone() == (0,):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        assert _generations(superuser, case_id) == {2}

    def test_may_put_nothing_but_a_renewal_in_the_place_of_a_value(self, people, shared, superuser, as_role):
        case_id, grant_id, _document = shared
        _revoke(people, case_id, grant_id, for_cause="on")
        (blob,) = superuser.execute("SELECT title_sealed FROM cases_case WHERE id = %s", [case_id]).fetchone()
        worker = as_role("worker")
        newer = blob[:4] + (2).to_bytes(4, "big") + blob[8:]
        call = "SELECT crypto_reseal('cases_case', 'id', %s, 'id', %s, %s::name[], %s::bytea[], %s::bytea[])"
        for column, after in (
            ("title_sealed", blob),  # not of the newest generation
            ("title_sealed", newer + b"x"),  # of another length
            ("title_sealed", b"\xc1\x01\x00\x09" + newer[4:]),  # of another field
            ("reference", newer),  # a column in the clear
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(call, [case_id, case_id, [column], [blob], [after]])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):  # under another case's key
            worker.execute(call, [case_id, cast.open_a_case(people), ["title_sealed"], [blob], [newer]])
        # What it opened stands there no more: somebody saved the row meanwhile.
        stale = blob[:-1] + bytes([blob[-1] ^ 1])
        assert worker.execute(call, [case_id, case_id, ["title_sealed"], [stale], [newer]]).fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute("SELECT title_sealed FROM documents_historicaldocument")
        for name in ("crypto_outdated", "crypto_hold", "crypto_reseal", "crypto_retire"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                as_role("web").execute("SELECT " + name + "(" + _NULLS[name] + ")")


_NULLS = {
    "crypto_outdated": "'cases_case', 'id', 'id', NULL, '{}'::name[]",
    "crypto_hold": "'cases_case', 'id', 'id', 'id', NULL, '{}', '{}'::name[], '{}'::name[]",
    "crypto_reseal": "'cases_case', 'id', NULL, 'id', NULL, '{}'::name[], '{}', '{}'",
    "crypto_retire": "NULL",
}


class TestWornKeys:
    """Security design, section 2: a key that has sealed enough is renewed, and never seals more than is safe."""

    def test_are_renewed_by_whoever_seals_next(self, people, shared, superuser):
        case_id, _grant, _document = shared
        superuser.execute("UPDATE crypto_keyscope SET sealed = %s WHERE id = %s", [crypto.RENEW_AT, case_id])
        with cast.acting(people.wanda):
            view = cases.open_case(case_id)
            cases.update_case(case_id, given=cast.a_case(title="Third title"), version=view.version)
        assert _generations(superuser, case_id) == {1, 2}
        assert KeyScope.objects.filter(scope=case_id).count() == 2
        with cast.acting(people.wanda):
            assert cases.open_case(case_id).title == "Third title"
        with running_as("worker"):
            crypto.forget_process_keys()
            tasks.keep_keys()
        assert _generations(superuser, case_id) == {2}

    def test_are_not_used_by_a_role_that_makes_no_keys(self, people, shared, superuser, monkeypatch):
        from casework.crypto.types import KeyWornOut

        case_id, _grant, _document = shared
        for sealed, refused in ((crypto.RENEW_AT, False), (crypto.MOST_SEALED, True)):
            superuser.execute("UPDATE crypto_keyscope SET sealed = %s WHERE id = %s", [sealed, case_id])
            with running_as("worker"), cast.work.acting(cast.work.system_actor()):
                crypto.clear()
                if refused:
                    with pytest.raises(KeyWornOut):
                        crypto.key_to_seal(case_id)
                else:
                    assert crypto.key_to_seal(case_id).generation == 1

    def test_are_known_by_counting_one_value_in_so_many(self, people, shared, superuser, monkeypatch):
        from casework.crypto import envelope

        case_id, _grant, _document = shared
        seal, made = envelope.seal, []

        def counted(*given: Any, **named: Any) -> bytes:
            blob = seal(*given, **named)
            made.append(blob)
            return blob[:18] + b"\0\0" + blob[20:]

        monkeypatch.setattr(envelope, "seal", counted)
        with cast.acting(people.wanda):
            row = Case.objects.get(pk=case_id)
            row.title = "Fourth title"
            row.save()
        (sealed,) = superuser.execute("SELECT sealed FROM crypto_keyscope WHERE id = %s", [case_id]).fetchone()
        assert sealed == len(made) * crypto.COUNTED > 0
