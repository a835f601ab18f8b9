"""Erasing a case: by two people, in one transaction, and for good."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.urls import reverse
from psycopg import sql

from casework.access import services as access
from casework.access.types import Level
from casework.accounts import services as accounts
from casework.accounts.models import Team
from casework.audit import actions, chain
from casework.audit import selectors as trail
from casework.cases import erasing, services
from casework.cases import selectors as cases
from casework.cases.models import Case, Erasure
from casework.cases.signals import case_erased, case_erasing
from casework.cases.types import ErasureReason, ErasureState, PersonInput
from casework.core import clock, work
from casework.core.errors import Conflict, Invalid, NotAllowed, NotFound
from casework.crypto import envelope, renewal, rotation
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError, Place
from casework.crypto.keyring import ScopeKeyring
from casework.crypto.models import KeyScope, KeyWrap
from casework.crypto.types import KeyUnavailable, StaleKeys
from casework.documents import services as documents
from casework.documents import storage
from casework.documents.models import Document
from casework.procedure import services as procedure
from casework.reminders import services as reminders
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)

# Where an erased case may still be named: the trail and its log, the mark that its key is gone, and the request.
STAYS = {
    "audit_entry": {"stream", "object", "case_id"},
    "audit_head": {"stream"},
    "audit_leaf": {"stream"},
    "audit_sealedhead": {"stream"},
    "crypto_keyscope": {"id", "parent"},
    "cases_erasure": {"case_id", "reference"},
}


@pytest.fixture
def second(people: cast.Cast) -> UUID:
    """A second coordinator of North, so that a coordinator who asks is not alone."""
    with work.acting(work.Actor(None, kind="command")):
        user = accounts.create_account(email="cleo@example.org", name="Cleo Conti", password=cast.PASSWORD)
        accounts.give_role(user=user, role="coordinator", team=Team.objects.get(pk=people.north))
    return user.pk


@pytest.fixture
def case_id(people: cast.Cast) -> UUID:
    """A case with all that a case can have: people, facts, limits, a document, grants, reminders, history."""
    return a_full_case(people)


def a_full_case(people: cast.Cast) -> UUID:
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        services.add_family_member(case_id, given=PersonInput("", "Testova Anna", relation="spouse", state="DE"))
        services.update_case(case_id, given=cast.a_case(title="Synthetic, changed"), version=2)
        access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="Synthetic reason")
    for name, on, state in (
        ("application-registered", "2026-09-01", "FR"),
        ("eurodac-hit", "2026-09-02", "HR"),
        ("take-back-notified", "2026-11-20", "HR"),
    ):
        with cast.acting(people.wanda):
            _record(case_id, name, on, state)
    with cast.acting(people.wanda):
        upload = documents.seal_bytes(case_id, name="synthetic.txt", content=b"Synthetic exhibit.\n")
        documents.add_document(case_id, upload=upload, title="Synthetic exhibit", kind="other")
    with running_as("worker"):
        reminders.plan_pending()
    return case_id


def _record(case_id: UUID, name: str, on: str, state: str) -> None:
    content = {"fact": name, "on": on, "state": state}
    if name == "eurodac-hit":
        content["category"] = "asylum"
    procedure.record_fact(case_id, content=content, note="Synthetic note")


def ask(who: UUID, case_id: UUID, **more: Any) -> UUID:
    with cast.acting(who):
        return services.request_erasure(case_id, reason="person_request", note="Synthetic wish", **more)


def reference_of(case_id: UUID) -> str:
    with running_as_superuser() as admin:
        return str(admin.execute("SELECT reference FROM cases_case WHERE id = %s", [case_id]).fetchone()[0])


@contextmanager
def running_as_superuser() -> Iterator[psycopg.Connection[Any]]:
    from tests.conftest import _connect

    with _connect("super") as admin:
        yield admin


def erase(people: cast.Cast, case_id: UUID) -> UUID:
    reference, request = reference_of(case_id), ask(people.wanda, case_id)
    with cast.acting(people.cora):
        services.confirm_erasure(request, reference=reference)
    return request


class TestAsking:
    def test_leaves_a_request_and_an_entry_and_changes_nothing(self, people, case_id):
        request = ask(people.wanda, case_id)
        with cast.acting(people.cora):
            found = erasing.erasure(request)
            assert (found.state, found.reason, found.note) == ("asked", "person_request", "Synthetic wish")
            assert (found.may_confirm, found.may_refuse, found.may_withdraw) == (True, True, False)
            assert services.open_case(case_id).reference == found.reference
        with cast.acting(people.wanda):
            found = erasing.erasure_of(case_id)
            assert found is not None
            assert (found.may_confirm, found.may_refuse, found.may_withdraw) == (False, False, True)

    def test_twice_is_a_conflict(self, people, case_id):
        ask(people.wanda, case_id)
        with pytest.raises(Conflict):
            ask(people.cora, case_id)

    def test_without_a_known_reason_is_invalid(self, people, case_id):
        with cast.acting(people.wanda), pytest.raises(Invalid) as refused:
            services.request_erasure(case_id, reason="because")
        assert set(refused.value.fields) == {"reason"}

    @pytest.mark.parametrize("name", ["otto", "olga", "aud", "ada"])
    def test_is_not_for_those_who_may_not_know_of_the_case(self, people, case_id, name):
        with pytest.raises(NotFound):
            ask(getattr(people, name), case_id)

    def test_is_not_for_somebody_who_only_reads(self, people, case_id):
        with pytest.raises(NotAllowed):
            ask(people.lev, case_id)

    def test_is_seen_by_nobody_else(self, people, case_id):
        request = ask(people.wanda, case_id)
        for name in ("otto", "olga", "lev", "aud", "ada"):
            with cast.acting(getattr(people, name)):
                assert erasing.erasures() == []
                with pytest.raises(NotFound):
                    erasing.erasure(request)
        for who in (people.wanda, people.cora):
            with cast.acting(who):
                assert [one.id for one in erasing.erasures()] == [request]

    def test_can_be_taken_back_by_who_asked_and_then_asked_again(self, people, case_id):
        request = ask(people.wanda, case_id)
        with cast.acting(people.cora), pytest.raises(NotAllowed):
            services.withdraw_erasure(request)
        with cast.acting(people.wanda):
            services.withdraw_erasure(request)
            assert erasing.erasure(request).state == ErasureState.WITHDRAWN
            assert erasing.erasure_of(case_id) is None
        with cast.acting(people.cora), pytest.raises(Conflict):
            services.confirm_erasure(request, reference=reference_of(case_id))
        ask(people.wanda, case_id)

    def test_can_be_refused_by_a_coordinator_and_not_by_who_asked(self, people, case_id, second):
        request = ask(people.cora, case_id)
        with cast.acting(people.cora), pytest.raises(NotAllowed):
            services.refuse_erasure(request)
        with cast.acting(second):
            services.refuse_erasure(request)
        with cast.acting(people.cora):
            found = erasing.erasure(request)
            assert (found.state, found.decided_by, found.note) == ("refused", second, "Synthetic wish")

    def test_has_reasons_that_the_trail_knows(self):
        assert set(ErasureReason.values) <= set(actions.REASON_BY_NAME)


class TestConfirming:
    def test_takes_every_row_key_and_file(self, people, case_id):
        reference, request = reference_of(case_id), ask(people.wanda, case_id)
        path = _files()
        assert len(path) == 1
        with cast.acting(people.cora):
            erased = services.confirm_erasure(request, reference=f" {reference.lower().replace('-', ' ')} ")
        assert erased.state == ErasureState.ERASED
        assert (erased.asked_by, erased.decided_by) == (people.wanda, people.cora)
        assert erased.counts["files"] == 1
        assert erased.counts["keys"] == 1
        assert erased.counts["rows"] > 20
        assert _files() == []
        with running_as_superuser() as admin:
            assert mentions(admin, case_id, reference) == {}
            wraps = admin.execute("SELECT count(*) FROM crypto_keywrap WHERE scope = %s", [case_id]).fetchone()
            states = admin.execute("SELECT DISTINCT state FROM crypto_keyscope WHERE id = %s", [case_id]).fetchall()
        assert wraps == (0,)
        assert states == [("erased",)]
        for who in (people.wanda, people.cora, people.lev):
            with cast.acting(who), pytest.raises(NotFound):
                services.open_case(case_id)
        with cast.acting(people.wanda):
            assert erasing.erasure(request).note == ""
            assert erasing.erasure(request).sound

    def test_of_one_case_touches_no_other(self, people, case_id):
        other = a_full_case(people)
        with running_as_superuser() as admin:
            before = counted(admin, other)
            erase(people, case_id)
            assert counted(admin, other) == before
        assert len(_files()) == 1
        with cast.acting(people.wanda):
            assert services.open_case(other).applicant.name_latin == "Testov Piotr"

    def test_is_refused_to_who_asked(self, people, case_id):
        request = ask(people.cora, case_id)
        with cast.acting(people.cora), pytest.raises(NotAllowed):
            services.confirm_erasure(request, reference=reference_of(case_id))
        with cast.acting(people.cora):
            assert not erasing.erasure(request).may_confirm
            assert services.open_case(case_id)
        with running_as_superuser() as admin:
            refused = actions.action_named("access.refused").code
            row = admin.execute("SELECT reason FROM audit_entry WHERE action = %s", [refused]).fetchone()
        assert row == (actions.REASON_BY_NAME["second_person_missing"].code,)

    @pytest.mark.parametrize("name", ["otto", "olga", "lev", "aud", "ada"])
    def test_is_refused_to_everybody_else(self, people, case_id, name):
        request = ask(people.cora, case_id)
        with cast.acting(getattr(people, name)), pytest.raises(NotFound):
            services.confirm_erasure(request, reference=reference_of(case_id))
        assert _is_whole(people, case_id)

    def test_is_refused_to_a_caseworker_who_leads_the_case(self, people, case_id):
        request = ask(people.cora, case_id)
        with cast.acting(people.wanda), pytest.raises(NotAllowed):
            services.confirm_erasure(request, reference=reference_of(case_id))
        assert _is_whole(people, case_id)

    def test_is_refused_to_a_coordinator_of_another_team_who_may_lead_the_case(self, people, case_id):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.olga, level=Level.LEAD, reason="Synthetic")
        request = ask(people.wanda, case_id)
        with cast.acting(people.olga), pytest.raises(NotAllowed):
            services.confirm_erasure(request, reference=reference_of(case_id))
        own = ask_withdrawn_then(people, case_id, request)
        assert own
        assert _is_whole(people, case_id)

    @pytest.mark.parametrize("typed", ["", "AAAA-AAAA", "К7Q2"])
    def test_is_refused_with_another_reference(self, people, case_id, typed):
        request = ask(people.wanda, case_id)
        with cast.acting(people.cora), pytest.raises(Invalid) as refused:
            services.confirm_erasure(request, reference=typed)
        assert set(refused.value.fields) == {"reference"}
        assert _is_whole(people, case_id)

    def test_of_a_request_changed_in_sql_is_refused(self, people, case_id, second):
        request = ask(people.cora, case_id)
        with running_as_superuser() as admin:
            admin.execute("UPDATE cases_erasure SET asked_by = %s WHERE id = %s", [people.wanda, request])
        with cast.acting(people.cora):
            assert not erasing.erasure(request).may_confirm
            with pytest.raises(Conflict):
                services.confirm_erasure(request, reference=reference_of(case_id))
        assert _is_whole(people, case_id)

    @pytest.mark.parametrize("signal", [case_erasing, case_erased])
    def test_that_fails_on_the_way_leaves_the_case_whole(self, people, case_id, signal):
        def fail(**_: Any) -> None:
            raise OSError("the disk is full")

        with running_as_superuser() as admin:
            before = counted(admin, case_id)
            request = ask(people.wanda, case_id)
            signal.connect(fail)
            try:
                with cast.acting(people.cora), pytest.raises(OSError):
                    services.confirm_erasure(request, reference=reference_of(case_id))
            finally:
                signal.disconnect(fail)
            assert counted(admin, case_id) == {**before, "cases_erasure": 1}
        assert _is_whole(people, case_id)
        with cast.acting(people.cora):
            assert erasing.erasure(request).state == ErasureState.ASKED

    def test_whose_entry_cannot_be_written_leaves_the_case_whole(self, people, case_id, monkeypatch):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        with monkeypatch.context() as broken:
            broken.setattr("casework.audit.services._append", _refuse)
            with pytest.raises(psycopg.OperationalError), cast.acting(people.cora):
                services.confirm_erasure(request, reference=reference)
        assert _is_whole(people, case_id)
        assert len(_files()) == 1


def ask_withdrawn_then(people: cast.Cast, case_id: UUID, request: UUID) -> bool:
    """Olga, who leads the case by a grant, asks herself: her own request she sees, and still cannot confirm others'."""
    with cast.acting(people.wanda):
        services.withdraw_erasure(request)
    own = ask(people.olga, case_id)
    with cast.acting(people.olga), pytest.raises(NotAllowed):
        services.confirm_erasure(own, reference=reference_of(case_id))
    return True


def _refuse(*_: object) -> None:
    raise psycopg.OperationalError("the trail cannot be written")


def _files() -> list[Path]:
    folder = Path(settings.CASEWORK_FILES_DIR) / "objects"
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    for path in _files():
        path.unlink()
    yield
    for path in _files():
        path.unlink()


def _is_whole(people: cast.Cast, case_id: UUID) -> bool:
    with cast.acting(people.cora):
        view = services.open_case(case_id)
        document = Document.objects.get(case_id=case_id)
        opened = documents.open_document(case_id, document.pk)
        return view.applicant.name_latin == "Testov Piotr" and b"".join(opened.chunks) == b"Synthetic exhibit.\n"


def counted(admin: psycopg.Connection[Any], case_id: UUID) -> dict[str, int]:
    """Return how many rows name the case, by table, the trail aside."""
    tables = admin.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r'"
        " AND c.relnamespace = 'public'::regnamespace AND a.attname = 'case_id' AND c.relname <> 'audit_entry'"
    ).fetchall()
    found = {}
    for (name,) in tables:
        statement = sql.SQL("SELECT count(*) FROM {} WHERE case_id = %s").format(sql.Identifier(name))
        row = admin.execute(statement, [case_id]).fetchone()
        assert row is not None
        if row[0]:
            found[name] = int(row[0])
    return found


def mentions(admin: psycopg.Connection[Any], case_id: UUID, reference: str) -> dict[str, set[str]]:
    """Return every column of every table that still names the case, as text, beyond those that may."""
    columns = admin.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
        " AND NOT a.attisdropped"
    ).fetchall()
    assert len(columns) > 150
    wanted = [str(case_id), case_id.hex, reference, reference.replace("-", "")]
    found: dict[str, set[str]] = {}
    for table, column in columns:
        if column in STAYS.get(table, set()):
            continue
        # As bytes too: an id may lie in a column of bytes.
        statement = sql.SQL("SELECT EXISTS (SELECT 1 FROM {table} WHERE {column}::text ILIKE ANY(%s))").format(
            table=sql.Identifier(table), column=sql.Identifier(column)
        )
        row = admin.execute(statement, [[f"%{word}%" for word in wanted]]).fetchone()
        if row is not None and row[0]:
            found.setdefault(table, set()).add(column)
    return found


# --- invariants 10 to 12 of the security design --------------------------------------------------------------------


@dataclass
class Copied:
    """All ciphertext of a case, as a thief who copies the server the day before has it."""

    values: list[tuple[Place, bytes]] = field(default_factory=list)
    file_keys: list[tuple[UUID, bytes]] = field(default_factory=list)
    bodies: list[tuple[bytes, bytes]] = field(default_factory=list)
    files: dict[UUID, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values) + len(self.file_keys) + len(self.bodies) + len(self.files)

    def opened_by(self, ring: ScopeKeyring, scope: UUID) -> int:
        """Return how much of it these keys open."""
        opened = 0
        for place, blob in self.values:
            opened += _opens(lambda blob=blob, place=place: envelope.open_(blob, keys=ring, place=place))
        for context, body in self.bodies:
            opened += _opens(lambda body=body, context=context: envelope.open_body(body, keys=ring, context=context))
        for file_id, blob in self.file_keys:
            try:
                key = envelope.unwrap_file_key(blob, keys=ring, file_id=file_id)
            except DecryptError:
                continue
            stored = self.files[file_id]
            opened += 1 + _opens(lambda key=key, file_id=file_id, stored=stored: list(
                envelope.decrypt_chunks(io.BytesIO(stored), key=key, scope=scope, file_id=file_id)
            ))  # fmt: skip
        return opened


def _opens(attempt: Callable[[], object]) -> int:
    try:
        attempt()
    except DecryptError:
        return 0
    return 1


def copied(case_id: UUID) -> Copied:
    """Copy every sealed column, file key, body of the trail and file of a case, past every wall."""
    found = Copied()
    with running_as_superuser() as admin:
        for pair in renewal._tables().values():
            for table in pair:
                model = table.model
                names = [model._meta.get_field(name).column for name in (table.scope, table.row)]  # type: ignore[union-attr]
                columns = [one.column for one in table.fields]
                statement = sql.SQL("SELECT {} FROM {} WHERE {} = %s").format(
                    sql.SQL(", ").join(map(sql.Identifier, [names[1], *columns])),
                    sql.Identifier(model._meta.db_table),
                    sql.Identifier(names[0]),
                )
                for row, *blobs in admin.execute(statement, [case_id]).fetchall():
                    for one, blob in zip(table.fields, blobs, strict=True):
                        found.values.append((Place(one.table, row, one.field_id), bytes(blob)))
        for table_name in ("documents_document", "documents_historicaldocument"):
            statement = sql.SQL("SELECT object_id, file_key FROM {} WHERE case_id = %s").format(
                sql.Identifier(table_name)
            )
            found.file_keys += [(key, bytes(blob)) for key, blob in admin.execute(statement, [case_id]).fetchall()]
        bodies = admin.execute(
            "SELECT stream, seq, body FROM audit_entry WHERE stream = %s AND body <> ''", [case_id]
        ).fetchall()
    found.bodies = [(chain.body_context(stream, seq), bytes(body)) for stream, seq, body in bodies]
    found.files = {UUID(path.name): path.read_bytes() for path in _files()}
    return found


class TestAfterErasure:
    def test_nothing_copied_before_opens_with_any_key_that_the_server_has(self, people, case_id):
        """Invariant 10."""
        ask_then_refuse(people, case_id)
        before = copied(case_id)
        assert {place.table for place, _blob in before.values} >= {1, 2, 3, 4, 6, 7, 9}
        assert len(before.bodies) >= 3
        assert len(before.file_keys) == 2
        assert len(before.files) == 1
        with running_as("owner"):
            ring = crypto.rings_of([case_id])[case_id]
            # Each file is counted once with its row and once with its history: the control that all of it does open.
            assert before.opened_by(ring, case_id) == len(before) + 1
        other = cast.open_a_case(people)
        erase(people, case_id)
        with running_as("owner"):
            scopes = set(KeyScope.objects.values_list("scope", flat=True))
            assert {case_id, other, people.wanda, crypto.INSTALLATION} <= scopes
            rings = crypto.rings_of(scopes)
            assert case_id not in rings
            assert len(rings) == len(scopes) - 1
            assert sum(before.opened_by(ring, case_id) for ring in rings.values()) == 0
        with running_as("owner"), work.acting(work.system_actor()), pytest.raises(KeyUnavailable):
            crypto.keys_for(case_id)

    def test_the_trail_verifies_from_its_beginning(self, people, case_id):
        """Invariant 11."""
        from django.core.management import call_command

        request = erase(people, case_id)
        with running_as("sealer"):
            call_command("audit_checkpoint", stdout=io.StringIO())
            reference = Erasure.objects.filter(case_id=case_id).values_list("reference", flat=True)[0]
            for arguments in ([], ["--case", reference], ["--case", str(case_id)]):
                told = io.StringIO()
                call_command("verify_audit", *arguments, stdout=told)
                assert "nothing is wrong" in told.getvalue()
                assert not told.getvalue().startswith("0 entries")
        with running_as_superuser() as admin:
            last = admin.execute(
                "SELECT action, object, body, actor FROM audit_entry WHERE stream = %s ORDER BY seq DESC LIMIT 1",
                [case_id],
            ).fetchone()
        assert last == (actions.action_named("case.erased").code, case_id, b"", people.cora)
        assert request

    def test_auditors_and_the_people_who_acted_still_read_the_trail_without_particulars(self, people, case_id):
        erase(people, case_id)
        for who in (people.aud, people.wanda, people.cora):
            with cast.acting(who):
                shown = trail.entries_all(limit=200)
                assert any(entry.case_id == case_id for entry in shown)
                assert all(entry.particulars is None for entry in trail.entries_of_case(case_id, limit=200))
        client = cast.sign_in(Client(), people.user("aud"))
        assert client.get(reverse("trail")).status_code == 200

    def test_nobody_writes_into_its_stream_any_more(self, people, case_id):
        from django.db import ProgrammingError

        from casework.audit import services as audit

        erase(people, case_id)
        with pytest.raises(ProgrammingError), cast.acting(people.cora):
            audit.record("case.read", case=case_id)

    def test_its_pages_are_not_found(self, people, case_id):
        clients = [cast.sign_in(Client(), people.user(name)) for name in ("wanda", "cora")]
        pages = [reverse(name, kwargs={"case_id": case_id}) for name in ("case_detail", "case_edit", "case_trail")]
        assert {client.get(page).status_code for client in clients for page in pages} == {200}
        erase(people, case_id)
        assert {client.get(page).status_code for client in clients for page in pages} == {404}
        assert {client.get(reverse(name)).status_code for client in clients for name in ("home", "case_list")} == {200}

    def test_a_restored_older_database_erases_it_again(self, people, case_id):
        """Invariant 12, as far as it is the database's; the backup of keys is the other half."""
        other = a_full_case(people)
        reference = reference_of(case_id)
        with older_database() as old:
            erase(people, case_id)
            with running_as("owner"), connection.cursor() as cursor:
                listed = erasing.erasure_list(cursor)
            assert [one["case_id"] for one in listed] == [str(case_id)]
            with old("super") as admin:
                assert mentions(admin, case_id, reference) != {}
                kept = counted(admin, other)
            for _ in range(2):
                with old("owner") as owner, owner.transaction(), owner.cursor() as cursor:
                    objects = erasing.replay(cursor, listed)
                assert len(objects) in (0, 1)
            with old("super") as admin:
                assert mentions(admin, case_id, reference) == {}
                assert counted(admin, other) == kept
                assert admin.execute("SELECT count(*) FROM crypto_keywrap WHERE scope = %s", [case_id]).fetchone() == (
                    0,
                )
                assert admin.execute(
                    "SELECT DISTINCT state FROM crypto_keyscope WHERE id = %s", [case_id]
                ).fetchall() == [("erased",)]
                stored = admin.execute("SELECT state, decided_by, mac FROM cases_erasure").fetchall()
            assert [(state, by, bytes(mac).hex()) for state, by, mac in stored] == [
                ("erased", people.cora, listed[0]["mac"])
            ]


def ask_then_refuse(people: cast.Cast, case_id: UUID) -> None:
    request = ask(people.wanda, case_id)
    with cast.acting(people.cora):
        services.refuse_erasure(request)


@contextmanager
def older_database() -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    """Keep a copy of the database as it is now, as a backup would give it back; yield who connects to it."""
    from tests.conftest import _connect

    connections.close_all()
    with _connect("super", "postgres") as admin:
        admin.execute("CREATE DATABASE casework_old TEMPLATE casework OWNER cw_owner")
    try:
        yield lambda role: _connect(role, "casework_old")
    finally:
        with _connect("super", "postgres") as admin:
            admin.execute("DROP DATABASE casework_old WITH (FORCE)")


# --- the database by itself ----------------------------------------------------------------------------------------


class TestTheDatabase:
    """What a broken query of ours, or SQL put into one, cannot do."""

    def _as(self, web: psycopg.Connection[Any], who: UUID | None, statement: str, *values: Any) -> None:
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(who) if who else ""])
            web.execute(statement, values)

    def test_erases_nothing_for_a_stranger_nor_for_who_asked(self, people, case_id, as_role):
        request = ask(people.cora, case_id)
        web = as_role("web")
        for who in (people.cora, people.wanda, people.lev, people.otto, people.olga, people.aud, people.ada, None):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                self._as(web, who, "SELECT cw_erase_case(%s)", request)
        assert _is_whole(people, case_id)

    def test_erases_nothing_that_was_not_asked_for(self, people, case_id, as_role):
        request = ask(people.wanda, case_id)
        with cast.acting(people.wanda):
            services.withdraw_erasure(request)
        for wanted in (request, uuid4()):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                self._as(as_role("web"), people.cora, "SELECT cw_erase_case(%s)", wanted)
        assert _is_whole(people, case_id)

    def test_erases_nothing_for_a_coordinator_who_is_frozen(self, people, case_id, as_role):
        request = ask(people.wanda, case_id)
        with running_as_superuser() as admin:
            admin.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [people.cora])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(as_role("web"), people.cora, "SELECT cw_erase_case(%s)", request)

    @pytest.mark.parametrize("function", ["cw_forget_case", "cw_erase_again", "cw_objects_of_case"])
    @pytest.mark.parametrize("role", ["web", "worker", "sealer", "backup"])
    def test_keeps_its_own_functions_for_the_owner(self, case_id, as_role, role, function):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(role).execute(f"SELECT {function}(%s)", [case_id])

    @pytest.mark.parametrize("role", ["worker", "sealer", "backup"])
    def test_lets_no_other_role_erase(self, people, case_id, as_role, role):
        request = ask(people.wanda, case_id)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(as_role(role), people.cora, "SELECT cw_erase_case(%s)", request)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE cases_erasure SET state = 'erased', decided_by = cw_user(), decided_at = now(), mac = ''",
            "UPDATE cases_erasure SET state = 'withdrawn', decided_by = cw_user(), decided_at = now()",
            "UPDATE cases_erasure SET mac = sha256('x')",
            "UPDATE cases_erasure SET asked_by = cw_user()",
            "UPDATE cases_erasure SET objects_left = ARRAY[id]",
            "DELETE FROM cases_erasure",
        ],
    )
    def test_lets_a_coordinator_write_no_decision_but_a_refusal(self, people, case_id, as_role, statement):
        ask(people.wanda, case_id)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(as_role("web"), people.cora, statement)

    @pytest.mark.parametrize(
        "given",
        [
            ("asked", "cora", "wanda", "north"),  # in somebody else's name
            ("asked", "wanda", "wanda", "south"),  # for another team to confirm
            ("asked", "otto", "otto", "north"),  # of a case that one does not lead
            ("asked", "lev", "lev", "north"),
            ("erased", "cora", "wanda", "north"),
        ],
    )
    def test_takes_no_request_but_ones_own(self, people, case_id, as_role, given):
        state, asker, by, team = given
        reference = reference_of(case_id)
        statement = (
            "INSERT INTO cases_erasure (id, case_id, reference, team_id, state, reason, asked_by, asked_at, decided_by,"
            " decided_at, key_count, row_count, file_count, objects_left, mac, note_sealed)"
            " VALUES (gen_random_uuid(), %s, %s, %s, %s, 'correction', %s, now(), %s, %s, 0, 0, 0, '{}', '', '')"
        )
        decided = (getattr(people, by), clock.now()) if state == "erased" else (None, None)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(
                as_role("web"),
                getattr(people, by),
                statement,
                *(case_id, reference, getattr(people, team), state, getattr(people, asker), *decided),
            )

    def test_takes_rows_below_those_of_a_case_with_it(self, people, case_id):
        """A table of tomorrow: with a `case_id`, and one that hangs below it without one."""
        other = cast.open_a_case(people)
        with running_as_superuser() as admin:
            admin.execute("SET ROLE cw_owner")
            admin.execute("CREATE TABLE later (id int PRIMARY KEY, case_id uuid NOT NULL)")
            admin.execute("CREATE TABLE later_below (id int PRIMARY KEY, later_id int REFERENCES later)")
            admin.execute(
                "CREATE TABLE later_far (id int PRIMARY KEY, below_id int REFERENCES later_below, cases uuid[])"
            )
            admin.execute("INSERT INTO later VALUES (1, %s), (2, %s)", [case_id, other])
            admin.execute("INSERT INTO later_below VALUES (1, 1), (2, 2)")
            admin.execute("INSERT INTO later_far VALUES (1, 1, '{}'), (2, 2, %s)", [[case_id, other]])
            erase(people, case_id)
            for table in ("later", "later_below", "later_far"):
                assert admin.execute(f"SELECT array_agg(id) FROM {table}").fetchone() == ([2],)
            assert admin.execute("SELECT cases FROM later_far").fetchone() == ([other],)


# --- at the same time ----------------------------------------------------------------------------------------------


class Beside(threading.Thread):
    """Runs something in another thread with a connection of its own, and keeps what it came to."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self.act, self.result, self.error = act, None, None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.act()
        except BaseException as error:  # noqa: BLE001  # told to whoever joins
            self.error = error
        finally:
            connections.close_all()

    def ended(self) -> Beside:
        self.join(60)
        assert not self.is_alive()
        return self


def _confirm(who: UUID, request: UUID, reference: str) -> Any:
    with cast.acting(who):
        return services.confirm_erasure(request, reference=reference)


class TestDamagedRequest:
    """One request that somebody changed, or a case that lost its key, stands in the way of no other."""

    def test_with_another_note_is_marked_and_can_be_refused(self, people, case_id):
        request, other = ask(people.wanda, case_id), ask(people.wanda, a_full_case(people))
        with running_as_superuser() as admin:
            change = "UPDATE cases_erasure SET note_sealed = set_byte(note_sealed, 30, get_byte(note_sealed, 30) # 1)"
            admin.execute(f"{change} WHERE id = %s", [request])  # type: ignore[arg-type]
        with cast.acting(people.cora):
            seen = {one.id: one for one in erasing.erasures()}
        assert (seen[request].sound, seen[request].may_confirm, seen[request].note) == (False, False, "")
        assert (seen[other].sound, seen[other].may_confirm, seen[other].note) == (True, True, "Synthetic wish")
        with cast.acting(people.cora), pytest.raises(Conflict, match="outside the application"):
            services.confirm_erasure(request, reference=reference_of(case_id))
        with cast.acting(people.cora):
            services.refuse_erasure(request)

    @pytest.mark.parametrize("how", ["gone", "changed"])
    def test_of_a_case_without_a_key_leaves_the_list_whole(self, people, case_id, how):
        request, other = ask(people.wanda, case_id), ask(people.wanda, a_full_case(people))
        with running_as_superuser() as admin:
            if how == "gone":
                admin.execute("DELETE FROM crypto_keywrap WHERE scope = %s", [case_id])
            else:
                change = "UPDATE crypto_keywrap SET blob = set_byte(blob, 30, get_byte(blob, 30) # 1) WHERE scope = %s"
                admin.execute(change, [case_id])
        crypto.forget_process_keys()
        with cast.acting(people.cora):
            seen = {one.id: one for one in erasing.erasures()}
        assert seen[other].note == "Synthetic wish"
        assert (seen[request].note, seen[request].sound) == ("", how == "gone")
        if how == "gone":  # such a case can be erased
            with cast.acting(people.cora):
                services.confirm_erasure(request, reference=reference_of(case_id))


class TestAtTheSameTime:
    def test_of_two_who_confirm_one_does(self, people, case_id, second):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        both = [Beside(lambda who=who: _confirm(who, request, reference)) for who in (people.cora, second)]
        for one in both:
            one.ended()
        errors = [one.error for one in both]
        assert sum(error is None for error in errors) == 1
        assert all(error is None or isinstance(error, Conflict) for error in errors)
        with running_as_superuser() as admin:
            assert mentions(admin, case_id, reference) == {}

    @pytest.mark.parametrize("what", ["update", "person", "fact", "document", "grant", "close"])
    def test_whoever_is_saving_is_waited_for_and_leaves_nothing(self, people, case_id, what):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        # Who holds no row of the case keeps nobody waiting, and is refused: nothing they wrote has a key any more.
        refused = pytest.raises(StaleKeys) if what in ("document", "grant") else nullcontext()
        with refused, cast.acting(people.wanda):
            self._save(people, case_id, what)
            confirming = Beside(lambda: _confirm(people.cora, request, reference))
            confirming.join(0.7)
        confirming.ended()
        assert _files() == []
        assert confirming.error is None
        with running_as_superuser() as admin:
            assert mentions(admin, case_id, reference) == {}

    @pytest.mark.parametrize("what", ["update", "person", "fact", "document", "grant", "close"])
    def test_whoever_saves_meanwhile_is_told_plainly_and_leaves_nothing(self, people, case_id, what):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        saving: list[Beside] = []

        def save() -> None:
            with cast.acting(people.wanda):
                self._save(people, case_id, what)

        def begin(**_: Any) -> None:
            saving.append(Beside(save))
            saving[0].join(0.7)

        case_erased.connect(begin)
        try:
            _confirm(people.cora, request, reference)
        finally:
            case_erased.disconnect(begin)
        saving[0].ended()
        # Of these the page makes "not found" (`access.middleware`), as for anybody who asks for it afterwards.
        assert isinstance(saving[0].error, NotFound | StaleKeys | KeyUnavailable | DatabaseError)
        assert _files() == []
        with running_as_superuser() as admin:
            assert mentions(admin, case_id, reference) == {}

    def _save(self, people: cast.Cast, case_id: UUID, what: str) -> None:
        if what == "update":
            version = Case.objects.get(pk=case_id).version
            services.update_case(case_id, given=cast.a_case(title="Synthetic, late"), version=version)
        elif what == "person":
            services.add_family_member(case_id, given=PersonInput("", "Testov Ivan", relation="child"))
        elif what == "fact":
            _record(case_id, "take-charge-requested", "2026-11-21", "HR")
        elif what == "document":
            upload = documents.seal_bytes(case_id, name="late.txt", content=b"Synthetic, late.\n")
            documents.add_document(case_id, upload=upload, title="Late", kind="other")
        elif what == "grant":
            access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="Synthetic")
        else:
            services.close_case(case_id, on=clock.today("FR"))

    @pytest.mark.parametrize("rotating", ["wrapping", "renewing"])
    def test_a_rotation_under_way_brings_no_key_back(self, people, case_id, rotating):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        with running_as_superuser() as admin:
            if rotating == "wrapping":
                with admin.transaction():
                    admin.execute("UPDATE crypto_keywrap SET blob = blob || '' WHERE scope = %s", [case_id])
                    confirming = Beside(lambda: _confirm(people.cora, request, reference))
                    confirming.join(0.7)
                    assert confirming.is_alive()
            else:
                with cast.acting(people.wanda):
                    assert crypto.renew_scope(case_id) == 2
                    confirming = Beside(lambda: _confirm(people.cora, request, reference))
                    confirming.join(0.7)
                    assert confirming.is_alive()
            assert confirming.ended().error is None
            assert admin.execute("SELECT count(*) FROM crypto_keywrap WHERE scope = %s", [case_id]).fetchone() == (0,)
            states = admin.execute("SELECT DISTINCT state FROM crypto_keyscope WHERE id = %s", [case_id]).fetchall()
            assert states == [("erased",)]

    def test_a_rotation_afterwards_brings_no_key_back(self, people, case_id):
        from casework.operations import keys

        erase(people, case_id)
        with running_as("owner"):
            began = rotation.begin()
            *_batches, done = rotation.rewrap(began.version)
            assert (done.failed, done.removed) == (0, 0)
            with pytest.raises(KeyUnavailable):
                keys.renew_case_key(case_id, progress=lambda _done: None)
            assert not KeyWrap.objects.filter(scope=case_id).exists()
            assert set(KeyScope.objects.filter(scope=case_id).values_list("state", flat=True)) == {"erased"}

    def test_the_worker_derives_and_plans_nothing_of_it(self, people, case_id):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        with running_as_superuser() as admin, admin.transaction():
            # What a unit of work that ended a moment too late leaves behind: only tables without a foreign key can.
            erasing_done = _confirm(people.cora, request, reference)
            assert erasing_done.state == ErasureState.ERASED
            for table in ("procedure_pending", "reminders_pending"):
                admin.execute(
                    f"INSERT INTO {table} (id, case_id, asked_at) VALUES (gen_random_uuid(), %s, now())", [case_id]
                )
        with running_as("worker"):
            assert procedure.derive_case(case_id) == 0
            procedure.refresh_due()
            reminders.plan_pending()
            assert documents.sweep_erased() == 1
            assert documents.sweep_erased() == 0
        with running_as_superuser() as admin:
            assert mentions(admin, case_id, reference) == {}

    def test_a_page_that_is_being_made_is_not_found(self, people, case_id, monkeypatch):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        client = cast.sign_in(Client(raise_request_exception=False), people.user("wanda"))
        page = reverse("case_detail", kwargs={"case_id": case_id})
        assert client.get(page).status_code == 200
        real = cases.view_of

        def erased_meanwhile(case: Case) -> Any:
            view = real(case)
            assert Beside(lambda: _confirm(people.cora, request, reference)).ended().error is None
            monkeypatch.undo()
            return view

        monkeypatch.setattr(cases, "view_of", erased_meanwhile)
        answer = client.get(page)
        assert answer.status_code == 404
        assert reference not in answer.content.decode()
        assert "Testov" not in answer.content.decode()

    def test_a_form_sent_too_late_is_not_found(self, people, case_id, monkeypatch):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        client = cast.sign_in(Client(raise_request_exception=False), people.user("wanda"))
        real = access.grant

        def erased_meanwhile(**given: Any) -> None:
            monkeypatch.undo()
            real(**given)
            assert Beside(lambda: _confirm(people.cora, request, reference)).join(0.5) is None

        monkeypatch.setattr(access, "grant", erased_meanwhile)
        day = clock.today("FR") + timedelta(days=30)
        given = {"email": "lev@example.org", "level": "2", "reason": "Synthetic"}
        given |= {"until_0": str(day.day), "until_1": str(day.month), "until_2": str(day.year)}
        answer = client.post(reverse("case_share", kwargs={"case_id": case_id}), given)
        assert answer.status_code == 404
        with running_as_superuser() as admin:
            assert mentions(admin, case_id, reference) == {}

    def test_a_file_sent_too_late_is_not_found(self, people, case_id, monkeypatch):
        request, reference = ask(people.wanda, case_id), reference_of(case_id)
        client = cast.sign_in(Client(raise_request_exception=False), people.user("wanda"))
        real = documents.add_document

        def erased_meanwhile(*given: Any, **more: Any) -> UUID:
            made = real(*given, **more)
            assert Beside(lambda: _confirm(people.cora, request, reference)).ended().error is None
            return made

        monkeypatch.setattr(documents, "add_document", erased_meanwhile)
        given = {"upload": SimpleUploadedFile("late.txt", b"Synthetic, late.\n"), "title": "Late", "kind": "other"}
        answer = client.post(reverse("document_new", kwargs={"case_id": case_id}), given)
        assert answer.status_code == 404
        assert _files() == []

    def test_a_download_under_way_ends_as_it_began(self, people, case_id):
        with cast.acting(people.wanda):
            document = Document.objects.get(case_id=case_id)
            opened = documents.open_document(case_id, document.pk)
            first = next(iter(opened.chunks), b"")
        erase(people, case_id)
        assert first + b"".join(opened.chunks) == b"Synthetic exhibit.\n"
        assert _files() == []


class TestFilesLeftBehind:
    def test_by_a_process_that_was_killed_are_removed_by_the_sweep(self, people, case_id, monkeypatch):
        monkeypatch.setattr(documents, "remove_objects", lambda objects: False)
        erase(people, case_id)
        assert len(_files()) == 1
        monkeypatch.undo()
        with running_as("worker"):
            assert documents.sweep_erased() == 1
        assert _files() == []

    def test_stay_on_the_list_while_the_store_refuses(self, people, case_id, monkeypatch):
        def refuse(_object: UUID) -> None:
            raise OSError("read-only file system")

        monkeypatch.setattr(storage, "delete", refuse)
        erase(people, case_id)
        with running_as("worker"):
            assert documents.sweep_erased() == 0
        monkeypatch.undo()
        with running_as("worker"):
            assert documents.sweep_erased() == 1
        assert _files() == []
