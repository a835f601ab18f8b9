"""The rules of the law engine, for the page on which a lawyer can check us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from casework.law import packs, reference, wording
from casework.law.reference import Entry


@dataclass(frozen=True)
class Count:
    """How many rules there are of one degree of confidence, which is named in words."""

    heading: str
    count: int


@dataclass(frozen=True)
class Instrument:
    """One instrument with how many rules it has, in all and by confidence."""

    regime: str
    name: str
    count: int
    by_confidence: tuple[Count, ...]


@dataclass(frozen=True)
class RuleGroup:
    """The rules found of one instrument."""

    name: str
    rules: tuple[Entry, ...]


def confidences(lang: str) -> dict[str, str]:
    """Return the degrees of confidence with their words."""
    return {name: wording.render(f"confidence.{name}", lang) for name in packs.CONFIDENCES}


def instruments(lang: str) -> list[Instrument]:
    """Return every instrument with its counts."""
    counts = Counter((entry.regime, entry.confidence) for entry in reference.entries(lang))
    found = []
    for regime, name in reference.instruments(lang).items():
        by_confidence = tuple(Count(words, counts[regime, degree]) for degree, words in confidences(lang).items())
        found.append(Instrument(regime, name, sum(count.count for count in by_confidence), by_confidence))
    return found


def grouped(entries: Sequence[Entry]) -> list[RuleGroup]:
    """Return entries by instrument, in their order."""
    names = dict.fromkeys(entry.instrument for entry in entries)
    return [RuleGroup(name, tuple(e for e in entries if e.instrument == name)) for name in names]
