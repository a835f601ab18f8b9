"""Keys by scope: made, opened for one unit of work, destroyed. The only place that reads the key tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from casework.crypto import envelope, recovery
from casework.crypto.keyring import (
    Kek,
    RootKeyError,
    RootProvider,
    ScopeKeyring,
    ScopeKeys,
    commitment,
    new_key,
    root_provider,
)
from casework.crypto.models import Kek as KekRow
from casework.crypto.models import KeyScope, KeyWrap
from casework.crypto.types import KeyUnavailable, KeyWornOut, StaleKeys

Guard = Callable[[Collection[UUID]], None]
Sieve = Callable[[Collection[bytes] | None], Collection[bytes] | None]

INSTALLATION: Final = UUID("ca5e0000-0000-4000-8000-000000000001")
_NOBODY: Final = UUID(int=0)
_AUDIT_LABEL: Final = b"cw/mac1/audit"
_GRANT_LABEL: Final = b"cw/mac1/grant"
_INSTALL_LOCK: Final = 0x6377_6B65_7931  # "cwkey1"
_PROCESS_SECONDS: Final = 300.0
_MOST_IN_UNIT: Final = 20_000
_MOST_KEKS: Final = 32
_RETIRED_KEK: Final = "crypto_keywrap_under_active"
FENCE: Final = 0x6377_6B67  # "cwkg"
# Random nonces of one key must not meet. At half of what one key may seal it is renewed.
MOST_SEALED: Final = 1 << 28
RENEW_AT: Final = MOST_SEALED // 2
# One sealing of so many is counted, as so many: by its own random nonce, so that counting costs nothing.
COUNTED: Final = 1 << 16

_SQL: Final = """
    SELECT s.id, s.kind, s.parent, s.generation, s.commit, s.sealed,
           w.recipient_kind, w.recipient_id, w.key_version, w.blob
      FROM crypto_keyscope s
      JOIN crypto_keywrap w ON w.scope = s.id AND w.generation = s.generation
     WHERE s.state <> 'erased'
       AND (s.id = ANY(%(ids)s)
            OR s.id IN (SELECT c.parent FROM crypto_keyscope c WHERE c.id = ANY(%(ids)s) AND c.parent IS NOT NULL))
"""


class _Row(NamedTuple):
    scope: UUID
    kind: str
    parent: UUID | None
    generation: int
    commit: bytes
    sealed: int
    recipient_kind: int
    recipient_id: UUID
    key_version: int
    blob: bytes


@dataclass
class _Process:
    """What one process keeps between units of work: the guard, wrapping keys and the installation's own keys."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    keks: dict[int, Kek] = field(default_factory=dict)
    blobs: dict[int, bytes] = field(default_factory=dict)
    newest: int = 0
    keks_until: float = 0.0
    installation: ScopeKeyring | None = None
    installation_until: float = 0.0
    macs: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    worn: dict[tuple[UUID, int], int] = field(default_factory=dict)
    root_mark: bytes = b""
    guard: Guard | None = None
    sieve: Sieve | None = None
    stored: Callable[[], None] | None = None


_process = _Process()
_unit: ContextVar[dict[UUID, ScopeKeyring] | None] = ContextVar("casework_crypto_keys", default=None)
_made: ContextVar[frozenset[UUID]] = ContextVar("casework_crypto_made", default=frozenset())
_stored: ContextVar[set[tuple[UUID, int]] | None] = ContextVar("casework_crypto_stored", default=None)
_looked: ContextVar[bool] = ContextVar("casework_crypto_looked", default=False)
_joined: ContextVar[RootProvider | None] = ContextVar("casework_crypto_joined", default=None)


class CacheLimits(NamedTuple):
    """How many keys a process keeps, and how long before it reads their rows again."""

    wrapping_keys: int
    wrapping_keys_seconds: float
    installation_seconds: float
    scopes_in_a_unit: int


def cache_limits() -> CacheLimits:
    """Return the bounds of the key caches of this process; keys of scopes live no longer than one unit of work."""
    return CacheLimits(_MOST_KEKS, _PROCESS_SECONDS, _PROCESS_SECONDS, _MOST_IN_UNIT)


def set_unwrap_guard(guard: Guard | None, sieve: Sieve | None = None) -> None:
    """Register the question asked before keys of cases are unwrapped; None takes it away (tests only).

    `guard(case_ids)` raises to refuse. It is asked once per case and unit of work, for persons inside a case about the
    case, and never about users, imports or the installation. `sieve(ids)` is the same question for thousands at once:
    it returns those of `ids`, of 16 bytes each, that the actor may open; of None, which stands for all cases, those
    that there are, or None for no bound.
    """
    _process.guard, _process.sieve = guard, sieve


def admitted(ids: Collection[bytes] | None) -> Collection[bytes] | None:
    """Return those of `ids` whose keys may be unwrapped for who acts; none where a guard has no sieve."""
    if _process.guard is None:
        return ids
    return [] if _process.sieve is None else _process.sieve(ids)


def set_stored_hook(hook: Callable[[], None] | None) -> None:
    """Register what is told when a unit of work first stores sealed values: it has `confirm_stored` run at the end."""
    _process.stored = hook


def clear() -> None:
    """Forget all keys of cases, persons, users and imports of this unit of work; run at its end."""
    _unit.set(None)
    _made.set(frozenset())
    _stored.set(None)
    _looked.set(False)


def forget_process_keys() -> None:
    """Forget wrapping keys and installation keys kept by this process, as after a rotation or in another database."""
    with _process.lock:
        _process.keks, _process.blobs, _process.newest, _process.keks_until = {}, {}, 0, 0.0
        _process.installation, _process.installation_until, _process.macs = None, 0.0, {}
        _process.root_mark = b""
        _process.worn = {}


def root() -> RootProvider:
    """Return the root provider that the settings name; raises `RootKeyError`."""
    return _joined.get() or root_provider(
        getattr(settings, "CASEWORK_ROOT_PROVIDER", "file"), path=getattr(settings, "CASEWORK_ROOT_KEY_FILE", None)
    )


@contextmanager
def using_root(provider: RootProvider) -> Iterator[None]:
    """Open everything with this root key, as one put together from its shares when the settings' own is lost."""
    forget_process_keys()
    token = _joined.set(provider)
    try:
        yield
    finally:
        _joined.reset(token)
        forget_process_keys()


def root_warnings() -> list[str]:
    """Say in sentences what is weak about where the root key lies; empty when nothing is."""
    return root().warnings(beside=[Path(settings.CASEWORK_FILES_DIR), Path(connection.settings_dict["HOST"] or "/")])


def wrapping_key_versions() -> tuple[int, ...]:
    """Return the versions of the wrapping key that this database has, the oldest first."""
    return tuple(KekRow.objects.order_by("version").values_list("version", flat=True))


def root_mark() -> bytes:
    """Return the mark of this installation's root key, read once in a process; raises `RootKeyError`."""
    with _process.lock:
        if not _process.root_mark:
            _process.root_mark = recovery.root_mark(root())
        return _process.root_mark


def verify_root() -> None:
    """Open every wrapping key with the root key; raises `RootKeyError` with what to do. Run before serving."""
    provider = root()
    rows = KekRow.objects.order_by("version").values_list("version", "blob")
    found = {version: bytes(blob) for version, blob in rows}
    if not found:
        provider.check()
        msg = "This database has no wrapping key yet: finish setting up the installation before starting it."
        raise RootKeyError(msg)
    for version, blob in found.items():
        provider.unwrap_kek(blob, version)


def ensure_installation() -> bool:
    """Make the first wrapping key and the installation's own scope unless they exist; safe to run by many at once.

    Returns whether the installation is a new one.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # Two first starts at once: the second waits here and then finds everything made.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_INSTALL_LOCK])
        if not KekRow.objects.exists():
            forget_process_keys()
            provider = root()
            blob = provider.wrap_kek(Kek(1, new_key()))
            KekRow.objects.create(version=1, provider=provider.name, blob=blob)
        is_new = not KeyScope.objects.filter(scope=INSTALLATION).exists()
        if is_new:
            forget_process_keys()
            _store(KeyScope.Kind.INSTALLATION, ScopeKeys(INSTALLATION, 1, new_key()), None)
    return is_new


def create_scope(kind: str, scope_id: UUID, parent: UUID | None = None) -> ScopeKeyring:
    """Make the first key of a scope and return it, ready for this unit of work.

    `kind`: case, user or import, wrapped by the wrapping key; person, wrapped by the key of its case `parent`. The
    guard is not asked about a scope made in this unit of work: nothing is unwrapped, and its first grant is itself
    sealed. Raises `IntegrityError` when the scope exists or kind and parent do not fit. When the creating savepoint is
    rolled back, the unit of work must not go on with the same id.
    """
    keys = ScopeKeys(scope_id, 1, new_key())
    _store(kind, keys, keys_for(parent).newest if parent is not None else None)
    ring = ScopeKeyring([keys])
    _remember({scope_id: ring})
    _made.set(_made.get() | {scope_id})
    return ring


def key_to_seal(scope_id: UUID) -> ScopeKeys:
    """Return the key under which a new value of a scope is sealed; a key that has sealed enough is renewed first.

    Raises:
        KeyWornOut: it has sealed as many values as one key may, and the running database role makes no keys.
        whatever `keys_for` raises.
    """
    newest = keys_for(scope_id).newest
    sealed = _process.worn.get((scope_id, newest.generation), 0) if _process.worn else 0
    if sealed < RENEW_AT:
        return newest
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('crypto_keyscope', 'INSERT')")
        (makes_keys,) = cursor.fetchone()
    if makes_keys:
        renew_scope(scope_id, after=newest.generation)
        return keys_for(scope_id).newest
    if sealed >= MOST_SEALED:
        msg = f"The key of scope {scope_id} has sealed all it may: renew it with rotate_keys."
        raise KeyWornOut(msg)
    return newest


def count_sealed(scope: UUID, generation: int, blob: bytes) -> None:
    """Count a value that was sealed: one of `COUNTED` on average, told by the last bytes of its nonce, as `COUNTED`.

    So the count is right but for some thousandths, and costs a statement in 65,536 values.
    """
    if blob[18:20] != b"\0\0":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE crypto_keyscope SET sealed = sealed + %s WHERE id = %s AND generation = %s",
            [COUNTED, scope, generation],
        )


def renew_scope(scope_id: UUID, *, after: int | None = None) -> int:
    """Start a new generation of a scope's key and return its number: from now on values are sealed under it.

    For a case this is what to call when somebody's access was revoked for cause, in the same unit of work and as its
    last act; for `INSTALLATION` it begins a new epoch of MACs. Older generations go on opening what they sealed.
    `casework.crypto.renewal` seals that anew. The caller has asked whether the actor may. With `after`, the generation
    to be left, nothing is done where somebody else has left it meanwhile. Raises as `keys_for`.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [FENCE, fence_of(scope_id)])
        if scope_id == INSTALLATION:
            forget_process_keys()
        else:
            (_unit.get() or {}).pop(scope_id, None)
        ring = keys_for(scope_id)
        if after is not None and ring.newest.generation > after:
            return ring.newest.generation
        row = KeyScope.objects.get(scope=scope_id, generation=ring.newest.generation)
        keys = ScopeKeys(scope_id, ring.newest.generation + 1, new_key())
        _store(row.kind, keys, keys_for(row.parent).newest if row.parent is not None else None)
    if scope_id == INSTALLATION:
        # Read again by whoever needs it next, this process too: should this be rolled back, nothing is left of it.
        transaction.on_commit(forget_process_keys)
    else:
        _remember({scope_id: ScopeKeyring([*ring, keys])})
    return keys.generation


def note_stored(scope: UUID, generation: int) -> None:
    """Note that a value of that generation goes into the database; called by the fields as they are saved."""
    noted = _stored.get()
    if noted is None:
        noted = set()
        _stored.set(noted)
    if (scope, generation) in noted or scope in _made.get():
        return
    noted.add((scope, generation))
    if _process.stored is not None:
        _process.stored()


def confirm_stored() -> None:
    """Refuse the unit of work if it stored a value under a generation that was retired or erased meanwhile.

    Runs as one of the last statements of a unit. Raises `StaleKeys`; saving again, from fresh rows, succeeds.
    """
    noted = _stored.get()
    if not noted:
        return
    _stored.set(None)
    scopes = [scope for scope, _generation in noted]
    with connection.cursor() as cursor:
        # Two statements in one trip, as the second must not see less than what was committed when the first had its
        # locks. They are held to the commit, so that a generation is retired before this look or after our rows stand.
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, bucket)"
            " FROM (SELECT DISTINCT unnest(%s::int[]) AS bucket ORDER BY 1) b;"
            " SELECT 1 FROM crypto_keyscope WHERE state <> 'live'"
            " AND (id, generation) IN (SELECT * FROM unnest(%s::uuid[], %s::bigint[])) LIMIT 1",
            [FENCE, [fence_of(scope) for scope in scopes], scopes, [generation for _scope, generation in noted]],
        )
        cursor.nextset()
        if cursor.fetchone():
            raise StaleKeys


def fence_of(scope: UUID) -> int:
    """Return the number of the lock that stands for a scope: few numbers, as a unit may store values of many scopes."""
    return scope.int & 0x3FF


def _store(kind: str, keys: ScopeKeys, parent: ScopeKeys | None) -> None:
    try:
        _try_to_store(kind, keys, parent)
    except IntegrityError as error:
        # A rotation has retired the wrapping key since we last looked.
        if _RETIRED_KEK not in str(getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")):
            raise
        with _process.lock:
            _process.keks_until = 0.0
        _try_to_store(kind, keys, parent)


def _try_to_store(kind: str, keys: ScopeKeys, parent: ScopeKeys | None) -> None:
    commit = commitment(keys.reveal_for_wrapping(), keys.scope, keys.generation)
    if parent is None:
        kek = _newest_kek()
        wrap = envelope.wrap_scope_to_kek(keys, kek)
        recipient, recipient_id, version = KeyWrap.Recipient.KEK, _NOBODY, kek.version
    else:
        wrap = envelope.wrap_scope_to_parent(keys, parent)
        recipient, recipient_id, version = KeyWrap.Recipient.SCOPE, parent.scope, parent.generation
    with transaction.atomic():
        KeyScope.objects.create(
            scope=keys.scope,
            generation=keys.generation,
            kind=kind,
            parent=parent.scope if parent else None,
            commit=commit,
        )
        KeyWrap.objects.create(
            scope=keys.scope,
            generation=keys.generation,
            recipient_kind=recipient,
            recipient_id=recipient_id,
            key_version=version,
            blob=wrap,
        )


def keys_for(scope_id: UUID) -> ScopeKeyring:
    """Return the keys of one scope.

    Raises:
        KeyUnavailable: the scope does not exist, was erased, or has no key for this server.
        DecryptError: what is stored was changed.
        RootKeyError: the wrapping key does not open.
        whatever the guard raises.
    """
    ring = (_unit.get() or {}).get(scope_id)
    if ring is None:
        ring = keys_for_many([scope_id]).get(scope_id)
        if ring is None:
            msg = f"There is no key for scope {scope_id}."
            raise KeyUnavailable(msg)
    return ring


def keys_again(scope_id: UUID) -> ScopeKeyring:
    """Return the keys of one scope as they are by now: it may have been renewed since this unit of work read them."""
    (_unit.get() or {}).pop(scope_id, None)
    return keys_for(scope_id)


def keys_for_many(scope_ids: Iterable[UUID]) -> dict[UUID, ScopeKeyring]:
    """Return the keys of many scopes with one query, and keep them for this unit of work.

    Scopes without a key here (erased, unknown) are left out. Raises as `keys_for`.
    """
    wanted = set(scope_ids)
    cached = _unit.get() or {}
    found = {scope: cached[scope] for scope in wanted if scope in cached}
    missing = wanted.difference(found)
    if INSTALLATION in missing:
        missing.remove(INSTALLATION)
        found[INSTALLATION] = _installation()
    if missing:
        found |= _load(missing)
    return found


def destroy_scope(scope_id: UUID) -> int:
    """Destroy every key of a scope and of the scopes inside it, in all generations; return how many wraps were deleted.

    The rows of `crypto_keyscope` stay, marked erased. Nothing can be opened again once backups of wraps have aged out.
    """
    with transaction.atomic():
        inner = KeyScope.objects.filter(parent=scope_id).values_list("scope", flat=True)
        scopes = {scope_id, *inner}
        deleted, _by_model = KeyWrap.objects.filter(scope__in=scopes).delete()
        KeyScope.objects.filter(scope__in=scopes).update(state=KeyScope.State.ERASED)
    unit = _unit.get() or {}
    for scope in scopes:
        unit.pop(scope, None)
    return deleted


def audit_mac_key() -> bytes:
    """Return the 32 byte key of the audit trail's MACs, derived from the installation's newest key."""
    return audit_mac_keys()[0]


def grant_mac_key() -> bytes:
    """Return the 32 byte key of the MACs on grants, derived from the installation's newest key."""
    return grant_mac_keys()[0]


def audit_mac_keys() -> tuple[bytes, ...]:
    """Return the keys of the audit trail's MACs of all epochs, one for each generation of the installation's key.

    The newest comes first; it makes MACs, the others only check those of their time.
    """
    return _mac_keys(_AUDIT_LABEL)


def grant_mac_keys() -> tuple[bytes, ...]:
    """Return the keys of the MACs on grants of all epochs, the newest first, as `audit_mac_keys`."""
    return _mac_keys(_GRANT_LABEL)


def look_for_newer_epoch() -> bool:
    """Say whether the installation's key has a generation that this process did not know yet, and take it up.

    To be asked when a MAC matches no known key, before it is called wrong: another process may have made it minutes
    before this one reads the keys again. Asks the database once in a unit of work.
    """
    if _looked.get():
        return False
    _looked.set(True)
    known = _installation().newest.generation
    if not KeyScope.objects.filter(scope=INSTALLATION, generation__gt=known).exists():
        return False
    with _process.lock:
        _process.installation_until = 0.0
    return True


def _mac_keys(label: bytes) -> tuple[bytes, ...]:
    with _process.lock:
        ring = _installation()
        keys = _process.macs.get(label)
        if keys is None:
            epochs = sorted(ring, key=lambda keys: keys.generation, reverse=True)
            keys = _process.macs[label] = tuple(epoch.labelled(label) for epoch in epochs)
        return keys


def _remember(rings: dict[UUID, ScopeKeyring]) -> None:
    unit = _unit.get()
    if unit is None:
        unit = {}
        _unit.set(unit)
    unit.update(rings)
    while len(unit) > _MOST_IN_UNIT:
        unit.pop(next(iter(unit)))


def _rows(scope_ids: Collection[UUID]) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"ids": list(scope_ids)})
        rows = [
            _Row(scope, kind, parent, generation, bytes(commit), sealed, to, to_id, version, bytes(blob))
            for scope, kind, parent, generation, commit, sealed, to, to_id, version, blob in cursor.fetchall()
        ]
    for row in rows:
        if row.sealed >= RENEW_AT:
            _process.worn[row.scope, row.generation] = row.sealed
    return rows


def _load(scope_ids: set[UUID]) -> dict[UUID, ScopeKeyring]:
    rows = _rows(scope_ids)
    if _process.guard is not None:
        known = _unit.get() or {}
        asked = {row.parent or row.scope for row in rows if row.kind in (KeyScope.Kind.CASE, KeyScope.Kind.PERSON)}
        if asked := asked.difference(known):
            _process.guard(asked)
    outer = _rings(row for row in rows if row.recipient_kind == KeyWrap.Recipient.KEK)
    inner = _rings((row for row in rows if row.recipient_kind == KeyWrap.Recipient.SCOPE), outer)
    rings = outer | inner
    _remember(rings)
    return {scope: ring for scope, ring in rings.items() if scope in scope_ids}


def _rings(rows: Iterable[_Row], parents: dict[UUID, ScopeKeyring] | None = None) -> dict[UUID, ScopeKeyring]:
    generations: dict[UUID, list[ScopeKeys]] = {}
    for row in rows:
        if parents is None:
            keys = envelope.unwrap_scope_from_kek(
                row.blob, kek=_kek(row.key_version), scope=row.scope, generation=row.generation, commit=row.commit
            )
        else:
            if row.parent is None or row.parent not in parents:
                continue  # the outer scope was erased or is closed to this server, and so is this one
            keys = envelope.unwrap_scope_from_parent(
                row.blob, parents=parents[row.parent], scope=row.scope, generation=row.generation, commit=row.commit
            )
        generations.setdefault(row.scope, []).append(keys)
    return {scope: ScopeKeyring(keys) for scope, keys in generations.items()}


def _installation() -> ScopeKeyring:
    with _process.lock:
        if _process.installation is None or time.monotonic() >= _process.installation_until:
            ring = _rings(_rows([INSTALLATION])).get(INSTALLATION)
            if ring is None:
                msg = "The installation has no key of its own yet: finish setting it up."
                raise KeyUnavailable(msg)
            _process.installation, _process.macs = ring, {}
            _process.installation_until = time.monotonic() + _PROCESS_SECONDS
        return _process.installation


def _refresh_keks() -> None:
    """Read the wrapping keys' rows again; the root is only needed for those not open yet.

    So an outage of the place where the root key lives does not stop a running process. The newest are kept open.
    """
    rows = [
        (version, bytes(blob), state)
        for version, blob, state in KekRow.objects.order_by("-version").values_list("version", "blob", "state")
    ]
    provider: RootProvider | None = None
    keks: dict[int, Kek] = {}
    for version, blob, _state in rows[:_MOST_KEKS]:
        if _process.blobs.get(version) == blob and version in _process.keks:
            keks[version] = _process.keks[version]
            continue
        provider = provider or root()
        keks[version] = provider.unwrap_kek(blob, version)
    _process.keks = keks
    _process.blobs = {version: blob for version, blob, _state in rows}
    _process.newest = max((version for version, _blob, state in rows if state == KekRow.State.ACTIVE), default=0)
    _process.keks_until = time.monotonic() + _PROCESS_SECONDS


def rings_of(scope_ids: Collection[UUID]) -> dict[UUID, ScopeKeyring]:
    """Return the keys of scopes wrapped by the wrapping key, kept nowhere: to check and renew what lies under them.

    No guard is asked: only the keeper's commands call this. A scope with a wrap that does not open is left out.
    """
    found: dict[UUID, ScopeKeyring] = {}
    if not scope_ids:
        return found
    rows = [row for row in _rows(scope_ids) if row.recipient_kind == KeyWrap.Recipient.KEK]
    for scope in scope_ids:
        with suppress(envelope.DecryptError):
            found |= _rings(row for row in rows if row.scope == scope)
    return found


def wrapping_keys() -> dict[int, Kek]:
    """Return the wrapping keys that this process keeps open, read again where their time is up."""
    with _process.lock:
        if time.monotonic() >= _process.keks_until:
            _refresh_keks()
        return dict(_process.keks)


def wrapping_key(version: int) -> Kek:
    """Return a wrapping key for its rotation; raises `DecryptError` when there is none of that version."""
    return _kek(version)


def _kek(version: int) -> Kek:
    with _process.lock:
        # An unknown version is one made by a rotation since we last looked.
        if version not in _process.blobs or time.monotonic() >= _process.keks_until:
            _refresh_keks()
        kek = _process.keks.get(version)
        if kek is None and version in _process.blobs:
            kek = root().unwrap_kek(_process.blobs[version], version)  # one of too many to keep
        if kek is None:
            raise envelope.DecryptError
        return kek


def _newest_kek() -> Kek:
    with _process.lock:
        if not _process.newest or time.monotonic() >= _process.keks_until:
            _refresh_keks()
        if not _process.newest:
            msg = "There is no active wrapping key: finish setting up the installation."
            raise KeyUnavailable(msg)
        return _process.keks[_process.newest]
