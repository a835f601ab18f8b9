"""One sealed column of many rows, opened at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from casework.crypto import envelope, services
from casework.crypto.envelope import Place, Value
from casework.crypto.fields._base import SealedField


def opened_column(field: SealedField, rows: Sequence[UUID]) -> dict[UUID, Value]:
    """Return a field's values for rows that are their own key scopes, by row id.

    Rows that the database hides or whose key was destroyed are left out. Without an instance for each row, which a
    search through thousands would be busy making. Raises as `services.keys_for_many`, and `DecryptError`.
    """
    keys = services.keys_for_many(rows)
    table, number = field.table, field.field_id
    quoted = [connection.ops.quote_name(name) for name in (field.model._meta.db_table, field.column)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {quoted[1]} FROM {quoted[0]} WHERE id = ANY(%s)", [list(rows)])  # noqa: S608
        found = cursor.fetchall()
    return {
        row: envelope.open_(bytes(blob), keys=keys[row], place=Place(table, row, number))
        for row, blob in found
        if row in keys
    }
