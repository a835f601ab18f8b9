"""What was changed outside the application: told to the reader on one page, written to the trail, logged by ids."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import server_error

from casework.audit import actions
from casework.audit import services as audit
from casework.core import work
from casework.core.errors import Damaged
from casework.crypto import registry
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError
from casework.crypto.keyring import RootKeyError
from casework.crypto.types import KeyUnavailable

logger = logging.getLogger(__name__)

_TABLES = {number: name for name, number in registry.TABLES.items()}


@dataclass(frozen=True)
class Damage:
    """What was found, in ids and codes; `how` as in `Damaged`, or `keys` where the wrapping key does not open."""

    how: str
    case_id: UUID | None = None
    table: str = ""
    row: UUID | None = None


def of(error: BaseException | None) -> Damage | None:
    """Return what an exception says about stored data; None where it is about something else."""
    if isinstance(error, Damaged):
        return Damage(error.how, error.case_id, error.table, error.row)
    if isinstance(error, DecryptError):
        return Damage("opening", error.scope, _TABLES.get(error.table or 0, ""), error.row)
    if isinstance(error, KeyUnavailable):
        return Damage("key")
    if isinstance(error, RootKeyError):
        return Damage("keys")
    return None


def page(request: HttpRequest, found: Damage) -> HttpResponse:
    """Return the page that says so, in the reader's language; nothing of the record is on it."""
    return render(
        request, "damaged.html", {"keys": found.how == "keys", "case_id": _case_of(request, found)}, status=500
    )


def server_fault(request: HttpRequest) -> HttpResponse:
    """Answer what no view could, as Django's `handler500`: data damaged on the way to a view, or a fault of ours."""
    found = of(sys.exc_info()[1])
    if found is None or work.running() is None:
        return server_error(request)
    request.damaged = note(request, found)  # type: ignore[attr-defined]
    return page(request, found)


def note(request: HttpRequest, found: Damage) -> Damage:
    """Return what was found with the case of the address, where nothing nearer is known."""
    return Damage(found.how, _case_of(request, found), found.table, found.row)


def _case_of(request: HttpRequest, found: Damage) -> UUID | None:
    if found.case_id is not None:
        return found.case_id
    match = request.resolver_match
    named = match.kwargs.get("case_id") if match else None
    return named if isinstance(named, UUID) else None


def tell(actor: work.Actor, found: Damage) -> None:
    """Write what was found into the trail and the log, whatever else is damaged: less exactly before not at all."""
    event = "record.damaged"
    logger.error(event, extra={"event": f"{event}.{found.how.replace(' ', '_')}", "case_id": found.case_id})
    case = found.case_id if found.case_id != crypto.INSTALLATION else None
    body = {"table": found.table, "how": found.how}
    fuller = {"case": case, "obj": found.row or case, "body": body}
    for particulars in (fuller, {**fuller, "body": None}, {"obj": case}, {}):
        try:
            audit.record_now(actor, event, reason="damaged", outcome=actions.FAILED, **particulars)
        except (DecryptError, KeyUnavailable, DatabaseError):
            continue
        return
    logger.critical("record.damaged_untold", extra={"event": "record.damaged_untold", "case_id": case})
