"""What encryption itself costs: fifty rows of six sealed fields, and one value (security design, section 11)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from bench.plain.views import visible
from casework.accounts.models import User
from casework.cases import selectors as cases
from casework.core import work
from casework.crypto import envelope
from casework.crypto import services as crypto
from casework.crypto.envelope import Place
from casework.crypto.keyring import Kek, ScopeKeys, commitment, new_key

ROWS = 50
FIELDS = ("title", "summary", "safe_contact", "access_notes", "grounds", "search")
PAGE_GOAL = 2.5
CRYPTO_GOAL = 0.7
VALUE_GOAL = 6.0
_VALUES = 2_000


def pages(user: User) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what reads fifty visible cases with six sealed fields each, and the same of plain columns.

    Both ask the grants in their query, as every list does.
    """

    def ours() -> list[tuple[Any, ...]]:
        with work.acting(work.Actor(user.pk, kind="command")):
            found = list(cases.visible().filter(state="open").order_by("next_due_on", "id")[:ROWS])
            crypto.keys_for_many([case.pk for case in found])
            return [tuple(getattr(case, name) for name in FIELDS) for case in found]

    def plain() -> list[tuple[Any, ...]]:
        with transaction.atomic():
            found = list(visible(user.pk).filter(state="open").order_by("next_due_on", "id")[:ROWS])
            return [tuple(getattr(case, name) for name in FIELDS) for case in found]

    if ours() != plain():
        raise SystemExit("the rows differ; no ratio would mean anything")
    return ours, plain


def opening() -> Callable[[], Any]:
    """Return the cryptography of such a page alone: fifty keys unwrapped, three hundred values opened."""
    kek = Kek(1, new_key())
    rows = []
    for _ in range(ROWS):
        keys = ScopeKeys(uuid4(), 1, new_key())
        blobs = [
            envelope.seal("Synthetic summary.", key=keys, place=Place(1, keys.scope, n)) for n in range(len(FIELDS))
        ]
        commit = commitment(keys.reveal_for_wrapping(), keys.scope, 1)
        rows.append((keys.scope, envelope.wrap_scope_to_kek(keys, kek), commit, blobs))

    def act() -> None:
        for scope, wrap, commit, blobs in rows:
            keys = envelope.unwrap_scope_from_kek(wrap, kek=kek, scope=scope, generation=1, commit=commit)
            for number, blob in enumerate(blobs):
                envelope.open_(blob, keys=keys, place=Place(1, scope, number))

    return act


def values() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what opens values of 64 bytes, padding included, through our format; and the bare cipher on the same."""
    keys = ScopeKeys(uuid4(), 1, new_key())
    place = Place(1, keys.scope, 1)
    blob = envelope.seal("x" * 62, key=keys, place=place)
    bare, nonce, aad = AESGCM(new_key()), os.urandom(12), bytes(47)
    sealed = bare.encrypt(nonce, bytes(64), aad)

    def ours() -> None:
        for _ in range(_VALUES):
            envelope.open_(blob, keys=keys, place=place)

    def raw() -> None:
        for _ in range(_VALUES):
            bare.decrypt(nonce, sealed, aad)

    return ours, raw
