"""The outbox and its heartbeat."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from casework.core import clock, ids
from casework.notices.types import Channel, Failure, Kind, State, Urgency


class Notice(models.Model):
    """One person is told of one occasion by one channel; a sent inbox row is the inbox item itself.

    `send_at` is when it was planned for, `next_try_at` when it may be claimed next. `settled_at`: what was told needs
    nobody's attention any more (met, moved, another's), so it has left the inbox.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    # None: about no case, such as an alert about an account.
    case_id = models.UUIDField(null=True)
    about_id = models.UUIDField()
    # The colleague whom an alert is about.
    subject_id = models.UUIDField(null=True)
    step = models.CharField(max_length=12)
    due_on = models.DateField()
    due_at = models.DateTimeField(null=True)
    was_due_on = models.DateField(null=True)
    urgency = models.SmallIntegerField(choices=Urgency.choices)
    key = models.CharField(max_length=160, unique=True)
    planned_at = models.DateTimeField(default=clock.now)
    send_at = models.DateTimeField()

    state = models.CharField(max_length=8, choices=State.choices, default=State.PLANNED)
    next_try_at = models.DateTimeField()
    claimed_by = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    # The mail server's last answer (RFC 5321), such as 250 or 451.
    answer_code = models.PositiveSmallIntegerField(null=True)
    failure = models.CharField(max_length=16, choices=Failure.choices, blank=True)

    settled_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state=State.CLAIMED)
                | Q(channel=Channel.MAIL, claimed_by__isnull=False, claimed_until__isnull=False),
                name="notices_claimed_by_whom_until",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SENT, sent_at__isnull=False) | (~Q(state=State.SENT) & Q(sent_at__isnull=True)),
                name="notices_sent_has_time",
            ),
            models.CheckConstraint(condition=~Q(state=State.FAILED) | ~Q(failure=""), name="notices_failed_has_reason"),
            models.CheckConstraint(
                condition=Q(seen_at__isnull=True, acknowledged_at__isnull=True)
                | Q(channel=Channel.INBOX, state=State.SENT),
                name="notices_only_inbox_is_seen",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["channel", "urgency", "next_try_at"],
                condition=Q(state=State.PLANNED),
                name="notices_waiting",
            ),
            models.Index(fields=["claimed_until"], condition=Q(state=State.CLAIMED), name="notices_claimed"),
            models.Index(fields=["about_id"], name="notices_about"),
            models.Index(fields=["case_id"], condition=Q(settled_at__isnull=True), name="notices_case_unsettled"),
            models.Index(
                fields=["recipient", "about_id", "sent_at"],
                condition=Q(channel=Channel.INBOX, state=State.SENT, settled_at__isnull=True),
                name="notices_inbox",
            ),
        ]

    recipient_id: UUID

    def __str__(self) -> str:
        return f"notice {self.pk}"


class Heartbeat(models.Model):
    """When a part of the machine last did its work; `failing_since` where it tries and does not succeed."""

    name = models.CharField(primary_key=True, max_length=16)
    at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"heartbeat {self.name}"
