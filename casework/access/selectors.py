"""Which grants hold now: for one case, for many, and as a filter for lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from casework.access import registry
from casework.access.models import GrantFields
from casework.access.types import GrantView, Level
from casework.accounts import selectors as accounts
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
    direct = tables.user.objects.filter(_live(), user_id=user_id, content_object_id__in=case_ids)
    shared = tables.group.objects.filter(_live(), group_id__in=standing.group_ids, content_object_id__in=case_ids)
    for rows, relations in ((direct, _SIGNED_USER), (shared, _SIGNED_GROUP)):
        for grant in rows.select_related(*relations).defer("reason"):
            if grant.level > best.get(grant.content_object_id, 0) and is_sound(grant):
                best[grant.content_object_id] = grant.level
    return best


def level_on(user_id: UUID | None, case_id: UUID) -> Level | None:
    """Return the best live, sound level on one case."""
    return levels_for(user_id, [case_id]).get(case_id)


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
