"""The vocabulary of facts, and the facts file: read strictly, written back the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from casework.law.types import CaseFile, Fact, FamilyMember, Person


class FactsError(ValueError):
    """The facts cannot be used as they stand; the message says which entry and why, for the person who wrote them.

    `index` is the entry's place in `facts`, from 0, or None when the fault lies outside the list; `fact` its name where
    that much was readable.
    """

    def __init__(self, message: str, *, index: int | None = None, fact: str | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.fact = fact


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a fact beside its date: `kind` is state, choice, text, days, flag, date, moment or party.

    A moment is a date or a date-time with offset; a party is "applicant", "authority" or a state's code.
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
_AGAINST = Member(
    "against", "choice", ("transfer-decision", "asylum-decision", "return-decision", "detention"), required=True
)


def _kind(group: str, name: str, *members: Member, takes_time: bool = False, planned: bool = False) -> FactKind:
    return FactKind(name, group, members, takes_time, planned)


_HIT = Member("category", "choice", ("asylum", "irregular-crossing", "disembarkation", "illegal-stay"), True)
_ABSCONDING = Member("ground", "choice", ("absconded", "resists", "unfit", "medical"), True)
_EFFECT = Member("ground", "choice", ("by-right", "by-court", "administrative"), True)
_GROUND = Member("ground", "choice", ("transfer", "return", "asylum", "border"), True)
_OUTCOME = Member("outcome", "choice", ("upheld", "released", "annulled"))
_APPOINTMENT = Member("kind", "choice", ("hearing", "interview", "registration", "reporting", "medical"), True)

_KINDS = (
    _kind("application", "application-made"),
    _kind("application", "application-recorded"),
    _kind("application", "application-registered", _MAYBE_STATE),
    _kind("application", "application-lodged", _MAYBE_STATE),
    _kind("application", "application-withdrawn", Member("implicit", "flag")),
    _kind("application", "application-closed"),
    _kind(
        "application",
        "asylum-decision-notified",
        Member("outcome", "choice", ("protected", "refused", "inadmissible", "withdrawn", "manifestly-unfounded")),
        Member("procedure", "choice", ("regular", "accelerated", "border", "inadmissible", "subsequent")),
        Member("final", "flag"),
        takes_time=True,
    ),
    _kind("application", "return-decision-notified", Member("departure_days", "days"), takes_time=True),
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
        takes_time=True,
    ),
    _kind("transfer", "imprisoned"),
    _kind("transfer", "prison-released"),
    _kind("transfer", "absconding-notified", _MAYBE_STATE, _ABSCONDING),
    _kind("transfer", "available-again"),
    _kind("transfer", "transfer-form-sent"),
    _kind("transfer", "transfer-notice-given"),
    _kind("transfer", "transfer-scheduled", Member("special_needs", "flag"), planned=True, takes_time=True),
    _kind("transfer", "transfer-failed", Member("reason", "text")),
    _kind("transfer", "transferred", _MAYBE_STATE),
    _kind("transfer", "transfer-overturned"),
    _kind("courts", "appeal-lodged", _AGAINST, Member("by", "choice", ("applicant", "authority")), takes_time=True),
    _kind("courts", "suspension-requested", takes_time=True),
    _kind("courts", "suspensive-effect-granted", _EFFECT),
    _kind("courts", "suspensive-effect-refused"),
    _kind("courts", "suspensive-effect-ended"),
    _kind(
        "courts",
        "appeal-decided",
        _AGAINST,
        Member("outcome", "choice", ("dismissed", "annulled", "remitted"), True),
        Member("final", "flag"),
    ),
    _kind("courts", "legal-aid-requested"),
    _kind("courts", "legal-aid-decided"),
    _kind("liberty", "detained", _GROUND, takes_time=True),
    _kind("liberty", "detention-order-notified", takes_time=True),
    _kind("liberty", "detention-judge-seized", takes_time=True),
    _kind("liberty", "detention-reviewed", _OUTCOME, takes_time=True),
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
_EARLIEST, _LATEST = date(1900, 1, 1), date(2200, 1, 1)


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
        raise FactsError(f"region: {_shown(region)} is not a region of {country}, such as {country}-01.")
    status = top.get("status")
    if status is not None and (not isinstance(status, str) or status not in STATUSES):
        raise FactsError(f"status: {_shown(status)} is not known; it may be {_listed(STATUSES)}, or left out.")
    entries = _list(top.get("facts"), "facts")
    facts = tuple(_fact(entry, index) for index, entry in enumerate(entries))
    _check_order(facts)
    return CaseFile(
        country=country,
        facts=facts,
        person=_person(top.get("person")),
        family=tuple(_relative(e, i) for i, e in enumerate(_list(top.get("family"), "family"))),
        region=region,
        status=status,
    )


def parse_fact(entry: Mapping[str, object], index: int = 0) -> Fact:
    """Read one entry of `facts` by itself, as a form that records one fact does.

    Raises:
        FactsError: as in `parse`, save for what other entries would tell.
    """
    return _fact(entry, index)


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
    if fact.at is not None:
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


def _fact(entry: object, index: int) -> Fact:
    where = f"facts[{index}]"
    given = _mapping(entry, where, index=index)
    name = given.get("fact")
    kind = VOCABULARY.get(name) if isinstance(name, str) else None
    if kind is None:
        problem = "has no fact" if name is None else f"{_shown(name)} is not a known fact"
        raise FactsError(f"{where}: {problem}.", index=index)
    where = f"{where} ({kind.name})"

    def fail(problem: str) -> FactsError:
        return FactsError(f"{where}: {problem}", index=index, fact=kind.name)

    allowed = ("fact", "on", "at", *(m.name for m in kind.members), *_OPTIONAL)
    for key in given:
        if key not in allowed:
            raise fail(f"{_shown(key)} is not a member of this fact.")
    on, at = _when(given, fail)
    particulars: dict[str, object] = {}
    state: str | None = None
    for member in kind.members:
        value = given.get(member.name)
        if value is None:
            if member.required:
                choices = f" ({_listed(member.choices)})" if member.choices else ""
                raise fail(f"{member.name} is missing{choices}.")
            continue
        checked = _READERS[member.kind](value, member, fail)
        if member.name == "state":
            state = str(checked)
        else:
            particulars[member.name] = checked
    until = particulars.get("until")
    if isinstance(until, date) and until < on:
        raise fail(f"until {until.isoformat()} lies before its beginning on {on.isoformat()}.")
    details: dict[str, str | None] = {}
    for key, allowed_values in _OPTIONAL.items():
        detail = given.get(key)
        if detail is not None and (not isinstance(detail, str) or detail not in allowed_values):
            raise fail(f"{key} is {_shown(detail)}; it may be {_listed(allowed_values)}.")
        details[key] = detail
    return Fact(kind.name, on, at, state, MappingProxyType(particulars) if particulars else _NOTHING, **details)


_NOTHING: Mapping[str, object] = MappingProxyType({})

_Fail = Callable[[str], FactsError]


def _when(given: Mapping[str, object], fail: _Fail) -> tuple[date, datetime | None]:
    on, at = given.get("on"), given.get("at")
    if (on is None) == (at is None):
        raise fail("needs its date: either on (a date) or at (a date-time with offset), not both.")
    if at is not None:
        moment = _moment(at, "at", fail)
        if not isinstance(moment, datetime):
            raise fail(f"at: {_shown(at)} is not a date-time with offset, such as 2026-09-01T17:40:00+02:00.")
        return moment.date(), moment
    return _day(on, "on", fail), None


def _day(value: object, name: str, fail: _Fail) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        day = value
    elif isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise fail(f"{name}: there is no such day as {value}.") from None
    else:
        raise fail(f"{name}: {_shown(value)} is not a date, such as 2026-09-01.")
    if not _EARLIEST <= day <= _LATEST:
        raise fail(f"{name}: {day.isoformat()} cannot be right.")
    return day


def _moment(value: object, name: str, fail: _Fail) -> date | datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and not _DATE.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise fail(f"{name}: {_shown(value)} is not a date or a date-time.") from None
    else:
        return _day(value, name, fail)
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise fail(f"{name}: {_shown(value)} has no offset, such as +02:00.")
    if not _EARLIEST <= moment.date() <= _LATEST:
        raise fail(f"{name}: {moment.date().isoformat()} cannot be right.")
    return moment


def _read_state(value: object, member: Member, fail: _Fail) -> str:
    if not (isinstance(value, str) and _STATE_CODE.fullmatch(value)):
        raise fail(f"{member.name}: {_shown(value)} is not a state's code of two letters, such as HR.")
    return value


def _read_choice(value: object, member: Member, fail: _Fail) -> str:
    if not isinstance(value, str) or value not in member.choices:
        raise fail(f"{member.name} is {_shown(value)}; it may be {_listed(member.choices)}.")
    return value


def _read_text(value: object, member: Member, fail: _Fail) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
        raise fail(f"{member.name} must be a text of 1 to {_LONGEST_TEXT} characters.")
    return value


def _read_days(value: object, member: Member, fail: _Fail) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_DAYS:
        raise fail(f"{member.name}: {_shown(value)} is not a number of days from 1 to {_MOST_DAYS}.")
    return value


def _read_flag(value: object, member: Member, fail: _Fail) -> bool:
    if not isinstance(value, bool):
        raise fail(f"{member.name} is {_shown(value)}; it may be true or false.")
    return value


def _read_date(value: object, member: Member, fail: _Fail) -> date:
    return _day(value, member.name, fail)


def _read_moment(value: object, member: Member, fail: _Fail) -> date | datetime:
    return _moment(value, member.name, fail)


def _read_party(value: object, member: Member, fail: _Fail) -> str:
    if value in ("applicant", "authority"):
        return str(value)
    if isinstance(value, str) and _STATE_CODE.fullmatch(value):
        return value
    raise fail(f"{member.name} is {_shown(value)}; it may be applicant, authority, or a state's code.")


_READERS: Mapping[str, Callable[[object, Member, _Fail], object]] = {
    "state": _read_state,
    "choice": _read_choice,
    "text": _read_text,
    "days": _read_days,
    "flag": _read_flag,
    "date": _read_date,
    "moment": _read_moment,
    "party": _read_party,
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
            )


def _before(fact: Fact, other: Fact) -> bool:
    if fact.at is not None and other.at is not None:
        return fact.at < other.at
    return fact.on < other.on


def _person(value: object) -> Person:
    if value is None:
        return Person()
    given = _mapping(value, "person")
    _no_others(given, ("minor", "unaccompanied"), "person")
    for key, flag in given.items():
        if not isinstance(flag, bool):
            raise FactsError(f"person: {key} is {_shown(flag)}; it may be true or false.")
    return Person(minor=bool(given.get("minor", False)), unaccompanied=bool(given.get("unaccompanied", False)))


def _relative(value: object, index: int) -> FamilyMember:
    where = f"family[{index}]"
    given = _mapping(value, where)
    _no_others(given, ("relation", "state", "status", "consent_on"), where)

    def fail(problem: str) -> FactsError:
        return FactsError(f"{where}: {problem}")

    texts: dict[str, str | None] = {}
    for key in ("relation", "status"):
        text = given.get(key)
        if text is not None and not (isinstance(text, str) and text.strip() and len(text) <= _LONGEST_NAME):
            raise fail(f"{key} must be a text of 1 to {_LONGEST_NAME} characters.")
        texts[key] = text if isinstance(text, str) else None
    relation = texts["relation"]
    if relation is None:
        raise fail("relation is missing.")
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
    return _read_state(value, Member(name, "state"), FactsError)


def _mapping(value: object, where: str, *, index: int | None = None) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise FactsError(f"{where} must be an object with named members.", index=index)
    return value


def _list(value: object, name: str) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise FactsError(f"{name} must be a list.")
    return value


def _no_others(given: Mapping[str, object], allowed: Iterable[str], where: str) -> None:
    for key in given:
        if key not in tuple(allowed):
            raise FactsError(f"{where}: {_shown(key)} is not known here.")


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(choices)


def _shown(value: object) -> str:
    """Return a value as it may stand in a message: short, quoted, on one line."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:57]}..."
