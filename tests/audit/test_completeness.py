"""Whatever somebody sees, changes or is refused stands in the trail, once; and what cannot be written is not shown.

Walks every address of the product, so a new page without an entry fails here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command, get_commands
from django.db import connection, transaction

from casework.audit import actions
from tests.conftest import _connect, running_as
from tests.house import matrix

# Answered pages that write nothing, and why.
SHOWS_NO_CASE = {
    "accept_invitation": "says that one is signed in already",
    "case_list POST": "an empty search: its form again, without a list",
    "case_new GET": "an empty form",
    "case_new POST": "the same form with what was typed",
    "emergency": "a form that asks for a reference and a reason, without or with what was typed",
    "freeze GET": "says what freezing does",
    "healthz GET": "says that the process lives",
    "kept_input": "what one typed oneself",
    "new_factor": "says that one is signed in already",
    "profile": "one's own account",
    "readyz GET": "says whether the engines answer",
    "rules GET": "the law",
    "stay POST": "no content",
}
EXPORTS = frozenset({"audit.exported", "dossier.exported"})
# Who is asked where the lead is refused.
OTHERS = ("coordinator", "auditor", "admin")


@dataclass(frozen=True)
class Asked:
    """One request and the entries that it left, as (action, outcome)."""

    name: str
    method: str
    who: str
    status: int
    body: bytes
    entries: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return f"{self.method} {self.name} as {self.who}: {self.status}, {[name for name, _outcome in self.entries]}"

    @property
    def shows_no_case(self) -> bool:
        return self.name in SHOWS_NO_CASE or f"{self.name} {self.method}" in SHOWS_NO_CASE


@pytest.fixture
def failing(django_db_setup: None) -> Iterator[Callable[[bool], None]]:
    """A trigger that refuses new entries, made before the test's transaction and taken away after it."""
    with _connect("super") as superuser:
        superuser.execute(
            "CREATE FUNCTION test_no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF current_setting('test.no_room', true) = 'on' THEN RAISE EXCEPTION 'no room for an entry'; END IF;"
            " RETURN NULL; END $$;"
            " CREATE TRIGGER test_no_room BEFORE INSERT ON audit_entry EXECUTE FUNCTION test_no_room()"
        )
        yield lambda on: _set("test.no_room", "on" if on else "off")
        superuser.execute("DROP FUNCTION test_no_room CASCADE")


@pytest.fixture
def walkers(failing: Any, people: Any, settings: Any) -> dict[str, UUID]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nobody signs in with a password
    return matrix.people_of_the_walk(people)


@pytest.fixture
def world(people: Any, walkers: dict[str, UUID], superuser: Any) -> Iterator[matrix.World]:
    notice_id = uuid4()
    superuser.execute(
        "INSERT INTO notices_notice (id, recipient_id, channel, kind, case_id, about_id, step, due_on, urgency, key,"
        " planned_at, send_at, next_try_at, state, attempts, sent_at, failure)"
        " VALUES (%s, %s, 'inbox', 'limit', %s, %s, '3', current_date + 3, 2, %s, now(), now(), now(), 'sent', 0,"
        " now(), '')",
        [notice_id, people.wanda, uuid4(), uuid4(), str(notice_id)],
    )
    yield matrix.build(people, notice_id, walkers)
    superuser.execute("DELETE FROM notices_notice WHERE id = %s", [notice_id])


def _set(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def _written(auditor: UUID) -> list[tuple[UUID, int, int, int]]:
    _set("app.user_id", str(auditor))
    with connection.cursor() as cursor:
        cursor.execute("SELECT stream, seq, action, outcome FROM audit_entry")
        rows: list[tuple[UUID, int, int, int]] = cursor.fetchall()
    _set("app.user_id", "")
    return rows


class Walker:
    """Asks for addresses as the people of the matrix, and takes back whatever that changed."""

    def __init__(self, world: matrix.World, walkers: dict[str, UUID]) -> None:
        self.world = world
        self.auditor = walkers["auditor"]
        self.clients = matrix.clients(walkers)

    def ask(self, who: str, method: str, name: str, gaps: list[str]) -> Asked:
        address = matrix.address_of(name, gaps, self.world)
        client = self.clients[who]
        cookies = client.cookies.copy()
        with transaction.atomic():
            before = set(_written(self.auditor))
            answer = client.get(address) if method == "GET" else client.post(address, {})
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            new = [entry for entry in _written(self.auditor) if entry not in before]
            transaction.set_rollback(True)
        client.cookies = cookies
        entries = tuple((actions.ACTION_BY_CODE[action].name, outcome) for _stream, _seq, action, outcome in new)
        return Asked(name, method, who, answer.status_code, body, entries)

    def everything(self) -> Iterator[Asked]:
        """Every address as the lead; what refuses a lead by role, also as those who may."""
        for name, route, gaps in matrix.patterns():
            if route.startswith("account/"):  # one's own password and second factors; tests/accounts has their entries
                continue
            for method in ("GET", "POST"):
                asked = self.ask("lead", method, name, gaps)
                yield asked
                if asked.status == 403:
                    yield from (self.ask(other, method, name, gaps) for other in OTHERS)


def _is_as_it_should_be(asked: Asked) -> bool:
    if asked.status == 405:
        return not asked.entries
    if asked.status in {403, 404}:
        return [outcome for _name, outcome in asked.entries] == [actions.REFUSED]
    if asked.status in {200, 204, 409} and asked.shows_no_case:
        return not asked.entries
    acts = [name for name, _outcome in asked.entries if not actions.ACTION_BY_NAME[name].looks or name in EXPORTS]
    looks = len(asked.entries) - len(acts)
    if asked.status == 302:
        return len(set(asked.entries)) == len(asked.entries)  # sent on: nothing twice
    # A page is one look. What is sent may also do something, or take something away; each stands there once.
    return asked.status == 200 and (looks == 1 or bool(acts)) and looks <= 1 and len(set(acts)) == len(acts)


class TestEveryPage:
    def test_leaves_one_entry_and_every_refusal_one(self, failing, world, walkers):
        asked = list(Walker(world, walkers).everything())
        assert "\n".join(str(one) for one in asked if not _is_as_it_should_be(one)) == ""
        # The walk reached what it is about: pages, files, writes and refusals.
        names = {name for one in asked for name, _outcome in one.entries}
        assert names >= {
            "access.refused", "account.viewed", "audit.viewed", "board.viewed", "case.erasure_certified", "case.listed",
            "case.read", "document.downloaded", "grant.revoked", "inbox.acknowledged", "inbox.viewed", "today.viewed",
        }  # fmt: skip

    def test_is_not_sent_when_its_entry_cannot_be_written(self, failing, world, walkers):
        """Invariants 29 and 30: not a byte of a page, a file or a stream."""
        walker = Walker(world, walkers)
        failing(True)
        asked = list(walker.everything())
        failing(False)
        shown = [one for one in asked if one.status not in {405, 500} and not one.shows_no_case and one.body]
        assert "\n".join(str(one) for one in shown) == ""
        failed = [one for one in asked if one.status == 500]
        assert {one.name for one in failed} >= {"case_detail", "case_list", "document_download", "erasure_certificate"}
        # One and the same page, which knows of no case.
        assert len({one.body for one in failed if one.who == "lead"}) == 1
        assert all(one.entries == () for one in asked)


# What each command of ours leaves in the trail. A new command without a line here fails.
COMMANDS = {
    "backup": ("backup.made",),
    "create_user": ("account.invited",),
    "demo_signin": ("auth.demo_link_used",),  # for each link, when somebody uses it
    "erase_case": ("command.run", "case.erasure_requested", "case.erased"),
    "export_dossier": ("dossier.exported",),
    "key_status": ("key.status_viewed",),
    "rebuild_deadlines": ("command.run", "limits.rebuilt"),
    "recovery": ("key.recovery_split", "key.recovery_joined", "key.recovery_drilled"),
    "reindex_search": ("command.run",),
    "restore": ("backup.restored", "backup.verified"),
    "rotate_keys": ("key.created", "key.rotated", "key.destroyed"),
    "seed_demo": ("case.created",),  # for each case, as the one who makes it
    "send_reminders": ("reminder.sent", "reminder.failed"),  # for each of them
    "set_up": ("installation.created", "command.run"),
    "verify_audit": ("audit.verified",),
}
WRITES_NOTHING = {
    "audit_checkpoint": "what it does is a signed checkpoint, with its number, made by the machine every minute",
    "doctor": "asks whether engines and keys answer; shows nothing of anybody and changes nothing",
}


def _ran(role: str, *arguments: str) -> None:
    with running_as(role):
        call_command(*arguments, stdout=io.StringIO(), stderr=io.StringIO())


class TestEveryCommand:
    def test_has_its_entries_in_the_register(self):
        ours = {name for name, app in get_commands().items() if str(app).startswith("casework.")}
        assert ours == COMMANDS.keys() | WRITES_NOTHING.keys()
        assert {name for entries in COMMANDS.values() for name in entries} <= actions.ACTION_BY_NAME.keys()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        ("role", "arguments", "entry"),
        [
            ("owner", ("set_up",), "command.run"),
            ("worker", ("key_status",), "key.status_viewed"),
            ("worker", ("rebuild_deadlines", "--dry-run"), "command.run"),
            ("worker", ("reindex_search",), "command.run"),
            ("owner", ("rotate_keys",), "key.rotated"),
            ("sealer", ("verify_audit",), "audit.verified"),
            ("web", ("create_user", "synthetic@example.org", "--role", "lawyer"), "account.invited"),
        ],
    )
    def test_leaves_them(self, superuser, role, arguments, entry):
        def count() -> int:
            code = actions.action_named(entry).code
            found = superuser.execute("SELECT count(*) FROM audit_entry WHERE action = %s", [code]).fetchone()
            return int(found[0])

        before = count()
        _ran(role, *arguments)
        assert count() > before
