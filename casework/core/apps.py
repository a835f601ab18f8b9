from typing import Any
from urllib.parse import clear_cache  # type: ignore[attr-defined]  # public, and missing from its stubs

from django.apps import AppConfig
from django.core.signals import request_finished

from casework.core.logging import keep_python_quiet


class CoreConfig(AppConfig):
    name = "casework.core"
    label = "core"

    def ready(self) -> None:
        keep_python_quiet()
        request_finished.connect(_forget_addresses, dispatch_uid="core.forget_addresses")


def _forget_addresses(**_more: Any) -> None:
    # Python remembers the addresses that it took apart lately, and somebody may have typed a name into one.
    clear_cache()
