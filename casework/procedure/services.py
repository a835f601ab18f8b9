"""Recording facts, and deriving again what the law makes of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from casework.access.actions import Action
from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.core import clock, work
from casework.core.errors import Conflict, Invalid, NotFound
from casework.core.jobs import enqueue
from casework.documents import selectors as documents
from casework.law.facts import FactsError
from casework.procedure import deriving, selectors
from casework.procedure.models import Derivation, Fact, Pending
from casework.procedure.types import RecordedFact, as_date

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

__all__ = [
    "KEEP",
    "as_date",
    "check_country",
    "correct_fact",
    "derive_again",
    "derive_case",
    "follow",
    "lock_case",
    "record_fact",
    "refresh_due",
    "withdraw_fact",
]

logger = logging.getLogger(__name__)

BATCH = 100
_ENTRY = re.compile(r"^facts\[\d+\](?: \([a-z-]+\))?: (?:[a-z_]+: )?")


class _Keep(Enum):
    KEEP = "keep"


KEEP: Final = _Keep.KEEP
"""Given for a document: leave the one that is there."""


def record_fact(case_id: UUID, *, content: Mapping[str, Any], note: str = "", document: UUID | None = None) -> UUID:
    """Record one dated fact, derive the procedure again from all facts, and return the fact's id.

    `content`: the members of one fact as the facts file has them (docs/facts.md). `document`: the document of the same
    case that proves it. Writes the fact, limits, the case's clear columns and one trail entry; sends `limits_changed`
    where limits moved.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not add to, the case.
        Invalid: the fact is not of the vocabulary, or contradicts the record (the member's name, where it is known), or
            the document is not the case's (`document`); nothing is written.

    A record that was at fault before refuses nothing that adds no other fault: the fact is recorded, and what was
    derived last stays until the fault is mended.
    """
    _require(case_id)
    body = {"fact": dict(content), "note": note.strip(), **_proof(case_id, document)}
    return _record(case_id, body, action="fact.recorded")


def correct_fact(
    case_id: UUID,
    *,
    fact_id: UUID,
    content: Mapping[str, Any],
    reason: str,
    note: str = "",
    document: UUID | _Keep | None = KEEP,
) -> UUID:
    """Replace a fact by another; the first stays readable in the record and counts no more.

    The document that proved it proves the new one too, unless another is given, or None for no document at all. Errors
    as `record_fact`, and:

    Raises:
        Invalid: no reason (`reason`).
        Conflict: somebody else corrected or withdrew the fact first; nothing is written.
    """
    _require(case_id)
    reason = _given(reason, "reason", _("Say why the fact is corrected."))
    former = _counting(case_id, fact_id)
    proof = _proof_of(former) if document is KEEP else _proof(case_id, document)
    body = {"fact": dict(content), "note": note.strip(), "corrects": str(fact_id), "reason": reason, **proof}
    return _record(case_id, body, action="fact.corrected")


def withdraw_fact(case_id: UUID, *, fact_id: UUID, note: str) -> UUID:
    """Let a fact count no more (recorded by mistake), `note` says why; it stays readable. Errors as `correct_fact`."""
    _require(case_id)
    reason = _given(note, "note", _("Say why the fact is to count no more."))
    former = _counting(case_id, fact_id)
    body = {
        "fact": dict(former.content),
        "note": "",
        "corrects": str(fact_id),
        "reason": reason,
        "withdrawn": True,
        **_proof_of(former),
    }
    return _record(case_id, body, action="fact.corrected")


def _require(case_id: UUID) -> None:
    cases.case_for(case_id, Action.RECORD_FACT)


def _given(reason: str, name: str, otherwise: StrOrPromise) -> str:
    if not reason.strip():
        raise Invalid({name: otherwise})
    return reason.strip()


def _proof(case_id: UUID, document: UUID | None) -> dict[str, str]:
    if document is None:
        return {}
    if not documents.belongs(document, case_id):
        raise Invalid({"document": _("Choose a document of this case.")})
    return {"document": str(document)}


def _proof_of(fact: RecordedFact) -> dict[str, str]:
    return {"document": str(fact.document)} if fact.document else {}


def _counting(case_id: UUID, fact_id: UUID) -> RecordedFact:
    """Return a fact that counts, after waiting for others who record: of two who correct it, the second is told."""
    lock_case(case_id)
    counting, earlier = selectors.divided(Fact.objects.filter(case_id=case_id).order_by("recorded_at", "id"))
    if any(fact.id == fact_id for fact in earlier):
        raise Conflict(_("Somebody else corrected this fact first. Look at it again."))
    found = next((fact for fact in counting if fact.id == fact_id), None)
    if found is None:
        raise NotFound
    return found


def _record(case_id: UUID, body: dict[str, Any], *, action: str) -> UUID:
    # Two people recording at once derive one after the other, each from all facts.
    lock_case(case_id)
    fact = Fact(case_id=case_id, recorded_by=work.current().actor.user_id, content=body)
    with transaction.atomic():
        fact.save(force_insert=True)
        try:
            derive_again(case_id)
        except FactsError:
            _refuse_another_fault(case_id, fact.pk, adds="corrects" not in body)
            logger.warning("procedure.at_fault", extra={"event": "procedure.at_fault", "case_id": case_id})
    audit.record(action, case=case_id, obj=fact.pk, row=fact)
    return fact.pk


def _refuse_another_fault(case_id: UUID, newest: UUID, *, adds: bool) -> None:
    """Refuse the newest row of a case if a fact is at fault by it that was not before; `adds`: it corrects nothing."""
    country = cases.clear_columns([case_id])[case_id].country
    people, day = selectors.household(case_id), clock.today(country)
    rows = list(Fact.objects.filter(case_id=case_id).order_by("recorded_at", "id"))
    recorded, _earlier = selectors.divided(rows)
    recorded_before, _earlier = selectors.divided(row for row in rows if row.pk != newest)
    before = selectors.faults(country, recorded_before, people, day)
    for key, error in selectors.faults(country, recorded, people, day).items():
        # What is wrong with the record as a whole (too many facts) gets no better by one more.
        if key not in before or (key is None and adds):
            raise Invalid({error.member or "": str(error)})


def check_country(case_id: UUID, *, former: str, country: str) -> None:
    """Refuse another country for a case if its facts contradict that one, and did not contradict the former.

    Raises:
        Invalid: they do (`country`).
    """
    recorded, people = selectors.recorded_facts(case_id), selectors.household(case_id)
    before = selectors.faults(former, recorded, people, clock.today(former))
    for key, error in selectors.faults(country, recorded, people, clock.today(country)).items():
        if key not in before:
            said = _ENTRY.sub("", str(error))
            raise Invalid({"country": _("A recorded fact does not go with this country: %(fault)s") % {"fault": said}})


def lock_case(case_id: UUID) -> None:
    """Wait for others who derive the same case, until this transaction ends."""
    Derivation.objects.get_or_create(case_id=case_id, defaults={"derived_at": clock.now()})
    deriving.lock([case_id])


def derive_again(case_id: UUID, *, on: date | None = None) -> int:
    """Derive a case from its facts and store what changed; return how many stored rows changed.

    Stored limits keep their row while rule, reading and position stay the same, so that reminders follow them.

    Raises:
        casework.law.facts.FactsError: the facts contradict each other.
    """
    states = Derivation.objects.in_bulk([case_id])
    derived = deriving.derive_batch(states, on=on, refusing=True).derived
    deriving.store(derived)
    return sum(one.changed for one in derived)


def follow(case_id: UUID) -> None:
    """Derive a case again at the end of the running unit of work: its people or its country were changed."""
    work.before_commit(f"procedure-{case_id}", lambda: _follow(case_id))


def _follow(case_id: UUID) -> None:
    # Whoever changes a case holds its row already; whoever records a fact takes the derivation first and that row
    # after it. So this must not wait: where somebody else derives just now, or records the first fact, the worker does
    # it after the commit. The row that asks for it is committed with the change; so a lost task loses nothing.
    rows = Derivation.objects.filter(case_id=case_id)
    states = {row.case_id: row for row in rows.select_for_update(skip_locked=True)}
    if states:
        deriving.store(deriving.derive_batch(states).derived)
    else:
        Pending.objects.bulk_create([Pending(case_id=case_id)])
        enqueue("procedure.derive_case", case_id)


def derive_case(case_id: UUID) -> int:
    """Derive one case again as the machine's own principal, in a transaction of its own; return the rows changed."""
    return _derive_anew([case_id])


def refresh_due(*, on: date | None = None) -> int:
    """Derive again every case whose answer changes by the passing of time; return how many rows changed.

    Also those that were to be derived again after a change, where the task for it was lost. For the machine's own
    principal, in short transactions of some cases each; one case that cannot be derived does not hold up the others.
    Memory does not grow with the number of cases.
    """
    changed, last = 0, UUID(int=0)
    while True:
        with work.acting(work.system_actor()):
            waiting = selectors.changing_by(on or clock.today(), above=last, most=BATCH)
        if not waiting:
            return changed
        last = waiting[-1]
        changed += _derive_anew(waiting)


def _tell_trail(derived: Sequence[deriving.Derived]) -> None:
    # Nobody asked for it, so that no other entry tells what changed the case.
    for one in derived:
        if one.changed:
            audit.record("limits.changed", case=one.case_id, body={"rows": one.changed})


def _derive_anew(case_ids: Sequence[UUID]) -> int:
    with work.acting(work.system_actor()):
        # First the requests, then the cases: a request committed in between finds its row still there.
        asked = list(Pending.objects.filter(case_id__in=case_ids))
        batch = deriving.derive_and_store(case_ids, also=_tell_trail)
        done = [row.pk for row in asked if row.case_id not in batch.failed]
        if done:
            Pending.objects.filter(pk__in=done).delete()
    return sum(one.changed for one in batch.derived)
