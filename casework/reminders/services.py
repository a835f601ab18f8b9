"""Asking for a plan, and planning. Asking is one row in the transaction of whoever changed the case; planning is the
worker's, because only it may write notices for other people."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import Q

from casework.cases import selectors as cases
from casework.cases.types import CaseState
from casework.core import clock, work
from casework.core.jobs import enqueue
from casework.notices import selectors as notice_selectors
from casework.notices import services as notices
from casework.procedure import selectors as procedure
from casework.procedure.types import StoredLimit
from casework.reminders import steps
from casework.reminders.audience import Audiences
from casework.reminders.models import Pending
from casework.reminders.planner import Changes, plan_limit

logger = logging.getLogger(__name__)
T = TypeVar("T")

_BATCH = 500
_LOCK = 0x6377_7265_6D31  # "cwrem1"
_ASIDE = timedelta(hours=1)
_ASKED = "reminders-asked"


@dataclass(frozen=True)
class Planned:
    """What a run of the planner wrote: notices planned, called off, and taken out of inboxes."""

    planned: int = 0
    voided: int = 0
    settled: int = 0

    def __add__(self, other: Planned) -> Planned:
        return Planned(self.planned + other.planned, self.voided + other.voided, self.settled + other.settled)


def ask(case_id: UUID) -> None:
    """Ask for a case's reminders to be planned again: one row in the running transaction, and a wake-up on commit.

    A wake-up that is lost (Redis down or emptied) costs a minute: the next dispatch finds the row. The rows of a unit
    of work are written together, before its commit.
    """
    asked = work.current().store.setdefault(_ASKED, set())
    assert isinstance(asked, set)
    asked.add(case_id)
    work.before_commit(_ASKED, _write_asked)
    enqueue("reminders.plan_case", case_id)


def _write_asked() -> None:
    asked = work.current().store.pop(_ASKED, set())
    assert isinstance(asked, set)
    if connection.needs_rollback:
        return  # nothing of this unit will stand, so nothing is to be planned
    Pending.objects.bulk_create(Pending(case_id=case_id) for case_id in sorted(asked))


def plan_case(case_id: UUID) -> Planned:
    """Plan one case's reminders from its stored limits; doing it twice changes nothing. Wakes the delivery."""
    done = _plan_cases([case_id], Audiences())
    _wake()
    return done


def plan_pending() -> Planned:
    """Plan every case that was asked for; one that fails is logged, set aside for an hour, and holds up no other."""
    done, audiences = Planned(), Audiences()
    while True:
        due = Q(aside_until__isnull=True) | Q(aside_until__lte=clock.now())
        waiting = Pending.objects.filter(due).order_by("asked_at")
        with work.acting(work.system_actor()):
            batch = sorted(set(waiting.values_list("case_id", flat=True)[:_BATCH]))
        if not batch:
            return done
        done += _plan_each(batch, audiences)


def _plan_each(batch: Sequence[UUID], audiences: Audiences) -> Planned:
    try:
        return _plan_cases(batch, audiences)
    except OperationalError:
        raise
    except Exception:
        if len(batch) > 1:
            return sum((_plan_each([case_id], audiences) for case_id in batch), Planned())
        case_id = batch[0]
        logger.exception("reminders.plan_failed", extra={"event": "reminders.plan_failed", "case_id": case_id})
        with work.acting(work.system_actor()):
            Pending.objects.filter(case_id=case_id).update(aside_until=clock.now() + _ASIDE)
        return Planned()


def plan() -> Planned:
    """Plan all cases: those asked for, then every limit near enough to be spoken of, then what no longer holds.

    For the machine's own principal, in short transactions of its own; memory does not grow with the number of cases.
    """
    done, audiences = plan_pending(), Audiences()
    last = (clock.now() + steps.HORIZON + steps.LONGEST_STEP + timedelta(days=1)).date()
    for batch in _batches(procedure.running_limits_due_by(last)):
        done += _plan_again({limit.id for limit in batch}, audiences)
    for ids in _batches(notice_selectors.planned_subjects()):
        done += _plan_again(set(ids), audiences, unless_running_until=last)
    with work.acting(work.system_actor()):
        notices.beat(notice_selectors.PLANNING)
    _wake()
    logger.info("reminders.planned", extra={"event": "reminders.planned", "count": done.planned})
    return done


def _wake() -> None:
    with work.acting(work.system_actor()):
        enqueue("notices.deliver", queue="urgent")


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _one_planner_at_a_time() -> None:
    # Two who plan the same case at once, one from limits read before a change and one after, would leave both dates
    # standing. Whoever waits here reads afterwards what the other has written. Nobody who works on a case waits.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _plan_cases(case_ids: Sequence[UUID], audiences: Audiences) -> Planned:
    with work.acting(work.system_actor()):
        _one_planner_at_a_time()
        # First the requests, then the limits: a request committed in between finds its row still there.
        Pending.objects.filter(case_id__in=case_ids).delete()
        limits = procedure.stored_limits(case_ids)
        gone = notice_selectors.open_subjects(case_ids) - {limit.id for limit in limits}
        return _apply(limits, gone, audiences)


def _plan_again(limit_ids: set[UUID], audiences: Audiences, *, unless_running_until: date | None = None) -> Planned:
    with work.acting(work.system_actor()):
        _one_planner_at_a_time()
        found = procedure.limits_by_id(limit_ids)
        near = unless_running_until
        limits = [limit for limit in found.values() if near is None or limit.state != "running" or limit.due_on > near]
        return _apply(limits, limit_ids - found.keys(), audiences)


def _apply(limits: Sequence[StoredLimit], gone: set[UUID], audiences: Audiences) -> Planned:
    known = notice_selectors.about([*(limit.id for limit in limits), *gone])
    rows = cases.clear_columns({limit.case_id for limit in limits})
    zone, now, changes = ZoneInfo(settings.TIME_ZONE), clock.now(), Changes()
    for limit_id in gone:
        changes.drop(known.get(limit_id, ()))
    for limit in limits:
        case = rows.get(limit.case_id)
        if case is None or case.state != CaseState.OPEN:
            changes.drop(known.get(limit.id, ()))
            continue
        audience = audiences.of(case_id=limit.case_id, lead_id=case.lead_id, team_id=case.team_id)
        plan_limit(limit, audience=audience, known=known.get(limit.id, ()), now=now, zone=zone, changes=changes)
    return Planned(
        planned=notices.put(changes.put), voided=notices.void(changes.void), settled=notices.settle(changes.settle)
    )
