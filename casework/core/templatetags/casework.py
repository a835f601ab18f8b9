"""How dates, names and states are written on every page; a builtin of the template engine."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django import template
from django.contrib.messages.storage.base import Message
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casework.core import clock, places

register = template.Library()

_SOON_DAYS = 7
_IN_HOURS = timedelta(hours=48)
_TONES = {"success": "good", "warning": "warn", "error": "danger"}
# The first word of a letter's Unicode name is its script; the subtags are those of ISO 15924.
_SCRIPTS = {
    "LATIN": "und-Latn",
    "CYRILLIC": "und-Cyrl",
    "ARABIC": "und-Arab",
    "ARMENIAN": "und-Armn",
    "GEORGIAN": "und-Geor",
    "GREEK": "und-Grek",
    "HEBREW": "und-Hebr",
    "HANGUL": "und-Kore",
    "CJK": "und-Hani",
    "ETHIOPIC": "und-Ethi",
}


def _where_it_counts(value: datetime) -> datetime:
    # A limit or a hearing carries the zone of the authority that acts, and its hour is the hour there. What we recorded
    # ourselves is in UTC, and is read in the office's zone.
    return timezone.localtime(value) if value.tzinfo is UTC else value


@register.filter
def long_date(value: date | datetime | None) -> str:
    """Write a date with its month in words (3 November 2026), and the hour of a date-time."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        local = _where_it_counts(value)
        return _("%(date)s, %(time)s") % {"date": date_format(local, "j F Y"), "time": date_format(local, "H:i")}
    return date_format(value, "j F Y")


@register.filter
def machine_date(value: date | datetime) -> str:
    """Write a date for the `datetime` attribute: ISO 8601."""
    return value.isoformat()


@register.filter
def days_until(value: date | datetime | int | None) -> int | None:
    """Count the days from today; negative for the past. A number is such a count already."""
    if value is None or isinstance(value, int):
        return value
    day = _where_it_counts(value).date() if isinstance(value, datetime) else value
    return (day - clock.today()).days


@register.filter
def clock_name(value: date | datetime | None) -> str:
    """Say on whose clocks an hour is read: "Paris time", or how far they are from UTC; nothing for a date."""
    if not isinstance(value, datetime):
        return ""
    zone = getattr(_where_it_counts(value).tzinfo, "key", "")
    if zone:
        return _("%(city)s time") % {"city": zone.rpartition("/")[2].replace("_", " ")}
    return f"UTC{value.isoformat()[-6:]}"


def _hours_left(value: datetime) -> str:
    seconds = int((value - clock.now()).total_seconds())
    hours, minutes = abs(seconds) // 3600, abs(seconds) // 60
    if seconds < 0:
        if hours:
            return ngettext("overdue by %(n)d hour", "overdue by %(n)d hours", hours) % {"n": hours}
        return ngettext("overdue by %(n)d minute", "overdue by %(n)d minutes", minutes) % {"n": minutes}
    if hours:
        return ngettext("in %(n)d hour", "in %(n)d hours", hours) % {"n": hours}
    return ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}


@register.filter
def days_left(value: date | datetime | int | None) -> str:
    """Say in words how far away a day is: in 5 days, tomorrow, today, overdue by 2 days.

    A date-time less than 48 hours away is told in hours: a period that counts in hours may end tonight.
    """
    if isinstance(value, datetime) and abs(value - clock.now()) < _IN_HOURS:
        return _hours_left(value)
    days = days_until(value)
    if days is None:
        return ""
    if days < 0:
        return ngettext("overdue by %(days)d day", "overdue by %(days)d days", -days) % {"days": -days}
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    return ngettext("in %(days)d day", "in %(days)d days", days) % {"days": days}


@register.filter
def days_tone(value: date | datetime | int | None) -> str:
    """Return the tone of a day that is near, here or past."""
    days = days_until(value)
    if days is None:
        return "neutral"
    if isinstance(value, datetime) and value < clock.now():
        return "danger"
    if days < 0:
        return "danger"
    return "warn" if days <= _SOON_DAYS else "neutral"


@register.filter
def state_name(code: str | None) -> str:
    """Return a country's name for its ISO 3166 alpha-2 code."""
    return str(places.state_name(code)) if code else ""


@register.filter
def language_name(code: str | None) -> str:
    """Return a spoken language's name for its code."""
    return str(places.language_name(code)) if code else ""


@register.filter
def initials(name: str | None) -> str:
    """Return the first letters of at most three words: "Anna Petrova" gives "A.P."."""
    return "".join(f"{word[0]}." for word in (name or "").split()[:3])


@register.filter
def script_tag(text: str | None) -> str:
    """Return the language tag of the script that a name is written in, so that it is read and shaped as such."""
    for letter in text or "":
        if letter.isalpha():
            script = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
            return _SCRIPTS.get(script, "und")
    return "und"


@register.filter
def shown(value: object) -> str:
    """Write a value for a summary list: dates in words, several texts as a list, nothing as "Not recorded"."""
    if value is None or value in ("", [], ()):
        return format_html('<span class="not-recorded">{}</span>', _("Not recorded"))
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, date):
        return format_html('<bdi><time datetime="{}">{}</time></bdi>', machine_date(value), long_date(value))
    if isinstance(value, SafeString):
        return value
    if isinstance(value, Iterable) and not isinstance(value, str):
        lines = format_html_join("", "<li>{}</li>", ((shown(entry),) for entry in value))
        return format_html('<ul class="plain-list">{}</ul>', lines)
    return conditional_escape(str(value))


@register.filter
def message_tone(message: Message) -> str:
    """Return the tone of a message to the reader."""
    return _TONES.get(message.level_tag, "info")
