"""The rules for unusual access as pure functions; what they see of the trail and mark, on real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.audit import actions, chain, selectors, unusual
from casework.audit import services as audit
from casework.audit.models import Entry, Unusual
from casework.audit.unusual import CASES, DAYS_KNOWN, HOUR, REFUSALS, RULES, TIMES_USUAL, Act, Found, Habits
from casework.core import clock, work
from tests.cast import Cast
from tests.conftest import running_as

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday; 12:00 in Paris
READ = actions.action_named("case.read").code
DOWNLOADED = actions.action_named("document.downloaded").code
SOMEBODY = UUID(int=7)


def nothing(_day: date) -> Habits:
    return Habits()


def reads(count: int, *, begin: datetime = NOON, apart: timedelta = timedelta(seconds=20), first: int = 1) -> list[Act]:
    """Return acts that open `count` different cases."""
    return [Act(SOMEBODY, begin + n * apart, READ, case_id=UUID(int=first + n)) for n in range(count)]


def days(count: int, *, cases: int = 5, hour: int = 9) -> Habits:
    """Return the habits of someone who opened so many cases in one hour of each of so many days."""
    return unusual.habits_of({NOON.replace(hour=hour) - timedelta(days=n + 1): cases for n in range(count)})


def rules(found: Sequence[Found]) -> list[str]:
    return [one.rule for one in found]


class TestManyCases:
    """More different cases within 60 minutes than 20, and than three times a usual busiest hour."""

    def test_begins_above_the_threshold(self) -> None:
        assert unusual.find(reads(CASES), nothing) == []
        (found,) = unusual.find(reads(CASES + 1), nothing)
        assert (found.rule, found.count, found.since, found.until) == (
            "cases",
            CASES + 1,
            NOON,
            NOON + CASES * timedelta(seconds=20),
        )

    def test_is_one_finding_however_long_it_goes_on(self) -> None:
        (found,) = unusual.find(reads(400), nothing)
        assert found.count == 180  # an hour's worth
        assert found.until == NOON + 399 * timedelta(seconds=20)

    def test_grows_with_what_is_usual_for_the_person(self) -> None:
        habits = days(12, cases=20)
        assert unusual.find(reads(60), lambda _day: habits) == []
        assert rules(unusual.find(reads(61), lambda _day: habits)) == ["cases"]

    def test_one_day_of_copying_makes_no_new_custom(self) -> None:
        usual = {NOON - timedelta(days=n): 4 for n in range(1, 13)}
        habits = unusual.habits_of({**usual, NOON - timedelta(days=13): 500})
        assert habits.usual_cases == 4
        assert rules(unusual.find(reads(CASES + 1), lambda _day: habits)) == ["cases"]

    def test_the_same_case_again_and_again_is_one_case(self) -> None:
        assert unusual.find([Act(SOMEBODY, act.at, READ, case_id=UUID(int=1)) for act in reads(400)], nothing) == []

    def test_changes_and_new_cases_are_no_looks(self) -> None:
        made = [Act(act.actor, act.at, 100, case_id=act.case_id) for act in reads(400)]
        assert unusual.find(made, nothing) == []

    def test_asks_for_habits_only_where_they_matter(self) -> None:
        def never(_day: date) -> Habits:
            raise AssertionError

        assert unusual.find(reads(CASES), never) == []

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 4 * 3600), st.integers(1, 60)), max_size=120),
        st.integers(0, 15),
        st.randoms(use_true_random=False),
    )
    def test_is_what_counting_every_hour_by_hand_says(
        self, looked: list[tuple[int, int]], usual: int, random: Any
    ) -> None:
        acts = [Act(SOMEBODY, NOON + timedelta(seconds=at), READ, case_id=UUID(int=case)) for at, case in looked]
        habits = days(12, cases=usual)
        limit = max(CASES, TIMES_USUAL * usual)
        most = max(
            (len({act.case_id for act in acts if end.at - HOUR < act.at <= end.at}) for end in acts),
            default=0,
        )
        found = unusual.find(acts, lambda _day: habits)
        assert [one.count for one in found] == ([most] if most > limit else [])
        random.shuffle(acts)
        assert unusual.find(acts, lambda _day: habits) == found

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 200), st.integers(1, 200))
    def test_more_looks_never_hide_it(self, count: int, more: int) -> None:
        few, many = reads(count), reads(count + more)
        if rules(unusual.find(few, nothing)):
            assert rules(unusual.find(many, nothing))


class TestUnusualHours:
    """A case opened at night, in an hour that the person did not keep in 30 days, when 10 days of theirs are known."""

    NIGHT = NOON.replace(hour=1)  # 2:00 in Paris

    def test_is_marked_once_a_night(self) -> None:
        acts = reads(3, begin=self.NIGHT)
        (found,) = unusual.find(acts, lambda _day: days(DAYS_KNOWN))
        assert (found.rule, found.count, found.day) == ("night", 3, date(2026, 11, 23))

    def test_is_not_known_of_who_is_new(self) -> None:
        assert unusual.find(reads(3, begin=self.NIGHT), lambda _day: days(DAYS_KNOWN - 1)) == []

    def test_is_usual_for_who_keeps_that_hour(self) -> None:
        assert unusual.find(reads(3, begin=self.NIGHT), lambda _day: days(DAYS_KNOWN, hour=1)) == []

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 48 * 60))
    def test_is_only_between_22_and_6_by_the_organisations_clock(self, minutes: int) -> None:
        at = NOON + timedelta(minutes=minutes)
        hour = at.astimezone(unusual._zone()).hour
        found = unusual.find([Act(SOMEBODY, at, READ, case_id=UUID(int=1))], lambda _day: days(DAYS_KNOWN))
        assert rules(found) == (["night"] if hour >= 22 or hour < 6 else [])
        assert all(one.day == (at - timedelta(hours=5)).date() for one in found)


class TestCounts:
    """Refusals, dossiers, documents; and what counts every single time."""

    @pytest.mark.parametrize(
        ("rule", "enough", "code", "outcome"),
        [
            ("refusals", REFUSALS, 504, actions.REFUSED),
            ("dossiers", unusual.DOSSIERS + 1, 450, actions.DONE),
            ("documents", unusual.DOCUMENTS + 1, DOWNLOADED, actions.DONE),
        ],
    )
    def test_within_an_hour(self, rule: str, enough: int, code: int, outcome: int) -> None:
        def acts(count: int, apart: timedelta) -> list[Act]:
            return [Act(SOMEBODY, NOON + n * apart, code, outcome, UUID(int=1)) for n in range(count)]

        close = HOUR / enough
        assert unusual.find(acts(enough - 1, close), nothing) == []
        (found,) = unusual.find(acts(enough, close), nothing)
        assert (found.rule, found.count) == (rule, enough)
        assert unusual.find(acts(enough, HOUR / (enough - 1)), nothing) == []

    def test_every_emergency_and_every_new_device(self) -> None:
        glass, device = next(iter(unusual._GLASS)), next(iter(unusual._DEVICE))
        acts = [Act(SOMEBODY, NOON + timedelta(minutes=n), code) for n, code in enumerate((glass, glass, device))]
        assert rules(unusual.find(acts, nothing)) == ["glass", "glass", "device"]
        refused = [Act(SOMEBODY, NOON, glass, actions.REFUSED)]
        assert unusual.find(refused, nothing) == []

    def test_words_and_thresholds_are_whole_sentences(self) -> None:
        with translation.override("en-gb"):
            assert unusual.words("cases", 34) == "Opened 34 different cases within an hour"
            assert unusual.words("glass", 1) == "Opened a case in an emergency"
            said = dict(unusual.reasons())
        assert len(said) == len(RULES)
        assert said["Many cases"].startswith("more than 20 different cases")
        assert not any("%" in words for words in said.values())


Connect = Callable[[str], psycopg.Connection[Any]]


def write(user_id: UUID, *entries: tuple[str, datetime, int]) -> None:
    """Let somebody have done these things: an action, when, and its outcome."""
    with work.acting(work.Actor(user_id)):
        for action, at, outcome in entries:
            audit.record(action, obj=UUID(int=at.minute + 1), at=at, outcome=outcome)


@pytest.mark.django_db(transaction=True)
class TestWhatTheWorkerSees:
    """Who, what, when and which case, of what the rules ask about; not the trail."""

    def test_acts_of_who_was_active_and_nobody_elses(self, people: Cast) -> None:
        write(people.wanda, ("case.listed", NOON - timedelta(minutes=40), 0), ("case.listed", NOON, 0))
        write(people.otto, ("case.listed", NOON - timedelta(minutes=40), 0))
        write(people.wanda, ("inbox.viewed", NOON, 0), ("inbox.viewed", NOON + timedelta(seconds=1), actions.REFUSED))
        with running_as("worker"), work.acting(work.system_actor()):
            (acts,) = unusual.recent_acts(since=NOON - HOUR, active_since=NOON - timedelta(minutes=1))
        assert {act.actor for act in acts} == {people.wanda}
        assert [(act.action, act.outcome) for act in acts] == [(103, 0), (103, 0), (601, 1)]

    def test_habits_by_the_hour(self, people: Cast) -> None:
        yesterday = NOON - timedelta(days=1)
        for minute in (1, 2, 2):
            write(people.wanda, ("case.listed", yesterday + timedelta(minutes=minute), 0))
        write(people.wanda, ("case.listed", NOON - timedelta(days=40), 0), ("case.listed", NOON, 0))
        with running_as("worker"), work.acting(work.system_actor()):
            habits = unusual.habits_before(people.wanda, unusual.day_of(NOON))
        assert habits == Habits(usual_cases=0, days=1, hours_kept=frozenset({12}))

    def test_nothing_else_of_the_trail(self, people: Cast, as_role: Connect) -> None:
        write(people.wanda, ("case.listed", NOON, 0))
        worker = as_role("worker")
        with worker.transaction():
            worker.execute("SELECT set_config('app.user_id', %s, true)", [str(work.SYSTEM_ID)])
            assert worker.execute("SELECT 1 FROM audit_entry WHERE actor = %s", [people.wanda]).rowcount == 0
        for role in ("web", "sealer", "backup"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                as_role(role).execute("SELECT * FROM audit_recent_acts(0, 0)")

    def test_the_database_watches_what_the_rules_ask_about(self) -> None:
        # The condition stands in the migration too, where it does not change by itself.
        migration = import_module("casework.audit.migrations.0006_reading")
        watched = {int(code) for code in re.findall(r"\d+", migration.WATCHED.partition("IN")[2])}
        opened = {int(code) for code in re.findall(r"\d+", migration.OPENED.partition("IN")[2])}
        assert opened == unusual.OPENED
        signs = {actions.action_named(name).code for name in _SIGNS_OF_WORK}
        assert watched == unusual.OPENED | unusual._GLASS | unusual._DEVICE | signs


_SIGNS_OF_WORK = ("auth.signed_in", "case.listed", "case.searched", "today.viewed")


@pytest.mark.django_db(transaction=True)
class TestFindings:
    """The table's wall, and marks in the trail."""

    @pytest.fixture
    def wandas(self, people: Cast) -> Cast:
        """Wanda read three cases, within what counts as many; Cora was told."""
        write(people.wanda, *(("case.read", NOON + timedelta(minutes=n), 0) for n in range(3)))
        with running_as("worker"), work.acting(work.system_actor()):
            Unusual.objects.create(
                actor=people.wanda,
                rule="refusals",
                day=NOON.date(),
                since=NOON,
                until=NOON + timedelta(minutes=30),
                count=34,
                told=[people.cora],
            )
        write(people.wanda, ("access.refused", NOON + timedelta(minutes=5), 1), ("access.refused", NOON + HOUR, 1))
        return people

    def seen(self, user_id: UUID) -> int:
        with work.acting(work.Actor(user_id)):
            return Unusual.objects.count()

    def test_is_shown_to_who_was_told_and_to_auditors(self, wandas: Cast) -> None:
        shown = {name: self.seen(getattr(wandas, name)) for name in ("wanda", "cora", "otto", "olga", "ada", "aud")}
        assert shown == {"wanda": 0, "cora": 1, "otto": 0, "olga": 0, "ada": 0, "aud": 1}

    def test_is_the_workers_to_write(self, wandas: Cast, as_role: Connect) -> None:
        web = as_role("web")
        for statement in (
            "DELETE FROM audit_unusual",
            "UPDATE audit_unusual SET count = 0",
            "UPDATE audit_unusual SET told = '{}'",
            "INSERT INTO audit_unusual (id) VALUES (gen_random_uuid())",
            "UPDATE audit_unusual SET looked_at = now(), looked_by = gen_random_uuid()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
                web.execute("SELECT set_config('app.user_id', %s, true)", [str(wandas.cora)])
                web.execute(statement)

    def test_marks_what_it_is_about_and_nothing_around_it(self, wandas: Cast) -> None:
        with clock.fixed(NOON + 2 * HOUR), work.acting(work.Actor(wandas.aud)):
            entries = selectors.entries_of_actor(wandas.wanda)
            marked = unusual.marks(entries)
            (key,) = marked
            (entry,) = [one for one in entries if (one.stream, one.seq) == key]
            assert entry.at == NOON + timedelta(minutes=5)
            assert [str(label) for label in marked[key]] == ["Many refusals"]
            rows = Entry.objects.filter(unusual.condition())
            assert list(rows.values_list("time_us", flat=True)) == [chain.time_us(entry.at)]
        with work.acting(work.Actor(wandas.wanda)):
            assert unusual.marks(selectors.entries_of_actor(wandas.wanda)) == {}
