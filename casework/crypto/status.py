"""What is wrapped by what: counted in the database, and proved by opening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from django.db import connection

from casework.crypto import envelope, services
from casework.crypto.envelope import DecryptError
from casework.crypto.keyring import RootKeyError
from casework.crypto.models import Kek as KekRow
from casework.crypto.models import KeyWrap

SAMPLE: Final = 1_000
_STEP: Final = 2_000
_FIRST, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)

_VERSIONS: Final = """
    SELECT coalesce(k.version, w.key_version), coalesce(k.state, 'unknown'), coalesce(k.provider, ''), k.retired_at,
           k.blob, coalesce(w.wraps, 0)
      FROM crypto_kek k
      FULL JOIN (SELECT key_version, count(*) AS wraps FROM crypto_keywrap WHERE recipient_kind = 1
                  GROUP BY key_version) w ON w.key_version = k.version
     ORDER BY 1
"""
_COUNTS: Final = """
    SELECT (SELECT count(DISTINCT id) FROM crypto_keyscope WHERE state <> 'erased'),
           (SELECT count(DISTINCT id) FROM crypto_keyscope WHERE state = 'erased'),
           (SELECT count(*) FROM crypto_keyscope s WHERE s.state <> 'erased' AND NOT EXISTS (
                SELECT 1 FROM crypto_keywrap w WHERE w.scope = s.id AND w.generation = s.generation)),
           (SELECT count(*) FROM crypto_keywrap w WHERE NOT EXISTS (
                SELECT 1 FROM crypto_keyscope s WHERE s.id = w.scope AND s.generation = w.generation)),
           (SELECT count(*) FROM crypto_keywrap w WHERE EXISTS (
                SELECT 1 FROM crypto_keyscope s
                 WHERE s.id = w.scope AND s.generation = w.generation AND s.state = 'erased')),
           (SELECT count(*) FROM (SELECT id FROM crypto_keyscope WHERE state = 'live' AND kind <> 'installation'
                                   GROUP BY id HAVING count(*) > 1) several)
"""
_WRAPS: Final = """
    SELECT w.id, w.scope, w.generation, w.recipient_kind, w.recipient_id, w.key_version, w.blob, s.commit
      FROM crypto_keywrap w JOIN crypto_keyscope s ON s.id = w.scope AND s.generation = w.generation
     WHERE w.id > %s AND w.id <= %s AND s.state <> 'erased' ORDER BY w.id LIMIT %s
"""


@dataclass(frozen=True)
class Version:
    """One version of the wrapping key. `state`: active, retired, or unknown when wraps name a key that is not there."""

    version: int
    state: str
    provider: str
    retired_at: str | None
    wraps: int
    opens: bool


@dataclass
class Status:
    """What was found; `findings` are sentences, none when all is well. `opened` of `checked` wraps opened."""

    provider: str
    versions: list[Version]
    scopes: int
    erased: int
    checked: int = 0
    opened: int = 0
    renewed: int = 0  # scopes with values under more than one generation
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def status(*, every: bool = False) -> Status:
    """Count wraps and scopes, open every wrapping key and a sample of the wraps, or `every` one.

    Changes nothing; memory does not grow with the number of wraps. Runs under a role that sees all wraps.
    """
    provider = services.root()
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS)
        versions = [
            Version(version, state, kind, at.isoformat() if at else None, wraps, _opens(version, blob))
            for version, state, kind, at, blob, wraps in cursor.fetchall()
        ]
        cursor.execute(_COUNTS)
        scopes, erased, bare, stray, undead, several = cursor.fetchone()
    found = Status(provider.name, versions, scopes, erased, renewed=several, warnings=services.root_warnings())
    found.findings += _of_versions(versions)
    found.findings += [
        text.format(count)
        for count, text in (
            (bare, "{} generations of scope keys have no wrap: what they sealed opens for nobody. Restore the wraps."),
            (stray, "{} wraps belong to no scope that is known here."),
            (undead, "{} wraps of erased scopes are back: run rotate_keys, which removes them."),
        )
        if count
    ]
    if versions and all(version.opens for version in versions):
        for wraps in _steps(every=every):
            found.checked += len(wraps)
            found.opened += _opened(wraps)
    if found.opened != found.checked:
        found.findings.append(f"{found.checked - found.opened} of {found.checked} wraps do not open.")
    return found


def _opens(version: int, blob: memoryview | bytes | None) -> bool:
    if blob is None:
        return False
    try:
        services.root().unwrap_kek(bytes(blob), version)
    except RootKeyError:
        return False
    return True


def _of_versions(versions: Sequence[Version]) -> list[str]:
    active = [version.version for version in versions if version.state == KekRow.State.ACTIVE]
    found = []
    if not active:
        found.append("There is no active wrapping key: finish setting up the installation.")
    if len(active) > 1:
        found.append(f"A rotation of the wrapping key is not finished ({len(active)} are active): run rotate_keys.")
    for version in versions:
        if version.state == "unknown":
            found.append(f"{version.wraps} wraps need wrapping key version {version.version}, which is not there.")
        elif not version.opens:
            found.append(f"The root key does not open wrapping key version {version.version}.")
        if version.state == KekRow.State.RETIRED and version.wraps:
            found.append(f"{version.wraps} wraps lie under the retired version {version.version}: run rotate_keys.")
    return found


class _Wrap(NamedTuple):
    id: UUID
    scope: UUID
    generation: int
    kind: int
    recipient: UUID
    version: int
    blob: bytes
    commit: bytes


def _steps(*, every: bool) -> Iterator[list[_Wrap]]:
    # Ids are random: those that follow a random one are a random sample.
    start = _FIRST if every else uuid4()
    left = None if every else SAMPLE
    for low, high in ((start, _LAST), (_FIRST, start)):
        after = low
        while left is None or left > 0:
            with connection.cursor() as cursor:
                cursor.execute(_WRAPS, [after, high, _STEP if left is None else min(_STEP, left)])
                wraps = [_Wrap(*row) for row in cursor.fetchall()]
            if not wraps:
                break
            yield wraps
            after = wraps[-1].id
            left = None if left is None else left - len(wraps)


def _opened(wraps: Sequence[_Wrap]) -> int:
    outer = services.rings_of({wrap.recipient for wrap in wraps if wrap.kind == KeyWrap.Recipient.SCOPE})
    opened = 0
    for wrap in wraps:
        blob, scope, generation, commit = bytes(wrap.blob), wrap.scope, wrap.generation, bytes(wrap.commit)
        try:
            if wrap.kind == KeyWrap.Recipient.SCOPE:
                envelope.unwrap_scope_from_parent(
                    blob, parents=outer[wrap.recipient], scope=scope, generation=generation, commit=commit
                )
            else:
                kek = services.wrapping_key(wrap.version)
                envelope.unwrap_scope_from_kek(blob, kek=kek, scope=scope, generation=generation, commit=commit)
        except (DecryptError, KeyError):
            continue
        opened += 1
    return opened
