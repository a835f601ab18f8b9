"""Facts that count, and what the law makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from casework.core import clock
from casework.law import derive, facts
from casework.law.types import CaseFile, Procedure
from casework.procedure.models import Derivation, Fact, Limit
from casework.procedure.types import ProcedureView, RecordedFact, StoredLimit

LIBERTY_IN = frozenset({"detained"})
LIBERTY_OUT = frozenset({"released", "transferred"})


def recorded_facts(case_id: UUID) -> list[RecordedFact]:
    """Return the facts of a case that count, by date and then by when they were recorded (one query)."""
    return _divided(case_id)[0]


def earlier_versions(case_id: UUID) -> list[RecordedFact]:
    """Return what was recorded and counts no more, because it was corrected or withdrawn (one query)."""
    return _divided(case_id)[1]


def _divided(case_id: UUID) -> tuple[list[RecordedFact], list[RecordedFact]]:
    rows = list(Fact.objects.filter(case_id=case_id).order_by("recorded_at", "id"))
    replaced = {str(row.content["corrects"]) for row in rows if row.content.get("corrects")}
    counting: list[RecordedFact] = []
    earlier: list[RecordedFact] = []
    for row in rows:
        if row.content.get("withdrawn"):
            continue  # says only that another counts no more
        fact = RecordedFact(
            id=row.pk,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            content=row.content["fact"],
            note=row.content.get("note", ""),
            corrected=bool(row.content.get("corrects")),
        )
        (earlier if str(row.pk) in replaced else counting).append(fact)
    for part in (counting, earlier):
        part.sort(key=lambda fact: (fact.on[:10], fact.recorded_at))
    return counting, earlier


def case_file(
    *, country: str, content: Iterable[Mapping[str, Any]], family: Iterable[Mapping[str, Any]] = (), minor: bool = False
) -> CaseFile:
    """Return the law's case file for facts in facts-file form.

    Raises:
        casework.law.facts.FactsError: the facts contradict each other.
    """
    members: dict[str, Any] = {"country": country, "facts": [dict(fact) for fact in content]}
    if minor:
        members["person"] = {"minor": True}
    if relatives := [dict(member) for member in family]:
        members["family"] = relatives
    return facts.parse(members)


def derived(case_id: UUID, country: str, *, on: date | None = None, explain: bool = True) -> ProcedureView:
    """Derive a case's procedure from its facts as of `on` (default: today in its country), explained."""
    recorded = recorded_facts(case_id)
    day = on or clock.today(country)
    result = _derive(country, recorded, day, explain=explain)
    return ProcedureView(
        regime=result.regime,
        status=result.status,
        responsible_state=result.responsible_state,
        deadlines=result.deadlines,
        warnings=result.warnings,
        facts=tuple(recorded),
        on=day,
    )


def _derive(country: str, recorded: Iterable[RecordedFact], day: date, *, explain: bool) -> Procedure:
    return derive.procedure(
        case_file(country=country, content=[fact.content for fact in recorded]), on=day, explain=explain
    )


def is_detained(recorded: Iterable[RecordedFact], on: date) -> bool:
    """Say whether the liberty facts, taken in order, leave the person detained on `on`."""
    detained = False
    for fact in recorded:
        if fact.on[:10] > on.isoformat():
            continue
        if fact.name in LIBERTY_IN:
            detained = True
        elif fact.name in LIBERTY_OUT:
            detained = False
    return detained


def stored_limits(case_ids: Iterable[UUID]) -> list[StoredLimit]:
    """Return the stored limits of cases, by due date (one query)."""
    rows = Limit.objects.filter(case_id__in=list(case_ids)).order_by("due_on", "rule")
    return [_stored(row) for row in rows]


def running_limits_due_by(day: date) -> Iterable[StoredLimit]:
    """Return running limits due on or before `day`, streamed; for the reminders' planner."""
    rows = Limit.objects.filter(state="running", due_on__lte=day).order_by("id")
    return (_stored(row) for row in rows.iterator(chunk_size=2000))


def limits_by_id(ids: Iterable[UUID]) -> Mapping[UUID, StoredLimit]:
    """Return stored limits by id; ids that are gone are absent."""
    return {row.pk: _stored(row) for row in Limit.objects.filter(pk__in=list(ids))}


def _stored(row: Limit) -> StoredLimit:
    return StoredLimit(row.pk, row.case_id, row.rule, row.state, row.whose, row.due_on, row.due_at)


def changing_by(day: date) -> list[UUID]:
    """Return the cases whose derived answer changes on or before `day` although nothing is recorded."""
    return list(Derivation.objects.filter(changes_on__lte=day).order_by("changes_on").values_list("case_id", flat=True))
