"""Signing in, and nothing else: rights come from `casework.access.backends`."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend


class SignInBackend(AuthenticationBackend):
    """allauth's check of e-mail and password without the model permissions that Django's backend would add."""

    def _check_password(self, user: Any, password: str) -> Any:
        """Answer for a closed account as for a wrong password.

        The library keeps such a person aside and says that the account is inactive: whoever makes somebody give away
        their password at a border would learn that it is frozen, and that it is theirs.
        """
        if not user:
            return None
        self._did_check_password = True
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return False
