"""Every rule in words, for the generated pages and for the page inside the application where a lawyer can check us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from casework.law import packs, wording
from casework.law.packs import Rule, Spec
from casework.law.wording import Words


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule as a reader sees it; texts are in the reader's language, `details` are pairs of heading and text."""

    id: str
    regime: str
    instrument: str
    label: str
    length: str
    legal_basis: str
    source: str
    confidence: str
    confidence_label: str
    checked_on: date
    details: tuple[tuple[str, str], ...]

    @property
    def searchable(self) -> str:
        """Return everything that a search looks through, case folded."""
        texts = (self.id, self.label, self.instrument, self.length, self.legal_basis, self.confidence_label)
        return " ".join((*texts, *(text for _, text in self.details))).casefold()


@lru_cache(maxsize=16)
def entries(lang: str = "en") -> tuple[Entry, ...]:
    """Return every rule in one language: the Union's instruments as the packs stand, then the states by name.

    Raises:
        wording.NoSuchLanguage: there is no catalogue for `lang`.
    """
    words = wording.words_for(lang)
    found = [(rule.place is not None, _entry(rule, words)) for rule in packs.load()]
    found.sort(key=lambda pair: (pair[0], pair[1].instrument if pair[0] else ""))
    return tuple(entry for _, entry in found)


def search(found: Iterable[Entry], text: str) -> list[Entry]:
    """Return the entries that hold every word of `text`, in any order and case."""
    wanted = text.casefold().split()
    return [entry for entry in found if all(word in entry.searchable for word in wanted)]


def instruments(lang: str = "en") -> dict[str, str]:
    """Return the instruments by regime, with their names in words, in the order of the packs."""
    return {entry.regime: entry.instrument for entry in entries(lang)}


def _entry(rule: Rule, words: Words) -> Entry:
    return Entry(
        id=rule.id,
        regime=rule.regime,
        instrument=words.say(f"regime.{rule.regime}"),
        label=words.say(rule.label),
        length=_length(rule, words),
        legal_basis=words.basis(rule.legal_basis),
        source=rule.source,
        confidence=rule.confidence,
        confidence_label=words.say(f"confidence.{rule.confidence}"),
        checked_on=rule.checked_on,
        details=tuple((words.say(f"rules.{key}"), text) for key, text in _details(rule, words) if text),
    )


def _length(rule: Rule, words: Words) -> str:
    if rule.is_note:
        return words.say("rules.no-period")
    own = words.period(rule.period) if rule.period else ""
    if rule.length_from == "urgent_days":
        return words.say("rules.as-asked", {"period": own})
    if rule.length_from is not None:
        return words.say("rules.as-printed", {"period": own}) if own else words.say("rules.only-printed")
    return own


def _details(rule: Rule, words: Words) -> Iterator[tuple[str, str]]:
    places = {"country": words.say("table.country"), "state": words.say("word.other-state")}
    yield "starts", _events(rule.starts_on, words)
    if rule.only_while:
        yield "while", _rules(rule.only_while, words)
    for predicate, period in rule.length_if:
        name = predicate.__name__.replace("_", "-")
        yield "length-if", f"{words.period(period)}: {words.say(f'condition.{name}')}"
    if rule.between is not None:
        yield "between", " – ".join(words.period(period) for period in rule.between)
    if not rule.is_note:
        yield "counting", words.say(f"counting.{rule.counting.rstrip('?')}")
        yield "whose", words.say(f"rules.whose-{rule.whose}")
    yield "meets", _events(rule.meets, words)
    yield "stops", _events(rule.stops, words)
    yield "paused", _events(rule.paused_by, words)
    yield "resumed", _events(rule.resumed_by, words)
    yield "extends", _rules(rule.extends, words)
    yield "supersedes", _rules(rule.supersedes, words)
    if rule.cap is not None:
        yield "cap", _rules((rule.cap,), words)
    expiry = words.say(rule.on_expiry, places)
    yield "expiry", expiry[:1].upper() + expiry[1:]
    if rule.applies_from is not None:
        yield f"from-{rule.applies_by}", words.day(rule.applies_from)
    if rule.applies_until is not None:
        yield f"until-{rule.applies_by}", words.day(rule.applies_until)


def _events(specs: Iterable[Spec], words: Words) -> str:
    return "; ".join(_event(spec, words) for spec in specs)


def _event(spec: Spec, words: Words) -> str:
    name = f"event.{spec.event}"
    text = words.say(name, {"state": None, "country": None})
    for _, values in spec.members:
        text += f" ({', '.join(words.say(f'choice.{value}') for value in sorted(values))})"
    for predicate, wanted in spec.conditions:
        condition = words.say(f"condition.{predicate.__name__.replace('_', '-')}")
        text += words.say("rules.if" if wanted else "rules.unless", {"condition": condition})
    return text


def _rules(ids: Iterable[str], words: Words) -> str:
    by_id = packs.by_id()
    return "; ".join(f"{words.say(by_id[name].label)} ({name})" for name in sorted(ids))
