"""What the reminders told this person."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from casework.access import policies
from casework.access.actions import Action
from casework.core import clock
from casework.desk import selectors
from casework.notices import selectors as notice_selectors
from casework.notices import services as notices
from casework.notices.types import ALERTS

# Beat plans every hour: half a day without a plan is a fault that people must know of.
_STALE_SECONDS = 12 * 60 * 60


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the inbox, the most pressing first; what is shown counts as seen."""
    policies.check(Action.SEE_INBOX)
    groups = selectors.inbox_groups(notices.open_inbox())
    planned_at = notice_selectors.heartbeats().planned_at
    stale = planned_at is None or (clock.now() - planned_at).total_seconds() > _STALE_SECONDS
    context = {"groups": groups, "stale": stale, "planned_at": planned_at}
    return render(request, "desk/inbox.html", context)


@login_required
@require_POST
def inbox_acknowledge(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Take one line in hand: a limit stays due until a recorded fact meets it, an alert is gone."""
    policies.check(Action.SEE_INBOX)
    if notices.acknowledge(notice_id) in ALERTS:
        messages.success(request, _("Acknowledged. It is no longer in your inbox."))
    else:
        messages.success(request, _("Taken in hand. The time limit runs on until a fact meets it."))
    return redirect("inbox")
