"""Rows of case lists, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from casework.accounts import selectors as accounts
from casework.cases.types import CaseRow, CaseState, Page
from casework.desk import labels
from casework.desk.selectors._names import name_of


@dataclass(frozen=True)
class ListRow:
    """A case in a list: what the template prints and nothing that it would have to look up."""

    id: UUID
    reference: str
    name_latin: str
    name_original: str
    country: str
    stage: str
    due_on: date | None
    rule: str
    lead: str
    risk: str
    risk_tone: str
    detained: bool
    closed: bool
    damaged: bool = False


@dataclass(frozen=True)
class CaseList:
    """One page of a list of cases."""

    rows: tuple[ListRow, ...]
    total: int
    number: int
    pages: int
    more: bool = False
    unsearched: tuple[str, ...] = ()

    @classmethod
    def of(cls, page: Page) -> CaseList:
        """Return the page in words (one query, for the leads' names)."""
        rows = tuple(list_rows(page.rows))
        return cls(
            rows=rows,
            total=page.total,
            number=page.number,
            pages=page.pages,
            more=page.more,
            unsearched=page.unsearched,
        )


def list_rows(rows: Iterable[CaseRow]) -> list[ListRow]:
    """Return list rows in words; one query for the leads' names."""
    found = list(rows)
    leads = accounts.people({row.lead_id for row in found if row.lead_id})
    return [
        ListRow(
            id=row.id,
            reference=row.reference,
            name_latin=row.name_latin,
            name_original=row.name_original,
            country=labels.country(row.country),
            stage=labels.stage(row.stage),
            due_on=row.next_due_on,
            rule=labels.rule(row.next_due_rule) if row.next_due_rule else "",
            lead=name_of(row.lead_id, leads),
            risk=labels.risk(row.risk_level),
            risk_tone=labels.RISK_TONES.get(row.risk_level, "neutral"),
            detained=row.detained,
            closed=row.state == CaseState.CLOSED,
            damaged=row.damaged,
        )
        for row in found
    ]
