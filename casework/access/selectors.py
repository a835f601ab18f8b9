"""Which grants hold now: for one case, for many, and as a filter for lists."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from casework.access import registry
from casework.access.models import GrantFields, grant_bytes, joined
from casework.access.types import LEVEL_BY_CODENAME, GrantView, Level
from casework.accounts import selectors as accounts
from casework.accounts.models import counted_microseconds, meaning_bytes
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

    Two queries whatever the number of cases, besides the person's standing; read once per unit of work.
    """
    wanted = list(case_ids)
    known = _known()
    unknown = [case_id for case_id in wanted if (user_id, case_id) not in known]
    if unknown:
        best = _read_levels(user_id, unknown)
        known |= {(user_id, case_id): best.get(case_id) for case_id in unknown}
    levels = {case_id: known[user_id, case_id] for case_id in wanted}
    return {case_id: level for case_id, level in levels.items() if level is not None}


def _read_levels(user_id: UUID | None, case_ids: list[UUID]) -> dict[UUID, Level]:
    standing = accounts.standing_of(user_id)
    best: dict[UUID, Level] = {}
    if user_id is None or not standing.roles:
        return best
    tables = registry.tables()
    shared = tables.group.objects.filter(_live(), group_id__in=standing.group_ids, content_object_id__in=case_ids)
    named = ("group_id", "group__team_role__role", "group__team_role__team_id")
    for group_id, role, team_id, *columns in shared.values_list(*named, *_COLUMNS):
        _take(best, 2, group_id.to_bytes(4, "big") + meaning_bytes(role, team_id), tuple(columns))
    # Nobody has more than the lead: what a coordinator holds besides need not be read.
    rest = [case_id for case_id in case_ids if best.get(case_id) != Level.LEAD]
    if rest:
        direct = tables.user.objects.filter(_live(), user_id=user_id, content_object_id__in=rest)
        for columns in direct.values_list(*_COLUMNS):
            _take(best, 1, user_id.bytes, columns)
    return best


# What a grant's MAC covers, in the order in which `_take` reads it: plain tuples, since a list reads one for each row.
_COLUMNS = ("id", "content_object_id", "permission__codename", "granted_by", "granted_at", "until", "mac")
_Columns = tuple[UUID, UUID, str, UUID | None, datetime, datetime | None, bytes]


def _take(best: dict[UUID, Level], kind: int, holder: bytes, columns: _Columns) -> None:
    """Note the level of one grant when it is better than what is known and the application made it."""
    grant_id, case_id, codename, granted_by, granted_at, until, mac = columns
    level = LEVEL_BY_CODENAME[codename]
    if level <= best.get(case_id, 0):
        return
    data = grant_bytes(
        grant_id=grant_id,
        kind=kind,
        holder=holder,
        case_id=case_id,
        level=level,
        granted_by=granted_by,
        granted_at=granted_at,
        until=until,
    )
    if accounts.mac_matches(data, mac):
        best[case_id] = level


# The same columns in bytes, with microseconds for times, in one value for each grant.
_PACKED: Final = struct.Struct(">16s16s16sqqi")
_PACKED_SQL: Final = """
    SELECT uuid_send(g.case_id) || uuid_send(g.id) || uuid_send(coalesce(g.granted_by, %(nobody)s))
        || int8send((extract(epoch FROM g.granted_at) * 1000000)::bigint)
        || int8send(coalesce((extract(epoch FROM g.until) * 1000000)::bigint, 0))
        || int4send({group}), p.codename, g.mac
      FROM {table} g JOIN auth_permission p ON p.id = g.permission_id
     WHERE {holder} AND (g.until IS NULL OR g.until > %(now)s) AND {among}
"""


def sound_among(user_id: UUID | None, case_ids: Collection[bytes] | None = None) -> list[bytes]:
    """Return those of `case_ids` (None: of all cases) on which `user_id` has a live, sound grant; ids of 16 bytes.

    What `levels_for` says, for thousands of cases: three queries, and no object for each grant.
    """
    standing = accounts.standing_of(user_id)
    if user_id is None or not standing.roles:
        return []
    given: dict[str, Any] = {
        "now": clock.now(),
        "nobody": UUID(int=0),
        "user": user_id,
        "groups": sorted(standing.group_ids),
        "ids": None if case_ids is None else f"{{{','.join([case_id.hex() for case_id in case_ids])}}}",
    }
    among = "true" if case_ids is None else "g.case_id = ANY(%(ids)s::uuid[])"
    tables = registry.tables()
    holders = {number: number.to_bytes(4, "big") + of for number, of in accounts.meanings(standing.group_ids).items()}
    holders[0] = user_id.bytes
    levels = {codename: bytes((level,)) for codename, level in LEVEL_BY_CODENAME.items()}
    no_end = bytes(8)
    matches = accounts.mac_checker()
    sound: dict[bytes, None] = {}
    for kind, table, group, holder in (
        (b"\2", tables.group, "g.group_id", "g.group_id = ANY(%(groups)s)"),
        (b"\1", tables.user, "0", "g.user_id = %(user)s"),
    ):
        sql = _PACKED_SQL.format(table=table._meta.db_table, group=group, holder=holder, among=among)
        with connection.cursor() as cursor:
            cursor.execute(sql, given)
            rows = cursor.fetchall()
        for packed, codename, mac in rows:
            case_id, grant_id, by, at, until, number = _PACKED.unpack(packed)
            if case_id in sound:
                continue
            ends = counted_microseconds(until) if until else no_end
            starts = counted_microseconds(at)
            if matches(joined(grant_id, kind, holders[number], case_id, levels[codename], by, starts, ends), mac):
                sound[case_id] = None
    return list(sound)


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


def visible_to(user_id: UUID | None) -> QuerySet[Any, Any]:
    """Return the ids of the cases that `user_id` may see now, as a subquery for `pk__in`."""
    standing = accounts.standing_of(user_id)
    tables = registry.tables()
    if user_id is None or not standing.roles:
        nothing: QuerySet[Any, Any] = tables.user.objects.none().values_list("content_object_id", flat=True)
        return nothing
    direct = tables.user.objects.filter(_live(), user_id=user_id).values_list("content_object_id", flat=True)
    shared = tables.group.objects.filter(_live(), group_id__in=standing.group_ids)
    either: QuerySet[Any, Any] = direct.union(shared.values_list("content_object_id", flat=True), all=True)
    return either


def seen_by(user_id: UUID | None) -> Q:
    """Return the same as `visible_to` as a condition on the rows of the case table, for whoever sees most of them."""
    standing = accounts.standing_of(user_id)
    tables = registry.tables()
    if user_id is None or not standing.roles:
        return Q(pk__in=[])
    direct = tables.user.objects.filter(_live(), user_id=user_id, content_object_id=OuterRef("pk"))
    shared = tables.group.objects.filter(_live(), group_id__in=standing.group_ids, content_object_id=OuterRef("pk"))
    return Q(Exists(shared)) | Q(Exists(direct))


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
