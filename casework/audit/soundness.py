"""Whether the application wrote an entry as it stands, asked of one entry; `verify` asks it of the whole trail."""

from __future__ import annotations

from casework.audit import chain
from casework.audit.types import Row
from casework.crypto import services as crypto


def is_sound(row: Row) -> bool:
    """Say whether the application wrote this entry as it stands; its place in the chain is `verify`'s to look at."""
    row = row._replace(body=bytes(row.body), hash=bytes(row.hash), mac=bytes(row.mac), prev=bytes(row.prev))
    row = row._replace(row_digest=bytes(row.row_digest))
    if any(len(value) != chain.HASH_BYTES for value in (row.prev, row.row_digest, row.hash)):
        return False
    if chain.event_hash(row.event()) != row.hash:
        return False
    if _is_ours(row):
        return True
    return crypto.look_for_newer_epoch() and _is_ours(row)


def _is_ours(row: Row) -> bool:
    return any(chain.event_mac(key, row.hash) == row.mac for key in crypto.audit_mac_keys())
