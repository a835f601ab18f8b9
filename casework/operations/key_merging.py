"""Putting the newest keys beside data of any age, so that what was erased since stays erased.

Runs as the owner in one transaction of a database that nobody else uses yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db import models
from psycopg.types.json import Jsonb

from casework.cases import erasing

# Everything is to be read once, so the owner's own walls are put aside and put back. Wraps come back as they were,
# under retired wrapping keys too: the wall against such wraps is for new ones.
_WALLED: Final = """
CREATE TEMPORARY TABLE walled ON COMMIT DROP AS
    SELECT oid::regclass AS name FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relforcerowsecurity;
"""
_WALLS: Final = """
DO $$
DECLARE
    one regclass;
BEGIN
    FOR one IN SELECT name FROM walled LOOP
        EXECUTE format('ALTER TABLE %s {force} ROW LEVEL SECURITY', one);
    END LOOP;
END
$$;
ALTER TABLE crypto_keywrap {triggers} TRIGGER USER;
"""
_KEYS_AS_TABLES: Final = """
CREATE TEMPORARY TABLE new_kek ON COMMIT DROP AS
    SELECT (jsonb_populate_record(NULL::crypto_kek, doc)).* FROM restored WHERE place = 'crypto_kek';
CREATE TEMPORARY TABLE new_scope ON COMMIT DROP AS
    SELECT (jsonb_populate_record(NULL::crypto_keyscope, doc)).* FROM restored WHERE place = 'crypto_keyscope';
CREATE TEMPORARY TABLE new_wrap ON COMMIT DROP AS
    SELECT (jsonb_populate_record(NULL::crypto_keywrap, doc)).* FROM restored WHERE place = 'crypto_keywrap';
ANALYZE new_scope;
ANALYZE new_wrap;
"""
_MERGE: Final = """
INSERT INTO crypto_kek SELECT * FROM new_kek;
-- What was erased once stays so, whatever the data say; also a scope that they never knew, for the sets to come.
UPDATE crypto_keyscope s SET state = 'erased' FROM new_scope k WHERE k.id = s.id AND k.state = 'erased';
INSERT INTO crypto_keyscope SELECT k.* FROM new_scope k
    WHERE k.state = 'erased' OR EXISTS (SELECT 1 FROM crypto_keyscope s WHERE s.id = k.id) ON CONFLICT DO NOTHING;
UPDATE crypto_keyscope s SET state = 'erased' FROM crypto_keyscope around
    WHERE around.id = s.parent AND around.state = 'erased' AND s.state <> 'erased';
-- A generation that was retired after the data were saved still has values of theirs under it. It stays live, and
-- `rotate_keys --finish` seals those anew.
INSERT INTO crypto_keywrap SELECT w.* FROM new_wrap w
    JOIN crypto_keyscope s ON s.id = w.scope AND s.generation = w.generation WHERE s.state <> 'erased';
"""
_YOUNGER: Final = """
SELECT count(DISTINCT k.id) FROM new_scope k WHERE NOT EXISTS (SELECT 1 FROM crypto_keyscope s WHERE s.id = k.id)
"""
_BARE: Final = """
SELECT DISTINCT s.id FROM crypto_keyscope s
 WHERE s.state <> 'erased'
   AND NOT EXISTS (SELECT 1 FROM crypto_keywrap w WHERE w.scope = s.id AND w.generation = s.generation) ORDER BY 1
"""

Lines = Callable[[Callable[[Mapping[str, Any]], None]], None]


def walls_aside(cursor: Any) -> None:
    """Let the owner read and write every row until `walls_back`, or until the transaction is rolled back."""
    cursor.execute(_WALLED + _WALLS.format(force="NO FORCE", triggers="DISABLE"))


def walls_back(cursor: Any) -> None:
    """Put the walls back as they were."""
    # A table with checks that wait for the commit cannot be altered.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    cursor.execute(_WALLS.format(force="FORCE", triggers="ENABLE"))


def merge(cursor: Any, lines: Lines) -> int:
    """Take the keys that `lines` hands over, and return how many scopes among them are younger than the data."""
    beginnings = {model._meta.db_table: _beginnings(model) for model in apps.get_app_config("crypto").get_models()}
    cursor.execute("CREATE TEMPORARY TABLE restored (place text, doc jsonb) ON COMMIT DROP")
    with cursor.copy("COPY restored FROM STDIN") as copy:

        def take(line: Mapping[str, Any]) -> None:
            if "table" in line:
                # A column that is younger than the set of keys begins with the value that its migration gives it.
                copy.write_row((line["table"], Jsonb(beginnings.get(line["table"], {}) | line["row"])))

        lines(take)
    cursor.execute(_KEYS_AS_TABLES)
    cursor.execute(_MERGE)
    cursor.execute(_YOUNGER)
    (younger,) = cursor.fetchone()
    return int(younger)


def _beginnings(model: type[models.Model]) -> dict[str, Any]:
    fields: list[Any] = [field for field in model._meta.concrete_fields if field.has_default()]
    return {field.column: field.default for field in fields if not callable(field.default)}


def erase_again(cursor: Any, cases: Collection[UUID], listed: Iterable[Mapping[str, Any]]) -> tuple[UUID, ...]:
    """Take away every row of cases that were erased, as their erasure did, and return which of them had any.

    `cases`: by the state of their keys. `listed`: the decisions, as `erasing.erasure_list` gave them.
    """
    cursor.execute("SELECT id FROM cases_case WHERE id = ANY(%s) ORDER BY id", [list(cases)])
    found = tuple(case_id for (case_id,) in cursor.fetchall())
    erasing.replay(cursor, listed)
    for case_id in found:
        cursor.execute("SELECT cw_forget_case(%s)", [case_id])
    return found


def without_wrap(cursor: Any) -> tuple[UUID, ...]:
    """Return the scopes that have a generation without a key, although nobody erased them."""
    cursor.execute(_BARE)
    return tuple(scope for (scope,) in cursor.fetchall())
