"""What somebody looks for among the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class _LawSelect(forms.Select):
    """A list whose choices are the law's words, in a language of their own; that nothing is chosen is the page's."""

    lang = ""

    def create_option(self, *args: Any, **options: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **options)
        if self.lang and option["value"]:
            option["attrs"]["lang"] = self.lang
        return option


class RuleFilterForm(forms.Form):
    """Words to look for in the rules, one instrument, one degree of confidence; nothing is required.

    `lang`: the language of the choices, where it is not the page's.
    """

    q = forms.CharField(
        label=_("Search the rules"),
        help_text=_("Words of a rule, its article or its id, such as “absconding” or “Art. 46”."),
        required=False,
        max_length=100,
    )
    instrument = forms.ChoiceField(label=_("Instrument"), required=False, widget=_LawSelect)
    confidence = forms.ChoiceField(label=_("Confidence"), required=False, widget=_LawSelect)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        instruments: Mapping[str, str],
        confidences: Mapping[str, str],
        lang: str = "",
    ) -> None:
        super().__init__(data)
        for name, choices in (("instrument", instruments), ("confidence", confidences)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("All")), *choices.items()]
            assert isinstance(field.widget, _LawSelect)
            field.widget.lang = lang

    def keeps(self, regime: str, confidence: str) -> bool:
        """Tell whether an entry of this instrument and confidence was asked for."""
        wanted = self.cleaned_data
        return wanted["instrument"] in ("", regime) and wanted["confidence"] in ("", confidence)
