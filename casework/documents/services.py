"""Adding documents to a case and handing them out."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from casework.access.actions import Action
from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.core import clock, ids, work
from casework.core.errors import Invalid, NotFound
from casework.crypto import envelope, keyring
from casework.crypto import services as crypto
from casework.documents import policies, selectors
from casework.documents.models import Document
from casework.documents.types import DocumentView, OpenedDocument
from casework.documents.uploads import SealedUpload, incoming_folder

_LEFTOVER_AGE = timedelta(hours=1)


def add_document(case_id: UUID, *, upload: SealedUpload, title: str, kind: str, dated_on: str = "") -> UUID:
    """Take over an encrypted upload as a document of the case; return its id. Writes history and the trail.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not add to, the case.
        Invalid: the file is empty or of a kind that is not taken (field `upload`).
    """
    cases.case_for(case_id, Action.ADD_DOCUMENT)
    if upload.scope != case_id:
        raise NotFound
    if not upload.size:
        raise Invalid({"upload": _("The file is empty.")})
    media_type = policies.media_type_of(upload.head)
    if media_type is None:
        raise Invalid({"upload": _("This kind of file is not taken. Send a PDF, a picture, a text or an office file.")})
    newest = crypto.keys_for(case_id).newest
    document = Document(
        case_id=case_id,
        object_id=upload.object_id,
        file_key=envelope.wrap_file_key(upload.key(), key=newest, file_id=upload.object_id),
        size_bucket=envelope.sealed_file_bytes(upload.size),
        uploaded_by=work.current().actor.user_id,
        file_name=Path(upload.name or "").name[:200],
        title=title.strip() or Path(upload.name or "").stem[:200],
        kind=kind,
        media_type=media_type,
        size=upload.size,
        sha256=upload.sha256,
        dated_on=dated_on,
    )
    document.save(force_insert=True)
    # The object moves before the commit: a row without its file could never be mended, while a file without its row
    # is unreadable rubbish, and is removed when the unit of work fails.
    target = _path(upload.object_id)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.replace(upload.path, target)
    work.if_undone(lambda: target.unlink(missing_ok=True))
    audit.record("document.uploaded", case=case_id, obj=document.pk, row=document)
    return document.pk


def _path(object_id: UUID) -> Path:
    name = str(object_id)
    return Path(settings.CASEWORK_FILES_DIR) / "objects" / name[:2] / name


def open_document(case_id: UUID, document_id: UUID) -> OpenedDocument:
    """Return a document ready to be streamed; one trail entry, committed before the first byte leaves.

    Raises:
        NotFound: there is no such document in this case, or the actor may not know of the case.
        casework.crypto.envelope.DecryptError: the file was changed, cut or exchanged.
    """
    cases.case_for(case_id, Action.OPEN_DOCUMENT)
    document = Document.objects.filter(case_id=case_id, pk=document_id).first()
    if document is None:
        raise NotFound
    audit.record("document.downloaded", case=case_id, obj=document.pk)
    view = selectors.view_of(document)
    source = _path(document.object_id).open("rb")
    chunks = envelope.decrypt_chunks(source, key=_file_key(document), scope=case_id, file_id=document.object_id)
    return OpenedDocument(view=view, chunks=_watched(chunks, source, work.current().actor, document))


def _watched(chunks: Iterator[bytes], source: BinaryIO, actor: work.Actor, document: Document) -> Iterator[bytes]:
    # The unit of work is long over when the last chunk leaves: a file found changed on the way gets its own entry.
    with source:
        try:
            yield from chunks
        except envelope.DecryptError:
            audit.record_now(actor, "document.download_cut", case=document.case_id, obj=document.pk)
            raise


def content_of(case_id: UUID, view: DocumentView) -> BinaryIO:
    """Return a document's plain content in memory, for printing it into a dossier whose export is on record.

    Raises:
        NotFound: the actor may not open documents of this case.
        casework.crypto.envelope.DecryptError: the file was changed, cut or exchanged.
    """
    cases.case_for(case_id, Action.OPEN_DOCUMENT)
    document = Document.objects.get(case_id=case_id, pk=view.id)
    with _path(document.object_id).open("rb") as source:
        pieces = envelope.decrypt_chunks(source, key=_file_key(document), scope=case_id, file_id=document.object_id)
        return io.BytesIO(b"".join(pieces))


def _file_key(document: Document) -> bytes:
    return envelope.unwrap_file_key(
        bytes(document.file_key), keys=crypto.keys_for(document.case_id), file_id=document.object_id
    )


def seal_bytes(case_id: UUID, *, name: str, content: bytes) -> SealedUpload:
    """Return an encrypted upload made of bytes that the application itself produced (the demo's exhibits)."""
    object_id = ids.new_id()
    handle, path = tempfile.mkstemp(dir=incoming_folder(), prefix="made-")
    upload = SealedUpload(name=name, path=Path(path), key=keyring.new_key(), object_id=object_id, scope=case_id)
    with os.fdopen(handle, "wb") as sink:
        upload.size = envelope.encrypt_stream(
            io.BytesIO(content), sink, key=upload.key(), scope=case_id, file_id=object_id, length=len(content)
        )
    upload.head, upload.sha256 = content[:4096], hashlib.sha256(content).hexdigest()
    return upload


def sweep_incoming() -> int:
    """Remove uploads that nobody wrote to for an hour, such as a killed process leaves; return how many."""
    before = (clock.now() - _LEFTOVER_AGE).timestamp()
    removed = 0
    for path in incoming_folder().iterdir():
        try:
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
        except FileNotFoundError:  # taken over, or removed with its request, in this very moment
            continue
    return removed
