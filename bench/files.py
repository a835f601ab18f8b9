"""A large attachment encrypted and decrypted, beside copying it through a process in pieces of the same size."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from casework.crypto import envelope

GOAL = 2.5
MEMORY_GOAL = 32.0
_ROOT = Path(__file__).resolve().parent.parent


class File(NamedTuple):
    """Seconds for copying, encrypting and decrypting a file, and by how many MB each of the last two grew a process."""

    copied: float
    encrypted: float
    decrypted: float
    encrypting_grew: float
    decrypting_grew: float


def measure(folder: Path, megabytes: int, rounds: int) -> File:
    """Write a file of random bytes, and take the best of some rounds, each in a process of its own."""
    source = folder / "plain"
    with source.open("wb") as out:
        for _ in range(megabytes):
            out.write(os.urandom(1 << 20))
    found: dict[str, list[tuple[float, float]]] = {"copy": [], "encrypt": [], "decrypt": []}
    for _ in range(rounds):
        for what, took in found.items():
            command = [sys.executable, "-m", "bench.files", what, str(folder)]
            done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
            took.append(tuple(json.loads(done.stdout)))
    best = {what: min(seconds for seconds, _grew in took) for what, took in found.items()}
    grew = {what: max(megabytes for _seconds, megabytes in took) for what, took in found.items()}
    return File(best["copy"], best["encrypt"], best["decrypt"], grew["encrypt"], grew["decrypt"])


def _one(what: str, folder: Path) -> None:
    given: dict[str, Any] = {"key": bytes(range(32)), "scope": UUID(int=1), "file_id": UUID(int=2)}
    plain, sealed, back = folder / "plain", folder / "sealed", folder / "back"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    if what == "copy":
        # As plain as ours goes: through this process, in pieces of the same size. A copy by the kernel reads nothing.
        with plain.open("rb") as source, back.open("wb") as sink:
            shutil.copyfileobj(source, sink, envelope.CHUNK_BYTES)
    elif what == "encrypt":
        with plain.open("rb") as source, sealed.open("wb") as sink:
            envelope.encrypt_stream(source, sink, length=plain.stat().st_size, **given)
    else:
        with sealed.open("rb") as source, back.open("wb") as sink:
            for chunk in envelope.decrypt_chunks(source, **given):
                sink.write(chunk)
    took = time.perf_counter() - began
    grew = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if what == "decrypt" and back.stat().st_size != plain.stat().st_size:
        raise SystemExit("the file did not come back whole")
    print(json.dumps([took, grew]))


if __name__ == "__main__":
    _one(sys.argv[1], Path(sys.argv[2]))
