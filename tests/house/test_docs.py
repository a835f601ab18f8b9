"""What the documents say is so: permissions, clear columns, links, make targets, commands, paths and areas."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.db.models import Model

from casework.access.actions import CASE_RULES, Action, CaseRule
from casework.access.types import Level
from casework.crypto.fields import SealedField
from tests.house import permissions_table

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

_FENCE = re.compile(r"^(```|~~~)[^\n]*\n.*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}\s+(?P<words>.+?)\s*#*$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
# A path of this repository, from its top level, as documents write it; a star stands for any name.
_PATH = re.compile(r"^(?:casework|config|templates|tests|docs|requirements|bench|\.ci)/[\w./*-]*$")
# `manage.py` runs this one before Django knows of any command.
_WITHOUT_DJANGO = {"deadlines"}


def _code_in(text: str) -> Iterator[str]:
    """Yield every piece of code of a page: fenced blocks line by line, and what stands between single backticks."""
    for block in _FENCE.finditer(text):
        yield from block.group().splitlines()[1:-1]
    yield from _marked_in(text)


def _marked_in(text: str) -> Iterator[str]:
    """Yield what stands between single backticks, on one line also where the page broke it."""
    for paragraph in _PARAGRAPHS.split(_FENCE.sub("", text)):
        yield from (" ".join(code.split()) for code in _CODE.findall(paragraph))


def _anchors(text: str) -> set[str]:
    """Return the anchors that a page's headings have where it is read."""
    plain = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", words) for words in _HEADING.findall(_FENCE.sub("", text)))
    return {re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-") for words in plain}


class TestPermissions:
    def test_are_written_down_as_the_code_has_them(self) -> None:
        written = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
        assert written == permissions_table.render(), f"write it anew: {permissions_table.COMMAND}"

    def test_change_on_paper_when_they_change_in_code(self) -> None:
        looser = {**CASE_RULES, Action.SHARE_CASE: CaseRule(Level.VIEW)}
        assert permissions_table.render(case_rules=looser) != permissions_table.render()

    def test_name_every_action(self) -> None:
        without = {action: rule for action, rule in CASE_RULES.items() if action is not Action.SHARE_CASE}
        with pytest.raises(ValueError, match="SHARE_CASE"):
            permissions_table.render(case_rules=without)


@pytest.mark.parametrize("name", NAMES)
class TestAPage:
    def test_links_to_files_and_headings_that_exist(self, name: str) -> None:
        page = ROOT / name
        dead = []
        for match in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8"))):
            target = match["target"]
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            other = (page.parent / path).resolve() if path else page
            is_ours = other.is_relative_to(ROOT) and other.exists()
            if not is_ours or (anchor and anchor not in _anchors(other.read_text(encoding="utf-8"))):
                dead.append(target)
        assert dead == []

    def test_names_make_targets_that_exist(self, name: str) -> None:
        targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        named: set[str] = set()
        for code in _code_in((ROOT / name).read_text(encoding="utf-8")):
            named.update(re.findall(r"(?:^|[;&|])\s*make\s+([a-z][a-z-]*)", code))
        assert named - targets == set()

    def test_names_management_commands_that_exist(self, name: str) -> None:
        known = set(get_commands()) | _WITHOUT_DJANGO
        named: set[str] = set()
        for code in _code_in((ROOT / name).read_text(encoding="utf-8")):
            named.update(re.findall(r"manage\.py\s+([a-z_]+)", code))
        assert named - known == set()

    def test_names_modules_that_can_be_run(self, name: str) -> None:
        missing = []
        for code in _code_in((ROOT / name).read_text(encoding="utf-8")):
            for module in re.findall(r"python3? -m ((?:casework|config|tests|bench)[\w.]*)", code):
                try:
                    found = importlib.util.find_spec(module)
                except ModuleNotFoundError:
                    found = None
                if found is None:
                    missing.append(module)
        assert missing == []

    def test_names_paths_that_exist(self, name: str) -> None:
        gone = []
        for code in _marked_in((ROOT / name).read_text(encoding="utf-8")):
            if _PATH.match(code) and not any(ROOT.glob(code.rstrip("/"))):
                gone.append(code)
        assert gone == []


class TestTheReader:
    """These tests read what they should: a page with faults is found out."""

    def test_sees_code_in_fences_and_in_lines(self) -> None:
        text = "Run `make\ndemo`.\n\n```sh\nmanage.py doctor\n```\n\nThen `x`.\n"
        assert list(_code_in(text)) == ["manage.py doctor", "make demo", "x"]

    def test_knows_the_anchor_of_a_heading(self) -> None:
        assert _anchors("# One\n\n## What stays *visible*, and `why`\n") == {"one", "what-stays-visible-and-why"}


class TestWhatStaysVisible:
    """The threat model names every column that is not sealed, and none that is not there."""

    TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    ROWS = {
        name: set(_CODE.findall(cells)) for name, cells in re.findall(r"^\| `(\w+)` \| (.+) \|$", TEXT, re.MULTILINE)
    }
    OURS = [model for model in apps.get_models() if model.__module__.startswith("casework.")]

    def test_is_told_of_every_table_of_ours(self) -> None:
        live = {model._meta.db_table for model in self.OURS if not hasattr(model, "instance_type")}
        assert set(self.ROWS) == live

    def test_is_told_column_by_column(self) -> None:
        wrong = {}
        for model in self.OURS:
            table = model._meta.db_table
            if table in self.ROWS and self.ROWS[table] != _clear_columns(model):
                wrong[table] = sorted(self.ROWS[table] ^ _clear_columns(model))
        assert wrong == {}

    def test_is_told_of_history(self) -> None:
        extra = {f"history_{name}" for name in ("id", "date", "type", "user_id", "change_reason")}
        extra |= {"request_id", "digest", "mac"}
        for model in self.OURS:
            if hasattr(model, "instance_type"):
                assert f"`{model._meta.db_table}`" in self.TEXT
                assert _clear_columns(model) == _clear_columns(model.instance_type) | extra
        assert {name for name in extra if f"`{name}`" not in self.TEXT} == set()

    def test_is_told_of_the_tables_of_libraries(self) -> None:
        theirs = [model for model in apps.get_models(include_auto_created=True) if model not in self.OURS]
        tables = [model._meta.db_table for model in theirs if not model.__module__.startswith("tests.")]
        assert [table for table in tables if f"`{table}`" not in self.TEXT] == []


def _clear_columns(model: type[Model]) -> set[str]:
    return {
        field.column for field in model._meta.concrete_fields if field.column and not isinstance(field, SealedField)
    }


class TestEveryArea:
    AREAS = sorted(path.parent.name for path in (ROOT / "casework").glob("*/__init__.py"))

    @pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
    def test_stands_in(self, page: str) -> None:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [area for area in self.AREAS if not re.search(rf"\b{area}\b", text)] == []


class TestEveryDecisionAndGuide:
    def test_stands_in_the_index(self) -> None:
        index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
        pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
        # A folder with an index of its own stands in this one with that index.
        own = {folder for folder in ("rules",) if f"({folder}/README.md)" in index}
        missing = [
            page for page in pages if page != "README.md" and f"({page})" not in index and page.split("/")[0] not in own
        ]
        assert missing == []

    def test_of_the_rules_stands_in_their_own_index(self) -> None:
        folder = ROOT / "docs" / "rules"
        index = (folder / "README.md").read_text(encoding="utf-8")
        assert [
            path.name for path in folder.glob("*.md") if path.name != "README.md" and f"({path.name})" not in index
        ] == []
