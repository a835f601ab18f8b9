"""Pictures as they lie packed in a PDF: taken apart into their segments, without touching a point of them.

A segment that is not needed to show the picture is left out: what a camera, a phone or a program wrote about place,
time and owner stands in them. What does not follow its format is given back as it was; readers that show it all the
same are few.
"""

from __future__ import annotations

from typing import Final

# ITU-T T.81, table B.1: application segments and comments. Of those only the two that say how colours are meant stay.
_APPLICATION: Final = range(0xE0, 0xF0)
_JFIF, _ADOBE, _COMMENT, _SCAN, _END = 0xE0, 0xEE, 0xFE, 0xDA, 0xD9
_MARK, _RESTART = 0xFF, range(0xD0, 0xD8)
_ALONE: Final = frozenset({0x01, 0xD8, *_RESTART})
_JFIF_BYTES, _ADOBE_BYTES = 18, 16  # without a thumbnail; its length and marker included
# ISO/IEC 15444-1, annex I: boxes of free content.
_FREE_BOXES: Final = frozenset({b"uuid", b"xml ", b"uinf", b"jp2i"})
_SHORT_BOX, _LONG_BOX = 8, 16


def jpeg(packed: bytes) -> bytes:
    """Return a JPEG without application segments, comments, and what stands behind its end."""
    if packed[:2] != b"\xff\xd8":
        return packed
    kept, at = [packed[:2]], 2
    while at + 4 <= len(packed):
        if packed[at] != _MARK:
            return packed
        marker = packed[at + 1]
        if marker == _MARK:  # a fill byte
            at += 1
            continue
        if marker in _ALONE:
            kept.append(packed[at : at + 2])
            at += 2
            continue
        if marker == _END:
            break
        end = at + 2 + int.from_bytes(packed[at + 2 : at + 4], "big")
        if end > len(packed) or end < at + 4:
            return packed
        if marker == _SCAN:
            stop = _after_scan(packed, end)
            kept.append(packed[at:stop])
            at = stop
            continue
        segment = packed[at:end]
        if _is_kept(marker, segment):
            kept.append(segment)
        at = end
    return b"".join(kept) + b"\xff\xd9"


def _is_kept(marker: int, segment: bytes) -> bool:
    if marker == _COMMENT:
        return False
    if marker not in _APPLICATION:
        return True
    # Adobe's says whether the colours are those of print.
    return (marker == _JFIF and segment[4:9] == b"JFIF\0" and len(segment) == _JFIF_BYTES) or (
        marker == _ADOBE and segment[4:9] == b"Adobe" and len(segment) == _ADOBE_BYTES
    )


def _after_scan(packed: bytes, at: int) -> int:
    """Return where the coded points end: at a marker that is neither a stuffed zero nor a restart."""
    while (at := packed.find(b"\xff", at)) >= 0 and at + 1 < len(packed):
        following = packed[at + 1]
        if following == 0 or following in _RESTART:
            at += 2
        elif following == _MARK:
            at += 1
        else:
            return at
    return len(packed)


def jpeg2000(packed: bytes) -> bytes:
    """Return a JPEG 2000 without its boxes of free content; a bare code stream as it is."""
    if packed[4:8] != b"jP  " or b"ftbl" in packed:  # tables of fragments count from the file's beginning
        return packed
    kept, at = [], 0
    while at + _SHORT_BOX <= len(packed):
        length, kind = int.from_bytes(packed[at : at + 4], "big"), packed[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(packed[at + 8 : at + _LONG_BOX], "big")
        elif length == 0:
            length = len(packed) - at
        if length < _SHORT_BOX or at + length > len(packed):
            return packed
        if kind not in _FREE_BOXES:
            kept.append(packed[at : at + length])
        at += length
    return b"".join(kept)
