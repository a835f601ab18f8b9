"""Reading the trail for people. The database shows each role what it may see; these say how it is put."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from casework.audit import actions, chain, unusual
from casework.audit.models import Checkpoint, Entry, Head
from casework.audit.soundness import is_sound
from casework.audit.types import EVERYTHING, SYSTEM_STREAM, Row, TrailEntry, TrailFilter
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


def entries_of_case(
    case_id: UUID, *, wanted: TrailFilter = EVERYTHING, limit: int = PAGE, before: str = ""
) -> list[TrailEntry]:
    """Return the newest entries about a case that are wanted, with their particulars, newest first.

    `before`: the `cursor` of the last entry of the page before. Particulars are those of the case's own stream; what
    was refused to someone without a grant lies in that person's stream, and its particulars stay shut.

    Raises:
        BadCursor: `before` is none.
        whatever the keys' guard raises, when the reader has no grant.
    """
    rows = _newest(Entry.objects.filter(case_id=case_id), wanted, limit, before)
    keys = crypto.keys_for_many([case_id]).get(case_id)
    return [_with_particulars(row, keys) if row.stream == case_id else _shown(row, None) for row in rows]


def all_of_case(case_id: UUID, *, wanted: TrailFilter = EVERYTHING) -> Iterator[TrailEntry]:
    """Yield every entry about a case that is wanted, oldest first, without particulars; looked at for soundness."""
    rows = _wanted(Entry.objects.filter(case_id=case_id), wanted).order_by("time_us", "stream", "seq")
    for row in rows.iterator():
        yield _shown(row, None, damaged=not _is_sound(row))


def actors_of_case(case_id: UUID) -> list[UUID]:
    """Return who did something with a case, was refused included; one query over the case's own entries."""
    return list(Entry.objects.filter(case_id=case_id).order_by().values_list("actor", flat=True).distinct())


def has_done(user_id: UUID, action: str) -> bool:
    """Say whether somebody did this ever, as their own stream has it; for who may read it, as themselves."""
    return Entry.objects.filter(stream=user_id, action=actions.action_named(action).code).exists()


def shown(rows: Sequence[Entry]) -> list[TrailEntry]:
    """Return rows of one case's own stream as entries for people, with their particulars.

    Raises:
        whatever the keys' guard raises, when the reader has no grant.
    """
    keys = crypto.keys_for_many({row.stream for row in rows})
    return [_with_particulars(row, keys.get(row.stream)) for row in rows]


def entries_of_actor(
    user_id: UUID, *, wanted: TrailFilter = EVERYTHING, limit: int = PAGE, before: str = ""
) -> list[TrailEntry]:
    """Return the newest entries of what one person did, or nobody at their account; newest first, no particulars."""
    return entries_all(wanted=replace(wanted, person=user_id), limit=limit, before=before)


def own_entries(
    user_id: UUID, *, wanted: TrailFilter = EVERYTHING, limit: int = PAGE, before: str = ""
) -> list[TrailEntry]:
    """Return the same for that person themselves: with the particulars of their own stream, such as a device.

    Raises:
        BadCursor: `before` is none.
    """
    rows = _newest(Entry.objects.all(), replace(wanted, person=user_id), limit, before)
    keys = crypto.keys_for_many([user_id]).get(user_id)
    return [_with_particulars(row, keys) if row.stream == user_id else _shown(row, None) for row in rows]


@dataclass(frozen=True, slots=True)
class Summary:
    """What one person did since a moment: how often each action, by name, and how many different cases they read.

    `failed`: what was tried at their account and did not succeed, by name. `devices`: kinds of browser that signed in
    (`browser/system`, either may be empty), with how often and when last.
    """

    done: Mapping[str, int]
    failed: Mapping[str, int]
    cases: int
    devices: tuple[tuple[str, int, datetime], ...]


def summary_of(user_id: UUID, since: datetime) -> Summary:
    """Return what one person did since then; four queries, and a key for what is sealed to them."""
    start = chain.time_us(since)
    own = Entry.objects.filter(actor=user_id, time_us__gte=start).order_by()
    at_account = Entry.objects.filter(actor=chain.NIL, object=user_id, time_us__gte=start).order_by()
    done: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for rows in (own, at_account):
        for code, outcome, count in rows.values_list("action", "outcome").annotate(count=models.Count("*")):
            name = actions.ACTION_BY_CODE[code].name if code in actions.ACTION_BY_CODE else ""
            (done if outcome == actions.DONE else failed)[name] += count
    read = actions.action_named("case.read").code
    cases = own.filter(action=read).aggregate(count=models.Count("case_id", distinct=True))["count"]
    return Summary(done, failed, cases, _devices_of(user_id, own))


def _devices_of(user_id: UUID, own: models.QuerySet[Entry]) -> tuple[tuple[str, int, datetime], ...]:
    rows = list(own.filter(action=actions.action_named("auth.signed_in").code).order_by("-time_us"))
    keys = crypto.keys_for_many([user_id]).get(user_id) if rows else None
    entries = [_with_particulars(row, keys) for row in rows]
    kinds = [str((entry.particulars or {}).get("device", "")) for entry in entries]
    often = Counter(kinds)
    last = {kind: entry.at for kind, entry in zip(reversed(kinds), reversed(entries), strict=True)}
    return tuple((kind, often[kind], last[kind]) for kind in dict.fromkeys(kinds))


def entries_all(*, wanted: TrailFilter = EVERYTHING, limit: int = PAGE, before: str = "") -> list[TrailEntry]:
    """Return the newest entries of the whole trail that are wanted, newest first, without particulars.

    The database shows an auditor all of it, and anybody else what they did and what was done to cases they see. Each
    filter has an index to read by (docs/running.md says what that costs).

    Raises:
        BadCursor: `before` is none.
    """
    return [_shown(row, None) for row in _newest(Entry.objects.defer("body"), wanted, limit, before)]


def tries_since(user_id: UUID, action: str, since: datetime, *, but: str) -> list[datetime]:
    """Return when one person did or tried `action` since then, whatever came of it; refusals for `but` left out."""
    tried = Entry.objects.filter(actor=user_id, time_us__gte=chain.time_us(since))
    code, left_out = actions.action_named(action).code, actions.reason_code(but)
    times = tried.filter(action=code).exclude(reason=left_out).order_by("time_us").values_list("time_us", flat=True)
    return [chain.moment(us) for us in times]


def end_of_stream(stream: UUID) -> StreamEnd | None:
    """Return where a stream ends; None when nothing was ever written into it."""
    head = Head.objects.filter(stream=stream).first()
    if head is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, size, signed_at FROM cw_checkpoint_over(%s, %s)", [stream, head.seq])
        signed = cursor.fetchone() or ()
    return StreamEnd(head.seq, bytes(head.hash), *signed)


@dataclass(frozen=True, slots=True)
class Seal:
    """The newest signed checkpoint, and up to which entry of a stream it covers it."""

    seq: int
    number: int
    size: int
    signed_at: datetime
    note: str


def seal_over(stream: UUID) -> Seal | None:
    """Return the newest checkpoint with the last entry of a stream that it covers; None while it covers none."""
    newest = Checkpoint.objects.order_by("-number").first()
    if newest is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM audit_last_leaf(%s, %s)", [stream, newest.size])
        found = cursor.fetchone()
    return Seal(found[0], newest.number, newest.size, newest.time, newest.note) if found else None


def _newest(entries: models.QuerySet[Entry], wanted: TrailFilter, limit: int, before: str) -> list[Entry]:
    entries = _wanted(entries, wanted)
    if before:
        at, stream, seq = _position(before)
        later = models.Q(time_us=at) & (models.Q(stream__gt=stream) | models.Q(stream=stream, seq__gte=seq))
        entries = entries.filter(time_us__lte=at).exclude(later)
    if wanted.person is None:
        return list(entries.order_by(*_NEWEST)[:limit])
    # Two walks along two indexes: asked for with "or", the database reads the trail of everybody until it has a page.
    own = entries.filter(actor=wanted.person).order_by(*_NEWEST)[:limit]
    at_account = entries.filter(actor=chain.NIL, object=wanted.person).order_by(*_NEWEST)[:limit]
    return sorted((*own, *at_account), key=lambda row: (row.time_us, row.stream, row.seq), reverse=True)[:limit]


_NEWEST: Final = ("-time_us", "-stream", "-seq")


def _wanted(entries: models.QuerySet[Entry], wanted: TrailFilter) -> models.QuerySet[Entry]:
    if wanted.case:
        entries = entries.filter(_case_beginning(wanted.case))
    if wanted.action:
        entries = entries.filter(action=actions.action_named(wanted.action).code)
    if wanted.outcome is not None:
        entries = entries.filter(outcome=wanted.outcome)
    if wanted.since:
        entries = entries.filter(time_us__gte=chain.time_us(wanted.since))
    if wanted.until:
        entries = entries.filter(time_us__lt=chain.time_us(wanted.until))
    if wanted.unusual:
        entries = entries.filter(unusual.condition())
    return entries


def _case_beginning(start: str) -> models.Q:
    """Return the condition for cases whose id begins so; for one case, as nearly always, one that an index sorts by."""
    first, last = (UUID(hex=start.replace("-", "").ljust(32, digit)) for digit in "0f")
    among = Entry.objects.filter(case_id__gte=first, case_id__lte=last)
    lowest, highest = (among.order_by(by).values_list("case_id", flat=True).first() for by in ("case_id", "-case_id"))
    if lowest is not None and lowest == highest:
        return models.Q(case_id=lowest)
    return models.Q(case_id__gte=first, case_id__lte=last)


def _position(cursor: str) -> tuple[int, UUID, int]:
    try:
        at, stream, seq = cursor.split(".")
        return int(at), UUID(hex=stream), int(seq)
    except ValueError:
        raise BadCursor("no page of the trail ends there") from None


def _with_particulars(row: Entry, keys: ScopeKeyring | None) -> TrailEntry:
    damaged = not _is_sound(row)
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


def _is_sound(row: Entry) -> bool:
    return is_sound(Row(*(getattr(row, name) for name in Row._fields)))


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
