"""A pack that lacks anything does not load, and says which entry lacks what."""

from __future__ import annotations

from datetime import date
from importlib import resources
from typing import Any

import pytest

from casework.law import packs, wording
from casework.law.counting import CODES
from casework.law.packs import PackError, Rule, read
from casework.law.predicates import PREDICATES

WHOLE: dict[str, Any] = {
    "id": "try-6m",
    "label": "dublin3-transfer-6m",
    "phase": "procedure",
    "starts_on": ["take-charge-accepted"],
    "length": "6 months",
    "counting": "DUB3",
    "whose": "country",
    "on_expiry": "transfer-late",
    "legal_basis": "Art. 29",
    "source": "https://eur-lex.europa.eu/eli/reg/2013/604/oj",
    "checked_on": "2026-11-23",
    "confidence": "verified",
}

REFERENCE = """
    dublin3-take-charge-request-3m dublin3-take-charge-request-hit-2m dublin3-take-charge-urgent-ask
    dublin3-take-charge-reply-2m dublin3-take-charge-reply-urgent-1m dublin3-take-back-request-hit-2m
    dublin3-take-back-request-3m dublin3-take-back-noapp-hit-2m dublin3-take-back-noapp-3m dublin3-take-back-reply-1m
    dublin3-take-back-reply-eurodac-2w dublin3-reexamination-request-3w dublin3-reexamination-reply-2w
    dublin3-humanitarian-reply-2m dublin3-appeal dublin3-suspensive dublin3-detention-request-1m
    dublin3-detention-reply-2w dublin3-detention-transfer-6w dublin3-transfer-6m dublin3-transfer-imprisoned-12m
    dublin3-transfer-absconded-18m dublin3-cessation-absence-3m dublin3-cessation-return dublin3-cessation-permit
    dublin3-irregular-entry-12m dublin3-stay-5m dublin3-expired-permit-2y dublin3-expired-visa-6m
    dublin3-systemic-flaws dublin3-sovereignty ammr-take-charge-request-2m ammr-take-charge-request-hit-1m
    ammr-take-charge-minor-open ammr-take-charge-urgent-ask ammr-take-charge-reply-1m ammr-take-charge-reply-hit-2w
    ammr-take-charge-reply-urgent ammr-humanitarian-reply-2m ammr-take-back-notify-2w ammr-take-back-confirm-2w
    ammr-transfer-decision-2w ammr-appeal ammr-suspension-request ammr-suspension-stay ammr-suspension-ruling-1m
    ammr-merits-ruling-1m ammr-transfer-6m ammr-transfer-imprisoned-1y ammr-transfer-absconded-3y
    ammr-transfer-reappeared-3m ammr-relocation-confirm-1w ammr-relocation-decision-1w ammr-relocation-transfer-4w
    ammr-relocation-notice ammr-transfer-form-7-14d ammr-detention-request-2w ammr-detention-hit-2w
    ammr-detention-later-1w ammr-detention-reply-1w ammr-detention-transfer-5w ammr-detention-review ammr-entry-20m
    ammr-disembark-12m ammr-expired-permit-3y ammr-expired-visa-18m ammr-diploma-6y ammr-cessation-absence-9m
    ammr-cessation-border-15m ammr-cessation-return ammr-reception-stop
"""


NEIGHBOURS = """
    apr-register-5d apr-lodge-21d apr-lodge-after-transfer-21d apr-lodge-border-5d apr-asylum-after-return-7wd
    apr-decision-admissibility-2m apr-decision-accelerated-3m apr-decision-merits-6m apr-border-12w
    apr-appeal-short-5-10d apr-appeal-2w-1m apr-remain-request-5d apr-subsequent screening-7d screening-3d eurodac-72h
    return-border-12w rcd-work-6m return-voluntary-7-30d return-detention-6-12m return-regulation echr-application-4m
    echr-rule39
"""
"""Section 5 of the legal reference; a row can have become several rules, whose ids begin with the row's."""

FRANCE = """
    fr-dublin-appeal-7d fr-dublin-appeal-15d-old fr-dublin-appeal-48h fr-dublin-ruling-15d fr-detention-restart-48h
    fr-housearrest-restart-7d fr-prison-restart-7d fr-dublin-no-onward-appeal fr-dublin-house-arrest-45d fr-oqtf-1m
    fr-oqtf-7d fr-oqtf-48h fr-oqtf-departure-30d fr-register-3wd fr-ofpra-form-21d fr-ofpra-detention-5d
    fr-ofpra-reexam-8d fr-ofpra-reopen-9m fr-cnda-1m fr-cnda-legal-aid-15d fr-cnda-expulsion-1w fr-cnda-ruling-5m
    fr-cnda-ruling-5w fr-remain-request fr-detention-asylum-48h fr-detention-challenge-4d fr-detention-first-4d
    fr-detention-extensions fr-liberty-judge-48h fr-liberty-appeal-24h fr-identity-hold-24h fr-waiting-zone
"""
"""Section 6."""

STATES = """
    de-dublin-1w de-asylum-2w de-manifest-1w de-no-notice-1y nl-dublin-1w nl-asylum-1w-4w nl-onward-1w-4w
    be-dublin-30d be-urgent-10d-5d be-asylum-30d at-dublin-2w at-asylum-4w se-asylum-3w fi-asylum-30d ee-all-10d
    lv-asylum lt-asylum pl-asylum-14d pl-dublin-14d hr-dublin-8d hr-asylum cy-asylum-30d-15d es-asylum-court
    es-reposicion-1m es-border-reexam-2d
"""
"""Section 7."""

BEYOND = {
    "dublin3-each-decision": "one appeal, two decisions: to be checked by people",
    "ammr-each-decision": "the same under the new Regulation",
    "apr-each-decision": "the same for rejections",
    "return-each-decision": "the same for return decisions",
    "ammr-detention-review-21d": "the exceptional end in the row of ammr-detention-review",
    "ammr-take-charge-request-2m-minor": "Article 39(1): the window stays open for a lone minor, so no claim",
    "ammr-take-charge-request-hit-1m-minor": "the same after a hit",
    "at-inadmissible-2w": "section 16(1) of the same act names it beside the transfer",
    "be-dublin-10d": "law of 17 June 2026, for transfer decisions",
    "be-urgent-2026": "law of 17 June 2026, for removals at hand",
    "be-asylum-10d": "law of 17 June 2026, accelerated decisions",
    "de-reasons-1m": "the row names it beside the claim itself",
    "de-reasons-border-10d": "section 18a(7) of the new act",
    "de-no-notice-3m": "three months instead of the year since 12 June 2026",
    "de-no-notice-3m-transfer": "the same for transfer decisions",
    "apr-register-15d": "outer limit of the row on registration",
    "apr-register-forward-3wd": "passing the application on, in the same row",
    "apr-lodge-appointment-2m": "outer limit of the row on lodging",
    "apr-decision-admissibility-10wd": "ten working days of the same row",
    "return-border-departure": "voluntary departure, in the row of return-border-12w",
    "rcd-detention-review-15d": "Article 11(3) of the Directive holds beyond transfers",
    "rcd-detention-review-21d": "the same, at the very latest",
    "return-detention-18m": "the twelve more months of the row",
    "return-detention-together": "C-150/24 Aroja: periods are added up",
    "fi-dublin-30d": "the row names both decisions",
    "fi-dublin-30d-2026": "the same since the Pact, unconfirmed",
    "fi-onward-30d": "the appeal to the supreme court in the same row",
    "fi-post-7d": "the seventh day after posting in the same row",
    "fr-dublin-ruling-96h": "the ruling on the 48 hours, in the row of the appeal",
    "fr-dublin-ruling-144h": "detained meanwhile, in the row of the ruling",
    "fr-dublin-cassation-2m": "the only onward remedy, in the row that excludes the others",
    "fr-house-arrest-45d": "the ordinary house arrest, named in the same row",
    "fr-oqtf-ruling-96h": "the ruling, in the row of the 48 hours",
    "fr-ofpra-form-complete-8d": "the incomplete file, in the row of the form",
    "fr-ofpra-reexam-complete-4d": "the same for a re-examination",
    "fr-ofpra-reexam-check-8d": "OFPRA's preliminary check, in the same row",
    "fr-ofpra-reopen-form-8d": "the form after reopening, in the row of reopening",
    "fr-ofpra-reopen-complete-4d": "the incomplete file after reopening",
    "fr-detention-asylum-ofpra-96h": "OFPRA's own 96 hours, in the row of the challenge",
    "fr-liberty-appeal-ruling-48h": "the ruling, in the row of the appeal",
    "fr-oqtf-15d-old": "orders to leave before 15 July 2024, with a period to depart, unconfirmed",
    "lt-dublin": "the row holds both decisions",
    "lv-dublin": "Article 48(4) of the Asylum Law, read as text",
    "lv-dublin-held": "the same for people in detention",
    "lv-dublin-2026": "the same since the Pact, unconfirmed",
    "se-dublin-3w": "the row names both decisions",
    "se-dublin-3w-2026": "the same since the Pact, unconfirmed",
}
"""What the packs have that no row of the reference names, and why."""


ROWS = [row for section in (NEIGHBOURS, FRANCE, STATES) for row in section.split()]


def written(*entries: dict[str, Any], regime: str = "try") -> str:
    """Return a pack's text."""
    lines = [f'regime = "{regime}"']
    for entry in entries:
        lines.append("[[rule]]")
        for key, value in entry.items():
            bare = key in ("checked_on", "applies_from", "applies_until") and str(value)[:4].isdigit()
            lines.append(f"{key} = {value if bare else _toml(value)}")
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).replace("'", '"')


def refusal(**changes: object) -> str:
    entry = {key: value for key, value in {**WHOLE, **changes}.items() if value is not None}
    with pytest.raises(PackError) as caught:
        read({"try.toml": written(entry)})
    return str(caught.value)


class TestAnEntry:
    """Every time limit carries its basis, its source, the day of checking and how sure we are."""

    def test_loads_when_whole(self) -> None:
        (rule,) = read({"try.toml": written(WHOLE)})
        assert (rule.id, rule.regime, str(rule.period)) == ("try-6m", "try", "6 months")

    @pytest.mark.parametrize("member", WHOLE)
    def test_does_not_load_without(self, member: str) -> None:
        message = refusal(**{member: None})
        assert f"{member} is missing" in message
        assert ("try.toml, entry 1" if member == "id" else "try.toml, try-6m") in message

    @pytest.mark.parametrize("member", ["legal_basis", "source", "starts_on", "confidence"])
    def test_does_not_load_with_an_empty(self, member: str) -> None:
        assert f"{member} is missing" in refusal(**{member: [] if member == "starts_on" else ""})

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"colour": "red"}, "colour is not a member of a rule"),
            ({"confidence": "sure"}, "confidence is 'sure'"),
            ({"source": "a book"}, "source must be a link"),
            ({"source": 5}, "source must be a text"),
            ({"checked_on": "soon"}, "checked_on must be a date"),
            ({"phase": "dance"}, "phase is 'dance'"),
            ({"counting": "MOON"}, "counting is 'MOON'"),
            ({"whose": "nobody"}, "whose is 'nobody'"),
            ({"length": "half a year"}, "length: not a length"),
            ({"label": "nothing"}, "the catalogue has no label.nothing"),
            ({"on_expiry": "nothing"}, "the catalogue has no expiry.nothing"),
            ({"claim": "nothing"}, "the catalogue has no claim.nothing"),
            ({"length": "none", "warns": ["nothing"]}, "the catalogue has no warning.nothing"),
            ({"warns": ["stay"]}, "warns is for entries without a period"),
            ({"starts_on": ["full-moon"]}, "there is no fact 'full-moon'"),
            ({"starts_on": ["Full Moon!"]}, "cannot be read"),
            ({"starts_on": ["eurodac-hit colour=red"]}, "'colour=red' is not in the vocabulary"),
            ({"starts_on": ["eurodac-hit category=red"]}, "'category=red' is not in the vocabulary"),
            ({"starts_on": ["acceptance category=red"]}, "'category=red' is not in the vocabulary"),
            ({"starts_on": ["eurodac-hit if raining"]}, "there is no condition 'raining'"),
            ({"starts_on": 5}, "starts_on must be a list of texts"),
            ({"meets": [5]}, "meets must be a list of texts"),
            ({"met_before": "yes"}, "met_before must be true or false"),
            ({"length_if": "x"}, "length_if must be a table"),
            ({"length_if": {"raining": "1 day"}}, "there is no condition 'raining'"),
            ({"extends": ["other"]}, "names other, which its pack does not have"),
            ({"supersedes": ["other"]}, "names other, which no pack has"),
            ({"while": ["other"]}, "names other, which no pack has"),
            ({"extends": ["try-6m"]}, "only a confirmed rule on transfers can be a window"),
            ({"paused_by": "legal-aid-requested"}, "a pause needs paused_by, resumed_by and pause_within"),
            ({"between": ["1 week"]}, "between has a shortest and a longest length"),
            ({"applies_by": "mood"}, "applies_by is 'mood'"),
            ({"cap": "other"}, "names other, which its pack does not have"),
            ({"silence": "golden"}, "silence is 'golden'"),
            ({"applies_from": "2026-07-01", "applies_until": "2026-06-30"}, "applies until before it applies from"),
            ({"applies_from": "soon"}, "applies_from must be a date"),
        ],
    )
    def test_does_not_load_with_anything_unknown(self, changes: dict[str, object], reason: str) -> None:
        message = refusal(**changes)
        assert reason in message
        assert "try-6m" in message


class TestAPack:
    """One file, one instrument."""

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("= nonsense", "try.toml: "),
            ('regime = "x"', "a pack has a regime, perhaps a state, and [[rule]] entries"),
            ("[[rule]]", "a pack has a regime, perhaps a state, and [[rule]] entries"),
            ('regime = "x"\nextra = 1\n[[rule]]', "nothing else"),
            ('regime = "x"\nrule = [1]', "entry 1: is not a table"),
            ('regime = "x"\nstate = "US"\n[[rule]]', "'US' is not one of the states"),
        ],
    )
    def test_is_refused_when_it_is_none(self, text: str, reason: str) -> None:
        with pytest.raises(PackError) as caught:
            read({"try.toml": text})
        assert reason in str(caught.value)

    def test_is_refused_when_an_id_stands_twice(self) -> None:
        with pytest.raises(PackError, match="try-6m stands twice"):
            read({"try.toml": written(WHOLE, WHOLE)})

    def test_keeps_a_change_in_law_beside_the_old_rule(self) -> None:
        old = {**WHOLE, "applies_until": "2026-06-30"}
        new = {**WHOLE, "id": "try-9m", "length": "9 months", "applies_from": "2026-07-01"}
        rules = read({"try.toml": written(old, new)})
        assert [rule.in_force_on(date(2026, 6, 30)) for rule in rules] == [True, False]
        assert [rule.in_force_on(date(2026, 7, 1)) for rule in rules] == [False, True]


@pytest.mark.parametrize("name", PREDICATES)
def test_every_condition_has_its_words(name: str) -> None:
    assert wording.has(f"condition.{name}")


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_way_of_counting_has_its_words(code: str) -> None:
    assert wording.has(f"counting.{code.rstrip('?')}")


class TestThePacks:
    """Sections 3 and 4 of the legal reference."""

    @pytest.mark.parametrize("row", [*REFERENCE.split(), *ROWS])
    def test_hold_every_row_of_the_reference(self, row: str) -> None:
        assert row in packs.by_id() or any(rule.startswith(f"{row}-") for rule in packs.by_id())

    def test_hold_nothing_beyond_it_without_a_reason(self) -> None:
        named = set(REFERENCE.split())
        more = {rule for rule in packs.by_id() if rule not in named and not rule.startswith("ammr-crisis-")}
        more = {rule for rule in more if not any(rule == row or rule.startswith(f"{row}-") for row in ROWS)}
        assert more == set(BEYOND)
        assert all(BEYOND.values())

    def test_are_confirmed_where_the_transfer_is_decided(self) -> None:
        for rule in packs.load():
            if rule.regime in packs.TRANSFER_REGIMES:
                assert rule.confidence in ("verified", "likely")

    def test_have_words_for_every_instrument(self) -> None:
        assert all(wording.has(f"regime.{rule.regime}") for rule in packs.load())

    def test_are_the_files_of_the_package(self) -> None:
        names = {entry.name for entry in (resources.files("casework.law") / "rules").iterdir()}
        assert {"eu-dublin3.toml", "eu-ammr.toml"} <= names

    @pytest.mark.parametrize("regime", ["dublin3", "ammr"])
    def test_give_the_clauses_that_a_page_can_cite(self, regime: str) -> None:
        cited = packs.notes(regime)
        assert cited
        assert all(rule.is_note and rule.regime == regime and rule.states == () for rule in cited)

    @pytest.mark.parametrize("rule", packs.load(), ids=lambda rule: rule.id)
    def test_stand_under_the_instrument_that_they_name(self, rule: Rule) -> None:
        assert rule.regime == "eu" or rule.id.startswith(f"{rule.regime}-")
        assert (rule.place is None) == (rule.regime in (*packs.TRANSFER_REGIMES, "apr", "eu", "echr"))
        if rule.regime in (*packs.TRANSFER_REGIMES, "apr"):
            assert "Regulation" in rule.legal_basis
        assert wording.has(rule.label)
