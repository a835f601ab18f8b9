"""A copy without hidden data: what a camera, a program or an author wrote beside the picture is not in it."""

from __future__ import annotations

import io
import struct
import zlib

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image, PngImagePlugin
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from casework.printing import cleaning, image_exhibits, packed_pictures, pdf_exhibits
from casework.printing.sheets import Unprintable
from casework.printing.types import Trouble

MARK = "lanternmoss"
KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
SPELLINGS = (MARK.encode(), MARK.encode("utf-16-le"), MARK.encode("utf-16-be"))


def exif() -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = 6  # the camera was held upright
    made[0x013B] = MARK
    made[0x9286] = MARK
    made.get_ifd(IFD.GPSInfo).update({1: "N", 2: (47.0, 11.0, 8.0), 29: MARK})
    return made


def picture() -> Image.Image:
    image = Image.new("RGB", (60, 40), "white")
    image.paste("red", (0, 0, 60, 10))
    return image


def photographed(kind: str) -> bytes:
    """Return a picture with a mark in every place that such a file has for free words."""
    sink, xmp = io.BytesIO(), f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{MARK}</x:xmpmeta>".encode()
    more: dict[str, object] = {"exif": exif().tobytes()}
    if kind == "JPEG":
        iptc = b"\x1c\x02\x69" + struct.pack(">H", len(MARK)) + MARK.encode()
        photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">L", len(iptc)) + iptc
        more |= {"comment": MARK, "xmp": xmp, "extra": b"\xff\xed" + struct.pack(">H", len(photoshop) + 2) + photoshop}
    elif kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", MARK)
        info.add_text("Comment", MARK * 9, zip=True)
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        more["pnginfo"] = info
    elif kind == "WEBP":
        more["xmp"] = xmp
    else:
        tags = ImageFileDirectory_v2()
        for tag in (270, 271, 272, 305, 315, 316, 33432, 37510):
            tags[tag] = MARK
        tags[700], tags[274] = xmp, 6
        more["tiffinfo"] = tags
    more["icc_profile"] = b"icc " + MARK.encode()
    picture().save(sink, kind, **more)
    return sink.getvalue() + MARK.encode()  # and behind the end


def tells(content: bytes) -> bool:
    unpacked = [content]
    for at in range(len(content)):
        if content[at : at + 1] == b"\x78":
            try:
                unpacked.append(zlib.decompressobj().decompress(content[at:]))
            except zlib.error:
                continue
    return any(spelling in part for part in unpacked for spelling in SPELLINGS)


class TestPictures:
    """Place, owner, device, thumbnail, comment, profile, and what stands behind the end, in each format."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_lose_all_that_is_not_seen_and_keep_what_is(self, kind: str) -> None:
        given = photographed(kind)
        assert tells(given)
        cleaned = cleaning.clean(given, KINDS[kind])
        assert not tells(cleaned)
        with Image.open(io.BytesIO(cleaned)) as image:
            assert image.format == kind
            assert not dict(image.getexif()) or kind == "TIFF"
            assert not image.getexif().get_ifd(IFD.GPSInfo)
            assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & image.info.keys()
            # Turned as the camera was held: the red edge is to the right now.
            assert image.size == (40, 60)
            red, _green, blue = image.convert("RGB").getpixel((38, 30))
            assert red > 200
            assert blue < 60

    def test_lose_the_second_picture_behind_the_first(self) -> None:
        sink = io.BytesIO()
        picture().save(sink, "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40), "blue")])
        cleaned = cleaning.clean(sink.getvalue(), "image/jpeg")
        with Image.open(io.BytesIO(cleaned)) as image:
            assert image.format == "JPEG"
        assert b"MPF" not in cleaned

    def test_keep_what_is_transparent_and_their_pages(self) -> None:
        sink = io.BytesIO()
        Image.new("RGBA", (5, 5), (0, 0, 0, 0)).quantize().save(sink, "PNG", transparency=0)
        with Image.open(io.BytesIO(cleaning.clean(sink.getvalue(), "image/png"))) as image:
            assert image.convert("RGBA").getpixel((2, 2))[3] == 0
        sink = io.BytesIO()
        Image.new("1", (50, 50)).save(sink, "TIFF", save_all=True, append_images=[Image.new("L", (20, 20), 99)])
        with Image.open(io.BytesIO(cleaning.clean(sink.getvalue(), "image/tiff"))) as image:
            assert image.n_frames == 2
            image.seek(1)
            assert image.getpixel((3, 3)) == 99

    def test_that_move_are_refused(self) -> None:
        sink = io.BytesIO()
        picture().save(sink, "WEBP", save_all=True, append_images=[Image.new("RGB", (60, 40), "blue")])
        with pytest.raises(Unprintable):
            cleaning.clean(sink.getvalue(), "image/webp")

    @pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", photographed("JPEG")[:600], photographed("PNG")[:200]])
    def test_that_are_damaged_are_refused(self, content: bytes) -> None:
        with pytest.raises(Unprintable):
            cleaning.clean(content, "image/jpeg")

    def test_larger_than_memory_should_hold_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(image_exhibits, "MOST_PIXELS", 1_000)
        for kind, media_type in KINDS.items():
            with pytest.raises(Unprintable) as refused:
                cleaning.clean(photographed(kind), media_type)
            assert refused.value.trouble is Trouble.TOO_LARGE


def loaded_pdf() -> bytes:
    """Return a PDF with everything that acts or tells, and a photograph on its page."""
    made = pikepdf.new()
    page = made.add_blank_page(page_size=(300, 200))
    photograph = made.make_stream(photographed("JPEG"))
    photograph.Type, photograph.Subtype, photograph.Filter = Name.XObject, Name.Image, Name.DCTDecode
    photograph.Width, photograph.Height, photograph.BitsPerComponent = 60, 40, 8
    photograph.ColorSpace, photograph.Metadata = Name.DeviceRGB, made.make_stream(MARK.encode())
    page.obj.Resources = Dictionary(XObject=Dictionary(Im0=photograph))
    page.obj.Contents = made.make_stream(b"q 60 0 0 40 10 10 cm /Im0 Do Q")
    page.obj.Rotate, page.obj.CropBox = 90, Array([5, 5, 205, 105])
    script = Dictionary(S=Name.JavaScript, JS=pikepdf.String(f"app.alert('{MARK}')"))
    launch = Dictionary(S=Name.Launch, F=pikepdf.String(f"{MARK}.exe"))
    link = Dictionary(S=Name.URI, URI=pikepdf.String(f"https://{MARK}.example"))
    page.obj.AA, made.Root.OpenAction, made.Root.AA = Dictionary(O=script), script, Dictionary(WC=script)
    page.obj.Annots = Array(
        made.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 50, 50]), A=action))
        for action in (launch, link, script)
    )
    made.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([pikepdf.String("x"), script])))
    made.attachments[f"{MARK}.txt"] = pikepdf.AttachedFileSpec(made, MARK.encode(), filename=f"{MARK}.txt")
    made.docinfo[Name.Author] = made.docinfo[Name.Producer] = MARK
    with made.open_metadata(set_pikepdf_as_editor=False) as xmp:
        xmp["dc:creator"] = [MARK]
    made.Root.PieceInfo = page.obj.PieceInfo = Dictionary(App=Dictionary(Private=pikepdf.String(MARK)))
    sink = io.BytesIO()
    made.save(sink)
    return sink.getvalue()


class TestPdf:
    """Scripts, actions, attached files, who wrote it, and what a camera wrote into its pictures."""

    def test_loses_what_acts_and_what_tells(self) -> None:
        cleaned = cleaning.clean(loaded_pdf(), "application/pdf")
        with pikepdf.open(io.BytesIO(cleaned)) as pdf:
            assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
            assert Name.Info not in pdf.trailer
            assert not pdf.attachments
            (page,) = pdf.pages
            assert set(page.obj.keys()) == {"/Type", "/Parent", "/MediaBox", "/Resources", "/Contents", "/Rotate"}
            streams = b"".join(
                item.read_raw_bytes() if Name.Filter in item else item.read_bytes()
                for item in pdf.objects
                if isinstance(item, pikepdf.Stream)
            )
            assert not tells(streams)
            words = "".join(repr(item) for item in pdf.objects)
            assert not [word for word in ("JavaScript", "Launch", "URI", MARK) if word in words]
        assert not tells(cleaned)

    def test_shows_the_same_part_of_the_page_at_the_same_size(self) -> None:
        with pikepdf.open(io.BytesIO(cleaning.clean(loaded_pdf(), "application/pdf"))) as pdf:
            (page,) = pdf.pages
            assert [float(side) for side in page.mediabox] == [0, 0, 200, 100]
            assert page.rotation == 90
            assert b"1 0 0 1 -5.00000 -5.00000 cm" in page.Contents.read_bytes()

    def test_that_is_locked_or_damaged_is_refused(self) -> None:
        sink = io.BytesIO()
        with pikepdf.open(io.BytesIO(loaded_pdf())) as pdf:
            pdf.save(sink, encryption=pikepdf.Encryption(owner="a", user="b"))
        for content, trouble in ((sink.getvalue(), Trouble.ENCRYPTED), (b"%PDF-1.7 x", Trouble.BROKEN)):
            with pytest.raises(Unprintable) as refused:
                cleaning.clean(content, "application/pdf")
            assert refused.value.trouble is trouble


class TestPackedPictures:
    """A picture inside a PDF lies there as the camera wrote it; its points are not touched."""

    def test_of_a_jpeg_lose_all_but_the_points(self) -> None:
        given = photographed("JPEG")
        stripped = packed_pictures.jpeg(given)
        assert not tells(stripped)
        assert b"Exif" not in stripped
        with Image.open(io.BytesIO(given)) as before, Image.open(io.BytesIO(stripped)) as after:
            assert before.tobytes() == after.tobytes()

    @pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_of_every_colour_and_order_stay_the_same_points(self, mode: str, progressive: bool) -> None:
        sink = io.BytesIO()
        Image.effect_noise((90, 70), 80).convert(mode).save(
            sink, "JPEG", progressive=progressive, comment=MARK, restart_marker_blocks=2
        )
        with Image.open(sink) as before, Image.open(io.BytesIO(packed_pictures.jpeg(sink.getvalue()))) as after:
            assert before.tobytes() == after.tobytes()
            assert after.mode == mode

    @pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"no picture", b"\xff\xd8\xff\xe1\0\0"])
    def test_that_are_none_are_given_back_or_end(self, content: bytes) -> None:
        assert packed_pictures.jpeg(content) in (content, content + b"\xff\xd9")
        assert packed_pictures.jpeg2000(content) == content

    def test_of_a_jpeg_2000_lose_their_free_boxes(self) -> None:
        sink = io.BytesIO()
        picture().save(sink, "JPEG2000")
        box = struct.pack(">L", 8 + len(MARK)) + b"xml " + MARK.encode()
        given = sink.getvalue()[:12] + box + sink.getvalue()[12:]
        assert packed_pictures.jpeg2000(given) == sink.getvalue()


class TestExhibits:
    """What goes into a dossier has lost the same, whatever it is printed on."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_that_are_pictures_carry_nothing_along(self, kind: str) -> None:
        (sheet,) = image_exhibits.read(photographed(kind)).sheets
        assert isinstance(sheet, image_exhibits.ImageSheet)
        assert not tells(sheet.packed)

    def test_that_are_pdf_files_carry_nothing_of_their_pictures_along(self) -> None:
        with pikepdf.new() as dossier:
            (sheet,) = pdf_exhibits.read(loaded_pdf()).sheets
            form, _placement = sheet.draw_into(dossier)
            packed = form.Resources.XObject.Im0.read_raw_bytes()
        assert packed.startswith(b"\xff\xd8")
        assert not tells(packed)
