"""Requests to erase a case in words, what an erasure takes away, and closed cases whose time for keeping has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from casework.access import selectors as access
from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.cases import erasing, retention
from casework.cases.types import CaseState, CaseView, ErasureReason, ErasureState, ErasureView, Proposal
from casework.core import work
from casework.crypto.rotation import KEPT
from casework.desk import labels
from casework.desk.selectors._names import name_of
from casework.documents import selectors as documents
from casework.procedure import selectors as procedure
from casework.procedure.types import ProcedureView

# From the other state's yes until the person has left or stays: whoever erases now leaves somebody without a file.
_TRANSFER_UNDER_WAY = frozenset(
    {"accepted", "transfer-decided", "appeal-pending", "transfer-suspended", "transfer-scheduled", "absconding"}
)
_TONES = {
    ErasureState.ASKED: "warn",
    ErasureState.WITHDRAWN: "neutral",
    ErasureState.REFUSED: "neutral",
    ErasureState.ERASED: "good",
}


@dataclass(frozen=True)
class ErasureLine:
    """One request in words; `counts` says what went once it is erased, `keys_until` when the last backup forgets it."""

    id: UUID
    case_id: UUID
    reference: str
    team: str
    state: str
    state_label: str
    tone: str
    reason: str
    note: str
    asked_by: str
    asked_at: datetime
    is_own: bool
    decided_by: str
    decided_at: datetime | None
    counts: tuple[str, ...]
    keys_until: date | None
    may_confirm: bool
    may_withdraw: bool
    may_refuse: bool
    sound: bool

    @property
    def waits(self) -> bool:
        """Whether somebody still decides about it."""
        return self.state == ErasureState.ASKED

    @property
    def is_erased(self) -> bool:
        """Whether the case is gone."""
        return self.state == ErasureState.ERASED


@dataclass(frozen=True)
class TeamKeeping:
    """How many months a team keeps closed cases; None: nobody has said."""

    id: UUID
    name: str
    months: int | None


@dataclass(frozen=True)
class Erasures:
    """The page of erasures: what waits for the reader, what waits for others, what time has ended, what was decided."""

    to_decide: tuple[ErasureLine, ...]
    waiting: tuple[ErasureLine, ...]
    proposals: tuple[Proposal, ...]
    decided: tuple[ErasureLine, ...]


def erasures() -> Erasures:
    """Return the requests that the actor may know of, and proposals from their teams: a fixed number of queries."""
    lines = _lines(erasing.erasures())
    return Erasures(
        to_decide=tuple(line for line in lines if line.waits and line.may_refuse),
        waiting=tuple(line for line in lines if line.waits and not line.may_refuse),
        proposals=tuple(retention.proposals()),
        decided=tuple(line for line in lines if not line.waits),
    )


def erasure_line(view: ErasureView) -> ErasureLine:
    """Return one request in words (two queries)."""
    return _lines([view])[0]


def waiting_erasure(case_id: UUID) -> ErasureLine | None:
    """Return the request that waits for a case that the actor leads; one query where none does."""
    view = erasing.erasure_of(case_id)
    return erasure_line(view) if view is not None else None


def _lines(views: Iterable[ErasureView]) -> list[ErasureLine]:
    views = list(views)
    if not views:
        return []
    actor_id = work.current().actor.user_id
    people = accounts.people({key for view in views for key in (view.asked_by, view.decided_by) if key})
    teams = accounts.team_names({view.team_id for view in views})
    former = str(_("A former colleague"))
    return [
        ErasureLine(
            id=view.id,
            case_id=view.case_id,
            reference=view.reference,
            team=teams.get(view.team_id, ""),
            state=view.state,
            state_label=str(ErasureState(view.state).label),
            tone=_TONES[ErasureState(view.state)],
            reason=str(ErasureReason(view.reason).label),
            note=view.note,
            asked_by=name_of(view.asked_by, people, former),
            asked_at=view.asked_at,
            is_own=view.asked_by == actor_id,
            decided_by=name_of(view.decided_by, people, former) if view.decided_by else "",
            decided_at=view.decided_at,
            counts=_gone(view) if view.state == ErasureState.ERASED else (),
            keys_until=(
                (view.decided_at + KEPT).date() if view.decided_at and view.state == ErasureState.ERASED else None
            ),
            may_confirm=view.may_confirm,
            may_withdraw=view.may_withdraw,
            may_refuse=view.may_refuse,
            sound=view.sound,
        )
        for view in views
    ]


def _gone(view: ErasureView) -> tuple[str, ...]:
    counts = view.counts
    return (
        ngettext("%(n)d key", "%(n)d keys", counts["keys"]) % {"n": counts["keys"]},
        ngettext("%(n)d row of the database", "%(n)d rows of the database", counts["rows"]) % {"n": counts["rows"]},
        ngettext("%(n)d file", "%(n)d files", counts["files"]) % {"n": counts["files"]},
    )


def would_go(case: CaseView, view: ProcedureView) -> list[str]:
    """Return what an erasure of an opened case takes away, in words (three queries)."""
    # A version that was corrected or taken back goes too; it is a fact that somebody wrote down.
    facts = len(view.facts) + len(procedure.earlier_versions(case.id))
    files, shared = len(documents.documents_of(case.id)), len(access.grants_on(case.id))
    people = len(case.people)
    return [
        ngettext("%(n)d person", "%(n)d people", people) % {"n": people},
        ngettext("%(n)d fact with its history", "%(n)d facts with their history", facts) % {"n": facts},
        ngettext("%(n)d document", "%(n)d documents", files) % {"n": files},
        ngettext("%(n)d access to the case", "%(n)d accesses to the case", shared) % {"n": shared},
    ]


def still_under_way(case: CaseView, view: ProcedureView) -> list[str]:
    """Return in sentences what speaks against erasing or closing an opened case now; empty where nothing does."""
    found = []
    if case.detained:
        found.append(str(_("The person is recorded as detained.")))
    if case.stage in _TRANSFER_UNDER_WAY:
        found.append(str(_("A transfer is under way. Stage: %(stage)s.") % {"stage": labels.stage(case.stage)}))
    if view.fault:
        found.append(str(_("The recorded facts contradict each other: nobody can tell which time limits are running.")))
    running = [limit for limit in view.deadlines if limit.state == "running"]
    if running:
        said = ngettext(
            "%(n)d time limit is running. It ends on %(date)s: %(rule)s.",
            "%(n)d time limits are running. The next ends on %(date)s: %(rule)s.",
            len(running),
        )
        first = running[0].due
        due = labels.moment(first.isoformat())
        found.append(said % {"n": len(running), "date": due, "rule": labels.rule(running[0].rule)})
    return found


def still_open(case: CaseView) -> bool:
    """Say whether the organisation works on the case."""
    return case.state == CaseState.OPEN


def who_may_confirm(view: ErasureView) -> list[str]:
    """Return the names of the coordinators who can decide about a request: of its team, without who asked."""
    found = accounts.holders(Role.COORDINATOR, [view.team_id])
    return [person.name for person in found if person.id != view.asked_by]


def coordinators_besides(case: CaseView) -> list[str]:
    """Return the names of the coordinators who could confirm what the actor asks for."""
    actor_id = work.current().actor.user_id
    return [person.name for person in accounts.holders(Role.COORDINATOR, [case.team_id]) if person.id != actor_id]


def keeping() -> list[TeamKeeping]:
    """Return how long each team that the actor coordinates keeps closed cases, by name (one query)."""
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    return [
        TeamKeeping(team.pk, team.name, team.retention_months) for team in accounts.teams_of(actor_id, Role.COORDINATOR)
    ]


def months_kept(case: CaseView) -> int | None:
    """Return how many months the case's team keeps closed cases, where the actor is of that team and it is said."""
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    teams = accounts.teams_of(actor_id, Role.CASEWORKER, Role.COORDINATOR)
    return next((team.retention_months for team in teams if team.pk == case.team_id), None)
