"""Freezing one's own account before a journey, and opening a colleague's again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from casework.access import policies, travel
from casework.access.actions import Action
from casework.accounts.strong import freshly_confirmed
from casework.audit import services as audit
from casework.core import work
from casework.core.errors import Conflict
from casework.desk import selectors
from casework.desk.forms.travel import UnfreezeForm

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_ACTS: dict[str, tuple[Callable[[UUID], object], StrOrPromise]] = {
    "open": (travel.unfreeze, _("The account is open again. They sign in as before.")),
    "ask": (travel.ask_unfreeze, _("Everybody concerned is told. The account can be opened in 24 hours, here.")),
    "stop": (travel.stop_unfreezing, _("Stopped. The account stays frozen, and everything is on record.")),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def freeze(request: HttpRequest) -> HttpResponse:
    """Say what freezing does and do it; whoever froze their account is signed out with this answer."""
    policies.check(Action.FREEZE_SELF)
    user_id = work.current().actor.user_id
    assert user_id is not None
    if request.method == "POST":
        travel.freeze_self()
        logout(request)
        answer = render(request, "desk/frozen.html")
        # Whoever looks through this browser afterwards finds nothing of what was shown.
        answer.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return answer
    context = {"openers": travel.openers_of(user_id), "leads": travel.cases_led(user_id)}
    return render(request, "desk/freeze.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def unfreeze(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Open a colleague's frozen account, ask for it, or stop what somebody asked for."""
    found = travel.frozen_account(user_id)
    act = request.POST.get("act", "")
    form = UnfreezeForm(request.POST if request.method == "POST" and act != "stop" else None)
    if request.method == "POST" and (act == "stop" or form.is_valid()):
        do, said = _ACTS.get(act, _ACTS["open"])
        try:
            with transaction.atomic():
                do(user_id)
        except Conflict as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, said)
        if do is travel.ask_unfreeze:
            return redirect("unfreeze", user_id=user_id)
        # An open account has no page here any more, and a stopped request may leave the actor nothing to do.
        return redirect("team" if policies.decide(work.current().actor.user_id, Action.SEE_TEAM).allowed else "people")
    audit.record("account.viewed")
    context = {"frozen": selectors.frozen_line(found), "form": form}
    return render(request, "desk/unfreeze.html", context)
