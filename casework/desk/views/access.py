"""Who can see a case, giving access, taking it back."""

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

from casework.access import services as access
from casework.access.actions import Action
from casework.accounts.strong import freshly_confirmed
from casework.core.errors import Invalid, NotFound
from casework.desk import selectors, services
from casework.desk.forms.sharing import RevokeForm, ShareForm
from casework.desk.views._shared import case_context, put_errors, under_case


@login_required
@require_safe
def case_access(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """List who can see the case and why."""
    page = services.open_page(case_id)
    may_share = page.header.may[Action.SHARE_CASE.value]
    lines = selectors.access_lines(page.case, may_share=may_share)
    return render(request, "desk/case_access.html", {**case_context(page.header, "case_access"), "lines": lines})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def case_share(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Give somebody access until a day, with a reason."""
    page = services.open_for(case_id, Action.SHARE_CASE)
    form = ShareForm(request.POST or None, country=page.case.country)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                services.share_case(
                    case_id,
                    country=page.case.country,
                    email=given["email"],
                    level=given["level"],
                    until_on=given["until"],
                    reason=given["reason"],
                )
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(request, _("Access was given."))
            return redirect("case_access", case_id=case_id)
    context = {"case": page.header, "form": form, "breadcrumbs": _crumbs(page.header)}
    return render(request, "desk/case_share.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def grant_revoke(request: HttpRequest, case_id: UUID, grant_id: UUID) -> HttpResponse:
    """Take one access back, after asking once."""
    page = services.open_for(case_id, Action.SHARE_CASE)
    lines = selectors.access_lines(page.case, may_share=True)
    line = next((line for line in lines if line.id == grant_id and line.may_be_revoked), None)
    if line is None:
        raise NotFound
    form = RevokeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        for_cause = form.cleaned_data["for_cause"]
        access.revoke(case_id=case_id, grant_id=grant_id, for_cause=for_cause)
        if for_cause:
            messages.success(
                request,
                _("Access was taken back. It ended at once. The case has a new key; older records are moved to it."),
            )
        else:
            messages.success(request, _("Access was taken back. It ended at once."))
        return redirect("case_access", case_id=case_id)
    context = {"case": page.header, "line": line, "form": form, "breadcrumbs": _crumbs(page.header)}
    return render(request, "desk/grant_revoke.html", context)


def _crumbs(header: selectors.CaseHeader) -> list[tuple[object, str]]:
    return [*under_case(header, (_("Access"), reverse("case_access", args=[header.id])))]
