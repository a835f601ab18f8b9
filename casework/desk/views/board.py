"""The transfer board, and handing a case over."""

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
from casework.core import work
from casework.core.errors import Invalid
from casework.desk import labels, selectors, services
from casework.desk.forms.sharing import AssignForm
from casework.desk.views._shared import page_number, put_errors, under_case, uuid_or_none
from casework.transfers import services as transfers


@login_required
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Show the open cases of the coordinator's teams, those with the nearest transfer limit first."""
    policies.check(Action.SEE_BOARD)
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    columns = {name: stages for name, _label, stages in labels.BOARD_COLUMNS}
    teams = [(str(team.pk), team.name) for team in accounts.teams_of(actor_id, Role.COORDINATOR)]
    team_id = uuid_or_none(request.GET.get("team", ""))
    column = request.GET.get("column", "") if request.GET.get("column", "") in columns else ""
    as_columns = request.GET.get("view") == "columns"
    unassigned = request.GET.get("lead") == "none"
    found = services.open_board(
        team_id=team_id, stages=columns.get(column, ()), unassigned=unassigned, number=page_number(request)
    )
    lines = selectors.board_lines(found.rows)
    query = {
        "team": str(team_id or ""),
        "column": column,
        "lead": "none" if unassigned else "",
        "view": "columns" if as_columns else "",
    }
    chosen = {name: value for name, value in query.items() if value}
    url = reverse("board")

    def address(**changes: str) -> str:
        wanted = {name: value for name, value in (chosen | changes).items() if value}
        return f"{url}?{urlencode(wanted)}" if wanted else url

    context = {
        "board": found,
        "lines": lines,
        "columns": [(entry, address(column=entry.name)) for entry in selectors.board_columns(found, lines)],
        "all_url": address(column=""),
        "all_count": sum(count for _stage, count in found.counts),
        "column": column,
        "as_columns": as_columns,
        "tabs": [
            (_("Table"), address(view=""), not as_columns),
            (_("Columns"), address(view="columns"), as_columns),
        ],
        "teams": teams,
        "team": str(team_id or ""),
        "unassigned": unassigned,
        "query": urlencode(chosen),
    }
    return render(request, "desk/board.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def assign(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Give a case to somebody else of its team."""
    page = services.open_for(case_id, Action.ASSIGN_CASE)
    people = case_services.possible_leads(page.case.team_id)
    form = AssignForm(request.POST or None, people=people, current=page.case.lead_id)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                transfers.assign(case_id, lead_id=form.lead_id)
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The case was assigned."))
            return redirect("board")
    context = {
        "case": page.header,
        "form": form,
        "breadcrumbs": [(_("Transfer board"), reverse("board")), *under_case(page.header)[1:]],
    }
    return render(request, "desk/assign.html", context)
