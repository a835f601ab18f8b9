"""The audit trail: of one case for who leads it, of everything for auditors."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from casework.access import policies
from casework.access.actions import Action
from casework.accounts.strong import freshly_confirmed
from casework.audit import proof
from casework.audit import services as audit
from casework.audit.selectors import BadCursor
from casework.desk import selectors, services
from casework.desk.forms.sharing import ProofForm, TrailFilterForm
from casework.desk.views._shared import case_context, handed_out


@login_required
@require_safe
def case_trail(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show who did what with one case."""
    page = services.open_for(case_id, Action.SEE_CASE_TRAIL)
    audit.record("audit.viewed", case=case_id)
    try:
        entries = selectors.case_trail(case_id, before=request.GET.get("before", ""))
    except BadCursor:
        raise Http404 from None
    return _trail_of(request, page.header, entries, ProofForm())


@login_required
@require_POST
@freshly_confirmed
def case_proof(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Hand out the proof of a case's trail, which can be checked without this server."""
    page = services.open_for(case_id, Action.SEE_CASE_TRAIL)
    form = ProofForm(request.POST)
    if form.is_valid():
        try:
            made = services.proof_of_trail(case_id, since=form.cleaned_data["since"])
        except proof.NotSealed:
            form.add_error(None, _("Nothing of this case is sealed yet. Try again in a minute."))
        except proof.NoSuchCheckpoint:
            form.add_error("since", _("No checkpoint was signed over that many entries."))
        else:
            name = f"proof-{page.header.reference}.json"
            return handed_out(HttpResponse(made), name=name, media_type="application/json")
    audit.record("audit.viewed", case=case_id)
    return _trail_of(request, page.header, selectors.case_trail(case_id), form)


def _trail_of(
    request: HttpRequest, header: selectors.CaseHeader, entries: selectors.TrailPage, form: ProofForm
) -> HttpResponse:
    context = {**case_context(header, "case_trail"), "page": entries, "form": form}
    return render(request, "desk/case_trail.html", context)


@login_required
@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """Show the whole trail, or one person's, without any content of a case."""
    policies.check(Action.SEE_TRAIL)
    form = TrailFilterForm(request.GET or None, people=selectors.colleagues())
    who = form.person_id if form.is_valid() else None
    audit.record("audit.viewed", body={"who": str(who or "")})
    try:
        entries = selectors.trail(before=request.GET.get("before", ""), who=who)
    except BadCursor:
        raise Http404 from None
    query = urlencode({"who": str(who)}) if who else ""
    return render(request, "desk/trail.html", {"page": entries, "filters": form, "query": query})
