"""Forms about the audit trail: which entries to show, and what to hand out of them. They ask for no words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from casework.audit import actions
from casework.audit.chain import NIL
from casework.audit.types import SYSTEM_STREAM, TrailFilter
from casework.core.forms import DayMonthYearField

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The blocks of the register of actions, by the hundreds of their numbers.
_BLOCKS: Final[Mapping[int, StrOrPromise]] = {
    1: _("The case"),
    2: _("People of a case"),
    3: _("Procedure and time limits"),
    4: _("Documents and dossiers"),
    5: _("Access"),
    6: _("Lists, notices and reminders"),
    7: _("Notes and tasks"),
    8: _("Imports and drafts"),
    10: _("The audit trail"),
    11: _("Signing in"),
    12: _("Accounts and teams"),
    13: _("Keys and the server"),
}
_OF_A_CASE: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 10, 13})


class TrailFilterForm(forms.Form):
    """Which entries of the trail are shown. It is sent in the address, so it holds ids, codes and days only.

    `people`: ids and names to choose from, or None where the entries are one person's. `cases`: ask for a case.
    `unusual`: ask for marked entries.
    """

    who = forms.ChoiceField(label=_("Who"), required=False)
    case = forms.CharField(
        label=_("Case"),
        required=False,
        min_length=4,
        max_length=36,
        help_text=_("The beginning of its id, as it stands in the list."),
        error_messages={"min_length": _("Enter at least the first four characters.")},
        validators=[RegexValidator(r"^([0-9a-fA-F]-?)+$", _("Enter digits and the letters a to f."))],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    action = forms.ChoiceField(label=_("What was done"), required=False)
    outcome = forms.TypedChoiceField(label=_("Outcome"), required=False, coerce=int, empty_value=None)
    day_from = DayMonthYearField(label=_("From"), required=False)
    day_to = DayMonthYearField(label=_("To"), required=False, help_text=_("This day is included."))
    unusual = forms.BooleanField(label=_("Only unusual access"), required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        people: Sequence[tuple[UUID, StrOrPromise]] | None = None,
        cases: bool = False,
        unusual: bool = False,
    ) -> None:
        super().__init__(data or {})
        left_out = {"who": people is None, "case": not cases, "unusual": not unusual}
        for name in [name for name, out in left_out.items() if out]:
            del self.fields[name]
        if people is not None:
            self._set("who", [("", _("Everybody")), *((str(pk), name) for pk, name in people)])
        blocks = None if cases or people is None else _OF_A_CASE
        self._set("action", [("", _("Everything")), *_actions(blocks)])
        self._set("outcome", [("", _("Any")), *((str(code), label) for code, label in actions.OUTCOMES.items())])

    def _set(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("day_from"), cleaned.get("day_to")
        if first and last and last < first:
            self.add_error("day_to", _("Enter a day that is not before the first one."))
        if len(cleaned.get("case", "").replace("-", "")) > len(NIL.hex):
            self.add_error("case", _("An id has 32 digits at most."))
        return cleaned

    @property
    def wanted(self) -> TrailFilter:
        """What a form that is valid asks for; days are those of the organisation."""
        given = self.cleaned_data
        return TrailFilter(
            person=UUID(given["who"]) if given.get("who") else None,
            case=given.get("case", "").lower(),
            action=given["action"],
            outcome=given["outcome"],
            since=midnight(given["day_from"]) if given["day_from"] else None,
            until=midnight(given["day_to"] + timedelta(days=1)) if given["day_to"] else None,
            unusual=bool(given.get("unusual")),
        )

    @property
    def chosen(self) -> dict[str, str]:
        """What was sent for the controls of this form, as the address holds it; empty ones are left out."""
        boxes = [
            f"{name}_{number}" if isinstance(field, DayMonthYearField) else name
            for name, field in self.fields.items()
            for number in (range(3) if isinstance(field, DayMonthYearField) else (0,))
        ]
        return {name: str(self.data[name]) for name in boxes if self.data.get(name)}

    @property
    def query(self) -> str:
        """This filter as the query of an address."""
        return urlencode(self.chosen)

    @property
    def query_but_case(self) -> str:
        """The same without the case: an entry's own stands in its place."""
        return urlencode({name: value for name, value in self.chosen.items() if name != "case"})


def people_to_choose(people: Iterable[tuple[UUID, StrOrPromise]]) -> list[tuple[UUID, StrOrPromise]]:
    """Return people for the choice of who, by name, and behind them what is nobody's."""
    named = sorted(people, key=lambda one: str(one[1]).casefold())
    return [*named, (SYSTEM_STREAM, _("The system")), (NIL, _("Nobody signed in"))]


def midnight(day: date) -> datetime:
    """Return when a day of the organisation begins."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _actions(blocks: frozenset[int] | None) -> list[tuple[Any, Any]]:
    return [
        (label, [(action.name, action.sentence) for action in actions.ACTIONS if action.code // 100 == block])
        for block, label in _BLOCKS.items()
        if blocks is None or block in blocks
    ]


class ProofForm(forms.Form):
    """What a proof of a case's trail is to go back to."""

    since = forms.IntegerField(
        label=_("Entries in an earlier checkpoint"),
        required=False,
        min_value=1,
        help_text=_("To show that nothing was changed since: the number in the second line of a checkpoint you kept."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class TrailCopyForm(forms.Form):
    """What the person concerned is given of their case's trail."""

    day_from = DayMonthYearField(
        label=_("From"),
        required=False,
        help_text=_(
            "Empty: from the beginning. The person has a right to all of it (Article 15 GDPR). It may be shortened only"
            " where it would endanger somebody or adversely affect the rights of others (Articles 15(4) and 23 GDPR):"
            " that is for their lawyer to weigh, and the copy says that it was shortened."
        ),
    )
    day_to = DayMonthYearField(label=_("To"), required=False, help_text=_("Empty: until now."))
    names = forms.BooleanField(
        label=_("Name colleagues"),
        required=False,
        help_text=_(
            "Without it each colleague stands there by role and team. Name them only where your organisation wants it,"
            " or where the person could not use their rights otherwise."
        ),
    )
    language = forms.ChoiceField(label=_("Language"))

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial={"language": get_language()})
        if len(settings.LANGUAGES) == 1:
            del self.fields["language"]
        else:
            field = self.fields["language"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = list(settings.LANGUAGES)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("day_from"), cleaned.get("day_to")
        if first and last and last < first:
            self.add_error("day_to", _("Enter a day that is not before the first one."))
        return cleaned

    @property
    def tongue(self) -> str:
        """The language to print in."""
        return str(self.cleaned_data.get("language") or get_language() or "en-gb")

    @property
    def wanted(self) -> TrailFilter:
        """The period that a form which is valid asks for."""
        first, last = self.cleaned_data["day_from"], self.cleaned_data["day_to"]
        return TrailFilter(
            since=midnight(first) if first else None, until=midnight(last + timedelta(days=1)) if last else None
        )
