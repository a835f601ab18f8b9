"""The audit trail: of one case for who leads it, of oneself for everybody, of everything for auditors."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from casework.access import policies
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.strong import confirmed_to_send, freshly_confirmed
from casework.accounts.types import Role
from casework.audit import proof
from casework.audit import services as audit
from casework.audit.selectors import BadCursor
from casework.audit.types import EVERYTHING, TrailFilter
from casework.core import clock, work
from casework.desk import selectors, services
from casework.desk.forms.trail import ProofForm, TrailCopyForm, TrailFilterForm, people_to_choose
from casework.desk.views._shared import case_context, handed_out, under_case
from casework.dossiers import trail_copy as copies

OWN_DAYS: Final = 30


@login_required
@require_safe
def case_trail(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show who did what with one case."""
    page = services.open_for(case_id, Action.SEE_CASE_TRAIL, looked="audit.viewed")
    return _trail_of(request, page.header, ProofForm(), before=request.GET.get("before", ""))


@login_required
@require_POST
@freshly_confirmed
def case_proof(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Hand out the proof of a case's trail, which can be checked without this server."""
    page = services.open_for(case_id, Action.SEE_CASE_TRAIL, looked="audit.viewed")
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
    return _trail_of(request, page.header, form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def trail_copy(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Hand out a copy of a case's trail for the person concerned: who saw their data, and when."""
    page = services.open_for(case_id, Action.EXPORT_TRAIL)
    form = TrailCopyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = copies.copy_for_person(case_id, wanted=form.wanted, names=given["names"], language=form.tongue)
        name = f"trail-{page.header.reference}.pdf"
        return handed_out(HttpResponse(made), name=name, media_type="application/pdf")
    context = {"case": page.header, "form": form, "breadcrumbs": under_case(page.header)}
    return render(request, "desk/trail_copy.html", context)


def _trail_of(request: HttpRequest, header: selectors.CaseHeader, form: ProofForm, *, before: str = "") -> HttpResponse:
    coordinates = accounts.standing_of(work.current().actor.user_id).has(Role.COORDINATOR)
    filters = TrailFilterForm(
        request.GET, people=people_to_choose(selectors.actors_of_case(header.id)), unusual=coordinates
    )
    entries = None
    if filters.is_valid():
        try:
            entries = selectors.case_trail(header.id, wanted=filters.wanted, before=before, marked=coordinates)
        except BadCursor:
            raise Http404 from None
    may_copy = policies.decide(work.current().actor.user_id, Action.EXPORT_TRAIL, header.id).allowed
    context = {"page": entries, "filters": filters, "form": form, "may_copy": may_copy}
    return render(request, "desk/case_trail.html", {**case_context(header, "case_trail"), **context})


@login_required
@require_safe
def own_trail(request: HttpRequest) -> HttpResponse:
    """Show people what was done in their own name, and from where."""
    policies.check(Action.SEE_OWN_TRAIL)
    user_id = work.current().actor.user_id
    assert user_id is not None
    since = clock.now() - timedelta(days=OWN_DAYS)
    filters = TrailFilterForm(request.GET)
    wanted = filters.wanted if filters.is_valid() else None
    audit.record("audit.viewed", body=_asked(wanted or EVERYTHING))
    entries = None
    if wanted is not None:
        if wanted.since is None:
            wanted = replace(wanted, since=since)
        try:
            entries = selectors.own_trail(user_id, wanted=wanted, before=request.GET.get("before", ""))
        except BadCursor:
            raise Http404 from None
    context = {
        "page": entries,
        "filters": filters,
        "days": OWN_DAYS,
        "summary": selectors.own_summary(user_id, since),
        "breadcrumbs": [(_("Profile"), reverse("profile"))],
    }
    return render(request, "desk/own_trail.html", context)


@login_required
@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """Show the whole trail, or what is asked of it, without any content of a case."""
    policies.check(Action.SEE_TRAIL)
    people = people_to_choose((person.id, person.name) for person in selectors.colleagues())
    filters = TrailFilterForm(request.GET, people=people, cases=True, unusual=True)
    wanted = filters.wanted if filters.is_valid() else None
    audit.record("audit.viewed", body=_asked(wanted or EVERYTHING))
    entries = None
    if wanted is not None:
        try:
            entries = selectors.trail(wanted=wanted, before=request.GET.get("before", ""))
        except BadCursor:
            raise Http404 from None
    return render(request, "desk/trail.html", {"page": entries, "filters": filters})


def _asked(wanted: TrailFilter) -> dict[str, str]:
    """Return what was asked for, for the entry about it."""
    given = {
        "who": wanted.person,
        "case": wanted.case,
        "what": wanted.action,
        "outcome": wanted.outcome,
        "from": wanted.since,
        "to": wanted.until,
        "unusual": wanted.unusual or None,
    }
    return {name: str(value) for name, value in given.items() if value not in (None, "")}
