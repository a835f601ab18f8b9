"""What is wrong with this installation: each finding is a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from casework.core import clock
from casework.crypto import rehearsal
from casework.crypto import services as crypto
from casework.crypto.keyring import RootKeyError
from casework.crypto.rehearsal import Lack
from casework.notices import selectors as notices
from casework.operations.backups import HEARTBEAT
from casework.operations.restoring import TRIAL

_STALE = timedelta(hours=2)
_BACKUP_AGE = timedelta(hours=26)  # one a night, and two hours for a slow one
_TRIAL_AGE = timedelta(days=35)
_LACKS = {
    Lack.NEVER: "The recovery of the root key was never rehearsed. Lost without shares, it takes every case with it:"
    " split it (manage.py recovery split), hand the shares out, and rehearse (manage.py recovery drill).",
    Lack.OLD: "The recovery of the root key was last rehearsed more than 90 days ago: run manage.py recovery drill with"
    " the people who hold the shares.",
    Lack.OTHER_ROOT: "The root key is another than the one whose recovery was rehearsed: split it anew (manage.py"
    " recovery split), hand the shares out, and rehearse (manage.py recovery drill).",
}


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


def recovery() -> str:
    """Say why the recovery of the root key is not to be trusted; empty when it was rehearsed lately."""
    lack = rehearsal.lack(clock.now())
    return _LACKS[lack] if lack else ""


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
    try:
        mail.open()
        mail.close()
    except (OSError, SMTPException) as error:
        return f"The mail server does not answer, or refuses us ({type(error).__name__}): check EMAIL_URL."
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


def _backup() -> str:
    if settings.DEMO:
        return ""
    made_at, tried_at = notices.beat_at(HEARTBEAT), notices.beat_at(TRIAL)
    if made_at is None:
        return "There is no backup: run `manage.py backup PATH` every night (docs/running.md)."
    if made_at - clock.now() > _STALE:
        return (
            f"The newest backup says that it was made on {made_at:%d %B %Y}, which is to come: put the clock right, and"
            " run `manage.py backup PATH` again."
        )
    if clock.now() - made_at > _BACKUP_AGE:
        return f"The newest backup is {_age(made_at)} old: look why the nightly `manage.py backup` did not succeed."
    if tried_at is None or clock.now() - tried_at > _TRIAL_AGE:
        since = "never" if tried_at is None else f"not for {_age(tried_at)}"
        return f"No backup was tried out ({since}): run `manage.py restore PATH --verify` every month."
    return ""


def _age(at: datetime) -> str:
    hours = int((clock.now() - at).total_seconds() // 3600)
    return f"{hours} hours" if hours < 3 * 24 else f"{hours // 24} days"


_CHECKS: dict[str, Callable[[], str]] = {
    "database role": database_role,
    "migrations": _migrations,
    "keys": keys,
    "recovery": recovery,
    "redis": _redis,
    "mail": _mail,
    "clock": _clock,
    "reminders": _reminders,
    "backup": _backup,
}
