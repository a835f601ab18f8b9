from __future__ import annotations

import copy
import io
import json
import pickle
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django import forms
from django.apps.registry import Apps
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy
from pytest_django import DjangoAssertNumQueries

from casework.crypto import checks, services
from casework.crypto.envelope import DecryptError
from casework.crypto.fields import (
    SealedChoiceField,
    SealedDateField,
    SealedIntegerField,
    SealedJSONField,
    SealedTextField,
    ciphertexts,
    open_sealed,
)
from casework.crypto.models import Kek
from casework.crypto.registry import TABLES
from casework.crypto.types import KeyUnavailable, Plain, Sealed, SealedPlaceError, SealedValueLeak
from tests.sealed_app.models import Enclosure, Letter

pytestmark = pytest.mark.usefixtures("installation")

HistoricalLetter = Letter.history.model
COLUMNS = ["title", "body", "sent_on", "people", "pages", "tone"]


@pytest.fixture
def case_id(installation: None) -> UUID:
    case_id = uuid4()
    services.create_scope("case", case_id)
    return case_id


@pytest.fixture
def other_case_id(installation: None) -> UUID:
    case_id = uuid4()
    services.create_scope("case", case_id)
    return case_id


@pytest.fixture
def letter(case_id: UUID) -> Letter:
    return Letter.objects.create(
        case_id=case_id,
        title="Synthetic letter",
        body="Слова",
        sent_on=date(2026, 2, 28),
        people=["Wanda", {"age": 30}],
        pages=3,
        tone=Letter.Tone.STERN,
    )


def stored(table: str, row: UUID, column: str, key: str = "id") -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM {table} WHERE {key} = %s', [row])
        return bytes(cursor.fetchone()[0])


def stored_row(letter: Letter) -> list[bytes]:
    return [stored("sealed_app_letter", letter.pk, f"{name}_sealed") for name in COLUMNS]


def no_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise AssertionError("SQL was sent")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", refuse)


class TestStoredValues:
    """Design, section 4: sealed attributes; invariants 1, 2 and 6."""

    def test_are_read_as_they_were_written(self, letter: Letter) -> None:
        services.clear()
        found = Letter.objects.get(pk=letter.pk)
        for each in (letter, found):
            assert each.title == "Synthetic letter"
            assert each.body == "Слова"
            assert each.sent_on == date(2026, 2, 28)
            assert each.people == ["Wanda", {"age": 30}]
            assert each.pages == 3
            assert each.tone == "stern"
            assert each.get_tone_display() == "Stern"

    def test_hold_nothing_of_the_plain_value(self, letter: Letter) -> None:
        row = b"".join(stored_row(letter))
        for plain in ("Synthetic", "Слова", "2026", "Wanda", "stern"):
            assert plain.encode() not in row

    def test_of_nothing_are_not_null_and_as_long_as_any_short_value(self, case_id: UUID) -> None:
        empty = Letter.objects.create(case_id=case_id, title="")
        assert {len(blob) for blob in stored_row(empty)} == {68}
        services.clear()
        found = Letter.objects.get(pk=empty.pk)
        assert (found.title, found.body, found.sent_on, found.people, found.pages, found.tone) == (
            "",
            "",
            None,
            [],
            None,
            "kind",
        )

    def test_are_columns_that_cannot_be_null(self) -> None:
        for model in (Letter, HistoricalLetter, Enclosure):
            table = model._meta.db_table
            columns = connection.introspection.get_table_description(connection.cursor(), table)
            sealed = [column for column in columns if column.name.endswith("_sealed")]
            assert len(sealed) == (2 if model is Enclosure else 6)
            assert not any(column.null_ok for column in sealed)

    def test_are_opened_with_one_query_for_a_page_of_rows(
        self, case_id: UUID, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        cases = [uuid4() for _ in range(10)]
        for each in cases:
            services.create_scope("case", each)
            Letter.objects.create(case_id=each, title=f"letter {each}")
        services.clear()
        with django_assert_num_queries(2):
            rows = list(Letter.objects.filter(case_id__in=cases))
            services.keys_for_many(row.case_id for row in rows)
            assert all(row.title == f"letter {row.case_id}" for row in rows)

    def test_are_not_opened_by_loading(self, letter: Letter, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        services.clear()
        with django_assert_num_queries(1):
            found = Letter.objects.get(pk=letter.pk)
        assert isinstance(Letter.title.raw(found), Sealed)
        assert not any(Letter.title.raw(found).is_open() for _ in COLUMNS)

    def test_are_given_as_copies(self, letter: Letter) -> None:
        letter.people.append("more")
        assert letter.people == ["Wanda", {"age": 30}]
        found = Letter.objects.get(pk=letter.pk)
        found.people.append("more")
        assert found.people == ["Wanda", {"age": 30}]

    def test_swapped_in_the_database_are_refused(self, letter: Letter, case_id: UUID) -> None:
        other = Letter.objects.create(case_id=case_id, title="other")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sealed_app_letter SET title_sealed ="
                " (SELECT title_sealed FROM sealed_app_letter WHERE id = %s) WHERE id = %s",
                [other.pk, letter.pk],
            )
            cursor.execute("UPDATE sealed_app_letter SET body_sealed = title_sealed WHERE id = %s", [other.pk])
        with pytest.raises(DecryptError):
            _ = Letter.objects.get(pk=letter.pk).title
        with pytest.raises(DecryptError):
            _ = Letter.objects.get(pk=other.pk).body

    def test_of_a_case_that_was_handed_to_another_are_refused(self, letter: Letter, other_case_id: UUID) -> None:
        Letter.objects.filter(pk=letter.pk).update(case_id=other_case_id)
        with pytest.raises(DecryptError):
            _ = Letter.objects.get(pk=letter.pk).title

    def test_without_key_are_not_opened_but_can_be_loaded_and_saved(self, letter: Letter) -> None:
        services.destroy_scope(letter.case_id)
        found = Letter.objects.get(pk=letter.pk)
        with pytest.raises(KeyUnavailable):
            _ = found.title
        before = stored_row(letter)
        found.number = 5
        found.save()
        assert stored_row(letter) == before


class TestSaving:
    def test_keeps_the_bytes_of_what_was_not_assigned(self, letter: Letter) -> None:
        before = stored_row(letter)
        found = Letter.objects.get(pk=letter.pk)
        assert found.title == "Synthetic letter"
        found.number = 2
        found.save()
        found.body = "new"
        found.save()
        after = stored_row(letter)
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True, True, True, True]

    def test_seals_what_was_assigned_anew_each_time(self, letter: Letter) -> None:
        before = stored_row(letter)
        letter.title = letter.title
        letter.save()
        assert stored_row(letter)[0] != before[0]
        assert Letter.objects.get(pk=letter.pk).title == "Synthetic letter"

    def test_writes_only_the_fields_named(self, letter: Letter) -> None:
        before = stored_row(letter)
        letter.title, letter.body = "new", "new"
        letter.save(update_fields=["title"])
        assert [a == b for a, b in zip(before, stored_row(letter), strict=True)][:2] == [False, True]
        letter.save(update_fields=["body_sealed"])
        assert Letter.objects.get(pk=letter.pk).body == "new"

    def test_gives_back_what_will_be_read(self, case_id: UUID) -> None:
        letter = Letter(case_id=case_id, title=gettext_lazy("Name"), sent_on="2026-03-01", pages="4", people=(1, 2))
        letter.save()
        assert (letter.title, letter.sent_on, letter.pages, letter.people) == ("Name", date(2026, 3, 1), 4, [1, 2])
        assert type(letter.title) is str

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("title", 5),
            ("title", b"x"),
            ("sent_on", "soon"),
            ("sent_on", "2026-02-30"),
            ("sent_on", 5),
            ("pages", "three"),
            ("pages", 1.5),
            ("pages", True),
            ("people", {1, 2}),
            ("people", float("nan")),
        ],
    )
    def test_refuses_a_value_of_another_type(self, letter: Letter, name: str, value: object) -> None:
        setattr(letter, name, value)
        with pytest.raises(ValidationError):
            letter.save()

    def test_works_in_bulk_when_creating(self, case_id: UUID) -> None:
        made = Enclosure.objects.bulk_create(
            [Enclosure(case_id=case_id, title=f"enclosure {number}", note="") for number in range(3)]
        )
        services.clear()
        found = Enclosure.objects.in_bulk([each.pk for each in made])
        assert [found[each.pk].title for each in made] == ["enclosure 0", "enclosure 1", "enclosure 2"]

    def test_needs_a_key(self) -> None:
        with pytest.raises(KeyUnavailable):
            Enclosure.objects.create(case_id=uuid4(), title="x", note="x")

    @pytest.mark.parametrize("wrong", [None, "c0ffee"])
    def test_needs_a_scope_and_a_row_id(self, case_id: UUID, wrong: Any) -> None:
        field = Enclosure.title.field
        with pytest.raises(SealedPlaceError, match="scope"):
            field.origin_of(Enclosure(case_id=wrong))
        with pytest.raises(SealedPlaceError, match="row id"):
            field.origin_of(Enclosure(id=wrong, case_id=case_id))

    def test_takes_no_plain_value_from_the_raw_attribute(self, letter: Letter) -> None:
        letter.title_sealed = "plain"
        with pytest.raises(SealedPlaceError, match="takes ciphertext"):
            letter.save()
        assert letter.title == "plain"

    def test_after_get_or_create_and_update_or_create(self, case_id: UUID) -> None:
        key = uuid4()
        made, created = Enclosure.objects.get_or_create(
            pk=key, defaults={"case_id": case_id, "title": "a", "note": "b"}
        )
        assert created
        changed, created = Enclosure.objects.update_or_create(pk=key, defaults={"title": "c"})
        assert not created
        assert (made.title, changed.title, Enclosure.objects.get(pk=key).note) == ("a", "c", "b")


class TestMovedCiphertext:
    """A value moved to another row, case or column is refused before any SQL."""

    def test_of_a_row_that_got_another_id_is_refused(self, letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
        found = Letter.objects.get(pk=letter.pk)
        found.pk = uuid4()
        found._state.adding = True
        no_sql(monkeypatch)
        with pytest.raises(SealedPlaceError):
            found.save(force_insert=True)

    def test_of_a_row_that_got_another_case_is_refused(
        self, letter: Letter, other_case_id: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = Letter.objects.get(pk=letter.pk)
        found.case_id = other_case_id
        no_sql(monkeypatch)
        with pytest.raises(SealedPlaceError):
            found.save(force_update=True)

    def test_of_a_row_just_saved_that_got_another_case_is_refused(self, letter: Letter, other_case_id: UUID) -> None:
        letter.case_id = other_case_id
        with pytest.raises(SealedPlaceError):
            letter.save()

    def test_is_sealed_again_when_every_value_is_assigned(self, letter: Letter, other_case_id: UUID) -> None:
        found = Letter.objects.get(pk=letter.pk)
        values = {name: getattr(found, name) for name in COLUMNS}
        found.case_id = other_case_id
        for name, value in values.items():
            setattr(found, name, value)
        found.save()
        services.clear()
        again = Letter.objects.get(pk=letter.pk)
        assert {name: getattr(again, name) for name in COLUMNS} == values

    def test_is_refused_on_assignment_to_another_row_field_or_table(self, letter: Letter, case_id: UUID) -> None:
        raw = Letter.title.raw(Letter.objects.get(pk=letter.pk))
        assert isinstance(raw, Sealed)
        with pytest.raises(SealedPlaceError):
            Letter(case_id=case_id).title = raw
        with pytest.raises(SealedPlaceError):
            letter.body = raw
        with pytest.raises(SealedPlaceError):
            Enclosure(id=letter.pk, case_id=case_id).title = raw
        with pytest.raises(SealedPlaceError):
            Letter(case_id=case_id, title=raw)

    def test_is_refused_on_saving_when_the_scope_differs(self, letter: Letter, other_case_id: UUID) -> None:
        other = Letter(id=letter.pk, case_id=other_case_id, title=Letter.title.raw(letter))
        with pytest.raises(SealedPlaceError):
            other.save()

    def test_is_refused_in_the_raw_attribute(self, letter: Letter, case_id: UUID) -> None:
        for name in ("title_sealed", "body_sealed"):
            other = Letter(case_id=case_id, title="x")
            setattr(other, name, letter.title_sealed)
            with pytest.raises(SealedPlaceError), transaction.atomic():
                other.save()
        same_row = Letter.objects.get(pk=letter.pk)
        same_row.body_sealed = same_row.title_sealed
        with pytest.raises(SealedPlaceError):
            same_row.save()

    def test_is_taken_in_its_own_place(self, letter: Letter) -> None:
        before = stored_row(letter)
        again = Letter.objects.get(pk=letter.pk)
        again.title = Letter.title.raw(letter)
        again.save()
        assert stored_row(letter) == before

    @pytest.mark.parametrize("columns", [["id", "title"], ["id", "case_id", "title"], ["id", "body", "case_id"]])
    def test_loaded_with_some_columns_is_proved_by_opening(
        self, letter: Letter, case_id: UUID, columns: list[str]
    ) -> None:
        part = Letter.objects.only(*columns).get(pk=letter.pk)
        raw = part.title_sealed
        assigned = Letter(case_id=case_id)
        assigned.title_sealed = raw
        for other in (assigned, Letter(case_id=case_id, title_sealed=raw)):
            with pytest.raises(SealedPlaceError), transaction.atomic():
                other.save()
        assert part.title == "Synthetic letter"
        part.case_id = uuid4()
        part.title_sealed = Letter.objects.only("id", "title").get(pk=letter.pk).title_sealed
        with pytest.raises((SealedPlaceError, KeyUnavailable)):
            part.save()


class TestPartlyLoadedRow:
    def test_opens_what_was_loaded_and_loads_the_rest(
        self, letter: Letter, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        part = Letter.objects.only("case_id", "title").get(pk=letter.pk)
        with django_assert_num_queries(0):
            assert part.title == "Synthetic letter"
        with django_assert_num_queries(1):
            assert part.body == "Слова"
        assert Letter.objects.defer("title_sealed").get(pk=letter.pk).title == "Synthetic letter"

    def test_is_saved_without_touching_what_was_not_loaded(self, letter: Letter) -> None:
        before = stored_row(letter)
        part = Letter.objects.only("case_id", "number", "title").get(pk=letter.pk)
        part.number = 9
        part.save()
        assert stored_row(letter) == before
        part.title = "new"
        part.save()
        assert Letter.objects.get(pk=letter.pk).title == "new"

    def test_is_refreshed(self, letter: Letter) -> None:
        part = Letter.objects.get(pk=letter.pk)
        letter.title = "new"
        letter.save()
        part.refresh_from_db(fields=["title"])
        assert part.title == "new"
        letter.body = "new"
        letter.save()
        part.refresh_from_db()
        assert part.body == "new"
        part.number = 1
        part.save()

    def test_comes_along_with_a_related_row(self, letter: Letter, case_id: UUID) -> None:
        Enclosure.objects.create(case_id=case_id, letter=letter, title="with", note="")
        Enclosure.objects.create(case_id=case_id, title="without", note="")
        found = {each.title: each.letter for each in Enclosure.objects.select_related("letter")}
        assert found["without"] is None
        assert found["with"] is not None
        assert found["with"].title == "Synthetic letter"
        assert [each.title for each in letter.enclosures.all()] == ["with"]


class TestHistory:
    """Invariant 9, and security design, section 5: the same bytes, never opened and sealed again."""

    def test_holds_the_same_bytes_as_its_source(self, letter: Letter) -> None:
        before = stored_row(letter)
        letter.title = "second"
        letter.save()
        first, second = letter.history.order_by("history_date")
        for record, row in ((first, before), (second, stored_row(letter))):
            table = HistoricalLetter._meta.db_table
            assert [stored(table, record.pk, f"{name}_sealed", "history_id") for name in COLUMNS] == row

    def test_is_written_without_opening_or_key(self, letter: Letter) -> None:
        services.destroy_scope(letter.case_id)
        found = Letter.objects.get(pk=letter.pk)
        found.number = 5
        found.save()
        assert letter.history.count() == 2
        found.delete()
        assert HistoricalLetter.objects.filter(id=letter.pk).count() == 3

    def test_opens_to_the_value_at_that_time(self, letter: Letter) -> None:
        letter.title = "second"
        letter.save()
        letter.delete()
        services.clear()
        found = [
            (row.title, row.sent_on, row.get_tone_display())
            for row in HistoricalLetter.objects.filter(case_id=letter.case_id).order_by("history_date")
        ]
        assert found == [
            ("Synthetic letter", date(2026, 2, 28), "Stern"),
            ("second", date(2026, 2, 28), "Stern"),
            ("second", date(2026, 2, 28), "Stern"),
        ]

    def test_opens_only_with_the_key_of_the_case(self, letter: Letter) -> None:
        services.destroy_scope(letter.case_id)
        with pytest.raises(KeyUnavailable):
            _ = letter.history.get().title

    def test_has_the_columns_and_names_of_its_source(self) -> None:
        for name in COLUMNS:
            source, copied = Letter._meta.get_field(name), HistoricalLetter._meta.get_field(name)
            assert (copied.name, copied.attname, copied.column) == (source.name, source.attname, source.column)
            assert type(copied) is type(source)

    def test_gives_back_a_row_that_can_be_saved(self, letter: Letter) -> None:
        before = stored_row(letter)
        letter.title, letter.body = "second", "second"
        letter.save()
        services.clear()
        old = letter.history.order_by("history_date")[0].instance
        assert old.title == "Synthetic letter"
        old.save(force_update=True)
        assert stored_row(letter) == before

    def test_of_another_row_does_not_open(self, letter: Letter, case_id: UUID) -> None:
        other = Letter.objects.create(case_id=case_id, title="other")
        HistoricalLetter.objects.filter(id=letter.pk).update(id=other.pk)
        with pytest.raises(DecryptError):
            _ = HistoricalLetter.objects.filter(id=other.pk).earliest("history_date").title

    def test_is_compared_without_showing_values(self, letter: Letter) -> None:
        letter.title = "second"
        letter.save()
        new, old = letter.history.all()
        (change,) = new.diff_against(old).changes
        assert change.field == "title"
        assert "second" not in repr(change)

    def test_is_written_in_bulk_with_the_same_bytes(self, case_id: UUID) -> None:
        letters = Letter.objects.bulk_create([Letter(case_id=case_id, title=f"letter {number}") for number in range(3)])
        Letter.history.bulk_history_create(letters)
        for each in letters:
            record = each.history.get()
            assert record.title_sealed == each.title_sealed
            assert record.title == each.title

    def test_of_a_partly_loaded_row_is_whole(self, letter: Letter) -> None:
        part = Letter.objects.only("id", "case_id", "number").get(pk=letter.pk)
        part.number = 7
        part.save()
        assert letter.history.latest().title == "Synthetic letter"
        assert letter.history.latest().title_sealed == letter.title_sealed
        Letter.objects.only("id").get(pk=letter.pk).delete()
        assert HistoricalLetter.objects.latest().title == "Synthetic letter"


class TestRowCiphertexts:
    """What the audit trail's row digest is made of."""

    def test_are_the_stored_bytes_by_rising_field_id(self, letter: Letter) -> None:
        expected = (TABLES["sealed_app.letter"], letter.pk, tuple(enumerate(stored_row(letter), start=1)))
        assert tuple(ciphertexts(letter)) == expected
        assert tuple(ciphertexts(Letter.objects.get(pk=letter.pk))) == expected
        assert tuple(ciphertexts(letter.history.get())) == expected

    def test_are_there_only_once_saved(self, letter: Letter) -> None:
        letter.title = "new"
        with pytest.raises(SealedPlaceError, match="not saved"):
            ciphertexts(letter)
        with pytest.raises(SealedPlaceError, match="no sealed fields"):
            ciphertexts(Kek())


REFUSED_QUERIES: dict[str, Callable[[Letter], Any]] = {
    "values": lambda letter: list(Letter.objects.values("title")),
    "values of the column": lambda letter: list(Letter.objects.values("title_sealed")),
    "all values": lambda letter: list(Letter.objects.values()),
    "values_list": lambda letter: list(Letter.objects.values_list("title", flat=True)),
    "values through a relation": lambda letter: list(Enclosure.objects.values("letter__title")),
    "filter": lambda letter: Letter.objects.filter(title="x"),
    "filter the column": lambda letter: Letter.objects.filter(title_sealed=b"x"),
    "filter none": lambda letter: Letter.objects.filter(title=None),
    "isnull": lambda letter: Letter.objects.filter(title__isnull=True),
    "in": lambda letter: Letter.objects.filter(title__in=["x"]),
    "transform": lambda letter: Letter.objects.filter(sent_on__year=2026),
    "transform and lookup": lambda letter: Letter.objects.filter(sent_on__year__gt=2026),
    "exclude": lambda letter: Letter.objects.exclude(title="x"),
    "filter through a relation": lambda letter: Enclosure.objects.filter(letter__title="x"),
    "filter with F": lambda letter: Letter.objects.filter(pk=models.F("title")).exists(),
    "get": lambda letter: Letter.objects.get(title="x"),
    "order_by": lambda letter: list(Letter.objects.order_by("title")),
    "distinct on": lambda letter: list(Letter.objects.distinct("title")),
    "annotate": lambda letter: list(Letter.objects.annotate(other=models.F("title"))),
    "alias": lambda letter: list(Letter.objects.alias(other=models.F("title")).order_by("other")),
    "annotate a function": lambda letter: list(Letter.objects.annotate(other=models.functions.Length("title"))),
    "aggregate": lambda letter: Letter.objects.aggregate(models.Max("pages")),
    "subquery": lambda letter: list(
        Enclosure.objects.annotate(other=models.Subquery(Letter.objects.values("title")[:1]))
    ),
    "union": lambda letter: list(Letter.objects.values("title").union(Letter.objects.values("title"))),
    "union of all values": lambda letter: list(Letter.objects.values().union(Letter.objects.values())),
    "values_list of the column": lambda letter: list(Letter.objects.values_list("title_sealed")),
    "values_list of all": lambda letter: list(Letter.objects.values_list()),
    "named values_list": lambda letter: list(Letter.objects.values_list("id", "title", named=True)),
    "values of an expression": lambda letter: list(Letter.objects.values(other=models.F("title"))),
    "values of a history": lambda letter: list(letter.history.values("title_sealed")),
    "filter with Q": lambda letter: Letter.objects.filter(~models.Q(title="x") | models.Q(number=1)),
    "filter by an expression": lambda letter: Letter.objects.filter(
        models.lookups.Exact(models.F("title"), models.Value(b"x"))
    ).exists(),
    "filter by a column of its own": lambda letter: Letter.objects.filter(id=models.F("title_sealed")).exists(),
    "filter a history": lambda letter: letter.history.filter(title="x"),
    "filter by a case": lambda letter: list(
        Letter.objects.annotate(
            other=models.Case(models.When(title="x", then=models.Value(1)), default=models.Value(0))
        )
    ),
    "annotate a case's outcome": lambda letter: list(
        Letter.objects.annotate(other=models.Case(models.When(number=1, then="title"), default="body"))
    ),
    "annotate Concat": lambda letter: list(
        Letter.objects.annotate(other=models.functions.Concat("title", "body", output_field=models.BinaryField()))
    ),
    "annotate Coalesce": lambda letter: list(Letter.objects.annotate(other=models.functions.Coalesce("title", "body"))),
    "annotate Cast": lambda letter: list(
        Letter.objects.annotate(other=models.functions.Cast("title", models.TextField()))
    ),
    "annotate a window": lambda letter: list(
        Letter.objects.annotate(other=models.Window(models.functions.RowNumber(), order_by=models.F("title").asc()))
    ),
    "annotate an outer reference": lambda letter: list(
        Letter.objects.annotate(
            other=models.Exists(Enclosure.objects.filter(letter_id=models.OuterRef("title_sealed")))
        )
    ),
    "aggregate a count": lambda letter: Letter.objects.aggregate(models.Count("title", distinct=True)),
    "group by": lambda letter: list(Letter.objects.values("title").annotate(models.Count("id"))),
    "order_by the column": lambda letter: list(Letter.objects.order_by("-title_sealed")),
    "order_by an expression": lambda letter: list(Letter.objects.order_by(models.F("title").desc())),
    "order_by through a relation": lambda letter: list(Enclosure.objects.order_by("letter__title")),
    "latest": lambda letter: Letter.objects.latest("sent_on"),
    "explain": lambda letter: Letter.objects.order_by("title").explain(),
    "exists in a filter": lambda letter: Letter.objects.filter(
        id__in=Enclosure.objects.filter(title="x").values("letter")
    ),
    "get_or_create by the value": lambda letter: Letter.objects.get_or_create(title="x"),
    "update_or_create by the value": lambda letter: Letter.objects.update_or_create(title="x", defaults={"number": 1}),
    "filter a related manager": lambda letter: letter.enclosures.filter(title="x"),
}
REFUSED_WRITES: dict[str, Callable[[Letter], Any]] = {
    "update": lambda letter: Letter.objects.update(title="x"),
    "update with none": lambda letter: Letter.objects.update(title=None),
    "update with bytes": lambda letter: Letter.objects.update(title=b"x"),
    "update with ciphertext": lambda letter: Letter.objects.update(title=letter.title_sealed),
    "update with F": lambda letter: Letter.objects.update(title=models.F("body")),
    "update with a value": lambda letter: Letter.objects.update(title=models.Value("x")),
    "bulk_update": lambda letter: Letter.objects.bulk_update([letter], ["title"]),
    "update the column": lambda letter: Letter.objects.update(title_sealed=b"x"),
    "update with a case": lambda letter: Letter.objects.update(
        title=models.Case(models.When(number=0, then=models.Value(b"x")), default=models.Value(b"y"))
    ),
    "update with Concat": lambda letter: Letter.objects.update(
        title=models.functions.Concat("title", models.Value(b"x"), output_field=models.BinaryField())
    ),
    "update with a subquery": lambda letter: Letter.objects.update(
        title=models.Subquery(Letter.objects.values("body")[:1])
    ),
    "update a history": lambda letter: letter.history.update(title="x"),
    "update through a relation": lambda letter: letter.enclosures.update(title="x"),
    "bulk_create on conflict": lambda letter: Letter.objects.bulk_create(
        [Letter(id=letter.pk, case_id=letter.case_id, title=models.F("body"))],
        update_conflicts=True,
        update_fields=["title"],
        unique_fields=["id"],
    ),
    "an expression": lambda letter: assign(letter, models.Value("x")),
    "an expression in a new row": lambda letter: Letter.objects.create(case_id=letter.case_id, title=models.F("body")),
}


def assign(letter: Letter, value: Any) -> None:
    letter.title = value
    letter.save()


def stored_text() -> str:
    """Return all that the tables of these models hold, as a dump would."""
    with connection.cursor() as cursor:
        rows = []
        for table in ("sealed_app_letter", "sealed_app_historicalletter", "sealed_app_enclosure"):
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            rows += [row for (row,) in cursor.fetchall()]
    return "".join(rows)


class TestRefusals:
    """Design, section 4: what sealed fields do not do."""

    @pytest.mark.parametrize("query", REFUSED_QUERIES.values(), ids=REFUSED_QUERIES)
    def test_of_a_query_that_reads_or_compares_the_column(self, letter: Letter, query: Callable[[Letter], Any]) -> None:
        with pytest.raises((FieldError, TypeError), match="sealed"):
            query(letter)

    @pytest.mark.parametrize("write", REFUSED_WRITES.values(), ids=REFUSED_WRITES)
    def test_of_a_write_past_the_instance(self, letter: Letter, write: Callable[[Letter], Any]) -> None:
        before = stored_row(letter)
        with pytest.raises((SealedPlaceError, FieldError, TypeError, ValidationError)), transaction.atomic():
            write(letter)
        assert stored_row(letter) == before

    def test_leave_other_queries_alone(self, letter: Letter, case_id: UUID) -> None:
        Enclosure.objects.create(case_id=case_id, letter=letter, title="x", note="x")
        rows = Letter.objects.annotate(count=models.Count("enclosures")).order_by("number")
        assert [(row.title, row.count) for row in rows] == [("Synthetic letter", 1)]
        assert Letter.objects.count() == Letter.objects.distinct().count() == 1
        assert Letter.objects.exists()
        assert list(Letter.objects.values_list("number", flat=True)) == [0]
        assert Letter.objects.aggregate(models.Sum("number")) == {"number__sum": 0}
        assert list(Enclosure.objects.filter(letter__in=Letter.objects.all())) == list(letter.enclosures.all())
        assert Letter.objects.update(number=3) == 1
        assert Letter.objects.raw("SELECT * FROM sealed_app_letter")[0].title == "Synthetic letter"
        assert next(iter(Letter.objects.all().union(Letter.objects.all()))).title == "Synthetic letter"
        assert Letter.objects.filter(pk=letter.pk).select_for_update().get().title == "Synthetic letter"
        assert Letter.objects.all()[:1].get().title == "Synthetic letter"
        letter.number = 4
        Letter.objects.bulk_update([letter], ["number"])

    @pytest.mark.parametrize("format_", ["json", "python", "xml", "jsonl"])
    def test_of_serialising(self, letter: Letter, format_: str) -> None:
        for row in (letter, Letter.objects.get(pk=letter.pk), letter.history.get()):
            with pytest.raises(SealedValueLeak):
                serializers.serialize(format_, [row])

    def test_of_pickling(self, letter: Letter, case_id: UUID) -> None:
        for thing in (
            letter,
            Letter.objects.get(pk=letter.pk),
            Letter(case_id=case_id, title="x"),
            Letter.objects.all(),
        ):
            with pytest.raises(SealedValueLeak):
                pickle.dumps(thing)

    def test_of_json(self, letter: Letter) -> None:
        with pytest.raises(TypeError):
            json.dumps(letter.title_sealed)

    def test_of_showing(self, letter: Letter) -> None:
        for row in (letter, Letter.objects.get(pk=letter.pk), Letter(case_id=letter.case_id, title="Synthetic")):
            assert "Synthetic" not in f"{row!r} {row} {row.__dict__} {row.title_sealed!r}"

    @pytest.mark.parametrize("option", ["null", "unique", "db_index", "primary_key"])
    def test_of_options_that_ciphertext_cannot_have(self, option: str) -> None:
        with pytest.raises(TypeError, match=option):
            SealedTextField(field_id=1, **{option: True})

    @pytest.mark.parametrize("number", [0, -1, 1 << 16])
    def test_of_field_ids_that_do_not_fit(self, number: int) -> None:
        with pytest.raises(ValueError, match="field_id"):
            SealedTextField(field_id=number)

    def test_of_choices_that_would_show_in_their_length(self) -> None:
        SealedChoiceField(field_id=1, choices=[("x" * 30, "x")])
        with pytest.raises(ValueError, match="30 bytes"):
            SealedChoiceField(field_id=1, choices=[("x" * 31, "x")])

    def test_of_opening_what_has_no_place(self) -> None:
        with pytest.raises(DecryptError):
            open_sealed(Sealed(b"", None, 1))


class TestOtherWaysIn:
    """Each either works sealed or refuses loudly; none stores what is plain or loses a value."""

    def sealed(self, plain: str) -> None:
        text = stored_text()
        assert plain not in text
        assert plain.encode().hex() not in text

    def test_a_clone_is_refused_until_every_value_is_assigned(self, letter: Letter) -> None:
        for clone in (Letter.objects.get(pk=letter.pk), copy.copy(letter), copy.deepcopy(letter)):
            clone.pk = None
            with pytest.raises(SealedPlaceError), transaction.atomic():
                clone.save()
            clone.pk = uuid4()
            clone._state.adding = True
            with pytest.raises(SealedPlaceError), transaction.atomic():
                clone.save()
            for name in COLUMNS:
                setattr(clone, name, getattr(letter, name))
            clone.save()
            services.clear()
            assert Letter.objects.get(pk=clone.pk).title == "Synthetic letter"
        assert Letter.objects.get(pk=letter.pk).title == "Synthetic letter"
        self.sealed("Synthetic letter")

    def test_bulk_create_takes_no_row_of_another_place(self, letter: Letter, other_case_id: UUID) -> None:
        moved = Letter.objects.get(pk=letter.pk)
        moved.id, moved.case_id = uuid4(), other_case_id
        with pytest.raises(SealedPlaceError), transaction.atomic():
            Letter.objects.bulk_create([moved])
        assert Letter.objects.count() == 1

    def test_bulk_create_never_writes_over_a_row_that_it_meets(self, letter: Letter, other_case_id: UUID) -> None:
        before = stored_row(letter)
        for case_id in (letter.case_id, other_case_id):
            newer = Letter(id=letter.pk, case_id=case_id, title="Wanda Wójcik", number=7)
            with pytest.raises(SealedPlaceError), transaction.atomic():
                Letter.objects.bulk_create(
                    [newer], update_conflicts=True, update_fields=["title", "number"], unique_fields=["id"]
                )
            Letter.objects.bulk_create([newer], ignore_conflicts=True)
            assert stored_row(letter) == before
        Letter.objects.bulk_create([newer], update_conflicts=True, update_fields=["number"], unique_fields=["id"])
        assert Letter.objects.get(pk=letter.pk).number == 7
        assert stored_row(letter) == before
        self.sealed("Wanda")

    def test_readers_of_other_kinds_refuse_in_their_own_words(self, letter: Letter) -> None:
        for read in (
            lambda: list(Letter.objects.dates("sent_on", "year")),
            lambda: Letter.objects.in_bulk(["x"], field_name="title"),
        ):
            with pytest.raises((ValueError, TypeError, FieldError)):
                read()

    def test_related_managers_seal_and_move_rows_without_opening_them(self, letter: Letter) -> None:
        made = letter.enclosures.create(case_id=letter.case_id, title="Wanda", note="x")
        letter.enclosures.add(Enclosure(case_id=letter.case_id, title="Cora", note="y"), bulk=False)
        other = Letter.objects.create(case_id=letter.case_id, title="other")
        before = stored("sealed_app_enclosure", made.pk, "title_sealed")
        other.enclosures.set([made])  # one UPDATE of the relation alone
        other.enclosures.add(*letter.enclosures.all(), bulk=True)
        assert stored("sealed_app_enclosure", made.pk, "title_sealed") == before
        services.clear()
        assert {row.title for row in other.enclosures.all()} == {"Wanda", "Cora"}
        other.enclosures.clear()
        assert {row.title for row in Enclosure.objects.filter(letter=None)} == {"Wanda", "Cora"}
        found, created = letter.enclosures.get_or_create(
            id=uuid4(), defaults={"case_id": letter.case_id, "title": "Lev", "note": "z"}
        )
        assert created
        changed, _ = letter.enclosures.update_or_create(id=found.pk, defaults={"title": "Otto"})
        assert Enclosure.objects.get(pk=changed.pk).title == "Otto"
        for plain in ("Wanda", "Cora", "Lev", "Otto"):
            self.sealed(plain)

    def test_deferred_and_partial_rows_keep_what_they_did_not_load(self, letter: Letter) -> None:
        before = stored_row(letter)
        for rows in (
            Letter.objects.defer("title", "body"),
            Letter.objects.only("number"),
            Letter.objects.only("number", "title"),
            Letter.objects.defer(*COLUMNS),
        ):
            row = rows.get(pk=letter.pk)
            row.number += 1
            row.save()
            assert stored_row(letter) == before
            assert row.title == "Synthetic letter"
        row.refresh_from_db(fields=["title"])
        assert row.title == "Synthetic letter"

    def test_refreshing_forgets_what_was_not_saved(self, letter: Letter) -> None:
        letter.title = "unsaved"
        letter.refresh_from_db()
        assert letter.title == "Synthetic letter"
        letter.title = "unsaved"
        letter.refresh_from_db(fields=["number"])
        assert letter.title == "unsaved"

    def test_rows_come_out_of_every_reader_of_whole_rows(self, letter: Letter) -> None:
        found = [
            Letter.objects.in_bulk([letter.pk])[letter.pk],
            next(Letter.objects.iterator()),
            next(Letter.objects.iterator(chunk_size=1)),
            Letter.objects.raw("SELECT * FROM sealed_app_letter WHERE id = %s", [letter.pk])[0],
            Letter.objects.raw("SELECT id, case_id, title_sealed FROM sealed_app_letter")[0],
            Letter.objects.intersection(Letter.objects.all()).get(),
            Letter.objects.select_for_update(skip_locked=True).first(),
            Letter.objects.earliest("number"),
            Letter.objects.order_by("?").last(),
        ]
        services.clear()
        assert {row.title for row in found if row is not None} == {"Synthetic letter"}
        assert len(found) == 9
        assert "Synthetic" not in Letter.objects.filter(number=0).explain()

    def test_raw_rows_under_a_wrong_name_do_not_open(self, letter: Letter) -> None:
        row = Letter.objects.raw(
            "SELECT id, case_id, body_sealed AS title_sealed, title_sealed AS body_sealed FROM sealed_app_letter"
        )[0]
        with pytest.raises(DecryptError):
            _ = row.title

    def test_full_cleaning_and_uniqueness_ask_nothing_of_the_database(self, letter: Letter) -> None:
        found = Letter.objects.get(pk=letter.pk)
        found.full_clean()
        found.validate_unique()
        found.validate_constraints()
        assert found.title == "Synthetic letter"
        with pytest.raises(ValidationError):
            Letter(case_id=letter.case_id, title="x" * 201).full_clean()

    @pytest.mark.parametrize("format_", ["json", "jsonl", "xml", "python"])
    def test_fixtures_bring_nothing_plain_in(self, letter: Letter, format_: str) -> None:
        before = stored_row(letter)
        fields = {"case_id": str(letter.case_id), "number": 1, "title": "Wanda Wójcik"}
        row = {"model": "sealed_app.letter", "pk": str(letter.pk), "fields": fields}
        markup = "".join(f'<field name="{name}" type="TextField">{value}</field>' for name, value in fields.items())
        given: Any = {
            "json": json.dumps([row]),
            "jsonl": json.dumps(row),
            "python": [row],
            "xml": f'<django-objects version="1.0"><object model="sealed_app.letter" pk="{letter.pk}">{markup}'
            "</object></django-objects>",
        }[format_]
        # A whole row may come in: it is sealed as it is saved. A row that leaves values out does not take them away.
        try:
            with transaction.atomic():
                for loaded in serializers.deserialize(format_, given):
                    loaded.save()
        except (SealedPlaceError, SealedValueLeak, serializers.base.DeserializationError):
            assert stored_row(letter) == before
        else:
            assert Letter.objects.get(pk=letter.pk).title == "Wanda Wójcik"
        self.sealed("Wanda")

    def test_dumping_everything_is_refused(self, letter: Letter) -> None:
        from django.core.management import CommandError, call_command

        with pytest.raises((CommandError, SealedValueLeak)):
            call_command("dumpdata", "sealed_app", stdout=io.StringIO())

    def test_models_of_migrations_read_and_delete_but_neither_open_nor_write(self, letter: Letter) -> None:
        from django.db.migrations.executor import MigrationExecutor

        state = MigrationExecutor(connection).loader.project_state([("sealed_app", "0001_initial")])
        old = state.apps.get_model("sealed_app", "Letter")
        before = stored_row(letter)
        old.objects.update(number=3)
        for write in (
            lambda: old.objects.create(case_id=letter.case_id, title="x"),
            lambda: old.objects.bulk_create([old(case_id=letter.case_id, title="x")]),
            lambda: old.objects.update(title="x"),
            lambda: old.objects.bulk_update([old.objects.get()], ["title"]),
        ):
            with pytest.raises((SealedPlaceError, FieldError, TypeError)), transaction.atomic():
                write()
        assert stored_row(letter) == before

    def test_admins_forms_show_and_keep_values(self, letter: Letter) -> None:
        from django.contrib.admin import ModelAdmin, site

        form = ModelAdmin(Letter, site).get_form(None, letter)  # type: ignore[arg-type]
        bound = form(instance=Letter.objects.get(pk=letter.pk))
        assert "Synthetic letter" in str(bound["title"])
        data = {name: bound[name].value() for name in bound.fields} | {"case_id": letter.case_id, "number": 5}
        data["people"] = json.dumps(data["people"]) if not isinstance(data["people"], str) else data["people"]
        before = stored_row(letter)
        saved = form(data, instance=Letter.objects.get(pk=letter.pk))
        assert saved.is_valid(), saved.errors
        saved.save()
        assert stored_row(letter) == before

    def test_content_types_lead_to_sealed_rows(self, letter: Letter) -> None:
        from django.contrib.contenttypes.models import ContentType

        kind = ContentType.objects.get_by_natural_key("sealed_app", "letter")
        assert kind.get_object_for_this_type(pk=letter.pk).title == "Synthetic letter"
        with pytest.raises(FieldError):
            kind.get_object_for_this_type(title="Synthetic letter")


class TestCopies:
    def test_open_and_save_like_the_row(self, letter: Letter) -> None:
        for copied in (copy.copy(letter), copy.deepcopy(letter), copy.deepcopy(Letter.objects.get(pk=letter.pk))):
            assert copied.title == "Synthetic letter"
            copied.save()
        unsaved = copy.deepcopy(Letter(case_id=letter.case_id, title="new"))
        assert unsaved.title == "new"


class LetterForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Letter
        fields = ("title", "body", "sent_on", "people", "pages", "tone")


class TestForms:
    DATA = {"title": "New", "body": "", "sent_on": "2026-04-01", "people": "[1]", "pages": "7", "tone": "kind"}

    def test_have_ordinary_form_fields(self) -> None:
        fields = LetterForm().fields
        assert fields["title"].label == "Title of the letter"
        assert fields["title"].required
        assert not fields["body"].required
        assert isinstance(fields["body"].widget, forms.Textarea)
        assert isinstance(fields["sent_on"], forms.DateField)
        assert isinstance(fields["pages"], forms.IntegerField)
        assert isinstance(fields["people"], forms.JSONField)
        assert fields["tone"].choices == [("kind", "Kind"), ("stern", "Stern")]

    def test_save_what_was_typed(self, case_id: UUID) -> None:
        form = LetterForm(self.DATA, instance=Letter(case_id=case_id))
        assert form.is_valid(), form.errors
        saved = form.save()
        services.clear()
        found = Letter.objects.get(pk=saved.pk)
        assert (found.title, found.body, found.sent_on, found.people, found.pages, found.tone) == (
            "New",
            "",
            date(2026, 4, 1),
            [1],
            7,
            "kind",
        )

    def test_show_what_is_stored(self, letter: Letter) -> None:
        form = LetterForm(instance=Letter.objects.get(pk=letter.pk))
        assert [form[name].value() for name in ("title", "body", "sent_on", "pages", "tone")] == [
            "Synthetic letter",
            "Слова",
            date(2026, 2, 28),
            3,
            "stern",
        ]
        text = form.as_p()
        for shown in ('value="Synthetic letter"', "Слова", "Wanda", 'value="3"', "selected>Stern"):
            assert shown in text

    def test_keep_the_bytes_of_what_was_not_changed(self, letter: Letter) -> None:
        before = stored_row(letter)
        found = Letter.objects.get(pk=letter.pk)
        shown = {"title": "Synthetic letter", "body": "changed", "sent_on": "2026-02-28", "pages": "3", "tone": "stern"}
        form = LetterForm(shown | {"people": '["Wanda", {"age": 30}]'}, instance=found)
        assert form.changed_data == ["body"]
        form.save()
        after = stored_row(letter)
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True, True, True, True]

    def test_refuse_what_does_not_fit(self, case_id: UUID) -> None:
        wrong = {"title": "x" * 201, "sent_on": "soon", "people": "{", "pages": "x", "tone": "rude"}
        form = LetterForm(wrong, instance=Letter(case_id=case_id))
        assert set(form.errors) == {"title", "sent_on", "people", "pages", "tone"}

    def test_show_a_partly_loaded_row(self, letter: Letter) -> None:
        part = Letter.objects.only("id", "title", "case_id").get(pk=letter.pk)
        assert 'value="Synthetic letter"' in str(LetterForm(instance=part)["title"])

    def test_leave_a_disabled_field_as_it_is(self, letter: Letter) -> None:
        before = stored_row(letter)
        form = LetterForm({**self.DATA, "title": "forged"}, instance=Letter.objects.get(pk=letter.pk))
        form.fields["title"].disabled = True
        form.save()
        assert stored_row(letter)[0] == before[0]


class TestValidation:
    def test_passes_what_fits(self, letter: Letter, case_id: UUID) -> None:
        Letter(case_id=case_id, title="x").full_clean()
        Letter.objects.get(pk=letter.pk).full_clean()

    def test_makes_nothing_of_emptiness(self, case_id: UUID) -> None:
        letter = Letter(case_id=case_id, title="x", sent_on="", pages="", body=None)
        letter.full_clean()
        assert (letter.sent_on, letter.pages, letter.body) == (None, None, "")

    def test_refuses_what_does_not_fit_under_the_fields_name(self, case_id: UUID) -> None:
        letter = Letter(case_id=case_id, title="", sent_on="soon", tone="rude")
        with pytest.raises(ValidationError) as found:
            letter.full_clean()
        assert set(found.value.message_dict) == {"title", "sent_on", "tone"}
        with pytest.raises(ValidationError, match="too long"):
            Letter(case_id=case_id, title="x" * 201).full_clean()

    def test_does_not_open_what_was_not_touched(self, letter: Letter) -> None:
        found = Letter.objects.get(pk=letter.pk)
        found.full_clean()
        assert not found.title_sealed.is_open()


class TestMigrations:
    @pytest.mark.parametrize("field", Letter._meta.get_fields(), ids=lambda field: field.name)
    def test_know_a_field_by_its_public_name_and_number(self, field: Any) -> None:
        if field.name not in COLUMNS:
            return
        _name, path, args, kwargs = field.deconstruct()
        assert path == f"casework.crypto.fields.{type(field).__name__}"
        assert kwargs["field_id"] == field.field_id
        assert not {"choices", "default", "null"} & kwargs.keys()
        assert type(field)(*args, **kwargs).field_id == field.field_id

    @pytest.mark.parametrize(
        "field",
        [
            SealedTextField(field_id=9),
            SealedDateField(field_id=9),
            SealedIntegerField(field_id=9),
            SealedJSONField(field_id=9, default=list),
            SealedChoiceField(field_id=9, default="a"),
        ],
        ids=lambda field: type(field).__name__,
    )
    def test_add_a_column_to_an_empty_table_and_to_no_other(self, field: Any) -> None:
        _name, _path, args, kwargs = field.deconstruct()
        added = type(field)(*args, **kwargs)
        added.set_attributes_from_name("later")
        added.model = Enclosure
        with connection.schema_editor() as editor:
            assert editor.effective_default(added) is None
            sql, params = editor.column_sql(Enclosure, added, include_default=True)
        assert sql.endswith("NOT NULL")
        assert not params

    def test_cannot_save_sealed_rows(self, letter: Letter) -> None:
        from django.db.migrations.executor import MigrationExecutor

        state = MigrationExecutor(connection).loader.project_state([("sealed_app", "0001_initial")])
        old = state.apps.get_model("sealed_app", "Letter").objects.get(pk=letter.pk)
        with pytest.raises(SealedPlaceError, match="data migration"):
            old.save()
        with pytest.raises(SealedPlaceError, match="data migration"):
            _ = old.title


class TestChecks:
    def test_pass_for_all_models(self) -> None:
        assert checks.sealed_models() == []

    def test_find_a_model_without_table_scope_or_own_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def ids() -> list[str]:
            return sorted(message.id or "" for message in checks.sealed_models())

        monkeypatch.setattr(Letter, "sealed_table", "unknown")
        assert ids() == ["crypto.E002"]
        monkeypatch.setattr(Letter, "sealed_table", "sealed_app.enclosure")
        assert ids() == ["crypto.E005"]
        monkeypatch.undo()
        monkeypatch.setattr(Letter, "sealed_scope", None)
        assert ids() == ["crypto.E003"]
        monkeypatch.undo()
        monkeypatch.setattr(Letter._meta.get_field("body"), "field_id", 1)
        assert ids() == ["crypto.E004"]

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("ordering", ["-title"]),
            ("unique_together", [("title", "number")]),
            ("indexes", [models.Index(fields=["title_sealed"], name="x")]),
            ("constraints", [models.UniqueConstraint(fields=["title"], name="x")]),
        ],
    )
    def test_find_a_sealed_field_that_is_compared(
        self, monkeypatch: pytest.MonkeyPatch, option: str, value: Any
    ) -> None:
        field = Letter._meta.get_field("title")
        assert field.check() == []
        monkeypatch.setattr(Letter._meta, option, value)
        assert [message.id for message in field.check()] == ["crypto.E001"]

    @pytest.mark.parametrize("numbers", [{"a": 1, "b": 1}, {"a": 0}, {"a": 1 << 16}])
    def test_find_a_table_number_used_twice_or_too_large(
        self, monkeypatch: pytest.MonkeyPatch, numbers: dict[str, int]
    ) -> None:
        monkeypatch.setattr(checks, "TABLES", dict(TABLES) | numbers)
        assert [message.id for message in checks.sealed_models()] == ["crypto.E006"]


class TestUnsealed:
    def test_value_is_taken_over_from_another_unsaved_row(self, case_id: UUID) -> None:
        first = Letter(case_id=case_id, title="new")
        assert Letter(case_id=case_id, title=Letter.title.raw(first)).title == "new"

    def test_choice_is_named_as_the_model_says(self) -> None:
        class Note(models.Model):
            mood = SealedChoiceField(field_id=1, choices=[("a", "A")])

            class Meta:
                app_label = "sealed_app"
                apps = Apps()

            def __str__(self) -> str:
                return "note"

            def get_mood_display(self) -> str:
                return "own"

        assert Note().get_mood_display() == "own"

    def test_attribute_of_an_unsaved_row_is_hidden_but_readable(self, case_id: UUID) -> None:
        letter = Letter(case_id=case_id, title="new")
        raw = Letter.title.raw(letter)
        assert isinstance(raw, Plain)
        assert "new" not in repr(raw)
        assert letter.title == "new"
        assert letter.get_tone_display() == "Kind"
