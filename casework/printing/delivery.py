"""Encrypt a finished file for the person who receives it, in the age format (age-encryption.org/v1).

The file can be opened with any program that reads age files; the file itself is never altered.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pyrage  # it ships no types

if TYPE_CHECKING:
    from collections.abc import Sequence

# Crockford's base 32: no I, L, O or U, so that it survives the telephone and a bad pen.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS, _GROUP_LENGTH = 6, 4
_AGE, _SSH = "age1", "ssh-ed25519 "


class RecipientProblem(StrEnum):
    """Why a recipient's key was refused."""

    NONE_GIVEN = "none-given"
    PRIVATE_KEY = "private-key"
    UNKNOWN_KIND = "unknown-kind"
    MALFORMED = "malformed"


class InvalidRecipient(ValueError):
    """A recipient's key cannot be used; the message never repeats the key.

    `position` counts from 1 (0: none was given); `problem` lets the caller choose a translated sentence.
    """

    _SENTENCES: Final = {
        RecipientProblem.NONE_GIVEN: "No recipient key was given.",
        RecipientProblem.PRIVATE_KEY: "This is a secret key: ask for the public one, and have this one replaced.",
        RecipientProblem.UNKNOWN_KIND: "The key must begin with age1 or ssh-ed25519.",
        RecipientProblem.MALFORMED: "The key is incomplete or mistyped.",
    }

    def __init__(self, *, position: int, problem: RecipientProblem) -> None:
        super().__init__(self._SENTENCES[problem])
        self.position = position
        self.problem = problem


def encrypt_for_recipients(data: bytes, recipients: Sequence[str]) -> bytes:
    """Encrypt `data` so that each of the recipients can open it with their own secret key.

    `recipients`: public keys, `age1…` (X25519) or `ssh-ed25519 …`, with or without a comment.

    Raises:
        InvalidRecipient: there is none, or one of them is not such a key.
    """
    if not recipients:
        raise InvalidRecipient(position=0, problem=RecipientProblem.NONE_GIVEN)
    keys = [check_recipient(recipient, position=place) for place, recipient in enumerate(recipients, start=1)]
    encrypted: bytes = pyrage.encrypt(data, keys)
    return encrypted


def check_recipient(recipient: str, *, position: int = 1) -> pyrage.x25519.Recipient | pyrage.ssh.Recipient:
    """Return the key that `recipient` writes out.

    Raises:
        InvalidRecipient: it is not an age or ssh-ed25519 public key.
    """
    written = recipient.strip()
    if written.upper().startswith("AGE-SECRET-KEY-") or "PRIVATE KEY" in written:
        raise InvalidRecipient(position=position, problem=RecipientProblem.PRIVATE_KEY)
    try:
        if written.lower().startswith(_AGE):
            return pyrage.x25519.Recipient.from_str(written.lower() if written.isupper() else written)
        if written.startswith(_SSH):
            return pyrage.ssh.Recipient.from_str(written)
    except pyrage.RecipientError as error:
        raise InvalidRecipient(position=position, problem=RecipientProblem.MALFORMED) from error
    raise InvalidRecipient(position=position, problem=RecipientProblem.UNKNOWN_KIND)


def encrypt_with_passphrase(data: bytes, passphrase: str) -> bytes:
    """Encrypt `data` under a passphrase; takes seconds on purpose, so never call it while a person waits for a page.

    Raises:
        ValueError: the passphrase is empty.
    """
    if not passphrase.strip():
        raise ValueError("A passphrase must not be empty")
    encrypted: bytes = pyrage.passphrase.encrypt(data, passphrase)
    return encrypted


def new_passphrase() -> str:
    """Return a new passphrase of 120 random bits, as six groups of four letters or digits joined by hyphens."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)
