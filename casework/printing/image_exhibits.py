"""Pictures: decode, turn upright, encode anew, without what a camera wrote beside them (place, owner, device)."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pikepdf import Name
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from casework.printing import geometry
from casework.printing.sheets import Printable, Unprintable
from casework.printing.types import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

MEDIA_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/tiff"})
MOST_PIXELS: Final = 64_000_000
MOST_FRAMES: Final = 200

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF")
# 300 dots an inch on A4, which is also the most that courts ask for.
_LARGEST_SIDE: Final = 3508
_JPEG_QUALITY: Final = 90
_ENCODING: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 95, "subsampling": "4:2:0"},
    "PNG": {},
    "WEBP": {"quality": 95, "exact": True},
    "TIFF": {"compression": "tiff_deflate"},
}
_MARGIN: Final = 40.0
# A small picture is shown at 96 dots an inch instead of being blown up.
_POINTS_PER_PIXEL: Final = 0.75
_FEW_COLOURS: Final = 256


@dataclass(slots=True)
class ImageSheet:
    """One picture, packed, on a page of its own."""

    packed: bytes
    packing: str
    width: int
    height: int
    colours: str
    bits: int

    @property
    def landscape(self) -> bool:
        """Say whether the picture is wider than high."""
        return self.width > self.height

    def draw_into(self, dossier: pikepdf.Pdf) -> tuple[pikepdf.Object, geometry.Placement]:
        """Carry the picture over: see `Sheet`."""
        picture = dossier.make_stream(self.packed)
        picture.Type, picture.Subtype = Name.XObject, Name.Image
        picture.Width, picture.Height, picture.BitsPerComponent = self.width, self.height, self.bits
        picture.ColorSpace = Name(f"/{self.colours}")
        picture.Filter = Name(f"/{self.packing}")
        scale, left, bottom = geometry.fit(
            width=self.width,
            height=self.height,
            landscape=self.landscape,
            margin=_MARGIN,
            largest_scale=_POINTS_PER_PIXEL,
        )
        return picture, geometry.Placement(self.width * scale, 0, 0, self.height * scale, left, bottom)


def read(data: bytes) -> Printable:
    """Decode a picture, of several pages if it is a TIFF, and pack each page anew.

    Raises:
        Unprintable: it is none of the known formats, is damaged, or would unpack to more than memory should hold.
    """
    with _damage_is_unprintable():
        return _read(data)


def without_hidden_data(data: bytes) -> bytes:
    """Return a picture of the same format, size and pages, encoded anew from nothing but its points, turned upright.

    Gone are place, time, device, owner, thumbnails, comments, colour profiles, and whatever stands behind the end.

    Raises:
        Unprintable: as `read`; or it moves, which a copy would stop.
    """
    with _damage_is_unprintable(), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        return _encoded_anew(image)


@contextmanager
def _damage_is_unprintable() -> Iterator[None]:
    """Turn whatever Pillow's decoders answer to malformed files into `Unprintable`: it depends on the damage."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Odd tags in a photograph are no reason to fail: none of them is kept.
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise Unprintable(Trouble.TOO_LARGE) from error
    except (
        UnidentifiedImageError,
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise Unprintable(Trouble.BROKEN) from error


def _read(data: bytes) -> Printable:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        if frames > MOST_FRAMES:
            raise Unprintable(Trouble.TOO_LARGE)
        if _kind(image) == "JPEG":
            _refuse_bomb(image)
            image.draft("RGB" if image.mode != "L" else "L", (_LARGEST_SIDE, _LARGEST_SIDE))
        if frames == 1:
            return Printable(sheets=[_sheet(image)])
        return Printable(sheets=[_sheet(frame) for frame in ImageSequence.Iterator(image)])


def _encoded_anew(image: Image.Image) -> bytes:
    kind = _kind(image)
    # A photograph may have further, smaller pictures behind it, which are not kept.
    frames = 1 if kind == "JPEG" else getattr(image, "n_frames", 1)
    if frames > 1 and kind != "TIFF":
        raise Unprintable(Trouble.NOT_PRINTABLE)  # it moves
    sink = io.BytesIO()
    if frames == 1:
        _points_alone(image).save(sink, kind, **_ENCODING[kind])
        return sink.getvalue()
    points, pages = 0, []
    for frame in ImageSequence.Iterator(image):
        points += frame.width * frame.height
        if points > MOST_PIXELS:  # unlike those of a dossier, these pages are in memory at once
            raise Unprintable(Trouble.TOO_LARGE)
        pages.append(_points_alone(frame))
    pages[0].save(sink, kind, save_all=True, append_images=pages[1:], **_ENCODING[kind])
    return sink.getvalue()


def _kind(image: Image.Image) -> str:
    """Return the format. What a camera writes when it takes several pictures at once begins with an ordinary JPEG."""
    return "JPEG" if image.format == "MPO" else image.format or ""


def _points_alone(image: Image.Image) -> Image.Image:
    """Return the picture upright, with nothing but its points: what hangs on it goes along into a new file."""
    _refuse_bomb(image)
    upright = ImageOps.exif_transpose(image)
    if "transparency" in upright.info:
        upright = upright.convert("RGBA")
    elif _kind(image) == "JPEG" and upright.mode not in {"L", "RGB"}:
        upright = upright.convert("RGB")
    upright.info = {}
    return upright


def _refuse_bomb(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise Unprintable(Trouble.TOO_LARGE)


def _sheet(image: Image.Image) -> ImageSheet:
    _refuse_bomb(image)
    photographed = _kind(image) == "JPEG"
    upright = _on_white(ImageOps.exif_transpose(image))
    if max(upright.size) > _LARGEST_SIDE:
        grey = upright.convert("L") if upright.mode == "1" else upright
        factor = _LARGEST_SIDE / max(upright.size)
        size = (max(1, round(upright.width * factor)), max(1, round(upright.height * factor)))
        upright = grey.resize(size, Image.Resampling.LANCZOS)
    if upright.mode == "1":
        return _lossless(upright, bits=1)
    if not photographed and upright.getcolors(_FEW_COLOURS) is not None:
        return _lossless(upright, bits=8)
    packed = io.BytesIO()
    upright.info = {}  # Pillow writes a comment that it found into the new file
    upright.save(packed, "JPEG", quality=_JPEG_QUALITY, subsampling=-1 if photographed else 0)
    return ImageSheet(
        packed=packed.getvalue(),
        packing="DCTDecode",
        width=upright.width,
        height=upright.height,
        colours=_colours(upright),
        bits=8,
    )


def _on_white(image: Image.Image) -> Image.Image:
    """Return the picture in black and white, grey or RGB, with what is transparent shown as white paper."""
    if image.mode in {"1", "L", "RGB"} and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _stretched(image)
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(layered, mask=layered.getchannel("A"))
        return paper
    return image.convert("RGB")


def _stretched(image: Image.Image) -> Image.Image:
    """Return a picture of 16 or 32 bits a point as 8 bits, from its darkest to its lightest point."""
    wide = image.convert("F")
    extrema = wide.getextrema()
    low, high = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]  # one band: two numbers
    factor = 255 / (high - low) if high > low else 1.0
    return wide.point(lambda value: value * factor - low * factor).convert("L")


def _lossless(image: Image.Image, *, bits: int) -> ImageSheet:
    return ImageSheet(
        packed=zlib.compress(image.tobytes(), 6),
        packing="FlateDecode",
        width=image.width,
        height=image.height,
        colours=_colours(image),
        bits=bits,
    )


def _colours(image: Image.Image) -> str:
    return "DeviceRGB" if image.mode == "RGB" else "DeviceGray"
