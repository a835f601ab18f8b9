"""Telling colleagues of a grave event: at once, in the unit of work in which it happens, so that neither is without the
other. The web role may add these notices and no others (`migrations/0005_alerts`)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from casework.accounts import selectors as accounts
from casework.core import clock
from casework.core.jobs import enqueue
from casework.notices import services
from casework.notices.types import ALERTS, Channel, NewNotice, Urgency


def tell(
    kind: str,
    recipients: Collection[UUID],
    *,
    about_id: UUID,
    case_id: UUID | None = None,
    subject_id: UUID | None = None,
) -> int:
    """Plan one line of the inbox and one mail for each recipient and return how many of these are new.

    `about_id` is the occasion (a grant, a request): nobody is told twice of the same one by the same kind. `subject_id`
    is the colleague it is about; the inbox names them, mails name nobody. Accounts that are closed are told nothing.

    Raises:
        ValueError: `kind` is none of `types.ALERTS`.
    """
    if kind not in ALERTS:
        raise ValueError("this kind is planned by whoever derives it")
    now = clock.now()
    wanted = [
        NewNotice(
            recipient_id=person,
            channel=channel,
            kind=kind,
            case_id=case_id,
            about_id=about_id,
            step=str(kind),
            due_on=clock.today(),
            due_at=None,
            send_at=now,
            urgency=Urgency.URGENT,
            subject_id=subject_id,
        )
        for person in accounts.active(recipients)
        for channel in (Channel.INBOX, Channel.MAIL)
    ]
    # Two who tell of the same occasion meet at the same key first, so that neither waits for the other in a circle.
    new = services.put_once(sorted(wanted, key=lambda notice: notice.key))
    if new:
        enqueue("notices.deliver", queue="urgent")
    return new
