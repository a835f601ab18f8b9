"""Which user the engines run as: PostgreSQL refuses root, so root lends them an ordinary user."""

import contextlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

_NOBODY = 65534


@dataclass(frozen=True)
class Identity:
    """An ordinary user, `uid` never 0; `differs` when it is not who we are now."""

    uid: int
    gid: int

    @property
    def differs(self) -> bool:
        """Tell whether running as this user needs a change of user."""
        return os.geteuid() == 0


def choose(folder: Path) -> Identity:
    """Return the user who is to own `folder` and to run what works in it.

    An ordinary user is always oneself. Root takes the owner of the folder, else of the folder above it, so that both
    can take turns in one checkout; when those are root's, the user `nobody`.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid())
    for place in (folder, *folder.parents):
        if place.exists():
            owner = place.stat().st_uid
            if owner != 0 and _is_known(owner):
                return Identity(owner, pwd.getpwuid(owner).pw_gid)
            if place != folder:
                break
    return Identity(_NOBODY, pwd.getpwuid(_NOBODY).pw_gid if _is_known(_NOBODY) else _NOBODY)


def name_of(uid: int) -> str:
    """Return a user's name with the number, for a sentence."""
    return f"{pwd.getpwuid(uid).pw_name} (uid {uid})" if _is_known(uid) else f"uid {uid}"


def hand_over(folder: Path, identity: Identity) -> None:
    """Make `identity` the owner of our own folder and all in it, as root; nothing above it, nothing behind a link."""
    if not identity.differs:
        return
    _chown(folder, identity)
    for _, folders, files, at in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            # A server that an earlier holder left behind may be clearing up at this moment.
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(name, dir_fd=at, follow_symlinks=False)
                is_shared_file = status.st_nlink > 1 and name in files  # a hard link: maybe to a file that is not ours
                if status.st_uid != identity.uid and not is_shared_file:
                    os.chown(name, identity.uid, identity.gid, dir_fd=at, follow_symlinks=False)


def _chown(path: Path, identity: Identity) -> None:
    if path.lstat().st_uid != identity.uid:
        os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _is_known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
