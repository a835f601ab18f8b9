"""What django-allauth asks of us: closed sign-up, mails that tell little, second factors sealed to their owner."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casework.accounts import after, browsers, selectors
from casework.accounts.models import User
from casework.audit import services as audit
from casework.core import work
from casework.crypto import envelope
from casework.crypto import services as crypto
from casework.crypto.registry import TABLES

_RESET_MAIL = "account/email/password_reset_key"
_NOBODY = UUID(int=0)
_MAC = "mac"
_MAC_BYTES = 16
# A kind that is switched off is no factor at all, also where a row of it was added in SQL.
STRONG = frozenset(settings.MFA_SUPPORTED_TYPES) - {Authenticator.Type.RECOVERY_CODES.value}


@dataclass(frozen=True)
class _Site:
    """What the library's mails call us."""

    name: str
    domain: str


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up on their own; addresses in mails come from the settings, never from the request."""

    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _(
            "Too many attempts. Wait five minutes, then try again: until then the right answer is refused too. Nobody"
            " is locked out for longer than that."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Put on record that somebody was locked out: the library has no signal for it."""
        if code == "too_many_login_attempts" and work.running() is not None:
            audit.record("auth.locked_out", reason="too_many_attempts", outcome=1)
        error: ValidationError = super().validation_error(code, *args)
        return error

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Whoever has a second factor confirms with one: a password, which may be phished, does not count alone.

        The first is the one that is asked for: the app, else a passkey.
        """
        found: dict[str, dict[str, Any]] = {one["id"]: one for one in super().get_reauthentication_methods(user)}
        kinds = kinds_of(user.pk) if user.is_authenticated else frozenset()
        if not kinds & STRONG:
            return list(found.values())
        code, passkey = found.get("mfa_reauthenticate"), found.get("mfa_reauthenticate:webauthn")
        if code:
            code["description"] = _("Use a code from your app") if "totp" in kinds else _("Use a recovery code")
        if passkey:
            passkey["description"] = _("Use a passkey")
        both = (code, passkey) if "totp" in kinds else (passkey, code)
        return [method for method in both if method]

    def login(self, request: HttpRequest, user: Any) -> None:
        """Finish a sign-in; not one that was begun before the account was closed and waited for its code since."""
        if not user.is_active:
            clear_login(request)
            # Where a sign-in that took too long ends as well: neither says that the account is closed.
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.BASE_URL + path.replace("UID-KEY", quote(key))

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return settings.BASE_URL + reverse("account_confirm_email", args=[emailconfirmation.key])

    def send_mail(self, template_prefix: str, email: str, context: Mapping[str, Any]) -> None:
        """Send a link for a new password after the answer, everything else at once.

        Only a known address gets one: waiting for the mail server, or failing with it, would tell which are known.
        """
        site = _Site(settings.MFA_TOTP_ISSUER, _host())
        given = {"email": email, **context, "current_site": site}
        if template_prefix != _RESET_MAIL or self.request is None:
            super().send_mail(template_prefix, email, given)
            return
        message = self.render_mail(template_prefix, email, {"request": self.request, **given})
        after.answer(self.request, message.send)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count attempts from a browser in which the person signed in before apart from everybody else's.

        So nobody who knows an address locks its owner out by typing wrong passwords again and again.
        """
        key = str(super()._get_login_attempts_cache_key(request, **credentials))
        # For an unknown address the mark is looked at too: what that takes tells nobody which addresses are known.
        user_id = selectors.id_of_address(str(credentials.get("email") or "")) or _NOBODY
        known = browsers.known_to(request, user_id)
        return f"{key}:{known}" if known else key

    def render_mail(self, *args: Any, **kwargs: Any) -> EmailMessage:
        """Give the mail an id of our own making: Django's carries the name of the machine."""
        message: EmailMessage = super().render_mail(*args, **kwargs)
        message.extra_headers["Message-ID"] = make_msgid(domain=_host())
        return message


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


class MfaAdapter(DefaultMFAAdapter):
    """Seals TOTP secrets and recovery seeds under the user's key, and keeps the last strong factor."""

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("That did not fit. Try again: a code from the app holds for half a minute and works once."),
        "cannot_delete_authenticator": _(
            "This is the only second factor that you have. Set up another one first, then take this one away."
        ),
    }

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

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Name us on the person's device; a passkey works under the host it was made for and no other."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        """Tell the device a random id and the address, as an app is told it; no name."""
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return {**entity, "display_name": entity["name"]}

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """Propose no name: the person knows what it is, and the row shows when it was added."""
        return str(_("Passkey"))

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        if authenticator.type not in STRONG:
            return True
        # Two that are taken away at the same time would each see the other stay.
        User.objects.select_for_update().filter(pk=authenticator.user_id).first()
        return bool(
            Authenticator.objects.filter(user=authenticator.user, type__in=STRONG).exclude(pk=authenticator.pk).exists()
        )


def _place(user_id: UUID) -> envelope.Place:
    return envelope.Place(table=TABLES["accounts.authenticator"], row=user_id, field=1)


def kinds_of(user_id: UUID) -> frozenset[str]:
    """Return the kinds of second factor that somebody has, of those that are switched on; loads no row."""
    rows = Authenticator.objects.filter(user_id=user_id, type__in=settings.MFA_SUPPORTED_TYPES)
    return frozenset(rows.values_list("type", flat=True))


def is_bound(authenticator: Any) -> bool:
    """Say whether the application made a second factor for the person whose row it is, of a kind that is switched on.

    Secrets of apps and recovery codes are sealed to the person. Of a passkey the server keeps the public half alone,
    which anybody could make: its row carries a MAC.
    """
    data = authenticator.data
    if authenticator.type not in settings.MFA_SUPPORTED_TYPES or not isinstance(data, dict):
        return False
    if authenticator.type == Authenticator.Type.WEBAUTHN and not _has_mac(authenticator.user_id, data):
        return False
    owner = f"{authenticator.user_id}:"
    return all(isinstance(text, str) and text.startswith(owner) for text in _sealed_texts(data))


def bind(authenticator: Any) -> None:
    """Put the MAC of a passkey that is about to be stored for the first time into its row."""
    data = authenticator.data
    data[_MAC] = selectors.mac_of(_passkey_bytes(authenticator.user_id, data)).hex()


def _has_mac(user_id: UUID, data: Mapping[str, Any]) -> bool:
    mac = data.get(_MAC)
    try:
        found = bytes.fromhex(mac) if isinstance(mac, str) else b""
    except ValueError:
        return False
    return len(found) == _MAC_BYTES and selectors.mac_matches(_passkey_bytes(user_id, data), found)


def _passkey_bytes(user_id: UUID, data: Mapping[str, Any]) -> bytes:
    """Return the MAC input: `"cw/p1" || user(16) || "webauthn", padded with zeros (16) || SHA-256 of the credential`.

    The credential is hashed as JSON with sorted keys, without spaces, in ASCII: the database keeps no order of keys.
    """
    credential = json.dumps(data.get("credential"), sort_keys=True, separators=(",", ":"))
    kind = Authenticator.Type.WEBAUTHN.value.encode().ljust(16, b"\0")
    return b"".join((b"cw/p1", user_id.bytes, kind, hashlib.sha256(credential.encode()).digest()))


def _sealed_texts(data: Mapping[str, Any]) -> Iterator[Any]:
    # Every entry that the library hands to `decrypt`, whatever the row's kind says.
    for name in ("secret", "seed"):
        if name in data:
            yield data[name]
    yield from data.get("migrated_codes") or ()
