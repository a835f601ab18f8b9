"""The database's own walls around the trail (invariant 31), and who waits for whom (35 and 36)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from casework.audit import chain, services
from casework.audit.models import Entry, Head
from casework.audit.types import COLUMNS, Row
from casework.core import ids, work
from casework.crypto import services as crypto

pytestmark = pytest.mark.django_db

CHANGES = [
    "UPDATE audit_entry SET reason = 1",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "UPDATE audit_leaf SET seq = 1",
    "DELETE FROM audit_leaf",
    "TRUNCATE audit_leaf",
    "UPDATE audit_checkpoint SET note = ''",
    "DELETE FROM audit_checkpoint",
    "TRUNCATE audit_checkpoint",
]
MEANS = [
    "DROP TRIGGER audit_entry_append_only ON audit_entry",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY audit_entry_write ON audit_entry",
    "DROP TRIGGER audit_entry_follow ON audit_entry",
    "CREATE OR REPLACE FUNCTION audit_follow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE OR REPLACE FUNCTION audit_may_write(stream uuid, case_id uuid, actor uuid) RETURNS boolean"
    " LANGUAGE sql AS 'SELECT true'",
    "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "DROP TABLE audit_entry CASCADE",
]
REFUSED = psycopg.errors.InsufficientPrivilege
DOES_NOT_FOLLOW = psycopg.errors.CheckViolation
USER = UUID("33333333-3333-4333-8333-333333333333")
CASE = UUID("11111111-1111-4111-8111-111111111111")


INSERT = f"INSERT INTO audit_entry ({COLUMNS}) VALUES "


def insert(role: Any, *rows: Row) -> None:
    """Insert rows in one statement, behind the application's back."""
    values = ", ".join(["(" + ", ".join(["%s"] * len(Row._fields)) + ")"] * len(rows))
    role.execute(INSERT + values, [value for row in rows for value in row])


def following(role: Any, stream: UUID, *, actor: UUID = chain.NIL, **changes: Any) -> Row:
    """Return the next row of a stream; `changes` are made before its hash is taken."""
    ((_, seq, prev),) = role.execute("SELECT * FROM audit_hold(%s)", [[stream]]).fetchall()
    case_id = None if stream in (actor, services.SYSTEM_STREAM) else stream
    row = Row(
        stream, seq + 1, prev, 0, actor, 1, 0, 0, stream, bytes(32), b"", b"", b"m" * 16, case_id, stream
    )._replace(**changes)
    return row._replace(hash=chain.event_hash(row.event()))


def after(row: Row, **changes: Any) -> Row:
    """Return the row that follows another one."""
    row = row._replace(seq=row.seq + 1, prev=row.hash)._replace(**changes)
    return row._replace(hash=chain.event_hash(row.event()))


class TestTheApplicationsRoles:
    """Invariant 31: neither web nor worker changes what is written, or takes a wall away."""

    @pytest.mark.parametrize("role", ["web", "worker"])
    @pytest.mark.parametrize(
        "statement",
        [
            *CHANGES,
            *MEANS,
            "DELETE FROM audit_head",
            "UPDATE audit_head SET kind = 2",
            "UPDATE audit_head SET seq = 9223372036854775807",
            "UPDATE audit_head SET hash = hash",
            "INSERT INTO audit_head VALUES (gen_random_uuid(), 1, 0, decode(repeat('00', 32), 'hex'))",
            "SELECT * FROM audit_head FOR UPDATE",
            "UPDATE audit_tree SET size = 0",
            "SELECT * FROM audit_leaf",
            "INSERT INTO audit_checkpoint VALUES (9, 1, now(), false, 'x')",
        ],
    )
    def test_are_refused(self, as_role, role, statement):
        with pytest.raises(REFUSED):
            as_role(role).execute(statement)

    @pytest.mark.parametrize("role", ["web", "worker"])
    def test_write_in_no_other_name(self, as_role, role):
        role_connection = as_role(role)
        me, other = ids.new_id(), ids.new_id()
        for actor, allowed in ((me, True), (chain.NIL, True), (other, False)):
            stream = services.SYSTEM_STREAM if actor == chain.NIL else actor
            with role_connection.transaction(force_rollback=True):
                role_connection.execute("SELECT set_config('app.user_id', %s, true)", [str(me)])
                row = following(role_connection, stream, actor=actor)
                if allowed:
                    insert(role_connection, row)
                else:
                    with pytest.raises(REFUSED):
                        insert(role_connection, row)

    @pytest.mark.parametrize("setting", ["", None])
    def test_see_nothing_without_a_user(self, as_role, superuser, setting):
        assert superuser.execute("SELECT count(*) FROM audit_entry").fetchone() != (0,)
        web = as_role("web")
        with web.transaction():
            if setting is not None:
                web.execute("SELECT set_config('app.user_id', %s, true)", [setting])
            assert web.execute("SELECT count(*) FROM audit_entry").fetchone() == (0,)

    def test_see_what_one_did_oneself(self):
        me, other = ids.new_id(), ids.new_id()
        for user in (me, other):
            services.record_now(work.Actor(user), "access.refused")
        with work.acting(work.Actor(me)):
            assert set(Entry.objects.values_list("actor", flat=True)) == {me}


class TestAnEntry:
    """Nobody can take one away, so one that does not follow would stop its stream for good."""

    @pytest.fixture(params=["web", "worker"])
    def role(self, request, as_role) -> Iterator[Any]:
        """A connection as the application's role with a user, in a transaction that is taken back."""
        role = as_role(request.param)
        with role.transaction(force_rollback=True):
            role.execute("SELECT set_config('app.user_id', %s, true)", [str(USER)])
            yield role

    def head(self, role: Any) -> Any:
        return role.execute("SELECT seq, hash, kind FROM audit_head WHERE stream = %s", [USER]).fetchone()

    def test_moves_the_head_of_its_stream(self, role):
        first = following(role, USER, actor=USER)
        insert(role, first)
        assert self.head(role) == (1, first.hash, Head.Kind.USER)
        rows = [after(first)]
        rows += [after(rows[-1]), following(role, services.SYSTEM_STREAM)]
        insert(role, *rows[::-1])
        assert self.head(role) == (3, rows[1].hash, Head.Kind.USER)

    @pytest.mark.parametrize(
        "changes",
        [
            {"seq": 3},
            {"seq": 2**63 - 1},
            {"prev": bytes(32)},
            {"time_us": 2**63 - 1},
            {"time_us": -(2**63)},
            {"case_id": CASE},
        ],
        ids=str,
    )
    def test_that_does_not_follow_is_refused(self, role, changes):
        first = following(role, USER, actor=USER)
        insert(role, first)
        with pytest.raises(DOES_NOT_FOLLOW), role.transaction():
            insert(role, following(role, USER, actor=USER, **changes))
        assert self.head(role)[0] == 1
        insert(role, after(first))

    @pytest.mark.parametrize(
        "changes",
        [
            {"action": 2},
            {"outcome": 2},
            {"reason": 2},
            {"object": CASE},
            {"row_digest": b"x" * 32},
            {"body": b"x"},
            {"request_id": CASE},
            {"time_us": 2},
            {"hash": bytes(32)},
        ],
        ids=str,
    )
    def test_with_a_hash_of_something_else_is_refused(self, role, changes):
        row = following(role, USER, actor=USER)
        with pytest.raises(DOES_NOT_FOLLOW):
            insert(role, row._replace(**changes))

    def test_is_hashed_by_the_database_as_by_the_application(self, role):
        insert(
            role,
            following(
                role, USER, actor=USER, time_us=-1, action=65535, outcome=255, reason=65535, body=bytes(range(256))
            ),
        )

    def test_among_others_that_follow_is_refused_with_them(self, role):
        first = following(role, USER, actor=USER)
        second = after(first)
        for rows in ([first, after(second)], [first, after(first, prev=bytes(32))], [second]):
            with pytest.raises(DOES_NOT_FOLLOW), role.transaction():
                insert(role, *rows)
        insert(role, first, second)

    def test_of_a_case_names_that_case(self, role):
        for changes in ({"case_id": None}, {"case_id": ids.new_id()}):
            with pytest.raises(DOES_NOT_FOLLOW), role.transaction():
                insert(role, following(role, CASE, actor=USER, **changes))
        insert(role, following(role, CASE, actor=USER))

    def test_of_a_stream_without_a_head_is_refused(self, role):
        row = Row(USER, 1, chain.GENESIS, 0, USER, 1, 0, 0, USER, bytes(32), b"", b"", b"m" * 16, None, ids.new_id())
        with pytest.raises(DOES_NOT_FOLLOW):
            insert(role, row._replace(hash=chain.event_hash(row.event())))


class TestTheSealersRole:
    @pytest.mark.parametrize(
        "statement",
        [
            *CHANGES,
            *MEANS,
            f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS} FROM audit_entry",
            "UPDATE audit_head SET seq = 1",
            "SELECT * FROM audit_hold(ARRAY[gen_random_uuid()])",
            "DELETE FROM audit_sealedhead",
            "DELETE FROM audit_tree",
            "SELECT * FROM accounts_user",
        ],
    )
    def test_is_refused(self, as_role, statement):
        with pytest.raises(REFUSED):
            as_role("sealer").execute(statement)

    def test_sees_the_whole_trail_and_of_the_keys_those_of_the_installation(self, as_role, superuser):
        sealer = as_role("sealer")
        for query in ("SELECT count(*) FROM audit_entry", "SELECT count(*) FROM audit_head"):
            assert sealer.execute(query).fetchone() == superuser.execute(query).fetchone()
        assert sealer.execute("SELECT DISTINCT scope FROM crypto_keywrap").fetchall() == [(crypto.INSTALLATION,)]

    @pytest.mark.parametrize(
        ("changes", "allowed"),
        [
            ({"action": 1001}, True),
            ({"action": 1001, "outcome": 2, "reason": 202, "object": CASE}, True),
            ({"action": 1000}, False),
            ({"action": 1001, "actor": USER}, False),
            ({"action": 1001, "object": CASE, "case_id": CASE}, False),
        ],
        ids=str,
    )
    def test_adds_that_somebody_verified_and_nothing_else(self, as_role, changes, allowed):
        sealer = as_role("sealer")
        with sealer.transaction(force_rollback=True):
            row = following(sealer, services.SYSTEM_STREAM, **changes)
            if allowed:
                insert(sealer, row)
            else:
                with pytest.raises(REFUSED):
                    insert(sealer, row)


class TestEverybody:
    """A seat belt: a superuser can take the triggers away, and verification then finds what was done."""

    @pytest.mark.parametrize("role", ["super", "owner"])
    @pytest.mark.parametrize("statement", CHANGES)
    def test_is_stopped_by_the_triggers(self, as_role, role, statement):
        with pytest.raises(REFUSED, match="append-only"):
            as_role(role).execute(statement)

    def test_else_is_neither_owner_nor_superuser_nor_free_of_the_policies(self, as_role):
        found = as_role("web").execute(
            "SELECT rolname FROM pg_roles WHERE rolname IN ('cw_web', 'cw_worker', 'cw_sealer')"
            " AND NOT rolsuper AND NOT rolbypassrls AND NOT pg_has_role(rolname, 'cw_owner', 'member') ORDER BY 1"
        )
        assert found.fetchall() == [("cw_sealer",), ("cw_web",), ("cw_worker",)]


class Held:
    """A writer in a thread of its own, held between its trail and its commit."""

    def __init__(self, case: UUID, *, fails: bool = False, held: bool = True) -> None:
        self.case, self.fails, self.held = case, fails, held
        self.written, self.go_on = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> Held:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def run(self) -> None:
        with suppress(KeyError), work.acting(work.Actor(ids.new_id())):
            services.record("case.updated", case=self.case)
            work.before_commit("zzz-after-the-trail", self.wait)
        connection.close()

    def wait(self) -> None:
        self.written.set()
        if self.held:
            assert self.go_on.wait(30)
        if self.fails:
            raise KeyError


def seqs(superuser: Any, case: UUID) -> list[int]:
    rows = superuser.execute("SELECT seq FROM audit_entry WHERE stream = %s ORDER BY seq", [case]).fetchall()
    return [seq for (seq,) in rows]


@pytest.mark.django_db(transaction=True)
class TestTwoWriters:
    def test_on_different_cases_do_not_wait_for_each_other(self, superuser):
        """Invariant 35."""
        one, other = ids.new_id(), ids.new_id()
        with Held(one) as first:
            assert first.written.wait(30)
            with Held(other, held=False) as second:
                second.thread.join(30)
                assert seqs(superuser, other) == [1]
            assert seqs(superuser, one) == []
        assert seqs(superuser, one) == [1]

    @pytest.mark.parametrize("is_new", [True, False])
    @pytest.mark.parametrize("fails", [False, True])
    def test_on_one_case_follow_each_other_without_a_gap(self, superuser, is_new, fails):
        """Invariant 36."""
        case = ids.new_id()
        if not is_new:
            with Held(case, held=False):
                pass
        with Held(case, fails=fails) as first:
            assert first.written.wait(30)
            with Held(case, held=False) as second:
                assert not second.written.wait(0.3)
                first.go_on.set()
        expected = 2 + (not is_new) - fails
        assert seqs(superuser, case) == list(range(1, expected + 1))
        assert superuser.execute("SELECT seq FROM audit_head WHERE stream = %s", [case]).fetchone() == (expected,)

    def test_on_several_new_cases_each_end_well(self, superuser):
        cases = [ids.new_id() for _ in range(6)]

        def write(order: list[UUID]) -> None:
            with work.acting(work.Actor(ids.new_id())):
                for case in order:
                    services.record("case.updated", case=case)
            connection.close()

        threads = [threading.Thread(target=write, args=(cases[turn:] + cases[:turn],)) for turn in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [seqs(superuser, case) for case in cases] == [list(range(1, 7))] * 6


class TestTheHead:
    def test_lock_is_taken_only_with_the_last_statements(self, django_assert_num_queries: Callable[..., Any]):
        me, case = ids.new_id(), ids.new_id()
        with work.acting(work.Actor(me)):
            services.record("case.created", case=case)
        # Savepoint and user, then head and entry, then the user taken back (in a test only) and the savepoint released.
        with django_assert_num_queries(6), work.acting(work.Actor(me)):
            services.record("case.read", case=case)
        assert Head.objects.get(stream=case).seq == 2
