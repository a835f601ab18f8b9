"""Foreign keys given as strings escape the import linter: they too go down the layers only."""

from __future__ import annotations

import tomllib
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]


def _height_by_area() -> dict[str, int]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["name"].startswith("Areas"))["layers"]
    return {area.strip(): height for height, line in enumerate(reversed(layers)) for area in line.split("|")}


class TestRelations:
    def test_never_point_up(self):
        height = _height_by_area()
        wrong = []
        for model in apps.get_models():
            if not model.__module__.startswith("casework."):
                continue
            own = height[model._meta.app_label]
            for field in model._meta.get_fields():
                target = getattr(field, "related_model", None)
                if not field.concrete or target is None or not target.__module__.startswith("casework."):
                    continue
                if height[target._meta.app_label] > own:
                    wrong.append(f"{model._meta.label}.{field.name} -> {target._meta.label}")
        assert wrong == []

    def test_of_the_trail_and_the_outbox_leave_no_key_to_a_case(self):
        for label in ("audit", "notices"):
            for model in apps.get_app_config(label).get_models():
                targets = {field.related_model._meta.app_label for field in model._meta.fields if field.related_model}
                assert "cases" not in targets

    def test_have_uuid_keys_made_in_python(self):
        from django.db.models import UUIDField

        for model in apps.get_models():
            if not model.__module__.startswith("casework.") or model._meta.proxy:
                continue
            key = model._meta.pk
            names = [field.name for field in getattr(key, "fields", ())] or [key.name]
            if model._meta.label in INTEGER_KEYS:
                continue
            kinds = [model._meta.get_field(name) for name in names]
            assert any(
                isinstance(kind, UUIDField) or isinstance(getattr(kind, "target_field", None), UUIDField)
                for kind in kinds
            ), model._meta.label


# By nature: versions of the wrapping key, positions in the Merkle log, one row for each part of the machine.
INTEGER_KEYS = {"crypto.Kek", "audit.Leaf", "audit.Checkpoint", "notices.Heartbeat"}
