"""The ladder of steps, by example and by property; no database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.reminders import steps

BERLIN = ZoneInfo("Europe/Berlin")


def codes(found: tuple[steps.Step, ...]) -> list[str]:
    return [step.code for step in found]


class TestDayLimits:
    """Limits in days, at 08:00 of the organisation's zone."""

    def test_are_spoken_of_on_seven_mornings(self) -> None:
        ladder = steps.ladder(date(2026, 9, 24), None, BERLIN)
        assert codes(ladder) == ["30d", "14d", "7d", "3d", "1d", "0d", "overdue"]
        assert [step.send_at.date() for step in ladder] == [
            date(2026, 8, 25),
            date(2026, 9, 10),
            date(2026, 9, 17),
            date(2026, 9, 21),
            date(2026, 9, 23),
            date(2026, 9, 24),
            date(2026, 9, 25),
        ]

    @pytest.mark.parametrize(
        ("due", "utc_hour"), [(date(2026, 10, 25), 7), (date(2026, 10, 24), 6), (date(2027, 3, 28), 6)]
    )
    def test_keep_eight_o_clock_on_both_sides_of_a_clock_change(self, due: date, utc_hour: int) -> None:
        on_the_day = steps.ladder(due, None, BERLIN)[5]
        assert on_the_day.send_at.astimezone(UTC) == datetime(due.year, due.month, due.day, utc_hour, tzinfo=UTC)

    def test_at_the_end_of_february_count_calendar_days(self) -> None:
        assert steps.ladder(date(2028, 2, 29), None, BERLIN)[-1].send_at.date() == date(2028, 3, 1)

    def test_end_with_their_day_where_the_organisation_is(self) -> None:
        assert steps.ends_at(date(2026, 10, 25), None, BERLIN).astimezone(UTC) == datetime(2026, 10, 25, 23, tzinfo=UTC)


class TestHourLimits:
    """Limits with an hour: real hours, counted back from the instant."""

    def test_are_spoken_of_a_day_six_hours_and_one_hour_before_and_at_the_hour(self) -> None:
        due = datetime(2026, 11, 23, 16, 40, tzinfo=UTC)
        ladder = steps.ladder(due.date(), due, BERLIN)
        assert codes(ladder) == ["30d", "14d", "7d", "3d", "24h", "6h", "1h", "overdue"]
        assert [due - step.send_at for step in ladder[4:]] == [timedelta(hours=h) for h in (24, 6, 1, 0)]

    def test_count_the_hour_that_a_night_has_twice(self) -> None:
        due = datetime(2026, 10, 25, 6, 0, tzinfo=BERLIN)
        day_before = steps.ladder(due.date(), due, BERLIN)[4]
        assert day_before.send_at.astimezone(BERLIN) == datetime(2026, 10, 24, 7, 0, tzinfo=BERLIN)


class TestStepsThatHavePassed:
    """No flood of old mails."""

    def test_only_the_latest_is_told(self) -> None:
        ladder = steps.ladder(date(2026, 9, 24), None, BERLIN)
        now = datetime(2026, 9, 19, 12, tzinfo=BERLIN)
        latest = steps.latest_past(ladder, now)
        assert latest is not None
        assert latest.code == "7d"

    def test_none_has_come_before_the_first(self) -> None:
        ladder = steps.ladder(date(2026, 9, 24), None, BERLIN)
        assert steps.latest_past(ladder, datetime(2026, 8, 25, 7, 59, tzinfo=BERLIN)) is None

    def test_upcoming_ones_lie_within_two_days(self) -> None:
        ladder = steps.ladder(date(2026, 9, 24), None, BERLIN)
        assert codes(steps.upcoming(ladder, datetime(2026, 9, 23, 7, tzinfo=BERLIN))) == ["1d", "0d"]


class TestUrgency:
    """At once for detention and anything due within 48 hours."""

    @pytest.mark.parametrize(
        ("hours_left", "detention", "urgent"),
        [(48, False, True), (49, False, False), (500, True, True), (-5, False, True)],
    )
    def test_is_nearness_or_detention(self, hours_left: int, detention: bool, urgent: bool) -> None:
        now = datetime(2026, 9, 1, tzinfo=UTC)
        assert steps.is_urgent(now, now + timedelta(hours=hours_left), detention=detention) is urgent


instants = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(
    [BERLIN, ZoneInfo("Europe/Helsinki"), ZoneInfo("Atlantic/Reykjavik"), ZoneInfo("Europe/Dublin")]
)


class TestAnyLimit:
    """Properties."""

    @given(due=st.dates(date(2024, 2, 1), date(2031, 1, 1)), at=st.none() | instants, zone=zones)
    def test_climbs_in_order_and_ends_after_the_limit(self, due: date, at: datetime | None, zone: ZoneInfo) -> None:
        day = at.astimezone(zone).date() if at else due
        ladder = steps.ladder(day, at, zone)
        sent = [step.send_at for step in ladder]
        assert sent == sorted(set(sent))
        assert ladder[-1].send_at >= steps.ends_at(day, at, zone)
        assert all(step.send_at < steps.ends_at(day, at, zone) for step in ladder[:-1])

    @given(due=st.dates(date(2024, 2, 1), date(2031, 1, 1)), start=instants, zone=zones)
    def test_passes_every_step_to_a_planner_that_runs_hourly(self, due: date, start: datetime, zone: ZoneInfo) -> None:
        ladder = steps.ladder(due, None, zone)
        seen = set()
        for step in ladder:
            for hours in range(1, 48):
                now = step.send_at - timedelta(hours=hours)
                seen |= {found.code for found in steps.upcoming(ladder, now)}
        assert seen == set(codes(ladder))
