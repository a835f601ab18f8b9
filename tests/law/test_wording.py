"""The catalogue and the generated pages keep step with the vocabulary and the packs."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from casework.law import document, set_by_others, wording
from casework.law.counting import Period
from casework.law.status import STAGES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path.read_text("utf-8") for path in sorted((ROOT / "casework" / "law").rglob("*.py"))]


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
        with pytest.raises(wording.NoSuchLanguage, match="there is one for en"):
            wording.words_for("tlh")

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
            built = re.sub(r"^(rolled|open)-$", "-", re.sub(r"-(court|authority)$", "-", built))
            assert (
                f'"{name}"' in packs_text
                or any(key in text or f"{table}.{built}" in text or f"{built}holiday" in text for text in SOURCES)
                or name in ("rolled-holiday", "rolled-weekend", "open-holiday", "open-weekend")
            ), key

    def test_have_every_stage_and_every_rule_of_others(self) -> None:
        assert all(wording.has(f"stage.{stage}") for stage in STAGES)
        assert all(wording.has(f"label.{rule}") for rule in set_by_others.rule_ids())


class TestGeneratedPages:
    """`python -m casework.law.document docs` was run after the last change."""

    @pytest.mark.parametrize(("name", "page"), [("facts.md", document.facts_page), ("rules.md", document.rules_page)])
    def test_are_in_step(self, name: str, page: object) -> None:
        assert callable(page)
        assert (ROOT / "docs" / name).read_text("utf-8") == page()

    def test_are_written_where_they_belong(self, tmp_path: Path) -> None:
        document.write(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["facts.md", "rules.md"]
