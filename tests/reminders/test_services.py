"""From a changed case to rows in the outbox: asked for as the web role, planned as the worker's."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core import mail as django_mail
from django.db import OperationalError, connection, transaction

from casework.accounts.models import Membership, User
from casework.cases import services as cases
from casework.core import clock, work
from casework.core.jobs import ArgumentRefused
from casework.notices import selectors as notice_selectors
from casework.notices import services as notices
from casework.notices.models import Notice
from casework.procedure.models import Limit
from casework.procedure.signals import limits_changed
from casework.reminders import services, tasks
from casework.reminders.models import Pending
from casework.reminders.services import Planned
from tests import cast
from tests.cast import Cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 9, 19, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _on_19_september() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def case(people: Cast) -> UUID:
    return cast.open_a_case(people)


def a_limit(case_id: UUID, due: date, who: UUID, **changes: Any) -> UUID:
    """Store a running limit as `procedure` does: row and signal in one transaction of the web role."""
    values = {"rule": "ammr-take-back-confirm-2w", "state": "running", "whose": "HR", **changes}
    with work.acting(work.Actor(who)):
        limit = Limit(case_id=case_id, due_on=due, due_strict_on=due, due_rolled_on=due, **values)
        limit.save(force_insert=True)
        limits_changed.send(sender=Limit, case_id=case_id)
    return limit.pk


def change(limit_id: UUID, who: UUID, **values: Any) -> None:
    with work.acting(work.Actor(who)):
        Limit.objects.filter(pk=limit_id).update(**values)
        limits_changed.send(sender=Limit, case_id=Limit.objects.get(pk=limit_id).case_id)


def deliver() -> list[tuple[str, str]]:
    """Dispatch as the worker; return who has which step in the inbox now, among what is still to be attended to."""
    with running_as("worker"):
        notices.dispatch()
        rows = Notice.objects.filter(channel="inbox", state="sent", settled_at__isnull=True)
        told = rows.values_list("recipient__email", "step")
        return sorted((email.partition("@")[0], step) for email, step in told)


def pending() -> int:
    with running_as("worker"):
        return Pending.objects.count()


class TestChangedLimits:
    """`limits_changed` asks; the worker plans."""

    def test_reach_the_lead_in_the_inbox_and_by_mail(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        assert deliver() == [("wanda", "7d")]
        assert [message.to for message in django_mail.outbox] == [["wanda@example.org"]]
        assert pending() == 0

    def test_reach_the_coordinator_when_the_end_is_near(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 21), people.wanda)
        assert deliver() == [("cora", "3d"), ("wanda", "3d")]

    def test_that_are_rolled_back_ask_for_nothing(self, people: Cast, case: UUID) -> None:
        before = pending()
        with work.acting(work.Actor(people.wanda)):
            limits_changed.send(sender=Limit, case_id=case)
            transaction.set_rollback(True)
        assert pending() == before

    def test_planned_twice_change_nothing(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        with running_as("worker"):
            assert services.plan_case(case).planned == 6
            assert services.plan_case(case) == Planned()
            assert services.plan() == Planned()

    def test_met_empty_the_inbox_and_call_off_the_rest(self, people: Cast, case: UUID) -> None:
        limit = a_limit(case, date(2026, 9, 24), people.wanda)
        deliver()
        change(limit, people.wanda, state="met")
        assert deliver() == []
        with running_as("worker"):
            assert set(Notice.objects.values_list("state", flat=True)) == {"sent", "voided"}

    def test_moved_are_corrected_to_whoever_had_heard(self, people: Cast, case: UUID) -> None:
        limit = a_limit(case, date(2026, 9, 24), people.wanda)
        deliver()
        change(limit, people.wanda, due_on=date(2026, 9, 30))
        assert deliver() == [("wanda", "moved")]
        with running_as("worker"):
            row = Notice.objects.get(step="moved", channel="inbox")
        assert (row.was_due_on, row.due_on) == (date(2026, 9, 24), date(2026, 9, 30))
        assert [message.body.splitlines()[0] for message in django_mail.outbox] == [
            "1 time limit needs attention.",
            "The date of 1 time limit has changed.",
        ]

    def test_that_are_gone_take_their_notices_along(self, people: Cast, case: UUID) -> None:
        limit = a_limit(case, date(2026, 9, 24), people.wanda)
        deliver()
        with work.acting(work.Actor(people.wanda)):
            Limit.objects.filter(pk=limit).delete()
            limits_changed.send(sender=Limit, case_id=case)
        assert deliver() == []

    def test_of_an_authority_are_spoken_of_too(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 18), people.wanda, whose="HR", state="expired")
        assert deliver() == [("cora", "overdue"), ("wanda", "overdue")]


class TestChangedCase:
    """Another lead, another state of the case."""

    def test_assigned_tells_the_new_lead_and_no_longer_the_former(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        assert deliver() == [("wanda", "7d")]
        with work.acting(work.Actor(people.cora)):
            cases.assign_case(case, lead_id=people.cora)
        assert deliver() == [("cora", "7d")]

    def test_closed_says_nothing_more(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        deliver()
        with work.acting(work.Actor(people.wanda)):
            cases.close_case(case, on=date(2026, 9, 19))
        assert deliver() == []
        with running_as("worker"):
            assert not Notice.objects.filter(state="planned").exists()

    def test_whose_lead_left_is_the_coordinators_at_every_step(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        User.objects.filter(pk=people.wanda).update(is_active=False)
        assert deliver() == [("cora", "7d")]

    def test_of_a_team_without_anybody_is_all_coordinators(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        User.objects.filter(pk__in=[people.wanda, people.cora]).update(is_active=False)
        assert deliver() == [("olga", "7d")]

    def test_a_membership_written_by_sql_tells_nobody(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 21), people.wanda)
        group = Membership.objects.get(user_id=people.cora).group_id
        Membership.objects.create(user_id=people.otto, group_id=group, mac=b"0" * 16)
        assert ("otto", "3d") not in deliver()


class TestAllCases:
    """The hourly run."""

    def test_finds_limits_that_nobody_asked_about(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 10, 19), people.wanda)
        deliver()
        with running_as("worker"):
            Pending.objects.all().delete()
            with clock.fixed(NOW + timedelta(days=1)):
                assert services.plan().planned == 0
            with clock.fixed(NOW + timedelta(days=15)):
                assert services.plan().planned > 0

    def test_calls_off_what_no_longer_holds_without_being_asked(self, people: Cast, case: UUID) -> None:
        limit = a_limit(case, date(2026, 9, 21), people.wanda)
        with running_as("worker"):
            services.plan()
            Limit.objects.filter(pk=limit).update(state="stopped")
            assert services.plan().voided == Notice.objects.count() > 0

    def test_beats(self) -> None:
        with running_as("worker"):
            services.plan()
            assert notice_selectors.heartbeats().planned_at == NOW

    def test_goes_on_past_a_case_that_fails(self, people: Cast, case: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
        other = cast.open_a_case(people, "otto")
        a_limit(case, date(2026, 9, 24), people.wanda)
        a_limit(other, date(2026, 9, 24), people.otto)
        sound = services.plan_limit

        def fails_for_one(limit: Any, **rest: Any) -> None:
            if limit.case_id == case:
                raise ValueError
            sound(limit, **rest)

        monkeypatch.setattr(services, "plan_limit", fails_for_one)
        assert deliver() == [("otto", "7d")]
        assert pending() > 0
        monkeypatch.setattr(services, "plan_limit", sound)
        assert deliver() == [("otto", "7d")]
        with clock.fixed(NOW + timedelta(hours=1)):
            assert deliver() == [("otto", "7d"), ("wanda", "7d")]


class TestRequestWhilePlanning:
    """A change that is committed while the planner reads is not lost."""

    def test_outlives_the_plan_that_did_not_see_it(
        self, people: Cast, case: UUID, monkeypatch: pytest.MonkeyPatch, as_role: Any
    ) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        web, read = as_role("web"), services.procedure.stored_limits

        def somebody_asks_meanwhile(case_ids: Any) -> Any:
            found = read(case_ids)
            web.execute(
                "INSERT INTO reminders_pending (id, case_id, asked_at) VALUES (gen_random_uuid(), %s, now())", [case]
            )
            return found

        with monkeypatch.context() as patched, running_as("worker"):
            patched.setattr(services.procedure, "stored_limits", somebody_asks_meanwhile)
            services.plan_case(case)
        assert pending() == 1


class TestTwoPlanners:
    """One at a time: from limits read before a change, the slower one would write the old dates back."""

    def test_wait_for_each_other(self, people: Cast, case: UUID, as_role: Any) -> None:
        other = as_role("worker")
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(%s)", [services._LOCK])
            with running_as("worker"):
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '100ms'")
                with pytest.raises(OperationalError):
                    services.plan_case(case)
        with running_as("worker"):
            services.plan_case(case)


class TestTasks:
    """Ids only, one call each."""

    def test_plan_case_takes_an_id_as_text(self, people: Cast, case: UUID) -> None:
        a_limit(case, date(2026, 9, 24), people.wanda)
        with running_as("worker"):
            tasks.plan_case(str(case))
            assert Notice.objects.exists()

    def test_refuses_anything_else_at_publish(self) -> None:
        with pytest.raises(ArgumentRefused):
            tasks.plan_case.delay("Synthetic Name")
