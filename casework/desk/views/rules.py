"""The rules by which time limits are computed, with article and link: so that a lawyer can check us."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from casework.access import policies
from casework.access.actions import Action
from casework.desk import labels
from casework.desk.forms.rules import RuleFilterForm
from casework.desk.selectors import _rules as selectors
from casework.desk.views._shared import foreign, language_links
from casework.law import reference


@login_required
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """Show the instruments with their counts, or the rules that were looked for."""
    policies.check(Action.SEE_RULES)
    lang = labels.law_language(request.GET.get("lang", ""))
    confidences = selectors.confidences(lang)
    form = RuleFilterForm(
        request.GET, instruments=reference.instruments(lang), confidences=confidences, lang=foreign(lang)
    )
    asked = any(request.GET.get(name) for name in ("q", "instrument", "confidence"))
    groups = []
    count = 0
    valid = form.is_valid()
    if asked and valid:
        found = reference.search(reference.entries(lang), form.cleaned_data["q"])
        kept = [entry for entry in found if form.keeps(entry.regime, entry.confidence)]
        groups, count = selectors.grouped(kept), len(kept)
    query = request.GET.copy()
    query.pop("lang", None)
    context = {
        "form": form,
        "asked": asked and valid,
        "groups": groups,
        "count": count,
        "instruments": [] if asked and valid else selectors.instruments(lang),
        "confidences": confidences.values(),
        "languages": language_links(lang),
        "query": query.urlencode(),
        "lang": foreign(lang),
        "law_lang": lang,
    }
    return render(request, "desk/rules.html", context)
