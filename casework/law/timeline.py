"""The facts of one case, put in order and joined: what was asked and answered, when the person was held."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter, itemgetter
from typing import NamedTuple

from casework.law import practice
from casework.law.facts import PLACE_IN_ORDER, REPLIES, VOCABULARY
from casework.law.types import CaseFile, Fact


class Message(NamedTuple):
    """A sentence to be: its key in the catalogue and what goes into its gaps. It gets its words when rendered."""

    key: str
    params: Mapping[str, object]


class Event:
    """Something a rule listens to: a recorded fact, or what the law makes of facts.

    `strict` and `rolled` differ only for what follows from a period: strict chains from strict, rolled from rolled.
    `request` is the fact that was asked with, for receipts and answers; `assumed`: no such fact was recorded.
    """

    __slots__ = ("assumed", "fact", "name", "request", "rolled", "silence", "state", "strict")

    def __init__(
        self,
        name: str,
        strict: date,
        rolled: date,
        state: str | None,
        *,
        fact: Fact | None = None,
        request: Fact | None = None,
        assumed: bool = False,
        silence: object = None,
    ) -> None:
        self.name = name
        self.strict = strict
        self.rolled = rolled
        self.state = state
        self.fact = fact
        self.request = request
        self.assumed = assumed
        self.silence = silence

    @property
    def at(self) -> datetime | None:
        """Return the instant of a recorded fact whose hour is known, unless the event was dated otherwise."""
        fact = self.fact
        return fact.at if fact is not None and fact.on == self.strict else None

    def dated(self, day: date) -> Event:
        """Return the same event as if it had happened on `day`."""
        return Event(self.name, day, self.rolled, self.state, fact=self.fact, request=self.request)

    @property
    def service_is_deemed(self) -> bool:
        """Tell whether the law takes the paper as served although nobody received it."""
        return self.fact is not None and self.fact.service == "deemed"


class Spell(NamedTuple):
    """A stretch of time between two facts; `ends` is None while it lasts. The day of the end is no longer in it."""

    begins: Event
    ends: Event | None
    ground: str

    def holds_on(self, day: date) -> bool:
        """Tell whether `day` lies in the stretch."""
        return self.begins.strict <= day and (self.ends is None or day < self.ends.strict)

    def may_hold_at(self, event: Event) -> bool:
        """Tell whether the event can lie in the stretch: by the hour where both are known, else by the whole day."""
        begins, ends = self.begins, self.ends
        if event.strict < begins.strict or _surely_before(event, begins):
            return False
        return (
            ends is None
            or event.strict < ends.rolled
            or (event.strict == ends.rolled and not _surely_before(ends, event))
        )


_RECEIPTS = {
    "take-charge-requested": "take-charge-request-received",
    "take-back-requested": "take-back-request-received",
    "take-back-notified": "take-back-notification-received",
    "humanitarian-requested": "humanitarian-request-received",
    "reexamination-requested": "reexamination-request-received",
}
_CHOICES = {kind.name: tuple(member.name for member in kind.members if member.choices) for kind in VOCABULARY.values()}
_OF_THIS_STATE = frozenset({"application-registered", "application-lodged"})
_ASKED_FROM = frozenset(_RECEIPTS.values())


class Timeline:
    """One case's facts in order. Independent of the order in which they were recorded, and of any rule.

    `events` holds by name what rules listen to; `sequence` the recorded ones in order, receipts not assumed;
    `begins`: the day of the first fact, `applies` that of the first application, failing that of the first fact.
    `told`: what `events` holds, for choosing rules; "suspension" too where there was one.
    `tells_certainty`: at least one fact says how sure it is. Undated facts have their bounds (`undated.bounded`).
    """

    def __init__(self, case: CaseFile) -> None:
        self.case = case
        self._places: dict[int, int] | None = None
        self._governing: dict[date, date | None] = {}
        places = [_place(fact) for fact in case.facts]
        if len(set(places)) < len(places):
            self.facts = sorted(case.facts, key=_order)
        else:
            self.facts = [fact for _, fact in sorted(zip(places, case.facts, strict=True), key=_FIRST)]
        self.events: dict[str, list[Event]] = {}
        self.sequence: list[Event] = []
        self.warnings: list[Message] = []
        asked: dict[tuple[str, str | None], tuple[int, Fact]] = {}
        unreceived: dict[int, Fact] = {}
        for fact in self.facts:
            name, state, request = fact.name, fact.state, None
            asked_by = REPLIES.get(name)
            if asked_by is not None:
                request = _latest(asked, asked_by, state)
                if request is not None:
                    state = state or request.state
                    if name in _ASKED_FROM:
                        unreceived.pop(id(request), None)
            elif name in _RECEIPTS:
                asked[name, state] = asked[name, None] = (len(self.sequence), fact)
                unreceived[id(fact)] = fact
            if name in _OF_THIS_STATE and state is not None:
                if state != case.country:
                    self.warnings.append(Message("warning.application-elsewhere", {"state": state, "on": fact.on}))
                    continue
                state = None
            event = Event(name, fact.on, latest_day(fact), state, fact=fact, request=request)
            self.sequence.append(event)
            known = self.events.get(name)
            if known is None:
                self.events[name] = [event]
            else:
                known.append(event)
        self._assume_receipts(unreceived.values())
        self.detentions = self._spells("detained", ("released", "transferred"))
        self.imprisonments = self._spells("imprisoned", ("prison-released",))
        self.suspensions = self._suspensions()
        self.told = frozenset(self._told())
        self.begins = self.facts[0].on if self.facts else date.min
        self.applies = self.application_before(date.min) or self.begins
        self._suspended_by = {id(spell.begins.fact): spell for spell in self.suspensions}
        self.has_undated = any(fact.undated for fact in self.facts)
        self.tells_certainty = any(fact.certainty for fact in self.facts)
        crises = self.events.get("crisis-derogation", ())
        self.crises = [(event.state, event.strict, event.fact.get("until")) for event in crises if event.fact]

    def place_of(self, event: Event) -> int | None:
        """Return the place in the case file of the fact that an event is, or that it rests on."""
        if self._places is None:
            self._places = {id(fact): place for place, fact in enumerate(self.case.facts)}
        fact = event.fact if event.fact is not None else event.request
        return self._places.get(id(fact))

    def of(self, *names: str) -> Iterator[Event]:
        """Yield the events of these names, each name's in order."""
        for name in names:
            yield from self.events.get(name, ())

    def detained_on(self, day: date) -> bool:
        """Tell whether the person was held for the transfer procedure on that day."""
        return any(spell.ground == "transfer" and spell.holds_on(day) for spell in self.detentions)

    def suspended_by(self, granted: Fact | None) -> Spell | None:
        """Return the suspension that a fact began."""
        return self._suspended_by.get(id(granted))

    def suspensions_after(self, day: date) -> Sequence[Spell]:
        """Return the suspensions that had not ended by that day; they follow one another."""
        spells = self.suspensions
        return spells[bisect_right(spells, day, key=lambda spell: spell.ends.strict if spell.ends else date.max) :]

    def derogates_on(self, state: str | None, day: date) -> bool:
        """Tell whether a crisis derogation of that state was in force on that day."""
        return any(
            who == state and since <= day and isinstance(until, date) and day <= until
            for who, since, until in self.crises
        )

    def last_transfer(self, day: date) -> date | None:
        """Return when the person was last transferred before `day`, which ended whatever procedure there had been."""
        return max((event.strict for event in self.of("transferred") if event.strict < day), default=None)

    def application_before(self, day: date) -> date | None:
        """Return when the application that governs on `day` was lodged, failing that registered, recorded or made."""
        if day not in self._governing:
            self._governing[day] = self._application_before(day)
        return self._governing[day]

    def _application_before(self, day: date) -> date | None:
        for names in (("application-lodged",), ("application-registered", "application-recorded", "application-made")):
            days = [event.strict for event in self.of(*names)]
            if days:
                return max((d for d in days if d <= day), default=min(days))
        return None

    def with_events(self, events: Mapping[str, list[Event]]) -> Timeline:
        """Return the same timeline, in which rules also hear of these events: what the law makes of the facts."""
        other = Timeline.__new__(Timeline)
        other.__dict__.update(self.__dict__)
        other.events = {**self.events, **events}
        other.told = self.told.union(name for name, found in events.items() if found)
        return other

    def _told(self) -> Iterator[str]:
        """Yield the names of the events, and of those with particulars that rules ask for which ones they have.

        Never a free text: what is told outlives the case, as the key of what is known of similar ones.
        """
        yield from self.events
        if self.suspensions:
            yield "suspension"
        for fact in self.facts:
            for member in _CHOICES[fact.name]:
                value = fact.particulars.get(member)
                if value is not None:
                    yield f"{fact.name} {member}={value}"

    def _assume_receipts(self, requests: Collection[Fact]) -> None:
        """Take each of the requests as received on the day of sending."""
        for request in requests:
            name = _RECEIPTS[request.name]
            event = Event(name, request.on, latest_day(request), request.state, request=request, assumed=True)
            self.events.setdefault(name, []).append(event)
            told = {"fact": f"fact.{request.name}", "state": request.state, "on": request.on}
            self.warnings.append(Message("warning.receipt-assumed", told))
        for name in {_RECEIPTS[request.name] for request in requests}:
            self.events[name].sort(key=_STRICT)

    def _spells(self, begin: str, ends: tuple[str, ...]) -> list[Spell]:
        """Return the stretches that events of one name begin; one on another ground ends the one before it."""
        spells: list[Spell] = []
        closing = sorted(self.of(*ends), key=_STRICT)
        for event in self.of(begin):
            ground = str(event.fact.get("ground") or "") if event.fact else ""
            last = spells[-1] if spells else None
            if last is not None and (last.ends is None or event.strict < last.ends.strict):
                if last.ground == ground:
                    continue
                spells[-1] = last._replace(ends=event)
            end = next((e for e in since(closing, event.strict) if _after(event, e)), None)
            spells.append(Spell(event, end, ground))
        return spells

    def _ruled_on(self, day: date) -> bool:
        """Tell whether a court had ruled on the latest transfer decision before that day."""
        decided = max((e.strict for e in self.of("transfer-decision-notified") if e.strict <= day), default=date.min)
        rulings = (e for e in self.of("appeal-decided") if decided <= e.strict <= day)
        return any(ruling.fact is not None and ruling.fact.get("against") == _TRANSFER for ruling in rulings)

    def _appeal_over(self, day: date, *, suspended: bool) -> bool:
        """Tell whether the appeal against the latest transfer decision, of which none is pending, was over by that day.

        Where a court had `suspended` the transfer before, a ruling that is not on record as final may have been
        followed by an onward appeal (C-19/08 Petrosian).
        """
        decided = max((e.strict for e in self.of("transfer-decision-notified") if e.strict <= day), default=date.min)

        def of_it(name: str) -> list[Fact]:
            facts = (e.fact for e in self.of(name) if decided <= e.strict <= day)
            return [fact for fact in facts if fact is not None and fact.get("against") == _TRANSFER]

        if suspended and not any(ruling.get("final") for ruling in of_it("appeal-decided")):
            return False
        return bool(of_it("appeal-lodged"))

    def _appeals(self) -> list[tuple[Event, date]]:
        """Return every appeal with the last day on which it is pending: that of the final ruling on the same matter."""
        final: dict[object, list[Event]] = {}
        for ruling in self.of("appeal-decided"):
            if ruling.fact is not None and ruling.fact.get("final") is not False:
                final.setdefault(ruling.fact.get("against"), []).append(ruling)
        found: list[tuple[Event, date]] = []
        for appeal in self.of("appeal-lodged"):
            against = appeal.fact.get("against") if appeal.fact else None
            ruling_after = next(iter(since(final.get(against, ()), appeal.strict)), None)
            found.append((appeal, ruling_after.strict if ruling_after else date.max))
        return found

    def _suspensions(self) -> list[Spell]:
        """Return when the transfer itself was suspended by an effect that stops the clock.

        An administrative suspension does not (C-245/21, C-248/21), unless the authority gave it for the sake of a
        pending appeal (Art. 27(4); BVerwG 1 C 16.18), nor one in proceedings about something else (C-338/21,
        C-359/22), nor one that only the authority's onward appeal brought (C-556/21), nor one after the appeal was over
        (C-359/22). A file that begins in the middle may know of no appeal, and one that goes on of no onward appeal:
        then the suspension counts.
        """
        granted = self.events.get("suspensive-effect-granted")
        if not granted:
            return []
        appeals = self._appeals()
        first_only = practice.FIRST_REMEDY_ONLY.get(self.case.country)
        closing = sorted(
            (
                event
                for event in self.of("suspensive-effect-ended", "suspensive-effect-refused", "appeal-decided")
                if event.name != "appeal-decided" or _ends_the_dispute(event, first_only)
            ),
            key=_STRICT,
        )
        spells: list[Spell] = []
        for event in granted:
            assert event.fact is not None
            on = {"on": event.strict}
            pending = [a.fact for a, until in appeals if a.strict <= event.strict <= until and a.fact]
            against = [fact for fact in pending if fact.get("against") == _TRANSFER]
            if event.fact.get("ground") == "administrative" and not event.fact.get("for_appeal"):
                self.warnings.append(Message("warning.administrative-suspension", on))
            elif pending and not against:
                self.warnings.append(Message("warning.suspension-elsewhere", on))
            elif against and against[-1].get("by") == "authority" and not spells:
                self.warnings.append(Message("warning.suspension-for-authority", on))
            elif first_only and self._ruled_on(event.strict):
                self.warnings.append(Message("warning.suspension-onward", {**on, "ruling": first_only}))
            elif not against and self._appeal_over(event.strict, suspended=bool(spells)):
                self.warnings.append(Message("warning.suspension-after-ruling", on))
            elif not spells or (spells[-1].ends is not None and spells[-1].ends.strict <= event.strict):
                end = next(iter(since(closing, event.strict)), None)
                spells.append(Spell(event, end, str(event.fact.get("ground"))))
                if not against and not any(a.strict > event.strict for a, _ in appeals):
                    self.warnings.append(Message("warning.suspension-without-appeal", on))
        return spells


def latest_day(fact: Fact) -> date:
    """Return the last day on which a fact can have happened."""
    return (fact.not_after or fact.on) if fact.undated else fact.on


def since(events: Sequence[Event], day: date) -> Sequence[Event]:
    """Return those of the events, which are in order of time, that come on `day` or later."""
    if not events or events[0].strict >= day:
        return events
    return events[bisect_left(events, day, key=_STRICT) :]


_STRICT = attrgetter("strict")
_FIRST = itemgetter(0)
_TRANSFER = "transfer-decision"
_AT_MIDNIGHT = datetime.min.replace(tzinfo=UTC)


def _surely_before(one: Event, other: Event) -> bool:
    """Tell whether, of two events on one day, the first came at an earlier hour than the second."""
    return one.strict == other.strict and one.at is not None and other.at is not None and one.at < other.at


def _place(fact: Fact) -> tuple[date, int, datetime, str]:
    """Return the place of a fact in the case, as far as its day, name, hour and state decide it."""
    return fact.on, PLACE_IN_ORDER[fact.name], fact.at or _AT_MIDNIGHT, fact.state or ""


def _order(fact: Fact) -> tuple[date, int, datetime, str, str]:
    """Return the place of a fact in the case, whatever the order of recording: what `_place` leaves open as well."""
    rest = sorted(fact.particulars.items()), fact.certainty, fact.service, fact.notified_to
    return (*_place(fact), f"{rest}{fact.undated}{fact.not_before}{fact.not_after}")


def _latest(
    asked: Mapping[tuple[str, str | None], tuple[int, Fact]], names: tuple[str, ...], state: str | None
) -> Fact | None:
    """Return the latest request of one of these names, to that state where the answer says which."""
    found = [asked[name, state] for name in names if (name, state) in asked]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _after(begin: Event, end: Event) -> bool:
    """Tell whether `end` ends what `begin` began; on one day, by the hour where both are known."""
    if begin.strict != end.strict or begin.fact is None or end.fact is None:
        return end.strict > begin.strict
    if begin.fact.at and end.fact.at:
        return end.fact.at >= begin.fact.at
    return True


def _ends_the_dispute(event: Event, first_only: str | None) -> bool:
    fact = event.fact
    if fact is None or fact.get("against") != _TRANSFER:
        return False
    return first_only is not None or fact.get("final") is not False


def is_planned(fact: Fact) -> bool:
    """Tell whether a fact of this kind may lie ahead of the day on which one asks."""
    return VOCABULARY[fact.name].planned
