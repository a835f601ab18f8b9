"""Settings that would open the sign-in: refused at start and by `make check`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

# Each of them lets somebody in with less than two factors, or keeps them in for ever.
_NEVER = (
    "MFA_TOTP_INSECURE_BYPASS_CODE",
    "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN",
    "MFA_TRUST_ENABLED",
    "MFA_PASSKEY_LOGIN_ENABLED",
    "SESSION_SAVE_EVERY_REQUEST",
    "ACCOUNT_SESSION_REMEMBER",
)


@register(Tags.security)
def sign_in_is_closed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse settings that weaken the second factor or the end of a sign-in, and Django's own administration pages."""
    found: list[CheckMessage] = [
        Error(f"{name} is set: it lets people in, or keeps them in, with less than two factors.", id="accounts.E001")
        for name in _NEVER
        if getattr(settings, name, None)
    ]
    if "django.contrib.admin" in settings.INSTALLED_APPS:
        found.append(
            Error("Django's admin is installed: it shows rows without asking for access to a case.", id="accounts.E002")
        )
    return found
