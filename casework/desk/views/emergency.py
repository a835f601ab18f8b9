"""Opening a case of another team in an emergency."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from casework.access import emergency as glass
from casework.access import policies
from casework.access.actions import Action
from casework.accounts.strong import freshly_confirmed
from casework.core.errors import Invalid
from casework.desk.forms.travel import EmergencyForm
from casework.desk.views._shared import put_errors


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def emergency(request: HttpRequest) -> HttpResponse:
    """Ask which case and why; open it for an hour."""
    policies.check(Action.BREAK_GLASS)
    form = EmergencyForm(request.POST if request.method == "POST" else None)
    seen = again_at = None
    if request.method == "POST" and form.is_valid():
        try:
            # No savepoint: a refusal has nothing to undo, and its end would let the next try be counted too soon.
            case_id = glass.break_glass(form.cleaned_data["reference"], form.cleaned_data["reason"])
        except Invalid as error:
            put_errors(form, error)
        except glass.AlreadySeen as error:
            seen = error.case_id
        except glass.TooManyTries as error:
            again_at = error.again_at
        else:
            # The banner on the case says the rest.
            return redirect("case_detail", case_id=case_id)
    context = {"form": form, "seen": seen, "again_at": again_at, "most": glass.MOST_TRIES}
    return render(request, "desk/emergency.html", context, status=429 if again_at else 200)
