"""Invented people and small real files for the tests of printing."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image

from casework.printing.types import (
    DossierData,
    Entry,
    Exhibit,
    Labels,
    Limit,
    Party,
    Procedure,
    Trouble,
)

if TYPE_CHECKING:
    from collections.abc import Callable

A4 = (595.0, 842.0)
A4_WIDE = (842.0, 595.0)

LABELS = Labels(
    kind="Case file for counsel",
    contents="Contents",
    procedure="The procedure",
    parties="Persons",
    chronology="Chronology",
    limits="Time limits",
    exhibit_list="List of exhibits",
    exhibits="Exhibits",
    country="Country of procedure",
    prepared_for="Prepared for",
    prepared_by="Prepared by",
    purpose="Purpose",
    generated_on="Date",
    extent_label="Extent",
    extent="{pages} pages, {exhibits} exhibits",
    regime="Regulation",
    status="Stage",
    responsible_state="Responsible state",
    born="Born",
    nationalities="Nationality",
    languages="Languages",
    date="Date",
    event="What happened",
    sources="Exhibits",
    whose="Who acts",
    legal_basis="Legal basis",
    on_expiry="If it passes",
    why="Why",
    likely_badge="likely, not settled",
    likely_notice="At least one time limit in this file rests on a reading that is likely but not settled.",
    number="No.",
    document="Document",
    pages="Pages",
    first_page="From page",
    fingerprint="SHA-256",
    nothing_recorded="Nothing recorded.",
    page="Page {page} / {pages}",
    exhibit="Exhibit {number}",
    exhibit_page="Exhibit {number} · page {page} of {pages}",
    exhibit_at="Exhibit {number}, p. {page}",
    bookmark="{title} (p. {page})",
    not_included="Not included in this file: supplied separately.",
    troubles={
        Trouble.ENCRYPTED: "The file is locked with a password.",
        Trouble.BROKEN: "The file is damaged and cannot be read.",
        Trouble.UNREADABLE_TEXT: "The text is in an unknown encoding.",
        Trouble.TOO_LARGE: "The file is too large to print.",
        Trouble.NOT_PRINTABLE: "Files of this kind cannot be printed.",
        Trouble.REPAIRED: "The file was damaged and has been repaired: compare it with the original.",
        Trouble.SIGNED: "The original carries a digital signature, which a printed copy cannot show.",
        Trouble.XFA: "The original is an interactive form; parts of it may not be shown.",
        Trouble.ATTACHMENTS: "The original contains attached files, which are not included.",
        Trouble.UNPRINTABLE_CHARACTERS: "Characters that this file's fonts do not have are shown as □.",
    },
)


def dossier_data(**changes: object) -> DossierData:
    """Return an invented case; `changes` replaces fields."""
    values: dict[str, object] = {
        "reference": "K7Q2-M4XD",
        "title": "Иван Примеров (synthetic)",
        "organisation": "Example Legal Aid",
        "country": "France",
        "generated_on": "23 November 2026",
        "prepared_by": "W. Example, caseworker",
        "prepared_for": "L. Example, counsel",
        "purpose": "Appeal against the transfer decision",
        "language": "en-GB",
        "labels": LABELS,
        "procedure": Procedure(
            regime="Regulation (EU) 2024/1351",
            status="Appeal pending",
            responsible_state="Croatia",
            remarks=("The transfer decision was due on 9 October 2026 and came on 12 October 2026: a claim to argue.",),
        ),
        "notice": "Confidential. Invented persons; for demonstration only.",
        "parties": (
            Party(
                relation="Applicant",
                name="Иван Сергеевич Примеров",
                name_transliterated="Ivan Sergeyevich Primerov",
                born="14 March 1994",
                nationalities=("Russian Federation",),
                languages=("Russian", "English"),
                particulars=(("Passport", "70 0000000"),),
            ),
            Party(relation="Spouse", name="Анна Ивановна Примерова", name_transliterated="Anna Ivanovna Primerova"),
        ),
        "chronology": (
            Entry(
                dated="1 September 2026",
                what="Application registered in France",
                certainty="Shown by a document",
                exhibits=("1",),
            ),
            Entry(dated="2 September 2026", what="Eurodac hit: asylum application in Croatia", exhibits=("1", "2")),
            Entry(dated="10 September 2026", what="Take back notified to Croatia", certainty="Told by the applicant"),
        ),
        "limits": (
            Limit(
                label="Confirmation of the take back notification",
                due="24 September 2026",
                state="met",
                state_text="Met by silence",
                whose="Croatia",
                legal_basis="Art. 41(3)-(4) Regulation (EU) 2024/1351",
                source="https://eur-lex.europa.eu/eli/reg/2024/1351/oj",
                why=("Notified on 10 September 2026.", "Two weeks; Sundays and holidays count."),
            ),
            Limit(
                label="Transfer",
                due="25 March 2027",
                state="running",
                state_text="In four months",
                whose="France",
                legal_basis="Art. 46(1) Regulation (EU) 2024/1351",
                confidence="likely",
                why=("Confirmed by silence on 25 September 2026.",),
            ),
        ),
    }
    return DossierData(**(values | changes))  # type: ignore[arg-type]


def exhibit(number: str, content: bytes, media_type: str = "application/pdf", title: str = "A paper") -> Exhibit:
    """Return an exhibit over bytes in memory."""
    return Exhibit(number=number, title=title, media_type=media_type, open=lambda: io.BytesIO(content))


def pdf(
    pages: int = 1,
    *,
    size: tuple[float, float] = A4,
    rotate: int = 0,
    change: Callable[[pikepdf.Pdf], None] | None = None,
) -> bytes:
    """Return a PDF whose every page has a frame, a mark in its lower left corner, and its number in large letters."""
    made = pikepdf.new()
    font = made.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    width, height = size
    for number in range(1, pages + 1):
        made.add_blank_page(page_size=size)
        page = made.pages[-1].obj
        page.Resources = Dictionary(Font=Dictionary(F1=font))
        page.Contents = made.make_stream(
            f"1 w 3 3 {width - 6} {height - 6} re S 0.8 0.2 0.2 rg 3 3 40 40 re f 0 g "
            f"BT /F1 60 Tf 60 {height - 120} Td (UP page {number}) Tj ET".encode()
        )
        if rotate:
            page.Rotate = rotate
    if change is not None:
        change(made)
    return saved(made)


def saved(made: pikepdf.Pdf, **options: object) -> bytes:
    """Return a document's bytes."""
    sink = io.BytesIO()
    made.save(sink, **options)  # type: ignore[arg-type]
    return sink.getvalue()


def picture(kind: str, size: tuple[int, int] = (300, 200), mode: str = "RGB", **options: object) -> bytes:
    """Return a picture with a red left half."""
    image = Image.new(mode, size, "white" if mode != "1" else 1)
    image.paste("red" if mode.startswith("RGB") else 0, (0, 0, size[0] // 2, size[1]))
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def outline_pages(made: pikepdf.Pdf) -> dict[str, int]:
    """Return the page, from 1, of each bookmark by its title."""
    page_by_object = {page.obj.objgen: number for number, page in enumerate(made.pages, start=1)}
    found: dict[str, int] = {}

    def walk(item: pikepdf.Object) -> None:
        while True:
            found[str(item.Title)] = page_by_object[item.Dest[0].objgen]
            if Name.First in item:
                walk(item.First)
            if Name.Next not in item:
                return
            item = item.Next

    walk(made.Root.Outlines.First)
    return found


def words_on(page: pikepdf.Page) -> list[str]:
    """Return the runs of text that we set on a page, read back through the fonts' own maps to letters."""
    letters_by_font = {
        name: {
            bytes.fromhex(code): bytes.fromhex(letters).decode("utf-16-be")
            for code, letters in re.findall(r"<(\w+)> <(\w+)>\n", font.ToUnicode.read_bytes().decode())
        }
        for name, font in page.obj.Resources.Font.items()
    }
    runs: list[str] = []
    letters: dict[bytes, str] = {}
    for instruction in pikepdf.parse_content_stream(page, "Tf TJ Tj"):
        if str(instruction.operator) == "Tf":
            letters = letters_by_font[str(instruction.operands[0])]
            continue
        [shown] = instruction.operands
        pieces = shown if isinstance(shown, Array) else [shown]
        codes = b"".join(bytes(piece) for piece in pieces if isinstance(piece, pikepdf.String))
        runs.append("".join(letters.get(codes[place : place + 2], "?") for place in range(0, len(codes), 2)))
    return runs


def shown_boxes(made: pikepdf.Pdf, page: int) -> tuple[float, float, float, float]:
    """Return where the exhibit on this page (from 1) is drawn: left, bottom, right, top in points."""
    body = made.pages[page - 1].obj
    drawing = body.Resources.XObject["/CaseworkExhibit"]
    a, b, c, d, e, f = (float(number) for number in body.Contents[0].read_bytes().split()[1:7])
    left, bottom, right, top = (
        (float(side) for side in drawing.BBox) if drawing.Subtype == Name.Form else (0.0, 0.0, 1.0, 1.0)
    )
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (left, right) for y in (bottom, top)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def everything(made: pikepdf.Pdf) -> str:
    """Return a dump of every object of a document, streams unpacked where that is possible."""
    dump = [repr(made.trailer)]
    for item in made.objects:
        dump.append(repr(item))
        if isinstance(item, pikepdf.Stream):
            try:
                dump.append(item.read_bytes().decode("latin-1"))
            except pikepdf.PdfError:
                dump.append(item.read_raw_bytes().decode("latin-1"))
    return "\n".join(dump)


def hostile(made: pikepdf.Pdf) -> None:
    """Add to a document all that may act, call out or tell."""
    script = Dictionary(S=Name.JavaScript, JS="app.alert('acted')")
    made.Root.OpenAction = script
    made.Root.AA = Dictionary(WC=script)
    made.Root.Names = Dictionary(
        JavaScript=Dictionary(Names=Array(["run", script])),
    )
    made.attachments["evil.exe"] = pikepdf.AttachedFileSpec(made, b"MZ acted")
    made.Root.AcroForm = Dictionary(Fields=Array(), XFA=made.make_stream(b"<xdp>acted</xdp>"), SigFlags=1)
    page = made.pages[0].obj
    page.AA = Dictionary(O=script)
    page.Metadata = made.make_stream(b"<x>acted</x>")
    page.PieceInfo = Dictionary(Tool=Dictionary(Private="acted"))
    picture = made.make_stream(b"\x00")
    picture.Type, picture.Subtype, picture.Width, picture.Height = Name.XObject, Name.Image, 1, 1
    picture.ColorSpace, picture.BitsPerComponent = Name.DeviceGray, 8
    picture.Metadata = made.make_stream(b"<x>acted</x>")
    picture.F = "http://acted.invalid/"
    page.Resources.XObject = Dictionary(I=picture)
    page.Annots = made.make_indirect(
        Array(
            [
                made.make_indirect(
                    Dictionary(
                        Type=Name.Annot,
                        Subtype=Name.Link,
                        Rect=Array([0, 0, 600, 800]),
                        A=Dictionary(S=Name.Launch, F="acted.exe"),
                    )
                ),
                made.make_indirect(
                    Dictionary(
                        Type=Name.Annot,
                        Subtype=Name.Link,
                        Rect=Array([0, 0, 600, 800]),
                        A=Dictionary(S=Name.URI, URI="http://acted.invalid/"),
                    )
                ),
            ]
        )
    )
    made.docinfo["/Author"] = "acted"
    made.docinfo["/Producer"] = "acted"
    with made.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["dc:creator"] = ["acted"]
