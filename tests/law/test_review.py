"""What a hostile legal review found wrong in the packs: each case once, so that it stays mended."""

from __future__ import annotations

import pytest

from casework.law import derive, packs, wording
from casework.law.calendars import DUBLIN_STATES, UNION
from casework.law.packs import PackError, Rule
from casework.law.types import Procedure
from tests.law.cases import case_from, day, derive_from, only

CASE = """2026-08-01 application-registered
2026-08-01 application-lodged
2026-08-03 eurodac-hit HR category=asylum
2026-08-10 take-back-notified HR
2026-08-20 take-back-confirmed HR
"""
APPEAL = "appeal-lodged against=transfer-decision"
ALONE = {"person": {"minor": True, "unaccompanied": True}}
REMEDIES = (
    "appeal-lodged", "suspension-requested", "appeal-reasons-filed", "review-requested", "legal-aid-requested",
    "echr-application-lodged", "interim-measure-requested",
)  # fmt: skip


def found(procedure: Procedure) -> dict[str, str]:
    """Return the state of each time limit by its rule."""
    return {limit.rule: limit.state for limit in procedure.deadlines}


def claims(procedure: Procedure, rule: str) -> list[str]:
    """Return what is claimed under a rule."""
    label = next(wording.render(r.label, "en") for r in packs.load() if r.id == rule)
    return [text for text in procedure.warnings if text.startswith("Claim") and f'"{label}"' in text]


class TestAPeriodCutShortByDetention:
    """In France each decision has its own 48 hours."""

    FACTS = f"""{CASE}2026-10-20T10:00+02:00 return-decision-notified
2026-10-26T10:00+01:00 transfer-decision-notified
2026-10-28T10:00+01:00 detained ground=transfer
"""

    def test_is_met_by_the_appeal_against_that_decision_alone(self) -> None:
        states = found(derive_from(f"{self.FACTS}2026-10-28T15:00+01:00 {APPEAL}", on="2026-10-29"))
        assert states["fr-detention-restart-48h"] == "met"
        assert states["fr-detention-restart-48h-order"] == "running"

    def test_takes_the_place_of_both(self) -> None:
        states = found(derive_from(self.FACTS, on="2026-10-29"))
        assert states["fr-dublin-appeal-7d"] == states["fr-oqtf-1m"] == "superseded"


class TestARemedy:
    """Closing the file is often what is appealed against, and a transfer does not end the dispute (C-360/16)."""

    @pytest.mark.parametrize(
        "rule",
        [r for r in packs.load() if r.whose == "applicant" and any(s.event in REMEDIES for s in r.meets)],
        ids=lambda rule: rule.id,
    )
    def test_is_not_lost_when_the_file_is_closed(self, rule: Rule) -> None:
        assert not {"application-closed", "application-withdrawn"} & {spec.event for spec in rule.stops}
        if not any("detention" in spec.text for spec in rule.meets):
            assert "transferred" not in {spec.event for spec in rule.stops}

    @pytest.mark.parametrize("rule", packs.load(), ids=lambda rule: rule.id)
    def test_is_not_met_by_an_appeal_of_the_authority(self, rule: Rule) -> None:
        for spec in rule.meets if rule.whose == "applicant" else ():
            assert spec.event != "appeal-lodged" or "not by-authority" in spec.text

    def test_runs_on_after_a_closing(self) -> None:
        text = (
            "2026-08-01 application-lodged\n2026-11-02 asylum-decision-notified outcome=withdrawn\n"
            "2026-11-03 application-closed"
        )
        assert found(derive_from(text, on="2026-11-04", country="DE"))["de-manifest-1w"] == "running"

    def test_runs_on_after_an_implicit_withdrawal(self) -> None:
        text = (
            "2026-08-01 application-lodged\n2026-11-02 application-withdrawn implicit=true\n"
            "2026-11-02 asylum-decision-notified outcome=withdrawn"
        )
        assert found(derive_from(text, on="2026-11-04"))["fr-cnda-1m"] == "running"

    @pytest.mark.parametrize("then", ["application-closed", "transferred HR"])
    def test_runs_on_against_a_transfer_decision(self, then: str) -> None:
        text = f"{CASE}2026-11-02 transfer-decision-notified\n2026-11-04 {then}"
        states = found(derive_from(text, on="2026-11-05", country="DE"))
        assert states["de-dublin-1w"] == states["de-dublin-1w-urgent"] == "running"

    def test_waits_for_the_appeal_of_the_person(self) -> None:
        text = f"{CASE}2026-10-05 transfer-decision-notified\n2026-10-07 {APPEAL} by=authority"
        assert found(derive_from(text, on="2026-10-08", country="DE"))["de-dublin-1w"] == "running"

    def test_of_two_decisions_with_one_appeal_is_to_be_checked(self) -> None:
        text = (
            f"{CASE}2026-10-05 transfer-decision-notified\n2026-10-08 transfer-decision-notified\n2026-10-09 {APPEAL}"
        )
        warned = derive_from(text, on="2026-10-10", country="DE").warnings
        assert any("check that each of them was appealed against" in text for text in warned)


class TestARequestForSuspension:
    """It is about one decision, and the period printed for the appeal is not its own."""

    FACTS = f"{CASE}2026-08-25 transfer-decision-notified\n"

    @pytest.mark.parametrize(
        ("against", "state"),
        [("", "met"), (" against=transfer-decision", "met"), (" against=asylum-decision", "running")],
    )
    def test_meets_the_limit_of_its_decision(self, against: str, state: str) -> None:
        text = f"{self.FACTS}2026-08-26 suspension-requested{against}"
        procedure = derive_from(text, on="2026-08-27", country="IT")
        states = found(procedure)
        assert states["ammr-suspension-request"] == state
        assert ("ammr-suspension-ruling-1m" in states) is (state == "met")
        assert ("ammr-suspension-stay" in procedure.notes) is (state == "met")

    def test_about_the_transfer_does_not_let_anyone_remain(self) -> None:
        text = (
            "2026-08-01 application-lodged\n2026-09-01 asylum-decision-notified outcome=inadmissible\n"
            "2026-09-02 suspension-requested against=transfer-decision"
        )
        assert found(derive_from(text, on="2026-09-03", country="IT"))["apr-remain-request-5d"] == "running"

    def test_is_not_given_the_weeks_printed_for_the_appeal(self) -> None:
        text = f"{CASE}2026-10-05 transfer-decision-notified appeal_period=3_weeks"
        procedure = derive_from(text, on="2026-10-06", country="IT")
        assert only(procedure, "ammr-appeal").due == day("2026-10-26")
        assert only(procedure, "ammr-suspension-request").due == day("2026-10-12")

    def test_is_due_within_the_week_in_germany_whatever_is_printed(self) -> None:
        text = f"{CASE}2026-11-02 transfer-decision-notified appeal_period=2_weeks"
        procedure = derive_from(text, on="2026-11-03", country="DE")
        assert only(procedure, "de-dublin-1w").due == day("2026-11-16")
        urgent = only(procedure, "de-dublin-1w-urgent")
        assert urgent.due == day("2026-11-09")
        assert "a shorter one counts" in urgent.on_expiry

    def test_is_due_within_the_week_after_a_manifest_rejection_too(self) -> None:
        text = (
            "2026-08-01 application-lodged\n"
            "2026-11-02 asylum-decision-notified outcome=manifestly-unfounded appeal_period=2_weeks"
        )
        procedure = derive_from(text, on="2026-11-03", country="DE")
        assert only(procedure, "de-manifest-1w").due == day("2026-11-16")
        assert only(procedure, "de-manifest-1w-urgent").due == day("2026-11-09")


class TestTheWindowToAskForTakeCharge:
    """Article 39(1) of Regulation (EU) 2024/1351: not in a take back, and never closed for a lone minor."""

    RULES = ("ammr-take-charge-request-2m", "ammr-take-charge-request-hit-1m")

    @pytest.mark.parametrize(
        "facts",
        [
            "2026-08-10 take-back-notified HR\n2026-08-20 take-back-confirmed HR",
            "2026-08-05 take-back-notified IT\n2026-08-08 take-back-confirmed HR",
            "2026-11-10 take-back-notified HR\n2026-11-20 take-back-confirmed HR",
            "2026-08-04 vis-hit PL\n2026-08-10 take-back-requested HR\n2026-08-20 take-back-accepted HR",
            "2026-09-01 relocation-file-received DE\n2026-09-04 relocation-confirmed DE",
            "2026-09-04 humanitarian-requested DE\n2026-09-20 humanitarian-accepted DE",
        ],
    )
    def test_makes_no_claim_where_another_state_is_bound_otherwise(self, facts: str) -> None:
        procedure = derive_from(
            f"2026-08-01 application-registered\n{facts}", country="DE" if "DE" not in facts else "IT"
        )
        assert not [text for rule in self.RULES for text in claims(procedure, rule)]

    def test_stays_where_the_take_back_was_refused_in_time(self) -> None:
        text = "2026-08-01 application-registered\n2026-08-10 take-back-notified HR\n2026-08-12 take-back-refused HR"
        assert claims(derive_from(text, country="DE"), "ammr-take-charge-request-2m")

    def test_stays_away_where_the_refusal_came_after_silence(self) -> None:
        text = "2026-08-01 application-registered\n2026-08-10 take-back-notified HR\n2026-10-12 take-back-refused HR"
        assert not claims(derive_from(text, country="DE"), "ammr-take-charge-request-2m")

    def test_stays_in_a_procedure_after_a_transfer(self) -> None:
        text = f"{CASE}2026-09-01 transferred HR\n2026-10-05 application-registered"
        limits = [d for d in derive_from(text, country="DE").deadlines if d.rule == "ammr-take-charge-request-2m"]
        assert [(d.starts, d.state) for d in limits] == [
            (day("2026-08-01"), "superseded"),
            (day("2026-10-05"), "expired"),
        ]

    def test_is_no_window_of_dublin_iii_either_once_a_take_back_was_notified(self) -> None:
        text = "2026-02-02 application-lodged\n2026-02-10 take-back-notified HR"
        states = found(derive_from(text, country="DE"))
        assert states["dublin3-take-charge-request-3m"] == "superseded"
        assert states["dublin3-take-back-request-3m"] == "met"

    @pytest.mark.parametrize(
        "more", ["", "\n2026-08-05 vis-hit PL", "\n2026-10-20 take-charge-requested DE basis=other"]
    )
    def test_makes_no_claim_for_a_lone_minor(self, more: str) -> None:
        procedure = derive_from(f"2026-08-01 application-registered{more}", on="2026-11-20", country="GR", **ALONE)
        assert found(procedure)["ammr-take-charge-request-2m-minor"] == "expired"
        assert not [text for text in procedure.warnings if "Greece is then responsible" in text]
        assert [text for text in derive_from("2026-08-01 application-registered", country="GR").warnings
                if "Greece is then responsible" in text]  # fmt: skip


class TestAReviewOfDetention:
    """Article 11(3) of Directive (EU) 2024/1346."""

    HELD = f"{CASE}2026-09-01T10:00+02:00 detained ground=transfer\n"
    RULES = ("ammr-detention-review", "ammr-detention-review-21d")

    def test_was_made_by_the_judge_who_prolonged_the_detention(self) -> None:
        text = (
            f"{self.HELD}2026-09-04T10:00+02:00 detention-judge-seized by=authority\n"
            "2026-09-05T10:00+02:00 detention-prolonged"
        )
        procedure = derive_from(text, on="2026-10-20")
        assert [(d.rule, d.state) for d in procedure.deadlines if d.rule in self.RULES] == [
            (rule, "met") for rule in self.RULES
        ]
        assert not claims(procedure, self.RULES[1])

    def test_asked_for_by_the_person_has_its_own_period(self) -> None:
        text = f"{self.HELD}2026-09-10T10:00+02:00 detention-judge-seized by=applicant"
        starts = [d.starts for d in derive_from(text).deadlines if d.rule == self.RULES[0]]
        assert starts == [day("2026-09-01"), day("2026-09-10")]

    @pytest.mark.parametrize("rule", ["rcd-detention-review-15d", "rcd-detention-review-21d"])
    def test_of_an_applicant_is_one_row_and_met_likewise(self, rule: str) -> None:
        text = (
            "2026-09-01 detained ground=asylum\n2026-09-04 detention-judge-seized by=authority\n"
            "2026-09-05 detention-prolonged"
        )
        assert only(derive_from(text), rule).state == "met"


class TestRulingsInFrance:
    """After an appeal against the transfer."""

    def test_are_one_and_not_two_for_a_decision_handed_over_in_detention(self) -> None:
        text = f"2026-11-02T10:00+01:00 transfer-decision-notified in_detention=true\n2026-11-03T10:00+01:00 {APPEAL}"
        states = found(derive_from(text, on="2026-11-04"))
        assert "fr-dublin-ruling-96h" in states
        assert "fr-dublin-ruling-15d" not in states

    def test_are_one_and_not_two_at_the_border(self) -> None:
        text = (
            "2026-11-01T10:00+01:00 entry-refused\n2026-11-02T10:00+01:00 transfer-decision-notified\n"
            f"2026-11-03T10:00+01:00 {APPEAL}"
        )
        states = found(derive_from(text, on="2026-11-04"))
        assert "fr-dublin-ruling-96h" in states
        assert "fr-dublin-ruling-15d" not in states

    def test_can_be_taken_further_once(self) -> None:
        ruling = "2026-11-03 appeal-decided against=transfer-decision outcome=dismissed"
        assert found(derive_from(f"{ruling}\n2026-11-20 {APPEAL}"))["fr-dublin-cassation-2m"] == "met"
        assert found(derive_from(f"{ruling}\n2026-11-20 {APPEAL} by=authority"))["fr-dublin-cassation-2m"] == "expired"


class TestTheUnionsActs:
    """They bind the Union; the Convention binds everybody."""

    FACTS = """2026-08-01 application-registered
2026-08-01 application-lodged
2026-09-01 asylum-decision-notified outcome=refused final=true
2026-09-01 return-decision-notified departure_days=7
2026-10-05 removal-scheduled
"""

    @pytest.mark.parametrize("country", ["CH", "NO", "IS", "LI", "DK", "GB", "US"])
    def test_are_not_heard_elsewhere(self, country: str) -> None:
        states = found(derive_from(self.FACTS, country=country))
        regimes = {rule.regime for rule in packs.load() if rule.id in states}
        assert not regimes & {"apr", "eu"}
        assert {"echr-application-4m", "echr-rule39"} <= set(states)

    @pytest.mark.parametrize("country", ["IT", "IE"])
    def test_are_heard_in_the_union(self, country: str) -> None:
        states = found(derive_from(self.FACTS, country=country))
        assert {"apr-decision-merits-6m", "return-voluntary-7-30d", "echr-rule39"} <= set(states)

    def test_are_those_of_26_states(self) -> None:
        assert len(UNION) == 26
        assert {"CH", "DK", "IS", "LI", "NO"} == DUBLIN_STATES - UNION

    @pytest.mark.parametrize("head", ['area = "moon"', "area = 1", 'area = "union"\nstate = "FR"'])
    def test_are_marked_by_an_area_that_is_known(self, head: str) -> None:
        with pytest.raises(PackError, match="area is"):
            packs.read({"try.toml": f'regime = "try"\n{head}\n[[rule]]'})


class TestOldLaw:
    """Where it was not read, the answer asks instead of being silent."""

    @pytest.mark.parametrize(
        ("facts", "country", "rule"),
        [
            ("2024-07-14 return-decision-notified", "FR", "fr-oqtf-48h-old"),
            ("2024-07-12 return-decision-notified departure_days=30", "FR", "fr-oqtf-15d-old"),
            ("2024-07-12 return-decision-notified departure_days=30 in_detention=true", "FR", "fr-oqtf-48h-old"),
            ("2026-06-11 asylum-decision-notified outcome=refused", "ES", "es-asylum-court-old"),
            ("2026-06-11 transfer-decision-notified", "ES", "es-asylum-court-transfer-old"),
        ],
    )
    def test_asks_for_the_printed_period(self, facts: str, country: str, rule: str) -> None:
        assert [q.rule for q in derive_from(facts, country=country).questions if q.rule.startswith(rule[:5])] == [rule]
        printed = derive_from(f"{facts} appeal_period=15_days", country=country)
        assert only(printed, rule).state == "expired"

    @pytest.mark.parametrize(
        ("facts", "country"),
        [("2024-07-15 return-decision-notified", "FR"), ("2026-06-12 asylum-decision-notified outcome=refused", "ES")],
    )
    def test_is_over_on_the_day_of_the_change(self, facts: str, country: str) -> None:
        assert not [q for q in derive_from(facts, country=country).questions if q.rule.endswith("-old")]


def test_a_differing_period_is_said_in_german_grammar() -> None:
    text = f"{CASE}2026-11-02 transfer-decision-notified appeal_period=2_weeks"
    procedure = derive.procedure(case_from(text, country="DE"), on=day("2026-11-03"), lang="de")
    (said,) = [text for text in procedure.warnings if "angegebene Frist wurde genommen" in text]
    assert "eine von 1 Woche" in said
    assert "wären es" not in said
