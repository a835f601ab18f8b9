"""How fast `rotate_keys` wraps keys again, beside one plain read of the same table; and a page while it runs."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from django.db import connection

from casework.crypto import envelope, keyring
from casework.crypto import services as crypto
from casework.crypto.models import Kek

GOAL = 20_000
PAGE_GOAL = 1.5
_ROTATIONS = 3
_ROOT = Path(__file__).resolve().parent.parent
_STEP = 5_000


_COMMAND = [sys.executable, "manage.py", "rotate_keys", "--json"]


class Found(NamedTuple):
    """Keys wrapped again a second, and rows of wraps that plain SQL reads a second."""

    rewrapped: float
    read: float
    keys: int


def measure(keys: int) -> Found:
    """Fill up to so many scope keys, rotate in a process of its own, and read the table once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM crypto_keyscope")
        for _ in range(max(0, keys - int(cursor.fetchone()[0])) // _STEP):
            _fill()
    done = subprocess.run(_COMMAND, cwd=_ROOT, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)
    began = time.perf_counter()
    # As a process of the worker's role would: every wrap, with what it is checked against.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.blob, s.commit FROM crypto_keywrap w JOIN crypto_keyscope s ON s.id = w.scope"
            " AND s.generation = w.generation WHERE s.kind = 'import'"
        )
        rows = len(cursor.fetchall())
    read = rows / (time.perf_counter() - began)
    return Found(said["rewrapped"] / said["seconds"], read, said["rewrapped"])


def beside(act: Callable[[], object], rounds: int) -> tuple[float, float, int]:
    """Return the median times of a page while keys are wrapped again and while nothing runs, and how many were asked.

    Only what began and ended between the first and the last batch of a rotation counts: not the start of its process.
    """
    during: list[float] = []
    idle = [_timed(act) for _ in range(rounds)]
    for _ in range(_ROTATIONS):
        with subprocess.Popen(_COMMAND, cwd=_ROOT, stdout=subprocess.DEVNULL) as rotating:
            while rotating.poll() is None:
                if not _is_rotating():
                    time.sleep(0.005)
                    continue
                took = _timed(act)
                if _is_rotating():
                    during.append(took)
        idle += [_timed(act) for _ in range(rounds // _ROTATIONS)]
    if not during:
        raise SystemExit("no page was asked for while the keys were wrapped again")
    return statistics.median(during), statistics.median(idle), len(during)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _is_rotating() -> bool:
    return Kek.objects.filter(state=Kek.State.ACTIVE).count() > 1


def _fill() -> None:
    kek = crypto._newest_kek()
    made = [keyring.ScopeKeys(uuid4(), 1, keyring.new_key()) for _ in range(_STEP)]
    scopes = [keys.scope for keys in made]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crypto_keyscope (id, generation, kind, commit, state, sealed)"
            " SELECT s, 1, 'import', c, 'live', 0 FROM unnest(%s::uuid[], %s::bytea[]) AS n(s, c)",
            [scopes, [keyring.commitment(keys.reveal_for_wrapping(), keys.scope, 1) for keys in made]],
        )
        cursor.execute(
            "INSERT INTO crypto_keywrap (id, scope, generation, recipient_kind, recipient_id, key_version, blob)"
            " SELECT gen_random_uuid(), s, 1, 1, '00000000-0000-0000-0000-000000000000', %s, b"
            " FROM unnest(%s::uuid[], %s::bytea[]) AS n(s, b)",
            [kek.version, scopes, [envelope.wrap_scope_to_kek(keys, kek) for keys in made]],
        )
