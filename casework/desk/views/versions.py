"""Earlier versions of a case, and its record as it was on a day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access.actions import Action
from casework.desk import selectors, services
from casework.desk.forms.versions import PastDayForm
from casework.desk.views._shared import case_context, page_number


@login_required
@require_safe
def case_versions(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show what was changed in a case and when, or what it looked like on the day that is asked for."""
    page = services.open_for(case_id, Action.SEE_VERSIONS, looked="case.history_viewed")
    form = PastDayForm(request.GET if "on" in request.GET else None)
    context = {**case_context(page.header, "case_timeline"), "form": form}
    if form.is_valid():
        day = form.cleaned_data["on"]
        past = selectors.past_page(case_id, day, _end_of(day))
        return render(request, "desk/case_past.html", {**context, "past": past})
    versions = selectors.version_page(case_id, page_number(request))
    return render(request, "desk/case_versions.html", {**context, "page": versions})


def _end_of(day: date) -> datetime:
    """Return the first moment after a day in the organisation's zone."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time()))
