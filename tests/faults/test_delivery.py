"""Reminders when whoever delivers them dies in the middle, when Redis forgets, and when many deliver at once."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from casework.core import clock, work
from casework.notices.models import Notice
from casework.operations.embedded import Engines
from casework.procedure.models import Limit
from casework.procedure.signals import limits_changed
from tests import cast
from tests.cast import Cast
from tests.conftest import manage, running_as

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30.0
# Longer than a lease, so that the next run may take over from the dead.
LATER = timedelta(minutes=4)


class Sink:
    """A mail server that keeps what it takes; `at` maps a command to what happens just before it is answered."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.at: dict[str, Callable[[], None]] = {}
        self.pause_seconds = 0.0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def message_ids(self) -> list[str]:
        return [message_from_bytes(content)["Message-ID"] for content in self.taken]

    async def handle_MAIL(self, server: SMTP, _s: Session, envelope: Envelope, address: str, _o: list[str]) -> str:
        self._happen("MAIL")
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _s: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        time.sleep(self.pause_seconds)
        self._happen("DATA")
        return "250 OK"

    def _happen(self, command: str) -> None:
        if event := self.at.pop(command, None):
            event()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()


@pytest.fixture
def broker(engines: Engines) -> Iterator[redis.Redis]:
    """The real Valkey, empty before and after."""
    client = redis.Redis.from_url(engines.redis_url)
    client.flushall()
    yield client
    client.flushall()
    client.close()


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def limits_due_in_two_weeks(people: Cast, count: int = 1) -> UUID:
    """Store a case with limits whose 30-day step has passed: one line in Wanda's inbox and one mail each."""
    case_id, due = cast.open_a_case(people), clock.now().date() + timedelta(days=20)
    with work.acting(work.Actor(people.wanda)):
        Limit.objects.bulk_create([_limit(case_id, due, ordinal) for ordinal in range(count)])
        limits_changed.send(sender=Limit, case_id=case_id)
    return case_id


def _limit(case_id: UUID, due: date, ordinal: int) -> Limit:
    dates = {"due_on": due, "due_strict_on": due, "due_rolled_on": due}
    return Limit(case_id=case_id, rule="ammr-transfer-6m", ordinal=ordinal, state="running", whose="FR", **dates)


def outbox(channel: str) -> list[str]:
    with running_as("worker"):
        return list(Notice.objects.filter(channel=channel).values_list("state", flat=True))


def run_later(sink: Sink, by: timedelta = LATER) -> None:
    """What beat runs, when every lease of before has ended."""
    done = manage("send_reminders", "--now", (clock.now() + by).isoformat(), EMAIL_URL=sink.url)
    assert done.returncode == 0, done.stderr


def end(process: subprocess.Popen[Any]) -> None:
    """Kill a process and all its children with -9."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def worker(sink: Sink, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker of one process."""
    line = [sys.executable, "-m", "celery", "--app", "config", "--quiet", "worker", "--queues", "urgent,ordinary"]
    line += ["--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            line,
            cwd=ROOT,
            env={**os.environ, "CASEWORK_ROLE": "worker", "EMAIL_URL": sink.url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)


class TestWorkerKilled:
    """kill -9 of a real Celery worker, in the middle of a real conversation with a mail server."""

    @pytest.mark.usefixtures("broker")
    def test_between_the_servers_answer_and_the_mark_repeats_the_mail_and_nothing_else(
        self, people: Cast, sink: Sink, superuser: psycopg.Connection[Any], tmp_path: Path
    ) -> None:
        # The mark cannot be written while the trail's head is held; so the worker stands just after the answer.
        def hold_the_mark() -> None:
            superuser.execute("BEGIN")
            superuser.execute("SELECT 1 FROM audit_head WHERE kind = 3 FOR UPDATE")

        def stands_at_the_mark() -> bool:
            sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cw_worker' AND wait_event_type = 'Lock'"
            return bool(watch.execute(sql).fetchone()[0])

        sink.at["DATA"] = hold_the_mark
        with psycopg.connect(superuser.info.dsn, password=superuser.info.password, autocommit=True) as watch:
            limits_due_in_two_weeks(people)
            with worker(sink, tmp_path) as process:
                wait_until(lambda: bool(sink.taken), "a mail is taken")
                wait_until(stands_at_the_mark, "the worker wants to mark")
                end(process)
        superuser.execute("ROLLBACK")
        assert (outbox("inbox"), outbox("mail")) == (["sent"], ["claimed"])
        run_later(sink)
        run_later(sink)
        assert (outbox("inbox"), outbox("mail")) == (["sent"], ["sent"])
        first, second = sink.message_ids()
        assert first == second

    @pytest.mark.usefixtures("broker")
    @pytest.mark.parametrize(("command", "mails"), [("MAIL", 1), ("DATA", 2)])
    def test_before_the_answer_loses_nothing(
        self, people: Cast, sink: Sink, tmp_path: Path, command: str, mails: int
    ) -> None:
        with worker(sink, tmp_path) as process:
            killed: list[bool] = []
            sink.at[command] = lambda: killed.append(end(process) is None)
            limits_due_in_two_weeks(people)
            wait_until(lambda: bool(killed), "the worker dies")
        run_later(sink)
        run_later(sink)
        assert (outbox("inbox"), outbox("mail")) == (["sent"], ["sent"])
        assert len(sink.taken) == mails
        assert len(set(sink.message_ids())) == 1

    @pytest.mark.usefixtures("broker")
    def test_again_and_again_loses_nothing_and_doubles_no_line_of_the_inbox(self, people: Cast, sink: Sink) -> None:
        limits_due_in_two_weeks(people, 60)
        sink.pause_seconds = 0.01
        kills = 6
        for number in range(kills):
            dispatcher = Dispatcher(sink, at=clock.now() + LATER * (number + 1))
            seen = len(sink.taken)
            dispatcher.go()
            wait_until(lambda seen=seen: len(sink.taken) >= seen + 7, "it sends")  # type: ignore[misc]
            end(dispatcher.process)
        run_later(sink, LATER * (kills + 1))
        assert (Counter(outbox("inbox")), Counter(outbox("mail"))) == ({"sent": 60}, {"sent": 60})
        times = Counter(sink.message_ids())
        assert len(times) == 60
        assert sum(times.values()) <= 60 + kills


class TestRedisEmptied:
    """Celery and Redis only wake; the work is rows in PostgreSQL."""

    def test_before_the_worker_looked_loses_nothing(self, people: Cast, sink: Sink, broker: redis.Redis) -> None:
        limits_due_in_two_weeks(people)
        assert broker.llen("ordinary") > 0
        broker.flushall()
        run_later(sink, timedelta(0))
        assert (outbox("inbox"), outbox("mail")) == (["sent"], ["sent"])
        assert len(sink.taken) == 1

    def test_and_filled_again_by_beat_finds_what_was_asked_for(
        self, people: Cast, sink: Sink, broker: redis.Redis, tmp_path: Path
    ) -> None:
        limits_due_in_two_weeks(people)
        broker.flushall()
        with worker(sink, tmp_path):
            from config import celery_app

            celery_app.send_task("notices.dispatch", queue="urgent")
            wait_until(lambda: outbox("mail") == ["sent"], "the dispatch plans and sends")
        assert outbox("inbox") == ["sent"]
        assert len(sink.taken) == 1


_DISPATCH = """
import sys
from datetime import datetime
import django
django.setup()
from casework.core import clock
from casework.notices import services
from django.db import connection
connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
with clock.fixed(datetime.fromisoformat(sys.argv[1])):
    done = services.dispatch()
print(done.inbox, done.mail, flush=True)
"""


class Dispatcher:
    """A process that dispatches when told."""

    def __init__(self, sink: Sink, at: datetime) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _DISPATCH, at.isoformat()],
            cwd=ROOT,
            env={**os.environ, "CASEWORK_ROLE": "worker", "EMAIL_URL": sink.url, "CASEWORK_LOG_LEVEL": "WARNING"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def done(self) -> tuple[int, int]:
        """Return how many lines it put into inboxes and how many mails it sent."""
        printed, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        inbox, mails = printed.split()
        return int(inbox), int(mails)


class TestManyAtOnce:
    """Several workers, two beats, somebody at the command line: no harm."""

    @pytest.mark.usefixtures("broker")
    def test_four_dispatchers_send_each_of_200_once(self, people: Cast, sink: Sink) -> None:
        limits_due_in_two_weeks(people, 100)
        sink.pause_seconds = 0.005
        dispatchers = [Dispatcher(sink, at=clock.now()) for _ in range(4)]
        for dispatcher in dispatchers:
            dispatcher.go()
        done = [dispatcher.done() for dispatcher in dispatchers]
        assert (sum(inbox for inbox, _ in done), sum(mails for _, mails in done)) == (100, 100)
        assert sum(mails > 0 for _, mails in done) >= 2, "they did not work side by side"
        assert (set(outbox("inbox")), set(outbox("mail"))) == ({"sent"}, {"sent"})
        assert len(sink.taken) == len(set(sink.message_ids())) == 100
