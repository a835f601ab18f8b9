"""What is to be told about one time limit, compared with what was planned and told already. Pure: decides only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from casework.notices.types import Channel, Kind, NewNotice, State, StoredNotice, Urgency
from casework.procedure.types import StoredLimit
from casework.reminders import steps
from casework.reminders.steps import Step


@dataclass(frozen=True)
class Audience:
    """Who hears of a case's limits: `always` at every step, `near` only when the end is near or has passed."""

    always: frozenset[UUID]
    near: frozenset[UUID] = frozenset()

    @property
    def everyone(self) -> frozenset[UUID]:
        return self.always | self.near


@dataclass
class Changes:
    """What to write: notices to plan, and ids of notices to call off and to take out of the inbox."""

    put: list[NewNotice] = field(default_factory=list)
    void: list[UUID] = field(default_factory=list)
    settle: list[UUID] = field(default_factory=list)

    def drop(self, known: Iterable[StoredNotice]) -> None:
        """Let nothing of `known` be told or stand in an inbox any longer."""
        for notice in known:
            if notice.state in (State.PLANNED, State.CLAIMED):
                self.void.append(notice.id)
            elif notice.state == State.SENT and not notice.settled:
                self.settle.append(notice.id)


def plan_limit(
    limit: StoredLimit,
    *,
    audience: Audience,
    known: Sequence[StoredNotice],
    now: datetime,
    zone: ZoneInfo,
    changes: Changes,
) -> None:
    """Add to `changes` what brings the notices about one limit to where they ought to be; a second time: nothing.

    `known`: every notice about this limit, told or not. A limit that neither runs nor has expired drops its notices.
    """
    if limit.state not in ("running", "expired"):
        changes.drop(known)
        return
    plan = _LimitPlan(limit, known, now, zone)
    wanted: dict[str, NewNotice] = {}
    for person in audience.everyone:
        for channel in Channel:
            for notice in plan.for_one(person, channel, is_near_only=person not in audience.always):
                wanted[notice.key] = notice
    standing = {notice.key for notice in known if notice.state != State.VOIDED}
    changes.put += [notice for key, notice in wanted.items() if key not in standing]
    stale = [
        notice
        for notice in known
        if (notice.state in (State.PLANNED, State.CLAIMED) and notice.key not in wanted)
        or (notice.state == State.SENT and not (notice.recipient_id in audience.everyone and plan.is_current(notice)))
    ]
    changes.drop(stale)


class _LimitPlan:
    """The plan of one limit; `known` are all notices about it."""

    def __init__(self, limit: StoredLimit, known: Sequence[StoredNotice], now: datetime, zone: ZoneInfo) -> None:
        self.limit, self.known, self.now = limit, known, now
        self.end = steps.ends_at(limit.due_on, limit.due_at, zone)
        self.detention = "detention" in limit.rule
        self.ladder = steps.ladder(limit.due_on, limit.due_at, zone)
        if limit.state == "expired":
            self.ladder = self.ladder[-1:]

    def is_current(self, notice: StoredNotice) -> bool:
        """Say whether a notice speaks of the limit's present date."""
        return _same_due(notice.due_on, notice.due_at, self.limit)

    def for_one(self, person: UUID, channel: Channel, *, is_near_only: bool) -> list[NewNotice]:
        """Return what one person is to be told by one channel from now on, within the horizon."""
        mine = [notice for notice in self.known if notice.recipient_id == person and notice.channel == channel]
        ladder = tuple(step for step in self.ladder if step.is_near or not is_near_only)
        found = [self._notice(person, channel, step) for step in steps.upcoming(ladder, self.now)]
        correction = self._correction(person, channel, mine)
        if correction is not None:
            return [*found, correction]
        latest = steps.latest_past(ladder, self.now)
        if latest is not None and self._is_wanted(latest, mine):
            found.append(self._notice(person, channel, latest))
        return found

    def _is_wanted(self, latest: Step, mine: Sequence[StoredNotice]) -> bool:
        current = [notice for notice in mine if self.is_current(notice) and notice.state != State.VOIDED]
        if any(notice.step == latest.code for notice in current):
            return True
        # A correction sent after the step's time has told the person this date already.
        if any(latest.send_at <= notice.send_at <= self.now for notice in current):
            return False
        return latest.code != steps.OVERDUE or self.now - self.end <= steps.NEWS_FOR

    def _correction(self, person: UUID, channel: Channel, mine: Sequence[StoredNotice]) -> NewNotice | None:
        told = sorted((notice for notice in mine if notice.told_at is not None), key=_when_told)
        if not told or self.is_current(told[-1]) or self.limit.state != "running":
            return None
        nth = sum(notice.kind == Kind.CORRECTION for notice in told)
        return self._notice(
            person, channel, Step(steps.CORRECTED, self.now), Kind.CORRECTION, was_due_on=told[-1].due_on, nth=nth
        )

    def _notice(
        self,
        person: UUID,
        channel: Channel,
        step: Step,
        kind: Kind = Kind.LIMIT,
        *,
        was_due_on: date | None = None,
        nth: int = 0,
    ) -> NewNotice:
        urgent = steps.is_urgent(max(step.send_at, self.now), self.end, detention=self.detention)
        return NewNotice(
            recipient_id=person,
            channel=channel,
            kind=kind,
            case_id=self.limit.case_id,
            about_id=self.limit.id,
            step=step.code,
            due_on=self.limit.due_on,
            due_at=self.limit.due_at,
            send_at=step.send_at,
            urgency=Urgency.URGENT if urgent else Urgency.ORDINARY,
            was_due_on=was_due_on,
            nth=nth,
        )


def _same_due(due_on: date, due_at: datetime | None, limit: StoredLimit) -> bool:
    return (due_on, due_at) == (limit.due_on, limit.due_at)


def _when_told(notice: StoredNotice) -> datetime:
    assert notice.told_at is not None
    return notice.told_at
