"""What a supposed fact would change, row by row, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from casework.desk import labels
from casework.desk.selectors._page import LimitCard, limit_card
from casework.law.compare import Comparison, Row, compare
from casework.procedure.types import WhatIf

_HOUR = 3600

_STATES: Mapping[str, tuple[object, str]] = {
    "running": (_("Runs again"), "info"),
    "met": (_("Met"), "good"),
    "expired": (_("Passed"), "warn"),
    "stopped": (_("Stopped"), "info"),
    "superseded": (_("Superseded"), "neutral"),
}
"""What becomes of a limit that gets into another state: its words and their tone."""


@dataclass(frozen=True)
class ComparedLimit:
    """One limit now and then; one of the two is None where it is new or gone. `change` says what becomes of it."""

    label: str
    reading: str
    change: str
    tone: str
    now: LimitCard | None
    then: LimitCard | None
    lang: str

    @property
    def shown(self) -> LimitCard:
        """The limit as it would be, or as it is where it goes."""
        shown = self.then or self.now
        assert shown is not None
        return shown


@dataclass(frozen=True)
class Compared:
    """What a supposed fact would change. `stage` and `responsible` hold (now, then) in words."""

    changed: list[ComparedLimit]
    same: list[ComparedLimit]
    appear: tuple[str, ...]
    go: tuple[str, ...]
    stage: tuple[str, str]
    responsible: tuple[str, str]
    on: date
    nothing: bool


def compared(supposed: WhatIf, *, lang: str = "") -> Compared:
    """Return both procedures side by side; `lang`: the language of the law's words, where it is not the page's."""
    found: Comparison = compare(supposed.now, supposed.then)
    on = supposed.now.on
    lines = [(row.change, _line(row, on, lang)) for row in found.rows]
    responsible = [labels.country(code or "") or str(_("Not decided")) for code in found.responsible_state]
    return Compared(
        changed=[line for change, line in lines if change != "same"],
        same=[line for change, line in lines if change == "same"],
        appear=found.appear,
        go=found.go,
        stage=(_stage(supposed.now.facts, found.status[0], lang), _stage(supposed.then.facts, found.status[1], lang)),
        responsible=(responsible[0], responsible[1]),
        on=on,
        nothing=found.is_empty,
    )


def _stage(facts: tuple[object, ...], status: str, lang: str) -> str:
    return labels.stage(status if facts else "", lang)


def _line(row: Row, on: date, lang: str) -> ComparedLimit:
    now, then = (limit_card(limit, on, lang=lang) if limit else None for limit in (row.now, row.then))
    change, tone = _change(row)
    shown = then or now
    assert shown is not None
    return ComparedLimit(shown.label, shown.reading, change, tone, now, then, lang)


def _change(row: Row) -> tuple[str, str]:
    if row.change == "new":
        return str(_("New")), "info"
    if row.change == "gone":
        return str(_("Gone")), "neutral"
    if row.change == "state":
        assert row.then is not None
        words, tone = _STATES[row.then.state]
        return str(words), tone
    if row.change == "moved":
        return _moved(row), "warn" if row.seconds < 0 else "info"
    return str(_("Unchanged")), "neutral"


def _moved(row: Row) -> str:
    days, hours = abs(row.days), max(abs(row.seconds) // _HOUR, 1)
    assert row.then is not None
    if isinstance(row.then.due, datetime) and not days:
        if row.seconds < 0:
            return ngettext("%(n)d hour earlier", "%(n)d hours earlier", hours) % {"n": hours}
        return ngettext("%(n)d hour later", "%(n)d hours later", hours) % {"n": hours}
    if row.seconds < 0:
        return ngettext("%(n)d day earlier", "%(n)d days earlier", days) % {"n": days}
    return ngettext("%(n)d day later", "%(n)d days later", days) % {"n": days}
