"""One request, one unit of work: the page is rendered inside it, and its trail is committed before the first byte."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from django.contrib.messages.storage import default_storage
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from casework.access import damage, selectors
from casework.audit import services as audit
from casework.core import clock, ids, work
from casework.core.errors import NotAllowed, NotFound
from casework.core.forms import typed
from casework.crypto.types import StaleKeys

logger = logging.getLogger(__name__)


# Says that the process lives, also while the database does not: no unit of work, which begins with a transaction.
_ALIVE = "/healthz"


# How often a page is run whose unit met a renewal of the key; a second renewal within it is as good as impossible.
_TRIES = 3


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
        request.damaged = None  # type: ignore[attr-defined]
        try:
            response: HttpResponse | None = self._answered(request, actor)
        except DatabaseError:
            # At the end of the unit: what was written belongs to a case that was erased meanwhile.
            if not _is_erased(request, actor):
                raise
            response = None
        if response is None or (_has_failed(response) and _is_erased(request, actor)):
            request.damaged = None  # type: ignore[attr-defined]
            with work.acting(actor):
                response = render(request, "404.html", status=404)
        if request.refused:  # type: ignore[attr-defined]
            asked_for = _case_asked_for(request)
            audit.record_now(actor, "access.refused", obj=asked_for, body=request.refused)  # type: ignore[attr-defined]
        if request.damaged is not None:  # type: ignore[attr-defined]
            damage.tell(actor, request.damaged)  # type: ignore[attr-defined]
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

    def _answered(self, request: HttpRequest, actor: work.Actor) -> HttpResponse:
        """Run the page; again where a key was renewed meanwhile, and once where something seems to be changed.

        What was sealed anew between two statements of a page can look like it: nobody is accused on one look.
        """
        looked = False
        for _ in range(_TRIES):
            try:
                response = self._run(request, actor)
                if request.damaged is None or looked or not _made_ready_again(request):  # type: ignore[attr-defined]
                    return response
                looked, request.damaged = True, None  # type: ignore[attr-defined]
            except StaleKeys:
                logger.warning("request.stale_keys", extra={"event": "request.stale_keys", "user_id": actor.user_id})
                if not _made_ready_again(request):
                    break
        with work.acting(actor):
            context = {"typed": typed(request.POST), "files": bool(request.FILES)}
            return render(request, "409.html", context, status=409)

    def _run(self, request: HttpRequest, actor: work.Actor) -> HttpResponse:
        response: HttpResponse | None = None
        try:
            with work.acting(actor):
                response = self.get_response(request)
                failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
                if failed or request.refused is not None or request.damaged is not None:  # type: ignore[attr-defined]
                    raise _RollBack
        except _RollBack:
            assert response is not None
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer the two refusals and what was damaged; everything else is a fault and goes on to the error page."""
        if isinstance(exception, NotFound):
            request.refused = _what(request, "not found")  # type: ignore[attr-defined]
            return render(request, "404.html", status=404)
        if isinstance(exception, NotAllowed):
            request.refused = _what(request, "refused")  # type: ignore[attr-defined]
            return render(request, "403.html", {"reason": exception.message}, status=403)
        if (found := damage.of(exception)) is not None:
            request.damaged = damage.note(request, found)  # type: ignore[attr-defined]
            return damage.page(request, found)
        return None


def _what(request: HttpRequest, outcome: str) -> dict[str, str]:
    # Nothing where the service that refused has said more about it already: one refusal is one entry.
    if audit.is_refusal_told():
        return {}
    # The route with its ids, for whoever reads the trail: paths carry random ids only, query strings are left out.
    return {"outcome": outcome, "method": request.method or "", "path": request.path[:200]}


def _case_asked_for(request: HttpRequest) -> UUID | None:
    """Return the case in the address, there or not: whoever leads it sees in its trail who was refused."""
    match = request.resolver_match
    case_id = match.kwargs.get("case_id") if match is not None else None
    return case_id if isinstance(case_id, UUID) else None


def _has_failed(response: HttpResponse) -> bool:
    return response.status_code == HTTPStatus.CONFLICT or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _is_erased(request: HttpRequest, actor: work.Actor) -> bool:
    """Say whether a page failed because its case was erased while it was made: there is nothing, and no fault."""
    case_id = _case_asked_for(request)
    if case_id is None:
        return False
    with work.acting(actor):
        return selectors.is_erased(case_id)


def _made_ready_again(request: HttpRequest) -> bool:
    """Put a request back to where it was before its page ran, of which nothing was stored; False where it cannot be.

    An upload was taken over from its folder already. What signing in and its like do to a session is not undone.
    """
    match = request.resolver_match
    if request.FILES or match is None or not match.func.__module__.startswith("casework.desk."):
        return False
    request.session = type(request.session)(request.session.session_key)
    request._messages = default_storage(request)  # type: ignore[attr-defined]
    return True
