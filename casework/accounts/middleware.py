"""A signed-in person without a strong second factor gets no further than enrolling one."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from casework.accounts.adapters import STRONG

# What someone without a second factor still reaches: enrolling one, confirming the password for it, leaving.
_OPEN_ROUTES = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "account_reauthenticate",
        "account_logout",
        "healthz",
        "readyz",
    }
)
_SESSION_KEY = "second_factor_seen"


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
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """Redirect to enrolment where the second factor is missing."""
        if not request.user.is_authenticated or request.session.get(_SESSION_KEY):
            return None
        if request.resolver_match is not None and request.resolver_match.view_name in _OPEN_ROUTES:
            return None
        if has_strong_factor(request.user.pk):
            request.session[_SESSION_KEY] = True
            return None
        return redirect(reverse("mfa_activate_totp"))
