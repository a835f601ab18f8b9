"""The kinds of sealed fields."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core import exceptions
from django.db import models
from django.utils.dateparse import parse_date
from django.utils.encoding import force_str
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from casework.crypto.fields._base import SUFFIX, SealedField

if TYPE_CHECKING:
    from collections.abc import Callable

# With type and mark 32, the shortest stored length.
_LONGEST_CODE: Final = 30


class SealedTextField(SealedField):
    """Text of any length. `multiline` only chooses the widget."""

    description = _("Sealed text")
    empty = ""

    def __init__(self, *args: Any, field_id: int, multiline: bool = False, **kwargs: Any) -> None:
        self.multiline = multiline
        super().__init__(*args, field_id=field_id, **kwargs)

    def to_python(self, value: Any) -> str | None:
        if value is None or type(value) is str:
            return value
        if isinstance(value, str | Promise):
            return str(force_str(value))
        raise exceptions.ValidationError(_("Enter text."), code="invalid")

    def form_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"max_length": self.max_length} if self.max_length else {}
        if self.multiline:
            options["widget"] = forms.Textarea
        return options

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if self.max_length is not None and value is not None and len(value) > self.max_length:
            raise exceptions.ValidationError(_("This text is too long."), code="max_length")


class SealedChoiceField(SealedTextField):
    """One of a few codes of at most 30 bytes, so that all have one stored length."""

    description = _("Sealed choice")

    def __init__(self, *args: Any, field_id: int, **kwargs: Any) -> None:
        super().__init__(*args, field_id=field_id, **kwargs)
        if any(len(str(code).encode()) > _LONGEST_CODE for code, _label in self.flatchoices):
            msg = "The codes of a sealed choice have at most 30 bytes."
            raise ValueError(msg)

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        own = f"get_{name.removesuffix(SUFFIX)}_display"
        if own not in cls.__dict__:
            setattr(cls, own, self._display())
        super().contribute_to_class(cls, name, private_only)

    def _display(self) -> Callable[[models.Model], str]:
        def display(instance: models.Model) -> str:
            value = self.opened(instance)
            return str(dict(self.flatchoices).get(value, "" if value is None else value))

        return display

    def form_options(self) -> dict[str, Any]:
        return {"choices": self.get_choices(include_blank=self.blank or not self.has_default())}

    form_class = forms.ChoiceField


class SealedDateField(SealedField):
    """A calendar date."""

    description = _("Sealed date")
    form_class = forms.DateField

    def to_python(self, value: Any) -> date | None:
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        if isinstance(value, str):
            try:
                if (parsed := parse_date(value)) is not None:
                    return parsed
            except ValueError:
                pass
        raise exceptions.ValidationError(_("Enter a valid date."), code="invalid")


class SealedIntegerField(SealedField):
    """A whole number of any size."""

    description = _("Sealed number")
    form_class = forms.IntegerField

    def to_python(self, value: Any) -> int | None:
        if value is None or type(value) is int:
            return value
        if isinstance(value, str):
            try:
                return int(value)
            except ValueError:
                pass
        raise exceptions.ValidationError(_("Enter a whole number."), code="invalid")


class SealedJSONField(SealedField):
    """A JSON value. Reading gives a copy each time: change it by assigning."""

    description = _("Sealed structure")
    form_class = forms.JSONField

    def to_python(self, value: Any) -> Any:
        try:
            # Round trip: what is read before saving is what will be read after loading.
            return None if value is None else json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError):
            raise exceptions.ValidationError(_("This value cannot be stored."), code="invalid") from None
