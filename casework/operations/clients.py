"""PostgreSQL's own programs for dumping and restoring, in the version that fits the server."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from casework.operations.embedded import binaries

_DEBIAN = Path("/usr/lib/postgresql")
_TOLD = 300
# Of our own environment, which may hold the root key, the programs get what they need to run.
_HANDED_ON = re.compile(r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|KRB5\w+|SSL_CERT_\w+")


class ClientError(Exception):
    """One of PostgreSQL's programs is missing, too old, or failed; the message says what to do."""


class Clients(NamedTuple):
    """The programs to run."""

    pg_dump: Path
    pg_restore: Path


def find(server_version: int) -> Clients:
    """Return the programs whose version is the server's, else the next newer one.

    `server_version`: as the server tells it, 180004 for 18.4. Looks on PATH, where Debian puts them, and in the wheel.

    Raises:
        ClientError: there are none, or only older ones.
    """
    wanted = server_version // 10_000
    known = sorted(
        (major, order, place)
        for order, place in enumerate(_folders())
        if (major := _major(place / "pg_dump")) and _major(place / "pg_restore") == major
    )
    for major, _order, place in known:
        if major >= wanted:
            return Clients(place / "pg_dump", place / "pg_restore")
    has = f"only version {known[-1][0]} is here" if known else "there are none here"
    msg = (
        f"The database server is PostgreSQL {wanted}, and pg_dump and pg_restore must not be older: {has}. "
        f"Install postgresql-client-{wanted}."
    )
    raise ClientError(msg)


def _folders() -> Iterator[Path]:
    for name in os.environ.get("PATH", "").split(os.pathsep):
        if name:
            yield Path(name)
    yield from sorted(_DEBIAN.glob("*/bin"), reverse=True)
    wheel = binaries.postgres_bin()
    if wheel is not None:
        yield wheel


def _major(program: Path) -> int:
    if not os.access(program, os.X_OK):
        return 0
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


def start(
    program: Path,
    *arguments: str,
    url: str = "",
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    errors: IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start one of the programs on the database that `url` names; the password is on no command line.

    Of this process's secrets it gets that password alone.
    """
    environment = {name: value for name, value in os.environ.items() if _HANDED_ON.fullmatch(name)}
    if url:
        parts = conninfo_to_dict(url)
        environment["PGPASSWORD"] = str(parts.pop("password", ""))
        arguments = (*arguments, "--dbname", make_conninfo("", **parts))
    return subprocess.Popen([program, *arguments], stdin=stdin, stdout=stdout, stderr=errors, env=environment)


def complaint(errors: IO[bytes]) -> str:
    """Return what a program complained of first, without what may quote a row."""
    errors.seek(0)
    for line in errors.read(20_000).decode(errors="replace").splitlines():
        if "error:" in line.lower():
            said = line.partition("error:")[2] or line
            return said.split("DETAIL")[0].strip()[:_TOLD]
    return "it said nothing"
