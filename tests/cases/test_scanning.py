"""Opening thousands of search fields in one pass: who is asked before, what is left out, what is left behind."""

from __future__ import annotations

import gc

import pytest

from casework.audit.actions import action_named
from casework.audit.models import Entry
from casework.cases import finding, selectors
from casework.cases.models import Case
from casework.cases.types import CaseFilter, PersonInput
from casework.core import work
from casework.crypto import rotation
from casework.crypto import services as crypto
from casework.crypto.fields import opened_texts
from casework.crypto.keyring import ScopeKeys
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cases(people):
    """Three cases of Wanda's and one of Otto's."""
    names = ("Абасов Рустам", "Аббасов Умар", "Цой Лев")
    made = [cast.open_a_case(people, applicant=PersonInput(name, "")) for name in names]
    return [*made, cast.open_a_case(people, "otto", applicant=PersonInput("Абасов Лев", ""))]


def _texts(rows=None, ids=None):
    rows = Case.objects.all() if rows is None else rows
    return dict(opened_texts(Case.search.field, rows, ids))


def _search(user_id, words="Abasov"):
    with cast.acting(user_id):
        page = selectors.page_of_cases(CaseFilter(words=words))
    return {row.id for row in page.rows}, page


class TestAColumn:
    """What `opened_texts` gives is what each case's field would give, for those whose keys the actor may have."""

    def test_is_opened_for_the_visible_cases_alone(self, people, cases):
        with cast.acting(people.wanda):
            found = _texts()
            assert set(found) == {case_id.bytes for case_id in cases[:3]}
            assert all(text.startswith(finding._OF_TODAY) for text in found.values())
            assert set(_texts(ids=[cases[1].bytes, cases[3].bytes])) == {cases[1].bytes}
            assert _texts(ids=[]) == {}
            assert set(_texts(Case.objects.filter(state="closed"))) == set()
        with cast.acting(people.aud):
            assert _texts() == {}

    def test_asks_the_guard_before_a_key_is_unwrapped(self, people, cases, monkeypatch):
        monkeypatch.setattr(crypto._process, "sieve", lambda ids: [cases[2].bytes])
        with cast.acting(people.wanda):
            assert set(_texts()) == {cases[2].bytes}
        monkeypatch.setattr(crypto._process, "sieve", None)
        with cast.acting(people.wanda):
            assert _texts() == {}

    def test_stands_behind_the_databases_wall(self, people, cases, monkeypatch):
        """Invariant 40: were the guard wrong, the rows would still not be given out."""
        monkeypatch.setattr(crypto._process, "sieve", lambda ids: [case_id.bytes for case_id in cases])
        with cast.acting(people.wanda):
            assert set(_texts()) == {case_id.bytes for case_id in cases[:3]}

    def test_is_asked_about_its_own_table_alone(self, people, cases):
        with cast.acting(people.wanda), pytest.raises(ValueError, match="own table"):
            _texts(Case.objects.filter(team__name="North"))

    def test_leaves_no_key_behind(self, people, cases):
        """Invariant 22."""
        with cast.acting(people.wanda):
            before = {id(one) for one in gc.get_objects() if type(one) is ScopeKeys}
            texts = opened_texts(Case.search.field, Case.objects.all())
            next(texts)
            assert [one for one in gc.get_objects() if type(one) is ScopeKeys and id(one) not in before] == []
            texts.close()
            assert not set(crypto._unit.get() or {}) & set(cases)

    def test_is_opened_under_a_wrapping_key_that_this_process_does_not_know(self, people, cases):
        _search(people.wanda)  # the wrapping keys are read
        known = dict(crypto._process.keks)
        with running_as("owner"):
            for _done in rotation.rewrap(rotation.begin().version):
                pass
        with crypto._process.lock:
            crypto._process.keks, crypto._process.blobs = known, {1: crypto._process.blobs[1]}
        assert _search(people.wanda)[0] == set(cases[:2])

    def test_is_opened_in_every_generation_of_a_key(self, people, cases):
        with running_as("owner"), work.acting(work.system_actor()):
            crypto.renew_scope(cases[0])
        assert _search(people.wanda)[0] == set(cases[:2])

    def test_leaves_out_what_was_erased(self, people, cases):
        with cast.acting(people.wanda):
            crypto.destroy_scope(cases[0])
        found, page = _search(people.wanda)
        assert (found, page.total, page.unsearched) == ({cases[1]}, 1, ())


class TestADamagedField:
    """A search goes on, finds the others, and says which cases it could not look into."""

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE cases_case SET search_sealed = set_byte(search_sealed, 40, 1) || '\\x01' WHERE id = %s",
            "UPDATE crypto_keywrap SET blob = set_byte(blob, 30, get_byte(blob, 30) # 1) WHERE scope = %s",
            "UPDATE crypto_keyscope SET commit = set_byte(commit, 3, get_byte(commit, 3) # 1) WHERE id = %s",
        ],
    )
    def test_is_told_and_passed_over(self, people, superuser, cases, change):
        superuser.execute(change, [cases[0]])
        found, page = _search(people.wanda)
        assert (found, page.total) == ({cases[1]}, 1)
        with cast.acting(people.wanda):
            assert page.unsearched == tuple(selectors.references([cases[0]]).values())
            told = Entry.objects.filter(case_id=cases[0], action=action_named("record.damaged").code)
            assert told.count() == 1
        # Nor is anything said to those who may not know of the case.
        assert _search(people.otto)[1].unsearched == ()


def test_the_number_of_statements_does_not_grow_with_the_cases(people, cases, django_assert_max_num_queries):
    with cast.acting(people.wanda), django_assert_max_num_queries(14):
        selectors.page_of_cases(CaseFilter(words="Abasov"))
