"""Every component in every variant on one page of the demo: the design system, and what the browser tests look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from casework.core import clock, places
from casework.core.forms import DayMonthYearField

TONES = ("neutral", "info", "good", "warn", "danger")


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label=gettext_lazy("Full name"), help_text=gettext_lazy("As the person writes it."))
    born_on = DayMonthYearField(
        label=gettext_lazy("Date of birth"), required=False, help_text=gettext_lazy("For example 27 3 1994.")
    )
    country = forms.ChoiceField(label=gettext_lazy("Country"), choices=(("", ""), *places.MEMBER_STATES))
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"),
        required=False,
        choices=places.LANGUAGES_SPOKEN[:6],
        widget=forms.CheckboxSelectMultiple,
    )
    reply = forms.ChoiceField(
        label=gettext_lazy("Reply"),
        choices=(("yes", gettext_lazy("Accepted")), ("no", gettext_lazy("Refused"))),
        widget=forms.RadioSelect,
    )
    account = forms.CharField(label=gettext_lazy("In their own words"), required=False, widget=forms.Textarea)
    agreed = forms.BooleanField(label=gettext_lazy("The person has agreed"))


@dataclass(frozen=True)
class _SamplePage:
    number: int = 2
    pages: int = 5
    total: int = 231


def components(request: HttpRequest) -> HttpResponse:
    """Show the gallery; nothing on it comes from the database."""
    today = clock.today()
    wrong = SampleForm(
        {
            "born_on_0": "30",
            "born_on_1": "February",
            "born_on_2": "1994",
            "country": "",
            "account": _("What was typed stays."),
        }
    )
    context = {
        "tones": TONES,
        "today": today,
        "now": clock.now(),
        "days": [today + timedelta(days=days) for days in (-2, -1, 0, 1, 5, 40)],
        "breadcrumbs": [(_("Home"), "#"), (_("Cases"), "#")],
        "form": SampleForm(auto_id="plain_%s"),
        "wrong": wrong,
        "limits": _limits(),
        "events": _events(),
        "tabs": [
            (_("Summary"), "#summary", True),
            (_("Timeline"), "#timeline", False),
            (_("Documents"), "#docs", False),
        ],
        "summary": [
            (_("Reference"), "K7Q2-M4XD"),
            (_("Opened on"), today),
            (_("Languages"), [_("Russian"), _("Tatar")]),
            (_("Detained"), False),
            (_("Lawyer"), ""),
        ],
        "rows": [
            ("K7Q2-M4XD", "Testov Piotr", "Тестов Пётр", today + timedelta(days=3), _("Reply due"), "warn"),
            ("9WXR-2HTC", "Namouna Synthetique", "", today - timedelta(days=2), _("Decision due"), "danger"),
            ("C4VB-88KQ", "Obraztsova Anna-Maria", "Образцова Анна-Мария", None, _("Closed"), "neutral"),
        ],
        "page": _SamplePage(),
    }
    return render(request, "gallery/components.html", context)


def _limits() -> list[dict[str, Any]]:
    today = clock.today()
    because = (
        _("The request was sent on 3 November 2026; the day itself does not count."),
        _("The last day is a Sunday, so the period ends on the next working day."),
    )
    common = {"legal_basis": _("Article 1(2) of an invented regulation"), "because": because}
    return [
        {
            **common,
            "label": _("The other state must answer"),
            "due": today + timedelta(days=5),
            "days": 5,
            "state": _("Running"),
            "badge": "info",
            "whose": _("Croatia"),
            "source": "https://example.org/law",
            "on_expiry": _("Silence counts as acceptance."),
            "would_change": (_("If the other state answers, it is met."),),
        },
        {
            **common,
            "label": _("Appeal against the decision"),
            "due": today - timedelta(days=2),
            "days": -2,
            "state": _("Expired"),
            "badge": "danger",
            "whose": _("the applicant"),
            "confidence": _("Not certain: check the article"),
            "on_expiry": _("The decision is final."),
            "reading": "A",
        },
        {
            **common,
            "label": _("Hearing"),
            "due": clock.now() + timedelta(hours=20),
            "days": clock.now() + timedelta(hours=20),
            "state": _("Running"),
            "badge": "warn",
            "whose": _("the authority"),
        },
        {
            **common,
            "label": _("Decision on the request"),
            "due": today,
            "days": None,
            "state": _("Met on 20 November 2026"),
            "badge": "good",
            "proof": {"fact": _("Answer received"), "on": today, "document": _("Letter of the authority")},
            "whose": _("the authority"),
        },
    ]


def _events() -> list[dict[str, Any]]:
    today = clock.today()
    return [
        {
            "date": today - timedelta(days=40),
            "title": _("Application registered"),
            "meta": _("Recorded by a colleague"),
        },
        {
            "date": today - timedelta(days=12),
            "title": _("Fingerprints found"),
            "text": _("A sentence about what was found, long enough to run over the end of a line on a phone."),
            "badge": _("Told, no document"),
            "tone": "warn",
        },
        {
            "date": today - timedelta(days=9),
            "title": _("Decision notified"),
            "badge": _("Corrected"),
            "tone": "info",
            "reason": _("The postmark says otherwise."),
            "before": (_("Two days earlier, as told on the telephone"),),
        },
        {"date": today, "title": _("Reply received"), "url": "#reply", "url_text": _("Open the document")},
    ]
