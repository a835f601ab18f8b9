"""Conditions that the rule packs name: what a date alone cannot say. Each is a small pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from casework.law.calendars import calendar_for
from casework.law.counting import Period, end_of, months_after, nominal_end
from casework.law.timeline import Event, Timeline

Predicate = Callable[[Timeline, Event], bool]
"""Tells whether a condition holds for the event that would start, meet or stop a period."""

_ANSWERED = ("acceptance", "take-back-refused")
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
    """An application was made in the state whose procedure runs, and no transfer has ended that procedure since."""
    since = timeline.last_transfer(event.strict)
    return any(since is None or other.strict > since for other in timeline.of(*_APPLICATIONS))


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


def taken_back(timeline: Timeline, event: Event) -> bool:
    """In the same procedure another state was asked to take the person back, and has not refused in time.

    Not where a hit on an application there came within two months: then the take back has a period of its own, which
    takes the place of the one that the event starts.
    """
    last = months_after(event.strict, 2)
    for hit in timeline.of("eurodac-hit"):
        if hit.fact and hit.fact.get("category") == "asylum" and event.strict <= hit.strict <= last:
            return False
    since = timeline.last_transfer(event.strict)
    over = min((other.strict for other in timeline.of("transferred") if other.strict >= event.strict), default=None)
    for asked in timeline.of("take-back-notified", "take-back-requested"):
        if (since is not None and asked.strict <= since) or (over is not None and asked.strict > over):
            continue  # a procedure that a transfer ended, or the one after it
        said = {name: [e.state for e in timeline.of(name) if e.strict >= asked.strict] for name in _ANSWERED}
        if asked.state in said["acceptance"] or asked.state not in said["take-back-refused"]:
            return True
    return False


def decision_final(_: Timeline, event: Event) -> bool:
    """The decision can no longer be appealed against; a court's is taken as final where nothing else is recorded."""
    final = event.fact.get("final") if event.fact is not None else None
    return event.name == "appeal-decided" if final is None else bool(final)


def said_final(_: Timeline, event: Event) -> bool:
    """The record says that the decision can no longer be appealed against."""
    return event.fact is not None and bool(event.fact.get("final"))


def take_back_without_hit(timeline: Timeline, event: Event) -> bool:
    """Another state is known from something other than Eurodac to be bound to take the person back."""
    if any(hit.fact and hit.fact.get("category") == "asylum" for hit in timeline.of("eurodac-hit")):
        return False
    return any(True for _ in timeline.of("responsibility-indicated", "take-back-requested", "take-back-notified"))


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


def held(timeline: Timeline, event: Event) -> bool:
    """The person was in detention, on whatever ground, or the paper was handed over there."""
    if event.fact is not None and event.fact.get("in_detention"):
        return True
    return any(spell.may_hold_at(event) for spell in timeline.detentions)


def under_house_arrest(timeline: Timeline, event: Event) -> bool:
    """House arrest had been ordered by the day of the event, and neither detention nor release had followed."""
    ordered = [other.strict for other in timeline.of("house-arrest-ordered") if other.strict <= event.strict]
    ended = [other.strict for other in timeline.of("released", "transferred") if other.strict <= event.strict]
    return bool(ordered) and not (ended and max(ended) > max(ordered)) and not held(timeline, event)


def in_prison(timeline: Timeline, event: Event) -> bool:
    """The person was in prison by a judicial decision on the day of the event."""
    return any(spell.holds_on(event.strict) for spell in timeline.imprisonments)


def departure_given(_: Timeline, event: Event) -> bool:
    """The return decision leaves a period in which to depart."""
    return event.fact is not None and bool(event.fact.get("departure_days"))


def notice_missing(_: Timeline, event: Event) -> bool:
    """The decision says nothing, or something wrong, about the remedy."""
    return event.fact is not None and event.fact.get("notice") in ("wrong", "missing")


def by_family_member(_: Timeline, event: Event) -> bool:
    """What was reported concerns a member of the family who is to be moved with the applicant."""
    return event.fact is not None and event.fact.get("who") == "family-member"


def screened_after(timeline: Timeline, event: Event) -> bool:
    """A screening ended on the day of the event or later: registration waits for it (Reg. 2024/1348, Art. 27(7))."""
    return any(other.strict >= event.strict for other in timeline.of("screening-ended"))


def passed_on_after(timeline: Timeline, event: Event) -> bool:
    """The authority to which the application was made passed it on to the one that registers."""
    return any(other.strict >= event.strict for other in timeline.of("application-passed-on"))


def in_this_state(timeline: Timeline, event: Event) -> bool:
    """What happened, happened in the state whose procedure runs."""
    return event.state in (None, timeline.case.country)


def in_border_procedure(timeline: Timeline, event: Event) -> bool:
    """The border procedure was in use on the day of the event, or was the first one chosen after it."""
    return _track(timeline, event) == "border"


def examined_for_admissibility(timeline: Timeline, _: Event) -> bool:
    """The last choice of procedure leads to an examination of admissibility."""
    return _last_track(timeline) in ("inadmissible", "subsequent")


def examined_fast(timeline: Timeline, _: Event) -> bool:
    """The last choice of procedure leads to an accelerated examination; a later application belongs there too."""
    return _last_track(timeline) in ("accelerated", "subsequent")


def examined_on_merits(timeline: Timeline, _: Event) -> bool:
    """No other procedure than the regular one has been chosen, or it was chosen last."""
    return _last_track(timeline) in (None, "regular")


def examination_extended(timeline: Timeline, event: Event) -> bool:
    """The examination was extended on a ground that Regulation (EU) 2024/1348, Article 35(2) and (5), names."""
    grounds = ("many-applications", "complex", "not-cooperating")
    return _extended_on(timeline, event, grounds)


def country_uncertain(timeline: Timeline, event: Event) -> bool:
    """The decision was put off because the situation in the country of origin is uncertain."""
    return _extended_on(timeline, event, ("country-situation",))


def bound_elsewhere(timeline: Timeline, _: Event) -> bool:
    """Another state is bound to take the person, and this one has not taken the examination back since."""
    bound = [other.strict for other in timeline.of("acceptance")]
    back = (
        "responsibility-acknowledged",
        "discretionary-clause-used",
        "transfer-overturned",
        "made-known-after-transfer",
    )
    return bool(bound) and not any(other.strict >= min(bound) for other in timeline.of(*back))


def late_after_return(timeline: Timeline, event: Event) -> bool:
    """The application was made more than seven working days after a return decision was received."""
    returned = [other.strict for other in timeline.of("return-decision-notified") if other.strict <= event.strict]
    applied = [other.strict for other in timeline.of(*_APPLICATIONS)]
    if not returned or not applied:
        return False
    calendar = calendar_for(timeline.case.country, timeline.case.region)
    return min(applied) > end_of(min(returned), _ASYLUM_AFTER_RETURN, "APR", calendar).strict


def rejected(_: Timeline, event: Event) -> bool:
    """The decision rejects the application; one whose outcome was not recorded is taken to."""
    return event.fact is not None and event.fact.get("outcome") != "protected"


def short_appeal(timeline: Timeline, event: Event) -> bool:
    """The rejection is one of Regulation (EU) 2024/1348, Article 67(7)(a), or could be one as far as it is recorded.

    Nobody may miss the short period because the kind of procedure was not written down: then only a printed period of
    more than ten days shows that it is the long one.
    """
    if not rejected(timeline, event) or event.fact is None:
        return False
    if event.fact.get("outcome") in ("inadmissible", "withdrawn", "manifestly-unfounded"):
        return True
    track = _track_by(timeline, event)
    if track is not None:
        return track != "regular"
    return not _prints_more_than(event, 10)


def no_right_to_remain(timeline: Timeline, event: Event) -> bool:
    """The appeal gives no right to remain by itself: as the decision says, or by Reg. 2024/1348, Article 68(3)."""
    if not rejected(timeline, event) or event.fact is None:
        return False
    said = event.fact.get("right_to_remain")
    if said is not None:
        return said is False
    outcome, track = event.fact.get("outcome"), _track_by(timeline, event)
    if outcome == "withdrawn":
        return True
    if track == "border" and lone_minor(timeline, event):
        return False
    if outcome == "inadmissible":
        return True
    return track != "regular" if track is not None else short_appeal(timeline, event)


def held_for_asylum(timeline: Timeline, event: Event) -> bool:
    """The person was in detention as an applicant, or in the border procedure, on the day of the event."""
    spells = (spell for spell in timeline.detentions if spell.ground in ("asylum", "border"))
    return any(spell.holds_on(event.strict) for spell in spells)


def by_post(_: Timeline, event: Event) -> bool:
    """The paper came by ordinary post."""
    return event.fact is not None and event.fact.service == "post"


def repeat_order(timeline: Timeline, event: Event) -> bool:
    """An order to leave or to be removed had been notified on an earlier day."""
    orders = ("return-decision-notified", "removal-measure-notified", "transfer-decision-notified")
    return any(other.strict < event.strict for other in timeline.of(*orders))


def held_for_return_before(timeline: Timeline, event: Event) -> bool:
    """The person had been in detention for return, and released, before the day of the event."""
    spells = (spell for spell in timeline.detentions if spell.ground == "return")
    return any(spell.ends is not None and spell.ends.strict <= event.strict for spell in spells)


_ASYLUM_AFTER_RETURN = Period(7, "working day")
"""How long after a return decision an application cannot be held to be late: Reg. 2024/1348, Article 38(1)(e)."""


def _last_track(timeline: Timeline) -> object:
    chosen = [other.fact.get("procedure") for other in timeline.of("procedure-assigned") if other.fact]
    return chosen[-1] if chosen else None


def _track_by(timeline: Timeline, event: Event) -> object:
    """Return the kind of procedure that the decision names, or the last one chosen by its day."""
    if event.fact is not None and (named := event.fact.get("procedure")) is not None:
        return named
    assigned = [other for other in timeline.of("procedure-assigned") if other.strict <= event.strict and other.fact]
    return assigned[-1].fact.get("procedure") if assigned and assigned[-1].fact else None


def _track(timeline: Timeline, event: Event) -> object:
    """Return the kind of procedure in use on the day of the event, else the first one chosen after it."""
    track = _track_by(timeline, event)
    if track is None:
        later = [other.fact.get("procedure") for other in timeline.of("procedure-assigned") if other.fact]
        track = later[0] if later else None
    return track


def _extended_on(timeline: Timeline, event: Event, grounds: tuple[str, ...]) -> bool:
    later = (other for other in timeline.of("examination-extended") if other.strict >= event.strict)
    return any(other.fact is not None and other.fact.get("ground") in grounds for other in later)


def _prints_more_than(event: Event, days: int) -> bool:
    printed = event.fact.get("appeal_period") if event.fact else None
    if not isinstance(printed, str):
        return False
    period = Period.parse(printed)
    return period.unit != "hour" and nominal_end(event.strict, period) > event.strict + timedelta(days=days)


def _concerns(event: Event, decision: str) -> bool:
    return event.fact is not None and event.fact.get("against") in (None, decision)


def refused_at_border(timeline: Timeline, event: Event) -> bool:
    """Entry had been refused at the border by the day of the event, and no asylum certificate was handed over since."""
    refused = [other.strict for other in timeline.of("entry-refused") if other.strict <= event.strict]
    admitted = (other.strict for other in timeline.of("certificate-issued") if other.strict <= event.strict)
    return bool(refused) and not any(day >= max(refused) for day in admitted)


def appealed(timeline: Timeline, event: Event) -> bool:
    """The decision of the event was appealed against, on the same day or later."""
    against = _DISPUTED.get(event.name)
    appeals = (other for other in timeline.of("appeal-lodged") if other.fact and other.fact.get("against") == against)
    return any(other.strict >= event.strict for other in appeals)


def by_authority(_: Timeline, event: Event) -> bool:
    """The authority is recorded as the one that lodged the appeal."""
    return event.fact is not None and event.fact.get("by") == "authority"


def about_transfer(_: Timeline, event: Event) -> bool:
    """The request concerns the transfer decision, or nothing is recorded about what it concerns."""
    return _concerns(event, "transfer-decision")


def about_rejection(_: Timeline, event: Event) -> bool:
    """The request concerns the decision on the application, or nothing is recorded about what it concerns."""
    return _concerns(event, "asylum-decision")


def about_return(_: Timeline, event: Event) -> bool:
    """The request concerns the return decision, or nothing is recorded about what it concerns."""
    return _concerns(event, "return-decision")


def one_appeal_for_two(timeline: Timeline, event: Event) -> bool:
    """An earlier decision of the same kind was still without an appeal, and fewer appeals followed than decisions."""
    against = _DISPUTED.get(event.name)
    appeals = [
        other.strict
        for other in timeline.of("appeal-lodged")
        if other.fact and other.fact.get("against") == against and not by_authority(timeline, other)
    ]
    earlier = [other.strict for other in timeline.of(event.name) if other is not event and other.strict <= event.strict]
    left = [decided for decided in earlier if not any(decided <= day < event.strict for day in appeals)]
    later = [day for day in appeals if day >= event.strict]
    return bool(left) and 0 < len(later) <= len(left)


def short_transfer_appeal(timeline: Timeline, event: Event) -> bool:
    """The last transfer decision by that day was handed over in detention, or to someone refused at the border."""
    decisions = [other for other in timeline.of("transfer-decision-notified") if other.strict <= event.strict]
    return bool(decisions) and (held(timeline, decisions[-1]) or refused_at_border(timeline, decisions[-1]))


def transfer_decided_by_then(timeline: Timeline, event: Event) -> bool:
    """A transfer decision had been taken or notified by the day of the event."""
    names = ("transfer-decided", "transfer-decision-notified")
    return any(other.strict <= event.strict for other in timeline.of(*names))


def removal_ordered_before(timeline: Timeline, event: Event) -> bool:
    """A return decision or another removal measure had been notified by the day of the event."""
    names = ("return-decision-notified", "removal-measure-notified")
    return any(other.strict <= event.strict for other in timeline.of(*names))


def stay_ended_before(timeline: Timeline, event: Event) -> bool:
    """A rejection that ended the right to stay had been notified by then, and before it a return decision."""
    return any(
        other.strict <= event.strict and no_right_to_remain(timeline, other) and return_decision_before(timeline, other)
        for other in timeline.of("asylum-decision-notified")
    )


def reapplied_before(timeline: Timeline, event: Event) -> bool:
    """A subsequent application had been registered by the day of the event."""
    return any(other.strict <= event.strict for other in timeline.of("subsequent-application-registered"))


def fast_decision_before(timeline: Timeline, event: Event) -> bool:
    """The last decision on the application was inadmissibility, or came in an accelerated or a repeated procedure."""
    decisions = [other for other in timeline.of("asylum-decision-notified") if other.strict <= event.strict]
    if not decisions or decisions[-1].fact is None:
        return False
    quick = ("accelerated", "inadmissible", "subsequent")
    return decisions[-1].fact.get("outcome") == "inadmissible" or _track_by(timeline, decisions[-1]) in quick


def seized_by_applicant(_: Timeline, event: Event) -> bool:
    """The person's side is recorded as the one that asked the judge."""
    return event.fact is not None and event.fact.get("by") == "applicant"


def seized_by_authority(_: Timeline, event: Event) -> bool:
    """The authority is recorded as the one that asked the judge."""
    return event.fact is not None and event.fact.get("by") == "authority"


def challenged(timeline: Timeline, event: Event) -> bool:
    """The person asked the judge, within the days that follow, to review the detention that began with the event."""
    last = event.strict + timedelta(days=_DAYS_TO_CHALLENGE)
    asked = (other for other in timeline.of("detention-judge-seized") if seized_by_applicant(timeline, other))
    return any(event.strict <= other.strict <= last for other in asked)


def judged_before(timeline: Timeline, event: Event) -> bool:
    """A judge had ruled on the detention by the day of the event."""
    names = ("detention-reviewed", "detention-prolonged")
    return any(other.strict <= event.strict for other in timeline.of(*names))


def let_go(_: Timeline, event: Event) -> bool:
    """The ruling ends the detention."""
    return event.fact is not None and event.fact.get("outcome") in ("released", "annulled")


def prolonged_once(timeline: Timeline, event: Event) -> bool:
    """A judge extended the detention that began with the event, when its first days ended."""
    return _extensions(timeline, event, _DETENTION_STEPS) >= _ONCE


def prolonged_twice(timeline: Timeline, event: Event) -> bool:
    """A judge extended the detention that began with the event twice, each time before the last end or just after."""
    return _extensions(timeline, event, _DETENTION_STEPS) >= _TWICE


def prolonged_thrice(timeline: Timeline, event: Event) -> bool:
    """A judge extended the detention that began with the event three times, each before the last end or just after."""
    return _extensions(timeline, event, _DETENTION_STEPS) >= _THRICE


def zone_prolonged_once(timeline: Timeline, event: Event) -> bool:
    """A judge extended the stay in the waiting zone that began with the event."""
    return _extensions(timeline, event, _ZONE_STEPS) >= _ONCE


def zone_prolonged_twice(timeline: Timeline, event: Event) -> bool:
    """A judge extended the stay in the waiting zone that began with the event twice."""
    return _extensions(timeline, event, _ZONE_STEPS) >= _TWICE


def asked_late_in_zone(timeline: Timeline, event: Event) -> bool:
    """Asylum was asked for in the last six of the twenty days that a stay in the waiting zone can take."""
    placed = (other for other in timeline.of("waiting-zone-placed") if zone_prolonged_twice(timeline, other))
    return any(timedelta(days=14) <= event.strict - other.strict <= timedelta(days=20) for other in placed)


_ONCE, _TWICE, _THRICE = 1, 2, 3
_DISPUTED = {
    "transfer-decision-notified": "transfer-decision",
    "return-decision-notified": "return-decision",
    "asylum-decision-notified": "asylum-decision",
}
"""What an appeal against each decision says that it is against."""

_DAYS_TO_CHALLENGE = 4
"""In how many days a detention in France can be challenged: CESEDA, Article L. 741-10."""

_DETENTION_STEPS = (4, 30, 60)
"""After how many days in all a judge must have extended a detention in France: CESEDA, Articles L. 742-1, L. 742-4."""

_ZONE_STEPS = (4, 12)
"""The same for a stay in the waiting zone: CESEDA, Articles L. 342-1 and L. 342-4."""

_DAYS_TO_RULE = 2
"""By how much the ruling may come after the end of the step before: CESEDA, Article L. 743-4."""


def _extensions(timeline: Timeline, event: Event, steps: tuple[int, ...]) -> int:
    """Return how many times a judge extended what began with the event, one after the other, each in time."""
    done = 0
    for ruling in timeline.of("detention-prolonged"):
        if done < len(steps) and event.strict <= ruling.strict <= event.strict + timedelta(
            days=steps[done] + _DAYS_TO_RULE
        ):
            done += 1
    return done


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
            taken_back,
            decision_final,
            said_final,
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
            held,
            under_house_arrest,
            in_prison,
            departure_given,
            notice_missing,
            by_family_member,
            screened_after,
            passed_on_after,
            in_this_state,
            in_border_procedure,
            examined_for_admissibility,
            examined_fast,
            examined_on_merits,
            examination_extended,
            country_uncertain,
            bound_elsewhere,
            late_after_return,
            rejected,
            short_appeal,
            no_right_to_remain,
            held_for_asylum,
            held_for_return_before,
            by_post,
            repeat_order,
            refused_at_border,
            appealed,
            by_authority,
            about_transfer,
            about_rejection,
            about_return,
            short_transfer_appeal,
            one_appeal_for_two,
            transfer_decided_by_then,
            removal_ordered_before,
            stay_ended_before,
            reapplied_before,
            fast_decision_before,
            seized_by_applicant,
            seized_by_authority,
            challenged,
            judged_before,
            let_go,
            prolonged_once,
            prolonged_twice,
            prolonged_thrice,
            zone_prolonged_once,
            zone_prolonged_twice,
            asked_late_in_zone,
        )
    }
)
"""Every condition by the name that packs use for it."""
