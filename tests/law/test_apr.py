"""Regulation (EU) 2024/1348 and its neighbours: what depends on more than the day of one fact."""

from __future__ import annotations

import pytest

from casework.law.types import Procedure
from tests.law.cases import day, derive_from, only

LODGED = "2026-06-22 application-lodged"
BORDER = "2026-06-15 application-registered\n2026-06-15 procedure-assigned procedure=border"


def rules(procedure: Procedure) -> set[str]:
    """Return the rules of the time limits."""
    return {limit.rule for limit in procedure.deadlines}


class TestRegistering:
    """Article 27 of Regulation (EU) 2024/1348, Article 10(1) of Regulation (EU) 2024/1359."""

    def test_waits_for_the_end_of_the_screening(self) -> None:
        facts = "2026-06-15 apprehended where=border\n2026-06-15 application-made\n2026-06-19 screening-ended"
        found = derive_from(facts)
        assert only(found, "apr-register-5d").due == day("2026-06-24")
        assert only(found, "apr-register-15d").due_strict == day("2026-07-04")  # a Saturday

    def test_counts_from_the_day_on_which_the_right_authority_knew(self) -> None:
        facts = "2026-06-15 application-made to=other-authority\n2026-06-18 application-passed-on"
        found = derive_from(facts)
        assert only(found, "apr-register-5d").due == day("2026-06-23")
        assert only(found, "apr-register-forward-3wd").met_on == day("2026-06-18")

    def test_may_take_four_weeks_in_a_crisis(self) -> None:
        facts = "2026-09-01 crisis-derogation FR until=2026-12-01\n2026-09-07 application-made"
        found = derive_from(facts)
        assert only(found, "apr-register-5d").due == day("2026-10-05")
        assert "apr-register-15d" not in rules(found)

    @pytest.mark.parametrize(("made", "there"), [("2026-06-11", False), ("2026-06-12", True)])
    def test_follows_the_regulation_from_12_june_2026(self, made: str, there: bool) -> None:
        assert ("apr-register-5d" in rules(derive_from(f"{made} application-made"))) is there


class TestAnApplicationBefore12June:
    """Article 79(3): the day of lodging decides, whatever comes later."""

    def test_stays_with_the_directive(self) -> None:
        facts = "2026-06-11 application-lodged\n2026-09-01 asylum-decision-notified outcome=refused procedure=regular"
        assert not {rule for rule in rules(derive_from(facts, country="IT")) if rule.startswith("apr-")}


class TestLodging:
    """Articles 28 and 51(1)."""

    def test_is_due_in_five_days_at_the_border_and_not_in_21(self) -> None:
        found = rules(derive_from(BORDER))
        assert "apr-lodge-border-5d" in found
        assert "apr-lodge-21d" not in found

    def test_is_seen_as_a_border_case_when_the_procedure_is_chosen_the_day_after(self) -> None:
        facts = "2026-06-15 application-registered\n2026-06-16 procedure-assigned procedure=border"
        assert "apr-lodge-border-5d" in rules(derive_from(facts))


class TestApplyingAfterAReturnDecision:
    """Articles 38(1)(e) and 35(1): seven working days, then ten for the decision on admissibility."""

    def test_is_in_time_on_the_seventh_working_day(self) -> None:
        facts = "2026-09-10 return-decision-notified\n2026-09-21 application-made\n2026-09-22 application-lodged"
        found = rules(derive_from(facts))
        assert "apr-decision-admissibility-10wd" not in found
        assert "apr-decision-merits-6m" in found

    def test_is_late_on_the_eighth(self) -> None:
        facts = "2026-09-10 return-decision-notified\n2026-09-22 application-made\n2026-09-22 application-lodged"
        assert "apr-decision-admissibility-10wd" in rules(derive_from(facts))

    def test_is_no_matter_for_someone_who_had_applied_before(self) -> None:
        facts = f"{LODGED}\n2026-09-10 return-decision-notified"
        assert "apr-asylum-after-return-7wd" not in rules(derive_from(facts))


class TestTheExamination:
    """Article 35."""

    @pytest.mark.parametrize(
        ("ground", "due"),
        [("complex", "2027-06-22"), ("many-applications", "2027-06-22"), ("country-situation", "2028-03-22")],
    )
    def test_of_the_merits_can_be_extended(self, ground: str, due: str) -> None:
        facts = f"{LODGED}\n2026-12-01 examination-extended ground={ground}"
        assert only(derive_from(facts), "apr-decision-merits-6m").due == day(due)

    def test_of_admissibility_can_take_four_months(self) -> None:
        facts = f"{LODGED}\n2026-06-22 procedure-assigned procedure=inadmissible"
        found = derive_from(f"{facts}\n2026-08-01 examination-extended ground=complex")
        assert only(found, "apr-decision-admissibility-2m").due == day("2026-10-22")

    def test_goes_on_in_the_regular_procedure_after_the_accelerated_one_was_left(self) -> None:
        facts = f"{LODGED}\n2026-06-23 procedure-assigned procedure=accelerated"
        assert "apr-decision-merits-6m" not in rules(derive_from(facts))
        left = rules(derive_from(f"{facts}\n2026-07-20 procedure-assigned procedure=regular"))
        assert "apr-decision-merits-6m" in left
        assert "apr-decision-accelerated-3m" not in left

    def test_of_a_later_application_looks_at_admissibility_and_is_fast(self) -> None:
        found = rules(derive_from(f"{LODGED}\n2026-06-22 procedure-assigned procedure=subsequent"))
        assert {"apr-decision-admissibility-2m", "apr-decision-accelerated-3m"} <= found

    def test_is_not_due_here_while_another_state_is_bound(self) -> None:
        facts = f"{LODGED}\n2026-07-01 take-charge-requested HR basis=other\n2026-07-20 take-charge-accepted HR"
        assert "apr-decision-merits-6m" not in rules(derive_from(facts))
        taken_back = f"{facts}\n2026-08-01 discretionary-clause-used"
        assert "apr-decision-merits-6m" in rules(derive_from(taken_back))


class TestTheBorderProcedure:
    """Article 51(2); Article 11(1) of Regulation (EU) 2024/1359; Articles 4 and 6 of Regulation (EU) 2024/1349."""

    def test_lasts_16_weeks_after_a_relocation(self) -> None:
        found = derive_from(f"{BORDER}\n2026-07-10 relocation-confirmed DE")
        assert only(found, "apr-border-12w").due == day("2026-10-05")

    def test_lasts_18_weeks_in_a_crisis_and_no_longer_with_a_relocation(self) -> None:
        crisis = f"2026-06-12 crisis-derogation FR until=2026-12-01\n{BORDER}"
        assert only(derive_from(crisis), "apr-border-12w").due == day("2026-10-19")
        both = derive_from(f"{crisis}\n2026-07-10 relocation-confirmed DE")
        assert only(both, "apr-border-12w").due == day("2026-10-19")

    def test_of_return_lasts_six_weeks_longer_in_a_crisis(self) -> None:
        facts = f"{BORDER}\n2026-08-20 crisis-derogation FR until=2026-12-01\n2026-09-01 right-to-remain-ended"
        assert only(derive_from(facts), "return-border-12w").due == day("2027-01-05")

    def test_of_return_is_for_those_of_the_border_procedure(self) -> None:
        assert "return-border-12w" not in rules(derive_from("2026-09-01 right-to-remain-ended"))


SHORT, LONG = "apr-appeal-short-5-10d", "apr-appeal-2w-1m"


class TestTheAppeal:
    """Article 67(7): which decisions leave 5 to 10 days, which two weeks to a month."""

    @pytest.mark.parametrize(
        ("decision", "rule"),
        [
            ("outcome=inadmissible", SHORT),
            ("outcome=withdrawn", SHORT),
            ("outcome=manifestly-unfounded procedure=regular", SHORT),
            ("outcome=refused procedure=accelerated", SHORT),
            ("outcome=refused procedure=border", SHORT),
            ("outcome=refused procedure=subsequent", SHORT),
            ("outcome=refused procedure=regular", LONG),
            ("outcome=refused", SHORT),
            ("outcome=refused appeal_period=10_days", SHORT),
            ("outcome=refused appeal_period=2_weeks", LONG),
            ("procedure=regular", LONG),
            ("", SHORT),
            ("outcome=protected", None),
            ("outcome=refused procedure=regular final=true", None),
        ],
    )
    def test_has_the_period_of_its_decision(self, decision: str, rule: str | None) -> None:
        found = rules(derive_from(f"{LODGED}\n2026-09-01 asylum-decision-notified {decision}", country="IT"))
        assert found & {SHORT, LONG} == ({rule} if rule else set())

    def test_is_short_after_an_accelerated_procedure_that_the_decision_does_not_name(self) -> None:
        facts = f"{LODGED}\n2026-06-23 procedure-assigned procedure=accelerated"
        found = rules(derive_from(f"{facts}\n2026-09-01 asylum-decision-notified outcome=refused", country="IT"))
        assert SHORT in found

    def test_takes_the_printed_period(self) -> None:
        facts = f"{LODGED}\n2026-09-01 asylum-decision-notified outcome=inadmissible appeal_period=10_days"
        assert only(derive_from(facts, country="IT"), SHORT).due == day("2026-09-11")


class TestStayingDuringTheAppeal:
    """Article 68(3), as amended by Regulation (EU) 2026/463."""

    @pytest.mark.parametrize(
        ("decision", "minor", "asked"),
        [
            ("outcome=refused procedure=accelerated", False, True),
            ("outcome=refused procedure=border", False, True),
            ("outcome=refused procedure=border", True, False),
            ("outcome=inadmissible procedure=border", True, False),
            ("outcome=withdrawn procedure=border", True, True),
            ("outcome=inadmissible", False, True),
            ("outcome=inadmissible right_to_remain=true", False, False),
            ("outcome=refused procedure=regular", False, False),
            ("outcome=refused procedure=regular right_to_remain=false", False, True),
            ("outcome=manifestly-unfounded procedure=regular", False, False),
            ("outcome=manifestly-unfounded", False, True),
            ("outcome=refused", False, True),
            ("outcome=refused procedure=subsequent", False, True),
            ("outcome=protected", False, False),
        ],
    )
    def test_must_be_asked_for_where_the_appeal_does_not_give_it(self, decision: str, minor: bool, asked: bool) -> None:
        facts = f"{LODGED}\n2026-09-01 asylum-decision-notified {decision}"
        person = {"minor": minor, "unaccompanied": minor}
        found = rules(derive_from(facts, country="IT", person=person))
        assert ("apr-remain-request-5d" in found) is asked


class TestTheNeighbours:
    """Regulations (EU) 2024/1356 and 2024/1358, Directive (EU) 2024/1346, Directive 2008/115/EC."""

    def test_screen_someone_landed_here_and_not_elsewhere(self) -> None:
        assert "screening-7d" in rules(derive_from("2026-06-15 disembarked IT", country="IT"))
        assert not rules(derive_from("2026-06-15 disembarked IT")) & {"screening-7d", "eurodac-72h"}

    def test_count_the_hours_of_a_day_without_an_hour_from_its_start_to_its_end(self) -> None:
        limit = only(derive_from("2026-06-15 application-registered"), "eurodac-72h")
        assert str(limit.due_strict) == "2026-06-17 23:59:00+02:00"
        assert str(limit.due_rolled) == "2026-06-19 00:00:00+02:00"

    def test_give_no_work_once_the_transfer_has_been_decided(self) -> None:
        facts = "2026-07-06 application-registered\n2026-10-01 transfer-decision-notified appeal_days=7"
        assert only(derive_from(facts), "rcd-work-6m").state == "stopped"

    def test_review_detention_from_the_request_too(self) -> None:
        facts = "2026-09-07 detained ground=asylum\n2026-09-14 detention-judge-seized"
        ends = [d.due_strict for d in derive_from(facts).deadlines if d.rule == "rcd-detention-review-15d"]
        assert ends == [day("2026-09-22"), day("2026-09-29")]

    def test_leave_detention_for_the_transfer_to_its_own_rules(self) -> None:
        found = rules(derive_from("2026-09-07 detained ground=transfer\n2026-09-14 detention-judge-seized"))
        assert not found & {"rcd-detention-review-15d", "rcd-detention-review-21d"}

    def test_know_no_voluntary_departure_without_days_for_it(self) -> None:
        assert "return-voluntary-7-30d" not in rules(derive_from("2026-09-01 return-decision-notified", country="IT"))

    def test_open_the_way_to_strasbourg_only_after_a_final_decision(self) -> None:
        facts = "2026-09-01 appeal-decided against=asylum-decision outcome=dismissed"
        assert "echr-application-4m" in rules(derive_from(facts))
        assert "echr-application-4m" not in rules(derive_from(f"{facts} final=false"))
