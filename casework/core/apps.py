from typing import Any
from urllib.parse import clear_cache  # type: ignore[attr-defined]  # public, and missing from its stubs

from django.apps import AppConfig
from django.core.signals import request_finished
from django.utils.translation import trans_real

from casework.core.logging import keep_python_quiet


class CoreConfig(AppConfig):
    name = "casework.core"
    label = "core"

    def ready(self) -> None:
        keep_python_quiet()
        request_finished.connect(_forget_headers, dispatch_uid="core.forget_headers")


def _forget_headers(**_more: Any) -> None:
    # Python remembers the addresses that it took apart lately, and somebody may have typed a name into one; Django the
    # languages that browsers ask for, which can be as rare as a name.
    clear_cache()
    trans_real._parse_accept_lang_header.cache_clear()  # type: ignore[attr-defined]  # missing from its stubs
