"""Giving others access to a case, handing it over, adding documents, exporting the dossier, inviting colleagues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from casework.access.types import Level
from casework.accounts.types import TEAM_ROLES, Person, Role
from casework.core import clock
from casework.core.forms import DayMonthYearField
from casework.documents.types import DocumentKind, DocumentView

USUAL_DAYS = 90
LONGEST_DAYS = 730


class ShareForm(forms.Form):
    """Whom, how far, until when and why."""

    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("Of a colleague or lawyer who already has an account here."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    level = forms.TypedChoiceField(
        label=_("What they may do"),
        coerce=lambda value: Level(int(value)),
        choices=[
            (Level.VIEW.value, _("Read the case and its documents")),
            (Level.DOSSIER.value, _("Read, and export the dossier")),
            (Level.WORK.value, _("Work on it: record facts, add documents, change the record")),
        ],
        initial=Level.DOSSIER.value,
        widget=forms.RadioSelect,
    )
    until = DayMonthYearField(label=_("Until"), help_text=_("Access ends by itself at the end of this day."))
    reason = forms.CharField(
        label=_("Why"),
        max_length=500,
        help_text=_("Stored encrypted with the case, and in its trail."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, country: str) -> None:
        self.today = clock.today(country)
        super().__init__(data, initial={"until": self.today + timedelta(days=USUAL_DAYS)})

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if until < self.today:
            raise forms.ValidationError(_("This day has passed."))
        if until > self.today + timedelta(days=LONGEST_DAYS):
            raise forms.ValidationError(_("Two years are the longest; it can be given again."))
        return until


class RevokeForm(forms.Form):
    """Whether an access ends in the ordinary way, or because its holder is not trusted any more."""

    for_cause = forms.BooleanField(
        label=_("For cause: mistrust, a stolen device, somebody who left in anger"),
        required=False,
        help_text=_(
            "Also gives the case a new key. What is written from now on is sealed with it at once, and what was written"
            " before within minutes, while everybody goes on working. A key or a copy that somebody took from the"
            " system opens nothing that is stored after that; what they saw or saved, nobody can take back."
        ),
    )


class AssignForm(forms.Form):
    """Who leads the case from now on."""

    lead = forms.ChoiceField(label=_("Who leads the case"))

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, people: Sequence[Person], current: UUID | None = None
    ) -> None:
        super().__init__(data, initial={"lead": str(current) if current else ""})
        field = self.fields["lead"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose a colleague")), *((str(person.id), person.name) for person in people)]

    @property
    def lead_id(self) -> UUID:
        return UUID(self.cleaned_data["lead"])


class DocumentForm(forms.Form):
    """A file and what it is. The file was encrypted while it arrived."""

    upload = forms.FileField(
        label=_("File"),
        help_text=_("PDF, picture, text, office file, sound or video, up to 200 MB. It is encrypted while it arrives."),
        widget=forms.ClearableFileInput(
            attrs={"accept": ".pdf,.txt,.docx,.doc,.odt,.rtf,.xlsx,.xls,.ods,.msg,image/*,audio/*,video/*"}
        ),
        allow_empty_file=True,
    )
    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        required=False,
        help_text=_("As it should stand in the dossier's list of exhibits. Empty: the file's name."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("Choose a kind")), *DocumentKind.choices])
    dated_on = DayMonthYearField(label=_("Date on the document"), required=False)

    @property
    def dated(self) -> str:
        """The document's own date in ISO form, or empty."""
        on: date | None = self.cleaned_data["dated_on"]
        return on.isoformat() if on else ""


class DossierForm(forms.Form):
    """Which exhibits, for whom, and what for."""

    OWN, KEY, PASSPHRASE = "own", "key", "passphrase"

    documents = forms.MultipleChoiceField(label=_("Exhibits"), required=False, widget=forms.CheckboxSelectMultiple)
    purpose = forms.CharField(
        label=_("What for"),
        max_length=300,
        help_text=_("For instance “Appeal against the transfer decision”. Printed on the cover and kept in the trail."),
    )
    method = forms.ChoiceField(label=_("Encrypted to"), widget=forms.RadioSelect)
    recipient = forms.CharField(
        label=_("The recipient's public key"),
        required=False,
        max_length=400,
        help_text=_("Begins with age1 or ssh-ed25519. Needed only where you chose a public key."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    passphrase = forms.CharField(
        label=_("Passphrase"),
        required=False,
        max_length=200,
        min_length=16,
        strip=True,
        help_text=_(
            "Made for this dossier and shown only here: write it down before you export, and give it to the"
            " recipient by another way than the file. At least 16 characters, if you choose your own."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        documents: Sequence[DocumentView],
        own_key: str,
        passphrase: str = "",
    ) -> None:
        first = self.OWN if own_key else self.KEY
        chosen = [str(document.id) for document in documents]
        super().__init__(data, initial={"documents": chosen, "method": first, "passphrase": passphrase})
        self.own_key = own_key
        self._set("documents", [(str(document.id), document.title) for document in documents])
        own = [(self.OWN, _("My own key, from my profile"))] if own_key else []
        self._set(
            "method",
            [*own, (self.KEY, _("The public key of another person")), (self.PASSPHRASE, _("A passphrase"))],
        )

    def _set(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("method") == self.KEY and not cleaned.get("recipient", "").strip():
            self.add_error("recipient", _("Paste the recipient's public key."))
        if (
            cleaned.get("method") == self.PASSPHRASE
            and not cleaned.get("passphrase")
            and "passphrase" not in self.errors
        ):
            self.add_error("passphrase", _("Enter a passphrase."))
        elif cleaned.get("method") != self.PASSPHRASE and "passphrase" in self.errors:
            del self.errors["passphrase"]
        return cleaned

    @property
    def document_ids(self) -> list[UUID]:
        return [UUID(value) for value in self.cleaned_data["documents"]]

    @property
    def recipient_key(self) -> str | None:
        """The public key to encrypt to, or None where a passphrase was chosen."""
        method = self.cleaned_data["method"]
        if method == self.OWN:
            return self.own_key
        return self.cleaned_data["recipient"].strip() if method == self.KEY else None

    @property
    def chosen_passphrase(self) -> str | None:
        """The passphrase, or None where a key was chosen."""
        return self.cleaned_data["passphrase"] if self.cleaned_data["method"] == self.PASSPHRASE else None


class InviteForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
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
        chosen = self.cleaned_data.get("team")
        return UUID(chosen) if chosen else None
