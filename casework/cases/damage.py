"""A case among many that does not open: told to the trail and the log, remembered for the page, and passed over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from casework.audit import services as audit
from casework.audit.actions import FAILED
from casework.cases.models import Case
from casework.core import work
from casework.crypto.envelope import DecryptError
from casework.crypto.types import KeyUnavailable

logger = logging.getLogger(__name__)

DOES_NOT_OPEN: Final = (DecryptError, KeyUnavailable)
_STORE: Final = "cases.damaged"


def tell(case_id: UUID) -> None:
    """Write to trail and log that a case among others does not open; once in a unit of work."""
    known = _known()
    if case_id in known:
        return
    known.add(case_id)
    event = "record.damaged"
    logger.error(event, extra={"event": f"{event}.opening", "case_id": case_id})
    # Without particulars: those would need the key of the case, which may be what was changed.
    audit.record(event, case=case_id, reason="damaged", outcome=FAILED)


def found() -> frozenset[UUID]:
    """Return the cases that this unit of work could not open."""
    return frozenset(_known())


def _known() -> set[UUID]:
    known = work.current().store.setdefault(_STORE, set())
    assert isinstance(known, set)
    return known


def opened(case_ids: Iterable[UUID], open_: Callable[[list[UUID]], dict[UUID, Any]]) -> dict[UUID, Any]:
    """Return what `open_` makes of all these cases; those that do not open are told and left out."""
    wanted = list(case_ids)
    try:
        done = open_(wanted)
        left_out = [case_id for case_id in wanted if case_id not in done]
        # One that was erased just now is nobody's fault; one that is there and has no key is.
        for case_id in Case.objects.filter(pk__in=left_out).values_list("pk", flat=True) if left_out else ():
            tell(case_id)
        return done
    except DOES_NOT_OPEN:
        if len(wanted) == 1:
            tell(wanted[0])
            return {}
    middle = len(wanted) // 2
    return opened(wanted[:middle], open_) | opened(wanted[middle:], open_)
