"""Handing over what somebody leads, when they leave or fall ill."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from casework.accounts.strong import confirmed_to_send
from casework.audit import services as audit
from casework.cases import handing_over
from casework.core.errors import Conflict, Invalid, NotFound
from casework.desk import selectors
from casework.desk.forms.staff import HandOverForm, LeaverForm
from casework.desk.views._shared import put_errors, uuid_or_none


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_to_send
def hand_over(request: HttpRequest) -> HttpResponse:
    """Choose a colleague, then which of their open cases go to whom."""
    leads = handing_over.leads()
    # Whose cases: part of the address when the list is shown, and sent along with it.
    start_id = uuid_or_none(request.POST.get("start", "") or request.GET.get("start", ""))
    start = next((lead for lead in leads if lead.person.id == start_id), None)
    if start_id is not None and start is None:
        raise NotFound
    choose = LeaverForm(people=selectors.leads_to_choose(leads), chosen=start_id)
    context: dict[str, object] = {
        "choose": choose,
        "leads": leads,
        "start": start,
        "breadcrumbs": [(_("Team"), reverse("team"))],
    }
    if start is None:
        audit.record("team.viewed")
        return render(request, "desk/hand_over.html", context)
    cases = handing_over.cases_led_by(start.person.id)
    people = [person for person in handing_over.possible_targets(cases) if person.id != start.person.id]
    form = HandOverForm(
        request.POST if request.method == "POST" else None,
        case_ids=[case.id for case in cases],
        people=people,
        take_back=not start.may_lead,
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                done = handing_over.hand_over(
                    start.person.id, form.to_id, form.case_ids, given["reason"], take_back=given["take_back"]
                )
        except Invalid as error:
            put_errors(form, error)
        except Conflict as error:
            form.add_error("cases", str(error.message))
        else:
            messages.success(
                request,
                ngettext("%(n)d case was handed over.", "%(n)d cases were handed over.", done) % {"n": done},
            )
            return redirect("team")
    audit.record("team.viewed")
    context |= {"form": form, "lines": selectors.led_lines(cases), "nobody": not people}
    return render(request, "desk/hand_over.html", context)
