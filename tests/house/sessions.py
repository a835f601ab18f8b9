"""What the table of sessions holds, opened as the application opens it."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.models import Session
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing

from casework.accounts.sessions import salt_of


def opened() -> list[dict[str, Any]]:
    """Return the data of every session; a row that does not open fails the test."""
    return [
        signing.loads(row.session_data, salt=salt_of(row.session_key), serializer=JSONSerializer)
        for row in Session.objects.all()
    ]
