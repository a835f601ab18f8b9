"""Reading the trail for people. The database shows each role what it may see; these say how it is put."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from casework.audit import actions, chain
from casework.audit.models import Entry, Head
from casework.audit.soundness import is_sound
from casework.audit.types import SYSTEM_STREAM, Row, TrailEntry
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError, open_body
from casework.crypto.keyring import ScopeKeyring
from casework.crypto.types import KeyUnavailable

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last entry of a stream, and the first signed checkpoint over it (None while none was signed)."""

    seq: int
    hash: bytes
    checkpoint: int | None = None
    size: int | None = None
    signed_at: datetime | None = None


class BadCursor(ValueError):
    """A cursor that no page of the trail gave out."""


def entries_of_case(case_id: UUID, *, limit: int = PAGE, before: str = "") -> list[TrailEntry]:
    """Return the newest entries about a case, with their particulars, newest first.

    `before`: the `cursor` of the last entry of the page before. Particulars are those of the case's own stream; what
    was refused to someone without a grant lies in that person's stream, and its particulars stay shut.

    Raises:
        BadCursor: `before` is none.
        whatever the keys' guard raises, when the reader has no grant.
    """
    rows = list(_page(Entry.objects.filter(case_id=case_id), limit, before))
    keys = crypto.keys_for_many([case_id]).get(case_id)
    return [_with_particulars(row, keys) if row.stream == case_id else _shown(row, None) for row in rows]


def shown(rows: Sequence[Entry]) -> list[TrailEntry]:
    """Return rows of one case's own stream as entries for people, with their particulars.

    Raises:
        whatever the keys' guard raises, when the reader has no grant.
    """
    keys = crypto.keys_for_many({row.stream for row in rows})
    return [_with_particulars(row, keys.get(row.stream)) for row in rows]


def entries_of_actor(user_id: UUID, *, limit: int = PAGE, before: str = "") -> list[TrailEntry]:
    """Return the newest entries of what one person did, newest first, without particulars."""
    return [_shown(row, None) for row in _page(Entry.objects.filter(actor=user_id).defer("body"), limit, before)]


def entries_all(*, limit: int = PAGE, before: str = "") -> list[TrailEntry]:
    """Return the newest entries of the whole trail, newest first, without particulars.

    The database shows an auditor all of it, and anybody else what they did and what was done to cases they see.
    """
    return [_shown(row, None) for row in _page(Entry.objects.defer("body"), limit, before)]


def end_of_stream(stream: UUID) -> StreamEnd | None:
    """Return where a stream ends; None when nothing was ever written into it."""
    head = Head.objects.filter(stream=stream).first()
    if head is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, size, signed_at FROM cw_checkpoint_over(%s, %s)", [stream, head.seq])
        signed = cursor.fetchone() or ()
    return StreamEnd(head.seq, bytes(head.hash), *signed)


def _page(entries: models.QuerySet[Entry], limit: int, before: str) -> Iterable[Entry]:
    if before:
        at, stream, seq = _position(before)
        later = models.Q(time_us=at) & (models.Q(stream__gt=stream) | models.Q(stream=stream, seq__gte=seq))
        entries = entries.filter(time_us__lte=at).exclude(later)
    return entries.order_by("-time_us", "-stream", "-seq")[:limit]


def _position(cursor: str) -> tuple[int, UUID, int]:
    try:
        at, stream, seq = cursor.split(".")
        return int(at), UUID(hex=stream), int(seq)
    except ValueError:
        raise BadCursor("no page of the trail ends there") from None


def _with_particulars(row: Entry, keys: ScopeKeyring | None) -> TrailEntry:
    damaged = not is_sound(Row(*(getattr(row, name) for name in Row._fields)))
    if keys is None or not row.body:
        return _shown(row, None if keys is None else {}, damaged=damaged)
    try:
        opened = open_body(bytes(row.body), keys=keys, context=chain.body_context(row.stream, row.seq))
    except DecryptError:
        return _shown(row, None, damaged=True)
    except KeyUnavailable:
        return _shown(row, None, damaged=damaged)
    particulars: dict[str, Any] = json.loads(opened)
    return _shown(row, particulars, damaged=damaged)


def _shown(row: Entry, particulars: dict[str, Any] | None, *, damaged: bool = False) -> TrailEntry:
    action = actions.ACTION_BY_CODE.get(row.action)
    reason = actions.REASON_BY_CODE.get(row.reason)
    return TrailEntry(
        stream=row.stream,
        seq=row.seq,
        at=chain.moment(row.time_us),
        actor=None if row.actor == chain.NIL else row.actor,
        by_machine=row.actor == SYSTEM_STREAM,
        action=action.name if action else "",
        sentence=action.sentence if action else _("Did something that this version does not know"),
        outcome=row.outcome,
        outcome_label=actions.OUTCOMES.get(row.outcome, ""),
        reason=reason.sentence if reason else "",
        object=None if row.object == chain.NIL else row.object,
        case_id=row.case_id,
        request_id=row.request_id,
        particulars=particulars,
        damaged=damaged,
        cursor=f"{row.time_us}.{row.stream.hex}.{row.seq}",
    )
