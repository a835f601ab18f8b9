"""Padding to few lengths, so that the length of a ciphertext tells little."""

from __future__ import annotations

from typing import Final

from casework.crypto._aead import DecryptError

_STEP: Final = 32
_STEPS_UNTIL: Final = 256
_MARK: Final = b"\x80"


def padme(length: int) -> int:
    """Return the smallest Padmé length that holds `length` bytes: at most 12 % more.

    Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019.
    """
    if length <= 1:
        return length
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (length + mask) & ~mask


def padded_length(length: int) -> int:
    """Return the length after padding of `length` bytes (type and mark counted): steps of 32 up to 256, then Padmé."""
    if length <= _STEPS_UNTIL:
        return max(_STEP, -(-length // _STEP) * _STEP)
    return padme(length)


def pad(plain: bytes) -> bytes:
    """Append the mark 0x80 and zeros up to the next of the few lengths."""
    marked = plain + _MARK
    return marked.ljust(padded_length(len(marked)), b"\0")


def unpad(padded: bytes) -> bytes:
    """Take mark and zeros away; raises `DecryptError` where there is no mark."""
    marked = padded.rstrip(b"\0")
    if marked[-1:] != _MARK:
        raise DecryptError
    return marked[:-1]
