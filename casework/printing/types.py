"""What a dossier is made of, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Trouble(StrEnum):
    """What could not be printed as it is; the caller has a sentence for each in `Labels.troubles`."""

    ENCRYPTED = "encrypted"
    BROKEN = "broken"
    UNREADABLE_TEXT = "unreadable-text"
    TOO_LARGE = "too-large"
    NOT_PRINTABLE = "not-printable"
    REPAIRED = "repaired"
    SIGNED = "signed"
    XFA = "xfa"
    ATTACHMENTS = "attachments"
    UNPRINTABLE_CHARACTERS = "unprintable-characters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person of the file: the applicant, a member of the family, somebody whom the case needs."""

    relation: str
    name: str
    name_transliterated: str = ""
    born: str = ""
    nationalities: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    particulars: tuple[tuple[str, str], ...] = ()
    """Further lines as (label, value)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the chronology.

    `certainty` is in words ("shown by a document", "told by the applicant") or empty; `exhibits` holds exhibit
    numbers.
    """

    dated: str
    what: str
    particulars: str = ""
    certainty: str = ""
    exhibits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One time limit, in words.

    `state` is the law's code (running, met, expired, stopped, superseded) and only chooses the look; `state_text` is
    printed. `confidence` is `verified` or `likely`; `likely` shows `Labels.likely_badge` and a notice on the cover.
    `source` is an https address, or empty; anything else is not made into a link.
    """

    label: str
    due: str
    state: str
    state_text: str
    whose: str
    legal_basis: str
    source: str = ""
    confidence: str = "verified"
    why: tuple[str, ...] = ()
    on_expiry: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """Where the procedure stands, in words; `remarks` are the claims and warnings to argue."""

    regime: str
    status: str
    responsible_state: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Every word that the templates print, already translated.

    Words in braces are filled in: `page` has {page} and {pages}; `exhibit` has {number}; `exhibit_page` has
    {number}, {page} and {pages}; `exhibit_at` has {number} and {page}; `extent` has {pages} and {exhibits}; `bookmark`
    has {title} and {page}.
    """

    kind: str
    contents: str
    procedure: str
    parties: str
    chronology: str
    limits: str
    exhibit_list: str
    exhibits: str
    country: str
    prepared_for: str
    prepared_by: str
    purpose: str
    generated_on: str
    extent_label: str
    extent: str
    regime: str
    status: str
    responsible_state: str
    born: str
    nationalities: str
    languages: str
    date: str
    event: str
    sources: str
    whose: str
    legal_basis: str
    on_expiry: str
    why: str
    likely_badge: str
    likely_notice: str
    number: str
    document: str
    pages: str
    first_page: str
    fingerprint: str
    nothing_recorded: str
    page: str
    exhibit: str
    exhibit_page: str
    exhibit_at: str
    bookmark: str
    not_included: str
    troubles: Mapping[Trouble, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed note of the audit trail: in print as it is, and as a QR code. `title`, `text`, `lines`: what it is."""

    title: str
    text: str
    lines: tuple[tuple[str, str], ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierData:
    """What the authored part says. Dates, states and persons are given as they shall be read.

    `language` is a language tag such as `en`, `fr` or `en-GB`; it chooses hyphenation and the document's language.
    `notice` stands at the foot of the cover, `checkpoint` after the list of exhibits.
    """

    reference: str
    title: str
    organisation: str
    country: str
    generated_on: str
    prepared_by: str
    prepared_for: str
    purpose: str
    language: str
    labels: Labels
    procedure: Procedure
    notice: str = ""
    parties: tuple[Party, ...] = ()
    chronology: tuple[Entry, ...] = ()
    limits: tuple[Limit, ...] = ()
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """A document to append. `number` is as cited ("3", "K7") and unique; `open` gives its clear bytes, once."""

    number: str
    title: str
    media_type: str
    open: Callable[[], BinaryIO]
    kind: str = ""
    dated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """Where an exhibit stands: pages count from 1, both ends included.

    `included` is false when a page that says why stands in its place.
    """

    number: str
    sha256: str
    size_bytes: int
    first_page: int
    last_page: int
    included: bool
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a dossier holds. `sha256` is that of the finished file; `troubles` are those of the authored part."""

    sha256: str
    page_count: int
    entries: tuple[ManifestEntry, ...]
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A finished dossier: one PDF file and its manifest."""

    pdf: bytes = field(repr=False)
    page_count: int
    manifest: Manifest
