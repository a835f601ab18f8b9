"""The errors that a user may meet, each with a sentence for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class CaseworkError(Exception):
    """An expected refusal; `message` is a translatable sentence for the user, without personal data."""

    def __init__(self, message: StrOrPromise) -> None:
        super().__init__(str(message))
        self.message = message


class NotFound(CaseworkError):
    """There is no such thing, or the actor may not know of it: the two answer alike."""

    def __init__(self) -> None:
        super().__init__(_("There is nothing here that you may see."))


class NotAllowed(CaseworkError):
    """The actor may know of the thing but not do this with it."""

    def __init__(self, message: StrOrPromise | None = None) -> None:
        super().__init__(message or _("You may not do this."))


class Invalid(CaseworkError):
    """What was given cannot be accepted; `fields` maps a field's name to its sentence (`""`: no single field)."""

    def __init__(self, fields: Mapping[str, StrOrPromise]) -> None:
        super().__init__(" ".join(str(sentence) for sentence in fields.values()))
        self.fields = dict(fields)


class Damaged(CaseworkError):
    """What is stored is not what the application stored: somebody changed it by another way. Nothing of it is shown.

    Ids and codes only: `case_id` where it is known, `table` the logical name of the table or the noun of the trail,
    `row` its id, `how` one of `opening` (does not open), `older` (another value than the trail vouches for), `missing`,
    `put back` (the trail says that it was removed) and `trail` (the entry that vouches was changed).
    """

    def __init__(self, how: str, *, case_id: UUID | None = None, table: str = "", row: UUID | None = None) -> None:
        super().__init__(_("This record was changed outside the application."))
        self.how, self.case_id, self.table, self.row = how, case_id, table, row


class Conflict(CaseworkError):
    """Somebody else changed the same thing first; nothing was overwritten."""
