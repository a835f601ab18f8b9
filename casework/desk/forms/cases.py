"""The form of a case: new, and changed later. Only the country and a name are required."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from casework.cases.types import (
    CaseFilter,
    CaseInput,
    CaseState,
    CaseView,
    Channel,
    Ground,
    GroundInput,
    PersonInput,
    RiskLevel,
    SafeContact,
)
from casework.core import places
from casework.core.forms import DayMonthYearField
from casework.desk import labels

_MOST_REPEATS = 8


@dataclass(frozen=True)
class GroundFields:
    """One ground's checkbox and the account that belongs to it."""

    chosen: BoundField
    account: BoundField

    @property
    def is_open(self) -> bool:
        """Whether the account is shown unfolded: the ground is ticked, or something was written."""
        return bool(self.chosen.value() or self.account.value())


class CaseForm(forms.Form):
    """Asks for a case; `given` is what was asked for, cleaned."""

    name_original = forms.CharField(
        label=_("Name in the original script"),
        max_length=200,
        required=False,
        help_text=_("As the person writes it, for instance in Cyrillic."),
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )
    name_latin = forms.CharField(
        label=_("Name in Latin letters"),
        max_length=200,
        required=False,
        help_text=_("As in the passport or in the authority's letters. One of the two names is enough."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    birth_on = DayMonthYearField(label=_("Date of birth"), required=False)
    birth_estimated = forms.BooleanField(label=_("The date of birth is estimated"), required=False)
    gender = forms.CharField(
        label=_("Gender"),
        max_length=60,
        required=False,
        help_text=_("As the person states it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    papers = forms.CharField(
        label=_("Numbers of papers"),
        max_length=400,
        required=False,
        help_text=_("Passport, identity card, number at the authority; several with commas between them."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    country = forms.ChoiceField(
        label=_("Country of the procedure"),
        help_text=_("The state where the person is, and whose authorities handle the application."),
    )
    channels = forms.MultipleChoiceField(
        label=_("How may we reach the person?"),
        choices=Channel.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    contact_details = forms.CharField(
        label=_("Numbers and addresses"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=2000
    )
    contact_hours = forms.CharField(
        label=_("When"), max_length=200, required=False, help_text=_("For instance “after 18:00, never at work”.")
    )
    may_leave_message = forms.BooleanField(label=_("We may leave a message"), required=False)
    code_word = forms.CharField(
        label=_("Code word"),
        max_length=80,
        required=False,
        help_text=_("A word by which the person knows that it is us."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    risk_level = forms.ChoiceField(
        label=_("Risk if the person is removed"),
        choices=RiskLevel.choices,
        required=False,
        initial=RiskLevel.UNKNOWN,
        help_text=_("The level stands in lists without explanation; the reasons belong into the summary."),
    )
    title = forms.CharField(
        label=_("Short title"),
        max_length=120,
        required=False,
        help_text=_("Helps colleagues to tell the case apart. Encrypted like the rest."),
    )
    summary = forms.CharField(
        label=_("Summary"), required=False, max_length=20000, widget=forms.Textarea(attrs={"rows": 6})
    )
    access_notes = forms.CharField(
        label=_("Notes on access"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Interpreter, mobility, health: whatever a meeting must take into account."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        teams: Sequence[tuple[UUID, str]] = (),
        case: CaseView | None = None,
    ) -> None:
        super().__init__(data, initial=_initial(case) if case else None)
        self.case = case
        if case is None and len(teams) > 1:
            choices = [("", _("Choose a team")), *((str(pk), name) for pk, name in teams)]
            self.fields["team"] = forms.ChoiceField(label=_("Team"), choices=choices)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", _("Choose a country")), *places.MEMBER_STATES, *_others(case)]
        self._repeat("nationalities", _("Nationality"), _("Another nationality"), places.COUNTRIES)
        self._repeat("languages", _("Language"), _("Another language"), places.LANGUAGES_SPOKEN)
        accounts = {ground.kind: ground.account for ground in case.grounds} if case else {}
        for kind, label in Ground.choices:
            self.fields[f"ground_{kind}"] = forms.BooleanField(label=label, required=False, initial=kind in accounts)
            self.fields[f"account_{kind}"] = forms.CharField(
                label=_("What happened"),
                required=False,
                max_length=20000,
                initial=accounts.get(kind, ""),
                widget=forms.Textarea(attrs={"rows": 4}),
            )

    def _repeat(self, name: str, first: Any, other: Any, choices: Iterable[tuple[str, Any]]) -> None:
        # One list of values as so many selects, with always one empty: works without a script and by keyboard.
        known = list((self.initial or {}).get(name, ()))
        posted = [key for key in self.data if key.startswith(f"{name}_")] if self.is_bound else []
        count = min(_MOST_REPEATS, max(2, len(known) + 1, len(posted)))
        for place in range(count):
            self.fields[f"{name}_{place}"] = forms.ChoiceField(
                label=first if place == 0 else other,
                choices=[("", _("Not known") if place == 0 else _("None")), *choices],
                required=False,
                initial=known[place] if place < len(known) else "",
            )

    def repeated(self, name: str) -> list[BoundField]:
        """Return the selects of one list of values."""
        return [self[key] for key in self.fields if key.startswith(f"{name}_")]

    @property
    def nationality_fields(self) -> list[BoundField]:
        return self.repeated("nationalities")

    @property
    def language_fields(self) -> list[BoundField]:
        return self.repeated("languages")

    @property
    def ground_fields(self) -> list[GroundFields]:
        return [GroundFields(self[f"ground_{kind}"], self[f"account_{kind}"]) for kind in Ground.values]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not (cleaned.get("name_original", "").strip() or cleaned.get("name_latin", "").strip()):
            self.add_error("name_original", _("Enter the name in at least one script."))
        return cleaned

    @property
    def team_id(self) -> UUID | None:
        """The chosen team, where several could be chosen."""
        chosen = self.cleaned_data.get("team")
        return UUID(chosen) if chosen else None

    @property
    def given(self) -> CaseInput:
        """The case as it was given."""
        clean = self.cleaned_data
        return CaseInput(
            country=clean["country"],
            applicant=PersonInput(
                name_original=clean["name_original"],
                name_latin=clean["name_latin"],
                birth_on=clean["birth_on"],
                birth_estimated=clean["birth_estimated"],
                gender=clean["gender"].strip(),
                nationalities=self._values("nationalities"),
                languages=self._values("languages"),
                state=self.case.applicant.state if self.case else "",
                papers=tuple(paper.strip() for paper in clean["papers"].split(",") if paper.strip()),
            ),
            grounds=tuple(
                GroundInput(kind=kind, account=clean[f"account_{kind}"].strip())
                for kind in Ground.values
                # An account without its tick was still written for this ground: what was typed is not thrown away.
                if clean[f"ground_{kind}"] or clean[f"account_{kind}"].strip()
            ),
            safe_contact=SafeContact(
                channels=tuple(clean["channels"]),
                details=clean["contact_details"].strip(),
                hours=clean["contact_hours"].strip(),
                may_leave_message=clean["may_leave_message"],
                code_word=clean["code_word"].strip(),
            ),
            title=clean["title"].strip(),
            summary=clean["summary"].strip(),
            access_notes=clean["access_notes"].strip(),
            risk_level=clean["risk_level"] or RiskLevel.UNKNOWN,
        )

    def differences(self) -> list[tuple[str, str, str]]:
        """Return what differs from the record as it is saved: (field, saved by the other, typed here), in words."""
        rows = []
        for name, field in self.fields.items():
            bound = self[name]
            saved, typed = bound.initial, self.cleaned_data.get(name)
            if name != "version" and (saved or None) != (typed or None) and not _same_list(saved, typed):
                rows.append((str(bound.label), _in_words(field, saved), _in_words(field, typed)))
        return rows

    def _values(self, name: str) -> tuple[str, ...]:
        chosen = [self.cleaned_data[key] for key in self.fields if key.startswith(f"{name}_")]
        return tuple(dict.fromkeys(value for value in chosen if value))


def _same_list(saved: Any, typed: Any) -> bool:
    return isinstance(typed, list) and list(saved or ()) == typed


def _choices(field: forms.ChoiceField) -> dict[Any, Any]:
    return dict(cast("Iterable[tuple[Any, Any]]", field.choices))


def _in_words(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.MultipleChoiceField):
        chosen = _choices(field)
        return ", ".join(str(chosen.get(entry, entry)) for entry in value or ())
    if isinstance(field, forms.ChoiceField):
        return str(_choices(field).get(value, value or ""))
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    return labels.day(value) if isinstance(value, date) else str(value or "")


def _others(case: CaseView | None) -> list[tuple[str, str]]:
    # An imported case may run in a state that the list does not offer: saving must not change it by accident.
    if case is None or case.country in dict(places.MEMBER_STATES):
        return []
    return [(case.country, labels.country(case.country))]


def _initial(case: CaseView) -> dict[str, Any]:
    applicant, contact = case.applicant, case.safe_contact
    return {
        "name_original": applicant.name_original,
        "name_latin": applicant.name_latin,
        "birth_on": applicant.birth_on,
        "birth_estimated": applicant.birth_estimated,
        "gender": applicant.gender,
        "nationalities": applicant.nationalities,
        "languages": applicant.languages,
        "papers": ", ".join(applicant.papers),
        "country": case.country,
        "channels": contact.channels,
        "contact_details": contact.details,
        "contact_hours": contact.hours,
        "may_leave_message": contact.may_leave_message,
        "code_word": contact.code_word,
        "risk_level": case.risk_level,
        "title": case.title,
        "summary": case.summary,
        "access_notes": case.access_notes,
        "version": case.version,
    }


class CaseFilterForm(forms.Form):
    """What a list shows: every choice stands in the address, so none of them is a word that somebody typed."""

    country = forms.ChoiceField(label=_("Country"), required=False)
    stage = forms.ChoiceField(label=_("Stage"), required=False)
    risk = forms.ChoiceField(label=_("Risk"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("all", _("All")), *CaseState.choices])
    detained = forms.BooleanField(label=_("Only people in detention"), required=False)
    sort = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[
            ("due", _("Next time limit")),
            ("opened", _("Newest first")),
            ("stage", _("Stage")),
            ("reference", _("Reference")),
        ],
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__({"state": CaseState.OPEN.value, "sort": "due", **{key: data[key] for key in data}})
        self._set("country", [("", _("All")), *places.MEMBER_STATES])
        self._set("stage", [("", _("All")), *labels.stages()])
        self._set("risk", [("", _("All")), *RiskLevel.choices])

    def _set(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def value(self, name: str) -> str:
        """Return one chosen value; an unknown one counts as none."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")


class SearchForm(forms.Form):
    """Names or parts of them, a number, a birth date; and choices that are sealed, so that they stand in no address."""

    words = forms.CharField(
        label=_("Find by name or number"),
        max_length=120,
        strip=True,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto", "type": "search"}),
    )
    ground = forms.ChoiceField(label=_("Ground"), required=False, choices=[("", _("All")), *Ground.choices])
    nationality = forms.ChoiceField(label=_("Nationality"), required=False)
    page = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        nationality = self.fields["nationality"]
        assert isinstance(nationality, forms.ChoiceField)
        nationality.choices = [("", _("All")), *places.COUNTRIES]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(cleaned[name] for name in ("words", "ground", "nationality")):
            self.add_error("words", _("Enter a name or a number, or choose a ground or a nationality."))
        return cleaned

    @property
    def wanted(self) -> CaseFilter:
        """What was asked for, open and closed cases alike."""
        asked = {name: self.cleaned_data[name] for name in ("words", "ground", "nationality")}
        return CaseFilter(**asked, state="")
