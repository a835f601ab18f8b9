"""The words for what is stored as a code: stages, regimes, states of limits, members of facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from casework.cases.types import RiskLevel
from casework.core import places
from casework.law import packs, wording
from casework.law.counting import Period
from casework.law.facts import GROUPS, Member

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The stages in the order in which a procedure usually meets them, as filters offer them.
STAGES = (
    "before-arrival",
    "registered",
    "evidence-found",
    "take-charge-requested",
    "take-back-requested",
    "take-back-notified",
    "reexamination-requested",
    "refused",
    "accepted",
    "transfer-decided",
    "appeal-pending",
    "transfer-suspended",
    "transfer-scheduled",
    "absconding",
    "transferred",
    "responsibility-assumed",
    "closed",
)

# The board's columns, left to right; the second member lists the stages that stand in it.
BOARD_COLUMNS: tuple[tuple[str, StrOrPromise, tuple[str, ...]], ...] = (
    ("evidence", _("Registered, evidence"), ("", "before-arrival", "registered", "evidence-found")),
    (
        "request",
        _("Request sent"),
        ("take-charge-requested", "take-back-requested", "take-back-notified", "reexamination-requested"),
    ),
    ("accepted", _("Accepted or confirmed"), ("accepted",)),
    ("decided", _("Transfer decided"), ("transfer-decided", "transfer-scheduled", "absconding")),
    ("court", _("In court"), ("appeal-pending", "transfer-suspended")),
    ("ended", _("Transferred or lapsed"), ("refused", "transferred", "responsibility-assumed", "closed")),
)

LIMIT_STATES: Mapping[str, StrOrPromise] = {
    "running": pgettext_lazy("limit", "Running"),
    "met": pgettext_lazy("limit", "Met"),
    "expired": pgettext_lazy("limit", "Passed"),
    "stopped": pgettext_lazy("limit", "Stopped"),
    "superseded": pgettext_lazy("limit", "Superseded"),
}

RISK_TONES: Mapping[str, str] = {
    RiskLevel.UNKNOWN: "neutral",
    RiskLevel.LOW: "good",
    RiskLevel.RAISED: "warn",
    RiskLevel.HIGH: "danger",
    RiskLevel.IMMINENT: "danger",
}

CERTAINTIES: Mapping[str, StrOrPromise] = {
    "document": _("Shown by a document"),
    "told": _("Told by the person"),
    "estimated": _("Estimated"),
}

SERVICES: Mapping[str, StrOrPromise] = {
    "in-person": _("Handed over in person"),
    "post": _("By ordinary post"),
    "registered": _("By registered post"),
    "digital": _("Digitally"),
    "deemed": _("Deemed notified by law"),
}

ADDRESSEES: Mapping[str, StrOrPromise] = {"applicant": _("The applicant"), "lawyer": _("The lawyer")}

_PRESSING_DAYS, _SOON_DAYS = 2, 7

# One word that the catalogue has for another member of the same name.
_OTHER_CHOICES: Mapping[tuple[str, str], StrOrPromise] = {("kind", "medical"): _("Medical appointment")}

# What the date of a fact is, where "Date" alone could be misread.
DATES: Mapping[str, StrOrPromise] = {
    "time-limit-set": _("Day on which it was set"),
    "appointment": _("Day of the appointment"),
    "appointment-cancelled": _("Day on which it would have been"),
    "crisis-derogation": _("From"),
    "transfer-scheduled": _("Day of the planned transfer"),
    "visa-expires": _("Last day of the visa"),
    "permit-expires": _("Last day of the document"),
}

HELP: Mapping[str, StrOrPromise] = {
    "appeal_period": _("The period printed under “remedies” counts before any general rule."),
    "appeal_days": _("The figure printed under “remedies” counts before any general rule."),
    "departure_days": _("Leave empty where the person must leave at once."),
    "urgent_days": _("At least one week."),
    "what": _("In a few words, for instance “Statement of grounds”."),
    "place": _("Stored encrypted, like everything else of this fact."),
    "category": _("The search result of Eurodac names it."),
}

# What usually comes next at a stage: offered first, never required.
NEXT_FACTS: Mapping[str, tuple[str, ...]] = {
    "": ("application-registered", "application-made", "application-lodged", "eurodac-hit"),
    "before-arrival": ("application-made", "application-registered", "vis-hit"),
    "registered": ("eurodac-hit", "vis-hit", "application-lodged", "take-charge-requested", "take-back-notified"),
    "evidence-found": ("take-back-notified", "take-charge-requested", "take-back-requested", "application-lodged"),
    "take-charge-requested": ("take-charge-request-received", "take-charge-accepted", "take-charge-refused"),
    "take-back-requested": ("take-back-request-received", "take-back-accepted", "take-back-refused"),
    "take-back-notified": ("take-back-notification-received", "take-back-confirmed", "take-back-refused"),
    "reexamination-requested": ("reexamination-accepted", "reexamination-refused"),
    "refused": ("reexamination-requested", "take-charge-requested", "responsibility-acknowledged"),
    "accepted": ("transfer-decision-notified", "detained", "transfer-scheduled", "appointment"),
    "transfer-decided": ("appeal-lodged", "suspension-requested", "transfer-scheduled", "appointment"),
    "appeal-pending": ("suspensive-effect-granted", "suspensive-effect-refused", "appeal-decided", "appointment"),
    "transfer-suspended": ("appeal-decided", "suspensive-effect-ended", "appointment"),
    "transfer-scheduled": ("transferred", "transfer-failed", "absconding-notified", "appeal-lodged"),
    "absconding": ("available-again", "transfer-scheduled", "detained"),
}


def _say(key: str, fallback: str, lang: str = "") -> str:
    """Return a message of the law's catalogue in `lang`, else in the page's language, English where it has neither."""
    if not wording.has(key):
        return fallback
    return wording.render(key, lang or law_language())


LAW_LANGUAGES: Mapping[str, str] = {"en": "English", "fr": "français", "ru": "русский", "de": "Deutsch"}
"""What each language that the law may be explained in calls itself."""


def law_language(asked: str = "") -> str:
    """Return the language to explain the law in: the one asked for, else the page's, else English.

    One without a catalogue is as if it had not been asked for.
    """
    known = wording.languages()
    page = (get_language() or "en").partition("-")[0]
    return next((code for code in (asked, page) if code in known), "en")


def law_languages() -> list[tuple[str, str]]:
    """Return the languages that the law can be explained in, each by the name it has for itself."""
    return [(code, LAW_LANGUAGES.get(code, code)) for code in sorted(wording.languages(), key=_as_listed)]


def _as_listed(code: str) -> tuple[int, str]:
    listed = list(LAW_LANGUAGES)
    return (listed.index(code) if code in listed else len(listed)), code


def basis(citation: str, lang: str = "") -> str:
    """Return an article with the name of its act in the language in which the law is explained."""
    return wording.words_for(lang or law_language()).basis(citation)


def stage(code: str, lang: str = "") -> str:
    """Return a stage in words."""
    return _say(f"stage.{code}", code, lang) if code else str(_("No facts yet"))


def stages() -> list[tuple[str, str]]:
    """Return the stages with their words, in the order of a procedure."""
    return [(code, stage(code)) for code in STAGES]


def regime(code: str, lang: str = "") -> str:
    """Return a regime in words."""
    return _say(f"regime.{code}", code, lang)


def risk(level: str) -> str:
    """Return a risk level in words, for a badge: it says what is at risk."""
    return str(_("Risk: %(level)s") % {"level": RiskLevel(level).label.lower()})


def country(code: str) -> str:
    """Return a country's name, in the page's language."""
    return str(places.state_name(code)) if code else ""


def whose(party: str, lang: str = "") -> str:
    """Return who must act: a state's name, or the party in words; in `lang` where the law is told in another one."""
    if lang and lang != law_language():
        return wording.words_for(lang).party(party)
    if party in {"applicant", "authority"}:
        return str({"applicant": _("the applicant"), "authority": _("the authority")}[party])
    return country(party)


@cache
def _rule_keys() -> Mapping[str, str]:
    return {rule.id: rule.label for rule in packs.load()}


def rule(rule_id: str) -> str:
    """Return a rule's name in words; limits that no pack has, set by others, have their words under their own id."""
    return _say(_rule_keys().get(rule_id, f"label.{rule_id}"), rule_id)


def fact(name: str) -> str:
    """Return a fact's name in words."""
    return _say(f"fact.{name}", name)


def member(name: str) -> str:
    """Return the name of a fact's member in words."""
    return _say(f"member.{name}", capfirst(name.replace("_", " ")))


def choice(member_name: str, value: str) -> str:
    """Return one choice of a fact's member in words."""
    other = _OTHER_CHOICES.get((member_name, value))
    return str(other) if other else capfirst(_say(f"choice.{value}", value.replace("-", " ")))


def groups() -> list[tuple[str, str]]:
    """Return the groups of the vocabulary with their words, in the order of a procedure."""
    return [(name, _say(f"group.{name}", name)) for name in GROUPS]


def particular(described: Member, value: Any) -> str:
    """Return one recorded member of a fact in words, as the facts file holds it."""
    match described.kind:
        case "state":
            words = country(str(value))
        case "choice":
            words = choice(described.name, str(value))
        case "party":
            words = whose(str(value))
        case "flag":
            words = str(_("yes") if value else _("no"))
        case "days":
            words = ngettext("%(count)d day", "%(count)d days", int(value)) % {"count": int(value)}
        case "period":
            words = period(str(value))
        case "date" | "moment":
            words = moment(str(value))
        case _:
            words = str(value)
    return words


def period(text: str) -> str:
    """Return a length as the facts file writes it ("2 weeks") in words of the page's language."""
    return wording.words_for(law_language()).period(Period.parse(text))


def zone(name: str, country_code: str) -> str:
    """Return whose clocks an hour is read on: "Time in France (Europe/Paris)"."""
    return str(_("Time in %(country)s (%(zone)s)") % {"country": country(country_code), "zone": name})


def moment(text: str) -> str:
    """Return an ISO date, or date-time with offset, in words; a date-time keeps the zone that it carries."""
    if len(text) > len("2026-09-01"):
        at = datetime.fromisoformat(text)
        return f"{day(at.date())}, {at:%H:%M}"
    return day(date.fromisoformat(text)) if text else ""


def day(value: date) -> str:
    """Return a date with its month in words."""
    return formats.date_format(value, "j F Y")


def instant(value: datetime) -> str:
    """Return an instant as date and time in the installation's zone, month in words."""
    return formats.date_format(timezone.localtime(value), "j F Y, H:i")


def due_tone(days: int) -> str:
    """Return the tone of a running limit by the number of days that are left."""
    if days <= _PRESSING_DAYS:
        return "danger"
    return "warn" if days <= _SOON_DAYS else "info"
