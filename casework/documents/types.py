"""What this area hands out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import models
from django.utils.translation import pgettext_lazy

from casework.core.hidden import Hidden


class DocumentKind(models.TextChoices):
    """What a document is."""

    DECISION = "decision", pgettext_lazy("document", "Decision of an authority")
    RULING = "ruling", pgettext_lazy("document", "Ruling of a court")
    NOTIFICATION = "notification", pgettext_lazy("document", "Proof of notification")
    IDENTITY = "identity", pgettext_lazy("document", "Identity document")
    MILITARY = "military", pgettext_lazy("document", "Call-up or military paper")
    MEDICAL = "medical", pgettext_lazy("document", "Medical report")
    EVIDENCE = "evidence", pgettext_lazy("document", "Evidence of persecution")
    LETTER = "letter", pgettext_lazy("document", "Letter")
    OTHER = "other", pgettext_lazy("document", "Other")


@dataclass(frozen=True, repr=False)
class DocumentView(Hidden):
    """A document's description, opened; `size` in bytes."""

    id: UUID
    case_id: UUID
    title: str
    kind: str
    file_name: str
    media_type: str
    size: int
    sha256: str
    dated_on: str
    uploaded_at: datetime
    uploaded_by: UUID | None


@dataclass(frozen=True, repr=False)
class OpenedDocument(Hidden):
    """A document on its way out: each piece of `chunks` was verified before it is yielded."""

    view: DocumentView
    chunks: Iterator[bytes]


@dataclass(frozen=True, repr=False)
class CleanCopy(Hidden):
    """A copy of a document that shows the same and tells nothing else."""

    view: DocumentView
    content: bytes = field(repr=False)
