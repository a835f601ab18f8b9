"""What people type about their own account; forms clean, services save."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import UserTokenForm
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from casework.accounts.models import User
from casework.printing import delivery

_KEY_PROBLEMS = {
    delivery.RecipientProblem.PRIVATE_KEY: _(
        "This is a secret key. Make a new pair, keep its secret half to yourself, and enter the public half here."
    ),
    delivery.RecipientProblem.UNKNOWN_KIND: _("A public key begins with age1 or ssh-ed25519."),
    delivery.RecipientProblem.MALFORMED: _("This key is incomplete or mistyped: copy the whole line again."),
}


class ResetLinkForm(UserTokenForm):
    """The link for a new password: while an account is closed, one from before is as good as a wrong one."""

    def _get_user(self, uidb36: str) -> User | None:
        user: User | None = super()._get_user(uidb36)
        return user if user is not None and user.is_active else None


class AcceptInvitationForm(forms.Form):
    """The name that colleagues will see, and a password, twice."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        help_text=_("Colleagues see it beside what you write."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 12 characters. A few words that do not belong together are easy to keep in mind."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label=_("Password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Hold the two passwords against each other."""
        given = super().clean() or {}
        first, second = given.get("password"), given.get("password_again")
        if first and second and first != second:
            self.add_error("password_again", _("The two passwords are not the same."))
        return given


class ProfileForm(forms.Form):
    """One's own name, language and key for dossiers."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        help_text=_("Colleagues see it beside what you write."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=lambda: settings.LANGUAGES)
    age_recipient = forms.CharField(
        label=_("Public key for encrypted dossiers"),
        required=False,
        max_length=User._meta.get_field("age_recipient").max_length,
        help_text=_("Dossiers that you export can be encrypted to it. It begins with age1 or ssh-ed25519."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_age_recipient(self) -> str:
        """Return the key without surrounding space; raise in words when no file could be encrypted to it."""
        key = str(self.cleaned_data["age_recipient"]).strip()
        if key:
            try:
                delivery.check_recipient(key)
            except delivery.InvalidRecipient as error:
                raise ValidationError(_KEY_PROBLEMS[error.problem]) from None
        return key


class OpenLinkForm(forms.Form):
    """The password, beside the link for a new second factor."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your password.")},
    )
