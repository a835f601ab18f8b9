"""Everything that somebody can type, as the code itself lists it; what has no secret of its own must say why."""

from __future__ import annotations

import importlib
import pkgutil
from argparse import Action, _StoreTrueAction
from collections.abc import Callable, Collection, Iterator
from typing import Any

from django import forms
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.urls import URLPattern, URLResolver, get_resolver

import casework
from casework.crypto.fields import SealedField
from tests.house.leaks.journey import text_members

# Answers that are chosen, counted or told by a clock: whoever knows one knows no person. What they refuse is planted.
_CHOSEN = (forms.ChoiceField, forms.MultipleChoiceField, forms.BooleanField, forms.IntegerField, forms.TimeField)

# Read from an address, never from a control.
_FROM_ADDRESS = frozenset({"ResetLinkForm"})

WITHOUT = {
    "FactForm.on": "a fact's date can be counted back from the time limits that it starts",
    "FactForm.not_before": "as the fact's own date",
    "FactForm.not_after": "as the fact's own date",
    "FactForm.told_on": "as the fact's own date",
    "FactForm.until": "as the fact's own date",
    "FactForm.due": "the date of a time limit stands in the clear",
    "FactForm.appeal_period": "a number and a unit",
    "CloseForm.on": "the day on which a case was closed stands in the clear",
    "KeepingForm.team": "an id",
    "PastDayForm.on": "a day to look back at, chosen by the reader",
    "TrailFilterForm.case": "the beginning of a random id",
    "TrailFilterForm.day_from": "a day of the trail, whose times stand in the clear",
    "TrailFilterForm.day_to": "a day of the trail, whose times stand in the clear",
    "TrailCopyForm.day_from": "a day of the trail, whose times stand in the clear",
    "TrailCopyForm.day_to": "a day of the trail, whose times stand in the clear",
    "ShareForm.until": "the end of an access stands in the clear",
    "ActivateTOTPForm.code": "six digits that count for half a minute",
    "ReauthenticateForm.code": "six digits that count for half a minute",
    "AddWebAuthnForm.name": "what colleagues call a key of their own stands in the clear",
    "AddWebAuthnForm.credential": "the public half of a key, which a browser fills in",
    "ReauthenticateWebAuthnForm.credential": "an answer that counts once, which a browser fills in",
    "EditWebAuthnForm.name": "what colleagues call a key of their own stands in the clear",
    "OpenLinkForm.password": "the password of the sign-in page; its link is made a day after somebody asked",
    "SetPasswordForm.password1": "only for an account without a password, and there is none",
    "SetPasswordForm.password2": "only for an account without a password, and there is none",
    "SignupForm.username": "nobody signs up on their own: the page has no form",
    "SignupForm.email": "nobody signs up on their own: the page has no form",
    "AddEmailForm.email": "typed wrongly alone: an address is no secret here",
    "ConfirmLoginCodeForm.code": "switched off",
}
"""Inputs without a secret that is kept, and why."""

SEALED = {
    "cases.Case.title": "CaseForm.title",
    "cases.Case.summary": "CaseForm.summary",
    "cases.Case.grounds": "CaseForm.account_lgbtqi",
    "cases.Case.safe_contact": "CaseForm.contact_details",
    "cases.Case.access_notes": "CaseForm.access_notes",
    "cases.Case.search": "CaseForm.name_latin",
    "cases.Person.name_original": "CaseForm.name_original",
    "cases.Person.name_latin": "CaseForm.name_latin",
    "cases.Person.birth_on": "CaseForm.birth_on",
    "cases.Person.gender": "CaseForm.gender",
    "cases.Person.particulars": "CaseForm.papers",
    "cases.CaseUserGrant.reason": "ShareForm.reason",
    "cases.Erasure.note": "AskErasureForm.note",
    "documents.Document.file_name": "DocumentForm.upload",
    "documents.Document.title": "DocumentForm.title",
    "documents.Document.dated_on": "DocumentForm.dated_on",
    "procedure.Fact.content": "FactForm.note",
}
"""Which planted input ends in which sealed column."""


SEALED_WITHOUT = frozenset(
    {
        # Chosen or made by the machine; they are sealed because of what they tell together.
        "cases.Person.birth_estimated",
        "cases.Person.nationalities",
        "cases.Person.languages",
        "cases.CaseGroupGrant.reason",
        "cases.SearchKey.root",
        "documents.Document.kind",
        "documents.Document.media_type",
        "documents.Document.size",
        "documents.Document.sha256",
    }
)


def form_classes() -> dict[str, type[forms.BaseForm]]:
    """Return every form of ours, and every one of the libraries that an address uses."""
    found = {form.__name__: form for form in _routed(get_resolver().url_patterns)}
    for info in pkgutil.walk_packages(casework.__path__, "casework."):
        if ".forms" in info.name and ".core." not in info.name:
            module = importlib.import_module(info.name)
            for thing in vars(module).values():
                if isinstance(thing, type) and issubclass(thing, forms.BaseForm) and thing.__module__ == info.name:
                    found[thing.__name__] = thing
    return {name: form for name, form in found.items() if name not in _FROM_ADDRESS}


def _routed(entries: list[Any]) -> Iterator[type[forms.BaseForm]]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from _routed(entry.url_patterns)
        elif isinstance(entry, URLPattern) and (
            form := getattr(getattr(entry.callback, "view_class", None), "form_class", None)
        ):
            yield form


def fields_of(name: str, form: type[forms.BaseForm]) -> dict[str, forms.Field]:
    """Return the fields that a form can have; what its maker adds is asked of made ones."""
    if (make := MADE.get(name)) is None:
        return dict(form.base_fields)
    return {key: field for one in make(form) for key, field in one.fields.items()}


def _case_form(form: Any) -> list[forms.BaseForm]:
    from uuid import uuid4

    return [form(teams=[(uuid4(), "North"), (uuid4(), "South")])]


def _fact_form(form: Any) -> list[forms.BaseForm]:
    from uuid import uuid4

    from casework.law.facts import VOCABULARY

    documents = [(uuid4(), "Paper")]
    return [form(kind=kind, country="FR", documents=documents, correcting=True) for kind in VOCABULARY.values()]


MADE: dict[str, Callable[[Any], list[forms.BaseForm]]] = {
    "CaseForm": _case_form,
    "FactForm": _fact_form,
}
"""How to make forms whose fields are not all known from the class."""


def is_typed(field: forms.Field) -> bool:
    """Tell whether somebody writes into a field, instead of choosing."""
    return not isinstance(field, _CHOSEN)


def required() -> dict[str, str]:
    """Return every input that must have a secret: its key, and what kind of input it is."""
    found: dict[str, str] = {}
    texts = {member for _fact, member in text_members()}
    for name, form in form_classes().items():
        for key, field in fields_of(name, form).items():
            # A fact's own texts are listed below, fact by fact; but a field may share its name with one.
            is_fact = name == "FactForm" and key in texts
            if is_typed(field) and not is_fact:
                found[f"{name}.{key}"] = "form"
    found |= {f"fact {fact}.{member}": "fact" for fact, member in text_members()}
    for command, action in options():
        found[f"command {command} {_called(action)}"] = "command line"
    return {key: kind for key, kind in found.items() if key not in WITHOUT}


def refusing() -> dict[str, str]:
    """Return every control of our forms, by the name under which it is sent: each must have been sent wrongly once."""
    found: dict[str, str] = {}
    for name, form in form_classes().items():
        if form.__module__.startswith("casework."):
            for key, field in fields_of(name, form).items():
                if not isinstance(field, forms.FileField):
                    found[f"{key}_0" if isinstance(field.widget, forms.MultiWidget) else key] = name
    return found


def sealed_columns() -> list[str]:
    """Return every sealed column, as `area.Model.field`."""
    return [
        f"{model._meta.app_label}.{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("casework.") and hasattr(model, "sealed_table")
        for field in model._meta.fields
        if isinstance(field, SealedField)
    ]


# What names a file or a number of the machine; its content is planted where it is a person's.
_NO_TEXT = frozenset({"out", "data", "certificate"})


def options() -> Iterator[tuple[str, Action]]:
    """Yield each free text that a command of ours takes: the command's name and the option."""
    for command, app in sorted(get_commands().items()):
        if str(app).startswith("casework."):
            parser = load_command_class(str(app), command).create_parser("manage.py", command)
            common = {
                action.dest for action in load_command_class("django.core", "check").create_parser("", "")._actions
            }
            for action in parser._actions:
                takes_text = action.type is None and not action.choices and not isinstance(action, _StoreTrueAction)
                if takes_text and action.nargs != 0 and action.dest not in common | _NO_TEXT:
                    yield command, action


def _called(action: Action) -> str:
    return action.option_strings[-1] if action.option_strings else action.dest


def missing(planted: Collection[str], sent_wrongly: Collection[str]) -> list[str]:
    """Return the inputs without a secret, in words; empty when there is one in each."""
    absent = [f"{key} ({kind}): no secret was planted in it" for key, kind in required().items() if key not in planted]
    absent += [f"{form}: {key} was never sent wrongly" for key, form in refusing().items() if key not in sent_wrongly]
    for column in sealed_columns():
        if column not in SEALED_WITHOUT and SEALED.get(column) not in planted:
            absent.append(f"{column}: no planted input is said to end in this sealed column")
    return absent
