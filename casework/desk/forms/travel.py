"""Opening a frozen account again, and opening a case in an emergency."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class UnfreezeForm(forms.Form):
    """That whoever opens an account has spoken with its owner."""

    spoke = forms.BooleanField(
        label=_("I have spoken with this person, by voice or face to face, and they want it opened"),
        help_text=_("A message does not count: somebody else may be holding the phone."),
        error_messages={"required": _("Speak with them first, then tick this.")},
    )


class EmergencyForm(forms.Form):
    """Which case, and why it cannot wait."""

    reference = forms.CharField(
        label=_("Reference of the case"),
        max_length=20,
        help_text=_("Eight letters and digits, such as K7Q2-M4XD."),
        error_messages={"required": _("Enter the reference of the case.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "short-field"}
        ),
    )
    reason = forms.CharField(
        label=_("What is happening, and why it cannot wait"),
        max_length=500,
        help_text=_("Whoever leads the case reads this at once. Stored encrypted with the case, and in its trail."),
        error_messages={"required": _("Say in a few words what is happening and why it cannot wait.")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
