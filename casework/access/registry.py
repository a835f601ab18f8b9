"""Where the concrete grant tables make themselves known: they stand in a higher area, which this one may not import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GrantTables:
    """The tables of grants to people and to team roles."""

    # `type[UserGrant]` and `type[GroupGrant]` with the key to the case, which only the concrete tables have.
    user: Any
    group: Any


_tables: list[GrantTables] = []


def register(tables: GrantTables) -> None:
    """Make the concrete tables known (once, from the owning area's `AppConfig.ready`)."""
    _tables[:] = [tables]


def tables() -> GrantTables:
    """Return the concrete grant tables."""
    if not _tables:
        raise RuntimeError("no grant tables: the app that owns them is not installed")
    return _tables[0]
