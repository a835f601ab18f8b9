"""Typesetting: only our templates, only the wheel's fonts, every character accounted for."""

from __future__ import annotations

import re

import pytest

from casework.printing import typeset


class TestTemplates:
    """Nothing from outside."""

    @pytest.mark.parametrize("template", sorted(path.name for path in typeset.TEMPLATES.glob("*.typ")))
    def test_name_no_package_and_read_no_file(self, template: str) -> None:
        # An image of bytes that were handed over is no file.
        source = (typeset.TEMPLATES / template).read_text(encoding="utf-8").replace("image(bytes(values.", "(")
        assert re.findall(r"#?\b(?:import|include|read|eval|plugin|image|yaml|csv)\b\s*[(\"]|@preview", source) == []

    def test_have_no_package_folder(self) -> None:
        assert not (typeset.TEMPLATES / "no-packages").exists()


class TestPrintable:
    """What the fonts have stays; what they lack is shown as a square and said."""

    @pytest.mark.parametrize(
        "text", ["Ivan", "Иван Щербаков", "Їжак ґанок", "Élise Łuczak Öğüş", "علی رضایی", "გიორგი", "Հայկ", "€ № “” …"]
    )
    def test_leaves_the_scripts_of_the_people_alone(self, text: str) -> None:
        assert typeset.printable(text) == (text, True)

    @pytest.mark.parametrize("text", ["中", "ት", "😀", "\ue000", "\ud800"])
    def test_shows_a_square_for_what_no_font_has(self, text: str) -> None:
        assert typeset.printable(f"a{text}b") == ("a□b", False)

    def test_takes_out_controls_and_direction_overrides(self) -> None:
        assert typeset.printable("a\x00\x1b\u202eb\u2066") == ("ab", True)

    @pytest.mark.parametrize("text", ["", " ", "\u00ad", "\u200b\u200d", "\u2003 \n"])
    def test_gives_nothing_for_what_cannot_be_seen(self, text: str) -> None:
        assert typeset.printable(text) == ("", True)

    def test_puts_letters_and_their_accents_together(self) -> None:
        assert typeset.printable("и\u0306") == ("й", True)

    def test_lets_endless_words_break(self) -> None:
        shown, _ = typeset.printable("x" * 60)
        assert max(map(len, shown.split("\u200b"))) == 10
        assert shown.replace("\u200b", "") == "x" * 60

    def test_does_not_break_words_of_ordinary_length(self) -> None:
        assert typeset.printable("Aufenthaltsbeendigung " * 4)[0] == "Aufenthaltsbeendigung " * 4
