"""Files that only their owner may read: how secrets are kept outside the database."""

from __future__ import annotations

import os
import stat
from enum import Enum
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 4096


class Problem(Enum):
    """Why a private file was not read."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not a file"
    OPEN_TO_OTHERS = "open to others"


class PrivateFileError(Exception):
    """A private file was not read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def read_private(path: Path) -> bytes:
    """Return the first 4 KiB of a file that only its owner may use; raises `PrivateFileError`."""
    try:
        # Mode and content are those of one opened file: nobody can swap it between the two looks.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise PrivateFileError(Problem.MISSING) from None
    except OSError:
        raise PrivateFileError(Problem.UNREADABLE) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise PrivateFileError(Problem.NOT_A_FILE)
        if mode & 0o077:
            raise PrivateFileError(Problem.OPEN_TO_OTHERS)
        return os.read(descriptor, _MOST_BYTES)
    finally:
        os.close(descriptor)


def write_private(path: Path, content: bytes) -> None:
    """Make a file with mode 0600 and see it onto the disk; raises `FileExistsError` and never overwrites one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # whatever the process's umask
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # a root key that a power cut takes away takes every case with it
    finally:
        os.close(folder)
