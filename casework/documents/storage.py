"""Where encrypted objects lie: the storage `documents` of the settings, behind Django's own interface.

What is stored is ciphertext under a random name, so that any storage may hold it: the local disk, or one that speaks
S3. Nobody else in this system knows a path of it. Objects are written once and never changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages

if TYPE_CHECKING:
    from django.core.files.storage import Storage

ALIAS = "documents"


class PrivateFolder(FileSystemStorage):
    """Keeps objects in `CASEWORK_FILES_DIR/objects`: files of mode 0600 in folders of mode 0700, moved into place."""

    def __init__(self) -> None:
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700)

    @property
    def base_location(self) -> str:  # Django keeps the first answer; we follow the settings
        return str(Path(settings.CASEWORK_FILES_DIR) / "objects")

    @property
    def location(self) -> str:
        return os.path.abspath(self.base_location)

    def _save(self, name: str, content: File[bytes]) -> str:
        saved: str = super()._save(name, content)  # type: ignore[misc]
        # The row that is about to be committed must not outlive its file in a power cut.
        folder = os.open(Path(self.path(saved)).parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return saved


class _Movable(File):  # type: ignore[type-arg]
    """A finished file: Django moves it where that is possible, and reads it where it is not."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Return where it lies, as Django asks of what it may move."""
        return str(self._path)


def put(source: Path, object_id: UUID) -> None:
    """Move a finished encrypted file into the storage under its id.

    Raises:
        FileExistsError: there is an object of that id, which stays as it is.
        OSError: there is no room, or the storage does not answer; `source` may still lie where it was.
    """
    name = _name(object_id)
    with _Movable(source) as content:
        saved = _storage().save(name, content)
    if saved != name:
        _storage().delete(saved)
        raise FileExistsError(name)
    source.unlink(missing_ok=True)


def open(object_id: UUID) -> BinaryIO:
    """Return an object for reading, seekable; raises `FileNotFoundError` when there is none of that id."""
    return cast("BinaryIO", _storage().open(_name(object_id), "rb"))


def delete(object_id: UUID) -> None:
    """Remove an object; one that is not there is no error."""
    if _storage().exists(_name(object_id)):
        _storage().delete(_name(object_id))


def exists(object_id: UUID) -> bool:
    """Say whether there is an object of that id."""
    return _storage().exists(_name(object_id))


def size(object_id: UUID) -> int:
    """Return an object's size in bytes; raises `FileNotFoundError` when there is none of that id."""
    return _storage().size(_name(object_id))


def stored_at(object_id: UUID) -> datetime:
    """Return when an object was written, in UTC; raises `FileNotFoundError` when there is none of that id."""
    return _storage().get_modified_time(_name(object_id))


def all_objects() -> Iterator[UUID]:
    """Yield the ids of all objects, in no order. What has no such name is none of ours, and left out."""
    for folder in _listed("")[0]:
        for name in _listed(folder)[1]:
            try:
                found = UUID(name)
            except ValueError:
                continue
            if _name(found) == f"{folder}/{name}":
                yield found


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return _storage().listdir(folder)
    except FileNotFoundError:  # nothing was stored yet
        return [], []


def _storage() -> Storage:
    return storages[ALIAS]


def _name(object_id: UUID) -> str:
    # Ids are random: 256 folders stay small, and neither they nor the names tell anything.
    return f"{str(object_id)[:2]}/{object_id}"
