"""Facts that count, and what the law makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from casework.audit import vouching
from casework.cases import selectors as cases
from casework.cases.types import Household
from casework.core import clock, ids, work
from casework.core.errors import Invalid, NotFound
from casework.law import derive, facts
from casework.law.states import STATES
from casework.law.types import CaseFile
from casework.procedure.models import Derivation, Fact, Limit, Pending
from casework.procedure.types import ProcedureView, RecordedFact, Replacement, StoredLimit, WhatIf, as_date

LIBERTY_IN = frozenset({"detained"})
LIBERTY_OUT = frozenset({"released", "transferred"})
_APPLICATIONS = frozenset({"application-made", "application-recorded", "application-registered", "application-lodged"})


def recorded_facts(case_id: UUID) -> list[RecordedFact]:
    """Return the facts of a case that count, by date and then by when they were recorded (one query)."""
    return _divided(case_id)[0]


def earlier_versions(case_id: UUID) -> list[RecordedFact]:
    """Return what was recorded and counts no more, with what took its place and why (one query)."""
    return _divided(case_id)[1]


def facts_as_of(case_id: UUID, moment: datetime) -> tuple[list[RecordedFact], int]:
    """Return the facts that counted just before `moment` (aware), and how many steps came later (one query)."""
    rows = list(_rows(case_id))
    check_facts(case_id, rows)
    until = [row for row in rows if row.recorded_at < moment]
    return divided(until)[0], len(rows) - len(until)


def _divided(case_id: UUID) -> tuple[list[RecordedFact], list[RecordedFact]]:
    rows = list(_rows(case_id))
    check_facts(case_id, rows)
    return divided(rows)


def _rows(case_id: UUID) -> QuerySet[Fact]:
    return Fact.objects.filter(case_id=case_id).order_by("recorded_at", "id")


def check_facts(case_id: UUID, rows: Sequence[Fact]) -> None:
    """Raise `Damaged` unless these are all facts of a case that the trail knows, and none was changed since."""
    vouching.check(case_id, rows, again=lambda: list(_rows(case_id)), whole="fact")


def divided(rows: Iterable[Fact]) -> tuple[list[RecordedFact], list[RecordedFact]]:
    """Return a case's rows as facts that count and earlier versions, both in the order of a chronology."""
    facts: dict[str, RecordedFact] = {}
    replaced: dict[str, Replacement] = {}
    for row in rows:
        content: Mapping[str, Any] = row.content
        corrects, withdrawn = content.get("corrects"), bool(content.get("withdrawn"))
        # Withdrawals of the first release have their reason in the note.
        reason = str(content.get("reason") or (content.get("note", "") if withdrawn else ""))
        if corrects:
            replaced[str(corrects)] = Replacement(row.pk, row.recorded_at, row.recorded_by, reason, withdrawn)
        if withdrawn:
            continue  # says only that another counts no more
        document = content.get("document")
        facts[str(row.pk)] = RecordedFact(
            id=row.pk,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            content=content["fact"],
            note=content.get("note", ""),
            corrects=UUID(corrects) if corrects else None,
            reason=reason,
            document=UUID(document) if document else None,
        )
    counting = [fact for key, fact in facts.items() if key not in replaced]
    earlier = [replace(fact, replaced=replaced[key]) for key, fact in facts.items() if key in replaced]
    for part in (counting, earlier):
        part.sort(key=lambda fact: fact.sort_key)
    return counting, earlier


def case_file(
    *, country: str, content: Iterable[Mapping[str, Any]], family: Iterable[Mapping[str, Any]] = ()
) -> CaseFile:
    """Return the law's case file for facts in facts-file form.

    Raises:
        casework.law.facts.FactsError: the facts contradict each other.
    """
    members: dict[str, Any] = {"country": country, "facts": [dict(fact) for fact in content]}
    if relatives := [dict(member) for member in family]:
        members["family"] = relatives
    return facts.parse(members)


def derived(
    case_id: UUID, country: str, *, on: date | None = None, explain: bool = True, lang: str = "en"
) -> ProcedureView:
    """Derive a case's procedure from its facts as of `on` (default: today in its country), explained in `lang`.

    Facts that contradict each other take nobody's page away: the view then has its `fault`.
    """
    recorded, people = recorded_facts(case_id), household(case_id)
    return _view_or_fault(country, recorded, people, on or instant(country), explain=explain, lang=lang)


def what_if(
    case_id: UUID,
    country: str,
    *,
    content: Mapping[str, Any],
    corrects: UUID | None = None,
    on: date | None = None,
    lang: str = "en",
) -> WhatIf:
    """Derive a case's procedure as it is, and as it would be with a fact added or put in the place of `corrects`.

    Stores nothing, reads the record once. `content`: as for `services.record_fact`. Where the record is at fault, `now`
    says so, and there is a `then` if the supposed fact mends it.

    Raises:
        NotFound: `corrects` is no fact of this case that counts.
        Invalid: the fact is not of the vocabulary, or contradicts the record, or leaves it at fault (the member's name,
            where it is known).
    """
    recorded, people = recorded_facts(case_id), household(case_id)
    former = next((fact for fact in recorded if fact.id == corrects), None)
    if corrects is not None and former is None:
        raise NotFound
    supposed = RecordedFact(
        id=ids.new_id(),
        recorded_at=clock.now(),
        recorded_by=work.current().actor.user_id,
        content=dict(content),
        note="",
        corrects=corrects,
        document=former.document if former else None,
    )
    others = [fact for fact in recorded if fact.id != corrects]
    when = on or instant(country)
    try:
        # By itself first: what cannot be read as a fact has no place in a chronology either.
        facts.parse_fact(supposed.content)
        then = _view(country, sorted([*others, supposed], key=lambda fact: fact.sort_key), people, when, lang=lang)
    except facts.FactsError as error:
        raise Invalid({error.member or "": str(error)}) from None
    return WhatIf(now=_view_or_fault(country, recorded, people, when, lang=lang), then=then)


def _view(
    country: str,
    recorded: Sequence[RecordedFact],
    people: Household,
    when: date | datetime,
    *,
    explain: bool = True,
    lang: str = "en",
) -> ProcedureView:
    day = as_date(when)
    file = file_of(country, recorded, people, day)
    result = derive.procedure(file, on=when, explain=explain, lang=lang)
    return ProcedureView(
        regime=result.regime,
        status=result.status,
        responsible_state=result.responsible_state,
        deadlines=result.deadlines,
        warnings=result.warnings,
        facts=tuple(recorded),
        on=day,
        questions=result.questions,
        notes=result.notes,
    )


def _view_or_fault(
    country: str,
    recorded: Sequence[RecordedFact],
    people: Household,
    when: date | datetime,
    *,
    explain: bool = True,
    lang: str = "en",
) -> ProcedureView:
    try:
        return _view(country, recorded, people, when, explain=explain, lang=lang)
    except facts.FactsError as error:
        return ProcedureView(
            regime="",
            status="",
            responsible_state=None,
            deadlines=(),
            warnings=(),
            facts=tuple(recorded),
            on=as_date(when),
            fault=str(error),
            fault_fact=None if error.index is None else recorded[error.index].id,
        )


def faults(
    country: str, recorded: Iterable[RecordedFact], people: Household, day: date
) -> dict[UUID | None, facts.FactsError]:
    """Return every recorded fact that the law cannot use beside the others, by id, with what is wrong with it.

    Each is set aside before the next is looked for. Of no single fact: under None.
    """
    left, found = list(recorded), dict[UUID | None, facts.FactsError]()
    while True:
        try:
            file_of(country, left, people, day)
        except facts.FactsError as error:
            if error.index is None:
                return {**found, None: error}
            found[left.pop(error.index).id] = error
        else:
            return found


def household(case_id: UUID) -> Household:
    """Return what the law asks about a case's people."""
    return cases.households([case_id]).get(case_id, Household())


def file_of(country: str, recorded: Iterable[RecordedFact], people: Household, day: date) -> CaseFile:
    """Return the law's case file for the facts that count, and the people of the case as they are on `day`.

    A relative whose state has no code that the law knows is left out: it can say nothing about them.

    Raises:
        casework.law.facts.FactsError: the facts contradict each other.
    """
    relatives = [{"relation": relation, "state": state} for relation, state in people.elsewhere if state in STATES]
    file = case_file(country=country, content=[fact.content for fact in recorded], family=relatives)
    minor = people.is_minor(_applied_on(file) or day)
    return replace(file, person=replace(file.person, minor=True)) if minor else file


def _applied_on(file: CaseFile) -> date | None:
    """Return the day of the first application: who was a minor then is one for the whole procedure (C-550/16)."""
    return min((fact.on for fact in file.facts if fact.name in _APPLICATIONS and not fact.undated), default=None)


def comes_of_age(file: CaseFile, people: Household, day: date) -> date | None:
    """Return the day after `day` on which the applicant comes of age, where no application has settled their age."""
    grown = people.grown_on
    return grown if grown is not None and grown > day and _applied_on(file) is None else None


def instant(country: str) -> datetime:
    """Return now as the law asks for it, in the zone of a country: a period in hours then ends to the minute."""
    return clock.now().astimezone(clock.zone_of(country))


def is_detained(recorded: Iterable[RecordedFact], on: date) -> bool:
    """Say whether the liberty facts, taken in order, leave the person detained on `on`.

    A fact without a date has happened, unless it can only have happened later.
    """
    detained = False
    for fact in recorded:
        if fact.earliest > on.isoformat():
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


def changing_by(day: date, *, above: UUID, most: int) -> list[UUID]:
    """Return up to `most` cases whose derived answer changes on or before `day` although nothing is recorded.

    By id, those after `above`; also those that were to be derived again and have not been.
    """
    due = Derivation.objects.filter(changes_on__lte=day, case_id__gt=above).order_by("case_id")
    asked = Pending.objects.filter(case_id__gt=above).order_by("case_id")
    found = {case_id for rows in (due, asked) for case_id in rows.values_list("case_id", flat=True).distinct()[:most]}
    return sorted(found)[:most]
