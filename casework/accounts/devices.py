"""Where somebody is signed in: their own list, from which they can sign out a browser that is elsewhere."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import gettext as _

from casework.accounts.models import Device
from casework.accounts.sessions import stored_key
from casework.audit import services as audit
from casework.core import clock, ids
from casework.core.errors import NotFound
from casework.crypto import services as crypto

SESSION_KEY: Final = "device"
KNOWN_FOR: Final = timedelta(days=90)
# The first that fits: several browsers call themselves Chrome or Safari as well.
_BROWSERS: Final = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"))
_OTHER_BROWSERS: Final = (("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True)
class SignedIn:
    """One browser in which somebody is signed in. `here`: the one that asks."""

    id: UUID
    label: str
    began_at: datetime
    seen_at: datetime
    here: bool


def note(request: HttpRequest, user_id: UUID) -> None:
    """Put the session that has just begun on the person's list."""
    session = request.session
    if session.session_key is None:
        session.save()
    key = stored_key(str(session.session_key))
    _sweep(user_id, but=key)
    made = Device.objects.create(
        user_id=user_id,
        session_key=key,
        kind=kind_of(str(request.META.get("HTTP_USER_AGENT", ""))),
    )
    session[SESSION_KEY] = str(made.pk)


_SIGNED_IN = """
WITH before AS (SELECT token, last_at FROM audit_seendevice WHERE user_id = %(user)s),
     noted AS (INSERT INTO audit_seendevice (id, user_id, token, last_at) VALUES (%(id)s, %(user)s, %(token)s, %(now)s)
               ON CONFLICT (user_id, token) DO UPDATE SET last_at = excluded.last_at)
SELECT count(*) > 0 AND count(*) FILTER (WHERE token = ANY(%(tokens)s) AND last_at >= %(since)s) = 0 FROM before
"""


def is_new(user_id: UUID, kind: str) -> bool:
    """Note that somebody signs in with this kind of device, and say whether they had not done so for 90 days.

    At the very first sign-in nothing is new.
    """
    # Under the keys of all epochs, the newest first: another key makes no known device a new one.
    tokens = [
        hmac.digest(key, b"device" + user_id.bytes + kind.encode(), "sha256")[:16] for key in crypto.grant_mac_keys()
    ]
    now = clock.now()
    values: dict[str, Any] = {"user": user_id, "token": tokens[0], "tokens": tokens, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_SIGNED_IN, {**values, "id": ids.new_id(), "since": now - KNOWN_FOR})
        return bool(cursor.fetchone()[0])


def note_seen(session: Any) -> None:
    """Keep the list true: when the browser was last used, and under which key its session goes now."""
    device = session.get(SESSION_KEY)
    if device is not None:
        Device.objects.filter(pk=device).update(seen_at=clock.now(), session_key=stored_key(session.session_key))


def signed_in(request: HttpRequest) -> list[SignedIn]:
    """Return where the person is signed in, the latest use first; two queries."""
    devices = list(Device.objects.filter(user_id=_own(request)).order_by("-seen_at"))
    live = set(
        Session.objects.filter(
            session_key__in=[device.session_key for device in devices], expire_date__gt=clock.now()
        ).values_list("session_key", flat=True)
    )
    here = request.session.get(SESSION_KEY)
    return [
        SignedIn(device.pk, label(device.kind), device.began_at, device.seen_at, here=str(device.pk) == here)
        for device in devices
        if device.session_key in live
    ]


def sign_out(request: HttpRequest, device_id: UUID) -> None:
    """End the person's session in another browser; raise NotFound when it is not theirs, or is this one."""
    device = Device.objects.filter(pk=device_id, user_id=_own(request)).first()
    if device is None or str(device.pk) == request.session.get(SESSION_KEY):
        raise NotFound
    _end([device])
    audit.record("auth.session_ended", obj=request.user.pk)


def sign_out_elsewhere(request: HttpRequest) -> int:
    """End the person's sessions in all other browsers; return how many."""
    here = request.session.get(SESSION_KEY)
    others = [device for device in Device.objects.filter(user_id=_own(request)) if str(device.pk) != here]
    _end(others)
    if others:
        audit.record("auth.session_ended", obj=request.user.pk, body={"others": len(others)})
    return len(others)


def forget(session: Any) -> None:
    """Take a session that ends off the list."""
    device = session.get(SESSION_KEY)
    if device is not None:
        Device.objects.filter(pk=device).delete()


def _sweep(user_id: UUID, *, but: str) -> None:
    """Remove sessions that have ended by themselves, and take them off the person's list."""
    Session.objects.filter(expire_date__lt=clock.now()).exclude(session_key=but).delete()
    live = Session.objects.values("session_key")
    Device.objects.filter(user_id=user_id).exclude(session_key__in=live).delete()


def _end(devices: list[Device]) -> None:
    Session.objects.filter(session_key__in=[device.session_key for device in devices]).delete()
    Device.objects.filter(pk__in=[device.pk for device in devices]).delete()


def _own(request: HttpRequest) -> UUID:
    user_id: UUID = request.user.pk  # type: ignore[assignment]
    return user_id


def kind_of(agent: str) -> str:
    """Return browser and system of a User-Agent as `browser/system`, either empty: no version, which could name one."""

    def first(known: tuple[tuple[str, str], ...]) -> str:
        return next((name for word, name in known if re.search(rf"\b{word}\b", agent)), "")

    return f"{first((*_BROWSERS, *_OTHER_BROWSERS))}/{first(_SYSTEMS)}"


def label(kind: str) -> str:
    """Return browser and system in words."""
    browser, _slash, system = kind.partition("/")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("A browser")
