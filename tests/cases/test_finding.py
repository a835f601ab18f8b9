"""Finding cases in both modes: the same hits, only among what the actor may see, and no token where none may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

import manage
from casework.access import selectors as granted
from casework.access import services as access
from casework.access.types import Level
from casework.audit import services as audit
from casework.audit.models import Entry
from casework.cases import finding, indexing, selectors, services
from casework.cases.models import Case, SearchKey, SearchTokens
from casework.cases.types import CaseFilter, GroundInput, PersonInput, Relation
from casework.core import work
from casework.crypto import blind_index
from casework.crypto import services as crypto
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = {
    "yeltsin": PersonInput(
        "Ельцинов Борис", "", birth_on=date(1980, 2, 1), nationalities=("RU",), papers=("75 1234567",)
    ),
    "jelzin": PersonInput("", "Jelzinow Boris", birth_on=date(1990, 1, 1), nationalities=("KZ",)),
    "abasov": PersonInput("Абасов Рустам", "Abasov Rustam", birth_on=date(1980, 2, 1), papers=("АВ 765432", "x")),
    "li": PersonInput("Ли Анна", "Li Anna"),
}  # fmt: skip

FOUND = {
    "Yeltsinov": {"yeltsin", "jelzin"},
    "Eltsinov": {"yeltsin", "jelzin"},
    "Ельцинов": {"yeltsin", "jelzin"},
    "Jelzinow boris": {"yeltsin", "jelzin"},
    "Abbasov": {"abasov"},
    "Aba": {"abasov"},
    "Ab Rustam": {"abasov"},
    "Li": {"li"},
    "Л": set(),
    "Tsoy": {"li"},
    "Mark Anna": set(),
    "Abasob": {"abasov"},
    "Roustma": {"abasov"},
    "751234567": {"yeltsin"},
    "ab-765432": {"abasov"},
    "751234568": set(),
    "Ельцинов 1980-02-01": {"yeltsin"},
    "Yelts 01.02.1980": {"yeltsin"},
    "Eltsinov 1.1.1991": set(),
    "01.02.1980": {"yeltsin", "abasov"},
    "Boris 5.5.2010": set(),
    "Цой 5.5.2010": {"li"},
    "Nobody": set(),
    "--": set(),
}


@pytest.fixture
def cases(people):
    """Wanda's cases by name, the last with a relative; Otto has a namesake of each."""
    made = {name: cast.open_a_case(people, applicant=person) for name, person in PEOPLE.items()}
    for person in PEOPLE.values():
        cast.open_a_case(people, "otto", applicant=person, grounds=(GroundInput("lgbtqi", "Synthetic."),))
    with cast.acting(people.wanda):
        relative = PersonInput("Цой Марк", "", relation=Relation.CHILD, birth_on=date(2010, 5, 5))
        services.add_family_member(made["li"], given=relative)
    return made


@pytest.fixture(params=["scan", "index"])
def mode(request, cases):
    """Both modes, one after the other."""
    if request.param == "index":
        with running_as("worker"):
            indexing.use_index()
    return request.param


def _found(user_id, cases, **wanted):
    names = {case_id: name for name, case_id in cases.items()}
    with cast.acting(user_id):
        page = selectors.page_of_cases(CaseFilter(**wanted))
    return {names.get(row.id, "another") for row in page.rows}


class TestEitherMode:
    """Issue: names by any spelling, prefix and typo; number; birth date with a name; choices by scan."""

    def test_finds_those_and_no_others(self, people, cases, mode):
        with cast.acting(people.wanda):
            assert (finding.live_index() is not None) is (mode == "index")
        assert {words: _found(people.wanda, cases, words=words) for words in FOUND} == FOUND

    def test_finds_sealed_choices_alone_and_with_words(self, people, cases, mode):
        assert _found(people.wanda, cases, nationality="KZ") == {"jelzin"}
        assert _found(people.wanda, cases, words="Jelzinow", nationality="RU") == {"yeltsin"}
        assert _found(people.wanda, cases, ground="military") == set(cases)
        assert _found(people.wanda, cases, words="Abasov", ground="lgbtqi") == set()

    def test_keeps_to_the_other_filters(self, people, cases, mode):
        with cast.acting(people.wanda):
            services.close_case(cases["abasov"], on=date(2026, 11, 1))
        assert _found(people.wanda, cases, words="Abasov") == set()
        assert _found(people.wanda, cases, words="Abasov", state="") == {"abasov"}

    def test_answers_alike_for_a_hidden_case_and_for_none(self, people, cases, mode):
        for words in ("Tsoy", "751234567"):
            with cast.acting(people.lev):
                hidden = selectors.page_of_cases(CaseFilter(words=words))
                absent = selectors.page_of_cases(CaseFilter(words="Kuznetsova"))
            assert hidden == absent

    def test_finds_a_shared_case_until_the_grant_ends(self, people, cases, mode):
        with cast.acting(people.cora):
            access.grant(case_id=cases["abasov"], user_id=people.lev, level=Level.VIEW, reason="Synthetic.")
        assert _found(people.lev, cases, words="Abassov") == {"abasov"}
        assert _found(people.lev, cases, words="Jelzin") == set()
        with cast.acting(people.cora):
            grant = next(one for one in granted.grants_on(cases["abasov"]) if one.holder_id == people.lev)
            access.revoke(case_id=cases["abasov"], grant_id=grant.id)
        assert _found(people.lev, cases, words="Abassov") == set()

    def test_follows_a_change_of_name(self, people, cases, mode):
        with cast.acting(people.wanda):
            given = cast.a_case(applicant=PersonInput("Новиков Рустам", ""))
            services.update_case(cases["abasov"], given=given, version=1)
        assert _found(people.wanda, cases, words="Abasov") == set()
        assert _found(people.wanda, cases, words="Novikoff") == {"abasov"}

    def test_finds_entries_of_older_rules(self, people, cases, mode):
        _make_older(people.wanda, cases["abasov"])
        assert _found(people.wanda, cases, words="Abbasov") == {"abasov"}
        assert _found(people.wanda, cases, words="AB765432") == {"abasov"}


def _make_older(user_id, case_id):
    """Give a case the search field of the first version: names alone."""
    with cast.acting(user_id):
        case = Case.objects.get(pk=case_id)
        case.search = {"latin": "Abasov Rustam", "original": "Абасов Рустам", "names": ["Абасов Рустам"]}
        case.save(update_fields=["search"])
        audit.record("case.search_refreshed", case=case_id, row=case)


class TestTokens:
    """Invariants 25 to 28."""

    def test_are_none_in_mode_scan(self, people, cases):
        with running_as("worker"):
            assert SearchTokens.objects.count() == SearchKey.objects.count() == 0

    def test_are_none_for_choices_or_a_birth_date_alone(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
        with cast.acting(people.wanda):
            before = SearchTokens.objects.get(case_id=cases["li"]).tokens
            given = cast.a_case(
                applicant=replace(PEOPLE["li"], nationalities=("UA",), gender="x"),
                grounds=(GroundInput("lgbtqi", "x"),),
            )
            services.update_case(cases["li"], given=given, version=2)
            assert SearchTokens.objects.get(case_id=cases["li"]).tokens == before
            kinds = {token >> 56 for token in before}
            assert kinds == {blind_index.KIND_NAME, blind_index.KIND_PREFIX, blind_index.KIND_BORN}

    def test_of_another_case_are_neither_seen_nor_written(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
        with cast.acting(people.lev):
            assert SearchTokens.objects.count() == 0
            index = finding.live_index()
            tokens = [index.token(blind_index.KIND_NAME, "abasov")]
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM cw_search(%s::bigint[], %s::smallint[])", [tokens, [0]])
                assert cursor.fetchone() == (0,)
            with pytest.raises(DatabaseError):
                SearchTokens.objects.create(case_id=cases["li"], version=1, tokens=[1])

    def test_of_another_meaning_bring_hits_that_are_never_shown(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
        with cast.acting(people.wanda):
            index = finding.live_index()
            row = SearchTokens.objects.get(case_id=cases["li"])
            row.tokens = [*row.tokens, *index.wanted(blind_index.Query("Abasov"))[0]]
            row.save()
        assert _found(people.wanda, cases, words="Abasov") == {"abasov"}

    def test_open_no_more_than_the_hits(self, people, cases, monkeypatch):
        with running_as("worker"):
            indexing.use_index()
        opened = []
        real = finding._opened
        monkeypatch.setattr(
            finding, "_opened", lambda *asked: (found := real(*asked), opened.append(len(found.texts)))[0]
        )
        assert _found(people.wanda, cases, words="Abasov Rustam") == {"abasov"}
        assert opened == [1]

    def test_end_with_the_key_of_the_case(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
        with cast.acting(people.wanda):
            crypto.destroy_scope(cases["li"])
            assert set(SearchTokens.objects.values_list("case_id", flat=True)) == set(cases.values()) - {cases["li"]}
        assert _found(people.wanda, cases, words="Abasov") == {"abasov"}
        assert _found(people.wanda, cases, words="Li") == set()

    def test_stay_while_another_generation_of_the_key_lives(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
        with running_as("owner"), work.acting(work.system_actor()):
            crypto.renew_scope(cases["li"])
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE crypto_keyscope SET state = 'erased' WHERE id = %s AND generation = 1", [cases["li"]]
                )
                assert cursor.rowcount == 1
            assert SearchTokens.objects.filter(case_id=cases["li"]).exists()

    def test_need_the_index_key_which_is_sealed(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
        with running_as("worker"), work.acting(work.system_actor()):
            key = SearchKey.objects.get()
            assert len(bytes.fromhex(key.root)) == 32
            with connection.cursor() as cursor:
                cursor.execute("SELECT k::text FROM cases_searchkey k")
                assert key.root not in cursor.fetchone()[0]


class TestSwitching:
    """Design: the mode is the organisation's, and a re-index leaves search complete at every moment."""

    def test_goes_on_where_a_run_was_cut_off(self, people, cases, monkeypatch):
        monkeypatch.setattr(indexing, "BATCH", 2)
        seen = []

        def cut(done):
            seen.append(done)
            if len(seen) == 2:
                raise KeyboardInterrupt

        with running_as("worker"):
            with pytest.raises(KeyboardInterrupt):
                indexing.use_index(progress=cut)
            assert indexing.mode() == indexing.Mode("scan", None, 1)
            assert SearchTokens.objects.count() == 4
        assert _found(people.wanda, cases, words="Tsoy") == {"li"}
        with running_as("worker"):
            assert indexing.use_index() == 4
            assert indexing.mode() == indexing.Mode("index", 1, None)
        assert _found(people.wanda, cases, words="Tsoy") == {"li"}

    def test_to_a_new_key_finds_all_the_while(self, people, cases, monkeypatch):
        monkeypatch.setattr(indexing, "BATCH", 3)
        answers = []

        def look(_done):
            answers.append((indexing.mode().version, indexing.mode().filling))

        with running_as("worker"):
            indexing.use_index()
            assert indexing.use_index() == 0  # all there is already
            assert indexing.use_index(new_key_wanted=True, progress=look) == 8
            assert answers == [(1, 2)] * 3
            assert set(SearchTokens.objects.values_list("version", flat=True)) == {2}
            assert SearchKey.objects.count() == 1
        assert _found(people.wanda, cases, words="Tsoy") == {"li"}

    def test_writes_tokens_under_both_keys_meanwhile(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
            version = indexing._begin(new_key_wanted=True)
            assert version == 2
        late = cast.open_a_case(people, applicant=PersonInput("Позднов Олег", ""))
        with running_as("worker"):
            assert set(SearchTokens.objects.filter(case_id=late).values_list("version", flat=True)) == {1, 2}
        assert _found(people.wanda, {"late": late}, words="Pozdnoff") == {"late"}

    def test_back_to_scan_deletes_keys_and_tokens(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
            assert indexing.use_scan() == 8
            assert SearchTokens.objects.count() == SearchKey.objects.count() == 0
        assert _found(people.wanda, cases, words="Tsoy") == {"li"}

    def test_renews_entries_of_older_rules(self, people, cases):
        _make_older(people.wanda, cases["abasov"])
        with running_as("worker"):
            assert indexing.refresh() == 1
            assert indexing.refresh() == 0
        with running_as("worker"), work.acting(work.system_actor()):
            case = Case.objects.get(pk=cases["abasov"])
            assert finding.is_current(case.search)
            reasons = list(case.history.values_list("history_change_reason", flat=True).order_by("history_date"))
            assert reasons[-1] == "search.refreshed"

    def test_asks_no_index_of_older_rules(self, people, cases):
        with running_as("worker"):
            indexing.use_index()
            SearchKey.objects.update(folding=blind_index.FOLDING - 1)
            assert indexing.mode().name == "scan"
        assert _found(people.wanda, cases, words="Tsoy") == {"li"}
        with running_as("worker"):
            assert indexing.use_index() == 8
            assert indexing.mode() == indexing.Mode("index", 2, None)

    def test_is_not_for_the_web_role(self, people, cases):
        with pytest.raises(DatabaseError), work.acting(work.system_actor()):
            SearchKey.objects.create(version=9, folding=1, root="00" * 32)

    def test_by_the_command_is_on_record(self, people, cases, capsys):
        def told_of(code: int) -> int:
            with cast.acting(people.aud):
                return Entry.objects.filter(action=code).count()

        runs, settings = told_of(1320), told_of(1323)
        with running_as("worker"):
            call_command("reindex_search", mode="index")
            call_command("reindex_search", json=True)
            call_command("reindex_search", mode="scan")
            with pytest.raises(CommandError):
                call_command("reindex_search", mode="scan", new_key=True)
            told = capsys.readouterr()
            assert "Mode index, key 1. Cases: tokens made 8," in told.out
            assert '"index_key": 1, "tokens_made": 0' in told.out
            assert "Mode scan. Cases: tokens made 0, tokens deleted 8," in told.out
            assert "Абасов" not in told.out + told.err
        # What had nothing to do was an act all the same; what was called wrongly was none.
        assert told_of(1320) == runs + 3
        assert told_of(1323) == settings + 2

    def test_command_runs_as_the_worker(self):
        assert manage.ROLES["reindex_search"] == "worker"
