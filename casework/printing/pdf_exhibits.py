"""Foreign PDF files: take the pages' drawing and fonts, leave all that acts, calls out or tells about its author.

Nothing is filtered out of a page: a new page is made, and only content, resources of the known kinds and layers are
carried over. Annotations and form fields are first drawn into the page, so that what was filled in stays to be read.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from casework.printing import geometry, packed_pictures
from casework.printing.sheets import Printable, Unprintable
from casework.printing.types import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from casework.printing.sheets import Sheet

MOST_PAGES: Final = 2_000
MOST_CONTENT_BYTES: Final = 64 * 1024 * 1024

_RESOURCE_KINDS: Final = ("ExtGState", "ColorSpace", "Pattern", "Shading", "XObject", "Font", "Properties")
# Keys that lead out of the page: to its author, to other files, to the structure of a document that stays behind.
_STRIPPED_KEYS: Final = frozenset(
    f"/{key}"
    for key in ("Metadata", "PieceInfo", "AF", "OPI", "Ref", "Alternates", "StructParent", "StructParents", "A", "AA")
)
_EXTERNAL_KEYS: Final = frozenset({"/F", "/FFilter", "/FDecodeParms"})
_SMALLEST_SIDE: Final = 1.0
_LARGEST_SIDE: Final = 200_000.0

# Content of a few kilobytes can unpack to gigabytes; qpdf's limits hold for the whole process, so they are set once.
pikepdf.settings.set_qpdf_limits(
    flate_max_memory=256 * 1024 * 1024,
    run_length_max_memory=256 * 1024 * 1024,
    png_max_memory=256 * 1024 * 1024,
    tiff_max_memory=256 * 1024 * 1024,
    dct_max_memory=256 * 1024 * 1024,
    doc_max_warnings=1_000,
)


@dataclass(frozen=True, slots=True)
class PdfSheet:
    """One page of a foreign PDF."""

    source: pikepdf.Pdf
    page: pikepdf.Page
    box: tuple[float, float, float, float]
    rotation: int
    unit: float
    is_first: bool

    @property
    def landscape(self) -> bool:
        """Say whether a reader shows the page wider than high."""
        left, bottom, right, top = self.box
        wide = right - left > top - bottom
        return not wide if self.rotation in geometry.SIDEWAYS else wide

    def draw_into(self, dossier: pikepdf.Pdf) -> tuple[pikepdf.Object, geometry.Placement]:
        """Carry the page's drawing over as a form: see `Sheet`."""
        with _damage_is_unprintable():
            form = _content(self.source, self.page, dossier)
            form.Type, form.Subtype = Name.XObject, Name.Form
            form.BBox = Array([Decimal(f"{side:.4f}") for side in self.box])
            form.Resources = _resources(self.source, self.page, dossier)
            group = self.page.obj.get(Name.Group)
            if isinstance(group, Dictionary) and group.get(Name.S) == Name.Transparency:
                form.Group = dossier.copy_foreign(self.source.make_indirect(group))
            if self.is_first:
                _carry_layers(self.source, dossier)
        placement = geometry.upright(
            box=self.box, rotation=self.rotation, unit=self.unit, landscape=self.landscape, margin=0
        )
        return form, placement


def read(data: bytes) -> Printable:
    """Open a foreign PDF and make a sheet of each page.

    Raises:
        Unprintable: it needs a password, is damaged beyond repair, or is larger than a dossier may hold.
    """
    with _damage_is_unprintable():
        return _read(data)


def without_hidden_data(data: bytes) -> bytes:
    """Return a PDF of the same pages at the same size, without what stands beside their drawing.

    Gone are scripts, actions, links, bookmarks, attached files, forms (what was filled in is drawn), signatures, who
    wrote it and with which program, and what a camera wrote into the pictures on its pages.

    Raises:
        Unprintable: as `read`, or it is damaged in a way that shows only in the writing.
    """
    with _damage_is_unprintable(), pikepdf.new() as copy:
        for sheet in _read(data).sheets:
            assert isinstance(sheet, PdfSheet)
            form, _placement = sheet.draw_into(copy)
            left, bottom, right, top = sheet.box
            page = copy.add_blank_page(page_size=(right - left, top - bottom))
            page.obj.Resources = Dictionary(XObject=Dictionary(Page=copy.make_indirect(form)))
            page.obj.Contents = copy.make_stream(f"q 1 0 0 1 {-left:.5f} {-bottom:.5f} cm /Page Do Q".encode("ascii"))
            page.obj.Rotate = sheet.rotation
            if sheet.unit != 1:
                page.obj.UserUnit = Decimal(f"{sheet.unit:.5f}")
        sink = io.BytesIO()
        copy.save(sink, static_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return sink.getvalue()


@contextmanager
def _damage_is_unprintable() -> Iterator[None]:
    """Turn whatever pikepdf answers to malformed objects into `Unprintable`: it depends on the shape of the damage."""
    try:
        yield
    except pikepdf.PasswordError as error:
        raise Unprintable(Trouble.ENCRYPTED) from error
    except (
        pikepdf.PdfError,
        pikepdf.DataDecodingError,
        pikepdf.ForeignObjectError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise Unprintable(Trouble.BROKEN) from error


def _read(data: bytes) -> Printable:
    source = pikepdf.open(io.BytesIO(data), suppress_warnings=True)
    count = len(source.pages)
    if not count:
        raise Unprintable(Trouble.BROKEN)
    if count > MOST_PAGES:
        raise Unprintable(Trouble.TOO_LARGE)
    troubles = list(_lost_features(source))
    _draw_annotations(source)
    _strip(source)
    sheets: list[Sheet] = []
    for page in source.pages:
        box, rotation, unit = _shape(page)
        sheets.append(PdfSheet(source=source, page=page, box=box, rotation=rotation, unit=unit, is_first=not sheets))
    if source.get_warnings():
        troubles.insert(0, Trouble.REPAIRED)
    return Printable(sheets=sheets, troubles=troubles)


def _carry_layers(source: pikepdf.Pdf, target: pikepdf.Pdf) -> None:
    """List the source's optional content in the target: what its author switched off must stay off."""
    properties = source.Root.get(Name.OCProperties)
    if not isinstance(properties, Dictionary):
        return
    groups = [group for group in _dictionaries(properties.get(Name.OCGs)) if group.is_indirect]
    configuration = properties.get(Name.D)
    if not isinstance(configuration, Dictionary):
        configuration = Dictionary()
    if configuration.get(Name.BaseState) == Name.OFF:
        on = {group.objgen for group in _dictionaries(configuration.get(Name.ON))}
        hidden = {group.objgen for group in groups} - on
    else:
        hidden = {group.objgen for group in _dictionaries(configuration.get(Name.OFF))}
    if Name.OCProperties not in target.Root:
        target.Root.OCProperties = Dictionary(OCGs=Array(), D=Dictionary(OFF=Array(), Order=Array()))
    for group in groups:
        copy = target.copy_foreign(group)
        target.Root.OCProperties.OCGs.append(copy)
        if group.objgen in hidden:
            target.Root.OCProperties.D.OFF.append(copy)


def _lost_features(source: pikepdf.Pdf) -> Iterator[Trouble]:
    """Name what the file holds beside its pages, which the reader of a printed bundle will not find there."""
    form = source.Root.get(Name.AcroForm)
    if isinstance(form, Dictionary):
        flags: object = form.get(Name.SigFlags)  # pikepdf gives numbers as such
        if isinstance(flags, int) and flags & 1:
            yield Trouble.SIGNED
        if Name.XFA in form:
            yield Trouble.XFA
            del form[Name.XFA]
    names = source.Root.get(Name.Names)
    embedded = isinstance(names, Dictionary) and Name.EmbeddedFiles in names
    if embedded or any(
        annotation.get(Name.Subtype) == Name.FileAttachment
        for page in source.pages
        for annotation in _dictionaries(page.obj.get(Name.Annots))
    ):
        yield Trouble.ATTACHMENTS


def _draw_annotations(source: pikepdf.Pdf) -> None:
    """Draw the visible annotations into their pages and drop the others."""
    form = source.Root.get(Name.AcroForm)
    if isinstance(form, Dictionary) and bool(form.get(Name.NeedAppearances)):
        source.generate_appearance_streams()
    any_left = False
    for page in source.pages:
        drawn = [annotation for annotation in _dictionaries(page.obj.get(Name.Annots)) if Name.AP in annotation]
        if drawn:
            page.obj.Annots = Array(drawn)
            any_left = True
        elif Name.Annots in page.obj:
            del page.obj.Annots
    if any_left:
        source.flatten_annotations("all")


def _strip(source: pikepdf.Pdf) -> None:
    for item in source.objects:
        if not isinstance(item, (Dictionary, Stream)):
            continue
        keys = item.keys()
        for key in keys & _STRIPPED_KEYS:
            # A name of ours may also be the name of a resource: only what has a type of its own is a holder.
            if isinstance(item, Stream) or Name.Type in item:
                del item[key]
        if isinstance(item, Stream):
            for key in keys & _EXTERNAL_KEYS:
                del item[key]
            _strip_picture(item)
            if Name.PS in (item.get(Name.Subtype), item.get(Name.Subtype2)):
                item.write(b"")
                item.Subtype = Name.Form
                item.BBox = Array([0, 0, 0, 0])


def _strip_picture(item: Stream) -> None:
    """Take out what a camera or a program wrote into a packed picture, which the file holds as it was taken."""
    packing = item.get(Name.Filter)
    only = packing[0] if isinstance(packing, Array) and len(packing) == 1 else packing
    if only not in (Name.DCTDecode, Name.JPXDecode):
        return
    is_jpeg, packed = bool(only == Name.DCTDecode), item.read_raw_bytes()
    stripped = packed_pictures.jpeg(packed) if is_jpeg else packed_pictures.jpeg2000(packed)
    if stripped != packed:
        parameters = item.get(Name.DecodeParms)
        if isinstance(parameters, Array):
            parameters = parameters[0] if len(parameters) else None
        known = parameters if isinstance(parameters, Dictionary) else None
        item.write(stripped, filter=Name.DCTDecode if is_jpeg else Name.JPXDecode, decode_parms=known)


def _shape(page: pikepdf.Page) -> tuple[tuple[float, float, float, float], int, float]:
    """Return the part of a page that readers show, how far they turn it, and the size of its unit in points."""
    media, crop = _box(page.mediabox), _box(page.cropbox)
    shown = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    box = shown if _is_usable(shown) else media
    unit = float(page.obj.get(Name.UserUnit, 1))
    rotation = int(page.rotation) % 360
    if not _is_usable(box) or rotation % geometry.QUARTER or not 0 < unit <= _LARGEST_SIDE:
        raise Unprintable(Trouble.BROKEN)
    return box, rotation, unit


def _box(box: pikepdf.Object) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(cast("Decimal", side)) for side in box)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _is_usable(box: tuple[float, float, float, float]) -> bool:
    left, bottom, right, top = box
    return all(_SMALLEST_SIDE <= side <= _LARGEST_SIDE for side in (right - left, top - bottom))


def _content(source: pikepdf.Pdf, page: pikepdf.Page, target: pikepdf.Pdf) -> Stream:
    """Return the page's drawing as one stream of `target`; a single stream travels as it was packed."""
    contents = page.obj.get(Name.Contents)
    parts: list[object] = list(contents) if isinstance(contents, Array) else [contents]
    streams = [part for part in parts if isinstance(part, Stream)]
    if len(streams) == 1 and "Crypt" not in repr(streams[0].get(Name.Filter)):
        [only] = streams
        copy = target.make_stream(only.read_raw_bytes())
        packing = Dictionary({key: only[key] for key in ("/Filter", "/DecodeParms") if key in only})
        for key, value in target.copy_foreign(source.make_indirect(packing)).items():
            copy[key] = value
        return copy
    joined = bytearray()
    for stream in streams:
        joined += stream.read_bytes()
        joined += b"\n"
        if len(joined) > MOST_CONTENT_BYTES:
            raise Unprintable(Trouble.TOO_LARGE)
    return target.make_stream(bytes(joined))


def _resources(source: pikepdf.Pdf, page: pikepdf.Page, target: pikepdf.Pdf) -> pikepdf.Object:
    carried = Dictionary()
    resources = page.resources
    for kind in _RESOURCE_KINDS:
        name = Name(f"/{kind}")
        held = resources.get(name)
        if isinstance(held, Dictionary):
            carried[name] = held
    return target.copy_foreign(source.make_indirect(carried))


def _dictionaries(items: object) -> Iterator[pikepdf.Object]:
    """Yield the dictionaries of what should be an array of them, and may be anything."""
    if isinstance(items, Array):
        for item in items:
            if isinstance(item, Dictionary):
                yield item
