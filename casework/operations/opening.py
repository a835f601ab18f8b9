"""Opening a sample of everything that is sealed: the proof that a restored system can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from casework.audit import chain
from casework.audit.services import scope_of
from casework.audit.types import SYSTEM_STREAM
from casework.crypto import envelope, renewal
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError, Place
from casework.crypto.fields import sealed_fields
from casework.crypto.keyring import ScopeKeyring

SCOPES: Final = 40  # of each version of the wrapping key
ROWS: Final = 200  # of each table
FILES: Final = 10  # of each version, opened from the first chunk to the last

Source = Callable[[UUID], IO[bytes]]


@dataclass
class Sample:
    """What opened, counted by kind and version of the wrapping key, and what did not, in sentences."""

    opened: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def sample(source: Source, *, without: Collection[UUID] = ()) -> Sample:
    """Open values, their history, particulars of the trail, keys of files and whole files under every wrapping key.

    Runs in a unit of work of the machine, as a role that sees all rows. `source` gives a file of the store. `without`:
    scopes that are known to have no key.
    """
    opened: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for version, scopes in _scopes(without).items():
        rings: dict[UUID, ScopeKeyring] = {}
        for scope in scopes:
            try:
                rings |= crypto.keys_for_many([scope])
            except DecryptError:
                failed[f"keys under wrapping key {version}"] += 1
        opened[f"keys under wrapping key {version}"] += len(rings)
        for kind, outcome in _tried(rings, source):
            (opened if outcome else failed)[f"{kind} under wrapping key {version}"] += 1
        crypto.clear()
    findings = [
        f"{count} of {count + opened[kind]} {kind} do not open." for kind, count in sorted(failed.items()) if count
    ]
    return Sample({kind: count for kind, count in sorted(opened.items()) if count}, findings)


def _scopes(without: Collection[UUID]) -> dict[int, list[UUID]]:
    """Return some scopes of each version; the ids are random, so the first are as good as any."""
    found: dict[int, list[UUID]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.version, s.scope FROM crypto_kek v CROSS JOIN LATERAL ("
            " SELECT DISTINCT w.scope FROM crypto_keywrap w JOIN crypto_keyscope k"
            " ON k.id = w.scope AND k.generation = w.generation AND k.state <> 'erased'"
            " WHERE w.recipient_kind = 1 AND w.key_version = v.version AND w.scope <> ALL(%s)"
            " ORDER BY w.scope LIMIT %s) s",
            [list(without), SCOPES],
        )
        for version, scope in cursor.fetchall():
            found.setdefault(version, []).append(scope)
    return found


def _tried(rings: dict[UUID, ScopeKeyring], source: Source) -> Iterator[tuple[str, bool]]:
    for model in apps.get_models():
        fields = sealed_fields(model)
        if fields and not model._meta.proxy:
            yield from _rows(model, rings, source)
    yield from _bodies(rings)


def _rows(model: type[models.Model], rings: dict[UUID, ScopeKeyring], source: Source) -> Iterator[tuple[str, bool]]:
    tracked: Any = getattr(model, "instance_type", None)
    live: Any = tracked if hasattr(tracked, "sealed_table") else model
    kind = "values" if live is model else "earlier values"
    scope = renewal.scope_attribute(live)
    if scope is None:
        if crypto.INSTALLATION not in rings:
            return
        rows = model._base_manager.all()
    else:
        rows = model._base_manager.filter(**{f"{scope}__in": list(rings)})
    files = 0
    for instance in rows.order_by("pk")[:ROWS]:
        keys = rings[crypto.INSTALLATION if scope is None else getattr(instance, scope)]
        for one in sealed_fields(model):
            place = Place(one.table, one.row_of(instance), one.field_id)
            yield kind, _opens(getattr(instance, one.attname).blob, keys, place)
        for key_name, file_name in getattr(live, "wrapped_file_keys", {}).items():
            key = _file_key(instance, key_name, file_name, keys)
            yield "keys of files", key is not None
            if live is model and key is not None and files < FILES:
                files += 1
                yield "files", _file_opens(source, key, getattr(instance, str(scope)), getattr(instance, file_name))


def _opens(blob: bytes, keys: ScopeKeyring, place: Place) -> bool:
    try:
        envelope.open_(blob, keys=keys, place=place)
    except DecryptError:
        return False
    return True


def _file_key(instance: models.Model, key: str, file_id: str, keys: ScopeKeyring) -> bytes | None:
    try:
        return envelope.unwrap_file_key(bytes(getattr(instance, key)), keys=keys, file_id=getattr(instance, file_id))
    except DecryptError:
        return None


def _file_opens(source: Source, key: bytes, scope: UUID, file_id: UUID) -> bool:
    try:
        with source(file_id) as opened:
            for _piece in envelope.decrypt_chunks(opened, key=key, scope=scope, file_id=file_id):  # type: ignore[arg-type]
                pass
    except (DecryptError, OSError):
        return False
    return True


def _bodies(rings: dict[UUID, ScopeKeyring]) -> Iterator[tuple[str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stream, seq, body FROM audit_entry WHERE length(body) > 0"
            " AND (stream = ANY(%s) OR %s AND stream = %s) ORDER BY stream, seq LIMIT %s",
            [list(rings), crypto.INSTALLATION in rings, SYSTEM_STREAM, ROWS],
        )
        for stream, seq, body in cursor.fetchall():
            keys = rings.get(scope_of(stream))
            if keys is None:
                continue
            try:
                envelope.open_body(bytes(body), keys=keys, context=chain.body_context(stream, seq))
            except DecryptError:
                yield "particulars of the trail", False
            else:
                yield "particulars of the trail", True
