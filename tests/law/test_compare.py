"""Two procedures side by side: what is new, gone, moved, in another state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from casework.law.compare import CHANGES, Row, compare
from casework.law.types import Deadline, Procedure
from tests.law.cases import DETERMINISTIC, derive_from

FACTS = """2026-09-01 application-registered FR
2026-09-02 eurodac-hit HR category=asylum
2026-09-10 take-back-notified HR
2026-09-10 take-back-notification-received HR
"""
ON = "2026-11-23"


def row_of(rows: tuple[Row, ...], rule: str) -> Row:
    """Return the one row of a rule."""
    (found,) = [row for row in rows if (row.then or row.now) is not None and (row.then or row.now).rule == rule]  # type: ignore[union-attr]
    return found


class TestCompare:
    """Limits belong together by rule, reading, start and state."""

    def test_finds_nothing_between_a_procedure_and_itself(self) -> None:
        procedure = derive_from(FACTS, on=ON)
        found = compare(procedure, procedure)
        assert found.is_empty
        assert {row.change for row in found.rows} == {"same"}
        assert len(found.rows) == len(procedure.deadlines)

    def test_names_what_is_new_and_what_gave_way_to_it(self) -> None:
        now = derive_from(FACTS, on=ON)
        then = derive_from(f"{FACTS}2026-11-20 absconding-notified HR ground=absconded", on=ON)
        found = compare(now, then)
        longer = row_of(found.rows, "ammr-transfer-absconded-3y")
        assert (longer.change, longer.now) == ("new", None)
        shorter = row_of(found.rows, "ammr-transfer-6m")
        assert shorter.change == "state"
        assert shorter.then is not None
        assert shorter.then.state == "superseded"
        assert found.status == ("accepted", "absconding")
        back = compare(then, now)
        assert row_of(back.rows, "ammr-transfer-absconded-3y").change == "gone"

    def test_says_by_how_many_days_a_limit_moves_although_its_start_moved(self) -> None:
        now = derive_from(FACTS, on="2026-09-20")
        then = derive_from(
            FACTS.replace("2026-09-10 take-back-notification", "2026-09-14 take-back-notification"), on="2026-09-20"
        )
        row = row_of(compare(now, then).rows, "ammr-take-back-confirm-2w")
        assert (row.change, row.days) == ("moved", 4)
        row = row_of(compare(then, now).rows, "ammr-take-back-confirm-2w")
        assert (row.change, row.days) == ("moved", -4)

    def test_keeps_the_requests_to_two_states_apart(self) -> None:
        two = """2026-02-01 application-registered FR
2026-03-02 take-charge-requested HR
2026-03-02 take-charge-requested SI
"""
        now, then = (
            derive_from(two, on="2026-03-10"),
            derive_from(f"{two}2026-03-09 take-charge-refused SI", on="2026-03-10"),
        )
        changed = compare(now, then).changed
        replies = [row for row in changed if row.now is not None and row.now.rule == "dublin3-take-charge-reply-2m"]
        assert [(row.change, row.now.concerns) for row in replies if row.now] == [("state", "SI")]

    def test_compares_hours_and_tells_the_warnings_and_the_responsible_state(self) -> None:
        limit = derive_from(FACTS, on=ON).deadlines[0]
        at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
        now = _procedure(replace(limit, starts=at, due=at), warnings=("a", "b"))
        later = at.replace(hour=14)
        then = _procedure(replace(limit, starts=at, due=later), warnings=("b", "c"), responsible="HR")
        found = compare(now, then)
        assert [(row.change, row.days, row.seconds) for row in found.rows] == [("moved", 0, 5 * 3600)]
        assert (found.appear, found.go) == (("c",), ("a",))
        assert found.responsible_state == (None, "HR")
        assert not found.is_empty

    def test_is_not_empty_when_only_the_stage_differs(self) -> None:
        now = _procedure()
        assert not compare(now, replace(now, status="accepted")).is_empty

    @given(st.sets(st.sampled_from(range(7)), min_size=1), st.sets(st.sampled_from(range(7)), min_size=1))
    @DETERMINISTIC
    def test_forgets_no_limit_and_takes_none_twice(self, ours: set[int], theirs: set[int]) -> None:
        lines = f"""{FACTS}2026-10-01 detained ground=transfer
2026-10-12 transfer-decision-notified
2026-10-16 appeal-lodged against=transfer-decision""".splitlines()
        now, then = (
            derive_from("\n".join(line for place, line in enumerate(lines) if place in kept), on=ON)
            for kept in (ours, theirs)
        )
        found = compare(now, then)
        assert sorted(map(id, (row.now for row in found.rows if row.now))) == sorted(map(id, now.deadlines))
        assert sorted(map(id, (row.then for row in found.rows if row.then))) == sorted(map(id, then.deadlines))
        assert {row.change for row in found.rows} <= set(CHANGES)
        for row in found.rows:
            if row.now and row.then:
                assert (row.now.rule, row.now.reading) == (row.then.rule, row.then.reading)


def _procedure(*deadlines: Deadline, warnings: tuple[str, ...] = (), responsible: str | None = None) -> Procedure:
    return Procedure("ammr", "registered", responsible, deadlines, warnings, date(2026, 12, 1))
