"""The catalogue and the generated pages keep step with the vocabulary and the packs."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from casework.law import document, set_by_others, wording
from casework.law.counting import Period
from casework.law.status import STAGES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path.read_text("utf-8") for path in sorted((ROOT / "casework" / "law").rglob("*.py"))]

_MESSAGES = {
    "x.sentence": "{state}: {what}. Yes.",
    "x.clause": "{state} accepted",
    "x.asked": "{state:cap} accepted",
    "x.braces": "a {{mark}}, then {days:day}",
}


class TestWords:
    """Messages travel as keys and get their words in the reader's language."""

    def test_say_dates_states_and_periods_in_words(self) -> None:
        words = wording.words_for("en")
        assert words.day(date(2026, 9, 10)) == "10 September 2026"
        assert words.day(datetime(2026, 9, 10, 9, 5, tzinfo=ZoneInfo("Europe/Paris"))) == "10 September 2026, 09:05"
        assert words.weekday(date(2026, 9, 10)) == "Thursday"
        assert (words.state("HR"), words.state("XZ"), words.state(None)) == ("Croatia", "XZ", "the other state")
        assert (words.period(Period(1, "month")), words.period(Period(6, "month"))) == ("1 month", "6 months")
        assert (words.party("applicant"), words.party("FR")) == ("the applicant", "France")

    def test_render_one_message(self) -> None:
        assert wording.render("label.ammr-transfer-6m") == "Transfer"
        assert wording.render("expiry.transfer-late", country="FR").endswith("responsibility passes to France.")

    def test_refuse_a_language_without_a_catalogue(self) -> None:
        with pytest.raises(wording.NoSuchLanguage, match="there is one for de, en, fr, ru"):
            wording.words_for("tlh")

    def test_begin_a_sentence_with_a_capital_and_end_it_with_one_stop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wording, "catalogue", lambda _: {**wording.written_in("en"), **_MESSAGES})
        words = wording.Words("en")
        assert (
            words.say("x.sentence", {"state": "NL", "what": "Bring a form."}) == "The Netherlands: Bring a form. Yes."
        )
        assert words.say("x.clause", {"state": "NL"}) == "the Netherlands accepted"
        assert words.say("x.asked", {"state": "NL"}) == "The Netherlands accepted"
        assert words.say("x.braces", {"days": 1}) == "a {mark}, then 1 day"

    def test_count_a_number_in_the_unit_that_its_gap_names(self) -> None:
        words = wording.words_for("en")
        assert [words.period(Period(count, "working day")) for count in (1, 2)] == ["1 working day", "2 working days"]

    def test_tell_equal_instants_of_two_zones_apart(self) -> None:
        words = wording.Words("en")
        moments = [datetime(2026, 9, 10, 9, tzinfo=ZoneInfo("Europe/Paris")), datetime(2026, 9, 10, 7, tzinfo=UTC)]
        assert moments[0] == moments[1]
        assert [words.day(moment)[-5:] for moment in moments] == ["09:00", "07:00"]

    def test_say_in_english_what_a_language_lacks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wording.catalogue.cache_clear()
        monkeypatch.setattr(wording, "written_in", lambda lang: {"a.b": "this"} if lang == "en" else {})
        assert wording.catalogue("de") == {"a.b": "this"}
        wording.catalogue.cache_clear()

    def test_forget_dates_rather_than_grow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wording, "_KEPT_DATES", 2)
        words = wording.Words("en")
        assert [words.day(date(2026, 1, day)) for day in (1, 2, 3, 4, 5)][-1] == "5 January 2026"

    @pytest.mark.parametrize("table", ["warning", "claim", "because", "expiry"])
    def test_hold_no_message_that_nothing_says(self, table: str) -> None:
        packs_text = "".join(path.read_text("utf-8") for path in (ROOT / "casework" / "law" / "rules").glob("*.toml"))
        for key in wording.catalogue("en"):
            name = key.removeprefix(f"{table}.")
            if name == key:
                continue
            built = re.sub(
                r"-(acceptance|confirmation|relocation|weekend|holiday|earlier|later|told|estimated)$", "-", name
            )
            built = re.sub(r"^(rolled|open|opinion)-$", "-", re.sub(r"-(court|authority)$", "-", built))
            assert (
                f'"{name}"' in packs_text
                or any(key in text or f"{table}.{built}" in text or f"{built}holiday" in text for text in SOURCES)
                or re.fullmatch(r"(rolled|open|opinion)-(holiday|weekend)", name)
            ), key

    def test_have_every_stage_and_every_rule_of_others(self) -> None:
        assert all(wording.has(f"stage.{stage}") for stage in STAGES)
        assert all(wording.has(f"label.{rule}") for rule in set_by_others.rule_ids())


class TestGeneratedPages:
    """`python -m casework.law.document docs` was run after the last change."""

    def test_the_facts_are_in_step(self) -> None:
        assert (ROOT / "docs" / "facts.md").read_text("utf-8") == document.facts_page()

    @pytest.mark.parametrize("name", sorted(document.rules_pages()))
    def test_the_rules_are_in_step(self, name: str) -> None:
        assert (ROOT / "docs" / "rules" / name).read_text("utf-8") == document.rules_pages()[name]

    def test_there_is_no_page_of_an_instrument_that_is_gone(self) -> None:
        assert {path.name for path in (ROOT / "docs" / "rules").iterdir()} == set(document.rules_pages())

    def test_are_written_where_they_belong(self, tmp_path: Path) -> None:
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "gone.md").touch()
        document.write(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["facts.md", "rules"]
        assert {path.name for path in (tmp_path / "rules").iterdir()} == set(document.rules_pages())
