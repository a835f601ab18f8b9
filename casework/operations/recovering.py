"""Recovery of the root key, with its entries in the trail: shares on paper, joining them, and rehearsing it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from casework.audit import services as audit
from casework.core import clock, work
from casework.crypto import recovery, rehearsal
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError
from casework.crypto.keyring import JoinedRoot, RootKeyError
from casework.crypto.recovery import Gathered
from casework.crypto.types import KeyUnavailable
from casework.operations import restoring
from casework.operations.backup_sets import BadBackup
from casework.operations.clients import ClientError
from casework.operations.share_papers import paper


class Refused(Exception):
    """Nothing was done; the message says why and what to do, and holds no part of a key or a share."""


@dataclass(frozen=True)
class Split:
    """A set of shares that was made, and the files of its sheets."""

    set_name: str
    shares: int
    threshold: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class Joined:
    """Shares that gave a root key. `checked`: versions of the wrapping key here that it opens; none: nothing to try.

    `noted`: whether the trail says so. A key that is needed is not held back by a trail that cannot be written.
    """

    set_name: str
    checked: tuple[int, ...]
    written: str
    noted: bool


@dataclass(frozen=True)
class DrillReport:
    """What a rehearsal opened of the newest backup, by kind and wrapping key. With `findings` it does not count."""

    set_name: str
    backup_made_at: datetime
    kek_versions: tuple[int, ...]
    opened: dict[str, int]
    findings: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the recovery works."""
        return not self.findings


def split(folder: Path, *, shares: int, threshold: int) -> Split:
    """Split this installation's root key, prove it, and write a sheet for each share into a new or empty folder.

    Raises:
        Refused: the folder is not empty or cannot be made.
        ValueError: numbers outside 2 to 16, or more needed than made.
        RootKeyError: the root key is missing or does not open the wrapping keys: it is not one to keep.
    """
    _own_folder(folder)
    crypto.verify_root()
    made = recovery.split(crypto.root(), shares=shares, threshold=threshold)
    today = clock.today()
    files = [folder / f"share-{share.number:02}-of-{shares:02}.pdf" for share in made]
    try:
        with work.acting(work.system_actor()):
            for share, path in zip(made, files, strict=True):
                recovery.write_sheet(path, paper(share, shares=shares, made_on=today))
            body = {"set": made[0].set_name, "shares": shares, "threshold": threshold}
            audit.record("key.recovery_split", body=body)
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise
    return Split(made[0].set_name, shares, threshold, tuple(path.name for path in files))


def join(gathered: Gathered, out: Path | None) -> Joined:
    """Put the root key together, try it on this database's wrapping keys, and write it into a new file if one is named.

    Raises:
        ShareError: too few shares, or they contradict each other.
        Refused: the key is another than this database's, or the file is there already.
    """
    if out is not None:
        refuse_to_overwrite(out)
    root = recovery.join(gathered)
    checked = _tried(root)
    set_name = gathered.shares[0].set_name
    _write(root, out)
    noted = bool(checked) and _noted(root, {"set": set_name, "written": out is not None})
    return Joined(set_name, checked, str(out) if out else "", noted)


def refuse_to_overwrite(out: Path) -> None:
    """Raise `Refused` when there is something in the place where a root key is to be written, or no folder for it."""
    if os.path.lexists(out):
        msg = f"There is something at {out} already, and a root key is never overwritten: name another file."
        raise Refused(msg)
    if not out.absolute().parent.is_dir():
        msg = f"There is no folder {out.absolute().parent}."
        raise Refused(msg)


def drill(backup: Path, shares: Sequence[str]) -> DrillReport:
    """Rehearse: join the shares, restore the newest backup into the scratch database with them alone, and open it.

    Of the running installation only the wrapping keys are read, to refuse shares that are not its own; the place where
    its root key lies is not asked. A rehearsal in which everything opened is stored and goes into the trail. The
    scratch database is emptied again in any case.

    Raises:
        ShareError: shares were refused, or are too few.
        Refused: they give another root key than this installation's, or the backup does not open with them.
    """
    return drill_with(backup, recovery.gather(shares))


def drill_with(backup: Path, gathered: Gathered) -> DrillReport:
    """Rehearse with shares that were read already, as `drill`."""
    began = time.monotonic()
    root = recovery.join(gathered)
    if not _tried(root):
        msg = "This database does not answer or has no wrapping key: there is nothing whose recovery can be rehearsed."
        raise Refused(msg)
    if not settings.DATABASE_SCRATCH_URL:
        msg = "Set DATABASE_SCRATCH_URL to the address of the scratch database (docs/running.md)."
        raise Refused(msg)
    with crypto.using_root(root):
        try:
            identity = recovery.backup_identity(root)
            with restoring.tried(settings.DATABASE_SCRATCH_URL, backup, identity) as restored:
                pass
        except (restoring.RestoreFailed, BadBackup, ClientError, RootKeyError) as error:
            msg = f"The recovery does not work yet. {error}"
            raise Refused(msg) from None
        report = DrillReport(
            set_name=gathered.shares[0].set_name,
            backup_made_at=restored.made_at,
            kek_versions=restored.wrapping_keys,
            opened=restored.opened,
            findings=restored.findings,
            seconds=round(time.monotonic() - began, 1),
        )
        if report.ok:
            _note(report)
    return report


def _note(report: DrillReport) -> None:
    values = sum(report.opened.values())
    with work.acting(work.system_actor()):
        row = rehearsal.note_drill(
            at=clock.now(),
            kek_versions=report.kek_versions,
            values=values,
            backup_made_at=report.backup_made_at,
        )
        body = {"set": report.set_name, "wrapping_keys": list(report.kek_versions), "values": values}
        audit.record("key.recovery_drilled", obj=row, body=body)


def _own_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or any(folder.iterdir()):
            msg = f"The folder {folder} is not empty: name a new one, for these sheets alone."
            raise Refused(msg)
        folder.chmod(0o700)
    except OSError as error:
        msg = f"The folder {folder} cannot be used: {error.strerror}."
        raise Refused(msg) from None


def _write(root: JoinedRoot, out: Path | None) -> None:
    if out is None:
        return
    try:
        root.write(out)
    except OSError as error:
        msg = f"The root key was not written to {out}: {error.strerror}."
        raise Refused(msg) from None


def _noted(root: JoinedRoot, body: dict[str, Any]) -> bool:
    try:
        with crypto.using_root(root), work.acting(work.system_actor()):
            audit.record("key.recovery_joined", body=body)
    except (DatabaseError, DecryptError, KeyUnavailable):
        return False
    return True


def _tried(root: JoinedRoot) -> tuple[int, ...]:
    """Open every wrapping key of this database and return their versions; none when there is no database to ask."""
    try:
        with crypto.using_root(root):
            versions = crypto.wrapping_key_versions()
            if versions:
                crypto.verify_root()
            return versions
    except DatabaseError:
        with suppress(DatabaseError):
            connection.close()
        return ()
    except RootKeyError as error:
        msg = (
            "These shares give a root key, but not that of this installation: it does not open the wrapping keys in "
            f"this database. Were they made before the root key was changed, or for another server? {error}"
        )
        raise Refused(msg) from None
