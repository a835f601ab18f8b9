"""Closing a case, and working on it again."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from casework.access.actions import Action
from casework.cases import services as case_services
from casework.core import clock
from casework.core.errors import Conflict, Invalid
from casework.desk import selectors, services
from casework.desk.forms.ending import CloseForm
from casework.desk.views._shared import put_errors, under_case


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_close(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Close a case on a day; what is still under way is said first."""
    page = services.open_for(case_id, Action.EDIT_CASE, derive=True)
    assert page.procedure is not None
    form = CloseForm(request.POST or None, today=clock.today(page.case.country))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                case_services.close_case(case_id, on=form.cleaned_data["on"])
        except Invalid as error:
            put_errors(form, error)
        except Conflict as error:
            messages.warning(request, error.message)
            return redirect("case_detail", case_id=case_id)
        else:
            messages.success(request, _("The case was closed. It can be reopened at any time."))
            return redirect("case_detail", case_id=case_id)
    elif page.header.closed_on:
        return redirect("case_detail", case_id=case_id)
    context = {
        "case": page.header,
        "form": form,
        "under_way": selectors.still_under_way(page.case, page.procedure),
        "months": selectors.months_kept(page.case),
        "breadcrumbs": under_case(page.header),
    }
    return render(request, "desk/case_close.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_reopen(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Work on a closed case again, after asking once."""
    page = services.open_for(case_id, Action.EDIT_CASE)
    if request.method == "POST":
        try:
            with transaction.atomic():
                case_services.reopen_case(case_id)
        except Conflict as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, _("The case is open again. Its time limits count as before."))
        return redirect("case_detail", case_id=case_id)
    if not page.header.closed_on:
        return redirect("case_detail", case_id=case_id)
    context = {"case": page.header, "breadcrumbs": under_case(page.header)}
    return render(request, "desk/case_reopen.html", context)
