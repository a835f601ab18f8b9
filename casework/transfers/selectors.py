"""The transfer board: a fixed number of queries, however many cases there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from uuid import UUID

from casework.access import policies
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.cases import selectors as cases
from casework.cases.types import CaseRow, CaseState
from casework.core import clock, work
from casework.procedure import selectors as procedure
from casework.procedure.types import StoredLimit
from casework.transfers.types import Board, BoardRow, Pressure

PAGE_SIZE = 50
SOON_DAYS = 14
BACK_DAYS = 30


def is_transfer_rule(rule: str) -> bool:
    """Say whether a rule is about carrying out a transfer: its id names the transfer as a part of its own."""
    return "-transfer-" in rule


def board(
    *,
    team_id: UUID | None = None,
    stages: Collection[str] = (),
    unassigned: bool = False,
    number: int = 1,
    size: int = PAGE_SIZE,
) -> Board:
    """Return one page of the open cases of the actor's teams, ordered by their next running transfer limit.

    `team_id`, `stages`: show only these; a team that the actor does not coordinate has no rows. `unassigned`: only
    cases that nobody leads. Cases without a transfer limit come last. Only the page's own cases are opened.

    Raises:
        NotAllowed: the actor coordinates no team.
    """
    policies.check(Action.SEE_BOARD)
    own = _own_teams()
    found = cases.visible().filter(state=CaseState.OPEN, team_id__in=own if team_id is None else own & {team_id})
    if unassigned:
        found = found.filter(lead_id__isnull=True)
    stage_by_id = dict(found.order_by("id").values_list("id", "stage"))
    counts = Counter(stage_by_id.values())
    wanted = [case_id for case_id, stage in stage_by_id.items() if not stages or stage in stages]
    next_by_id = next_transfer_limits(wanted)
    ordered = sorted(wanted, key=lambda case_id: _order(case_id, next_by_id))
    number = max(1, min(number, -(-len(ordered) // size) or 1))
    shown = ordered[(number - 1) * size : number * size]
    opened = {row.id: row for row in cases.rows_of(cases.visible().filter(pk__in=shown))}
    rows = [_row(opened[case_id], next_by_id.get(case_id)) for case_id in shown if case_id in opened]
    return Board(rows=tuple(rows), total=len(ordered), number=number, size=size, counts=tuple(sorted(counts.items())))


def pressure() -> Pressure:
    """Return how the teams of the actor stand; two queries.

    Raises:
        NotAllowed: the actor coordinates no team.
    """
    policies.check(Action.SEE_BOARD)
    found = cases.visible().filter(state=CaseState.OPEN, team_id__in=_own_teams())
    known = list(found.order_by("id").values("id", "lead_id", "detained"))
    day = clock.today()
    limits = [limit for limit in procedure.stored_limits(row["id"] for row in known) if is_transfer_rule(limit.rule)]
    soon, since = day + timedelta(days=SOON_DAYS), day - timedelta(days=BACK_DAYS)
    return Pressure(
        open_cases=len(known),
        unassigned=sum(row["lead_id"] is None for row in known),
        detained=sum(row["detained"] for row in known),
        due_soon=len({limit.case_id for limit in limits if limit.state == "running" and limit.due_on <= soon}),
        passed=len({limit.case_id for limit in limits if limit.state == "expired" and limit.due_on >= since}),
    )


def _own_teams() -> frozenset[UUID]:
    return accounts.standing_of(work.current().actor.user_id).teams(Role.COORDINATOR)


def next_transfer_limits(case_ids: Iterable[UUID]) -> Mapping[UUID, StoredLimit]:
    """Return, by case, the earliest running limit among the transfer rules; cases without one are absent."""
    earliest: dict[UUID, StoredLimit] = {}
    for limit in procedure.stored_limits(case_ids):
        if limit.state == "running" and is_transfer_rule(limit.rule):
            earliest.setdefault(limit.case_id, limit)
    return earliest


def _order(case_id: UUID, next_by_id: Mapping[UUID, StoredLimit]) -> tuple[date, str]:
    limit = next_by_id.get(case_id)
    return (limit.due_on if limit else date.max, str(case_id))


def _row(case: CaseRow, limit: StoredLimit | None) -> BoardRow:
    return BoardRow(case=case, due_on=limit.due_on if limit else None, rule=limit.rule if limit else "")
