"""Roles, teams, switching an account off, and handing over what somebody leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from casework.accounts.types import TEAM_ROLES, Person, Role

_LONGEST_NAME = 80


class RoleForm(forms.Form):
    """One more role for somebody."""

    role = forms.ChoiceField(label=_("Role"), choices=[("", _("Choose a role")), *Role.choices])
    team = forms.ChoiceField(
        label=_("Team"), required=False, help_text=_("For caseworkers and coordinators; other roles belong to no team.")
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, teams: Sequence[tuple[UUID, str]]) -> None:
        super().__init__(data)
        field = self.fields["team"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("No team")), *((str(pk), name) for pk, name in teams)]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        role = cleaned.get("role")
        if role and (role in TEAM_ROLES) != bool(cleaned.get("team")):
            self.add_error("team", _("Caseworkers and coordinators belong to a team; other roles to none."))
        return cleaned

    @property
    def team_id(self) -> UUID | None:
        """The chosen team, or None."""
        chosen = self.cleaned_data.get("team")
        return UUID(chosen) if chosen else None


class SureForm(forms.Form):
    """What leaves a team without a coordinator wants one tick more."""

    sure = forms.BooleanField(label=_("I know, and have spoken with the team"))

    def __init__(self, data: Mapping[str, Any] | None = None, *, needed: bool) -> None:
        super().__init__(data)
        if not needed:
            del self.fields["sure"]


class TeamForm(forms.Form):
    """What a team is called."""

    name = forms.CharField(
        label=_("Name of the team"),
        max_length=_LONGEST_NAME,
        help_text=_("Stands in the clear in the database: choose one that tells nothing about the people you help."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class LeaverForm(forms.Form):
    """Whose cases are handed over."""

    start = forms.ChoiceField(label=_("Whose cases"))

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, people: Sequence[tuple[UUID, str]], chosen: UUID | None = None
    ) -> None:
        super().__init__(data, initial={"start": str(chosen or "")})
        field = self.fields["start"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose a colleague")), *((str(pk), said) for pk, said in people)]


class HandOverForm(forms.Form):
    """Which cases go to whom, why, and whether the former lead keeps any access."""

    cases = forms.MultipleChoiceField(
        label=_("Cases"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one case.")},
    )
    to = forms.ChoiceField(label=_("Who leads them from now on"))
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        help_text=_("Stands encrypted in the trail of each case."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    take_back = forms.BooleanField(
        label=_("Take back every access of the former lead to these cases"),
        required=False,
        help_text=_("Leave this empty for somebody who stays and goes on working on them."),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        case_ids: Sequence[UUID],
        people: Sequence[Person],
        take_back: bool,
    ) -> None:
        chosen = [str(pk) for pk in case_ids]
        super().__init__(data, initial={"cases": chosen, "take_back": take_back})
        for name, choices in (
            ("cases", [(value, value) for value in chosen]),
            ("to", [("", _("Choose a colleague")), *((str(person.id), person.name) for person in people)]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices

    @property
    def ticked(self) -> frozenset[str]:
        """The ids that stand ticked: those sent, or all at first."""
        return frozenset(self["cases"].value() or ())

    @property
    def case_ids(self) -> list[UUID]:
        """The chosen cases."""
        return [UUID(value) for value in self.cleaned_data["cases"]]

    @property
    def to_id(self) -> UUID:
        """The new lead."""
        return UUID(self.cleaned_data["to"])
