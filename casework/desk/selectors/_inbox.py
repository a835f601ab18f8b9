"""The inbox in words: what each notice is about, with its case's reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.cases import selectors as cases
from casework.desk import labels
from casework.notices.types import Inbox, InboxItem, Kind
from casework.procedure import selectors as procedure
from casework.procedure.types import StoredLimit

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class InboxLine:
    """One line. `label` and `reference` are empty where the case or the limit is no longer there for the reader."""

    id: UUID
    case_id: UUID
    reference: str
    label: str
    due: date | datetime
    was_due_on: date | None
    whose: str
    told_at: datetime
    is_new: bool
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class InboxGroup:
    """Lines that are due at about the same time."""

    name: str
    label: str
    tone: str
    lines: tuple[InboxLine, ...]


_GROUPS: tuple[tuple[str, StrOrPromise, str], ...] = (
    ("overdue", _("Overdue"), "danger"),
    ("today", _("Today"), "warn"),
    ("tomorrow", _("Tomorrow"), "warn"),
    ("this_week", _("This week"), "info"),
    ("later", _("Later"), "neutral"),
)


def inbox_groups(inbox: Inbox) -> list[InboxGroup]:
    """Return the groups that have lines (two queries, whatever their number)."""
    limits = procedure.limits_by_id({item.about_id for item in inbox.items})
    references = cases.references({item.case_id for item in inbox.items})

    def line(item: InboxItem) -> InboxLine:
        limit = limits.get(item.about_id)
        return InboxLine(
            id=item.id,
            case_id=item.case_id,
            reference=references[item.case_id],
            label=_label(item, limit),
            due=item.due,
            was_due_on=item.was_due_on,
            whose=labels.whose(limit.whose) if limit else "",
            told_at=item.sent_at,
            is_new=not item.seen,
            acknowledged_at=item.acknowledged_at,
        )

    groups = [
        InboxGroup(
            name=name,
            label=str(label),
            tone=tone,
            # Whoever lost access since keeps the notice in the table, but not on the page.
            lines=tuple(line(item) for item in getattr(inbox, name) if item.case_id in references),
        )
        for name, label, tone in _GROUPS
    ]
    return [group for group in groups if group.lines]


def _label(item: InboxItem, limit: StoredLimit | None) -> str:
    if item.kind == Kind.DAMAGED:
        return str(_("This record was changed outside the application: its time limits are not computed"))
    if item.kind == Kind.RULES:
        return str(_("Time limits of this case moved when all were computed again"))
    return labels.rule(limit.rule) if limit else str(_("A time limit that no longer stands"))
