"""One field of thousands of rows that are their own key scopes, opened one after the other."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final, TypeAlias
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casework.crypto._aead import ALG_AES_GCM, ALG_AES_GCM_SIV, DecryptError
from casework.crypto.envelope import _values, _wraps
from casework.crypto.envelope._values import Place
from casework.crypto.keyring import PURPOSE_FIELD, Kek
from casework.crypto.macs import INNER_PAD, OUTER_PAD

# Scope and row id, generation of the key, its commitment, its wrap, and the value: as the database has them.
LockedValue: TypeAlias = tuple[bytes, int, bytes, bytes, bytes]

_ZEROS: Final = bytes(32)
_JSON: Final = _values._JSON
_MARK: Final = b"\x80"


def open_texts(
    rows: Iterable[LockedValue], *, keks: Mapping[int, Kek], table: int, field: int, later: list[LockedValue]
) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the id of each row with the JSON text of its value, None where that does not open.

    The steps are those of `unwrap_scope_from_kek` and `open_`: unwrap, compare with the commitment, derive the field's
    key, open in its place. A key lives as long as its row takes. What is not as usual takes those functions' own way,
    so nothing opens here that they would refuse. A scope may have rows of several generations. Rows wrapped by a key
    that is not among `keks` are put into `later`.
    """
    unwraps = {
        _wraps._HEADER.pack(_wraps._SCOPE_WRAP, ALG_AES_GCM_SIV, 0, version): kek.cipher(ALG_AES_GCM_SIV).decrypt
        for version, kek in keks.items()
    }
    generations: dict[int, tuple[bytes, bytes, bytes, bytes]] = {}
    seen: set[bytes] = set()
    elsewhere: list[bytes] = []
    for row in rows:
        scope, generation, commit, wrap, value = row
        if generation not in generations:
            generations[generation] = _constants(generation, table, field)
        head, number, purpose, place = generations[generation]
        unwrap = unwraps.get(wrap[:8])
        text: bytes | None
        try:
            if unwrap is None or value[:8] != head or len(wrap) != _wraps.WRAP_BYTES:
                raise ValueError
            dek = unwrap(wrap[8:20], wrap[20:], b"cw/w1" + scope + number + b"\x01")
            # Commitment and field key are two HMACs under one key, whose hash states are made once.
            block = dek + _ZEROS
            inner, outer = sha256(block.translate(INNER_PAD)), sha256(block.translate(OUTER_PAD))
            first, second = inner.copy(), outer.copy()
            first.update(b"cw/commit1" + scope + number)
            second.update(first.digest())
            if not hmac.compare_digest(second.digest(), commit):
                raise ValueError
            inner.update(b"cw/k1" + purpose + scope + number + b"\x01")
            outer.update(inner.digest())
            padded = AESGCM(outer.digest()).decrypt(value[8:20], value[20:], place + scope + scope)
            marked = padded.rstrip(b"\0")
            if marked[:1] != _JSON or marked[-1:] != _MARK:
                raise ValueError
            text = marked[1:-1]
        except (InvalidTag, ValueError):
            if len(value) >= _values._SHORTEST and value[4:8] != number:
                elsewhere.append(scope)
                continue
            try:
                version = _wraps.kek_version_of(wrap)
                if version not in keks:
                    later.append(row)
                    continue
                text = _opened(row, keks[version], table, field)
            except DecryptError:
                text = None
        seen.add(scope)
        yield scope, text
    waiting = {row[0] for row in later}
    for scope in dict.fromkeys(elsewhere):
        # Sealed under a generation of which there is no key.
        if scope not in seen and scope not in waiting:
            DecryptError()  # counted, as every refusal
            yield scope, None


def _constants(generation: int, table: int, field: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Return what is the same for all rows of a generation: value header, number, purpose, and beginning of the AAD."""
    head = _values._HEADER.pack(_values._FIELD_VERSION, ALG_AES_GCM, field, generation)
    return head, generation.to_bytes(4, "big"), bytes([PURPOSE_FIELD]), b"cw/f1" + head + table.to_bytes(2, "big")


def _opened(row: LockedValue, kek: Kek, table: int, field: int) -> bytes:
    """Open one row as every other value is opened; raises `DecryptError`."""
    scope, generation, commit, wrap, value = row
    place = Place(table, UUID(bytes=scope), field)
    keys = _wraps.unwrap_scope_from_kek(wrap, kek=kek, scope=place.row, generation=generation, commit=commit)
    plain = _values._encode(_values.open_(value, keys=keys, place=place))
    if plain[:1] != _JSON:
        raise DecryptError
    return plain[1:]
