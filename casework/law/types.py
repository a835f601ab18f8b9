"""Values that go into the law and come out of it; all frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated thing that happened, or that a court or an authority set.

    `on` is the calendar date in the state whose authority acted; `at` stands beside it where the hour is known.
    `state` is an ISO 3166 alpha-2 code. `particulars` holds the other members that this fact's kind allows.
    `undated`: it happened, but the day is not known; it lies between `not_before` and `not_after` where these are
    known, and `on` is then one of them, or a day before all others.
    """

    name: str
    on: date
    at: datetime | None = None
    state: str | None = None
    particulars: Mapping[str, object] = field(default_factory=dict)
    certainty: str | None = None
    service: str | None = None
    notified_to: str | None = None
    undated: bool = False
    not_before: date | None = None
    not_after: date | None = None

    def get(self, member: str) -> object:
        """Return one particular, or None when it was not recorded."""
        return self.particulars.get(member)


@dataclass(frozen=True, slots=True)
class Person:
    """What the rules ask about the applicant."""

    minor: bool = False
    unaccompanied: bool = False


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """A family member in another state, and since when they consent in writing to be reunited."""

    relation: str
    state: str | None = None
    status: str | None = None
    consent_on: date | None = None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All that the law is told of one case.

    `country` is the state whose procedure runs; `region` its ISO 3166-2 part where holidays differ ("FR-57");
    `status` is "before-arrival" for a person still outside the Union, else None.
    """

    country: str
    facts: tuple[Fact, ...] = ()
    person: Person = Person()
    family: tuple[FamilyMember, ...] = ()
    region: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class Deadline:
    """One time limit: when it ends on each way of counting, where it stands, and why.

    `due` is the date to act on (a date-time for periods in hours and for appointments with an hour). `state` is one of
    running, met, expired, stopped, superseded. `whose`: a state's code, "applicant" or "authority".
    `concerns` is the other state, where there is one; `certainty` the weakest certainty among the facts it rests on;
    `calendar` the public holidays used, with their version. `started_by` and `met_by` are places in `CaseFile.facts`,
    None where no recorded fact did it.
    """

    rule: str
    starts: date | datetime
    due: date | datetime
    due_strict: date | datetime
    due_rolled: date | datetime
    reading: str | None
    state: str
    met_on: date | None
    stopped_by: str | None
    superseded_by: str | None
    whose: str
    on_expiry: str
    legal_basis: str
    source: str
    confidence: str
    because: tuple[str, ...]
    label: str = ""
    concerns: str | None = None
    certainty: str | None = None
    calendar: str = ""
    started_by: int | None = None
    met_by: int | None = None

    @classmethod
    def with_all(cls, members: dict[str, object]) -> Deadline:
        """Return a time limit of which every member is given, and keep the mapping.

        A frozen dataclass sets each member through a call of its own; deriving thousands of cases a second cannot
        afford twenty such calls for each limit, so here they are set at once.
        """
        deadline = object.__new__(cls)
        object.__setattr__(deadline, "__dict__", members)
        return deadline


@dataclass(frozen=True, slots=True)
class Question:
    """A date that the law does not give: the figure is not confirmed, or the day from which it runs is not known.

    `text` says what to find out; `starts` is the day of the fact where it is known, `period` the unconfirmed figure in
    words; `fact` the place in `CaseFile.facts` of what has to be read again.
    """

    rule: str
    label: str
    text: str
    legal_basis: str
    source: str
    confidence: str
    starts: date | None = None
    period: str | None = None
    fact: int | None = None


@dataclass(frozen=True, slots=True)
class Procedure:
    """Where a case stands on one day.

    `deadlines` are ordered by due date, then rule. `changes_on` is the next date on which this answer changes although
    nothing is recorded, or None. `notes` are the ids of rules without a period that the facts touch (a clause, a bar).
    `questions` stand where a date would be a guess.
    """

    regime: str
    status: str
    responsible_state: str | None
    deadlines: tuple[Deadline, ...]
    warnings: tuple[str, ...]
    changes_on: date | None
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()

    def limit(self, rule: str, reading: str | None = None) -> Deadline:
        """Return the time limit of one rule that counts now: a running one before a closed one, the latest to end.

        Raises:
            KeyError: no such limit was derived.
        """
        found = [d for d in self.deadlines if d.rule == rule and (reading is None or d.reading == reading)]
        if not found:
            raise KeyError(rule)
        running = [d for d in found if d.state == "running"]
        return (running or found)[-1]
