"""The inbox in words: what each notice is about, with its case's reference, or the colleague whom it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _

from casework.access import policies, watching
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Person
from casework.cases import selectors as cases
from casework.core import work
from casework.desk import labels
from casework.desk.selectors._names import name_of
from casework.notices.types import ALERTS, Inbox, InboxItem, Kind
from casework.procedure import selectors as procedure
from casework.procedure.types import StoredLimit

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class InboxLine:
    """One line. `label` and `reference` are empty where the case or the limit is no longer there for the reader.

    `url` is where one acts, and empty where the reader has nothing to do but to know. An alert (`is_alert`) has no
    date to act by and no place that says why.
    """

    id: UUID
    case_id: UUID | None
    reference: str
    label: str
    url: str
    is_alert: bool
    due: date | datetime
    was_due_on: date | None
    whose: str
    told_at: datetime
    is_new: bool
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class InboxGroup:
    """Lines that are due at about the same time; alerts come before all of them."""

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

# What is said of a colleague; of what is about the reader themselves, below.
_ABOUT: Mapping[str, StrOrPromise] = {
    Kind.GLASS_BROKEN: _("%(who)s opened this case in an emergency"),
    Kind.FROZEN: _("%(who)s's account is frozen for travel"),
    Kind.UNFREEZING: _("%(who)s's frozen account is opened again"),
    Kind.FACTOR_RESET: _("%(who)s is to set up a new second factor: stop it if they did not ask for it"),
    Kind.ROLE_ASKED: _("%(who)s is to become a coordinator: somebody must confirm it"),
    Kind.ROLE_GIVEN: _("%(who)s has a new role"),
    Kind.ROLE_TAKEN: _("A role of %(who)s was taken away"),
    Kind.SWITCHED_OFF: _("%(who)s's account was switched off"),
    Kind.SWITCHED_ON: _("%(who)s's account is switched on again"),
    Kind.HANDED_OVER: _("Cases were handed over between you and %(who)s"),
    Kind.UNUSUAL: _("Unusual access by %(who)s: %(what)s"),
}
_ABOUT_YOU: Mapping[str, StrOrPromise] = {
    Kind.UNFREEZING: _("Your frozen account is opened again"),
    Kind.FACTOR_RESET: _("You are to set up a new second factor: stop it if you did not ask for it"),
    Kind.ROLE_ASKED: _("You are to become a coordinator: somebody must confirm it"),
    Kind.ROLE_GIVEN: _("You have a new role"),
    Kind.ROLE_TAKEN: _("A role of yours was taken away"),
    Kind.SWITCHED_ON: _("Your account is switched on again"),
}


def inbox_groups(inbox: Inbox) -> list[InboxGroup]:
    """Return the groups that have lines, alerts first (two queries, and three more where there are alerts)."""
    limits = procedure.limits_by_id({item.about_id for item in inbox.items if item.kind not in ALERTS})
    references = cases.references({item.case_id for item in inbox.items if item.case_id is not None})
    alerts = _Alerts([item for item in inbox.items if item.kind in ALERTS])

    def line(item: InboxItem) -> InboxLine:
        is_alert = item.kind in ALERTS
        limit = None if is_alert else limits.get(item.about_id)
        return InboxLine(
            id=item.id,
            case_id=item.case_id,
            reference=references[item.case_id] if item.case_id else "",
            label=alerts.label(item) if is_alert else _label(item, limit),
            url=alerts.url(item) if is_alert else reverse("case_deadlines", kwargs={"case_id": item.case_id}),
            is_alert=is_alert,
            due=item.due,
            was_due_on=item.was_due_on,
            whose=labels.whose(limit.whose) if limit else "",
            told_at=item.sent_at,
            is_new=not item.seen,
            acknowledged_at=item.acknowledged_at,
        )

    def shown(items: tuple[InboxItem, ...], *, alert: bool) -> tuple[InboxLine, ...]:
        # Whoever lost access since keeps the notice in the table, but not on the page.
        return tuple(
            line(item)
            for item in items
            if (item.kind in ALERTS) is alert and (item.case_id is None or item.case_id in references)
        )

    newest = tuple(sorted(inbox.items, key=lambda item: item.sent_at, reverse=True))
    groups = [
        InboxGroup(name="alerts", label=str(_("To be looked at")), tone="danger", lines=shown(newest, alert=True)),
        *(
            InboxGroup(name=name, label=str(label), tone=tone, lines=shown(getattr(inbox, name), alert=False))
            for name, label, tone in _GROUPS
        ),
    ]
    return [group for group in groups if group.lines]


class _Alerts:
    """What lines of grave events say, and where one acts; all that they need is read at once."""

    def __init__(self, items: list[InboxItem]) -> None:
        self._reader = work.current().actor.user_id
        self._people: Mapping[UUID | None, Person] = {}
        self._ends: Mapping[UUID, datetime | None] = {}
        self._found: Mapping[UUID, str] = {}
        if items:
            self._people = accounts.people({item.subject_id for item in items if item.subject_id is not None})
            self._ends = watching.ends_of_emergencies(_about(items, Kind.GLASS_BROKEN))
            self._found = watching.words_of(_about(items, Kind.UNUSUAL))

    def _may(self, action: Action) -> bool:
        return policies.decide(self._reader, action).allowed

    def label(self, item: InboxItem) -> str:
        if item.subject_id == self._reader and item.kind in _ABOUT_YOU:
            return str(_ABOUT_YOU[item.kind])
        who = name_of(item.subject_id, self._people, str(_("Somebody")))
        said = str(_ABOUT[item.kind]) % {"who": who, "what": self._found.get(item.about_id, _("look at the trail"))}
        ends = self._ends.get(item.about_id)
        if ends is None:
            return said
        at = formats.date_format(timezone.localtime(ends), "H:i")
        return str(_("%(said)s, until %(time)s")) % {"said": said, "time": at}

    def url(self, item: InboxItem) -> str:
        if item.case_id is not None:
            return reverse("case_detail", kwargs={"case_id": item.case_id})
        if item.kind == Kind.HANDED_OVER:
            return reverse("case_list") if self._may(Action.LIST_CASES) else ""
        if item.kind == Kind.FACTOR_RESET and (item.subject_id == self._reader or self._may(Action.RESET_FACTOR)):
            return reverse("factor_reset", kwargs={"user_id": item.subject_id})
        if item.subject_id == self._reader:
            return ""
        decides = ((Action.STAND_IN, "role_requests"),) if item.kind == Kind.ROLE_ASKED else ()
        pages = (
            (Action.SEE_TEAM, "team"),
            *decides,
            (Action.MANAGE_ACCOUNTS, "people"),
            (Action.SEE_TRAIL, "trail"),
        )
        page = next((name for action, name in pages if self._may(action)), "")
        if page == "trail" and item.subject_id is not None:
            wanted = {"who": item.subject_id, **({"unusual": "on"} if item.kind == Kind.UNUSUAL else {})}
            return f"{reverse(page)}?{urlencode(wanted)}"
        return reverse(page) if page else ""


def _about(items: list[InboxItem], kind: Kind) -> set[UUID]:
    return {item.about_id for item in items if item.kind == kind}


def _label(item: InboxItem, limit: StoredLimit | None) -> str:
    if item.kind == Kind.DAMAGED:
        return str(_("This record was changed outside the application: its time limits are not computed"))
    if item.kind == Kind.RULES:
        return str(_("Time limits of this case moved when all were computed again"))
    return labels.rule(limit.rule) if limit else str(_("A time limit that no longer stands"))
