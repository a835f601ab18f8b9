"""Faults that a review of the engine found, each held to the case that showed it."""

from __future__ import annotations

import pytest

from casework.law.facts import FactsError
from tests.law.cases import case_from, day, derive_from, only

HERE = "2026-08-01 application-registered\n2026-08-02 application-lodged\n"
TAKEN_BACK = (
    "2026-08-01 application-registered\n2026-08-02 eurodac-hit HR category=asylum\n2026-08-10 take-back-notified HR\n"
    "2026-08-10 take-back-notification-received HR\n2026-08-20 take-back-confirmed HR\n"
)


class TestHoursOfOneDay:
    """What came before a period's hour on its first day neither stops nor hides it."""

    def test_a_release_in_the_morning_does_not_stop_the_detention_of_noon(self) -> None:
        facts = (
            f"{TAKEN_BACK}2026-11-20T10:00:00+01:00 detained ground=transfer\n2026-11-22T10:00:00+01:00 released\n"
            "2026-11-22T12:00:00+01:00 detained ground=transfer"
        )
        challenges = [d for d in derive_from(facts, on="2026-11-23").deadlines if d.rule == "fr-detention-challenge-4d"]
        assert [(d.due.isoformat(), d.state) for d in challenges] == [
            ("2026-11-24T10:00:00+01:00", "stopped"),
            ("2026-11-26T12:00:00+01:00", "running"),
        ]

    def test_a_decision_handed_over_before_the_release_of_that_day_was_handed_over_in_detention(self) -> None:
        facts = (
            f"{TAKEN_BACK}2026-11-20T10:00:00+01:00 detained ground=transfer\n"
            "2026-11-21T09:00:00+01:00 transfer-decision-notified\n2026-11-21T17:00:00+01:00 released"
        )
        procedure = derive_from(facts, on="2026-11-22")
        assert only(procedure, "fr-dublin-appeal-48h").due.isoformat() == "2026-11-23T09:00:00+01:00"
        assert not [d for d in procedure.deadlines if d.rule == "fr-dublin-appeal-7d"]

    def test_one_handed_over_after_the_release_was_not(self) -> None:
        facts = (
            f"{TAKEN_BACK}2026-11-20T10:00:00+01:00 detained ground=transfer\n"
            "2026-11-21T09:00:00+01:00 released\n2026-11-21T17:00:00+01:00 transfer-decision-notified"
        )
        assert only(derive_from(facts, on="2026-11-22"), "fr-dublin-appeal-7d").due == day("2026-11-28")

    def test_the_same_day_without_hours_counts_as_in_detention(self) -> None:
        facts = (
            f"{TAKEN_BACK}2026-11-20 detained ground=transfer\n2026-11-21 transfer-decision-notified\n"
            "2026-11-21 released"
        )
        assert only(derive_from(facts, on="2026-11-21"), "fr-dublin-appeal-48h").state == "running"

    def test_an_undated_release_may_have_come_after_the_decision(self) -> None:
        facts = (
            f"{TAKEN_BACK}2026-11-10 detained ground=transfer\n2026-11-21T09:00:00+01:00 transfer-decision-notified\n"
            "unknown released not_before=2026-11-15 not_after=2026-11-30"
        )
        assert only(derive_from(facts, on="2026-12-01"), "fr-dublin-appeal-48h").due.day == 23

    def test_an_act_without_its_hour_on_the_last_day_is_told(self) -> None:
        facts = (
            f"{TAKEN_BACK}2026-11-21T17:40:00+01:00 transfer-decision-notified in_detention=true\n"
            "2026-11-23 appeal-lodged against=transfer-decision by=applicant"
        )
        procedure = derive_from(facts, on="2026-11-24")
        assert only(procedure, "fr-dublin-appeal-48h").state == "met"
        assert any("the hour of the act is not recorded" in warning for warning in procedure.warnings)

    def test_a_period_from_an_unknown_hour_ends_on_the_day_that_one_would_name(self) -> None:
        facts = f"{TAKEN_BACK}2026-11-21 transfer-decision-notified in_detention=true"
        limit = only(derive_from(facts, on="2026-11-21"), "fr-dublin-appeal-48h")
        assert [end.isoformat()[:16] for end in (limit.due_strict, limit.due_rolled)] == [  # type: ignore[union-attr]
            "2026-11-22T23:59",
            "2026-11-23T23:59",
        ]


class TestLegalAid:
    """Article 9-4 of law 91-647: asked for within fifteen days it suspends the month; what is left runs on once."""

    REFUSED = f"{HERE}2026-11-02 asylum-decision-notified outcome=refused procedure=regular\n"
    GRANTED = "2026-12-10 legal-aid-decided against=asylum-decision outcome=granted"

    def test_asked_for_perhaps_too_late_suspends_nothing(self) -> None:
        asked = "unknown legal-aid-requested against=asylum-decision not_before=2026-11-05 not_after=2026-11-25"
        limit = only(derive_from(f"{self.REFUSED}{asked}\n{self.GRANTED}", on="2026-11-26"), "fr-cnda-1m")
        assert (limit.due, limit.state) == (day("2026-12-02"), "running")

    @pytest.mark.parametrize(
        ("later", "due"),
        [
            ("2026-12-15 legal-aid-decided against=asylum-decision notified_to=lawyer", "2027-01-03"),
            ("2027-02-10 legal-aid-decided against=asylum-decision", "2026-12-29"),
        ],
    )
    def test_runs_on_from_the_later_notice_of_one_answer_and_not_from_another(self, later: str, due: str) -> None:
        asked = "2026-11-12 legal-aid-requested against=asylum-decision"
        first = f"{self.GRANTED} notified_to=applicant" if "lawyer" in later else self.GRANTED
        limit = only(derive_from(f"{self.REFUSED}{asked}\n{first}\n{later}", on="2026-12-20"), "fr-cnda-1m")
        assert limit.due_strict == day(due)


class TestWhatStartsAPeriod:
    """The earlier fact starts it, in whatever order a rule names them."""

    def test_a_hit_in_the_visa_system_before_one_in_eurodac(self) -> None:
        facts = (
            "2026-07-20 application-registered\n2026-07-22 vis-hit PL\n"
            "2026-08-20 eurodac-hit PL category=irregular-crossing\n2026-09-10 take-charge-requested PL basis=vis"
        )
        limit = only(derive_from(facts, country="DE"), "ammr-take-charge-request-hit-1m")
        assert (limit.starts, limit.state) == (day("2026-07-22"), "expired")

    def test_a_final_ruling_is_final_where_nothing_else_is_recorded(self) -> None:
        facts = f"{HERE}2026-11-02 appeal-decided against=asylum-decision outcome=dismissed"
        assert only(derive_from(facts), "echr-application-4m").due == day("2027-03-02")
        assert not [d for d in derive_from(f"{facts} final=false").deadlines if d.rule == "echr-application-4m"]

    def test_an_acceptance_on_an_unknown_day_makes_no_claim_before_its_last_possible_day(self) -> None:
        facts = TAKEN_BACK.replace("2026-08-20 take-back-confirmed HR\n", "") + (
            "unknown take-back-confirmed HR not_before=2026-08-15 not_after=2026-09-05"
        )
        limit = derive_from(facts, on="2027-02-20", country="DE").limit("ammr-transfer-6m")
        # Silence would have bound Croatia on 25 August.
        assert (limit.due_strict, limit.due, limit.state) == (day("2027-02-15"), day("2027-02-25"), "running")


class TestStates:
    """Who can be asked, and who can answer."""

    @pytest.mark.parametrize(("state", "problem"), [("FR", "cannot ask itself"), ("US", "takes no part")])
    def test_a_request_to_one_that_cannot_be_asked_is_refused(self, state: str, problem: str) -> None:
        with pytest.raises(FactsError, match=problem) as caught:
            case_from(f"2026-09-01 take-back-notified {state}")
        assert (caught.value.index, caught.value.member) == (0, "state")

    def test_a_former_one_stays_readable(self) -> None:
        assert case_from("2018-09-01 take-back-requested GB").facts[0].state == "GB"

    def test_the_procedure_of_one_that_takes_no_part_is_told(self) -> None:
        told = "takes no part in the transfer procedure"
        assert any(told in w for w in derive_from("2026-09-01 application-registered", country="US").warnings)
        abroad = derive_from("2026-09-01 application-made", country="GE", status="before-arrival")
        assert not any(told in w for w in abroad.warnings)

    def test_an_answer_of_one_that_was_not_asked_is_told(self) -> None:
        facts = "2026-09-01 take-back-notified IT\n2026-09-10 take-back-confirmed HR"
        assert any("no request to Croatia is on record" in warning for warning in derive_from(facts).warnings)

    def test_a_transfer_before_the_silence_could_bind_starts_no_window(self) -> None:
        asked = "2026-09-01 application-registered\n2026-09-08 take-charge-requested PL basis=other\n"
        facts = f"{asked}2026-09-09 transferred PL"
        procedure = derive_from(facts)
        assert procedure.status == "transferred"
        assert not [d for d in procedure.deadlines if d.rule == "ammr-transfer-6m"]
        assert any("before that state had answered" in warning for warning in procedure.warnings)
