"""The form of one fact, made from the law's vocabulary: what it asks is what the rules need, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from casework.core import clock, places
from casework.core.errors import Invalid
from casework.core.forms import DayMonthYearField
from casework.desk import labels
from casework.desk.forms import _controls as controls
from casework.law import facts as law
from casework.law.facts import FactKind, FactsError, Member

_FACTS_PREFIX = re.compile(r"^facts\[\d+\](?: \([a-z0-9-]+\))?: ")
_ORDER = re.compile(r"dated [\d-]+, before its request \((?P<request>[a-z0-9-]+)\) of (?P<on>[\d-]+)\.")
_TRANSFER = re.compile(r"dated (?P<at>[\d-]+), before the acceptance \([a-z0-9-]+\) of (?P<on>[\d-]+)\.")
_NOTIFIED = ("-decision-notified", "-order-notified")
_OF_OTHER_STATES = frozenset({"eurodac-hit", "vis-hit"})
_WHICH = "_which"
_UNKNOWN = ("date_unknown", "not_before", "not_after")
# Not called "reason": a transfer that failed has a reason of its own.
_WHY = "why_corrected"
_APART = ("note", "document", _WHY)


class FactForm(forms.Form):
    """Asks for one fact of a kind; `content` is the fact as the facts file has it.

    Hours are taken on the clocks of `country`. `documents` are those of the case, as choices; `correcting` asks why;
    `supposed` is for a fact that has not happened: it may lie ahead, and nothing is asked that only the record keeps.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        kind: FactKind,
        country: str,
        content: Mapping[str, Any] | None = None,
        note: str = "",
        document: UUID | None = None,
        documents: Sequence[tuple[UUID, str]] = (),
        correcting: bool = False,
        supposed: bool = False,
    ) -> None:
        super().__init__(data)
        self.kind, self.country, self.supposed = kind, country, supposed
        self.zone = clock.zone_of(country)
        self._known = dict(content or {})
        self._hours: list[tuple[str, str]] = []
        self._add_date()
        for member in kind.members:
            if member.name != self._other_figure():
                self._add_member(member)
        self._add_details()
        self._add_proof(document, documents)
        if not supposed:
            self.fields["note"] = forms.CharField(
                label=_("Note"),
                required=False,
                max_length=4000,
                initial=note,
                widget=forms.Textarea(attrs={"rows": 3}),
                help_text=_("Where the information comes from, what is still open."),
            )
        if correcting:
            self.fields[_WHY] = forms.CharField(
                label=_("Why is it corrected?"),
                max_length=4000,
                widget=forms.Textarea(attrs={"rows": 2}),
                help_text=_("For instance “the postmark says the 3rd”. It stays beside the old version."),
            )

    # -- fields ------------------------------------------------------------------------------------------------------

    def _add_date(self) -> None:
        moment = self._local(self._known.get("at") or self._known.get("on"))
        # What is planned or set has no date other than that one.
        may_be_unknown = not self.kind.planned and self.kind.group not in {"set", "derogation"}
        unknown = may_be_unknown and self._says_unknown()
        self.fields["on"] = DayMonthYearField(
            label=labels.DATES.get(self.kind.name, _("Date")), initial=_day_of(moment), required=not unknown
        )
        if self.kind.takes_time or isinstance(moment, datetime):
            self._add_hour("on", "time", _("Time"), moment)
            self.fields["time"].help_text = _(
                "%(zone)s. Some periods count in hours: give the hour if you know it."
            ) % {"zone": labels.zone(self.zone.key, self.country)}
        if may_be_unknown:
            self.fields["date_unknown"] = forms.BooleanField(
                label=_("The date is not known"),
                required=False,
                initial=unknown,
                help_text=_("Leave the date empty then. What can be computed is computed for the cautious bound."),
            )
            for name, label in (("not_before", _("Not before")), ("not_after", _("Not after"))):
                known = _day_of(_read(self._known.get(name)))
                self.fields[name] = DayMonthYearField(label=label, required=False, initial=known)

    def _says_unknown(self) -> bool:
        """Tell whether the date is said not to be known, by the control's own reading of what was sent."""
        if self.is_bound:
            return bool(forms.CheckboxInput().value_from_datadict(self.data, self.files, "date_unknown"))
        return bool(self._known.get("date_unknown"))

    def _local(self, text: object) -> date | datetime | None:
        """Return a recorded date, or a moment on the clocks of the form's country: its day and its hour go together."""
        moment = _read(text)
        return moment.astimezone(self.zone) if isinstance(moment, datetime) else moment

    def _add_hour(self, date_name: str, name: str, label: Any, moment: date | datetime | None) -> None:
        hour = moment if isinstance(moment, datetime) else None
        self.fields[name] = forms.TimeField(
            label=label,
            required=False,
            initial=hour.time().replace(fold=0) if hour else None,
            widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        )
        # Asked only of a time that the clocks showed twice; see `fact_fields`.
        self.fields[name + _WHICH] = forms.ChoiceField(
            label=_("Which of the two?"),
            required=False,
            choices=[
                ("0", _("The first, before the clocks were put back (summer time)")),
                ("1", _("The second, after the clocks were put back (winter time)")),
            ],
            widget=forms.RadioSelect,
            initial=str(hour.fold) if hour and len(controls.moments(hour.date(), hour.time(), self.zone)) > 1 else None,
        )
        self._hours.append((date_name, name))

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
                common["error_messages"] = {"invalid_choice": _("Choose one of the states on the list.")}
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
            case "period":
                self.fields[member.name] = controls.PeriodField(**common)
            case "flag":
                self.fields[member.name] = forms.BooleanField(**{**common, "required": False})
            case "date":
                self.fields[member.name] = DayMonthYearField(**{**common, "initial": _day_of(_read(known))})
            case "moment":
                moment = self._local(known)
                self.fields[member.name] = DayMonthYearField(**{**common, "initial": _day_of(moment)})
                name = f"{member.name}_time"
                self._add_hour(member.name, name, _("Hour, where one was set"), moment)
                self.fields[name].help_text = labels.zone(self.zone.key, self.country)
            case "party":
                parties = [("", _("Choose")), ("applicant", _("The applicant")), ("authority", _("The authority"))]
                self.fields[member.name] = forms.ChoiceField(choices=[*parties, *places.MEMBER_STATES], **common)
            case _:
                self.fields[member.name] = forms.CharField(max_length=500, **common)

    def _other_figure(self) -> str:
        """Return which of the two members that say what a decision prints is not asked for: one is enough."""
        if self.kind.member("appeal_period") and self.kind.member("appeal_days"):
            return "appeal_period" if self._known.get("appeal_days") else "appeal_days"
        return ""

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

    def _add_proof(self, document: UUID | None, documents: Sequence[tuple[UUID, str]]) -> None:
        if not documents:
            return
        self.fields["document"] = forms.ChoiceField(
            label=_("Document that proves it"),
            required=False,
            choices=[("", _("None")), *((str(key), title) for key, title in documents)],
            initial=str(document or ""),
        )

    @property
    def fact_fields(self) -> list[BoundField]:
        """Every field of the fact itself; what the form says of the unknown date and of its own stands apart."""
        asked = {f"{name}{_WHICH}" for name in self._asks_which()}
        hidden = {f"{name}{_WHICH}" for _on, name in self._hours} - asked
        return [self[name] for name in self.fields if name not in {*hidden, *_UNKNOWN, *_APART}]

    @property
    def date_fields(self) -> list[BoundField]:
        """The date with its hour: what stands above the question whether the date is known."""
        names = {"on", "time", f"time{_WHICH}"}
        return [field for field in self.fact_fields if field.name in names]

    @property
    def other_fields(self) -> list[BoundField]:
        """What stands below it."""
        return [field for field in self.fact_fields if field not in self.date_fields]

    @property
    def unknown_fields(self) -> list[BoundField]:
        """The fields of a date that is not known; none for what is planned."""
        return [self[name] for name in _UNKNOWN if name in self.fields]

    @property
    def unknown_open(self) -> bool:
        """Tell whether something was said about a date that is not known, so that it may not stand folded."""
        return any(field.errors or _says_something(field.value()) for field in self.unknown_fields)

    @property
    def own_fields(self) -> list[BoundField]:
        """What the record keeps beside the fact: the document, the note, the reason of a correction."""
        return [self[name] for name in ("document", "note", _WHY) if name in self.fields]

    def _asks_which(self) -> Iterator[str]:
        for _date, name in self._hours:
            said = self[f"{name}{_WHICH}"].value()
            if said or (self.is_bound and self.has_error(name, "twice")):
                yield name

    # -- cleaning ----------------------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self._check_date(cleaned)
        for member in self.kind.members:
            if member.kind == "moment" and cleaned.get(f"{member.name}_time") and not cleaned.get(member.name):
                self.add_error(member.name, _("Give the date that this hour belongs to."))
        for date_name, name in self._hours:
            self._check_hour(cleaned, date_name, name)
        if self.kind.name in _OF_OTHER_STATES and cleaned.get("state") == self.country:
            self.add_error(
                "state", _("A hit of the state whose procedure runs decides nothing: choose the other state.")
            )
        if not self.errors:
            try:
                law.parse_fact(self.content)
            except FactsError as error:
                self.add_fault(str(error), getattr(error, "member", None))
        return cleaned

    def _check_date(self, cleaned: Mapping[str, Any]) -> None:
        on, today = cleaned.get("on"), clock.today(self.country)
        if on and not self.kind.planned and not self.supposed and on > today:
            self.add_error("on", _("This date lies ahead. Record the fact once it has happened."))
        if "date_unknown" not in self.fields:
            return
        before, after = cleaned.get("not_before"), cleaned.get("not_after")
        if cleaned.get("date_unknown"):
            if on or cleaned.get("time"):
                self.add_error("date_unknown", _("Either give the date, or say that it is not known."))
            if before and before > today and not self.supposed:
                self.add_error("not_before", _("This date lies ahead. Record the fact once it has happened."))
            if before and after and after < before:
                self.add_error("not_after", _("This lies before the first day on which it can have happened."))
        elif before or after:
            self.add_error("date_unknown", _("Tick this if the date is not known, or empty the two dates below."))

    def _check_hour(self, cleaned: Mapping[str, Any], date_name: str, name: str) -> None:
        on, at = cleaned.get(date_name), cleaned.get(name)
        if not on or not at:
            return
        where = {"time": f"{at:%H:%M}", "date": labels.day(on), "country": labels.country(self.country)}
        try:
            found = controls.moments(on, at, self.zone)
        except controls.NoSuchTime:
            self.add_error(
                name,
                _("There was no %(time)s on %(date)s in %(country)s: the clocks were put forward over it.") % where,
            )
            return
        if len(found) > 1 and cleaned.get(f"{name}{_WHICH}") not in {"0", "1"}:
            said = _("The clocks in %(country)s showed %(time)s twice on %(date)s. Say below which of the two it was.")
            self.add_error(name, forms.ValidationError(said % where, code="twice"))
            self.fields[f"{name}{_WHICH}"].required = True

    @property
    def content(self) -> dict[str, Any]:
        """The fact as an entry of `facts` in the facts file; members that were left empty are absent."""
        clean = self.cleaned_data
        entry: dict[str, Any] = {"fact": self.kind.name}
        if clean.get("date_unknown"):
            entry["date_unknown"] = True
            entry |= {name: clean[name].isoformat() for name in ("not_before", "not_after") if clean.get(name)}
        else:
            at = clean.get("time")
            entry["at" if at else "on"] = self._joined("on", "time")
        for member in self.kind.members:
            value: Any = clean.get(member.name)
            if value in {None, "", False}:
                continue
            if member.kind == "date":
                value = value.isoformat()
            elif member.kind == "moment":
                value = self._joined(member.name, f"{member.name}_time")
            entry[member.name] = value
        for name in ("certainty", "service", "notified_to"):
            if clean.get(name):
                entry[name] = clean[name]
        return entry

    @property
    def document(self) -> UUID | None:
        """The document that was chosen as proof."""
        chosen = self.cleaned_data.get("document")
        return UUID(chosen) if chosen else None

    @property
    def says_document(self) -> bool:
        """Tell whether the document was asked for and answered, be it with none."""
        return "document" in self.fields and "document" in self.data

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Everything that was typed, by the names of its boxes, for a form that carries it on."""
        names = {*self.fields, *_APART}
        lists = self.data.lists() if hasattr(self.data, "lists") else ((key, [it]) for key, it in self.data.items())
        return [
            (name, value)
            for name, values in lists
            if name in names or re.sub(r"_[0-2]$", "", name) in names
            for value in values
            if value != ""
        ]

    @property
    def carried_apart(self) -> list[tuple[str, str]]:
        """What was typed for the record alone, which a form for a supposed fact carries on unseen."""
        return [(name, value) for name, value in self.carried if name in _APART]

    def _joined(self, date_name: str, name: str) -> str:
        on: date = self.cleaned_data[date_name]
        at: time | None = self.cleaned_data.get(name)
        if at is None:
            return on.isoformat()
        fold = 1 if self.cleaned_data.get(f"{name}{_WHICH}") == "1" else 0
        return datetime.combine(on, at.replace(fold=fold), tzinfo=self.zone).isoformat()

    @property
    def why_corrected(self) -> str:
        """The reason of a correction."""
        return str(self.cleaned_data[_WHY])

    def put_faults(self, error: Invalid) -> None:
        """Put what the record says against the fact beside the fields that it is about."""
        for name, sentence in error.fields.items():
            self.add_fault(str(sentence), name)

    def add_fault(self, message: str, member: str | None = None) -> None:
        """Put what the law says against the facts beside the field that it is about, in words for people."""
        named = member or re.split(r"[ :]", _FACTS_PREFIX.sub("", message), maxsplit=1)[0]
        self.add_error(self._field(named) or None, said_against(message, self.kind.name))

    def _field(self, member: str) -> str:
        """Return the field that asks for a member of the facts file; empty where none does."""
        name = {"at": "time" if "time" in self.fields else "on"}.get(member, member)
        return name if name in self.fields else ""


def said_against(message: str, kind: str) -> str:
    """Return what the law says against a fact of this kind, in words for people and without its place in a list."""
    text = _FACTS_PREFIX.sub("", message)
    if found := _ORDER.search(text):
        said = _("This lies before what it answers: “%(request)s”, recorded for %(date)s.")
        return str(said % {"request": labels.fact(found["request"]), "date": labels.moment(found["on"])})
    if found := _TRANSFER.search(text):
        # Either of the two can be the one that is meant.
        if kind == "transferred":
            said = _("This lies before the acceptance recorded for %(date)s, on which a transfer rests.")
            return str(said % {"date": labels.moment(found["on"])})
        said = _("A transfer is recorded for %(date)s, before this acceptance.")
        return str(said % {"date": labels.moment(found["at"])})
    return text[:1].upper() + text[1:]


def _says_something(value: object) -> bool:
    return any(value) if isinstance(value, list) else bool(value)


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


class WithdrawForm(forms.Form):
    """Why a fact is to count no more."""

    note = forms.CharField(
        label=_("Why is it taken back?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For instance “recorded in the wrong case”. The fact stays readable in the record."),
    )
