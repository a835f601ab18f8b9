"""What of the trail is asked for, found by index; and what somebody did themselves."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import combinations_with_replacement, pairwise
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.audit import actions, chain, selectors, services
from casework.audit.types import SYSTEM_STREAM, TrailFilter
from casework.core import clock, work
from tests import cast
from tests.audit.world import FIRST, SECOND, USER

OTHER = UUID("33333333-3333-4333-8333-000000000009")


def names(entries):
    return [entry.action for entry in entries]


@pytest.fixture
def mixed(trail):
    """The small trail, and what is refused, what fails, and what is tried at somebody's account."""
    services.record_now(work.Actor(OTHER), "access.refused", obj=FIRST, reason="no_grant")
    services.record_now(work.Actor(None), "auth.sign_in_failed", obj=USER)
    services.record_now(work.Actor(None), "auth.sign_in_failed", obj=OTHER)
    trail.write(SECOND, "access.glass_broken", actor=OTHER)
    with work.acting(work.system_actor()):
        services.record("limits.rebuilt", case=FIRST)
    return trail


class TestAFilter:
    def test_takes_a_person_with_what_nobody_did_at_their_account(self, mixed):
        assert names(selectors.entries_all(wanted=TrailFilter(person=OTHER))) == [
            "access.glass_broken",
            "auth.sign_in_failed",
            "access.refused",
        ]

    def test_takes_the_machine(self, mixed):
        found = selectors.entries_all(wanted=TrailFilter(person=SYSTEM_STREAM, case=str(FIRST)[:8]))
        assert names(found) == ["limits.rebuilt"]

    def test_takes_a_case_by_the_beginning_of_its_id_in_any_writing(self, mixed):
        whole = [entry.case_id for entry in selectors.entries_all(wanted=TrailFilter(case=str(FIRST)))]
        assert whole == [FIRST] * 5
        for start in ("1111", "11111111-1111", FIRST.hex):
            assert [e.case_id for e in selectors.entries_all(wanted=TrailFilter(case=start))] == whole
        assert selectors.entries_all(wanted=TrailFilter(case="12")) == []

    def test_takes_all_cases_that_begin_so(self, mixed):
        near = UUID("11111111-2222-4222-8222-222222222222")
        services.record_now(work.Actor(OTHER), "access.refused", obj=near)
        found = {entry.case_id for entry in selectors.entries_all(wanted=TrailFilter(case="11111111"))}
        assert found == {FIRST, near}

    def test_takes_an_action_an_outcome_and_a_time(self, mixed):
        one = TrailFilter(action="case.read")
        assert names(selectors.entries_all(wanted=one)) == ["case.read"] * 2
        refused = TrailFilter(outcome=actions.REFUSED, case=str(FIRST))
        assert names(selectors.entries_all(wanted=refused)) == ["access.refused"]
        newest = selectors.entries_all(limit=1)[0]
        assert newest not in selectors.entries_all(wanted=TrailFilter(until=newest.at))
        assert newest in selectors.entries_all(wanted=TrailFilter(since=newest.at))

    def test_takes_what_is_unusual(self, mixed):
        assert "access.glass_broken" in names(selectors.entries_all(wanted=TrailFilter(unusual=True)))
        assert "case.read" not in names(selectors.entries_all(wanted=TrailFilter(unusual=True)))

    def test_of_a_case_stays_in_the_case(self, mixed):
        assert selectors.entries_of_case(FIRST, wanted=TrailFilter(action="access.glass_broken")) == []
        assert names(selectors.entries_of_case(FIRST, wanted=TrailFilter(person=USER))) == [
            "case.updated",
            "case.read",
            "case.created",
        ]

    def test_goes_on_page_by_page_over_both_walks(self, mixed):
        for _time in range(3):
            services.record_now(work.Actor(None), "auth.sign_in_failed", obj=USER)
            mixed.write(FIRST, "case.read")
        wanted = TrailFilter(person=USER)
        whole = selectors.entries_all(wanted=wanted, limit=100)
        assert {"case.read", "auth.sign_in_failed"} <= set(names(whole))
        paged, before = [], ""
        while page := selectors.entries_all(wanted=wanted, limit=2, before=before):
            paged += page
            before = page[-1].cursor
        assert paged == whole
        assert all(newer.at >= older.at for newer, older in pairwise(paged))


class TestTheSummaryOfOneself:
    def test_counts_what_was_done_and_where_from(self, mixed):
        since = clock.now() - timedelta(days=30)
        for device in ("Firefox/Windows", "Safari/iPhone", "Firefox/Windows"):
            with work.acting(work.Actor(None)):
                services.record("auth.signed_in", actor=USER, obj=USER, body={"device": device})
        found = selectors.summary_of(USER, since)
        assert (found.done["auth.signed_in"], found.cases) == (3, 2)
        assert dict(found.failed) == {"auth.sign_in_failed": 1}
        assert [(kind, often) for kind, often, _last in found.devices] == [("Firefox/Windows", 2), ("Safari/iPhone", 1)]
        assert selectors.summary_of(USER, clock.now() + timedelta(days=1)).done == {}


_SEED = """
INSERT INTO audit_entry (stream, seq, prev, time_us, actor, action, outcome, reason, object, row_digest, body, hash,
                         mac, case_id, request_id)
SELECT gen_random_uuid(), n, z, %(start)s + n * 80000000::bigint,
       CASE WHEN n %% 25 = 0 THEN %(nobody)s WHEN n %% 40 = 1 THEN %(who)s
            ELSE (lpad(to_hex(n %% 23), 8, 'a') || repeat('0', 24))::uuid END,
       CASE WHEN n %% 25 = 0 THEN 1101 WHEN n %% 5000 = 1 THEN 505 WHEN n %% 100 = 2 THEN 504
            ELSE (ARRAY[101, 101, 101, 103, 300, 303, 401, 603])[1 + n %% 8] END,
       CASE WHEN n %% 25 = 0 OR n %% 100 = 2 THEN 1 WHEN n %% 700 = 3 THEN 2 ELSE 0 END, 0,
       CASE WHEN n %% 25 = 0 THEN %(who)s ELSE %(nobody)s END, z, '', z, substring(z FROM 1 FOR 16),
       CASE WHEN n %% 3 > 0 THEN (lpad(to_hex(n %% 400), 8, 'c') || repeat('0', 24))::uuid END, gen_random_uuid()
  FROM generate_series(1, 20000) AS n, decode(repeat('00', 32), 'hex') AS z
"""


class TestReading:
    """Every combination is read by index: a page does not cost what the trail has grown to."""

    def test_walks_no_whole_trail_for_any_combination(self, as_super):
        auditor = cast.meet().aud
        start = clock.now() - timedelta(days=20)
        who = UUID("bbbbbbbb-0000-4000-8000-000000000001")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(_SEED, {"start": chain.time_us(start), "nobody": chain.NIL, "who": who})
            cursor.execute("ANALYZE audit_entry")
            cursor.execute("SET LOCAL ROLE cw_web")
            cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(auditor)])
        parts = {
            "person": {"person": who},
            "case": {"case": "cccccc42"},
            "common action": {"action": "case.read"},
            "rare action": {"action": "access.glass_broken"},
            "refused": {"outcome": actions.REFUSED},
            "failed": {"outcome": actions.FAILED},
            "a day": {"since": start + timedelta(days=3), "until": start + timedelta(days=4)},
        }
        slow = []
        for (one, first), (other, second) in combinations_with_replacement(parts.items(), 2):
            for plan in _plans(TrailFilter(**{**first, **second})):
                removed = sum(int(rows) for rows in re.findall(r"Rows Removed by Filter: (\d+)", plan))
                if "Seq Scan on audit_entry" in plan or removed > 1_000:
                    slow.append(f"{one} + {other}: {plan}")
        assert slow == []

    def test_asks_for_no_entry_by_itself(self, mixed, django_assert_num_queries):
        with django_assert_num_queries(1):
            selectors.entries_all(wanted=TrailFilter(action="case.read"))
        with django_assert_num_queries(4):  # two for the beginning of the id, two walks
            selectors.entries_all(wanted=TrailFilter(person=USER, case="1111"))


def _plans(wanted):
    with CaptureQueriesContext(connection) as captured:
        selectors.entries_all(wanted=wanted)
    plans = []
    for query in captured.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) " + query["sql"].replace("%", "%%"))
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    return plans


def test_the_same_person_sees_what_was_tried_at_their_account_and_nobody_elses(db):
    people = cast.meet()
    for who in (people.wanda, people.otto):
        services.record_now(work.Actor(None), "auth.sign_in_failed", obj=who)
    with cast.acting(people.wanda):
        tried = [e.object for e in selectors.own_entries(people.wanda) if e.action == "auth.sign_in_failed"]
        assert tried == [people.wanda]
        assert not [e for e in selectors.entries_all(limit=500) if e.object == people.otto]
