"""Windows that something on record leaves open: no claim is made bare that an adversary could take apart."""

from __future__ import annotations

from tests.law.cases import day, derive_from, only

ABSCONDED_WHILE_SUSPENDED = """
    2026-08-01 application-registered
    2026-08-10 take-back-notified HR
    2026-08-20 take-back-confirmed HR
    2026-09-01 transfer-decision-notified
    2026-09-03 appeal-lodged against=transfer-decision
    2026-09-05 suspensive-effect-granted ground=by-court
    2026-10-05 absconding-notified HR ground=absconded
"""
RULED = "2026-11-20 appeal-decided against=transfer-decision outcome=dismissed"

OLD_ABSCONDED_WHILE_SUSPENDED = """
    2025-01-10 application-registered
    2025-02-01 take-back-requested HR basis=eurodac
    2025-02-10 take-back-accepted HR
    2025-03-01 transfer-decision-notified
    2025-03-05 appeal-lodged against=transfer-decision
    2025-03-05 suspension-requested
    2025-03-05 suspensive-effect-granted ground=by-right
    2025-04-10 absconding-notified HR ground=absconded
    2025-04-20 suspensive-effect-refused
"""

APPEALED = """
    2025-03-01 application-registered
    2025-03-10 take-back-requested HR basis=eurodac
    2025-03-20 take-back-accepted HR
    2025-05-01 transfer-decision-notified
    2025-05-05 appeal-lodged against=transfer-decision
"""

BARE = 'Claim to argue: "Transfer'
RESERVED = 'Claim to argue with reserve: "Transfer'


def joined(*parts: str) -> str:
    return "\n".join(part.strip() for part in parts)


def said(warnings: tuple[str, ...], *parts: str) -> bool:
    return any(all(part in warning for part in parts) for warning in warnings)


class TestAbscondingOutsideAWindow:
    """Art. 46(2) Regulation (EU) 2024/1351; C-163/17 Jawo: the notice must come in time; here none was running."""

    def test_three_years_from_the_notice_are_taken_over_into_the_window_after_the_suspension(self) -> None:
        found = derive_from(joined(ABSCONDED_WHILE_SUSPENDED, RULED), on="2027-06-26", country="DE")
        longer = only(found, "ammr-transfer-absconded-3y")
        assert (longer.starts, longer.due, longer.state) == (day("2026-10-05"), day("2029-10-05"), "running")
        anew = next(d for d in found.deadlines if d.rule == "ammr-transfer-6m" and d.starts == day("2026-11-20"))
        assert anew.superseded_by == "ammr-transfer-absconded-3y"
        assert said(found.warnings, "no transfer period was running", "Art. 46(2)", "C-163/17", "5 October 2029")
        assert not said(found.warnings, "Claim to argue", '"Transfer')

    def test_the_claim_comes_after_the_later_end(self) -> None:
        found = derive_from(joined(ABSCONDED_WHILE_SUSPENDED, RULED), on="2029-10-06", country="DE")
        assert said(found.warnings, BARE, "5 October 2029")

    def test_the_three_years_never_shorten_a_window(self) -> None:
        late = "2029-09-20 appeal-decided against=transfer-decision outcome=dismissed"
        found = derive_from(joined(ABSCONDED_WHILE_SUSPENDED, late), on="2029-11-01", country="DE")
        assert [d.due for d in found.deadlines if d.rule.startswith("ammr-transfer-") and d.state == "running"] == [
            day("2030-03-20")
        ]

    def test_while_the_suspension_stands_the_question_is_named(self) -> None:
        found = derive_from(ABSCONDED_WHILE_SUSPENDED, on="2026-12-26", country="DE")
        assert only(found, "ammr-transfer-6m").state == "stopped"
        assert said(found.warnings, "no transfer period was running", "5 October 2026", "Art. 46(2)")

    def test_a_person_who_is_back_before_the_window_leaves_the_claim_open(self) -> None:
        back = "2026-11-01 available-again"
        found = derive_from(joined(ABSCONDED_WHILE_SUSPENDED, back, RULED), on="2027-06-26", country="DE")
        assert all(d.rule != "ammr-transfer-absconded-3y" for d in found.deadlines)
        assert said(found.warnings, RESERVED, "20 May 2027", "5 October 2029")
        assert not said(found.warnings, BARE)

    def test_before_a_silent_acceptance_it_counts_too(self) -> None:
        facts = """
            2026-08-01 application-registered
            2026-08-10 take-back-notified HR
            2026-08-20 absconding-notified HR ground=absconded
        """
        found = derive_from(facts, on="2027-03-26", country="DE")
        assert only(found, "ammr-transfer-6m").state == "superseded"
        assert only(found, "ammr-transfer-absconded-3y").due == day("2029-08-20")
        assert said(found.warnings, "no transfer period was running", "20 August 2026")
        assert not said(found.warnings, "Claim to argue", '"Transfer')

    def test_under_dublin_the_eighteen_months_are_only_shown_as_open(self) -> None:
        found = derive_from(OLD_ABSCONDED_WHILE_SUSPENDED, on="2025-12-01", country="DE")
        assert all(d.rule != "dublin3-transfer-absconded-18m" for d in found.deadlines)
        assert said(found.warnings, RESERVED, "20 October 2025", "20 October 2026")
        assert said(found.warnings, "no transfer period was running", "C-163/17 Jawo")
        assert not said(found.warnings, BARE)

    def test_a_notice_before_any_request_to_that_state_is_of_another_procedure(self) -> None:
        facts = """
            2026-08-01 application-registered
            2026-08-05 absconding-notified HR ground=absconded
            2026-08-10 take-back-notified HR
            2026-08-20 take-back-confirmed HR
        """
        found = derive_from(facts, on="2027-03-26", country="DE")
        assert said(found.warnings, BARE)
        assert not said(found.warnings, "no transfer period was running")

    def test_a_notice_within_the_window_is_as_before(self) -> None:
        facts = "2025-02-10 take-back-accepted HR\n2025-04-10 absconding-notified HR ground=absconded"
        found = derive_from(facts, on="2025-12-01", country="DE")
        assert only(found, "dublin3-transfer-absconded-18m").state == "running"
        assert not said(found.warnings, "no transfer period was running")


class TestAnAppealWithoutAWordAboutItsEffect:
    """National law may suspend by right: Art. L. 572-2 CESEDA; § 34a AsylG (BVerwG 1 C 42.20)."""

    def test_the_later_end_is_counted_from_the_ruling(self) -> None:
        ruled = "2025-06-10 appeal-decided against=transfer-decision outcome=dismissed told_on=2025-06-12"
        found = derive_from(joined(APPEALED, ruled), on="2025-10-01")
        assert only(found, "dublin3-transfer-6m").state == "expired"
        assert found.responsible_state == "HR"
        assert said(found.warnings, RESERVED, "12 June 2025", "12 December 2025", "L. 572-2", "BVerwG 1 C 42.20")
        assert not said(found.warnings, BARE)

    def test_or_from_the_refusal_of_the_urgent_request(self) -> None:
        refused = "2025-05-05 suspension-requested\n2025-07-10 suspensive-effect-refused"
        found = derive_from(joined(APPEALED, refused), on="2025-10-01", country="DE")
        assert said(found.warnings, RESERVED, "10 July 2025", "12 January 2026")
        assert not said(found.warnings, BARE)

    def test_without_a_ruling_the_end_is_not_known(self) -> None:
        for country in ("FR", "NL"):
            found = derive_from(joined(APPEALED, "2025-05-05 suspension-requested"), on="2025-10-01", country=country)
            assert said(found.warnings, RESERVED, "its end is not known yet", "Record the suspensive effect")
            assert not said(found.warnings, BARE)

    def test_under_the_new_regulation_too(self) -> None:
        facts = ABSCONDED_WHILE_SUSPENDED.replace("suspensive-effect-granted ground=by-court", "suspension-requested")
        facts = facts.replace("2026-10-05 absconding-notified HR ground=absconded", "")
        found = derive_from(facts, on="2027-03-01")
        assert said(found.warnings, "no transfer before it is decided")
        assert said(found.warnings, RESERVED, "its end is not known yet")
        assert not said(found.warnings, BARE)

    def test_the_claim_is_bare_where_the_effect_is_on_record(self) -> None:
        effect = "2025-05-05 suspensive-effect-granted ground=by-right"
        ruled = "2025-06-10 appeal-decided against=transfer-decision outcome=dismissed"
        found = derive_from(joined(APPEALED, effect, ruled), on="2026-01-01")
        assert said(found.warnings, BARE, "10 December 2025")
        assert not said(found.warnings, RESERVED)

    def test_the_appeal_of_the_authority_leaves_nothing_open(self) -> None:
        own = APPEALED.replace(
            "appeal-lodged against=transfer-decision", "appeal-lodged against=transfer-decision by=authority"
        )
        found = derive_from(own, on="2025-10-01")
        assert said(found.warnings, BARE)
        assert not said(found.warnings, RESERVED)

    def test_an_appeal_after_the_window_leaves_nothing_open(self) -> None:
        found = derive_from(APPEALED.replace("2025-05-05", "2025-09-30"), on="2025-10-01")
        assert said(found.warnings, BARE)
        assert not said(found.warnings, RESERVED)


class TestTheCap:
    """The two months after a hit never end after those of the application, but of this application."""

    def test_is_not_of_an_application_that_was_given_up(self) -> None:
        facts = """
            2026-07-05 application-registered
            2026-07-25 application-withdrawn
            2026-08-05 application-closed
            2026-11-02 application-registered
            2026-11-04 eurodac-hit IT category=irregular-crossing
            2026-11-06 take-charge-requested IT basis=eurodac
        """
        found = derive_from(facts, on="2026-11-08", country="DE")
        limit = only(found, "ammr-take-charge-request-hit-1m")
        assert (limit.due, limit.state, limit.met_on) == (day("2026-12-04"), "met", day("2026-11-06"))
        assert not said(found.warnings, '"Take charge request after a Eurodac or VIS hit" ended')

    def test_is_of_no_closed_application_where_the_new_one_was_only_registered(self) -> None:
        facts = """
            2025-01-10 application-lodged
            2025-03-01 application-closed
            2025-04-28 application-registered
            2025-05-01 eurodac-hit IT category=irregular-crossing
        """
        found = derive_from(facts, on="2025-05-02", country="DE")
        assert only(found, "dublin3-take-charge-request-hit-2m").due == day("2025-07-01")

    def test_is_of_the_latest_application(self) -> None:
        facts = """
            2026-05-20 application-registered
            2026-08-20 application-registered
            2026-08-22 eurodac-hit HR category=asylum
        """
        found = derive_from(facts, on="2026-09-10", country="DE")
        limit = only(found, "dublin3-take-back-request-hit-2m", "A")
        assert (limit.due, limit.state) == (day("2026-10-22"), "running")

    def test_still_ends_before_the_hit_within_one_procedure(self) -> None:
        facts = """
            2016-01-14 application-lodged
            2016-07-25 eurodac-hit IT category=irregular-crossing
        """
        limit = only(derive_from(facts, country="DE"), "dublin3-take-charge-request-hit-2m")
        assert limit.due_strict == day("2016-04-14")


class TestReadingB:
    """What the new Regulation makes of a procedure that was under way on 1 July 2026."""

    GAP = """
        2026-05-20 application-registered
        2026-06-10 take-back-requested HR basis=other
    """

    def test_carries_on_from_a_request_that_was_unanswered(self) -> None:
        found = derive_from(self.GAP, on="2026-08-05", country="DE")
        windows = [(d.rule, d.starts) for d in found.deadlines if d.rule.endswith("-transfer-6m")]
        assert windows == [("ammr-transfer-6m", day("2026-07-11")), ("dublin3-transfer-6m", day("2026-07-11"))]
        assert said(found.warnings, "Reading B", "10 June 2026", "10 July 2026")

    def test_says_so_before_the_silence_too(self) -> None:
        found = derive_from(self.GAP, on="2026-07-05", country="DE")
        assert said(found.warnings, "Reading B", "10 July 2026")
        assert found.changes_on == day("2026-07-11")

    def test_does_not_bind_a_state_that_was_notified_anew(self) -> None:
        found = derive_from(joined(self.GAP, "2026-07-05 take-back-notified HR"), on="2026-08-05", country="DE")
        assert only(found, "ammr-transfer-6m", "B").starts == day("2026-07-21")

    def test_takes_a_refusal_as_what_it_is(self) -> None:
        found = derive_from(joined(self.GAP, "2026-07-05 take-back-refused HR"), on="2026-08-05", country="DE")
        assert all(not d.rule.endswith("-transfer-6m") for d in found.deadlines)
        assert not said(found.warnings, "Reading B")

    def test_no_court_owed_the_review_before_the_law_applied(self) -> None:
        facts = """
            2026-04-20 application-registered
            2026-04-28 take-back-requested HR basis=eurodac
            2026-05-08 take-back-accepted HR
            2026-06-10 detained ground=transfer
            2026-06-26 transfer-decision-notified
        """
        found = derive_from(facts, on="2026-07-10")
        assert said(found.warnings, "with reserve", "at the very latest", "10 June 2026", "22 July 2026")
        assert not said(found.warnings, "Claim to argue:", "at the very latest")

    def test_a_review_of_a_later_detention_is_claimed(self) -> None:
        facts = """
            2026-04-20 application-registered
            2026-05-08 take-back-accepted HR
            2026-07-02 detained ground=transfer
        """
        found = derive_from(facts, on="2026-08-10")
        assert said(found.warnings, "Claim to argue:", "at the very latest")


class TestAGrantWithoutAPendingAppeal:
    """C-359/22 AHY: a suspension counts only while an appeal against the transfer is pending."""

    OVER = """
        2026-08-10 take-back-notified HR
        2026-08-20 take-back-confirmed HR
        2026-09-01 transfer-decision-notified
        2026-09-03 appeal-lodged against=transfer-decision
        2026-10-01 appeal-decided against=transfer-decision outcome=dismissed
        2026-12-01 suspensive-effect-granted ground=by-court
    """

    def test_after_the_ruling_it_does_not_stop_the_window(self) -> None:
        found = derive_from(self.OVER, on="2027-03-01", country="DE")
        assert found.status == "transfer-decided"
        assert only(found, "ammr-transfer-6m").state == "expired"
        assert said(found.warnings, "1 December 2026", "no appeal against the transfer was pending any more")

    def test_nor_after_a_final_one_that_ended_a_suspension(self) -> None:
        effect = "2026-09-03 suspensive-effect-granted ground=by-right"
        final = self.OVER.replace("outcome=dismissed", "outcome=dismissed final=true")
        found = derive_from(joined(final, effect), on="2027-03-01", country="DE")
        assert [d.state for d in found.deadlines if d.rule == "ammr-transfer-6m"] == ["superseded", "running"]

    def test_an_onward_appeal_makes_it_count(self) -> None:
        onward = "2026-10-20 appeal-lodged against=transfer-decision"
        found = derive_from(joined(self.OVER, onward), on="2027-03-01", country="DE")
        assert only(found, "ammr-transfer-6m").state == "stopped"
        assert not said(found.warnings, "no appeal against the transfer was pending any more")

    def test_a_file_without_any_appeal_begins_in_the_middle(self) -> None:
        facts = "2026-08-20 take-back-confirmed HR\n2026-12-01 suspensive-effect-granted ground=by-court"
        found = derive_from(facts, on="2027-03-01", country="DE")
        assert only(found, "ammr-transfer-6m").state == "stopped"
        assert said(found.warnings, "1 December 2026", "Record the appeal")

    def test_an_effect_during_the_time_for_the_appeal_needs_no_warning(self) -> None:
        facts = """
            2026-08-20 take-back-confirmed HR
            2026-09-01 transfer-decision-notified
            2026-09-01 suspensive-effect-granted ground=by-right
            2026-09-03 appeal-lodged against=transfer-decision
        """
        found = derive_from(facts, on="2027-03-01", country="DE")
        assert only(found, "ammr-transfer-6m").state == "stopped"
        assert not said(found.warnings, "Record the appeal")


class TestWhatLeavesNothingOpen:
    """A later end that is no later, another state's window, an appeal after the first ruling."""

    def test_an_onward_appeal_is_not_what_may_have_suspended_by_right(self) -> None:
        onward = "2025-05-20 appeal-decided against=transfer-decision outcome=dismissed\n"
        onward += "2025-06-01 appeal-lodged against=transfer-decision by=applicant"
        found = derive_from(joined(APPEALED, onward), on="2025-12-01", country="DE")
        assert said(found.warnings, RESERVED, "20 November 2025")

    def test_an_end_counted_from_a_refusal_within_the_three_years(self) -> None:
        facts = """
            2026-08-01 application-registered
            2026-08-10 take-back-notified HR
            2026-08-20 take-back-confirmed HR
            2026-09-01 transfer-decision-notified
            2026-09-03 appeal-lodged against=transfer-decision
            2026-09-20 suspensive-effect-refused
            2026-10-05 absconding-notified HR ground=absconded
        """
        found = derive_from(facts, on="2029-12-01", country="DE")
        assert only(found, "ammr-transfer-absconded-3y").state == "expired"
        assert said(found.warnings, BARE, "5 October 2029")
        assert not said(found.warnings, RESERVED)

    def test_what_concerns_another_state(self) -> None:
        other = "2025-02-02 take-back-requested PL basis=eurodac\n2025-02-11 take-back-accepted PL"
        found = derive_from(joined(OLD_ABSCONDED_WHILE_SUSPENDED, other), on="2026-06-01", country="DE")
        claims = [w for w in found.warnings if w.startswith((BARE, RESERVED))]
        assert {claim.startswith(RESERVED) for claim in claims} == {False, True}

    def test_three_years_that_are_over_before_the_window(self) -> None:
        back = "2026-10-20 available-again\n2029-11-20 appeal-decided against=transfer-decision outcome=dismissed"
        found = derive_from(joined(ABSCONDED_WHILE_SUSPENDED, back), on="2030-06-01", country="DE")
        assert said(found.warnings, BARE, "20 May 2030")
        assert not said(found.warnings, RESERVED)
