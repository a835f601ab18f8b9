"""A lost second factor: asking for a new one for a colleague; the link leads to `accounts.factors.new_factor`."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from casework.access import second_factor
from casework.accounts import selectors as accounts
from casework.accounts import strong
from casework.audit import services as audit
from casework.core.errors import Conflict
from casework.desk.forms.second_factor import AskFactorForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def factor_reset(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Ask that somebody may set up a new second factor, stop it, or make the link after a day, which shows it once."""
    found = second_factor.factor_of(user_id)
    act = request.POST.get("act")
    form = AskFactorForm(request.POST if act == "ask" else None)
    link = None
    # Stopping needs no confirmation: the person themselves may have nothing left to confirm with.
    if act in {"ask", "finish"} and not strong.is_fresh(request):
        return strong.ask_again(request)
    try:
        with transaction.atomic():
            if act == "stop" and found.waiting:
                second_factor.stop_reset(found.waiting.id)
                messages.success(request, _("Stopped. The second factor stays as it is, and everything is on record."))
                return redirect("factor_reset", user_id=user_id)
            if act == "ask" and form.is_valid():
                second_factor.ask_reset(user_id, form.cleaned_data["known_by"])
                messages.success(request, _("Everybody concerned is told. Come back in 24 hours to make the link."))
                return redirect("factor_reset", user_id=user_id)
            if act == "finish" and found.waiting:
                link = second_factor.finish_reset(found.waiting.id)
                found = second_factor.factor_of(user_id)
    except Conflict as error:
        messages.warning(request, error.message)
        return redirect("factor_reset", user_id=user_id)
    audit.record("account.viewed")
    waiting = found.waiting
    context = {
        "factor": found,
        "asked_by": accounts.people([waiting.asked_by]).get(waiting.asked_by) if waiting else None,
        "form": form,
        # The token is not kept: this answer, which no cache stores, is the only place where it stands.
        "link": request.build_absolute_uri(reverse("new_factor", args=[link.token])) if link else None,
        "expires_at": link.expires_at if link else None,
    }
    return render(request, "desk/second_factor.html", context)
