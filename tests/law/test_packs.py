"""A pack that lacks anything does not load, and says which entry lacks what."""

from __future__ import annotations

from datetime import date
from importlib import resources
from typing import Any

import pytest

from casework.law import packs, wording
from casework.law.packs import PackError, Rule, read

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
            ({"starts_on": "eurodac-hit"}, "starts_on must be a list of texts"),
            ({"meets": [5]}, "meets must be a list of texts"),
            ({"met_before": "yes"}, "met_before must be true or false"),
            ({"length_if": "x"}, "length_if must be a table"),
            ({"length_if": {"raining": "1 day"}}, "there is no condition 'raining'"),
            ({"extends": ["other"]}, "names other, which its pack does not have"),
            ({"supersedes": ["other"]}, "names other, which its pack does not have"),
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
            ('regime = "x"', "a pack has a regime and [[rule]] entries"),
            ("[[rule]]", "a pack has a regime and [[rule]] entries"),
            ('regime = "x"\nextra = 1\n[[rule]]', "nothing else"),
            ('regime = "x"\nrule = [1]', "entry 1: is not a table"),
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
        assert [rule.applies_to(date(2026, 6, 30)) for rule in rules] == [True, False]
        assert [rule.applies_to(date(2026, 7, 1)) for rule in rules] == [False, True]


class TestThePacks:
    """Sections 3 and 4 of the legal reference."""

    def test_hold_every_rule_of_the_reference(self) -> None:
        assert set(REFERENCE.split()) <= set(packs.by_id())

    def test_hold_nothing_beyond_it_but_the_crisis_rules_and_the_last_day_of_review(self) -> None:
        more = set(packs.by_id()) - set(REFERENCE.split())
        assert {rule for rule in more if not rule.startswith("ammr-crisis-")} == {"ammr-detention-review-21d"}

    def test_are_all_verified_or_likely(self) -> None:
        assert {rule.confidence for rule in packs.load()} == {"verified", "likely"}

    def test_are_the_files_of_the_package(self) -> None:
        names = {entry.name for entry in (resources.files("casework.law") / "rules").iterdir()}
        assert {"eu-dublin3.toml", "eu-ammr.toml"} <= names

    @pytest.mark.parametrize("regime", ["dublin3", "ammr"])
    def test_give_the_clauses_that_a_page_can_cite(self, regime: str) -> None:
        cited = packs.notes(regime)
        assert cited
        assert all(rule.is_note and rule.regime == regime and rule.states == () for rule in cited)

    @pytest.mark.parametrize("rule", packs.load(), ids=lambda rule: rule.id)
    def test_stand_under_the_regulation_that_they_name(self, rule: Rule) -> None:
        assert rule.id.startswith(f"{rule.regime}-")
        assert "Regulation" in rule.legal_basis
        assert wording.has(rule.label)
