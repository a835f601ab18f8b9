"""What would change a time limit: the facts that its own rule listens to, each tried out on the case. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from casework.law import compare, derive, packs, wording
from casework.law.facts import VOCABULARY, FactKind
from casework.law.packs import Rule, Spec
from casework.law.types import CaseFile, Deadline, Fact
from casework.law.wording import Words

MOST_TRIALS = 25
"""How many hypothetical facts are tried on one case; what ends soonest is asked first."""

_PAUSE = timedelta(days=30)
"""How long a pause, or the wait for a ruling, is taken to last in the example that a sentence gives."""

_ANY_STATES = ("HR", "IT")
"""What stands for "another state" in a trial whose sentence names none: the first that is not the state of stay."""

_PRINTED = ("appeal_days", "appeal_period")
_HERE_ONLY = frozenset({"application-registered", "application-lodged"})
_LIKELY = MappingProxyType(
    {
        ("suspensive-effect-granted", "ground"): "by-court",
        ("appeal-decided", "against"): "transfer-decision",
        ("appeal-decided", "outcome"): "dismissed",
        ("detained", "ground"): "transfer",
        ("absconding-notified", "ground"): "absconded",
    }
)
"""What is taken for a member that the rule leaves open but the vocabulary asks for; else the first choice is."""

Name = tuple[str, str | None, date | datetime]
"""What a time limit is found by in the answer: its rule, its reading and its start."""


class Derived(Protocol):
    """What is read of a procedure: `procedure.types.ProcedureView` will do as well as `types.Procedure`."""

    @property
    def deadlines(self) -> Sequence[Deadline]:
        """The time limits."""
        ...


@dataclass(frozen=True, slots=True)
class _Trial:
    """Facts to try out together for the sake of one time limit; `role` says what the rule expects of them."""

    role: str
    facts: tuple[Fact, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """Return what two trials have in common when one derivation does for both."""
        return tuple((f.name, f.on, f.at, f.state, *sorted(f.particulars.items())) for f in self.facts)


def would_change(case: CaseFile, procedure: Derived, *, on: date, lang: str = "en") -> Mapping[Name, tuple[str, ...]]:
    """Say for every running or suspended time limit what would change it, with the date that would then be its end.

    Every sentence comes from deriving the case again with the fact added, so that none promises what the rules do not
    do. Facts are those that the rule names: what meets, stops, pauses or restarts it, and what starts a rule that
    extends it or takes its place. At most `MOST_TRIALS` derivations; a fact that concerns several limits is tried once.

    Args:
        procedure: the case as derived on the day `on`.
        lang: a language with a catalogue in `wording`.
    Raises:
        wording.NoSuchLanguage: there is no catalogue for `lang`.
    """
    words = wording.words_for(lang)
    answers: dict[tuple[object, ...], _Answer] = {}
    found: dict[Name, tuple[str, ...]] = {}
    for deadline in procedure.deadlines:
        rule = packs.by_id().get(deadline.rule)
        if rule is None or not _is_open(deadline):
            continue
        effects: list[_Effect] = []
        for trial in _trials(rule, deadline, case, on):
            answer = answers.get(trial.key)
            if answer is None:
                if len(answers) >= MOST_TRIALS:
                    continue
                tried = replace(case, facts=(*case.facts, *trial.facts))
                then = derive.procedure(tried, on=on, lang=lang, explain=False)
                answer = answers[trial.key] = _Answer(procedure.deadlines, then.deadlines)
            effect = _effect(trial, deadline, answer)
            if effect is not None:
                effects.append(effect)
        sentences = (*_sentences(effects, deadline, words), *_figure(rule, deadline, case, words))
        if sentences:
            name = (deadline.rule, deadline.reading, deadline.starts)
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *sentences)))
    return found


def _is_open(deadline: Deadline) -> bool:
    return deadline.state == "running" or deadline.stopped_by == "suspensive-effect-granted"


# -- which facts to try ----------------------------------------------------------------------------------------------


def _trials(rule: Rule, deadline: Deadline, case: CaseFile, on: date) -> Iterator[_Trial]:
    start = deadline.starts.date() if isinstance(deadline.starts, datetime) else deadline.starts
    # What happens on the starting day itself lies for some rules before the start; a fact ahead of today starts then.
    day = on if start <= on or _period_runs_back(rule) else start
    if deadline.state != "running":
        yield from _over(day, deadline)
        return
    state = deadline.concerns or next(code for code in _ANY_STATES if code != case.country)
    for spec in rule.meets:
        yield from _from_spec("meets", spec, state, day)
    for other in _extending(rule.id):
        if other.place not in {None, case.country}:
            continue
        for spec in other.starts_on:
            yield from _from_spec("replaces", spec, state, day)
    for spec in rule.stops:
        if spec.event == "suspension":
            yield from _suspended(case, day, deadline)
        else:
            yield from _from_spec("stops", spec, state, day)
    for pause in rule.paused_by:
        for begin in _from_spec("pauses", pause, state, day):
            for resume in rule.resumed_by:
                for end in _from_spec("pauses", resume, state, day + _PAUSE):
                    yield _Trial("pauses", (*begin.facts, *end.facts))


@lru_cache(maxsize=512)
def _extending(rule_id: str) -> tuple[Rule, ...]:
    """Return the rules that extend one or take its place, the former first."""
    return tuple(
        sorted(
            (
                rule
                for rule in packs.load()
                if not rule.asks and (rule_id in rule.extends or rule_id in rule.supersedes)
            ),
            key=lambda rule: rule_id not in rule.extends,
        )
    )


def _period_runs_back(rule: Rule) -> bool:
    return rule.period is not None and rule.period.backwards


def _from_spec(role: str, spec: Spec, state: str, day: date) -> Iterator[_Trial]:
    kind = VOCABULARY.get(spec.event)
    fact = _fact(kind, day, state, {name: sorted(values) for name, values in spec.members}) if kind else None
    if fact is not None:
        yield _Trial(role, (fact,))


def _suspended(case: CaseFile, day: date, deadline: Deadline) -> Iterator[_Trial]:
    """Try a suspensive effect by a court that ends with the final decision a while later."""
    granted = _known("suspensive-effect-granted", day, deadline)
    appealed = any(fact.name == "appeal-lodged" and fact.get("against") == "transfer-decision" for fact in case.facts)
    appeal = () if appealed else (_known("appeal-lodged", day, deadline),)
    yield _Trial("suspends", (*appeal, granted, _known("appeal-decided", day + _PAUSE, deadline)))


def _over(day: date, deadline: Deadline) -> Iterator[_Trial]:
    yield _Trial("resumes", (_known("appeal-decided", day, deadline),))


def _known(name: str, day: date, deadline: Deadline) -> Fact:
    fact = _fact(VOCABULARY[name], day, deadline.concerns, {})
    assert fact is not None, name
    return fact


def _fact(kind: FactKind, day: date, state: str | None, wanted: Mapping[str, Sequence[str]]) -> Fact | None:
    """Return a fact of a kind as it would be recorded for that day; None where nothing could be put for a member."""
    particulars: dict[str, object] = {}
    about: str | None = None
    for member in kind.members:
        if member.name == "state":
            about = None if kind.name in _HERE_ONLY else state
        elif member.kind == "choice" and (member.name in wanted or member.required):
            likely = _LIKELY.get((kind.name, member.name))
            choices = wanted.get(member.name, member.choices)
            particulars[member.name] = likely if likely in choices else choices[0]
        elif member.required:
            return None
        elif member.name == "final":
            particulars["final"] = True
    return Fact(kind.name, day, None, about, MappingProxyType(particulars))


# -- what comes of them ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a trial did to one time limit: the outcome, and the limit that counts then where there is one."""

    outcome: str
    fact: Fact
    on: date
    then: Deadline | None = None


class _Answer:
    """What comes of a trial: which limit each one becomes, and which are there only with the facts added."""

    def __init__(self, now: Sequence[Deadline], then: Sequence[Deadline]) -> None:
        self._becomes: dict[int, Deadline | None] = {}
        self._new: list[Deadline] = []
        for one, other in compare.pairs(now, then):
            if one is not None:
                self._becomes[id(one)] = other
            else:
                assert other is not None
                self._new.append(other)

    def of(self, deadline: Deadline) -> Deadline | None:
        """Return what a limit becomes; None where there is no such limit any more."""
        return self._becomes[id(deadline)]

    def successor(self, rule: str | None, reading: str | None) -> Deadline | None:
        """Return the new limit of a rule in one reading, where there is one that counts."""
        return next(
            (
                it
                for it in self._new
                if it.rule == rule and compare.same_reading(it.reading, reading) and it.state != "superseded"
            ),
            None,
        )


def _effect(trial: _Trial, deadline: Deadline, answer: _Answer) -> _Effect | None:
    fact = trial.facts[0]
    on = trial.facts[-1].on
    same = answer.of(deadline)
    outcome, then = "", same
    if same is None:
        outcome = "gone"
    elif same.state == "superseded":
        anew = trial.role in {"suspends", "resumes"}
        then = answer.successor(deadline.rule if anew else same.superseded_by, deadline.reading)
        outcome = "" if then is None else trial.role if anew else "replaced"
    elif trial.role not in {"suspends", "resumes"}:
        if same.state in {"met", "stopped"}:
            outcome = same.state
        elif same.due != deadline.due:
            outcome = "paused" if trial.role == "pauses" else "moved"
    return _Effect(outcome, fact, on, then) if outcome else None


# -- in words --------------------------------------------------------------------------------------------------------


def _sentences(effects: Sequence[_Effect], deadline: Deadline, words: Words) -> Iterator[str]:
    for outcome in ("met", "moved", "replaced", "suspends", "resumes", "paused"):
        group = [effect for effect in effects if effect.outcome == outcome]
        if outcome == "met":
            yield from _together("met", group, deadline, words)
        else:
            for effect in group:
                yield _dated(effect, deadline, words)
    for outcome in ("stopped", "gone"):
        yield from _together(outcome, [e for e in effects if e.outcome == outcome], deadline, words)


def _together(outcome: str, group: Sequence[_Effect], deadline: Deadline, words: Words) -> Iterator[str]:
    """Yield one sentence for all facts that do the same, so that a card stays short."""
    names = tuple(dict.fromkeys(effect.fact.name for effect in group))
    params: dict[str, object] = {"due": deadline.due, "state": deadline.concerns}
    if len(names) == 1:
        clause = _clause(names[0], words, params)
        yield words.say(f"change.{outcome}", {**params, "clause": clause})
    elif names:
        listed = "; ".join(words.say("change.quoted", {"fact": f"fact.{name}"}) for name in names)
        yield words.say(f"change.{outcome}-by-any", {**params, "facts": listed})


def _dated(effect: _Effect, deadline: Deadline, words: Words) -> str:
    assert effect.then is not None
    params: dict[str, object] = {
        "on": effect.on,
        "due": effect.then.due,
        "rule": effect.then.label,
        "state": deadline.concerns,
    }
    params["clause"] = _clause(effect.fact.name, words, params)
    return words.say(f"change.{effect.outcome}", params)


def _clause(name: str, words: Words, params: Mapping[str, object]) -> str:
    """Return "If ..." for a fact: in words of its own where the catalogue has them, else by its name."""
    key = f"change.if-{name}"
    return words.say(key if wording.has(key) else "change.if-recorded", {**params, "fact": f"fact.{name}"})


def _figure(rule: Rule, deadline: Deadline, case: CaseFile, words: Words) -> Iterator[str]:
    """Say that a printed figure would count, where the decision that starts the period was recorded without one."""
    if rule.length_from not in _PRINTED or deadline.state != "running" or deadline.started_by is None:
        return
    fact = case.facts[deadline.started_by]
    if all(fact.get(name) is None for name in _PRINTED):
        yield words.say("change.printed", {"fact": f"fact.{fact.name}"})
