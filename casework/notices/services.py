"""Planning, claiming, sending and marking notices; opening and acknowledging one's inbox.

Exactly once where it can be: an inbox row is delivered by its change of state, so it can neither be lost nor doubled.
At least once where it cannot: a mail is claimed with a lease, sent, then marked. The one gap is a crash after the mail
server took a mail and before our mark: the lease ends and the mail is sent again, with the same Message-ID.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet

from casework.audit import actions
from casework.audit import services as audit
from casework.core import clock, ids, work
from casework.core.errors import NotFound
from casework.notices import mail, selectors
from casework.notices.models import Heartbeat, Notice
from casework.notices.signals import dispatching
from casework.notices.types import ALERTS, Channel, Delivered, Failure, Inbox, Kind, NewNotice, State

logger = logging.getLogger(__name__)

INBOX_BATCH = 500
# Few, so that an urgent mail waits for no more than these, and a killed worker leaves no more than these behind.
MAIL_BATCH = 20
LEASE = timedelta(minutes=3)
# No mail is begun later than this after the claim, so that a slow mail server's answer still comes within the lease.
SEND_WITHIN = timedelta(minutes=1)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 40


# --- planning ------------------------------------------------------------------------------------------------------

_INSERT = """
INSERT INTO notices_notice (id, recipient_id, channel, kind, case_id, about_id, subject_id, step, due_on, due_at,
                            was_due_on, urgency, key, planned_at, send_at, state, next_try_at, attempts, failure)
SELECT id, recipient, channel, kind, case_id, about, subject, step, due_on, due_at, was_due_on,
       urgency, key, %(now)s, send_at, 'planned', send_at, 0, ''
  FROM unnest(%(id)s::uuid[], %(recipient)s::uuid[], %(channel)s::text[], %(kind)s::text[], %(case)s::uuid[],
              %(about)s::uuid[], %(subject)s::uuid[], %(step)s::text[], %(due_on)s::date[], %(due_at)s::timestamptz[],
              %(was_due_on)s::date[], %(urgency)s::smallint[], %(key)s::text[], %(send_at)s::timestamptz[])
       AS wanted (id, recipient, channel, kind, case_id, about, subject, step, due_on, due_at, was_due_on, urgency, key,
                  send_at)
"""

_PUT = (
    _INSERT
    + """
ON CONFLICT (key) DO UPDATE
   SET state = CASE WHEN notices_notice.claimed_by IS NULL THEN 'planned' ELSE 'claimed' END,
       urgency = excluded.urgency, send_at = excluded.send_at, next_try_at = excluded.send_at
 WHERE notices_notice.state = 'voided'
"""
)

# Names no column to conflict on: the web role may add alerts to others, and read nothing of theirs.
_PUT_ONCE = _INSERT + "ON CONFLICT DO NOTHING"


def put(wanted: Iterable[NewNotice]) -> int:
    """Plan notices and return how many are new; one that is planned, sent or given up already stays as it is.

    One that was voided is planned again: a date that moved away and back. In the unit of work that runs.
    """
    return _insert(_PUT, wanted)


def put_once(wanted: Iterable[NewNotice]) -> int:
    """Plan notices that nobody calls off and return how many are new; for the web role too, which may plan alerts."""
    return _insert(_PUT_ONCE, wanted)


def _insert(sql: str, wanted: Iterable[NewNotice]) -> int:
    rows = list({notice.key: notice for notice in wanted}.values())
    if not rows:
        return 0
    columns: dict[str, Any] = {
        "now": clock.now(),
        "id": [ids.new_id() for _row in rows],
        "recipient": [row.recipient_id for row in rows],
        "channel": [str(row.channel) for row in rows],
        "kind": [str(row.kind) for row in rows],
        "case": [row.case_id for row in rows],
        "about": [row.about_id for row in rows],
        "subject": [row.subject_id for row in rows],
        "step": [row.step for row in rows],
        "due_on": [row.due_on for row in rows],
        "due_at": [row.due_at for row in rows],
        "was_due_on": [row.was_due_on for row in rows],
        "urgency": [int(row.urgency) for row in rows],
        "key": [row.key for row in rows],
        "send_at": [row.send_at for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, columns)
        return int(cursor.rowcount)


def void(notice_ids: Iterable[UUID]) -> int:
    """Call planned notices off and return how many. One that is being sent just now stays known as such (`told_at`)."""
    rows = Notice.objects.filter(pk__in=list(notice_ids), state__in=[State.PLANNED, State.CLAIMED])
    return rows.update(state=State.VOIDED)


def settle(notice_ids: Iterable[UUID]) -> int:
    """Take notices that were told out of the inbox: they need nobody's attention any more. Return how many."""
    rows = Notice.objects.filter(pk__in=list(notice_ids), state=State.SENT, settled_at__isnull=True)
    return rows.update(settled_at=clock.now())


def beat(name: str, *, failing: bool = False, at: datetime | None = None) -> None:
    """Note that a part of the machine did its work now (or up to `at`), or (`failing`) tried and did not succeed."""
    now = at or clock.now()
    if failing:
        Heartbeat.objects.bulk_create([Heartbeat(name=name)], ignore_conflicts=True)
        Heartbeat.objects.filter(name=name, failing_since__isnull=True).update(failing_since=now)
        return
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "failing_since"],
    )


# --- delivering ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """Mails that nobody else sends before `until`; `token` proves whose claim it is. Each notice has its recipient."""

    token: UUID
    until: datetime
    notices: tuple[Notice, ...]


def dispatch() -> Delivered:
    """Deliver everything that is due, urgent notices first, and return what was done.

    For the machine's own principal, in transactions of its own; safe to run at any time, by many at once. Writes one
    trail entry for each delivery.
    """
    dispatching.send_robust(sender=Notice)
    with work.acting(work.system_actor()):
        _tell_once()
    boxed = _deliver_inboxes()
    mailed = _deliver_mails()
    with work.acting(work.system_actor()):
        beat(selectors.DELIVERY)
        if mailed.mail or mailed.mail_server_down:
            beat(selectors.MAIL, failing=mailed.mail_server_down)
    done = replace(mailed, inbox=boxed.inbox, failed=boxed.failed + mailed.failed)
    if done != Delivered():
        logger.info("notices.dispatched", extra={"event": "notices.dispatched", "count": done.inbox + done.mail})
    return done


def _tell_once() -> None:
    """Drop what says of a case only that limits moved, where the same person is told the new date of one; and a mail
    about a run that has no line left."""
    waiting = Notice.objects.filter(kind=Kind.RULES, state=State.PLANNED)
    if not waiting.exists():
        return
    corrections = Notice.objects.filter(
        kind=Kind.CORRECTION,
        channel=Channel.INBOX,
        state__in=[State.PLANNED, State.SENT],
        recipient_id=OuterRef("recipient_id"),
        case_id=OuterRef("case_id"),
        send_at__gte=OuterRef("planned_at"),
    )
    waiting.filter(Exists(corrections), channel=Channel.INBOX).update(state=State.VOIDED)
    lines = Notice.objects.filter(
        kind=Kind.RULES,
        channel=Channel.INBOX,
        state__in=[State.PLANNED, State.SENT],
        recipient_id=OuterRef("recipient_id"),
        step=OuterRef("step"),
    )
    waiting.filter(~Exists(lines), channel=Channel.MAIL).update(state=State.VOIDED)


# Columns of a user that the worker's database role may not read.
_HIDDEN = ("password", "last_login", "is_superuser", "age_recipient", "joined_at", "frozen_at", "switched_off_at")
_NOT_OURS = tuple(f"recipient__{name}" for name in _HIDDEN)


def _due(channel: Channel, most: int) -> list[Notice]:
    rows = Notice.objects.filter(channel=channel, state=State.PLANNED, next_try_at__lte=clock.now())
    # Whoever else delivers at this moment holds other rows: nobody waits, nothing is taken twice.
    locked = rows.select_for_update(skip_locked=True, of=("self",)).select_related("recipient").defer(*_NOT_OURS)
    return list(locked.order_by("urgency", "next_try_at")[:most])


def _deliver_inboxes() -> Delivered:
    sent = failed = 0
    while True:
        with work.acting(work.system_actor()):
            rows = _due(Channel.INBOX, INBOX_BATCH)
            active = [row for row in rows if row.recipient.is_active]
            Notice.objects.filter(pk__in=[row.pk for row in active]).update(state=State.SENT, sent_at=clock.now())
            for row in active:
                _tell_trail("sent", row)
            gone = [row for row in rows if not row.recipient.is_active]
            for row in gone:
                _give_up(row, Failure.INACTIVE)
        sent, failed = sent + len(active), failed + len(gone)
        if len(rows) < INBOX_BATCH:
            return Delivered(inbox=sent, failed=failed)


def _tell_trail(what: str, notice: Notice, *, outcome: int = actions.DONE, **more: object) -> None:
    action = f"notice.{what}" if notice.kind in ALERTS else f"reminder.{what}"
    body = {"case": notice.case_id, "recipient": notice.recipient_id, "about": notice.about_id}
    told = {"channel": notice.channel, "step": notice.step, "due": notice.due_at or notice.due_on}
    audit.record(action, obj=notice.pk, outcome=outcome, body={**body, **told, **more})


def _give_up(notice: Notice, failure: Failure) -> None:
    ended = {"claimed_by": None, "claimed_until": None}
    Notice.objects.filter(pk=notice.pk).update(state=State.FAILED, failure=failure, **ended)
    _tell_trail("failed", notice, outcome=actions.FAILED, failure=failure)


def claim(most: int = MAIL_BATCH) -> Claim:
    """Claim up to `most` mails that are due, in a transaction of its own; nobody else sends them before the claim ends.

    Mails whose claim has ended (their worker died) are due again.
    """
    token, until = ids.new_id(), clock.now() + LEASE
    with work.acting(work.system_actor()):
        # The ended claim's token stays: it may have reached the person (`told_at`), and its holder, if only slow, may
        # still mark it.
        ended = Notice.objects.filter(state=State.CLAIMED, claimed_until__lte=clock.now())
        ended.update(state=State.PLANNED)
        rows = _due(Channel.MAIL, most)
        taken = Notice.objects.filter(pk__in=[row.pk for row in rows])
        if rows:
            taken.update(state=State.CLAIMED, claimed_by=token, claimed_until=until, attempts=F("attempts") + 1)
    return Claim(token, until, tuple(rows))


def _deliver_mails() -> Delivered:
    done = Delivered()
    sender = mail.Sender()
    try:
        while True:
            claimed = claim()
            for at, notice in enumerate(claimed.notices):
                if clock.now() > claimed.until - LEASE + SEND_WITHIN:
                    _release(claimed, claimed.notices[at:])
                    break
                done = _deliver_mail(sender, claimed, notice, done)
                if done.mail_server_down:
                    _release(claimed, claimed.notices[at + 1 :])
                    return done
            if len(claimed.notices) < MAIL_BATCH:
                return done
    finally:
        sender.close()


def _deliver_mail(sender: mail.Sender, claimed: Claim, notice: Notice, done: Delivered) -> Delivered:
    person = notice.recipient
    if not person.is_active or notice.attempts >= MOST_ATTEMPTS:
        with work.acting(work.system_actor()):
            _give_up(notice, Failure.UNDELIVERABLE if person.is_active else Failure.INACTIVE)
        return replace(done, failed=done.failed + 1)
    try:
        sender.send(
            mail.compose(
                notice_id=notice.pk,
                kind=notice.kind,
                urgency=notice.urgency,
                address=person.email,
                language=person.language,
            )
        )
    except mail.ServerDown:
        _release(claimed, [notice])
        return replace(done, mail_server_down=True)
    except mail.Broken:
        _postpone(claimed, notice, answer=None)
        return replace(done, postponed=done.postponed + 1, mail_server_down=True)
    except mail.Refused as refusal:
        _postpone(claimed, notice, answer=refusal.code)
        return replace(done, postponed=done.postponed + 1)
    except Exception:
        # One mail that cannot even be written must not keep back those behind it.
        logger.exception("notices.mail_not_made", extra={"event": "notices.mail_not_made"})
        _postpone(claimed, notice, answer=None)
        return replace(done, postponed=done.postponed + 1)
    _mark_sent(claimed, notice)
    return replace(done, mail=done.mail + 1)


def _mine(claimed: Claim, notices: Sequence[Notice]) -> QuerySet[Notice]:
    return Notice.objects.filter(pk__in=[notice.pk for notice in notices], claimed_by=claimed.token)


# Voided while it was on its way: it was told all the same, and needs nobody's attention.
_MARK = """
UPDATE notices_notice
   SET state = 'sent', sent_at = %(now)s, answer_code = 250, claimed_by = NULL, claimed_until = NULL,
       settled_at = CASE WHEN state = 'voided' THEN %(now)s::timestamptz END
 WHERE id = %(id)s AND claimed_by = %(token)s
"""


def _mark_sent(claimed: Claim, notice: Notice) -> None:
    with work.acting(work.system_actor()):
        with connection.cursor() as cursor:
            cursor.execute(_MARK, {"now": clock.now(), "id": notice.pk, "token": claimed.token})
            marked = cursor.rowcount == 1
        if marked:
            _tell_trail("sent", notice, answer=250)


def _release(claimed: Claim, notices: Sequence[Notice]) -> None:
    """Give back mails that were not begun; the try does not count."""
    with work.acting(work.system_actor()):
        mine = _mine(claimed, notices)
        mine.filter(state=State.CLAIMED).update(state=State.PLANNED)
        mine.update(claimed_by=None, claimed_until=None, attempts=F("attempts") - 1)


def _postpone(claimed: Claim, notice: Notice, *, answer: int | None) -> None:
    """Try a mail again later, after a pause that doubles; `answer` is the server's, None where it gave none."""
    pause = min(FIRST_PAUSE * 2 ** min(notice.attempts, 16), LONGEST_PAUSE)
    with work.acting(work.system_actor()):
        mine = _mine(claimed, [notice])
        mine.filter(state=State.CLAIMED).update(state=State.PLANNED)
        mine.update(next_try_at=clock.now() + pause, answer_code=answer)
        if answer is not None:
            # Refused in so many words, so the person was not told; without an answer they may have been.
            mine.update(claimed_by=None, claimed_until=None)


# --- the inbox -----------------------------------------------------------------------------------------------------


def open_inbox() -> Inbox:
    """Return the actor's inbox and note that its lines were seen; one entry in the trail.

    Raises:
        NotFound: nobody is signed in.
    """
    user_id = _reader()
    found = selectors.inbox_for(user_id)
    rows = Notice.objects.filter(recipient_id=user_id, channel=Channel.INBOX, state=State.SENT, seen_at__isnull=True)
    rows.update(seen_at=clock.now())
    audit.record("inbox.viewed", body={"lines": len(found.items)})
    return found


def acknowledge(notice_id: UUID) -> str:
    """Note that the actor has taken a line of their inbox in hand and return its kind; writes to the trail.

    Doing it twice changes nothing. Acknowledging is not meeting: a time limit runs on until a fact meets it.

    Raises:
        NotFound: there is no such line in the actor's own inbox.
    """
    user_id = _reader()
    mine = Notice.objects.filter(recipient_id=user_id, channel=Channel.INBOX, state=State.SENT)
    row = mine.filter(pk=notice_id).first()
    if row is None:
        raise NotFound
    waiting = mine.filter(about_id=row.about_id, sent_at__lte=row.sent_at, acknowledged_at__isnull=True)
    if waiting.update(acknowledged_at=clock.now()):
        body = {"case": row.case_id, "about": row.about_id, "step": row.step, "due": row.due_at or row.due_on}
        audit.record("inbox.acknowledged", obj=row.pk, body=body)
    return row.kind


def _reader() -> UUID:
    user_id = work.current().actor.user_id
    if user_id is None:
        raise NotFound
    return user_id
