"""Private base of the pure modules: ciphers by their algorithm byte, key derivation, and the one error."""

from __future__ import annotations

import hmac
import os
from typing import Final, Protocol, runtime_checkable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV, ChaCha20Poly1305

ALG_AES_GCM: Final = 1
ALG_AES_GCM_SIV: Final = 2
ALG_CHACHA20: Final = 3
ALG_HPKE_X25519: Final = 0x10  # reserved for sealed scopes: refused on reading until those are built
ALG_HPKE_MLKEM768_X25519: Final = 0x11  # reserved, as above

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_refusals = {"count": 0}


class DecryptError(Exception):
    """Something did not open. It says nothing more, so that it cannot serve as an oracle.

    `row`, `table` and `scope` name the place that was asked for, where it is known: ids that the asker had before.
    """

    row: UUID | None = None
    table: int | None = None
    scope: UUID | None = None

    def __init__(self) -> None:
        super().__init__("This value cannot be opened.")
        _refusals["count"] += 1


def refusals() -> int:
    """Return how often this process has refused to open something, for monitoring."""
    return _refusals["count"]


@runtime_checkable
class Cipher(Protocol):
    """An authenticated cipher bound to one key."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return ciphertext followed by a tag of 16 bytes."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return the plaintext; raises the library's `InvalidTag`."""


_CIPHERS: Final[dict[int, type[AESGCM | AESGCMSIV | ChaCha20Poly1305]]] = {
    ALG_AES_GCM: AESGCM,
    ALG_AES_GCM_SIV: AESGCMSIV,
    ALG_CHACHA20: ChaCha20Poly1305,
}


def cipher(alg: int, key: bytes) -> Cipher:
    """Return the cipher of an algorithm byte, bound to a key of 32 bytes; raises `DecryptError` for an unknown one."""
    kind = _CIPHERS.get(alg)
    if kind is None:
        raise DecryptError
    return kind(key)


def decrypt(bound: Cipher, nonce: bytes, data: bytes, aad: bytes) -> bytes:
    """Open one ciphertext; every failure of the library becomes `DecryptError` without its cause."""
    try:
        return bound.decrypt(nonce, data, aad)
    except (InvalidTag, ValueError):
        raise DecryptError from None


def nonce() -> bytes:
    """Return 12 fresh random bytes."""
    return os.urandom(NONCE_BYTES)


def hkdf_expand(key: bytes, info: bytes) -> bytes:
    """Derive 32 bytes from a uniformly random key. Source: RFC 5869, section 2.3, SHA-256."""
    # One block of output is one HMAC; the library's object takes several times as long, and a search makes thousands.
    return hmac.digest(key, info + b"\x01", "sha256")
