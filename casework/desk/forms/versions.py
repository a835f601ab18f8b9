"""Which day a case is looked back at."""

from __future__ import annotations

from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from casework.core import clock


class PastDayForm(forms.Form):
    """What did this case look like on this day?"""

    on = forms.DateField(label=_("What did this case look like on"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean_on(self) -> date:
        """Refuse a day that is still to come."""
        day: date = self.cleaned_data["on"]
        if day > timezone.localdate(clock.now()):
            raise ValidationError(_("This day is still to come."), code="future")
        return day
