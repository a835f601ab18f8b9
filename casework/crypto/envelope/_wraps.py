"""Keys under keys: scope keys (0xC2) and file keys (0xC5), always with the misuse-resistant cipher."""

from __future__ import annotations

import hmac
import struct
from typing import Final
from uuid import UUID

from casework.crypto._aead import (
    ALG_AES_GCM_SIV,
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    Cipher,
    DecryptError,
    cipher,
    decrypt,
    nonce,
)
from casework.crypto.keyring import PURPOSE_CHILD_SCOPE, PURPOSE_FILE_KEY, Kek, KeySource, ScopeKeys, commitment

_SCOPE_WRAP: Final = 0xC2
_FILE_WRAP: Final = 0xC5
_HEADER: Final = struct.Struct(">BBHI")
_TO_KEK, _TO_SCOPE = b"\x01", b"\x03"  # 2 is HPKE to a person's key, for sealed scopes
WRAP_BYTES: Final = _HEADER.size + NONCE_BYTES + KEY_BYTES + TAG_BYTES


def _wrap(version: int, number: int, bound: Cipher, key: bytes, aad: bytes) -> bytes:
    fresh = nonce()
    return _HEADER.pack(version, ALG_AES_GCM_SIV, 0, number) + fresh + bound.encrypt(fresh, key, aad)


def _number(blob: bytes, version: int) -> int:
    """Return the number in a wrap's header; other versions, algorithms and lengths are refused alike."""
    if len(blob) != WRAP_BYTES:
        raise DecryptError
    found, alg, zero, number = _HEADER.unpack_from(blob)
    if found != version or alg != ALG_AES_GCM_SIV or zero:
        raise DecryptError
    return int(number)


def _unwrap(blob: bytes, bound: Cipher, aad: bytes) -> bytes:
    start = _HEADER.size
    return decrypt(bound, blob[start : start + NONCE_BYTES], blob[start + NONCE_BYTES :], aad)


def _scope_aad(scope: UUID, generation: int, recipient: bytes) -> bytes:
    return b"cw/w1" + scope.bytes + generation.to_bytes(4, "big") + recipient


def kek_version_of(blob: bytes) -> int:
    """Return the version of the wrapping key that a scope wrap was made with; raises `DecryptError`."""
    return _number(blob, _SCOPE_WRAP)


def wrap_scope_to_kek(keys: ScopeKeys, kek: Kek) -> bytes:
    """Encrypt a scope's key under a wrapping key: 68 bytes."""
    aad = _scope_aad(keys.scope, keys.generation, _TO_KEK)
    return _wrap(_SCOPE_WRAP, kek.version, kek.cipher(ALG_AES_GCM_SIV), keys.reveal_for_wrapping(), aad)


def unwrap_scope_from_kek(blob: bytes, *, kek: Kek, scope: UUID, generation: int, commit: bytes) -> ScopeKeys:
    """Open a scope's key and compare it with the stored commitment; raises `DecryptError`."""
    if _number(blob, _SCOPE_WRAP) != kek.version:
        raise DecryptError
    dek = _unwrap(blob, kek.cipher(ALG_AES_GCM_SIV), _scope_aad(scope, generation, _TO_KEK))
    return ScopeKeys.committed(scope, generation, dek, commit)


def rewrap_scope(blob: bytes, *, old: Kek, new: Kek, scope: UUID, generation: int, commit: bytes) -> bytes:
    """Move a scope's key from one wrapping key under another, compared with its commitment: 68 bytes.

    The same as unwrapping and wrapping, without making the scope's keys in between. Raises `DecryptError`.
    """
    if _number(blob, _SCOPE_WRAP) != old.version:
        raise DecryptError
    aad = _scope_aad(scope, generation, _TO_KEK)
    dek = _unwrap(blob, old.cipher(ALG_AES_GCM_SIV), aad)
    if not hmac.compare_digest(commitment(dek, scope, generation), commit):
        raise DecryptError
    return _wrap(_SCOPE_WRAP, new.version, new.cipher(ALG_AES_GCM_SIV), dek, aad)


def wrap_scope_to_parent(keys: ScopeKeys, parent: ScopeKeys) -> bytes:
    """Encrypt the key of a scope inside another, as a person inside a case, under the outer one's: 68 bytes."""
    aad = _scope_aad(keys.scope, keys.generation, _TO_SCOPE + parent.scope.bytes)
    bound = cipher(ALG_AES_GCM_SIV, parent.purpose(PURPOSE_CHILD_SCOPE))
    return _wrap(_SCOPE_WRAP, parent.generation, bound, keys.reveal_for_wrapping(), aad)


def unwrap_scope_from_parent(
    blob: bytes, *, parents: KeySource, scope: UUID, generation: int, commit: bytes
) -> ScopeKeys:
    """Open the key of an inner scope and compare it with the stored commitment; raises `DecryptError`."""
    parent = parents.find(_number(blob, _SCOPE_WRAP))
    bound = cipher(ALG_AES_GCM_SIV, parent.purpose(PURPOSE_CHILD_SCOPE))
    dek = _unwrap(blob, bound, _scope_aad(scope, generation, _TO_SCOPE + parent.scope.bytes))
    return ScopeKeys.committed(scope, generation, dek, commit)


def _file_aad(keys: ScopeKeys, file_id: UUID) -> bytes:
    return b"cw/fk1" + keys.scope.bytes + keys.generation_bytes + file_id.bytes


def wrap_file_key(file_key: bytes, *, key: ScopeKeys, file_id: UUID) -> bytes:
    """Encrypt the key of one file under its scope's: 68 bytes, kept in the file's row and not beside the file."""
    bound = cipher(ALG_AES_GCM_SIV, key.purpose(PURPOSE_FILE_KEY))
    return _wrap(_FILE_WRAP, key.generation, bound, file_key, _file_aad(key, file_id))


def generation_of_file_key(blob: bytes) -> int:
    """Return the generation of the scope's key that a file key was wrapped with; raises `DecryptError`."""
    return _number(blob, _FILE_WRAP)


def unwrap_file_key(blob: bytes, *, keys: KeySource, file_id: UUID) -> bytes:
    """Return the 32 byte key of one file; raises `DecryptError`."""
    key = keys.find(_number(blob, _FILE_WRAP))
    return _unwrap(blob, cipher(ALG_AES_GCM_SIV, key.purpose(PURPOSE_FILE_KEY)), _file_aad(key, file_id))
