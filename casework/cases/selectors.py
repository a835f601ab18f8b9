"""Reading cases: lists that show only what the actor may see, and one case opened whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from uuid import UUID

from django.db.models import BooleanField, F, OrderBy, QuerySet
from django.db.models.expressions import RawSQL

from casework.access import policies
from casework.access import selectors as access
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Role
from casework.audit import vouching
from casework.cases import damage, finding
from casework.cases.models import Case, Person
from casework.cases.types import (
    CaseFilter,
    CaseRow,
    CaseState,
    CaseView,
    GroundInput,
    Household,
    Page,
    PersonView,
    Relation,
    SafeContact,
)
from casework.core import work
from casework.core.errors import NotFound
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError

PAGE_SIZE = 50
# As far as a list counts: nobody reads an exact number beyond it, and counting on would cost more than the page.
COUNTED = 500
_SORTS: dict[str, tuple[str | OrderBy, ...]] = {
    "due": (F("next_due_on").asc(nulls_last=True), "id"),
    "opened": ("-opened_on", "id"),
    "stage": ("stage", "next_due_on", "id"),
    "risk": ("risk_level", "next_due_on", "id"),
    "reference": ("reference",),
}
_LIST_COLUMNS = (
    "id",
    "reference",
    "state",
    "country",
    "regime",
    "stage",
    "responsible_state",
    "next_due_on",
    "next_due_rule",
    "detained",
    "risk_level",
    "lead_id",
    "team_id",
    "search",
)


def visible() -> QuerySet[Case]:
    """Return the cases that the running actor may see: the filter of every list, with row-level security behind it."""
    actor_id = work.current().actor.user_id
    # Coordinators see much of what there is: a list of theirs walks its index and asks row by row, and is done after a
    # page. Others see little: their cases are gathered first.
    much = accounts.standing_of(actor_id).has(Role.COORDINATOR)
    return Case.objects.filter(access.seen_by(actor_id, row_by_row=much))


def _filtered(rows: QuerySet[Case], wanted: CaseFilter) -> QuerySet[Case]:
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.country:
        rows = rows.filter(country=wanted.country)
    if wanted.stage:
        rows = rows.filter(stage=wanted.stage)
    if wanted.risk:
        rows = rows.filter(risk_level=wanted.risk)
    if wanted.detained:
        rows = rows.filter(detained=True)
    if wanted.mine:
        rows = rows.filter(lead_id=work.current().actor.user_id)
    return rows


def page_of_cases(wanted: CaseFilter, number: int = 1, size: int = PAGE_SIZE) -> Page:
    """Return one page of the visible cases with the applicant's name opened.

    Words and sealed choices are found by `finding`, in the organisation's mode of search; the number of queries does
    not depend on the number of rows shown.
    """
    order = _SORTS.get(wanted.sort, _SORTS["due"])
    more = False
    rows: QuerySet[Case]
    if wanted.words.strip() or wanted.ground or wanted.nationality:
        hits = finding.matching(_filtered(Case.objects.all(), wanted), wanted)
        # The grants on these were asked for already, each with its MAC.
        total, rows = len(hits), Case.objects.filter(_one_of(hits))
    else:
        rows = _filtered(visible(), wanted)
        counted = rows.values("pk")[: COUNTED + 1].count()
        more, total = counted > COUNTED, min(counted, COUNTED)
    if not more:
        number = min(number, -(-total // size) or 1)
    number = max(1, number)
    found = list(rows.only(*_LIST_COLUMNS).order_by(*order)[(number - 1) * size : number * size])
    shown = tuple(rows_of(found))
    missed = damage.found() - {row.id for row in shown}
    unsearched = tuple(sorted(references(missed).values())) if missed else ()
    return Page(rows=shown, total=total, number=number, size=size, more=more, unsearched=unsearched)


def _one_of(case_ids: list[UUID]) -> RawSQL:
    # One list instead of a parameter for each: there may be thousands, and Django takes long over those.
    listed = f"{{{','.join(map(str, case_ids))}}}"
    return RawSQL("cases_case.id = ANY(%s::uuid[])", [listed], output_field=BooleanField())


def rows_of(found: Iterable[Case]) -> list[CaseRow]:
    """Return list rows for cases loaded with `search`; a row whose grant is not sound is left out.

    One that does not open is `damaged` and has no names; it is told to the trail, and the others stand.
    """
    cases = list(found)
    sound = access.levels_for(work.current().actor.user_id, [case.pk for case in cases])
    kept = [case for case in cases if case.pk in sound]
    with suppress(DecryptError):  # one key of them all: each is then opened by itself
        crypto.keys_for_many([case.pk for case in kept])
    names = [_names_of(case) for case in kept]
    return [
        CaseRow(
            id=case.pk,
            reference=case.reference,
            name_latin=shown[0] if shown else "",
            name_original=shown[1] if shown else "",
            damaged=shown is None,
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
        for case, shown in zip(kept, names, strict=True)
    ]


def _names_of(case: Case) -> tuple[str, str] | None:
    try:
        names = case.search
    except damage.DOES_NOT_OPEN:
        damage.tell(case.pk)
        return None
    return names["latin"], names["original"]


def by_reference(reference: str) -> UUID:
    """Return the id of a visible case by its reference; raise NotFound."""
    found = visible().filter(reference=reference.strip().upper()).values_list("id", flat=True).first()
    if found is None:
        raise NotFound
    return found


def case_for(case_id: UUID, action: Action = Action.OPEN_CASE) -> Case:
    """Return the case row after asking whether the actor may do `action`.

    Raises:
        NotFound, NotAllowed: as `access.policies.check`.
    """
    policies.check(action, case_id)
    found: Case | None = Case.objects.filter(pk=case_id).first()
    if found is None:
        raise NotFound
    return found


def view_of(case: Case) -> CaseView:
    """Return a case opened whole, people included (two queries besides the keys).

    Raises:
        Damaged: the rows are not those that the trail vouches for.
    """
    crypto.keys_for(case.pk)
    people = list(Person.objects.filter(case_id=case.pk))
    vouching.check(case.pk, [case], again=lambda: list(Case.objects.filter(pk=case.pk)))
    _check_people(case.pk, people)
    return opened(case, people)


def opened(case: Case, people: list[Person]) -> CaseView:
    """Return what these rows of a case hold, as they lie in the database now or as they did; no query but the key's."""
    people.sort(key=lambda person: (person.relation != Relation.APPLICANT, person.relation, str(person.pk)))
    contact = case.safe_contact or {}
    return CaseView(
        id=case.pk,
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
        grounds=tuple(GroundInput(**ground) for ground in case.grounds or ()),
        safe_contact=SafeContact(**{**contact, "channels": tuple(contact.get("channels", ()))}),
        people=tuple(_person(person) for person in people),
    )


def locked(case_id: UUID) -> Case:
    """Return a case's row, held until this transaction ends, for whoever changes it and then vouches for it.

    Raises:
        NotFound: it was erased since it was looked for.
        Damaged: it is not the one that the trail vouches for; who saved it would vouch for what another put there.
    """
    case: Case | None = Case.objects.select_for_update().filter(pk=case_id).first()
    if case is None:
        raise NotFound
    vouching.check(case_id, [case], again=lambda: list(Case.objects.filter(pk=case_id)))
    return case


def _check_people(case_id: UUID, people: list[Person]) -> None:
    vouching.check(case_id, people, again=lambda: list(Person.objects.filter(case_id=case_id)), whole="person")


def _person(person: Person) -> PersonView:
    return PersonView(
        id=person.pk,
        relation=person.relation,
        name_original=person.name_original,
        name_latin=person.name_latin,
        birth_on=person.birth_on,
        birth_estimated=bool(person.birth_estimated),
        gender=person.gender,
        nationalities=tuple(person.nationalities or ()),
        languages=tuple(person.languages or ()),
        state=(person.particulars or {}).get("state", ""),
        papers=tuple((person.particulars or {}).get("papers", ())),
    )


def households(case_ids: Iterable[UUID]) -> dict[UUID, Household]:
    """Return what the law asks about the people of cases (two queries besides the keys).

    Raises:
        Damaged: the rows of one case are not those that the trail vouches for.
    """
    grown: dict[UUID, date] = {}
    elsewhere: dict[UUID, list[tuple[str, str]]] = {}
    by_case: dict[UUID, list[Person]] = {case_id: [] for case_id in case_ids}
    found = list(Person.objects.filter(case_id__in=list(by_case)))
    for row in found:
        by_case[row.case_id].append(row)
    crypto.keys_for_many(by_case)
    vouching.prefetch(by_case)
    for case_id, people in by_case.items():
        _check_people(case_id, people)
    for row in found:
        of_case = elsewhere.setdefault(row.case_id, [])
        if row.relation == Relation.APPLICANT:
            if row.birth_on is not None:
                grown[row.case_id] = _eighteenth_birthday(row.birth_on)
        elif state := (row.particulars or {}).get("state", ""):
            of_case.append((row.relation, state))
    return {key: Household(grown.get(key), tuple(sorted(relatives))) for key, relatives in elsewhere.items()}


def _eighteenth_birthday(birth: date) -> date:
    try:
        return birth.replace(year=birth.year + 18)
    except ValueError:  # born on 29 February
        return date(birth.year + 18, 3, 1)


def clear_columns(case_ids: Iterable[UUID]) -> Mapping[UUID, Case]:
    """Return cases by id with clear columns only; for the machine's own work, which shows nothing to anybody."""
    columns = [*(name for name in _LIST_COLUMNS if name != "search"), "next_due_at"]
    return {case.pk: case for case in Case.objects.filter(pk__in=list(case_ids)).only(*columns)}


def references(case_ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """Return the references of those of `case_ids` that the actor may see."""
    return dict(visible().filter(pk__in=list(case_ids)).values_list("id", "reference"))


def open_ids(*, above: UUID, upto: UUID | None = None, most: int | None = None) -> list[UUID]:
    """Return ids of open cases in their order, those after `above`; for the machine's own principal.

    `upto`: the last one wanted, `most`: how many at most.
    """
    rows = Case.objects.filter(state=CaseState.OPEN, pk__gt=above).order_by("pk")
    if upto is not None:
        rows = rows.filter(pk__lte=upto)
    return list(rows.values_list("pk", flat=True)[:most])


def id_of_reference(reference: str) -> UUID | None:
    """Return the id of the case with `reference`, or None; for the verifier of the trail, which sees nothing else."""
    return Case.objects.filter(reference=reference.strip().upper()).values_list("id", flat=True).first()
