"""What the case pages share: the tabs, the breadcrumbs, and an answer's errors put into its form."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casework.access.actions import Action
from casework.core.errors import Invalid
from casework.desk.selectors import CaseHeader

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_LONGEST_NUMBER = 7
Crumbs = list[tuple["StrOrPromise", str]]

_TABS: tuple[tuple[str, StrOrPromise, Action | None], ...] = (
    ("case_detail", _("Summary"), None),
    ("case_deadlines", _("Deadlines"), None),
    ("case_timeline", _("Timeline"), None),
    ("case_documents", _("Documents"), None),
    ("case_access", _("Access"), None),
    ("case_trail", _("Trail"), Action.SEE_CASE_TRAIL),
)


def case_context(header: CaseHeader, tab: str) -> dict[str, object]:
    """Return what `desk/case_base.html` needs: the head, its tabs with `tab` chosen, breadcrumbs."""
    tabs = [
        (label, reverse(name, args=[header.id]), name == tab)
        for name, label, action in _TABS
        if action is None or header.may[action.value]
    ]
    return {"case": header, "tabs": tabs, "breadcrumbs": [(_("Cases"), reverse("case_list"))]}


def under_case(header: CaseHeader, *more: tuple[StrOrPromise, str]) -> Crumbs:
    """Return the breadcrumbs of a page below a case."""
    case = (header.reference, reverse("case_detail", args=[header.id]))
    return [(_("Cases"), reverse("case_list")), case, *more]


def put_errors(form: forms.Form, error: Invalid) -> None:
    """Put the sentences of a refusal beside the fields that they are about; others stand above the form."""
    for name, sentence in error.fields.items():
        form.add_error(name if name in form.fields else None, str(sentence))


def page_number(request: HttpRequest) -> int:
    """Return the asked-for page; anything that is no positive number is the first."""
    text = request.GET.get("page", "")
    return max(1, int(text)) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else 1


def uuid_or_none(text: str) -> UUID | None:
    """Return the UUID that `text` spells, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
