"""A data folder of our own: its mark, its lock, its passwords."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from casework.core.ids import new_id

from .errors import EngineError
from .identity import choose, hand_over, name_of

_LOCK = "lock"
_SECRETS = "secrets.json"


class Folder:
    """A folder that carries our mark, held by one process at a time.

    `mark`: name of the file that says the folder is ours. A folder that has other things in it and no mark is never
    written to, nor is a marked one that another process holds.
    """

    def __init__(self, path: Path, *, mark: str, called: str) -> None:
        """Name the folder; nothing is touched before `take`. `called`: what holds it, for sentences ("A demo")."""
        self.path = path.resolve()
        self._mark = self.path / mark
        self._called = called
        self._lock: IO[str] | None = None
        self.identity = choose(self.path)

    def take(self, *, new: bool = True) -> None:
        """Make the folder if need be (`new`), lock it, mark it, and own what is in it.

        Raises:
            EngineError: it is not ours, belongs to another user, is held by another process, or cannot be written.
        """
        try:
            self._check(new=new)
            self._take_lock()
            hand_over(self.path, self.identity)
            if not self._mark.exists():
                self.write_state({})
        except OSError as error:
            self.release()
            raise EngineError(self._sentence(error)) from error
        except EngineError:
            self.release()
            raise

    def release(self) -> None:
        """Let another process take the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def need_room(self, need_bytes: int) -> None:
        """Raise EngineError unless the disk under the folder has `need_bytes` left."""
        free = shutil.disk_usage(self.path).free
        if free < need_bytes:
            raise EngineError(
                f"The disk under {self.path} has {free // 1_000_000} MB left and {need_bytes // 1_000_000} MB are "
                "needed: make room, or choose a folder on another disk."
            )

    @property
    def is_held(self) -> bool:
        """Tell whether this process holds the folder."""
        return self._lock is not None

    def read_state(self) -> dict[str, object]:
        """Return what the mark says; an empty mapping for a folder that is only begun."""
        try:
            state = json.loads(self._mark.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def write_state(self, state: Mapping[str, object]) -> None:
        """Replace what the mark says, at once and for good: a kill leaves the old mark or the new one."""
        self.write_private(self._mark, json.dumps(state))

    def secrets(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return a password for each name, made on first use and kept in a file that only the owner reads."""
        path = self.path / _SECRETS
        try:
            known = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            known = {}
        missing = {name: new_id().hex + new_id().hex for name in names if name not in known}
        if missing:
            known |= missing
            self.write_private(path, json.dumps(known))
        return {name: known[name] for name in names}

    def subfolder(self, name: str) -> Path:
        """Return a folder inside, 0700 and the owner's, made when missing."""
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        self.own(path)
        return path

    def own(self, path: Path) -> None:
        """Give one file or folder of ours to the user who runs here."""
        if self.identity.differs:
            os.chown(path, self.identity.uid, self.identity.gid, follow_symlinks=False)

    def write_private(self, path: Path, text: str) -> None:
        """Write a file (0600, the owner's) at once and for good: a kill leaves the old one or the new one."""
        part = path.with_name(path.name + ".part")
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.own(part)
        part.replace(path)

    def open_log(self, path: Path, *, keep_bytes: int = 5_000_000) -> IO[bytes]:
        """Open a log (0600) for appending; one that grew too big makes room and is kept once as `.1`."""
        if path.exists() and path.stat().st_size > keep_bytes:
            path.replace(path.with_name(path.name + ".1"))
        log = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")
        self.own(path)
        return log

    def _check(self, *, new: bool) -> None:
        if not self.path.exists() and new:
            self.path.mkdir(mode=0o700, parents=True)
            self.own(self.path)
        if not self.path.is_dir():
            raise EngineError(f"{self.path} is a file: name a folder.")
        owner = self.path.stat().st_uid
        if os.geteuid() not in (0, owner):
            me, them = name_of(os.geteuid()), name_of(owner)
            raise EngineError(
                f"The data folder {self.path} belongs to {them}, and you are {me}. Choose another folder, "
                f"or let root hand it to you: chown -R {os.geteuid()} {self.path}"
            )
        if not new and not self._mark.exists():
            raise EngineError(f"{self.path} does not carry our mark ({self._mark.name}) and is left alone.")
        others = [entry.name for entry in self.path.iterdir() if entry.name != _LOCK]
        if others and not self._mark.exists():
            raise EngineError(
                f"{self.path} has other things in it and was not made by us: choose a new or empty folder."
            )
        self.path.chmod(0o700)

    def _take_lock(self) -> None:
        # Closed on exec, so that no child holds the folder after us.
        lock = os.fdopen(os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise EngineError(
                f"{self._called} already runs on {self.path} (process {holder}): stop it first, "
                "or choose another folder."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _sentence(self, error: OSError) -> str:
        return f"Cannot use the data folder {self.path}: {error.strerror} ({error.filename or self.path})."
