"""The demo's mailbox: mails become files that only their owner may read, and a page of the demo shows them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage as DjangoMessage
from django.core.mail.backends.base import BaseEmailBackend

from casework.core import clock, ids
from casework.notices.types import MailboxMessage

_MOST_SHOWN = 200


class Backend(BaseEmailBackend):
    """Writes each message to `CASEWORK_MAILBOX_DIR` as a file of mode 0600; refuses to work outside demo mode."""

    def send_messages(self, email_messages: Sequence[DjangoMessage]) -> int:
        folder = _folder()
        if folder is None:
            raise ImproperlyConfigured("The demo's mailbox is for demo mode: set EMAIL_URL to a mail server.")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            _write(folder, message.message().as_bytes(linesep="\r\n"))
        return len(email_messages)


def _folder() -> Path | None:
    return Path(settings.CASEWORK_MAILBOX_DIR) if settings.DEMO and settings.CASEWORK_MAILBOX_DIR else None


def _write(folder: Path, content: bytes) -> None:
    name = f"{int(clock.now().timestamp() * 1_000_000):020d}-{ids.new_id()}"
    # Under its final name only once it is whole: the page may read while a worker writes.
    half = folder / f"{name}.part"
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    half.rename(folder / f"{name}.eml")


def messages() -> tuple[MailboxMessage, ...]:
    """Return the newest mails first, at most 200; empty outside demo mode."""
    folder = _folder()
    if folder is None or not folder.is_dir():
        return ()
    names = sorted((path for path in folder.iterdir() if path.suffix == ".eml"), reverse=True)
    return tuple(_read(path) for path in names[:_MOST_SHOWN])


def _read(path: Path) -> MailboxMessage:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return MailboxMessage(
        id=path.stem,
        received_at=datetime.fromtimestamp(int(path.stem.partition("-")[0]) / 1_000_000, UTC),
        sender=str(message["From"]),
        recipient=str(message["To"]),
        subject=str(message["Subject"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        message_id=str(message["Message-ID"]),
    )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    return str(body.get_content()) if body is not None else ""
