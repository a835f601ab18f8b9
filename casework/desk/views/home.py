"""The first page after signing in: what this person's role is here for."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from casework.accounts.types import Role
from casework.cases import erasing
from casework.cases.types import CaseFilter
from casework.core import clock
from casework.crypto import rehearsal
from casework.desk import services
from casework.transfers import selectors as transfers

WITH_CASES = frozenset({Role.CASEWORKER, Role.COORDINATOR, Role.LAWYER})


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the day to whoever works with cases; auditors and administrators go to their own first page."""
    roles = services.own_roles()
    if not roles & WITH_CASES:
        if Role.AUDITOR in roles:
            return redirect("trail")
        if Role.ADMIN in roles:
            return redirect("people")
        return render(request, "desk/home_no_role.html")
    context: dict[str, object] = {"is_coordinator": Role.COORDINATOR in roles, "may_create": roles != {Role.LAWYER}}
    if roles & {Role.CASEWORKER, Role.COORDINATOR}:
        context["today"] = services.open_today()
    if Role.COORDINATOR in roles:
        context["pressure"] = transfers.pressure()
        context["erasures_waiting"] = erasing.waiting_for_me()
    if Role.ADMIN in roles:
        context["recovery_lack"] = rehearsal.lack(clock.now())
    if Role.LAWYER in roles:
        context["shared"] = services.list_cases(CaseFilter())
    return render(request, "desk/home.html", context)
