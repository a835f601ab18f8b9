"""The list and the case page over plain columns: the same filters, joins, page size, words and templates as ours."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from bench.plain.models import Case, Fact, GroupGrant, Person, UserGrant, Word
from casework.access.types import Level
from casework.accounts import selectors as accounts
from casework.cases.selectors import COUNTED
from casework.cases.types import CaseFilter, CaseRow, CaseView, GroundInput, Page, PersonView, SafeContact
from casework.core import clock, work
from casework.desk import selectors
from casework.desk.forms.cases import CaseFilterForm, SearchForm
from casework.desk.selectors import CaseList
from casework.desk.views._shared import case_context
from casework.desk.views.cases import _SHOWN_FACTS, _SHOWN_LIMITS, _list_tabs
from casework.law import derive
from casework.procedure import selectors as procedure
from casework.procedure.types import ProcedureView, RecordedFact

_SIZE = 50
_COLUMNS = (
    "id", "reference", "state", "country", "regime", "stage", "responsible_state", "next_due_on", "next_due_rule",
    "detained", "risk_level", "lead_id", "team_id", "search",
)  # fmt: skip


def _live() -> Q:
    return Q(until__isnull=True) | Q(until__gt=clock.now())


def visible(user_id: UUID):
    """Return the cases that somebody may see, by hand-written joins."""
    groups = accounts.standing_of(user_id).group_ids
    direct = UserGrant.objects.filter(_live(), user_id=user_id, case_id=OuterRef("pk"))
    shared = GroupGrant.objects.filter(_live(), group_id__in=groups, case_id=OuterRef("pk"))
    return Case.objects.filter(Exists(shared) | Exists(direct))


def case_list(request: HttpRequest) -> HttpResponse:
    wanted = CaseFilter(state="open")
    rows = visible(request.user.pk).filter(state=wanted.state)
    counted = rows.values("pk")[: COUNTED + 1].count()
    found = rows.only(*_COLUMNS).order_by(F("next_due_on").asc(nulls_last=True), "id")[:_SIZE]
    page = Page(
        rows=tuple(_row(case) for case in found),
        total=min(counted, COUNTED),
        number=1,
        size=_SIZE,
        more=counted > COUNTED,
    )
    context = {
        "cases": CaseList.of(page),
        "filters": CaseFilterForm(request.GET),
        "search": SearchForm(),
        "tabs": _list_tabs(mine=False, chosen={}),
        "removable": [],
        "query": "",
        "mine": False,
        "may_create": True,
        "may_see_erasures": True,
        "may_break_glass": True,
    }
    return render(request, "desk/case_list.html", context)


def case_search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST)
    form.is_valid()
    *words, last = form.cleaned_data["words"].lower().split()
    if last.count("-"):
        hits = Word.objects.filter(word=words[0], born=last)
    else:
        hits = Word.objects.filter(word="".join((*words, last)))
    rows = visible(request.user.pk).filter(pk__in=hits.values("case_id"))
    found = rows.only(*_COLUMNS).order_by(F("next_due_on").asc(nulls_last=True), "id")[:_SIZE]
    page = Page(rows=tuple(_row(case) for case in found), total=rows.count(), number=1, size=_SIZE)
    tabs = _list_tabs(mine=False, chosen={}, none=True)
    context = {"cases": CaseList.of(page), "search": form, "form": form, "tabs": tabs}
    return render(request, "desk/case_search.html", context)


def _row(case: Case) -> CaseRow:
    return CaseRow(
        id=case.id,
        reference=case.reference,
        name_latin=case.search["latin"],
        name_original=case.search["original"],
        state=case.state,
        country=case.country,
        regime=case.regime,
        stage=case.stage,
        responsible_state=case.responsible_state,
        next_due_on=case.next_due_on,
        next_due_rule=case.next_due_rule,
        detained=case.detained,
        risk_level=case.risk_level,
        lead_id=case.lead_id,
        team_id=case.team_id,
    )


def case_detail(request: HttpRequest, case_id: UUID) -> HttpResponse:
    user_id = request.user.pk
    groups = accounts.standing_of(user_id).group_ids
    levels = [
        *UserGrant.objects.filter(_live(), case_id=case_id, user_id=user_id).values_list("level", flat=True),
        *GroupGrant.objects.filter(_live(), case_id=case_id, group_id__in=groups).values_list("level", flat=True),
    ]
    case = Case.objects.filter(pk=case_id).first()
    if not levels or case is None:
        raise Http404
    work.current().store["access.levels"] = {(user_id, case_id): Level(max(levels))}
    view = _view(case)
    derived = _derived(case)
    cards = selectors.limit_cards(derived, states={"running"})
    people = accounts.people({case.lead_id, *(fact.recorded_by for fact in derived.facts)})
    header = selectors.header_of(view, derived, people=people)
    context = {
        **case_context(header, "case_detail"),
        "record": selectors.people_summary(view),
        "procedure": selectors.procedure_summary(header, view),
        "summary": view.summary,
        "warnings": derived.warnings,
        "cards": cards[:_SHOWN_LIMITS],
        "more_cards": max(0, len(cards) - _SHOWN_LIMITS),
        "items": selectors.timeline_items(case_id, derived.facts[-_SHOWN_FACTS:], people=people, may_correct=False),
        "fact_count": len(derived.facts),
    }
    return render(request, "desk/case_summary.html", context)


def _view(case: Case) -> CaseView:
    people = tuple(
        PersonView(
            id=person.id,
            relation=person.relation,
            name_original=person.name_original,
            name_latin=person.name_latin,
            birth_on=person.birth_on,
            birth_estimated=person.birth_estimated,
            gender=person.gender,
            nationalities=tuple(person.nationalities),
            languages=tuple(person.languages),
            state=person.particulars.get("state", ""),
            papers=tuple(person.particulars.get("papers", ())),
        )
        for person in Person.objects.filter(case_id=case.id)
    )
    contact = case.safe_contact
    return CaseView(
        id=case.id,
        reference=case.reference,
        state=case.state,
        country=case.country,
        regime=case.regime,
        stage=case.stage,
        responsible_state=case.responsible_state,
        next_due_on=case.next_due_on,
        detained=case.detained,
        risk_level=case.risk_level,
        opened_on=case.opened_on,
        closed_on=case.closed_on,
        lead_id=case.lead_id,
        team_id=case.team_id,
        version=case.version,
        title=case.title,
        summary=case.summary,
        access_notes=case.access_notes,
        grounds=tuple(GroundInput(**ground) for ground in case.grounds),
        safe_contact=SafeContact(**{**contact, "channels": tuple(contact.get("channels", ()))}),
        people=people,
    )


def _derived(case: Case) -> ProcedureView:
    rows = list(Fact.objects.filter(case_id=case.id).order_by("recorded_at", "id"))
    recorded = sorted(
        (
            RecordedFact(
                id=row.id,
                recorded_at=row.recorded_at,
                recorded_by=row.recorded_by,
                content=row.content["fact"],
                note=row.content.get("note", ""),
            )
            for row in rows
        ),
        key=lambda fact: (fact.on[:10], fact.recorded_at),
    )
    day = clock.today(case.country)
    file = procedure.case_file(country=case.country, content=[fact.content for fact in recorded])
    result = derive.procedure(file, on=day)
    return ProcedureView(
        regime=result.regime,
        status=result.status,
        responsible_state=result.responsible_state,
        deadlines=result.deadlines,
        warnings=result.warnings,
        facts=tuple(recorded),
        on=day,
    )
