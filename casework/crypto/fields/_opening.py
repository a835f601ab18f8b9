"""Opening a ciphertext that knows its place."""

from __future__ import annotations

from casework.crypto import envelope, services
from casework.crypto.envelope import DecryptError, Place, Value
from casework.crypto.types import Sealed


def open_sealed(sealed: Sealed) -> Value:
    """Open a ciphertext in the place it belongs to; the value is kept with it. Raises as `services.keys_for`."""
    if not sealed.is_open():
        if sealed.origin is None or sealed.table is None:
            raise DecryptError
        place = Place(sealed.table, sealed.origin.row, sealed.field_id)
        try:
            keys = services.keys_for(sealed.origin.scope)
            if envelope.generation_of(sealed.blob) > keys.newest.generation:
                keys = services.keys_again(sealed.origin.scope)
            sealed.remember(envelope.open_(sealed.blob, keys=keys, place=place))
        except DecryptError as error:
            error.row, error.table, error.scope = sealed.origin.row, sealed.table, sealed.origin.scope
            raise
    return sealed.reveal()
