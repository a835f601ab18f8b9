"""Kinds are told by content: what is disguised, doubled or runs is not taken, whatever its name."""

from __future__ import annotations

import io
import struct
import zipfile

import pikepdf
import pytest
from PIL import Image

from casework.documents.policies import TAIL_BYTES, Look, media_type_of

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def archive(**members: bytes) -> bytes:
    """Return a ZIP of these members, `__` in a name standing for a slash and `_` for a dot."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "/").replace("_", "."), content)
    return sink.getvalue()


def word(filling: bytes = b"<w/>") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as made:
        for name in ("[Content_Types].xml", "_rels/.rels", "word/document.xml"):
            made.writestr(name, filling)
    return sink.getvalue()


def open_document(kind: bytes = b"application/vnd.oasis.opendocument.text") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as made:
        made.writestr("mimetype", kind)
        made.writestr("content.xml", b"<office/>" * 900)
    return sink.getvalue()


def picture(kind: str = "JPEG", **more: object) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (40, 30), "grey").save(sink, kind, **more)
    return sink.getvalue()


def pdf() -> bytes:
    sink = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.save(sink)
    return sink.getvalue()


def movie(brand: bytes, *compatible: bytes) -> bytes:
    body = brand + struct.pack(">L", 512) + b"".join(compatible)
    return struct.pack(">L", 8 + len(body)) + b"ftyp" + body + bytes(300)


def ole(name: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100_000) + name.encode("utf-16-le") + bytes(200_000)


class TestWhatIsTaken:
    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (pdf(), "application/pdf"),
            (picture(), "image/jpeg"),
            (picture("PNG"), "image/png"),
            (picture("TIFF"), "image/tiff"),
            (picture("WEBP"), "image/webp"),
            (movie(b"heic", b"mif1"), "image/heic"),
            (movie(b"isom", b"mp42"), "video/mp4"),
            (movie(b"XAVC", b"mp42"), "video/mp4"),
            (movie(b"qt  "), "video/quicktime"),
            (movie(b"M4A ", b"isom"), "audio/mp4"),
            (b"OggS\0\2" + bytes(40), "audio/ogg"),
            (b"#!AMR\n" + bytes(40), "audio/amr"),
            (b"RIFF\0\0\0\0WAVEfmt " + bytes(40), "audio/wav"),
            (b"{\\rtf1\\ansi Synthetic}", "application/rtf"),
            (word(), WORD),
            (word(b"x" * 300_000), WORD),
            (open_document(), "application/vnd.oasis.opendocument.text"),
            (ole("WordDocument"), "application/msword"),
            (ole("Workbook"), "application/vnd.ms-excel"),
            ("Повестка".encode(), "text/plain"),
            ("Повестка".encode() + b"\xd0", "text/plain"),
            ("Повестка\r\n".encode("utf-16"), "text/plain"),
            (b"A sum: 3 < 4, and <wanda@example.org> wrote it.", "text/plain"),
            # A phone writes a short film behind a photograph that moves.
            (picture() + movie(b"mp42"), "image/jpeg"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_is_known_by_its_content(self, content: bytes, media_type: str) -> None:
        assert media_type_of(Look(content)) == media_type

    @pytest.mark.parametrize("piece", [1, 511, 65_536])
    def test_is_known_in_whatever_pieces_it_arrives(self, piece: int) -> None:
        for content, expected in ((word(b"x" * 4_000), WORD), (ole("WordDocument")[:150_000], "application/msword")):
            look = Look()
            for at in range(0, len(content), piece):
                look.update(content[at : at + piece])
            assert media_type_of(look) == expected
            assert len(look.tail) <= TAIL_BYTES


class TestWhatIsNotTaken:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"MZ\x90\x00\x03\x00",
            b"\x7fELF\x02\x01\x01",
            b"\xca\xfe\xba\xbe\x00\x00\x004",
            b"\xcf\xfa\xed\xfe\x07\x00\x00\x01",
            b"L\x00\x00\x00\x01\x14\x02\x00",
            b"#!/bin/sh\nrm -rf /\n",
            b"@echo off\r\nformat c:\r\n",
            b"<html><script>alert(1)</script>",
            b"\xef\xbb\xbf \r\n<!DOCTYPE html><p>x",
            "<html>".encode("utf-16"),
            b"<?xml version='1.0'?><x/>",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            b"<x:note xmlns:x='y'>",
            b"A letter\n\n<script>alert(1)</script>",
            b"A letter\n<?php system($_GET[0]);",
            b"GIF89a" + bytes(20),
            b"7z\xbc\xaf\x27\x1c\x00\x04",
            b"Rar!\x1a\x07\x01\x00",
            archive(META_INF__MANIFEST_MF=b"Main-Class: x"),
            archive(letter_txt=b"Synthetic"),
            word()[:-30],
            open_document(b"application/epub+zip"),
            ole("Icon.exe"),
            movie(b"evil"),
            b"RIFF\0\0\0\0AVI " + bytes(40),
        ],
        ids=range(26),
    )
    def test_runs_or_holds_other_files(self, content: bytes) -> None:
        assert media_type_of(Look(content)) is None

    @pytest.mark.parametrize(
        "content",
        [
            picture() + archive(x_class=b"\xca\xfe\xba\xbe"),
            picture("PNG") + archive(x_txt=b"x"),
            pdf() + archive(x_txt=b"x"),
            picture(comment=b"%PDF-1.7 1 0 obj"),
            picture(comment=b"<script>alert(1)</script>"),
            picture(comment=b"<?php eval($_POST[0]);"),
            b"Dear Madam,\n%PDF-1.7\n1 0 obj\n",
            b"A plain letter.\n" * 20 + archive(x_txt=b"x"),
        ],
        ids=["jpeg+zip", "png+zip", "pdf+zip", "jpeg+pdf", "jpeg+script", "jpeg+php", "text+pdf", "text+zip"],
    )
    def test_is_two_things_at_once(self, content: bytes) -> None:
        assert media_type_of(Look(content)) is None
