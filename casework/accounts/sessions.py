"""Sessions whose rows sign nobody in: the table holds a digest of the cookie, and each row is signed for its own."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase

from casework.core import clock

_SALT = "casework.sessions"


def stored_key(cookie: str) -> str:
    """Return what stands in the table for a cookie: 40 hex digits of its SHA-256, as many as the column takes.

    A cookie holds 165 random bits, so its digest needs neither salt nor stretching.
    """
    return hashlib.sha256(cookie.encode()).hexdigest()[:40]


def salt_of(stored: str) -> str:
    """Return the salt under which the data of the row `stored` is signed: copied to another row it does not open."""
    return f"{_SALT}.{stored}"


class SessionStore(db.SessionStore):
    """Django's sessions in the database, under the digest of the key that the cookie carries."""

    @property
    def key_salt(self) -> str:
        """The salt of this session's own row."""
        return salt_of(stored_key(self.session_key or ""))

    def exists(self, session_key: str) -> bool:
        return super().exists(stored_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = stored_key(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        cookie = session_key or self.session_key
        if cookie is not None:
            super().delete(stored_key(cookie))

    def _get_session_from_db(self) -> Any:
        cookie = self.session_key
        row = None
        if cookie is not None:
            row = self.model.objects.filter(session_key=stored_key(cookie), expire_date__gt=clock.now()).first()
        if row is None:
            self._session_key = None
        return row

    # Django's own asynchronous methods would look rows up by the cookie itself: the base's run those above.
    aexists = SessionBase.aexists
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    adelete = SessionBase.adelete
    aload = SessionBase.aload
