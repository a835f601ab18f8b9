"""Rotation of the wrapping key: a new version, every scope key wrapped again under it, the old versions retired.

All of it is online. A batch is one transaction; whatever is cut off goes on where it stood, since the rows themselves
say what is left. Several may run at once: each takes rows that no other holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction

from casework.crypto import envelope, services
from casework.crypto.envelope import DecryptError
from casework.crypto.keyring import Kek, new_key
from casework.crypto.models import Kek as KekRow
from casework.crypto.models import KeyWrap

KEPT: Final = timedelta(days=14)  # as long as backups of wraps are kept; then nothing that was hoarded opens any more
BATCH: Final = 2_000
_ROTATION_LOCK: Final = 0x6377_726F_7461  # "cwrota"
_PATIENCE: Final = "10s"

# By where the rows lie: a batch then reads and locks neighbours, which is twice as fast as going by random ids.
_BLOCKS: Final = "SELECT pg_relation_size('crypto_keywrap') / current_setting('block_size')::int"
_TAKEN: Final = """
    SELECT w.id, w.scope, w.generation, w.key_version, w.blob, s.commit, s.state
      FROM crypto_keywrap w LEFT JOIN crypto_keyscope s ON s.id = w.scope AND s.generation = w.generation
     WHERE w.ctid >= %s::tid AND w.ctid < %s::tid AND w.recipient_kind = 1 AND w.key_version < %s
       FOR UPDATE OF w
"""
# Ids and wraps come as one value, 84 bytes each: an array of as many values would cost more than its encryption.
_PUT: Final = """
    UPDATE crypto_keywrap w SET key_version = %s, blob = n.blob
      FROM (SELECT encode(substring(packed FROM at FOR 16), 'hex')::uuid AS id,
                   substring(packed FROM at + 16 FOR 68) AS blob
              FROM (SELECT %s::bytea AS packed) p, generate_series(1, octet_length(packed), 84) AS at) n
     WHERE w.id = n.id
"""
_KEYS_IN_A_BLOCK: Final = 40


class Rotation(NamedTuple):
    """A rotation towards a version of the wrapping key; `resumed` when an earlier run had begun it."""

    version: int
    resumed: bool
    wraps: int


@dataclass
class Done:
    """What was done so far. `unopened`: wraps that stay as they are; `removed`: how many wraps of erased scopes."""

    rewrapped: int = 0
    removed: int = 0
    unopened: set[UUID] = field(default_factory=set)

    @property
    def failed(self) -> int:
        """How many wraps do not open."""
        return len(self.unopened)


class Ended(NamedTuple):
    """Versions that were retired and destroyed now, and those that something still needs."""

    retired: tuple[int, ...]
    destroyed: tuple[int, ...]
    needed: tuple[int, ...]


def begin() -> Rotation:
    """Make a new version of the wrapping key, or find the one towards which an unfinished rotation was going.

    Raises `RootKeyError` when the root key does not wrap or open.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two that start at once: the second waits here, and then goes on with what the first has begun.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROTATION_LOCK])
        services.verify_root()
        newest = KekRow.objects.order_by("-version").values_list("version", flat=True)[0]
        resumed = unfinished()
        if not resumed:
            newest += 1
            provider = services.root()
            blob = provider.wrap_kek(Kek(newest, new_key()))
            KekRow.objects.create(version=newest, provider=provider.name, blob=blob)
        left = KeyWrap.objects.filter(recipient_kind=KeyWrap.Recipient.KEK, key_version__lt=newest).count()
    services.forget_process_keys()
    return Rotation(newest, resumed, left)


def unfinished() -> bool:
    """Say whether a rotation was begun and not ended: an older version is active, or something lies under one."""
    newest, state = KekRow.objects.order_by("-version").values_list("version", "state")[0]
    older = KekRow.objects.filter(state=KekRow.State.ACTIVE, version__lt=newest)
    wraps = KeyWrap.objects.filter(recipient_kind=KeyWrap.Recipient.KEK, key_version__lt=newest)
    return state == KekRow.State.ACTIVE and (older.exists() or wraps.exists())


def rewrap(version: int, *, batch: int = BATCH) -> Iterator[Done]:
    """Wrap every scope key that lies under an older version again, and yield what was done after each batch.

    A wrap that does not open is left as it is and counted. Wraps of erased scopes, as an old backup may have brought
    back, are deleted. Ends when no older wrap is left but those.
    """
    newest = services.wrapping_key(version)
    done = Done()
    step = max(1, batch // _KEYS_IN_A_BLOCK)
    waits = False
    while True:
        before = (done.rewrapped, done.removed)
        blocks = _blocks()
        for block in range(0, blocks, step):
            with transaction.atomic(), connection.cursor() as cursor:
                # A crash of the machine may undo the last batches, which are then done again; what retires a key
                # later waits for the disk, and for everything before it.
                cursor.execute("SET LOCAL synchronous_commit = off")
                any_left = _rewrap_blocks(newest, block, block + step, done, waits=waits)
            if any_left:
                yield done
        if (done.rewrapped, done.removed) != before:
            waits = False
        elif waits:
            return
        else:
            waits = True  # the last round waits for what others hold, in case they die with it


def retire(version: int, now: datetime, done: Done) -> Ended:
    """Retire the versions before `version` that no wrap needs, and destroy those that were retired long enough ago.

    The key's row is locked, what was written under it since is wrapped again, and then it is counted, in one
    transaction: whoever writes under that version has committed and is counted, or waits and is refused then.
    """
    retired, destroyed, needed = [], [], []
    newest = services.wrapping_key(version)
    for old in KekRow.objects.filter(version__lt=version).order_by("version").values_list("version", flat=True):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
                row = KekRow.objects.select_for_update().filter(version=old).first()
                if row is None:
                    continue
                wraps = KeyWrap.objects.filter(recipient_kind=KeyWrap.Recipient.KEK, key_version=old)
                if 0 < wraps.count() <= BATCH:  # more than a few would keep people waiting
                    _rewrap_blocks(newest, 0, _blocks(), done, waits=True)
                if wraps.exists():
                    needed.append(old)
                elif row.state == KekRow.State.ACTIVE or row.retired_at is None:
                    row.state, row.retired_at = KekRow.State.RETIRED, now
                    row.save(update_fields=["state", "retired_at"])
                    retired.append(old)
                elif row.retired_at <= now - KEPT:
                    row.delete()
                    destroyed.append(old)
        except OperationalError:
            needed.append(old)  # somebody has been writing under it for longer than we wait
    if retired or destroyed:
        services.forget_process_keys()
    return Ended(tuple(retired), tuple(destroyed), tuple(needed))


def _blocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS)
        return int(cursor.fetchone()[0])


def _rewrap_blocks(newest: Kek, low: int, high: int, done: Done, *, waits: bool) -> bool:
    with connection.cursor() as cursor:
        taken = _TAKEN + ("" if waits else " SKIP LOCKED")
        cursor.execute(taken, [f"({low},0)", f"({high},0)", newest.version])
        rows = cursor.fetchall()
        packed: list[bytes] = []
        erased: list[UUID] = []
        keks: dict[int, Kek] = {}
        for row, scope, generation, old, blob, commit, state in rows:
            if state == "erased":
                erased.append(row)
                continue
            try:
                if commit is None:
                    raise DecryptError
                if old not in keks:
                    keks[old] = services.wrapping_key(old)
                made = envelope.rewrap_scope(
                    bytes(blob),
                    old=keks[old],
                    new=newest,
                    scope=scope,
                    generation=generation,
                    commit=bytes(commit),
                )
            except DecryptError:
                done.unopened.add(row)
                continue
            packed += (row.bytes, made)
        if packed:
            cursor.execute(_PUT, [newest.version, b"".join(packed)])
        if erased:
            cursor.execute("DELETE FROM crypto_keywrap WHERE id = ANY(%s)", [erased])
    done.rewrapped += len(packed) // 2
    done.removed += len(erased)
    return bool(rows)
