"""The list of cases, one case, making and changing one."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import policies
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.cases import services as case_services
from casework.cases.types import CaseFilter
from casework.core import work
from casework.core.errors import Conflict, Invalid
from casework.desk import selectors, services
from casework.desk.forms.cases import CaseFilterForm, CaseForm, SearchForm
from casework.desk.views._shared import case_context, fault_of, page_number, put_errors, under_case

_SHOWN_LIMITS = 3
_SHOWN_FACTS = 5


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_list(request: HttpRequest) -> HttpResponse:
    """Show one page of the visible cases; a search by name is a POST, so that no name stands in an address."""
    policies.check(Action.LIST_CASES)
    if request.method == "POST":
        return _search(request)
    filters = CaseFilterForm(request.GET)
    mine = request.GET.get("view") == "mine"
    wanted = CaseFilter(
        country=filters.value("country"),
        stage=filters.value("stage"),
        risk=filters.value("risk"),
        detained=bool(filters.value("detained")),
        mine=mine,
        state="" if filters.value("state") == "all" else filters.value("state"),
        sort=filters.value("sort") or "due",
    )
    found = services.list_cases(wanted, page_number(request))
    chosen = {name: request.GET[name] for name in filters.fields if request.GET.get(name)}
    context = {
        "cases": found,
        "filters": filters,
        "search": SearchForm(),
        "tabs": _list_tabs(mine=mine, chosen=chosen),
        "removable": _removable(filters, chosen, mine=mine),
        "query": urlencode({**chosen, **({"view": "mine"} if mine else {})}),
        "mine": mine,
        "may_create": policies.decide(work.current().actor.user_id, Action.CREATE_CASE).allowed,
        "may_see_erasures": policies.decide(work.current().actor.user_id, Action.SEE_ERASURES).allowed,
        "may_break_glass": policies.decide(work.current().actor.user_id, Action.BREAK_GLASS).allowed,
    }
    return render(request, "desk/case_list.html", context)


def _search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST)
    found = None
    if form.is_valid():
        found = services.list_cases(form.wanted, form.cleaned_data["page"] or 1)
    context = {
        "cases": found,
        "search": form,
        "form": form,
        "tabs": _list_tabs(mine=False, chosen={}, none=True),
        "may_break_glass": policies.decide(work.current().actor.user_id, Action.BREAK_GLASS).allowed,
    }
    return render(request, "desk/case_search.html", context)


def _list_tabs(*, mine: bool, chosen: dict[str, str], none: bool = False) -> list[tuple[object, str, bool]]:
    url = reverse("case_list")
    everything = f"?{urlencode(chosen)}" if chosen else ""
    return [
        (_("All I may see"), url + everything, not mine and not none),
        (_("Mine"), f"{url}?{urlencode({**chosen, 'view': 'mine'})}", mine),
    ]


def _removable(filters: CaseFilterForm, chosen: dict[str, str], *, mine: bool) -> list[tuple[str, str]]:
    """Return the chosen filters in words, each with the address of the list without it."""
    tags = []
    for name in chosen:
        if name == "sort" or not filters.value(name):
            continue
        rest = {key: value for key, value in chosen.items() if key != name} | ({"view": "mine"} if mine else {})
        field = filters[name]
        choices = dict(getattr(filters.fields[name], "choices", ()))
        label = str(choices.get(filters.value(name), field.label))
        tags.append((f"{field.label}: {label}" if choices else str(field.label), f"?{urlencode(rest)}"))
    return tags


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_new(request: HttpRequest) -> HttpResponse:
    """Make a case; what was typed stays in the form until it can be saved."""
    policies.check(Action.CREATE_CASE)
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    teams = [(team.pk, team.name) for team in accounts.teams_of(actor_id, Role.CASEWORKER, Role.COORDINATOR)]
    form = CaseForm(request.POST or None, teams=teams)
    if request.method == "POST" and form.is_valid() and teams:
        try:
            with transaction.atomic():
                case_id = case_services.create_case(team_id=form.team_id or teams[0][0], given=form.given)
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The case was saved. Record the first fact, so that its time limits run."))
            return redirect("case_detail", case_id=case_id)
    context = {"form": form, "breadcrumbs": [(_("Cases"), reverse("case_list"))], "teams": teams}
    return render(request, "desk/case_form.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case_edit(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Change a case; who saves second is shown what the first one saved, and nothing is overwritten."""
    page = services.open_for(case_id, Action.EDIT_CASE)
    form = CaseForm(request.POST or None, case=page.case)
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                case_services.update_case(case_id, given=form.given, version=form.cleaned_data["version"] or 0)
        except Conflict as error:
            conflict = error.message
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The changes were saved."))
            return redirect("case_detail", case_id=case_id)
    context = {
        "form": form,
        "case": page.header,
        "breadcrumbs": under_case(page.header),
        "conflict": conflict,
        "differences": form.differences() if conflict else [],
        # After a conflict the next save is one on top of what is shown; after a mere mistake it is still the first.
        "version": form["version"].value() if form.is_bound and not conflict else page.case.version,
    }
    return render(request, "desk/case_form.html", context, status=409 if conflict else 200)


@login_required
@require_safe
def case_detail(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show a case's summary: who it is about, what ends next, what was recorded last."""
    page = services.open_page(case_id, derive=True)
    assert page.procedure is not None
    cards = selectors.limit_cards(page.procedure, states={"running"})
    context = {
        **case_context(page.header, "case_detail"),
        "record": selectors.people_summary(page.case),
        "procedure": selectors.procedure_summary(page.header, page.case),
        "summary": page.case.summary,
        "fault": fault_of(page),
        "warnings": page.procedure.warnings,
        "cards": cards[:_SHOWN_LIMITS],
        "more_cards": max(0, len(cards) - _SHOWN_LIMITS),
        "items": selectors.timeline_items(
            case_id, page.procedure.facts[-_SHOWN_FACTS:], people=page.people, may_correct=False
        ),
        "fact_count": len(page.procedure.facts),
    }
    return render(request, "desk/case_summary.html", context)
