"""One sealed column of thousands of rows, opened without an object for each: for searches, which look into them all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, Final

import psycopg
from django.db import connection
from django.db.models import QuerySet

from casework.crypto import envelope, services
from casework.crypto.envelope import DecryptError, LockedValue
from casework.crypto.fields._base import SealedField
from casework.crypto.keyring import Kek

_AT_ONCE: Final = 500

_SQL: Final = """
    SELECT uuid_send({table}.id), s.generation, s.commit, w.blob, {table}.{column}
      FROM {table}
      JOIN crypto_keyscope s ON s.id = {table}.id AND s.state <> 'erased'
      JOIN crypto_keywrap w ON w.scope = s.id AND w.generation = s.generation
       AND w.recipient_kind = 1 AND w.recipient_id = '00000000-0000-0000-0000-000000000000'
     WHERE {conditions}
"""


def opened_texts(
    field: SealedField, rows: QuerySet[Any], ids: Collection[bytes] | None = None
) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield, of those of `rows` whose keys may be unwrapped for who acts, the id and the JSON text of a sealed column.

    None stands for a text that does not open. `rows` have a key scope of their own each, and are asked about columns of
    their own table alone. `ids`: only these, of 16 bytes each. The guard is asked before, as always; rows that the
    database hides or whose key was destroyed are left out. Rows are opened while the database finds the next ones, so
    no other statement may run before the last.

    Raises:
        RootKeyError: a wrapping key does not open.
    """
    admitted = services.admitted(ids)
    if admitted is not None and not admitted:
        return
    keks = services.wrapping_keys()
    later: list[LockedValue] = []
    found = _stream(*_statement(field, rows, admitted))
    yield from envelope.open_texts(found, keks=keks, table=field.table, field=field.field_id, later=later)
    if later:
        # Wrapped by a rotation since this process last looked, or by one key of too many to keep open.
        keks = _others({envelope.kek_version_of(row[3]) for row in later})
        unknown: list[LockedValue] = []
        yield from envelope.open_texts(later, keks=keks, table=field.table, field=field.field_id, later=unknown)
        yield from ((row[0], None) for row in unknown)


def _others(versions: set[int]) -> dict[int, Kek]:
    found: dict[int, Kek] = {}
    for version in versions:
        with suppress(DecryptError):  # there is no key of that version
            found[version] = services.wrapping_key(version)
    return found


def _statement(field: SealedField, rows: QuerySet[Any], ids: Collection[bytes] | None) -> tuple[str, list[Any]]:
    compiler = rows.query.get_compiler(connection=connection)
    compiler.setup_query()
    asked, params = compiler.compile(rows.query.where) if rows.query.where else ("true", ())
    if len(rows.query.alias_map) > 1:
        raise ValueError("these rows are asked about columns of their own table alone")
    quote = connection.ops.quote_name
    table = quote(field.model._meta.db_table)
    conditions, given = [asked], list(params)
    if ids is not None:
        # A constant list: the planner knows how long it is, and asks the walls of all rows at once.
        conditions.append(f"{table}.id = ANY(%s::uuid[])")
        given.append(f"{{{','.join([row.hex() for row in ids])}}}")
    return _SQL.format(table=table, column=quote(field.column), conditions=" AND ".join(conditions)), given


def _stream(sql: str, params: list[Any]) -> Iterator[Any]:
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield from cursor.stream(sql, params, binary=True, size=_AT_ONCE)
