"""The outbox on real PostgreSQL, as the worker's role."""

import smtplib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from casework.accounts.models import User
from casework.audit.models import Entry
from casework.core import clock, work
from casework.core.errors import NotFound
from casework.notices import selectors, services
from casework.notices.models import Notice
from casework.notices.types import Delivered
from tests.cast import Cast
from tests.conftest import running_as
from tests.notices.outbox import NOW, a_notice, put

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_ten() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def dispatch() -> Delivered:
    return services.dispatch()


def trail(action: int) -> list[Entry]:
    """The machine's own entries, newest first."""
    with work.acting(work.system_actor()):
        return list(Entry.objects.filter(action=action).order_by("-seq"))


@pytest.mark.usefixtures("as_worker")
class TestPlanning:
    """put, void, settle."""

    def test_the_same_occasion_twice_is_one_row(self, people: Cast) -> None:
        notice = a_notice(people.wanda)
        assert put(notice, notice) == 1
        assert put(notice) == 0
        assert Notice.objects.count() == 1

    def test_a_voided_one_is_planned_again(self, people: Cast) -> None:
        notice = a_notice(people.wanda)
        put(notice)
        row = Notice.objects.get()
        with work.acting(work.system_actor()):
            assert services.void([row.pk]) == 1
        assert dispatch() == Delivered()
        assert put(notice) == 1
        assert dispatch().mail == 1

    def test_a_sent_one_is_neither_voided_nor_planned_again(self, people: Cast) -> None:
        notice = a_notice(people.wanda)
        put(notice)
        dispatch()
        row = Notice.objects.get()
        with work.acting(work.system_actor()):
            assert services.void([row.pk]) == 0
        assert put(notice) == 0
        assert len(django_mail.outbox) == 1

    def test_a_claim_without_an_end_is_refused_by_the_database(self, people: Cast) -> None:
        put(a_notice(people.wanda))
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.update(state="claimed")

    def test_a_second_row_for_the_inbox_is_refused_by_the_database(self, people: Cast) -> None:
        put(a_notice(people.wanda, "inbox"))
        row = Notice.objects.get()
        row.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.bulk_create([row])


@pytest.mark.usefixtures("as_worker")
class TestDelivery:
    """dispatch."""

    def test_delivers_what_is_due_and_nothing_else(self, people: Cast) -> None:
        put(a_notice(people.wanda), a_notice(people.wanda, "inbox"))
        put(a_notice(people.wanda, send_at=NOW + timedelta(minutes=1)))
        done = dispatch()
        assert (done.inbox, done.mail) == (1, 1)
        assert dispatch() == Delivered()
        with clock.fixed(NOW + timedelta(minutes=1)):
            assert dispatch().mail == 1

    def test_writes_one_trail_entry_for_each_delivery(self, people: Cast) -> None:
        put(a_notice(people.wanda), a_notice(people.wanda, "inbox"), a_notice(people.cora))
        dispatch()
        assert len(trail(651)) == 3
        assert {entry.object for entry in trail(651)} == set(Notice.objects.values_list("id", flat=True))

    def test_sends_urgent_mail_first(self, people: Cast) -> None:
        put(*(a_notice(people.wanda, send_at=NOW - timedelta(hours=1)) for _ in range(30)))
        put(a_notice(people.cora, urgency=0))
        dispatch()
        assert django_mail.outbox[0].to == ["cora@example.org"]
        assert len(django_mail.outbox) == 31

    def test_gives_up_on_an_account_that_is_not_active(self, people: Cast) -> None:
        put(a_notice(people.otto), a_notice(people.otto, "inbox"), a_notice(people.wanda))
        with running_as("web"):
            User.objects.filter(pk=people.otto).update(is_active=False)
        done = dispatch()
        assert (done.inbox, done.mail, done.failed) == (0, 1, 2)
        assert set(Notice.objects.filter(recipient_id=people.otto).values_list("state", "failure")) == {
            ("failed", "inactive")
        }

    def test_frees_a_claim_whose_worker_died(self, people: Cast) -> None:
        put(a_notice(people.wanda))
        services.claim()
        assert dispatch().mail == 0
        with clock.fixed(NOW + services.LEASE):
            assert dispatch().mail == 1

    def test_does_not_mark_for_a_worker_whose_claim_went_to_another(self, people: Cast) -> None:
        put(a_notice(people.wanda))
        first = services.claim()
        with clock.fixed(NOW + services.LEASE):
            second = services.claim()
            services._mark_sent(first, first.notices[0])
            assert Notice.objects.get().claimed_by == second.token
            services._mark_sent(second, second.notices[0])
        assert Notice.objects.get().state == "sent"
        assert len(trail(651)) == 1

    def test_marks_for_a_slow_worker_whose_claim_nobody_took(self, people: Cast) -> None:
        put(a_notice(people.wanda))
        slow = services.claim()
        with clock.fixed(NOW + services.LEASE):
            assert services.claim(most=0).notices == ()
            services._mark_sent(slow, slow.notices[0])
            assert dispatch() == Delivered()
        assert Notice.objects.get().state == "sent"

    def test_asks_the_database_seven_things_when_nothing_is_due(self, people: Cast) -> None:
        dispatch()
        with CaptureQueriesContext(connection) as asked:
            dispatch()
        frame = ("BEGIN", "COMMIT", "SELECT set_config")
        assert len([query for query in asked if not query["sql"].startswith(frame)]) == 7

    def test_lets_two_claims_share_nothing(self, people: Cast) -> None:
        put(*(a_notice(people.wanda) for _ in range(30)))
        first, second = services.claim(), services.claim()
        ids = [{notice.pk for notice in claim.notices} for claim in (first, second)]
        assert [len(found) for found in ids] == [20, 10]
        assert not ids[0] & ids[1]

    def test_begins_no_mail_near_the_end_of_its_lease(self, people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        put(*(a_notice(people.wanda) for _ in range(3)))
        moments = iter([NOW, NOW, NOW, NOW + timedelta(seconds=61)])
        late = services.claim()
        monkeypatch.setattr(services, "claim", lambda: late)
        monkeypatch.setattr(clock, "now", lambda: next(moments, NOW + timedelta(seconds=61)))
        services._deliver_mails()
        assert Notice.objects.filter(state="planned", claimed_by=None, attempts=0).count() == 3 - len(
            django_mail.outbox
        )
        assert len(django_mail.outbox) < 3

    def test_that_was_voided_on_the_way_is_marked_as_told_and_settled(self, people: Cast) -> None:
        put(a_notice(people.wanda))
        claim = services.claim()
        with work.acting(work.system_actor()):
            services.void([claim.notices[0].pk])
        assert selectors.about([claim.notices[0].about_id])[claim.notices[0].about_id][0].told_at is not None
        services._mark_sent(claim, claim.notices[0])
        row = Notice.objects.get()
        assert (row.state, row.settled_at) == ("sent", NOW)

    def test_beats(self, people: Cast) -> None:
        put(a_notice(people.wanda))
        dispatch()
        assert selectors.heartbeats().delivered_at == NOW
        assert selectors.heartbeats().mail_failing_since is None


class _Server:
    """Stands for the connection to a mail server that answers as told."""

    def __init__(self, errors: list[Exception | None], *, opens: bool = True) -> None:
        self.errors, self.opens, self.sent = errors, opens, 0

    def open(self) -> bool:
        if not self.opens:
            raise ConnectionRefusedError
        return True

    def close(self) -> None:
        pass

    def send_messages(self, messages: list[Any]) -> int:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.sent += 1
        return 1


@pytest.mark.usefixtures("as_worker")
class TestMailServer:
    """A server that refuses, breaks off or is not there. The real conversation is in tests/faults."""

    @pytest.fixture
    def server(self, monkeypatch: pytest.MonkeyPatch) -> _Server:
        server = _Server([])
        monkeypatch.setattr("casework.notices.mail.get_connection", lambda: server)
        return server

    def test_that_is_down_keeps_every_mail_for_the_next_run(self, people: Cast, server: _Server) -> None:
        server.opens = False
        put(*(a_notice(people.wanda) for _ in range(25)))
        assert dispatch() == Delivered(mail_server_down=True)
        assert set(Notice.objects.values_list("state", "attempts", "claimed_by")) == {("planned", 0, None)}
        assert selectors.heartbeats().mail_failing_since == NOW
        server.opens = True
        assert dispatch().mail == 25
        assert selectors.heartbeats().mail_failing_since is None

    def test_that_refuses_one_is_asked_again_after_a_pause_that_doubles(self, people: Cast, server: _Server) -> None:
        put(a_notice(people.wanda))
        pauses = []
        at = NOW
        for _ in range(3):
            server.errors = [smtplib.SMTPRecipientsRefused({"x": (450, b"later")})]
            with clock.fixed(at):
                assert dispatch().postponed == 1
            row = Notice.objects.get()
            assert (row.state, row.answer_code, row.claimed_by) == ("planned", 450, None)
            pauses.append(row.next_try_at - at)
            at = row.next_try_at
        assert pauses == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
        with clock.fixed(at):
            assert dispatch().mail == 1

    def test_that_breaks_off_leaves_open_whether_the_person_was_told(self, people: Cast, server: _Server) -> None:
        notice = a_notice(people.wanda)
        put(notice, a_notice(people.cora, send_at=NOW + timedelta(seconds=0)))
        server.errors = [smtplib.SMTPServerDisconnected("gone")]
        done = dispatch()
        assert (done.mail, done.postponed, done.mail_server_down) == (0, 1, True)
        tried = Notice.objects.get(attempts=1)
        assert selectors.about([tried.about_id])[tried.about_id][0].told_at is not None
        assert Notice.objects.filter(attempts=0, state="planned", claimed_by=None).count() == 1
        assert dispatch().mail == 1

    def test_that_refuses_for_ever_is_given_up_with_a_trace(self, people: Cast, server: _Server) -> None:
        put(a_notice(people.wanda))
        Notice.objects.update(attempts=services.MOST_ATTEMPTS)
        assert dispatch() == Delivered(failed=1)
        assert Notice.objects.get().failure == "undeliverable"
        assert [(entry.object, entry.outcome) for entry in trail(652)] == [(Notice.objects.get().pk, 2)]

    def test_does_not_keep_back_others_for_one_that_cannot_be_written(self, people: Cast, server: _Server) -> None:
        put(a_notice(people.wanda, urgency=0), a_notice(people.cora))
        server.errors = [UnicodeEncodeError("ascii", "", 0, 1, "synthetic")]
        done = dispatch()
        assert (done.mail, done.postponed) == (1, 1)


class TestInbox:
    """Opening and acknowledging, as the web role, behind its wall."""

    def fill(self, people: Cast, *notices: Any) -> None:
        with running_as("worker"):
            put(*notices)
            services.dispatch()

    def test_shows_one_line_for_each_thing_by_when_it_is_due(self, people: Cast) -> None:
        about = a_notice(people.wanda, "inbox", step="7d")
        days = [("overdue", -1), ("today", 0), ("tomorrow", 1), ("this_week", 4), ("later", 6)]
        dated = [a_notice(people.wanda, "inbox", due_on=NOW.date() + timedelta(days=n), step=name) for name, n in days]
        self.fill(people, about, replace(about, step="3d", send_at=NOW - timedelta(minutes=1)), *dated)
        with work.acting(work.Actor(people.wanda)):
            inbox = services.open_inbox()
        assert {
            name: [item.step for item in getattr(inbox, name) if item.about_id != about.about_id] for name, _ in days
        } == {name: [name] for name, _ in days}
        assert len([item for item in inbox.items if item.about_id == about.about_id]) == 1

    def test_of_an_hour_that_has_passed_is_overdue_the_same_day(self, people: Cast) -> None:
        due = NOW - timedelta(minutes=5)
        self.fill(people, a_notice(people.wanda, "inbox", due_on=due.date(), due_at=due))
        with work.acting(work.Actor(people.wanda)):
            assert len(selectors.inbox_for(people.wanda).overdue) == 1

    def test_counts_what_was_not_seen(self, people: Cast) -> None:
        self.fill(people, a_notice(people.wanda, "inbox"), a_notice(people.wanda, "inbox"), a_notice(people.wanda))
        with work.acting(work.Actor(people.wanda)):
            its_cases = Notice.objects.values("case_id")
            assert selectors.unread_count(people.wanda, its_cases) == 2
            assert selectors.unread_count(people.wanda, its_cases.none()) == 0
            assert [item.seen for item in services.open_inbox().items] == [False, False]
            assert selectors.unread_count(people.wanda, its_cases) == 0

    def test_is_nobody_elses(self, people: Cast) -> None:
        self.fill(people, a_notice(people.wanda, "inbox"))
        with work.acting(work.Actor(people.wanda)):
            (mine,) = selectors.inbox_for(people.wanda).items
        with work.acting(work.Actor(people.otto)):
            assert Notice.objects.count() == 0
            assert selectors.inbox_for(people.wanda).items == ()
            with pytest.raises(NotFound):
                services.acknowledge(mine.id)
        with work.acting(work.Actor(None)):
            assert Notice.objects.count() == 0
            with pytest.raises(NotFound):
                services.open_inbox()

    def test_is_nobody_elses_even_without_the_databases_wall(self, people: Cast) -> None:
        self.fill(people, a_notice(people.wanda, "inbox"))
        with running_as("worker"):
            line = Notice.objects.get()
            with work.acting(work.Actor(people.otto)):
                assert services.open_inbox().items == ()
                with pytest.raises(NotFound):
                    services.acknowledge(line.pk)
            assert Notice.objects.get().seen_at is None

    def test_acknowledged_stays_with_a_mark_and_one_entry(self, people: Cast) -> None:
        about = a_notice(people.wanda, "inbox", step="7d")
        self.fill(people, about, replace(about, step="3d"))
        for _twice in range(2):
            with work.acting(work.Actor(people.wanda)):
                (line,) = selectors.inbox_for(people.wanda).items
                services.acknowledge(line.id)
        with work.acting(work.Actor(people.wanda)):
            (line,) = selectors.inbox_for(people.wanda).items
            assert line.acknowledged
            assert Entry.objects.filter(action=602, actor=people.wanda).count() == 1

    def test_loses_what_was_settled(self, people: Cast) -> None:
        self.fill(people, a_notice(people.wanda, "inbox"))
        with running_as("worker"), work.acting(work.system_actor()):
            services.settle(Notice.objects.values_list("id", flat=True))
        with work.acting(work.Actor(people.wanda)):
            assert selectors.inbox_for(people.wanda).items == ()
