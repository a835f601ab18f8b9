"""Build a dossier: one PDF with what we author and the exhibits, numbered through from the first page to the last.

Typst sets every page, those of the exhibits as empty pages with a stamp: so page numbers, links and bookmarks are right
by construction. pikepdf then draws each exhibit's page under its stamp.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pikepdf
from pikepdf import Array, Dictionary, Name

from casework.printing import exhibits as exhibit_reader
from casework.printing import qr_codes, typeset
from casework.printing.sheets import Printable, Unprintable
from casework.printing.types import Dossier, Manifest, ManifestEntry, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from casework.printing.exhibits import Prepared
    from casework.printing.geometry import Placement
    from casework.printing.sheets import Sheet
    from casework.printing.types import Checkpoint, DossierData, Entry, Exhibit, Limit, Party

_TEMPLATE: Final = "dossier.typ"
_LAYER_NAME: Final = Name("/CaseworkExhibit")
# A box or row that must stay whole but is longer than a page would run off it.
_LONGEST_WHOLE: Final = 1200


def build(data: DossierData, exhibits: Iterable[Exhibit]) -> Dossier:
    """Return the dossier of `data` followed by the exhibits, in their order.

    An exhibit that cannot be printed is replaced by a page that names what failed, and the manifest says so; the others
    are kept. Nothing of a foreign file survives but what its pages show: no script, action, form, attachment,
    annotation or metadata. The file names no author and no program, claims no standard, and is the same for the same
    input.

    Raises:
        ValueError: two exhibits have the same number, or one has none.
    """
    prepared = [exhibit_reader.prepare(exhibit) for exhibit in exhibits]
    numbers = [item.exhibit.number for item in prepared]
    if not all(numbers) or len(set(numbers)) != len(numbers):
        raise ValueError("Each exhibit needs a number of its own")
    while True:
        try:
            return _assemble(data, prepared)
        except _Spoiled as spoiled:
            # A damage that shows only in the writing: lay out again with a page that says so in the exhibit's place.
            prepared = [
                replace(item, content=Printable(troubles=[spoiled.trouble])) if item is spoiled.prepared else item
                for item in prepared
            ]


class _Spoiled(Exception):
    """An exhibit that was read well cannot be written."""

    def __init__(self, prepared: Prepared, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.prepared = prepared
        self.trouble = trouble


def _assemble(data: DossierData, prepared: list[Prepared]) -> Dossier:
    values = _Values(data, prepared)
    authored = typeset.typeset(template=_TEMPLATE, values=values.as_json())
    with pikepdf.open(io.BytesIO(authored)) as pdf:
        starts = _exhibit_starts(pdf, count=len(prepared))
        spans = list(zip(starts, [*starts[1:], len(pdf.pages)], strict=True)) if starts else []
        for item, (start, end) in zip(prepared, spans, strict=True):
            _draw(pdf, item, start=start, end=end)
        _number_bookmarks(pdf, pattern=data.labels.bookmark)
        _leave_no_traces(pdf, title=data.reference)
        try:
            content = _written(pdf)
        except (pikepdf.PdfError, pikepdf.DataDecodingError, RuntimeError, ValueError):
            _find_spoiled(prepared)
            raise
        page_count = len(pdf.pages)
    entries = tuple(
        ManifestEntry(
            number=item.exhibit.number,
            sha256=item.sha256,
            size_bytes=item.size_bytes,
            first_page=start + 1,
            last_page=end,
            included=item.is_included,
            troubles=tuple(item.content.troubles),
        )
        for item, (start, end) in zip(prepared, spans, strict=True)
    )
    manifest = Manifest(
        sha256=hashlib.sha256(content).hexdigest(),
        page_count=page_count,
        entries=entries,
        troubles=() if values.complete else (Trouble.UNPRINTABLE_CHARACTERS,),
    )
    return Dossier(pdf=content, page_count=page_count, manifest=manifest)


def _written(pdf: pikepdf.Pdf) -> bytes:
    """Return the document's bytes.

    The first half of its identifier is Typst's digest of what was set, fingerprints of the exhibits included; the
    second would be the time, and is fixed instead. A digest of the whole file would cost as much as writing it.
    """
    sink = io.BytesIO()
    pdf.save(sink, static_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return sink.getvalue()


def _find_spoiled(prepared: list[Prepared]) -> None:
    """Write each exhibit alone, and raise for the first that cannot be.

    Raises:
        _Spoiled: there is one.
    """
    for item in prepared:
        with pikepdf.new() as alone:
            alone.add_blank_page()
            alone.Root.Drawings = Array([_drawing(alone, item, sheet)[0] for sheet in item.content.sheets])
            try:
                _written(alone)
            except (pikepdf.PdfError, pikepdf.DataDecodingError, RuntimeError, ValueError) as error:
                raise _Spoiled(item, Trouble.BROKEN) from error


class _Values:
    """The template's values; remembers whether every character can be printed."""

    def __init__(self, data: DossierData, prepared: list[Prepared]) -> None:
        self.complete = True
        self._data = data
        self._prepared = prepared
        self._place_by_number = {item.exhibit.number: place for place, item in enumerate(prepared)}

    def as_json(self) -> Mapping[str, object]:
        data = self._data
        language, _, region = data.language.replace("_", "-").partition("-")
        values: dict[str, object] = {
            "language": language.lower(),
            "region": region.lower() if len(region) == len("gb") else None,
            "labels": {
                name: self._shown(getattr(data.labels, name))
                for name in data.labels.__dataclass_fields__
                if name != "troubles"
            },
            "reference": self._shown(data.reference),
            "title": self._shown(data.title),
            "organisation": self._shown(data.organisation),
            "country": self._shown(data.country),
            "generated_on": self._shown(data.generated_on),
            "prepared_by": self._shown(data.prepared_by),
            "prepared_for": self._shown(data.prepared_for),
            "purpose": self._shown(data.purpose),
            "notice": self._shown(data.notice),
            "procedure": {
                "regime": self._shown(data.procedure.regime),
                "status": self._shown(data.procedure.status),
                "responsible_state": self._shown(data.procedure.responsible_state),
                "remarks": [self._shown(remark) for remark in data.procedure.remarks],
            },
            "parties": [self._party(party) for party in data.parties],
            "chronology": [self._entry(entry) for entry in data.chronology],
            "limits": [self._limit(limit) for limit in data.limits],
            "exhibits": [self._exhibit(item) for item in self._prepared],
            "checkpoint": self._checkpoint(data.checkpoint),
            "any_likely": any(limit.confidence == "likely" for limit in data.limits),
        }
        # Last, when everything above was looked at.
        values["unprintable_notice"] = (
            None if self.complete else self._shown(data.labels.troubles[Trouble.UNPRINTABLE_CHARACTERS])
        )
        return values

    def _checkpoint(self, checkpoint: Checkpoint | None) -> Mapping[str, object] | None:
        if checkpoint is None:
            return None
        return {
            "title": self._shown(checkpoint.title),
            "text": self._shown(checkpoint.text),
            "lines": [[self._shown(label), self._shown(value)] for label, value in checkpoint.lines],
            # As it is: whoever types it must be able to compare every sign.
            "note": checkpoint.note.rstrip("\n").split("\n"),
            "svg": qr_codes.svg(qr_codes.matrix(checkpoint.note.encode(), spare="M")),
        }

    def _shown(self, text: str) -> str:
        shown, complete = typeset.printable(text)
        self.complete = self.complete and complete
        return shown

    def _party(self, party: Party) -> Mapping[str, object]:
        labels = self._data.labels
        lines = [
            (labels.born, party.born),
            (labels.nationalities, ", ".join(party.nationalities)),
            (labels.languages, ", ".join(party.languages)),
            *party.particulars,
        ]
        return {
            "relation": self._shown(party.relation),
            "name": self._shown(party.name),
            "name_transliterated": self._shown(party.name_transliterated),
            "lines": [[self._shown(label), self._shown(value)] for label, value in lines if value],
        }

    def _entry(self, entry: Entry) -> Mapping[str, object]:
        return {
            "dated": self._shown(entry.dated),
            "what": self._shown(entry.what),
            "particulars": self._shown(entry.particulars),
            "certainty": self._shown(entry.certainty),
            "may_break": sum(map(len, (entry.what, entry.particulars, entry.certainty))) > _LONGEST_WHOLE,
            "exhibits": [
                {"number": self._shown(number), "place": self._place_by_number.get(number)} for number in entry.exhibits
            ],
        }

    def _limit(self, limit: Limit) -> Mapping[str, object]:
        return {
            "label": self._shown(limit.label),
            "due": self._shown(limit.due),
            "state": limit.state,
            "state_text": self._shown(limit.state_text),
            "whose": self._shown(limit.whose),
            "legal_basis": self._shown(limit.legal_basis),
            "source": limit.source if limit.source.startswith("https://") else None,
            "is_likely": limit.confidence == "likely",
            "on_expiry": self._shown(limit.on_expiry),
            "why": [self._shown(reason) for reason in limit.why],
            "may_break": sum(map(len, (*limit.why, limit.on_expiry, limit.label, limit.legal_basis))) > _LONGEST_WHOLE,
        }

    def _exhibit(self, item: Prepared) -> Mapping[str, object]:
        labels, content = self._data.labels, item.content
        return {
            "number": self._shown(item.exhibit.number),
            "title": self._shown(item.exhibit.title),
            "kind": self._shown(item.exhibit.kind),
            "dated": self._shown(item.exhibit.dated),
            "sha256": item.sha256,
            "included": item.is_included,
            "may_break": sum(map(len, (item.exhibit.title, item.exhibit.kind))) > _LONGEST_WHOLE,
            "troubles": [self._shown(labels.troubles[trouble]) for trouble in content.troubles],
            "landscape": [sheet.landscape for sheet in content.sheets],
            "lines": content.lines,
        }


def _exhibit_starts(pdf: pikepdf.Pdf, *, count: int) -> list[int]:
    """Return the index of each exhibit's first page, read from the bookmarks: the exhibits' are the last `count`."""
    if not count:
        return []
    index_by_page = {page.obj.objgen: index for index, page in enumerate(pdf.pages)}
    targets = [index_by_page[_target(item).objgen] for item in _bookmarks(pdf)]
    return targets[-count:]


def _bookmarks(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Yield the outline's items from top to bottom, parents before children."""
    pending = [pdf.Root.Outlines.First] if Name.Outlines in pdf.Root else []
    while pending:
        item = pending.pop()
        yield item
        if Name.Next in item:
            pending.append(item.Next)
        if Name.First in item:
            pending.append(item.First)


def _target(item: pikepdf.Object) -> pikepdf.Object:
    destination = item.Dest if Name.Dest in item else item.A.D
    return destination[0]


def _number_bookmarks(pdf: pikepdf.Pdf, *, pattern: str) -> None:
    index_by_page = {page.obj.objgen: index for index, page in enumerate(pdf.pages)}
    for item in _bookmarks(pdf):
        page = index_by_page[_target(item).objgen] + 1
        # Not str.format: a title may hold braces of its own.
        item.Title = pikepdf.String(
            pattern.replace("{page}", str(page)).replace("{title}", str(item.Title).replace("\u200b", ""))
        )


def _drawing(pdf: pikepdf.Pdf, item: Prepared, sheet: Sheet) -> tuple[pikepdf.Object, Placement]:
    try:
        return sheet.draw_into(pdf)
    except Unprintable as error:
        raise _Spoiled(item, error.trouble) from error


def _draw(pdf: pikepdf.Pdf, item: Prepared, *, start: int, end: int) -> None:
    """Draw an exhibit's sheets under the stamps of the pages from `start` to before `end`."""
    if not item.content.sheets:
        return
    for index, sheet in zip(range(start, end), item.content.sheets, strict=True):
        page = pdf.pages[index].obj
        drawing, placement = _drawing(pdf, item, sheet)
        resources = _dictionary(page, Name.Resources)
        resources.XObject = _dictionary(resources, Name.XObject)
        resources.XObject[_LAYER_NAME] = pdf.make_indirect(drawing)
        page.Resources = resources
        under = pdf.make_stream(f"q {placement.operator()} {_LAYER_NAME} Do Q\n".encode("ascii"))
        page.Contents = Array([under, page.Contents])


def _dictionary(holder: pikepdf.Object, key: Name) -> Dictionary:
    """Return a copy of a dictionary that other pages may share, or a new one."""
    held = holder.get(key)
    return Dictionary(dict(held.items())) if isinstance(held, Dictionary) else Dictionary()


def _leave_no_traces(pdf: pikepdf.Pdf, *, title: str) -> None:
    """Take out who, when and by which program; a merged file claims no standard either."""
    if Name.Metadata in pdf.Root:
        del pdf.Root.Metadata
    if Name.Info in pdf.trailer:
        del pdf.trailer[Name.Info]
    pdf.docinfo[Name.Title] = title
    pdf.Root.PageMode = Name.UseOutlines
    pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
