"""What the transfer board shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from casework.cases.types import CaseRow


@dataclass(frozen=True)
class BoardRow:
    """One case on the board. `due_on` and `rule` are those of its next running transfer limit, where it has one."""

    case: CaseRow
    due_on: date | None
    rule: str


@dataclass(frozen=True)
class Board:
    """One page of the board, soonest first; `counts` has the number of cases of each stage, of all pages."""

    rows: tuple[BoardRow, ...]
    total: int
    number: int
    size: int
    counts: tuple[tuple[str, int], ...]

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True)
class Pressure:
    """How a coordinator's teams stand: cases, those that nobody leads, transfer limits that end soon or have passed."""

    open_cases: int
    unassigned: int
    detained: int
    due_soon: int
    passed: int
