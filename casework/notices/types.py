"""What this area takes in and hands out: frozen values, no queries behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import models
from django.utils.translation import pgettext_lazy


class Channel(models.TextChoices):
    """How somebody is told."""

    INBOX = "inbox", pgettext_lazy("channel", "Inbox")
    MAIL = "mail", pgettext_lazy("channel", "E-mail")


class Kind(models.TextChoices):
    """What a notice is about."""

    LIMIT = "limit", pgettext_lazy("notice", "A time limit needs attention")
    CORRECTION = "correction", pgettext_lazy("notice", "The date of a time limit has changed")
    RULES = "rules", pgettext_lazy("notice", "Time limits of a case moved when all were computed again")
    DAMAGED = "damaged", pgettext_lazy("notice", "A record was changed outside the application")
    GLASS_BROKEN = "glass_broken", pgettext_lazy("notice", "A case was opened in an emergency")
    FROZEN = "frozen", pgettext_lazy("notice", "An account was frozen for travel")
    UNFREEZING = "unfreezing", pgettext_lazy("notice", "A frozen account is opened again")
    FACTOR_RESET = "factor_reset", pgettext_lazy("notice", "Somebody is to set up a new second factor")
    ROLE_ASKED = "role_asked", pgettext_lazy("notice", "A new coordinator waits for confirmation")
    ROLE_GIVEN = "role_given", pgettext_lazy("notice", "A role was given")
    ROLE_TAKEN = "role_taken", pgettext_lazy("notice", "A role was taken away")
    SWITCHED_OFF = "switched_off", pgettext_lazy("notice", "An account was switched off")
    SWITCHED_ON = "switched_on", pgettext_lazy("notice", "An account was switched on again")
    HANDED_OVER = "handed_over", pgettext_lazy("notice", "Cases were handed over")
    UNUSUAL = "unusual", pgettext_lazy("notice", "Unusual access")


# Of grave events, not of time limits; told once, where they happen. The wall names them too (migration 0005).
ALERTS: frozenset[str] = frozenset(
    {
        Kind.GLASS_BROKEN,
        Kind.FROZEN,
        Kind.UNFREEZING,
        Kind.FACTOR_RESET,
        Kind.ROLE_ASKED,
        Kind.ROLE_GIVEN,
        Kind.ROLE_TAKEN,
        Kind.SWITCHED_OFF,
        Kind.SWITCHED_ON,
        Kind.HANDED_OVER,
        Kind.UNUSUAL,
    }
)


class State(models.TextChoices):
    """Where a notice stands. `claimed` holds for mail alone: an inbox row is delivered by its change of state."""

    PLANNED = "planned", pgettext_lazy("notice state", "Planned")
    CLAIMED = "claimed", pgettext_lazy("notice state", "Being sent")
    SENT = "sent", pgettext_lazy("notice state", "Sent")
    VOIDED = "voided", pgettext_lazy("notice state", "No longer needed")
    FAILED = "failed", pgettext_lazy("notice state", "Could not be sent")


class Urgency(models.IntegerChoices):
    """Urgent notices are claimed before ordinary ones."""

    URGENT = 0, pgettext_lazy("urgency", "Urgent")
    ORDINARY = 1, pgettext_lazy("urgency", "Ordinary")


class Failure(models.TextChoices):
    """Why a notice was given up."""

    INACTIVE = "inactive", pgettext_lazy("failure", "The account is not active")
    UNDELIVERABLE = "undeliverable", pgettext_lazy("failure", "The mail server refused it again and again")


@dataclass(frozen=True)
class NewNotice:
    """One occasion to tell one person by one channel; times aware.

    `about_id` is what the notice is about (a time limit; of kind `rules`, the case or the run; of an alert, the
    occasion), `step` the code of the occasion (`"7d"`), `due_at` stands beside `due_on` where the hour counts,
    `was_due_on` is the date told before (corrections). `nth` tells apart occasions that are otherwise equal.
    `subject_id` is the colleague whom an alert is about.
    """

    recipient_id: UUID
    channel: str
    kind: str
    case_id: UUID | None
    about_id: UUID
    step: str
    due_on: date
    due_at: datetime | None
    send_at: datetime
    urgency: int
    was_due_on: date | None = None
    nth: int = 0
    subject_id: UUID | None = None

    @property
    def key(self) -> str:
        """The idempotency key: the same occasion twice is the same text (the wall knows how an alert's is made)."""
        if self.kind in ALERTS:
            return f"{self.recipient_id}:{self.channel}:{self.about_id}:{self.kind}"
        due = str(int(self.due_at.timestamp())) if self.due_at else self.due_on.isoformat()
        step = f"{self.step}.{self.nth}" if self.nth else self.step
        return f"{self.recipient_id}:{self.channel}:{self.about_id}:{step}:{due}"


@dataclass(frozen=True)
class StoredNotice:
    """A notice as those who plan need it. `told_at`: when the recipient was told, or may have been (None: never)."""

    id: UUID
    key: str
    recipient_id: UUID
    channel: str
    kind: str
    case_id: UUID | None
    about_id: UUID
    step: str
    due_on: date
    due_at: datetime | None
    send_at: datetime
    state: str
    settled: bool
    told_at: datetime | None
    was_due_on: date | None = None


@dataclass(frozen=True)
class InboxItem:
    """One line of the inbox: the newest notice about one thing. `due_at` stands beside `due_on` where hours count."""

    id: UUID
    case_id: UUID | None
    about_id: UUID
    subject_id: UUID | None
    kind: str
    step: str
    due_on: date
    due_at: datetime | None
    was_due_on: date | None
    urgent: bool
    sent_at: datetime
    seen: bool
    acknowledged_at: datetime | None

    @property
    def due(self) -> date | datetime:
        """The date to act by, with its hour where it counts."""
        return self.due_at or self.due_on

    @property
    def acknowledged(self) -> bool:
        return self.acknowledged_at is not None


@dataclass(frozen=True)
class Inbox:
    """What waits for one person, by when it is due; each group by due date."""

    overdue: tuple[InboxItem, ...]
    today: tuple[InboxItem, ...]
    tomorrow: tuple[InboxItem, ...]
    this_week: tuple[InboxItem, ...]
    later: tuple[InboxItem, ...]

    @property
    def items(self) -> tuple[InboxItem, ...]:
        """Every line, the most pressing first."""
        return self.overdue + self.today + self.tomorrow + self.this_week + self.later


@dataclass(frozen=True)
class Heartbeats:
    """When the machine last planned and delivered (None: never), and since when the mail server fails (None: works)."""

    planned_at: datetime | None
    delivered_at: datetime | None
    mail_failing_since: datetime | None


@dataclass(frozen=True)
class Delivered:
    """What one dispatch did: rows put into inboxes, mails sent, notices given up, mails to be tried again."""

    inbox: int = 0
    mail: int = 0
    failed: int = 0
    postponed: int = 0
    mail_server_down: bool = False


@dataclass(frozen=True)
class MailboxMessage:
    """A mail of the demo's mailbox."""

    id: str
    received_at: datetime
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    message_id: str
