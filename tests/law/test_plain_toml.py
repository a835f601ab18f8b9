"""The quick reader of TOML: it says what the standard library says, or leaves the text to it."""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable

import pytest

from casework.law import packs, plain_toml

LAW = resources.files("casework.law")
PACKS = sorted((e for e in (LAW / "rules").iterdir() if e.name.endswith(".toml")), key=lambda e: e.name)
PARTS = sorted((part for lang in (LAW / "wording").iterdir() if lang.is_dir() for part in lang.iterdir()), key=str)
FILES = [file for file in (*PACKS, *PARTS) if file.name.endswith(".toml")]


@pytest.mark.parametrize("text", [file.read_text("utf-8") for file in FILES], ids=map(str, FILES))
class TestEveryFile:
    """The packs and the catalogues as they stand."""

    def test_is_read_as_by_the_standard_library(self, text: str) -> None:
        assert plain_toml.loads(text) == tomllib.loads(text)


@pytest.mark.parametrize("entry", PACKS, ids=str)
class TestEveryPack:
    """All of them are plain, so that they are read quickly."""

    def test_needs_no_other_reader(self, entry: Traversable, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(tomllib, "loads")
        assert plain_toml.loads(entry.read_text("utf-8"))["rule"]


class TestAnyText:
    """What the quick reader does not know, the standard one reads or refuses."""

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "# only words\n\n",
            'a = "b"',
            'a = "says \\"b\\""',
            'a = "\\u00e9"',
            "a = 'b'",
            "a = 2026-11-23",
            "a = true\nb = false",
            'a = []\nb = ["c"]\nd = ["e", "f"]',
            'a = [\n    "b",\n    "c, \\"d\\"",\n]',
            'a = ["b",\n"c"]',
            'a = [\n    "b"\n]',
            'a = { b = "c", d = "e" }',
            "a = { b = 1 }",
            'a.b = "c"',
            "a = 1",
            'a = "b" # said',
            '[a]\nb = "c"\n[d]\n1 = "e"',
            '[[a]]\nb = "c"\n[[a]]\nb = "d"',
            '[a.b]\nc = "d"',
            '"a" = "b"',
            'a = """\nb"""',
            'a = "b\u2028c"',
            "a = 2026-11-23T10:00:00Z",
        ],
    )
    def test_is_read_as_by_the_standard_library(self, text: str) -> None:
        assert plain_toml.loads(text) == tomllib.loads(text)

    @pytest.mark.parametrize(
        "text",
        [
            "a",
            "a = ",
            'a = "b"\na = "c"',
            "[a]\n[a]",
            '[a]\nb = "c"\n[[a]]',
            'a = ["b"]\n[[a]]',
            'a = "b"\n[[a]]',
            "[[a]]\n[a]",
            "a = 2026-02-30",
            'a = { b = "c", b = "d" }',
            'a = [\n    "b",',
            'a = "\x01"',
            'a = "b',
            "[a\n",
        ],
    )
    def test_is_refused_as_by_the_standard_library(self, text: str) -> None:
        with pytest.raises(tomllib.TOMLDecodeError):
            plain_toml.loads(text)
        with pytest.raises(packs.PackError, match="try"):
            packs.read({"try.toml": text})
