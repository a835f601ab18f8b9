"""A colleague's name, where the page has one to show."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from casework.accounts.types import Person


def name_of(person_id: UUID | None, people: Mapping[UUID | None, Person], otherwise: str = "") -> str:
    """Return the name of `person_id` as `people` has it, or `otherwise`."""
    found = people.get(person_id) if person_id is not None else None
    return found.name if found is not None else otherwise
