"""Facts written as lawyers would jot them down, one per line, and what the law makes of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, settings

from casework.law import derive, facts
from casework.law.types import CaseFile, Deadline, Procedure

DETERMINISTIC = settings(
    derandomize=True, max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
"""How Hypothesis looks at the law: the same cases on every machine, few enough for every run."""


def case_from(text: str, *, country: str = "FR", **more: object) -> CaseFile:
    """Read lines such as "2026-09-02 eurodac-hit HR category=asylum"; a date-time instead of the date is `at`.

    A period is written with an underscore, `appeal_period=2_weeks`; `unknown` instead of the date, with `not_before=`
    and `not_after=`, is a day that nobody knows.
    """
    entries = []
    for line in text.strip().splitlines():
        when, name, *rest = line.split()
        entry: dict[str, object] = {"fact": name, ("at" if "T" in when else "on"): when}
        if when == "unknown":
            entry = {"fact": name, "date_unknown": True}
        for part in rest:
            key, equals, value = part.partition("=")
            if not equals:
                entry["state"] = key
            elif key.endswith("_period"):
                entry[key] = value.replace("_", " ")
            elif value in ("true", "false"):
                entry[key] = value == "true"
            else:
                entry[key] = int(value) if value.isdigit() else value
        entries.append(entry)
    return facts.parse({"country": country, "facts": entries, **more})


def derive_from(text: str, *, on: str | date = "2030-01-01", country: str = "FR", **more: object) -> Procedure:
    """Return the procedure that these facts make, by default as of a day long after them."""
    when = on if isinstance(on, date) else datetime.fromisoformat(on) if "T" in on else date.fromisoformat(on)
    return derive.procedure(case_from(text, country=country, **more), on=when)


def only(procedure: Procedure, rule: str, reading: str | None = None) -> Deadline:
    """Return the one time limit of a rule; fail where there are several."""
    found = [d for d in procedure.deadlines if d.rule == rule and (reading is None or d.reading == reading)]
    assert len(found) == 1, f"{rule}: {len(found)} limits"
    return found[0]


def day(text: str) -> date:
    """Return an ISO date."""
    return date.fromisoformat(text)


def after(when: date) -> date:
    """Return the day after."""
    return when + timedelta(days=1)
