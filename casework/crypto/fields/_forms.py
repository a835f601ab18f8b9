"""Form fields that open what they show."""

from __future__ import annotations

from typing import Any

from django import forms

from casework.crypto.fields._opening import open_sealed
from casework.crypto.types import Plain, Sealed


def _plain(value: Any) -> Any:
    if isinstance(value, Sealed):
        return open_sealed(value)
    return value.reveal() if isinstance(value, Plain) else value


class _OpensInitial:
    """Form fields get the instance's values unopened, as serialisers do, and open them only to show them."""

    def prepare_value(self, value: Any) -> Any:
        return super().prepare_value(_plain(value))  # type: ignore[misc]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(_plain(initial), data))  # type: ignore[misc]

    def clean(self, value: Any) -> Any:
        return super().clean(_plain(value))  # type: ignore[misc]  # a disabled field cleans its initial value


_FORM_CLASSES: dict[type[forms.Field], type[forms.Field]] = {}


def opening(form_class: type[forms.Field]) -> type[forms.Field]:
    if form_class not in _FORM_CLASSES:
        _FORM_CLASSES[form_class] = type(f"Sealed{form_class.__name__}", (_OpensInitial, form_class), {})
    return _FORM_CLASSES[form_class]
