"""Controls that only facts need: a printed period, and an hour on the clocks of the acting authority."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from casework.law.counting import Period, PeriodError

UNITS = (
    ("day", pgettext_lazy("unit", "days")),
    ("working day", pgettext_lazy("unit", "working days")),
    ("week", pgettext_lazy("unit", "weeks")),
    ("month", pgettext_lazy("unit", "months")),
    ("year", pgettext_lazy("unit", "years")),
    ("hour", pgettext_lazy("unit", "hours")),
)
"""Every unit that the law's lengths have, in the law's own word and in the page's."""

_MOST_DIGITS = 4


class PeriodInput(forms.MultiWidget):
    """A number and its unit."""

    template_name = "components/widgets/period.html"
    use_fieldset = True

    def __init__(self, attrs: Mapping[str, Any] | None = None) -> None:
        number = forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": _MOST_DIGITS, "class": "form-control"}
        )
        unit = forms.Select(choices=UNITS, attrs={"class": "form-select"})
        super().__init__([number, unit], dict(attrs or {}))

    def id_for_label(self, id_: str) -> str:
        """The fieldset's legend names both together."""
        return ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Keep each control's own class: the field's would make a text box of the list."""
        given = {key: held for key, held in (attrs or {}).items() if key not in {"class", "placeholder"}}
        invalid = "is-invalid" in str((attrs or {}).get("class", ""))
        context: dict[str, Any] = super().get_context(name, value, given)
        for part in context["widget"]["subwidgets"] if invalid else ():
            part["attrs"]["class"] = f"{part['attrs']['class']} is-invalid"
        return context

    def decompress(self, value: str | Sequence[str] | None) -> list[str]:
        if not isinstance(value, str):
            return list(value or ["", "day"])
        try:
            period = Period.parse(value)
        except PeriodError:
            return [value, "day"]
        return [str(period.count), period.unit]


class PeriodField(forms.Field):
    """A length such as "2 weeks", as the law writes it; None when no number was given."""

    widget = PeriodInput

    def to_python(self, value: str | Sequence[str] | None) -> str | None:
        """Return the length in the law's words; raise ValidationError where it counts nothing."""
        if value is None or isinstance(value, str):
            return value or None
        count, unit = (str(part or "").strip() for part in value)
        if not count:
            return None
        # By its length first: a number of thousands of digits is none that Python reads.
        if not count.isdecimal() or len(count) > _MOST_DIGITS or not int(count):
            raise ValidationError(_("Enter a whole number from 1 to 9999."), code="period")
        if unit not in dict(UNITS):
            raise ValidationError(_("Choose one of the units on the list."), code="unit")
        return str(Period(int(count), unit))

    def has_changed(self, initial: str | None, data: Sequence[str] | None) -> bool:
        """Compare lengths, not boxes: without a number the unit says nothing."""
        try:
            return self.to_python(data) != (initial or None)
        except ValidationError:
            return True


class NoSuchTime(ValueError):
    """The clocks were put forward over this time: it was on no clock that day."""


def moments(on: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """Return the moments at which the clocks of a zone showed this time on this day: one, or two in autumn.

    Raises:
        NoSuchTime: there was none, because the clocks were put forward over it.
    """
    found = [datetime.combine(on, at.replace(fold=fold), tzinfo=zone) for fold in (0, 1)]
    real = [one for one in found if one.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == _bare(one)]
    if not real:
        raise NoSuchTime
    return real[:1] if real[0].utcoffset() == real[-1].utcoffset() else real


def _bare(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None, fold=0)
