"""Facts that happened on a day that nobody knows: between which days they lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from casework.law.facts import REPLIES, VOCABULARY
from casework.law.types import CaseFile, Fact

_BEGINNINGS = ("application-made", "application-recorded", "application-registered", "application-lodged")

_BEFORE_AN_APPLICATION = frozenset(
    {
        *_BEGINNINGS, "apprehended", "entry-refused", "screening-ended", "return-decision-notified",
        "removal-measure-notified", "removal-scheduled", "right-to-remain-ended", "imprisoned", "told-in-prison",
        "prison-released",
    }
)  # fmt: skip
"""Facts of the groups below that nevertheless may come before any application."""

_AFTER_AN_APPLICATION = frozenset(
    name
    for name, kind in VOCABULARY.items()
    if kind.group in ("application", "requests", "transfer", "relocation") and name not in _BEFORE_AN_APPLICATION
)
"""Facts that suppose an application; what led to it, and being held, do not."""


def bounded(case: CaseFile, on: date) -> CaseFile:
    """Return the case with a first and a last possible day for each undated fact, as far as the record tells.

    The last is what was recorded, else the day of the question. The first is what was recorded, else the day of the
    first request that the fact can answer, else that of the first application, where the fact supposes one; where
    nothing tells, the last day stands for both, and `not_before` stays None: then no period of the applicant's may be
    computed from it.
    """
    if not any(fact.undated for fact in case.facts):
        return case
    dated = [fact for fact in case.facts if not fact.undated]
    begun = min((fact.on for fact in dated if fact.name in _BEGINNINGS), default=None)
    asked: dict[tuple[str, str | None], date] = {}
    for fact in dated:
        for place in ((fact.name, fact.state), (fact.name, None)):
            asked[place] = min(fact.on, asked.get(place, fact.on))
    return replace(case, facts=tuple(_bounded(fact, begun, asked, on) if fact.undated else fact for fact in case.facts))


def _bounded(fact: Fact, begun: date | None, asked: Mapping[tuple[str, str | None], date], on: date) -> Fact:
    last = fact.not_after or max(on, fact.not_before or on)
    first = fact.not_before or max((day for day in _earlier(fact, begun, asked) if day <= last), default=None)
    return replace(fact, on=first or last, not_before=first, not_after=last)


def _earlier(fact: Fact, begun: date | None, asked: Mapping[tuple[str, str | None], date]) -> Iterator[date]:
    """Yield days before which the fact cannot have happened."""
    requests = [asked[name, fact.state] for name in REPLIES.get(fact.name, ()) if (name, fact.state) in asked]
    if requests:
        yield min(requests)
    if begun is not None and fact.name in _AFTER_AN_APPLICATION:
        yield begun
