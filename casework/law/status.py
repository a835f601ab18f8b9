"""The stage that a case has reached, and who is responsible: moved by recorded facts, and by binding silence."""

from __future__ import annotations

from casework.law.timeline import Event, Timeline
from casework.law.types import CaseFile, Fact

STAGES = (
    "before-arrival", "registered", "evidence-found", "take-charge-requested", "take-back-requested",
    "take-back-notified", "refused", "reexamination-requested", "accepted", "transfer-decided", "appeal-pending",
    "transfer-suspended", "transfer-scheduled", "absconding", "transferred", "responsibility-assumed", "closed",
)  # fmt: skip
"""Every stage; a later one is further on, save that `transferred` and `closed` may be followed by a new beginning."""

_RANK = {stage: rank for rank, stage in enumerate(STAGES)}
_BEGINNINGS = frozenset({"application-made", "application-recorded", "application-registered", "application-lodged"})
_EVIDENCE = frozenset({"eurodac-hit", "vis-hit", "responsibility-indicated"})
_ASKING = {
    "take-charge-requested": "take-charge-requested",
    "take-back-requested": "take-back-requested",
    "take-back-notified": "take-back-notified",
    "humanitarian-requested": "take-charge-requested",
    "reexamination-requested": "reexamination-requested",
}
_REFUSING = frozenset({"take-charge-refused", "take-back-refused", "reexamination-refused", "humanitarian-refused"})

_SCHEDULE = {"suspensive-effect-granted": False, "transfer-scheduled": True, "transfer-failed": False}
_ABSCONDING = {"absconding-notified": True, "available-again": False}


def stage_of(timeline: Timeline, case: CaseFile) -> tuple[str, str | None]:
    """Return the latest stage reached and the responsible state, None while nobody is known to be responsible.

    `timeline` must know its acceptances (`Timeline.with_events`).
    """
    walk = _Walk(case.country)
    bound = timeline.events.get("acceptance", [])
    silent = sorted((event for event in bound if event.silence is not None), key=lambda event: event.rolled)
    express = {id(event.fact): event for event in bound if event.silence is None}
    for event in timeline.sequence:
        while silent and silent[0].rolled <= event.strict:
            walk.take(silent.pop(0))
        walk.take(express.get(id(event.fact), event))
    for event in silent:
        walk.take(event)
    suspended = bool(timeline.suspensions) and timeline.suspensions[-1].ends is None
    return walk.result(suspended), walk.responsible


class _Walk:
    """Goes through the events once and remembers how far the case has come."""

    def __init__(self, country: str) -> None:
        self.stage = "before-arrival"
        self.country = country
        self.responsible: str | None = None
        self.appeal_open = self.scheduled = self.absconding = False

    def take(self, event: Event) -> None:
        name, rank = event.name, _RANK[self.stage]
        over = self.stage in ("transferred", "closed")
        if name in _BEGINNINGS:
            if rank == 0 or over:
                self._to("registered")
        elif name in _EVIDENCE:
            if rank < _RANK["evidence-found"] or over:
                self._to("evidence-found")
        elif name in _ASKING:
            if rank < _RANK["accepted"] or over:
                self._to(_ASKING[name])
        elif name in _REFUSING:
            if rank < _RANK["accepted"]:
                self.stage = "refused"
        elif name == "acceptance":
            if rank < _RANK["accepted"] or over:
                self._to("accepted")
            if self.stage != "responsibility-assumed":
                self.responsible = event.state
        else:
            self._further(event, rank)

    def _further(self, event: Event, rank: int) -> None:
        name, fact = event.name, event.fact
        on_transfer = fact is not None and fact.get("against") == "transfer-decision"
        if name in ("transfer-decided", "transfer-decision-notified"):
            if rank <= _RANK["transfer-decided"]:
                self.stage = "transfer-decided"
        elif name == "appeal-lodged":
            self.appeal_open = self.appeal_open or on_transfer
        elif name == "appeal-decided":
            if on_transfer and fact is not None:
                self._decided(fact)
        elif name in _SCHEDULE:
            self.scheduled = _SCHEDULE[name]
        elif name in _ABSCONDING:
            self.absconding = _ABSCONDING[name]
        else:
            self._end(name, rank)

    def _decided(self, fact: Fact) -> None:
        dismissed = fact.get("outcome") == "dismissed"
        self.appeal_open = dismissed and fact.get("final") is False
        if not dismissed and self.stage == "transfer-decided":
            self.stage = "accepted"

    def _end(self, name: str, rank: int) -> None:
        if name == "transferred":
            self._to("transferred")
        elif name == "transfer-overturned" and self.stage == "transferred":
            self._to("registered")
            self.responsible = None
        elif name in ("discretionary-clause-used", "responsibility-acknowledged"):
            self._to("responsibility-assumed")
            self.responsible = self.country
        elif name == "application-closed" or (name == "application-withdrawn" and rank < _RANK["accepted"]):
            self._to("closed")

    def _to(self, stage: str) -> None:
        self.stage = stage
        self.appeal_open = self.scheduled = self.absconding = False

    def result(self, suspended: bool) -> str:
        if not _RANK["accepted"] <= _RANK[self.stage] <= _RANK["transfer-decided"]:
            return self.stage
        if self.absconding:
            return "absconding"
        if suspended:
            return "transfer-suspended"
        if self.scheduled:
            return "transfer-scheduled"
        return "appeal-pending" if self.appeal_open else self.stage
