"""Versions of a case's record: each has its entry in the trail, and what was changed past the application is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.access import services as access
from casework.access.types import Level
from casework.audit import actions, chain
from casework.audit.models import Entry
from casework.cases import handing_over, versions
from casework.cases import services as cases
from casework.cases.models import Case, Person
from casework.cases.types import PersonInput
from casework.core import clock
from casework.core.errors import NotAllowed, NotFound
from casework.documents import services as documents
from casework.documents.models import Document
from casework.operations import keys
from casework.procedure import services as procedure
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
MODELS: tuple[Any, ...] = (Case, Person, Document)


def change(case_id: UUID, **changes: Any) -> None:
    cases.update_case(case_id, given=cast.a_case(**changes), version=cases.open_case(case_id).version)


def work_through(people: cast.Cast) -> UUID:
    """Do to one case, a day apart each, whatever the services can do to it."""
    with clock.fixed(START):
        case_id = cast.open_a_case(people)
    relative = PersonInput(name_original="", name_latin="Testova Anna", relation="spouse")
    fact = {"fact": "application-registered", "on": "2026-05-01", "state": "FR"}
    steps = [
        lambda: change(case_id, title="Second title", summary="Second summary"),
        lambda: cases.add_family_member(case_id, given=relative),
        lambda: documents.add_document(
            case_id, upload=documents.seal_bytes(case_id, name="a.txt", content=b"Synthetic"), title="", kind="other"
        ),
        lambda: procedure.record_fact(case_id, content=fact),
        lambda: cases.assign_case(case_id, lead_id=people.cora),
        lambda: change(case_id, title="Third title", country="FR"),
        lambda: cases.close_case(case_id, on=date(2026, 5, 1)),
        lambda: cases.reopen_case(case_id),
        lambda: (change(case_id, title="Fourth title"), change(case_id, title="Fifth title")),
        lambda: handing_over.hand_over(people.cora, people.wanda, [case_id], "Synthetic reason", take_back=False),
    ]
    for number, step in enumerate(steps, start=1):
        with clock.fixed(START + timedelta(days=number)), cast.acting(people.cora if number > 4 else people.wanda):
            step()
    with running_as("worker"), clock.fixed(START + timedelta(days=60)):
        procedure.refresh_due()
    return case_id


@pytest.fixture
def case_id(people):
    return work_through(people)


def shown(people: cast.Cast, case_id: UUID) -> tuple[versions.Version, ...]:
    with cast.acting(people.cora):
        history = versions.versions_of(case_id)
        return tuple(history.told(step) for step in reversed(history.steps))


def faults(people: cast.Cast, case_id: UUID) -> list[str]:
    return [version.fault for version in shown(people, case_id) if version.fault]


def past(people: cast.Cast, case_id: UUID, day: int) -> versions.Past:
    with cast.acting(people.cora):
        return versions.as_of(case_id, START + timedelta(days=day, hours=12))


class TestHistoryAndTrail:
    def test_agree(self, people, case_id):
        """Every version has its entry, by request, object and digest; every entry of a change has its version."""
        with cast.acting(people.cora):
            entries = {entry.seq: entry for entry in Entry.objects.filter(stream=case_id)}
            rows = [row for model in MODELS for row in model.history.all()]
        told = shown(people, case_id)
        assert len(told) == len(rows) >= 12
        assert not [version for version in told if version.fault]
        own, derived = [], []
        for row in rows:
            digest = bytes(row.digest)
            matching = [
                entry
                for entry in entries.values()
                if (entry.request_id, entry.object, bytes(entry.row_digest)) == (row.request_id, row.id, digest)
            ]
            (own if matching else derived).append(row)
        assert {row.instance_type for row in derived} == {Case}
        for row in derived:
            assert [entry for entry in entries.values() if entry.request_id == row.request_id]
        changing = [
            entry.seq
            for entry in entries.values()
            if bytes(entry.row_digest) != chain.NO_DIGEST
            and actions.ACTION_BY_CODE[entry.action].noun in {"case", "person", "document"}
        ]
        assert len(own) == len(changing)
        derived_entries = {version.entry for version in told} - set(changing)
        assert {actions.ACTION_BY_CODE[entries[seq].action].name for seq in derived_entries} <= {
            "fact.recorded",
            "limits.changed",
        }

    def test_say_what_changed_and_who_did_it(self, people, case_id):
        newest = shown(people, case_id)[::-1]
        second = next(version for version in newest if version.action == "case.updated")
        assert (second.by, second.kind) == (people.wanda, "~")
        changed = {change.name: (change.old, change.new) for change in second.changes}
        assert changed["title"] == ("Synthetic title", "Second title")
        assert set(changed) == {"title", "summary"}
        # One by one, and many at once.
        assigned = [version.changes for version in newest if version.action == "case.assigned"]
        moved = [[("lead", people.wanda, people.cora)], [("lead", people.cora, people.wanda)]]
        assert [[(one.name, one.old, one.new) for one in changes] for changes in assigned] == moved

    def test_are_read_with_as_many_queries_however_many_there_are(self, people, case_id):
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                shown(people, case_id)
            return len(queries)

        count()
        few = count()
        for number in range(5):
            with cast.acting(people.cora):
                change(case_id, title=f"Title {number}")
        assert count() == few


class TestAChangeOutsideTheApplication:
    def test_of_a_version_is_noticed(self, people, case_id, superuser):
        superuser.execute(
            "UPDATE cases_historicalcase SET title_sealed = (SELECT title_sealed FROM cases_case WHERE id = %s)"
            " WHERE history_id = (SELECT history_id FROM cases_historicalcase ORDER BY history_date LIMIT 1)",
            [case_id],
        )
        assert faults(people, case_id) == [versions.CHANGED]
        assert past(people, case_id, 0).case is None
        assert past(people, case_id, 0).unshown == 1
        assert past(people, case_id, 1).case.title == "Second title"

    def test_of_what_stands_in_the_clear_is_noticed(self, people, case_id, superuser):
        changes = (
            "state = 'closed'",
            "history_date = history_date - interval '1 minute'",
            "mac = NULL",
            "request_id = id",
        )
        for number, change in enumerate(changes, start=1):
            superuser.execute(
                f"UPDATE cases_historicalcase SET {change} WHERE history_id ="
                " (SELECT history_id FROM cases_historicalcase ORDER BY history_date OFFSET %s LIMIT 1)",
                [number],
            )
        told = faults(people, case_id)
        assert told.count(versions.CHANGED) == len(changes)

    def test_that_adds_a_version_is_noticed(self, people, case_id, superuser):
        columns = [
            column.column for column in Case.history.model._meta.concrete_fields if column.column != "history_id"
        ]
        names = ", ".join(columns)
        superuser.execute(
            f"INSERT INTO cases_historicalcase (history_id, {names}) SELECT %s, {names} FROM cases_historicalcase"
            " ORDER BY history_date LIMIT 1",
            [uuid4()],
        )
        assert versions.CHANGED in faults(people, case_id)

    def test_that_removes_a_version_is_noticed(self, people, case_id, superuser):
        superuser.execute(
            "DELETE FROM cases_historicalcase WHERE history_id ="
            " (SELECT history_id FROM cases_historicalcase ORDER BY history_date OFFSET 1 LIMIT 1)"
        )
        assert faults(people, case_id) == [versions.GONE]
        # What it was then is not what it was before: rather nothing than the older state.
        assert (past(people, case_id, 1).case, past(people, case_id, 1).unshown) == (None, 1)
        assert past(people, case_id, 0).case.title == "Synthetic title"


class TestAPastState:
    def test_is_that_of_its_time(self, people, case_id):
        wanted = [(0, "Synthetic title", 1, 0), (1, "Second title", 1, 0), (2, "Second title", 2, 0)]
        # Two changes at the same time: the later one stands.
        for day, title, people_then, papers in [*wanted, (3, "Second title", 2, 1), (9, "Fifth title", 2, 1)]:
            was = past(people, case_id, day)
            assert (was.case.title, len(was.case.people), len(was.documents)) == (title, people_then, papers), day
            assert (was.existed, was.unshown) == (True, 0)
        total = len(shown(people, case_id))
        assert past(people, case_id, 0).since == total - 2  # the case and its applicant
        assert past(people, case_id, 100).since == 0
        before = past(people, case_id, -1)
        assert (before.case, before.existed, before.unshown) == (None, False, 0)


class TestARenewedKey:
    def test_leaves_the_versions_true(self, people, case_id, superuser):
        with running_as("owner"):
            keys.renew_case_key(case_id, progress=lambda done: None)
        assert faults(people, case_id) == []
        assert past(people, case_id, 1).case.title == "Second title"
        superuser.execute(
            "UPDATE cases_historicalcase SET title_sealed = (SELECT title_sealed FROM cases_case WHERE id = %s)"
            " WHERE history_id = (SELECT history_id FROM cases_historicalcase ORDER BY history_date LIMIT 1)",
            [case_id],
        )
        assert faults(people, case_id) == [versions.CHANGED]


def test_from_before_they_were_signed_stand_by_their_digest(people, case_id, superuser):
    for table in ("cases_historicalcase", "cases_historicalperson", "documents_historicaldocument"):
        superuser.execute(f"UPDATE {table} SET request_id = NULL, digest = NULL, mac = NULL")
    assert faults(people, case_id) == []
    assert past(people, case_id, 1).case.title == "Second title"


def test_are_for_those_who_work_on_the_case_and_on_record(people, case_id):
    with pytest.raises(NotFound), cast.acting(people.otto):
        versions.versions_of(case_id)
    with cast.acting(people.cora):
        access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="synthetic")
    with pytest.raises(NotAllowed), cast.acting(people.lev):
        versions.as_of(case_id, START)
    shown(people, case_id)
    past(people, case_id, 0)
    code = actions.action_named("case.history_viewed").code
    with cast.acting(people.cora):
        assert Entry.objects.filter(stream=case_id, action=code).count() == 2
