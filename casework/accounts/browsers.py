"""Browsers in which somebody signed in before, told by a cookie that means nothing to anybody else.

It opens nothing. Failed attempts from such a browser are counted apart (OWASP, "Slow down online guessing attacks with
device cookies"), so that a stranger who keeps typing wrong passwords locks nobody out of their own computer.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from casework.accounts import selectors

COOKIE: Final = "known"
_LIFE: Final = timedelta(days=90)
_PATH: Final = "/account/"


def known_to(request: HttpRequest, user_id: UUID) -> str:
    """Return the mark of a browser in which this person signed in before, else nothing."""
    mark, _dot, mac = request.COOKIES.get(COOKIE, "").partition(".")
    try:
        given = bytes.fromhex(mac)
    except ValueError:
        return ""
    return mark if mark and selectors.mac_matches(_bytes(user_id, mark), given) else ""


def signed_in(request: HttpRequest, user_id: UUID) -> None:
    """Note that somebody signed in with this request."""
    request.__dict__["signed_in_now"] = user_id


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser its mark after a sign-in, a new one each time."""
    user_id = request.__dict__.get("signed_in_now")
    if user_id is None:
        return
    mark = secrets.token_urlsafe(16)
    response.set_cookie(
        COOKIE,
        f"{mark}.{selectors.mac_of(_bytes(user_id, mark)).hex()}",
        max_age=_LIFE,
        path=_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _bytes(user_id: UUID, mark: str) -> bytes:
    # `"cw/k1" || user(16) || the mark in ASCII`
    return b"cw/k1" + user_id.bytes + mark.encode()
