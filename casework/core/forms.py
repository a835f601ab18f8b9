"""The pieces that every form is made of: how fields are drawn, and a date in three boxes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import DjangoTemplates, TemplatesSetting
from django.http import QueryDict
from django.utils.dates import MONTHS, MONTHS_3
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

_OLDEST_YEAR = 1900
_LATEST_YEAR = 2100
_DAY_DIGITS = re.compile(r"\d{1,2}")
_YEAR_DIGITS = re.compile(r"\d{4}")
_CONTROL_CLASSES = {
    forms.CheckboxInput: "form-check-input",
    forms.RadioSelect: "form-check-input",
    forms.CheckboxSelectMultiple: "form-check-input",
    forms.Select: "form-select",
}


def typed(sent: QueryDict) -> list[tuple[str, str]]:
    """Return what was typed into a form, by the names of its controls, for a form that sends it once more.

    Passwords are left out, whatever form they stand in: nobody keeps one or writes it into a page.
    """
    names = [name for name in sent if name != "csrfmiddlewaretoken" and "password" not in name.lower()]
    return [(name, value) for name in names for value in sent.getlist(name)]


class BoundField(forms.BoundField):
    """A field that knows how it is drawn: Bootstrap's classes, and where an error's link leads."""

    @property
    def is_choice_group(self) -> bool:
        """Radio buttons or checkboxes: several controls under one question."""
        return isinstance(self.field.widget, forms.RadioSelect)

    @property
    def is_group(self) -> bool:
        """Several controls under one question, drawn as a fieldset."""
        return self.is_choice_group or isinstance(self.field.widget, forms.MultiWidget)

    @property
    def is_checkbox(self) -> bool:
        """One box to tick, whose label stands behind it."""
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def first_id(self) -> str:
        """The id of the control that an error's link puts the focus in."""
        return f"{self.auto_id}_0" if self.is_group else self.id_for_label

    def build_widget_attrs(self, attrs: Mapping[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        """Add the classes of our design; a radio button may not carry `aria-invalid`, so its fieldset tells."""
        widget = widget or self.field.widget
        built = super().build_widget_attrs(dict(attrs), widget)
        if widget.is_hidden:
            return built
        css = next((name for kind, name in _CONTROL_CLASSES.items() if isinstance(widget, kind)), "form-control")
        own = str(built.get("class") or widget.attrs.get("class") or "")
        # A placeholder vanishes when it is needed most; some libraries' forms bring one that repeats the label.
        built["placeholder"] = False
        built["class"] = f"{own} {css}{' is-invalid' if self.errors else ''}".strip()
        if isinstance(widget, forms.RadioSelect):
            built.pop("aria-invalid", None)
            # "required" on every box of a group would ask for all of them.
            if isinstance(widget, forms.CheckboxSelectMultiple):
                built.pop("required", None)
        return built


class Renderer(TemplatesSetting):
    """Draws forms and fields with our components, and the controls themselves with Django's own templates."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
    bound_field_class = BoundField

    def __init__(self) -> None:
        super().__init__()
        self._builtin = DjangoTemplates()

    def get_template(self, template_name: str) -> Any:
        """Return one of our templates, or the form engine's own for names under `django/`."""
        if template_name.startswith("django/"):
            return self._builtin.get_template(template_name)
        return super().get_template(template_name)


class DayMonthYearInput(forms.MultiWidget):
    """Three boxes; the month may be a number or a word."""

    template_name = "components/widgets/day_month_year.html"
    use_fieldset = True

    def __init__(self, attrs: Mapping[str, Any] | None = None, autocomplete: str = "") -> None:
        boxes = [forms.TextInput(attrs=self._box(part, autocomplete)) for part in ("day", "month", "year")]
        super().__init__(boxes, dict(attrs or {}))

    @staticmethod
    def _box(part: str, autocomplete: str) -> dict[str, str]:
        # Letters are allowed in the month, so only day and year ask a phone for its number keys.
        attrs = {"autocomplete": f"{autocomplete}-{part}" if autocomplete else "off", "maxlength": "20"}
        return (
            attrs if part == "month" else {**attrs, "inputmode": "numeric", "maxlength": "2" if part == "day" else "4"}
        )

    def id_for_label(self, id_: str) -> str:
        """The fieldset's legend names the three boxes together."""
        return ""

    def decompress(self, value: date | Sequence[str] | None) -> list[str]:
        if isinstance(value, date):
            return [str(value.day), str(value.month), str(value.year)]
        return list(value or ["", "", ""])


class DayMonthYearField(forms.Field):
    """A date in three boxes; cleans to a `date`, or None when all three are empty and it is optional.

    `earliest` and `latest` are inclusive.
    """

    widget = DayMonthYearInput
    default_error_messages = {
        "required": _("Enter a date."),
        "incomplete": _("Enter a day, a month and a year."),
        "month": _("Enter the month as a number from 1 to 12 or as a word."),
        "digits": _("Enter the day and the year in digits, the year with all four."),
        "impossible": _("%(date)s does not exist."),
        "earliest": _("Enter a date that is not before %(date)s."),
        "latest": _("Enter a date that is not after %(date)s."),
    }

    def __init__(self, *, earliest: date | None = None, latest: date | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.earliest = earliest or date(_OLDEST_YEAR, 1, 1)
        self.latest = latest or date(_LATEST_YEAR, 12, 31)

    def to_python(self, value: date | Sequence[str] | None) -> date | None:
        """Return the date that the boxes name; raise ValidationError in words."""
        if value is None or isinstance(value, date):
            return value
        day, month, year = (unicodedata.normalize("NFKC", str(box or "")).strip() for box in value)
        if not (day or month or year):
            return None
        if not (day and month and year):
            raise self._error("incomplete")
        number = month_number(month)
        if number is None:
            raise self._error("month")
        if not (_DAY_DIGITS.fullmatch(day) and _YEAR_DIGITS.fullmatch(year)):
            raise self._error("digits")
        try:
            return date(int(year), number, int(day))
        except ValueError:
            raise self._error("impossible", date=f"{int(day)} {MONTHS[number]} {year}") from None

    def validate(self, value: date | None) -> None:
        """Hold the date against the bounds of this field."""
        super().validate(value)
        if value is None:
            return
        for code, bound, broken in (
            ("earliest", self.earliest, value < self.earliest),
            ("latest", self.latest, value > self.latest),
        ):
            if broken:
                raise self._error(code, date=f"{bound.day} {MONTHS[bound.month]} {bound.year}")

    def has_changed(self, initial: date | None, data: Sequence[str] | None) -> bool:
        """Compare dates, not boxes: 03 and 3 are the same day."""
        try:
            return self.to_python(data) != initial
        except ValidationError:
            return True

    def _error(self, code: str, **params: str) -> ValidationError:
        return ValidationError(self.error_messages[code], code=code, params=params)


def month_number(text: str) -> int | None:
    """Return the month that a number or a word names (in the page's language or in English), or None."""
    if _DAY_DIGITS.fullmatch(text):
        return int(text) if int(text) in MONTHS else None
    word = text.casefold().rstrip(".")
    found = _named(word)
    if found is None:
        with override("en"):
            found = _named(word)
    return found


def _named(word: str) -> int | None:
    for names in (MONTHS, MONTHS_3):
        for number, name in names.items():
            if str(name).casefold().rstrip(".") == word:
                return number
    return None
