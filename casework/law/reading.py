"""One reading of the law over one timeline: which time limits there are, what met, stopped or replaced them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from casework.law import packs
from casework.law.calendars import UNION, calendar_for, zone_of
from casework.law.counting import End, Period, end_of, hours_end, nominal_end
from casework.law.limits import Limit, same_state
from casework.law.packs import SILENCE, TRANSFER_REGIMES, Rule, Spec
from casework.law.regime import AMMR, AMMR_APPLIES_FROM, DUBLIN3
from casework.law.timeline import Event, Message, Spell, Timeline, since

EXPRESS: Mapping[str, tuple[str, ...]] = {
    "acceptance": (
        "take-charge-accepted", "take-back-accepted", "take-back-confirmed", "reexamination-accepted",
        "humanitarian-accepted",
    ),
    "relocation": ("relocation-confirmed",),
}  # fmt: skip
"""Facts by which another state binds itself, by the event that they are for other rules."""

_ENDS_THE_ASKING = frozenset({"application-withdrawn", "application-closed"})

_BINDING = frozenset(name for names in EXPRESS.values() for name in names)

_DAY = timedelta(days=1)
_STRICT = attrgetter("strict")
_IN_ORDER = attrgetter("strict", "rolled")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, eq=False, slots=True)
class Family:
    """Windows of which one takes over from another: those that start by themselves, and those that extend them."""

    bases: tuple[Rule, ...]
    extensions: tuple[Rule, ...]


@dataclass(frozen=True, eq=False, slots=True)
class RuleSet:
    """The rules of one reading, sorted by how they are walked. `replies` are those whose silence is an answer."""

    replies: tuple[Rule, ...]
    families: tuple[Family, ...]
    plain: tuple[Rule, ...]
    notes: tuple[Rule, ...]
    crisis: tuple[Rule, ...]


class Heard(NamedTuple):
    """Those rules of a set that certain events could start, and by rule which of these start, meet or stop it."""

    rules: RuleSet
    starts: Mapping[str, tuple[Spec, ...]]
    meets: Mapping[str, tuple[Spec, ...]]
    stops: Mapping[str, tuple[Spec, ...]]


class Asked(NamedTuple):
    """A rule that can only ask: its figure is not confirmed, or the day of the event is `unknown`."""

    rule: Rule
    event: Event
    unknown: bool


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
        procedure = [rule for rule in _governing(AMMR, since) if rule.phase != "criterion"]
        criteria = [rule for rule in _governing(DUBLIN3, registered) if rule.phase == "criterion"]
        return _sorted_set((*procedure, *criteria))
    return _sorted_set(tuple(_governing(AMMR if registered >= AMMR_APPLIES_FROM else DUBLIN3, registered)))


def _governing(name: str, registered: date) -> list[Rule]:
    return [r for r in rules_of_pack(name) if r.applies_by != "registered" or r.in_force_on(registered)]


@lru_cache(maxsize=4096)
def rules_beside(country: str, registered: date) -> RuleSet:
    """Return the rules that are walked beside the transfer procedure: the Union's others, and those of one state."""
    return _sorted_set(
        tuple(
            rule
            for rule in packs.load()
            if rule.regime not in TRANSFER_REGIMES
            and rule.place in (None, country)
            and (rule.area is None or country in UNION)
            and (rule.applies_by != "registered" or rule.in_force_on(registered))
        )
    )


@lru_cache(maxsize=8192)
def _heard(rules: RuleSet, told: frozenset[str]) -> Heard:
    """Return what these events could do; asked again and again for similar cases. `told`: as `Timeline.told`."""

    def could(specs: Iterable[Spec]) -> tuple[Spec, ...]:
        return tuple(
            spec
            for spec in specs
            if spec.event in told
            and all(any(f"{spec.event} {name}={it}" in told for it in values) for name, values in spec.members)
        )

    def some(of: Iterable[Rule]) -> tuple[Rule, ...]:
        return tuple(rule for rule in of if could(rule.starts_on))

    families = tuple(family for family in rules.families if some(family.bases))
    kept = RuleSet(some(rules.replies), families, some(rules.plain), some(rules.notes), rules.crisis)
    walked = [*kept.replies, *kept.plain, *(r for family in families for r in (*family.bases, *family.extensions))]
    return Heard(
        kept,
        {rule.id: could(rule.starts_on) for rule in (*walked, *kept.notes) if rule.starts != "preferred"},
        {rule.id: could(rule.meets) for rule in walked},
        {rule.id: could(rule.stops) for rule in walked},
    )


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
        families.append(Family(kin, _extensions_of(kin, extensions)))
    replies = tuple(rule for rule in periods if rule.silence)
    walked = {*extensions, *bases, *replies}
    return RuleSet(
        replies=replies,
        families=tuple(families),
        plain=tuple(sorted((rule for rule in periods if rule not in walked), key=lambda rule: bool(rule.only_while))),
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


class Outside(NamedTuple):
    """A notice of absconding given while no window ran: whether it lengthens `root` is open, `until` if it does."""

    root: Limit
    rule: Rule
    event: Event
    until: date


class Reading:
    """The time limits of one case under one reading, as of one day.

    After construction: `limits`, `questions`, `notes` (ids), and `timeline`, in which the acceptances are known.
    `beside` is the reading of the transfer procedure beside which this one stands: its timeline is taken over, and
    rules of this one may replace limits of that one.
    """

    def __init__(
        self,
        timeline: Timeline,
        rules: RuleSet,
        on: date,
        name: str | None,
        *,
        at: datetime | None = None,
        instead_of: Reading | None = None,
        beside: tuple[Reading, ...] = (),
    ) -> None:
        self.name = name
        self.on = on
        self.at = at
        self.limits: list[Limit] = []
        self.messages: list[Message] = []
        self.questions: list[Asked] = []
        self.outside: list[Outside] = []
        self.rules = rules
        self._country = timeline.case.country
        self._home = calendar_for(self._country, timeline.case.region)
        self._floor = AMMR_APPLIES_FROM if name == "B" else None
        self._silence_ends: list[date] = []
        self.timeline = timeline
        self.bound: dict[str, list[Event]] = {}
        self._heard = _heard(rules, timeline.told)
        if not beside:
            self.bound = self._answers(instead_of)
            self.timeline = timeline.with_events(self.bound)
            self._heard = _heard(rules, self.timeline.told)
        heard = self._heard.rules
        for family in heard.families:
            self._walk_family(family)
        for rule in heard.plain:
            self._walk_plain(rule)
        self._supersede(self.limits)
        for other in beside:
            self._supersede(other.limits)
            for limit in other.limits:
                limit.settle(on, at)
        if self._floor is not None:
            self.limits = [limit for limit in self.limits if not self._over_before_floor(limit)]
        for limit in self.limits:
            limit.settle(on, at)
        self.notes: list[str] = []
        for rule in heard.notes:
            starts = self._starts(rule)
            if starts:
                self.notes.append(rule.id)
                self._warn(rule)
                if rule.asks:
                    self._ask(rule, starts[0])

    # Answers and silence

    def _answers(self, instead_of: Reading | None) -> dict[str, list[Event]]:
        """Walk the reply periods and return by what other states are bound, in order: expressly, and by silence."""
        used: set[int] = set()
        found: list[Event] = []
        walked: set[tuple[str | None, date]] = set()
        by_event: dict[int, list[Limit]] = {}
        for rule in self._heard.rules.replies:
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
            found.extend(self._carried_silence(instead_of, walked))
        for kind, names in EXPRESS.items():
            for event in self.timeline.of(*names):
                if id(event.fact) not in used:
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
        if limit.stop is not None and limit.stop.name in _ENDS_THE_ASKING:
            # What a state says to a request that had been overtaken binds nobody (C-620/10 Kastrati).
            used.update(id(event.fact) for event in self._answers_to(limit) if event.strict >= limit.stop.strict)
            return
        if answer is not None:
            if answer.name in _BINDING:
                used.add(id(answer.fact))
                strict = min(limit.end_strict + _DAY, answer.strict)
                # An answer of which the day is not known came at the latest when silence would have bound.
                rolled = min(answer.rolled, max(limit.end_rolled + _DAY, answer.strict))
                yield Event(kind, strict, rolled, limit.state, fact=answer.fact, request=limit.event.request)
            return
        end_strict, end_rolled = limit.end_strict, limit.end_rolled
        if limit.rule.silence_after is not None:
            end = end_of(limit.event.strict, limit.rule.silence_after, limit.rule.counting, limit.calendar)
            end_strict, end_rolled = max(end_strict, end.strict), max(end_rolled, end.rolled)
        over = max(end_strict, end_rolled)
        if late is not None and late.strict <= over:
            if late.name not in _BINDING:
                return
            used.add(id(late.fact))
            yield Event(kind, late.strict, late.strict, limit.state, fact=late.fact, request=limit.event.request)
        elif limit.stop is None and (moved := self._moved_before(limit, over)) is not None:
            params = {"state": limit.state, "on": moved.strict, "basis": limit.rule.legal_basis}
            self.messages.append(Message("warning.transferred-early", params))
        elif limit.stop is None and (self.on > over or late is not None):
            if late is not None:
                used.add(id(late.fact))
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

    def _moved_before(self, limit: Limit, over: date) -> Event | None:
        """Return the transfer to the state that was asked, where it came before its silence could have bound it."""
        moves = (e for e in self.timeline.of("transferred") if limit.trigger <= e.strict <= over)
        return next((event for event in moves if same_state(event.state, limit.state)), None)

    def _carried_silence(self, other: Reading, walked: set[tuple[str | None, date]]) -> Iterator[Event]:
        """Yield the silence of the other reading to requests for which this one has no reply period.

        Counted from receipt, the shorter reply period of the new Regulation can lie wholly before the day on which it
        applied: it never ran. A request that was unanswered on that day then keeps the period under which it was made.
        """
        asked = {state for state, _ in walked}

        def kept(limit: Limit, day: date) -> bool:
            known = (limit.state, limit.event.strict) in walked
            return not known and (day < AMMR_APPLIES_FROM or limit.state not in asked)

        for events in other.bound.values():
            for event in events:
                if isinstance(event.silence, Limit) and kept(event.silence, event.strict):
                    yield event
        for limit in other.limits:
            unanswered = limit.rule.silence and limit.superseded_by is None and limit.closed_on is None
            if unanswered and limit.later >= AMMR_APPLIES_FROM and kept(limit, limit.later):
                told = {"state": limit.state, "on": limit.event.strict, "due": limit.later}
                self.messages.append(Message("warning.reply-before-change", {**told, "basis": limit.rule.legal_basis}))

    def _answers_to(self, limit: Limit) -> Iterator[Event]:
        request = limit.event.request
        for spec in limit.rule.meets:
            for event in self._fitting(spec):
                if same_state(event.state, limit.state) and (event.request is None or event.request is request):
                    yield event

    # Windows and their extensions

    def _walk_family(self, family: Family) -> None:
        roots: list[Limit] = []
        own: list[Limit] = []
        used: set[int] = set()
        starts = {id(event): event for rule in family.bases for event in self._starts(rule)}
        for event in sorted(starts.values(), key=lambda e: (e.strict, e.rolled)):
            if any(same_state(limit.state, event.state) and _still_covers(limit, event.strict) for limit in own):
                continue
            begun = next(rule for rule in family.bases if self._matches(rule.starts_on, event))
            if _unbounded(event) and begun.act_on == "earlier":
                self._ask(begun, event)
                continue
            pending: Event | None = event
            floor: date | None = None
            while pending is not None:
                grown = self._grow(family, pending, event.state, floor, used)
                own.extend(grown)
                roots.extend(limit for limit in grown if limit.root is None)
                pending, floor = self._restart(grown)
        self.limits.extend(own)
        self._warn_of_late_extensions(family, roots, used)

    def _grow(self, family: Family, event: Event, state: str | None, floor: date | None, used: set[int]) -> list[Limit]:
        """Open the window that `event` starts, and every extension of it.

        `floor`: it starts anew after a suspension that stopped one until that day.
        """
        group: list[Limit] = []
        for rule in family.bases:
            specs = rule.starts_on if floor is None else rule.restarts_on
            if self._matches(specs, event):
                group.append(self._open(rule, event, state, floor=floor))
        root = _decisive(group)
        members = [root]
        for rule, extra in self._extending(family, root, used):
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
            if extra.strict < root.starts_strict:
                if limit.later <= root.later:
                    continue
                told = {"on": extra.strict, "start": root.starts_strict, "until": limit.later, "state": root.state}
                self.messages.append(Message("warning.absconding-carried", {**told, "basis": rule.legal_basis}))
            for member in members:
                if member.rule.id in rule.supersedes or member.rule is rule:
                    member.superseded_by = rule
            if extra.strict > target.end_strict:
                self._warn_between("warning.extension-between", target, extra.strict)
            members.append(limit)
        return [*(limit for limit in group if limit is not root), *members]

    def _extending(self, family: Family, root: Limit, used: set[int]) -> list[tuple[Rule, Event]]:
        """Return what could extend a window, in order of time; an imprisonment may have begun before it.

        A notice of absconding may have come before it too. Where the longer period counts from the notice itself, as in
        Art. 46(2) Regulation (EU) 2024/1351, which names no first day for it, it is taken over into the window; where
        it counts from the window's start, or the person was back before that, it is only kept in `outside`.
        """
        found: list[tuple[Rule, Event]] = []
        for rule, notice in self._told_before(family, root):
            if id(notice) in used:
                continue
            used.add(id(notice))
            back = any(notice.strict <= e.strict <= root.starts_strict for e in self.timeline.of(*rule.renewed_after))
            if rule.counts_from != "extended" and not back:
                found.append((rule, notice))
                continue
            until = self._open(rule, notice, root.state, root=root).later
            if until > root.later:
                self.outside.append(Outside(root, rule, notice, until))
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

    def _told_before(self, family: Family, root: Limit) -> Iterator[tuple[Rule, Event]]:
        """Yield the notices that came while the transfer was suspended, or after the request that led to the window."""
        timeline, event = self.timeline, root.event
        if event.name == "suspension-over":
            over = (spell for spell in timeline.suspensions if spell.ends is not None and spell.ends.fact is event.fact)
            first = max((spell.begins.strict for spell in over), default=root.starts_strict)
        else:
            asked = event.request.on if event.request is not None else timeline.application_before(event.strict)
            first = asked or root.starts_strict
        ended = timeline.last_transfer(root.starts_strict)
        first = first if ended is None else max(first, ended + _DAY)
        for rule in family.extensions:
            if rule.late is not None:
                for notice in self._starts(rule):
                    if first <= notice.strict < root.starts_strict and same_state(notice.state, root.state):
                        yield rule, notice

    def _extends(self, target: Limit, extra: Event) -> bool:
        superseded = target.superseded_by is not None
        return not superseded and target.open_at(max(extra.strict, target.starts_strict))

    def _renewed(self, rule: Rule, earlier: Limit, event: Event) -> bool:
        between = self.timeline.of(*rule.renewed_after)
        return any(earlier.trigger <= other.strict <= event.strict for other in between)

    def _restart(self, grown: list[Limit]) -> tuple[Event | None, date | None]:
        """Return the end of the suspensive effect that stopped these windows, where it has ended: they start anew.

        Beside it, until when they would have run, since no suspension makes a window shorter.
        """
        stopped = [m for m in grown if m.superseded_by is None and m.stop is not None and m.stop.name == "suspension"]
        for member in stopped:
            assert member.stop is not None
            spell = self.timeline.suspended_by(member.stop.fact)
            if spell is None or spell.ends is None:
                continue
            root = member.root or member
            # In France the six months start on the day on which the authority is told of the ruling.
            told = spell.ends.fact.get("told_on") if spell.ends.fact else None
            latest = told if isinstance(told, date) else spell.ends.rolled
            over = Event("suspension-over", spell.ends.strict, latest, member.state, fact=spell.ends.fact)
            if self._matches(root.rule.restarts_on, over):
                for other in stopped:
                    other.superseded_by = root.rule
                return over, max(other.later for other in stopped)
        return None, None

    def _warn_of_late_extensions(self, family: Family, roots: list[Limit], used: set[int]) -> None:
        for rule in family.extensions:
            if rule.late is None:
                continue
            for event in self._starts(rule):
                if id(event) not in used and any(_suspended_before(root, event) for root in roots):
                    told = {"on": event.strict, "state": event.state, "basis": rule.legal_basis}
                    self.messages.append(Message("warning.absconding-outside", told))
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
        starts = self._starts(rule)
        if not starts:
            return
        mine: list[Limit] = []
        for event in sorted(starts, key=_IN_ORDER) if len(starts) > 1 else starts:
            if rule.repeat == "first" and any(
                same_state(limit.state, event.state) and _still_covers(limit, event.strict) for limit in mine
            ):
                continue
            if rule.only_while and not self._interrupts(rule, event):
                continue
            figure = self._figure(rule, event)
            if rule.period is None and figure is None:
                self.messages.append(
                    Message("warning.appeal-days-unknown", {"on": event.strict, "basis": rule.legal_basis})
                )
            elif (rule.asks and figure is None) or (rule.act_on == "earlier" and _unbounded(event)):
                self._ask(rule, event)
            else:
                mine.append(self._open(rule, event))
        self.limits.extend(mine)

    def _interrupts(self, rule: Rule, event: Event) -> bool:
        return any(
            limit.rule.id in rule.only_while and limit.superseded_by is None and limit.open_at(event.strict)
            for limit in self.limits
        )

    def _ask(self, rule: Rule, event: Event) -> None:
        self.questions.append(Asked(rule, event, _unbounded(event) and not rule.asks))

    def _supersede(self, limits: Iterable[Limit]) -> None:
        """Let a limit take the place of those it supersedes, unless a fact had closed them before."""
        taking = [
            limit
            for limit in self.limits
            if (rule := limit.rule).supersedes and not (rule.extends or rule.silence or rule.restarts_on)
        ]
        if not taking:
            return
        by_rule: dict[str, list[Limit]] = {}
        for limit in limits:
            by_rule.setdefault(limit.rule.id, []).append(limit)
        for limit in taking:
            # What begins only after it is about something else: the next decision, the next application.
            since, until = limit.trigger, date.max if limit.period.backwards else limit.later
            for name in limit.rule.supersedes:
                for other in by_rule.get(name, ()):
                    if other.later < since or other.trigger > until or not same_state(limit.state, other.state):
                        continue
                    closed = other.closed_on
                    if closed is None or closed >= since:
                        other.superseded_by = limit.rule

    # The common ground

    def _starts(self, rule: Rule) -> Sequence[Event]:
        """Return the events that start a rule; where it says "preferred", only those of the first name recorded."""
        events, specs = self.timeline.events, self._heard.starts.get(rule.id, rule.starts_on)
        found: Sequence[Event]
        if rule.starts == "preferred":
            specs = tuple(spec for spec in specs if spec.event in events)[:1]
        if not specs:
            return ()
        if len(specs) == 1:
            spec = specs[0]
            found = events.get(spec.event, ())
            if not spec.plain:
                found = [event for event in found if self._holds(spec, event)]
        else:
            # An event that fits in two ways starts one period.
            fitting = {id(e): e for s in specs for e in events.get(s.event, ()) if s.plain or self._holds(s, e)}
            found = list(fitting.values())
        if found and rule.is_dated and not self._always_in_force(rule):
            return [event for event in found if self._in_force(rule, event)]
        return found

    def _holds(self, spec: Spec, event: Event) -> bool:
        for member, values in spec.members:
            if event.fact is None or event.fact.particulars.get(member) not in values:
                return False
        timeline = self.timeline
        for predicate, wanted in spec.conditions:  # noqa: SIM110 - a generator for each would cost a tenth of the answer
            if predicate(timeline, event) is not wanted:
                return False
        return True

    def _matches(self, specs: Iterable[Spec], event: Event) -> bool:
        return any(spec.event == event.name and self._holds(spec, event) for spec in specs)

    def _always_in_force(self, rule: Rule) -> bool:
        """Tell whether the rule governed before anything that this case knows of."""
        if rule.applies_from is None or rule.applies_until is not None:
            return False
        timeline = self.timeline
        return rule.applies_from <= (timeline.begins if rule.applies_by == "event" else timeline.applies)

    def _in_force(self, rule: Rule, event: Event) -> bool:
        if rule.applies_by == "event":
            return rule.in_force_on(event.strict)
        return rule.in_force_on(self.timeline.application_before(event.strict) or event.strict)

    def _figure(self, rule: Rule, event: Event) -> Period | None:
        """Return the period that a fact gives: printed in a decision, or asked for in a request."""
        if rule.length_from is None:
            return None
        fact = event.request if rule.length_from == "urgent_days" else event.fact
        if fact is None:
            return None
        days = fact.get(rule.length_from)
        if rule.length_from in ("appeal_period", "appeal_days"):
            printed = fact.get("appeal_period")
            if isinstance(printed, str):
                return Period.parse(printed)
            days = fact.get("appeal_days")
        return Period(days, "day") if isinstance(days, int) else None

    def _open(
        self,
        rule: Rule,
        event: Event,
        state: str | None = None,
        *,
        root: Limit | None = None,
        floor: date | None = None,
    ) -> Limit:
        period, code, printed = self._length(rule, event)
        state = state or event.state
        requested = rule.calendar == "requested" and state is not None
        limit = Limit(rule, event, state, period, calendar_for(state) if requested and state else self._home)
        limit.printed = printed
        if period.backwards:
            limit.trigger = self._since_last(event)
        if root is not None:
            limit.root = root
            limit.trigger = max(event.strict, root.trigger)
            if rule.counts_from == "extended":
                limit.starts_strict, limit.starts_rolled = root.starts_strict, root.starts_rolled
        self._count(limit, code)
        if floor is not None and rule.act_on == "later" and limit.later < floor:
            limit.end_rolled = limit.later = limit.floor = floor
        self._close(limit)
        return limit

    def _length(self, rule: Rule, event: Event) -> tuple[Period, str, bool]:
        """Return the length that counts, the way of counting it, and whether a fact gave it where one could."""
        if rule.length_from is not None:
            figure = self._figure(rule, event)
            if figure is not None:
                return figure, "NAT?" if rule.length_from == "appeal_days" else rule.counting, True
        period = rule.period
        for predicate, length in rule.length_if:
            if predicate(self.timeline, event):
                period = length
        assert period is not None, rule.id
        return period, rule.counting, rule.length_from is None

    def _count(self, limit: Limit, code: str) -> None:
        """Set the limit's ends: by the calendar or by the clock, then what caps or pauses it."""
        rule, period, calendar = limit.rule, limit.period, limit.calendar
        if period.unit == "hour":
            self._count_hours(limit, code)
        else:
            strict = end_of(limit.starts_strict, period, code, calendar)
            rolled = strict
            if limit.starts_rolled != limit.starts_strict:
                rolled = end_of(limit.starts_rolled, period, code, calendar)
            limit.end_strict, limit.end_rolled, limit.clamped = strict.strict, rolled.rolled, strict.clamped
        if rule.cap is not None:
            self._apply_cap(limit, rule.cap)
        if rule.pause_within is not None:
            self._pause(limit, rule.pause_within, code)
        limit.later = max(limit.end_strict, limit.end_rolled)

    def _count_hours(self, limit: Limit, code: str) -> None:
        """Count a period in hours; a fact without an hour is counted from the start of its day to its end."""
        zone = zone_of(limit.calendar.country)
        known = limit.event.at if limit.starts_strict == limit.event.strict else None
        if known:
            first = last = known.astimezone(zone)
        else:
            # The minute before midnight belongs to the day that one would name.
            first = datetime.combine(limit.starts_strict, time.min, tzinfo=zone) - _MINUTE
            last = datetime.combine(limit.starts_rolled + _DAY, time.min, tzinfo=zone) - _MINUTE
        limit.at_strict = _fixed(hours_end(first, limit.period, code, limit.calendar)[0])
        limit.at_rolled = _fixed(hours_end(last, limit.period, code, limit.calendar)[1])
        limit.at_start = _fixed(first) if known else None
        limit.end_strict, limit.end_rolled = limit.at_strict.date(), limit.at_rolled.date()

    def _pause(self, limit: Limit, within: Period, code: str) -> None:
        """Let the period stand still from the pausing event to the last resuming one, and run on with what was left.

        How the day of the pause itself counts is not settled: strictly it is used up, in the later date it is not.
        """
        rule, calendar = limit.rule, limit.calendar
        until = min(end_of(limit.starts_rolled, within, code, calendar).rolled, limit.end_rolled)
        pauses = self._sorted(rule.paused_by)
        limit.pause = next((e for e in pauses if limit.starts_strict <= e.strict and e.rolled <= until), None)
        if limit.pause is None:
            return
        pause = limit.pause
        resumed = [event for event in self._sorted(rule.resumed_by) if event.rolled >= pause.strict]
        if not resumed:
            return
        # What was asked for after the first answer is another matter, and so is the next decision.
        others = (event.strict for event in (*pauses, *self._starts(rule)))
        over = min((day for day in others if day > max(resumed[0].strict, limit.starts_rolled)), default=date.max)
        last = max((e for e in resumed if e.strict <= over and _of_one_answer(resumed[0], e)), key=lambda e: e.strict)
        limit.resumed = last
        left = max((limit.end_strict - pause.rolled).days, 0)
        strict = last.strict + timedelta(days=max(left - 1, 0))
        left = max((limit.end_strict - pause.strict).days, 0)
        rolled = end_of(last.rolled, Period(left, "day"), code, calendar).rolled if left else last.rolled
        limit.end_strict, limit.end_rolled = max(limit.end_strict, strict), max(limit.end_rolled, rolled)

    def _sorted(self, specs: Iterable[Spec]) -> list[Event]:
        return sorted((event for spec in specs for event in self._fitting(spec)), key=lambda event: event.strict)

    def _fitting(self, spec: Spec) -> Iterator[Event]:
        return (e for e in self.timeline.events.get(spec.event, ()) if spec.plain or self._holds(spec, e))

    def _since_last(self, event: Event) -> date:
        """Return the day from which acts belong to this planned event and not to the one planned before it."""
        earlier = [other.strict for other in self.timeline.of(event.name) if other.strict < event.strict]
        return max(earlier) + _DAY if earlier else date.min

    def _apply_cap(self, limit: Limit, cap: str) -> None:
        rule = packs.by_id()[cap]
        since = self.timeline.last_transfer(limit.starts_strict)
        closed = [e.strict for e in self.timeline.of(*_ENDS_THE_ASKING) if e.strict < limit.starts_strict]
        # Not of a procedure that the transfer ended, nor of an application that was given up before this one.
        standing = [
            event
            for event in self._starts(rule)
            if (since is None or event.strict > since) and not any(event.strict < day for day in closed)
        ]
        if not standing:
            return
        # Of several applications the latest one. Within a procedure it may end before the hit (C-670/16 Mengesteab).
        begun = [event for event in standing if event.strict <= limit.starts_strict]
        event = max(begun, key=_STRICT) if begun else min(standing, key=_STRICT)
        end: End = end_of(event.strict, _period(rule), rule.counting, limit.calendar)
        if end.strict < limit.end_strict:
            limit.end_strict, limit.end_rolled, limit.cap = end.strict, min(end.rolled, limit.end_rolled), rule

    def _close(self, limit: Limit) -> None:
        """Find what met the limit, what stopped it, and what came too late; of the first two the earlier one counts."""
        standing = limit.pause is not None and limit.resumed is None
        if standing:
            limit.later = date.max
        self._meet(limit)
        stop = self._stop(limit)
        if standing and stop is None:
            stop = limit.pause
            limit.later = max(limit.end_strict, limit.end_rolled)
            if limit.met is not None:
                return
        if stop is not None and limit.met is not None and limit.met.strict <= stop.strict:
            stop = None
        if stop is not None:
            limit.met = None
        limit.stop = stop

    def _meet(self, limit: Limit) -> None:
        rule, events = limit.rule, self.timeline.events
        start = limit.trigger
        if rule.met_before:
            ended = self.timeline.last_transfer(limit.trigger)
            start = ended + _DAY if ended is not None else date.min
        for spec in self._heard.meets[rule.id]:
            for event in self._possible(events[spec.event], limit, start):
                if event.strict == limit.trigger and _earlier_that_day(event, limit):
                    continue
                if not same_state(event.state, limit.state) or not (spec.plain or self._holds(spec, event)):
                    continue
                if event.strict > limit.later or _too_late_that_day(event, limit):
                    if limit.late is None or event.strict < limit.late.strict:
                        limit.late = event
                elif limit.met is None or event.strict < limit.met.strict:
                    limit.met = event
                break

    def _stop(self, limit: Limit) -> Event | None:
        stop: Event | None = None
        events, start, until = self.timeline.events, limit.trigger, limit.later
        for spec in self._heard.stops[limit.rule.id]:
            found = None
            if spec.event == "suspension":
                found = self._suspension(limit)
            else:
                for event in self._possible(events[spec.event], limit, start):
                    if event.strict == start and _earlier_that_day(event, limit):
                        continue
                    fits = event.strict <= until and same_state(event.state, limit.state)
                    if fits and (spec.plain or self._holds(spec, event)):
                        found = event
                        break
            if found is not None and (stop is None or found.strict < stop.strict):
                stop = found
        return stop

    def _possible(self, events: Sequence[Event], limit: Limit, start: date) -> Iterable[Event]:
        """Return the events from `start` on that could close a limit, each undated one on a day that it can have been.

        Whatever our side must do is done only when it was certainly done in time; what we would claim that a state did
        not do is claimed only when it cannot have been done in time.
        """
        if not self.timeline.has_undated:
            return since(events, start)
        late = limit.rule.act_on == "earlier"
        found = [event if event.rolled == event.strict else event.dated(_less(event, start, late)) for event in events]
        return sorted((event for event in found if event.strict >= start), key=lambda event: event.strict)

    def _suspension(self, limit: Limit) -> Event | None:
        for spell in self.timeline.suspensions_after(limit.trigger):
            begins = spell.begins
            if begins.strict > limit.later:
                return None
            day = max(begins.strict, limit.trigger)
            return Event("suspension", day, day, limit.state, fact=begins.fact)
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
                        # Within its last day a period in hours is looked at again and again.
                        yield end if self.at is not None and limit.at_rolled is not None else end + _DAY
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


def _suspended_before(root: Limit, event: Event) -> bool:
    """Tell whether a suspension that still stands had stopped a window when the event came."""
    stop = root.stop
    if stop is None or stop.name != "suspension" or root.superseded_by is not None:
        return False
    return stop.strict < event.strict and same_state(root.state, event.state)


def _less(event: Event, start: date, late: bool) -> date:
    """Return the last day on which an undated event can have been, or the first one from `start` on."""
    return event.rolled if late else min(max(event.strict, start), event.rolled)


_SERVED_TOGETHER = timedelta(days=14)
"""Within how long two notices whose addressees are not recorded are taken for one answer, told to two people."""


def _of_one_answer(first: Event, other: Event) -> bool:
    """Tell whether a later notice carries the same answer: to another addressee, or so soon that it may be that."""
    one, two = (event.fact.notified_to if event.fact else None for event in (first, other))
    if one and two:
        return other is first or one != two
    return other.strict - first.strict <= _SERVED_TOGETHER


def _earlier_that_day(event: Event, limit: Limit) -> bool:
    """Tell whether, on the day on which the limit starts, the event came before its hour."""
    at, start = event.at, limit.event.at
    return at is not None and start is not None and limit.root is None and at < start


def _too_late_that_day(event: Event, limit: Limit) -> bool:
    at = event.at
    return at is not None and limit.at_rolled is not None and at > limit.at_rolled


def _fixed(moment: datetime) -> datetime:
    """Return an instant with its offset alone: in a zone, clocks on the wall compare, and these go back once."""
    return moment.astimezone(timezone(moment.utcoffset() or timedelta()))


def _unbounded(event: Event) -> bool:
    """Tell whether the record does not say before which day the event cannot have happened."""
    fact = event.fact if event.fact is not None else event.request
    return fact is not None and fact.undated and fact.not_before is None


def _no_earlier(spell: Spell, day: date) -> Event:
    """Return the beginning of a stretch, or `day` where it began before."""
    event = spell.begins
    if event.strict >= day:
        return event
    return Event(event.name, day, day, event.state, fact=event.fact)


def _period(rule: Rule) -> Period:
    assert rule.period is not None, rule.id
    return rule.period
