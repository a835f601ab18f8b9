"""What django-allauth asks of us: closed sign-up, sealed second factors, a last strong factor that stays."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from casework.core import work
from casework.crypto import envelope
from casework.crypto import services as crypto
from casework.crypto.registry import TABLES

_STRONG = {Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN}


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up on their own: accounts come from invitations."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class MfaAdapter(DefaultMFAAdapter):
    """Seals TOTP secrets and recovery seeds under the user's key, and keeps the last strong factor."""

    def encrypt(self, text: str) -> str:
        """Return `<user id>:<base64 of the sealed secret>` for the person who enrols, who is the actor."""
        user_id = work.current().actor.user_id
        assert user_id is not None
        sealed = envelope.seal(text, key=crypto.keys_for(user_id).newest, place=_place(user_id))
        return f"{user_id}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, encrypted_text: str) -> str:
        owner, _colon, body = encrypted_text.partition(":")
        user_id = UUID(owner)
        opened = envelope.open_(base64.b64decode(body), keys=crypto.keys_for(user_id), place=_place(user_id))
        assert isinstance(opened, str)
        return opened

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        if authenticator.type not in _STRONG:
            return True
        return bool(
            Authenticator.objects.filter(user=authenticator.user, type__in=_STRONG)
            .exclude(pk=authenticator.pk)
            .exists()
        )


def _place(user_id: UUID) -> envelope.Place:
    return envelope.Place(table=TABLES["accounts.authenticator"], row=user_id, field=1)
