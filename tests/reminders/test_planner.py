"""What one time limit asks to be told, against what was told already; no database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from casework.core import ids
from casework.notices.types import NewNotice, StoredNotice
from casework.procedure.types import StoredLimit
from casework.reminders.planner import Audience, Changes, plan_limit

BERLIN = ZoneInfo("Europe/Berlin")
LEAD, COORDINATOR = UUID(int=1), UUID(int=2)
TEAM = Audience(frozenset({LEAD}), frozenset({COORDINATOR}))


def a_limit(due: date, *, at: datetime | None = None, state: str = "running", rule: str = "ammr-x-2w") -> StoredLimit:
    return StoredLimit(UUID(int=9), UUID(int=8), rule, state, "authority", due, at)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN)


def stored(notice: NewNotice, state: str = "planned", told_at: datetime | None = None) -> StoredNotice:
    shared = {name: getattr(notice, name) for name in ("key", "recipient_id", "channel", "kind", "case_id", "about_id")}
    dates = {name: getattr(notice, name) for name in ("step", "due_on", "due_at", "send_at")}
    return StoredNotice(id=ids.new_id(), **shared, **dates, state=state, settled=False, told_at=told_at)


def plan(limit: StoredLimit, now: datetime, known: Sequence[StoredNotice] = (), audience: Audience = TEAM) -> Changes:
    changes = Changes()
    plan_limit(limit, audience=audience, known=known, now=now, zone=BERLIN, changes=changes)
    return changes


class Outbox:
    """Applies what the planner says, and delivers, as the database would."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredNotice] = {}

    def plan(self, limit: StoredLimit, now: datetime, audience: Audience = TEAM) -> Changes:
        changes = plan(limit, now, list(self.rows.values()), audience)
        for notice in changes.put:
            standing = self.rows.get(notice.key)
            assert standing is None or standing.state == "voided"
            self.rows[notice.key] = stored(notice)
        for key, row in self.rows.items():
            if row.id in changes.void:
                self.rows[key] = replace(row, state="voided")
            if row.id in changes.settle:
                self.rows[key] = replace(row, settled=True)
        return changes

    def deliver(self, now: datetime) -> list[StoredNotice]:
        due = [row for row in self.rows.values() if row.state == "planned" and row.send_at <= now]
        for row in due:
            self.rows[row.key] = replace(row, state="sent", told_at=now)
        return due


def told(rows: Sequence[StoredNotice | NewNotice], person: UUID = LEAD, channel: str = "mail") -> list[str]:
    return [row.step for row in rows if (row.recipient_id, row.channel) == (person, channel)]


class TestNewLimit:
    """Due in five days when it is derived: the flood of old steps is one."""

    DUE = date(2026, 9, 24)
    NOW = noon(date(2026, 9, 19))

    def test_tells_the_latest_step_that_has_passed_at_once(self) -> None:
        changes = plan(a_limit(self.DUE), self.NOW)
        now_due = [notice for notice in changes.put if notice.send_at <= self.NOW]
        assert {(n.recipient_id, n.channel, n.step) for n in now_due} == {(LEAD, "inbox", "7d"), (LEAD, "mail", "7d")}

    def test_goes_on_with_the_steps_that_remain(self) -> None:
        box, limit, heard = Outbox(), a_limit(self.DUE), []
        for hours in range(24 * 8):
            now = self.NOW + timedelta(hours=hours)
            box.plan(limit, now)
            heard += box.deliver(now)
        assert told(heard) == ["7d", "3d", "1d", "0d", "overdue"]
        assert told(heard, COORDINATOR, "inbox") == ["3d", "1d", "0d", "overdue"]

    def test_far_away_plans_nothing_yet(self) -> None:
        assert plan(a_limit(self.DUE), self.NOW - timedelta(days=100)).put == []

    def test_with_an_hour_counts_hours(self) -> None:
        due = datetime(2026, 9, 21, 9, 0, tzinfo=UTC)
        box, heard = Outbox(), []
        for minutes in range(0, 60 * 60, 30):
            now = due - timedelta(hours=40) + timedelta(minutes=minutes)
            box.plan(a_limit(due.date(), at=due), now)
            heard += box.deliver(now)
        assert told(heard) == ["3d", "24h", "6h", "1h", "overdue"]
        assert heard[1].send_at <= heard[-1].send_at == due


class TestUrgency:
    """Which notices overtake."""

    def test_is_for_what_is_due_within_48_hours(self) -> None:
        changes = plan(a_limit(date(2026, 9, 24)), noon(date(2026, 9, 22)))
        assert {notice.step: int(notice.urgency) for notice in changes.put} == {"3d": 1, "1d": 0, "0d": 0}

    def test_is_for_every_step_in_detention(self) -> None:
        limit = a_limit(date(2026, 9, 24), rule="ammr-detention-transfer-5w")
        changes = plan(limit, noon(date(2026, 9, 1)))
        assert {int(notice.urgency) for notice in changes.put} == {0}


class TestNobodyLeads:
    """Nobody responsible: the coordinators, at once and at every step."""

    def test_tells_the_coordinators_early(self) -> None:
        alone = Audience(frozenset({COORDINATOR}))
        changes = plan(a_limit(date(2026, 9, 24)), noon(date(2026, 9, 1)), audience=alone)
        assert told(changes.put, COORDINATOR) == ["30d"]


class TestOutage:
    """Nothing ran for ten days."""

    def test_tells_only_the_latest_step_when_it_is_over(self) -> None:
        box, limit = Outbox(), a_limit(date(2026, 9, 24))
        box.plan(limit, noon(date(2026, 9, 9)))
        assert "14d" in told(list(box.rows.values()))
        now = noon(date(2026, 9, 21))
        box.plan(limit, now)
        assert told(box.deliver(now)) == ["3d"]


class TestMovedLimit:
    """A limit whose date moves voids what was planned and corrects what was told."""

    def test_that_nobody_heard_of_is_planned_anew_without_correction(self) -> None:
        box = Outbox()
        box.plan(a_limit(date(2026, 9, 24)), noon(date(2026, 9, 8)))
        changes = box.plan(a_limit(date(2026, 10, 8)), noon(date(2026, 9, 8)))
        assert "moved" not in {notice.step for notice in changes.put}
        assert {row.due_on for row in box.rows.values() if row.state == "planned"} == {date(2026, 10, 8)}

    def test_corrects_each_who_was_told_the_wrong_date_once(self) -> None:
        box, now = Outbox(), noon(date(2026, 9, 17))
        box.plan(a_limit(date(2026, 9, 24)), now)
        box.deliver(now)
        moved = a_limit(date(2026, 9, 30))
        changes = box.plan(moved, now)
        corrections = [notice for notice in changes.put if notice.kind == "correction"]
        assert {(n.recipient_id, n.channel) for n in corrections} == {(LEAD, "inbox"), (LEAD, "mail")}
        assert {(n.was_due_on, n.due_on) for n in corrections} == {(date(2026, 9, 24), date(2026, 9, 30))}
        assert told(box.deliver(now)) == ["moved"]
        assert told(box.deliver(now)) == []
        later = now + timedelta(hours=1)
        assert box.plan(moved, later) == Changes()

    def test_takes_the_wrong_date_out_of_the_inbox(self) -> None:
        box, now = Outbox(), noon(date(2026, 9, 17))
        box.plan(a_limit(date(2026, 9, 24)), now)
        box.deliver(now)
        box.plan(a_limit(date(2026, 9, 30)), now)
        assert all(row.settled for row in box.rows.values() if row.state == "sent")

    def test_moved_away_and_back_tells_the_first_date_again(self) -> None:
        box, now = Outbox(), noon(date(2026, 9, 17))
        for due in (date(2026, 9, 24), date(2026, 9, 30), date(2026, 9, 24), date(2026, 9, 30)):
            box.plan(a_limit(due), now)
            now += timedelta(minutes=5)
            last = box.deliver(now)
            assert {row.due_on for row in last} == {due}
            assert len(told(last)) == 1

    def test_moved_back_before_the_correction_went_out_corrects_nobody(self) -> None:
        box, now = Outbox(), noon(date(2026, 9, 17))
        box.plan(a_limit(date(2026, 9, 24)), now)
        box.deliver(now)
        box.plan(a_limit(date(2026, 9, 30)), now)
        box.plan(a_limit(date(2026, 9, 24)), now)
        assert box.deliver(now) == []

    def test_corrects_also_whose_mail_may_have_gone_out(self) -> None:
        now = noon(date(2026, 9, 17))
        first = next(n for n in plan(a_limit(date(2026, 9, 24)), now).put if n.channel == "mail" and n.step == "7d")
        cut_off = stored(first, "claimed", told_at=now)
        changes = plan(a_limit(date(2026, 9, 30)), now, [cut_off])
        assert changes.void == [cut_off.id]
        assert "moved" in told(changes.put)

    def test_goes_on_with_the_new_dates_after_the_correction(self) -> None:
        box, now = Outbox(), noon(date(2026, 9, 17))
        box.plan(a_limit(date(2026, 9, 24)), now)
        box.deliver(now)
        moved, heard = a_limit(date(2026, 9, 30)), []
        for hours in range(24 * 16):
            then = now + timedelta(hours=hours)
            box.plan(moved, then)
            heard += box.deliver(then)
        assert told(heard) == ["moved", "7d", "3d", "1d", "0d", "overdue"]


class TestClosedLimit:
    """Met, stopped or superseded: nothing more is said."""

    def test_voids_what_was_planned_and_empties_the_inbox(self) -> None:
        box, now = Outbox(), noon(date(2026, 9, 22))
        box.plan(a_limit(date(2026, 9, 24)), now)
        box.deliver(now)
        box.plan(a_limit(date(2026, 9, 24), state="met"), now)
        assert {row.state for row in box.rows.values()} == {"sent", "voided"}
        assert all(row.settled for row in box.rows.values() if row.state == "sent")

    def test_expired_keeps_the_overdue_notice(self) -> None:
        box = Outbox()
        box.plan(a_limit(date(2026, 9, 24)), noon(date(2026, 9, 24)))
        box.deliver(noon(date(2026, 9, 24)))
        expired, next_day = a_limit(date(2026, 9, 24), state="expired"), noon(date(2026, 9, 25))
        box.plan(expired, next_day)
        assert told(box.deliver(next_day)) == ["overdue"]
        assert box.plan(expired, next_day + timedelta(days=400)) == Changes()

    def test_expired_long_ago_is_history_and_no_news(self) -> None:
        expired = a_limit(date(2026, 9, 24), state="expired")
        assert plan(expired, noon(date(2026, 10, 12))).put == []
        assert told(plan(expired, noon(date(2026, 10, 2))).put) == ["overdue"]


class TestNewLead:
    """The case is assigned to somebody else."""

    def test_who_coordinated_before_hears_the_step_that_has_passed(self) -> None:
        box, limit, now = Outbox(), a_limit(date(2026, 9, 24)), noon(date(2026, 9, 19))
        box.plan(limit, now)
        assert told(list(box.rows.values()), COORDINATOR) == ["3d"]
        box.plan(limit, now, Audience(frozenset({COORDINATOR})))
        assert told(box.deliver(now), COORDINATOR) == ["7d"]

    def test_tells_the_new_lead_and_lets_the_former_go(self) -> None:
        box, limit, now, new = Outbox(), a_limit(date(2026, 9, 24)), noon(date(2026, 9, 19)), UUID(int=5)
        box.plan(limit, now)
        box.deliver(now)
        box.plan(limit, now, Audience(frozenset({new}), frozenset({COORDINATOR})))
        assert told(box.deliver(now), new) == ["7d"]
        assert {row.recipient_id for row in box.rows.values() if row.state == "planned"} <= {new, COORDINATOR}
        assert all(row.settled for row in box.rows.values() if row.recipient_id == LEAD and row.state == "sent")


moments = st.datetimes(datetime(2026, 8, 1), datetime(2026, 11, 20), timezones=st.just(UTC))
dues = st.dates(date(2026, 9, 1), date(2026, 11, 10))


class TestAnyHistory:
    """Whatever happened before, the planner comes to rest at once and tells nobody the same thing twice."""

    @given(
        events=st.lists(
            st.tuples(moments, dues, st.sampled_from(["running", "running", "expired", "met"]), st.booleans()),
            min_size=1,
            max_size=8,
        )
    )
    def test_planning_twice_changes_nothing(self, events: list[tuple[datetime, date, str, bool]]) -> None:
        box = Outbox()
        for now, due, state, delivers in sorted(events):
            limit = a_limit(due, state=state)
            box.plan(limit, now)
            assert box.plan(limit, now) == Changes()
            if delivers:
                heard = [(row.recipient_id, row.channel) for row in box.deliver(now)]
                assert len(heard) == len(set(heard)), "one occasion at a time"

    @given(due=dues, gaps=st.lists(st.integers(1, 200), min_size=1, max_size=30), start=moments)
    def test_nobody_is_left_without_the_last_word(self, due: date, gaps: list[int], start: datetime) -> None:
        box, now, limit = Outbox(), start, a_limit(due)
        for hours in gaps:
            now += timedelta(hours=hours)
            box.plan(limit, now)
            box.deliver(now)
            ladder_has_begun = now >= noon(due - timedelta(days=30))
            if ladder_has_begun and (now.astimezone(BERLIN).date() - due).days < 14:
                last = [row for row in box.rows.values() if row.state == "sent" and row.recipient_id == LEAD]
                assert {row.channel for row in last} == {"inbox", "mail"}
