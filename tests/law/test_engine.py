"""How the engine walks its rules: what a hostile reader of it would try."""

from __future__ import annotations

import re
import runpy
import sys
from datetime import date
from pathlib import Path

import pytest

from casework.law import cli, derive, document, facts, packs, reading, reference, wording
from casework.law.packs import PackError, Rule
from casework.law.status import STAGES
from casework.law.timeline import Timeline
from tests.law.cases import case_from, day, derive_from, only
from tests.law.scenarios import SCENARIOS, Scenario

NEWER = "2026-09-01 application-registered\n"


class TestOrderOnOneDay:
    """The hour counts where it is known, on whatever clock it was written down."""

    TOLD = (
        "2026-09-10T10:30:00+02:00 detention-reviewed outcome=upheld",
        "2026-09-10T09:30:00+00:00 detention-reviewed outcome=released",
    )

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_is_that_of_the_instants(self, order: tuple[int, int]) -> None:
        case = case_from("\n".join(self.TOLD[place] for place in order))
        assert [fact.get("outcome") for fact in Timeline(case).facts] == ["upheld", "released"]

    def test_does_not_change_with_a_fact_that_stands_twice(self) -> None:
        told = (
            "2026-09-10T12:00:00+02:00 take-charge-requested HR\n2026-09-10T11:00:00+02:00 take-charge-requested PL\n"
        )
        for more in ("", "2026-09-01 left-territory\n2026-09-01 left-territory\n"):
            states = [fact.state for fact in Timeline(case_from(told + more)).facts if fact.state]
            assert states == ["PL", "HR"]


class TestRequests:
    """Receipts and answers find the request that they belong to."""

    def test_a_receipt_belongs_to_the_latest_request_and_the_other_one_is_taken_as_received(self) -> None:
        told = """
            2026-09-01 take-charge-requested HR basis=other
            2026-09-05 take-charge-requested HR basis=other
            2026-09-07 take-charge-request-received HR
        """
        starts = [d.starts for d in derive_from(told).deadlines if d.rule == "ammr-take-charge-reply-1m"]
        assert starts == [day("2026-09-01"), day("2026-09-07")]

    def test_two_requests_that_say_the_same_are_two(self) -> None:
        told = "2026-09-01 take-charge-requested HR basis=other\n" * 2 + "2026-09-03 take-charge-request-received HR"
        starts = [d.starts for d in derive_from(told).deadlines if d.rule == "ammr-take-charge-reply-1m"]
        assert starts == [day("2026-09-01"), day("2026-09-03")]


class TestDetention:
    """Spells of detention, by ground."""

    def test_on_another_ground_begins_a_new_one(self) -> None:
        told = (
            "2026-09-01 detained ground=return\n2026-09-10 detained ground=transfer\n2026-09-11 take-charge-accepted HR"
        )
        limit = only(derive_from(told, on="2026-09-12"), "ammr-detention-transfer-5w")
        assert limit.starts == day("2026-09-11")

    def test_on_the_same_ground_goes_on(self) -> None:
        told = "2026-09-01 detained ground=return\n2026-09-10 detained ground=return\n2026-09-20 released"
        spells = Timeline(case_from(told)).detentions
        assert [(s.begins.strict, s.ends and s.ends.strict) for s in spells] == [(day("2026-09-01"), day("2026-09-20"))]


class TestTakingThePlaceOfAnother:
    """A limit takes the place of what runs beside it, not of what comes later."""

    TOLD = NEWER + "2026-10-01 transfer-decision-notified\n2026-10-04T10:00:00+02:00 detained ground=transfer\n"

    def test_of_what_was_running(self) -> None:
        limit = only(derive_from(self.TOLD, on="2026-10-05"), "fr-dublin-appeal-7d")
        assert (limit.state, limit.superseded_by) == ("superseded", "fr-detention-restart-48h")

    def test_not_of_the_period_of_the_next_decision(self) -> None:
        told = self.TOLD + "2026-10-20 released\n2026-11-10 transfer-decision-notified\n"
        limits = [d for d in derive_from(told, on="2026-11-12").deadlines if d.rule == "fr-dublin-appeal-7d"]
        assert [(d.starts, d.state) for d in limits] == [
            (day("2026-10-01"), "superseded"),
            (day("2026-11-10"), "running"),
        ]

    def test_a_national_period_silences_the_question_for_its_own_decision_only(self) -> None:
        told = "2025-09-30 transfer-decision-notified"
        assert any("sets no figure" in warning for warning in derive_from(told, country="PT").warnings)
        assert not any("sets no figure" in warning for warning in derive_from(told, country="FR").warnings)


class TestPause:
    """Article R. 532-11 CESEDA and the like: legal aid lets the period stand still; nothing is ever shortened."""

    DECISION = NEWER + "2026-11-02 asylum-decision-notified outcome=refused\n"
    ASKED = "2026-11-12 legal-aid-requested against=asylum-decision\n"
    GRANTED = "2026-12-10 legal-aid-decided against=asylum-decision outcome=granted\n"

    def test_stops_it_until_the_answer(self) -> None:
        limit = only(derive_from(self.DECISION + self.ASKED, on="2027-03-01"), "fr-cnda-1m")
        assert (limit.state, limit.stopped_by) == ("stopped", "legal-aid-requested")

    def test_leaves_what_was_left(self) -> None:
        limit = only(derive_from(self.DECISION + self.ASKED + self.GRANTED, on="2026-12-29"), "fr-cnda-1m")
        assert (limit.due_strict, limit.due_rolled, limit.state) == (day("2026-12-29"), day("2026-12-30"), "running")

    def test_that_comes_too_late_is_none(self) -> None:
        late = "2026-11-18 legal-aid-requested against=asylum-decision\n"
        limit = only(derive_from(self.DECISION + late + self.GRANTED, on="2027-03-01"), "fr-cnda-1m")
        assert (limit.due, limit.state) == (day("2026-12-02"), "expired")

    def test_an_act_while_it_stands_still_is_in_time(self) -> None:
        act = "2027-02-01 appeal-lodged against=asylum-decision"
        limit = only(derive_from(self.DECISION + self.ASKED + act, on="2027-03-01"), "fr-cnda-1m")
        assert (limit.state, limit.met_on) == ("met", day("2027-02-01"))

    def test_does_not_wait_for_the_answer_to_another_request(self) -> None:
        later = """2027-05-31 left-territory
            2027-06-01 asylum-decision-notified outcome=refused
            2027-06-05 legal-aid-requested against=asylum-decision
            2027-07-05 legal-aid-decided against=asylum-decision outcome=granted
        """
        procedure = derive_from(self.DECISION + self.ASKED + self.GRANTED + later, on="2027-07-06")
        limits = [d for d in procedure.deadlines if d.rule == "fr-cnda-1m"]
        assert [(d.due, d.state) for d in limits] == [(day("2026-12-29"), "expired"), (day("2027-07-30"), "running")]

    def test_of_an_unknown_day_is_counted_against_us_in_the_earlier_date(self) -> None:
        asked = "unknown legal-aid-requested against=asylum-decision not_before=2026-11-05 not_after=2026-11-15\n"
        limit = only(derive_from(self.DECISION + asked + self.GRANTED, on="2026-12-11"), "fr-cnda-1m")
        assert (limit.due_strict, limit.due_rolled) == (day("2026-12-26"), day("2027-01-06"))


class TestSuspension:
    """No suspension makes a window shorter."""

    def test_leaves_the_longer_window_after_absconding_as_the_later_end(self) -> None:
        told = """
            2026-08-03 take-charge-accepted HR
            2026-09-10 absconding-notified HR ground=absconded
            2026-10-01 suspensive-effect-granted ground=by-court
            2026-11-02 appeal-decided against=transfer-decision outcome=dismissed
        """
        procedure = derive_from(told, on="2026-11-23", country="DE")
        limit = next(d for d in procedure.deadlines if d.starts == day("2026-11-02") and d.rule == "ammr-transfer-6m")
        assert (limit.due_strict, limit.due_rolled, limit.due) == (
            day("2027-05-02"),
            day("2029-09-10"),
            day("2029-09-10"),
        )
        assert any("No suspension makes it shorter" in sentence for sentence in limit.because)


class TestRulesThatNobodyConfirmed:
    """They ask; only a printed figure makes them a date."""

    @pytest.mark.parametrize("scenario", [s for s in SCENARIOS if packs.by_id()[s.rule].asks], ids=lambda s: s.rule)
    def test_give_a_date_only_with_a_printed_figure(self, scenario: Scenario) -> None:
        procedure = derive_from(scenario.facts, on="2027-01-01", **{"country": scenario.country, **scenario.more})
        for limit in procedure.deadlines:
            if limit.rule == scenario.rule:
                fact = case_from(scenario.facts, **{"country": scenario.country, **scenario.more}).facts[
                    limit.started_by
                ]
                assert fact.get("appeal_period") or fact.get("appeal_days") or fact.get("departure_days")


class TestARuleOfOneState:
    """Which rules stand beside the transfer procedure."""

    def test_is_heard_there_alone(self) -> None:
        for country in ("FR", "DE", "PT"):
            rules = reading.rules_beside(country, date(2026, 9, 1))
            places = {rule.place for rule in (*rules.plain, *rules.notes)}
            assert places <= {None, country}

    def test_begins_with_a_registration_where_it_says_so(self) -> None:
        texts = {"try.toml": _pack(applies_from="2027-01-01")}
        (rule,) = packs.read(texts)
        assert not rule.is_dated
        assert [rule.in_force_on(day(it)) for it in ("2026-12-31", "2027-01-01")] == [False, True]


def _pack(**more: str) -> str:
    members = {
        "id": '"try-6m"', "label": '"ammr-transfer-6m"', "phase": '"procedure"', "starts_on": '["acceptance"]',
        "length": '"6 months"', "counting": '"AMMR"', "whose": '"country"', "on_expiry": '"transfer-late"',
        "legal_basis": '"Art. 1"', "source": '"https://example.org"', "checked_on": "2026-11-23",
        "confidence": '"verified"', **more,
    }  # fmt: skip
    return 'regime = "apr"\n[[rule]]\n' + "\n".join(f"{key} = {value}" for key, value in members.items())


class TestPacks:
    """What a pack may not say."""

    def test_that_a_guess_caps_a_period(self) -> None:
        guess = _pack(id='"guess"', confidence='"unverified"').split("\n", 1)[1]
        with pytest.raises(PackError, match="nobody has confirmed cannot cap"):
            packs.read({"try.toml": _pack(cap='"guess"') + "\n" + guess})

    def test_that_a_period_depends_on_one_of_another_pack(self) -> None:
        other = _pack(id='"other"').replace('"apr"', '"rcd"')
        with pytest.raises(PackError, match="while names a rule of another pack"):
            packs.read({"try.toml": _pack(**{"while": '["other"]'}), "z.toml": other})


REACHED = {
    "before-arrival": "",
    "registered": "2026-09-01 application-registered",
    "evidence-found": "2026-09-02 eurodac-hit HR category=asylum",
    "take-charge-requested": "2026-09-02 take-charge-requested HR",
    "take-back-requested": "2026-09-02 take-back-requested HR",
    "take-back-notified": "2026-09-02 take-back-notified HR",
    "refused": "2026-09-02 take-charge-requested HR\n2026-09-05 take-charge-refused HR",
    "reexamination-requested": "2026-09-05 take-charge-refused HR\n2026-09-06 reexamination-requested HR",
    "accepted": "2026-09-05 take-charge-accepted HR",
    "transfer-decided": "2026-09-05 take-charge-accepted HR\n2026-09-06 transfer-decided",
    "appeal-pending": "2026-09-05 take-charge-accepted HR\n2026-09-06 appeal-lodged against=transfer-decision",
    "transfer-suspended": "2026-09-05 take-charge-accepted HR\n2026-09-06 suspensive-effect-granted ground=by-court",
    "transfer-scheduled": "2026-09-05 take-charge-accepted HR\n2026-09-20 transfer-scheduled",
    "absconding": "2026-09-05 take-charge-accepted HR\n2026-09-06 absconding-notified ground=absconded",
    "transferred": "2026-09-05 take-charge-accepted HR\n2026-09-20 transferred",
    "responsibility-assumed": "2026-09-05 discretionary-clause-used",
    "closed": "2026-09-05 application-closed",
}


class TestEveryStage:
    """Every stage can be reached from facts."""

    def test_has_a_way_to_it(self) -> None:
        assert tuple(REACHED) == STAGES

    @pytest.mark.parametrize("stage", STAGES)
    def test_is_reached(self, stage: str) -> None:
        assert derive_from(REACHED[stage], on="2026-09-10").status == stage


class TestEveryStateOfALimit:
    """Every state that a rule's limits can take is reached in its scenario; `test_every_rule` says by which facts."""

    @pytest.mark.parametrize("rule", [rule for rule in packs.load() if not rule.is_note], ids=lambda rule: rule.id)
    def test_has_a_scenario(self, rule: Rule) -> None:
        scenario = next(s for s in SCENARIOS if s.rule == rule.id)
        assert bool(scenario.met) == ("met" in rule.states)
        assert bool(scenario.stopped) == ("stopped" in rule.states)
        assert set(rule.states) <= {"running", "expired", "met", "stopped"}


class TestDatesSetByOthers:
    """A court's hour is an hour on the court's clock."""

    LIMIT = "2026-09-01 time-limit-set what=brief due=2026-10-01T23:30:00+00:00 whose=applicant by=court\n"

    def test_ends_on_the_local_day(self) -> None:
        on_the_day = derive_from(self.LIMIT, on="2026-10-02")
        assert only(on_the_day, "set-by-court").state == "running"
        assert str(only(on_the_day, "set-by-court").due) == "2026-10-02 01:30:00+02:00"
        assert on_the_day.changes_on == day("2026-10-03")
        assert only(derive_from(self.LIMIT, on="2026-10-03"), "set-by-court").state == "expired"

    @pytest.mark.parametrize(("at", "state"), [("01:30:00", "running"), ("01:30:01", "expired")])
    def test_ends_to_the_second(self, at: str, state: str) -> None:
        procedure = derive_from(self.LIMIT, on=f"2026-10-02T{at}+02:00")
        assert only(procedure, "set-by-court").state == state
        assert procedure.changes_on == (day("2026-10-02") if state == "running" else None)

    @pytest.mark.parametrize(("at", "state"), [("23:30", "met"), ("23:31", "expired")])
    def test_is_met_to_the_minute(self, at: str, state: str) -> None:
        told = f"{self.LIMIT}2026-10-01T{at}:00+00:00 time-limit-met what=brief"
        assert only(derive_from(told), "set-by-court").state == state

    def test_an_appointment_is_called_off_by_its_own_day_alone(self) -> None:
        told = "2026-10-01 appointment kind=hearing\n2026-10-02 appointment kind=hearing\n"
        procedure = derive_from(told + "2026-10-02 appointment-cancelled kind=hearing", on="2026-09-30")
        assert [d.state for d in procedure.deadlines] == ["running", "stopped"]


class TestAnActOfTheStartingDay:
    """Before the hour at which the period starts it cannot have met it."""

    @pytest.mark.parametrize(("at", "state"), [("17:39", "expired"), ("17:40", "met")])
    def test_counts_from_the_hour_on(self, at: str, state: str) -> None:
        told = f"""
            2026-11-21T17:40:00+01:00 transfer-decision-notified in_detention=true
            2026-11-21T{at}:00+01:00 appeal-lodged against=transfer-decision
        """
        assert only(derive_from(told), "fr-dublin-appeal-48h").state == state


class TestAnOvertakenRequest:
    """What a state says to a request that the withdrawal had overtaken binds nobody (C-620/10 Kastrati)."""

    def test_leaves_what_another_state_says(self) -> None:
        told = """
            2025-09-01 application-registered
            2025-09-10 take-charge-requested HR
            2025-09-20 application-withdrawn
            2025-10-01 take-charge-accepted HR
            2025-10-02 take-charge-accepted PL
        """
        windows = [d for d in derive_from(told, country="DE").deadlines if d.rule == "dublin3-transfer-6m"]
        assert [d.concerns for d in windows] == ["PL"]


class TestAClauseThatNobodyConfirmed:
    """It is a question too."""

    def test_is_asked(self) -> None:
        (rule,) = packs.read({"try.toml": _pack(length='"none"', confidence='"unverified"')})
        case = case_from("2026-09-01 take-charge-accepted HR")
        walked = reading.Reading(Timeline(case), reading._sorted_set((rule,)), day("2026-09-02"), None)
        assert walked.notes == ["try-6m"]
        question = derive._question(walked.questions[0], walked, wording.words_for("en"))
        assert (question.rule, question.period, question.starts, question.fact) == (
            "try-6m",
            None,
            day("2026-09-01"),
            0,
        )
        assert question.text


class TestAFigureThatNoFactCanGive:
    """What starts the period may be no recorded fact, such as a receipt that was not recorded."""

    def test_leaves_the_rules_own_length(self) -> None:
        text = _pack(starts_on='["take-charge-request-received"]', length='"appeal_period or 6 months"')
        case = case_from("2026-09-01 take-charge-requested HR")
        walked = reading.Reading(
            Timeline(case), reading._sorted_set(packs.read({"try.toml": text})), day("2026-09-02"), None
        )
        assert [(limit.end_strict, limit.printed) for limit in walked.limits] == [(day("2027-03-01"), False)]


class TestThePacksTogether:
    """What is said of all of them."""

    def test_a_rule_that_stands_twice_is_named(self) -> None:
        with pytest.raises(PackError, match="try-6m stands twice"):
            packs.read({"a.toml": _pack(), "b.toml": _pack()})

    def test_have_a_short_name_that_every_entry_is_in(self) -> None:
        assert re.fullmatch("[0-9a-f]{16}", packs.digest())


class TestAsAScript:
    """The two modules that can be run by themselves."""

    def test_the_command_says_what_it_cannot_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["deadlines", "/no/such/file"])
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(cli.__file__, run_name="__main__")
        assert caught.value.code == 2

    def test_the_pages_are_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["document", str(tmp_path)])
        runpy.run_path(document.__file__, run_name="__main__")
        assert (tmp_path / "facts.md").read_text("utf-8") == document.facts_page()


class TestForOtherPages:
    """What the application asks of the engine beside time limits."""

    def test_a_search_finds_every_word_in_any_order(self) -> None:
        entries = reference.entries()
        assert {"fr-cnda-1m"} <= {entry.id for entry in reference.search(entries, "cnda FR-")}
        assert reference.search(entries, "cnda no-such-word") == []

    def test_a_label_is_said_by_its_key(self) -> None:
        assert wording.render("fact.released") == wording.words_for("en").say("fact.released")

    @pytest.mark.parametrize(("value", "said"), [(7, "Act by 7,"), (None, "Act by the other state,")])
    def test_what_has_no_words_of_its_own_is_said_as_it_is(self, value: object, said: str) -> None:
        assert wording.words_for("en").say("because.due-earlier", {"due": value}).startswith(said)


class TestWhatIsKnownOfSimilarCases:
    """It outlives the case (a cache): nothing that somebody typed may be in it."""

    def test_holds_choices_and_no_free_text(self) -> None:
        case = facts.parse(
            {
                "country": "FR",
                "facts": [
                    {"fact": "application-registered", "on": "2026-09-01"},
                    {"fact": "transfer-failed", "on": "2026-09-20", "reason": "quillfeather"},
                    {"fact": "time-limit-set", "on": "2026-09-21", "what": "quillfeather", "due": "2026-10-01",
                     "whose": "applicant", "by": "court"},
                    {"fact": "detained", "on": "2026-09-22", "ground": "transfer"},
                ],
            }
        )  # fmt: skip
        told = Timeline(case).told
        assert "detained ground=transfer" in told
        assert not any("quillfeather" in word for word in told)
