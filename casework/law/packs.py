"""The rule packs: read, checked against the vocabulary and the catalogue, and made ready to be walked."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources

from casework.law import plain_toml, wording
from casework.law.calendars import DUBLIN_STATES
from casework.law.counting import CODES, Period, PeriodError
from casework.law.facts import VOCABULARY, FactKind
from casework.law.predicates import PREDICATES, Predicate

CONFIDENCES = ("verified", "likely", "unverified")
PHASES = (
    "procedure", "detention", "remedy", "relocation", "notice", "criterion", "cessation", "asylum", "border", "return",
    "reception", "court",
)  # fmt: skip
"""What a rule is about; criteria keep the law of the day of registration in both readings of an open case."""

TRANSFER_REGIMES = ("dublin3", "ammr")
"""The packs of which one, or both in two readings, govern the transfer; all others are walked beside them."""

APPLIES_BY = ("registered", "lodged", "event")
"""Which day decides whether a rule is in force: of registration, of lodging, or of the event that starts it."""

FIGURES = ("appeal_days", "appeal_period", "departure_days", "urgent_days")
"""What a length may be taken from: the period that the decision prints, or the one that a request asks for.

`appeal_days` and `appeal_period` both mean what is printed; the first is for acts that leave the counting to national
law, so that the figure is not moved off a day off.
"""

PRINTED = frozenset(FIGURES) - {"urgent_days"}
"""Those of them that the decision prints."""

DERIVED_EVENTS = frozenset({"acceptance", "relocation", "suspension", "suspension-over"})
"""Events that no one records: another state is bound (expressly or by silence), a transfer suspended, or no longer."""

SILENCE = {"acceptance": "acceptance", "confirmation": "acceptance", "relocation": "relocation"}
"""What silence can be, and the event that it then is for other rules."""

_REQUIRED = ("id", "label", "phase", "starts_on", "length", "counting", "whose", "on_expiry")
_PROVENANCE = ("legal_basis", "source", "checked_on", "confidence")
_OPTIONAL = (
    "calendar", "act_on", "starts", "repeat", "renewed_after", "meets", "met_before", "stops", "restarts_on", "extends",
    "counts_from", "lasting", "late", "tops_up", "supersedes", "cap", "silence", "silence_after", "claim", "frees",
    "warns", "length_if", "applies_from", "applies_until", "applies_by", "while", "paused_by", "resumed_by",
    "pause_within", "between",
)  # fmt: skip


_NEEDED = (*_REQUIRED, *_PROVENANCE)
_MEMBERS = frozenset((*_NEEDED, *_OPTIONAL))


class PackError(ValueError):
    """A rule pack cannot be used; the message names the pack and the entry."""


@dataclass(frozen=True, eq=False, slots=True)
class Spec:
    """One event that a rule listens to: its name, the particulars it must have, the conditions that must hold.

    `plain`: the event's name is all that is asked.
    """

    event: str
    members: tuple[tuple[str, frozenset[str]], ...]
    conditions: tuple[tuple[Predicate, bool], ...]
    text: str
    plain: bool


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """One entry of a pack; docs/rules/README.md explains each member in words.

    `period` is None for entries without a period, and where only a printed figure gives one (`length` says which).
    `place`: the one state whose rule it is; `area` "union": it binds the states of `calendars.UNION` alone.
    `is_dated`: each event has to be asked whether the rule is in force; other rules are chosen with the case.
    """

    id: str
    regime: str
    label: str
    phase: str
    starts_on: tuple[Spec, ...]
    start_names: frozenset[str]
    starts: str
    length: str
    period: Period | None
    length_from: str | None
    length_if: tuple[tuple[Predicate, Period], ...]
    counting: str
    calendar: str
    whose: str
    act_on: str
    repeat: str
    renewed_after: tuple[str, ...]
    meets: tuple[Spec, ...]
    met_before: bool
    stops: tuple[Spec, ...]
    restarts_on: tuple[Spec, ...]
    extends: tuple[str, ...]
    counts_from: str
    lasting: str | None
    late: str | None
    tops_up: bool
    supersedes: frozenset[str]
    cap: str | None
    silence: str | None
    silence_after: Period | None
    on_expiry: str
    claim: str | None
    frees: str | None
    warns: tuple[str, ...]
    legal_basis: str
    source: str
    checked_on: date
    confidence: str
    applies_from: date | None
    applies_until: date | None
    applies_by: str = "registered"
    place: str | None = None
    area: str | None = None
    only_while: frozenset[str] = frozenset()
    paused_by: tuple[Spec, ...] = ()
    resumed_by: tuple[Spec, ...] = ()
    pause_within: Period | None = None
    between: tuple[Period, Period] | None = None
    is_dated: bool = False

    @property
    def is_note(self) -> bool:
        """Tell whether the entry has no period: a clause or a bar that the case page can cite."""
        return self.length == "none"

    @property
    def states(self) -> tuple[str, ...]:
        """Return the states that a time limit under this rule can take, as the entry's own members allow."""
        if self.is_note:
            return ()
        found = ["running", "expired"]
        if self.meets:
            found.append("met")
        if self.stops or self.paused_by:
            found.append("stopped")
        return tuple(found)

    @property
    def asks(self) -> bool:
        """Tell whether the rule may only ask, since nobody has confirmed its figure."""
        return self.confidence == "unverified"

    def in_force_on(self, day: date) -> bool:
        """Tell whether the rule governs what `applies_by` dates on that day."""
        return (self.applies_from is None or self.applies_from <= day) and (
            self.applies_until is None or day <= self.applies_until
        )


@lru_cache(maxsize=1)
def load() -> tuple[Rule, ...]:
    """Return every rule of every pack, in the order of the files.

    Raises:
        PackError: an entry lacks a member, names something unknown, or stands twice.
    """
    return read(_texts())


def _texts() -> dict[str, str]:
    folder = resources.files("casework.law") / "rules"
    texts = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return {name: texts[name] for name in sorted(texts)}


@lru_cache(maxsize=1)
def digest() -> str:
    """Return a short name of the rules in use, 16 hexadecimal digits: it changes whenever an entry does."""
    content = json.dumps({name: plain_toml.loads(text) for name, text in _texts().items()}, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def read(texts: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules of packs given as text by file name; `load` reads those of the package.

    Raises:
        PackError: as in `load`.
    """
    rules: list[Rule] = []
    for name, text in texts.items():
        try:
            content = plain_toml.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PackError(f"{name}: {error}") from error
        regime = content.pop("regime", None)
        state = content.pop("state", None)
        area = content.pop("area", None)
        entries = content.pop("rule", None)
        if not isinstance(regime, str) or not isinstance(entries, list) or content:
            raise PackError(f"{name}: a pack has a regime, perhaps a state, and [[rule]] entries, nothing else")
        if area not in (None, "union") or (area and state):
            raise PackError(f"{name}: area is {area!r}; it may be 'union' where the pack names no state")
        if state is not None and (not isinstance(state, str) or state not in DUBLIN_STATES):
            raise PackError(f"{name}: {state!r} is not one of the states")
        rules.extend(_rule(name, place, regime, (state, area), entry) for place, entry in enumerate(entries, start=1))
    _check_together(rules)
    return tuple(rules)


@lru_cache(maxsize=1)
def by_id() -> Mapping[str, Rule]:
    """Return every rule by its id."""
    return {rule.id: rule for rule in load()}


def notes(regime: str) -> tuple[Rule, ...]:
    """Return the entries without a period of one regime, for a page that cites them."""
    return tuple(rule for rule in load() if rule.regime == regime and rule.is_note)


_SPEC = re.compile(r"(?P<event>[a-z-]+)(?P<members>( [a-z_]+=[a-z|-]+)*)( if (?P<conditions>[a-z -]+))?")


class _Entry:
    """One `[[rule]]` table under reading: hands out its members and names itself when one is wrong."""

    def __init__(self, pack: str, place: int, table: object) -> None:
        self.where = f"{pack}, entry {place}"
        if not isinstance(table, dict):
            raise self.fault("is not a table")
        self.table: dict[str, object] = table
        if isinstance(table.get("id"), str):
            self.where = f"{pack}, {table['id']}"
        for key in _NEEDED:
            if table.get(key) in (None, "", []):
                raise self.fault(f"{key} is missing")
        for key in table:
            if key not in _MEMBERS:
                raise self.fault(f"{key} is not a member of a rule")

    def fault(self, problem: str) -> PackError:
        return PackError(f"{self.where}: {problem}")

    def text(self, key: str) -> str:
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"{key} must be a text")
        return value

    def maybe(self, key: str) -> str | None:
        return self.text(key) if key in self.table else None

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        value = default if default is not None and key not in self.table else self.text(key)
        if value not in choices:
            raise self.fault(f"{key} is {value!r}; it may be {', '.join(choices)}")
        return value

    def flag(self, key: str) -> bool:
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(f"{key} must be true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fault(f"{key} must be a list of texts")
        return tuple(value)

    def day(self, key: str) -> date | None:
        return self.required_day(key) if key in self.table else None

    def required_day(self, key: str) -> date:
        value = self.table[key]
        if type(value) is not date:
            raise self.fault(f"{key} must be a date")
        return value

    def message(self, table: str, key: str) -> str:
        name = f"{table}.{key}"
        if not wording.has(name):
            raise self.fault(f"the catalogue has no {name}")
        return name

    def predicate(self, name: str) -> Predicate:
        if name not in PREDICATES:
            raise self.fault(f"there is no condition {name!r}")
        return PREDICATES[name]

    def period(self, text: str) -> Period:
        try:
            return Period.parse(text)
        except PeriodError as error:
            raise self.fault(f"length: {error}") from error

    def specs(self, key: str) -> tuple[Spec, ...]:
        return tuple(self._spec(key, text) for text in self.texts(key))

    def _spec(self, key: str, text: str) -> Spec:
        match = _SPEC.fullmatch(text)
        if match is None:
            raise self.fault(f"{key}: {text!r} cannot be read")
        event = match["event"]
        kind = VOCABULARY.get(event)
        if kind is None and event not in DERIVED_EVENTS:
            raise self.fault(f"{key}: there is no fact {event!r}")
        members = tuple(self._member(key, kind, part) for part in match["members"].split())
        conditions = []
        for part in (match["conditions"] or "").split(" and "):
            if part:
                wanted = not part.startswith("not ")
                conditions.append((self.predicate(part.removeprefix("not ")), wanted))
        return Spec(event, members, tuple(conditions), text, not members and not conditions)

    def _member(self, key: str, kind: FactKind | None, part: str) -> tuple[str, frozenset[str]]:
        name, _, values = part.partition("=")
        member = kind.member(name) if kind else None
        wanted = frozenset(values.split("|"))
        if member is None or not wanted <= set(member.choices):
            raise self.fault(f"{key}: {part!r} is not in the vocabulary")
        return name, wanted


def _rule(pack: str, place: int, regime: str, where: tuple[str | None, str | None], table: object) -> Rule:
    entry = _Entry(pack, place, table)
    length = entry.text("length")
    length_from, _, written = length.partition(" or ") if length.startswith(FIGURES) else (None, "", length)
    whose = entry.choice("whose", ("country", "requested", "applicant", "authority"))
    lengths = entry.table.get("length_if", {})
    if not isinstance(lengths, dict):
        raise entry.fault("length_if must be a table")
    claim, late, silence = entry.maybe("claim"), entry.maybe("late"), entry.maybe("silence")
    silence_after, frees = entry.maybe("silence_after"), entry.maybe("frees")
    starts_on = entry.specs("starts_on")
    return Rule(
        id=entry.text("id"),
        regime=regime,
        label=entry.message("label", entry.text("label")),
        phase=entry.choice("phase", PHASES),
        starts_on=starts_on,
        start_names=frozenset(spec.event for spec in starts_on),
        starts=entry.choice("starts", ("any", "preferred"), "any"),
        length=length,
        period=entry.period(written) if written not in ("", "none") else None,
        length_from=length_from,
        length_if=tuple((entry.predicate(name), entry.period(str(text))) for name, text in lengths.items()),
        counting=entry.choice("counting", sorted(CODES)),
        calendar=entry.choice("calendar", ("country", "requested"), "country"),
        whose=whose,
        act_on=entry.choice("act_on", ("earlier", "later"), "earlier" if whose == "applicant" else "later"),
        repeat=entry.choice("repeat", ("first", "each"), "first"),
        renewed_after=entry.texts("renewed_after"),
        meets=entry.specs("meets"),
        met_before=entry.flag("met_before"),
        stops=entry.specs("stops"),
        restarts_on=entry.specs("restarts_on"),
        extends=entry.texts("extends"),
        counts_from=entry.choice("counts_from", ("event", "extended"), "event"),
        lasting=entry.maybe("lasting"),
        late=entry.message("warning", late) if late else None,
        tops_up=entry.flag("tops_up"),
        supersedes=frozenset(entry.texts("supersedes")),
        cap=entry.maybe("cap"),
        silence=entry.choice("silence", tuple(SILENCE)) if silence else None,
        silence_after=entry.period(silence_after) if silence_after else None,
        on_expiry=entry.message("expiry", entry.text("on_expiry")),
        claim=entry.message("claim", claim) if claim else None,
        frees=entry.message("claim", frees) if frees else None,
        warns=_warnings(entry),
        legal_basis=entry.text("legal_basis"),
        source=_link(entry),
        checked_on=entry.required_day("checked_on"),
        confidence=entry.choice("confidence", CONFIDENCES),
        applies_from=entry.day("applies_from"),
        applies_until=entry.day("applies_until"),
        applies_by=entry.choice("applies_by", APPLIES_BY, "registered"),
        place=where[0],
        area=where[1],
        only_while=frozenset(entry.texts("while")),
        paused_by=entry.specs("paused_by"),
        resumed_by=entry.specs("resumed_by"),
        pause_within=entry.period(entry.text("pause_within")) if "pause_within" in entry.table else None,
        between=_between(entry),
        is_dated=entry.table.get("applies_by", "registered") != "registered"
        and not entry.table.keys().isdisjoint(("applies_from", "applies_until")),
    )


def _between(entry: _Entry) -> tuple[Period, Period] | None:
    texts = entry.texts("between")
    if texts and len(texts) != 2:  # noqa: PLR2004 - the shortest and the longest
        raise entry.fault("between has a shortest and a longest length")
    return (entry.period(texts[0]), entry.period(texts[1])) if texts else None


def _warnings(entry: _Entry) -> tuple[str, ...]:
    keys = entry.texts("warns")
    if keys and entry.text("length") != "none":
        raise entry.fault("warns is for entries without a period; a period has a claim")
    return tuple(entry.message("warning", key) for key in keys)


def _link(entry: _Entry) -> str:
    link = entry.text("source")
    if not link.startswith("https://"):
        raise entry.fault("source must be a link")
    return link


def _check_together(rules: list[Rule]) -> None:
    ids = {rule.id: rule for rule in rules}
    if len(ids) != len(rules):
        twice = next(rule.id for rule in rules if ids[rule.id] is not rule)
        raise PackError(f"{twice} stands twice")
    for rule in rules:
        for other in (*rule.extends, *([rule.cap] if rule.cap else [])):
            if other not in ids or ids[other].regime != rule.regime:
                raise PackError(f"{rule.id}: names {other}, which its pack does not have")
        for other in (*rule.supersedes, *rule.only_while):
            if other not in ids:
                raise PackError(f"{rule.id}: names {other}, which no pack has")
        _check_sense(rule, ids)


def _check_sense(rule: Rule, ids: Mapping[str, Rule]) -> None:
    """Refuse what a rule cannot say: the engine would leave it out, or give a date that nobody has confirmed."""
    beside = rule.regime not in TRANSFER_REGIMES
    if (beside or rule.asks) and (rule.extends or rule.restarts_on or rule.silence):
        raise PackError(f"{rule.id}: only a confirmed rule on transfers can be a window or an answer by silence")
    if rule.cap and ids[rule.cap].asks:
        raise PackError(f"{rule.id}: a rule that nobody has confirmed cannot cap it")
    if any(ids[name].regime != rule.regime for name in rule.only_while):
        raise PackError(f"{rule.id}: while names a rule of another pack")
    if bool(rule.paused_by) != bool(rule.resumed_by and rule.pause_within):
        raise PackError(f"{rule.id}: a pause needs paused_by, resumed_by and pause_within")
    if rule.applies_from and rule.applies_until and rule.applies_until < rule.applies_from:
        raise PackError(f"{rule.id}: applies until before it applies from")
