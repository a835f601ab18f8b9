"""Facts whose day nobody knows: between which days they lie, and the cautious bound that follows."""

from __future__ import annotations

from datetime import date

import pytest

from casework.law import facts, undated
from casework.law.types import Fact
from tests.law.cases import case_from, day, derive_from, only

TODAY = "2026-11-23"


def bounds(text: str, *, on: str = TODAY) -> tuple[date, date | None, date | None]:
    """Return the place in time, the first and the last day of the last fact."""
    fact = undated.bounded(case_from(text), day(on)).facts[-1]
    return fact.on, fact.not_before, fact.not_after


class TestBounds:
    """What the record tells of a day that is not known."""

    def test_are_those_that_were_recorded(self) -> None:
        told = "unknown detained ground=return not_before=2026-09-01 not_after=2026-09-30"
        assert bounds(told) == (day("2026-09-01"), day("2026-09-01"), day("2026-09-30"))

    def test_end_on_the_day_of_the_question(self) -> None:
        assert bounds("unknown detained ground=return") == (day(TODAY), None, day(TODAY))

    def test_end_where_they_begin_when_that_lies_ahead(self) -> None:
        assert bounds("unknown detained ground=return not_before=2027-01-01")[1:] == (day("2027-01-01"),) * 2

    def test_of_an_answer_begin_with_the_first_request_that_it_can_answer(self) -> None:
        asked = "2026-09-01 take-charge-requested HR\n2026-10-01 take-charge-requested HR\n"
        assert bounds(f"{asked}unknown take-charge-accepted HR")[1] == day("2026-09-01")

    def test_of_an_answer_leave_requests_to_others_aside(self) -> None:
        asked = "2026-09-01 take-charge-requested PL\n2026-10-01 take-charge-requested HR\n"
        assert bounds(f"{asked}unknown take-charge-accepted HR")[1] == day("2026-10-01")
        assert bounds(f"{asked}unknown take-charge-accepted")[1] == day("2026-09-01")

    def test_of_a_decision_begin_with_the_application(self) -> None:
        assert bounds("2026-08-01 application-registered\nunknown transfer-decision-notified")[1] == day("2026-08-01")

    @pytest.mark.parametrize(
        "fact", ["irregular-crossing HR", "imprisoned", "return-decision-notified", "application-made"]
    )
    def test_of_what_can_come_before_an_application_do_not(self, fact: str) -> None:
        assert bounds(f"2026-08-01 application-registered\nunknown {fact}")[1] is None

    def test_leave_out_what_came_after_the_last_day(self) -> None:
        told = "2026-10-01 application-registered\nunknown transfer-decided not_after=2026-09-01"
        assert bounds(told) == (day("2026-09-01"), None, day("2026-09-01"))

    def test_leave_a_case_alone_in_which_every_day_is_known(self) -> None:
        case = case_from("2026-10-01 application-registered")
        assert undated.bounded(case, day(TODAY)) is case


class TestAPeriodThatStarts:
    """Both ends are computed; our side acts on the first, a claim is made after the last."""

    def test_runs_between_two_ends(self) -> None:
        told = "unknown take-charge-accepted HR not_before=2026-09-01 not_after=2026-09-15"
        limit = only(derive_from(told, on=TODAY), "ammr-transfer-6m")
        assert (limit.due_strict, limit.due_rolled, limit.due) == (
            day("2027-03-01"),
            day("2027-03-15"),
            day("2027-03-15"),
        )
        assert any("earliest possible start" in sentence for sentence in limit.because)

    def test_of_the_applicant_counts_from_the_first_day(self) -> None:
        told = "unknown transfer-decision-notified appeal_period=2_weeks not_before=2026-11-02 not_after=2026-11-20"
        limit = only(derive_from(told, on=TODAY, country="PT"), "ammr-appeal")
        assert limit.due == day("2026-11-16")
        assert limit.state == "running"

    def test_of_the_applicant_is_asked_about_where_nothing_says_how_early_it_was(self) -> None:
        procedure = derive_from("unknown transfer-decision-notified appeal_period=2_weeks", on=TODAY, country="PT")
        assert not [d for d in procedure.deadlines if d.rule == "ammr-appeal"]
        asked = next(q for q in procedure.questions if q.rule == "ammr-appeal")
        assert asked.starts is None
        assert asked.fact == 0
        assert any("nothing in the record says how early" in warning for warning in procedure.warnings)

    def test_of_detention_is_asked_about_too(self) -> None:
        told = "2026-09-01 take-charge-accepted HR\nunknown detained ground=transfer"
        procedure = derive_from(told, on=TODAY)
        assert not [d for d in procedure.deadlines if d.rule == "ammr-detention-transfer-5w"]
        assert any(q.rule == "ammr-detention-transfer-5w" for q in procedure.questions)

    def test_changes_every_day_while_only_today_bounds_it(self) -> None:
        procedure = derive_from("2026-09-01 take-charge-requested HR\nunknown take-charge-accepted HR", on=TODAY)
        assert procedure.changes_on == day("2026-11-24")

    def test_takes_the_last_day_of_an_undated_ruling_for_the_later_restart(self) -> None:
        told = """
            2026-09-01 take-charge-accepted HR
            2026-09-10 suspensive-effect-granted ground=by-court
            unknown appeal-decided against=transfer-decision outcome=remitted not_before=2026-10-01 not_after=2026-10-09
        """
        limit = next(d for d in derive_from(told, on=TODAY, country="DE").deadlines if d.starts == day("2026-10-09"))
        assert (limit.rule, limit.due_strict, limit.due_rolled) == (
            "ammr-transfer-6m",
            day("2027-04-01"),
            day("2027-04-09"),
        )


class TestAnActOnAnUnknownDay:
    """What our side did counts only when it was certainly in time; what a state did, when it can have been."""

    APPEAL = (
        "2026-10-01 transfer-decision-notified appeal_period=2_weeks\nunknown appeal-lodged against=transfer-decision"
    )

    @pytest.mark.parametrize(("last", "state"), [("2026-10-15", "met"), ("2026-10-16", "expired")])
    def test_of_ours_meets_the_limit_only_when_it_was_certainly_in_time(self, last: str, state: str) -> None:
        told = f"{self.APPEAL} not_before=2026-10-02 not_after={last}"
        limit = only(derive_from(told, on=TODAY, country="PT"), "ammr-appeal")
        assert limit.state == state

    def test_of_ours_does_not_hide_a_dated_one(self) -> None:
        told = f"{self.APPEAL} not_before=2026-10-02\n2026-10-05 appeal-lodged against=transfer-decision"
        limit = only(derive_from(told, on=TODAY, country="PT"), "ammr-appeal")
        assert (limit.state, limit.met_on) == ("met", day("2026-10-05"))

    @pytest.mark.parametrize(("first", "state"), [("2026-11-02", "met"), ("2026-11-04", "expired")])
    def test_of_a_state_is_taken_to_be_in_time_while_it_can_have_been(self, first: str, state: str) -> None:
        told = f"2026-09-01 application-registered\nunknown take-charge-requested HR not_before={first}"
        limit = only(derive_from(told, on="2027-03-01"), "ammr-take-charge-request-2m")
        assert limit.state == state

    def test_that_may_lie_before_the_start_is_taken_to_follow_it(self) -> None:
        told = "2026-09-01 application-registered\nunknown take-charge-requested HR not_before=2026-08-01"
        limit = only(derive_from(told, on="2027-03-01"), "ammr-take-charge-request-2m")
        assert (limit.state, limit.met_on) == ("met", day("2026-09-01"))


class TestReading:
    """`date_unknown` in a facts file."""

    def test_is_written_back_the_same(self) -> None:
        content = {
            "country": "FR",
            "facts": [
                {"fact": "detained", "date_unknown": True, "ground": "return"},
                {"fact": "released", "date_unknown": True, "not_before": "2026-01-02", "not_after": "2026-01-03"},
                {"fact": "imprisoned", "date_unknown": True, "not_after": "2026-01-03"},
            ],
        }
        case = facts.parse(content)
        assert facts.to_mapping(case) == content
        assert facts.parse(facts.to_mapping(case)) == case
        assert [fact.on for fact in case.facts] == [facts.EARLIEST, day("2026-01-02"), day("2026-01-03")]

    def test_that_says_false_is_a_dated_fact_on_the_local_day(self) -> None:
        entry = {"fact": "detained", "at": "2026-09-01T23:30:00+00:00", "ground": "return", "date_unknown": False}
        assert facts.parse({"country": "FR", "facts": [entry]}).facts[0].on == day("2026-09-02")

    @pytest.mark.parametrize(
        ("entry", "member"),
        [
            ({"fact": "detained", "date_unknown": "yes", "ground": "return"}, "date_unknown"),
            ({"fact": "detained", "date_unknown": True, "on": "2026-01-01", "ground": "return"}, "date_unknown"),
            ({"fact": "detained", "on": "2026-01-01", "not_before": "2026-01-01", "ground": "return"}, "not_before"),
            ({"fact": "appointment", "date_unknown": True, "kind": "hearing"}, "date_unknown"),
            ({"fact": "crisis-derogation", "date_unknown": True, "state": "HR", "until": "2027-01-01"}, "date_unknown"),
            ({"fact": "released", "date_unknown": True, "not_before": "2026-02-30"}, "not_before"),
            (
                {"fact": "released", "date_unknown": True, "not_before": "2026-02-02", "not_after": "2026-02-01"},
                "not_after",
            ),
        ],
    )  # fmt: skip
    def test_refuses_what_makes_no_sense(self, entry: dict[str, object], member: str) -> None:
        with pytest.raises(facts.FactsError) as caught:
            facts.parse({"country": "FR", "facts": [entry]})
        assert (caught.value.index, caught.value.member) == (0, member)

    def test_takes_a_ruling_that_was_told_before_its_last_possible_day(self) -> None:
        entry = {
            "fact": "appeal-decided",
            "date_unknown": True,
            "not_after": "2026-12-01",
            "told_on": "2026-11-01",
            "against": "transfer-decision",
            "outcome": "dismissed",
        }
        assert facts.parse_fact(entry).get("told_on") == day("2026-11-01")
        with pytest.raises(facts.FactsError, match="before the ruling"):
            facts.parse_fact({**entry, "not_before": "2026-11-02"})

    def test_refuses_an_answer_that_must_have_come_before_its_request(self) -> None:
        asked = {"fact": "take-charge-requested", "on": "2026-10-01", "state": "HR"}
        answer = {"fact": "take-charge-accepted", "date_unknown": True, "not_after": "2026-09-30"}
        with pytest.raises(facts.FactsError, match="before its request"):
            facts.parse({"country": "FR", "facts": [asked, answer]})
        assert facts.parse({"country": "FR", "facts": [asked, {**answer, "not_after": "2026-10-01"}]})

    def test_says_no_more_of_a_fact_than_a_form_needs(self) -> None:
        assert facts.fact_to_mapping(Fact("left-territory", day("2026-01-01"), undated=True)) == {
            "fact": "left-territory",
            "date_unknown": True,
        }
