"""How long a sign-in lasts: 30 minutes without use and 12 hours at most; nothing that was typed is lost.

Only what a person does counts as use: a page that asks by itself says so in a header and keeps nobody signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from casework.accounts import devices, keeping
from casework.accounts.types import LONGEST, UNUSED
from casework.core import clock

BACKGROUND: Final = "X-Casework-Background"
BEGAN: Final = "began"
SEEN: Final = "seen"
# Not every request needs a write: a minute more or less does not matter.
_STEP: Final = 60.0
_ALWAYS: Final = frozenset({"healthz", "readyz", "account_logout"})
# Whoever opens a link that is a secret needs no sign-in for it: they go on to it, signed out.
_BY_LINK: Final = frozenset({"accept_invitation", "new_factor", "demo_sign_in"})


def begin(session: Any) -> None:
    """Note when a sign-in began."""
    session[BEGAN] = session[SEEN] = clock.now().timestamp()


class PresenceMiddleware:
    """Ends a sign-in that lasted too long; runs inside the unit of work, after the form's token was checked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and match.view_name == "account_logout" and request.method == "POST":
            # A shared computer keeps nothing of what was shown.
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """Send somebody whose time is over to the sign-in page, and keep what they sent."""
        if not request.user.is_authenticated:
            return None
        match = request.resolver_match
        if match is not None and match.view_name in _ALWAYS:
            return None
        session, now = request.session, clock.now().timestamp()
        if BEGAN not in session:
            begin(session)
        if now - session[SEEN] > UNUSED.total_seconds() or now - session[BEGAN] > LONGEST.total_seconds():
            return _ended(request, unused=now - session[SEEN] > UNUSED.total_seconds())
        if BACKGROUND not in request.headers:
            if now - session[SEEN] > _STEP:
                session[SEEN] = now
                devices.note_seen(session)
            if request.method == "POST":
                keeping.forget_sent(request, request.POST)
        return None


def _ended(request: HttpRequest, *, unused: bool) -> HttpResponse:
    kept: dict[str, Any] = {}
    match = request.resolver_match
    by_link = match is not None and match.view_name in _BY_LINK
    # A form of the sign-in itself holds passwords and codes, which are never kept.
    is_ours = match is not None and not match.route.startswith("account/") and not by_link
    if request.method == "POST" and is_ours:
        keeping.keep(request, kept)
    request.signed_out_because = "too_long"  # type: ignore[attr-defined]  # for the entry that the receiver writes
    logout(request)
    request.session.update(kept)
    if unused:
        messages.info(request, _("You were signed out after half an hour without use."))
    else:
        messages.info(request, _("You were signed out: a sign-in lasts twelve hours at most."))
    if by_link:
        return redirect(request.path)  # and never into a query, where a proxy writes it down
    following = reverse("kept_input") if kept else request.path
    return redirect(f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': following})}")
