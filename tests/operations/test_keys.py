"""Rotation with real processes: killed, doubled, and while people work (security design, invariants 14 and 15)."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from casework.access import services as access
from casework.access.types import Level
from casework.audit import selectors as audit_selectors
from casework.audit import verify
from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.types import CaseFilter
from casework.core import work
from casework.core.errors import NotFound
from casework.crypto import services as crypto
from casework.crypto.types import KeyUnavailable, StaleKeys
from casework.documents import services as documents
from casework.procedure import services as procedure
from tests import cast
from tests.conftest import ROOT, manage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    """Each test has a database of its own: what this process knows of the keys of another is of no use."""
    crypto.forget_process_keys()
    yield
    crypto.forget_process_keys()


def _rotate(*arguments: str, code: int = 0) -> Any:
    done = manage("rotate_keys", "--json", *arguments)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def _status(*arguments: str, code: int = 0) -> Any:
    done = manage("key_status", "--json", *arguments)
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)


def _started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CASEWORK_ROLE": "owner"},
    )


def _many_scopes(how_many: int) -> None:
    """Make keys of imports, as many as a rotation needs to last: with real wraps, in few statements."""
    from casework.crypto import envelope, keyring
    from casework.crypto.models import KeyScope, KeyWrap

    kek = crypto._newest_kek()
    made = [keyring.ScopeKeys(uuid4(), 1, keyring.new_key()) for _ in range(how_many)]
    with work.acting(work.system_actor()):
        KeyScope.objects.bulk_create(
            KeyScope(
                scope=keys.scope,
                generation=1,
                kind="import",
                commit=keyring.commitment(keys.reveal_for_wrapping(), keys.scope, 1),
            )
            for keys in made
        )
        KeyWrap.objects.bulk_create(
            KeyWrap(
                scope=keys.scope,
                generation=1,
                recipient_kind=1,
                recipient_id=crypto._NOBODY,
                key_version=kek.version,
                blob=envelope.wrap_scope_to_kek(keys, kek),
            )
            for keys in made
        )


def _left(superuser: Any, version: int) -> int:
    return int(
        superuser.execute(
            "SELECT count(*) FROM crypto_keywrap WHERE recipient_kind = 1 AND key_version < %s", [version]
        ).fetchone()[0]
    )


class TestRotation:
    """The wrapping key."""

    def test_wraps_every_key_again_and_retires_the_old_version(self, people, superuser):
        case_id = cast.open_a_case(people)
        done = _rotate()
        assert (done["wrapping_key"], done["retired"], done["failed"], done["resumed"]) == (2, [1], 0, False)
        assert done["rewrapped"] >= 2
        assert superuser.execute("SELECT version, state FROM crypto_kek ORDER BY 1").fetchall() == [
            (1, "retired"),
            (2, "active"),
        ]
        assert _left(superuser, 2) == 0
        found = _status("--verify")
        assert found["ok"]
        assert found["checked"] == found["opened"] == sum(version["wraps"] for version in found["versions"])
        with cast.acting(people.wanda):
            assert case_services.open_case(case_id).title == "Synthetic title"

    def test_leaves_the_old_version_where_a_wrap_does_not_open(self, people, superuser):
        case_id = cast.open_a_case(people)
        superuser.execute(
            "UPDATE crypto_keywrap SET blob = set_byte(blob, 67, get_byte(blob, 67) # 1) WHERE scope = %s", [case_id]
        )
        done = _rotate(code=1)
        assert (done["failed"], done["needed"], done["retired"]) == (1, [1], [])
        found = _status("--verify", code=1)
        assert any("1 of" in text for text in found["findings"])
        assert found["versions"][0]["wraps"] == 1

    def test_takes_the_wrap_of_an_erased_case_away(self, people, superuser):
        case_id = cast.open_a_case(people)
        superuser.execute("UPDATE crypto_keyscope SET state = 'erased' WHERE id = %s", [case_id])
        assert any("erased" in text for text in _status(code=1)["findings"])
        assert _rotate()["removed"] == 1
        assert _status("--verify")["erased"] == 1

    def test_destroys_a_version_two_weeks_after_it_was_retired(self, people, superuser):
        _rotate()
        assert _rotate()["destroyed"] == []
        superuser.execute("UPDATE crypto_kek SET retired_at = retired_at - interval '15 days' WHERE version = 1")
        assert _rotate("--finish")["values"] == 0
        assert _rotate()["destroyed"] == [1]
        assert _status("--verify")["ok"]

    def test_stands_in_the_trail(self, people, superuser):
        _rotate()
        codes = superuser.execute("SELECT action FROM audit_entry WHERE action IN (1300, 1301)").fetchall()
        assert {code for (code,) in codes} == {1300, 1301}
        assert json.loads(manage("verify_audit", "--json").stdout)["ok"]

    def test_with_a_wrong_root_key_begins_nothing(self, people, superuser, tmp_path):
        from casework.crypto.keyring import generate_root_key_file

        generate_root_key_file(tmp_path / "other")
        for key in ("missing", "other"):
            done = manage("rotate_keys", CASEWORK_ROOT_KEY_FILE=str(tmp_path / key))
            assert (done.returncode, "root key" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
            done = manage("key_status", CASEWORK_ROOT_KEY_FILE=str(tmp_path / key))
            assert (done.returncode, "does not open wrapping key version 1" in done.stdout) == (1, True), done.stderr
        assert superuser.execute("SELECT count(*) FROM crypto_kek").fetchone() == (1,)

    def test_is_asked_with_sense(self):
        assert manage("rotate_keys", "--batch", "0").returncode == 2
        assert manage("rotate_keys", "--case", "ZZZZ-ZZZZ").returncode == 2
        assert manage("rotate_keys", "--case", "ZZZZ-ZZZZ", "--finish").returncode == 2


class TestRotationKilled:
    """14: KEK rotation killed at any batch resumes and ends with 0 old wraps; reads succeed all through."""

    def test_goes_on_where_it_stopped_and_loses_nothing(self, people, superuser):
        case_id = cast.open_a_case(people)
        _many_scopes(3_000)
        total = superuser.execute("SELECT count(*) FROM crypto_keywrap").fetchone()[0]
        left = [total]
        for _ in range(10):
            running = _started("rotate_keys", "--batch", "2")
            assert "wrapping key version 2" in running.stderr.readline()
            started = _left(superuser, 2)
            while running.poll() is None and _left(superuser, 2) > started - 40:
                time.sleep(0.01)
            os.kill(running.pid, signal.SIGKILL)
            assert running.wait() == -signal.SIGKILL
            running.stderr.close()
            running.stdout.close()
            left.append(_left(superuser, 2))
            with cast.acting(people.wanda):
                assert case_services.open_case(case_id).title == "Synthetic title"
        assert all(after < before for before, after in itertools.pairwise(left))
        assert left[-1] > 0
        assert not _status(code=1)["ok"]
        done = _rotate("--finish")
        assert (done["resumed"], done["wrapping_key"], done["retired"], done["failed"]) == (True, 2, [1], 0)
        assert done["rewrapped"] == left[-1]
        found = _status("--verify")
        assert found["opened"] == found["checked"] == total
        assert _left(superuser, 2) == 0


def _until_waiting(superuser, number):
    for _ in range(300):
        superuser.execute("SELECT pg_stat_clear_snapshot()")
        waiting = superuser.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
        if waiting[0] >= number:
            return
        time.sleep(0.1)
    pytest.fail("the rotations did not come to wait")


class TestRotationsTogether:
    def test_share_the_work(self, people, superuser):
        _many_scopes(4_000)
        total = superuser.execute("SELECT count(*) FROM crypto_keywrap").fetchone()[0]
        with superuser.transaction():
            # Neither begins before both are there.
            superuser.execute("LOCK TABLE crypto_keywrap IN EXCLUSIVE MODE")
            running = [_started("rotate_keys", "--json", "--batch", "20") for _ in range(2)]
            _until_waiting(superuser, len(running))
        said = [json.loads(process.communicate()[0]) for process in running]
        assert [process.returncode for process in running] == [0, 0]
        if {one["wrapping_key"] for one in said} == {2}:
            assert sum(one["rewrapped"] for one in said) == total
            assert all(one["rewrapped"] for one in said)
        assert (
            max(one["wrapping_key"] for one in said)
            == superuser.execute("SELECT max(version) FROM crypto_kek WHERE state = 'active'").fetchone()[0]
        )
        assert superuser.execute("SELECT count(*) FROM crypto_kek WHERE state = 'active'").fetchone() == (1,)
        found = _status("--verify")
        assert found["opened"] == found["checked"] == total


class TestPeopleAtWork:
    """Reads and writes go on while keys are wrapped again; nothing that was written then is lost."""

    WRITER = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from tests import cast
from casework.cases import services as cases
people = cast.meet()
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        assert cases.open_case(case_id).title == "Synthetic title"
    print(case_id, flush=True)
"""

    @contextmanager
    def writing(self, stop: Any) -> Iterator[subprocess.Popen[str]]:
        writer = subprocess.Popen(
            [sys.executable, "-c", self.WRITER, str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert writer.stdout.readline() == "ready\n"
        yield writer

    def test_make_and_read_cases_through_three_rotations(self, people, superuser, tmp_path):
        _many_scopes(1_000)
        stop = tmp_path / "stop"
        with self.writing(stop) as writer:
            made = [writer.stdout.readline().strip()]
            for version in (2, 3, 4):
                done = _rotate("--batch", "50")
                assert (done["wrapping_key"], done["failed"], done["needed"]) == (version, 0, [])
                made.append(writer.stdout.readline().strip())
            stop.touch()
            rest, errors = writer.communicate()
        assert writer.returncode == 0, errors
        ids = [line for line in [*made, *rest.split()] if line]
        assert len(ids) >= 5
        # The writer held version 1 when it was retired, and took the newest instead of failing.
        assert _left(superuser, 4) == 0
        assert _status("--verify")["ok"]
        with cast.acting(people.wanda):
            assert {case_services.open_case(UUID(case_id)).title for case_id in ids} == {"Synthetic title"}

    def test_that_write_under_a_version_hold_up_its_retirement(self, people, superuser, as_role):
        """A wrap written under the old version and not committed yet is waited for, and wrapped again."""
        from casework.crypto import envelope, keyring

        kek, scope = crypto._newest_kek(), uuid4()
        keys = keyring.ScopeKeys(scope, 1, keyring.new_key())
        commit = keyring.commitment(keys.reveal_for_wrapping(), scope, 1)
        web = as_role("web")
        held, finished = web.transaction(), []
        held.__enter__()
        web.execute(
            "INSERT INTO crypto_keyscope (id, generation, kind, commit, state) VALUES (%s, 1, 'import', %s, 'live')",
            [scope, commit],
        )
        web.execute(
            "INSERT INTO crypto_keywrap (id, scope, generation, recipient_kind, recipient_id, key_version, blob)"
            " VALUES (gen_random_uuid(), %s, 1, 1, %s, %s, %s)",
            [scope, crypto._NOBODY, kek.version, envelope.wrap_scope_to_kek(keys, kek)],
        )
        rotation = threading.Thread(target=lambda: finished.append(_rotate()))
        rotation.start()
        deadline = time.monotonic() + 60
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cw_owner' AND wait_event_type = 'Lock'"
        while superuser.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        held.__exit__(None, None, None)
        rotation.join()
        assert (finished[0]["retired"], finished[0]["needed"]) == ([1], [])
        assert _left(superuser, 2) == 0
        assert crypto.rings_of([scope])[scope].newest == keys

    def test_cannot_write_under_a_retired_version(self, people, superuser, as_role):
        import psycopg

        _rotate()
        web, scope = as_role("web"), uuid4()
        with web.transaction(force_rollback=True):
            web.execute(
                'INSERT INTO crypto_keyscope (id, generation, kind, "commit", state)'
                " VALUES (%s, 1, 'import', '', 'live')",
                [scope],
            )
            with pytest.raises(psycopg.errors.CheckViolation, match="takes no wrap"):
                web.execute(
                    "INSERT INTO crypto_keywrap"
                    " (id, scope, generation, recipient_kind, recipient_id, key_version, blob)"
                    " VALUES (gen_random_uuid(), %s, 1, 1, gen_random_uuid(), 1, '')",
                    [scope],
                )


def _generations(superuser: Any, case_id: Any) -> dict[str, set[int]]:
    """Return, by column, the generations that the values of a case's rows lie under, history and file keys included."""
    found: dict[str, set[int]] = {}
    columns = superuser.execute(
        "SELECT c.table_name, c.column_name, CASE WHEN EXISTS (SELECT 1 FROM information_schema.columns o"
        " WHERE o.table_name = c.table_name AND o.column_name = 'case_id') THEN 'case_id'"
        " WHEN c.table_name LIKE 'cases_case%grant' THEN 'content_object_id' ELSE 'id' END"
        " FROM information_schema.columns c WHERE c.table_schema = 'public' AND c.table_name NOT LIKE 'sealed_app%'"
        " AND (c.column_name LIKE '%\\_sealed' OR c.column_name = 'file_key')"
    ).fetchall()
    assert len(columns) > 30
    for table, column, scope in columns:
        rows = superuser.execute(
            f"SELECT DISTINCT get_byte({column}, 7) FROM {table} WHERE {scope} = %s", [case_id]
        ).fetchall()
        if rows:
            found[f"{table}.{column}"] = {number for (number,) in rows}
    return found


def _full_case(people: Any) -> tuple[UUID, str, UUID]:
    """Make a case with history, a fact, a grant with its reason, and a document; return case, reference, document."""
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        view = case_services.open_case(case_id)
        case_services.update_case(case_id, given=cast.a_case(title="Second title"), version=view.version)
        procedure.record_fact(case_id, content={"fact": "application-registered", "on": "2026-09-01", "state": "FR"})
        access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="synthetic reason")
        content = b"%PDF-1.7 synthetic " * 5_000
        upload = documents.seal_bytes(case_id, name="synthetic.pdf", content=content)
        document = documents.add_document(case_id, upload=upload, title="Exhibit", kind="evidence")
        return case_id, cases.case_for(case_id).reference, document


class TestKeyOfOneCase:
    def test_is_renewed_and_everything_sealed_anew_under_it(self, people, superuser):
        case_id, reference, document = _full_case(people)
        other = cast.open_a_case(people)
        assert set().union(*_generations(superuser, case_id).values()) == {1}
        objects = {path: path.read_bytes() for path in _objects()}
        done = _rotate("--case", reference)
        assert (done["generation"], done["failed"]) == (2, 0)
        assert done["file_keys"] == 2  # the row's and its history's
        found = _generations(superuser, case_id)
        assert len(found) > 30
        assert set().union(*found.values()) == {2}
        assert set().union(*_generations(superuser, other).values()) == {1}
        assert {path: path.read_bytes() for path in _objects()} == objects
        states = "SELECT generation, state FROM crypto_keyscope WHERE id = %s ORDER BY 1"
        assert superuser.execute(states, [case_id]).fetchall() == [(1, "retired"), (2, "live")]
        with cast.acting(people.wanda):
            assert case_services.open_case(case_id).title == "Second title"
            assert b"".join(documents.open_document(case_id, document).chunks).startswith(b"%PDF-1.7 synthetic")
        with cast.acting(people.lev):
            assert cases.case_for(case_id).reference == reference

    def test_keeps_history_and_trail_readable_and_vouched_for(self, people, superuser):
        """9: a history row decrypts to the value at that time, and only with the same scope key."""
        from casework.cases.models import Case

        case_id, reference, _document = _full_case(people)
        same = (
            "SELECT count(*) FROM cases_case c JOIN cases_historicalcase h ON h.id = c.id"
            " AND h.title_sealed = c.title_sealed WHERE c.id = %s"
        )
        before = superuser.execute(same, [case_id]).fetchone()
        history = superuser.execute("SELECT count(*) FROM cases_historicalcase").fetchone()
        _rotate("--case", reference)
        assert superuser.execute(same, [case_id]).fetchone() == before
        assert superuser.execute("SELECT count(*) FROM cases_historicalcase").fetchone() == history
        with cast.acting(people.wanda):
            row = Case.objects.get(pk=case_id)
            assert verify.row_is_current(row, stream=case_id)
            titles = [version.title for version in Case.history.filter(id=case_id).order_by("history_date")]
            assert (titles[0], titles[-1]) == ("Synthetic title", "Second title")
            entries = audit_selectors.entries_of_case(case_id)
            assert any(entry.particulars for entry in entries)
            assert all(entry.particulars is not None for entry in entries)
        assert json.loads(manage("verify_audit", "--json").stdout)["ok"]

    def test_goes_on_after_kill_9(self, people, superuser):
        case_id, reference, _document = _full_case(people)
        with cast.acting(people.wanda):
            for number in range(20):
                view = case_services.open_case(case_id)
                case_services.update_case(case_id, given=cast.a_case(title=f"Title {number}"), version=view.version)
        running = _started("rotate_keys", "--case", reference)
        while (
            running.poll() is None
            and not superuser.execute(
                "SELECT 1 FROM crypto_keyscope WHERE id = %s AND generation = 2", [case_id]
            ).fetchone()
        ):
            time.sleep(0.005)
        running.kill()
        running.communicate()
        done = _rotate("--case", reference)
        assert done["generation"] == 2
        assert set().union(*_generations(superuser, case_id).values()) == {2}
        with cast.acting(people.wanda):
            assert case_services.open_case(case_id).title == "Title 19"

    def test_renewed_by_a_service_is_used_at_once_and_finished_by_the_next_run(self, people, superuser):
        """What revoking an access for cause calls, as the web role."""
        case_id, _reference, _document = _full_case(people)
        with cast.acting(people.wanda):
            assert crypto.renew_scope(case_id) == 2
        with cast.acting(people.wanda):
            view = case_services.open_case(case_id)
            assert view.title == "Second title"
            case_services.update_case(case_id, given=cast.a_case(title="Third title"), version=view.version)
        assert _generations(superuser, case_id)["cases_case.title_sealed"] == {2}
        assert 1 in set().union(*_generations(superuser, case_id).values())
        assert _status()["renewed"] == 1
        assert _rotate("--finish")["cases"] == 1
        assert set().union(*_generations(superuser, case_id).values()) == {2}
        assert _status("--verify")["renewed"] == 0

    def test_is_not_renewed_by_somebody_without_a_grant(self, people, superuser):
        case_id = cast.open_a_case(people)
        with pytest.raises((NotFound, KeyUnavailable)), cast.acting(people.otto):
            crypto.renew_scope(case_id)
        assert superuser.execute("SELECT max(generation) FROM crypto_keyscope WHERE id = %s", [case_id]).fetchone() == (
            1,
        )

    def test_leaves_a_changed_value_and_says_so(self, people, superuser):
        case_id, reference, _document = _full_case(people)
        superuser.execute(
            "UPDATE cases_case SET title_sealed = set_byte(title_sealed, 30, get_byte(title_sealed, 30) # 1)"
            " WHERE id = %s",
            [case_id],
        )
        done = _rotate("--case", reference, code=1)
        assert done["failed"] == 1
        found = _generations(superuser, case_id)
        assert found["cases_case.title_sealed"] == {1}
        assert found["cases_case.summary_sealed"] == {1}  # who sealed the rest anew would vouch for the row as it is
        states = "SELECT state FROM crypto_keyscope WHERE id = %s AND generation = 1"
        assert superuser.execute(states, [case_id]).fetchone() == ("live",)


class TestWritersDuringRenewal:
    """15: writers during DEK rotation never produce a value on a retired generation."""

    def test_that_began_before_and_end_after_are_refused_and_succeed_again(self, people, superuser):
        case_id, reference, _document = _full_case(people)

        def add_a_document() -> UUID:
            upload = documents.seal_bytes(case_id, name="late.pdf", content=b"%PDF-1.7 late")
            return documents.add_document(case_id, upload=upload, title="Late", kind="evidence")

        def renewed_elsewhere() -> None:
            done.append(_rotate("--case", reference))

        done: list[Any] = []
        with pytest.raises(StaleKeys), cast.acting(people.wanda):
            crypto.keys_for(case_id)  # read, with a writer's keys, before the renewal
            elsewhere = threading.Thread(target=renewed_elsewhere)
            elsewhere.start()
            elsewhere.join()
            add_a_document()
        assert done[0]["generation"] == 2
        with cast.acting(people.wanda):
            add_a_document()
        assert set().union(*_generations(superuser, case_id).values()) == {2}

    def test_that_commit_in_the_meantime_are_waited_for(self, people, superuser):
        """A writer that has passed its last look holds the lock of the case until its rows stand."""
        case_id, reference, _document = _full_case(people)
        done: list[Any] = []
        locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with cast.acting(people.wanda):
            upload = documents.seal_bytes(case_id, name="late.pdf", content=b"%PDF-1.7 late")
            documents.add_document(case_id, upload=upload, title="Late", kind="evidence")
            crypto.confirm_stored()
            elsewhere = threading.Thread(target=lambda: done.append(_rotate("--case", reference)))
            elsewhere.start()
            deadline = time.monotonic() + 60
            while superuser.execute(locked).fetchone() == (0,):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        elsewhere.join()
        assert done[0]["generation"] == 2
        assert set().union(*_generations(superuser, case_id).values()) == {2}

    def test_go_on_and_leave_nothing_behind(self, people, superuser, tmp_path):
        case_id, reference, _document = _full_case(people)
        stop = tmp_path / "stop"
        writer = subprocess.Popen(
            [sys.executable, "-c", self.WRITER, str(stop), str(case_id)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert writer.stdout.readline() == "ready\n"
        for generation in (2, 3, 4):
            assert _rotate("--case", reference)["generation"] == generation
        stop.touch()
        out, errors = writer.communicate()
        assert writer.returncode == 0, errors
        assert int(out) > 3
        _rotate("--finish")
        found = _generations(superuser, case_id)
        assert set().union(*found.values()) == {4}
        with cast.acting(people.wanda):
            assert case_services.open_case(case_id).title == f"Title {int(out) - 1}"

    WRITER = """
import os, sys, uuid
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from tests import cast
from casework.cases import services as cases
from casework.crypto.types import StaleKeys
people, case_id, number = cast.meet(), uuid.UUID(sys.argv[2]), 0
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    try:
        with cast.acting(people.wanda):
            view = cases.open_case(case_id)
            cases.update_case(case_id, given=cast.a_case(title=f"Title {number}"), version=view.version)
    except StaleKeys:
        continue
    number += 1
print(number)
"""


class TestEpochsOfMacs:
    """A new generation of the installation's key locks nobody out and makes nothing forged."""

    def test_keep_grants_memberships_and_trail_right(self, people, superuser):
        case_id = cast.open_a_case(people)
        old = superuser.execute("SELECT count(*) FROM cases_caseusergrant").fetchone()
        assert _rotate("--installation") == {"installation": 2}
        crypto.forget_process_keys()
        with cast.acting(people.wanda):
            assert case_services.open_case(case_id).title == "Synthetic title"
        second = cast.open_a_case(people)
        assert superuser.execute("SELECT count(*) FROM cases_caseusergrant").fetchone() > old
        with cast.acting(people.cora):
            assert {row.id for row in cases.page_of_cases(CaseFilter()).rows} == {case_id, second}
        report = json.loads(manage("verify_audit", "--json").stdout)
        assert (report["ok"], report["wrong"]) == (True, 0)

    def test_are_recognised_by_a_process_that_read_its_keys_before(self, people, superuser):
        """Another process begins an epoch and gives a grant under it; this one knows the old epoch alone."""
        with cast.acting(people.wanda):
            assert len(crypto.grant_mac_keys()) == 1
        _rotate("--installation")
        made = subprocess.run(
            [sys.executable, "-c", self.MAKER], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.strip()
        assert len(crypto.grant_mac_keys()) == 1
        with cast.acting(people.wanda):
            assert case_services.open_case(UUID(made)).title == "Synthetic title"
        assert len(crypto.grant_mac_keys()) == 2

    def test_do_not_help_a_forger(self, people, superuser):
        case_id = cast.open_a_case(people)
        _rotate("--installation")
        superuser.execute("UPDATE cases_caseusergrant SET mac = decode(repeat('07', 16), 'hex')")
        superuser.execute("UPDATE cases_casegroupgrant SET mac = decode(repeat('07', 16), 'hex')")
        with pytest.raises(NotFound), cast.acting(people.wanda):
            case_services.open_case(case_id)

    MAKER = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
django.setup()
from tests import cast
print(cast.open_a_case(cast.meet()))
"""


def _objects() -> list[Path]:
    return [path for path in Path(settings.CASEWORK_FILES_DIR, "objects").rglob("*") if path.is_file()]
