"""Reads a QR code from a picture, by ISO/IEC 18004: byte mode, no correction, so that every module must be right.

Written from the standard for these tests, and apart from the library that draws our codes.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

# Of level M, by version: (codewords of correction in a block, blocks, data codewords of the shorter blocks, how many
# are one longer). ISO/IEC 18004, table 9.
_BLOCKS_M = {
    1: (10, 1, 16, 0), 2: (16, 1, 28, 0), 3: (26, 1, 44, 0), 4: (18, 2, 32, 0), 5: (24, 2, 43, 0), 6: (16, 4, 27, 0),
    7: (18, 4, 31, 0), 8: (22, 4, 38, 2), 9: (22, 5, 36, 2), 10: (26, 5, 43, 1), 11: (30, 5, 50, 4),
    12: (22, 8, 36, 2), 13: (22, 9, 37, 1), 14: (24, 9, 40, 5), 15: (24, 10, 41, 5), 16: (28, 10, 45, 3),
    17: (28, 11, 46, 1), 18: (26, 13, 43, 4), 19: (26, 14, 44, 11), 20: (26, 16, 41, 13),
}  # fmt: skip
_MASKS = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)
_FORMAT_MASK = 0b101010000010010
_LEVEL_M = 0b00
Grid = list[list[bool]]


def read_code(picture: Image.Image, *, left: float = 0, right: float = 1) -> str:
    """Return what the QR code says that is the tallest thing between two parts of the picture's width.

    It must be of level M, in byte mode and without a flaw.
    """
    grey = picture.convert("L")
    return _decoded(_modules(grey.crop((int(left * grey.width), 0, int(right * grey.width), grey.height))))


def _modules(picture: Image.Image) -> Grid:
    """Sample the middle of each module; their size is a seventh of the black bar on top of the upper left corner."""
    black = picture.point(lambda grey: 255 if grey < 128 else 0)
    top, bottom = max(_bands(black), key=lambda band: band[1] - band[0])
    box = black.crop((0, top, black.width, bottom)).getbbox()
    assert box is not None
    code = black.crop((box[0], top, box[2], bottom))
    bar = next(x for x in range(code.width) if not code.getpixel((x, 1)))
    count = 17 + 4 * round((code.width / (bar / 7) - 17) / 4)
    across, down = code.width / count, code.height / count
    return [
        [bool(code.getpixel((int((x + 0.5) * across), int((y + 0.5) * down)))) for x in range(count)]
        for y in range(count)
    ]


def _bands(black: Image.Image) -> Iterator[tuple[int, int]]:
    """Yield where something stands, from above to below, as (first row, row after the last); white parts them."""
    filled = [black.crop((0, y, black.width, y + 1)).getbbox() is not None for y in range(black.height)]
    start = None
    for y, inked in enumerate([*filled, False]):
        if inked and start is None:
            start = y
        elif not inked and start is not None:
            yield start, y
            start = None


def _decoded(grid: Grid) -> str:
    size = len(grid)
    version = (size - 17) // 4
    bits = [grid[8][x] for x in (*range(6), 7, 8)] + [grid[y][8] for y in (7, 5, 4, 3, 2, 1, 0)]
    form = int("".join("1" if bit else "0" for bit in bits), 2) ^ _FORMAT_MASK
    assert form >> 13 == _LEVEL_M, "the code has another level of correction"
    mask = _MASKS[form >> 10 & 7]
    taken = _functions(version, size)
    read: list[bool] = []
    up = True
    for right in range(size - 1, 0, -2):
        column = right - 1 if right <= 6 else right
        for y in range(size - 1, -1, -1) if up else range(size):
            read += [grid[y][x] ^ mask(y, x) for x in (column, column - 1) if not taken[y][x]]
        up = not up
    words = [int("".join("1" if bit else "0" for bit in read[at : at + 8]), 2) for at in range(0, len(read) - 7, 8)]
    return _text(_data(words, version), version)


def _functions(version: int, size: int) -> Grid:
    """Return which modules hold no data: corners, timing, alignment, format and version."""
    taken = [[False] * size for _ in range(size)]

    def take(top: int, left: int, height: int, width: int) -> None:
        for y in range(top, top + height):
            for x in range(left, left + width):
                taken[y][x] = True

    take(0, 0, 9, 9)
    take(0, size - 8, 9, 8)
    take(size - 8, 0, 8, 9)
    take(6, 0, 1, size)
    take(0, 6, size, 1)
    places = _alignments(version, size)
    for y in places:
        for x in places:
            if (y, x) not in ((6, 6), (6, size - 7), (size - 7, 6)):
                take(y - 2, x - 2, 5, 5)
    if version >= 7:
        take(0, size - 11, 6, 3)
        take(size - 11, 0, 3, 6)
    return taken


def _alignments(version: int, size: int) -> list[int]:
    if version == 1:
        return []
    count = version // 7 + 2
    step = (version * 4 + count * 2 + 1) // (count * 2 - 2) * 2
    return [6, *sorted(size - 7 - at * step for at in range(count - 1))]


def _data(words: list[int], version: int) -> list[int]:
    """Put the codewords of data back into the order of their blocks."""
    _correction, blocks, short, longer = _BLOCKS_M[version]
    lengths = [short] * (blocks - longer) + [short + 1] * longer
    held: list[list[int]] = [[] for _ in lengths]
    rest = iter(words)
    for at in range(max(lengths)):
        for block, length in zip(held, lengths, strict=True):
            if at < length:
                block.append(next(rest))
    return [word for block in held for word in block]


def _text(words: list[int], version: int) -> str:
    bits = "".join(f"{word:08b}" for word in words)
    assert bits[:4] == "0100", "the code is not in byte mode"
    wide = 8 if version < 10 else 16
    length = int(bits[4 : 4 + wide], 2)
    start = 4 + wide
    return bytes(int(bits[start + 8 * at : start + 8 * at + 8], 2) for at in range(length)).decode()
