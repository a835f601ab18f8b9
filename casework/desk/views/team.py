"""Teams: making and naming them, for administrators; and their own team, for coordinators."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import policies, second_factor, staff
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.strong import confirmed_to_send
from casework.accounts.types import Role
from casework.audit import services as audit
from casework.cases import handing_over
from casework.core import work
from casework.core.errors import Invalid, NotFound
from casework.desk import selectors
from casework.desk.forms.staff import TeamForm
from casework.desk.views._shared import put_errors


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def teams(request: HttpRequest) -> HttpResponse:
    """List the teams and their members; what is sent makes one more. Nothing is said of their cases."""
    policies.check(Action.MANAGE_TEAMS)
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                staff.make_team(form.cleaned_data["name"])
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The team was made. Invite its first coordinator."))
            return redirect("teams")
    audit.record("team.viewed")
    return render(request, "desk/teams.html", {"teams": selectors.team_lines(), "form": form})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def team_rename(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """Give a team another name."""
    policies.check(Action.MANAGE_TEAMS)
    line = next(iter(selectors.team_lines([team_id])), None)
    if line is None:
        raise NotFound
    form = TeamForm(request.POST if request.method == "POST" else None, initial={"name": line.name})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                staff.rename_team(team_id, form.cleaned_data["name"])
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The name was saved."))
            return redirect("teams")
    audit.record("team.viewed", obj=team_id)
    context = {"team": line, "form": form, "breadcrumbs": [(_("Teams"), reverse("teams"))]}
    return render(request, "desk/team_rename.html", context)


@login_required
@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """Show the coordinator's own teams: who is in them, what waits for a decision, whose cases are left behind."""
    policies.check(Action.SEE_TEAM)
    actor_id = work.current().actor.user_id
    own = accounts.standing_of(actor_id).teams(Role.COORDINATOR)
    audit.record("team.viewed")
    context = {
        "teams": selectors.team_lines(own),
        "requests": selectors.role_requests(),
        "leads": handing_over.leads(),
        "frozen": selectors.frozen_lines(),
        "factors": second_factor.factors_waiting(),
        "unusual": selectors.unusual_lines(),
        "unusual_reasons": selectors.unusual_reasons(),
        "actor_id": actor_id,
    }
    return render(request, "desk/team.html", context)
