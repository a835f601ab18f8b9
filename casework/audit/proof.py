"""A proof of one case's trail that whoever gets it can check without our server (`docs/verify_proof.py`).

The format stands in docs/formats-audit.md. What the hashes cover is proved; names, words and opened particulars go
with it as told by the server, since nothing that is signed covers them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django.db import connection

from casework.audit import actions, chain, seal, selectors
from casework.audit.models import Checkpoint, Entry

FORMAT: Final = "cw/proof1"

Names = Callable[[Collection[UUID]], Mapping[UUID, str]]


class NotSealed(Exception):
    """The sealer has not signed anything of this case yet: in a minute it will have."""


class NoSuchCheckpoint(ValueError):
    """No checkpoint was signed over a log of that size."""


def of_case(case_id: UUID, *, names: Names, since: int | None = None) -> dict[str, Any]:
    """Return the proof of a case's whole trail, ready for JSON.

    To be made in the unit of work of somebody who may see the case's trail: the database gives nothing to others.

    Args:
        names: what those with these ids are called; told and not proved.
        since: the size that an earlier checkpoint names, such as one printed on a dossier; the proof then shows that
            the log still begins with what that checkpoint was signed over.
    Raises:
        NotSealed: there is no checkpoint over any entry of this case yet.
        NoSuchCheckpoint: `since` is the size of none.
    """
    newest = Checkpoint.objects.order_by("-number").first()
    place = _last_leaf(case_id, newest.size) if newest is not None else None
    if newest is None or place is None:
        raise NotSealed
    if since is not None and not Checkpoint.objects.filter(size=since).exists():
        raise NoSuchCheckpoint
    index, seq = place
    entries = list(Entry.objects.filter(stream=case_id).order_by("seq"))
    return {
        "format": FORMAT,
        "key": _public_key(newest),
        "checkpoint": newest.note,
        "case": str(case_id),
        "entries": [_entry(row) for row in entries],
        "sealed": {
            "seq": seq,
            "index": index,
            "proof": [_b64(_root(*span)) for span in chain.proof_ranges(index, newest.size)],
        },
        "last_on_day": _last_on_day(case_id),
        "earlier": None
        if since is None
        else {
            "size": since,
            "proof": [_b64(_root(*span)) for span in chain.consistency_ranges(since, newest.size)],
        },
        "told": _told(entries, names),
    }


def _public_key(newest: Checkpoint) -> str | None:
    with suppress(chain.BadNote, OSError):
        public = seal.known_public_key()
        if public is not None:
            return chain.verifier_key(chain.read_note(newest.note).origin, public)
    return None


def _entry(row: Entry) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "time_us": row.time_us,
        "actor": str(row.actor),
        "action": row.action,
        "outcome": row.outcome,
        "reason": row.reason,
        "object": str(row.object),
        "row_digest": _b64(bytes(row.row_digest)),
        "body": _b64(row.request_id.bytes + bytes(row.body)),
    }


def _told(entries: list[Entry], names: Names) -> dict[str, Any]:
    """Return what helps to read the entries; nothing of it is proved."""
    shown = {entry.seq: entry for entry in selectors.shown(entries)}
    return {
        "people": {str(actor): name for actor, name in names({entry.actor for entry in entries}).items()},
        "actions": {str(entry.action): str(shown[entry.seq].sentence) for entry in entries},
        "outcomes": {str(code): str(label) for code, label in actions.OUTCOMES.items()},
        "particulars": {str(seq): entry.particulars for seq, entry in shown.items() if entry.particulars},
    }


def _last_leaf(case_id: UUID, size: int) -> tuple[int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT place, seq FROM audit_last_leaf(%s, %s)", [case_id, size])
        found: tuple[int, int] | None = cursor.fetchone()
    return found


def _root(first: int, past: int) -> bytes:
    """Return the root over a range of the log's leaves, which come in a stream."""
    return chain.root_of(_leaves(first, past))


def _leaves(first: int, past: int) -> Iterator[bytes]:
    with connection.cursor() as cursor:
        for (digest,) in cursor.stream("SELECT * FROM audit_leaf_hashes(%s, %s)", [first, past]):
            yield bytes(digest)


def _last_on_day(case_id: UUID) -> dict[str, Any] | None:
    """Return the newest proof that an entry was the last one of its case; None while no checkpoint tells that."""
    signed = Checkpoint.objects.filter(has_heads=True).order_by("-number").first()
    place = _last_leaf(case_id, signed.size) if signed is not None else None
    if signed is None or place is None:
        return None
    digests: list[bytes] = []
    mine = 0
    with connection.cursor() as cursor:
        for at, (is_mine, digest) in enumerate(
            cursor.stream("SELECT mine, digest FROM audit_head_hashes(%s, %s)", [case_id, signed.size])
        ):
            digests.append(bytes(digest))
            mine = at if is_mine else mine
    ranges = chain.proof_ranges(mine, len(digests))
    return {
        "checkpoint": signed.note,
        "seq": place[1],
        "index": mine,
        "size": len(digests),
        "proof": [_b64(chain.root_of(digests[first:past])) for first, past in ranges],
    }


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
