"""What the head of every page shows: navigation for the reader's roles, their name, and the demo's mark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import pgettext_lazy

from casework.access import policies
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import UNUSED, WARNED, Role
from casework.core import work

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Entry:
    """One link of the navigation; `here` when the page belongs to it, `count` of what waits there."""

    label: str
    url: str
    here: bool
    count: int = 0


@dataclass(frozen=True)
class Shell:
    """What the page head needs; empty for someone who is not signed in."""

    signed_in: bool = False
    name: str = ""
    roles: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    unused_seconds: int = int(UNUSED.total_seconds())
    warned_seconds: int = int(WARNED.total_seconds())
    demo: bool = field(default_factory=lambda: bool(settings.DEMO))


# The link's route, its words, and the action that shows it. A page belongs to the entry with the longest address that
# its own begins with.
NAVIGATION: tuple[tuple[str, StrOrPromise, Action], ...] = (
    ("home", pgettext_lazy("navigation", "Today"), Action.LIST_CASES),
    ("case_list", pgettext_lazy("navigation", "Cases"), Action.LIST_CASES),
    ("board", pgettext_lazy("navigation", "Transfers"), Action.SEE_BOARD),
    ("team", pgettext_lazy("navigation", "Team"), Action.SEE_TEAM),
    ("inbox", pgettext_lazy("navigation", "Inbox"), Action.SEE_INBOX),
    ("trail", pgettext_lazy("navigation", "Audit trail"), Action.SEE_TRAIL),
    ("rules", pgettext_lazy("navigation", "Rules"), Action.SEE_RULES),
    ("people", pgettext_lazy("navigation", "People"), Action.MANAGE_ACCOUNTS),
    ("teams", pgettext_lazy("navigation", "Teams"), Action.MANAGE_TEAMS),
    ("role_requests", pgettext_lazy("navigation", "Roles"), Action.STAND_IN),
)
# Route -> what waits there for a person; a number is shown beside the link when it is not 0.
COUNTS: dict[str, Callable[[UUID], int]] = {}


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Return the page head as `shell`; outside a unit of work (an early error page) as for nobody."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or work.running() is None:
        return {"shell": Shell()}
    standing = accounts.standing_of(user.pk)
    return {
        "shell": Shell(
            signed_in=True,
            name=user.get_short_name(),
            roles=tuple(str(Role(role).label) for role in Role.values if standing.has(role)),
            entries=_entries(user.pk, request.path),
        )
    }


def _entries(user_id: UUID, path: str) -> tuple[Entry, ...]:
    allowed = [
        (route, label, reverse(route))
        for route, label, action in NAVIGATION
        if policies.decide(user_id, action).allowed
    ]
    here = max((url for _route, _label, url in allowed if _is_under(path, url)), key=len, default="")
    return tuple(
        Entry(str(label), url, here=url == here, count=COUNTS[route](user_id) if route in COUNTS else 0)
        for route, label, url in allowed
    )


def _is_under(path: str, url: str) -> bool:
    # "/" is the address of one page only, not of all.
    return path == url or (url != "/" and path.startswith(url))
