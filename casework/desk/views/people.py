"""Accounts, for administrators: who is here, inviting somebody, one person's roles, switching off. No case is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from casework.access import policies, second_factor, staff
from casework.access.actions import Action
from casework.accounts.strong import confirmed_to_send
from casework.audit import services as audit
from casework.core import clock, work
from casework.core.errors import Conflict, Invalid, NotAllowed, NotFound
from casework.crypto import rehearsal
from casework.desk import selectors
from casework.desk.forms.sharing import InviteForm
from casework.desk.forms.staff import RoleForm, SureForm
from casework.desk.selectors import PersonPage, RoleLine
from casework.desk.views._shared import put_errors

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def people(request: HttpRequest) -> HttpResponse:
    """List the accounts; after an invitation, show its link this once."""
    policies.check(Action.MANAGE_ACCOUNTS)
    form = InviteForm(request.POST or None, teams=selectors.all_teams())
    link = expires_at = None
    waits = False
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                made, waits = staff.invite(email=given["email"], role=given["role"], team_id=form.team_id)
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
        "waits": waits,
        "frozen": selectors.frozen_lines(),
        "factors": second_factor.factors_waiting(),
        "recovery_lack": rehearsal.lack(clock.now()),
    }
    return render(request, "desk/people.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def person(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Show one account; what is sent gives it one more role."""
    policies.check(Action.MANAGE_ACCOUNTS)
    form = RoleForm(request.POST if request.method == "POST" else None, teams=selectors.all_teams())
    page = selectors.person_page(user_id)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                holds = staff.propose_role(user_id, role=form.cleaned_data["role"], team_id=form.team_id)
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(
                request,
                _("The role was given.")
                if holds
                else _("The role waits: somebody else has to confirm it. They were told."),
            )
            return redirect("person", user_id=user_id)
    audit.record("account.viewed", obj=user_id)
    context = {"person": page, "form": form, "breadcrumbs": [(_("People"), reverse("people"))]}
    return render(request, "desk/person.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def role_take(request: HttpRequest, user_id: UUID, membership_id: UUID) -> HttpResponse:
    """Say what taking a role away does, and do it."""
    policies.check(Action.MANAGE_ACCOUNTS)
    page = selectors.person_page(user_id)
    line = next((role for role in page.roles if role.id == membership_id), None)
    if line is None:
        raise NotFound
    alone = [line.alone] if line.alone else []
    said = _("The role was taken away.")
    return _leave(request, page, alone, lambda: staff.remove_role(user_id, membership_id), said, role=line)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def person_off(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Say what switching an account off does, and do it."""
    policies.check(Action.MANAGE_ACCOUNTS)
    page = selectors.person_page(user_id)
    said = _("The account is switched off. The coordinators of their teams were told.")
    return _leave(request, page, list(page.teams_alone), lambda: staff.switch_off(user_id), said)


def _leave(
    request: HttpRequest,
    page: PersonPage,
    alone: list[str],
    act: Callable[[], None],
    said: StrOrPromise,
    *,
    role: RoleLine | None = None,
) -> HttpResponse:
    form = SureForm(request.POST if request.method == "POST" else None, needed=bool(alone))
    refused = ""
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                act()
        except NotAllowed as error:
            refused = str(error.message)
        else:
            messages.success(request, said)
            return redirect("person", user_id=page.id)
    audit.record("account.viewed", obj=page.id)
    context = {
        "person": page,
        "role": role,
        "alone": alone,
        "form": form,
        "refused": refused,
        "breadcrumbs": [(_("People"), reverse("people")), (page.name, reverse("person", args=[page.id]))],
    }
    return render(request, "desk/person_leave.html", context, status=409 if refused else 200)


@login_required
@require_POST
@confirmed_to_send
def person_on(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Switch an account on again."""
    with transaction.atomic():
        waits = staff.switch_on(user_id)
    if waits:
        messages.success(
            request,
            _("The account is switched on. That they coordinate a team has to be confirmed anew; it was asked for."),
        )
    else:
        messages.success(request, _("The account is switched on."))
    return redirect("person", user_id=user_id)


@login_required
@require_safe
def role_requests(request: HttpRequest) -> HttpResponse:
    """List who is to be coordinator and waits for a second person."""
    policies.check(Action.STAND_IN)
    audit.record("account.viewed")
    return render(request, "desk/role_requests.html", {"requests": selectors.role_requests()})


@login_required
@require_POST
@confirmed_to_send
def role_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Confirm, refuse or take back one request."""
    acts: dict[str, tuple[Callable[[UUID], None], StrOrPromise]] = {
        "confirm": (staff.confirm_role, _("Confirmed: they are coordinator of the team.")),
        "refuse": (staff.refuse_role, _("Refused. Whoever asked sees that nothing waits any more.")),
        "withdraw": (staff.withdraw_role, _("Taken back.")),
    }
    act, said = acts.get(request.POST.get("act", ""), (staff.look_at_role, ""))
    try:
        with transaction.atomic():
            act(request_id)
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        if said:
            messages.success(request, said)
    in_team = policies.decide(work.current().actor.user_id, Action.SEE_TEAM).allowed
    return redirect("team" if in_team else "role_requests")
