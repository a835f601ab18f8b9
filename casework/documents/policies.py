"""Which files are taken: told by their content, never by their name."""

from __future__ import annotations

# Kinds that the dossier can print, then those it encloses; whatever else arrives is refused.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)

# What no text holds: a file with one of these is something else.
_CONTROLS = frozenset({*range(32), 127}) - {9, 10, 12, 13}


def media_type_of(head: bytes) -> str | None:
    """Return the media type told by a file's first bytes, or None for one that is not taken."""
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head and not _CONTROLS & set(head) and _is_text(head):
        return "text/plain"
    return None


def _is_text(head: bytes) -> bool:
    # The last character may be cut in the middle: up to three bytes of it are forgiven.
    for cut in range(4):
        try:
            head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False
