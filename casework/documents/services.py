"""Adding documents to a case and handing them out."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from casework.access.actions import Action
from casework.audit import services as audit
from casework.cases import erasing
from casework.cases import selectors as cases
from casework.core import clock, ids, work
from casework.core.errors import Invalid, NotFound
from casework.crypto import envelope, keyring
from casework.crypto import services as crypto
from casework.documents import policies, selectors, storage
from casework.documents.models import Document
from casework.documents.types import CleanCopy, DocumentView, OpenedDocument
from casework.documents.uploads import SealedUpload, incoming_folder, no_room
from casework.printing import cleaning
from casework.printing.sheets import Unprintable
from casework.printing.types import Trouble

logger = logging.getLogger(__name__)

_LEFTOVER_AGE = timedelta(hours=1)


def add_document(case_id: UUID, *, upload: SealedUpload, title: str, kind: str, dated_on: str = "") -> UUID:
    """Take over an encrypted upload as a document of the case; return its id. Writes history and the trail.

    Raises:
        NotFound, NotAllowed: the actor may not see, or not add to, the case.
        Invalid: the file is empty, of a kind that is not taken, or there is no room for it (field `upload`); the
            caller's savepoint is to be rolled back.
    """
    cases.case_for(case_id, Action.ADD_DOCUMENT)
    if upload.scope != case_id:
        raise NotFound
    if not upload.size:
        raise Invalid({"upload": _("The file is empty.")})
    media_type = policies.media_type_of(upload.look)
    if media_type is None:
        raise Invalid({"upload": policies.NOT_TAKEN})
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
    work.if_undone(lambda: storage.delete(upload.object_id))
    try:
        storage.put(upload.path, upload.object_id)
    except OSError as error:
        logger.error("upload.not_stored", extra={"event": "upload.not_stored"}, exc_info=error)
        with suppress(OSError):
            storage.delete(upload.object_id)
        raise Invalid({"upload": no_room()}) from error
    audit.record("document.uploaded", case=case_id, obj=document.pk, row=document)
    return document.pk


def open_document(case_id: UUID, document_id: UUID) -> OpenedDocument:
    """Return a document ready to be streamed; one trail entry, committed before the first byte leaves.

    The whole file is verified first, in constant memory, so that a damaged one is answered with a page and not with a
    part of it. What leaves is verified again as it does: the file could be changed in between.

    Raises:
        NotFound: there is no such document in this case, or the actor may not know of the case.
        casework.crypto.envelope.DecryptError: the file was changed, cut or exchanged, or is not there.
    """
    document = _document(case_id, document_id)
    actor = work.current().actor
    audit.record("document.downloaded", case=case_id, obj=document.pk)
    with _noting_damage(actor, document):
        for _piece in _pieces(document):
            pass
        chunks = _pieces(document)
    return OpenedDocument(view=selectors.view_of(document), chunks=_watched(chunks, actor, document))


def clean_copy(case_id: UUID, document_id: UUID) -> CleanCopy:
    """Return a document's copy without what it tells beside what it shows; one trail entry.

    Pictures and PDF files alone, and no longer than `MOST_CLEANED_BYTES`: the copy is made in memory, never on a disk.

    Raises:
        NotFound: there is no such document in this case, or the actor may not know of the case.
        Invalid: this document cannot be cleaned; the sentence says why.
        casework.crypto.envelope.DecryptError: as `open_document`.
    """
    document = _document(case_id, document_id)
    view = selectors.view_of(document)
    if not policies.may_be_cleaned(view.media_type, view.size):
        raise Invalid({"": _("Of this document no copy without hidden data can be made.")})
    with _noting_damage(work.current().actor, document):
        content = b"".join(_pieces(document))
    try:
        cleaned = cleaning.clean(content, view.media_type)
    except Unprintable as error:
        raise Invalid({"": _WHY_NOT_CLEANED.get(error.trouble, _NOT_CLEANED)}) from error
    audit.record("document.downloaded", case=case_id, obj=document.pk, body={"copy": "clean"})
    return CleanCopy(view=view, content=cleaned)


_NOT_CLEANED = _("No copy without hidden data can be made of this document: it is damaged, or made in an unusual way.")
_WHY_NOT_CLEANED = {
    Trouble.ENCRYPTED: _("No copy without hidden data can be made of this document: it is locked by a password."),
    Trouble.TOO_LARGE: _("No copy without hidden data can be made of this document: it is too large."),
}


def _document(case_id: UUID, document_id: UUID) -> Document:
    cases.case_for(case_id, Action.OPEN_DOCUMENT)
    document: Document | None = Document.objects.filter(case_id=case_id, pk=document_id).first()
    if document is None:
        raise NotFound
    selectors.check(document)
    return document


def _pieces(document: Document) -> Iterator[bytes]:
    """Return a document's pieces, each verified before it is given; the first chunk is, and the length, at the call."""
    key = _file_key(document)
    try:
        source = storage.open(document.object_id)
    except FileNotFoundError:
        raise envelope.DecryptError from None
    try:
        chunks = envelope.decrypt_chunks(source, key=key, scope=document.case_id, file_id=document.object_id)
    except envelope.DecryptError:
        source.close()
        raise
    return _closing(source, chunks)


def _closing(source: BinaryIO, chunks: Iterator[bytes]) -> Iterator[bytes]:
    with closing(source):
        yield from chunks


def _watched(chunks: Iterator[bytes], actor: work.Actor, document: Document) -> Iterator[bytes]:
    # The unit of work is long over when the last chunk leaves: a file found changed on the way gets its own entry.
    with _noting_damage(actor, document):
        yield from chunks


@contextmanager
def _noting_damage(actor: work.Actor, document: Document) -> Iterator[None]:
    try:
        yield
    except envelope.DecryptError:
        audit.record_now(actor, "document.download_cut", case=document.case_id, obj=document.pk)
        raise


def content_of(case_id: UUID, view: DocumentView) -> BinaryIO:
    """Return a document's plain content in memory, for printing it into a dossier whose export is on record.

    Raises:
        NotFound: there is no such document in this case, or the actor may not open its documents.
        casework.crypto.envelope.DecryptError: the file was changed, cut or exchanged.
    """
    return io.BytesIO(b"".join(_pieces(_document(case_id, view.id))))


def _file_key(document: Document) -> bytes:
    return envelope.unwrap_file_key(
        bytes(document.file_key), keys=crypto.keys_for(document.case_id), file_id=document.object_id
    )


def is_there_already(case_id: UUID, document_id: UUID) -> bool:
    """Say whether the case holds the very same file under another document, by the fingerprint of its content.

    Other cases are not looked at: that somebody else's case holds a file is nobody's business.
    """
    shown = selectors.documents_of(case_id)
    wanted = next((view.sha256 for view in shown if view.id == document_id), None)
    return any(view.sha256 == wanted and view.id != document_id for view in shown)


def seal_bytes(case_id: UUID, *, name: str, content: bytes) -> SealedUpload:
    """Return an encrypted upload made of bytes that the application itself produced (the demo's exhibits)."""
    object_id = ids.new_id()
    handle, path = tempfile.mkstemp(dir=incoming_folder(), prefix="made-")
    upload = SealedUpload(name=name, path=Path(path), key=keyring.new_key(), object_id=object_id, scope=case_id)
    with os.fdopen(handle, "wb") as sink:
        upload.size = envelope.encrypt_stream(
            io.BytesIO(content), sink, key=upload.key(), scope=case_id, file_id=object_id, length=len(content)
        )
    upload.look.update(content)
    upload.sha256 = hashlib.sha256(content).hexdigest()
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


def remove_objects(object_ids: Iterable[UUID]) -> bool:
    """Remove files of an erased case from the store; say whether all are gone. What the store refuses is logged."""
    gone = True
    for object_id in object_ids:
        try:
            storage.delete(object_id)
        except OSError as error:
            # Unreadable without the key that was destroyed; the sweep tries again.
            told = {"event": "documents.not_removed", "object_id": object_id, "error": type(error).__name__}
            logger.error("documents.not_removed", extra=told)
            gone = False
    return gone


def sweep_erased() -> int:
    """Remove what erased cases left behind: files that a killed process did not come to, and stray rows; return how
    many erasures were settled. For the machine's own principal."""
    with work.acting(work.system_actor()):
        erasing.sweep_rows()
        left = erasing.leftovers()
    settled = 0
    for erasure_id, objects in left:
        if remove_objects(objects):
            with work.acting(work.system_actor()):
                erasing.settle(erasure_id)
            settled += 1
    return settled
