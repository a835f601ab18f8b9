"""Frozen accounts in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access import policies, travel
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.core import work
from casework.desk.selectors._names import name_of


@dataclass(frozen=True)
class FrozenLine:
    """One frozen account, with who asked that it be opened (empty where nobody did) and from when it can be."""

    id: UUID
    name: str
    frozen_at: datetime
    leads: int
    asked_by: str
    ready_at: datetime | None
    is_ready: bool
    may_open: bool
    may_ask: bool
    may_stop: bool


def frozen_line(found: travel.Frozen) -> FrozenLine:
    """Return one frozen account in words (one query where somebody asked for it to be opened)."""
    waiting = found.waiting
    people = accounts.people([waiting.asked_by]) if waiting else {}
    return FrozenLine(
        id=found.person.id,
        name=found.person.name,
        frozen_at=found.frozen_at,
        leads=found.leads,
        asked_by=name_of(waiting.asked_by, people, str(_("A former colleague"))) if waiting else "",
        ready_at=waiting.ready_at if waiting else None,
        is_ready=waiting is not None and waiting.is_ready,
        may_open=found.may_open,
        may_ask=found.may_ask,
        may_stop=found.may_stop,
    )


def frozen_lines() -> list[FrozenLine]:
    """Return the frozen accounts with which the actor can do something; none for who may open no account."""
    if not policies.decide(work.current().actor.user_id, Action.UNFREEZE).allowed:
        return []
    return [frozen_line(found) for found in travel.frozen_accounts()]
