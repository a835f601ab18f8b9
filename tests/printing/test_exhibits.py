"""Foreign files: shown upright and whole, with nothing left of what they carried beside their pages."""

from __future__ import annotations

import io
import zlib

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name
from PIL import Image

from casework.printing import dossier, exhibits, geometry, image_exhibits, pdf_exhibits, text_exhibits
from casework.printing.types import Exhibit, Trouble
from tests.printing.printing_samples import (
    A4,
    A4_WIDE,
    dossier_data,
    everything,
    exhibit,
    pdf,
    picture,
    saved,
    shown_boxes,
)


def first_page_of(content: bytes, media_type: str = "application/pdf") -> tuple[pikepdf.Pdf, int]:
    """Return a dossier with this one exhibit, and the exhibit's first page, from 1."""
    made = dossier.build(dossier_data(), [exhibit("1", content, media_type)])
    [entry] = made.manifest.entries
    assert entry.included, entry.troubles
    return pikepdf.open(io.BytesIO(made.pdf)), entry.first_page


def size_of(file: pikepdf.Pdf, page: int) -> tuple[int, int]:
    box = [round(float(side)) for side in file.pages[page - 1].mediabox]
    return box[2] - box[0], box[3] - box[1]


class TestPages:
    """Each page is shown as its reader shows it, on A4, above the stamp."""

    @pytest.mark.parametrize(
        ("size", "rotate", "expected"),
        [
            (A4, 0, A4),
            (A4, 90, A4_WIDE),
            (A4, 180, A4),
            (A4, 270, A4_WIDE),
            (A4_WIDE, 0, A4_WIDE),
            (A4_WIDE, 90, A4),
            ((1684.0, 2384.0), 0, A4),
            ((200.0, 100.0), 0, A4_WIDE),
        ],
    )
    def test_are_the_right_way_up_on_a4(
        self, size: tuple[float, float], rotate: int, expected: tuple[float, float]
    ) -> None:
        file, page = first_page_of(pdf(size=size, rotate=rotate))
        assert size_of(file, page) == expected
        left, bottom, right, top = shown_boxes(file, page)
        assert left >= 0
        assert bottom >= geometry.FOOT - 0.1
        assert right <= expected[0] + 1
        assert top <= expected[1] + 1
        assert Name.Rotate not in file.pages[page - 1].obj

    @pytest.mark.parametrize(
        ("rotate", "corner"), [(0, "left bottom"), (90, "left top"), (180, "right top"), (270, "right bottom")]
    )
    def test_turn_clockwise_as_the_file_asks(self, rotate: int, corner: str) -> None:
        file, page = first_page_of(pdf(rotate=rotate))
        a, b, c, d, e, f = (float(number) for number in file.pages[page - 1].obj.Contents[0].read_bytes().split()[1:7])
        # The sample has its mark around (20, 20), the lower left corner of the paper before turning.
        x, y = a * 20 + c * 20 + e, b * 20 + d * 20 + f
        width, height = size_of(file, page)
        assert f"{'left' if x < width / 2 else 'right'} {'bottom' if y < height / 2 else 'top'}" == corner

    def test_are_not_blown_up(self) -> None:
        file, page = first_page_of(pdf(size=(200, 100)))
        left, bottom, right, top = shown_boxes(file, page)
        assert right - left == pytest.approx(200, abs=0.5)
        assert top - bottom == pytest.approx(100, abs=0.5)

    def test_show_only_what_the_crop_box_shows(self) -> None:
        def crop(made: pikepdf.Pdf) -> None:
            made.pages[0].obj.CropBox = Array([100, 100, 300, 200])

        file, page = first_page_of(pdf(change=crop))
        drawn = file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"]
        assert [float(side) for side in drawn.BBox] == [100, 100, 300, 200]

    def test_find_the_fonts_that_a_parent_holds_for_them(self) -> None:
        def inherit(made: pikepdf.Pdf) -> None:
            made.Root.Pages.Resources = made.pages[0].obj.Resources
            made.Root.Pages.MediaBox = made.pages[0].obj.MediaBox
            del made.pages[0].obj.Resources
            del made.pages[0].obj.MediaBox

        file, page = first_page_of(pdf(change=inherit))
        drawn = file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"]
        assert drawn.Resources.Font.F1.BaseFont == Name.Helvetica

    def test_may_have_their_drawing_in_several_streams(self) -> None:
        def split(made: pikepdf.Pdf) -> None:
            made.pages[0].obj.Contents = Array([made.make_stream(b"0 0 10"), made.make_stream(b"10 re f")])

        file, page = first_page_of(pdf(change=split))
        drawn = file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"]
        assert drawn.read_bytes().split() == [b"0", b"0", b"10", b"10", b"re", b"f"]

    def test_may_be_empty(self) -> None:
        def empty(made: pikepdf.Pdf) -> None:
            del made.pages[0].obj.Contents

        file, page = first_page_of(pdf(change=empty))
        assert file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"].read_bytes() == b""

    def test_cannot_move_the_stamp_by_popping_the_graphics_state(self) -> None:
        def unbalance(made: pikepdf.Pdf) -> None:
            made.pages[0].obj.Contents = made.make_stream(b"Q Q Q 5 0 0 5 0 0 cm")

        file, page = first_page_of(pdf(change=unbalance))
        assert b"5 0 0 5" not in file.pages[page - 1].obj.Contents[1].read_bytes()
        assert b"5 0 0 5" in file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"].read_bytes()

    @pytest.mark.parametrize("box", [[0, 0, 0, 0], [0, 0, 1e9, 1e9]])
    def test_without_a_usable_size_count_as_damage(self, box: list[object]) -> None:
        def spoil(made: pikepdf.Pdf) -> None:
            made.pages[0].obj.MediaBox = Array(box)

        assert exhibits.prepare(exhibit("1", pdf(change=spoil))).content.troubles == [Trouble.BROKEN]


class TestWhatAFileHidesAndHolds:
    """What was filled in stays to be read; what was switched off stays off; what is lost is said."""

    def test_draws_what_was_filled_into_a_form(self) -> None:
        def fill(made: pikepdf.Pdf) -> None:
            look = made.make_stream(b"BT /F1 12 Tf (filled in) Tj ET")
            look.Type, look.Subtype, look.BBox = Name.XObject, Name.Form, Array([0, 0, 100, 20])
            look.Resources = made.pages[0].obj.Resources
            field = made.make_indirect(
                Dictionary(
                    Type=Name.Annot,
                    Subtype=Name.Widget,
                    FT=Name.Tx,
                    T="name",
                    V="filled in",
                    F=4,
                    Rect=Array([100, 100, 200, 120]),
                    AP=Dictionary(N=look),
                )
            )
            made.pages[0].obj.Annots = Array([field])
            made.Root.AcroForm = Dictionary(Fields=Array([field]))

        file, page = first_page_of(pdf(change=fill))
        assert "filled in" in everything(file)
        assert Name.Annots not in file.pages[page - 1].obj
        assert Name.AcroForm not in file.Root

    def test_keeps_hidden_layers_hidden(self) -> None:
        def layer(made: pikepdf.Pdf) -> None:
            shown = made.make_indirect(Dictionary(Type=Name.OCG, Name="shown"))
            hidden = made.make_indirect(Dictionary(Type=Name.OCG, Name="hidden"))
            made.Root.OCProperties = Dictionary(OCGs=Array([shown, hidden]), D=Dictionary(OFF=Array([hidden])))
            made.pages[0].obj.Resources.Properties = Dictionary(A=shown, B=hidden)

        file, page = first_page_of(pdf(change=layer))
        drawn = file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"]
        assert [str(group.Name) for group in file.Root.OCProperties.OCGs] == ["shown", "hidden"]
        assert [group.objgen for group in file.Root.OCProperties.D.OFF] == [drawn.Resources.Properties.B.objgen]

    def test_keeps_hidden_what_a_base_state_hides(self) -> None:
        def layer(made: pikepdf.Pdf) -> None:
            shown = made.make_indirect(Dictionary(Type=Name.OCG, Name="shown"))
            hidden = made.make_indirect(Dictionary(Type=Name.OCG, Name="hidden"))
            made.Root.OCProperties = Dictionary(
                OCGs=Array([shown, hidden]), D=Dictionary(BaseState=Name.OFF, ON=Array([shown]))
            )

        file, _ = first_page_of(pdf(change=layer))
        assert [str(group.Name) for group in file.Root.OCProperties.D.OFF] == ["hidden"]

    def test_says_that_a_signature_is_lost(self) -> None:
        def sign(made: pikepdf.Pdf) -> None:
            made.Root.AcroForm = Dictionary(Fields=Array(), SigFlags=3)

        assert exhibits.prepare(exhibit("1", pdf(change=sign))).content.troubles == [Trouble.SIGNED]

    def test_says_that_attached_files_are_left_out(self) -> None:
        def attach(made: pikepdf.Pdf) -> None:
            made.attachments["more.txt"] = pikepdf.AttachedFileSpec(made, b"more")

        assert exhibits.prepare(exhibit("1", pdf(change=attach))).content.troubles == [Trouble.ATTACHMENTS]

    def test_says_that_a_damaged_file_was_repaired(self) -> None:
        whole = pdf(2)
        prepared = exhibits.prepare(exhibit("1", whole[: whole.rindex(b"startxref")]))
        assert prepared.is_included
        assert prepared.content.troubles == [Trouble.REPAIRED]

    def test_says_nothing_about_a_clean_file(self) -> None:
        assert exhibits.prepare(exhibit("1", pdf(2))).content.troubles == []


class TestHostileFiles:
    """A file made to hurt costs its own place in the dossier and no more."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(place=st.integers(min_value=0, max_value=2_000), junk=st.binary(min_size=1, max_size=40))
    def test_with_bytes_overwritten_anywhere_is_printed_or_replaced(self, place: int, junk: bytes) -> None:
        whole = pdf(2)
        start = place % len(whole)
        made = dossier.build(dossier_data(), [exhibit("1", whole[:start] + junk + whole[start + len(junk) :])])
        [entry] = made.manifest.entries
        assert entry.last_page == made.page_count
        with pikepdf.open(io.BytesIO(made.pdf)) as file:
            assert len(file.pages) == made.page_count

    def test_that_unpacks_without_end_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def bomb(made: pikepdf.Pdf) -> None:
            packed = made.make_stream(zlib.compress(b" " * 3_000_000))
            packed.Filter = Name.FlateDecode
            made.pages[0].obj.Contents = Array([packed, made.make_stream(b"n")])

        content = pdf(change=bomb)
        monkeypatch.setattr(pdf_exhibits, "MOST_CONTENT_BYTES", 1_000_000)
        made = dossier.build(dossier_data(), [exhibit("1", content), exhibit("2", pdf())])
        assert [entry.troubles for entry in made.manifest.entries] == [(Trouble.TOO_LARGE,), ()]

    def test_of_too_many_pages_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pdf_exhibits, "MOST_PAGES", 3)
        assert exhibits.prepare(exhibit("1", pdf(4))).content.troubles == [Trouble.TOO_LARGE]
        assert exhibits.prepare(exhibit("1", pdf(3))).content.troubles == []

    def test_that_is_too_large_is_fingerprinted_and_not_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exhibits, "MOST_BYTES", 10)
        prepared = exhibits.prepare(exhibit("1", b"x" * 11, "text/plain"))
        assert prepared.content.troubles == [Trouble.TOO_LARGE]
        assert prepared.size_bytes == 11

    def test_whose_picture_is_a_bomb_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(image_exhibits, "MOST_PIXELS", 59_999)
        assert exhibits.prepare(exhibit("1", picture("PNG"), "image/png")).content.troubles == [Trouble.TOO_LARGE]
        monkeypatch.setattr(image_exhibits, "MOST_PIXELS", 60_000)
        assert exhibits.prepare(exhibit("1", picture("PNG"), "image/png")).content.troubles == []

    def test_whose_picture_only_claims_to_be_huge_is_refused(self) -> None:
        image = Image.new("1", (20_000, 20_000))
        sink = io.BytesIO()
        image.save(sink, "PNG")
        assert exhibits.prepare(exhibit("1", sink.getvalue(), "image/png")).content.troubles == [Trouble.TOO_LARGE]

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
    def test_whose_picture_is_cut_short_is_replaced(self, kind: str) -> None:
        whole = picture(kind, (640, 480))
        prepared = exhibits.prepare(exhibit("1", whole[: len(whole) // 2], f"image/{kind.lower()}"))
        assert prepared.content.troubles == [Trouble.BROKEN]
        assert not prepared.is_included


class TestPictures:
    """Encoded anew, upright, without what the camera wrote."""

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "CMYK"])
    def test_of_each_format_and_mode_are_shown(self, kind: str, mode: str) -> None:
        if (kind, mode) in {("JPEG", "RGBA"), ("JPEG", "P"), ("PNG", "CMYK")}:
            mode = "L"
        image = Image.new("RGB", (300, 200), "white")
        image.paste("black", (0, 0, 150, 200))
        sink = io.BytesIO()
        image.convert(mode).save(sink, kind)
        [sheet] = exhibits.prepare(exhibit("1", sink.getvalue(), f"image/{kind.lower()}")).content.sheets
        assert sheet.landscape
        with pikepdf.new() as file:
            drawn, _ = sheet.draw_into(file)
            shown = pikepdf.PdfImage(drawn).as_pil_image().convert("L")  # type: ignore[arg-type]
        assert shown.size == (300, 200)
        assert shown.getpixel((20, 100)) < 10  # type: ignore[operator]
        assert shown.getpixel((280, 100)) > 245  # type: ignore[operator]

    def test_lose_the_place_where_they_were_taken(self) -> None:
        exif = Image.Exif()
        exif[0x010E] = "taken at the hiding place"
        file, _ = first_page_of(picture("JPEG", exif=exif), "image/jpeg")
        assert "hiding place" not in everything(file)

    def test_are_turned_as_the_camera_was_held(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        file, page = first_page_of(picture("JPEG", (300, 200), exif=exif), "image/jpeg")
        drawn = file.pages[page - 1].obj.Resources.XObject["/CaseworkExhibit"]
        assert (int(drawn.Width), int(drawn.Height)) == (200, 300)
        assert size_of(file, page) == A4

    def test_show_transparent_parts_as_paper(self) -> None:
        sink = io.BytesIO()
        Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(sink, "PNG")
        [sheet] = exhibits.prepare(exhibit("1", sink.getvalue(), "image/png")).content.sheets
        with pikepdf.new() as file:
            drawn, _ = sheet.draw_into(file)
            shown = pikepdf.PdfImage(drawn).as_pil_image().convert("RGB")  # type: ignore[arg-type]
        assert shown.getpixel((25, 25)) == (255, 255, 255)

    def test_of_sixteen_bits_keep_their_shades(self) -> None:
        image = Image.new("I;16", (100, 50), 60_000)
        image.paste(1_000, (0, 0, 50, 50))
        sink = io.BytesIO()
        image.save(sink, "PNG")
        [sheet] = exhibits.prepare(exhibit("1", sink.getvalue(), "image/png")).content.sheets
        with pikepdf.new() as file:
            drawn, _ = sheet.draw_into(file)
            shown = pikepdf.PdfImage(drawn).as_pil_image().convert("L")  # type: ignore[arg-type]
        assert (shown.getpixel((10, 25)), shown.getpixel((90, 25))) == (0, 255)

    def test_of_several_pages_have_a_page_each(self) -> None:
        sink = io.BytesIO()
        pages = [Image.new("1", (200, 300), 1) for _ in range(3)]
        pages[0].save(sink, "TIFF", save_all=True, append_images=pages[1:])
        assert len(exhibits.prepare(exhibit("1", sink.getvalue(), "image/tiff")).content.sheets) == 3

    def test_are_never_finer_than_three_hundred_dots_an_inch(self) -> None:
        [sheet] = exhibits.prepare(exhibit("1", picture("JPEG", (7000, 2000)), "image/jpeg")).content.sheets
        assert isinstance(sheet, image_exhibits.ImageSheet)
        assert (sheet.width, sheet.height) == (3508, 1002)


class TestPlainText:
    """Set in pages, as it stands."""

    def test_keeps_lines_and_indents(self) -> None:
        lines = text_exhibits.read("\ufeffone\r\n\ttwo\n\n  three\n".encode()).lines
        assert lines == ["one", "\u00a0" * 4 + "two", "", "\u00a0\u00a0three"]

    def test_reads_utf_16_with_its_mark(self) -> None:
        assert text_exhibits.read("Привет".encode("utf-16")).lines == ["Привет"]

    def test_fills_as_many_pages_as_it_needs(self) -> None:
        made = dossier.build(
            dossier_data(), [exhibit("1", b"A line of text.\n" * 200, "text/plain"), exhibit("2", pdf())]
        )
        one, two = made.manifest.entries
        assert one.last_page - one.first_page >= 3
        assert two.first_page == one.last_page + 1

    def test_that_is_too_long_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(text_exhibits, "MOST_CHARACTERS", 5)
        assert exhibits.prepare(exhibit("1", b"123456", "text/plain")).content.troubles == [Trouble.TOO_LARGE]

    def test_that_is_empty_has_a_page(self) -> None:
        made = dossier.build(dossier_data(), [exhibit("1", b"", "text/plain")])
        assert made.manifest.entries[0].included


class TestReading:
    """Each exhibit is opened once and closed."""

    def test_closes_what_it_opened(self) -> None:
        streams: list[io.BytesIO] = []

        def opens() -> io.BytesIO:
            streams.append(io.BytesIO(pdf()))
            return streams[-1]

        dossier.build(dossier_data(), [Exhibit(number="1", title="t", media_type="application/pdf", open=opens)])
        assert [stream.closed for stream in streams] == [True]

    def test_understands_a_media_type_with_parameters(self) -> None:
        assert exhibits.prepare(exhibit("1", b"x", "Text/Plain; charset=utf-8")).is_included

    def test_gives_the_same_pages_for_a_file_that_was_saved_twice(self) -> None:
        with pikepdf.open(io.BytesIO(pdf(2))) as file:
            again = saved(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        assert len(exhibits.prepare(exhibit("1", again)).content.sheets) == 2
