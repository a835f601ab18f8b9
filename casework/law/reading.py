"""One reading of the law over one timeline: which time limits there are, what met, stopped or replaced them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from casework.law import packs
from casework.law.calendars import calendar_for
from casework.law.counting import End, Period, end_of, nominal_end
from casework.law.limits import Limit, same_state
from casework.law.packs import SILENCE, Rule, Spec
from casework.law.regime import AMMR, AMMR_APPLIES_FROM, DUBLIN3
from casework.law.timeline import Event, Message, Spell, Timeline

EXPRESS: Mapping[str, tuple[str, ...]] = {
    "acceptance": (
        "take-charge-accepted", "take-back-accepted", "take-back-confirmed", "reexamination-accepted",
        "humanitarian-accepted",
    ),
    "relocation": ("relocation-confirmed",),
}  # fmt: skip
"""Facts by which another state binds itself, by the event that they are for other rules."""

_BINDING = frozenset(name for names in EXPRESS.values() for name in names)

_DAY = timedelta(days=1)


@dataclass(frozen=True, eq=False, slots=True)
class Family:
    """Windows of which one takes over from another: those that start by themselves, and those that extend them."""

    bases: tuple[Rule, ...]
    extensions: tuple[Rule, ...]
    starts_on: frozenset[str]


@dataclass(frozen=True, eq=False, slots=True)
class RuleSet:
    """The rules of one reading, sorted by how they are walked. `replies` are those whose silence is an answer."""

    replies: tuple[Rule, ...]
    families: tuple[Family, ...]
    plain: tuple[Rule, ...]
    notes: tuple[Rule, ...]
    crisis: tuple[Rule, ...]


@lru_cache(maxsize=256)
def rules_of_pack(name: str) -> tuple[Rule, ...]:
    """Return the rules of one regime."""
    return tuple(rule for rule in packs.load() if rule.regime == name)


@lru_cache(maxsize=4096)
def rules_for(registered: date, reading: str | None) -> RuleSet:
    """Return the rules that govern a case registered on that day, under one reading.

    Reading B of an open case takes the procedure from Regulation (EU) 2024/1351 and the criteria, which Article 84(2)
    saves, from Regulation (EU) No 604/2013.
    """
    if reading == "B":
        since = max(registered, AMMR_APPLIES_FROM)
        procedure = [rule for rule in rules_of_pack(AMMR) if rule.phase != "criterion" and rule.applies_to(since)]
        criteria = [rule for rule in rules_of_pack(DUBLIN3) if rule.phase == "criterion"]
        return _sorted_set((*procedure, *(rule for rule in criteria if rule.applies_to(registered))))
    name = AMMR if registered >= AMMR_APPLIES_FROM else DUBLIN3
    return _sorted_set(tuple(rule for rule in rules_of_pack(name) if rule.applies_to(registered)))


@lru_cache(maxsize=256)
def _sorted_set(rules: tuple[Rule, ...]) -> RuleSet:
    periods = [rule for rule in rules if not rule.is_note]
    extensions = [rule for rule in periods if rule.extends]
    bases = [rule for rule in periods if rule.restarts_on]
    families: list[Family] = []
    for base in bases:
        if any(other.id in base.supersedes for other in bases):
            continue
        kin = (base, *(other for other in bases if base.id in other.supersedes))
        names = frozenset().union(*(rule.start_names for rule in kin))
        families.append(Family(kin, _extensions_of(kin, extensions), names))
    replies = tuple(rule for rule in periods if rule.silence)
    walked = {*extensions, *bases, *replies}
    return RuleSet(
        replies=replies,
        families=tuple(families),
        plain=tuple(rule for rule in periods if rule not in walked),
        notes=tuple(rule for rule in rules if rule.is_note),
        crisis=tuple(rule for rule in periods if rule.id.startswith("ammr-crisis-")),
    )


def _extensions_of(bases: tuple[Rule, ...], extensions: list[Rule]) -> tuple[Rule, ...]:
    """Return the rules that extend one of `bases`, by themselves or through another extension."""
    reached = {rule.id for rule in bases}
    while True:
        found = {rule.id for rule in extensions if not reached.isdisjoint(rule.extends)}
        if found <= reached:
            return tuple(rule for rule in extensions if rule.id in reached)
        reached |= found


class Reading:
    """The time limits of one case under one reading, as of one day.

    After construction: `limits` and `notes` (ids), and `timeline`, in which the acceptances are known.
    """

    def __init__(
        self, timeline: Timeline, rules: RuleSet, on: date, name: str | None, instead_of: Reading | None = None
    ) -> None:
        self.name = name
        self.on = on
        self.limits: list[Limit] = []
        self.messages: list[Message] = []
        self.rules = rules
        self._country = timeline.case.country
        self._home = calendar_for(self._country, timeline.case.region)
        self._floor = AMMR_APPLIES_FROM if name == "B" else None
        self._silence_ends: list[date] = []
        self.timeline = timeline
        self.bound = self._answers(instead_of)
        self.timeline = timeline.with_events(self.bound)
        heard = self.timeline.events.keys()
        for family in rules.families:
            if not heard.isdisjoint(family.starts_on):
                self._walk_family(family)
        for rule in rules.plain:
            if not heard.isdisjoint(rule.start_names):
                self._walk_plain(rule)
        self._supersede()
        if self._floor is not None:
            self.limits = [limit for limit in self.limits if not self._over_before_floor(limit)]
        for limit in self.limits:
            limit.settle(on)
        self.notes: list[str] = []
        for rule in rules.notes:
            if not heard.isdisjoint(rule.start_names) and any(True for _ in self._starts(rule)):
                self.notes.append(rule.id)
                self._warn(rule)

    # Answers and silence

    def _answers(self, instead_of: Reading | None) -> dict[str, list[Event]]:
        """Walk the reply periods and return by what other states are bound, in order: expressly, and by silence."""
        used: set[int] = set()
        found: list[Event] = []
        walked: set[tuple[str | None, date]] = set()
        by_event: dict[int, list[Limit]] = {}
        heard = self.timeline.events.keys()
        for rule in self.rules.replies:
            if heard.isdisjoint(rule.start_names):
                continue
            for event in self._starts(rule):
                limit = self._open(rule, event)
                if self._over_before_floor(limit):
                    continue
                by_event.setdefault(id(event), []).append(limit)
        for group in by_event.values():
            self.limits.extend(group)
            decisive = _decisive(group)
            walked.add((decisive.state, decisive.event.strict))
            found.extend(self._answer(decisive, used))
        if instead_of is not None:
            found.extend(
                event
                for events in instead_of.bound.values()
                for event in events
                if isinstance(event.silence, Limit)
                and (event.silence.state, event.silence.event.strict) not in walked
                and event.strict < AMMR_APPLIES_FROM
            )
        for kind, names in EXPRESS.items():
            for event in self.timeline.of(*names):
                if id(event) not in used:
                    found.append(
                        Event(kind, event.strict, event.rolled, event.state, fact=event.fact, request=event.request)
                    )
        found.sort(key=lambda event: (event.strict, event.rolled, event.state or ""))
        return {kind: [event for event in found if event.name == kind] for kind in EXPRESS}

    def _answer(self, limit: Limit, used: set[int]) -> Iterator[Event]:
        answer, late = limit.met, limit.late
        silence = limit.rule.silence
        assert silence is not None
        kind = SILENCE[silence]
        if answer is not None:
            if answer.name in _BINDING:
                used.add(id(answer))
                strict = min(limit.end_strict + _DAY, answer.strict)
                yield Event(kind, strict, answer.strict, limit.state, fact=answer.fact, request=limit.event.request)
            return
        end_strict, end_rolled = limit.end_strict, limit.end_rolled
        if limit.rule.silence_after is not None:
            end = end_of(limit.event.strict, limit.rule.silence_after, limit.rule.counting, limit.calendar)
            end_strict, end_rolled = max(end_strict, end.strict), max(end_rolled, end.rolled)
        over = max(end_strict, end_rolled)
        if late is not None and late.strict <= over:
            if late.name not in _BINDING:
                return
            used.add(id(late))
            yield Event(kind, late.strict, late.strict, limit.state, fact=late.fact, request=limit.event.request)
        elif limit.stop is None and (self.on > over or late is not None):
            if late is not None:
                used.add(id(late))
                if late.name not in _BINDING:
                    params = {"state": limit.state, "on": late.strict, "due": over, "basis": limit.rule.legal_basis}
                    self.messages.append(Message("warning.late-refusal", params))
            limit.silent_from = over
            yield Event(
                kind,
                end_strict + _DAY,
                end_rolled + _DAY,
                limit.state,
                fact=limit.event.fact,
                request=limit.event.request,
                silence=limit,
            )
        elif limit.stop is None and over > limit.later:
            self._silence_ends.append(over)

    # Windows and their extensions

    def _walk_family(self, family: Family) -> None:
        roots: list[Limit] = []
        own: list[Limit] = []
        used: set[int] = set()
        starts = {id(event): event for rule in family.bases for event in self._starts(rule)}
        for event in sorted(starts.values(), key=lambda e: (e.strict, e.rolled)):
            if any(same_state(limit.state, event.state) and _still_covers(limit, event.strict) for limit in own):
                continue
            pending: Event | None = event
            restart = False
            while pending is not None:
                grown = self._grow(family, pending, event.state, restart, used)
                own.extend(grown)
                roots.extend(limit for limit in grown if limit.root is None)
                pending, restart = self._restart(grown), True
        self.limits.extend(own)
        self._warn_of_late_extensions(family, roots, used)

    def _grow(self, family: Family, event: Event, state: str | None, restart: bool, used: set[int]) -> list[Limit]:
        """Open the window that `event` starts, and every extension of it."""
        group: list[Limit] = []
        for rule in family.bases:
            specs = rule.restarts_on if restart else rule.starts_on
            if self._matches(specs, event):
                group.append(self._open(rule, event, state))
        root = _decisive(group)
        members = [root]
        for rule, extra in self._extending(family, root):
            target = next((m for m in reversed(members) if m.rule.id in rule.extends and self._extends(m, extra)), None)
            if target is None:
                continue
            renewed = [m for m in members if m.rule is rule]
            if renewed and not self._renewed(rule, renewed[-1], extra):
                used.add(id(extra))
                continue
            used.add(id(extra))
            if rule.tops_up:
                enough = nominal_end(extra.strict, _period(rule)) <= root.end_strict
                key = "warning.back-with-time-left" if enough else "warning.back-outer-limit"
                self.messages.append(Message(key, {"on": extra.strict, "basis": rule.legal_basis}))
                if enough:
                    root.superseded_by = None
                    continue
            limit = self._open(rule, extra, root.state, root=root)
            for member in members:
                if member.rule.id in rule.supersedes or member.rule is rule:
                    member.superseded_by = rule
            if extra.strict > target.end_strict:
                self._warn_between("warning.extension-between", target, extra.strict)
            members.append(limit)
        return [*(limit for limit in group if limit is not root), *members]

    def _extending(self, family: Family, root: Limit) -> list[tuple[Rule, Event]]:
        """Return what could extend a window, in order of time; an imprisonment may have begun before it."""
        found: list[tuple[Rule, Event]] = []
        for rule in family.extensions:
            if rule.lasting == "imprisonment":
                for spell in self.timeline.imprisonments:
                    if spell.ends is None or spell.ends.strict > root.starts_strict:
                        found.append((rule, _no_earlier(spell, root.starts_strict)))
            else:
                found.extend(
                    (rule, event)
                    for event in self._starts(rule)
                    if event.strict >= root.starts_strict and same_state(event.state, root.state)
                )
        found.sort(key=lambda pair: pair[1].strict)
        return found

    def _extends(self, target: Limit, extra: Event) -> bool:
        superseded = target.superseded_by is not None
        return not superseded and target.open_at(extra.strict)

    def _renewed(self, rule: Rule, earlier: Limit, event: Event) -> bool:
        between = self.timeline.of(*rule.renewed_after)
        return any(earlier.trigger <= other.strict <= event.strict for other in between)

    def _restart(self, grown: list[Limit]) -> Event | None:
        """Return the end of the suspensive effect that stopped these windows, where it has ended: they start anew."""
        stopped = [m for m in grown if m.superseded_by is None and m.stop is not None and m.stop.name == "suspension"]
        for member in stopped:
            for spell in self.timeline.suspensions:
                if member.stop is not None and spell.begins.fact is member.stop.fact and spell.ends is not None:
                    root = member.root or member
                    over = Event(
                        "suspension-over", spell.ends.strict, spell.ends.strict, member.state, fact=spell.ends.fact
                    )
                    if self._matches(root.rule.restarts_on, over):
                        for other in stopped:
                            other.superseded_by = root.rule
                        return over
        return None

    def _warn_of_late_extensions(self, family: Family, roots: list[Limit], used: set[int]) -> None:
        for rule in family.extensions:
            if rule.late is None:
                continue
            for event in self._starts(rule):
                missed = [
                    root
                    for root in roots
                    if same_state(root.state, event.state)
                    and root.later < event.strict
                    and root.closed_on is None
                    and root.superseded_by is None
                ]
                if id(event) not in used and missed:
                    self.messages.append(
                        Message(
                            rule.late,
                            {
                                "on": event.strict,
                                "due": missed[-1].later,
                                "state": missed[-1].state,
                                "basis": rule.legal_basis,
                            },
                        )
                    )

    # Everything else

    def _walk_plain(self, rule: Rule) -> None:
        mine: list[Limit] = []
        for event in self._starts(rule):
            if rule.repeat == "first" and any(
                same_state(limit.state, event.state) and _still_covers(limit, event.strict) for limit in mine
            ):
                continue
            if rule.period is None and not self._figure(rule, event):
                self.messages.append(
                    Message("warning.appeal-days-unknown", {"on": event.strict, "basis": rule.legal_basis})
                )
                continue
            mine.append(self._open(rule, event))
        self.limits.extend(mine)

    def _supersede(self) -> None:
        """Let a limit take the place of those it supersedes, unless a fact had closed them before."""
        for limit in self.limits:
            rule = limit.rule
            if not rule.supersedes or rule.extends or rule.silence or rule.restarts_on:
                continue
            for other in self.limits:
                if other.rule.id in rule.supersedes and same_state(limit.state, other.state):
                    closed = other.closed_on
                    if other.later >= limit.trigger and (closed is None or closed >= limit.trigger):
                        other.superseded_by = rule

    # The common ground

    def _starts(self, rule: Rule) -> Iterator[Event]:
        """Yield the events that start a rule; where it says "preferred", only those of the first name recorded."""
        for spec in rule.starts_on:
            found = False
            for event in self.timeline.events.get(spec.event, ()):
                if spec.plain or self._holds(spec, event):
                    found = True
                    yield event
            if rule.starts == "preferred" and (found or spec.event in self.timeline.events):
                return

    def _holds(self, spec: Spec, event: Event) -> bool:
        for member, values in spec.members:
            if event.fact is None or event.fact.particulars.get(member) not in values:
                return False
        if not spec.conditions:
            return True
        return all(predicate(self.timeline, event) is wanted for predicate, wanted in spec.conditions)

    def _matches(self, specs: Iterable[Spec], event: Event) -> bool:
        return any(spec.event == event.name and self._holds(spec, event) for spec in specs)

    def _figure(self, rule: Rule, event: Event) -> int | None:
        """Return the number of days that a fact gives: printed in a decision, or asked for in a request."""
        source = event.fact if rule.length_from == "appeal_days" else event.request
        value = source.get(rule.length_from) if source and rule.length_from else None
        return value if isinstance(value, int) else None

    def _open(self, rule: Rule, event: Event, state: str | None = None, root: Limit | None = None) -> Limit:
        code, period, printed = rule.counting, rule.period, True
        if rule.length_from is not None:
            figure = self._figure(rule, event)
            if figure is not None:
                period = Period(figure, "day")
                code = "NAT?" if rule.length_from == "appeal_days" else code
            else:
                printed = False
        for predicate, length in rule.length_if:
            if predicate(self.timeline, event):
                period = length
        assert period is not None, rule.id
        state = state or event.state
        if rule.calendar == "requested" and state is not None:
            calendar = calendar_for(state)
        else:
            calendar = self._home
        limit = Limit(rule, event, state, period, calendar)
        limit.printed = printed
        if period.backwards:
            limit.trigger = self._since_last(event)
        if root is not None:
            limit.root = root
            limit.trigger = event.strict
            if rule.counts_from == "extended":
                limit.starts_strict, limit.starts_rolled = root.starts_strict, root.starts_rolled
        strict = end_of(limit.starts_strict, period, code, calendar)
        rolled = strict
        if limit.starts_rolled != limit.starts_strict:
            rolled = end_of(limit.starts_rolled, period, code, calendar)
        limit.end_strict, limit.end_rolled, limit.clamped = strict.strict, rolled.rolled, strict.clamped
        if rule.cap is not None:
            self._apply_cap(limit, rule.cap)
        limit.later = max(limit.end_strict, limit.end_rolled)
        self._close(limit)
        return limit

    def _since_last(self, event: Event) -> date:
        """Return the day from which acts belong to this planned event and not to the one planned before it."""
        earlier = [other.strict for other in self.timeline.of(event.name) if other.strict < event.strict]
        return max(earlier) + _DAY if earlier else date.min

    def _apply_cap(self, limit: Limit, cap: str) -> None:
        rule = packs.by_id()[cap]
        for event in self._starts(rule):
            end: End = end_of(event.strict, _period(rule), rule.counting, limit.calendar)
            if end.strict < limit.end_strict and end.rolled >= limit.starts_strict:
                limit.end_strict, limit.end_rolled, limit.cap = end.strict, min(end.rolled, limit.end_rolled), rule

    def _close(self, limit: Limit) -> None:
        """Find what met the limit, what stopped it, and what came too late; of the first two the earlier one counts."""
        self._meet(limit)
        stop = self._stop(limit)
        if stop is not None and limit.met is not None and limit.met.strict <= stop.strict:
            stop = None
        if stop is not None:
            limit.met = None
        limit.stop = stop

    def _meet(self, limit: Limit) -> None:
        rule, events = limit.rule, self.timeline.events
        since = None if rule.met_before else limit.trigger
        for spec in rule.meets:
            for event in events.get(spec.event, ()):
                if since is not None and event.strict < since:
                    continue
                if not same_state(event.state, limit.state) or not (spec.plain or self._holds(spec, event)):
                    continue
                if event.strict > limit.later:
                    if limit.late is None or event.strict < limit.late.strict:
                        limit.late = event
                elif limit.met is None or event.strict < limit.met.strict:
                    limit.met = event
                break

    def _stop(self, limit: Limit) -> Event | None:
        stop: Event | None = None
        events, since, until = self.timeline.events, limit.trigger, limit.later
        for spec in limit.rule.stops:
            if spec.event == "suspension":
                found = self._suspension(limit) if self.timeline.suspensions else None
            else:
                found = None
                for event in events.get(spec.event, ()):
                    fits = since <= event.strict <= until and same_state(event.state, limit.state)
                    if fits and (spec.plain or self._holds(spec, event)):
                        found = event
                        break
            if found is not None and (stop is None or found.strict < stop.strict):
                stop = found
        return stop

    def _suspension(self, limit: Limit) -> Event | None:
        for spell in self.timeline.suspensions:
            begins, ends = spell.begins, spell.ends
            if begins.strict <= limit.later and (ends is None or ends.strict > limit.trigger):
                since = max(begins.strict, limit.trigger)
                return Event("suspension", since, since, limit.state, fact=begins.fact)
        return None

    def _over_before_floor(self, limit: Limit) -> bool:
        """Tell whether, in reading B, the period lay wholly before the Regulation applied: then it never existed."""
        if self._floor is None or limit.rule.phase == "criterion":
            return False
        closed = limit.closed_on
        return limit.later < self._floor or (closed is not None and closed < self._floor)

    # What to tell, and when the answer changes

    def _warn(self, rule: Rule) -> None:
        for key in rule.warns:
            self.messages.append(
                Message(key, {"basis": rule.legal_basis, "country": self._country, "rule": rule.label})
            )

    def _warn_between(self, key: str, limit: Limit, day: date) -> None:
        self.messages.append(
            Message(
                key,
                {
                    "on": day,
                    "rule": limit.rule.label,
                    "strict": limit.end_strict,
                    "rolled": limit.end_rolled,
                    "basis": limit.rule.legal_basis,
                },
            )
        )

    def changes(self) -> Iterator[date]:
        """Yield the days after `on` on which this reading says something else although nothing is recorded."""
        for limit in self.limits:
            if limit.now == "running":
                for end in (limit.end_strict, limit.later):
                    if end >= self.on:
                        yield end + _DAY
        for end in self._silence_ends:
            yield end + _DAY


def _decisive(group: list[Limit]) -> Limit:
    """Return which of the limits that one event starts counts, and mark the others as superseded by it."""
    for limit in group:
        for other in group:
            if other.rule.id in limit.rule.supersedes:
                other.superseded_by = limit.rule
    return next(limit for limit in group if limit.superseded_by is None)


def _still_covers(limit: Limit, day: date) -> bool:
    """Tell whether a window still runs, or is suspended, on `day`, so that a second start on that day adds nothing."""
    if limit.met is not None:
        return day < limit.met.strict
    if limit.stop is not None and limit.stop.name != "suspension":
        return day < limit.stop.strict
    return limit.stop is not None or day <= limit.later


def _no_earlier(spell: Spell, day: date) -> Event:
    """Return the beginning of a stretch, or `day` where it began before."""
    event = spell.begins
    if event.strict >= day:
        return event
    return Event(event.name, day, day, event.state, fact=event.fact)


def _period(rule: Rule) -> Period:
    assert rule.period is not None, rule.id
    return rule.period
