"""Deriving every open case again, as after a change of law: seen before it is done, and gone on with if it was cut off.

A run is cut into parts of some cases each. A part is one transaction: it locks its cases, writes what differs, tells
the leads, and notes that it is done. Whoever works takes a part that nobody holds; so several processes and several
runs at once share the work, a killed one leaves no part half done, and the next goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, Sum

from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.core import clock, ids, work
from casework.law import packs
from casework.law.calendars import VERSION
from casework.procedure import deriving
from casework.procedure.deriving import Derived
from casework.procedure.models import Derivation, Rebuild, RebuildPart
from casework.procedure.telling import Teller
from casework.procedure.types import Move

PART = 100
# A run that was cut off longer ago is not gone on with: the days have moved on for the part that it had done.
GOES_ON_FOR = timedelta(days=1)
_ABOVE_NOTHING = UUID(int=0)
_LOCK = 0x6377_7265_6231  # "cwreb1"


@dataclass(frozen=True)
class Run:
    """A run that is to be worked on; `done` of its `parts` were done already when it was taken up.

    `resumed`: it was not begun now, but cut off before, or somebody else is at it.
    """

    id: UUID
    began_at: datetime
    parts: int
    done: int
    resumed: bool


@dataclass(frozen=True)
class Totals:
    """What came of a run: cases looked at, stored rows changed, cases whose limits moved, cases left as they were.

    `superseded`: a newer run took its place before all was done.
    """

    looked: int = 0
    changed: int = 0
    moved: int = 0
    failed: tuple[UUID, ...] = ()
    superseded: bool = False


def begin() -> Run:
    """Begin a run over all open cases, or take up one that was cut off and came from the same rules and holidays.

    For the machine's own principal, in a transaction of its own. Two at once get the same run. Others that are not
    ended are superseded: nothing more is done of them, and what they came to goes into the trail.
    """
    with work.acting(work.system_actor()):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        source = {"rules": packs.digest(), "calendar": VERSION}
        waiting = Rebuild.objects.filter(ended_at__isnull=True)
        found = waiting.filter(**source, began_at__gt=clock.now() - GOES_ON_FOR).first()
        resumed = found is not None
        if found is None:
            for former in waiting:
                _supersede(former)
            found = Rebuild.objects.create(**source)
            _cut(found)
        parts = found.parts.aggregate(all=Count("id"), done=Count("id", filter=Q(done_at__isnull=False)))
        return Run(found.pk, found.began_at, parts["all"], parts["done"], resumed)


def _supersede(run: Rebuild) -> None:
    # Waits for those who hold a part just now: what they do is then counted. The parts that nobody has begun go, so
    # that nobody begins one.
    left = RebuildPart.objects.filter(rebuild=run, done_at__isnull=True).order_by("above").select_for_update()
    RebuildPart.objects.filter(pk__in=[part.pk for part in left]).delete()
    ended = {"ended_at": clock.now(), "superseded": True}
    if Rebuild.objects.filter(pk=run.pk, ended_at__isnull=True).update(**ended):
        _tell_trail(run.pk, _totals(run.pk), rules=run.rules, calendar=run.calendar)


def _cut(run: Rebuild) -> None:
    above = _ABOVE_NOTHING
    while stretch := cases.open_ids(above=above, most=PART * 50):
        parts = []
        for at in range(0, len(stretch), PART):
            upto = stretch[at : at + PART][-1]
            parts.append(RebuildPart(rebuild=run, above=above, upto=upto))
            above = upto
        RebuildPart.objects.bulk_create(parts)


def work_on(run: Run) -> None:
    """Do parts of a run until there is none left that nobody holds."""
    teller = Teller(run.id, run.began_at)
    while _do_part(run.id, teller, waiting=False):
        pass


def finish(run: Run) -> Totals:
    """Do what is left of a run, waiting for others who hold parts, and close it; one entry in the trail.

    A part whose holder is killed meanwhile is done here. Of several who finish a run, one closes it. One that a newer
    run has superseded is closed already, and its totals say so.
    """
    teller = Teller(run.id, run.began_at)
    while True:
        while _do_part(run.id, teller, waiting=True):
            pass
        with work.acting(work.system_actor()):
            if not RebuildPart.objects.filter(rebuild=run.id, done_at__isnull=True).exists():
                break
    with work.acting(work.system_actor()):
        totals = _totals(run.id)
        if Rebuild.objects.filter(pk=run.id, ended_at__isnull=True).update(ended_at=clock.now()):
            _tell_trail(run.id, totals, rules=packs.digest(), calendar=VERSION)
            # What a run has come to is on record; the rows of old ones are of no more use.
            Rebuild.objects.filter(ended_at__lt=clock.now() - GOES_ON_FOR).delete()
        else:
            # Somebody else ended it first: another finisher, or a newer run.
            totals = _totals(run.id)
    return totals


def _totals(run_id: UUID) -> Totals:
    parts = RebuildPart.objects.filter(rebuild=run_id)
    sums = parts.aggregate(looked=Sum("looked"), changed=Sum("changed"), moved=Sum("moved"))
    failed = [case_id for row in parts.exclude(failed=[]).values_list("failed", flat=True) for case_id in row]
    # One that is no longer there ended so long ago that others were begun and ended since.
    superseded = not Rebuild.objects.filter(pk=run_id, superseded=False).exists()
    return Totals(sums["looked"] or 0, sums["changed"] or 0, sums["moved"] or 0, tuple(failed), superseded)


def _tell_trail(run_id: UUID, totals: Totals, *, rules: str, calendar: str) -> None:
    body = {
        "cases": totals.looked,
        "changed": totals.changed,
        "moved": totals.moved,
        "failed": len(totals.failed),
        "superseded": totals.superseded,
        "rules": rules,
        "calendar": calendar,
    }
    audit.record("limits.rebuilt", obj=run_id, body=body)


def _do_part(run_id: UUID, teller: Teller, *, waiting: bool) -> bool:
    with work.acting(work.system_actor()):
        left = RebuildPart.objects.filter(rebuild=run_id, done_at__isnull=True).order_by("above")
        part = left.select_for_update(skip_locked=not waiting).first()
        if part is None:
            return False
        done = _rebuild(cases.open_ids(above=part.above, upto=part.upto), run_id, teller)
        part.looked, part.changed, part.moved = done.looked, done.changed, done.moved
        part.failed, part.done_at = list(done.failed), clock.now()
        part.save()
    return True


def rebuild_case(case_id: UUID) -> Totals:
    """Derive one case again, open or closed, and store what differs; its lead is told where limits moved."""
    run_id = ids.new_id()
    with work.acting(work.system_actor()):
        done = _rebuild([case_id], run_id, Teller(run_id, clock.now()))
        _tell_trail(run_id, done, rules=packs.digest(), calendar=VERSION)
    return done


def _rebuild(case_ids: list[UUID], run_id: UUID, teller: Teller) -> Totals:
    def tell(derived: Sequence[Derived]) -> None:
        for one in derived:
            if one.changed:
                audit.record("limits.changed", case=one.case_id, body={"run": run_id, "rows": one.changed})
        teller.tell({one.case_id: one.moves for one in derived if one.moves})

    batch = deriving.derive_and_store(case_ids, also=tell)
    changed = sum(one.changed for one in batch.derived)
    return Totals(len(case_ids), changed, sum(bool(one.moves) for one in batch.derived), batch.failed)


def preview(case_id: UUID | None = None) -> Iterator[tuple[int, tuple[tuple[str, Move], ...], tuple[UUID, ...]]]:
    """Derive open cases, or one case, without storing anything; yields batch after batch.

    Each: how many cases were looked at, what would move with the case's reference, and which could not be derived.
    """
    above = _ABOVE_NOTHING
    while True:
        with work.acting(work.system_actor()):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            found = [case_id] if case_id else cases.open_ids(above=above, most=PART)
            batch = deriving.derive_batch(Derivation.objects.in_bulk(found))
            moved = [one for one in batch.derived if one.moves]
            columns = cases.clear_columns(one.case_id for one in moved)
            moves = tuple((columns[one.case_id].reference, move) for one in moved for move in one.moves)
        if not found:
            return
        yield len(found), moves, batch.failed
        if case_id:
            return
        above = found[-1]


def note_preview(case_id: UUID | None = None) -> None:
    """Write into the trail that somebody looks at what a run would do, before they see any of it."""
    with work.acting(work.system_actor()):
        audit.record("command.run", body={"command": "rebuild_deadlines", "dry_run": True, "case": case_id})
