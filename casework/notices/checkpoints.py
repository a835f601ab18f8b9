"""Checkpoints of the audit trail by mail: to the auditors, and to whoever outside keeps them too, once a day.

What is mailed is the day's checkpoint that says the ends of all streams: the one against which a shortened or rewritten
trail shows. It names nobody, and so does the mail.

That somebody was mailed it stands in the trail and nowhere else: an entry for each recipient, under an id that only
this installation can make of the checkpoint and the address. Whoever mails holds a lock until the entry is committed,
so two do not mail the same. The one gap is that of every mail: a crash after the mail server took it and before the
commit; it is then sent again, with the same Message-ID.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import connection
from django.template.loader import render_to_string
from django.utils import translation

from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.audit import actions, chain, seal
from casework.audit import services as audit
from casework.audit.models import Checkpoint, Entry
from casework.core import work
from casework.crypto import services as crypto
from casework.notices import mail

logger = logging.getLogger(__name__)

_LOCK: Final = 0x6377_6370_6D31  # "cwcpm1"
_MAILED: Final = actions.action_named("checkpoint.mailed")


def hand_out() -> int:
    """Mail the newest checkpoint with the ends of all streams to everybody who has not got it; return how many did.

    For the machine's own principal, each mail in a transaction of its own; safe to run at any time, by many at once.
    A recipient whose mail is refused is tried again with the next run, and keeps nobody else back.
    """
    sender = mail.Sender()
    sent = 0
    try:
        for address in recipients():
            try:
                sent += _mail_once(sender, address)
            except mail.ServerDown:
                logger.warning("checkpoint.mail_server_down", extra={"event": "checkpoint.mail_server_down"})
                return sent
            except (mail.Refused, mail.Broken) as error:
                told = {"event": "checkpoint.not_mailed", "error": type(error).__name__}
                logger.warning("checkpoint.not_mailed", extra=told)
    finally:
        sender.close()
    return sent


def recipients() -> list[str]:
    """Return the addresses of the active auditors and those of `CASEWORK_CHECKPOINT_MAIL`, each once.

    One in the setting that is no address is left out, with a line in the log that does not repeat it.
    """
    with work.acting(work.system_actor()):
        found = [person.email for person in accounts.holders(Role.AUDITOR)]
    for address in settings.CASEWORK_CHECKPOINT_MAIL:
        try:
            validate_email(address)
        except ValidationError:
            logger.error("checkpoint.no_address", extra={"event": "checkpoint.no_address"})
        else:
            found.append(address)
    return list(dict.fromkeys(address.lower() for address in found))


def _mail_once(sender: mail.Sender, address: str) -> bool:
    with work.acting(work.system_actor()):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        signed = seal.newest(with_heads=True)
        if signed is None:
            return False
        ids = [_id_of(key, signed.number, address) for key in crypto.audit_mac_keys()]
        if _is_mailed(ids, signed):
            return False
        sender.send(compose(signed, address, mail_id=ids[0]))
        audit.record(_MAILED.name, obj=ids[0], body={"checkpoint": signed.number})
    return True


def _is_mailed(ids: list[UUID], signed: Checkpoint) -> bool:
    """Say whether the trail has an entry of this mail, under the key of any epoch; not older than the checkpoint."""
    day = datetime.combine(signed.time.astimezone(UTC).date(), time(), UTC)
    mailed = Entry.objects.filter(actor=work.SYSTEM_ID, time_us__gte=chain.time_us(day), action=_MAILED.code)
    return mailed.filter(object__in=ids).exists()


def _id_of(key: bytes, number: int, address: str) -> UUID:
    """Return the id of one checkpoint's mail to one address, which tells neither to others."""
    return UUID(bytes=chain.event_mac(key, b"cw/cm1" + number.to_bytes(8, "big") + address.encode()))


def compose(signed: Checkpoint, address: str, *, mail_id: UUID) -> EmailMessage:
    """Return the mail: what to do with it, and the note as a file, since a mail's text may be wrapped on its way."""
    with translation.override(settings.LANGUAGE_CODE):
        subject, text = (render_to_string(f"notices/mail/checkpoint_{name}.txt") for name in ("subject", "body"))
    headers = {"Message-ID": mail.message_id(mail_id), "Auto-Submitted": "auto-generated"}
    made = EmailMessage(subject.strip(), text, to=[address], headers=headers)
    # As bytes: what is checked are the bytes of the note, with its own ends of lines.
    made.attach(f"checkpoint-{signed.number:08d}.note", signed.note.encode(), "application/octet-stream")
    return made
