"""The facts file is read strictly: what cannot be used is refused with the entry's place, its name and the reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from casework.law import facts, wording
from casework.law.facts import VOCABULARY, FactsError, parse, to_mapping
from tests.law.cases import case_from

FACT: dict[str, Any] = {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"}

SAMPLES: dict[str, object] = {
    "state": "HR",
    "text": "papers",
    "days": 7,
    "flag": True,
    "date": "2027-01-01",
    "moment": "2026-10-01T12:00:00+02:00",
    "party": "applicant",
    "period": "2 weeks",
}


def entry(name: str, *, every: bool) -> dict[str, Any]:
    """Return an entry of a kind with its required members, or with every member."""
    kind = VOCABULARY[name]
    wanted = [member for member in kind.members if every or member.required]
    members = {m.name: m.choices[0] if m.kind == "choice" else SAMPLES[m.kind] for m in wanted}
    if "appeal_period" in members:
        members.pop("appeal_days", None)  # both say the same
    return {"fact": name, "on": "2026-09-02", **members}


def refusal(*entries: object, **top: object) -> FactsError:
    with pytest.raises(FactsError) as caught:
        parse({"country": "FR", "facts": list(entries), **top})
    return caught.value


@pytest.mark.parametrize("name", VOCABULARY)
class TestEveryFact:
    """The vocabulary of the design, group by group."""

    def test_is_read_with_what_it_needs(self, name: str) -> None:
        case = parse({"country": "FR", "facts": [entry(name, every=False)]})
        assert case.facts[0].name == name

    def test_is_read_with_everything_and_written_back_the_same(self, name: str) -> None:
        full = {"certainty": "told", "service": "post", "notified_to": "lawyer", **entry(name, every=True)}
        case = parse({"country": "FR", "facts": [full]})
        assert to_mapping(case) == {"country": "FR", "facts": [full]}
        assert parse(to_mapping(case)) == case

    def test_is_refused_without_each_required_member(self, name: str) -> None:
        for member in VOCABULARY[name].members:
            if member.required:
                lacking = entry(name, every=False)
                del lacking[member.name]
                error = refusal(FACT, lacking)
                assert str(error).startswith(f"facts[1] ({name}): {member.name} is missing")
                assert (error.index, error.fact) == (1, name)

    def test_refuses_members_that_it_does_not_have(self, name: str) -> None:
        assert "'colour' is not a member of this fact" in str(refusal({**entry(name, every=False), "colour": "red"}))

    def test_has_its_words(self, name: str) -> None:
        kind = VOCABULARY[name]
        assert wording.has(kind.label)
        assert wording.has(f"event.{name}")
        assert wording.has(f"group.{kind.group}")
        for member in kind.members:
            assert wording.has(f"member.{member.name}")
            for choice in member.choices:
                assert wording.has(f"choice.{choice}")


class TestRefusals:
    """Each names what is wrong; none is a traceback."""

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"fact": "eurodac-hot"}, "'eurodac-hot' is not a known fact"),
            ({"fact": None}, "has no fact"),
            ({"fact": ["x"]}, "is not a known fact"),
            ({"on": "2026-02-30"}, "there is no such day as 2026-02-30"),
            ({"on": "20260230"}, "is not a date"),
            ({"on": 5}, "is not a date"),
            ({"on": None}, "needs its date"),
            ({"on": "0001-01-01"}, "cannot be right"),
            ({"on": "9999-12-31"}, "cannot be right"),
            ({"at": "2026-09-02T10:00:00+02:00"}, "needs its date"),
            ({"on": None, "at": "2026-09-02T10:00:00"}, "has no offset"),
            ({"on": None, "at": "2026-09-02"}, "is not a date-time with offset"),
            ({"on": None, "at": "yesterday"}, "is not a date or a date-time"),
            ({"on": None, "at": 5}, "is not a date"),
            ({"on": None, "at": "1800-09-02T10:00:00+02:00"}, "cannot be right"),
            ({"state": "hr"}, "is not a state's code"),
            ({"state": "HRV"}, "is not a state's code"),
            ({"category": "asylums"}, "it may be asylum, irregular-crossing"),
            ({"category": 1}, "category is 1"),
            ({"certainty": "sure"}, "certainty is 'sure'"),
            ({"service": 3}, "service is 3"),
        ],
    )
    def test_of_a_member(self, change: dict[str, object], reason: str) -> None:
        changed = {key: value for key, value in {**FACT, **change}.items() if value is not None}
        error = refusal(FACT, changed)
        assert reason in str(error)
        assert str(error).startswith("facts[1]")
        assert error.index == 1

    @pytest.mark.parametrize(
        ("entry", "reason"),
        [
            ({"fact": "transfer-decision-notified", "on": "2026-09-02", "appeal_days": 0}, "is not a number of days"),
            (
                {"fact": "transfer-decision-notified", "on": "2026-09-02", "appeal_days": True},
                "is not a number of days",
            ),
            ({"fact": "transfer-decision-notified", "on": "2026-09-02", "in_detention": "yes"}, "may be true or false"),
            ({"fact": "transfer-failed", "on": "2026-09-02", "reason": " "}, "must be a text"),
            (
                {"fact": "crisis-derogation", "on": "2026-09-02", "state": "HR", "until": "2026-09-01"},
                "before its beginning",
            ),
            (
                {
                    "fact": "time-limit-set",
                    "on": "2026-09-02",
                    "what": "x",
                    "due": "soon",
                    "whose": "FR",
                    "by": "court",
                },
                "due: 'soon' is not a date",
            ),
            (
                {
                    "fact": "time-limit-set",
                    "on": "2026-09-02",
                    "what": "x",
                    "due": "2026-10-01",
                    "whose": "me",
                    "by": "court",
                },
                "whose is 'me'",
            ),
            ([], "must be an object"),
            ("eurodac-hit", "must be an object"),
        ],
    )
    def test_of_an_entry(self, entry: object, reason: str) -> None:
        assert reason in str(refusal(entry))

    @pytest.mark.parametrize(
        ("top", "reason"),
        [
            ({"country": None}, "country is missing"),
            ({"country": "France"}, "country: 'France' is not a state's code"),
            ({"region": "DE-BY"}, "is not a region of FR"),
            ({"region": 57}, "is not a region of FR"),
            ({"status": "closed"}, "status: 'closed' is not known"),
            ({"status": ["x"]}, "is not known"),
            ({"person": {"minor": 1}}, "minor is 1"),
            ({"person": {"age": 12}}, "'age' is not known here"),
            ({"person": "x"}, "person must be an object"),
            ({"family": [{}]}, "family[0]: relation is missing"),
            ({"family": [{"relation": ""}]}, "relation must be a text"),
            ({"family": [{"relation": "spouse", "state": "x"}]}, "family[0]: state"),
            ({"family": [{"relation": "spouse", "consent_on": "x"}]}, "family[0]: consent_on"),
            ({"family": [{"relation": "spouse", "name": "x"}]}, "'name' is not known here"),
            ({"family": 3}, "family must be a list"),
            ({"facts": {}}, "facts must be a list"),
            ({"notes": 1}, "'notes' is not known here"),
        ],
    )
    def test_of_the_file(self, top: dict[str, object], reason: str) -> None:
        content = {key: value for key, value in {"country": "FR", **top}.items() if value is not None}
        with pytest.raises(FactsError) as caught:
            parse(content)
        assert reason in str(caught.value)
        assert caught.value.index is None

    @pytest.mark.parametrize("content", [None, [], "FR", {1: 2}])
    def test_of_what_is_no_facts_file(self, content: object) -> None:
        with pytest.raises(FactsError, match="The facts file must be an object"):
            parse(content)

    @pytest.mark.parametrize(
        ("request_", "reply"),
        [(request, reply) for reply, requests in facts.REPLIES.items() for request in requests],
    )
    def test_of_a_reply_before_its_request(self, request_: str, reply: str) -> None:
        asked = {**entry(request_, every=False), "on": "2026-09-10", "state": "HR"}
        answered = {**entry(reply, every=False), "on": "2026-09-09", "state": "HR"}
        error = refusal(answered, asked)
        assert str(error) == f"facts[0] ({reply}): dated 2026-09-09, before its request ({request_}) of 2026-09-10."
        assert (error.index, error.fact) == (0, reply)

    def test_looks_at_the_hour_on_one_day(self) -> None:
        with pytest.raises(FactsError, match="before its request"):
            case_from("2026-09-10T12:00:00+02:00 take-back-notified HR\n2026-09-10T11:59:00+02:00 take-back-refused HR")

    def test_shows_no_more_than_a_little_of_what_it_was_given(self) -> None:
        assert len(str(refusal({**FACT, "category": "x" * 1000}))) < 250


class TestReading:
    """What is accepted."""

    def test_a_transfer_before_an_acceptance_in_a_new_procedure(self) -> None:
        told = "2026-09-01 transferred HR\n2026-10-01 application-registered\n2026-10-05 take-charge-accepted HR"
        assert len(case_from(told).facts) == 3

    def test_a_printed_period_is_given_once(self) -> None:
        twice = {"fact": "transfer-decision-notified", "on": "2026-09-02", "appeal_days": 7, "appeal_period": "1 week"}
        assert "give one of them" in str(refusal(twice))

    def test_a_reply_to_a_request_that_was_not_recorded(self) -> None:
        assert case_from("2026-09-10 take-back-confirmed HR").facts[0].state == "HR"

    def test_a_reply_of_another_state_than_the_one_asked_later(self) -> None:
        assert len(case_from("2026-09-10 take-charge-requested PL\n2026-09-09 take-charge-refused HR").facts) == 2

    def test_takes_the_legal_day_from_the_offset(self) -> None:
        fact = case_from("2026-09-01T00:30:00+02:00 detained ground=transfer").facts[0]
        assert fact.on == date(2026, 9, 1)

    def test_keeps_the_whole_file(self) -> None:
        content = {
            "country": "FR",
            "region": "FR-57",
            "status": "before-arrival",
            "person": {"minor": True, "unaccompanied": False},
            "family": [{"relation": "spouse", "state": "DE", "status": "protected", "consent_on": "2026-09-05"}],
            "facts": [FACT],
        }
        assert to_mapping(parse(content)) == content

    def test_needs_no_facts(self) -> None:
        assert parse({"country": "FR"}).facts == ()


class TestTheVocabulary:
    """The design's table, whole."""

    DESIGN = """
        application-made application-recorded application-registered application-lodged application-withdrawn
        application-closed asylum-decision-notified return-decision-notified eurodac-hit vis-hit irregular-crossing
        disembarked visa-expires permit-expires permit-issued left-territory returned-to-territory take-charge-requested
        take-charge-request-received take-charge-accepted take-charge-refused take-back-requested
        take-back-request-received take-back-accepted take-back-refused take-back-notified
        take-back-notification-received take-back-confirmed humanitarian-requested humanitarian-accepted
        humanitarian-refused reexamination-requested reexamination-request-received reexamination-accepted
        reexamination-refused discretionary-clause-used transfer-decided transfer-decision-notified absconding-notified
        available-again imprisoned prison-released transfer-scheduled transferred transfer-failed transfer-overturned
        appeal-lodged suspension-requested suspensive-effect-granted suspensive-effect-refused suspensive-effect-ended
        appeal-decided legal-aid-requested legal-aid-decided detained detention-order-notified detention-judge-seized
        detention-reviewed house-arrest-ordered released crisis-derogation time-limit-set appointment
    """

    def test_has_every_fact_of_the_design(self) -> None:
        assert set(self.DESIGN.split()) <= set(VOCABULARY)

    def test_puts_every_fact_in_a_known_group(self) -> None:
        assert {kind.group for kind in VOCABULARY.values()} == set(facts.GROUPS)


class TestOneFact:
    """A form records one fact at a time, with dates that are already dates."""

    def test_is_read_by_itself(self) -> None:
        fact = facts.parse_fact(
            {"fact": "crisis-derogation", "on": date(2026, 9, 2), "state": "HR", "until": date(2026, 10, 1)}
        )
        assert (fact.on, fact.get("until")) == (date(2026, 9, 2), date(2026, 10, 1))
        at = datetime(2026, 9, 2, 10, 0, tzinfo=UTC)
        assert facts.parse_fact({"fact": "detained", "at": at, "ground": "transfer"}).at == at

    def test_does_not_take_a_moment_for_a_date(self) -> None:
        with pytest.raises(FactsError, match="is not a date"):
            facts.parse_fact({"fact": "vis-hit", "on": datetime(2026, 9, 2, tzinfo=UTC), "state": "HR"})

    def test_is_written_with_its_hour(self) -> None:
        written = {"fact": "released", "at": "2026-09-02T10:00:00+02:00"}
        assert facts.fact_to_mapping(facts.parse_fact(written)) == written
