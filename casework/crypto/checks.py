"""System checks: every sealed model says what its ciphertexts are bound to, and no number is used twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.db import models

from casework.crypto.fields import SealedField, sealed_fields
from casework.crypto.registry import TABLES
from casework.crypto.renewal import scope_attribute
from casework.crypto.types import SealedPlaceError


@checks.register(checks.Tags.models)
def sealed_models(app_configs: Sequence[AppConfig] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Find sealed models without table, scope or UUID key, and numbers used twice."""
    found: list[checks.CheckMessage] = []
    tables: Counter[str] = Counter()
    for model in apps.get_models():
        fields = sealed_fields(model)
        # History rows live in the place of the rows whose history they are; proxies in that of their model.
        if not fields or model._meta.proxy or hasattr(getattr(model, "instance_type", None), "sealed_table"):
            continue
        found += _check_model(model, fields)
        tables[getattr(model, "sealed_table", "")] += 1
    found += [
        checks.Error(f"Two models call themselves the sealed table {name!r}.", id="crypto.E005")
        for name, times in tables.items()
        if name and times > 1
    ]
    if len(set(TABLES.values())) != len(TABLES) or not all(0 < number < 1 << 16 for number in TABLES.values()):
        found.append(
            checks.Error("A number in casework.crypto.registry.TABLES is used twice or no u16.", id="crypto.E006")
        )
    return found


def _check_model(model: type[models.Model], fields: list[SealedField]) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    if getattr(model, "sealed_table", None) not in TABLES:
        found.append(
            checks.Error("sealed_table is not in casework.crypto.registry.TABLES.", obj=model, id="crypto.E002")
        )
    if not callable(getattr(model, "sealed_scope", None)) or not isinstance(model._meta.pk, models.UUIDField):
        found.append(
            checks.Error(
                "A sealed model has sealed_scope() and a UUID made in Python as its key.", obj=model, id="crypto.E003"
            )
        )
    else:
        try:
            scope_attribute(model)
        except SealedPlaceError as error:
            found.append(checks.Error(str(error), obj=model, id="crypto.E007"))
    numbers = Counter(field.field_id for field in fields)
    if any(times > 1 for times in numbers.values()):
        found.append(checks.Error("Two sealed fields of one table have one field_id.", obj=model, id="crypto.E004"))
    return found
