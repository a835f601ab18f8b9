"""Descriptions of documents, opened."""

from __future__ import annotations

from uuid import UUID

from casework.access.actions import Action
from casework.audit import vouching
from casework.cases import selectors as cases
from casework.crypto import services as crypto
from casework.documents.models import Document
from casework.documents.types import DocumentView


def documents_of(case_id: UUID) -> list[DocumentView]:
    """Return the documents of a case, oldest first.

    Raises:
        NotFound: there is no such case, or the actor may not know of it.
        Damaged: the rows are not those that the trail vouches for.
    """
    cases.case_for(case_id, Action.OPEN_CASE)
    crypto.keys_for(case_id)
    rows = Document.objects.filter(case_id=case_id).order_by("uploaded_at", "id")
    found = list(rows)
    vouching.check(case_id, found, again=lambda: list(rows.all()), whole="document")
    return [view_of(row) for row in found]


def check(document: Document) -> None:
    """Raise `Damaged` unless a document's row is the one that the trail vouches for."""
    rows = Document.objects.filter(pk=document.pk)
    vouching.check(document.case_id, [document], again=lambda: list(rows.all()))


def belongs(document_id: UUID, case_id: UUID) -> bool:
    """Say whether a document is one of the case (one query)."""
    return Document.objects.filter(pk=document_id, case_id=case_id).exists()


def view_of(row: Document) -> DocumentView:
    """Return a row's description, opened."""
    return DocumentView(
        id=row.pk,
        case_id=row.case_id,
        title=row.title,
        kind=row.kind,
        file_name=row.file_name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        dated_on=row.dated_on,
        uploaded_at=row.uploaded_at,
        uploaded_by=row.uploaded_by,
    )
