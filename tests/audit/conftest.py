"""Fixtures on a superuser's connection that is rolled back: whoever tampers with the trail needs one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.audit.world import Trail


@pytest.fixture
def as_super(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Let Django act as a superuser inside a transaction that is rolled back."""
    from django.db import transaction

    from tests.conftest import running_as

    with django_db_blocker.unblock(), running_as("super"), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def trail(as_super: None) -> Trail:
    """A small sealed trail of two synthetic cases."""
    from tests.audit import world

    return world.make()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the steps of verification and the rounds of sealing small."""
    from casework.audit import seal, verify

    def make(number: int) -> None:
        for name in ("STEP", "LEAVES_A_STEP", "HEADS_A_STEP"):
            monkeypatch.setattr(verify, name, number)
        monkeypatch.setattr(seal, "EVENTS_A_CHECKPOINT", number)

    return make
