"""The form of one fact, made from the law's vocabulary: what it asks is what the rules need, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from casework.core import clock, places
from casework.core.forms import DayMonthYearField
from casework.desk import labels
from casework.law import facts as law
from casework.law.facts import FactKind, FactsError, Member

_FACTS_PREFIX = re.compile(r"^facts\[\d+\](?: \([a-z0-9-]+\))?: ")
_ORDER = re.compile(r"dated [\d-]+, before its request \((?P<request>[a-z0-9-]+)\) of (?P<on>[\d-]+)\.")
_NOTIFIED = ("-decision-notified", "-order-notified")


class FactForm(forms.Form):
    """Asks for one fact of a kind; `content` is the fact as the facts file has it."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        kind: FactKind,
        country: str,
        content: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> None:
        super().__init__(data)
        self.kind, self.country = kind, country
        self._known = dict(content or {})
        self._add_date()
        for member in kind.members:
            self._add_member(member)
        self._add_details()
        self.fields["note"] = forms.CharField(
            label=_("Note"),
            required=False,
            max_length=4000,
            initial=note,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text=_("Where the information comes from, what is still open."),
        )

    # -- fields ------------------------------------------------------------------------------------------------------

    def _add_date(self) -> None:
        known = self._known.get("at") or self._known.get("on")
        moment = _read(known)
        self.fields["on"] = DayMonthYearField(
            label=labels.DATES.get(self.kind.name, _("Date")), initial=_day_of(moment)
        )
        if self.kind.takes_time or isinstance(moment, datetime):
            self.fields["time"] = forms.TimeField(
                label=_("Time"),
                required=False,
                initial=moment.time() if isinstance(moment, datetime) else None,
                widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                help_text=_("Some periods count in hours: give the hour where you know it."),
            )

    def _add_member(self, member: Member) -> None:
        known = self._known.get(member.name)
        common: dict[str, Any] = {
            "label": labels.member(member.name),
            "required": member.required,
            "help_text": labels.HELP.get(member.name, ""),
            "initial": known,
        }
        match member.kind:
            case "state":
                self.fields[member.name] = forms.ChoiceField(choices=_states(known), **common)
            case "choice":
                choices = [(value, labels.choice(member.name, value)) for value in member.choices]
                if not member.required:
                    choices = [("", str(_("Not known"))), *choices]
                    common["initial"] = known or ""
                self.fields[member.name] = forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
            case "days":
                common["widget"] = forms.NumberInput(attrs={"inputmode": "numeric"})
                self.fields[member.name] = forms.IntegerField(min_value=1, max_value=3650, **common)
            case "flag":
                self.fields[member.name] = forms.BooleanField(**{**common, "required": False})
            case "date":
                self.fields[member.name] = DayMonthYearField(**{**common, "initial": _day_of(_read(known))})
            case "moment":
                moment = _read(known)
                self.fields[member.name] = DayMonthYearField(**{**common, "initial": _day_of(moment)})
                self.fields[f"{member.name}_time"] = forms.TimeField(
                    label=_("Hour, where one was set"),
                    required=False,
                    initial=moment.time() if isinstance(moment, datetime) else None,
                    widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                )
            case "party":
                parties = [("", _("Choose")), ("applicant", _("The applicant")), ("authority", _("The authority"))]
                self.fields[member.name] = forms.ChoiceField(choices=[*parties, *places.MEMBER_STATES], **common)
            case _:
                self.fields[member.name] = forms.CharField(max_length=500, **common)

    def _add_details(self) -> None:
        notified = self.kind.name.endswith(_NOTIFIED)
        if notified or self._known.get("service"):
            self._add_radios("service", _("How it was notified"), labels.SERVICES)
        if notified or self._known.get("notified_to"):
            self._add_radios("notified_to", _("To whom"), labels.ADDRESSEES)
        self._add_radios("certainty", _("How sure is this?"), labels.CERTAINTIES)

    def _add_radios(self, name: str, label: Any, words: Mapping[str, Any]) -> None:
        self.fields[name] = forms.ChoiceField(
            label=label,
            required=False,
            choices=[("", _("Not recorded")), *words.items()],
            widget=forms.RadioSelect,
            initial=self._known.get(name, ""),
        )

    @property
    def fact_fields(self) -> list[BoundField]:
        """Every field but the note, which stands apart."""
        return [self[name] for name in self.fields if name != "note"]

    # -- cleaning ----------------------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        on = cleaned.get("on")
        if on and not self.kind.planned and on > clock.today(self.country):
            self.add_error("on", _("This date lies ahead. Record the fact once it has happened."))
        for member in self.kind.members:
            if member.kind == "moment" and cleaned.get(f"{member.name}_time") and not cleaned.get(member.name):
                self.add_error(member.name, _("Give the date that this hour belongs to."))
        if not self.errors:
            try:
                law.parse_fact(self.content)
            except FactsError as error:
                self.add_fault(str(error))
        return cleaned

    @property
    def content(self) -> dict[str, Any]:
        """The fact as an entry of `facts` in the facts file; members that were left empty are absent."""
        clean = self.cleaned_data
        entry: dict[str, Any] = {"fact": self.kind.name, **self._when(clean["on"], clean.get("time"))}
        for member in self.kind.members:
            value: Any = clean.get(member.name)
            if value in {None, "", False}:
                continue
            if member.kind == "date":
                value = value.isoformat()
            elif member.kind == "moment":
                value = _joined(value, clean.get(f"{member.name}_time"), self.country)
            entry[member.name] = value
        for name in ("certainty", "service", "notified_to"):
            if clean.get(name):
                entry[name] = clean[name]
        return entry

    def _when(self, on: date, at: time | None) -> dict[str, str]:
        return {"at" if at else "on": _joined(on, at, self.country)}

    def add_fault(self, message: str) -> None:
        """Put what the law says against the facts beside the field that it is about, in words for people."""
        text = _FACTS_PREFIX.sub("", message)
        if found := _ORDER.search(text):
            self.add_error(
                "on",
                _("This lies before what it answers: “%(request)s”, recorded for %(date)s.")
                % {"request": labels.fact(found["request"]), "date": labels.moment(found["on"])},
            )
            return
        first = re.split(r"[ :]", text, maxsplit=1)[0]
        name = {"at": "on"}.get(first, first)
        self.add_error(name if name in self.fields else None, text)


def _states(known: object) -> list[tuple[str, Any]]:
    states = list(places.MEMBER_STATES)
    if isinstance(known, str) and known not in dict(states):
        states.append((known, labels.country(known)))
    return [("", _("Choose a state")), *states]


def _read(text: object) -> date | datetime | None:
    if not isinstance(text, str) or not text:
        return None
    return datetime.fromisoformat(text) if len(text) > len("2026-09-01") else date.fromisoformat(text)


def _day_of(moment: date | datetime | None) -> date | None:
    return moment.date() if isinstance(moment, datetime) else moment


def _joined(on: date, at: time | None, country: str) -> str:
    if at is None:
        return on.isoformat()
    return datetime.combine(on, at, tzinfo=clock.zone_of(country)).isoformat()


class WithdrawForm(forms.Form):
    """Why a fact is to count no more."""

    note = forms.CharField(
        label=_("Why is it taken back?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For instance “recorded in the wrong case”. The fact stays readable in the record."),
    )
