"""A document's row: what a thief may know of it is its size bucket, its day and who added it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models

from casework.audit.history import Tracked
from casework.core import clock, ids
from casework.crypto.fields import SealedIntegerField, SealedTextField


class Document(Tracked):
    """An attachment. The file lies in `CASEWORK_FILES_DIR` under `object_id`; its key is wrapped in `file_key`."""

    sealed_table = "documents.document"
    wrapped_file_keys: ClassVar = {"file_key": "object_id"}  # for the renewal of the case's key

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="documents")
    object_id = models.UUIDField(unique=True)
    file_key = models.BinaryField(max_length=68)
    size_bucket = models.PositiveBigIntegerField()
    uploaded_at = models.DateTimeField(default=clock.now)
    uploaded_by = models.UUIDField(null=True)

    file_name = SealedTextField(field_id=1)
    title = SealedTextField(field_id=2)
    kind = SealedTextField(field_id=3)
    media_type = SealedTextField(field_id=4)
    size = SealedIntegerField(field_id=5)
    sha256 = SealedTextField(field_id=6)
    dated_on = SealedTextField(field_id=7)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["case", "uploaded_at"], name="documents_document_case")]

    def __str__(self) -> str:
        return f"document {self.pk}"

    def sealed_scope(self) -> UUID:
        """The key scope: the case."""
        return self.case_id
