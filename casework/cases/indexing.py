"""Making tokens: with every change of a case, and for all cases when the organisation switches its mode of search.

A new index key is filled beside the one that answers, and takes its place in one transaction when every case has its
tokens. So searches stay complete throughout, and a run that was cut off goes on where it stopped: what is left to do
are the cases without tokens, and nothing else is kept of it. Several processes may share the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from casework.audit import services as audit
from casework.audit import vouching
from casework.audit.history import because
from casework.cases import finding
from casework.cases.models import Case, Person, SearchKey, SearchTokens
from casework.cases.types import SearchKeyState
from casework.core import work
from casework.crypto import services as crypto
from casework.crypto.blind_index import FOLDING
from casework.crypto.keyring import new_key

BATCH: Final = 200
_LOCK: Final = 0x6377_7365_6131  # "cwsea1"
_BEFORE_ALL: Final = UUID(int=0)
_MOST_VERSIONS: Final = 255
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Mode:
    """How searches are answered now. `version`: of the index key in use; `filling`: of one being filled beside it."""

    name: str
    version: int | None = None
    filling: int | None = None


def mode() -> Mode:
    """Return the mode of search: `index`, or `scan` where there is no index that answers under today's rules."""
    keys = {key.state: key for key in SearchKey.objects.all()}
    live, filling = keys.get(SearchKeyState.LIVE), keys.get(SearchKeyState.FILLING)
    answers = live is not None and live.folding == FOLDING
    return Mode("index" if answers else "scan", live.version if live else None, filling.version if filling else None)


# -- with every change of a case


def write_tokens(cases: Iterable[Case]) -> None:
    """Write the tokens of cases whose rows were just saved, under every index key; nothing in mode `scan`.

    The rows come first: whoever puts an index into use waits for those who are saving, and they then see its key.
    """
    indexes = finding.indexes()
    if not indexes:
        return
    rows = [
        SearchTokens(case_id=case.pk, version=index.version, tokens=index.tokens_of(finding.people_in(case.search)))
        for case in cases
        for index in indexes
    ]
    SearchTokens.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["case_id", "version"], update_fields=["tokens"]
    )


# -- for all cases, under the worker's role and as the machine's own principal


def use_index(*, new_key_wanted: bool = False, progress: Progress = lambda _done: None) -> int:
    """Fill an index and put it into use; return how many cases were given tokens now.

    Goes on with an index that was being filled. Where one answers already, it is only completed, unless a new key is
    wanted or its tokens come from older rules.
    """
    version = _begin(new_key_wanted=new_key_wanted)
    done = 0
    waiting = False
    while True:
        while made := _fill(version, waiting=waiting):
            done += made
            progress(done)
        if _put_into_use(version):
            break
        waiting = True  # for the cases that another process holds
    _drop_tokens()
    return done


def use_scan(*, progress: Progress = lambda _done: None) -> int:
    """Put the index out of use and delete every token; return how many cases had some."""
    with work.acting(work.system_actor()):
        _lock()
        versions = list(SearchKey.objects.values_list("version", flat=True))
        SearchKey.objects.all().delete()
        if versions:
            _record("scan", None)
    return _drop_tokens(progress)


def refresh(*, progress: Progress = lambda _done: None) -> int:
    """Make those search fields anew that come from older rules; return how many."""
    above, done = _BEFORE_ALL, 0
    while True:
        with work.acting(work.system_actor()):
            found = list(Case.objects.filter(pk__gt=above).order_by("pk").values_list("pk", flat=True)[:BATCH])
            if not found:
                return done
            cases = list(Case.objects.filter(pk__in=found).order_by("pk").select_for_update())
            renewed = _renew(cases)
            if renewed:
                write_tokens(renewed)
        above = found[-1]
        if renewed:
            done += len(renewed)
            progress(done)


def _begin(*, new_key_wanted: bool) -> int:
    with work.acting(work.system_actor()):
        _lock()
        filling = SearchKey.objects.filter(state=SearchKeyState.FILLING).first()
        if filling is not None and filling.folding == FOLDING:
            return filling.version
        SearchKey.objects.filter(state=SearchKeyState.FILLING).delete()
        live = SearchKey.objects.filter(state=SearchKeyState.LIVE).first()
        if live is not None and live.folding == FOLDING and not new_key_wanted:
            return live.version
        version = (live.version if live else 0) % _MOST_VERSIONS + 1
        # Tokens that a run left behind which was given up belong to a key that is gone.
        SearchTokens.objects.filter(version=version).delete()
        SearchKey.objects.create(version=version, folding=FOLDING, root=new_key().hex())
        return version


def _fill(version: int, *, waiting: bool) -> int:
    with work.acting(work.system_actor()):
        without = ~Exists(SearchTokens.objects.filter(case_id=OuterRef("pk"), version=version))
        cases = list(Case.objects.filter(without).order_by("pk").select_for_update(skip_locked=not waiting)[:BATCH])
        _renew(cases)
        write_tokens(cases)
    return len(cases)


def _renew(cases: list[Case]) -> list[Case]:
    """Save the search fields that come from older rules; return their cases."""
    crypto.keys_for_many([case.pk for case in cases])
    older = [case for case in cases if not finding.is_current(case.search)]
    people: dict[UUID, list[Person]] = {}
    for person in Person.objects.filter(case_id__in=[case.pk for case in older]):
        people.setdefault(person.case_id, []).append(person)
    # The rows are held: what differs from the trail was changed outside the application, and is left for whoever mends.
    older = [case for case in older if vouching.is_current(case.pk, case)]
    for case in older:
        case.search = finding.entry_of(case, people[case.pk])
        because(case, "search.refreshed")
        case.save(update_fields=["search"])
        audit.record("case.search_refreshed", case=case.pk, row=case)
    return older


def _put_into_use(version: int) -> bool:
    """Let the filled index answer; False where a case still waits for its tokens."""
    with work.acting(work.system_actor()):
        _lock()
        key = SearchKey.objects.filter(version=version).first()
        if key is None:
            return True  # somebody switched the index off meanwhile
        if Case.objects.filter(~Exists(SearchTokens.objects.filter(case_id=OuterRef("pk"), version=version))).exists():
            return False
        if key.state != SearchKeyState.LIVE:
            SearchKey.objects.filter(state=SearchKeyState.LIVE).delete()
            SearchKey.objects.filter(pk=key.pk).update(state=SearchKeyState.LIVE)
            _record("index", version)
    return True


def _drop_tokens(progress: Progress = lambda _done: None) -> int:
    """Delete the tokens of keys that are no more, some cases at a time."""
    done = 0
    while True:
        with work.acting(work.system_actor()):
            kept = list(SearchKey.objects.values_list("version", flat=True))
            found = SearchTokens.objects.exclude(version__in=kept).order_by("case_id")
            rows = list(found.values_list("case_id", "version")[: BATCH * 10])
            if not rows:
                return done
            gone = Q(case_id__in=[case_id for case_id, _ in rows]) & ~Q(version__in=kept)
            SearchTokens.objects.filter(gone).delete()
        done += len(rows)
        progress(done)


def _record(name: str, version: int | None) -> None:
    audit.record("settings.changed", body={"search_mode": name, "index_key": version})


def _lock() -> None:
    """Keep others from switching, and wait for those who are saving a case: they may know keys of before.

    A case's row is written before the keys are read, so that nobody who comes after has old ones.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("LOCK TABLE cases_case IN SHARE MODE")
