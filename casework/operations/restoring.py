"""Restoring a backup into an empty system, and trying one out in the scratch database.

The database comes back in three steps, each of which leaves a mark until all is done: the data as it was, without any
key; the migrations since then; and, in one transaction, the newest keys, the erasures since then, and the look at it
all. A restore that was cut off opens nothing, and the next one begins by clearing it away.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from casework.audit import actions
from casework.audit import services as audit
from casework.audit import verify as audit_verify
from casework.core import work
from casework.crypto import recovery
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError
from casework.crypto.types import KeyUnavailable
from casework.documents import storage
from casework.notices import services as notices
from casework.operations import backup_sets as sets
from casework.operations import clients, key_merging, opening
from casework.operations.backup_sets import BadBackup, Set
from casework.operations.backups import ERASURES
from casework.operations.clients import ClientError
from casework.operations.restore_target import MARK, NotEmpty, RestoreFailed, Target, connected_to, empty, whose
from casework.printing import streams
from casework.printing.streams import Identity

__all__ = [
    "NotEmpty",
    "RestoreFailed",
    "Restored",
    "connected_to",
    "empty",
    "restore",
    "restore_into",
    "tried",
    "verify",
]

TRIAL: Final = "backup trial"
_NAMED: Final = 20


@dataclass(frozen=True)
class Restored:
    """What came back. `findings` are sentences, none when all is well; `opened` counts by kind what was tried."""

    data: str
    keys: str
    made_at: datetime
    tables: int
    rows: int
    files: int
    wraps: int
    wrapping_keys: tuple[int, ...]
    erased: tuple[UUID, ...]
    younger_keys: int
    closed: tuple[UUID, ...]
    trail_entries: int
    opened: dict[str, int]
    seconds: float
    findings: tuple[str, ...]


def restore(path: Path, *, data: str = "") -> Restored:
    """Restore into the system that the settings name, which must be empty. Raises as `restore_into`."""
    url = _named("DATABASE_OWNER_URL", "the owner of the new, empty database")
    identity = recovery.backup_identity(crypto.root())
    return restore_into(url, Path(settings.CASEWORK_FILES_DIR), path, identity, data=data, keeps=True)


def verify(path: Path, *, data: str = "") -> Restored:
    """Try a backup out in the scratch database, and note in the running system that this was done.

    Raises:
        NotEmpty: the scratch database is the one in use, or holds something that no restore has put there.
        otherwise as `restore_into`.
    """
    url = _named("DATABASE_SCRATCH_URL", "the scratch database")
    if settings.DATABASE_OWNER_URL and whose(url) == whose(settings.DATABASE_OWNER_URL):
        raise NotEmpty("DATABASE_SCRATCH_URL names the database that is in use: nothing was done.")
    identity = recovery.backup_identity(crypto.root())
    with tried(url, path, identity, data=data) as restored:
        pass
    if "audit_entry" in connection.introspection.table_names():
        with work.acting(work.system_actor()):
            body = {"data": restored.data, "keys": restored.keys, "findings": len(restored.findings)}
            audit.record("backup.verified", body=body, outcome=actions.FAILED if restored.findings else actions.DONE)
            if not restored.findings:
                notices.beat(TRIAL)
    return restored


def _named(name: str, what: str) -> str:
    url: str = getattr(settings, name)
    if not url:
        raise NotEmpty(f"Set {name} to the address of {what} (docs/running.md).")
    return url


def restore_into(
    url: str, files_dir: Path | None, backup: Path, identity: Identity, *, data: str = "", keeps: bool = False
) -> Restored:
    """Restore the data set `data` (by default the newest) with the newest keys, erase again what was erased, and check.

    Args:
        url: an empty database, as the role that is to own its tables.
        files_dir: an empty folder for the files; None compares them with the manifest where they lie in the backup.
        identity: `recovery.backup_identity` of the root key that `crypto.root()` gives.
        keeps: the restored system stays, and its trail has an entry for it; otherwise the database stays marked as one
            to be emptied (`empty`).
    Raises:
        NotEmpty: there is something in the way; it was left as it is.
        RestoreFailed, RootKeyError: database and folder are as empty as before.
    """
    with Target(url, files_dir).alone():
        return _restored(url, files_dir, backup, identity, data=data, keeps=keeps)


def _restored(
    url: str, files_dir: Path | None, backup: Path, identity: Identity, *, data: str, keeps: bool
) -> Restored:
    began = time.monotonic()
    try:
        chosen = sets.read(backup, "data", data) if data else sets.newest(backup, "data")
        keys = sets.newest(backup, "keys")
        with connected_to(url, files_dir):
            target = Target(url, files_dir)
            target.must_be_empty()
            for one in (chosen, keys):
                one.check(identity)
            restoring = _Restore(target, backup, chosen, keys, identity, keeps=keeps)
            restoring.look()
            try:
                restored = restoring.run()
            except BaseException:
                target.clear()
                raise
            if keeps:
                target.unmark()
    except (BadBackup, ClientError) as error:
        raise RestoreFailed(str(error)) from None
    except (KeyUnavailable, DecryptError):
        raise RestoreFailed(
            "The installation's own key does not open with these keys: take another set of keys. "
            "The target is empty again."
        ) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise RestoreFailed(f"The restore broke off: {why}. Begun again, it clears away what is left of it.") from None
    except (psycopg.Error, DatabaseError) as error:  # without its words, which may quote a row
        raise RestoreFailed(
            f"The database refused ({type(error).__name__}). Begun again, the restore clears away what is left of it."
        ) from None
    return replace(restored, seconds=round(time.monotonic() - began, 2))


@contextmanager
def tried(url: str, backup: Path, identity: Identity, *, data: str = "") -> Iterator[Restored]:
    """Restore into a scratch database, let this process speak with it inside the block, and empty it again.

    Raises as `restore_into`.
    """
    with Target(url, None).alone():
        restored = _restored(url, None, backup, identity, data=data, keeps=False)
        try:
            with connected_to(url, None):
                yield restored
        finally:
            empty(url)


# --- the restore -----------------------------------------------------------------------------------------------------


@dataclass
class _Restore:
    target: Target
    backup: Path
    data: Set
    keys: Set
    identity: Identity
    keeps: bool
    head: Mapping[str, Any] = field(default_factory=dict)
    erased_cases: set[UUID] = field(default_factory=set)
    erasures: list[Mapping[str, Any]] = field(default_factory=list)
    wraps: int = 0
    files: int = 0
    findings: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Open what must open before anything is written: the wrapping keys and the list of what the data set holds."""
        provider = crypto.root()

        def take_key(line: Mapping[str, Any]) -> None:
            row = line.get("row", {})
            if line.get("table") == "crypto_kek":
                provider.unwrap_kek(bytes.fromhex(row["blob"].removeprefix("\\x")), row["version"])
            elif line.get("table") == "crypto_keyscope" and (row["kind"], row["state"]) == ("case", "erased"):
                self.erased_cases.add(UUID(row["id"]))
            elif line.get("table") == ERASURES:
                self.erasures.append(row)

        def take_head(line: Mapping[str, Any]) -> None:
            if "migrations" in line:
                self.head = line

        self.keys.lines(sets.KEYS, self.identity, take_key)
        self.data.lines(sets.CONTENTS, self.identity, take_head)
        known = MigrationLoader(None).disk_migrations
        unknown = [f"{app}.{name}" for app, name in self.head["migrations"] if (app, name) not in known]
        own_apps = {app for app, _name in known}
        unknown = [name for name in unknown if name.partition(".")[0] in own_apps]
        if unknown:
            raise RestoreFailed(
                f"{self.data.called} was made by a newer version of Casework (it knows {unknown[-1]}): update first."
            )

    def run(self) -> Restored:
        self.target.mark(self.data.stamp, self.keys.stamp)
        self._restore_data()
        self._restore_files()
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        connection.close()
        with work.acting(work.system_actor()):
            restored = self._finish()
            if self.keeps:
                for case_id in restored.erased:
                    audit.record("case.erased", case=case_id, reason="planned")
                body = {"data": self.data.stamp, "keys": self.keys.stamp, "findings": len(self.findings)}
                audit.record("backup.restored", body=body)
        return restored

    # --- the data, as they were

    def _restore_data(self) -> None:
        with psycopg.connect(self.target.url) as plain:
            programs = clients.find(plain.info.server_version)
        with tempfile.NamedTemporaryFile(prefix="casework-", suffix=".list") as chosen:
            chosen.write(self._table_of_contents(programs.pg_restore))
            chosen.flush()
            self._piped(
                programs.pg_restore,
                "--single-transaction",
                "--no-owner",
                "--no-password",
                f"--use-list={chosen.name}",
                url=self.target.url,
            )
        with psycopg.connect(self.target.url) as plain, plain.cursor() as cursor:
            key_merging.walls_aside(cursor)  # or the owner would see a part of the rows
            for table, rows in self.head["rows"].items():
                cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
                (found,) = cursor.fetchone() or (0,)
                if found != rows:
                    raise RestoreFailed(f"{table} has {found} rows after the restore, and had {rows}.")
            plain.rollback()

    def _table_of_contents(self, pg_restore: Path) -> bytes:
        """Return what is to be restored: all but the schema itself, which is there, with rights of its own."""
        listed = self._piped(pg_restore, "--list")
        lines = [
            line for line in listed.splitlines() if b" SCHEMA - public " not in line and b"SCHEMA public" not in line
        ]
        return b"\n".join(lines) + b"\n"

    def _piped(self, program: Path, *arguments: str, url: str = "") -> bytes:
        """Decrypt the dump into one of PostgreSQL's programs; nothing of it touches a disk."""
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as printed:
            process = clients.start(program, *arguments, url=url, stdin=subprocess.PIPE, stdout=printed, errors=errors)
            assert process.stdin is not None
            try:
                with (self.data.folder / sets.DATABASE).open("rb") as source, suppress(BrokenPipeError):
                    # It stops reading when it has what it wants, or when something is wrong; its exit code says which.
                    streams.decrypt_stream(source, process.stdin, identity=self.identity)
                with suppress(BrokenPipeError):
                    process.stdin.close()
                status = process.wait()
            except streams.NotOurs:
                raise BadBackup(f"{self.data.called}: {sets.DATABASE} cannot be opened.") from None
            finally:
                with suppress(BrokenPipeError):
                    process.stdin.close()
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if status != 0:
                raise RestoreFailed(f"pg_restore broke off: {clients.complaint(errors)}. The target is empty again.")
            printed.seek(0)
            return printed.read()

    def _restore_files(self) -> None:
        def take(line: Mapping[str, Any]) -> None:
            if "file" in line and "gone" not in line and UUID(line["case"]) not in self.erased_cases:
                self._restore_file(UUID(line["file"]), line["bytes"], line["sha256"])
                self.files += 1

        self.data.lines(sets.CONTENTS, self.identity, take)

    def _restore_file(self, object_id: UUID, size: int, digest: str) -> None:
        place = sets.in_pool(self.backup, object_id)
        if not place.exists():
            raise BadBackup(f"{self.data.called}: the file objects/{str(object_id)[:2]}/{object_id} is missing.")
        checked = place
        if self.target.files_dir is not None:
            checked = self.target.files_dir / f".{object_id}"
            checked.unlink(missing_ok=True)
            with place.open("rb") as source, sets.create(checked) as sink:
                while piece := source.read(1 << 20):
                    sink.write(piece)
        if (checked.stat().st_size, sets.digest_of(checked)) != (size, digest):
            if checked is not place:
                checked.unlink()
            raise BadBackup(
                f"{self.data.called}: the file objects/{str(object_id)[:2]}/{object_id} was changed, cut or exchanged."
            )
        if checked is not place:
            storage.put(checked, object_id)

    # --- the keys, what was erased since, and the look at it all

    def _finish(self) -> Restored:
        with connection.cursor() as cursor:
            key_merging.walls_aside(cursor)
            younger = key_merging.merge(cursor, lambda take: self.keys.lines(sets.KEYS, self.identity, take))
            erased = key_merging.erase_again(cursor, self.erased_cases, self.erasures)
            closed = key_merging.without_wrap(cursor)
            cursor.execute("SELECT count(*) FROM crypto_keywrap")
            (wraps,) = cursor.fetchone()
            crypto.forget_process_keys()
            crypto.verify_root()
            opened = self._opened(closed)
            entries = self._trail()
            key_merging.walls_back(cursor)
            if self.keeps:
                cursor.execute(f"DROP TABLE {MARK}")
        if closed:
            named = ", ".join(map(str, closed[:_NAMED])) + (" and more" if len(closed) > _NAMED else "")
            self.findings.append(
                f"{len(closed)} scopes have no key although nobody erased them, and stay shut: {named}. The newest "
                "keys are older than the data: look for a newer set of keys."
            )
        return Restored(
            data=self.data.stamp,
            keys=self.keys.stamp,
            made_at=self.data.made_at,
            tables=len(self.head["rows"]),
            rows=sum(self.head["rows"].values()),
            files=self.files,
            wraps=wraps,
            wrapping_keys=self.keys.manifest.wrapping_keys,
            erased=erased,
            younger_keys=younger,
            closed=closed,
            trail_entries=entries,
            opened=opened,
            seconds=0.0,
            findings=tuple(self.findings),
        )

    def _opened(self, closed: tuple[UUID, ...]) -> dict[str, int]:
        def source(object_id: UUID) -> IO[bytes]:
            place = sets.in_pool(self.backup, object_id)
            return place.open("rb") if self.target.files_dir is None else storage.open(object_id)

        found = opening.sample(source, without=set(closed))
        self.findings += found.findings
        return found.opened

    def _trail(self) -> int:
        verification = audit_verify.Verification(mac_keys=crypto.audit_mac_keys())
        verification.run()
        for wrong in verification.findings:
            where = f" (stream {wrong.stream}, event {wrong.seq})" if wrong.stream else ""
            self.findings.append(f"The audit trail: {wrong.message}{where}")
        return verification.position.entries
