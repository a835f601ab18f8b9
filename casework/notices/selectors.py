"""Reading the outbox: what was planned and told, someone's inbox, and when the machine last did its work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet

from casework.core import clock
from casework.notices import demo_mailbox
from casework.notices.models import Heartbeat, Notice
from casework.notices.types import (
    ALERTS,
    Channel,
    Heartbeats,
    Inbox,
    InboxItem,
    Kind,
    MailboxMessage,
    State,
    StoredNotice,
)

PLANNING, DELIVERY, MAIL = "planning", "delivery", "mail"
# Those of these kinds are planned once and by nobody again: they are about a case or a colleague, not about a limit.
_TOLD_ONCE = (Kind.RULES, Kind.DAMAGED, *sorted(ALERTS))
_PLANNED_AGAIN = ~Q(kind__in=_TOLD_ONCE)
_OPEN = Q(state__in=[State.PLANNED, State.CLAIMED]) | Q(state=State.SENT, settled_at__isnull=True)


def about(ids: Iterable[UUID]) -> dict[UUID, list[StoredNotice]]:
    """Return every notice about these things, told or not, by thing (one query); things without any are absent."""
    found: dict[UUID, list[StoredNotice]] = {}
    for row in Notice.objects.filter(about_id__in=list(ids)).order_by("send_at", "id"):
        found.setdefault(row.about_id, []).append(_stored(row))
    return found


def open_subjects(case_ids: Iterable[UUID]) -> set[UUID]:
    """Return what notices of these cases are about, where something is planned or still stands in an inbox."""
    rows = Notice.objects.filter(_OPEN, _PLANNED_AGAIN, case_id__in=list(case_ids), settled_at__isnull=True)
    return set(rows.values_list("about_id", flat=True))


def planned_subjects() -> Iterator[UUID]:
    """Return what planned notices are about, streamed; outside a transaction it sees the moment of the call."""
    rows = Notice.objects.filter(_PLANNED_AGAIN, state=State.PLANNED).order_by("about_id")
    return iter(rows.values_list("about_id", flat=True).distinct().iterator(chunk_size=2000))


def waiting_lines(kind: Kind) -> list[StoredNotice]:
    """Return the lines of a kind that are planned and stand in no inbox yet (one query)."""
    rows = Notice.objects.filter(kind=kind, channel=Channel.INBOX, state=State.PLANNED).order_by("send_at", "id")
    return [_stored(row) for row in rows]


def mails_by_step(kind: Kind, steps: Iterable[str]) -> dict[str, tuple[UUID, date]]:
    """Return what the mails of a kind are about, and their date, by their step: the same for all of a step."""
    rows = Notice.objects.filter(kind=kind, channel=Channel.MAIL, step__in=list(steps))
    return {step: (about, due_on) for step, about, due_on in rows.values_list("step", "about_id", "due_on").distinct()}


def _stored(row: Notice) -> StoredNotice:
    return StoredNotice(
        id=row.pk,
        key=row.key,
        recipient_id=row.recipient_id,
        channel=row.channel,
        kind=row.kind,
        case_id=row.case_id,
        about_id=row.about_id,
        step=row.step,
        due_on=row.due_on,
        due_at=row.due_at,
        send_at=row.send_at,
        state=row.state,
        settled=row.settled_at is not None,
        told_at=_told_at(row),
        was_due_on=row.was_due_on,
    )


def _told_at(row: Notice) -> datetime | None:
    # A claim that was cut off, or voided in flight, may have reached the person: whoever plans must assume so.
    return row.sent_at or (row.claimed_until if row.claimed_by is not None else None)


def _inbox(user_id: UUID) -> QuerySet[Notice]:
    rows = Notice.objects.filter(recipient_id=user_id, channel=Channel.INBOX, state=State.SENT, settled_at__isnull=True)
    # What was only to be known is done with once it was taken in hand.
    return rows.exclude(kind__in=_TOLD_ONCE, acknowledged_at__isnull=False)


def inbox_for(user_id: UUID) -> Inbox:
    """Return someone's inbox: one line for each thing, the newest notice about it, grouped by the organisation's days.

    One query. Under the web role only one's own inbox has rows.
    """
    newest: dict[UUID, Notice] = {row.about_id: row for row in _inbox(user_id).order_by("sent_at", "send_at", "id")}
    items = sorted((_item(row) for row in newest.values()), key=lambda item: (item.due_on, str(item.due_at), item.id))
    now = clock.now()
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    groups: dict[str, list[InboxItem]] = {name: [] for name in ("overdue", "today", "tomorrow", "this_week", "later")}
    for item in items:
        groups[_group(item, now, today)].append(item)
    return Inbox(**{name: tuple(lines) for name, lines in groups.items()})


def _item(row: Notice) -> InboxItem:
    assert row.sent_at is not None
    return InboxItem(
        id=row.pk,
        case_id=row.case_id,
        about_id=row.about_id,
        subject_id=row.subject_id,
        kind=row.kind,
        step=row.step,
        due_on=row.due_on,
        due_at=row.due_at,
        was_due_on=row.was_due_on,
        urgent=row.urgency == 0,
        sent_at=row.sent_at,
        seen=row.seen_at is not None,
        acknowledged_at=row.acknowledged_at,
    )


def _group(item: InboxItem, now: datetime, today: date) -> str:
    if item.due_on < today or (item.due_at is not None and item.due_at <= now):
        return "overdue"
    if item.due_on == today:
        return "today"
    if item.due_on == today + timedelta(days=1):
        return "tomorrow"
    sunday = today + timedelta(days=6 - today.weekday())
    return "this_week" if item.due_on <= sunday else "later"


def unread_count(user_id: UUID, case_ids: QuerySet[Any, Any]) -> int:
    """Return how many lines of someone's inbox they have not seen (one query).

    `case_ids`: the cases that they may see, as a subquery; a line about another one is not on the page and not counted.
    """
    rows = _inbox(user_id).filter(Q(case_id__isnull=True) | Q(case_id__in=case_ids), seen_at__isnull=True)
    return rows.values("about_id").distinct().count()


def heartbeats() -> Heartbeats:
    """Return when planning and delivery last ran, and whether the mail server works (one query)."""
    rows = {row.name: row for row in Heartbeat.objects.all()}
    planning, delivery, mail = rows.get(PLANNING), rows.get(DELIVERY), rows.get(MAIL)
    return Heartbeats(
        planned_at=planning.at if planning else None,
        delivered_at=delivery.at if delivery else None,
        mail_failing_since=mail.failing_since if mail else None,
    )


def beat_at(name: str) -> datetime | None:
    """Return when a part of the machine last did its work; None: never."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def mailbox() -> tuple[MailboxMessage, ...]:
    """Return the mails of the demo's mailbox, newest first; empty outside demo mode."""
    return demo_mailbox.messages()
