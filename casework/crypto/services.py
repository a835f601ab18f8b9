"""Keys by scope: made, opened for one unit of work, destroyed. The only place that reads the key tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from casework.crypto import envelope
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
from casework.crypto.types import KeyUnavailable

Guard = Callable[[Collection[UUID]], None]

INSTALLATION: Final = UUID("ca5e0000-0000-4000-8000-000000000001")
_NOBODY: Final = UUID(int=0)
_AUDIT_LABEL: Final = b"cw/mac1/audit"
_GRANT_LABEL: Final = b"cw/mac1/grant"
_INSTALL_LOCK: Final = 0x6377_6B65_7931  # "cwkey1"
_PROCESS_SECONDS: Final = 300.0
_MOST_IN_UNIT: Final = 20_000

_SQL: Final = """
    SELECT s.id, s.kind, s.parent, s.generation, s.commit, w.recipient_kind, w.recipient_id, w.key_version, w.blob
      FROM crypto_keyscope s
      JOIN crypto_keywrap w ON w.scope = s.id AND w.generation = s.generation
     WHERE s.state = 'live'
       AND (s.id = ANY(%(ids)s)
            OR s.id IN (SELECT c.parent FROM crypto_keyscope c WHERE c.id = ANY(%(ids)s) AND c.parent IS NOT NULL))
"""


class _Row(NamedTuple):
    scope: UUID
    kind: str
    parent: UUID | None
    generation: int
    commit: bytes
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
    guard: Guard | None = None


_process = _Process()
_unit: ContextVar[dict[UUID, ScopeKeyring] | None] = ContextVar("casework_crypto_keys", default=None)


def set_unwrap_guard(guard: Guard | None) -> None:
    """Register the question asked before keys of cases are unwrapped; None takes it away (tests only).

    `guard(case_ids)` raises to refuse. It is asked once per case and unit of work, for persons inside a case about the
    case, and never about users, imports or the installation.
    """
    _process.guard = guard


def clear() -> None:
    """Forget all keys of cases, persons, users and imports of this unit of work; run at its end."""
    _unit.set(None)


def forget_process_keys() -> None:
    """Forget wrapping keys and installation keys kept by this process, as after a rotation or in another database."""
    with _process.lock:
        _process.keks, _process.blobs, _process.newest, _process.keks_until = {}, {}, 0, 0.0
        _process.installation, _process.installation_until = None, 0.0


def root() -> RootProvider:
    """Return the root provider that the settings name; raises `RootKeyError`."""
    return root_provider(
        getattr(settings, "CASEWORK_ROOT_PROVIDER", "file"), path=getattr(settings, "CASEWORK_ROOT_KEY_FILE", None)
    )


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


def ensure_installation() -> None:
    """Make the first wrapping key and the installation's own scope unless they exist; safe to run by many at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Two first starts at once: the second waits here and then finds everything made.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_INSTALL_LOCK])
        if not KekRow.objects.exists():
            forget_process_keys()
            provider = root()
            blob = provider.wrap_kek(Kek(1, new_key()))
            KekRow.objects.create(version=1, provider=provider.name, blob=blob)
        if not KeyScope.objects.filter(scope=INSTALLATION).exists():
            forget_process_keys()
            _store(KeyScope.Kind.INSTALLATION, ScopeKeys(INSTALLATION, 1, new_key()), None)


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
    return ring


def _store(kind: str, keys: ScopeKeys, parent: ScopeKeys | None) -> None:
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
    return _installation().newest.labelled(_AUDIT_LABEL)


def grant_mac_key() -> bytes:
    """Return the 32 byte key of the MACs on grants, derived from the installation's newest key."""
    return _installation().newest.labelled(_GRANT_LABEL)


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
        return [
            _Row(scope, kind, parent, generation, bytes(commit), to, to_id, version, bytes(blob))
            for scope, kind, parent, generation, commit, to, to_id, version, blob in cursor.fetchall()
        ]


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
            _process.installation = ring
            _process.installation_until = time.monotonic() + _PROCESS_SECONDS
        return _process.installation


def _refresh_keks() -> None:
    """Read the wrapping keys' rows again; the root is only needed for those not open yet.

    So an outage of the place where the root key lives does not stop a running process.
    """
    rows = [
        (version, bytes(blob), state) for version, blob, state in KekRow.objects.values_list("version", "blob", "state")
    ]
    provider: RootProvider | None = None
    keks: dict[int, Kek] = {}
    for version, blob, _state in rows:
        if _process.blobs.get(version) == blob:
            keks[version] = _process.keks[version]
            continue
        provider = provider or root()
        keks[version] = provider.unwrap_kek(blob, version)
    _process.keks = keks
    _process.blobs = {version: blob for version, blob, _state in rows}
    _process.newest = max((version for version, _blob, state in rows if state == KekRow.State.ACTIVE), default=0)
    _process.keks_until = time.monotonic() + _PROCESS_SECONDS


def _kek(version: int) -> Kek:
    with _process.lock:
        # An unknown version is one made by a rotation since we last looked.
        if version not in _process.keks or time.monotonic() >= _process.keks_until:
            _refresh_keks()
        kek = _process.keks.get(version)
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
