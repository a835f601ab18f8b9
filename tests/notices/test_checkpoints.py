"""The day's checkpoint by mail: once to each, also when a worker dies; it names nobody, what is attached verifies."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from django.core import mail as django_mail
from django.core.management import call_command
from django.db import connection

from casework.audit import chain
from casework.core import clock
from casework.crypto import services as crypto
from casework.notices import checkpoints, mail
from tests.conftest import manage, running_as

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PARTNER = "partner@example.net"


@pytest.fixture
def sealed(people, settings):
    """A checkpoint of a day, and a partner who keeps them too."""
    settings.CASEWORK_CHECKPOINT_MAIL = [PARTNER, "aud@example.org", "no address"]
    seal_on(DAY)


def seal_on(day: datetime) -> None:
    with running_as("sealer"), clock.fixed(day):
        call_command("audit_checkpoint", stdout=io.StringIO())


def hand_out(at: datetime = DAY + timedelta(minutes=5)) -> int:
    with running_as("worker"), clock.fixed(at):
        return checkpoints.hand_out()


def to() -> list[str]:
    return sorted(address for message in django_mail.outbox for address in message.to)


class TestMailing:
    def test_reaches_each_once_a_day_and_names_nobody(self, people, sealed, superuser, tmp_path):
        assert hand_out() == 2
        assert to() == ["aud@example.org", PARTNER]
        assert hand_out() == 0  # again in a quarter of an hour, and after a renewal of the keys
        with running_as("owner"):
            from casework.operations import keys

            keys.renew_installation_key()
        crypto.forget_process_keys()
        assert hand_out(DAY + timedelta(hours=3)) == 0
        seal_on(DAY + timedelta(days=1))
        assert hand_out(DAY + timedelta(days=1, minutes=5)) == 2
        ids = [message.extra_headers["Message-ID"] for message in django_mail.outbox]
        assert len(set(ids)) == 4
        raw = message_from_bytes(django_mail.outbox[0].message().as_bytes(), policy=policy.default)
        (attached,) = raw.iter_attachments()
        (tmp_path / "note").write_bytes(attached.get_content())
        assert chain.read_note(attached.get_content().decode()).heads is not None
        done = manage("verify_audit", "--checkpoint", str(tmp_path / "note"))
        assert done.returncode == 0, done.stdout + done.stderr
        words = raw.as_string() + raw.get_body().get_content()
        assert not [name for name in ("Wanda", "Aud ", "North", "Testov") if name in words]
        # The trail tells that it was mailed, and to no address.
        rows = superuser.execute("SELECT object::text FROM audit_entry WHERE action = %s", [checkpoints._MAILED.code])
        assert len(rows.fetchall()) == 4

    def test_before_anything_was_signed_does_nothing(self, people, settings):
        settings.CASEWORK_CHECKPOINT_MAIL = [PARTNER]
        assert (hand_out(), to()) == (0, [])

    def test_of_a_worker_that_died_after_sending_is_repeated_under_the_same_id(self, people, sealed, monkeypatch):
        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as dying:
            dying.setattr(checkpoints.audit, "record", die)
            with pytest.raises(KeyboardInterrupt):
                hand_out()
        assert len(django_mail.outbox) == 1
        assert hand_out() == 2
        first, second, _other = django_mail.outbox
        assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
        assert hand_out() == 0

    def test_refused_by_one_keeps_nobody_else_back_and_is_tried_again(self, people, sealed, monkeypatch):
        send = mail.Sender.send

        def refuse(self, message):
            if message.to == ["aud@example.org"]:
                raise mail.Refused(450)
            send(self, message)

        with monkeypatch.context() as refusing:
            refusing.setattr(mail.Sender, "send", refuse)
            assert (hand_out(), to()) == (1, [PARTNER])
        assert (hand_out(), to()) == (1, ["aud@example.org", PARTNER])

    def test_by_two_workers_at_once_doubles_nothing(self, people, sealed):
        done: list[int] = []

        def run() -> None:
            try:
                with clock.fixed(DAY + timedelta(minutes=5)):
                    done.append(checkpoints.hand_out())
            finally:
                connection.close()

        with running_as("worker"):
            workers = [threading.Thread(target=run) for _ in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        assert sum(done) == 2
        assert to() == ["aud@example.org", PARTNER]
