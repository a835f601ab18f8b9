"""Judgments of real courts: the engine must find what they found. One file each in `judgments/`, see its README."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from casework.law import derive, facts, packs, wording
from casework.law.types import Deadline, Procedure

FOLDER = Path(__file__).parent / "judgments"
FILES = sorted(FOLDER.glob("*.toml"))
RULES = {rule.id for rule in packs.load()} | {"set-by-court", "set-by-authority"}

Table = Mapping[str, Any]

MEMBERS = {
    "court": str, "case_number": str, "name": str, "date": date, "link": str, "read": str, "read_where": str,
    "pins": str, "dates": str, "on": date, "file": dict,
}  # fmt: skip
"""What every judgment must say, and as what."""

EXPECTATIONS = {"limit", "outcome", "variant"}
CHOICES = {
    "read": {"full text", "operative part", "summary"},
    "dates": {"of the case", "partly of the case", "invented"},
}
PICKS = ("reading", "concerns", "starts")
COMPARED = {field.name for field in fields(Deadline)} - {"because"} | {"because_contains"}
OUTCOME = {
    "regime", "status", "responsible_state", "warnings_contain", "warnings_lack", "absent", "notes", "notes_absent",
    "questions",
}  # fmt: skip
RULE_LISTS = ("absent", "notes", "notes_absent", "questions")


def read(path: Path) -> dict[str, Any]:
    """Return one judgment."""
    return tomllib.loads(path.read_text("utf-8"))


def expectations(judgment: Table) -> list[Table]:
    """Return the judgment's own expectations and those of its variants."""
    return [judgment, *judgment.get("variant", ())]


def file_of(judgment: Table, variant: Table | None = None) -> dict[str, Any]:
    """Return the facts file, with what a variant leaves out, adds and replaces."""
    file = dict(judgment["file"])
    if variant is None:
        return file
    left_out = set(variant.get("without", ()))
    kept, seen = [], set()
    for fact in file["facts"]:
        names = {fact["fact"], f"{fact['fact']} {str(fact.get('on') or fact.get('at'))[:10]}"}
        seen |= names & left_out
        if not names & left_out:
            kept.append(fact)
    assert seen == left_out, f"nothing to leave out: {sorted(left_out - seen)}"
    return {**file, **variant.get("file", {}), "facts": [*kept, *variant.get("facts", ())]}


def derived(judgment: Table, variant: Table | None = None) -> Procedure:
    """Return what the engine makes of a judgment's facts, or of a variant's."""
    on = (variant or {}).get("on", judgment["on"])
    return derive.procedure(facts.parse(file_of(judgment, variant)), on=on)


def said(entry: str, warnings: Sequence[str]) -> bool:
    """Tell whether a warning has these words: a key of the catalogue with anything in its gaps, or a fragment."""
    if not re.fullmatch(r"(warning|claim)\.[a-z0-9-]+", entry):
        return any(entry in warning for warning in warnings)
    assert wording.has(entry), f"no such key: {entry}"
    parts = Formatter().parse(wording.catalogue("en")[entry])
    pattern = "".join(re.escape(text) + (".+?" if gap is not None else "") for text, gap, _, _ in parts)
    return any(re.fullmatch(pattern, warning, re.DOTALL) for warning in warnings)


def shown(limit: Deadline) -> str:
    """Return a limit in short, for a failure that a reader must judge."""
    names = (
        "rule", "reading", "concerns", "starts", "due_strict", "due_rolled", "state", "met_on", "stopped_by",
        "superseded_by",
    )  # fmt: skip
    given = ((name, getattr(limit, name)) for name in names)
    return " ".join(f"{name}={value}" for name, value in given if value is not None)


def differences(expected: Table, procedure: Procedure) -> Iterator[str]:
    """Yield where the derived procedure is not what was expected."""
    for wanted in expected.get("limit", ()):
        yield from _about_limit(wanted, procedure)
    outcome = expected.get("outcome", {})
    for name in ("regime", "status"):
        if name in outcome and getattr(procedure, name) != outcome[name]:
            yield f"{name} is {getattr(procedure, name)}, not {outcome[name]}"
    if "responsible_state" in outcome and procedure.responsible_state != (outcome["responsible_state"] or None):
        yield f"responsible_state is {procedure.responsible_state}, not {outcome['responsible_state'] or None}"
    for entry in outcome.get("warnings_contain", ()):
        if not said(entry, procedure.warnings):
            yield f"no warning says {entry!r}; they are {procedure.warnings}"
    yield from (f"a warning says {e!r}" for e in outcome.get("warnings_lack", ()) if said(e, procedure.warnings))
    for rule in outcome.get("absent", ()):
        yield from (f"should not be there: {shown(d)}" for d in procedure.deadlines if d.rule == rule)
    yield from (f"not cited: {rule}" for rule in outcome.get("notes", ()) if rule not in procedure.notes)
    yield from (f"cited: {rule}" for rule in outcome.get("notes_absent", ()) if rule in procedure.notes)
    if "questions" in outcome:
        asked = {question.rule for question in procedure.questions}
        yield from (f"not asked: {rule}" for rule in outcome["questions"] if rule not in asked)


def _about_limit(wanted: Table, procedure: Procedure) -> Iterator[str]:
    of_rule = [d for d in procedure.deadlines if d.rule == wanted["rule"]]
    picks = [name for name in PICKS if name in wanted]
    found = [d for d in of_rule if all(getattr(d, name) == wanted[name] for name in picks)]
    if len(found) != 1:
        wanting = {name: str(wanted[name]) for name in ("rule", *picks)}
        yield f"{len(found)} limits are {wanting}; there are {[shown(d) for d in of_rule]}"
        return
    for words in wanted.get("because_contains", ()):
        if not any(words in sentence for sentence in found[0].because):
            yield f"no reason says {words!r}; they are {found[0].because}"
    for name, value in wanted.items():
        if name != "because_contains" and getattr(found[0], name) != value:
            yield f"{name} is {getattr(found[0], name)}, not {value}: {shown(found[0])}"


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def judgment(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return one judgment after the other."""
    return read(request.param)


class TestEveryJudgment:
    """What a court found, the engine finds."""

    def test_says_what_it_is_and_how_it_was_read(self, judgment: dict[str, Any]) -> None:
        assert set(judgment) <= {*MEMBERS, *EXPECTATIONS}
        for name, kind in MEMBERS.items():
            assert type(judgment.get(name)) is kind, name
            assert judgment[name], name
        for name, choices in CHOICES.items():
            assert judgment[name] in choices, name
        for name in ("link", "read_where"):
            assert judgment[name].startswith("https://"), name
        assert judgment.get("limit") or judgment.get("outcome")

    def test_expects_what_can_be_compared(self, judgment: dict[str, Any]) -> None:
        for expected in expectations(judgment):
            outcome = expected.get("outcome", {})
            limits = expected.get("limit", [])
            named = [limit["rule"] for limit in limits] + [r for key in RULE_LISTS for r in outcome.get(key, ())]
            assert set(named) <= RULES
            assert set(outcome) <= OUTCOME
            assert all(len(limit) > 1 and set(limit) <= COMPARED for limit in limits)

    def test_is_decided_as_by_the_court(self, judgment: dict[str, Any]) -> None:
        assert list(differences(judgment, derived(judgment))) == []

    def test_holds_its_distinctions(self, judgment: dict[str, Any]) -> None:
        for variant in judgment.get("variant", ()):
            assert set(variant) <= {"says", "on", "file", "without", "facts", "limit", "outcome", "engine_differs"}
            assert variant["says"]
            found = list(differences(variant, derived(judgment, variant)))
            # A reading of one state that the engine does not offer is said in the file, and must stay true.
            assert bool(found) == bool(variant.get("engine_differs")), (variant["says"], found)

    def test_draws_distinctions_that_make_a_difference(self, judgment: dict[str, Any]) -> None:
        own = derived(judgment)
        for variant in judgment.get("variant", ()):
            assert list(differences(variant, own)), variant["says"]


def test_there_are_enough() -> None:
    assert len(FILES) >= 15
    assert len({read(path)["court"] for path in FILES}) >= 4


def test_no_case_stands_twice() -> None:
    cases = [(judgment["court"], judgment["case_number"]) for judgment in map(read, FILES)]
    assert len(set(cases)) == len(cases)


class TestTheComparison:
    """A runner that compares nothing would pass everything."""

    JUDGMENT: Table = {
        "on": date(2024, 9, 1),
        "file": {
            "country": "DE",
            "facts": [{"fact": "take-back-accepted", "on": date(2024, 1, 15), "state": "IT"}],
        },
    }

    @pytest.mark.parametrize(
        ("expected", "differs"),
        [
            ({"limit": [{"rule": "dublin3-transfer-6m", "state": "expired"}]}, False),
            ({"limit": [{"rule": "dublin3-transfer-6m", "state": "running"}]}, True),
            ({"limit": [{"rule": "dublin3-transfer-6m", "due_strict": date(2024, 7, 14)}]}, True),
            ({"limit": [{"rule": "dublin3-transfer-6m", "concerns": "FR", "state": "expired"}]}, True),
            ({"limit": [{"rule": "dublin3-appeal", "state": "running"}]}, True),
            ({"outcome": {"regime": "dublin3", "status": "accepted", "responsible_state": "IT"}}, False),
            ({"outcome": {"regime": "ammr"}}, True),
            ({"outcome": {"responsible_state": ""}}, True),
            ({"outcome": {"warnings_contain": ["claim.responsible-here", "then responsible"]}}, False),
            ({"outcome": {"warnings_contain": ["warning.absconding-late"]}}, True),
            ({"outcome": {"warnings_lack": ["claim.responsible-here"]}}, True),
            ({"outcome": {"absent": ["dublin3-transfer-6m"]}}, True),
            ({"outcome": {"notes": ["dublin3-systemic-flaws"]}}, True),
            ({"outcome": {"notes": ["dublin3-sovereignty"], "notes_absent": ["dublin3-systemic-flaws"]}}, False),
            ({"outcome": {"notes_absent": ["dublin3-sovereignty"]}}, True),
            ({"outcome": {"questions": []}}, False),
            ({"outcome": {"questions": ["dublin3-transfer-6m"]}}, True),
        ],
    )
    def test_sees_what_is_and_what_is_not(self, expected: Table, differs: bool) -> None:
        assert bool(list(differences(expected, derived(self.JUDGMENT)))) == differs

    def test_changes_the_facts_as_a_variant_says(self) -> None:
        later = {"fact": "take-back-accepted", "on": date(2024, 2, 15), "state": "IT"}
        variant = {"without": ["take-back-accepted 2024-01-15"], "facts": [later], "file": {"country": "FR"}}
        assert file_of(self.JUDGMENT, variant) == {"country": "FR", "facts": [later]}

    def test_refuses_to_leave_out_what_is_not_there(self) -> None:
        with pytest.raises(AssertionError, match="nothing to leave out"):
            file_of(self.JUDGMENT, {"without": ["released"]})
