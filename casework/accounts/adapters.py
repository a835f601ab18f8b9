"""What django-allauth asks of us: closed sign-up, mails that tell little, second factors sealed to their owner."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.urls import reverse

from casework.audit import services as audit
from casework.core import work
from casework.crypto import envelope
from casework.crypto import services as crypto
from casework.crypto.registry import TABLES

# A kind that is switched off is no factor at all, also where a row of it was added in SQL.
STRONG = frozenset(settings.MFA_SUPPORTED_TYPES) - {Authenticator.Type.RECOVERY_CODES.value}


@dataclass(frozen=True)
class _Site:
    """What the library's mails call us."""

    name: str
    domain: str


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up on their own; addresses in mails come from the settings, never from the request."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Put on record that somebody was locked out: the library has no signal for it."""
        if code == "too_many_login_attempts" and work.running() is not None:
            audit.record("auth.locked_out", reason="too_many_attempts", outcome=1)
        error: ValidationError = super().validation_error(code, *args)
        return error

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.BASE_URL + path.replace("UID-KEY", quote(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return settings.BASE_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def send_mail(self, template_prefix: str, email: str, context: Mapping[str, Any]) -> None:
        site = _Site(settings.MFA_TOTP_ISSUER, _host())
        super().send_mail(template_prefix, email, {**context, "current_site": site})

    def render_mail(self, *args: Any, **kwargs: Any) -> EmailMessage:
        """Give the mail an id of our own making: Django's carries the name of the machine."""
        message: EmailMessage = super().render_mail(*args, **kwargs)
        message.extra_headers["Message-ID"] = make_msgid(domain=_host())
        return message


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


class MfaAdapter(DefaultMFAAdapter):
    """Seals TOTP secrets and recovery seeds under the user's key, and keeps the last strong factor."""

    def encrypt(self, text: str) -> str:
        """Return `<user id>:<base64 of the sealed secret>` for the person who enrols, who is the actor."""
        user_id = work.current().actor.user_id
        assert user_id is not None
        sealed = envelope.seal(text, key=crypto.keys_for(user_id).newest, place=_place(user_id))
        return f"{user_id}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, encrypted_text: str) -> str:
        """Open a secret for the user it names; that this is the row's own user was asked when the row was loaded."""
        owner, _colon, body = encrypted_text.partition(":")
        user_id = UUID(owner)
        opened = envelope.open_(base64.b64decode(body), keys=crypto.keys_for(user_id), place=_place(user_id))
        assert isinstance(opened, str)
        return opened

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        supported = set(settings.MFA_SUPPORTED_TYPES)
        return bool(super().is_mfa_enabled(user, types=supported if types is None else supported & set(types)))

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        if authenticator.type not in STRONG:
            return True
        return bool(
            Authenticator.objects.filter(user=authenticator.user, type__in=STRONG).exclude(pk=authenticator.pk).exists()
        )


def _place(user_id: UUID) -> envelope.Place:
    return envelope.Place(table=TABLES["accounts.authenticator"], row=user_id, field=1)


def is_bound(authenticator: Any) -> bool:
    """Say whether a second factor is of a kind that is switched on and sealed to the person whose row it is."""
    if authenticator.type not in settings.MFA_SUPPORTED_TYPES:
        return False
    owner = f"{authenticator.user_id}:"
    return all(text.startswith(owner) for text in _sealed_texts(authenticator.data))


def _sealed_texts(data: Mapping[str, Any]) -> Iterator[str]:
    # Every entry that the library hands to `decrypt`, whatever the row's kind says.
    for name in ("secret", "seed"):
        if name in data:
            yield data[name]
    yield from data.get("migrated_codes") or ()
