"""The deadlines and the timeline of a case, and recording what happened."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from casework.access.actions import Action
from casework.core.errors import Conflict, Invalid
from casework.desk import labels, selectors, services
from casework.desk.forms.facts import FactForm, WithdrawForm
from casework.desk.services import CasePage
from casework.desk.views._shared import (
    CARRIED,
    case_context,
    fault_of,
    foreign,
    language_links,
    overtaken_by,
    under_case,
)
from casework.law.facts import VOCABULARY
from casework.procedure import services as procedure
from casework.procedure.types import RecordedFact

# Limits that count come first; those that are settled stand folded below.
_SETTLED = ("met", "stopped", "superseded")


@login_required
@require_safe
def case_deadlines(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show every limit of a case with its date, its article, the reasons and what would change it."""
    lang = labels.law_language(request.GET.get("lang", ""))
    page = services.open_page(case_id, derive=True, lang=lang)
    assert page.procedure is not None
    marked = foreign(lang)
    cards = services.deadline_cards(page, lang=lang, marked=marked)
    may = page.header.may[Action.RECORD_FACT.value]
    context = {
        **case_context(page.header, "case_deadlines"),
        "running": [card for card in cards if card.state_code == "running"],
        "expired": [card for card in reversed(cards) if card.state_code == "expired"],
        "settled": [card for card in cards if card.state_code in _SETTLED],
        "questions": selectors.question_cards(case_id, page.procedure, may_record=may, lang=marked),
        "fault": fault_of(page),
        "warnings": page.procedure.warnings,
        "has_facts": bool(page.procedure.facts),
        "on": page.procedure.on,
        "both_readings": page.procedure.regime == "dublin3-open",
        "stage": labels.stage(page.procedure.status, lang),
        "regime": labels.regime(page.procedure.regime, lang),
        "languages": language_links(lang),
        "lang": marked,
    }
    return render(request, "desk/case_deadlines.html", context)


@login_required
@require_safe
def case_timeline(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show what was recorded, by the day on which it happened, with the day on which it was written down."""
    page = services.open_page(case_id, derive=True)
    assert page.procedure is not None
    groups = labels.groups()
    group = request.GET.get("group", "")
    group = group if group in dict(groups) else ""
    items, earlier = services.timeline(page, group=group)
    used = {VOCABULARY[fact.name].group for fact in page.procedure.facts if fact.name in VOCABULARY}
    context = {
        **case_context(page.header, "case_timeline"),
        "fault": fault_of(page),
        "items": items,
        "groups": [("", str(_("Everything"))), *((name, label) for name, label in groups if name in used)],
        "group": group,
        "has_facts": bool(page.procedure.facts),
        "earlier": earlier,
    }
    return render(request, "desk/case_timeline.html", context)


@login_required
@require_safe
def fact_new(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Let somebody choose what kind of fact they have; a choice made in the list leads on to its form."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    if request.GET.get("kind") in VOCABULARY:
        return redirect("fact_form", case_id=case_id, kind=request.GET["kind"])
    context = {
        **kinds_to_choose(page, "fact_form"),
        "breadcrumbs": under_case(page.header, (_("Timeline"), reverse("case_timeline", args=[case_id]))),
    }
    return render(request, "desk/fact_kinds.html", context)


def kinds_to_choose(page: CasePage, leads_to: str, query: str = "") -> dict[str, object]:
    """Return what the page of all kinds of facts needs; each kind leads to the address of that name."""

    def line(name: str) -> tuple[str, str, str]:
        return name, labels.fact(name), reverse(leads_to, args=[page.header.id, name]) + query

    groups = [
        (label, [line(kind.name) for kind in VOCABULARY.values() if kind.group == group])
        for group, label in labels.groups()
    ]
    likely = labels.NEXT_FACTS.get(page.case.stage, labels.NEXT_FACTS[""])
    return {
        "case": page.header,
        "groups": [(label, kinds) for label, kinds in groups if kinds],
        "likely": [line(name) for name in likely if name in VOCABULARY],
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fact_form(request: HttpRequest, case_id: UUID, kind: str) -> HttpResponse:
    """Record one fact of a kind; what a what-if carries over is shown first and recorded when it is sent again."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    if kind not in VOCABULARY:
        raise Http404
    form = FactForm(
        request.POST or None,
        kind=VOCABULARY[kind],
        country=page.case.country,
        documents=services.documents_to_choose(case_id),
    )
    if request.method == "POST" and CARRIED not in request.POST and form.is_valid():
        try:
            with transaction.atomic():
                procedure.record_fact(
                    case_id, content=form.content, note=form.cleaned_data["note"], document=form.document
                )
        except Invalid as error:
            form.put_faults(error)
        else:
            messages.success(request, _("The fact was recorded and the time limits were computed again."))
            return redirect("case_deadlines", case_id=case_id)
    return _fact_page(request, page, form, title=labels.fact(kind))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fact_correct(request: HttpRequest, case_id: UUID, fact_id: UUID) -> HttpResponse:
    """Replace a fact by a corrected one, with the reason; who is second keeps what was typed and sees what stands."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    fact = services.fact_to_change(case_id, fact_id)
    if fact.name not in VOCABULARY:
        raise Http404
    if fact.replaced is not None and request.method != "POST":
        return _to_what_stands(request, case_id, fact, "fact_correct")
    form = FactForm(
        request.POST or None,
        kind=VOCABULARY[fact.name],
        country=page.case.country,
        content=fact.content,
        note=fact.note,
        document=fact.document,
        documents=services.documents_to_choose(case_id),
        correcting=True,
    )
    if request.method == "POST" and CARRIED not in request.POST and form.is_valid():
        given = {"reason": form.why_corrected, "note": form.cleaned_data["note"]}
        try:
            with transaction.atomic():
                procedure.correct_fact(
                    case_id,
                    fact_id=fact_id,
                    content=form.content,
                    document=form.document if form.says_document else procedure.KEEP,
                    **given,
                )
        except Invalid as error:
            form.put_faults(error)
        except Conflict:
            fact = services.fact_to_change(case_id, fact_id)
            became = services.overtaken(case_id, fact)
            document = form.document if form.says_document else fact.document
            if became and services.is_done(fact, became, content=form.content, document=document, **given):
                return _corrected(request, case_id)
        else:
            return _corrected(request, case_id)
    return _fact_page(request, page, form, title=labels.fact(fact.name), fact=fact)


def _corrected(request: HttpRequest, case_id: UUID) -> HttpResponse:
    messages.success(request, _("The fact was corrected and the time limits were computed again."))
    return redirect("case_timeline", case_id=case_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fact_withdraw(request: HttpRequest, case_id: UUID, fact_id: UUID) -> HttpResponse:
    """Let a fact count no more, with a reason; who is second keeps what was typed and sees what stands."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    fact = services.fact_to_change(case_id, fact_id)
    if fact.replaced is not None and request.method != "POST":
        return _to_what_stands(request, case_id, fact, "fact_withdraw")
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["note"]
        try:
            with transaction.atomic():
                procedure.withdraw_fact(case_id, fact_id=fact_id, note=reason)
        except Conflict:
            fact = services.fact_to_change(case_id, fact_id)
            became = services.overtaken(case_id, fact)
            if became and services.is_done(fact, became, reason=reason):
                return _withdrawn(request, case_id)
        except Invalid:
            form.add_error(None, _("Other facts answer this one. Take those back first, or correct this one."))
        else:
            return _withdrawn(request, case_id)
    title, text = selectors.fact_line(fact.content)
    overtaken = overtaken_by(page, fact)
    context = {
        "case": page.header,
        "breadcrumbs": under_case(page.header, (_("Timeline"), reverse("case_timeline", args=[case_id]))),
        "form": form,
        "fact": [(title, labels.moment(fact.on)), *([(str(_("Particulars")), text)] if text else [])],
        "overtaken": overtaken,
    }
    return render(request, "desk/fact_withdraw.html", context, status=409 if overtaken else 200)


def _withdrawn(request: HttpRequest, case_id: UUID) -> HttpResponse:
    messages.success(request, _("The fact counts no more; the time limits were computed again."))
    return redirect("case_timeline", case_id=case_id)


def _to_what_stands(request: HttpRequest, case_id: UUID, fact: RecordedFact, name: str) -> HttpResponse:
    """Lead from the form of a fact that counts no more to the form of the one that does, or to the timeline."""
    became = services.overtaken(case_id, fact)
    if became is None or became.now is None:
        messages.info(request, _("This fact was taken back meanwhile. It stands below among what counts no more."))
        return redirect("case_timeline", case_id=case_id)
    messages.info(request, _("This fact was corrected meanwhile. Here is what stands now."))
    return redirect(name, case_id=case_id, fact_id=became.now.id)


def _fact_page(
    request: HttpRequest, page: CasePage, form: FactForm, *, title: str, fact: RecordedFact | None = None
) -> HttpResponse:
    fact_id = fact.id if fact else None
    overtaken = overtaken_by(page, fact) if fact else None
    context = {
        "case": page.header,
        "breadcrumbs": under_case(
            page.header,
            (_("Timeline"), reverse("case_timeline", args=[page.header.id])),
            *([] if fact_id else [(_("Record a fact"), reverse("fact_new", args=[page.header.id]))]),
        ),
        "form": form,
        "fact_title": title,
        "fact_id": fact_id,
        "corrects": overtaken.now_id if overtaken else fact_id,
        "kind": form.kind.name,
        "carried": CARRIED in request.POST,
        "overtaken": overtaken,
    }
    return render(request, "desk/fact_form.html", context, status=409 if overtaken else 200)
