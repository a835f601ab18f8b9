"""A real browser before the real pages, with the cast, real sign-in and the walls of the database in place."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.sync_api import Browser, BrowserContext

if TYPE_CHECKING:
    from tests.journeys.visitor import Visitor


@pytest.fixture
def visit(browser: Browser, people: Any, live_server: Any) -> Iterator[Callable[..., Visitor]]:
    """Open a browser of one's own: `visit("wanda")` signs in, `visit()` does not; `like=` shares another's session.

    More options go to Playwright's context. At the end no page may have broken its own rules.
    """
    from tests.journeys import visitor as visitors  # Django is set up by now, and was not when this file was read

    opened: list[Visitor] = []
    # What a test before this one used is forgotten with its cache.
    visitors.shown.clear()

    def start(who: str = "", *, like: Visitor | None = None, **options: Any) -> Visitor:
        state = {"storage_state": like.context.storage_state()} if like else {}
        options = {"viewport": visitors.WIDE, "locale": "en-GB", "reduced_motion": "reduce", **state, **options}
        context: BrowserContext = browser.new_context(**options)
        visitor = visitors.Visitor(context, live_server.url)
        opened.append(visitor)
        if who:
            visitor.sign_in(who)
        return visitor

    yield start
    for visitor in opened:
        visitor.context.close()
    assert [fault for visitor in opened for fault in visitor.faults] == []


class Sink:
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server of this test's own."""
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()
