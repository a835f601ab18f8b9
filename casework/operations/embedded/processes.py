"""Start a server so that it cannot outlive us; find and end those that an earlier holder left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from .identity import Identity

_LAUNCH = Path(__file__).with_name("launch.py")


def command(
    program: Sequence[str],
    *,
    identity: Identity,
    reach: Sequence[Path] = (),
    on_parent_death: signal.Signals | None = signal.SIGKILL,
    umask: int = 0o077,
) -> list[str]:
    """Return the command line that runs `program` as `identity`, told by `on_parent_death` when its parent is gone.

    The parent is the calling *thread*: call from one that stays. `reach`: paths that the program must come to.
    """
    wish: dict[str, object] = {"umask": umask}
    if on_parent_death is not None:
        wish |= {"parent": os.getpid(), "signal": int(on_parent_death)}
    if identity.differs:
        wish |= {"uid": identity.uid, "gid": identity.gid, "reach": [str(path) for path in reach]}
    return [sys.executable, "-I", "-S", str(_LAUNCH), json.dumps(wish), *program]


def spawn(
    program: Sequence[str],
    *,
    identity: Identity,
    reach: Sequence[Path],
    cwd: Path,
    log: IO[bytes],
    on_parent_death: signal.Signals = signal.SIGKILL,
    group: int = 0,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `program` in the process group `group` (0: a new one, so that the terminal's Ctrl-C reaches only us)."""
    line = command(program, identity=identity, reach=reach, on_parent_death=on_parent_death)
    return subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=cwd, process_group=group, env=env
    )


def end(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn and wait its seconds, until the process has ended; the last resort is SIGKILL."""
    for number, seconds in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
        process.wait()


def is_running(pid: int) -> bool:
    """Tell whether there is a process with this number, whosever."""
    return Path(f"/proc/{pid}").exists()


def running_in(folder: Path, program: str) -> list[int]:
    """Return the pids of processes called `program` that work in `folder`, as our servers do.

    Its current folder tells; where we may not look at that, its command line.
    """
    return [entry for entry in _pids() if _name(entry) == program and _works_in(entry, str(folder))]


def end_leftovers(folder: Path, program: str, *, first: signal.Signals, patience: float = 8.0) -> None:
    """End every process called `program` that works in `folder`: politely, then at once.

    Raises:
        PermissionError: one of them belongs to another user.
    """
    sent: set[int] = set()
    deadline = time.monotonic() + patience
    while pids := running_in(folder, program):
        late = time.monotonic() > deadline
        for pid in pids:
            if late or pid not in sent:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if late else first)
                sent.add(pid)
        time.sleep(0.05)


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""  # ended meanwhile


def _works_in(pid: int, folder: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/cwd") == folder
    except PermissionError:
        with contextlib.suppress(OSError):
            return folder.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        pass
    return False
