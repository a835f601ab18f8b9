"""Recording facts, and deriving again what the law makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from casework.access.actions import Action
from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.types import SummaryUpdate
from casework.core import clock, work
from casework.core.errors import Invalid, NotFound
from casework.law import derive
from casework.law.facts import FactsError
from casework.law.types import Deadline, Procedure
from casework.procedure import selectors
from casework.procedure.models import Derivation, Fact, Limit
from casework.procedure.signals import limits_changed


def record_fact(case_id: UUID, *, content: Mapping[str, Any], note: str = "") -> UUID:
    """Record one dated fact, derive the procedure again from all facts, and return the fact's id.

    `content`: the members of one fact as the facts file has them (docs/facts.md). Writes the fact, limits, the case's
    clear columns and one trail entry; sends `limits_changed` where limits moved.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not add to, the case.
        Invalid: the fact is not of the vocabulary, or contradicts the record; nothing is written.
    """
    return _record(case_id, {"fact": dict(content), "note": note.strip()}, action="fact.recorded")


def correct_fact(case_id: UUID, *, fact_id: UUID, content: Mapping[str, Any], note: str = "") -> UUID:
    """Replace a fact by another; the first stays readable in the record and counts no more. Errors as `record_fact`."""
    _require_fact(case_id, fact_id)
    body = {"fact": dict(content), "note": note.strip(), "corrects": str(fact_id)}
    return _record(case_id, body, action="fact.corrected")


def withdraw_fact(case_id: UUID, *, fact_id: UUID, note: str) -> UUID:
    """Let a fact count no more (recorded by mistake); it stays readable in the record. Errors as `record_fact`."""
    fact = _require_fact(case_id, fact_id)
    body = {"fact": fact.content["fact"], "note": note.strip(), "corrects": str(fact_id), "withdrawn": True}
    return _record(case_id, body, action="fact.corrected")


def _require_fact(case_id: UUID, fact_id: UUID) -> Fact:
    cases.case_for(case_id, Action.RECORD_FACT)
    found = Fact.objects.filter(case_id=case_id, pk=fact_id).first()
    if found is None:
        raise NotFound
    return found


def _record(case_id: UUID, body: dict[str, Any], *, action: str) -> UUID:
    case = cases.case_for(case_id, Action.RECORD_FACT)
    # Two people recording at once derive one after the other, each from all facts.
    lock_case(case_id)
    fact = Fact(case_id=case_id, recorded_by=work.current().actor.user_id, content=body)
    try:
        with transaction.atomic():
            fact.save(force_insert=True)
            derive_again(case_id, case.country)
    except FactsError as error:
        raise Invalid({"": str(error)}) from None
    audit.record(action, case=case_id, obj=fact.pk, row=fact)
    return fact.pk


def lock_case(case_id: UUID) -> None:
    """Wait for others who derive the same case, until this transaction ends."""
    state, _made = Derivation.objects.get_or_create(case_id=case_id, defaults={"derived_at": clock.now()})
    Derivation.objects.select_for_update().get(pk=state.pk)


def derive_again(case_id: UUID, country: str, *, on: date | None = None) -> int:
    """Derive a case from its facts and store what changed; return how many stored rows changed.

    Stored limits keep their row while rule, reading and position stay the same, so that reminders follow them.

    Raises:
        casework.law.facts.FactsError: the facts contradict each other.
    """
    day = on or clock.today(country)
    recorded = selectors.recorded_facts(case_id)
    file = selectors.case_file(country=country, content=[fact.content for fact in recorded])
    result = derive.procedure(file, on=day, explain=False)
    changed = _store_limits(case_id, result)
    if changed:
        limits_changed.send(sender=Limit, case_id=case_id)
    Derivation.objects.update_or_create(
        case_id=case_id, defaults={"derived_at": clock.now(), "changes_on": result.changes_on}
    )
    summary = _summary(result, detained=selectors.is_detained(recorded, day))
    return changed + int(case_services.update_summary(case_id, summary))


def _summary(result: Procedure, *, detained: bool) -> SummaryUpdate:
    running = [limit for limit in result.deadlines if limit.state == "running"]
    first = running[0] if running else None
    return SummaryUpdate(
        regime=result.regime,
        stage=result.status,
        responsible_state=result.responsible_state or "",
        next_due_on=as_date(first.due) if first else None,
        next_due_at=first.due if first and isinstance(first.due, datetime) else None,
        next_due_rule=first.rule if first else "",
        detained=detained,
    )


def as_date(value: date | datetime) -> date:
    """Return the calendar date of a due date or date-time, in the zone that it carries."""
    return value.date() if isinstance(value, datetime) else value


def _store_limits(case_id: UUID, result: Procedure) -> int:
    stored = {(row.rule, row.reading, row.ordinal): row for row in Limit.objects.filter(case_id=case_id)}
    changed = 0
    fresh: list[Limit] = []
    seen: dict[tuple[str, str], int] = {}
    # Chronological: the position of a limit among those of its rule does not move when a later one is added.
    for deadline in sorted(result.deadlines, key=lambda item: (item.rule, item.reading or "", str(item.starts))):
        name = (deadline.rule, deadline.reading or "")
        ordinal = seen.get(name, 0)
        seen[name] = ordinal + 1
        values = _columns(deadline)
        row = stored.pop((*name, ordinal), None)
        if row is None:
            fresh.append(Limit(case_id=case_id, rule=name[0], reading=name[1], ordinal=ordinal, **values))
        elif any(getattr(row, column) != value for column, value in values.items()):
            for column, value in values.items():
                setattr(row, column, value)
            row.save(update_fields=list(values))
            changed += 1
    if fresh:
        Limit.objects.bulk_create(fresh)
    if stored:
        Limit.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()
    return changed + len(fresh) + len(stored)


def _columns(deadline: Deadline) -> dict[str, Any]:
    return {
        "state": deadline.state,
        "whose": deadline.whose,
        "due_on": as_date(deadline.due),
        "due_at": deadline.due if isinstance(deadline.due, datetime) else None,
        "due_strict_on": as_date(deadline.due_strict),
        "due_rolled_on": as_date(deadline.due_rolled),
    }


def refresh_due(*, on: date | None = None) -> int:
    """Derive again every case whose answer changes by the passing of time; return how many rows changed.

    For the machine's own principal. Each case is a transaction of its own: one that fails does not hold up the others.
    """
    changed = 0
    with work.acting(work.system_actor()):
        waiting = selectors.changing_by(on or clock.today())
    for case_id in waiting:
        with work.acting(work.system_actor()):
            changed += _refresh(case_id)
    return changed


def rebuild(case_id: UUID) -> int:
    """Derive one case again from its facts; return how many rows changed (0 when all was well)."""
    return _refresh(case_id)


def _refresh(case_id: UUID) -> int:
    lock_case(case_id)
    country = cases.clear_columns([case_id])[case_id].country
    return derive_again(case_id, country)
