"""Handing a case over within its team."""

from __future__ import annotations

from uuid import UUID

from casework.cases import services as cases


def assign(case_id: UUID, *, lead_id: UUID) -> None:
    """Give a case to another caseworker or coordinator of its team, who leads it from now on; writes to the trail.

    Raises:
        NotFound, NotAllowed: the actor may not see the case, or is no coordinator of it.
        Invalid: the new lead is not of the case's team (field `lead`).
    """
    cases.assign_case(case_id, lead_id=lead_id)
