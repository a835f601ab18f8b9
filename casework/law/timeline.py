"""The facts of one case, put in order and joined: what was asked and answered, when the person was held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

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
    def service_is_deemed(self) -> bool:
        """Tell whether the law takes the paper as served although nobody received it."""
        return self.fact is not None and self.fact.service == "deemed"


class Spell(NamedTuple):
    """A stretch of time between two facts; `ends` is None while it lasts. The day of the end is no longer in it."""

    begins: Event
    ends: Event | None
    ground: str | None

    def holds_on(self, day: date) -> bool:
        """Tell whether `day` lies in the stretch."""
        return self.begins.strict <= day and (self.ends is None or day < self.ends.strict)


_RECEIPTS = {
    "take-charge-requested": "take-charge-request-received",
    "take-back-requested": "take-back-request-received",
    "take-back-notified": "take-back-notification-received",
    "humanitarian-requested": "humanitarian-request-received",
    "reexamination-requested": "reexamination-request-received",
}
_OF_THIS_STATE = frozenset({"application-registered", "application-lodged"})
_OF_OTHER_STATES = frozenset({"eurodac-hit", "vis-hit"})
_ASKED_FROM = frozenset(_RECEIPTS.values())


class Timeline:
    """One case's facts in order. Independent of the order in which they were recorded, and of any rule.

    `events` holds by name what rules listen to; `sequence` the recorded ones in order, receipts not assumed;
    `tells_certainty`: at least one fact says how sure it is.
    """

    def __init__(self, case: CaseFile) -> None:
        self.case = case
        self.facts = sorted(case.facts, key=_place)
        if len({_place(fact) for fact in self.facts}) < len(self.facts):
            self.facts.sort(key=_order)
        self.events: dict[str, list[Event]] = {}
        self.sequence: list[Event] = []
        self.warnings: list[Message] = []
        requests: list[Fact] = []
        open_requests: list[Fact] = []
        for fact in self.facts:
            name, state, request = fact.name, fact.state, None
            asked_by = REPLIES.get(name)
            if asked_by is not None:
                request = _latest(requests, asked_by, state)
                if request is not None:
                    state = state or request.state
                    if name in _ASKED_FROM and request in open_requests:
                        open_requests.remove(request)
            elif name in _RECEIPTS:
                requests.append(fact)
                open_requests.append(fact)
            if name in _OF_THIS_STATE and state is not None:
                if state != case.country:
                    self.warnings.append(Message("warning.application-elsewhere", {"state": state, "on": fact.on}))
                    continue
                state = None
            elif name in _OF_OTHER_STATES and state == case.country:
                self.warnings.append(Message("warning.own-hit", {"country": state, "on": fact.on}))
                continue
            event = Event(name, fact.on, fact.on, state, fact=fact, request=request)
            self.sequence.append(event)
            known = self.events.get(name)
            if known is None:
                self.events[name] = [event]
            else:
                known.append(event)
        for request in open_requests:
            self._assume_receipt(request)
        self.detentions = self._spells("detained", ("released", "transferred"))
        self.imprisonments = self._spells("imprisoned", ("prison-released",))
        self.suspensions = self._suspensions()
        self.tells_certainty = any(fact.certainty for fact in self.facts)
        crises = self.events.get("crisis-derogation", ())
        self.crises = [(event.state, event.strict, event.fact.get("until")) for event in crises if event.fact]

    def of(self, *names: str) -> Iterator[Event]:
        """Yield the events of these names, each name's in order."""
        for name in names:
            yield from self.events.get(name, ())

    def detained_on(self, day: date) -> bool:
        """Tell whether the person was held for the transfer procedure on that day."""
        return any(spell.ground == "transfer" and spell.holds_on(day) for spell in self.detentions)

    def derogates_on(self, state: str | None, day: date) -> bool:
        """Tell whether a crisis derogation of that state was in force on that day."""
        return any(
            who == state and since <= day and isinstance(until, date) and day <= until
            for who, since, until in self.crises
        )

    def with_events(self, events: Mapping[str, list[Event]]) -> Timeline:
        """Return the same timeline, in which rules also hear of these events: what the law makes of the facts."""
        other = Timeline.__new__(Timeline)
        other.__dict__.update(self.__dict__)
        other.events = {**self.events, **events}
        return other

    def _assume_receipt(self, request: Fact) -> None:
        name = _RECEIPTS[request.name]
        event = Event(name, request.on, request.on, request.state, request=request, assumed=True)
        self.events.setdefault(name, []).append(event)
        self.events[name].sort(key=lambda event: event.strict)
        self.warnings.append(
            Message(
                "warning.receipt-assumed", {"fact": f"fact.{request.name}", "state": request.state, "on": request.on}
            )
        )

    def _spells(self, begin: str, ends: tuple[str, ...]) -> list[Spell]:
        spells: list[Spell] = []
        closing = sorted(self.of(*ends), key=lambda event: event.strict)
        for event in self.of(begin):
            if spells and (spells[-1].ends is None or event.strict < spells[-1].ends.strict):
                continue
            end = next((e for e in closing if _after(event, e)), None)
            ground = event.fact.get("ground") if event.fact else None
            spells.append(Spell(event, end, str(ground) if ground else None))
        return spells

    def _suspensions(self) -> list[Spell]:
        """Return when the transfer itself was suspended by an effect that stops the clock.

        An administrative suspension does not (C-245/21, C-248/21), nor one in proceedings about something else
        (C-338/21, C-359/22), nor one that only the authority's onward appeal brought (C-556/21).
        """
        granted = self.events.get("suspensive-effect-granted")
        if not granted:
            return []
        appeals = list(self.of("appeal-lodged"))
        closing = sorted(
            (
                event
                for event in self.of("suspensive-effect-ended", "suspensive-effect-refused", "appeal-decided")
                if event.name != "appeal-decided" or _ends_the_dispute(event)
            ),
            key=lambda event: event.strict,
        )
        spells: list[Spell] = []
        for event in granted:
            assert event.fact is not None
            on = {"on": event.strict}
            earlier = [a.fact for a in appeals if a.strict <= event.strict and a.fact]
            against = [fact for fact in earlier if fact.get("against") == "transfer-decision"]
            if event.fact.get("ground") == "administrative":
                self.warnings.append(Message("warning.administrative-suspension", on))
            elif earlier and not against:
                self.warnings.append(Message("warning.suspension-elsewhere", on))
            elif against and against[-1].get("by") == "authority" and not spells:
                self.warnings.append(Message("warning.suspension-for-authority", on))
            elif not spells or (spells[-1].ends is not None and spells[-1].ends.strict <= event.strict):
                end = next((e for e in closing if e.strict >= event.strict), None)
                spells.append(Spell(event, end, str(event.fact.get("ground"))))
        return spells


def _place(fact: Fact) -> tuple[date, int, str]:
    """Return the place of a fact in the case, as far as its day, name and state decide it."""
    return fact.on, PLACE_IN_ORDER[fact.name], fact.state or ""


def _order(fact: Fact) -> tuple[date, int, str, str]:
    """Return the place of a fact in the case: by day, then as a procedure goes, whatever the order of recording."""
    return (
        fact.on,
        PLACE_IN_ORDER[fact.name],
        fact.at.isoformat() if fact.at else "",
        f"{fact.state}{sorted(fact.particulars.items()) if fact.particulars else ''}",
    )


def _latest(requests: list[Fact], names: tuple[str, ...], state: str | None) -> Fact | None:
    for request in reversed(requests):
        if request.name in names and (state is None or request.state == state):
            return request
    return None


def _after(begin: Event, end: Event) -> bool:
    """Tell whether `end` ends what `begin` began; on one day, by the hour where both are known."""
    if begin.strict != end.strict or begin.fact is None or end.fact is None:
        return end.strict > begin.strict
    if begin.fact.at and end.fact.at:
        return end.fact.at >= begin.fact.at
    return True


def _ends_the_dispute(event: Event) -> bool:
    fact = event.fact
    return fact is not None and fact.get("against") == "transfer-decision" and fact.get("final") is not False


def is_planned(fact: Fact) -> bool:
    """Tell whether a fact of this kind may lie ahead of the day on which one asks."""
    return VOCABULARY[fact.name].planned
