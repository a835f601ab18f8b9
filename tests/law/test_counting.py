"""Counting, against a second implementation that walks day by day and knows its holidays by heart."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.law import derive
from casework.law.calendars import DUBLIN_STATES, calendar_for, knows_region, zone_of
from casework.law.counting import CODES, Period, PeriodError, end_of, hours_after, hours_end, months_after, nominal_end
from tests.law.cases import DETERMINISTIC, case_from, only

FRANCE = calendar_for("FR")

FRENCH_HOLIDAYS = {
    *(date(year, *day) for year in range(2026, 2029) for day in ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1))),
    *(date(year, *day) for year in range(2026, 2029) for day in ((11, 11), (12, 25))),
    *(date(2026, *day) for day in ((4, 6), (5, 14), (5, 25))),
    *(date(2027, *day) for day in ((3, 29), (5, 6), (5, 17))),
    *(date(2028, *day) for day in ((4, 17), (5, 25), (6, 5))),
}

days = st.dates(date(2026, 1, 1), date(2027, 11, 30))
short = st.one_of(
    st.builds(Period, st.integers(1, 60), st.just("day")),
    st.builds(Period, st.integers(1, 9), st.just("week")),
    st.builds(Period, st.integers(1, 3), st.just("month")),
)


def oracle_end(event: date, period: Period) -> date:
    """Count as one does with a finger on a wall calendar."""
    if period.unit == "day":
        day = event
        for _ in range(period.count):
            day += timedelta(days=1)
        return day
    if period.unit == "week":
        day = event
        seen = 0
        while seen < period.count:
            day += timedelta(days=1)
            seen += day.weekday() == event.weekday()
        return day
    months = period.count * (12 if period.unit == "year" else 1)
    day = event.replace(day=1)
    for _ in range(months):
        day += timedelta(days=31)
        day = day.replace(day=1)
    while day.day < event.day and (day + timedelta(days=1)).month == day.month:
        day += timedelta(days=1)
    return day


def oracle_roll(day: date) -> date:
    while day.weekday() in (5, 6) or day in FRENCH_HOLIDAYS:
        day += timedelta(days=1)
    return day


class TestMonths:
    """Article 42 of Regulation (EU) No 604/2013; Article 75(a)-(c) of Regulation (EU) 2024/1351."""

    @pytest.mark.parametrize(
        ("event", "months", "end"),
        [
            ("2025-08-31", 6, "2026-02-28"),
            ("2027-08-31", 6, "2028-02-29"),
            ("2028-02-29", 12, "2029-02-28"),
            ("2026-01-31", 1, "2026-02-28"),
            ("2026-12-31", 2, "2027-02-28"),
            ("2026-03-15", 36, "2029-03-15"),
        ],
    )
    def test_end_on_the_same_date_or_the_months_last_day(self, event: str, months: int, end: str) -> None:
        assert months_after(date.fromisoformat(event), months) == date.fromisoformat(end)

    def test_are_not_chained(self) -> None:
        event = date(2026, 1, 31)
        assert months_after(months_after(event, 1), 1) != months_after(event, 2)

    @DETERMINISTIC
    @given(days, st.integers(1, 72))
    def test_agree_with_the_wall_calendar(self, event: date, months: int) -> None:
        assert months_after(event, months) == oracle_end(event, Period(months, "month"))


class TestEnds:
    """Section 1.1 of the legal reference."""

    @DETERMINISTIC
    @given(days, short)
    def test_agree_with_the_wall_calendar(self, event: date, period: Period) -> None:
        end = end_of(event, period, "AMMR", FRANCE)
        assert end.strict == oracle_end(event, period)
        assert end.rolled == oracle_roll(end.strict)

    @DETERMINISTIC
    @given(days, short, st.sampled_from(["DUB3", "AMMR", "R1182", "NAT?"]))
    def test_strict_is_never_after_rolled(self, event: date, period: Period, code: str) -> None:
        end = end_of(event, period, code, FRANCE)
        assert event < end.strict <= end.rolled

    @DETERMINISTIC
    @given(days, days, short, st.sampled_from(["DUB3", "AMMR", "R1182", "NAT?"]))
    def test_a_later_start_never_ends_earlier(self, one: date, other: date, period: Period, code: str) -> None:
        first, second = (end_of(day, period, code, FRANCE) for day in sorted((one, other)))
        assert first.strict <= second.strict
        assert first.rolled <= second.rolled

    def test_a_national_period_is_not_moved(self) -> None:
        end = end_of(date(2026, 10, 3), Period(7, "day"), "NAT?", FRANCE)
        assert end.rolled == end.strict == date(2026, 10, 10)

    def test_a_backwards_period_is_not_moved(self) -> None:
        end = end_of(date(2026, 10, 13), Period(2, "day", backwards=True), "AMMR", FRANCE)
        assert end.rolled == end.strict == date(2026, 10, 11)

    def test_two_days_hold_two_working_days(self) -> None:
        """Article 3(5) of Regulation 1182/71."""
        end = end_of(date(2026, 12, 24), Period(2, "day"), "R1182", FRANCE)
        assert end.strict == date(2026, 12, 26)
        assert end.rolled == date(2026, 12, 29)

    @DETERMINISTIC
    @given(days, st.integers(1, 30), st.booleans())
    def test_working_days_are_counted_one_by_one(self, event: date, count: int, back: bool) -> None:
        step, seen, walked = timedelta(days=-1 if back else 1), 0, event
        while seen < count:
            walked += step
            seen += oracle_roll(walked) == walked
        end = end_of(event, Period(count, "working day", backwards=back), "APR", FRANCE)
        assert (end.strict, end.rolled) == (walked, walked)

    @DETERMINISTIC
    @given(days, st.integers(1, 40), st.sampled_from(sorted(CODES)), st.sampled_from(sorted(DUBLIN_STATES)))
    def test_months_last_28_to_31_days_each(self, event: date, months: int, code: str, state: str) -> None:
        end = end_of(event, Period(months, "month"), code, calendar_for(state))
        assert 28 * months <= (end.strict - event).days <= 31 * months
        assert end.rolled >= end.strict

    @DETERMINISTIC
    @given(
        days, short, st.sampled_from(["AMMR", "APR", "R1182", "FR-STD", "DE"]), st.sampled_from(sorted(DUBLIN_STATES))
    )
    def test_an_end_that_is_moved_is_moved_to_a_working_day(
        self, event: date, period: Period, code: str, state: str
    ) -> None:
        calendar = calendar_for(state)
        end = end_of(event, period, code, calendar)
        assert calendar.is_working_day(end.rolled)
        assert end.strict <= end.rolled

    def test_clamping_is_told(self) -> None:
        assert end_of(date(2026, 8, 31), Period(6, "month"), "AMMR", FRANCE).clamped
        assert not end_of(date(2026, 8, 28), Period(6, "month"), "AMMR", FRANCE).clamped


class TestHours:
    """Article 3 of Regulation 1182/71: a period in hours never moves off a weekend."""

    def test_run_over_a_sunday(self) -> None:
        served = datetime(2026, 11, 21, 17, 40, tzinfo=ZoneInfo("Europe/Paris"))
        assert hours_after(served, 48) == datetime(2026, 11, 23, 17, 40, tzinfo=ZoneInfo("Europe/Paris"))

    @pytest.mark.parametrize(("day", "hour"), [("2026-10-24", 16), ("2027-03-27", 18)])
    def test_are_real_hours_when_the_clocks_change(self, day: str, hour: int) -> None:
        served = datetime.fromisoformat(f"{day}T17:00").replace(tzinfo=zone_of("FR"))
        end = hours_after(served, 24)
        assert (end.hour, end.tzinfo) == (hour, served.tzinfo)

    @pytest.mark.parametrize(
        ("country", "served", "end"),
        [
            ("FR", "2027-03-27T02:30:00+01:00", "2027-03-29T03:30:00+02:00"),
            ("FR", "2026-10-24T02:30:00+02:00", "2026-10-26T01:30:00+01:00"),
            ("FR", "2026-10-23T02:30:00+02:00", "2026-10-25T02:30:00+02:00"),
            ("FR", "2026-10-23T03:30:00+02:00", "2026-10-25T02:30:00+01:00"),
            ("FR", "2026-10-25T02:30:00+02:00", "2026-10-27T01:30:00+01:00"),
            ("FR", "2026-10-25T02:30:00+01:00", "2026-10-27T02:30:00+01:00"),
            ("PT", "2027-03-27T00:30:00+00:00", "2027-03-29T01:30:00+01:00"),
            ("PT", "2026-10-24T01:30:00+01:00", "2026-10-26T00:30:00+00:00"),
            ("FI", "2027-03-27T03:30:00+02:00", "2027-03-29T04:30:00+03:00"),
            ("FI", "2026-10-24T03:30:00+03:00", "2026-10-26T02:30:00+02:00"),
        ],
    )
    def test_end_on_the_local_clock_on_either_side_of_a_change(self, country: str, served: str, end: str) -> None:
        begins = datetime.fromisoformat(served).astimezone(zone_of(country))
        ends = hours_end(begins, Period(48, "hour"), "HOURS", calendar_for(country))
        assert [moment.isoformat() for moment in ends] == [end, end]

    @pytest.mark.parametrize("served", ["2026-10-23T02:30:00+02:00", "2026-10-23T03:30:00+02:00"])
    def test_tell_the_hour_that_comes_twice_apart(self, served: str) -> None:
        told = f"{served} transfer-decision-notified in_detention=true"
        end = datetime.fromisoformat(served) + timedelta(hours=48)
        for seconds, state in ((0, "running"), (1, "expired")):
            now = (end + timedelta(seconds=seconds)).astimezone(zone_of("FR"))
            limit = only(derive.procedure(case_from(told), on=now), "fr-dublin-appeal-48h")
            assert (limit.due, limit.state) == (end, state)

    @pytest.mark.parametrize(
        ("begins", "strict", "rolled"),
        [
            ("2026-09-10T10:20:00+02:00", "2026-09-12T10:20:00+02:00", "2026-09-12T11:00:00+02:00"),
            ("2026-09-10T10:00:00+02:00", "2026-09-12T10:00:00+02:00", "2026-09-12T10:00:00+02:00"),
        ],
    )
    def test_leave_out_the_hour_of_the_event_by_the_general_rule(self, begins: str, strict: str, rolled: str) -> None:
        start = datetime.fromisoformat(begins).astimezone(zone_of("FR"))
        ends = hours_end(start, Period(48, "hour"), "R1182", FRANCE)
        assert [moment.isoformat() for moment in ends] == [strict, rolled]

    def test_go_to_the_end_of_the_next_working_day_in_french_procedure(self) -> None:
        start = datetime.fromisoformat("2026-11-20T10:00:00+01:00").astimezone(zone_of("FR"))
        strict, rolled = hours_end(start, Period(24, "hour"), "FR-STD", FRANCE)
        assert (strict.isoformat(), rolled.isoformat()) == ("2026-11-21T10:00:00+01:00", "2026-11-23T23:59:00+01:00")
        assert hours_end(start, Period(1, "hour"), "FR-STD", FRANCE)[1].isoformat() == "2026-11-20T11:00:00+01:00"

    def test_run_back_too(self) -> None:
        start = datetime.fromisoformat("2026-11-20T10:30:00+01:00").astimezone(zone_of("FR"))
        ends = hours_end(start, Period(48, "hour", backwards=True), "R1182", FRANCE)
        assert {moment.isoformat() for moment in ends} == {"2026-11-18T10:30:00+01:00"}

    def test_of_an_unknown_hour_run_from_the_start_of_the_day_to_its_end(self) -> None:
        told = "2026-10-24 transfer-decision-notified in_detention=true"
        limit = only(derive.procedure(case_from(told), on=date(2026, 10, 24)), "fr-dublin-appeal-48h")
        assert [moment.isoformat() for moment in (limit.due_strict, limit.due_rolled)] == [
            "2026-10-25T22:59:00+01:00",
            "2026-10-26T22:59:00+01:00",
        ]

    def test_are_told_on_the_clock_of_the_state(self) -> None:
        told = "2026-11-21T16:40:00+00:00 transfer-decision-notified in_detention=true"
        limit = only(derive.procedure(case_from(told), on=date(2026, 11, 22)), "fr-dublin-appeal-48h")
        assert [str(moment)[11:16] for moment in (limit.starts, limit.due)] == ["17:40", "17:40"]

    def test_have_no_last_day(self) -> None:
        with pytest.raises(PeriodError, match="no last day"):
            nominal_end(date(2026, 1, 1), Period.parse("48 hours"))


class TestPeriods:
    """Lengths as the packs write them."""

    @pytest.mark.parametrize("text", ["6 months", "1 week", "48 hours", "2 days before", "3 years", "1 day"])
    def test_are_read_and_written_the_same(self, text: str) -> None:
        assert str(Period.parse(text)) == text

    @pytest.mark.parametrize(
        "text", ["", "six months", "0 days", "6 fortnights", "-1 day", "6 months after", "1.5 weeks"]
    )
    def test_refuse_anything_else(self, text: str) -> None:
        with pytest.raises(PeriodError):
            Period.parse(text)


class TestCalendars:
    """Public holidays per state and region, with the version of the list."""

    def test_know_every_state_of_the_procedure(self) -> None:
        for state in DUBLIN_STATES:
            calendar = calendar_for(state)
            assert calendar.known, state
            assert calendar.holiday(date(2026, 12, 25)), state
            assert str(zone_of(state)).startswith(("Europe/", "Asia/Nicosia", "Atlantic/Reykjavik"))

    def test_without_a_list_only_weekends_are_off(self) -> None:
        calendar = calendar_for("XZ")
        assert calendar.is_working_day(date(2026, 12, 25))
        assert not calendar.is_working_day(date(2026, 12, 26))
        assert str(zone_of("XZ")) == "UTC"

    def test_add_the_regions_own_days(self) -> None:
        assert knows_region("FR", "FR-57")
        assert not knows_region("FR", "FR-01")
        assert calendar_for("FR", "FR-57").holiday(date(2026, 12, 26))
        assert calendar_for("FR", "FR-01").holiday(date(2026, 12, 26)) is None
        assert calendar_for("FR").label.startswith("FR holidays-")
