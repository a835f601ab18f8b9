"""Where the concrete grant tables make themselves known: they stand in a higher area, which this one may not import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casework.access.models import GroupGrant, UserGrant


@dataclass(frozen=True)
class GrantTables:
    """The tables of grants to people and to team roles."""

    user: type[UserGrant]
    group: type[GroupGrant]


_tables: list[GrantTables] = []


def register(tables: GrantTables) -> None:
    """Make the concrete tables known (once, from the owning area's `AppConfig.ready`)."""
    _tables[:] = [tables]


def tables() -> GrantTables:
    """Return the concrete grant tables."""
    if not _tables:
        raise RuntimeError("no grant tables: the app that owns them is not installed")
    return _tables[0]
