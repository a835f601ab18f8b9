"""Whether this process answers, and whether it could do its work; neither tells a stranger why not."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from casework.core import clock
from casework.crypto import services as crypto
from casework.crypto.keyring import RootKeyError
from casework.notices import selectors as notices

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs."""
    return JsonResponse({"ok": True})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer which parts are ready, and how old the machine's last work is, in seconds; 503 when a part is not."""
    parts = {"database": _database, "migrations": _migrations, "key": _key, "redis": _redis}
    found = {name: _works(name, check) for name, check in parts.items()}
    ready = all(found.values())
    ages = _heartbeat_ages() if found["database"] else {}
    return JsonResponse({"ready": ready, **found, **ages}, status=200 if ready else 503)


def _works(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, OSError, RedisError, RootKeyError) as error:
        logger.warning("readiness.failed", extra={"event": f"readiness.{name}_failed", "error": type(error)})
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _migrations() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _key() -> bool:
    crypto.verify_root()
    return True


def _redis() -> bool:
    cache.get("casework.readiness")
    return True


def _heartbeat_ages() -> dict[str, int | None]:
    beats = notices.heartbeats()
    now = clock.now()
    return {
        f"{name}_age_seconds": int((now - at).total_seconds()) if at else None
        for name, at in (("planned", beats.planned_at), ("delivered", beats.delivered_at))
    }
