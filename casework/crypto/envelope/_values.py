"""Field values (0xC1) and sealed bodies (0xC6)."""

from __future__ import annotations

import json
import struct
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from casework.crypto._aead import (
    ALG_AES_GCM,
    ALG_AES_GCM_SIV,
    ALG_CHACHA20,
    NONCE_BYTES,
    TAG_BYTES,
    DecryptError,
    cipher,
    decrypt,
    nonce,
)
from casework.crypto.envelope._padding import pad, unpad
from casework.crypto.keyring import PURPOSE_AUDIT_BODY, KeySource, ScopeKeys

# JSON's own shapes; mypy has no recursive alias that callers could live with.
Value: TypeAlias = str | date | bytes | bool | int | float | dict[str, Any] | list[Any] | None

_FIELD_VERSION: Final = 0xC1
_BODY_VERSION: Final = 0xC6
_HEADER: Final = struct.Struct(">BBHI")
_PLACE: Final = struct.Struct(">H16s16s")
_HEADER_BYTES: Final = _HEADER.size
_BODY_AT: Final = _HEADER_BYTES + NONCE_BYTES
_SHORTEST: Final = _BODY_AT + 32 + TAG_BYTES
_ALGORITHMS: Final = frozenset({ALG_AES_GCM, ALG_AES_GCM_SIV, ALG_CHACHA20})

_NULL, _TEXT, _DATE, _JSON, _BYTES, _INT = (bytes([number]) for number in range(6))


class Place(NamedTuple):
    """Where a value stands: logical table, row and field. Authenticated with the value, so it opens nowhere else."""

    table: int
    row: UUID
    field: int


class Header(NamedTuple):
    """The clear part of a field value."""

    alg: int
    field: int
    generation: int


def parse_header(blob: bytes) -> Header:
    """Read the clear part of a field value; raises `DecryptError` for anything that is not one."""
    if len(blob) < _SHORTEST:
        raise DecryptError
    version, alg, field, generation = _HEADER.unpack_from(blob)
    if version != _FIELD_VERSION or alg not in _ALGORITHMS:
        raise DecryptError
    return Header(alg, field, generation)


def generation_of(blob: bytes) -> int:
    """Return the generation in the clear part of a field value; raises `DecryptError`."""
    return parse_header(blob).generation


def _encode(value: object) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, str):
        return _TEXT + value.encode()
    if isinstance(value, bytes):
        return _BYTES + value
    if isinstance(value, datetime):
        msg = "A date-time has no type of its own: seal it as text or inside JSON, with its offset."
        raise TypeError(msg)
    if isinstance(value, date):
        return _DATE + value.isoformat().encode("ascii")
    if isinstance(value, int) and not isinstance(value, bool):
        return _INT + b"%d" % value
    if isinstance(value, bool | float | dict | list):
        # Sorted and without spaces: one value has one length, whatever order its members were typed in.
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
        return _JSON + text.encode()
    msg = f"A value of type {type(value).__name__} cannot be sealed."
    raise TypeError(msg)


def _decode(plain: bytes) -> Value:
    kind, rest = plain[:1], plain[1:]
    try:
        if kind == _TEXT:
            return rest.decode()
        if kind == _NULL and not rest:
            return None
        if kind == _DATE:
            return date.fromisoformat(rest.decode("ascii"))
        if kind == _JSON:
            return json.loads(rest)  # type: ignore[no-any-return]
        if kind == _BYTES:
            return rest
        if kind == _INT:
            return int(rest.decode("ascii"))
    except ValueError:
        raise DecryptError from None
    raise DecryptError


def seal(value: Value, *, key: ScopeKeys, place: Place, alg: int = ALG_AES_GCM) -> bytes:
    """Encrypt one field value so that it opens only with this scope's key and only in this place.

    Pads to few lengths. Raises `TypeError` for a type that has no format. Source: docs/formats.md, "Field value".
    """
    header = _HEADER.pack(_FIELD_VERSION, alg, place.field, key.generation)
    aad = b"cw/f1" + header + _PLACE.pack(place.table, key.scope_bytes, place.row.bytes)
    fresh = nonce()
    return header + fresh + key.field_cipher(alg).encrypt(fresh, pad(_encode(value)), aad)


def open_(blob: bytes, *, keys: KeySource, place: Place) -> Value:
    """Return the value that `seal` put there; raises `DecryptError`, without detail, for everything else."""
    if len(blob) < _SHORTEST:
        raise DecryptError
    version, alg, field, generation = _HEADER.unpack_from(blob)
    table, row, wanted = place
    if version != _FIELD_VERSION or field != wanted:
        raise DecryptError
    key = keys.find(generation)
    aad = b"cw/f1" + blob[:_HEADER_BYTES] + _PLACE.pack(table, key.scope_bytes, row.bytes)
    return _decode(unpad(decrypt(key.field_cipher(alg), blob[_HEADER_BYTES:_BODY_AT], blob[_BODY_AT:], aad)))


def seal_body(data: bytes, *, keys: ScopeKeys, context: bytes) -> bytes:
    """Encrypt the details of an audit entry under the scope's audit key, bound to a context that is not stored.

    Padded like a field value. `context` says which entry it is, in bytes of fixed length.
    """
    header = _HEADER.pack(_BODY_VERSION, ALG_AES_GCM, 0, keys.generation)
    fresh = nonce()
    bound = cipher(ALG_AES_GCM, keys.purpose(PURPOSE_AUDIT_BODY))
    return header + fresh + bound.encrypt(fresh, pad(data), _body_aad(header, keys.scope, context))


def open_body(blob: bytes, *, keys: KeySource, context: bytes) -> bytes:
    """Return what `seal_body` encrypted; raises `DecryptError`."""
    if len(blob) < _SHORTEST:
        raise DecryptError
    header = blob[:_HEADER_BYTES]
    version, alg, zero, generation = _HEADER.unpack(header)
    if version != _BODY_VERSION or alg not in _ALGORITHMS or zero:
        raise DecryptError
    bound = cipher(alg, keys.find(generation).purpose(PURPOSE_AUDIT_BODY))
    return unpad(decrypt(bound, blob[_HEADER_BYTES:_BODY_AT], blob[_BODY_AT:], _body_aad(header, keys.scope, context)))


def _body_aad(header: bytes, scope: UUID, context: bytes) -> bytes:
    return b"cw/ab1" + header + scope.bytes + context
