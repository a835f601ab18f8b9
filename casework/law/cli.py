"""The command `deadlines`: a facts file in, state and time limits out. It needs no key, no database and no setting."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from casework.law import changes, derive, facts, wording
from casework.law.calendars import zone_of
from casework.law.types import Deadline, Procedure, Question

WRONG_USAGE = 2
"""Exit code for arguments or facts that cannot be used; what the law makes of facts is never an error."""


def today_in(country: str) -> date:
    """Return the legal day that it is now in a state."""
    return datetime.fromtimestamp(time.time(), UTC).astimezone(zone_of(country)).date()


def main(argv: Sequence[str] | None = None, *, today: Callable[[str], date] = today_in) -> int:
    """Run the command and return its exit code: 0, or 2 when the arguments or the facts cannot be used.

    Args:
        today: tells which day it is in a state, for a caller that has a clock of its own.
    """
    parser = _parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    try:
        case = facts.parse(_read(options.file))
        on = options.on or today(case.country)
        procedure = derive.procedure(case, on=on, lang=options.lang)
        would_change = changes.would_change(case, procedure, on=on, lang=options.lang)
    except (facts.FactsError, wording.NoSuchLanguage) as error:
        print(f"deadlines: {error}", file=sys.stderr)
        return WRONG_USAGE
    print(
        json.dumps(as_mapping(procedure, would_change), ensure_ascii=False, indent=2)
        if options.json
        else as_text(procedure, on, options.lang, would_change)
    )
    return 0


WouldChange = Mapping[changes.Name, tuple[str, ...]]
"""What `changes.would_change` returns."""

_NOTHING: WouldChange = {}


def as_mapping(procedure: Procedure, would_change: WouldChange = _NOTHING) -> dict[str, object]:
    """Return a procedure as the JSON output has it; dates as ISO text. `questions` is there when there are any."""
    result: dict[str, object] = {
        "regime": procedure.regime,
        "status": procedure.status,
        "responsible_state": procedure.responsible_state,
        "deadlines": [
            {**_limit_as_mapping(deadline), "would_change": list(would_change.get(_name(deadline), ()))}
            for deadline in procedure.deadlines
        ],
        "warnings": list(procedure.warnings),
    }
    if procedure.questions:
        result["questions"] = [{name: getattr(question, name) for name in _ASKED} for question in procedure.questions]
    return result


_ASKED = ("rule", "label", "text", "legal_basis", "source", "confidence")


def _name(deadline: Deadline) -> changes.Name:
    return deadline.rule, deadline.reading, deadline.starts


_MEMBERS = (
    "rule", "starts", "due", "due_strict", "due_rolled", "reading", "state", "met_on", "stopped_by", "superseded_by",
    "whose", "on_expiry", "legal_basis", "source", "confidence", "because",
)  # fmt: skip
_ONLY_WHEN_SET = frozenset({"met_on", "stopped_by", "superseded_by"})


def _limit_as_mapping(deadline: Deadline) -> dict[str, object]:
    result: dict[str, object] = {}
    for name in _MEMBERS:
        value = getattr(deadline, name)
        if value is None and name in _ONLY_WHEN_SET:
            continue
        if isinstance(value, date):
            value = value.isoformat()
        result[name] = list(value) if isinstance(value, tuple) else value
    return result


def as_text(procedure: Procedure, on: date, lang: str = "en", would_change: WouldChange = _NOTHING) -> str:
    """Return a procedure as a table for people, followed by what to beware of."""
    words = wording.words_for(lang)
    lines = [
        words.say(f"regime.{procedure.regime}"),
        words.say("table.status", {"on": on, "status": f"stage.{procedure.status}"}),
    ]
    if procedure.responsible_state:
        lines.append(words.say("table.responsible", {"state": procedure.responsible_state}))
    if procedure.changes_on:
        lines.append(words.say("table.changes", {"on": procedure.changes_on}))
    rows = [_row(deadline, words) for deadline in procedure.deadlines]
    widths = [max((len(row[column]) for row, _ in rows), default=0) for column in range(4)]
    for row, deadline in rows:
        lines.append("")
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        lines.append(f"    {deadline.rule}: {deadline.legal_basis} ({words.say(f'confidence.{deadline.confidence}')})")
        lines.extend(f"    {sentence}" for sentence in deadline.because)
        if sentences := would_change.get(_name(deadline)):
            lines.append(f"    {words.say('change.title')}")
            lines.extend(f"      - {sentence}" for sentence in sentences)
    if procedure.questions:
        lines.extend(("", words.say("change.questions")))
        for question in procedure.questions:
            lines.extend(_asked(question))
    if procedure.warnings:
        lines.extend(("", words.say("table.warnings")))
        lines.extend(f"  - {warning}" for warning in procedure.warnings)
    return "\n".join(lines)


def _asked(question: Question) -> Iterator[str]:
    yield f"  - {question.label}: {question.text}"
    yield f"    {question.rule}: {question.legal_basis}, {question.source}"


def _row(deadline: Deadline, words: wording.Words) -> tuple[tuple[str, str, str, str], Deadline]:
    label = f"{deadline.label} [{deadline.reading}]" if deadline.reading else deadline.label
    whose = words.party(deadline.whose)
    return (words.day(deadline.due), words.say(f"limit.{deadline.state}"), whose, label), deadline


def _read(path: str) -> object:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except OSError as error:
        raise facts.FactsError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise facts.FactsError(f"{path} is not UTF-8 text.") from None
    try:
        return json.loads(text, object_pairs_hook=_no_doubles)
    except json.JSONDecodeError as error:
        raise facts.FactsError(f"{path} is not JSON: {error.msg} in line {error.lineno}.") from None
    except RecursionError:
        raise facts.FactsError(f"{path} is nested too deeply.") from None
    except facts.FactsError:
        raise
    except ValueError:
        raise facts.FactsError(f"{path} holds a number that is too long.") from None


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for name, value in pairs:
        if name in result:
            raise facts.FactsError(f"the member {name[:60]!r} stands twice in one object.")
        result[name] = value
    return result


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date, such as 2026-09-01") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deadlines",
        description="Derive the state and the time limits of a transfer procedure from a facts file.",
    )
    parser.add_argument("file", metavar="FILE", help="facts file (JSON, UTF-8); - reads standard input")
    parser.add_argument("--on", metavar="DATE", type=_day, help="the day of the question; default today")
    parser.add_argument("--lang", default="en", help="language of the sentences")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
