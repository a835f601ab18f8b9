"""What somebody had typed when they had to prove who they are again: sealed to them, and given back to be sent.

It lies in the session's row under the key of the person, so the row tells nothing, and nobody else who signs in with
the same browser is given it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, QueryDict

from casework.core import clock
from casework.core.forms import typed
from casework.crypto import envelope
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError
from casework.crypto.registry import TABLES
from casework.crypto.types import KeyUnavailable

SESSION_KEY: Final = "kept"
SENT_AGAIN: Final = "_kept"
_LIFE: Final = timedelta(hours=24)
_MOST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Kept:
    """What was to be sent, and where. `files`: a file was chosen too, which is not kept."""

    id: str
    path: str
    fields: tuple[tuple[str, str], ...]
    files: bool


def keep(request: HttpRequest, session: MutableMapping[str, Any] | None = None) -> bool:
    """Seal what the request sends to the signed-in person and put it into `session`; say whether it could be kept.

    `session`: default the request's own. A form of more than a megabyte is not kept.
    """
    user_id: UUID = request.user.pk  # type: ignore[assignment]
    fields = [(name, value) for name, value in typed(request.POST) if name != SENT_AGAIN]
    plain = json.dumps({"path": request.path, "fields": fields, "files": bool(request.FILES)})
    if len(plain) > _MOST_BYTES:
        return False
    sealed = envelope.seal(plain, key=crypto.keys_for(user_id).newest, place=_place(user_id))
    given = request.session if session is None else session
    given[SESSION_KEY] = {
        "id": secrets.token_urlsafe(9),
        "of": str(user_id),
        "until": (clock.now() + _LIFE).timestamp(),
        "sealed": base64.b64encode(sealed).decode("ascii"),
    }
    return True


def kept_for(request: HttpRequest) -> Kept | None:
    """Return what is kept for the signed-in person; what is another's, too old or damaged is thrown away."""
    found = request.session.get(SESSION_KEY)
    if found is None:
        return None
    user_id: UUID = request.user.pk  # type: ignore[assignment]
    try:
        if found["of"] != str(user_id) or found["until"] < clock.now().timestamp():
            raise DecryptError
        opened = envelope.open_(base64.b64decode(found["sealed"]), keys=crypto.keys_for(user_id), place=_place(user_id))
    except (DecryptError, KeyUnavailable):
        forget(request)
        return None
    said = json.loads(str(opened))
    fields = tuple((str(name), str(value)) for name, value in said["fields"])
    return Kept(id=found["id"], path=said["path"], fields=fields, files=said["files"])


def forget(request: HttpRequest) -> None:
    """Throw away what is kept."""
    request.session.pop(SESSION_KEY, None)


def forget_sent(request: HttpRequest, sent: QueryDict) -> None:
    """Throw away what is kept once it is sent again."""
    found = request.session.get(SESSION_KEY)
    if found is not None and sent.get(SENT_AGAIN) == found["id"]:
        forget(request)


def _place(user_id: UUID) -> envelope.Place:
    return envelope.Place(table=TABLES["accounts.kept"], row=user_id, field=1)
