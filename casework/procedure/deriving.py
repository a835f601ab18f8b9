"""Deriving cases from their facts: a handful of queries for a batch, one or many, and only what changed is written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection, transaction

from casework.audit import vouching
from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.types import Household, SummaryUpdate
from casework.core import clock
from casework.core.errors import Damaged
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError
from casework.crypto.types import KeyUnavailable
from casework.law import derive, packs
from casework.law.calendars import VERSION
from casework.law.types import Deadline, Procedure
from casework.procedure import selectors, telling
from casework.procedure.models import Derivation, Fact, Limit
from casework.procedure.signals import limits_changed
from casework.procedure.types import Move, as_date

if TYPE_CHECKING:
    from casework.cases.models import Case

logger = logging.getLogger(__name__)

_STANDING = frozenset({"running", "expired"})
_COLUMNS = {
    "state": "text",
    "whose": "text",
    "due_on": "date",
    "due_at": "timestamptz",
    "due_strict_on": "date",
    "due_rolled_on": "date",
}
_Values = tuple[str, str, date, datetime | None, date, date]


@dataclass
class _Read:
    """What is stored of one case, as read for deriving it."""

    case: Case
    state: Derivation
    people: Household
    facts: list[Fact] = field(default_factory=list)
    limits: dict[tuple[str, str, int], tuple[UUID, _Values]] = field(default_factory=dict)


@dataclass
class Derived:
    """One case as it comes out, compared with what is stored of it."""

    case_id: UUID
    state: Derivation
    summary: SummaryUpdate
    summary_differs: bool
    changes_on: date | None
    fresh: list[Limit] = field(default_factory=list)
    altered: list[tuple[UUID, _Values]] = field(default_factory=list)
    gone: list[UUID] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    @property
    def limits_changed(self) -> int:
        """How many rows of limits differ."""
        return len(self.fresh) + len(self.altered) + len(self.gone)

    @property
    def changed(self) -> int:
        """How many stored rows differ: limits, and the case's own clear columns."""
        return self.limits_changed + int(self.summary_differs)


@dataclass(frozen=True)
class Batch:
    """What became of some cases: those derived, and those that could not be.

    `damaged`: those of them whose record was changed outside the application.
    """

    derived: tuple[Derived, ...]
    failed: tuple[UUID, ...] = ()
    damaged: tuple[UUID, ...] = ()


def lock(case_ids: Iterable[UUID]) -> dict[UUID, Derivation]:
    """Wait for others who derive these cases, until this transaction ends; return the rows that lock them.

    All who lock several cases take them in the order of their ids. A case without facts has no such row, and needs no
    deriving.
    """
    wanted = list(case_ids)
    rows = _locked(wanted)
    missing = [case_id for case_id in wanted if case_id not in rows]
    if missing:
        with_facts = Fact.objects.filter(case_id__in=missing).order_by("case_id").values_list("case_id", flat=True)
        made = [Derivation(case_id=case_id, derived_at=clock.now()) for case_id in with_facts.distinct()]
        if made:
            Derivation.objects.bulk_create(made, ignore_conflicts=True)
            rows |= _locked([row.case_id for row in made])
    return rows


def _locked(case_ids: Sequence[UUID]) -> dict[UUID, Derivation]:
    rows = Derivation.objects.filter(case_id__in=case_ids).order_by("case_id").select_for_update()
    return {row.case_id: row for row in rows}


def derive_batch(states: Mapping[UUID, Derivation], *, on: date | None = None, refusing: bool = False) -> Batch:
    """Derive cases from their facts and compare the answers with what is stored; writes nothing.

    `states`: the cases, with what is known of their last derivation. `on`: default, now in each case's country.
    `refusing`: what goes wrong with a case is raised; otherwise that case is left out, logged by its id, and listed.

    Raises:
        casework.law.facts.FactsError: `refusing`, and the facts contradict each other.
    """
    try:
        return _derive_together(states, on, refusing)
    except DatabaseError:
        raise
    except Exception as error:
        # What is read for all at once (keys, people) can be damaged for one: then each is read by itself.
        if refusing:
            raise
        if len(states) > 1:
            return _joined(derive_batch({case_id: state}, on=on) for case_id, state in sorted(states.items()))
        return _failed([_left_alone(case_id, error) for case_id in states], error)


def _joined(batches: Iterable[Batch]) -> Batch:
    parts = list(batches)
    return Batch(
        tuple(one for part in parts for one in part.derived),
        tuple(case_id for part in parts for case_id in part.failed),
        tuple(case_id for part in parts for case_id in part.damaged),
    )


def _failed(case_ids: Iterable[UUID], error: Exception) -> Batch:
    failed = tuple(case_ids)
    changed = isinstance(error, Damaged | DecryptError | KeyUnavailable)
    return Batch((), failed, failed if changed else ())


def _left_alone(case_id: UUID, error: Exception) -> UUID:
    # Not the message: it may tell a date or a name out of the facts.
    told = {"event": "procedure.derive_failed", "case_id": case_id, "error": type(error).__name__}
    logger.error("procedure.derive_failed", extra=told)
    return case_id


def _derive_together(states: Mapping[UUID, Derivation], on: date | None, refusing: bool) -> Batch:
    wanted = list(states)
    columns = cases.clear_columns(wanted)
    crypto.keys_for_many(wanted)
    vouching.prefetch(wanted)
    people = cases.households(wanted)
    read = {
        case_id: _Read(case, states[case_id], people.get(case_id, Household())) for case_id, case in columns.items()
    }
    for row in Fact.objects.filter(case_id__in=list(read)).order_by("recorded_at", "id"):
        read[row.case_id].facts.append(row)
    # As tuples: most of them are only compared, and making rows of a model costs more than reading them.
    columns_of_limits = ("case_id", "rule", "reading", "ordinal", "id", *_COLUMNS)
    for case_id, rule, name, ordinal, key, *values in Limit.objects.filter(case_id__in=list(read)).values_list(
        *columns_of_limits
    ):
        read[case_id].limits[rule, name, ordinal] = key, tuple(values)
    derived: list[Derived] = []
    failed: list[Batch] = []
    for case_id in sorted(read):
        try:
            derived.append(_derive(read[case_id], on))
        except Exception as error:
            if refusing:
                raise
            failed.append(_failed([_left_alone(case_id, error)], error))
    return _joined([Batch(tuple(derived)), *failed])


def _derive(read: _Read, on: date | None) -> Derived:
    selectors.check_facts(read.case.pk, read.facts)
    recorded, _earlier = selectors.divided(read.facts)
    case, people = read.case, read.people
    day = on or clock.today(case.country)
    file = selectors.file_of(case.country, recorded, people, day)
    result = derive.procedure(file, on=on or selectors.instant(case.country), explain=False)
    grown = selectors.comes_of_age(file, people, day)
    changes = [when for when in (result.changes_on, grown) if when is not None]
    summary = _summary(result, detained=selectors.is_detained(recorded, day))
    derived = Derived(
        case_id=case.pk,
        state=read.state,
        summary=summary,
        summary_differs=any(getattr(case, name) != value for name, value in asdict(summary).items()),
        changes_on=min(changes, default=None),
    )
    _compare(derived, read.limits, result.deadlines)
    return derived


def _summary(result: Procedure, *, detained: bool) -> SummaryUpdate:
    first = next((limit for limit in result.deadlines if limit.state == "running"), None)
    return SummaryUpdate(
        regime=result.regime,
        stage=result.status,
        responsible_state=result.responsible_state or "",
        next_due_on=as_date(first.due) if first else None,
        next_due_at=first.due if first and isinstance(first.due, datetime) else None,
        next_due_rule=first.rule if first else "",
        detained=detained,
    )


def _compare(
    derived: Derived, stored: dict[tuple[str, str, int], tuple[UUID, _Values]], deadlines: Iterable[Deadline]
) -> None:
    """Sort what differs into new, altered and gone; a limit keeps its row while rule, reading and place stay the same.

    Chronological, so that the position of a limit among those of its rule does not move when a later one is added.
    """
    seen: dict[tuple[str, str], int] = {}
    for deadline in sorted(deadlines, key=lambda item: (item.rule, item.reading or "", str(item.starts))):
        name = (deadline.rule, deadline.reading or "")
        ordinal = seen.get(name, 0)
        seen[name] = ordinal + 1
        values = _values(deadline)
        row = stored.pop((*name, ordinal), None)
        if row is None:
            columns = dict(zip(_COLUMNS, values, strict=True))
            derived.fresh.append(
                Limit(case_id=derived.case_id, rule=name[0], reading=name[1], ordinal=ordinal, **columns)
            )
            _note_move(derived, name, was=None, now=_due(values))
        elif row[1] != values:
            derived.altered.append((row[0], values))
            _note_move(derived, name, was=_due(row[1]), now=_due(values))
    for (rule, reading, _ordinal), (key, values) in stored.items():
        derived.gone.append(key)
        _note_move(derived, (rule, reading), was=_due(values), now=None)


def _values(deadline: Deadline) -> _Values:
    due = deadline.due
    return (
        deadline.state,
        deadline.whose,
        as_date(due),
        due if isinstance(due, datetime) else None,
        as_date(deadline.due_strict),
        as_date(deadline.due_rolled),
    )


def _due(values: _Values) -> date | datetime | None:
    """Return when a limit that stands is due; None for one that was met, stopped or superseded."""
    state, _whose, due_on, due_at, *_other = values
    return (due_at or due_on) if state in _STANDING else None


def _note_move(
    derived: Derived, name: tuple[str, str], *, was: date | datetime | None, now: date | datetime | None
) -> None:
    if was == now:
        return
    if isinstance(was, datetime) and isinstance(now, datetime):
        was = was.astimezone(now.tzinfo)
    derived.moves.append(Move(derived.case_id, *name, was, now))


# --- writing -------------------------------------------------------------------------------------------------------

_ALTER = """
UPDATE procedure_limit AS stored SET {columns}
  FROM unnest(%(id)s::uuid[], {arrays}) AS wanted (id, {names})
 WHERE stored.id = wanted.id
""".format(  # our own column names
    columns=", ".join(f"{name} = wanted.{name}" for name in _COLUMNS),
    arrays=", ".join(f"%({name})s::{kind}[]" for name, kind in _COLUMNS.items()),
    names=", ".join(_COLUMNS),
)

_NOTE = """
UPDATE procedure_derivation AS stored
   SET derived_at = %(now)s, changes_on = wanted.changes_on, rules = %(rules)s, calendar = %(calendar)s
  FROM unnest(%(id)s::uuid[], %(changes_on)s::date[]) AS wanted (id, changes_on)
 WHERE stored.case_id = wanted.id
"""


def derive_and_store(
    case_ids: Iterable[UUID], *, also: Callable[[Sequence[Derived]], None] = lambda _derived: None
) -> Batch:
    """Lock cases, derive them and write what differs; `also` does what belongs to it, together with it or not at all.

    A case with which any of this goes wrong is left as it was, logged by its id, and listed; the others are done.

    Raises:
        django.db.OperationalError: the database is at fault, not a case; nothing was written.
    """
    batch = derive_batch(lock(case_ids))
    stored = _store_each(batch.derived, also)
    telling.tell_damaged(batch.damaged)
    return Batch(stored.derived, (*batch.failed, *stored.failed), batch.damaged)


def _store_each(derived: Sequence[Derived], also: Callable[[Sequence[Derived]], None]) -> Batch:
    if not derived:
        return Batch(())
    try:
        with transaction.atomic():
            store(derived)
            also(derived)
    except Exception as error:
        if isinstance(error, OperationalError):
            raise
        if len(derived) > 1:
            return _joined(_store_each([one], also) for one in derived)
        return Batch((), (_left_alone(derived[0].case_id, error),))
    return Batch(tuple(derived))


def store(derived: Collection[Derived]) -> None:
    """Write what differs, and nothing else; sends `limits_changed` for each case whose limits do.

    The number of statements does not grow with that of the cases.
    """
    fresh = [row for one in derived for row in one.fresh]
    if fresh:
        Limit.objects.bulk_create(fresh)
    altered = [row for one in derived for row in one.altered]
    if altered:
        columns = dict(zip(_COLUMNS, zip(*(values for _key, values in altered), strict=True), strict=True))
        with connection.cursor() as cursor:
            cursor.execute(
                _ALTER,
                {"id": [key for key, _values in altered], **{name: list(them) for name, them in columns.items()}},
            )
    gone = [key for one in derived for key in one.gone]
    if gone:
        Limit.objects.filter(pk__in=gone).delete()
    _note(derived)
    case_services.update_summaries({one.case_id: one.summary for one in derived if one.summary_differs})
    for one in derived:
        if one.limits_changed:
            limits_changed.send(sender=Limit, case_id=one.case_id)


def _note(derived: Collection[Derived]) -> None:
    source = (packs.digest(), VERSION)
    noted = [
        one
        for one in derived
        if one.changed or (one.state.changes_on, one.state.rules, one.state.calendar) != (one.changes_on, *source)
    ]
    if not noted:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            {
                "now": clock.now(),
                "rules": source[0],
                "calendar": source[1],
                "id": [one.case_id for one in noted],
                "changes_on": [one.changes_on for one in noted],
            },
        )
