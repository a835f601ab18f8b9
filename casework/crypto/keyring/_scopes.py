"""Keys of one scope, their generations, and the wrapping key."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn, Protocol, final
from uuid import UUID

from casework.crypto._aead import ALG_AES_GCM, KEY_BYTES, Cipher, DecryptError, cipher, hkdf_expand

PURPOSE_FIELD: Final = 1
PURPOSE_FILE_KEY: Final = 2
PURPOSE_AUDIT_BODY: Final = 3
PURPOSE_EXPORT_MANIFEST: Final = 4
PURPOSE_CHILD_SCOPE: Final = 5
_PURPOSES: Final = frozenset(range(1, 6))


def new_key() -> bytes:
    """Return 32 fresh random bytes, for a scope key, a wrapping key or a file key."""
    return os.urandom(KEY_BYTES)


def commitment(dek: bytes, scope: UUID, generation: int) -> bytes:
    """Return the 32 bytes that bind a scope's stored row to exactly one key.

    The ciphers do not commit to a key: without this an insider could hand two recipients two keys under which one
    ciphertext opens to two different texts.
    """
    return hmac.digest(dek, b"cw/commit1" + scope.bytes + generation.to_bytes(4, "big"), "sha256")


class _NeverLeaves:
    """Base of everything that holds a key: it is not shown, copied, pickled or serialised."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} hidden>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def _refuse(self, *_: object) -> NoReturn:
        msg = f"{type(self).__name__} is never copied, pickled or serialised."
        raise TypeError(msg)

    __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = __deepcopy__ = _refuse


@final
class ScopeKeys(_NeverLeaves):
    """The key of one generation of one scope; gives out only keys derived from it for a purpose."""

    __slots__ = (
        "__dek",
        "__derived",
        "__weakref__",
        "_field_ciphers",
        "generation",
        "generation_bytes",
        "scope",
        "scope_bytes",
    )

    scope: UUID
    generation: int
    generation_bytes: bytes
    scope_bytes: bytes

    def __init__(self, scope: UUID, generation: int, dek: bytes) -> None:
        if len(dek) != KEY_BYTES or not 0 < generation < 1 << 32:
            msg = "A scope key has 32 bytes and a generation from 1 on."
            raise ValueError(msg)
        self.scope = scope
        self.scope_bytes = scope.bytes
        self.generation = generation
        self.generation_bytes = generation.to_bytes(4, "big")
        self.__dek = dek
        self.__derived: dict[int, bytes] = {}
        self._field_ciphers: dict[int, Cipher] = {}

    @classmethod
    def committed(cls, scope: UUID, generation: int, dek: bytes, commit: bytes) -> ScopeKeys:
        """Return the keys of an unwrapped DEK; raises `DecryptError` unless it is the one the stored row commits to."""
        if not hmac.compare_digest(commitment(dek, scope, generation), commit):
            raise DecryptError
        return cls(scope, generation, dek)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ScopeKeys):
            return NotImplemented
        return (
            self.scope == other.scope
            and self.generation == other.generation
            and hmac.compare_digest(self.__dek, other.__dek)
        )

    def __hash__(self) -> int:
        return hash((self.scope, self.generation))

    def purpose(self, purpose: int) -> bytes:
        """Return the 32 byte key of a purpose, 1 to 5, derived once.

        Source: `HKDF-Expand(SHA-256, DEK, "cw/k1" || u8 purpose || scope || u32 generation)`.
        """
        key = self.__derived.get(purpose)
        if key is None:
            if purpose not in _PURPOSES:
                msg = "Unknown key purpose."
                raise ValueError(msg)
            info = b"cw/k1" + bytes([purpose]) + self.scope.bytes + self.generation_bytes
            key = self.__derived[purpose] = hkdf_expand(self.__dek, info)
        return key

    def labelled(self, label: bytes) -> bytes:
        """Return a 32 byte key for a use outside the numbered purposes, such as a MAC; the label starts with `cw/`."""
        if not label.startswith(b"cw/") or label.startswith(b"cw/k1"):
            msg = "A label starts with cw/ and is not that of the purpose keys."
            raise ValueError(msg)
        # A zero byte ends the label: no label can run on into the scope and imitate a longer one.
        return hkdf_expand(self.__dek, label + b"\0" + self.scope.bytes + self.generation_bytes)

    def field_cipher(self, alg: int = ALG_AES_GCM) -> Cipher:
        """Return the cipher for field values, made once; raises `DecryptError` for an unknown algorithm byte."""
        bound = self._field_ciphers.get(alg)
        if bound is None:
            bound = self._field_ciphers[alg] = cipher(alg, self.purpose(PURPOSE_FIELD))
        return bound

    def reveal_for_wrapping(self) -> bytes:
        """Return the DEK itself. Only the wrap functions of `envelope` have a use for it."""
        return self.__dek

    def find(self, generation: int) -> ScopeKeys:
        """Return these keys when they are of that generation; raises `DecryptError` otherwise."""
        if generation != self.generation:
            raise DecryptError
        return self


@final
class ScopeKeyring(_NeverLeaves):
    """All live generations of one scope: readers accept each, writers use the newest."""

    __slots__ = ("__weakref__", "_by_generation", "newest", "scope")

    def __init__(self, keys: Iterable[ScopeKeys]) -> None:
        self._by_generation = {key.generation: key for key in keys}
        if not self._by_generation:
            msg = "A keyring holds at least one generation."
            raise ValueError(msg)
        self.newest: ScopeKeys = self._by_generation[max(self._by_generation)]
        self.scope: UUID = self.newest.scope
        if any(key.scope != self.scope for key in self._by_generation.values()):
            msg = "A keyring holds the keys of one scope."
            raise ValueError(msg)

    def __iter__(self) -> Iterator[ScopeKeys]:
        return iter(self._by_generation.values())

    def __len__(self) -> int:
        return len(self._by_generation)

    def find(self, generation: int) -> ScopeKeys:
        """Return the keys of one live generation; raises `DecryptError` when there is none."""
        key = self._by_generation.get(generation)
        if key is None:
            raise DecryptError
        return key

    generation = find


class KeySource(Protocol):
    """What opens values: the keys of one generation, or a keyring of several."""

    @property
    def scope(self) -> UUID:
        """The key scope."""

    def find(self, generation: int) -> ScopeKeys:
        """Return the keys of a generation; raises `DecryptError`."""


@final
class Kek(_NeverLeaves):
    """A wrapping key (key-encryption key) with its version; wraps the keys of scopes and nothing else."""

    __slots__ = ("__ciphers", "__key", "__weakref__", "version")

    def __init__(self, version: int, key: bytes) -> None:
        if len(key) != KEY_BYTES or not 0 < version < 1 << 32:
            msg = "A wrapping key has 32 bytes and a version from 1 on."
            raise ValueError(msg)
        self.version: int = version
        self.__key = key
        self.__ciphers: dict[int, Cipher] = {}

    def cipher(self, alg: int) -> Cipher:
        """Return the cipher bound to this key, made once."""
        bound = self.__ciphers.get(alg)
        if bound is None:
            bound = self.__ciphers[alg] = cipher(alg, self.__key)
        return bound

    def reveal_for_wrapping(self) -> bytes:
        """Return the key itself. Only root providers have a use for it."""
        return self.__key

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Kek):
            return NotImplemented
        return self.version == other.version and hmac.compare_digest(self.__key, other.__key)

    def __hash__(self) -> int:
        return hash(self.version)
