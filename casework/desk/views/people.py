"""Accounts, for administrators: who is here, and inviting somebody. No case is mentioned."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from casework.access import policies
from casework.access.actions import Action
from casework.accounts import services as accounts
from casework.accounts.strong import confirmed_to_send
from casework.audit import services as audit
from casework.core import clock
from casework.core.errors import Invalid
from casework.crypto import rehearsal
from casework.desk import selectors
from casework.desk.forms.sharing import InviteForm
from casework.desk.views._shared import put_errors


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def people(request: HttpRequest) -> HttpResponse:
    """List the accounts; after an invitation, show its link this once."""
    policies.check(Action.MANAGE_ACCOUNTS)
    form = InviteForm(request.POST or None, teams=selectors.all_teams())
    link = expires_at = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                made = accounts.invite(email=given["email"], role=given["role"], team=selectors.team_of(form.team_id))
        except Invalid as error:
            put_errors(form, error)
        else:
            # The token is not kept: this answer, which no cache stores, is the only place where it stands.
            link = request.build_absolute_uri(reverse("accept_invitation", args=[made.token]))
            expires_at = made.expires_at
            form = InviteForm(teams=selectors.all_teams())
    audit.record("account.viewed")
    context = {
        "people": selectors.colleagues(),
        "form": form,
        "link": link,
        "expires_at": expires_at,
        "recovery_lack": rehearsal.lack(clock.now()),
    }
    return render(request, "desk/people.html", context)
