"""What nobody would write in good faith: an answer, or an error with a name, and soon."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from casework.law import cli, derive, facts
from casework.law.facts import VOCABULARY, FactsError, parse

STATES = ("HR", "PL", "IT")
TRANSFER = {"against": "transfer-decision"}
ASYLUM = {"against": "asylum-decision"}


def entry(name: str, after: int, **more: object) -> dict[str, Any]:
    """Return an entry with its required members, so many days after the first."""
    when = (date(2026, 1, 1) + timedelta(days=after)).isoformat()
    later = (date(2026, 1, 1) + timedelta(days=after + 30)).isoformat()
    samples: dict[str, object] = {
        "state": STATES[after % 3],
        "text": f"papers {after % 50}",
        "date": later,
        "moment": later,
        "party": "applicant",
    }
    members = {
        m.name: m.choices[0] if m.kind == "choice" else samples[m.kind] for m in VOCABULARY[name].members if m.required
    }
    return {"fact": name, "on": when, **members, **more}


Make = Callable[[int], list[dict[str, Any]]]


def in_turn(*kinds: tuple[str, dict[str, object]] | str) -> Make:
    named = [(kind, {}) if isinstance(kind, str) else kind for kind in kinds]
    return lambda count: [entry(named[i % len(named)][0], i, **named[i % len(named)][1]) for i in range(count)]


def halves(first: tuple[str, dict[str, object]], second: tuple[str, dict[str, object]]) -> Make:
    return lambda count: [
        entry(first[0], i, **first[1]) if i < count // 2 else entry(second[0], i, **second[1]) for i in range(count)
    ]


def accepted(make: Make) -> Make:
    return lambda count: [entry("take-charge-accepted", 0, state="HR"), *make(count - 1)]


CROATIA = {"state": "HR"}
COURT = ("suspensive-effect-granted", {"ground": "by-court"})
RULING = ("appeal-decided", {**TRANSFER, "outcome": "dismissed"})
OPEN_RULING = ("appeal-decided", {**TRANSFER, "outcome": "dismissed", "final": False})

NASTY: dict[str, Make] = {
    "requests": in_turn(("take-charge-requested", CROATIA)),
    "requests, then answers": halves(("take-charge-requested", CROATIA), ("take-charge-refused", CROATIA)),
    "requests, then another's answers": halves(
        ("take-back-notified", CROATIA), ("take-back-confirmed", {"state": "PL"})
    ),
    "receipts": halves(("take-back-requested", CROATIA), ("take-back-request-received", CROATIA)),
    "acceptances": in_turn(("take-charge-accepted", CROATIA)),
    "acceptances and transfers": in_turn(("take-charge-accepted", CROATIA), ("transferred", CROATIA)),
    "suspensions": accepted(in_turn(COURT, "suspensive-effect-ended")),
    "suspensions without an end": in_turn(("appeal-lodged", TRANSFER), COURT, OPEN_RULING),
    "suspensions of transfers": in_turn(
        ("take-charge-accepted", CROATIA), COURT, "suspensive-effect-ended", "transferred"
    ),
    "whole procedures": in_turn(
        "take-back-confirmed", "transfer-decision-notified", ("appeal-lodged", TRANSFER), COURT, RULING
    ),
    "detentions": in_turn("detained"),
    "detentions and releases": in_turn("detained", "released"),
    "detentions on other grounds": in_turn(("detained", {"ground": "return"}), ("detained", {"ground": "transfer"})),
    "detentions prolonged": halves(("detained", {"ground": "return"}), ("detention-prolonged", {})),
    "transfer decisions": in_turn("transfer-decision-notified"),
    "asylum decisions": in_turn(("asylum-decision-notified", {"outcome": "refused"})),
    "one decision again and again": lambda count: [entry("asylum-decision-notified", 1, outcome="refused")] * count,
    "decisions and legal aid": in_turn(
        ("asylum-decision-notified", {"outcome": "refused"}),
        ("legal-aid-requested", ASYLUM),
        ("legal-aid-decided", ASYLUM),
    ),
    "return decisions cut short": halves(("return-decision-notified", {}), ("house-arrest-ordered", {})),
    "absconding": accepted(in_turn(("absconding-notified", CROATIA), "available-again")),
    "imprisonment": accepted(in_turn("imprisoned", "prison-released")),
    "dates set": halves(("time-limit-set", {"what": "a"}), ("time-limit-met", {"what": "b"})),
    "appointments": halves(("appointment", {}), ("appointment-cancelled", {})),
    "derogations": in_turn("crisis-derogation", ("take-charge-requested", CROATIA), ("take-charge-accepted", CROATIA)),
    "hits and applications": in_turn(("eurodac-hit", CROATIA), "application-registered", "application-lodged"),
    "every fact there is": lambda count: [
        entry(name, i, **(CROATIA if VOCABULARY[name].member("state") and "application" not in name else {}))
        for i in range(count)
        if (name := list(VOCABULARY)[i % len(VOCABULARY)])
    ],
    "undated answers": lambda count: [
        {"fact": "take-charge-accepted", "date_unknown": True, **CROATIA}
        if i % 2
        else entry("take-charge-requested", i)
        for i in range(count)
    ],
}


def calls(act: Callable[[], object]) -> int:
    """Return how many Python functions an act calls; unlike seconds, it is the same on a busy machine."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


MANY, MOST_CALLS = 400, 1_000_000
"""So many facts may cost so many calls. Even if every pair were looked at, a thousand would cost six times as much, and
that takes well under a second; were every three looked at, four hundred would already cost more."""


@pytest.mark.parametrize("country", ["FR", "DE"])
@pytest.mark.parametrize("name", NASTY)
class TestManyFacts:
    """An answer within a second, which is counted in calls."""

    def test_cost_no_more_than_they_may(self, name: str, country: str) -> None:
        case = parse({"country": country, "facts": NASTY[name](MANY)})
        assert calls(lambda: derive.procedure(case, on=date(2028, 6, 1))) <= MOST_CALLS


class TestTooMuch:
    """A file with more facts than any case has."""

    def test_a_thousand_facts_are_read(self) -> None:
        assert len(parse({"country": "FR", "facts": NASTY["detentions"](1000)}).facts) == 1000

    @pytest.mark.parametrize("member", ["facts", "family"])
    def test_more_are_refused_without_looking_at_them(self, member: str) -> None:
        with pytest.raises(FactsError, match="10000 entries; a file may have 1000") as caught:
            parse({"country": "FR", member: [None] * 10_000})
        assert caught.value.member == member


DEEP: Any = "x"
for _ in range(5000):
    DEEP = [DEEP]


class TestNonsense:
    """Each is refused with a sentence that names the entry and shows no more than a little of it."""

    @pytest.mark.parametrize(
        ("entry", "member"),
        [
            ({"on": "2026-02-30"}, "on"),
            ({"on": "0001-01-01"}, "on"),
            ({"on": "9999-12-31"}, "on"),
            ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
            ({"at": "9999-12-31T23:59:59-12:00"}, "at"),
            ({"at": "2026-09-02T10:00:00"}, "at"),
            ({"on": float("nan")}, "on"),
            ({"on": 10**5000}, "on"),
            ({"on": DEEP}, "on"),
            ({"category": DEEP}, "category"),
            ({"category": "x" * 10**7}, "category"),
            ({"category": {"a": 1}}, "category"),
            ({"state": "FR"}, "state"),
            ({"state": ["HR"]}, "state"),
            ({"certainty": True}, "certainty"),
            ({"fact": DEEP}, "fact"),
            ({"fact": "x" * 10**7}, "fact"),
            ({"x" * 10**7: 1}, None),
        ],
        ids=lambda _: "it",
    )
    def test_is_refused_by_name(self, entry: dict[str, object], member: str | None) -> None:
        whole: dict[str, object] = {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"}
        if "at" in entry:
            del whole["on"]
        with pytest.raises(FactsError) as caught:
            parse({"country": "FR", "facts": [{**whole, **entry}]})
        assert (caught.value.index, caught.value.member) == (0, member)
        assert str(caught.value).startswith("facts[0]")
        assert len(str(caught.value)) < 300

    @pytest.mark.parametrize("value", [10**5000, float("inf"), float("nan"), True, "7", -1, 0, 7.0], ids=lambda _: "it")
    def test_is_no_number_of_days(self, value: object) -> None:
        with pytest.raises(FactsError, match="is not a number of days") as caught:
            parse({"country": "FR", "facts": [entry("transfer-decision-notified", 1, appeal_days=value)]})
        assert caught.value.member == "appeal_days"

    @pytest.mark.parametrize(
        "text", ["٣ months", "0 days", "25 months", "1 month before", "9999 years", "1 month\n", 5]
    )
    def test_is_no_printed_period(self, text: object) -> None:
        with pytest.raises(FactsError, match="is not a period") as caught:
            parse({"country": "FR", "facts": [entry("transfer-decision-notified", 1, appeal_period=text)]})
        assert caught.value.member == "appeal_period"

    @pytest.mark.parametrize(
        ("top", "member"),
        [
            ({"country": "ZZ"}, "country"),
            ({"country": DEEP}, "country"),
            ({"region": "DE-BY"}, "region"),
            ({"status": DEEP}, "status"),
            ({"person": {"minor": 1}}, "minor"),
            ({"family": [{"relation": "x" * 10**6}]}, "relation"),
        ],
        ids=lambda _: "it",
    )
    def test_about_the_case_is_refused_by_name(self, top: dict[str, object], member: str) -> None:
        with pytest.raises(FactsError) as caught:
            parse({"country": "FR", **top})
        assert caught.value.member == member

    @pytest.mark.parametrize(
        ("entries", "index", "member"),
        [
            ([entry("take-charge-accepted", 1, state="HR"), entry("take-charge-requested", 2, state="HR")], 0, "on"),
            ([entry("take-charge-accepted", 2, state="HR"), entry("transferred", 1)], 1, "on"),
            ([entry("eurodac-hit", 1, state="HR"), entry("vis-hit", 1, state="FR")], 1, "state"),
            ([entry("eurodac-hit", 1, state="XX")], 0, "state"),
        ],
    )
    def test_that_contradicts_itself_names_the_entry(
        self, entries: list[dict[str, Any]], index: int, member: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(FactsError) as caught:
            parse({"country": "FR", "facts": entries})
        assert (caught.value.index, caught.value.member) == (index, member)
        path = tmp_path / "facts.json"
        path.write_text(json.dumps({"country": "FR", "facts": entries}), "utf-8")
        assert cli.main([str(path), "--on", "2026-11-23"]) == 2
        assert f"facts[{index}]" in capsys.readouterr().err


class TestTheCommand:
    """Exit 2 and a sentence, whatever the file holds."""

    @pytest.mark.parametrize(
        "content",
        [
            '{"country": "FR", "facts": ' + "[" * 100_000 + "]" * 100_000 + "}",
            '{"country": "FR", "facts": [{"fact": "detained", "on": ' + "1" * 5000 + "}]}",
            '{"country": "FR", "facts": [{"fact": "detained", "on": NaN}]}',
            "{" + ", ".join(f'"a{i}": 1' for i in range(50_000)) + ', "a49999": 2}',
            '{"country": "FR", "facts": [{"fact": "\\ud800", "on": "2026-01-01"}]}',
        ],
        ids=["deep", "number", "nan", "many members", "half a letter"],
    )
    def test_refuses_it(self, content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "facts.json"
        path.write_text(content, "utf-8")
        assert cli.main([str(path), "--on", "2026-11-23"]) == 2
        assert capsys.readouterr().err.startswith("deadlines: ")

    @pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31"])
    def test_refuses_a_day_in_another_age(self, on: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "facts.json"
        path.write_text('{"country": "FR", "facts": [{"fact": "imprisoned", "date_unknown": true}]}', "utf-8")
        assert cli.main([str(path), "--on", on]) == 2
        assert "cannot be right" in capsys.readouterr().err


class TestTheEdgesOfTime:
    """The first and the last day that can be recorded or asked about."""

    @pytest.mark.parametrize("on", [facts.EARLIEST, facts.LATEST, datetime(2200, 1, 1, 12, tzinfo=UTC)])
    @pytest.mark.parametrize("day", ["1900-01-01", "2200-01-01"])
    def test_have_an_answer_for_every_fact(self, day: str, on: date) -> None:
        entries: list[dict[str, Any]] = []
        for name, kind in VOCABULARY.items():
            made = {**entry(name, 0), "on": day}
            made |= {
                member.name: day for member in kind.members if member.name in made and member.kind in ("date", "moment")
            }
            entries.append(made)
            if not kind.planned and kind.group not in ("set", "derogation"):
                entries.append({key: value for key, value in made.items() if key != "on"} | {"date_unknown": True})
        procedure = derive.procedure(parse({"country": "FR", "facts": entries}), on=on)
        assert procedure.deadlines

    @pytest.mark.parametrize(
        "on", [date.min, date.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    )
    def test_are_not_passed_by_the_question(self, on: date) -> None:
        with pytest.raises(FactsError, match="cannot be right") as caught:
            derive.procedure(parse({"country": "FR"}), on=on)
        assert caught.value.member == "on"

    def test_an_hour_of_no_zone_is_no_instant(self) -> None:
        with pytest.raises(FactsError, match="has no offset") as caught:
            derive.procedure(parse({"country": "FR"}), on=datetime(2026, 11, 23, 12))
        assert caught.value.member == "on"
