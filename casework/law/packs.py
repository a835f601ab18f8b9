"""The rule packs: read, checked against the vocabulary and the catalogue, and made ready to be walked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources

from casework.law import wording
from casework.law.counting import CODES, Period, PeriodError
from casework.law.facts import VOCABULARY, FactKind
from casework.law.predicates import PREDICATES, Predicate

CONFIDENCES = ("verified", "likely", "unverified")
PHASES = ("procedure", "detention", "remedy", "relocation", "notice", "criterion", "cessation")
"""What a rule is about; criteria keep the law of the day of registration in both readings of an open case."""

DERIVED_EVENTS = frozenset({"acceptance", "relocation", "suspension", "suspension-over"})
"""Events that no one records: another state is bound (expressly or by silence), a transfer suspended, or no longer."""

SILENCE = {"acceptance": "acceptance", "confirmation": "acceptance", "relocation": "relocation"}
"""What silence can be, and the event that it then is for other rules."""

_REQUIRED = ("id", "label", "phase", "starts_on", "length", "counting", "whose", "on_expiry")
_PROVENANCE = ("legal_basis", "source", "checked_on", "confidence")
_OPTIONAL = (
    "calendar", "act_on", "starts", "repeat", "renewed_after", "meets", "met_before", "stops", "restarts_on", "extends",
    "counts_from", "lasting", "late", "tops_up", "supersedes", "cap", "silence", "silence_after", "claim", "frees",
    "warns", "length_if", "applies_from", "applies_until",
)  # fmt: skip


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
    """One entry of a pack; docs/rules.md explains each member in words.

    `period` is None for entries without a period, and where only a printed figure gives one (`length` says which).
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
        if self.stops:
            found.append("stopped")
        return tuple(found)

    def applies_to(self, registered_on: date) -> bool:
        """Tell whether the rule governs a case registered on that day."""
        return (self.applies_from is None or self.applies_from <= registered_on) and (
            self.applies_until is None or registered_on <= self.applies_until
        )


@lru_cache(maxsize=1)
def load() -> tuple[Rule, ...]:
    """Return every rule of every pack, in the order of the files.

    Raises:
        PackError: an entry lacks a member, names something unknown, or stands twice.
    """
    folder = resources.files("casework.law") / "rules"
    texts = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return read({name: texts[name] for name in sorted(texts)})


def read(texts: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules of packs given as text by file name; `load` reads those of the package.

    Raises:
        PackError: as in `load`.
    """
    rules: list[Rule] = []
    for name, text in texts.items():
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PackError(f"{name}: {error}") from error
        regime = content.pop("regime", None)
        entries = content.pop("rule", None)
        if not isinstance(regime, str) or not isinstance(entries, list) or content:
            raise PackError(f"{name}: a pack has a regime and [[rule]] entries, nothing else")
        rules.extend(_rule(name, place, regime, entry) for place, entry in enumerate(entries, start=1))
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
        for key in (*_REQUIRED, *_PROVENANCE):
            if table.get(key) in (None, "", []):
                raise self.fault(f"{key} is missing")
        for key in table:
            if key not in (*_REQUIRED, *_PROVENANCE, *_OPTIONAL):
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


def _rule(pack: str, place: int, regime: str, table: object) -> Rule:
    entry = _Entry(pack, place, table)
    length = entry.text("length")
    length_from = length.partition(" or ")[0] if length.startswith("appeal_days") else None
    written = length.partition(" or ")[2] if length_from else length
    if length.startswith("urgent_days or "):
        length_from, written = "urgent_days", length.removeprefix("urgent_days or ")
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
    )


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
        seen: set[str] = set()
        for rule in rules:
            if rule.id in seen:
                raise PackError(f"{rule.id} stands twice")
            seen.add(rule.id)
    for rule in rules:
        named = [*rule.extends, *rule.supersedes, *([rule.cap] if rule.cap else [])]
        for other in named:
            if other not in ids or ids[other].regime != rule.regime:
                raise PackError(f"{rule.id}: names {other}, which its pack does not have")
        if rule.applies_from and rule.applies_until and rule.applies_until < rule.applies_from:
            raise PackError(f"{rule.id}: applies until before it applies from")
