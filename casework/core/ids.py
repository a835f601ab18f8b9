"""Identifiers that tell nothing: random, without order, place or year."""

import secrets
import uuid

# No 0/O, 1/I/L, U: read aloud over a bad line and typed from paper without mistakes.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> uuid.UUID:
    """Return a random UUID (version 4: version 7 would tell when the row was made)."""
    return uuid.uuid4()


def new_reference() -> str:
    """Return a case reference such as `K7Q2-M4XD`: 39 random bits, no order, no place, no year."""
    letters = [secrets.choice(_ALPHABET) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])
