"""Finding cases by what is sealed: names, numbers, birth dates, grounds, nationalities.

Whatever is asked, each case that may be a hit is opened and compared (`blind_index.Query`), so that nothing is shown or
counted that does not match. The mode only says how those cases are come by: `scan` opens every case that the actor may
see, `index` those which have the tokens of the words. What has no token is found by opening them all in either mode.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from casework.cases import damage
from casework.cases.models import Case, Person, SearchKey
from casework.cases.types import CaseFilter, Relation, SearchKeyState
from casework.crypto import blind_index
from casework.crypto import services as crypto
from casework.crypto.blind_index import FOLDING, Entry, Index, Query
from casework.crypto.fields import opened_texts

# How the text of a search field by today's rules begins: its members are sorted.
_OF_TODAY: Final = b'{"folding":%d,' % FOLDING
_Test = Callable[[Entry], bool]
_Traces = list[list[bytes]]


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


def _made_anew(case_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the search fields of cases that have one of older rules, made by today's (two queries, and the keys)."""
    crypto.keys_for_many(case_ids)
    people: dict[UUID, list[Person]] = {}
    for person in Person.objects.filter(case_id__in=case_ids):
        people.setdefault(person.case_id, []).append(person)
    return {case.pk: entry_of(case, people[case.pk]) for case in Case.objects.filter(pk__in=case_ids)}


# -- finding


def matching(rows: QuerySet[Case], wanted: CaseFilter) -> list[UUID]:
    """Return the ids of those of `rows` that the actor may see and that have what is asked for.

    `rows`: cases by their clear columns; what the actor may see is asked here, of the grants. Names as they were typed
    come first; only where there are none, those one letter away.
    """
    query = Query(wanted.words)
    if wanted.words.strip() and not query:
        return []
    index = live_index() if query else None
    everything: _Opened | None = None
    for tokens, test, traces in _attempts(query, index):
        if tokens:
            found = _opened(rows, _candidates(tokens))
        else:
            found = everything = everything or _opened(rows)
        if hits := _hits(found, wanted, test, traces):
            return hits
    return []


def _attempts(query: Query, index: Index | None) -> Iterator[tuple[list[set[int]], _Test | None, _Traces]]:
    """Yield what to look for, one after the other until something is found: tokens (none: open all), test, traces."""
    if not query:
        yield [], None, []
        return
    traces = query.traces()
    if query.born is not None and query.words:
        yield (index.wanted_whole(query) if index else []), query.matches_whole, traces
    yield (index.wanted(query) if index else []), query.matches, traces
    if query.words:
        near = index.wanted_nearly(query) if index else []
        if near or index is None:
            yield near, query.nearly_matches, query.traces(near=True)


class _Opened(NamedTuple):
    """Search fields, as texts that are taken apart only where they may be a hit, and those made anew."""

    texts: list[tuple[bytes, bytes]]
    anew: dict[UUID, dict[str, Any]]


def _hits(found: _Opened, wanted: CaseFilter, test: _Test | None, traces: _Traces) -> list[UUID]:
    texts = found.texts
    choices = [[_in_json(code)] for code in (wanted.ground, wanted.nationality) if code]
    for parts in [*choices, *traces]:
        if len(parts) == 1:
            part = parts[0]
            texts = [row for row in texts if part in row[1]]
        else:
            texts = [row for row in texts if any(part in row[1] for part in parts)]
    entries = {UUID(bytes=case_id): json.loads(text) for case_id, text in texts} | found.anew
    return [
        case_id
        for case_id, entry in entries.items()
        if (not wanted.ground or wanted.ground in entry["grounds"])
        and (not wanted.nationality or wanted.nationality in entry["nationalities"])
        and (test is None or any(map(test, people_in(entry))))
    ]


def _in_json(code: str) -> bytes:
    return json.dumps(code, ensure_ascii=False).encode()


def _opened(rows: QuerySet[Case], case_ids: Iterable[UUID] | None = None) -> _Opened:
    """Open the search fields of `rows`, of those among `case_ids` where given, as far as the actor may see them."""
    texts: list[tuple[bytes, bytes]] = []
    older: list[UUID] = []
    damaged: list[UUID] = []
    ids = None if case_ids is None else [case_id.bytes for case_id in case_ids]
    for case_id, text in opened_texts(Case.search.field, rows, ids):
        if text is None:
            damaged.append(UUID(bytes=case_id))
        elif text.startswith(_OF_TODAY):
            texts.append((case_id, text))
        else:
            older.append(UUID(bytes=case_id))
    for one in damaged:
        damage.tell(one)
    return _Opened(texts, damage.opened(older, _made_anew) if older else {})


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
