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
from casework.core.errors import Invalid
from casework.desk import labels, selectors, services
from casework.desk.forms.facts import FactForm, WithdrawForm
from casework.desk.services import CasePage
from casework.desk.views._shared import case_context, under_case
from casework.law.facts import VOCABULARY
from casework.procedure import services as procedure

# Limits that count come first; those that are settled stand folded below.
_SETTLED = ("met", "stopped", "superseded")


@login_required
@require_safe
def case_deadlines(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show every limit of a case with its date, its article and the reasons."""
    page = services.open_page(case_id, derive=True)
    assert page.procedure is not None
    cards = selectors.limit_cards(page.procedure)
    context = {
        **case_context(page.header, "case_deadlines"),
        "running": [card for card in cards if card.state_code == "running"],
        "expired": [card for card in reversed(cards) if card.state_code == "expired"],
        "settled": [card for card in cards if card.state_code in _SETTLED],
        "warnings": page.procedure.warnings,
        "has_facts": bool(page.procedure.facts),
        "on": page.procedure.on,
        "both_readings": page.procedure.regime == "dublin3-open",
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
    may = page.header.may[Action.RECORD_FACT.value]
    used = {VOCABULARY[fact.name].group for fact in page.procedure.facts if fact.name in VOCABULARY}
    context = {
        **case_context(page.header, "case_timeline"),
        "items": selectors.timeline_items(
            case_id, page.procedure.facts, people=page.people, may_correct=may, group=group
        ),
        "groups": [("", str(_("Everything"))), *((name, label) for name, label in groups if name in used)],
        "group": group,
        "has_facts": bool(page.procedure.facts),
        "earlier": services.earlier_lines(case_id),
    }
    return render(request, "desk/case_timeline.html", context)


@login_required
@require_safe
def fact_new(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Let somebody choose what kind of fact they have; a choice made in the list leads on to its form."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    if request.GET.get("kind") in VOCABULARY:
        return redirect("fact_form", case_id=case_id, kind=request.GET["kind"])
    names = dict(labels.groups())
    groups = [
        (names[group], [(kind.name, labels.fact(kind.name)) for kind in VOCABULARY.values() if kind.group == group])
        for group in names
    ]
    likely = labels.NEXT_FACTS.get(page.case.stage, labels.NEXT_FACTS[""])
    context = {
        "case": page.header,
        "breadcrumbs": under_case(page.header, (_("Timeline"), reverse("case_timeline", args=[case_id]))),
        "groups": [(label, kinds) for label, kinds in groups if kinds],
        "likely": [(name, labels.fact(name)) for name in likely if name in VOCABULARY],
    }
    return render(request, "desk/fact_kinds.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fact_form(request: HttpRequest, case_id: UUID, kind: str) -> HttpResponse:
    """Record one fact of a kind."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    if kind not in VOCABULARY:
        raise Http404
    form = FactForm(request.POST or None, kind=VOCABULARY[kind], country=page.case.country)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                procedure.record_fact(case_id, content=form.content, note=form.cleaned_data["note"])
        except Invalid as error:
            for sentence in error.fields.values():
                form.add_fault(str(sentence))
        else:
            messages.success(request, _("The fact was recorded and the time limits were computed again."))
            return redirect("case_deadlines", case_id=case_id)
    return _fact_page(request, page, form, title=labels.fact(kind))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fact_correct(request: HttpRequest, case_id: UUID, fact_id: UUID) -> HttpResponse:
    """Replace a fact by a corrected one."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    fact = services.fact_of(case_id, fact_id)
    if fact.name not in VOCABULARY:
        raise Http404
    form = FactForm(
        request.POST or None,
        kind=VOCABULARY[fact.name],
        country=page.case.country,
        content=fact.content,
        note=fact.note,
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                procedure.correct_fact(case_id, fact_id=fact_id, content=form.content, note=form.cleaned_data["note"])
        except Invalid as error:
            for sentence in error.fields.values():
                form.add_fault(str(sentence))
        else:
            messages.success(request, _("The fact was corrected and the time limits were computed again."))
            return redirect("case_timeline", case_id=case_id)
    return _fact_page(request, page, form, title=labels.fact(fact.name), fact_id=fact_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def fact_withdraw(request: HttpRequest, case_id: UUID, fact_id: UUID) -> HttpResponse:
    """Let a fact count no more, with a reason."""
    page = services.open_for(case_id, Action.RECORD_FACT)
    fact = services.fact_of(case_id, fact_id)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                procedure.withdraw_fact(case_id, fact_id=fact_id, note=form.cleaned_data["note"])
        except Invalid:
            form.add_error(None, _("Other facts answer this one. Take those back first, or correct this one."))
        else:
            messages.success(request, _("The fact counts no more; the time limits were computed again."))
            return redirect("case_timeline", case_id=case_id)
    title, text = selectors.fact_line(fact.content)
    context = {
        "case": page.header,
        "breadcrumbs": under_case(page.header, (_("Timeline"), reverse("case_timeline", args=[case_id]))),
        "form": form,
        "fact": [(title, labels.moment(fact.on)), *([(str(_("Particulars")), text)] if text else [])],
    }
    return render(request, "desk/fact_withdraw.html", context)


def _fact_page(
    request: HttpRequest, page: CasePage, form: FactForm, *, title: str, fact_id: UUID | None = None
) -> HttpResponse:
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
    }
    return render(request, "desk/fact_form.html", context)
