"""mypy: models take the values of sealed fields by the field's name, as Django does, and not by its raw attribute."""

from __future__ import annotations

from typing import Any

from django.db.models import Field
from mypy_django_plugin.django.context import DjangoContext
from mypy_django_plugin.main import plugin as django_plugin

_expected_types = DjangoContext.get_expected_types


def _with_names(self: DjangoContext, api: Any, model_cls: Any, *, method: str) -> dict[str, Any]:
    expected = _expected_types(self, api, model_cls, method=method)
    for field in model_cls._meta.get_fields():
        if isinstance(field, Field) and hasattr(field, "field_id") and field.attname in expected:
            expected[field.name] = expected.pop(field.attname)
    return expected


def plugin(version: str) -> Any:
    """Return django-stubs' plugin, taught."""
    DjangoContext.get_expected_types = _with_names  # type: ignore[method-assign]
    return django_plugin(version)
