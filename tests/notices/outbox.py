"""Notices for tests: about nothing in particular, to one of the cast."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from casework.core import ids, work
from casework.notices import services
from casework.notices.types import NewNotice

NOW = datetime(2026, 9, 22, 10, 0, tzinfo=UTC)
DUE = date(2026, 9, 24)


def a_notice(recipient: UUID, channel: str = "mail", **changes: Any) -> NewNotice:
    """Return a synthetic notice, due to be sent at NOW; each call is about something else."""
    values: dict[str, Any] = {
        "recipient_id": recipient,
        "channel": channel,
        "kind": "limit",
        "case_id": ids.new_id(),
        "about_id": ids.new_id(),
        "step": "3d",
        "due_on": DUE,
        "due_at": None,
        "send_at": NOW,
        "urgency": 1,
    }
    return NewNotice(**{**values, **changes})


def put(*notices: NewNotice) -> int:
    """Plan notices as the machine's own principal."""
    with work.acting(work.system_actor()):
        return services.put(notices)
