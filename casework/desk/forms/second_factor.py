"""What is asked about a lost second factor."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from casework.accounts.models import FactorReset


class AskFactorForm(forms.Form):
    """How somebody made sure who was asking."""

    known_by = forms.ChoiceField(
        label=_("How do you know that it is them?"),
        help_text=_("Mails, messages and voices that you do not know can be false. Call them back."),
        choices=FactorReset.Known.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one. If neither is true, speak with them first.")},
    )
