"""What is done once the answer has left, so that its time and its failing tell nothing to whoever waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)


def answer(request: HttpRequest, act: Callable[[], Any]) -> None:
    """Run `act` after the answer to `request`, which needs no database and whose failure is logged, no more."""
    request.__dict__.setdefault("after_answer", []).append(act)


def attach(request: HttpRequest, response: HttpResponse) -> None:
    """Let the server run what waits when it closes the answer, every byte of which was sent by then."""
    for act in request.__dict__.pop("after_answer", []):
        # Django's own list of what ends with an answer; it swallows faults, so they are logged here.
        response._resource_closers.append(_logged(act))  # type: ignore[attr-defined]


def _logged(act: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        try:
            act()
        except Exception:
            # A mail server may fail in any way, and nobody is waiting. Of a fault its kind alone is logged.
            logger.exception("after_answer.failed", extra={"event": "after_answer.failed"})

    return run
