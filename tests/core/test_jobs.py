"""Waking the worker: a broker that is away keeps nobody from their work."""

from __future__ import annotations

import logging
import socket

import pytest
from celery import current_app
from django.db import transaction

from casework.core import ids, jobs


@pytest.fixture
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the broker's address lead to a port of this machine on which nothing listens."""
    app = current_app._get_current_object()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(app, "amqp", type(app.amqp)(app))
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setitem(app.conf, "broker_url", f"redis://127.0.0.1:{port}/0")
    monkeypatch.setitem(app.conf, "broker_write_url", f"redis://127.0.0.1:{port}/0")


@pytest.mark.django_db(transaction=True)
class TestABrokerThatIsAway:
    def test_fails_no_commit_and_is_logged_without_what_was_asked(
        self, nobody_listens: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        about = ids.new_id()
        with caplog.at_level(logging.WARNING, "casework.core.jobs"), transaction.atomic():
            jobs.enqueue("notices.dispatch", about, queue="urgent")
        assert [record.message for record in caplog.records] == ["job.broker_unreachable"]
        assert str(about) not in caplog.text
