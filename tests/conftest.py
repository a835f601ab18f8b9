"""The suite runs on private engines: tests migrate as owner and then run as the web role, behind its walls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from casework.operations.embedded import Engines
from tests.restoring import Restorer

ROOT = Path(__file__).resolve().parent.parent
_started: dict[str, Any] = {}
_QUIET = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_LONGEST = frozenset(
    {"test_leaks.py", "test_screens.py", "test_keys.py", "test_erasure.py", "test_caseworker.py", "test_matrix.py"}
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _start() -> None:
    """Start PostgreSQL and Valkey and say so in the environment, before Django reads its settings."""
    from casework.crypto import keyring, signing

    folder = Path(tempfile.mkdtemp(prefix="cw-test-"))
    folder.chmod(0o711)
    engines = Engines(folder / "engines", fast=True)
    engines.start()
    _started.update(engines=engines, folder=folder)
    keyring.generate_root_key_file(folder / "root.key")
    signing.generate_signing_key_file(folder / "sealer.key")
    for name in ("files", "checkpoints", "mailbox", "static"):
        (folder / name).mkdir(mode=0o700)
    os.environ.update(
        {
            "CASEWORK_TESTING": "1",
            "CASEWORK_TEST_APPS": "tests.sealed_app",
            "CASEWORK_SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "DATABASE_URL": engines.database_url("web"),
            "DATABASE_OWNER_URL": engines.database_url("owner"),
            "DATABASE_WORKER_URL": engines.database_url("worker"),
            "DATABASE_SEALER_URL": engines.database_url("sealer"),
            "DATABASE_BACKUP_URL": engines.database_url("backup"),
            "DATABASE_SCRATCH_URL": engines.database_url("owner", database="casework_scratch"),
            "REDIS_URL": engines.redis_url,
            "CASEWORK_ROOT_KEY_FILE": str(folder / "root.key"),
            "CASEWORK_SEALER_KEY_FILE": str(folder / "sealer.key"),
            "CASEWORK_CHECKPOINT_DIR": str(folder / "checkpoints"),
            "CASEWORK_FILES_DIR": str(folder / "files"),
            "CASEWORK_MAILBOX_DIR": str(folder / "mailbox"),
            "CASEWORK_STATIC_DIR": str(folder / "static"),
            "CASEWORK_ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            # Playwright's synchronous interface runs an event loop in the test's own thread.
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
        }
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the engines in every process that runs tests (not in the one that only spreads them)."""
    spreads_only = getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput")
    if not spreads_only and not _started:
        _start()
        from django.conf import settings

        settings._setup()  # type: ignore[misc]  # pytest-django sets Django up where settings are configured by now


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take a quarter of a minute and more: none is left for one process at the end."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the engines and leave nothing behind."""
    if _started:
        _started["engines"].stop()
        shutil.rmtree(_started["folder"], ignore_errors=True)
        _started.clear()


def _connect(role: str, database: str = "casework") -> psycopg.Connection[Any]:
    url = urlsplit(_started["engines"].database_url(role, database=database))
    return psycopg.connect(
        host=parse_qs(url.query)["host"][0],
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        dbname=database,
        autocommit=True,
    )


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a management command as its own process and return what it printed."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """Migrate as owner, make keys and the cast as the web role, and keep the result as the template of every test."""
    from django.db import connection

    for command in (["migrate", "--skip-checks", "--verbosity", "0"], ["set_up", "--skip-checks"]):
        done = manage(*command, CASEWORK_ROLE="owner")
        if done.returncode:
            pytest.exit(f"manage.py {command[0]} fails:\n{done.stderr[-4000:]}", returncode=3)
    with django_db_blocker.unblock():
        from tests import cast

        cast.hire()
        connection.close()
    with _connect("super", "postgres") as admin:
        admin.execute("CREATE DATABASE casework_template TEMPLATE casework OWNER cw_owner")
    _started["restorer"] = Restorer(_connect)


def restore_database() -> None:
    """Put the database back as the template has it; the web role may not empty tables, and should not."""
    from django.db import connection

    from casework.crypto import services as crypto

    connection.close()
    _started["restorer"].restore()
    # A rotation was put back too: the keys that this process remembers are not the database's any more.
    crypto.forget_process_keys()


@pytest.fixture(autouse=True, scope="session")
def _flush_by_template() -> Iterator[None]:
    """Let transactional tests end by restoring the database: Django's TRUNCATE is not allowed to the web role."""
    from django.test import TransactionTestCase

    original = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda self: restore_database()  # type: ignore[method-assign]
    yield
    TransactionTestCase._fixture_teardown = original  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    """No key, standing or cached answer passes from one test to the next."""
    yield
    from django.core.cache import cache

    from casework.crypto import services as crypto

    crypto.clear()
    cache.clear()


@pytest.fixture
def superuser(db: None) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's own connection: sees only what was committed, so for transactional tests."""
    with _connect("super") as connection:
        yield connection


@pytest.fixture
def as_role() -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    """Open plain connections as a database role: web, worker, sealer, owner, backup."""
    opened: list[psycopg.Connection[Any]] = []

    def connect(role: str) -> psycopg.Connection[Any]:
        opened.append(_connect(role))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@contextmanager
def running_as(role: str) -> Iterator[None]:
    """Let Django's own connection act as another database role inside the block (transactional tests only)."""
    from django.db import connection

    from config import env

    before = dict(connection.settings_dict)
    connection.close()
    other = env.database(_started["engines"].database_url(role))
    connection.settings_dict.update({key: other[key] for key in ("USER", "PASSWORD")})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@pytest.fixture
def as_worker(transactional_db: None) -> Iterator[None]:
    """The whole test runs as the worker's database role."""
    with running_as("worker"):
        yield


@pytest.fixture
def engines() -> Engines:
    """The running engines."""
    engines: Engines = _started["engines"]
    return engines


@pytest.fixture
def people(db: None) -> Any:
    """The cast: Wanda, Cora, Lev, Otto, Olga, Aud and Ada, as `tests.cast.Cast`."""
    from tests import cast

    return cast.meet()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, without a window: one in each process that runs tests."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.fail("The browser tests need Chromium, which is not on this machine. As root: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=_QUIET)
        yield chromium
        chromium.close()
