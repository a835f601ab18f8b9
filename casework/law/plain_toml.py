"""TOML as the rule packs and the catalogues write it, read several times as fast as by the standard library.

They are most of what the engine does before its first answer. A line that this reader does not know makes it leave the
whole text to `tomllib`, so that every TOML text means what the standard says.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import Any

_TEXT = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\")*"'
_LINE = re.compile(
    rf"""(?P<name>[A-Za-z0-9_-]+)[ ]=[ ](?:
        (?P<text>{_TEXT})
        | (?P<date>\d{{4}}-\d{{2}}-\d{{2}})
        | (?P<flag>true|false)
        | \[(?P<list>(?:{_TEXT}(?:,[ ]{_TEXT})*)?)\]
        | \{{[ ](?P<table>[a-z-]+[ ]=[ ]{_TEXT}(?:,[ ][a-z-]+[ ]=[ ]{_TEXT})*)[ ]\}}
        | (?P<open>\[)
    )""",
    re.VERBOSE,
)
_HEAD = re.compile(r"\[([a-z][a-z0-9_-]*)\]|\[\[([a-z][a-z0-9_-]*)\]\]")
_ITEM = re.compile(rf" +({_TEXT}),")
_PAIR = re.compile(rf"([a-z-]+) = ({_TEXT})")
_TEXTS = re.compile(_TEXT)


class _Unknown(Exception):
    """A line is written in a way that only the standard library reads."""


def loads(text: str) -> dict[str, Any]:
    """Return a TOML text's content.

    Raises:
        tomllib.TOMLDecodeError: the text is not TOML.
    """
    try:
        return _plain(text)
    except _Unknown:
        return tomllib.loads(text)


def _plain(text: str) -> dict[str, Any]:
    content: dict[str, Any] = {}
    table = content
    items: list[str] | None = None
    for line in text.splitlines():
        if items is not None:
            if line == "]":
                items = None
            elif item := _ITEM.fullmatch(line):
                items.append(_said(item[1]))
            else:
                raise _Unknown
            continue
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            table = _table(line, content)
            continue
        match = _LINE.fullmatch(line)
        if match is None or match["name"] in table:
            raise _Unknown
        items = [] if match.lastgroup == "open" else None
        table[match["name"]] = _value(match) if items is None else items
    if items is not None:
        raise _Unknown
    return content


def _table(line: str, content: dict[str, Any]) -> dict[str, Any]:
    head = _HEAD.fullmatch(line)
    name = head and (head[1] or head[2])
    if head is None or name is None:
        raise _Unknown
    table: dict[str, Any] = {}
    if head[2]:
        tables = content.setdefault(name, [])
        if not isinstance(tables, list) or (tables and not isinstance(tables[0], dict)):
            raise _Unknown
        tables.append(table)
    elif name in content:
        raise _Unknown
    else:
        content[name] = table
    return table


def _value(match: re.Match[str]) -> object:
    kind = match.lastgroup or ""
    said = match[kind]
    if kind == "text":
        return _said(said)
    if kind == "list":
        return [_said(text) for text in _TEXTS.findall(said)]
    if kind == "flag":
        return said == "true"
    if kind == "table":
        pairs = _PAIR.findall(said)
        if len({name for name, _ in pairs}) < len(pairs):
            raise _Unknown
        return {name: _said(text) for name, text in pairs}
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise _Unknown from None


def _said(text: str) -> str:
    return text[1:-1].replace('\\"', '"')
