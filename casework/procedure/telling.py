"""Telling whoever answers for a case that its limits moved when all were derived again.

What is told is planned in the transaction that moves the limits, and goes out with the next dispatch but one minute;
until then it follows the case: another lead is told instead, and nobody about a case that was closed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.cases import damage
from casework.cases import selectors as cases
from casework.cases.types import CaseState
from casework.core import clock, work
from casework.notices import selectors as notice_selectors
from casework.notices import services as notices
from casework.notices.types import Channel, Kind, NewNotice, StoredNotice, Urgency
from casework.procedure.types import Move, as_date

logger = logging.getLogger(__name__)

# So long that reminders were planned again from the new dates first: whoever was told a date that moved is told the new
# one, and a line that says no more than "something moved" is then dropped (`notices.services.dispatch`).
SETTLES = timedelta(minutes=1)


class _Audience:
    """Who answers for cases; remembers people and teams, of whom there are far fewer."""

    def __init__(self) -> None:
        self._works: dict[UUID, bool] = {}
        self._coordinators: dict[UUID | None, tuple[UUID, ...]] = {}

    def of(self, case_id: UUID, lead_id: UUID | None, team_id: UUID) -> tuple[UUID, ...]:
        """Return the lead; without one who works, the team's coordinators; without these, those of all teams.

        Nobody at all is an error in the log, as with reminders.
        """
        if lead_id is not None:
            if lead_id not in self._works:
                self._works[lead_id] = bool(accounts.standing_of(lead_id).roles)
            if self._works[lead_id]:
                return (lead_id,)
        told = self._of_team(team_id) or self._of_team(None)
        if not told:
            event = "procedure.nobody_to_tell"
            logger.error(event, extra={"event": event, "case_id": case_id})
        return told

    def _of_team(self, team_id: UUID | None) -> tuple[UUID, ...]:
        if team_id not in self._coordinators:
            found = accounts.holders(Role.COORDINATOR, None if team_id is None else [team_id])
            self._coordinators[team_id] = tuple(person.id for person in found)
        return self._coordinators[team_id]


class Teller:
    """Tells of one run: a line in the inbox for each case whose limits moved, and one mail for the whole run."""

    def __init__(self, run_id: UUID, began_at: datetime) -> None:
        self._run, self._day = run_id, began_at.date()
        self._audience = _Audience()

    def tell(self, moved: Mapping[UUID, Sequence[Move]]) -> None:
        """Plan the notices about these cases, in the running transaction."""
        if not moved:
            return
        send_at = clock.now() + SETTLES
        wanted: list[NewNotice] = []
        for case_id, case in cases.clear_columns(moved).items():
            first = min(moved[case_id], key=_most_pressing)
            due = first.now or first.was
            assert due is not None
            for person in self._audience.of(case_id, case.lead_id, case.team_id):
                wanted += _both(
                    person,
                    case_id=case_id,
                    run=(self._run, self._day),
                    step=self._run.hex[:12],
                    due_on=as_date(due),
                    was_due_on=as_date(first.was) if first.was and first.now else None,
                    send_at=send_at,
                )
        _put(wanted)


def _both(
    person: UUID,
    *,
    case_id: UUID,
    run: tuple[UUID, date],
    step: str,
    due_on: date,
    was_due_on: date | None,
    send_at: datetime,
) -> tuple[NewNotice, NewNotice]:
    """Return the line about a case, and the mail about the run: the same text for all of its cases, so one mail."""
    line = NewNotice(
        recipient_id=person,
        channel=Channel.INBOX,
        kind=Kind.RULES,
        case_id=case_id,
        about_id=case_id,
        step=step,
        due_on=due_on,
        due_at=None,
        send_at=send_at,
        urgency=Urgency.ORDINARY,
        was_due_on=was_due_on,
    )
    return line, replace(line, channel=Channel.MAIL, about_id=run[0], due_on=run[1], was_due_on=None)


def tell_damaged(case_ids: Iterable[UUID]) -> None:
    """Tell the lead and the team's coordinators that a case cannot be derived: its record was changed past us.

    Once a day for each, as long as it is so; with an entry in the case's trail the first time of the day.
    """
    wanted = list(case_ids)
    if not wanted:
        return
    audience = _Audience()
    for case_id, case in cases.clear_columns(wanted).items():
        whom = {*audience.of(case_id, case.lead_id, case.team_id), *audience.of(case_id, None, case.team_id)}
        new = notices.put(
            NewNotice(
                recipient_id=person,
                channel=Channel.INBOX,
                kind=Kind.DAMAGED,
                case_id=case_id,
                about_id=case_id,
                step="damaged",
                due_on=clock.today(case.country),
                due_at=None,
                send_at=clock.now(),
                urgency=Urgency.URGENT,
            )
            for person in sorted(whom)
        )
        if new:
            damage.tell(case_id)


def _put(wanted: Iterable[NewNotice]) -> None:
    # Two processes may plan the same mail: whoever waits for the other must not be waited for.
    notices.put(sorted(wanted, key=lambda notice: notice.key))


def follow_cases() -> None:
    """Bring what still waits to be told to where its cases are by now: closed, or led by somebody else.

    For the machine's own principal, in a transaction of its own; before each dispatch.
    """
    with work.acting(work.system_actor()):
        waiting = notice_selectors.waiting_lines(Kind.RULES)
        if not waiting:
            return
        columns, audience = cases.clear_columns({line.case_id for line in waiting if line.case_id}), _Audience()
        void: list[UUID] = []
        missing: list[tuple[UUID, UUID, StoredNotice]] = []
        for about, lines in _by_case_and_step(waiting).items():
            case = columns.get(about[0])
            stands = case is not None and case.state == CaseState.OPEN
            whom = audience.of(case.pk, case.lead_id, case.team_id) if case is not None and stands else ()
            void += [line.id for line in lines if line.recipient_id not in whom]
            told = {line.recipient_id for line in lines}
            missing += [(person, about[0], lines[0]) for person in whom if person not in told]
        notices.void(void)
        runs = (
            notice_selectors.mails_by_step(Kind.RULES, {line.step for _person, _case, line in missing})
            if missing
            else {}
        )
        _put(
            notice
            for person, case_id, line in missing
            for notice in _both(
                person,
                case_id=case_id,
                run=runs[line.step],
                step=line.step,
                due_on=line.due_on,
                was_due_on=line.was_due_on,
                send_at=clock.now(),
            )
        )


def _by_case_and_step(lines: Iterable[StoredNotice]) -> dict[tuple[UUID, str], list[StoredNotice]]:
    found: dict[tuple[UUID, str], list[StoredNotice]] = {}
    for line in lines:
        if line.case_id is not None:
            found.setdefault((line.case_id, line.step), []).append(line)
    return found


def _most_pressing(move: Move) -> tuple[bool, date, str]:
    due = move.now or move.was
    assert due is not None
    return move.now is None, as_date(due), move.rule
