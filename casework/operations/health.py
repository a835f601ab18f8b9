"""What is wrong with this installation: each finding is a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from casework.core import clock
from casework.crypto import services as crypto
from casework.crypto.keyring import RootKeyError
from casework.notices import selectors as notices

_STALE = timedelta(hours=2)


@dataclass(frozen=True)
class Finding:
    """One check: `ok`, or a sentence in `says`."""

    name: str
    ok: bool
    says: str


def findings() -> Iterator[Finding]:
    """Run every check and yield its finding; a check that cannot run is a finding too."""
    for name, check in _CHECKS.items():
        try:
            said = check()
        except Exception as error:  # noqa: BLE001  (whatever is broken is what this command is for)
            said = f"The check could not run: {type(error).__name__}."
        yield Finding(name, not said, said or "fine")


def database_role() -> str:
    """Say what is wrong with the role that this process connects as; empty when nothing is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper OR rolbypassrls,"
            " EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user)"
            " FROM pg_roles WHERE rolname = current_user"
        )
        name, unbound, owner = cursor.fetchone()
    if unbound or owner:
        return (
            f"The database role {name} is an owner, a superuser or bypasses row-level security: "
            "set DATABASE_URL to the role cw_web (docs/running.md)."
        )
    return ""


def keys() -> str:
    """Say what is wrong with the root key; empty when every wrapping key opens."""
    try:
        crypto.verify_root()
    except RootKeyError as error:
        return str(error)
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} migrations are waiting: run `manage.py migrate`." if waiting else ""


def _redis() -> str:
    cache.set("doctor", 1, 5)
    return "" if cache.get("doctor") == 1 else "Redis does not keep what it is given: check REDIS_URL."


def _mail() -> str:
    if settings.CASEWORK_MAILBOX_DIR and settings.DEMO:
        return ""
    mail = get_connection()
    mail.open()
    mail.close()
    return ""


def _clock() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    apart = abs((there - clock.now()).total_seconds())
    return f"The clocks of this machine and of the database differ by {apart:.0f} seconds." if apart > 5 else ""  # noqa: PLR2004


def _reminders() -> str:
    beats = notices.heartbeats()
    if beats.mail_failing_since:
        return "The mail server refuses our mail: reminders wait in the inbox alone. Check EMAIL_URL."
    times = [at for at in (beats.planned_at, beats.delivered_at) if at is not None]
    if len(times) < 2 or clock.now() - min(times) > _STALE:  # noqa: PLR2004
        return "Nothing was planned or delivered in the last two hours: are worker and beat running?"
    return ""


_CHECKS: dict[str, Callable[[], str]] = {
    "database role": database_role,
    "migrations": _migrations,
    "keys": keys,
    "redis": _redis,
    "mail": _mail,
    "clock": _clock,
    "reminders": _reminders,
}
