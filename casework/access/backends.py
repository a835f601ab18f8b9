"""What Django's `has_perm` answers: the same as `policies.decide`, for cases; nothing else is a right here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from casework.access import registry, selectors
from casework.access.types import LEVEL_BY_CODENAME


class GrantBackend(BaseBackend):
    """Answers `user.has_perm("cases.work_case", case)` from live, sound grants; without a case the answer is no."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        case_model = registry.tables().user._meta.get_field("content_object").related_model
        if obj is None or not isinstance(obj, case_model) or not user_obj.is_active or user_obj.is_anonymous:
            return set()
        level = selectors.levels_for(user_obj.pk, [obj.pk]).get(obj.pk)
        if level is None:
            return set()
        label = case_model._meta.app_label
        return {f"{label}.{codename}" for codename, implied in LEVEL_BY_CODENAME.items() if implied <= level}

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return perm in self.get_all_permissions(user_obj, obj)
