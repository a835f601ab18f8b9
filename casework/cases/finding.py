"""Finding cases by what is sealed: names, numbers, birth dates, grounds, nationalities.

Whatever is asked, each case that may be a hit is opened and compared (`blind_index.Query`), so that nothing is shown or
counted that does not match. The mode only says how those cases are come by: `scan` opens every case that the actor may
see, `index` those which have the tokens of the words. What has no token is found by opening them all in either mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from casework.access import selectors as access
from casework.cases.models import Case, Person, SearchKey
from casework.cases.types import CaseFilter, Relation, SearchKeyState
from casework.core import work
from casework.crypto import blind_index
from casework.crypto.blind_index import FOLDING, Entry, Index, Query
from casework.crypto.fields import opened_column

# Fewer than a unit of work keeps keys for.
_AT_ONCE: Final = 5_000
_Test = Callable[[Entry], bool]


# -- what a case can be found by: the sealed field `search`


def entry_of(case: Case, people: Iterable[Person]) -> dict[str, Any]:
    """Return the content of a case's search field: names for lists, and what its people can be found by."""
    ordered = sorted(people, key=lambda person: person.relation != Relation.APPLICANT)
    applicant = ordered[0]
    return {
        "latin": applicant.name_latin or applicant.name_original,
        "original": applicant.name_original,
        "folding": FOLDING,
        "people": [_found_by(person) for person in ordered],
        "grounds": sorted({ground["kind"] for ground in case.grounds or ()}),
        "nationalities": sorted({code for person in ordered for code in person.nationalities or ()}),
    }


def _found_by(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = {"line": blind_index.line([person.name_original, person.name_latin])}
    if person.birth_on is not None:
        found["born"] = person.birth_on.isoformat()
    if papers := (person.particulars or {}).get("papers"):
        found["papers"] = [number for paper in papers if (number := blind_index.number(paper))]
    return found


def is_current(entry: Mapping[str, Any]) -> bool:
    """Say whether a search field was made by the rules of today."""
    return entry.get("folding") == FOLDING


def people_in(entry: Mapping[str, Any]) -> list[Entry]:
    """Return what the people in a search field can be found by."""
    return [
        Entry(
            person["line"],
            date.fromisoformat(person["born"]) if "born" in person else None,
            tuple(person.get("papers", ())),
        )
        for person in entry["people"]
    ]


def entries_of(case_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the search fields of cases by their ids; those of older rules made anew (two queries more)."""
    found = cast("dict[UUID, dict[str, Any]]", opened_column(Case.search.field, case_ids))
    older = [case_id for case_id, entry in found.items() if not is_current(entry)]
    if older:
        people: dict[UUID, list[Person]] = {}
        for person in Person.objects.filter(case_id__in=older):
            people.setdefault(person.case_id, []).append(person)
        for case in Case.objects.filter(pk__in=older):
            found[case.pk] = entry_of(case, people[case.pk])
    return found


# -- finding


def matching(rows: QuerySet[Case], wanted: CaseFilter) -> list[UUID]:
    """Return the ids of those of `rows`, cases that the actor may see, which have what is asked for.

    Names as they were typed come first; only where there are none, those one letter away.
    """
    query = Query(wanted.words)
    if wanted.words.strip() and not query:
        return []
    index = live_index() if query else None
    opened: dict[UUID, dict[str, Any]] | None = None
    for tokens, test in _attempts(query, index):
        if tokens:
            hits = _hits(_opened(rows.filter(pk__in=_candidates(tokens))), wanted, test)
        else:
            if opened is None:
                opened = _opened(rows)
            hits = _hits(opened, wanted, test)
        if hits:
            return hits
    return []


def _attempts(query: Query, index: Index | None) -> Iterator[tuple[list[set[int]], _Test | None]]:
    """Yield one after the other what to look for, until something is found: tokens (none: open all), and the test."""
    if not query:
        yield [], None
        return
    if query.born is not None and query.words:
        yield (index.wanted_whole(query) if index else []), query.matches_whole
    yield (index.wanted(query) if index else []), query.matches
    if query.words:
        near = index.wanted_nearly(query) if index else []
        if near or index is None:
            yield near, query.nearly_matches


def _hits(entries: Mapping[UUID, Mapping[str, Any]], wanted: CaseFilter, test: _Test | None) -> list[UUID]:
    return [
        case_id
        for case_id, entry in entries.items()
        if (not wanted.ground or wanted.ground in entry["grounds"])
        and (not wanted.nationality or wanted.nationality in entry["nationalities"])
        and (test is None or any(map(test, people_in(entry))))
    ]


def _opened(rows: QuerySet[Case]) -> dict[UUID, dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {}
    actor_id = work.current().actor.user_id
    case_ids = list(rows.order_by().values_list("pk", flat=True))
    for at in range(0, len(case_ids), _AT_ONCE):
        part = case_ids[at : at + _AT_ONCE]
        found |= entries_of(list(access.levels_for(actor_id, part)))
    return found


# -- the index


def indexes() -> list[Index]:
    """Return the index keys of every version, the one that answers and the one that is being filled."""
    return [_index(key) for key in SearchKey.objects.order_by("version")]


def live_index() -> Index | None:
    """Return the index that answers searches, or None in mode `scan` and where its tokens come from older rules."""
    key = SearchKey.objects.filter(state=SearchKeyState.LIVE, folding=FOLDING).first()
    return _index(key) if key else None


def _index(key: SearchKey) -> Index:
    return Index(bytes.fromhex(key.root), key.version)


def _candidates(tokens: list[set[int]]) -> list[UUID]:
    """Return the cases that have a token of each set and that the actor may see (asked by the database)."""
    pairs = [(token, word) for word, found in enumerate(tokens) for token in sorted(found)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cw_search(%s::bigint[], %s::smallint[])",
            [[token for token, _ in pairs], [word for _, word in pairs]],
        )
        return [case_id for (case_id,) in cursor.fetchall()]
