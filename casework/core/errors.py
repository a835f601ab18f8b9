"""The errors that a user may meet, each with a sentence for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

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


class Conflict(CaseworkError):
    """Somebody else changed the same thing first; nothing was overwritten."""
