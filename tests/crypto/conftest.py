from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from casework.crypto.envelope import Place
from casework.crypto.keyring import Kek, ScopeKeys

SCOPE = UUID("11111111-1111-4111-8111-111111111111")
OTHER_SCOPE = UUID("22222222-2222-4222-8222-222222222222")
ROW = UUID("33333333-3333-4333-8333-333333333333")
OTHER_ROW = UUID("44444444-4444-4444-8444-444444444444")


@pytest.fixture
def keys() -> ScopeKeys:
    return ScopeKeys(SCOPE, 1, bytes(range(32)))


@pytest.fixture
def other_keys() -> ScopeKeys:
    return ScopeKeys(OTHER_SCOPE, 1, bytes(range(32)))


@pytest.fixture
def kek() -> Kek:
    return Kek(7, bytes(range(100, 132)))


@pytest.fixture
def place() -> Place:
    return Place(table=1, row=ROW, field=2)


@pytest.fixture
def as_owner(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Act as the tables' owner: rows of keys are changed here in ways that no role of the running system may."""
    # Neither this nor below can stand at the top: this file is read before the settings are.
    from tests.conftest import running_as

    with django_db_blocker.unblock(), running_as("owner"):
        yield


@pytest.fixture
def installation(as_owner: None, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installation with a root key, and nobody asked before unwrapping."""
    from casework.crypto import services

    monkeypatch.setattr(services._process, "guard", None)
    monkeypatch.setattr(services._process, "sieve", None)
    services.forget_process_keys()
    services.clear()
    services.ensure_installation()
    yield
    services.clear()
    services.forget_process_keys()
