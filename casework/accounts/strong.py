"""The question who is at the keyboard, asked again before acts that cannot be taken back.

The library's own decorator takes the password alone, also from somebody who has a second factor.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from casework.accounts import keeping
from casework.core import clock

FRESH: Final = timedelta(minutes=5)

View = Callable[..., HttpResponse]


def is_fresh(request: HttpRequest) -> bool:
    """Say whether the second factor was given within the last five minutes; the password alone does not count."""
    since = (clock.now() - FRESH).timestamp()
    given = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    return any(one.get("method") == "mfa" and one.get("at", 0) >= since for one in given)


def freshly_confirmed(view: View) -> View:
    """Ask for the second factor before a view unless it was given within five minutes; what was sent is kept."""

    @wraps(view)
    def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_fresh(request) else ask_again(request)

    return confirmed


def confirmed_to_send(view: View) -> View:
    """Ask as `freshly_confirmed` does, before something is sent to a view; it may be read without."""

    @wraps(view)
    def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_read = request.method != "POST"
        return view(request, *args, **kwargs) if is_read or is_fresh(request) else ask_again(request)

    return confirmed


def ask_again(request: HttpRequest) -> HttpResponse:
    """Keep what the request sends and lead to the page that asks for the second factor, and from there back."""
    following = request.path
    if request.method == "POST":
        if keeping.keep(request):
            following = reverse("kept_input")
        else:
            messages.warning(request, _("That was too much to be kept. Confirm that it is you, then enter it again."))
    ways = get_adapter().get_reauthentication_methods(request.user)
    ask = ways[0]["url"] if ways else reverse("mfa_reauthenticate")
    return redirect(f"{ask}?{urlencode({'next': following})}")
