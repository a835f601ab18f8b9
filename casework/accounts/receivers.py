"""Sign-ins, failures and changes of factors go to the trail; a second factor of somebody else's is refused."""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.account.signals import (
    authentication_step_completed,
    email_added,
    email_changed,
    email_confirmed,
    email_removed,
    password_changed,
    password_reset,
    password_set,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_removed,
    authenticator_used,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_init, post_save, pre_save
from django.dispatch import receiver

from casework.accounts import adapters, browsers, devices, presence, resets, selectors
from casework.audit import actions
from casework.audit import services as audit
from casework.core import work
from casework.crypto.envelope import DecryptError


@receiver(user_logged_in)
def signed_in(user: Any, request: Any, **kwargs: Any) -> None:
    """The trail names who signed in; the actor of this request was still nobody."""
    presence.begin(request.session)
    devices.note(request, user.pk)
    browsers.signed_in(request, user.pk)
    kind = devices.kind_of(str(request.META.get("HTTP_USER_AGENT", "")))
    audit.record("auth.signed_in", actor=user.pk, obj=user.pk, body={"device": kind})
    if devices.is_new(user.pk, kind):
        audit.record("auth.device_new", actor=user.pk, obj=user.pk)


@receiver(user_logged_out)
def signed_out(user: Any, request: Any, **kwargs: Any) -> None:
    """A session that had ended by itself has no user to name."""
    if user is not None:
        devices.forget(request.session)
        audit.record("auth.signed_out", obj=user.pk, reason=getattr(request, "signed_out_because", 0))


@receiver(user_login_failed)
def failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    """Keep whose address was tried, and a digest of it: a run of guesses shows, and nothing that was typed is kept."""
    running = work.running()
    if running is None:
        return
    tried = str(credentials.get("email") or credentials.get("username") or "").lower()
    digest = hashlib.sha256(tried.encode()).hexdigest()[:16]
    audit.record(
        "auth.sign_in_failed",
        obj=selectors.id_of_address(tried),
        body={"address_digest": digest},
        outcome=actions.REFUSED,
    )


@receiver(authentication_failed)
def wrong_code(user: Any, reauthentication: bool = False, **kwargs: Any) -> None:
    """A wrong code after the right password: the mark of a phished password, so it names whose it was."""
    step = "confirmation" if reauthentication else "sign-in"
    audit.record("auth.second_factor_failed", obj=user.pk, body={"step": step}, reason="wrong_code", outcome=1)


@receiver(authentication_step_completed)
def confirmed(user: Any, reauthenticated: bool = False, **kwargs: Any) -> None:
    """Somebody signed in proved again who they are."""
    if reauthenticated:
        audit.record("auth.reauthenticated", actor=user.pk, obj=user.pk)


@receiver(authenticator_used)
def used(user: Any, authenticator: Any, **kwargs: Any) -> None:
    """A recovery code: rare, and the way of somebody who found the sheet of paper."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        audit.record("auth.recovery_code_used", actor=user.pk, obj=user.pk)


@receiver(password_reset)
def reset(user: Any, **kwargs: Any) -> None:
    """A new password by the link in a mail; whoever held the link is signed in as nobody."""
    audit.record("auth.password_reset", obj=user.pk)


@receiver(password_changed)
@receiver(password_set)
def changed(user: Any, **kwargs: Any) -> None:
    """A changed password."""
    audit.record("auth.password_changed", obj=user.pk)


@receiver(pre_save, sender=Authenticator)
def bound(instance: Any, **kwargs: Any) -> None:
    """Sign a new passkey's row, once: one that was loaded had a MAC that matched, or was refused."""
    if instance._state.adding and instance.type == Authenticator.Type.WEBAUTHN:
        adapters.bind(instance)


@receiver(post_save, sender=Authenticator)
def added(instance: Any, created: bool, **kwargs: Any) -> None:
    """A new second factor, new recovery codes among them.

    The library's own signals for it come after the commit, when nothing can be written with it any more.
    """
    if created:
        if instance.type in adapters.STRONG:
            resets.complete(instance.user_id)
        audit.record("auth.mfa_added", actor=instance.user_id, obj=instance.user_id, body={"kind": str(instance.type)})


@receiver(authenticator_removed)
def removed(user: Any, authenticator: Any, **kwargs: Any) -> None:
    """A second factor taken away."""
    audit.record("auth.mfa_removed", obj=user.pk, body={"kind": str(authenticator.type)})


@receiver(email_changed)
def address_changed(user: Any, from_email_address: Any, to_email_address: Any, **kwargs: Any) -> None:
    """Another address to sign in with."""
    before = from_email_address.email if from_email_address else ""
    audit.record("auth.email_changed", obj=user.pk, body={"from": before, "to": to_email_address.email})


@receiver(email_added)
@receiver(email_confirmed)
@receiver(email_removed)
def addresses_changed(signal: Any, email_address: Any, **kwargs: Any) -> None:
    """An address beside it; a link in a mail confirms one without a sign-in, so the row tells whose it is."""
    step = {email_added: "added", email_confirmed: "confirmed", email_removed: "removed"}[signal]
    audit.record("auth.email_changed", obj=email_address.user_id, body={step: email_address.email})


@receiver(post_init, sender=Authenticator)
def belongs(instance: Any, **kwargs: Any) -> None:
    """Refuse a second factor that was copied or added in SQL: it is sealed to somebody else, or has no MAC of ours.

    Raises:
        DecryptError: in that case, whatever the row was loaded for.
    """
    # One without a key is being made here; every row that is loaded has one.
    if instance.pk is None or {"type", "user_id", "data"} - instance.__dict__.keys() or adapters.is_bound(instance):
        return
    if (unit := work.running()) is not None:
        audit.record_now(unit.actor, "auth.second_factor_failed", obj=instance.user_id, reason="damaged")
    raise DecryptError
