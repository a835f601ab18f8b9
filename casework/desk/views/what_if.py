"""What if …? The limits as they would be with a fact added, beside those that there are; nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from casework.core.errors import Invalid
from casework.desk import labels, selectors, services
from casework.desk.forms.facts import FactForm
from casework.desk.services import CasePage
from casework.desk.views._shared import (
    CARRIED,
    Crumbs,
    fault_in,
    foreign,
    language_links,
    overtaken_by,
    under_case,
    uuid_or_none,
)
from casework.desk.views.facts import kinds_to_choose
from casework.law.facts import VOCABULARY
from casework.procedure.types import RecordedFact

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@login_required
@require_safe
def what_if(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Let somebody choose which kind of fact they suppose; whoever may read the case's deadlines may ask."""
    page = services.open_page(case_id)
    lang = labels.law_language(request.GET.get("lang", ""))
    query = f"?lang={lang}" if foreign(lang) else ""
    if request.GET.get("kind") in VOCABULARY:
        return redirect(reverse("what_if_form", args=[case_id, request.GET["kind"]]) + query)
    context = {
        **kinds_to_choose(page, "what_if_form", query),
        "breadcrumbs": _crumbs(page),
        "what_if": True,
        "lang": foreign(lang),
    }
    return render(request, "desk/fact_kinds.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def what_if_form(request: HttpRequest, case_id: UUID, kind: str) -> HttpResponse:
    """Ask for the supposed fact and show what it would change; what was typed travels in the body of requests alone."""
    page = services.open_page(case_id)
    if kind not in VOCABULARY:
        raise Http404
    lang = labels.law_language(request.POST.get("lang") or request.GET.get("lang", ""))
    former = _former(page, request.POST.get("corrects", ""))
    if former and former.name != kind:
        raise Http404
    overtaken = overtaken_by(page, former) if former else None
    # Overtaken, it is asked again about what stands now, or about a fact of its own.
    corrects = overtaken.now_id if overtaken else former.id if former else None
    form = FactForm(request.POST or None, kind=VOCABULARY[kind], country=page.case.country, supposed=True)
    context = {
        "case": page.header,
        "breadcrumbs": _crumbs(page, (_("What if …?"), reverse("what_if", args=[case_id]))),
        "form": form,
        "kind": kind,
        "fact_title": labels.fact(kind),
        "corrects": corrects,
        "lang": foreign(lang),
        "law_lang": lang,
        "overtaken": overtaken,
    }
    asked = request.method == "POST" and CARRIED not in request.POST
    if form.is_valid() and asked and not overtaken:
        try:
            supposed = services.what_if(page, content=form.content, corrects=corrects, lang=lang)
        except Invalid as error:
            # What the record itself is at fault for stands beside no field of the supposed fact.
            if now := services.fault_now(page, corrects):
                context["fault"] = fault_in(page.header, now)
            else:
                form.put_faults(error)
        else:
            title, text = selectors.fact_line(form.content)
            more = {
                "fact": [
                    (title, labels.moment(str(form.content.get("at") or form.content.get("on") or ""))),
                    *([(str(_("Particulars")), text)] if text else []),
                ],
                "compared": selectors.compared(supposed, lang=foreign(lang)),
                "fault": fault_in(page.header, supposed.now),
                "languages": language_links(lang),
                "record_url": reverse("fact_correct", args=[case_id, corrects])
                if corrects
                else reverse("fact_form", args=[case_id, kind]),
            }
            return render(request, "desk/what_if_result.html", {**context, **more})
    return render(request, "desk/what_if_form.html", context, status=409 if overtaken else 200)


def _former(page: CasePage, text: str) -> RecordedFact | None:
    """Return the fact in whose place another is supposed; None where none was named."""
    fact_id = uuid_or_none(text)
    return services.fact_of(page, fact_id) if fact_id else None


def _crumbs(page: CasePage, *more: tuple[StrOrPromise, str]) -> Crumbs:
    deadlines = (_("Deadlines"), reverse("case_deadlines", args=[page.header.id]))
    return under_case(page.header, deadlines, *more)
