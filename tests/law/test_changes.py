"""What would change a time limit: every sentence with the date that the engine itself gives for the fact."""

from __future__ import annotations

import time
from datetime import date

import pytest

from casework.law import changes, derive, facts, wording
from casework.law.facts import VOCABULARY
from casework.law.types import CaseFile
from tests.law.cases import case_from, derive_from

FACTS = """2026-09-01 application-registered FR
2026-09-02 eurodac-hit HR category=asylum
2026-09-10 take-back-notified HR
2026-09-10 take-back-notification-received HR
2026-10-12 transfer-decision-notified
"""
ON = date(2026, 10, 15)


def sentences(text: str, rule: str, *, on: date = ON, country: str = "FR") -> tuple[str, ...]:
    """Return what would change the first limit of a rule."""
    case = case_from(text.replace(" FR", f" {country}"), country=country)
    found = changes.would_change(case, derive.procedure(case, on=on), on=on)
    return next((said for name, said in found.items() if name[0] == rule), ())


class TestATransferWindow:
    """Met, extended, suspended."""

    def test_is_met_by_the_transfer(self) -> None:
        said = sentences(FACTS, "ammr-transfer-6m")
        assert said[0] == "If the person is transferred, it is met. The last day for that is 25 March 2027."

    @pytest.mark.parametrize(
        ("fact", "rule", "start"),
        [
            ("absconding-notified HR ground=absconded", "ammr-transfer-absconded-3y", "If Croatia is told that"),
            ("imprisoned", "ammr-transfer-imprisoned-1y", "If the person is imprisoned"),
        ],
    )
    def test_is_replaced_by_the_window_that_the_engine_gives_for_the_same_fact(
        self, fact: str, rule: str, start: str
    ) -> None:
        then = derive_from(f"{FACTS}{ON} {fact}", on=ON).limit(rule)
        (said,) = [text for text in sentences(FACTS, "ammr-transfer-6m") if text.startswith(start)]
        assert wording.words_for("en").day(then.due) in said
        assert then.label in said

    def test_restarts_at_the_final_decision(self) -> None:
        then = derive_from(
            f"{FACTS}{ON} appeal-lodged against=transfer-decision\n{ON} suspensive-effect-granted ground=by-court\n"
            "2026-11-14 appeal-decided against=transfer-decision outcome=dismissed",
            on=ON,
        ).limit("ammr-transfer-6m")
        (said,) = [text for text in sentences(FACTS, "ammr-transfer-6m") if "suspensive effect" in text]
        assert f"decided on 14 November 2026 the new end would be {wording.words_for('en').day(then.due)}" in said

    def test_that_is_suspended_says_what_the_final_decision_does(self) -> None:
        text = (
            f"{FACTS}2026-10-13 appeal-lodged against=transfer-decision\n"
            "2026-10-14 suspensive-effect-granted ground=by-court\n"
        )
        assert derive_from(text, on=ON).limit("ammr-transfer-6m").state == "stopped"
        said = sentences(text, "ammr-transfer-6m")
        assert said == (
            "It restarts at the final decision on the appeal: decided on 15 October 2026 the new end would be"
            " 15 April 2027.",
        )

    def test_promises_nothing_that_has_happened_already(self) -> None:
        met = f"{FACTS}2026-10-14 transferred HR\n"
        assert sentences(met, "ammr-transfer-6m") == ()


class TestAnAnswer:
    """Several facts that do the same share a sentence."""

    def test_is_met_by_any_of_the_facts_that_the_rule_names(self) -> None:
        text = "\n".join(FACTS.splitlines()[:4])
        said = sentences(text, "ammr-take-back-confirm-2w", on=date(2026, 9, 15))
        assert said[0].startswith("It is met by any of these, up to 24 September 2026: “Take back notification conf")
        assert said[-1].startswith("It no longer runs after any of these: ")

    def test_gives_way_to_a_shorter_one_when_a_hit_comes(self) -> None:
        on = date(2026, 2, 4)
        said = sentences("2026-02-01 application-registered FR", "dublin3-take-charge-request-3m", on=on)
        assert said[0].startswith("If another state is asked to take charge, it is met. The last day for that is 4 May")
        then = derive_from("2026-02-01 application-registered FR\n2026-02-04 eurodac-hit HR category=asylum", on=on)
        due = wording.words_for("en").day(then.limit("dublin3-take-back-request-hit-2m").due)
        assert any(text.startswith("If a Eurodac hit is received (on 4 Feb") and due in text for text in said)


class TestAPause:
    """The days that are left go on afterwards."""

    def test_is_told_with_the_end_after_a_month_of_it(self) -> None:
        refused = "asylum-decision-notified outcome=refused procedure=regular"
        text = f"2026-02-01 application-registered FR\n2026-03-02 {refused}"
        on = date(2026, 3, 5)
        (said,) = [it for it in sentences(text, "fr-cnda-1m", on=on) if "pauses" in it]
        more = (
            f"{text}\n2026-03-05 legal-aid-requested against=asylum-decision"
            "\n2026-04-04 legal-aid-decided against=asylum-decision"
        )
        assert wording.words_for("en").day(derive_from(more, on=on).limit("fr-cnda-1m").due) in said
        assert "if that takes until 4 April 2026" in said


class TestANotice:
    """Counted back from a day ahead."""

    def test_is_met_by_what_happens_today(self) -> None:
        said = sentences(f"{FACTS}2026-12-01 transfer-scheduled", "ammr-transfer-form-7-14d")
        assert said[0].startswith("If the transfer form is sent, it is met.")

    def test_a_period_that_begins_ahead_is_tried_from_its_beginning(self) -> None:
        said = sentences(f"{FACTS}2026-11-02 transfer-decision-notified", "ammr-suspension-request", country="LU")
        assert said


class TestAPrintedFigure:
    """The decision's own figure counts, once somebody has read it."""

    def test_is_asked_for_where_it_was_not_recorded(self) -> None:
        said = sentences(FACTS, "ammr-appeal", country="LU")
        assert any("A period printed in the decision counts" in text for text in said)
        assert any("“Transfer decision notified”" in text for text in said)

    def test_is_not_asked_for_where_it_was(self) -> None:
        text = FACTS.replace("transfer-decision-notified", "transfer-decision-notified appeal_days=14")
        assert not any("printed in the decision" in said for said in sentences(text, "ammr-appeal", country="LU"))


class TestEveryCase:
    """Whatever the facts."""

    def test_without_facts_has_nothing_to_say(self) -> None:
        case = CaseFile("FR")
        assert changes.would_change(case, derive.procedure(case, on=ON), on=ON) == {}

    def test_speaks_only_of_limits_that_run_or_are_suspended(self) -> None:
        case = case_from(FACTS)
        procedure = derive.procedure(case, on=ON)
        open_ones = {(d.rule, d.reading, d.starts) for d in procedure.deadlines if d.state == "running"}
        assert set(changes.would_change(case, procedure, on=ON)) <= open_ones

    def test_tries_no_more_than_the_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        case, asked = case_from(FACTS), 0
        procedure = derive.procedure(case, on=ON)
        real = derive.procedure

        def counted(*given: object, **more: object) -> object:
            nonlocal asked
            asked += 1
            return real(*given, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(derive, "procedure", counted)
        everything = changes.would_change(case, procedure, on=ON)
        assert 0 < asked <= changes.MOST_TRIALS
        monkeypatch.setattr(changes, "MOST_TRIALS", 3)
        asked = 0
        fewer = changes.would_change(case, procedure, on=ON)
        assert asked == 3
        assert fewer != everything

    def test_is_answered_in_milliseconds(self) -> None:
        case = case_from(FACTS)
        procedure = derive.procedure(case, on=ON)
        changes.would_change(case, procedure, on=ON)
        best = min(self._seconds(case, procedure) for _time in range(3))
        assert best < 0.1  # a few milliseconds here; a busy machine is no fault of the code

    def _seconds(self, case: CaseFile, procedure: changes.Derived) -> float:
        begun = time.perf_counter()
        changes.would_change(case, procedure, on=ON)
        return time.perf_counter() - begun

    @pytest.mark.parametrize("kind", sorted(VOCABULARY))
    def test_never_fails_after_any_fact(self, kind: str) -> None:
        described = VOCABULARY[kind]
        values: dict[str, object] = {"state": "HR", "text": "x", "days": 7, "party": "applicant", "flag": True}
        values |= {"date": "2026-12-01", "moment": "2026-12-01", "period": "2 weeks"}
        entry: dict[str, object] = {"fact": kind, "on": "2026-10-13"}
        for member in described.members:
            if member.required:
                entry[member.name] = member.choices[0] if member.choices else values[member.kind]
        case = case_from(FACTS)
        more = facts.parse({**facts.to_mapping(case), "facts": [*map(facts.fact_to_mapping, case.facts), entry]})
        found = changes.would_change(more, derive.procedure(more, on=ON), on=ON)
        assert all(said and all(text.endswith(".") for text in said) for said in found.values())
        assert not any("{" in text for said in found.values() for text in said)

    def test_tries_no_fact_whose_particulars_nobody_can_guess(self) -> None:
        assert changes._fact(VOCABULARY["crisis-derogation"], ON, "HR", {}) is None

    def test_has_words_only_for_facts_that_there_are(self) -> None:
        clauses = [key.removeprefix("change.if-") for key in wording.catalogue("en") if key.startswith("change.if-")]
        assert set(clauses) - {"recorded"} <= set(VOCABULARY)
