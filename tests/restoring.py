"""Putting the database back after a test that committed: only what it touched, or all of it where that is not enough.

A copy of the template takes a second, most of it for files that no test writes to. So the rows of the touched tables
are put back instead. What a test did to anything else (a column, a policy, a trigger, statistics of the planner) shows
in the catalogs, and then the copy is made, as it is where a test left much behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

Connect = Callable[[str, str], psycopg.Connection[Any]]

_DATABASE, _TEMPLATE = "casework", "casework_template"
_ROLES = ("cw_web", "cw_worker", "cw_sealer", "cw_backup")
_MOST_LEFT_BEHIND = 8 * 1024 * 1024
_CATALOGS = (
    "pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger", "pg_policy", "pg_proc",
    "pg_rewrite", "pg_type", "pg_namespace", "pg_sequence", "pg_statistic", "pg_extension", "pg_event_trigger",
    "pg_default_acl", "pg_inherits", "pg_largeobject_metadata",
)  # fmt: skip
# Numbers of transactions only grow: a row added or changed shows in the last one, a row taken away in the count.
_PRINT = "SELECT {name}, count(*) || ' ' || coalesce(max(xmin::text::bigint), 0) FROM {table}"


class _State(NamedTuple):
    tables: dict[str, str]
    catalogs: dict[str, str]
    sequences: dict[str, int | None]
    size: int


class Restorer:
    """Knows what the template holds, and brings the database back to it."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        with connect("super", _TEMPLATE) as template:
            self._names = [
                name for (name,) in template.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            self._template = self._state_of(template)
            self._now = self._template.tables
            self._rows = {name: _rows_of(template, name) for name in self._names}

    def restore(self) -> None:
        """Put the database back; whoever is still connected to it is thrown out."""
        try:
            with self._connect("super", _DATABASE) as database:
                database.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                found = self._state_of(database)
                if self._is_enough(found):
                    self._put_back(database, found)
                    return
        except psycopg.Error:
            pass  # renamed, dropped, tables missing: made anew
        self._make_anew()

    def _is_enough(self, found: _State) -> bool:
        return (
            found.catalogs == self._template.catalogs
            and found.sequences.keys() == self._template.sequences.keys()
            and found.size < self._template.size + _MOST_LEFT_BEHIND
        )

    def _put_back(self, database: psycopg.Connection[Any], found: _State) -> None:
        touched = [name for name in self._names if found.tables[name] != self._now[name]]
        with database.transaction(), database.cursor() as cursor:
            # Without triggers: those of the trail refuse, and those of foreign keys ask about rows that come later.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name in touched:
                table = sql.Identifier(name)
                cursor.execute(sql.SQL("DELETE FROM {}").format(table))
                if self._rows[name]:
                    with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(table)) as copy:
                        copy.write(self._rows[name])
            for name, last in self._template.sequences.items():
                if found.sequences[name] != last:
                    cursor.execute("SELECT setval(%s::regclass, %s, %s)", [name, last or 1, last is not None])
            prints = _prints(cursor, "public", touched) if touched else {}
        self._now = {**self._now, **prints}

    def _make_anew(self) -> None:
        with self._connect("super", "postgres") as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {_DATABASE} TEMPLATE {_TEMPLATE} OWNER cw_owner")
            admin.execute(f"REVOKE ALL ON DATABASE {_DATABASE} FROM PUBLIC")
            for role in _ROLES:
                admin.execute(f"GRANT CONNECT ON DATABASE {_DATABASE} TO {role}")
        self._now = self._template.tables

    def _state_of(self, database: psycopg.Connection[Any]) -> _State:
        with database.cursor() as cursor:
            tables, catalogs = _prints(cursor, "public", self._names), _prints(cursor, "pg_catalog", _CATALOGS)
            cursor.execute("SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences")
            sequences = dict(cursor.fetchall())
            cursor.execute("SELECT pg_database_size(current_database())")
            ((size,),) = cursor.fetchall()
        return _State(tables, catalogs, sequences, size)


def _prints(cursor: psycopg.Cursor[Any], schema: str, names: Sequence[str]) -> dict[str, str]:
    parts = [sql.SQL(_PRINT).format(name=sql.Literal(name), table=sql.Identifier(schema, name)) for name in names]
    return dict(cursor.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall())


def _rows_of(database: psycopg.Connection[Any], name: str) -> bytes:
    """Return a table's rows as COPY takes them again; nothing where it has none."""
    if not database.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name))).fetchall()[0][0]:
        return b""
    with database.cursor() as cursor:
        statement = sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(name))
        with cursor.copy(statement) as copy:
            return b"".join(bytes(part) for part in copy)
