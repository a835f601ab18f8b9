"""Making a backup: one moment of database and keys, in two sets, and the files that the database names.

The data set opens nothing by itself: no wrapping key and no wrap is in it. The set of keys opens what the data sets
hold and is kept for a short time, so that a case whose keys were destroyed is gone from old backups too, once the last
set of keys that still held them has aged out. Why this way: docs/decisions/0011-backups.md.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from uuid import UUID

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError
from psycopg import sql

from casework.audit import services as audit
from casework.cases import erasing
from casework.core import clock, work
from casework.crypto import recovery, renewal
from casework.crypto import services as crypto
from casework.documents import storage
from casework.notices import services as notices
from casework.operations import backup_sets as sets
from casework.operations import clients
from casework.operations.backup_sets import BadBackup, Part
from casework.printing import streams
from casework.printing.streams import Identity

HEARTBEAT: Final = "backup"
KEEP_KEYS: Final = timedelta(days=14)
# Keys have a set of their own. The others live for hours: whoever is signed in signs in again after a restore.
_KEY_ROWS: Final = {
    "crypto_kek": "SELECT to_jsonb(k) AS row FROM crypto_kek k ORDER BY k.version",
    "crypto_keyscope": "SELECT to_jsonb(s) AS row FROM crypto_keyscope s",
    "crypto_keywrap": "SELECT to_jsonb(w) AS row FROM crypto_keywrap w",
}
WITHOUT_ROWS: Final = ("crypto_kek", "crypto_keywrap", "django_session", "accounts_demolink")
ERASURES: Final = "cases_erasure"
_FETCH: Final = 2_000


class _File(NamedTuple):
    """A file of the store, and the row that names it."""

    table: str
    column: str
    id: UUID
    scope: UUID


class BackupFailed(Exception):
    """No backup was made; the message says why and what to do. Nothing was left that could be taken for one."""


@dataclass(frozen=True)
class Made:
    """What a backup holds and did. `files` are those of the data set, `copied` those that were not in the pool yet."""

    stamp: str
    tables: int
    rows: int
    wraps: int
    files: int
    copied: int
    bytes: int
    erased: int
    removed_files: int
    removed_keys: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())


def make(path: Path) -> Made:
    """Write one backup of everything into `path` and return what was done.

    Reads as the role `cw_backup`, at one moment for database and keys; people go on working. The trail has an entry for
    it, which is committed together with the sets' names. Sets of keys older than 14 days and files that no data set
    needs, or that belong to erased cases, are removed when the new sets stand.

    Raises:
        RootKeyError: the root key is missing, or not the one of this installation.
        BackupFailed, BadBackup, ClientError: as their messages say.
    """
    try:
        crypto.verify_root()
        identity = recovery.backup_identity(crypto.root())
        with sets.locked(path):
            sets.sweep(path)
            return _Backup(path, identity).make()
    except OSError as error:
        raise BackupFailed(
            f"The backup could not be written to {path}: {error.strerror or type(error).__name__}. "
            "Nothing was kept of it."
        ) from None
    except psycopg.Error as error:
        raise BackupFailed(
            f"The database could not be read as cw_backup ({type(error).__name__}): check DATABASE_BACKUP_URL."
        ) from None
    except DatabaseError as error:
        raise BackupFailed(
            f"The backup could not be entered in the trail ({type(error).__name__}), and does not count without. "
            "Check DATABASE_WORKER_URL."
        ) from None


class _Backup:
    def __init__(self, path: Path, identity: Identity) -> None:
        self._path, self._identity = path, identity
        self._warnings: list[str] = []
        self._copied = self._bytes = 0

    def make(self) -> Made:
        with snapshot(settings.DATABASE_BACKUP_URL) as (connection, name):
            stamp = self._fresh_stamp()
            self._refuse_stamps_to_come(stamp)
            versions = connection.execute("SELECT version FROM crypto_kek ORDER BY version").fetchall()
            erased = _erased_cases(connection)
            wraps = _one(connection, "SELECT count(*) FROM crypto_keywrap")
            counts = _counts(connection)
            head = _head(connection, counts)
            files = list(_files(connection))
            data, keys = sets.begin(self._path, "data", stamp), sets.begin(self._path, "keys", stamp)
            parts = {sets.DATABASE: self._dump(connection, name, data / sets.DATABASE)}
            key_parts = {sets.KEYS: self._sealed(keys / sets.KEYS, _keys(connection))}
            server = connection.info.server_version
        parts[sets.CONTENTS] = self._sealed(data / sets.CONTENTS, itertools.chain([head], self._copy(files)))
        for folder, own in ((data, parts), (keys, key_parts)):
            manifest = sets.Manifest(
                format=sets.FORMAT,
                kind=folder.parent.name,
                stamp=stamp,
                made_at=sets.moment(stamp).isoformat(),
                key=streams.fingerprint(self._identity),
                wrapping_keys=tuple(version for (version,) in versions),
                server=str(server),
                parts=own,
            )
            sets.seal_set(folder, manifest, self._identity)
        self._publish(keys, data, stamp, files=len(files), rows=sum(counts.values()))
        # From here on the backup stands, whatever happens to the tidying up: the next one takes it up again.
        removed_keys, removed_files = self._tidied(erased)
        return Made(
            stamp=stamp,
            tables=len(counts),
            rows=sum(counts.values()),
            wraps=wraps,
            files=len(files),
            copied=self._copied,
            bytes=self._bytes + sum(part.bytes for part in (*parts.values(), *key_parts.values())),
            erased=len(erased),
            removed_keys=removed_keys,
            removed_files=removed_files,
            warnings=tuple(self._warnings),
        )

    def _fresh_stamp(self) -> str:
        while (stamp := sets.stamp_of(clock.now())) in {
            *sets.stamps(self._path, "data"),
            *sets.stamps(self._path, "keys"),
        }:
            time.sleep(0.1)
        return stamp

    def _refuse_stamps_to_come(self, stamp: str) -> None:
        # Restores take the newest: such a set would stand before all that are made until then, and never age out.
        for kind in sets.KINDS:
            if (last := max(sets.stamps(self._path, kind), default="")) > stamp:
                raise BackupFailed(
                    f"The newest set in {self._path} is {kind}/{last}, which is a time to come: the clock of this "
                    "machine is wrong now, or was when that set was made. Put the clock right; if it is right, move "
                    "every set with a time to come out of data and keys. Then run this again."
                )

    def _publish(self, keys: Path, data: Path, stamp: str, *, files: int, rows: int) -> None:
        """Give both sets their names as the last thing before the entry that says so is committed."""
        with work.acting(work.system_actor()):
            audit.record("backup.made", body={"stamp": stamp, "files": files, "rows": rows})
            notices.beat(HEARTBEAT)
            # The keys first: a set of keys without its data is of use to older data, and not the other way round.
            for folder in (keys, data):
                place = sets.publish(folder)
                work.if_undone(lambda place=place: sets.withdraw(place))  # type: ignore[misc]

    # --- database and keys

    def _dump(self, connection: psycopg.Connection[Any], snapshot_name: str, place: Path) -> Part:
        programs = clients.find(connection.info.server_version)
        left_out = [f"--exclude-table-data=public.{table}" for table in WITHOUT_ROWS]
        with tempfile.TemporaryFile() as errors, sets.create(place) as raw:
            dump = clients.start(
                programs.pg_dump,
                "--format=custom",
                "--compress=gzip:1",
                "--no-owner",
                "--no-password",
                "--schema=public",
                f"--snapshot={snapshot_name}",
                *left_out,
                url=settings.DATABASE_BACKUP_URL,
                stdout=subprocess.PIPE,
                errors=errors,
            )
            sink = sets.Hashing(raw)
            try:
                streams.encrypt_stream(_Dump(dump, errors), sink, identity=self._identity)
            finally:
                if dump.poll() is None:
                    dump.kill()
                    dump.wait()
        return sink.part()

    def _sealed(self, place: Path, lines: Iterator[str]) -> Part:
        with sets.create(place) as raw:
            sink = sets.Hashing(raw)
            streams.encrypt_stream(sets.Text(lines), sink, identity=self._identity)
        return sink.part()

    # --- files

    def _known_files(self) -> dict[UUID, Part]:
        """Return what the newest set that can be read says of the files in the pool: they are not read again."""
        for stamp in reversed(sets.stamps(self._path, "data")):
            found: dict[UUID, Part] = {}

            def take(line: Mapping[str, Any], found: dict[UUID, Part] = found) -> None:
                if "sha256" in line:
                    found[UUID(line["file"])] = Part(line["bytes"], line["sha256"])

            try:
                self._read_files_of(stamp, take)
            except BadBackup:
                continue
            return found
        return {}

    def _read_files_of(self, stamp: str, take: Callable[[Mapping[str, Any]], None]) -> None:
        one = sets.read(self._path, "data", stamp)
        one.check_manifest(self._identity)
        one.check_part(sets.CONTENTS)
        one.lines(sets.CONTENTS, self._identity, lambda line: take(line) if "file" in line else None)

    def _copy(self, files: Sequence[_File]) -> Iterator[str]:
        """Copy into the pool what is not there yet, and yield a line for each file."""
        known = self._known_files()
        for file in files:
            part = self._copied_file(file.id, known.get(file.id))
            line: dict[str, Any] = {"file": str(file.id), "case": str(file.scope)}
            if part is None:
                self._must_be_gone(file)
                line["gone"] = True  # taken away between the moment of the dump and now
            else:
                line |= {"bytes": part.bytes, "sha256": part.sha256}
            yield json.dumps(line, separators=(",", ":"))

    def _copied_file(self, object_id: UUID, known: Part | None) -> Part | None:
        place = sets.in_pool(self._path, object_id)
        if known is not None and place.exists() and place.stat().st_size == known.bytes:
            return known
        try:
            source = storage.open(object_id)
        except FileNotFoundError:
            return None
        with source:
            part = sets.add_to_pool(self._path, object_id, source)
        self._copied += 1
        self._bytes += part.bytes
        return part

    def _must_be_gone(self, file: _File) -> None:
        query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(
            sql.Identifier(file.table), sql.Identifier(file.column)
        )
        with connected(settings.DATABASE_BACKUP_URL) as fresh:
            if fresh.execute(query, [file.id]).fetchone():
                raise BackupFailed(
                    f"The file {file.id} of {file.table} is missing in the store ({settings.CASEWORK_FILES_DIR}). "
                    "Put it back from the pool of an earlier backup (data/objects), then run this again."
                )

    # --- what goes

    def _tidied(self, erased: set[UUID]) -> tuple[tuple[str, ...], int]:
        keys: tuple[str, ...] = ()
        files = 0
        try:
            keys = self._remove_old_keys()
            files = self._tidy_pool(erased)
        except OSError as error:
            why = error.strerror or type(error).__name__
            self._warnings.append(
                f"The backup stands, but what is too old or erased could not be removed from {self._path}: {why}. "
                f"Sets of keys in keys/ must not grow older than {KEEP_KEYS.days} days: look there."
            )
        return keys, files

    def _remove_old_keys(self) -> tuple[str, ...]:
        old = [stamp for stamp in sets.stamps(self._path, "keys") if clock.now() - sets.moment(stamp) > KEEP_KEYS]
        for stamp in old:
            sets.remove(self._path / "keys" / stamp)
        return tuple(old)

    def _tidy_pool(self, erased: set[UUID]) -> int:
        """Remove from the pool what no data set needs, and every file of an erased case, whoever names it."""
        needed: set[UUID] = set()
        of_erased: set[UUID] = set()
        complete = True

        def take(line: Mapping[str, Any]) -> None:
            (of_erased if UUID(line["case"]) in erased else needed).add(UUID(line["file"]))

        for stamp in sets.stamps(self._path, "data"):
            try:
                self._read_files_of(stamp, take)
            except BadBackup as error:
                complete = False
                self._warnings.append(f"{error} The files that only this set may need stay in the pool.")
        removed = 0
        for entry, object_id in sets.all_in_pool(self._path):
            if object_id is None or object_id in of_erased or (complete and object_id not in needed):
                entry.unlink()
                removed += object_id is not None
        return removed


class _Dump:
    """What pg_dump prints; its end counts only when it says that all went well."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._process, self._errors = process, errors

    def read(self, size: int = -1, /) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if not data and self._process.wait() != 0:
            raise BackupFailed(
                f"pg_dump broke off: {clients.complaint(self._errors)}. Nothing was kept of this backup."
            )
        return data


# --- reading the database --------------------------------------------------------------------------------------------


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect without Django, such that a wall that would hide rows is an error."""
    if not url:
        raise BackupFailed("Set DATABASE_BACKUP_URL to the address for the role cw_backup (docs/running.md).")
    with psycopg.connect(url, options="-c row_security=off -c idle_in_transaction_session_timeout=0") as connection:
        yield connection


@contextmanager
def snapshot(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """Hold one moment of the database and give its name, by which pg_dump sees the same."""
    with connected(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection, str(_one(connection, "SELECT pg_export_snapshot()"))


def _files(connection: psycopg.Connection[Any]) -> Iterator[_File]:
    for table, column, scope in file_columns():
        query = sql.SQL("SELECT {}, {} FROM {} ORDER BY 1").format(*map(sql.Identifier, (column, scope, table)))
        for object_id, scope_id in connection.execute(query):
            yield _File(table, column, object_id, scope_id)


def file_columns() -> Iterator[tuple[str, str, str]]:
    """Yield table, column of the file's id, and column of the key scope of whatever keeps files in the store."""
    for model in apps.get_models():
        for attribute in model.__dict__.get("wrapped_file_keys", {}).values():
            scope = renewal.scope_attribute(model)
            assert scope is not None, "files belong to a case"
            columns: list[Any] = [model._meta.get_field(attribute), model._meta.get_field(scope)]
            yield model._meta.db_table, columns[0].column, columns[1].column


def tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the names of all our tables."""
    query = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [name for (name,) in connection.execute(query)]


def _counts(connection: psycopg.Connection[Any]) -> dict[str, int]:
    return {
        name: _one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
        for name in tables(connection)
        if name not in WITHOUT_ROWS
    }


def _one(connection: psycopg.Connection[Any], query: str | sql.Composed) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _erased_cases(connection: psycopg.Connection[Any]) -> set[UUID]:
    query = "SELECT id FROM crypto_keyscope WHERE kind = 'case' AND state = 'erased'"
    return {scope for (scope,) in connection.execute(query)}


def _head(connection: psycopg.Connection[Any], counts: Mapping[str, int]) -> str:
    applied = connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name").fetchall()
    return json.dumps({"migrations": applied, "rows": counts, "without_rows": WITHOUT_ROWS})


def _keys(connection: psycopg.Connection[Any]) -> Iterator[str]:
    applied = connection.execute("SELECT name FROM django_migrations WHERE app = 'crypto' ORDER BY 1").fetchall()
    yield json.dumps({"migrations": [name for (name,) in applied]})
    for table, rows in _KEY_ROWS.items():
        with connection.cursor(name=f"keys_{table}") as cursor:
            cursor.itersize = _FETCH
            # Bytes as hexadecimal digits, times with their zone: as PostgreSQL reads them back.
            cursor.execute(f"SELECT json_build_object('table', '{table}', 'row', t.row)::text FROM ({rows}) t")
            for (line,) in cursor:
                yield line
    # What was decided, without the sealed notes: no value lies beside a wrap.
    for erasure in erasing.erasure_list(connection.cursor()):
        yield json.dumps({"table": ERASURES, "row": erasure})
