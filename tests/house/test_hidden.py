"""What was opened shows nowhere and outlives nothing (security design, invariants 21 and 22)."""

from __future__ import annotations

import copy
import dataclasses
import gc
import io
import json
import pickle
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.test import Client
from django.urls import reverse

from casework.access import selectors as grants
from casework.access import services as access
from casework.access.types import Level
from casework.cases import erasing
from casework.cases import selectors as cases_read
from casework.cases import services as cases
from casework.core import clock
from casework.core.hidden import Hidden
from casework.crypto import services as crypto
from casework.crypto.keyring import ScopeKeys
from casework.crypto.types import Plain, Sealed
from casework.desk import services as desk
from casework.documents import selectors as documents
from casework.documents import services as document_services
from casework.notices import services as notices
from casework.procedure import selectors as procedure
from casework.procedure import services as recording
from casework.reminders import services as reminders
from tests import cast
from tests.conftest import running_as
from tests.house import matrix

pytestmark = pytest.mark.django_db

MARK = "lanternmoss"


@pytest.fixture
def case_id(people: Any) -> UUID:
    case_id = cast.open_a_case(people, title=f"Title {MARK}", summary=MARK, access_notes=MARK)
    with cast.acting(people.wanda):
        upload = document_services.seal_bytes(case_id, name=f"{MARK}.txt", content=MARK.encode())
        document_services.add_document(case_id, upload=upload, title=MARK, kind="other")
        fact = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}
        recording.record_fact(case_id, content=fact)
    return case_id


def _records(case_id: UUID) -> list[Any]:
    view = cases.open_case(case_id)
    return [
        view,
        *grants.grants_on(case_id),
        *documents.documents_of(case_id),
        document_services.open_document(case_id, documents.documents_of(case_id)[0].id),
        *procedure.recorded_facts(case_id),
        *(getattr(view, "people", None) or [view.applicant]),
        cast.a_case(title=MARK),
    ]


class TestRecords:
    """21: `repr`, `str`, pickling and JSON of key objects and decrypted records never show content."""

    def test_show_nothing_and_stay_in_their_process(self, people: Any, case_id: UUID) -> None:
        with cast.acting(people.wanda):
            records = _records(case_id)
            assert len({type(record) for record in records}) >= 6
            assert MARK in str([dataclasses.astuple(record) for record in documents.documents_of(case_id)])
            for record in records:
                assert isinstance(record, Hidden), type(record)
                for shown in (repr(record), str(record), f"{record}", f"{[record]}", format(record, "")):
                    assert shown.strip("[]") == f"<{type(record).__name__}>"
                for refuse in (pickle.dumps, json.dumps, copy.deepcopy):
                    with pytest.raises(TypeError) as refused:
                        refuse(record)
                    assert MARK not in str(refused.value)


class TestAfterARequest:
    """22: no case key and no plaintext outlives its request or task."""

    def test_no_key_record_or_opened_value_is_left(self, people: Any, case_id: UUID) -> None:
        client = cast.sign_in(Client(), people.user("wanda"))
        crypto.clear()
        for page in ("case_detail", "case_timeline", "case_documents", "case_access", "case_trail"):
            answer = client.get(reverse(page, args=[case_id]))
            assert answer.status_code == 200
            del answer
        gc.collect()
        left = [thing for thing in gc.get_objects() if _holds(thing, case_id)]
        assert [type(thing).__name__ for thing in left] == []

    def test_the_same_look_finds_them_while_the_unit_runs(self, people: Any, case_id: UUID) -> None:
        with cast.acting(people.wanda):
            view = cases.open_case(case_id)
            found = {type(thing).__name__ for thing in gc.get_objects() if _holds(thing, case_id)}
            assert view.title == f"Title {MARK}"
        assert {"ScopeKeys", "CaseView"} <= found


def _holds(thing: object, case_id: UUID) -> bool:
    if type(thing) is ScopeKeys:
        return thing.scope == case_id
    if type(thing) is Plain:
        return MARK in str(thing.reveal())
    if type(thing) is Sealed:
        return thing.is_open() and MARK in str(thing.reveal())
    return issubclass(type(thing), Hidden) and getattr(thing, "id", getattr(thing, "case_id", None)) == case_id


class TestWhatOneMayNotSee:
    """Invariant 25 beyond a case's own address: lists, searches, counts, messages, and what they cost the database."""

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("mode", ["scan", "index"])
    def test_is_not_told_by_a_search(self, people: Any, mode: str) -> None:
        with running_as("worker"):
            call_command("reindex_search", mode=mode, verbosity=0)
        applicant = replace(cast.a_case().applicant, name_latin="Quennelby Anna", papers=("75 7412589",))
        case_id = cast.open_a_case(people, applicant=applicant)
        with cast.acting(people.wanda):
            reference = cases_read.case_for(case_id).reference
        otto, wanda = _signed_in(people, "otto"), _signed_in(people, "wanda")
        absent = _cost(otto, "case_list", words="Brackenfo Ivan")
        for words in ("Quennelby Anna", "Quennelbi Anna"):  # as it is written, and one letter away
            assert _cost(otto, "case_list", words=words) == absent
        number = _cost(otto, "case_list", words="99 1234567")
        assert _cost(otto, "case_list", words="75 7412589") == number
        found = wanda.post(reverse("case_list"), {"words": "Quennelby Anna"}).content.decode()
        assert reference in found
        assert _cost(wanda, "case_list", words="Quennelby Anna") != absent

    @pytest.mark.parametrize(
        ("page", "asked"),
        [
            ("home", {}),
            ("case_list", {}),
            ("case_list", {"state": "open", "risk": "raised", "mine": "on"}),
            ("board", {}),
            ("board", {"view": "columns"}),
            ("board", {"lead": "none"}),
            ("erasures", {}),
            ("inbox", {}),
            ("team", {}),
        ],
    )
    def test_changes_no_list_and_no_count(self, people: Any, page: str, asked: dict[str, str]) -> None:
        """Of somebody who may see some cases: the same page before and after another team makes one."""
        olga, cora = _signed_in(people, "olga"), _signed_in(people, "cora")
        cast.open_a_case(people, "otto")
        before, theirs = _read(olga, page, asked), _read(cora, page, asked)
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            on = clock.today("FR") - timedelta(days=8)
            recording.record_fact(case_id, content={"fact": "take-back-notified", "on": on.isoformat(), "state": "HR"})
            erasing.request_erasure(case_id, reason="person_request")
        assert _read(olga, page, asked) == before
        # Of their own team, which may see it, the same look finds a difference; nothing of it stands in the inbox yet.
        assert page in {"inbox", "team"} or asked.get("lead") or _read(cora, page, asked) != theirs

    def test_is_not_told_by_the_team_that_one_asks_for(self, people: Any) -> None:
        cast.open_a_case(people)
        olga = _signed_in(people, "olga")
        known, unknown = ((team, _read(olga, "board", {"team": str(team)})) for team in (people.north, uuid4()))
        assert known[1][:2] == unknown[1][:2]
        assert known[1][2].replace(str(known[0]), "TEAM") == unknown[1][2].replace(str(unknown[0]), "TEAM")

    @pytest.mark.django_db(transaction=True)
    def test_is_not_counted_among_what_one_has_not_read(self, people: Any, superuser: Any) -> None:
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.otto, level=Level.WORK, reason="", until=None)
            (grant,) = (one for one in grants.grants_on(case_id) if one.holder_id == people.otto)
        matrix.put_into_inbox(superuser, people.otto, case_id)
        with cast.acting(people.otto):
            assert desk.open_today().unread == 1
        with cast.acting(people.wanda):
            access.revoke(case_id=case_id, grant_id=grant.id)
        with cast.acting(people.otto):
            assert desk.open_today().unread == 0
        assert str(case_id) not in _signed_in(people, "otto").get(reverse("inbox")).content.decode()

    def test_is_not_told_by_an_emergency_that_names_an_erased_case(self, people: Any) -> None:
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            erasure_id = erasing.request_erasure(case_id, reason="person_request")
        with cast.acting(people.cora):
            reference = erasing.erasure(erasure_id).reference
            erasing.confirm_erasure(erasure_id, reference=reference)
        olga, told = _signed_in(people, "olga"), []
        for named in (reference, "2222-ZZZZ"):
            page = olga.post(reverse("emergency"), {"reference": named, "reason": "He is held at the airport now."})
            told.append((page.status_code, _words_of(page).replace(named, "REF")))
        assert told[0] == told[1]
        assert "There is no case with this reference" in told[0][1]

    def test_is_not_told_by_a_command(self, people: Any, tmp_path: Any) -> None:
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            reference = cases_read.case_for(case_id).reference
        (tmp_path / "words").write_text("synthetic passphrase 12\n")
        common = {"passphrase_file": str(tmp_path / "words"), "out": str(tmp_path / "out")}
        told = set()
        for named in (reference, "2222-ZZZZ"):
            for who in ("otto", "olga", "ada", "aud"):
                with pytest.raises(CommandError) as refused:
                    call_command("export_dossier", named, email=f"{who}@example.org", **common)
                told.add((str(refused.value), refused.value.returncode))
        assert len(told) == 1


def _signed_in(people: Any, who: str) -> Any:
    return cast.sign_in(Client(), people.user(who))


def _counted(act: Any) -> tuple[Any, int]:
    asked = 0

    def count(execute: Any, *given: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*given)

    with connection.execute_wrapper(count):
        return act(), asked


def _cost(client: Any, page: str, **given: str) -> tuple[Any, ...]:
    """Return what a form's answer tells besides the words that were typed, and how many statements it took."""
    client.get(reverse(page))  # what a first page of the session costs is not about the case
    answer, asked = _counted(lambda: client.post(reverse(page), given))
    text = _words_of(answer)
    for words in given.values():
        text = text.replace(words, "WORDS")
    return answer.status_code, asked, text


def _read(client: Any, page: str, asked: dict[str, str]) -> tuple[Any, ...]:
    client.get(reverse(page), asked)
    answer, count = _counted(lambda: client.get(reverse(page), asked))
    return answer.status_code, count, _words_of(answer)


def _words_of(answer: Any) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())


# Commands that are not run here, with the reason; each has tests of its own for what it prints.
NOT_RUN = {
    "backup": "writes encrypted files: tests/operations/test_backup.py looks for planted words in them",
    "restore": "as backup",
    "recovery": "keys alone, asked for at the keyboard: tests/operations/test_recovery.py",
    "rotate_keys": "keys alone; it would leave the other tests of this process a new one",
    "set_up": "run before there is any case",
    "seed_demo": "makes invented people, in the demo alone",
    "demo_signin": "prints one-time links, in the demo alone",
}
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "doctor": ("web", {}),
    "key_status": ("worker", {"json": True}),
    "verify_audit": ("sealer", {"json": True}),
    "audit_checkpoint": ("sealer", {"json": True}),
    "rebuild_deadlines": ("worker", {"json": True}),
    "reindex_search": ("worker", {"mode": "index", "json": True}),
    "send_reminders": ("worker", {"json": True}),
    "create_user": ("web", {"role": "lawyer", "json": True}),
    "export_dossier": ("web", {"email": "ada@example.org", "json": True}),
    "erase_case": (
        "web",
        {"asked_by": "ada@example.org", "confirmed_by": "cora@example.org", "reason": "person_request", "json": True},
    ),
}


@pytest.mark.django_db(transaction=True)
class TestAnAdministrator:
    """Permissions 7: manages accounts and keys, and meets no content of a case on any page or in any command."""

    @pytest.fixture
    def marked(self, people: Any, case_id: UUID) -> tuple[str, set[str]]:
        """A case with a mark in everything that it holds; its reference, and the words that must not be told."""
        applicant = replace(cast.a_case().applicant, name_latin="Quennelby Anna", name_original="Кеннельби Анна")
        other = cast.open_a_case(people, applicant=applicant, title=MARK)
        with cast.acting(people.wanda):
            erasing.request_erasure(other, reason="person_request", note=f"Note {MARK}")
            reference = cases_read.case_for(other).reference
        with running_as("worker"):
            reminders.plan()
            notices.dispatch()
        return reference, {MARK, "Quennelby", "Кеннельби", "Testov", "Тестов", reference}

    def test_meets_none_on_any_page(self, people: Any, marked: Any) -> None:
        ada, told = _signed_in(people, "ada"), []
        world = matrix.World.of_nothing()
        theirs = replace(world, user_id=people.wanda, team_id=people.north)
        for name, _route, gaps in matrix.patterns():
            for method in ("GET", "POST"):
                answer = matrix.ask(ada, method, name, gaps, theirs)
                text = matrix.body_of(answer).decode("utf-8", "replace") + str(dict(answer.headers))
                told += [(method, name, word) for word in marked[1] if word in text]
        assert told == []
        text = _signed_in(people, "wanda").get(reverse("case_list")).content.decode()
        assert {word for word in marked[1] if word in text} >= {"Quennelby", "Testov", marked[0]}

    def test_meets_none_in_any_command(self, people: Any, marked: Any, tmp_path: Any, capsys: Any) -> None:
        reference, words = marked
        ours = {name for name, app in get_commands().items() if str(app).startswith("casework.")}
        assert ours == set(COMMANDS) | set(NOT_RUN)
        (tmp_path / "words").write_text("synthetic passphrase 12\n")
        told = []
        for name, (role, given) in COMMANDS.items():
            arguments = {
                "create_user": ["somebody@example.org"],
                "export_dossier": [reference],
                "erase_case": [reference],
            }
            more = {"out": str(tmp_path / "out"), "passphrase_file": str(tmp_path / "words")}
            out, before = io.StringIO(), set(tmp_path.iterdir())
            with running_as(role):
                try:
                    call_command(
                        name,
                        *arguments.get(name, []),
                        stdout=out,
                        stderr=out,
                        **given,
                        **(more if name == "export_dossier" else {}),
                    )
                except (CommandError, SystemExit) as error:
                    out.write(str(error))
            shown = capsys.readouterr()
            text = out.getvalue() + shown.out + shown.err
            told += [(name, word) for word in words if word in text]
            told += [(name, str(path)) for path in set(tmp_path.iterdir()) - before]
        assert told == []
