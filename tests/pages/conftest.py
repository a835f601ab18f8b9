"""Signed-in clients, and a case with facts, for what each person sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from casework.core import clock

if TYPE_CHECKING:
    from django.test import Client

    from tests.cast import Cast

FACTS: tuple[dict[str, Any], ...] = (
    {"fact": "application-registered", "on": "2026-09-01", "state": "FR"},
    {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
    {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
    {"fact": "take-back-notification-received", "on": "2026-09-10", "state": "HR"},
    {"fact": "transfer-decision-notified", "on": "2026-10-12"},
)


@pytest.fixture(autouse=True)
def _on_23_november_2026() -> Iterator[None]:
    """The facts above are told on one day, so that days left do not depend on when the suite runs."""
    with clock.fixed(datetime(2026, 11, 23, 9, 0, tzinfo=UTC)):
        yield


@pytest.fixture
def visit(people: Cast) -> Callable[[str], Client]:
    """Return a client signed in as one of the cast."""
    from django.test import Client

    from tests import cast

    def sign_in(who: str) -> Client:
        client = Client()
        cast.sign_in(client, people.user(who))
        return client

    return sign_in


@pytest.fixture
def case_id(people: Cast) -> UUID:
    """A case of Wanda's, with facts of a take-back procedure."""
    from tests import cast

    made = cast.open_a_case(people)
    record(people, made)
    return made


def record(people: Cast, case_id: UUID, who: str = "wanda", facts: tuple[dict[str, Any], ...] = FACTS) -> None:
    """Record facts as one of the cast."""
    from casework.procedure import services as procedure
    from tests import cast

    with cast.acting(getattr(people, who)):
        for fact in facts:
            procedure.record_fact(case_id, content=fact)


@pytest.fixture
def count_queries() -> Callable[[Callable[[], Any]], int]:
    """Return how many statements a request sends, without what only a test's own transaction adds."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count(request: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            request()
        kept = [
            query["sql"]
            for query in captured.captured_queries
            if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))
            and "set_config('app.user_id', '', " not in query["sql"]
        ]
        return len(kept)

    return count
