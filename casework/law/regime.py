"""Which regulation governs: by the day of registration, and for cases under way on 1 July 2026 both readings."""

from __future__ import annotations

from datetime import date

from casework.law.timeline import Timeline

AMMR_APPLIES_FROM = date(2026, 7, 1)
"""Regulation (EU) 2024/1351, Article 85; Article 83 repeals Regulation (EU) No 604/2013 from the same day."""

DUBLIN3, AMMR, OPEN = "dublin3", "ammr", "dublin3-open"

STEPS = frozenset(
    {
        "take-charge-requested", "take-charge-request-received", "take-charge-accepted", "take-charge-refused",
        "take-back-requested", "take-back-request-received", "take-back-accepted", "take-back-refused",
        "take-back-notified", "take-back-notification-received", "take-back-confirmed", "reexamination-requested",
        "reexamination-request-received", "reexamination-accepted", "reexamination-refused", "humanitarian-requested",
        "humanitarian-request-received", "humanitarian-accepted", "humanitarian-refused", "transfer-decided",
        "transfer-decision-notified", "absconding-notified", "transferred",
    }
)  # fmt: skip
"""Facts that are steps of the transfer procedure: one of them from 1 July 2026 on makes an old case open."""

_BY_PREFERENCE = (
    ("application-registered",),
    ("application-lodged", "application-recorded", "application-made"),
    (
        "eurodac-hit", "vis-hit", "responsibility-indicated", "take-charge-requested", "take-charge-request-received",
        "take-charge-accepted", "take-charge-refused", "take-back-requested", "take-back-request-received",
        "take-back-accepted", "take-back-refused", "take-back-notified", "take-back-notification-received",
        "take-back-confirmed", "humanitarian-requested", "humanitarian-accepted", "transfer-decided",
        "transfer-decision-notified", "relocation-file-received", "relocation-confirmed",
    ),
)  # fmt: skip


def reference_date(timeline: Timeline, on: date) -> date:
    """Return the day that selects the regulation: of registration, failing that of lodging, of the first step, of any.

    Without any fact it is `on`, the day of the question.
    """
    for names in _BY_PREFERENCE:
        days = [event.strict for event in timeline.of(*names)]
        if days:
            return min(days)
    return timeline.facts[0].on if timeline.facts else on


def has_step_after_change(timeline: Timeline) -> bool:
    """Tell whether a step of the procedure was taken on 1 July 2026 or later."""
    return any(fact.on >= AMMR_APPLIES_FROM and fact.name in STEPS for fact in timeline.facts)


def registered_on_both_sides(timeline: Timeline) -> bool:
    """Tell whether applications were registered both before 1 July 2026 and from that day on."""
    days = [event.strict for event in timeline.of("application-registered")]
    return bool(days) and min(days) < AMMR_APPLIES_FROM <= max(days)
