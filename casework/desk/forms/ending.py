"""Closing a case, asking for its erasure, confirming one, and how long closed cases are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from casework.cases.retention import LONGEST, SHORTEST
from casework.cases.types import ErasureReason
from casework.core.forms import DayMonthYearField

_LONGEST_REFERENCE = 20


class CloseForm(forms.Form):
    """On which day the case ended."""

    on = DayMonthYearField(
        label=_("Closed on"), help_text=_("The day on which your work on the case ended. It may have passed.")
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, today: date) -> None:
        super().__init__(data, initial={"on": today})


class AskErasureForm(forms.Form):
    """Why a case is to be erased."""

    reason = forms.ChoiceField(
        label=_("Why the case is to be erased"),
        choices=ErasureReason.choices,
        widget=forms.RadioSelect,
        help_text=_("Stands in the trail and on the certificate, which outlive the case."),
        error_messages={"required": _("Choose a reason."), "invalid_choice": _("Choose one of the reasons.")},
    )
    note = forms.CharField(
        label=_("Note for whoever confirms"),
        required=False,
        max_length=2000,
        help_text=_("For instance how the person asked. Stored encrypted with the case, and destroyed with it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, reason: str = "") -> None:
        super().__init__(data, initial={"reason": reason if reason in ErasureReason.values else ""})


class ConfirmErasureForm(forms.Form):
    """The case's reference, typed by whoever erases it: no hand slips that far."""

    reference = forms.CharField(
        label=_("Type the reference of the case"),
        max_length=_LONGEST_REFERENCE,
        error_messages={"required": _("Type the reference of the case as it stands above.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "short-field"}
        ),
    )


class KeepingForm(forms.Form):
    """For how many months a team keeps closed cases."""

    team = forms.UUIDField(widget=forms.HiddenInput)
    months = forms.IntegerField(
        label=_("Months after closing"),
        required=False,
        min_value=SHORTEST,
        max_value=LONGEST,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            _("Enter a whole number of months from 1 to 240, or leave the field empty."),
        ),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "short-field"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, team_id: UUID, months: int | None) -> None:
        # Several teams stand on one page: each form's fields have ids of their own.
        super().__init__(data, initial={"team": team_id, "months": months}, auto_id=f"id_%s_{team_id}")
