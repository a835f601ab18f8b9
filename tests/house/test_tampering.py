"""What is stored is changed past the application: all of it is noticed, and nothing half-shown.

Security design, invariants 1, 2, 4, 5, 9, 26, 39 and 44, and A4 of the threat model.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import ExitStack
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from casework.audit import actions
from casework.cases import services as cases
from casework.cases.models import Case, Person
from casework.core.errors import Damaged
from casework.crypto import services as crypto
from casework.crypto.fields import sealed_fields
from casework.documents.models import Document
from casework.notices.types import Kind
from casework.procedure import services as procedure
from casework.procedure.models import Fact
from tests import cast
from tests.conftest import manage, running_as
from tests.house import tampering

pytestmark = pytest.mark.django_db(transaction=True)

SAYS = "This record was changed outside the application"
# Words of the first case: none of them may stand on a page that says so.
WORDS = ("Testov", "Тестов", "Testova", "Synthetic", "synthetic", "first paper", "eurodac")


@pytest.fixture
def world(people):
    return tampering.build(people)


@pytest.fixture
def vandal(superuser):
    return tampering.Vandal(superuser)


@pytest.fixture(autouse=True)
def _fresh_keys():
    crypto.forget_process_keys()
    yield
    crypto.forget_process_keys()


def _client(people, name="wanda"):
    return cast.sign_in(Client(raise_request_exception=False), people.user(name))


def _url(world, page, **more):
    return reverse(page, kwargs={"case_id": world.one, **more})


def _told(vandal: tampering.Vandal, case_id: UUID) -> int:
    code = actions.action_named("record.damaged").code
    return len(vandal.rows("audit_entry", "seq", action=code, case_id=case_id))


def _is_told(answer: Any) -> bool:
    """Say whether an answer is the page that says so, with nothing else on it."""
    page = answer.content.decode()
    shown = [word for word in WORDS if word in page]
    return answer.status_code == 500 and SAYS in page and not shown


class TestEveryKindOfCiphertext:
    """Invariants 1, 2, 4, 5 and 44: flipped, cut, longer, or in another place, it does not open."""

    def test_is_refused_when_it_is_changed_anyhow(self, people, world):
        _client(people)  # so that there is a session
        with cast.acting(people.wanda):
            counts = {kind.name: tampering.try_all(kind) for kind in tampering.kinds(people, world)}
        assert {name: count.missed for name, count in counts.items() if count.missed} == {}
        counts.pop("django_session.session_data")  # of another length each time
        tampering.compare_page(envelopes=counts)


# Where each table of a case is read.
PAGES = {Case: "case_detail", Person: "case_detail", Fact: "case_timeline", Document: "case_documents"}


def _key_of(world: tampering.World, model: Any) -> UUID:
    return {Case: world.one, Person: world.person, Fact: world.facts[0], Document: world.papers[0]}[model]


def _sibling(world: tampering.World, model: Any) -> UUID:
    return {Case: world.two, Person: world.relative, Fact: world.facts[1], Document: world.papers[1]}[model]


def _flipped(value: bytes, at: int = -1) -> bytes:
    at %= len(value)
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


class TestThroughThePages:
    """Written by a superuser into the database, read through the application."""

    def test_every_field_of_a_case_is_noticed_however_it_was_changed(self, people, world, vandal):
        client = _client(people)
        count: dict[str, tampering.Count] = {}
        for model, page in PAGES.items():
            table, key = model._meta.db_table, _key_of(world, model)
            assert client.get(_url(world, page)).status_code == 200
            columns = [field.column for field in sealed_fields(model)]
            for number, column in enumerate(columns):
                ((blob,),) = vandal.rows(table, column, id=key)
                ((other,),) = vandal.rows(table, column, id=_sibling(world, model))
                ((beside,),) = vandal.rows(table, columns[number - 1], id=key)
                tries = {
                    "flipped": _flipped(blob),
                    "header flipped": _flipped(blob, 0),
                    "generation": blob[:4] + b"\0\0\0\2" + blob[8:],
                    "cut": blob[:-16],
                    "longer": blob + b"\0",
                    "empty": b"",
                    "other row": other,
                    "other column": beside if len(columns) > 1 else other,
                    "none": None,
                }
                found = count.setdefault(f"{table}.{column}", tampering.Count())
                for what, value in tries.items():
                    try:
                        with vandal.having(table, column, value, id=key):
                            found.add(what, _is_told(client.get(_url(world, page))))
                    except psycopg.errors.NotNullViolation:
                        found.add(what, noticed=True)
            assert client.get(_url(world, page)).status_code == 200  # nobody is accused once it is put back
        assert {name: one.missed for name, one in count.items() if one.missed} == {}
        tampering.compare_page(pages=count)

    def test_an_older_value_in_its_own_place_is_noticed(self, people, world, vandal):
        """39: the row digest in the trail."""
        client = _client(people)
        older = {
            (model, field.column): vandal.rows(model._meta.db_table, field.column, id=_key_of(world, model))[0][0]
            for model in (Case, Person)
            for field in sealed_fields(model)
        }
        tampering.change_once(people, world)
        assert client.get(_url(world, "case_detail")).status_code == 200
        count = tampering.Count()
        for (model, column), value in older.items():
            with vandal.having(model._meta.db_table, column, value, id=_key_of(world, model)):
                for page in ("case_detail", "case_deadlines", "case_edit"):
                    count.add(f"{column} on {page}", _is_told(client.get(_url(world, page))))
        with ExitStack() as stack:
            for (model, column), value in older.items():
                stack.enter_context(vandal.having(model._meta.db_table, column, value, id=_key_of(world, model)))
            count.add("the whole case as it was", _is_told(client.get(_url(world, "case_detail"))))
        assert count.missed == []
        assert client.get(_url(world, "case_detail")).status_code == 200
        tampering.compare_page(pages={"older values put back": count})

    def test_a_row_taken_away_is_noticed(self, people, world, vandal):
        client = _client(people)
        count = tampering.Count()
        for table, key, pages in (
            ("cases_person", world.relative, ("case_detail",)),
            ("cases_person", world.person, ("case_detail",)),
            ("procedure_fact", world.facts[2], ("case_detail", "case_deadlines", "case_timeline")),
            ("documents_document", world.papers[1], ("case_documents",)),
        ):
            with vandal.without(table, id=key):
                for page in pages:
                    count.add(f"{table} on {page}", _is_told(client.get(_url(world, page))))
        assert count.missed == []
        tampering.compare_page(pages={"rows taken away": count})

    def test_what_vouches_was_changed_itself(self, people, world, vandal):
        client = _client(people)
        count = tampering.Count()
        for column, value in (
            ("row_digest", bytes(31) + b"\1"),
            ("mac", bytes(16)),
            ("hash", bytes(32)),
            ("reason", 9),
        ):
            with vandal.having("audit_entry", column, value, stream=world.one, object=world.person):
                count.add(column, _is_told(client.get(_url(world, "case_detail"))))
        assert count.missed == []
        tampering.compare_page(pages={"entries that vouch": count})

    def test_keys_of_a_case(self, people, world, vandal):
        client = _client(people)
        count = tampering.Count()
        ((wrap,),) = vandal.rows("crypto_keywrap", "blob", scope=world.one)
        ((other,),) = vandal.rows("crypto_keywrap", "blob", scope=world.two)
        ((commit,),) = vandal.rows("crypto_keyscope", "commit", id=world.one)
        for value in (_flipped(wrap), other, wrap[:-1], bytes(68)):
            with vandal.having("crypto_keywrap", "blob", value, scope=world.one):
                count.add("wrap", _is_told(client.get(_url(world, "case_detail"))))
        with vandal.having("crypto_keyscope", "commit", _flipped(commit), id=world.one):
            count.add("commitment", _is_told(client.get(_url(world, "case_detail"))))
        with vandal.without("crypto_keywrap", scope=world.one):
            count.add("no wrap", _is_told(client.get(_url(world, "case_detail"))))
        assert count.missed == []
        assert client.get(_url(world, "case_detail")).status_code == 200
        tampering.compare_page(pages={"keys of a case": count})

    def test_the_wrapping_key_is_told_as_what_it_is(self, people, world, vandal):
        """Whoever started the server with another root key is accused of nothing; nothing is shown either."""
        client = _client(people)
        ((blob,),) = vandal.rows("crypto_kek", "blob", version=1)
        with vandal.having("crypto_kek", "blob", _flipped(blob), version=1):
            crypto.forget_process_keys()
            answer = client.get(_url(world, "case_detail"))
        page = answer.content.decode()
        assert answer.status_code == 500
        assert SAYS not in page
        assert not any(word in page for word in WORDS)

    def test_files_and_their_keys(self, people, world, vandal):
        """44, and the key in the row."""
        client = _client(people)
        count = tampering.Count()
        url = _url(world, "document_download", document_id=world.papers[0])
        ((key, object_id),) = vandal.rows("documents_document", "file_key", "object_id", id=world.papers[0])
        ((other, other_object),) = vandal.rows("documents_document", "file_key", "object_id", id=world.papers[1])
        for value in (_flipped(key), other, b"", key[:-1]):
            with vandal.having("documents_document", "file_key", value, id=world.papers[0]):
                count.add("file key", _is_told(client.post(url)))
        path = tampering.path_of(object_id)
        whole = path.read_bytes()
        for value in (
            _flipped(whole),
            _flipped(whole, 100),
            whole[: 8 + 65536 + 16],
            whole[:8],
            b"",
            whole + b"\0",
            tampering.path_of(other_object).read_bytes(),
            None,
        ):
            path.unlink()
            if value is not None:
                path.write_bytes(value)
            count.add("file object", _is_told(client.post(url)))
            path.write_bytes(whole)
        answer = client.post(url)
        assert answer.status_code == 200
        b"".join(answer.streaming_content)
        assert count.missed == []
        tampering.compare_page(pages={"files and their keys": count})

    def test_a_dossier_is_not_printed_from_it(self, people, world, vandal):
        ((blob,),) = vandal.rows("procedure_fact", "content_sealed", id=world.facts[0])
        with (
            vandal.having("procedure_fact", "content_sealed", _flipped(blob), id=world.facts[0]),
            cast.acting(people.wanda),
            pytest.raises(Damaged),
        ):
            tampering.export(world.one)

    def test_grants(self, people, world, vandal):
        """A4: a grant changed in SQL opens nothing; a reason changed is told."""
        wanda, lev = _client(people), _client(people, "lev")
        assert lev.get(_url(world, "case_detail")).status_code == 200
        ((reason, mac),) = vandal.rows("cases_caseusergrant", "reason_sealed", "mac", user_id=people.lev)
        with vandal.having("cases_caseusergrant", "reason_sealed", _flipped(reason), user_id=people.lev):
            assert _is_told(wanda.get(_url(world, "case_access")))
        with vandal.having("cases_caseusergrant", "mac", _flipped(mac), user_id=people.lev):
            assert lev.get(_url(world, "case_detail")).status_code == 404

    def test_entries_of_the_trail_are_marked_and_the_others_stand(self, people, world, vandal):
        client = _client(people, "cora")
        code = actions.action_named("grant.given").code
        rows = vandal.rows("audit_entry", "seq", "body", stream=world.one, action=code)
        seq, body = next((seq, bytes(body)) for seq, body in rows if body)
        where = {"stream": world.one, "seq": seq}
        for column, value in (("body", _flipped(body)), ("mac", bytes(16)), ("actor", uuid4())):
            with vandal.having("audit_entry", column, value, **where):
                page = client.get(_url(world, "case_trail")).content.decode()
            assert page.count("This entry was changed outside the application") == 1, column
            assert "Opened a new case" in page
        assert "This entry was changed outside" not in client.get(_url(world, "case_trail")).content.decode()


class TestALine:
    """In lists and boards the damaged row says so, and the others still show."""

    @pytest.mark.parametrize("what", ["field", "wrap", "no wrap"])
    def test_of_a_damaged_case_stands_beside_the_others(self, people, world, vandal, what):
        with ExitStack() as stack:
            if what == "field":
                stack.enter_context(vandal.having("cases_case", "search_sealed", bytes(80), id=world.one))
            elif what == "wrap":
                stack.enter_context(vandal.having("crypto_keywrap", "blob", bytes(68), scope=world.one))
            else:
                stack.enter_context(vandal.without("crypto_keywrap", scope=world.one))
            for who, page in (("wanda", "case_list"), ("cora", "board")):
                told = _told(vandal, world.one)
                answer = _client(people, who).get(reverse(page))
                text = answer.content.decode()
                assert answer.status_code == 200
                assert text.count(SAYS) == 1
                assert text.count("Testov Piotr") == 1
                assert _told(vandal, world.one) == told + 1
            ((reference,),) = vandal.rows("cases_case", "reference", id=world.one)
            assert _client(people).get(reverse("home")).status_code == 200
            found = _client(people).post(reverse("case_list"), {"words": "Testov"})
            page = found.content.decode()
            assert found.status_code == 200
            assert page.count("Testov Piotr") == 1
            if what != "no wrap":  # a case without any key is as an erased one to a search; lists tell it
                assert "could not be searched" in page
                assert reference in page


class TestWhatIsWritten:
    def test_is_an_entry_and_a_line_of_ids_and_codes(self, people, world, vandal, caplog):
        with (
            vandal.having("cases_person", "gender_sealed", bytes(80), id=world.person),
            caplog.at_level(logging.ERROR, logger="casework"),
        ):
            _client(people).get(_url(world, "case_detail"))
        code = actions.action_named("record.damaged").code
        ((stream, target, outcome, reason),) = vandal.rows(
            "audit_entry", "stream", "object", "outcome", "reason", action=code
        )
        assert (stream, target, outcome) == (world.one, world.person, actions.FAILED)
        assert actions.REASON_BY_CODE[reason].name == "damaged"
        (line,) = [record for record in caplog.records if record.msg == "record.damaged"]
        assert line.case_id == world.one
        trail = _client(people, "aud").get(reverse("trail")).content.decode()
        assert "Found a record that was changed outside the application" in trail

    def test_is_told_although_the_key_of_the_case_is_gone(self, people, world, vandal):
        with vandal.without("crypto_keywrap", scope=world.one):
            _client(people).get(_url(world, "case_detail"))
            assert _told(vandal, world.one) == 1

    def test_is_nothing_of_what_was_being_saved(self, people, world, vandal):
        tampering.change_once(people, world)
        ((older,),) = vandal.rows("cases_person", "name_latin_sealed", id=world.relative)
        with vandal.having("cases_person", "name_latin_sealed", older[:-1] + b"\0", id=world.relative):
            answer = _client(people).post(
                reverse("fact_form", args=[world.one, "application-registered"]), {"on": "2026-09-03", "state": "FR"}
            )
            assert _is_told(answer)
        assert len(vandal.rows("procedure_fact", "id", case_id=world.one)) == len(world.facts)


class TestTheWorker:
    def test_derives_the_others_and_tells_the_coordinator(self, people, world, vandal):
        with cast.acting(people.wanda):
            for fact in tampering.FACTS:
                procedure.record_fact(world.two, content=fact)
        ((before,),) = vandal.rows("procedure_derivation", "derived_at", case_id=world.two)
        vandal.connection.execute("UPDATE procedure_derivation SET changes_on = '2026-01-01', rules = ''")
        with vandal.without("procedure_fact", id=world.facts[2]), running_as("worker"):
            procedure.refresh_due()
            procedure.refresh_due()
        ((after,),) = vandal.rows("procedure_derivation", "derived_at", case_id=world.two)
        ((rules,),) = vandal.rows("procedure_derivation", "rules", case_id=world.one)
        assert after > before
        assert rules == ""  # left as it was
        told = vandal.rows("notices_notice", "recipient_id", kind=Kind.DAMAGED, case_id=world.one)
        assert sorted(person for (person,) in told) == sorted([people.cora, people.wanda])
        assert _told(vandal, world.one) == 1


class TestARenewalInBetween:
    """A save that meets the renewal of the case's key: nothing is lost, and nobody is accused."""

    @pytest.fixture
    def renewal(self, monkeypatch, vandal, world):
        """Let the case's key be renewed by another process in the middle of the next so many calls of a service."""
        ((reference,),) = vandal.rows("cases_case", "reference", id=world.one)

        def arrange(module: Any, name: str, times: int) -> list[str]:
            original, left = getattr(module, name), [""] * times

            def between(*args: Any, **kwargs: Any) -> Any:
                if left:
                    left.pop()
                    done = manage("rotate_keys", "--json", "--case", reference)
                    assert done.returncode == 0, done.stderr
                return original(*args, **kwargs)

            monkeypatch.setattr(module, name, between)
            return left

        return arrange

    FORM: ClassVar = {"on_0": "4", "on_1": "9", "on_2": "2026", "state": "FR", "note": "typed words"}

    def test_is_run_again_by_itself(self, people, world, vandal, renewal):
        client, url = _client(people), reverse("fact_form", args=[world.one, "application-lodged"])
        left = renewal(procedure, "record_fact", 1)
        answer = client.post(url, self.FORM, follow=True)
        assert not left
        assert answer.status_code == 200
        assert len(vandal.rows("procedure_fact", "id", case_id=world.one)) == len(world.facts) + 1
        assert answer.content.decode().count("The fact was recorded and") == 1  # told once, although it ran twice
        assert _told(vandal, world.one) == 0
        assert client.get(_url(world, "case_timeline")).status_code == 200

    def test_keeps_what_was_typed_where_it_cannot_be(self, people, world, vandal, renewal):
        client, url = _client(people), reverse("fact_form", args=[world.one, "application-lodged"])
        renewal(procedure, "record_fact", 3)
        answer = client.post(url, self.FORM)
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "Not saved yet: send it again" in page
        for name, value in self.FORM.items():
            assert f'name="{name}" value="{value}"' in page
        assert len(vandal.rows("procedure_fact", "id", case_id=world.one)) == len(world.facts)
        assert client.post(url, self.FORM).status_code == 302
        assert len(vandal.rows("procedure_fact", "id", case_id=world.one)) == len(world.facts) + 1

    def test_of_reading_accuses_nobody(self, people, world, vandal, renewal):
        from casework.desk import services as desk

        for module, name in ((desk.procedure, "derived"), (desk.documents, "documents_of")):
            renewal(module, name, 1)
        client = _client(people)
        for page in ("case_detail", "case_timeline", "case_documents"):
            assert client.get(_url(world, page)).status_code == 200
        assert _told(vandal, world.one) == 0


class TestWhoSavesMeanwhile:
    def test_is_not_taken_for_a_change_from_outside(self, people, world, vandal):
        """Pages are opened all through some seconds in which others save the same case."""
        stop, failures = threading.Event(), []

        def save() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    with cast.acting(people.wanda):
                        version = cases.open_case(world.one).version
                        cases.update_case(world.one, given=cast.a_case(title=f"Title {number}"), version=version)
                        procedure.record_fact(
                            world.one, content={"fact": "appointment", "kind": "medical", "on": "2026-10-01"}
                        )
                except Exception as error:  # noqa: BLE001  (told by the test itself)
                    failures.append(repr(error))
                    return
            connection.close()

        thread = threading.Thread(target=save)
        thread.start()
        client, seen = _client(people, "cora"), []
        until = time.monotonic() + 4
        while time.monotonic() < until:
            for page in ("case_detail", "case_timeline", "case_list"):
                url = reverse(page) if page == "case_list" else _url(world, page)
                seen.append(client.get(url).status_code)
        stop.set()
        thread.join()
        assert failures == []
        assert len(seen) > 10
        assert set(seen) == {200}
        assert _told(vandal, world.one) == 0


class TestKeepingAndRenewing:
    def test_an_older_row_is_not_vouched_for_anew(self, people, world, vandal):
        """Renewing the key seals every row anew: not one that somebody put back."""
        from casework.operations import keys

        ((older,),) = vandal.rows("cases_case", "title_sealed", id=world.one)
        tampering.change_once(people, world)
        with vandal.having("cases_case", "title_sealed", older, id=world.one):
            with running_as("owner"):
                _generation, done = keys.renew_case_key(world.one, progress=lambda _done: None)
            assert done.failed
            assert _is_told(_client(people).get(_url(world, "case_detail")))

    def test_assigning_does_not_vouch_for_it_either(self, people, world, vandal):
        ((older,),) = vandal.rows("cases_case", "title_sealed", id=world.one)
        tampering.change_once(people, world)
        with (
            vandal.having("cases_case", "title_sealed", older, id=world.one),
            cast.acting(people.cora),
            pytest.raises(Damaged),
        ):
            cases.assign_case(world.one, lead_id=people.cora)
