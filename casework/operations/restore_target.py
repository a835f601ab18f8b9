"""Where a backup is restored to: an empty database and an empty store of files, marked while they are half full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from casework.crypto import services as crypto
from casework.documents import storage
from casework.operations.backups import tables

MARK: Final = "casework_restoring"
_FILES_MARK: Final = ".restoring"
_LOCK: Final = 0x6377_7265_73  # "cwres"


class RestoreFailed(Exception):
    """Nothing was restored; the message says why, and whether something is left to do."""


class NotEmpty(RestoreFailed):
    """There is nothing to restore into, or a system already, which is left alone."""


def empty(url: str) -> None:
    """Empty a database of ours for good: every table, function and type of the schema `public`."""
    with psycopg.connect(url) as plain:
        plain.execute(_EMPTY)


def whose(url: str) -> tuple[Any, ...]:
    """Return what tells one database from every other, whatever it is called in an address; raises `NotEmpty`."""
    query = "SELECT oid, pg_postmaster_start_time() FROM pg_database WHERE datname = current_database()"
    try:
        with psycopg.connect(url) as plain:
            return plain.execute(query).fetchone() or ()
    except psycopg.Error as error:
        raise NotEmpty(f"A database that is needed does not answer ({type(error).__name__}).") from None


class Target:
    """A database and, for a restore that stays, the store of files; marked while they are half full."""

    def __init__(self, url: str, files_dir: Path | None) -> None:
        self.url, self.files_dir = url, files_dir

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other restore away from this database; raises `NotEmpty` when one is under way."""
        try:
            holder = psycopg.connect(self.url, autocommit=True)
        except psycopg.Error as error:
            raise NotEmpty(f"The database to restore into does not answer ({type(error).__name__}).") from None
        with holder:
            if holder.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone() != (True,):
                raise NotEmpty("Another restore into this database is under way.")
            yield

    def must_be_empty(self) -> None:
        """Clear away what a restore that was cut off has left; raises `NotEmpty` when anything else is there."""
        with psycopg.connect(self.url) as plain:
            known = tables(plain)
        if MARK in known or (not known and self._files_are_marked()):
            self.clear()
            known = []
        if known:
            raise NotEmpty(
                "The database has tables already and is left alone. A restore takes an empty one: make it anew with "
                "its roles (docs/running.md), without running migrate."
            )
        if self.files_dir is not None and next(storage.all_objects(), None) is not None:
            raise NotEmpty(f"There are files in {self.files_dir} already, and they are left alone.")

    def mark(self, data: str, keys: str) -> None:
        """Say that a restore is under way here."""
        if self.files_dir is not None:
            self.files_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.files_dir / _FILES_MARK).touch(mode=0o600)
        with psycopg.connect(self.url) as plain:
            table = sql.Identifier(MARK)
            plain.execute(sql.SQL("CREATE TABLE {} (data text, keys text)").format(table))
            plain.execute(sql.SQL("INSERT INTO {} VALUES (%s, %s)").format(table), [data, keys])

    def unmark(self) -> None:
        """Take the mark off the files; that of the database went with the last transaction."""
        if self.files_dir is not None:
            (self.files_dir / _FILES_MARK).unlink(missing_ok=True)

    def clear(self) -> None:
        """Make database and store empty again, as they were found."""
        connection.close()
        empty(self.url)
        if self.files_dir is not None:
            for object_id in list(storage.all_objects()):
                storage.delete(object_id)
        self.unmark()

    def _files_are_marked(self) -> bool:
        return self.files_dir is not None and (self.files_dir / _FILES_MARK).exists()


# The statements are put together before the first one runs: dropping one thing may drop another that is listed.
_EMPTY: Final = """
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY coalesce((
        SELECT array_agg(format('DROP %s IF EXISTS public.%I CASCADE', kind, relname) ORDER BY kind DESC)
          FROM (SELECT relname, CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                                             WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
                  FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')) c), '{}') LOOP
        EXECUTE one;
    END LOOP;
    FOREACH one IN ARRAY coalesce((
        SELECT array_agg(format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure))
          FROM pg_proc WHERE pronamespace = 'public'::regnamespace), '{}') LOOP
        EXECUTE one;
    END LOOP;
    FOREACH one IN ARRAY coalesce((
        SELECT array_agg(format('DROP TYPE IF EXISTS %s CASCADE', oid::regtype))
          FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')), '{}') LOOP
        EXECUTE one;
    END LOOP;
END
$$
"""


@contextmanager
def connected_to(url: str, files_dir: Path | None) -> Iterator[None]:
    """Let this process speak with another database and store: everything that opens values goes through Django's own.

    Only for commands, which do one thing and end.
    """
    parts = conninfo_to_dict(url)
    wanted = {
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": parts,
    }
    before, folder = dict(connection.settings_dict), settings.CASEWORK_FILES_DIR
    connection.close()
    connection.settings_dict.update(wanted)
    if files_dir is not None:
        settings.CASEWORK_FILES_DIR = files_dir
    _forget()
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(before)
        settings.CASEWORK_FILES_DIR = folder
        _forget()


def _forget() -> None:
    crypto.clear()
    crypto.forget_process_keys()
    ContentType.objects.clear_cache()
