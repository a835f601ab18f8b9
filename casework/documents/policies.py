"""Which files are taken: told by their content, never by their name."""

from __future__ import annotations

import re
import struct
from typing import Final

from django.utils.translation import gettext_lazy as _

from casework.printing import cleaning

HEAD_BYTES: Final = 4096
# The end of a ZIP: its closing record with the longest comment, and before it the list of what it holds.
TAIL_BYTES: Final = 128 * 1024

# Kinds that the dossier can print, then those it encloses; whatever else arrives is refused.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
)
_RIFF: dict[bytes, str] = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
# By brand, as https://mp4ra.org/registered-types/brands lists them; a phone names its own first and these as well.
_BRANDS: dict[bytes, str] = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1"), "image/heic"),
    b"avif": "image/avif",
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3g2a", b"3gr6", b"3gs7"), "video/3gpp"),
    **dict.fromkeys(
        (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash"), "video/mp4"
    ),
}
_OPEN_DOCUMENT: Final = b"application/vnd.oasis.opendocument."
_OFFICE_FOLDERS: dict[bytes, str] = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
# Streams by which an older office file is one, and not an installer, which has the same outer format.
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS: dict[bytes, str] = {
    name.encode("utf-16-le"): media_type
    for name, media_type in (
        ("WordDocument", "application/msword"),
        ("Workbook", "application/vnd.ms-excel"),
        ("PowerPoint Document", "application/vnd.ms-powerpoint"),
        ("EncryptedPackage", "application/x-ole-storage"),
        ("__properties_version1.0", "application/vnd.ms-outlook"),
    )
}
_LONGEST_OLE_NAME: Final = max(map(len, _OLE_STREAMS))

# What no text holds: a file with one of these is something else.
_CONTROLS = frozenset({*range(32), 127}) - {9, 10, 12, 13}
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# Text that a browser, a shell or another program would run or lay out. Readers look at the beginning, and so do we.
_STARTS_PROGRAM = re.compile(r"#!|@echo\b|<(?:!doctype|!--|\?|!\[cdata)|<[a-z][a-z0-9:]*[\s/>]", re.IGNORECASE)
_HOLDS_PROGRAM = re.compile(r"<(?:script|svg|html|iframe|object|embed|!doctype\s+html|\?php|\?xml-stylesheet)\b", re.I)
_PDF_HEADER_WITHIN: Final = 1024  # readers take a PDF that begins this late
_EOCD = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")


NOT_TAKEN = _(
    "This kind of file is not taken; what counts is its content, not its name. Taken are PDF, pictures (JPEG, PNG,"
    " TIFF, WebP, HEIC), plain text, office files (Word, Excel, PowerPoint, OpenDocument, RTF, Outlook messages), sound"
    " and video (MP3, M4A, Ogg, WAV, AMR, MP4). Save a web page as PDF; unpack an archive and add its files."
)


class Look:
    """What is looked at of a file while it arrives: its beginning, its end, and names of older office files."""

    __slots__ = ("_seam", "head", "ole_kind", "tail")

    def __init__(self, content: bytes = b"") -> None:
        self.head = self.tail = self._seam = b""
        self.ole_kind: str | None = None
        self.update(content)

    def update(self, data: bytes) -> None:
        """Look at the next piece."""
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        self.tail = data[-TAIL_BYTES:] if len(data) >= TAIL_BYTES else (self.tail + data)[-TAIL_BYTES:]
        if self.ole_kind is None and self.head.startswith(_OLE):
            joined = self._seam + data
            self.ole_kind = next((kind for name, kind in _OLE_STREAMS.items() if name in joined), None)
            self._seam = joined[-_LONGEST_OLE_NAME:]


# What a picture of a phone or a scanned file has, and what a worker's memory bears beside its unpacked pixels.
MOST_CLEANED_BYTES: Final = 50 * 1024 * 1024


def may_be_cleaned(media_type: str, size: int) -> bool:
    """Say whether a copy without hidden data can be asked for: of a picture or a PDF file that is not too long."""
    return media_type in cleaning.MEDIA_TYPES and size <= MOST_CLEANED_BYTES


def media_type_of(look: Look) -> str | None:
    """Return the media type told by a file's content, or None for one that is not taken.

    A file that is two things at once, a picture with an archive behind it or a document inside a comment, is not taken.
    """
    head = look.head
    found = _by_signature(head)
    if found is not None:
        return None if _is_also_something_else(look, found) else found
    if head.startswith(_OLE):
        return look.ole_kind
    if head.startswith(b"PK\x03\x04"):
        return _office_kind(look)
    text = _text(head)
    if not text or _STARTS_PROGRAM.match(text.lstrip("\ufeff \t\r\n\f")) or _HOLDS_PROGRAM.search(text):
        return None
    return None if "%PDF-" in text[:_PDF_HEADER_WITHIN] or _entries(look.tail) is not None else "text/plain"


def _by_signature(head: bytes) -> str | None:
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        length = min(int.from_bytes(head[:4], "big"), len(head))
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
        return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
    return None


def _is_also_something_else(look: Look, found: str) -> bool:
    if _entries(look.tail) is not None:
        return True
    if found == "application/pdf":
        return False
    beginning = look.head[:_PDF_HEADER_WITHIN]
    return b"%PDF-" in beginning or _HOLDS_PROGRAM.search(look.head.decode("latin-1")) is not None


def _office_kind(look: Look) -> str | None:
    """Return what office file a ZIP is, by the names in its list; None for any other ZIP, a program's among them."""
    names = _entries(look.tail)
    if names is None:
        return None
    if names[:1] == [b"mimetype"]:
        start = 30 + len(b"mimetype") + int.from_bytes(look.head[28:30], "little")
        given = re.match(rb"[a-z0-9./+-]+", look.head[start:])
        # The next record follows at once, and begins with PK: capitals end the name.
        kind = given.group() if given else b""
        return kind.decode() if kind.startswith(_OPEN_DOCUMENT) else None
    if b"[Content_Types].xml" not in names:
        return None
    for folder, media_type in _OFFICE_FOLDERS.items():
        if any(name.startswith(folder) for name in names):
            return media_type
    return None


def _entries(tail: bytes) -> list[bytes] | None:
    """Return the names that a ZIP's closing list gives, as far as the file's end shows it; None when there is none."""
    end = tail.rfind(b"PK\x05\x06")
    while end >= 0:
        if len(tail) - end >= _EOCD.size:
            _mark, disk, first, _here, _total, length, _offset, comment = _EOCD.unpack_from(tail, end)
            if not disk and not first and end + _EOCD.size + comment <= len(tail):
                return _names(tail, max(0, end - length), end)
        end = tail.rfind(b"PK\x05\x06", 0, end)
    return None


def _names(tail: bytes, at: int, end: int) -> list[bytes]:
    names = []
    while (at := tail.find(b"PK\x01\x02", at, end)) >= 0 and at + _ENTRY.size <= end:
        fields = _ENTRY.unpack_from(tail, at)
        names.append(tail[at + _ENTRY.size : at + _ENTRY.size + fields[10]])
        at += _ENTRY.size + fields[10]
    return names


def _text(head: bytes) -> str:
    """Return the beginning of a text, empty where it is none."""
    encoding = _UTF16.get(head[:2], "utf-8")
    # The last character may be cut in the middle: up to three bytes of it are forgiven.
    for cut in range(4):
        try:
            text = head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        return "" if any(ord(character) in _CONTROLS for character in text) else text
    return ""
