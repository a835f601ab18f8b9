"""The transfer board in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from casework.accounts import selectors as accounts
from casework.desk import labels
from casework.desk.selectors._names import name_of
from casework.transfers.types import Board, BoardRow


@dataclass(frozen=True)
class BoardLine:
    """One case on the board, in words."""

    id: UUID
    reference: str
    name_latin: str
    name_original: str
    column: str
    stage: str
    country: str
    responsible_state: str
    due_on: date | None
    rule: str
    risk: str
    risk_tone: str
    detained: bool
    lead: str
    damaged: bool = False


@dataclass(frozen=True)
class BoardColumn:
    """One column: how many cases stand in it on all pages, and those of this page."""

    name: str
    label: str
    count: int
    lines: tuple[BoardLine, ...]


def board_lines(rows: Iterable[BoardRow]) -> list[BoardLine]:
    """Return the board's rows in words (one query, for the leads' names)."""
    found = list(rows)
    leads = accounts.people({row.case.lead_id for row in found if row.case.lead_id})
    return [
        BoardLine(
            id=row.case.id,
            reference=row.case.reference,
            name_latin=row.case.name_latin,
            name_original=row.case.name_original,
            column=column_of(row.case.stage),
            stage=labels.stage(row.case.stage),
            country=labels.country(row.case.country),
            responsible_state=labels.country(row.case.responsible_state),
            due_on=row.due_on,
            rule=labels.rule(row.rule) if row.rule else "",
            risk=labels.risk(row.case.risk_level),
            risk_tone=labels.RISK_TONES.get(row.case.risk_level, "neutral"),
            detained=row.case.detained,
            lead=name_of(row.case.lead_id, leads),
            damaged=row.case.damaged,
        )
        for row in found
    ]


def column_of(stage: str) -> str:
    """Return the name of the column in which a stage stands; unknown stages stand in the first."""
    return next((name for name, _label, stages in labels.BOARD_COLUMNS if stage in stages), "evidence")


def board_columns(board: Board, lines: Sequence[BoardLine]) -> list[BoardColumn]:
    """Return the columns of a board with their counts."""
    counts = dict(board.counts)
    return [
        BoardColumn(
            name=name,
            label=str(label),
            count=sum(counts.get(stage, 0) for stage in stages),
            lines=tuple(line for line in lines if line.column == name),
        )
        for name, label, stages in labels.BOARD_COLUMNS
    ]
