"""Signatures and MACs of the audit trail: Ed25519 for the sealer, HMAC-SHA-256 for entries and grants."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final, final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from casework.crypto._private import PrivateFileError, Problem, read_private, write_private
from casework.crypto.keyring._scopes import _NeverLeaves

PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_SHORTEST_MAC: Final = 16


class SigningKeyError(Exception):
    """A signing key is missing, may be read by others, or is no such key; the message says what to do."""


@final
class SigningKey(_NeverLeaves):
    """An Ed25519 private key; shows only its public half."""

    __slots__ = ("__key", "__weakref__")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.__key = key

    def sign(self, message: bytes) -> bytes:
        """Return a signature of 64 bytes. Source: RFC 8032."""
        return self.__key.sign(message)

    def public(self) -> bytes:
        """Return the public key: 32 bytes."""
        return self.__key.public_key().public_bytes_raw()


def generate_signing_key_file(path: str | Path) -> bytes:
    """Make a signing key in a new file (PKCS #8 PEM, mode 0600) and return its public key; never overwrites one."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(Path(path), pem)
    return key.public_key().public_bytes_raw()


def load_signing_key(path: str | Path) -> SigningKey:
    """Read a signing key; raises `SigningKeyError` when it is missing, readable by others or no Ed25519 key."""
    try:
        pem = read_private(Path(path))
    except PrivateFileError as error:
        if error.problem is Problem.OPEN_TO_OTHERS:
            msg = f"The signing key {path} may be read by others: run `chmod 600 {path}`."
        else:
            msg = f"The signing key {path} cannot be read: make one, or give the sealer's user the file."
        raise SigningKeyError(msg) from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"The file {path} holds no Ed25519 signing key."
        raise SigningKeyError(msg)
    return SigningKey(key)


def verify(message: bytes, signature: bytes, public: bytes) -> bool:
    """Say whether `signature` (64 bytes) of `message` was made by the holder of the key `public` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def mac(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA-256: 32 bytes."""
    return hmac.digest(key, message, "sha256")


def mac_matches(key: bytes, message: bytes, found: bytes) -> bool:
    """Say in constant time whether `found` (at least 16 bytes) is this message's MAC or the beginning of it."""
    return len(found) >= _SHORTEST_MAC and hmac.compare_digest(mac(key, message)[: len(found)], found)
