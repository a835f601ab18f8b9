"""Sign-ins, failures and changes of factors go to the trail."""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.account.signals import password_changed
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from casework.audit import services as audit
from casework.core import work


@receiver(user_logged_in)
def signed_in(user: Any, **kwargs: Any) -> None:
    """The trail names who signed in; the actor of this request was still nobody."""
    audit.record("auth.signed_in", actor=user.pk, obj=user.pk)


@receiver(user_logged_out)
def signed_out(user: Any, **kwargs: Any) -> None:
    """A session that had ended by itself has no user to name."""
    if user is not None:
        audit.record("auth.signed_out", obj=user.pk)


@receiver(user_login_failed)
def failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    """Keep a digest of the address tried: the trail shows a run of guesses without storing what was typed."""
    running = work.running()
    if running is None:
        return
    tried = str(credentials.get("email") or credentials.get("username") or "").lower()
    digest = hashlib.sha256(tried.encode()).hexdigest()[:16]
    audit.record("auth.sign_in_failed", body={"address_digest": digest}, outcome=1)


@receiver(password_changed)
def changed(user: Any, **kwargs: Any) -> None:
    """A changed password."""
    audit.record("auth.password_changed", obj=user.pk)


@receiver(authenticator_added)
def added(user: Any, authenticator: Any, **kwargs: Any) -> None:
    """A new second factor."""
    audit.record("auth.mfa_added", obj=user.pk, body={"kind": str(authenticator.type)})


@receiver(authenticator_removed)
def removed(user: Any, authenticator: Any, **kwargs: Any) -> None:
    """A second factor taken away."""
    audit.record("auth.mfa_removed", obj=user.pk, body={"kind": str(authenticator.type)})
