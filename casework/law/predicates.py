"""Conditions that the rule packs name: what a date alone cannot say. Each is a small pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from casework.law.counting import months_after
from casework.law.timeline import Event, Timeline

Predicate = Callable[[Timeline, Event], bool]
"""Tells whether a condition holds for the event that would start, meet or stop a period."""

_APPLICATIONS = ("application-made", "application-recorded", "application-registered", "application-lodged")


def _basis(event: Event) -> object:
    return event.request.get("basis") if event.request else None


def based_on_eurodac(_: Timeline, event: Event) -> bool:
    """The request rested on Eurodac data."""
    return _basis(event) == "eurodac"


def based_on_hit(_: Timeline, event: Event) -> bool:
    """The request rested on a Eurodac or a VIS hit."""
    return _basis(event) in ("eurodac", "vis")


def urgent(_: Timeline, event: Event) -> bool:
    """An urgent answer was asked for."""
    request = event.request or event.fact
    return request is not None and bool(request.get("urgent_days") or request.get("urgent"))


def detained(timeline: Timeline, event: Event) -> bool:
    """The person was in detention for the transfer procedure on the day of the event."""
    return timeline.detained_on(event.strict)


def detained_in_month(timeline: Timeline, event: Event) -> bool:
    """The person was taken into detention for the transfer procedure within a month of the event, or already held."""
    last = months_after(event.strict, 1)
    return any(
        spell.ground == "transfer"
        and spell.begins.strict <= last
        and (spell.ends is None or spell.ends.strict > event.strict)
        for spell in timeline.detentions
    )


def applied_here(timeline: Timeline, event: Event) -> bool:
    """An application was made in the state whose procedure runs."""
    return any(True for _ in timeline.of(*_APPLICATIONS))


def applied_by_then(timeline: Timeline, event: Event) -> bool:
    """The application was made on the day of the event or before."""
    return any(other.strict <= event.strict for other in timeline.of(*_APPLICATIONS))


def registered_by_then(timeline: Timeline, event: Event) -> bool:
    """The application was registered on the day of the event or before."""
    names = ("application-registered", "application-lodged")
    return any(other.strict <= event.strict for other in timeline.of(*names))


def registered_before(timeline: Timeline, event: Event) -> bool:
    """The application was registered on an earlier day than that of the event."""
    return any(other.strict < event.strict for other in timeline.of("application-registered"))


def asked_by_then(timeline: Timeline, event: Event) -> bool:
    """Another state had been asked to take the person before the day of the event."""
    names = ("take-charge-requested", "take-back-requested", "take-back-notified")
    return any(other.strict < event.strict for other in timeline.of(*names))


def decision_final(_: Timeline, event: Event) -> bool:
    """The decision can no longer be appealed against."""
    return event.fact is not None and bool(event.fact.get("final"))


def take_back_without_hit(timeline: Timeline, event: Event) -> bool:
    """Another state is known from something other than Eurodac to be bound to take the person back."""
    if any(hit.fact and hit.fact.get("category") == "asylum" for hit in timeline.of("eurodac-hit")):
        return False
    return any(True for _ in timeline.of("responsibility-indicated", "take-back-requested"))


def lone_minor(timeline: Timeline, _: Event) -> bool:
    """The applicant is an unaccompanied minor."""
    return timeline.case.person.minor and timeline.case.person.unaccompanied


def careful_arrival(timeline: Timeline, event: Event) -> bool:
    """The one to be transferred has special needs or is an unaccompanied minor."""
    return lone_minor(timeline, event) or bool(event.fact and event.fact.get("special_needs"))


def crisis_here(timeline: Timeline, event: Event) -> bool:
    """A crisis derogation of the state whose procedure runs was in force on the day of the event."""
    return timeline.derogates_on(timeline.case.country, event.strict)


def crisis_there(timeline: Timeline, event: Event) -> bool:
    """A crisis derogation of the other state was in force on the day of the event."""
    return timeline.derogates_on(event.state, event.strict)


def crisis_either(timeline: Timeline, event: Event) -> bool:
    """A crisis derogation of one of the two states was in force on the day of the event."""
    return crisis_here(timeline, event) or crisis_there(timeline, event)


def accepted_by_then(timeline: Timeline, event: Event) -> bool:
    """Another state had accepted or confirmed, expressly or by silence, by the day of the event."""
    return any(other.strict <= event.strict for other in timeline.of("acceptance"))


def refused_on_paper(timeline: Timeline, event: Event) -> bool:
    """The refusal came in time, so that silence had not already become an acceptance."""
    return not any(other.state == event.state and other.strict <= event.strict for other in timeline.of("acceptance"))


def return_decision_before(timeline: Timeline, event: Event) -> bool:
    """A return decision had been notified by the day of the event."""
    return any(other.strict <= event.strict for other in timeline.of("return-decision-notified"))


def relocating(timeline: Timeline, _: Event) -> bool:
    """A relocation state is bound to take the person, expressly or by silence."""
    return any(True for _ in timeline.of("relocation"))


def beneficiary(timeline: Timeline, _: Event) -> bool:
    """The person to be relocated already has protection."""
    return any(bool(e.fact and e.fact.get("beneficiary")) for e in timeline.of("relocation-confirmed"))


def reply_postponed(timeline: Timeline, event: Event) -> bool:
    """The relocation state said in time that it needs a second week."""
    return any(event.strict <= other.strict for other in timeline.of("relocation-reply-postponed"))


def suspension_ruled_on(timeline: Timeline, event: Event) -> bool:
    """The court has ruled on the request for suspension, or on the appeal itself."""
    names = ("suspensive-effect-granted", "suspensive-effect-refused", "appeal-decided")
    return any(other.strict >= event.strict for other in timeline.of(*names))


def valid_permit(timeline: Timeline, event: Event) -> bool:
    """The person holds a residence document that had not expired when they left."""
    issued = [other for other in timeline.of("permit-issued") if other.strict <= event.strict]
    expired = [other for other in timeline.of("permit-expires") if other.strict < event.strict]
    return any(not any(end.state == permit.state for end in expired) for permit in issued)


PREDICATES: Mapping[str, Predicate] = MappingProxyType(
    {
        function.__name__.replace("_", "-"): function
        for function in (
            based_on_eurodac,
            based_on_hit,
            urgent,
            detained,
            detained_in_month,
            applied_here,
            applied_by_then,
            registered_by_then,
            registered_before,
            asked_by_then,
            decision_final,
            take_back_without_hit,
            lone_minor,
            careful_arrival,
            crisis_here,
            crisis_there,
            crisis_either,
            accepted_by_then,
            refused_on_paper,
            return_decision_before,
            relocating,
            beneficiary,
            valid_permit,
            reply_postponed,
            suspension_ruled_on,
        )
    }
)
"""Every condition by the name that packs use for it."""
