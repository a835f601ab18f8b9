"""History rows: the same sealed bytes, ids and codes only, and no way around them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models

from casework.accounts.models import Team
from casework.audit import history
from casework.cases.models import Case, Person
from casework.core import clock, ids, work
from casework.crypto import services as crypto
from tests.audit.world import USER

AT = datetime(2026, 9, 25, 10, 0, tzinfo=UTC)


@pytest.fixture
def unit(as_super: None) -> Any:
    """A running unit of work; keys made in it stay open to it."""
    with clock.fixed(AT), work.acting(work.Actor(USER)) as running:
        yield running


@pytest.fixture
def case(unit: Any) -> Case:
    """A synthetic case, as bare as the database allows."""
    made = ids.new_id()
    crypto.create_scope("case", made)
    return Case.objects.create(id=made, country="FR", team=Team.objects.order_by("name")[0], title="Synthetic")


def a_person(case: Case, **changes: Any) -> Person:
    return Person(**({"case": case, "relation": "spouse", "name_latin": "Synthetic Person"} | changes))


def raw(model: type[models.Model], column: str, order: str) -> list[bytes]:
    """Return a column's bytes as they lie in the table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table} ORDER BY {order}")
        return [bytes(value) for (value,) in cursor.fetchall()]


class TestAHistoryRow:
    def test_holds_the_same_sealed_bytes_as_the_row(self, case):
        person = a_person(case)
        person.save()
        column = "name_latin_sealed"
        assert raw(Person.history.model, column, "history_date") == raw(Person, column, "id")

    def test_opens_to_the_value_of_its_time(self, case):
        """Invariant 9."""
        person = a_person(case)
        person.save()
        person.name_latin = "Synthetic Other"
        with clock.fixed(datetime(2026, 9, 26, tzinfo=UTC)):
            person.save()
        newest, oldest = Person.history.all()
        assert (oldest.name_latin, newest.name_latin) == ("Synthetic Person", "Synthetic Other")

    def test_says_who_when_and_why_by_id_time_and_code(self, case):
        person = a_person(case)
        history.because(person, "correction")
        person.save()
        row = Person.history.get()
        assert (row.history_user_id, row.history_user, row.history_date) == (USER, USER, AT)
        assert (row.history_change_reason, row.history_type) == ("correction", "+")
        assert isinstance(row.history_id, UUID)

    def test_does_not_carry_the_reason_on(self, case):
        person = a_person(case)
        history.because(person, "correction")
        person.save()
        person.save()
        assert sorted(row.history_change_reason for row in Person.history.all()) == ["", "correction"]

    def test_names_nobody_as_text(self, case):
        a_person(case).save()
        row = Person.history.get()
        assert str(row) == f"history {row.history_id}"

    def test_is_written_of_a_deletion(self, case):
        person = a_person(case)
        person.save()
        person.delete()
        assert sorted(row.history_type for row in Person.history.all()) == ["+", "-"]

    def test_has_no_foreign_key_that_the_database_enforces(self, unit):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
                [Person.history.model._meta.db_table],
            )
            assert cursor.fetchone() == (0,)

    def test_comes_with_no_permissions_of_its_own(self):
        assert Person.history.model._meta.default_permissions == ()

    @pytest.mark.parametrize("reason", ["Words of a person", "x" * 41, "Ünicode"])
    def test_takes_codes_and_no_words(self, case, reason):
        with pytest.raises(ValueError, match="short lower-case code"):
            history.because(a_person(case), reason)

    def test_is_not_written_without_an_actor(self, as_super):
        with pytest.raises(work.NoActor):
            Case(country="FR", team=Team.objects.order_by("name")[0]).history.model.get_default_history_user(None)


class TestGoingAround:
    @pytest.mark.parametrize(
        "around",
        [
            lambda: Person.objects.update(relation="child"),
            lambda: Person.objects.filter(relation="child").delete(),
            lambda: Person.objects.all().delete(),
            lambda: Person.objects.bulk_create([]),
            lambda: Person.objects.bulk_update([], ["relation"]),
            lambda: Case().people.update(relation="child"),
        ],
    )
    def test_is_refused(self, around):
        with pytest.raises(history.BulkRefused, match="Person keeps a history"):
            around()

    def test_saving_and_deleting_one_row_is_not(self, case):
        person, _made = Person.objects.update_or_create(case=case, relation="child", defaults={"relation": "parent"})
        person.delete()
        assert Person.history.count() == 2


class TestBulk:
    def test_creates_updates_and_deletes_with_history(self, case):
        people = [a_person(case) for _ in range(3)]
        history.bulk(Person, create=people, reason="import.row")
        for person in people:
            person.relation = "child"
        history.bulk(Person, update=people[:2], fields=["relation"])
        history.bulk(Person, delete=people[2:])
        kept = set(Person.objects.filter(relation="child").values_list("pk", flat=True))
        assert kept == {people[0].pk, people[1].pk}
        assert Person.objects.count() == 2
        rows = Person.history.values_list("history_type", "history_change_reason", "history_user_id")
        assert sorted(rows) == sorted([("+", "import.row", USER)] * 3 + [("~", "", USER)] * 2 + [("-", "", USER)])

    def test_writes_the_same_sealed_bytes(self, case):
        history.bulk(Person, create=[a_person(case), a_person(case)])
        column = "name_latin_sealed"
        assert raw(Person.history.model, column, "id") == raw(Person, column, "id")

    def test_takes_three_statements_and_three_of_history(self, case, django_assert_num_queries):
        people = [a_person(case) for _ in range(6)]
        history.bulk(Person, create=people[2:])
        with django_assert_num_queries(8):  # with the savepoint around them
            history.bulk(Person, create=people[:2], update=people[2:4], fields=["relation"], delete=people[4:])

    @pytest.mark.parametrize(
        "wrong", [{"update": "person"}, {"fields": ["relation"]}, {"create": "case"}, {"reason": "In words"}]
    )
    def test_refuses_what_does_not_fit(self, case, wrong):
        rows = {"person": [a_person(case)], "case": [case]}
        given = {key: rows.get(value, value) if isinstance(value, str) else value for key, value in wrong.items()}
        with pytest.raises(ValueError, match=r"bulk|short"):
            history.bulk(Person, **given)
        assert Person.history.count() == 0

    def test_of_nothing_writes_nothing(self, unit):
        history.bulk(Person)
        assert Person.history.count() == 0
