"""The second wall alone: every check of the application is taken away, and a case stays hidden all the same.

First by SQL, as the web role itself: every row of every table that leads to a case, found by what stands in it and not
by a list of tables. Then through the application, with its permission checks, grants' MACs, the guard before the keys,
roles and fresh sign-ins all answering "yes": pages, streams, exports, tasks and the search.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.contrib.auth.backends import ModelBackend
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.db.models import Q
from django.test import Client
from psycopg import sql

from casework.access import guard, policies
from casework.access import selectors as grants
from casework.access import services as access
from casework.access.types import Decision, Level
from casework.accounts import selectors as accounts
from casework.accounts import strong
from casework.accounts.models import TeamRole, User
from casework.accounts.types import Role, Standing
from casework.cases import erasing
from casework.cases import selectors as cases
from casework.cases.models import Case
from casework.cases.types import CaseFilter, GroundInput, PersonInput, SafeContact
from casework.core import clock, work
from casework.core.errors import CaseworkError
from casework.crypto import services as crypto
from casework.crypto.types import KeyUnavailable
from casework.documents import services as documents
from casework.dossiers import services as dossiers
from casework.notices import services as notices
from casework.notices.types import NewNotice
from casework.procedure import services as procedure
from casework.reminders import services as reminders
from config.celery import app
from tests import cast
from tests.audit.test_proof import sealed
from tests.conftest import running_as
from tests.house import addresses, matrix

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "lanternmoss"
WORDS = {
    MARK,
    "Quennelby",
    "Кеннельби",
    "harbourfern",
    "tinwhistle",
    "gallowglass",
    "brackenfold",
    "saltmarten",
    "owlthicket",
    "75 7412589",
}

# Rows that somebody reads although the case is hidden from them, with the reason. None of them holds a word of it.
SEEN = {
    ("audit_entry", "auditor"): "auditors read the whole trail; what was done stays sealed under the case's key",
    ("audit_entry", "frozen"): "what they did themselves; nobody signs in as them",
    ("notices_notice", "frozen"): "what was told to themselves; nobody signs in as them",
}
# Tables of which the web role may read every row, with the reason.
OPEN = {
    "crypto_keyscope": "which keys there are: random ids and states. A search joins thousands; the wraps have a wall",
}
# Rows that the web role may add although it sees no such case, with the reason.
ADDED = {
    "reminders_pending": "asks for a plan to be made anew, which changes nothing; the row says an id that one knew"
}


# Those of `addresses.PEOPLE` from whom the case is hidden; through the application, one of each kind.
STRANGERS = (
    "other team",
    "other coordinator",
    "lawyer",
    "of the team, without a grant",
    "expired",
    "revoked",
    "auditor",
    "admin",
    "without a role",
    "frozen",
)
WALKING = ("other team", "lawyer", "auditor", "admin", "frozen", "nobody")


@dataclass(frozen=True)
class Planted:
    """A case with a row in every table that can hold one, and everybody from whom it is hidden."""

    world: matrix.World
    reference: str
    erased_reference: str
    strangers: dict[str, UUID | None]
    ids: list[UUID]
    columns: dict[str, list[str]]


def _rows(superuser: psycopg.Connection[Any], statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return superuser.execute(statement, values or None).fetchall()  # type: ignore[call-overload, no-any-return]


def _one(superuser: psycopg.Connection[Any], statement: str, *values: Any) -> tuple[Any, ...]:
    return _rows(superuser, statement, *values)[0]


@pytest.fixture
def planted(people: cast.Cast, superuser: psycopg.Connection[Any], settings: Any) -> Planted:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with running_as("worker"):
        call_command("reindex_search", mode="index", verbosity=0)
    walkers = matrix.people_of_the_walk(people)
    applicant = PersonInput(
        "Кеннельби Анна", "Quennelby Anna", gender="female", nationalities=("RU",), papers=("75 7412589",)
    )
    case_id = cast.open_a_case(
        people,
        applicant=applicant,
        title=f"Title {MARK}",
        summary="Summary harbourfern.",
        access_notes="Note tinwhistle.",
        grounds=(GroundInput("military", "Account gallowglass."),),
        safe_contact=SafeContact(channels=("messenger",), details="handle brackenfold", hours="late"),
    )
    with cast.acting(people.wanda):
        # A limit of two weeks that ends in six days stands on the day's page, and in the inbox.
        sent_on = clock.today("FR") - timedelta(days=8)
        fact = {"fact": "take-back-notified", "on": sent_on.isoformat(), "state": "HR"}
        fact_id = procedure.record_fact(case_id, content=fact, note="Fact saltmarten.")
        upload = documents.seal_bytes(case_id, name="owlthicket.txt", content=b"Paper of lanternmoss.\n" * 50)
        document_id = documents.add_document(case_id, upload=upload, title="Paper owlthicket", kind="other")
        ended = {"expired": Level.LEAD, "revoked": Level.WORK, "frozen": Level.LEAD}
        for who, level in ended.items():
            until = clock.now() + timedelta(minutes=-1 if who == "expired" else 60)
            access.grant(
                case_id=case_id, user_id=walkers[who], level=level, reason="Because of lanternmoss", until=until
            )
        given = {grant.holder_id: grant.id for grant in grants.grants_on(case_id)}
        access.revoke(case_id=case_id, grant_id=given[walkers["revoked"]])
    with cast.acting(walkers["frozen"]):
        documents.open_document(case_id, document_id)
    with cast.acting(people.wanda):
        erasure_id = erasing.request_erasure(case_id, reason="person_request", note="Note lanternmoss")
    erased_case = cast.open_a_case(people)
    with cast.acting(people.wanda):
        erased_id = erasing.request_erasure(erased_case, reason="person_request")
    with cast.acting(people.cora):
        erased_reference = erasing.erasure(erased_id).reference
        erasing.confirm_erasure(erased_id, reference=erased_reference)
    with running_as("worker"):
        with work.acting(work.system_actor()):
            told = NewNotice(
                recipient_id=walkers["frozen"],
                channel="inbox",
                kind="rules",
                case_id=case_id,
                about_id=case_id,
                step="",
                due_on=sent_on,
                due_at=None,
                send_at=clock.now(),
                urgency=1,
            )
            notices.put([told])
        reminders.plan()
        notices.dispatch()
    (notice_id,) = _one(
        superuser, "SELECT id FROM notices_notice WHERE recipient_id = %s AND channel = 'inbox'", people.wanda
    )
    for table in ("reminders_pending", "procedure_pending"):
        columns = {"id": str(uuid4()), "case_id": str(case_id), "asked_at": clock.now().isoformat()}
        superuser.execute(
            f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %s)", [json.dumps(columns)]
        )
    sealed()
    superuser.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [walkers["frozen"]])
    (reference,) = _one(superuser, "SELECT reference FROM cases_case WHERE id = %s", case_id)
    strangers = {who: walkers[who] for who in STRANGERS}
    ids, columns_of = _what_leads_to(superuser, case_id)
    world = matrix.World(case_id, fact_id, document_id, given[walkers["frozen"]], notice_id, erasure_id, erased_id)
    return Planted(world, reference, erased_reference, {**strangers, "nobody": None}, ids, columns_of)


def _uuid_columns(superuser: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Return the columns of every table of ours that can hold an id."""
    found: dict[str, list[str]] = {}
    for table, column in _rows(
        superuser,
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND a.atttypid = 'uuid'::regtype"
        " AND NOT a.attisdropped AND c.relname NOT LIKE 'sealed\\_app\\_%' ORDER BY 1, 2",
    ):
        found.setdefault(table, []).append(column)
    return found


def _what_leads_to(superuser: psycopg.Connection[Any], case_id: UUID) -> tuple[list[UUID], dict[str, list[str]]]:
    """Return the ids of a case and of all that belongs to it, and the columns in which they stand, by table."""
    ids, columns = {case_id}, _uuid_columns(superuser)
    leads: dict[str, list[str]] = {}
    before = -1
    while before != len(ids):
        before = len(ids)
        for table, names in columns.items():
            leads[table] = [
                name
                for name in names
                if _rows(superuser, f"SELECT 1 FROM {table} WHERE {name} = ANY(%s) LIMIT 1", list(ids))
            ]
            if leads[table] and "id" in names:
                ids |= {
                    one
                    for (one,) in _rows(
                        superuser,
                        f"SELECT id FROM {table} WHERE {_where(leads[table])}",
                        list(ids),
                        *[list(ids)] * (len(leads[table]) - 1),
                    )
                }
    return list(ids), {table: names for table, names in leads.items() if names}


def _where(names: list[str]) -> str:
    return " OR ".join(f"{name} = ANY(%s)" for name in names)


def _count(web: psycopg.Connection[Any], planted: Planted, table: str, user_id: UUID | None) -> int:
    names = planted.columns[table]
    with web.transaction():
        web.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id) if user_id else ""])
        try:
            row = web.execute(
                f"SELECT count(*) FROM {table} WHERE {_where(names)}", [planted.ids] * len(names)
            ).fetchone()  # type: ignore[arg-type]
        except psycopg.errors.InsufficientPrivilege:
            raise psycopg.Rollback from None
        assert row is not None
        return int(row[0])
    return 0


class TestByStatements:
    """Invariant 40: whoever speaks to the database as the web role sees and touches what they were given, at most."""

    def test_every_table_that_can_lead_to_a_case_has_a_row_to_be_found(self, planted, superuser):
        """So that none of the tests below looks for nothing."""
        by_name = {
            table
            for table, names in _uuid_columns(superuser).items()
            if {"case_id", "scope", "stream", "parent"} & set(names) or table.startswith(("cases_", "documents_"))
        }
        assert by_name - set(planted.columns) == {"cases_searchkey"}
        assert {"crypto_keyscope", "crypto_keywrap", "audit_head", "audit_leaf", "notices_notice"} <= set(
            planted.columns
        )

    def test_nobody_sees_a_row_that_they_were_not_given(self, planted, people, as_role):
        web = as_role("web")
        seen = {
            (table, who): count
            for table in planted.columns
            for who, user_id in planted.strangers.items()
            if (count := _count(web, planted, table, user_id)) and (table, who) not in SEEN and table not in OPEN
        }
        assert seen == {}
        # The same look finds them, for who may see the case.
        hers = {table for table in planted.columns if _count(web, planted, table, people.wanda)}
        assert hers >= {
            "audit_entry", "audit_head", "cases_case", "cases_casegroupgrant", "cases_caseusergrant", "cases_erasure",
            "cases_historicalcase", "cases_historicalperson", "cases_person", "cases_searchtokens", "crypto_keyscope",
            "crypto_keywrap", "documents_document", "documents_historicaldocument", "notices_notice",
            "procedure_derivation", "procedure_fact", "procedure_limit",
        }  # fmt: skip

    def test_what_is_seen_on_purpose_is_still_there_to_be_explained(self, planted, as_role):
        web = as_role("web")
        assert {key for key in SEEN if not _count(web, planted, key[0], planted.strangers[key[1]])} == set()

    def test_nobody_changes_or_takes_away_a_row(self, planted, superuser, as_role):
        """By statements that look for it, and by blind ones over the whole table, which need no right to read."""
        web = as_role("web")
        before = _stand(superuser, planted)
        for who, user_id in planted.strangers.items():
            for table in planted.columns:
                if (table, who) in SEEN:
                    continue  # what is their own to read, they may mark as read
                for statement in [*_changes(superuser, web, planted, table), sql.SQL(f"DELETE FROM {table}")]:
                    _try(web, user_id, statement)
            assert {table: rows for table, rows in _stand(superuser, planted).items() if rows != before[table]} == {}, (
                who
            )

    def test_nobody_adds_a_row(self, planted, superuser, as_role):
        web, added = as_role("web"), []
        for table, names in planted.columns.items():
            row = superuser.execute(
                f"SELECT row_to_json(t) FROM {table} t WHERE {_where(names)} LIMIT 1", [planted.ids] * len(names)
            ).fetchone()[0]  # type: ignore[index]
            insert = sql.SQL(f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, {{}})")
            for who, user_id in planted.strangers.items():
                told = _try(web, user_id, insert.format(sql.Literal(json.dumps(row))))
                if not isinstance(told, psycopg.errors.InsufficientPrivilege):
                    added.append((table, who, repr(told)))
        assert {entry for entry in added if entry[0] not in ADDED} == set()

    def test_a_key_of_a_hidden_case_is_neither_renamed_nor_multiplied(self, planted, people, as_role):
        """A second name for a key, of a kind that everybody may open, would open every wrap of the first."""
        web, case_id = as_role("web"), planted.world.case_id
        for kind in ("case", "user", "import"):
            told = _try(
                web,
                people.otto,
                sql.SQL(
                    "INSERT INTO crypto_keyscope (id, generation, kind, commit, state) VALUES ({}, 99, {}, {}, 'live')"
                ).format(sql.Literal(case_id), sql.Literal(kind), sql.Literal(b"x" * 32)),
            )
            assert isinstance(told, psycopg.errors.InsufficientPrivilege), (kind, told)


def _try(web: psycopg.Connection[Any], user_id: UUID | None, statement: sql.Composable) -> Any:
    """Run a statement as somebody and commit it; return the error that it met."""
    try:
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id) if user_id else ""])
            web.execute(statement)
    except psycopg.Error as error:
        return error
    return None


def _changes(
    superuser: psycopg.Connection[Any], web: psycopg.Connection[Any], planted: Planted, table: str
) -> Iterator[sql.Composable]:
    """Yield statements that change each column of a table that the web role may change at all."""
    names = planted.columns[table]
    for column, kind in _rows(
        superuser,
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = %s::regclass"
        " AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege('cw_web', a.attrelid, a.attnum, 'UPDATE')",
        table,
    ):
        if column == "id":
            continue
        value = superuser.execute(
            f"SELECT {column}::text FROM {table} WHERE {_where(names)} LIMIT 1", [planted.ids] * len(names)
        ).fetchone()[0]  # type: ignore[index]
        yield sql.SQL(f"UPDATE {table} SET {column} = {{}}::{kind}").format(sql.Literal(value))


def _stand(superuser: psycopg.Connection[Any], planted: Planted) -> dict[str, list[tuple[Any, ...]]]:
    """Return which version of each row of the case stands in each table."""
    return {
        table: sorted(
            _rows(
                superuser,
                f"SELECT xmin::text, ctid::text FROM {table} WHERE {_where(names)}",
                *[planted.ids] * len(names),
            )
        )
        for table, names in planted.columns.items()
    }


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every check of the application answer "yes", for anybody and about anything."""
    everyone = frozenset(Role)
    teams = [(role, row) for role in everyone for row in TeamRole.objects.values_list("team_id", flat=True) if row]
    groups = frozenset(TeamRole.objects.values_list("group_id", flat=True))

    def standing(user_id: UUID | None) -> Standing:
        return Standing(user_id or UUID(int=0), groups, everyone, tuple(teams))

    def levels(_user_id: UUID | None, case_ids: Any) -> dict[UUID, Level]:
        return dict.fromkeys(case_ids, Level.LEAD)

    for module, name, answer in (
        (policies, "decide", lambda *_: Decision(allowed=True, visible=True)),
        (policies, "check", lambda *_: None),
        (grants, "levels_for", levels),
        (grants, "level_on", lambda *_: Level.LEAD),
        (grants, "seen_by", lambda *_, **_more: Q()),
        (grants, "is_sound", lambda _grant: True),
        (grants, "sound_among", lambda _user_id, ids=None: ids if ids is not None else _all_bytes()),
        (accounts, "standing_of", standing),
        (accounts, "is_sound", lambda _row: True),
        (accounts, "mac_matches", lambda *_: True),
        (accounts, "mac_checker", lambda: lambda *_: True),
        (strong, "is_fresh", lambda _request: True),
        (ModelBackend, "user_can_authenticate", lambda *_: True),
    ):
        monkeypatch.setattr(module, name, answer)
    crypto.set_unwrap_guard(lambda _ids: None, lambda ids: ids)
    yield
    guard.install()


def _all_bytes() -> list[bytes]:
    return [case_id.bytes for case_id in Case.objects.values_list("pk", flat=True)]


# What is sent where an empty form would come back with a message, and not do what it is there for.
SENT: dict[str, dict[str, Any]] = {
    "case_list": {"words": "Quennelby"},
    "dossier_new": {"purpose": "Appeal", "method": "passphrase", "passphrase": "synthetic words for 12"},
}


class TestThroughTheApplication:
    """With every check of the application gone, and a person from whom the database hides the case."""

    def test_no_page_and_no_stream_has_a_byte_of_it(self, planted, no_checks):
        told = []
        for who in WALKING:
            client = Client(raise_request_exception=False)
            if user_id := planted.strangers[who]:
                cast.sign_in(client, User.objects.get(pk=user_id))
            told += [(who, *found) for found in _walk(client, planted)]
        assert told == []

    def test_the_same_walk_finds_it_for_who_may_see_it(self, planted, people):
        client = cast.sign_in(Client(raise_request_exception=False), people.user("wanda"))
        found = {name for _method, name, _what in _walk(client, planted)}
        assert found >= {
            "home", "case_list", "case_detail", "case_edit", "case_timeline", "case_deadlines", "case_documents",
            "case_access", "case_trail", "case_proof", "document_download", "dossier_new", "erasures", "erasure_detail",
            "erasure_certificate", "inbox",
        }  # fmt: skip

    def test_a_page_that_forgets_who_asks_shows_nothing_to_anybody(self, planted, people, no_checks, monkeypatch):
        client = cast.sign_in(Client(raise_request_exception=False), people.user("wanda"))
        monkeypatch.setattr(work, "_tell_database", lambda _user_id: None)
        assert list(_walk(client, planted)) == []

    def test_no_export_leaves_the_house(self, planted, no_checks, tmp_path):
        case_id, out = planted.world.case_id, tmp_path / "dossier.age"
        for who, user_id in planted.strangers.items():
            with pytest.raises((CaseworkError, KeyUnavailable, DatabaseError)), work.acting(work.Actor(user_id)):
                dossiers.export(case_id, document_ids=[planted.world.document_id], passphrase="synthetic words 12")
            if user_id is None:
                continue
            with pytest.raises((CommandError, DatabaseError)) as refused:
                self._export(planted, User.objects.get(pk=user_id).email, out)
            assert not out.exists(), who
            assert not any(word in str(refused.value) for word in WORDS), who
        self._export(planted, "wanda@example.org", out)
        assert out.read_bytes().startswith(b"age-encryption.org")

    @staticmethod
    def _export(planted: Planted, email: str, out: Path) -> None:
        words = out.with_name("words")
        words.write_text("synthetic words 12\n")
        call_command("export_dossier", planted.reference, email=email, passphrase_file=str(words), out=str(out))

    def test_no_search_finds_it_in_either_mode(self, planted, people, no_checks):
        for mode in ("index", "scan"):
            with running_as("worker"):
                call_command("reindex_search", mode=mode, verbosity=0)
            for who, user_id in planted.strangers.items():
                for asked in (
                    CaseFilter(words="Quennelby"),
                    CaseFilter(words="757412589"),
                    CaseFilter(ground="military"),
                    CaseFilter(),
                ):
                    with work.acting(work.Actor(user_id)):
                        page = cases.page_of_cases(asked)
                    assert (page.rows, page.total) == ((), 0), (mode, who, asked)
            with cast.acting(people.wanda):
                assert [row.id for row in cases.page_of_cases(CaseFilter(words="Quennelby")).rows] == [
                    planted.world.case_id
                ]

    def test_no_task_reaches_it_under_the_web_role(self, planted, superuser, no_checks, caplog):
        """The worker's own acts, run by a broken web process: the machine's principal sees no case there."""
        before = _stand(superuser, planted)
        ran = []
        app.loader.import_default_modules()
        for name, task in sorted(app.tasks.items()):
            if not name.startswith("celery."):
                with suppress(DatabaseError, CaseworkError, KeyUnavailable):
                    task.run(*([str(planted.world.case_id)] if "_case" in name else []))
                ran.append(name)
        assert {
            "reminders.plan_case",
            "procedure.derive_case",
            "operations.finish_case_key",
            "notices.dispatch",
        } <= set(ran)
        assert {table for table, rows in _stand(superuser, planted).items() if rows != before[table]} == set()
        assert not any(word in caplog.text for word in WORDS)


def _walk(client: Client, planted: Planted) -> Iterator[tuple[str, str, str]]:
    """Yield where an answer holds something of the case: method, address, and what."""
    for name, _route, gaps in matrix.patterns():
        # What names nothing and asks for no permission is the same for everybody.
        if name not in addresses.ADDRESSES or not (gaps or name == "home" or addresses.ADDRESSES[name].is_of_an_action):
            continue
        for method in ("GET", "POST"):
            sent = SENT.get(name, {}) if method == "POST" else {}
            answer = matrix.ask(client, method, name, gaps, planted.world, given=sent)
            told = matrix.body_of(answer).decode("utf-8", "replace") + str(dict(answer.headers))
            # What stands in the address, or was typed, is what whoever asks knew; nothing else may come back.
            known = matrix.address_of(name, gaps, planted.world) + str(sent)
            ids = {str(one) for one in planted.ids}
            for what in sorted(WORDS | {planted.reference, planted.erased_reference} | ids):
                if what in told and what not in known:
                    yield method, name, what
            if answer.headers.get("Content-Disposition") and gaps:
                yield method, name, "a file"
