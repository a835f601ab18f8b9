"""Making, opening and changing cases, as the web role on real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casework.audit.models import Entry
from casework.cases import selectors, services
from casework.cases.models import Case, Person
from casework.cases.types import CaseFilter, PersonInput, Relation
from casework.core.errors import Conflict, Invalid, NotAllowed
from casework.crypto.types import Sealed
from tests import cast

pytestmark = pytest.mark.django_db


def _actions(case_id):
    return list(Entry.objects.filter(case_id=case_id).order_by("seq").values_list("action", flat=True))


class TestCreating:
    """The form's values come back from sealed columns, and only with the case's key."""

    def test_gives_back_what_was_given(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            view = services.open_case(case_id)
        assert view.applicant.name_original == "Тестов Пётр"
        assert view.applicant.name_latin == "Testov Piotr"
        assert view.applicant.birth_on.isoformat() == "1994-05-17"
        assert view.grounds[0].kind == "military"
        assert view.safe_contact.hours == "after 18:00"
        assert view.lead_id == people.wanda

    def test_stores_no_word_of_it_in_the_clear(self, people):
        from django.db import connection

        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda), connection.cursor() as cursor:
            for table, column in (
                ("cases_case", "id"),
                ("cases_person", "case_id"),
                ("cases_historicalcase", "id"),
                ("cases_historicalperson", "case_id"),
            ):
                cursor.execute(f"SELECT t::text FROM {table} t WHERE {column} = %s", [case_id])
                stored = "\n".join(row[0] for row in cursor.fetchall())
                assert stored
                for word in ("Testov", "Тестов", "Synthetic", "military", "1994", "after 18:00"):
                    assert word not in stored
                    assert word.encode().hex() not in stored

    def test_refuses_a_name_in_no_script(self, people):
        with cast.acting(people.wanda), pytest.raises(Invalid) as refused:
            services.create_case(
                team_id=people.north, given=cast.a_case(applicant=PersonInput(name_original=" ", name_latin=""))
            )
        assert "name_original" in refused.value.fields

    def test_refuses_another_team(self, people):
        with cast.acting(people.wanda), pytest.raises(Invalid) as refused:
            services.create_case(team_id=people.south, given=cast.a_case())
        assert "team" in refused.value.fields

    @pytest.mark.parametrize("who", ["lev", "aud", "ada"])
    def test_is_not_for_other_roles(self, people, who):
        with cast.acting(getattr(people, who)), pytest.raises(NotAllowed):
            services.create_case(team_id=people.north, given=cast.a_case())


class TestHistory:
    """The history holds the same ciphertext as the row did, and opens with the same key alone."""

    def test_copies_the_bytes_and_opens_to_the_value_at_that_time(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            before = Case.title.raw(Case.objects.get(pk=case_id))
            services.update_case(case_id, given=cast.a_case(title="Another synthetic title"), version=1)
            rows = list(Case.history.filter(id=case_id).order_by("history_date"))
            assert [row.title for row in rows] == ["Synthetic title", "Another synthetic title"]
            kept = type(rows[0]).title.raw(rows[0])
            assert isinstance(kept, Sealed)
            assert kept.blob == before.blob
            assert rows[1].history_user_id == people.wanda

    def test_is_unreadable_for_somebody_else(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.otto):
            assert list(Case.history.filter(id=case_id)) == []
            assert list(Person.history.filter(case_id=case_id)) == []


class TestChanging:
    def test_needs_the_version_that_was_shown(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.update_case(case_id, given=cast.a_case(title="First"), version=1)
            with pytest.raises(Conflict):
                services.update_case(case_id, given=cast.a_case(title="Second"), version=1)
            assert services.open_case(case_id).title == "First"

    def test_adds_a_relative_who_is_found_by_name(self, people):
        case_id = cast.open_a_case(people)
        relative = PersonInput(name_original="Примерова Анна", name_latin="Primerova Anna", relation=Relation.SPOUSE)
        with cast.acting(people.wanda):
            services.add_family_member(case_id, given=relative)
            found = selectors.page_of_cases(CaseFilter(words="Primerova"))
            assert [row.id for row in found.rows] == [case_id]
            with pytest.raises(Invalid):
                services.add_family_member(case_id, given=replace(relative, relation=Relation.APPLICANT))


class TestSearching:
    """Mode `scan`: either script, visible cases only."""

    @pytest.mark.parametrize("words", ["Тестов", "тестов", "Testov", "Testow", "Piotr", "Testo"])
    def test_finds_a_name_in_either_script(self, people, words):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            assert [row.id for row in selectors.page_of_cases(CaseFilter(words=words)).rows] == [case_id]

    def test_finds_nothing_else(self, people):
        cast.open_a_case(people)
        with cast.acting(people.wanda):
            assert selectors.page_of_cases(CaseFilter(words="Kuznetsova")).total == 0

    def test_answers_alike_for_a_hidden_case_and_for_none(self, people):
        cast.open_a_case(people)
        with cast.acting(people.otto):
            hidden = selectors.page_of_cases(CaseFilter(words="Testov"))
            absent = selectors.page_of_cases(CaseFilter(words="Kuznetsova"))
        assert hidden == absent


class TestLists:
    def test_take_the_same_queries_for_five_rows_and_for_twenty(self, people):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        counts = []
        for more in (5, 15):
            for _ in range(more):
                cast.open_a_case(people)
            with cast.acting(people.wanda), CaptureQueriesContext(connection) as queries:
                page = selectors.page_of_cases(CaseFilter())
            counts.append(len(queries))
        assert len(page.rows) == 20
        assert counts[0] == counts[1]
        assert counts[1] <= 8


class TestTheTrail:
    """Every read and write of a case leaves one entry."""

    def test_has_one_entry_for_each_act(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            before = len(_actions(case_id))
        with cast.acting(people.wanda):
            services.open_case(case_id)
            services.open_case(case_id)
        with cast.acting(people.wanda):
            assert len(_actions(case_id)) == before + 1

    def test_fails_the_read_when_it_cannot_be_written(self, people, monkeypatch):
        from casework.audit import services as audit

        case_id = cast.open_a_case(people)

        def broken(*_args, **_kwargs):
            raise RuntimeError("the trail is out of order")

        monkeypatch.setattr(audit, "_insert", broken)
        with pytest.raises(RuntimeError), cast.acting(people.wanda):
            services.open_case(case_id)
