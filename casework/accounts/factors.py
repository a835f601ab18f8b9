"""Second factors where allauth's own pages fall short: passkeys on record, damaged answers, the last one kept."""

from __future__ import annotations

import json
import struct
from typing import Any, Final, cast

from allauth.account.adapter import get_adapter as accounts
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa import signals
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView, RemoveWebAuthnView
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from casework.accounts import resets
from casework.accounts.adapters import STRONG, kinds_of
from casework.accounts.forms import OpenLinkForm
from casework.accounts.models import User
from casework.core.errors import NotFound

# What a browser answers is a few hundred bytes; a certificate of the maker's may come with a new passkey.
_MOST_CHARACTERS: Final = 32 * 1024
_NAME_LENGTH: Final = 60
# What the library's parsers raise on an answer that no browser gives.
_MALFORMED: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)


class _Code:
    """Says what a code is for this person: they may have no app, only recovery codes beside a passkey."""

    user: Any
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = kinds_of(self.user.pk)
        self.has_app = Authenticator.Type.TOTP in kinds
        self.has_passkey = Authenticator.Type.WEBAUTHN in kinds
        self.has_codes = self.has_app or Authenticator.Type.RECOVERY_CODES in kinds
        field = self.fields["code"]
        field.label = _("Code") if self.has_app else _("Recovery code")
        field.error_messages["required"] = _("Enter the code.")


class CodeForm(_Code, AuthenticateForm):
    """The second step of signing in, by a code."""


class CodeAgainForm(_Code, ReauthenticateForm):
    """Confirming who one is, by a code."""


class _Answer(forms.Form):
    """What a browser answers for a passkey: in a hidden field, so what is wrong with it stands on top of the form."""

    def add_error(self, field: str | None, error: Any) -> None:
        if isinstance(error, ValidationError) and getattr(error, "code", None) == "incorrect_code":
            error = ValidationError(_("The passkey was not accepted. Try again."), code="incorrect_code")
        super().add_error(None if field == "credential" else field, error)


class _Passkey(_Answer):
    """A passkey's answer to a question: a wrong one is on record as a wrong code is."""

    user: Any
    reauthenticated: bool

    def clean_credential(self) -> Any:
        try:
            return _checked(super().clean_credential)  # type: ignore[misc]
        except ValidationError as error:
            if error.code == "incorrect_code":
                signals.authentication_failed.send(
                    sender=Authenticator,
                    request=context.request,
                    user=self.user,
                    authenticator=None,
                    reauthentication=self.reauthenticated,
                )
            raise


class PasskeyForm(_Passkey, AuthenticateWebAuthnForm):
    """The second step of signing in, by a passkey."""


class PasskeyAgainForm(_Passkey, ReauthenticateWebAuthnForm):
    """Confirming who one is, by a passkey."""


class _Named(forms.Form):
    """What the person calls a passkey, to tell several apart."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(
            label=_("What you call it"),
            help_text=_("So that you can tell several apart, for instance: blue key, work laptop."),
            max_length=_NAME_LENGTH,
            # A passkey that the device has made already must not be lost for want of a name.
            required=not isinstance(self, AddPasskeyForm),
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )
        self.order_fields(["name", "credential"])


class AddPasskeyForm(_Answer, _Named, AddWebAuthnForm):
    """Another passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_app = Authenticator.Type.TOTP in kinds_of(self.user.pk)

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]
        text = json.dumps(credential)
        # The database takes no NUL in JSON, and no browser gives one.
        if not isinstance(credential, dict) or len(text) > _MOST_CHARACTERS or "\\u0000" in text:
            raise get_adapter().validation_error("incorrect_code")
        return credential

    def clean(self) -> Any:
        return _checked(super().clean)


class NamePasskeyForm(_Named, EditWebAuthnForm):
    """Another name for a passkey."""


def _checked(parse: Any) -> Any:
    try:
        return parse()
    except _MALFORMED:
        raise get_adapter().validation_error("incorrect_code") from None


class ConfirmByPasskey(ReauthenticateWebAuthnView):
    """Asks for a passkey again, and says on the same page what went wrong: what was typed before waits behind it."""

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        answer: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data()
        return found | kwargs


class RemovePasskey(RemoveWebAuthnView):
    """Takes a passkey away unless it is the last strong factor, which the library's own page would not notice."""

    def form_valid(self, form: forms.Form) -> HttpResponse:
        if not get_adapter().can_delete_authenticator(self.object):
            form.add_error(None, get_adapter().validation_error("cannot_delete_authenticator"))
            refused: HttpResponse = self.form_invalid(form)
            return refused
        answer: HttpResponse = super().form_valid(form)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context_data: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context_data, "is_last": not get_adapter().can_delete_authenticator(self.object)}


def confirm_by_passkey(request: HttpRequest) -> HttpResponse:
    """Confirm who one is by a passkey."""
    answer: HttpResponse = ConfirmByPasskey.as_view()(request)
    return answer


def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one of one's passkeys away, after asking once."""
    answer: HttpResponse = RemovePasskey.as_view()(request, pk=pk)
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_factor(request: HttpRequest, token: str) -> HttpResponse:
    """Take the password of whoever has the link; then the old factors are gone, and a new one is set up."""
    if request.user.is_authenticated:
        return render(request, "accounts/already_signed_in.html", {"factor": True}, status=409)
    try:
        asked = resets.open_link(token)
    except NotFound:
        return render(request, "accounts/no_factor_link.html", status=404)
    form = OpenLinkForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _is_theirs(request, asked.user, form):
        user = resets.redeem(token)
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
        record_authentication(request, user, method="password", reauthenticated=True)
        resets.note(request, user)
        messages.success(request, gettext("The old second factor counts no more. Set up the new one now."))
        return redirect("mfa_activate_totp")
    return render(request, "accounts/new_factor.html", {"form": form})


def _is_theirs(request: HttpRequest, user: User, form: OpenLinkForm) -> bool:
    """Say whether the password is this person's, as the sign-in page does, with its limits on attempts."""
    try:
        known = accounts().authenticate(request, email=user.email, password=form.cleaned_data["password"])
    except ValidationError as error:
        form.add_error(None, error)
        return False
    if known is None or known.pk != user.pk:
        form.add_error("password", _("This is not the password of the person for whom the link was made."))
        return False
    return True


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def factor_missing(request: HttpRequest) -> HttpResponse:
    """Tell somebody whose second factor is gone, and who did not come by a link, what to do."""
    if kinds_of(cast(User, request.user).pk) & STRONG:
        return redirect("home")
    return render(request, "accounts/factor_missing.html", status=403)
