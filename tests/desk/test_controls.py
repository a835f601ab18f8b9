"""A printed period, an hour on other clocks, and how long until a moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from casework.core import clock
from casework.core.templatetags.casework import clock_name, days_left, days_tone
from casework.desk.forms._controls import UNITS, NoSuchTime, PeriodField, PeriodInput, moments
from casework.law import counting

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class TestAPrintedPeriod:
    """A number and its unit, kept in the law's words."""

    @pytest.mark.parametrize(
        ("boxes", "kept"),
        [
            (["2", "week"], "2 weeks"),
            (["1", "month"], "1 month"),
            ([" 48 ", "hour"], "48 hours"),
            (["7", "working day"], "7 working days"),
            (["1", "year"], "1 year"),
            (["3", "day"], "3 days"),
            (["", "week"], None),
        ],
    )
    def test_is_kept_as_the_law_writes_it_and_comes_back(self, boxes, kept):
        assert PeriodField(required=False).clean(boxes) == kept
        if kept:
            assert PeriodInput().decompress(kept) == [boxes[0].strip(), boxes[1]]

    def test_offers_every_unit_that_the_law_counts_in(self):
        units = re.search(r"\((hour\|[a-z |]+)\)", counting._PERIOD.pattern)
        assert units is not None
        assert {unit for unit, _label in UNITS} == set(units[1].split("|"))

    @pytest.mark.parametrize(
        "count", ["0", "-1", "x", "2.5", "10000", "٣٣٣٣٣", "²", pytest.param("9" * 5000, id="long")]
    )
    def test_counts_something(self, count):
        with pytest.raises(ValidationError):
            PeriodField().clean([count, "week"])

    @pytest.mark.parametrize("unit", ["fortnight", "weeks before", ""])
    def test_is_not_one_of_another_unit(self, unit):
        with pytest.raises(ValidationError):
            PeriodField().clean(["2", unit])


class TestMoments:
    """Both clock changes."""

    def test_an_hour_that_the_clocks_skipped_was_never(self):
        with pytest.raises(NoSuchTime):
            moments(date(2026, 3, 29), time(2, 30), PARIS)
        assert len(moments(date(2026, 3, 29), time(3, 0), PARIS)) == 1

    def test_an_hour_that_the_clocks_repeated_was_twice(self):
        found = moments(date(2026, 10, 25), time(2, 30), PARIS)
        assert [moment.utcoffset() for moment in found] == [timedelta(hours=2), timedelta(hours=1)]

    def test_any_other_hour_was_once(self):
        (moment,) = moments(date(2026, 11, 20), time(17, 40), PARIS)
        assert moment.isoformat() == "2026-11-20T17:40:00+01:00"


class TestHoursLeft:
    """Under 48 hours a limit with an hour is told in hours."""

    @pytest.mark.parametrize(
        ("seconds", "words", "tone"),
        [
            (20 * 60, "in 20 minutes", "warn"),
            (3600, "in 1 hour", "warn"),
            (47 * 3600 + 59, "in 47 hours", "warn"),
            (48 * 3600, "in 2 days", "warn"),
            (-60, "overdue by 1 minute", "danger"),
            (-5 * 3600, "overdue by 5 hours", "danger"),
        ],
    )
    def test_says_hours_then_minutes(self, seconds, words, tone):
        with clock.fixed(NOW):
            due = (NOW + timedelta(seconds=seconds)).astimezone(PARIS)
            assert days_left(due) == words
            assert days_tone(due) == tone

    def test_a_date_is_told_in_days(self):
        with clock.fixed(NOW):
            assert days_left(date(2026, 11, 24)) == "tomorrow"

    @pytest.mark.parametrize(
        ("moment", "words"),
        [
            (datetime(2026, 11, 24, 9, 30, tzinfo=PARIS), "Paris time"),
            (datetime.fromisoformat("2026-11-24T09:30:00+01:00"), "UTC+01:00"),
            (date(2026, 11, 24), ""),
            (None, ""),
        ],
    )
    def test_says_on_whose_clocks(self, moment, words):
        assert clock_name(moment) == words
