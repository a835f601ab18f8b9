"""Which grants hold now: for one case, for many, and as a filter for lists."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, F, Func, Q

from casework.access import registry
from casework.access.models import GrantFields, GroupGrant, UserGrant, joined
from casework.access.types import LEVEL_BY_CODENAME, GrantView, Level
from casework.accounts import selectors as accounts
from casework.accounts.models import counted_microseconds
from casework.core import clock, work

# What a grant's MAC covers besides its own columns.
_SIGNED_USER = ("permission",)
_SIGNED_GROUP = ("permission", "group__team_role")


def _live() -> Q:
    return Q(until__isnull=True) | Q(until__gt=clock.now())


def is_sound(grant: GrantFields) -> bool:
    """Say whether the application made this grant row (needs the relations named above selected with it)."""
    return accounts.mac_matches(grant.signed_bytes(), grant.mac)


def _known() -> dict[tuple[UUID | None, UUID], Level | None]:
    running = work.running()
    cache = running.store.setdefault("access.levels", {}) if running else {}
    assert isinstance(cache, dict)
    return cache


def levels_for(user_id: UUID | None, case_ids: Iterable[UUID]) -> Mapping[UUID, Level]:
    """Return the best live, sound level of `user_id` on each of `case_ids`; cases without one are absent.

    One statement whatever the number of cases; read once per unit of work.
    """
    wanted = list(case_ids)
    known = _known()
    unknown = [case_id for case_id in wanted if (user_id, case_id) not in known]
    if unknown:
        best = _read_levels(user_id, [case_id.bytes for case_id in unknown])
        known |= {(user_id, case_id): best.get(case_id.bytes) for case_id in unknown}
    levels = {case_id: known[user_id, case_id] for case_id in wanted}
    return {case_id: level for case_id, level in levels.items() if level is not None}


# A grant in bytes, with microseconds for times, the level's codename, the role of its group, and the MAC. A plain
# statement and plain tuples: it is asked for every page of a case, and gives a row for each case of a list.
_PACKED: Final = struct.Struct(">16s16s16sqq4s16s")
_NOBODY: Final = "'00000000-0000-0000-0000-000000000000'"
_GRANTS: Final = """
    SELECT {kind}, uuid_send(g.case_id) || uuid_send(g.id) || uuid_send(coalesce(g.granted_by, {nobody}))
        || int8send((extract(epoch FROM g.granted_at) * 1000000)::bigint)
        || int8send(coalesce((extract(epoch FROM g.until) * 1000000)::bigint, 0))
        || int4send({group}) || uuid_send({team}), p.codename, {role}, g.mac
      FROM {table} g JOIN auth_permission p ON p.id = g.permission_id {joined}
     WHERE {holder} AND (g.until IS NULL OR g.until > %(now)s) AND {among}
"""
_STANDING: Final = 0
_WITH_STANDING: Final = f"""
    SELECT {_STANDING}, s.packed, '', s.role, s.mac FROM ({accounts.STANDING_SQL}) s (packed, role, mac)
"""  # noqa: S608  (our own statement)
_NO_END: Final = bytes(8)


def _read_levels(user_id: UUID | None, case_ids: Collection[bytes] | None) -> dict[bytes, Level]:
    """Return the best level of `user_id` on each of `case_ids` (None: on all cases); ids of 16 bytes.

    One statement, the person's standing included where this unit of work does not know it yet.
    """
    if user_id is None:
        return {}
    standing = accounts.known_standing(user_id)
    ids = None if case_ids is None else f"{{{','.join([case_id.hex() for case_id in case_ids])}}}"
    with connection.cursor() as cursor:
        cursor.execute(
            _levels_sql(with_standing=standing is None, among=ids is not None),
            {"now": clock.now(), "user": user_id, "ids": ids},
        )
        rows = cursor.fetchall()
    if standing is None:
        standing = accounts.take_standing(user_id, [(row[1], row[3], row[4]) for row in rows if row[0] == _STANDING])
    if not standing.roles:
        return {}
    best: dict[bytes, Level] = {}
    matches = accounts.mac_checker()
    for kind, packed, codename, role, mac in rows:
        if kind == _STANDING:
            continue
        case_id, grant_id, by, at, until, group, team = _PACKED.unpack(packed)
        level = LEVEL_BY_CODENAME[codename]
        if level <= best.get(case_id, 0):
            continue
        holder = user_id.bytes
        if kind == GroupGrant.KIND:
            if int.from_bytes(group, "big") not in standing.group_ids:
                continue
            holder = group + role.encode().ljust(16, b"\0") + team
        starts, ends = counted_microseconds(at), counted_microseconds(until) if until else _NO_END
        if matches(joined(grant_id, bytes((kind,)), holder, case_id, bytes((level,)), by, starts, ends), mac):
            best[case_id] = level
    return best


@cache
def _levels_sql(*, with_standing: bool, among: bool) -> str:
    """Return the statement; team roles come first, since nobody has more than a lead."""
    tables = registry.tables()
    inside = "g.case_id = ANY(%(ids)s::uuid[])" if among else "true"
    parts = [
        _GRANTS.format(
            kind=GroupGrant.KIND,
            table=tables.group._meta.db_table,
            group="g.group_id",
            team=f"coalesce(r.team_id, {_NOBODY})",
            role="r.role",
            joined="JOIN accounts_teamrole r ON r.group_id = g.group_id",
            holder="g.group_id = ANY(ARRAY(SELECT m.group_id FROM accounts_membership m WHERE m.user_id = %(user)s))",
            among=inside,
            nobody=_NOBODY,
        ),
        _GRANTS.format(
            kind=UserGrant.KIND,
            table=tables.user._meta.db_table,
            group="0",
            team=_NOBODY,
            role="''",
            joined="",
            holder="g.user_id = %(user)s",
            among=inside,
            nobody=_NOBODY,
        ),
    ]
    if with_standing:
        parts.append(_WITH_STANDING)
    return " UNION ALL ".join(parts)


def sound_among(user_id: UUID | None, case_ids: Collection[bytes] | None = None) -> list[bytes]:
    """Return those of `case_ids` (None: of all cases) on which `user_id` has a live, sound grant; ids of 16 bytes.

    What `levels_for` says, for thousands of cases: one statement, and no object for each grant.
    """
    return list(_read_levels(user_id, case_ids))


def level_on(user_id: UUID | None, case_id: UUID) -> Level | None:
    """Return the best live, sound level on one case."""
    return levels_for(user_id, [case_id]).get(case_id)


def is_erased(case_id: UUID) -> bool:
    """Say whether there was such a case and it was erased; the database answers anybody, with nothing more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cw_is_erased(%s)", [case_id])
        return bool(cursor.fetchone()[0])


def forget_levels() -> None:
    """Let the next `level_on` read again; called where grants change."""
    running = work.running()
    if running:
        running.store.pop("access.levels", None)


class _Seen(Func):
    """The condition that somebody has a live grant on the case of a row; for `filter`.

    Written out: the ORM takes longer to put two subqueries together than the database to answer them.
    """

    output_field = BooleanField()

    def __init__(self, sql: str, given: tuple[object, ...]) -> None:
        super().__init__(F("pk"))
        self.sql, self.given = sql, given

    def as_sql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, list[object]]:  # type: ignore[override]
        column, _none = compiler.compile(self.source_expressions[0])
        return self.sql.replace("{case}", column), list(self.given)


_SHARED: Final = "FROM {group} g WHERE g.group_id = ANY(%s) AND (g.until IS NULL OR g.until > %s)"
_DIRECT: Final = "FROM {user} g WHERE g.user_id = %s AND (g.until IS NULL OR g.until > %s)"
# Row by row, along the order of a list that is done after a page; and all grants first, for few cases.
_ROW_BY_ROW: Final = (
    f"(EXISTS (SELECT 1 {_SHARED} AND g.case_id = {{case}}) OR EXISTS (SELECT 1 {_DIRECT} AND g.case_id = {{case}}))"
)
_GATHERED: Final = f"{{case}} IN (SELECT g.case_id {_SHARED} UNION ALL SELECT g.case_id {_DIRECT})"


def seen_by(user_id: UUID | None, *, row_by_row: bool = False) -> Q:
    """Return the condition on the rows of the case table that `user_id` may see them now.

    `row_by_row`: for whoever sees most of the cases there are.
    """
    standing = accounts.standing_of(user_id)
    if user_id is None or not standing.roles:
        return Q(pk__in=[])
    tables = registry.tables()
    sql = _ROW_BY_ROW if row_by_row else _GATHERED
    sql = sql.replace("{group}", tables.group._meta.db_table).replace("{user}", tables.user._meta.db_table)
    return Q(_Seen(sql, (sorted(standing.group_ids), clock.now(), user_id, clock.now())))


def grants_on(case_id: UUID) -> list[GrantView]:
    """Return every live, sound grant on a case, people before team roles, oldest first; the reasons are opened."""
    tables = registry.tables()
    found: list[GrantView] = []
    for table, relations in ((tables.user, _SIGNED_USER), (tables.group, _SIGNED_GROUP)):
        rows = table.objects.filter(_live(), content_object_id=case_id).select_related(*relations)
        found += [
            GrantView(
                id=row.pk,
                holder_id=getattr(row, "user_id", None),
                group_id=getattr(row, "group_id", None),
                level=row.level,
                granted_by=row.granted_by,
                granted_at=row.granted_at,
                until=row.until,
                reason=row.reason,
            )
            for row in rows.order_by("granted_at")
            if is_sound(row)
        ]
    return found
