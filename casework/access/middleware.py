"""One request, one unit of work: the page is rendered inside it, and its trail is committed before the first byte."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from casework.audit import services as audit
from casework.core import clock, ids, work
from casework.core.errors import NotAllowed, NotFound

logger = logging.getLogger(__name__)


# Says that the process lives, also while the database does not: no unit of work, which begins with a transaction.
_ALIVE = "/healthz"


class _RollBack(Exception):
    """Leaves the unit of work of a page that failed; the answer is already made."""


class ActingMiddleware:
    """Runs the view and the rendering of its template as the signed-in user in one transaction.

    A refusal rolls back, and is written to the trail in a transaction of its own. NotFound and Http404 give the same
    page. Streaming answers must have read from the database before they return.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == _ALIVE:
            return self.get_response(request)
        started = time.perf_counter()
        user_id = request.user.pk if request.user.is_authenticated else None
        actor = work.Actor(user_id=user_id, request_id=ids.new_id())
        request.received_at = clock.now()  # type: ignore[attr-defined]
        request.refused = None  # type: ignore[attr-defined]
        response: HttpResponse | None = None
        try:
            with work.acting(actor):
                response = self.get_response(request)
                if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or request.refused is not None:  # type: ignore[attr-defined]
                    raise _RollBack
        except _RollBack:
            assert response is not None
        if request.refused is not None:  # type: ignore[attr-defined]
            audit.record_now(actor, "access.refused", body=request.refused)  # type: ignore[attr-defined]
        if user_id is not None:
            response.headers.setdefault("Cache-Control", "no-store")
        logger.info(
            "request",
            extra={
                "event": "request",
                "request_id": actor.request_id,
                "user_id": user_id,
                "method": request.method,
                "route": getattr(request.resolver_match, "route", None),
                "status": response.status_code,
                "ms": int((time.perf_counter() - started) * 1000),
            },
        )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer the two refusals; everything else is a fault and goes on to the error page."""
        if isinstance(exception, NotFound):
            request.refused = _what(request, "not found")  # type: ignore[attr-defined]
            return render(request, "404.html", status=404)
        if isinstance(exception, NotAllowed):
            request.refused = _what(request, "refused")  # type: ignore[attr-defined]
            return render(request, "403.html", {"reason": exception.message}, status=403)
        return None


def _what(request: HttpRequest, outcome: str) -> dict[str, str]:
    # The route with its ids, for whoever reads the trail: paths carry random ids only, query strings are left out.
    return {"outcome": outcome, "method": request.method or "", "path": request.path[:200]}
