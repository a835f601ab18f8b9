"""A certificate: facts in two columns under headings, paragraphs, and where it needs them a list over many pages."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import pikepdf
from pikepdf import Dictionary, Name

from casework.printing import typeset

_TEMPLATE: Final = "certificate.typ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a certificate: `rows` of (label, value), paragraphs, a list, lines to copy; each may be empty.

    `table`: a list over as many pages as it needs; its first line is the head, repeated on each. `lines`: text that is
    to be copied as it stands, in type of one width.
    """

    heading: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says, already in the reader's words.

    `language` is a language tag such as `en` or `en-GB`. `page` holds the words of the page number, with {page} and
    {pages}; `footer` stands at the left of it.
    """

    title: str
    subtitle: str
    organisation: str
    language: str
    footer: str
    page: str
    sections: tuple[Section, ...]


def build(certificate: Certificate) -> bytes:
    """Return the PDF. It names no author and no program, and is the same for the same input."""
    language, _, region = certificate.language.replace("_", "-").partition("-")
    authored = typeset.typeset(
        template=_TEMPLATE,
        values={
            "title": _shown(certificate.title),
            "subtitle": _shown(certificate.subtitle),
            "organisation": _shown(certificate.organisation),
            "language": language.lower(),
            "region": region.lower() if len(region) == len("gb") else None,
            "footer": _shown(certificate.footer),
            "page": _shown(certificate.page),
            "sections": [
                {
                    "heading": _shown(section.heading),
                    "rows": [[_shown(label), _shown(value)] for label, value in section.rows if value],
                    "paragraphs": [_shown(text) for text in section.paragraphs],
                    "table": [[_shown(text) for text in line] for line in section.table],
                    "lines": [_as_it_stands(line) for line in section.lines],
                }
                for section in certificate.sections
            ],
        },
    )
    with pikepdf.open(io.BytesIO(authored)) as pdf:
        if Name.Metadata in pdf.Root:
            del pdf.Root.Metadata
        if Name.Info in pdf.trailer:
            del pdf.trailer[Name.Info]
        pdf.docinfo[Name.Title] = certificate.title
        pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        sink = io.BytesIO()
        pdf.save(sink, static_id=True)
        return sink.getvalue()


def _shown(text: str) -> str:
    return typeset.printable(text)[0]


def _as_it_stands(line: str) -> str:
    # Without places to break long words: whoever copies the line would copy them too.
    return _shown(line).replace("\u200b", "")
