"""The worked examples of the legal reference, and what follows from facts in a whole procedure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from casework.law import derive
from tests.law.cases import case_from, day, derive_from, only

SHOWN = """
2026-09-01 application-registered FR
2026-09-02 eurodac-hit HR category=asylum
2026-09-10 take-back-notified HR
2026-09-10 take-back-notification-received HR
2026-10-12 transfer-decision-notified
2026-10-16 appeal-lodged against=transfer-decision
2026-10-16 suspension-requested
"""


class TestWorkedExamples:
    """Section 1.2 of the legal reference."""

    def test_e1_six_months_from_31_august_end_in_february_without_roll_over(self) -> None:
        procedure = derive_from("2025-08-31 take-back-accepted HR", country="DE")
        limit = only(procedure, "dublin3-transfer-6m")
        assert procedure.regime == "dublin3"
        assert limit.due_strict == date(2026, 2, 28)
        assert limit.due_rolled == limit.due == date(2026, 3, 2)
        assert any("has no such date" in sentence for sentence in limit.because)
        assert any("has no words that move the end" in sentence for sentence in limit.because)

    def test_e2_the_new_regulation_rolls_to_monday(self) -> None:
        procedure = derive_from("2026-08-31 take-charge-accepted HR", country="DE")
        limit = only(procedure, "ammr-transfer-6m")
        assert procedure.regime == "ammr"
        assert (limit.due_strict, limit.due_rolled, limit.due) == (
            day("2027-02-28"),
            day("2027-03-01"),
            day("2027-03-01"),
        )

    def test_e3_shows_both_readings_of_an_old_case(self) -> None:
        procedure = derive_from("2026-04-20 application-registered\n2026-05-22 take-charge-accepted HR", country="DE")
        assert procedure.regime == "dublin3-open"
        first = only(procedure, "dublin3-transfer-6m", "A")
        second = only(procedure, "ammr-transfer-6m", "B")
        assert (first.due_strict, first.due_rolled) == (day("2026-11-22"), day("2026-11-23"))
        assert (second.due_strict, second.due_rolled) == (day("2026-11-22"), day("2026-11-23"))
        assert all(deadline.reading in ("A", "B") for deadline in procedure.deadlines)
        assert any("is open (Art. 83" in warning for warning in procedure.warnings)

    def test_e4_two_weeks_over_christmas_end_on_monday_and_shift_nothing(self) -> None:
        procedure = derive_from("2026-12-11 eurodac-hit HR category=asylum")
        limit = only(procedure, "ammr-take-back-notify-2w")
        assert (limit.due_strict, limit.due) == (day("2026-12-25"), day("2026-12-28"))
        assert limit.state == "expired"
        assert not any("Claim" in warning for warning in procedure.warnings)
        assert any("25 December 2026 is a public holiday in France" in sentence for sentence in limit.because)

    def test_e5_a_late_decision_frees_the_one_who_is_detained(self) -> None:
        free = derive_from("2026-12-18 take-back-confirmed HR")
        held = derive_from("2026-12-10 detained ground=transfer\n2026-12-18 take-back-confirmed HR")
        assert only(free, "ammr-transfer-decision-2w").due == day("2027-01-04")
        assert only(free, "ammr-transfer-decision-2w").due_strict == day("2027-01-01")
        assert not any("must be released" in warning for warning in free.warnings)
        assert any('"Transfer decision" ended on 4 January 2027' in w and "released" in w for w in held.warnings)

    def test_e6_liberty_is_argued_from_the_strict_day(self) -> None:
        facts = "2026-11-01 detained ground=transfer\n2026-11-20 take-charge-accepted HR"
        limit = only(derive_from(facts), "ammr-detention-transfer-5w")
        assert (limit.due_strict, limit.due_rolled, limit.due) == (
            day("2026-12-25"),
            day("2026-12-28"),
            day("2026-12-25"),
        )
        between = derive_from(facts, on="2026-12-27")
        assert only(between, "ammr-detention-transfer-5w").state == "running"
        assert any("ended on 25 December 2026 by the strict count" in warning for warning in between.warnings)
        assert only(between, "ammr-transfer-6m").state == "running"

    def test_e7_the_return_of_an_absconder_opens_three_months(self) -> None:
        facts = "2026-08-03 take-back-confirmed HR\n2026-09-10 absconding-notified HR ground=absconded"
        gone = derive_from(facts, on="2026-12-01")
        back = derive_from(f"{facts}\n2026-12-15 available-again", on="2026-12-20")
        assert only(gone, "ammr-transfer-6m").superseded_by == "ammr-transfer-absconded-3y"
        assert gone.status == "absconding"
        assert only(back, "ammr-transfer-absconded-3y").due == day("2029-09-10")
        assert only(back, "ammr-transfer-reappeared-3m").due == day("2027-03-15")
        assert back.status == "accepted"
        assert any("ask the lawyer" in warning for warning in back.warnings)

    def test_e8_forty_eight_hours_run_over_the_sunday(self) -> None:
        told = "2026-11-21T17:40:00+01:00 transfer-decision-notified in_detention=true"
        last = datetime.fromisoformat("2026-11-23T17:40:00+01:00")
        limit = only(derive_from(told, on=last.isoformat()), "fr-dublin-appeal-48h")
        assert limit.due == limit.due_strict == limit.due_rolled == last
        assert limit.state == "running"
        assert only(derive_from(told, on="2026-11-23T17:40:01+01:00"), "fr-dublin-appeal-48h").state == "expired"

    def test_e9_a_month_from_31_january_ends_in_february_and_rolls(self) -> None:
        procedure = derive_from("2027-01-31 asylum-decision-notified outcome=refused service=digital", on="2027-02-01")
        assert only(procedure, "fr-cnda-legal-aid-15d").due == day("2027-02-15")
        limit = only(procedure, "fr-cnda-1m")
        assert (limit.due_strict, limit.due_rolled, limit.due) == (
            day("2027-02-28"),
            day("2027-03-01"),
            day("2027-02-28"),
        )

    def test_e10_legal_aid_lets_the_month_stand_still(self) -> None:
        told = """
            2026-11-02 asylum-decision-notified outcome=refused
            2026-11-12 legal-aid-requested against=asylum-decision
            2026-12-03 legal-aid-decided against=asylum-decision outcome=granted notified_to=applicant
            2026-12-10 legal-aid-decided against=asylum-decision outcome=granted notified_to=lawyer
        """
        limit = only(derive_from(told, on="2026-12-11"), "fr-cnda-1m")
        assert (limit.due_strict, limit.due_rolled, limit.due) == (
            day("2026-12-29"),
            day("2026-12-30"),
            day("2026-12-29"),
        )
        assert limit.state == "running"


class TestTheShownCase:
    """Articles 41, 42, 43 and 46 of Regulation (EU) 2024/1351."""

    def test_reaches_every_date(self) -> None:
        procedure = derive_from(SHOWN, on="2026-11-23")
        confirmation = only(procedure, "ammr-take-back-confirm-2w")
        decision = only(procedure, "ammr-transfer-decision-2w")
        transfer = only(procedure, "ammr-transfer-6m")
        assert (confirmation.due, confirmation.whose, confirmation.state) == (day("2026-09-24"), "HR", "expired")
        assert (decision.starts, decision.due) == (day("2026-09-25"), day("2026-10-09"))
        assert (transfer.starts, transfer.due, transfer.state) == (day("2026-09-25"), day("2027-03-25"), "running")
        assert (procedure.regime, procedure.status, procedure.responsible_state) == ("ammr", "appeal-pending", "HR")
        assert only(procedure, "ammr-take-charge-request-2m").state == "superseded"

    def test_waits_for_the_day_after_the_reply_period(self) -> None:
        before = derive_from(SHOWN.split("2026-10-12", maxsplit=1)[0], on="2026-09-24")
        behind = derive_from(SHOWN.split("2026-10-12", maxsplit=1)[0], on="2026-09-25")
        assert (before.status, before.responsible_state) == ("take-back-notified", None)
        assert before.changes_on == day("2026-09-25")
        assert (behind.status, behind.responsible_state) == ("accepted", "HR")

    def test_assumes_receipt_on_the_day_of_sending_and_says_so(self) -> None:
        facts = "\n".join(line for line in SHOWN.splitlines() if "received" not in line)
        procedure = derive_from(facts, on="2026-11-23")
        assert only(procedure, "ammr-take-back-confirm-2w").due == day("2026-09-24")
        assert any("no receipt by Croatia is recorded" in warning for warning in procedure.warnings)

    def test_starts_the_transfer_window_anew_at_the_final_ruling(self) -> None:
        granted = f"{SHOWN}2026-11-02 suspensive-effect-granted ground=by-court\n"
        suspended = derive_from(granted, on="2026-11-23")
        assert suspended.status == "transfer-suspended"
        assert only(suspended, "ammr-transfer-6m").stopped_by == "suspensive-effect-granted"
        ended = derive_from(
            f"{granted}2027-01-15 appeal-decided against=transfer-decision outcome=dismissed final=true",
            on="2027-01-20",
        )
        assert ended.limit("ammr-transfer-6m").due == day("2027-07-15")
        assert ended.status == "transfer-decided"


class TestSuspension:
    """Article 29(1) of Regulation (EU) No 604/2013 and the rulings on it."""

    ACCEPTED = "2025-01-15 take-back-accepted HR\n2025-02-03 transfer-decision-notified appeal_days=7\n"

    def window(self, facts: str) -> tuple[str, date]:
        limit = derive_from(self.ACCEPTED + facts, on="2025-07-01").limit("dublin3-transfer-6m")
        return limit.state, limit.due_strict

    def test_an_appeal_alone_changes_nothing(self) -> None:
        assert self.window("2025-02-05 appeal-lodged against=transfer-decision") == ("running", day("2025-07-15"))

    def test_a_suspensive_appeal_stops_the_clock_until_the_final_decision(self) -> None:
        stay = (
            "2025-02-05 appeal-lodged against=transfer-decision\n2025-02-05 suspensive-effect-granted ground=by-right\n"
        )
        assert self.window(stay) == ("stopped", day("2025-07-15"))
        final = f"{stay}2025-05-06 appeal-decided against=transfer-decision outcome=dismissed final=true"
        assert self.window(final) == ("running", day("2025-11-06"))

    def test_a_decision_that_is_not_final_leaves_the_clock_stopped(self) -> None:
        stay = "2025-02-05 suspensive-effect-granted ground=by-court\n"
        first = f"{stay}2025-05-06 appeal-decided against=transfer-decision outcome=remitted final=false"
        elsewhere = derive_from(self.ACCEPTED + first, country="SE")
        assert elsewhere.limit("dublin3-transfer-6m").state == "stopped"
        assert any("recorded as not final" in w for w in elsewhere.warnings)

    def test_the_first_ruling_restarts_it_where_only_the_first_remedy_counts(self) -> None:
        stay = "2025-02-05 suspensive-effect-granted ground=by-court\n"
        first = f"{stay}2025-05-06 appeal-decided against=transfer-decision outcome=dismissed final=false"
        onward = f"{first}\n2025-06-02 suspensive-effect-granted ground=by-court"
        assert self.window(onward) == ("running", day("2025-11-06"))
        assert any("Conseil d'État, 24 September 2018" in w for w in derive_from(self.ACCEPTED + onward).warnings)

    def test_the_day_on_which_the_authority_is_told_is_the_later_start(self) -> None:
        stay = "2025-02-05 suspensive-effect-granted ground=by-court\n"
        ruling = f"{stay}2025-05-06 appeal-decided against=transfer-decision outcome=dismissed told_on=2025-05-19"
        limit = derive_from(self.ACCEPTED + ruling).limit("dublin3-transfer-6m")
        assert (limit.due_strict, limit.due_rolled) == (day("2025-11-06"), day("2025-11-19"))

    def test_an_annulled_decision_with_suspensive_effect_starts_the_window_at_the_ruling(self) -> None:
        stay = "2025-02-05 suspensive-effect-granted ground=by-court\n"
        won = f"{stay}2025-05-06 appeal-decided against=transfer-decision outcome=annulled final=true"
        assert self.window(won) == ("running", day("2025-11-06"))

    @pytest.mark.parametrize(
        ("facts", "told"),
        [
            ("2025-02-05 suspensive-effect-granted ground=administrative", "C-245/21"),
            (
                "2025-02-05 appeal-lodged against=return-decision\n"
                "2025-02-06 suspensive-effect-granted ground=by-court",
                "C-338/21",
            ),
            (
                "2025-02-05 appeal-lodged against=transfer-decision by=authority\n"
                "2025-02-06 suspensive-effect-granted ground=by-court",
                "C-556/21",
            ),
        ],
    )
    def test_some_suspensions_do_not_stop_the_clock(self, facts: str, told: str) -> None:
        assert self.window(facts) == ("running", day("2025-07-15"))
        assert any(told in warning for warning in derive_from(self.ACCEPTED + facts).warnings)

    def test_a_suspension_after_the_end_of_the_window_comes_too_late(self) -> None:
        late = "2025-07-16 suspensive-effect-granted ground=by-court"
        assert derive_from(self.ACCEPTED + late).limit("dublin3-transfer-6m").state == "expired"


class TestAbsconding:
    """Article 29(2) of Regulation (EU) No 604/2013; C-163/17 Jawo; Article 46(2) of Regulation (EU) 2024/1351."""

    def test_counts_eighteen_months_from_the_start_of_the_window(self) -> None:
        facts = "2024-01-15 take-back-accepted HR\n2024-07-15 absconding-notified HR ground=absconded"
        assert only(derive_from(facts), "dublin3-transfer-absconded-18m").due_strict == day("2025-07-15")

    def test_a_notice_after_the_six_months_is_void(self) -> None:
        facts = "2024-01-15 take-back-accepted HR\n2024-07-16 absconding-notified HR ground=absconded"
        procedure = derive_from(facts)
        assert only(procedure, "dublin3-transfer-6m").state == "expired"
        assert not [d for d in procedure.deadlines if d.rule == "dublin3-transfer-absconded-18m"]
        assert any("comes too late to lengthen it" in warning for warning in procedure.warnings)

    def test_only_absconding_counts_under_the_old_regulation(self) -> None:
        procedure = derive_from("2024-01-15 take-back-accepted HR\n2024-03-15 absconding-notified HR ground=resists")
        assert only(procedure, "dublin3-transfer-6m").state == "expired"
        assert any("another ground than absconding" in warning for warning in procedure.warnings)

    def test_a_return_with_three_months_left_leaves_the_base_window(self) -> None:
        facts = """2026-08-03 take-back-confirmed HR
                   2026-08-20 absconding-notified HR ground=absconded
                   2026-09-15 available-again"""
        procedure = derive_from(facts, on="2026-10-01")
        assert only(procedure, "ammr-transfer-6m").state == "running"
        assert not [d for d in procedure.deadlines if d.rule == "ammr-transfer-reappeared-3m"]
        assert any("three months or more of the base period left" in warning for warning in procedure.warnings)

    def test_a_second_notice_long_after_is_not_called_late(self) -> None:
        facts = """2026-08-03 take-back-confirmed HR
                   2026-08-20 absconding-notified HR ground=absconded
                   2027-10-20 absconding-notified HR ground=absconded"""
        assert not any("too late" in warning for warning in derive_from(facts).warnings)

    def test_a_second_return_opens_no_second_window(self) -> None:
        facts = """2026-08-03 take-back-confirmed HR
                   2026-08-20 absconding-notified HR ground=absconded
                   2026-12-15 available-again
                   2027-01-20 available-again"""
        assert only(derive_from(facts), "ammr-transfer-reappeared-3m").due == day("2027-03-15")

    def test_a_second_absconding_after_a_return_counts_anew(self) -> None:
        facts = """2026-08-03 take-back-confirmed HR
                   2026-08-20 absconding-notified HR ground=absconded
                   2026-12-15 available-again
                   2027-01-20 absconding-notified HR ground=absconded"""
        procedure = derive_from(facts, on="2027-02-01")
        assert procedure.limit("ammr-transfer-absconded-3y").due == day("2030-01-21")  # the 20th is a Sunday
        assert procedure.status == "absconding"

    def test_a_second_notice_without_a_return_changes_nothing(self) -> None:
        facts = """2026-08-03 take-back-confirmed HR
                   2026-08-20 absconding-notified HR ground=absconded
                   2026-10-20 absconding-notified HR ground=absconded"""
        assert only(derive_from(facts), "ammr-transfer-absconded-3y").due == day("2029-08-20")


class TestSilence:
    """Where silence is an answer, and where it is none."""

    def test_strict_chains_from_strict_and_rolled_from_rolled(self) -> None:
        facts = "2026-09-10 take-charge-requested PL basis=other\n2026-09-10 take-charge-request-received PL"
        limit = only(
            derive_from(facts), "ammr-transfer-6m"
        )  # the month ends on Saturday 10, moved to Monday 12 October
        assert (limit.starts, limit.due_strict, limit.due_rolled) == (
            day("2026-10-13"),
            day("2027-04-11"),
            day("2027-04-13"),
        )

    def test_a_refusal_after_the_end_does_not_undo_it(self) -> None:
        facts = "2025-02-03 take-back-requested HR basis=eurodac\n2025-03-20 take-back-refused HR"
        procedure = derive_from(facts)
        assert (procedure.status, procedure.responsible_state) == ("accepted", "HR")
        assert any("its silence had already become an acceptance" in warning for warning in procedure.warnings)

    def test_a_refusal_in_time_is_a_refusal(self) -> None:
        procedure = derive_from("2025-02-03 take-back-requested HR basis=eurodac\n2025-02-10 take-back-refused HR")
        assert (procedure.status, procedure.responsible_state) == ("refused", None)

    @pytest.mark.parametrize("kind", ["humanitarian", "reexamination"])
    def test_it_is_none_for_humanitarian_requests_and_re_examination(self, kind: str) -> None:
        procedure = derive_from(f"2025-02-03 {kind}-requested DE")
        assert procedure.responsible_state is None
        assert any("Silence is not acceptance" in warning for warning in procedure.warnings)

    def test_an_urgent_request_is_accepted_by_two_weeks_of_silence_not_one(self) -> None:
        facts = "2026-09-10 take-charge-requested PL basis=other urgent_days=7"
        early, late = derive_from(facts, on="2026-09-20"), derive_from(facts, on="2026-09-25")
        assert only(early, "ammr-take-charge-reply-urgent").state == "expired"
        assert early.responsible_state is None
        assert early.changes_on == day("2026-09-25")
        assert late.responsible_state == "PL"

    def test_a_late_answer_to_an_urgent_request_still_counts_within_two_weeks(self) -> None:
        asked = "2026-09-10 take-charge-requested PL basis=other urgent_days=7\n"
        refused, accepted = (
            derive_from(f"{asked}2026-09-21 take-charge-{answer} PL") for answer in ("refused", "accepted")
        )
        assert (refused.status, refused.responsible_state) == ("refused", None)
        assert only(accepted, "ammr-transfer-6m").starts == day("2026-09-21")

    def test_binds_a_relocation_state(self) -> None:
        procedure = derive_from("2026-09-01 application-registered\n2026-09-10 relocation-file-received DE")
        assert only(procedure, "ammr-relocation-decision-1w").starts == day("2026-09-18")
        postponed = derive_from(
            "2026-09-01 application-registered\n2026-09-10 relocation-file-received DE\n"
            "2026-09-16 relocation-reply-postponed"
        )
        assert only(postponed, "ammr-relocation-confirm-1w").due == day("2026-09-24")


class TestRegime:
    """Articles 83 to 85 of Regulation (EU) 2024/1351."""

    @pytest.mark.parametrize(
        ("facts", "regime"),
        [
            ("2026-06-30 application-registered", "dublin3-open"),
            ("2026-07-01 application-registered", "ammr"),
            ("2026-06-30 application-made\n2026-07-02 application-registered", "ammr"),
            ("2025-01-15 application-registered", "dublin3"),
            ("2025-01-15 application-registered\n2025-02-03 take-charge-accepted HR", "dublin3"),
            ("2025-01-15 application-registered\n2026-01-03 take-charge-accepted HR", "dublin3-open"),
            ("2025-01-15 application-registered\n2026-08-03 transfer-decided", "dublin3-open"),
            ("2026-01-15 application-registered\n2026-02-20 transferred", "dublin3"),
        ],
    )
    @pytest.mark.parametrize("on", ["2026-01-01", "2026-07-01", "2028-01-01"])
    def test_follows_registration_and_what_was_running(self, facts: str, regime: str, on: str) -> None:
        assert derive_from(facts, on=on).regime == regime

    def test_keeps_the_old_criteria_in_both_readings(self) -> None:
        procedure = derive_from("2025-11-03 irregular-crossing HR\n2026-06-15 application-registered")
        assert {d.reading for d in procedure.deadlines if d.rule == "dublin3-irregular-entry-12m"} == {"A", "B"}
        assert not [d for d in procedure.deadlines if d.rule == "ammr-entry-20m"]

    def test_never_applies_the_new_periods_to_what_was_over_before_them(self) -> None:
        facts = "2026-03-02 application-registered\n2026-05-04 take-charge-requested HR basis=other"
        procedure = derive_from(facts)
        assert not [d for d in procedure.deadlines if d.rule == "ammr-take-charge-reply-1m"]
        assert only(procedure, "dublin3-take-charge-reply-2m").due == day("2026-07-06")

    def test_takes_a_silence_of_the_old_law_into_the_second_reading(self) -> None:
        facts = "2026-03-02 application-registered\n2026-03-30 take-charge-requested HR basis=other"
        procedure = derive_from(facts)
        assert only(procedure, "ammr-transfer-6m", "B").starts == only(procedure, "dublin3-transfer-6m", "A").starts


class TestAppealPeriod:
    """Article 27(2) of Regulation (EU) No 604/2013; Article 43(2) of Regulation (EU) 2024/1351."""

    def test_the_printed_figure_wins_and_is_not_moved(self) -> None:
        procedure = derive_from(
            "2026-09-01 application-registered\n2026-10-03 transfer-decision-notified appeal_days=14"
        )
        limit = only(procedure, "ammr-appeal")
        assert limit.due == limit.due_strict == limit.due_rolled == day("2026-10-17")  # a Saturday
        assert limit.whose == "applicant"

    def test_without_a_figure_the_shortest_period_is_the_one_to_act_on(self) -> None:
        facts = "2026-09-01 application-registered\n2026-09-30 transfer-decision-notified"
        procedure = derive_from(facts, on="2026-10-01", country="PT")
        assert only(procedure, "ammr-appeal").due == day("2026-10-07")
        assert any("act by then, and record the printed figure" in warning for warning in procedure.warnings)

    def test_a_figure_outside_the_range_is_used_and_reported(self) -> None:
        procedure = derive_from(
            "2026-09-01 application-registered\n2026-09-30 transfer-decision-notified appeal_days=2"
        )
        assert only(procedure, "ammr-appeal").due == day("2026-10-02")
        assert any("raise the conflict" in warning for warning in procedure.warnings)

    def test_the_old_regulation_gives_no_date_without_a_figure(self) -> None:
        procedure = derive_from("2025-09-30 transfer-decision-notified", country="PT")
        assert not [d for d in procedure.deadlines if d.rule == "dublin3-appeal"]
        assert any("sets no figure: read it in the decision" in warning for warning in procedure.warnings)


class TestStatus:
    """The stages of the design; nothing but a recorded fact, or binding silence, moves them."""

    @pytest.mark.parametrize(
        ("facts", "status", "responsible"),
        [
            ("", "before-arrival", None),
            ("2026-09-01 application-made", "registered", None),
            ("2026-09-01 application-registered\n2026-09-02 vis-hit PL", "evidence-found", None),
            ("2026-09-02 take-charge-requested PL basis=vis\n2026-09-03 take-charge-refused PL", "refused", None),
            (
                "2026-09-02 take-charge-refused PL\n2026-09-03 reexamination-requested PL",
                "reexamination-requested",
                None,
            ),
            ("2026-09-02 take-charge-accepted PL\n2026-09-03 eurodac-hit HR category=asylum", "accepted", "PL"),
            ("2026-09-02 take-charge-accepted PL\n2026-09-03 transfer-decided", "transfer-decided", "PL"),
            (
                "2026-09-02 take-charge-accepted PL\n2026-09-03 transfer-decided\n2026-10-01 transfer-scheduled",
                "transfer-scheduled",
                "PL",
            ),
            (
                "2026-09-02 take-charge-accepted PL\n2026-10-01 transfer-scheduled\n2026-10-01 transfer-failed",
                "accepted",
                "PL",
            ),
            ("2026-09-02 take-charge-accepted PL\n2026-10-01 transferred", "transferred", "PL"),
            (
                "2026-09-02 take-charge-accepted PL\n2026-10-01 transferred\n2026-11-01 transfer-overturned",
                "registered",
                None,
            ),
            (
                "2026-09-02 take-charge-accepted PL\n2026-10-01 discretionary-clause-used",
                "responsibility-assumed",
                "FR",
            ),
            ("2026-09-01 application-registered\n2026-10-01 application-withdrawn", "closed", None),
            ("2026-09-02 take-charge-accepted PL\n2026-10-01 application-withdrawn", "accepted", "PL"),
            (
                "2026-09-02 take-charge-accepted PL\n2026-09-03 transfer-decided\n"
                "2026-09-10 appeal-lodged against=transfer-decision\n"
                "2026-10-10 appeal-decided against=transfer-decision outcome=annulled final=true",
                "accepted",
                "PL",
            ),
        ],
    )
    def test_is_the_latest_stage_reached(self, facts: str, status: str, responsible: str | None) -> None:
        procedure = derive_from(facts, on="2026-09-10")
        assert (procedure.status, procedure.responsible_state) == (status, responsible)

    def test_a_passed_transfer_window_is_a_claim_and_moves_nothing(self) -> None:
        procedure = derive_from("2026-09-02 take-charge-accepted PL", on="2028-01-01")
        assert (procedure.status, procedure.responsible_state) == ("accepted", "PL")
        assert any(w.startswith('Claim to argue: "Transfer" ended on 2 March 2027') for w in procedure.warnings)

    def test_a_claim_falls_silent_once_responsibility_is_acknowledged(self) -> None:
        facts = "2026-09-02 take-charge-accepted PL\n2027-04-01 responsibility-acknowledged"
        procedure = derive_from(facts, on="2028-01-01")
        assert (procedure.status, procedure.responsible_state) == ("responsibility-assumed", "FR")
        assert not any("Claim" in warning for warning in procedure.warnings)


class TestDetention:
    """Article 28(3) of Regulation (EU) No 604/2013; Article 45 of Regulation (EU) 2024/1351."""

    def test_a_take_back_keeps_its_two_weeks(self) -> None:
        procedure = derive_from("2026-09-01 detained ground=transfer\n2026-09-10 take-back-notified HR")
        assert only(procedure, "ammr-take-back-confirm-2w").due == day("2026-09-24")
        assert not [d for d in procedure.deadlines if d.rule == "ammr-detention-reply-1w"]

    def test_detention_on_another_ground_brings_no_short_periods(self) -> None:
        procedure = derive_from("2026-09-01 detained ground=return\n2026-09-10 take-charge-accepted PL")
        assert not [d for d in procedure.deadlines if d.rule.startswith("ammr-detention")]

    def test_the_short_window_stands_beside_the_long_one(self) -> None:
        procedure = derive_from(
            "2026-09-01 detained ground=transfer\n2026-09-10 take-charge-accepted PL", on="2026-09-11"
        )
        assert only(procedure, "ammr-detention-transfer-5w").state == "running"
        assert only(procedure, "ammr-transfer-6m").state == "running"

    def test_detention_after_the_acceptance_is_counted_from_itself_with_a_warning(self) -> None:
        facts = "2025-01-15 take-back-accepted HR\n2025-03-03 detained ground=transfer"
        procedure = derive_from(facts)
        assert only(procedure, "dublin3-detention-transfer-6w").due_strict == day("2025-04-14")
        assert any("C-60/16 Amayry" in warning for warning in procedure.warnings)


class TestCountingTheRightHolidays:
    """Article 75(d): the holidays of the state concerned; section 1.1 of the legal reference."""

    def test_a_reply_uses_the_requested_states_calendar(self) -> None:
        # 22 June is Anti-Fascist Struggle Day in Croatia, an ordinary Tuesday in France.
        facts = "2027-06-08 take-back-notified HR\n2027-06-08 take-back-notification-received HR"
        assert only(derive_from(facts), "ammr-take-back-confirm-2w").due_rolled == day("2027-06-23")

    def test_a_region_has_its_own_days(self) -> None:
        facts = "2027-03-12 take-charge-accepted PL"  # two weeks later it is Good Friday, a holiday in Moselle
        everywhere = only(derive_from(facts), "ammr-transfer-decision-2w")
        moselle = only(derive_from(facts, region="FR-57"), "ammr-transfer-decision-2w")
        assert everywhere.due_rolled == day("2027-03-26")
        assert moselle.due_rolled == day("2027-03-30")
        assert moselle.calendar.startswith("FR-57 holidays-")

    def test_an_unknown_calendar_or_region_is_said(self) -> None:
        elsewhere = replace(case_from("2027-03-12 take-charge-accepted PL"), country="XZ")
        unknown = derive.procedure(elsewhere, on=day("2027-04-01"))
        assert any("are not known here" in warning for warning in unknown.warnings)
        region = derive_from("2027-03-12 take-charge-accepted PL", region="FR-01")
        assert any("those of all France were used" in warning for warning in region.warnings)


class TestSetByOthers:
    """Dates that a court or an authority set get reminders like any other."""

    def test_a_hearing_with_its_hour_is_a_limit(self) -> None:
        limit = only(
            derive_from("2026-12-03T09:30:00+01:00 appointment kind=hearing", on="2026-12-03"), "appointment-hearing"
        )
        assert limit.due.isoformat() == "2026-12-03T09:30:00+01:00"
        assert (limit.state, limit.whose) == ("running", "applicant")
        assert any("3 December 2026, 09:30" in sentence for sentence in limit.because)

    def test_a_cancelled_appointment_is_stopped(self) -> None:
        facts = "2026-12-03 appointment kind=interview\n2026-12-03 appointment-cancelled kind=interview"
        assert only(derive_from(facts), "appointment-interview").stopped_by == "appointment-cancelled"

    @pytest.mark.parametrize("by", ["court", "authority"])
    def test_a_set_date_runs_is_met_or_expires(self, by: str) -> None:
        facts = f"2026-11-02 time-limit-set what=statement due=2026-12-01 whose=applicant by={by}"
        rule = f"set-by-{by}"
        assert only(derive_from(facts, on="2026-12-01"), rule).state == "running"
        assert only(derive_from(facts, on="2026-12-02"), rule).state == "expired"
        met = only(derive_from(f"{facts}\n2026-11-20 time-limit-met what=statement"), rule)
        assert (met.state, met.met_on) == ("met", day("2026-11-20"))


class TestReasons:
    """Every date says which fact started it, how it was counted, what moved or closed it."""

    def test_an_estimated_start_is_told(self) -> None:
        facts = "2026-08-31 take-charge-accepted HR certainty=estimated"
        limit = only(derive_from(facts), "ammr-transfer-6m")
        assert limit.certainty == "estimated"
        assert any("is an estimate" in sentence for sentence in limit.because)

    def test_a_capped_period_names_what_caps_it(self) -> None:
        facts = "2025-01-15 application-recorded\n2025-03-01 eurodac-hit HR category=irregular-crossing"
        limit = only(derive_from(facts), "dublin3-take-charge-request-hit-2m")
        assert limit.due_strict == day("2025-04-15")
        assert any('"Take charge request"' in sentence for sentence in limit.because)

    def test_a_day_between_the_two_ends_is_told(self) -> None:
        facts = "2025-08-31 take-back-accepted HR\n2026-03-01 transferred"
        procedure = derive_from(facts)
        assert only(procedure, "dublin3-transfer-6m").state == "met"
        assert any("whether that was in time is open" in warning for warning in procedure.warnings)

    def test_facts_ahead_of_the_day_are_counted_and_told(self) -> None:
        procedure = derive_from("2026-09-02 take-charge-accepted PL", on="2026-09-01")
        assert procedure.status == "accepted"
        assert any("dated after 1 September 2026" in warning for warning in procedure.warnings)

    def test_without_explanations_nothing_else_changes(self) -> None:
        case = case_from(SHOWN)
        plain = derive.procedure(case, on=day("2026-11-23"), explain=False)
        assert all(deadline.because == () for deadline in plain.deadlines)
        assert plain.warnings == derive.procedure(case, on=day("2026-11-23")).warnings

    def test_a_deemed_service_is_told(self) -> None:
        limit = only(derive_from("2026-09-30 transfer-decision-notified service=deemed"), "ammr-appeal")
        assert any("although nobody took it" in sentence for sentence in limit.because)

    def test_a_limit_that_was_not_derived_is_no_answer(self) -> None:
        with pytest.raises(KeyError):
            derive_from("").limit("ammr-transfer-6m")


class TestFactsThatDoNotFit:
    """They are told, and left out of account."""

    @pytest.mark.parametrize(
        ("facts", "told"),
        [
            ("2026-09-01 application-registered HR", "was made in Croatia; it starts no period"),
            ("2026-09-01 application-lodged", "The day of registration is not recorded"),
            ("2026-09-01 take-charge-requested PL", "does not say what it rests on"),
            (
                "2026-06-01 application-registered\n2026-08-01 application-registered",
                "both before and after 1 July 2026",
            ),
            ("2026-09-01 vis-hit PL\n2026-09-01 take-charge-requested PL basis=vis", "no receipt by Poland"),
        ],
    )
    def test_are_told(self, facts: str, told: str) -> None:
        assert any(told in warning for warning in derive_from(facts).warnings)

    def test_start_no_period(self) -> None:
        elsewhere = derive_from("2026-09-01 application-registered HR")
        assert elsewhere.deadlines == ()

    def test_a_derogation_that_begins_while_a_period_runs_is_a_question(self) -> None:
        facts = "2026-09-01 application-registered\n2026-09-20 crisis-derogation FR until=2026-12-01"
        procedure = derive_from(facts)
        assert only(procedure, "ammr-take-charge-request-2m").state == "expired"
        assert any("whether it lengthens a running period is open" in warning for warning in procedure.warnings)


class TestImprisonment:
    """Article 29(2) of Regulation (EU) No 604/2013: criminal imprisonment, by a judicial decision."""

    def test_one_that_already_lasts_counts_from_the_start_of_the_window(self) -> None:
        procedure = derive_from("2024-11-01 imprisoned\n2025-02-04 take-back-accepted HR")
        assert only(procedure, "dublin3-transfer-imprisoned-12m").due == day("2026-02-04")

    def test_one_that_was_over_before_changes_nothing(self) -> None:
        procedure = derive_from("2024-11-01 imprisoned\n2025-01-01 prison-released\n2025-02-04 take-back-accepted HR")
        assert not [d for d in procedure.deadlines if d.rule == "dublin3-transfer-imprisoned-12m"]

    def test_a_release_within_the_ordinary_window_is_a_question(self) -> None:
        procedure = derive_from("2025-02-04 take-back-accepted HR\n2025-03-01 imprisoned\n2025-04-01 prison-released")
        assert any("whether the longer period still applies is open" in warning for warning in procedure.warnings)

    def test_after_absconding_it_changes_nothing(self) -> None:
        facts = """2024-02-05 take-back-accepted HR
                   2024-03-01 absconding-notified HR ground=absconded
                   2024-04-01 imprisoned"""
        procedure = derive_from(facts)
        assert only(procedure, "dublin3-transfer-absconded-18m").due_strict == day("2025-08-05")
        assert not [d for d in procedure.deadlines if d.rule == "dublin3-transfer-imprisoned-12m"]


class TestSpells:
    """Stretches between two facts of one day go by the hour."""

    def test_released_and_detained_again_on_one_day(self) -> None:
        facts = """2026-09-01T09:00:00+02:00 detained ground=transfer
                   2026-09-03T10:00:00+02:00 released
                   2026-09-03T15:00:00+02:00 detained ground=transfer
                   2026-09-07 take-charge-accepted PL"""
        assert only(derive_from(facts), "ammr-detention-transfer-5w").due_strict == day("2026-10-12")

    def test_detained_and_released_on_one_day(self) -> None:
        facts = "2026-09-01 detained ground=transfer\n2026-09-01 released\n2026-09-07 take-charge-accepted PL"
        assert not [d for d in derive_from(facts).deadlines if d.rule == "ammr-detention-transfer-5w"]

    def test_a_second_stay_of_suspension_stops_the_new_window(self) -> None:
        facts = """2026-09-01 take-charge-accepted PL
                   2026-09-10 suspensive-effect-granted ground=by-court
                   2026-10-01 suspensive-effect-ended
                   2026-10-05 suspensive-effect-granted ground=by-court"""
        procedure = derive_from(facts)
        windows = [d for d in procedure.deadlines if d.rule == "ammr-transfer-6m"]
        assert [d.state for d in windows] == ["superseded", "stopped"]
        assert procedure.status == "transfer-suspended"


class TestTransfersAndReturns:
    """C-360/16 Hasan: who comes back after a transfer meets a new procedure."""

    def test_a_new_acceptance_after_a_transfer_opens_a_new_window(self) -> None:
        facts = """2026-09-01 take-charge-accepted PL
                   2026-10-01 transferred
                   2026-12-01 returned-to-territory
                   2026-12-10 take-back-confirmed PL"""
        procedure = derive_from(facts, on="2026-12-20")
        assert [d.state for d in procedure.deadlines if d.rule == "ammr-transfer-6m"] == ["met", "running"]
        assert procedure.status == "accepted"

    def test_a_second_answer_while_the_window_runs_changes_nothing(self) -> None:
        facts = "2026-09-01 take-charge-accepted PL\n2026-10-01 take-charge-accepted PL"
        assert only(derive_from(facts), "ammr-transfer-6m").starts == day("2026-09-01")

    def test_another_state_has_a_window_of_its_own(self) -> None:
        facts = "2026-09-01 take-charge-accepted PL\n2026-10-01 take-back-confirmed HR"
        procedure = derive_from(facts)
        assert [d.concerns for d in procedure.deadlines if d.rule == "ammr-transfer-6m"] == ["PL", "HR"]
        assert procedure.responsible_state == "HR"

    def test_a_failed_transfer_does_not_stop_the_notice_for_the_next(self) -> None:
        facts = """2026-09-10 take-charge-accepted DE
                   2026-10-01 transfer-scheduled
                   2026-10-01 transfer-failed
                   2026-11-02 transfer-scheduled"""
        forms = [d for d in derive_from(facts, on="2026-10-05").deadlines if d.rule == "ammr-transfer-form-7-14d"]
        assert [(d.due, d.state) for d in forms] == [(day("2026-09-24"), "expired"), (day("2026-10-26"), "running")]


class TestEdges:
    """The day itself, at every border that a date can fall on."""

    def test_an_answer_between_the_two_ends_leaves_both_counts(self) -> None:
        facts = "2026-09-10 take-charge-requested PL basis=other\n2026-10-12 take-charge-accepted PL"
        limit = only(derive_from(facts), "ammr-transfer-6m")  # the strict count ended on Saturday, 10 October
        assert (limit.due_strict, limit.due_rolled) == (day("2027-04-11"), day("2027-04-12"))

    def test_three_months_left_to_the_day_are_enough(self) -> None:
        facts = """2026-08-03 take-back-confirmed HR
                   2026-08-20 absconding-notified HR ground=absconded
                   2026-11-03 available-again"""
        assert only(derive_from(facts, on="2026-11-10"), "ammr-transfer-6m").state == "running"

    def test_a_decision_that_does_not_say_whether_it_is_final_is_taken_as_final(self) -> None:
        facts = """2026-09-01 take-charge-accepted PL
                   2026-09-10 suspensive-effect-granted ground=by-court
                   2026-10-01 appeal-decided against=transfer-decision outcome=dismissed"""
        assert derive_from(facts, on="2026-10-02").limit("ammr-transfer-6m").due == day("2027-04-01")

    def test_a_suspension_may_end_on_the_day_on_which_it_began(self) -> None:
        facts = """2026-09-01 take-charge-accepted PL
                   2026-09-10 suspensive-effect-granted ground=by-court
                   2026-09-10 suspensive-effect-ended"""
        assert derive_from(facts, on="2026-10-02").status == "accepted"

    @pytest.mark.parametrize(
        ("registered", "rule"),
        [
            ("2026-08-31", "ammr-take-charge-request-2m"),
            ("2026-09-01", "ammr-crisis-take-charge-request-4m"),
            ("2026-10-01", "ammr-crisis-take-charge-request-4m"),
            ("2026-10-02", "ammr-take-charge-request-2m"),
        ],
    )
    def test_a_derogation_holds_on_its_first_and_last_day(self, registered: str, rule: str) -> None:
        facts = f"2026-09-01 crisis-derogation FR until=2026-10-01\n{registered} application-registered"
        assert only(derive_from(facts, on="2026-10-02"), rule).state == "running"

    def test_a_step_on_the_day_of_the_change_opens_the_case(self) -> None:
        assert derive_from("2025-01-15 application-registered\n2026-07-01 transfer-decided").regime == "dublin3-open"

    def test_detention_on_the_day_of_registration_is_no_later_detention(self) -> None:
        procedure = derive_from("2026-09-01 application-registered\n2026-09-01 detained ground=transfer")
        rules = {deadline.rule for deadline in procedure.deadlines}
        assert "ammr-detention-request-2w" in rules
        assert "ammr-detention-later-1w" not in rules

    def test_detention_after_a_month_brings_no_month_for_the_request(self) -> None:
        procedure = derive_from("2025-02-03 application-recorded\n2025-03-04 detained ground=transfer")
        assert not [d for d in procedure.deadlines if d.rule == "dublin3-detention-request-1m"]

    def test_nothing_is_contested_before_the_strict_end_has_passed(self) -> None:
        facts = "2025-08-31 take-back-accepted HR"
        contested = [derive_from(facts, on=on).warnings for on in ("2026-02-28", "2026-03-01")]
        assert ["by the strict count" in "".join(warnings) for warnings in contested] == [False, True]

    def test_who_is_released_on_the_last_day_has_no_claim_to_release(self) -> None:
        facts = "2026-12-10 detained ground=transfer\n2026-12-18 take-back-confirmed HR\n2027-01-04 released"
        assert not any('"Transfer decision" ended' in warning for warning in derive_from(facts).warnings)

    def test_an_answer_before_a_second_request_belongs_to_the_first(self) -> None:
        facts = """2026-09-01 take-charge-requested PL basis=other
                   2026-09-10 take-charge-refused PL
                   2026-09-20 take-charge-requested PL basis=other"""
        states = [d.state for d in derive_from(facts).deadlines if d.rule == "ammr-take-charge-reply-1m"]
        assert states == ["met", "expired"]
