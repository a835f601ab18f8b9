"""Erasing a case: asking for it, deciding about it as a second person, and the certificate that remains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from casework.access import damage, policies
from casework.access.actions import Action
from casework.accounts.strong import confirmed_to_send
from casework.audit import services as audit
from casework.cases import erasing, retention
from casework.core import work
from casework.core.errors import Conflict, Damaged, Invalid, NotFound
from casework.crypto.envelope import DecryptError
from casework.crypto.types import KeyUnavailable
from casework.desk import selectors, services
from casework.desk.forms.ending import AskErasureForm, ConfirmErasureForm, KeepingForm
from casework.desk.views._shared import handed_out, put_errors, under_case, uuid_or_none
from casework.dossiers import certificate

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def case_erase(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Ask for a case to be erased; nothing is destroyed before a second person confirms it."""
    page = services.open_for(case_id, Action.ASK_ERASURE, derive=True)
    assert page.procedure is not None
    form = AskErasureForm(request.POST or None, reason=request.GET.get("reason", ""))
    waiting = selectors.waiting_erasure(case_id)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                erasure_id = erasing.request_erasure(
                    case_id, reason=form.cleaned_data["reason"], note=form.cleaned_data["note"]
                )
        except Invalid as error:
            put_errors(form, error)
        except Conflict:
            # Somebody was faster: the page below says who, and keeps what was typed.
            waiting = waiting or selectors.waiting_erasure(case_id)
        else:
            messages.success(request, _("The request was made. Nothing is erased until a second person confirms it."))
            return redirect("erasure_detail", erasure_id=erasure_id)
    elif waiting is not None and request.method != "POST":
        return redirect("erasure_detail", erasure_id=waiting.id)
    context = {
        "case": page.header,
        "form": form,
        "waiting": waiting,
        "would_go": selectors.would_go(page.case, page.procedure),
        "under_way": selectors.still_under_way(page.case, page.procedure),
        "is_open": selectors.still_open(page.case),
        "coordinators": selectors.coordinators_besides(page.case),
        "breadcrumbs": under_case(page.header),
    }
    return render(request, "desk/case_erase.html", context, status=409 if waiting else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def erasures(request: HttpRequest) -> HttpResponse:
    """List requests and proposals; a coordinator sets here how long their teams keep closed cases."""
    policies.check(Action.SEE_ERASURES)
    refused = None
    if request.method == "POST":
        policies.check(Action.SET_RETENTION)
        team_id = uuid_or_none(request.POST.get("team", ""))
        if team_id is None:
            raise NotFound
        refused = KeepingForm(request.POST, team_id=team_id, months=None)
        if refused.is_valid():
            try:
                with transaction.atomic():
                    retention.set_retention(team_id, refused.cleaned_data["months"])
            except Invalid as error:
                put_errors(refused, error)
            else:
                messages.success(request, _("The time for keeping closed cases was saved."))
                return redirect("erasures")
        elif team_id not in {team.id for team in selectors.keeping()}:
            raise NotFound
    forms = [
        (team, refused)
        if refused is not None and refused.data.get("team") == str(team.id)
        else (team, KeepingForm(team_id=team.id, months=team.months))
        for team in selectors.keeping()
    ]
    audit.record("case.listed")
    context = {"erasures": selectors.erasures(), "keeping": forms, "form": refused}
    return render(request, "desk/erasures.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def erasure_detail(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """Show one request and what it would take away; whoever confirms it types the case's reference."""
    form = ConfirmErasureForm(request.POST if request.method == "POST" else None)
    conflict = ""
    if request.method == "POST":
        # Asked before the form is looked at: who may not confirm is refused, whatever they typed.
        may_confirm = erasing.erasure(erasure_id).may_confirm
        if form.is_valid() or not may_confirm:
            try:
                with transaction.atomic():
                    erasing.confirm_erasure(erasure_id, reference=form.cleaned_data.get("reference", ""))
            except Invalid as error:
                put_errors(form, error)
            except Conflict as error:
                conflict = str(error.message)
            else:
                messages.success(
                    request,
                    _("The case was erased. Backups open nothing of it once their copies of the key have aged out."),
                )
                return redirect("erasure_detail", erasure_id=erasure_id)
    return _detail(request, erasure_id, form=form, conflict=conflict)


@login_required
@require_POST
def erasure_withdraw(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """Take one's own request back."""
    said = _("The request was taken back. The case stays as it is.")
    return _decided(request, erasure_id, erasing.withdraw_erasure, said)


@login_required
@require_POST
def erasure_refuse(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """Refuse a request as the second person."""
    said = _("The request was refused. The case stays as it is.")
    return _decided(request, erasure_id, erasing.refuse_erasure, said)


def _decided(
    request: HttpRequest, erasure_id: UUID, decide: Callable[[UUID], None], said: StrOrPromise
) -> HttpResponse:
    try:
        with transaction.atomic():
            decide(erasure_id)
    except Conflict as error:
        return _detail(request, erasure_id, form=ConfirmErasureForm(), conflict=str(error.message))
    messages.success(request, said)
    return redirect("erasure_detail", erasure_id=erasure_id)


@login_required
@require_POST
def erasure_certificate(request: HttpRequest, erased_id: UUID) -> HttpResponse:
    """Hand out the certificate of an erasure as PDF; that somebody printed it stands in the trail."""
    try:
        content = certificate.certificate_pdf(erased_id)
    except Conflict as error:
        return _detail(request, erased_id, form=ConfirmErasureForm(), conflict=str(error.message))
    # The name says nothing of what it certifies: it ends up in a list of downloads.
    name = f"certificate-{str(erased_id)[:8]}.pdf"
    return handed_out(HttpResponse(content), name=name, media_type="application/pdf")


def _what_goes(case_id: UUID) -> dict[str, object]:
    page = services.open_page(case_id, derive=True)
    assert page.procedure is not None
    return {
        "case": page.header,
        "would_go": selectors.would_go(page.case, page.procedure),
        "under_way": selectors.still_under_way(page.case, page.procedure),
        "is_open": selectors.still_open(page.case),
    }


def _detail(request: HttpRequest, erasure_id: UUID, *, form: ConfirmErasureForm, conflict: str) -> HttpResponse:
    view = erasing.erasure(erasure_id)
    line = selectors.erasure_line(view)
    context: dict[str, object] = {
        "erasure": line,
        "form": form,
        "conflict": conflict,
        "breadcrumbs": [(_("Erasing cases"), reverse("erasures"))],
    }
    decision = policies.decide(work.current().actor.user_id, Action.OPEN_CASE, view.case_id)
    if line.waits and decision.allowed:
        context["coordinators"] = selectors.who_may_confirm(view)
        try:
            context |= _what_goes(view.case_id)
        except (Damaged, DecryptError, KeyUnavailable) as error:
            # What cannot be opened any more can be erased all the same. Nothing of it is shown, and the trail is told.
            found = damage.of(error)
            assert found is not None
            request.damaged = replace(found, case_id=view.case_id)  # type: ignore[attr-defined]
            context["damaged"] = True
    return render(request, "desk/erasure.html", context, status=409 if conflict else 200)
