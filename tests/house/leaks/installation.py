"""The real application as `make demo` starts it, in a folder and on a port of its own, with faults on demand.

`python -m tests.house.leaks.installation FOLDER PORT` runs it until a signal or the end of its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from casework.operations.demo import ROOT, Demo
from casework.operations.embedded import binaries, processes
from casework.operations.embedded.folder import Folder

_MARK = ".casework-demo"
_READY_SECONDS = 120.0
FAULTS = "tests.house.leaks.faulty"


class WithFaults(Demo):
    """The demo's supervisor; its processes also load the application of faults, and log as much as they can."""

    def _env(self, *roles: str) -> dict[str, str]:
        reach = {"CASEWORK_TEST_APPS": FAULTS, "CASEWORK_LOG_LEVEL": "DEBUG", "PYTHONPATH": str(ROOT)}
        return super()._env(*roles) | reach

    def roles(self) -> dict[str, dict[str, str]]:
        """Return the environment of each kind of process."""
        return {role: self._env(role) | {"CASEWORK_ROLE": role} for role in ("web", "worker", "owner", "sealer")}

    def _tell(self) -> None:
        """Say who may come in, to whoever started us, instead of to a person."""
        super()._tell()
        told = {
            "super": self._engines.database_url("super"),
            "redis": self._engines.redis_url,
            "parts": {part.name: part.process.pid for part in self._parts if part.process is not None},
            "roles": self.roles(),
        }
        sys.stdout.write(f"ready {json.dumps(told)}\n")
        sys.stdout.flush()


@dataclass(frozen=True)
class Running:
    """One running installation, as its test reaches it."""

    folder: Path
    port: int
    supervisor: int
    database: str
    redis: str
    parts: dict[str, int]
    environments: dict[str, dict[str, str]]
    identity_line: Sequence[str]
    also: list[int] = field(default_factory=list)
    """More processes to look at."""

    def manage(self, role: str, *words: str, seconds: float = 60.0) -> subprocess.CompletedProcess[bytes]:
        """Run a management command as the installation's keeper would; return what their terminal shows."""
        return self._run([str(ROOT / "manage.py"), *words], self.environments[role], seconds)

    def _run(
        self, words: Sequence[str], environment: dict[str, str], seconds: float
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self.identity_line, sys.executable, *words],
            env=environment,
            capture_output=True,
            check=False,
            cwd=ROOT,
            timeout=seconds,
        )

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a superuser's connection."""
        return psycopg.connect(self.database, autocommit=True)

    def dump(self) -> bytes:
        """Return a whole dump of the database, by the superuser."""
        url = urlsplit(self.database)
        program = binaries.find().postgres.parent / "pg_dump"
        line = [str(program), "--no-password", "-h", parse_qs(url.query)["host"][0], "-U", unquote(url.username or "")]
        return subprocess.run(
            [*line, url.path.lstrip("/")],
            env={**os.environ, "PGPASSWORD": unquote(url.password or "")},
            capture_output=True,
            check=True,
        ).stdout

    def pids(self) -> list[int]:
        """Return every process of the installation: the supervisor and all below it."""
        return [self.supervisor, *_below(self.supervisor), *self.also]


def _below(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_below(int(child))]
    return found


@contextlib.contextmanager
def running() -> Iterator[Running]:
    """Start an installation in a new folder; end it, with everything it started and wrote, on leaving."""
    # Not below a folder of pytest's: as root those are closed to the user whom the servers run as.
    base = Path(tempfile.mkdtemp(prefix="cw-leaks-"))
    base.chmod(0o711)
    path, said = base / "installation", base / "said"
    folder = Folder(path, mark=_MARK, called="An installation")
    folder.take()
    folder.release()
    reach = [path, ROOT / "manage.py", Path(sys.executable), Path(os.__file__), Path(psycopg.__file__)]
    as_user = processes.command([], identity=folder.identity, reach=reach)
    port = _free_port()
    line = [*as_user, sys.executable, "-m", __name__, str(path), str(port)]
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    with said.open("w+b") as output:
        process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=output, stderr=output, process_group=0)
        try:
            told = _wait(process, said)
            yield Running(path, port, process.pid, told["super"], told["redis"], told["parts"], told["roles"], as_user)
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()
            shutil.rmtree(base, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], said: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        text = said.read_text(errors="replace")
        for line in text.splitlines():
            if line.startswith("ready ") and text.endswith("\n"):
                told: dict[str, Any] = json.loads(line.removeprefix("ready "))
                return told
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The installation does not start:\n{text[-4000:]}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Run until somebody asks to end."""
    folder = Folder(Path(sys.argv[1]), mark=_MARK, called="An installation")
    folder.take()
    WithFaults(folder, port=int(sys.argv[2]), cases=0).run()


if __name__ == "__main__":
    main()
