"""What a mail says (next to nothing), and the one connection over which many are sent."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Mapping
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.message import sanitize_address
from django.template.loader import render_to_string
from django.utils import translation

from casework.core import clock
from casework.notices.types import ALERTS, Kind, Urgency

INBOX_PATH = "/inbox/"
# Alerts that say of a case, not of an account, that somebody should look.
_ABOUT_A_CASE = (Kind.GLASS_BROKEN, Kind.HANDED_OVER)


class ServerDown(Exception):
    """The mail server could not be reached, or does not let us in; nothing was said about any one mail."""


class Broken(Exception):
    """The conversation broke off: whether the server has taken the mail is not known."""


class Refused(Exception):
    """The server answered that it does not take this mail; `code` is its answer."""

    def __init__(self, code: int) -> None:
        super().__init__(f"answer {code}")
        self.code = code


class _Words(NamedTuple):
    subject: str
    text: str
    html: str


@lru_cache(maxsize=64)
def _words(kind: str, urgent: bool, language: str, url: str) -> _Words:
    # The words depend on nobody and on no case, which is the point of them; so a thousand mails share one rendering.
    context = {
        "correction": kind in (Kind.CORRECTION, Kind.RULES),
        "alert": kind in ALERTS,
        "about_a_case": kind in _ABOUT_A_CASE,
        "urgent": urgent,
        "url": url,
        "count": 1,
    }
    with translation.override(language):
        subject, text, html = (
            render_to_string(f"notices/mail/{name}", context) for name in ("subject.txt", "body.txt", "body.html")
        )
    return _Words(subject.strip(), text, html)


@lru_cache(maxsize=64)
def _laid_out(words: _Words, sender: str) -> bytes:
    """Return everything that mails with the same words share: the common headers, an empty line, both bodies."""
    common = EmailMultiAlternatives(words.subject, words.text, sender)
    common.attach_alternative(words.html, "text/html")
    message = common.message()
    for own in ("To", "Date", "Message-ID"):
        del message[own]
    message["Auto-Submitted"] = "auto-generated"
    return bytes(message.as_bytes(linesep="\r\n"))


class _Message:
    """A mail as bytes: what backends ask of `EmailMessage.message()`."""

    def __init__(self, own: Mapping[str, str], shared: bytes) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        self._bytes = head.encode("ascii") + shared

    def as_bytes(self, linesep: str = "\r\n") -> bytes:
        return self._bytes if linesep == "\r\n" else self._bytes.replace(b"\r\n", linesep.encode())


class Mail(EmailMultiAlternatives):
    """A mail that shares its layout with all others of the same words: laying out MIME costs more than sending it."""

    def message(self, **kwargs: object) -> _Message:
        (address,) = self.to
        if "\n" in address or "\r" in address:
            raise BadHeaderError("an address has one line")
        own = {
            "To": sanitize_address(address, "utf-8"),
            "Date": format_datetime(clock.now()),
            "Message-ID": self.extra_headers["Message-ID"],
        }
        words = _Words(str(self.subject), str(self.body), str(self.alternatives[0][0]))
        return _Message(own, _laid_out(words, self.from_email))


def message_id(notice_id: UUID) -> str:
    """Return the Message-ID of a notice's mail: always the same one, so that a repeated mail is seen to be the same."""
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "localhost"
    return f"<{notice_id}@{host}>"


def compose(*, notice_id: UUID, kind: str, urgency: int, address: str, language: str) -> Mail:
    """Return the mail of one notice: no name, reference, country, ground or date, only that something waits."""
    url = settings.BASE_URL.rstrip("/") + INBOX_PATH
    words = _words(kind, urgency == Urgency.URGENT, language, url)
    mail = Mail(words.subject, words.text, to=[address], headers={"Message-ID": message_id(notice_id)})
    mail.attach_alternative(words.html, "text/html")
    return mail


class Sender:
    """One connection to the mail server, opened at the first mail and again after a failure."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def send(self, mail: EmailMessage) -> None:
        """Send one mail; return only once the server has taken it.

        Raises:
            ServerDown: no connection, or no way in.
            Refused: the server answered no.
            Broken: the conversation broke off; the mail may or may not have been taken.
        """
        try:
            self._connection.open()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise ServerDown from error
        try:
            taken = self._connection.send_messages([mail])
        except smtplib.SMTPRecipientsRefused as error:
            self.close()
            raise Refused(next(iter(error.recipients.values()))[0]) from None
        except smtplib.SMTPResponseException as error:
            self.close()
            raise Refused(error.smtp_code) from None
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Broken from error
        if not taken:
            self.close()
            raise ServerDown

    def close(self) -> None:
        """Close the connection; a server that is gone already is no error."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._connection.close()
