"""Backups: one moment, two sets, nothing readable; restored whole or not at all (security design, section 4)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from casework.audit import actions
from casework.cases import erasing
from casework.cases import services as cases
from casework.core import clock, work
from casework.core.errors import NotFound
from casework.crypto import recovery
from casework.crypto import services as crypto
from casework.crypto.keyring import JoinedRoot, new_key
from casework.documents import services as documents
from casework.documents import storage
from casework.notices.models import Heartbeat
from casework.operations import backup_sets as sets
from casework.operations import backups, clients, health, keys, restoring
from casework.operations.backup_sets import BadBackup
from casework.operations.backups import BackupFailed
from casework.operations.clients import ClientError
from casework.operations.restoring import NotEmpty, RestoreFailed
from casework.printing import streams
from casework.procedure import services as procedure
from tests import cast
from tests.conftest import ROOT, manage, running_as

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = "planted-words-of-a-document"
SUMMARY = "planted-words-of-a-summary"
CONTENT = f"{WORDS} ".encode() * 8_000
RESTORED = "casework_restored"


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    """Each test has a database of its own: what this process knows of the keys of another is of no use."""
    crypto.forget_process_keys()
    yield
    crypto.forget_process_keys()


@pytest.fixture
def made(people: Any) -> UUID:
    """A case with a fact, a change of itself, and a document, made through the services."""
    return _made(people)


def _made(people: Any, who: str = "wanda") -> UUID:
    case_id = cast.open_a_case(people, who, summary=SUMMARY)
    with cast.acting(getattr(people, who)):
        procedure.record_fact(case_id, content={"fact": "application-registered", "on": "2026-09-01", "state": "FR"})
        upload = documents.seal_bytes(case_id, name="proof.txt", content=CONTENT)
        documents.add_document(case_id, upload=upload, title="Synthetic proof", kind="other")
    with cast.acting(getattr(people, who)):
        version = cases.open_case(case_id).version
        cases.update_case(case_id, given=cast.a_case(summary=SUMMARY, title="Synthetic, changed"), version=version)
    return case_id


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def target(superuser: psycopg.Connection[Any], engines: Any, tmp_path: Path) -> Iterator[_Target]:
    """An empty database with the rights of a new one, and an empty folder."""
    superuser.execute(f"CREATE DATABASE {RESTORED} OWNER cw_owner")
    yield _Target(engines, tmp_path / "restored-files")
    superuser.execute(f"DROP DATABASE {RESTORED} WITH (FORCE)")


class _Target:
    def __init__(self, engines: Any, files: Path) -> None:
        self._engines, self.files = engines, files

    def url(self, role: str) -> str:
        url: str = self._engines.database_url(role, database=RESTORED)
        return url

    def restore(self, place: Path, *, data: str = "") -> restoring.Restored:
        identity = recovery.backup_identity(crypto.root())
        return restoring.restore_into(self.url("owner"), self.files, place, identity, data=data, keeps=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_OWNER_URL": self.url("owner"), "CASEWORK_FILES_DIR": str(self.files)}

    @contextmanager
    def entered(self, role: str = "web") -> Iterator[None]:
        with restoring.connected_to(self.url(role), self.files):
            yield

    def tables(self) -> list[str]:
        with psycopg.connect(self.url("super")) as plain:
            return backups.tables(plain)

    def is_empty(self) -> bool:
        return self.tables() == [] and not [path for path in self.files.rglob("*") if path.is_file()]


def _backup(place: Path) -> backups.Made:
    with running_as("worker"):
        return backups.make(place)


def _rows(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with psycopg.connect(url) as plain:
        return {
            name: [
                row
                for (row,) in plain.execute(sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(name)))
            ]
            for name in backups.tables(plain)
        }


def _opened(place: Path, kind: sets.Kind, part: str) -> bytes:
    class Sink:
        data = b""

        def write(self, data: bytes, /) -> None:
            self.data += data

    sink = Sink()
    one = sets.newest(place, kind)
    with (one.folder / part).open("rb") as source:
        streams.decrypt_stream(source, sink, identity=recovery.backup_identity(crypto.root()))
    return sink.data


def _dumped(place: Path, tmp_path: Path) -> bytes:
    """The dump of the newest data set as SQL, with bytes as hexadecimal digits."""
    dump = tmp_path / "opened.dump"
    dump.write_bytes(_opened(place, "data", sets.DATABASE))
    return subprocess.run(
        [clients.find(180000).pg_restore, "--file=-", str(dump)], check=True, capture_output=True
    ).stdout


def _document(case_id: UUID, people: Any) -> bytes:
    with connection.cursor() as cursor, cast.acting(people.wanda):
        cursor.execute("SELECT id FROM documents_document WHERE case_id = %s", [case_id])
        return b"".join(documents.open_document(case_id, cursor.fetchone()[0]).chunks)


def _erase(case_id: UUID) -> None:
    """Destroy the key of a case as its erasure does, and its rows."""
    with running_as("owner"), work.acting(work.system_actor()), connection.cursor() as cursor:
        cursor.execute("SELECT cw_erase_again(%s)", [case_id])


class TestRoundTrip:
    """Everything that was there at one moment is there again, and opens."""

    def test_gives_back_every_row_every_file_and_the_trail(self, people, made, place, target, engines):
        before = _rows(engines.database_url("super"))
        done = manage("backup", str(place), "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["files"], said["copied"], said["warnings"]) == (1, 1, [])
        done = manage("restore", str(place), "--json", **target.environment)
        assert done.returncode == 0, done.stderr + done.stdout
        restored = json.loads(done.stdout)
        assert (restored["ok"], restored["closed"], restored["erased"]) == (True, [], [])
        kinds = {kind.removesuffix(" under wrapping key 1") for kind in restored["opened"]}
        assert kinds == {"keys", "values", "earlier values", "keys of files", "files", "particulars of the trail"}

        after = _rows(target.url("super"))
        assert set(after) == set(before)
        own = {"audit_entry", "audit_head"}  # the restore is on record
        short = {"django_session", "accounts_demolink"}
        assert {name: rows for name, rows in after.items() if name not in own | short} == {
            name: rows for name, rows in before.items() if name not in own | short
        }
        assert not any(after[name] for name in short)
        assert set(before["audit_entry"]) < set(after["audit_entry"])
        assert len(after["audit_entry"]) == len(before["audit_entry"]) + 1

        with target.entered():
            with cast.acting(people.wanda):
                assert cases.open_case(made).summary == SUMMARY
            assert _document(made, people) == CONTENT
        verified = manage("verify_audit", DATABASE_SEALER_URL=target.url("sealer"))
        assert verified.returncode == 0, verified.stdout
        walls = _walls(target.url("super"))
        assert walls == _walls(engines.database_url("super"))
        assert walls["cases_case"] == (True, True)

    def test_is_in_the_trail_of_both(self, made, place, target, superuser):
        _backup(place)
        target.restore(place)
        code = actions.action_named("backup.made").code
        assert superuser.execute("SELECT count(*) FROM audit_entry WHERE action = %s", [code]).fetchone() == (1,)
        with psycopg.connect(target.url("super")) as there:
            code = actions.action_named("backup.restored").code
            assert there.execute("SELECT count(*) FROM audit_entry WHERE action = %s", [code]).fetchone() == (1,)

    def test_refuses_a_system_that_has_something_already(self, made, place, target):
        _backup(place)
        refused = manage("restore", str(place))
        assert (refused.returncode, "left alone" in refused.stderr) == (2, True)
        target.files.mkdir()
        with target.entered():
            path = target.files / "made"
            path.write_bytes(b"x")
            storage.put(path, made)
        with pytest.raises(NotEmpty, match="files"):
            target.restore(place)
        assert target.tables() == []
        assert storage.exists(next(iter(_objects(place))))

    def test_opens_older_data_with_the_keys_of_a_later_rotation(self, people, made, place, target):
        old = _backup(place).stamp
        with running_as("owner"):
            keys.renew_case_key(made, progress=lambda _done: None)
            keys.rotate_wrapping_key(batch=100, began=lambda _r: None, progress=lambda _d: None)
        crypto.forget_process_keys()
        _backup(place)
        restored = target.restore(place, data=old)
        assert (restored.data, restored.findings, restored.wrapping_keys) == (old, (), (1, 2))
        with target.entered():
            with cast.acting(people.wanda):
                assert cases.open_case(made).summary == SUMMARY
            assert _document(made, people) == CONTENT
        # What the old data hold lies under the first generation, which the newest keys know as retired.
        with target.entered("owner"):
            keys.finish_case_key(made, progress=lambda _done: None)
        with target.entered(), cast.acting(people.wanda):
            assert cases.open_case(made).summary == SUMMARY

    def test_takes_keys_that_were_saved_before_an_update_of_the_tables(self, made, place, target, monkeypatch):
        rows = "SELECT to_jsonb(s) - 'sealed' AS row FROM crypto_keyscope s"
        monkeypatch.setitem(backups._KEY_ROWS, "crypto_keyscope", rows)
        _backup(place)
        assert b"sealed" not in _opened(place, "keys", sets.KEYS)
        assert target.restore(place).findings == ()


def _walls(url: str) -> dict[str, tuple[bool, bool]]:
    with psycopg.connect(url) as plain:
        query = "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind = 'r'"
        return {name: (on, forced) for name, on, forced in plain.execute(query)}


def _objects(place: Path) -> list[UUID]:
    return [object_id for _path, object_id in sets.all_in_pool(place) if object_id is not None]


class TestInvariant13:
    """A data backup contains no wrap; a backup of wraps contains no value."""

    def test_holds_of_both_sets(self, made, place, tmp_path, superuser):
        _backup(place)
        data = _dumped(place, tmp_path)
        wraps = superuser.execute("SELECT blob FROM crypto_keywrap UNION ALL SELECT blob FROM crypto_kek").fetchall()
        assert len(wraps) > 5
        assert [blob for (blob,) in wraps if bytes(blob).hex().encode() in data or bytes(blob) in data] == []
        values = superuser.execute("SELECT summary_sealed FROM cases_case UNION SELECT search_sealed FROM cases_case")
        sealed = [bytes(blob) for (blob,) in values.fetchall()]
        assert sealed
        assert all(blob.hex().encode() in data for blob in sealed)  # the search can find what is there
        key_set = _opened(place, "keys", sets.KEYS)
        assert all(bytes(blob).hex().encode() in key_set for (blob,) in wraps)
        columns = superuser.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE column_name LIKE '%\\_sealed'"
            " OR column_name = 'file_key' OR (table_name, column_name) = ('audit_entry', 'body')"
        ).fetchall()
        for table, column in columns:
            rows = superuser.execute(
                sql.SQL("SELECT DISTINCT {} FROM {}").format(sql.Identifier(column), sql.Identifier(table))
            ).fetchall()
            assert not any(blob and bytes(blob).hex().encode() in key_set for (blob,) in rows), (table, column)

    def test_and_nothing_is_readable_in_the_folder(self, made, place):
        _backup(place)
        secrets = [WORDS, SUMMARY, "Тестов", "Testov", "wanda@example.org", "proof.txt", "Synthetic proof", str(made)]
        forms = [form for word in secrets for form in _forms(word)]
        files = [path for path in place.rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {sets.DATABASE, sets.CONTENTS, sets.KEYS, sets.MANIFEST}
        for path in files:
            content = path.read_bytes()
            assert not [form for form in forms if form in content], path.name
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        folders = [path for path in [place, *place.rglob("*")] if path.is_dir()]
        assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def _forms(word: str) -> list[bytes]:
    plain = word.encode()
    return [plain, word.encode("utf-16-le"), plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")[:-1]]


class TestInvariant12:
    """Restoring a data backup from before an erasure with the newest keys does not bring the case back."""

    def test_holds_for_rows_files_and_keys(self, people, made, place, target, superuser):
        other = _made(people)
        old = _backup(place).stamp
        pooled = set(_objects(place))
        assert len(pooled) == 2
        (erased_file,) = superuser.execute(
            "SELECT object_id FROM documents_document WHERE case_id = %s", [made]
        ).fetchone() or (None,)
        with cast.acting(people.wanda):
            erasure = cases.request_erasure(made, reason="person_request")
        with cast.acting(people.cora):
            reference = superuser.execute("SELECT reference FROM cases_case WHERE id = %s", [made]).fetchone()[0]
            cases.confirm_erasure(erasure, reference=reference)
        assert _backup(place).removed_files == 1
        assert set(_objects(place)) == pooled - {erased_file}

        restored = target.restore(place, data=old)
        assert (restored.data, restored.erased, restored.files, restored.findings) == (old, (made,), 1, ())
        with psycopg.connect(target.url("super")) as there:
            assert there.execute("SELECT DISTINCT state FROM crypto_keyscope WHERE id = %s", [made]).fetchall() == [
                ("erased",)
            ]
            assert there.execute("SELECT 1 FROM crypto_keywrap WHERE scope = %s", [made]).fetchall() == []
            for table in backups.tables(there):
                columns = there.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attname IN ('id', 'case_id')",
                    [table],
                ).fetchall()
                if table in {"audit_entry", "cases_erasure", "crypto_keyscope"}:
                    continue
                for (column,) in columns:
                    query = sql.SQL("SELECT 1 FROM {} WHERE {}::text = %s").format(
                        sql.Identifier(table), sql.Identifier(column)
                    )
                    assert there.execute(query, [str(made)]).fetchall() == [], table
            code = actions.action_named("case.erased").code
            assert there.execute(
                "SELECT 1 FROM audit_entry WHERE stream = %s AND action = %s", [made, code]
            ).fetchall() == [(1,)]
        with target.entered():
            with cast.acting(people.wanda), pytest.raises(NotFound):
                cases.open_case(made)
            with cast.acting(people.wanda):
                assert cases.open_case(other).summary == SUMMARY
                assert [view.state for view in erasing.erasures()] == ["erased"]
        assert manage("verify_audit", DATABASE_SEALER_URL=target.url("sealer")).returncode == 0

    def test_stays_so_in_a_backup_of_what_was_restored(self, made, place, target):
        old = _backup(place).stamp
        _erase(made)
        _backup(place)
        target.restore(place, data=old)
        with psycopg.connect(target.url("super")) as there:
            assert backups._erased_cases(there) == {made}

    def test_a_case_younger_than_the_newest_keys_is_reported_and_stays_shut(self, people, made, place, target):
        _backup(place)
        younger = _made(people)
        with running_as("worker"):
            newest = backups.make(place)
        shutil.rmtree(place / "keys" / newest.stamp)
        restored = target.restore(place)
        assert restored.closed == (younger,)
        assert str(younger) in restored.findings[0]


class TestRefused:
    """What is not whole, not ours or not genuine is refused before anything is written."""

    def test_another_root_key_by_the_version_that_it_does_not_open(self, made, place, target, tmp_path):
        _backup(place)
        other = tmp_path / "other.key"
        JoinedRoot(new_key()).write(other)
        refused = manage("restore", str(place), CASEWORK_ROOT_KEY_FILE=str(other), **target.environment)
        assert refused.returncode == 1
        assert "wrapping key version 1" in refused.stderr
        assert target.is_empty()

    def test_each_way_to_damage_a_backup(self, people, made, place, target):
        _made(people)
        _backup(place)
        _backup(place)
        identity = recovery.backup_identity(crypto.root())
        for name, damage in _DAMAGES.items():
            copy = place.with_name(f"copy-{name}")
            shutil.copytree(place, copy)
            damage(copy)
            with pytest.raises(RestoreFailed) as refused:
                restoring.restore_into(target.url("owner"), target.files, copy, identity, keeps=True)
            assert "psycopg" not in str(refused.value), name
            assert target.is_empty(), name
        assert target.restore(place).findings == ()

    @pytest.mark.parametrize(
        "changed",
        [
            lambda _given: "[" * 200_000,
            lambda given: json.dumps(given | {"mac": "é"}),
            lambda given: json.dumps(given | {"mac": 5}),
            lambda given: json.dumps(given | {"key": None}),
            lambda given: json.dumps(given | {"key": "x", "wrapping_keys": ["\x1b[2J"]}),
        ],
        ids=["deep", "letters", "number", "no-key", "terminal"],
    )
    def test_a_manifest_written_to_harm_in_a_plain_sentence(self, tmp_path, changed):
        identity = recovery.backup_identity(JoinedRoot(new_key()))
        folder = tmp_path / "data" / "20260101T000000Z"
        folder.mkdir(parents=True)
        given = {name: {"bytes": 1, "sha256": "x"} for name in sets.PARTS["data"]}
        manifest = {"format": 1, "kind": "data", "stamp": folder.name, "made_at": "", "server": "", "parts": given}
        manifest |= {"key": streams.fingerprint(identity), "wrapping_keys": [1], "mac": ""}
        (folder / sets.MANIFEST).write_text(changed(manifest))
        with pytest.raises(BadBackup) as refused:
            sets.newest(tmp_path, "data").check_manifest(identity)
        assert str(refused.value).isprintable()

    def test_a_backup_into_which_another_one_writes(self, made, place):
        with sets.locked(place), pytest.raises(BadBackup, match="under way"):
            _backup(place)

    def test_a_path_that_was_never_set(self, made):
        done = manage("backup", "")
        assert (done.returncode, "PATH is empty" in done.stderr) == (2, True)
        assert not (ROOT / "keys").exists()

    def test_no_secret_is_handed_to_the_programs(self, tmp_path, monkeypatch):
        """The root key may stand in the environment of this process, and would be read from that of its children."""
        shows = tmp_path / "shows"
        shows.write_text("#!/bin/sh\nenv\n")
        shows.chmod(0o700)
        for name in ("CASEWORK_ROOT_KEY", "DATABASE_OWNER_URL", "SECRET_KEY", "PGOPTIONS"):
            monkeypatch.setenv(name, "planted")
        with tempfile.TemporaryFile() as printed:
            clients.start(shows, url="host=/run user=x password=own", stdout=printed, errors=printed).wait()
            printed.seek(0)
            seen = printed.read().decode()
        assert "planted" not in seen
        assert "PGPASSWORD=own" in seen
        assert f"PATH={os.environ['PATH']}" in seen

    def test_programs_older_than_the_server(self):
        with pytest.raises(ClientError, match="PostgreSQL 99"):
            clients.find(990000)
        assert clients._major(clients.find(180000).pg_dump) == 18


def _newest(place: Path, kind: sets.Kind) -> Path:
    return sets.newest(place, kind).folder


def _flip(path: Path, at: int = -100) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1_000])


def _swap(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _older(place: Path, kind: sets.Kind) -> Path:
    return place / kind / sets.stamps(place, kind)[0]


def _forge(place: Path) -> None:
    path = _newest(place, "data") / sets.MANIFEST
    content = json.loads(path.read_bytes())
    content["made_at"] = "2030-01-01T00:00:00+00:00"
    path.write_text(json.dumps(content))


def _pooled(place: Path) -> list[Path]:
    return [path for path, _object_id in sets.all_in_pool(place)]


_DAMAGES: dict[str, Callable[[Path], object]] = {
    "database-cut": lambda place: _cut(_newest(place, "data") / sets.DATABASE),
    "database-flipped": lambda place: _flip(_newest(place, "data") / sets.DATABASE),
    "database-of-another-set": lambda place: shutil.copy(
        _older(place, "data") / sets.DATABASE, _newest(place, "data") / sets.DATABASE
    ),
    "contents-flipped": lambda place: _flip(_newest(place, "data") / sets.CONTENTS),
    "keys-flipped": lambda place: _flip(_newest(place, "keys") / sets.KEYS),
    "keys-missing": lambda place: (_newest(place, "keys") / sets.KEYS).unlink(),
    "parts-exchanged": lambda place: _swap(
        _newest(place, "data") / sets.DATABASE, _newest(place, "data") / sets.CONTENTS
    ),
    "manifest-missing": lambda place: (_newest(place, "data") / sets.MANIFEST).unlink(),
    "manifest-forged": _forge,
    "older-set-under-a-newer-name": lambda place: _older(place, "keys").rename(place / "keys" / "20300101T000000Z"),
    "no-keys": lambda place: shutil.rmtree(place / "keys"),
    "file-flipped": lambda place: _flip(_pooled(place)[0]),
    "file-cut": lambda place: _cut(_pooled(place)[0]),
    "file-missing": lambda place: _pooled(place)[0].unlink(),
    "files-exchanged": lambda place: _swap(*_pooled(place)),
}


class TestInterrupted:
    """A backup or a restore that is killed leaves nothing that could be taken for a whole one."""

    def test_a_killed_backup_has_no_name_and_is_swept_by_the_next(self, made, place):
        process = _started("backup", str(place))
        _until(lambda: list(place.glob("data/.*/database.age")))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert sets.stamps(place, "data") == []
        assert list(place.glob("data/.*"))
        with pytest.raises(BadBackup, match="no backup"):
            sets.newest(place, "data")
        _backup(place)
        assert len(sets.stamps(place, "data")) == len(sets.stamps(place, "keys")) == 1
        assert [*place.glob("data/.*"), *place.glob("keys/.*")] == []

    def test_a_killed_restore_opens_nothing_and_the_next_one_begins_anew(self, people, made, place, target):
        _backup(place)
        for table in ("casework_restoring", "crypto_keywrap"):
            process = _started("restore", str(place), **target.environment)
            _until(lambda table=table: table in target.tables())
            process.kill()
            assert process.wait() == -signal.SIGKILL
            with psycopg.connect(target.url("super")) as there:
                if "crypto_keywrap" in backups.tables(there):
                    assert there.execute("SELECT count(*) FROM crypto_keywrap").fetchone() == (0,)
        assert target.restore(place).findings == ()
        with target.entered(), cast.acting(people.wanda):
            assert cases.open_case(made).summary == SUMMARY

    def test_a_dump_that_breaks_off_leaves_nothing(self, made, place, tmp_path, monkeypatch):
        broken = tmp_path / "pg_dump"
        broken.write_text("#!/bin/sh\necho PGDMP half of it\necho 'pg_dump: error: connection lost' >&2\nexit 1\n")
        broken.chmod(0o700)
        monkeypatch.setattr(clients, "find", lambda _version: clients.Clients(broken, broken))
        with pytest.raises(BackupFailed, match="connection lost"):
            _backup(place)
        assert sets.stamps(place, "data") == sets.stamps(place, "keys") == []

    def test_a_full_disk_is_said_and_leaves_nothing(self, made, place, monkeypatch):
        def full(_self: object, _data: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(sets.Hashing, "write", full)
        with pytest.raises(BackupFailed, match="No space left"):
            _backup(place)
        assert sets.stamps(place, "data") == sets.stamps(place, "keys") == []

    def test_an_entry_that_cannot_be_written_takes_the_names_away_again(self, made, place, monkeypatch):
        def refused(*_arguments: object) -> None:
            raise psycopg.OperationalError

        monkeypatch.setattr("casework.audit.services._append", refused)
        with pytest.raises(BackupFailed):
            _backup(place)
        assert sets.stamps(place, "data") == sets.stamps(place, "keys") == []


def _started(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def _until(happens: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class TestFiles:
    """Files are copied once into a pool, and go from it when nobody needs them."""

    def test_are_copied_once_and_go_with_the_last_set_that_names_them(self, people, made, place, superuser):
        first = _backup(place)
        second = _backup(place)
        assert (first.copied, second.copied, second.files) == (1, 0, 1)
        _made(people)
        third = _backup(place)
        assert (third.copied, third.files) == (1, 2)
        with superuser.transaction():
            superuser.execute("DELETE FROM documents_document WHERE case_id = %s", [made])
        assert _backup(place).removed_files == 0  # older sets still need it
        for stamp in (first.stamp, second.stamp, third.stamp):
            shutil.rmtree(place / "data" / stamp)
        assert _backup(place).removed_files == 1

    def test_that_are_missing_in_the_store_stop_the_backup(self, made, place, superuser):
        (object_id,) = superuser.execute("SELECT object_id FROM documents_document").fetchone()
        storage.delete(object_id)
        with pytest.raises(BackupFailed, match=str(object_id)):
            _backup(place)
        assert sets.stamps(place, "data") == []

    def test_that_went_with_their_row_during_the_backup_do_not(self, made, place, target, superuser, monkeypatch):
        def gone(_object_id: UUID) -> None:
            superuser.execute("DELETE FROM documents_document")
            raise FileNotFoundError

        monkeypatch.setattr(backups.storage, "open", gone)
        assert _backup(place).files == 1
        monkeypatch.undo()
        restored = target.restore(place)
        assert restored.files == 0

    def test_that_are_not_ours_are_left_alone_wherever_they_lie(self, people, made, place, tmp_path):
        # The folder of the backups is one that other programs use too, and its parts may be links elsewhere.
        home = tmp_path / "home of somebody"
        foreign = [
            home / ".git" / "HEAD",
            home / ".DS_Store",
            home / "objects" / ".stfolder" / "marker",
            home / "objects" / ".DS_Store",
            home / "objects" / "00" / "notes.txt",
            place / "keys" / ".nfs0001",
            place / "data" / "20269999T999999Z" / "no date",
        ]
        place.mkdir()
        (place / "data").symlink_to(home)
        for path in foreign:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("kept")
        (place / "data" / ".20260101T000000Z").mkdir()  # a backup that was cut off
        _backup(place)
        again = _backup(place)
        assert (again.warnings, again.removed_files) == ((), 0)
        assert [path.read_text() for path in foreign] == ["kept"] * len(foreign)
        assert not (place / "data" / ".20260101T000000Z").exists()

    def test_that_cannot_be_tidied_away_are_told_of_a_backup_that_stands(self, made, place, monkeypatch):
        def refused(_folder: Path) -> None:
            raise PermissionError(13, "Permission denied")

        old = sets.stamp_of(clock.now() - timedelta(days=15))
        (place / "keys" / old).mkdir(parents=True)
        monkeypatch.setattr(sets, "remove", refused)
        stands = _backup(place)
        assert "The backup stands" in stands.warnings[0]
        assert sets.stamps(place, "data") == [stands.stamp]

    def test_copied_half_are_copied_again(self, made, place):
        _backup(place)
        (path,) = _pooled(place)
        _cut(path)
        assert _backup(place).copied == 1


class TestAgeing:
    """Keys are kept for fourteen days; the keeper is told when there is no fresh backup."""

    def test_sets_of_keys_older_than_fourteen_days_go_and_data_stay(self, made, place):
        now = clock.now()
        old, young = (sets.stamp_of(now - timedelta(days=days)) for days in (15, 13))
        for kind in ("data", "keys"):
            for stamp in (old, young):
                (place / kind / stamp).mkdir(parents=True)
        made = _backup(place)
        assert made.removed_keys == (old,)
        assert sets.stamps(place, "keys") == [young, made.stamp]
        assert sets.stamps(place, "data") == [old, young, made.stamp]
        assert made.warnings  # those are no sets: what only they may need is not removed from the pool

    @pytest.mark.parametrize("kind", ["data", "keys"])
    def test_a_set_from_a_time_to_come_stops_the_backup(self, made, place, kind):
        """Restores would take its keys before all newer ones, also those of cases that were erased since."""
        to_come = sets.stamp_of(clock.now() + timedelta(days=400))
        (place / kind / to_come).mkdir(parents=True)
        with pytest.raises(BackupFailed, match=f"{kind}/{to_come}.*clock"):
            _backup(place)
        (place / kind / to_come).rmdir()
        assert _backup(place).rows

    def test_doctor_does_not_take_a_backup_from_a_time_to_come_for_a_fresh_one(self, made, place):
        _backup(place)
        with running_as("owner"):
            Heartbeat.objects.filter(name="backup").update(at=clock.now() + timedelta(days=400))
        assert "clock" in health._backup()

    def test_doctor_asks_for_a_backup_and_for_a_trial(self, made, place):
        assert "no backup" in health._backup()
        _backup(place)
        assert "tried out" in health._backup()
        with running_as("owner"):
            assert restoring.verify(place).findings == ()
        assert health._backup() == ""
        with running_as("owner"):
            Heartbeat.objects.filter(name="backup").update(at=clock.now() - timedelta(hours=27))
        assert "27 hours" in health._backup()


class TestVerify:
    """A trial restores into the scratch database, opens something of everything, and leaves that database empty."""

    def test_finds_a_value_that_was_changed_in_the_database(self, made, place, engines, superuser):
        superuser.execute("UPDATE cases_case SET summary_sealed = set_byte(summary_sealed, 30, 255)")
        superuser.execute("UPDATE cases_case SET title_sealed = set_byte(title_sealed, 30, 0)")
        _backup(place)
        done = manage("restore", str(place), "--verify")
        assert done.returncode == 1
        assert "do not open" in done.stdout
        scratch = engines.database_url("super", database="casework_scratch")
        with psycopg.connect(scratch) as plain:
            assert backups.tables(plain) == []
        code = actions.action_named("backup.verified").code
        rows = superuser.execute("SELECT outcome FROM audit_entry WHERE action = %s", [code]).fetchall()
        assert rows == [(actions.FAILED,)]

    def test_never_touches_the_database_in_use(self, made, place, engines):
        _backup(place)
        # Called by another name, it is the same.
        same = engines.database_url("owner") + "&application_name=x"
        refused = manage("restore", str(place), "--verify", DATABASE_SCRATCH_URL=same)
        assert (refused.returncode, "in use" in refused.stderr) == (2, True)

    def test_keeps_a_second_one_away(self, made, place, engines):
        scratch = engines.database_url("owner", database="casework_scratch")
        with restoring.Target(scratch, None).alone(), running_as("owner"), pytest.raises(NotEmpty, match="under way"):
            restoring.verify(place)

    def test_refuses_a_scratch_database_that_somebody_uses(self, made, place, engines):
        _backup(place)
        scratch = engines.database_url("owner", database="casework_scratch")
        with psycopg.connect(scratch, autocommit=True) as plain:
            plain.execute("CREATE TABLE somebodys (id int)")
            try:
                with running_as("owner"), pytest.raises(NotEmpty):
                    restoring.verify(place)
                assert backups.tables(plain) == ["somebodys"]
            finally:
                plain.execute("DROP TABLE somebodys")
