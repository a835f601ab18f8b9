"""Documents of a case in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.template.defaultfilters import filesizeformat

from casework.accounts import selectors as accounts
from casework.desk import labels
from casework.desk.selectors._names import name_of
from casework.documents import policies
from casework.documents import selectors as documents
from casework.documents.types import DocumentKind


@dataclass(frozen=True)
class DocumentLine:
    """One document as the case's tab lists it. `may_be_cleaned`: a copy without hidden data can be made of it."""

    id: UUID
    title: str
    kind: str
    file_name: str
    size: str
    dated: str
    uploaded_at: datetime
    uploaded_by: str
    may_be_cleaned: bool


def document_lines(case_id: UUID) -> list[DocumentLine]:
    """Return the documents of a case, oldest first; two queries.

    Raises:
        NotFound: there is no such case, or the actor may not know of it.
    """
    found = documents.documents_of(case_id)
    people = accounts.people({document.uploaded_by for document in found if document.uploaded_by})
    kinds = dict(DocumentKind.choices)
    return [
        DocumentLine(
            id=document.id,
            title=document.title,
            kind=str(kinds.get(document.kind, document.kind)),
            file_name=document.file_name,
            size=filesizeformat(document.size),
            dated=labels.moment(document.dated_on),
            uploaded_at=document.uploaded_at,
            uploaded_by=name_of(document.uploaded_by, people),
            may_be_cleaned=policies.may_be_cleaned(document.media_type, document.size),
        )
        for document in found
    ]
