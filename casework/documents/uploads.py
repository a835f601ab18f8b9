"""Encrypts a file while it arrives, so that no plain copy of it is ever written anywhere."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from casework.access import policies
from casework.access.actions import Action
from casework.core import ids, work
from casework.crypto import envelope, keyring
from casework.documents.policies import Look

logger = logging.getLogger(__name__)

# How far a refused upload is read past, so that the browser gets the answer instead of a broken connection.
_READ_PAST = 2


def incoming_folder() -> Path:
    """Return the folder of uploads under way, made when it is missing."""
    folder = Path(settings.CASEWORK_FILES_DIR) / "incoming"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def problem_of(request: HttpRequest) -> str:
    """Say in a sentence why this request's file was not taken in, empty when it was or when there was none."""
    return str(getattr(request, "upload_problem", ""))


def no_room() -> str:
    """Return the sentence for a disk that is full or does not answer."""
    return _("There is no room to store the file just now. Nothing was saved. Tell whoever runs this system.")


class SealedUpload(UploadedFile):
    """An upload that lies encrypted in the incoming folder. Its key is in memory only until a document takes it."""

    def __init__(self, *, name: str, path: Path, key: bytes, object_id: UUID, scope: UUID) -> None:
        super().__init__(file=io.BytesIO(), name=name, size=0)
        self.path, self.object_id, self.scope = path, object_id, scope
        self._key = key
        self.look = Look()
        self.sha256 = ""

    def __repr__(self) -> str:
        return "<SealedUpload>"

    def key(self) -> bytes:
        """Return the file key, for wrapping under the case's key."""
        return self._key

    def close(self) -> None:
        """Throw the encrypted file away where no document took it over (Django closes every upload of a request)."""
        super().close()
        self.path.unlink(missing_ok=True)


# Django closes the uploads it knows of. One that broke off in an error of its parser ends with the unit of work.
_arriving: ContextVar[tuple[Path, ...]] = ContextVar("casework_uploads", default=())


def _remove_leftovers() -> None:
    for path in _arriving.get():
        path.unlink(missing_ok=True)
    _arriving.set(())


work.on_end(_remove_leftovers)


class SealingUploadHandler(FileUploadHandler):
    """Takes an upload only at a URL that names a case, from somebody who may add to it, and seals it to that case.

    The upload is read while the form's token is checked, before any view: so the question is asked here as well as by
    the service. A refused file is read past without touching the disk, and the view gives the answer. There is one
    file in a request (`DATA_UPLOAD_MAX_NUMBER_FILES`).
    """

    content_length_of_request: int | None = None

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *more: Any) -> None:
        self.content_length_of_request = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        match = self.request.resolver_match if self.request is not None else None
        scope = match.kwargs.get("case_id") if match is not None else None
        if not isinstance(scope, UUID):
            raise StopUpload(connection_reset=True)
        unit = work.running()
        if unit is None or not policies.decide(unit.actor.user_id, Action.ADD_DOCUMENT, scope).allowed:
            raise SkipFile
        object_id = ids.new_id()
        self._upload = SealedUpload(
            name=self.file_name or "",
            path=incoming_folder() / str(object_id),
            key=keyring.new_key(),
            object_id=object_id,
            scope=scope,
        )
        _arriving.set((*_arriving.get(), self._upload.path))
        try:
            self._sink: BinaryIO = os.fdopen(
                os.open(self._upload.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
            )
            self._sealer = envelope.FileSealer(
                self._sink,
                key=self._upload.key(),
                scope=scope,
                file_id=object_id,  # length unknown: the sink is seekable
            )
        except OSError as error:
            self._refuse_for_want_of_room(error)
        self._digest = hashlib.sha256()
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        most = settings.MAX_DOCUMENT_BYTES
        if self._received > most:
            self._give_up()
            self._say(_("The file is larger than %(most)s, the most that is taken.") % {"most": filesizeformat(most)})
            if (self.content_length_of_request or 0) > _READ_PAST * most:
                raise StopUpload(connection_reset=True)
            raise SkipFile
        self._upload.look.update(raw_data)
        self._digest.update(raw_data)
        try:
            self._sealer.write(raw_data)
        except OSError as error:
            self._refuse_for_want_of_room(error)

    def file_complete(self, file_size: int) -> SealedUpload | None:
        try:
            self._upload.size = self._sealer.finish()
            self._sink.flush()
            os.fsync(self._sink.fileno())
            self._sink.close()
        except OSError as error:
            self._note_want_of_room(error)
            return None
        self._upload.sha256 = self._digest.hexdigest()
        return self._upload

    def upload_interrupted(self) -> None:
        if hasattr(self, "_upload"):
            self._give_up()

    def _refuse_for_want_of_room(self, error: OSError) -> None:
        self._note_want_of_room(error)
        raise SkipFile from error

    def _note_want_of_room(self, error: OSError) -> None:
        logger.error("upload.not_stored", extra={"event": "upload.not_stored"}, exc_info=error)
        self._give_up()
        self._say(no_room())

    def _say(self, problem: str) -> None:
        if self.request is not None:
            self.request.upload_problem = problem  # type: ignore[attr-defined]  # for `problem_of`

    def _give_up(self) -> None:
        # Closing writes what is still held back: on a full disk that fails once more, and does not matter.
        with suppress(OSError):
            if hasattr(self, "_sink"):
                self._sink.close()
        self._upload.close()
