"""A signed-in person without a strong second factor gets no further than enrolling one, if they may do even that.

A newcomer may, and whoever opened the link that colleagues made for them (`resets`). Others had a factor that is gone:
by whatever way it went, the password alone sets up no new one.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from casework.accounts import after, browsers, resets, strong
from casework.accounts.adapters import STRONG
from casework.audit import services as audit

_ALWAYS_OPEN = frozenset({"account_logout", "factor_missing", "healthz", "readyz"})
# What someone without a second factor reaches if they may set one up: doing so, and confirming the password for it.
_TO_ENROL = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "account_reauthenticate",
    }
)
_SESSION_KEY = "second_factor_seen"
_TOLD_KEY = "second_factor_gone"


def has_strong_factor(user_id: object) -> bool:
    """Say whether someone holds a strong factor of a kind that is switched on; recovery codes alone do not count.

    Raises:
        DecryptError: what they hold was sealed to somebody else; so the rows are loaded, not only counted.
    """
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=STRONG))


class SecondFactorMiddleware:
    """Sends every signed-in user without a strong factor to enrolment, on every page but those enrolment needs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        browsers.remember(request, response)
        after.attach(request, response)
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """Redirect to enrolment where the second factor is missing."""
        if not request.user.is_authenticated or request.session.get(_SESSION_KEY):
            return None
        page = request.resolver_match.view_name if request.resolver_match is not None else ""
        if page in _ALWAYS_OPEN:
            return None
        if has_strong_factor(request.user.pk):
            request.session[_SESSION_KEY] = True
            return None
        if not resets.may_enrol(request):
            return _gone(request)
        return None if page in _TO_ENROL else redirect(reverse("mfa_activate_totp"))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Ask who it is where a page of the library wants to know again, and keep what was sent as elsewhere: sealed.

        The library itself would write the whole request into the session's row in the clear: what was typed, the
        address it came from, and the cookies, whose digest alone may stand there.
        """
        if not isinstance(exception, ReauthenticationRequired):
            return None
        if request.user.is_authenticated:
            return strong.ask_again(request)
        return redirect(f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': request.path})}")


def _gone(request: HttpRequest) -> HttpResponse:
    if not request.session.get(_TOLD_KEY):
        request.session[_TOLD_KEY] = True
        audit.record("auth.second_factor_failed", obj=request.user.pk, reason="damaged", outcome=1)
    return redirect(reverse("factor_missing"))
