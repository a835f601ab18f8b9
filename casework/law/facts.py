"""The vocabulary of facts, and the facts file: read strictly, written back the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from reprlib import Repr
from types import MappingProxyType
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from casework.law.calendars import DUBLIN_STATES, zone_of
from casework.law.counting import Period, PeriodError
from casework.law.states import STATES
from casework.law.types import CaseFile, Fact, FamilyMember, Person


class FactsError(ValueError):
    """The facts cannot be used as they stand; the message says which entry and why, for the person who wrote them.

    `index` is the entry's place in `facts`, from 0, or None when the fault lies outside the list; `fact` its name and
    `member` the member at fault where that much was readable.
    """

    def __init__(
        self, message: str, *, index: int | None = None, fact: str | None = None, member: str | None = None
    ) -> None:
        super().__init__(message)
        self.index = index
        self.fact = fact
        self.member = member


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a fact beside its date: `kind` is state, choice, text, days, period, flag, date, moment or party.

    A moment is a date or a date-time with offset; a party is "applicant", "authority" or a state's code; a period is a
    text such as "1 month" or "48 hours".
    `required`: the fact is refused without it.
    """

    name: str
    kind: str
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class FactKind:
    """One fact of the vocabulary; its words stand in the catalogue under `fact.<name>`.

    `takes_time`: the hour matters, so `at` is asked for. `planned`: its date may lie ahead.
    """

    name: str
    group: str
    members: tuple[Member, ...] = ()
    takes_time: bool = False
    planned: bool = False

    @property
    def label(self) -> str:
        """Return the catalogue key of the fact's name in words."""
        return f"fact.{self.name}"

    def member(self, name: str) -> Member | None:
        """Return one member's description, or None when the fact has no such member."""
        return next((m for m in self.members if m.name == name), None)


GROUPS = ("application", "evidence", "requests", "transfer", "courts", "liberty", "relocation", "derogation", "set")
"""The groups of the vocabulary, in the order in which a procedure usually meets them."""

CERTAINTIES = ("document", "told", "estimated")
SERVICES = ("in-person", "post", "registered", "digital", "deemed")
ADDRESSEES = ("applicant", "lawyer")
STATUSES = ("before-arrival",)

_STATE = Member("state", "state", required=True)
_MAYBE_STATE = Member("state", "state")
_BASIS = Member("basis", "choice", ("eurodac", "vis", "other"))
_URGENT = (Member("urgent_days", "days"), Member("urgent", "flag"))
_DISPUTED = ("transfer-decision", "asylum-decision", "return-decision", "detention", "other")
_AGAINST = Member("against", "choice", _DISPUTED, required=True)
_AIDED = Member("against", "choice", _DISPUTED)
_PROCEDURES = ("regular", "accelerated", "border", "inadmissible", "subsequent")
_EXTENDED = ("many-applications", "complex", "not-cooperating", "country-situation")


def _kind(group: str, name: str, *members: Member, takes_time: bool = False, planned: bool = False) -> FactKind:
    return FactKind(name, group, members, takes_time, planned)


_PRINTED = (
    Member("appeal_period", "period"),
    Member("notice", "choice", ("correct", "wrong", "missing")),
)
"""What a decision says of the remedy: the period printed in it ("2 weeks"), and whether it says it rightly."""

_HIT = Member("category", "choice", ("asylum", "irregular-crossing", "disembarkation", "illegal-stay"), True)
_ABSCONDING = Member("ground", "choice", ("absconded", "resists", "unfit", "medical"), True)
_EFFECT = Member("ground", "choice", ("by-right", "by-court", "administrative"), True)
_GROUND = Member("ground", "choice", ("transfer", "return", "asylum", "border"), True)
_OUTCOME = Member("outcome", "choice", ("upheld", "released", "annulled"))
_APPOINTMENT = Member("kind", "choice", ("hearing", "interview", "registration", "reporting", "medical"), True)

_KINDS = (
    _kind("application", "apprehended", Member("where", "choice", ("border", "inland")), takes_time=True),
    _kind("application", "entry-refused", takes_time=True),
    _kind("application", "screening-ended", takes_time=True),
    _kind("application", "application-made", Member("to", "choice", ("registering-authority", "other-authority"))),
    _kind("application", "application-passed-on"),
    _kind("application", "application-recorded"),
    _kind("application", "application-registered", _MAYBE_STATE),
    _kind("application", "procedure-assigned", Member("procedure", "choice", _PROCEDURES, required=True)),
    _kind("application", "certificate-issued"),
    _kind("application", "completion-asked", Member("file", "choice", ("first", "subsequent", "reopened"), True)),
    _kind("application", "file-completed"),
    _kind("application", "subsequent-application-registered"),
    _kind("application", "made-known-after-transfer"),
    _kind("application", "application-lodged", _MAYBE_STATE),
    _kind("application", "examination-extended", Member("ground", "choice", _EXTENDED, required=True)),
    _kind("application", "application-withdrawn", Member("implicit", "flag")),
    _kind("application", "application-closed"),
    _kind("application", "reopening-requested"),
    _kind(
        "application",
        "asylum-decision-notified",
        Member("outcome", "choice", ("protected", "refused", "inadmissible", "withdrawn", "manifestly-unfounded")),
        Member("procedure", "choice", _PROCEDURES),
        Member("final", "flag"),
        Member("in_detention", "flag"),
        Member("right_to_remain", "flag"),
        *_PRINTED,
        takes_time=True,
    ),
    _kind(
        "application",
        "return-decision-notified",
        Member("departure_days", "days"),
        Member("in_detention", "flag"),
        *_PRINTED,
        takes_time=True,
    ),
    _kind("application", "removal-measure-notified", *_PRINTED, takes_time=True),
    _kind("application", "right-to-remain-ended"),
    _kind("application", "removal-scheduled", planned=True, takes_time=True),
    _kind("evidence", "irregular-crossing", _STATE),
    _kind("evidence", "disembarked", _STATE),
    _kind("evidence", "stay-began", _STATE),
    _kind("evidence", "permit-issued", _STATE),
    _kind("evidence", "diploma-issued", _STATE),
    _kind("evidence", "visa-expires", _STATE, planned=True),
    _kind("evidence", "permit-expires", _STATE, planned=True),
    _kind("evidence", "left-territory"),
    _kind("evidence", "returned-to-territory"),
    _kind("evidence", "eurodac-hit", _STATE, _HIT),
    _kind("evidence", "vis-hit", _STATE),
    _kind("evidence", "responsibility-indicated", _STATE),
    _kind("requests", "take-charge-requested", _STATE, _BASIS, *_URGENT),
    _kind("requests", "take-charge-request-received", _MAYBE_STATE),
    _kind("requests", "take-charge-accepted", _MAYBE_STATE),
    _kind("requests", "take-charge-refused", _MAYBE_STATE),
    _kind("requests", "take-back-requested", _STATE, _BASIS),
    _kind("requests", "take-back-request-received", _MAYBE_STATE),
    _kind("requests", "take-back-accepted", _MAYBE_STATE),
    _kind("requests", "take-back-notified", _STATE),
    _kind("requests", "take-back-notification-received", _MAYBE_STATE),
    _kind("requests", "take-back-confirmed", _MAYBE_STATE),
    _kind("requests", "take-back-refused", _MAYBE_STATE),
    _kind("requests", "reexamination-requested", _STATE),
    _kind("requests", "reexamination-request-received", _MAYBE_STATE),
    _kind("requests", "reexamination-accepted", _MAYBE_STATE),
    _kind("requests", "reexamination-refused", _MAYBE_STATE),
    _kind("requests", "humanitarian-requested", _STATE),
    _kind("requests", "humanitarian-request-received", _MAYBE_STATE),
    _kind("requests", "humanitarian-accepted", _MAYBE_STATE),
    _kind("requests", "humanitarian-refused", _MAYBE_STATE),
    _kind("requests", "discretionary-clause-used"),
    _kind("requests", "responsibility-acknowledged"),
    _kind("transfer", "transfer-decided"),
    _kind(
        "transfer",
        "transfer-decision-notified",
        Member("in_detention", "flag"),
        Member("appeal_days", "days"),
        *_PRINTED,
        takes_time=True,
    ),
    _kind("transfer", "imprisoned"),
    _kind("transfer", "told-in-prison"),
    _kind("transfer", "prison-released"),
    _kind(
        "transfer",
        "absconding-notified",
        _MAYBE_STATE,
        _ABSCONDING,
        Member("who", "choice", ("applicant", "family-member")),
    ),
    _kind("transfer", "available-again"),
    _kind("transfer", "transfer-form-sent"),
    _kind("transfer", "transfer-notice-given"),
    _kind("transfer", "transfer-scheduled", Member("special_needs", "flag"), planned=True, takes_time=True),
    _kind("transfer", "transfer-failed", Member("reason", "text")),
    _kind("transfer", "transferred", _MAYBE_STATE),
    _kind("transfer", "transfer-overturned"),
    _kind("courts", "appeal-lodged", _AGAINST, Member("by", "choice", ("applicant", "authority")), takes_time=True),
    _kind("courts", "suspension-requested", _AIDED, takes_time=True),
    _kind("courts", "suspensive-effect-granted", _EFFECT, Member("for_appeal", "flag")),
    _kind("courts", "suspensive-effect-refused"),
    _kind("courts", "suspensive-effect-ended"),
    _kind(
        "courts",
        "appeal-decided",
        _AGAINST,
        Member("outcome", "choice", ("dismissed", "annulled", "remitted"), True),
        Member("final", "flag"),
        Member("told_on", "date"),
        *_PRINTED,
    ),
    _kind("courts", "appeal-reasons-filed", _AGAINST),
    _kind("courts", "review-requested", _AGAINST),
    _kind("courts", "echr-application-lodged"),
    _kind("courts", "interim-measure-requested", takes_time=True),
    _kind("courts", "legal-aid-requested", _AIDED),
    _kind("courts", "legal-aid-decided", _AIDED, Member("outcome", "choice", ("granted", "refused"))),
    _kind("liberty", "identity-check-began", takes_time=True),
    _kind("liberty", "waiting-zone-placed", takes_time=True),
    _kind("liberty", "detained", _GROUND, takes_time=True),
    _kind("liberty", "detention-order-notified", *_PRINTED, takes_time=True),
    _kind("liberty", "detention-rights-read", takes_time=True),
    _kind("liberty", "kept-in-detention-notified", takes_time=True),
    _kind("liberty", "detention-judge-seized", Member("by", "choice", ("applicant", "authority")), takes_time=True),
    _kind("liberty", "detention-reviewed", _OUTCOME, takes_time=True),
    _kind("liberty", "detention-prolonged", takes_time=True),
    _kind("liberty", "house-arrest-ordered", takes_time=True),
    _kind("liberty", "released", takes_time=True),
    _kind("relocation", "relocation-file-received", _STATE),
    _kind("relocation", "relocation-confirmed", _STATE, Member("beneficiary", "flag")),
    _kind("relocation", "relocation-reply-postponed", _MAYBE_STATE),
    _kind("relocation", "relocation-refused", _MAYBE_STATE),
    _kind("relocation", "relocation-decided"),
    _kind("derogation", "crisis-derogation", _STATE, Member("until", "date", required=True)),
    _kind(
        "set",
        "time-limit-set",
        Member("what", "text", required=True),
        Member("due", "moment", required=True),
        Member("whose", "party", required=True),
        Member("by", "choice", ("court", "authority"), True),
    ),
    _kind("set", "time-limit-met", Member("what", "text", required=True)),
    _kind("set", "appointment", _APPOINTMENT, Member("place", "text"), planned=True, takes_time=True),
    _kind("set", "appointment-cancelled", _APPOINTMENT, planned=True),
)

VOCABULARY: Mapping[str, FactKind] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""Every fact by name, in the order of the procedure: on one day, the earlier name comes first."""

PLACE_IN_ORDER: Mapping[str, int] = MappingProxyType({name: place for place, name in enumerate(VOCABULARY)})

REPLIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "take-charge-request-received": ("take-charge-requested",),
        "take-charge-accepted": ("take-charge-requested",),
        "take-charge-refused": ("take-charge-requested",),
        "take-back-request-received": ("take-back-requested",),
        "take-back-notification-received": ("take-back-notified",),
        "take-back-accepted": ("take-back-requested", "take-back-notified"),
        "take-back-confirmed": ("take-back-notified", "take-back-requested"),
        "take-back-refused": ("take-back-requested", "take-back-notified"),
        "humanitarian-request-received": ("humanitarian-requested",),
        "humanitarian-accepted": ("humanitarian-requested",),
        "humanitarian-refused": ("humanitarian-requested",),
        "reexamination-request-received": ("reexamination-requested",),
        "reexamination-accepted": ("reexamination-requested",),
        "reexamination-refused": ("reexamination-requested",),
    }
)
"""For each receipt or answer, what it may be a receipt of or an answer to."""

_OPTIONAL = {"certainty": CERTAINTIES, "service": SERVICES, "notified_to": ADDRESSEES}
_STATE_CODE = re.compile(r"[A-Z]{2}")
_REGION_CODE = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_TEXT, _LONGEST_NAME, _LONGEST_SHOWN, _MOST_DAYS = 500, 100, 60, 3650
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
"""Between which days anything can have happened, or be asked."""

_LONGEST = {"hour": 2400, "day": 730, "working day": 365, "week": 104, "month": 24, "year": 2}
"""The longest period that a decision can print, by unit; more is a slip of the pen."""
_UNDATED = ("date_unknown", "not_before", "not_after")
_MOST_FACTS = 1000
"""More than any case has; a file with more is a mistake or an attack, and would keep the reader waiting."""


def parse(mapping: object) -> CaseFile:
    """Read a facts file's content and return the case it tells of.

    Raises:
        FactsError: something is unknown, missing, impossible, or answers what was not yet asked.
    """
    top = _mapping(mapping, "The facts file")
    _no_others(top, ("country", "region", "status", "person", "family", "facts"), "The facts file")
    country = _state(top.get("country"), "country")
    region = top.get("region")
    if region is not None and not (
        isinstance(region, str) and _REGION_CODE.fullmatch(region) and region.startswith(f"{country}-")
    ):
        raise FactsError(
            f"region: {_shown(region)} is not a region of {country}, such as {country}-01.", member="region"
        )
    status = top.get("status")
    if status is not None and (not isinstance(status, str) or status not in STATUSES):
        raise FactsError(
            f"status: {_shown(status)} is not known; it may be {_listed(STATUSES)}, or left out.", member="status"
        )
    entries = _list(top.get("facts"), "facts")
    zone = zone_of(country)
    facts = tuple(_fact(entry, index, zone) for index, entry in enumerate(entries))
    _check_order(facts)
    _check_sense(country, facts)
    return CaseFile(
        country=country,
        facts=facts,
        person=_person(top.get("person")),
        family=tuple(_relative(e, i) for i, e in enumerate(_list(top.get("family"), "family"))),
        region=region,
        status=status,
    )


def parse_fact(entry: Mapping[str, object], index: int = 0, country: str | None = None) -> Fact:
    """Read one entry of `facts` by itself, as a form that records one fact does.

    Raises:
        FactsError: as in `parse`, save for what other entries would tell.
    """
    fact = _fact(entry, index, zone_of(country) if country else None)
    if country is not None:
        _check_hit(country, fact, index)
        _check_state(country, fact, index)
    return fact


def to_mapping(case: CaseFile) -> dict[str, object]:
    """Return the facts file's content for a case, ready for JSON; `parse` reads it back to an equal case."""
    result: dict[str, object] = {"country": case.country}
    if case.region:
        result["region"] = case.region
    if case.status:
        result["status"] = case.status
    if case.person != Person():
        result["person"] = {"minor": case.person.minor, "unaccompanied": case.person.unaccompanied}
    if case.family:
        result["family"] = [
            {
                key: value.isoformat() if isinstance(value, date) else value
                for key in ("relation", "state", "status", "consent_on")
                if (value := getattr(member, key)) is not None
            }
            for member in case.family
        ]
    result["facts"] = [fact_to_mapping(fact) for fact in case.facts]
    return result


def fact_to_mapping(fact: Fact) -> dict[str, object]:
    """Return one fact as an entry of `facts`, ready for JSON."""
    entry: dict[str, object] = {"fact": fact.name}
    if fact.undated:
        entry["date_unknown"] = True
        for name, day in (("not_before", fact.not_before), ("not_after", fact.not_after)):
            if day is not None:
                entry[name] = day.isoformat()
    elif fact.at is not None:
        entry["at"] = fact.at.isoformat()
    else:
        entry["on"] = fact.on.isoformat()
    if fact.state is not None:
        entry["state"] = fact.state
    for name, value in fact.particulars.items():
        entry[name] = value.isoformat() if isinstance(value, date) else value
    for name in _OPTIONAL:
        if (value := getattr(fact, name)) is not None:
            entry[name] = value
    return entry


def _fact(entry: object, index: int, zone: ZoneInfo | None = None) -> Fact:
    where = f"facts[{index}]"
    given = _mapping(entry, where, index=index)
    name = given.get("fact")
    kind = VOCABULARY.get(name) if isinstance(name, str) else None
    if kind is None:
        problem = "has no fact" if name is None else f"{_shown(name)} is not a known fact"
        raise FactsError(f"{where}: {problem}.", index=index, member="fact")
    where = f"{where} ({kind.name})"

    def fail(member: str | None, problem: str) -> FactsError:
        return FactsError(f"{where}: {problem}", index=index, fact=kind.name, member=member)

    allowed = ("fact", "on", "at", *_UNDATED, *(m.name for m in kind.members), *_OPTIONAL)
    for key in given:
        if key not in allowed:
            raise fail(None, f"{_shown(key)} is not a member of this fact.")
    when = _when(given, kind, zone, fail)
    particulars: dict[str, object] = {}
    state: str | None = None
    for member in kind.members:
        value = given.get(member.name)
        if value is None:
            if member.required:
                choices = f" ({_listed(member.choices)})" if member.choices else ""
                raise fail(member.name, f"{member.name} is missing{choices}.")
            continue
        checked = _READERS[member.kind](value, member, fail)
        if member.name == "state":
            state = str(checked)
        else:
            particulars[member.name] = checked
    _check_together(particulars, when, fail)
    details: dict[str, str | None] = {}
    for key, allowed_values in _OPTIONAL.items():
        detail = given.get(key)
        if detail is not None and (not isinstance(detail, str) or detail not in allowed_values):
            raise fail(key, f"{key} is {_shown(detail)}; it may be {_listed(allowed_values)}.")
        details[key] = detail
    return Fact(
        kind.name,
        when.on,
        when.at,
        state,
        MappingProxyType(particulars) if particulars else _NOTHING,
        **details,
        undated=when.undated,
        not_before=when.not_before,
        not_after=when.not_after,
    )


def _check_together(particulars: Mapping[str, object], when: _When, fail: _Fail) -> None:
    """Refuse members that are right by themselves and contradict each other, or the fact's date."""
    until, told_on = particulars.get("until"), particulars.get("told_on")
    if isinstance(until, date) and until < when.on:
        raise fail("until", f"until {until.isoformat()} lies before its beginning on {when.on.isoformat()}.")
    if isinstance(told_on, date) and when.first is not None and told_on < when.first:
        raise fail("told_on", f"told_on {told_on.isoformat()} lies before the ruling on {when.first.isoformat()}.")
    if "appeal_days" in particulars and "appeal_period" in particulars:
        raise fail("appeal_period", "appeal_period and appeal_days both say what is printed; give one of them.")


_NOTHING: Mapping[str, object] = MappingProxyType({})


class _Fail(Protocol):
    def __call__(self, member: str | None, problem: str) -> FactsError: ...


class _When(NamedTuple):
    on: date
    at: datetime | None = None
    undated: bool = False
    not_before: date | None = None
    not_after: date | None = None

    @property
    def first(self) -> date | None:
        """Return the first day on which it can have been, None where nothing tells."""
        return self.not_before if self.undated else self.on


def _when(given: Mapping[str, object], kind: FactKind, zone: ZoneInfo | None, fail: _Fail) -> _When:
    """Read a fact's date; that of a date-time is the local day in `zone`, that of the acting authority."""
    on, at = given.get("on"), given.get("at")
    if given.get("date_unknown") is not None:
        return _undated(given, kind, zone, fail)
    for name in ("not_before", "not_after"):
        if given.get(name) is not None:
            raise fail(name, f"{name} is only for a fact with date_unknown.")
    if (on is None) == (at is None):
        raise fail("on", "needs its date: either on (a date) or at (a date-time with offset), not both.")
    if at is not None:
        moment = _moment(at, "at", fail)
        if not isinstance(moment, datetime):
            raise fail("at", f"at: {_shown(at)} is not a date-time with offset, such as 2026-09-01T17:40:00+02:00.")
        return _When(moment.astimezone(zone).date() if zone else moment.date(), moment)
    return _When(_day(on, "on", fail))


def _undated(given: Mapping[str, object], kind: FactKind, zone: ZoneInfo | None, fail: _Fail) -> _When:
    if not isinstance(given["date_unknown"], bool):
        raise fail("date_unknown", f"date_unknown is {_shown(given['date_unknown'])}; it may be true or false.")
    if not given["date_unknown"]:
        return _when({key: value for key, value in given.items() if key != "date_unknown"}, kind, zone, fail)
    if given.get("on") is not None or given.get("at") is not None:
        raise fail("date_unknown", "date_unknown does not go with on or at.")
    if kind.planned or kind.group in ("set", "derogation"):
        raise fail("date_unknown", "this fact needs its date.")
    since, until = (
        None if given.get(name) is None else _day(given[name], name, fail) for name in ("not_before", "not_after")
    )
    if since and until and until < since:
        raise fail("not_after", f"not_after {until.isoformat()} lies before not_before {since.isoformat()}.")
    return _When(since or until or EARLIEST, None, True, since, until)


def _day(value: object, name: str, fail: _Fail) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        day = value
    elif isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise fail(name, f"{name}: there is no such day as {value}.") from None
    else:
        raise fail(name, f"{name}: {_shown(value)} is not a date, such as 2026-09-01.")
    if not EARLIEST <= day <= LATEST:
        raise fail(name, f"{name}: {day.isoformat()} cannot be right.")
    return day


def _moment(value: object, name: str, fail: _Fail) -> date | datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and not _DATE.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise fail(name, f"{name}: {_shown(value)} is not a date or a date-time.") from None
    else:
        return _day(value, name, fail)
    offset = moment.utcoffset()
    if offset is None:
        raise fail(name, f"{name}: {_shown(value)} has no offset, such as +02:00.")
    if not EARLIEST <= moment.date() <= LATEST:
        raise fail(name, f"{name}: {moment.date().isoformat()} cannot be right.")
    # Held with its offset alone: two moments of one zone are compared by the clock on the wall, which goes back once.
    return moment.astimezone(timezone(offset))


def _read_state(value: object, member: Member, fail: _Fail) -> str:
    if not (isinstance(value, str) and _STATE_CODE.fullmatch(value)):
        raise fail(member.name, f"{member.name}: {_shown(value)} is not a state's code of two letters, such as HR.")
    if value not in STATES:
        raise fail(member.name, f"{member.name}: there is no state with the code {value}.")
    return value


def _read_choice(value: object, member: Member, fail: _Fail) -> str:
    if not isinstance(value, str) or value not in member.choices:
        raise fail(member.name, f"{member.name} is {_shown(value)}; it may be {_listed(member.choices)}.")
    return value


def _read_text(value: object, member: Member, fail: _Fail) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
        raise fail(member.name, f"{member.name} must be a text of 1 to {_LONGEST_TEXT} characters.")
    return value


def _read_days(value: object, member: Member, fail: _Fail) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_DAYS:
        raise fail(member.name, f"{member.name}: {_shown(value)} is not a number of days from 1 to {_MOST_DAYS}.")
    return value


def _read_flag(value: object, member: Member, fail: _Fail) -> bool:
    if not isinstance(value, bool):
        raise fail(member.name, f"{member.name} is {_shown(value)}; it may be true or false.")
    return value


def _read_date(value: object, member: Member, fail: _Fail) -> date:
    return _day(value, member.name, fail)


def _read_moment(value: object, member: Member, fail: _Fail) -> date | datetime:
    return _moment(value, member.name, fail)


def _read_party(value: object, member: Member, fail: _Fail) -> str:
    if value in ("applicant", "authority"):
        return str(value)
    if isinstance(value, str) and value in STATES:
        return value
    raise fail(member.name, f"{member.name} is {_shown(value)}; it may be applicant, authority, or a state's code.")


def _read_period(value: object, member: Member, fail: _Fail) -> str:
    try:
        period = Period.parse(value) if isinstance(value, str) else None
    except PeriodError:
        period = None
    if period is None or period.backwards or period.count > _LONGEST[period.unit]:
        raise fail(
            member.name, f"{member.name}: {_shown(value)} is not a period, such as 1 month, 2 weeks or 48 hours."
        )
    return str(period)


_READERS: Mapping[str, Callable[[object, Member, _Fail], object]] = {
    "state": _read_state,
    "choice": _read_choice,
    "text": _read_text,
    "days": _read_days,
    "flag": _read_flag,
    "date": _read_date,
    "moment": _read_moment,
    "party": _read_party,
    "period": _read_period,
}


def _check_order(facts: Sequence[Fact]) -> None:
    """Refuse a receipt or an answer dated before every request that it could belong to.

    An answer whose request was never recorded stands: a file often begins in the middle.
    """
    sent: dict[str, list[Fact]] = {}
    for fact in facts:
        sent.setdefault(fact.name, []).append(fact)
    for index, fact in enumerate(facts):
        asked = [
            request
            for name in REPLIES.get(fact.name, ())
            for request in sent.get(name, ())
            if fact.state is None or request.state == fact.state
        ]
        if asked and all(_before(fact, request) for request in asked):
            first = min(asked, key=lambda request: request.on)
            raise FactsError(
                f"facts[{index}] ({fact.name}): dated {fact.on.isoformat()}, before its request"
                f" ({first.name}) of {first.on.isoformat()}.",
                index=index,
                fact=fact.name,
                member="on",
            )


def _before(fact: Fact, other: Fact) -> bool:
    """Tell whether the fact came before the other one, however late and however early they can have been."""
    if fact.at is not None and other.at is not None:
        return fact.at < other.at
    last = fact.not_after if fact.undated else fact.on
    first = other.not_before if other.undated else other.on
    return last is not None and first is not None and last < first


_HITS = frozenset({"eurodac-hit", "vis-hit"})
_ACCEPTANCES = frozenset(
    {
        "take-charge-accepted", "take-back-accepted", "take-back-confirmed", "reexamination-accepted",
        "humanitarian-accepted", "relocation-confirmed",
    }
)  # fmt: skip
_NEW_BEGINNINGS = frozenset(
    {
        "application-made",
        "application-recorded",
        "application-registered",
        "application-lodged",
        "returned-to-territory",
    }
)


def _check_sense(country: str, facts: Sequence[Fact]) -> None:
    """Refuse what cannot have happened: a hit on the state itself, a transfer before the acceptance it rests on."""
    acceptances = [fact for fact in facts if fact.name in _ACCEPTANCES]
    for index, fact in enumerate(facts):
        _check_hit(country, fact, index)
        _check_state(country, fact, index)
        if fact.name == "transferred":
            _check_transfer(fact, index, acceptances, facts)


def _check_hit(country: str, fact: Fact, index: int) -> None:
    if fact.name in _HITS and fact.state == country:
        raise FactsError(
            f"facts[{index}] ({fact.name}): state: {country} is the state of this procedure; a hit names another.",
            index=index,
            fact=fact.name,
            member="state",
        )


def _check_transfer(transfer: Fact, index: int, acceptances: Sequence[Fact], facts: Sequence[Fact]) -> None:
    """Refuse a transfer when the first acceptance came after it and nothing in between began a new procedure."""
    theirs = [a for a in acceptances if transfer.state is None or a.state is None or a.state == transfer.state]
    if not theirs or not all(_before(transfer, acceptance) for acceptance in theirs):
        return
    first = min(theirs, key=lambda acceptance: acceptance.on)
    between = (f for f in facts if f.name in _NEW_BEGINNINGS or f.name in _ASKING_AGAIN)
    if not any(_before(transfer, other) and not _before(first, other) for other in between):
        raise FactsError(
            f"facts[{index}] (transferred): dated {transfer.on.isoformat()}, before the acceptance"
            f" ({first.name}) of {first.on.isoformat()}.",
            index=index,
            fact=transfer.name,
            member="on",
        )


_FORMER_STATES = frozenset({"GB"})
"""States that once took part: an old file may name them."""


def _check_state(country: str, fact: Fact, index: int) -> None:
    """Refuse a request to the state itself, and one to a state that takes no part in the procedure."""
    if fact.name not in _ASKING_AGAIN or fact.state is None:
        return
    problem = ""
    if fact.state == country:
        problem = f"{country} is the state of this procedure; it cannot ask itself."
    elif fact.state not in DUBLIN_STATES | _FORMER_STATES:
        problem = f"{fact.state} takes no part in the transfer procedure."
    if problem:
        raise FactsError(f"facts[{index}] ({fact.name}): state: {problem}", index=index, fact=fact.name, member="state")


_ASKING_AGAIN = frozenset(name for names in REPLIES.values() for name in names)


def _person(value: object) -> Person:
    if value is None:
        return Person()
    given = _mapping(value, "person")
    _no_others(given, ("minor", "unaccompanied"), "person")
    for key, flag in given.items():
        if not isinstance(flag, bool):
            raise FactsError(f"person: {key} is {_shown(flag)}; it may be true or false.", member=key)
    return Person(minor=bool(given.get("minor", False)), unaccompanied=bool(given.get("unaccompanied", False)))


def _relative(value: object, index: int) -> FamilyMember:
    where = f"family[{index}]"
    given = _mapping(value, where)
    _no_others(given, ("relation", "state", "status", "consent_on"), where)

    def fail(member: str | None, problem: str) -> FactsError:
        return FactsError(f"{where}: {problem}", member=member)

    texts: dict[str, str | None] = {}
    for key in ("relation", "status"):
        text = given.get(key)
        if text is not None and not (isinstance(text, str) and text.strip() and len(text) <= _LONGEST_NAME):
            raise fail(key, f"{key} must be a text of 1 to {_LONGEST_NAME} characters.")
        texts[key] = text if isinstance(text, str) else None
    relation = texts["relation"]
    if relation is None:
        raise fail("relation", "relation is missing.")
    state, consent = given.get("state"), given.get("consent_on")
    return FamilyMember(
        relation=relation,
        state=None if state is None else _read_state(state, _STATE, fail),
        status=texts["status"],
        consent_on=None if consent is None else _day(consent, "consent_on", fail),
    )


def _state(value: object, name: str) -> str:
    if value is None:
        raise FactsError(f"{name} is missing: the code of the state whose procedure runs, such as FR.")

    def fail(member: str | None, problem: str) -> FactsError:
        return FactsError(problem, member=member)

    return _read_state(value, Member(name, "state"), fail)


def _mapping(value: object, where: str, *, index: int | None = None) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise FactsError(f"{where} must be an object with named members.", index=index)
    return value


def _list(value: object, name: str) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise FactsError(f"{name} must be a list.", member=name)
    if len(value) > _MOST_FACTS:
        raise FactsError(f"{name}: {len(value)} entries; a file may have {_MOST_FACTS}.", member=name)
    return value


def _no_others(given: Mapping[str, object], allowed: Collection[str], where: str) -> None:
    for key in given:
        if key not in allowed:
            raise FactsError(f"{where}: {_shown(key)} is not known here.")


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(choices)


def _shown(value: object) -> str:
    """Return a value as it may stand in a message: short, quoted, on one line, however deep or long it is."""
    if isinstance(value, str):
        value = value[:_LONGEST_SHOWN]
    elif isinstance(value, int) and value.bit_length() > _LONGEST_SHOWN:
        return "a number that large"
    text = repr(value) if isinstance(value, str) else _SHORT.repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:57]}..."


_SHORT = Repr()
_SHORT.maxlevel = 2
