"""`rebuild_deadlines` over all cases, in two processes: how many cases a second, and whether memory stays flat."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from casework.accounts.models import User
from casework.cases import selectors as cases
from casework.core import work
from casework.procedure.models import Fact

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
# 100,000 cases in 10 minutes.
GOAL = 100_000 / 600
# The same process over one case, to what it needs over all of them.
FLAT = 1.3
_PER_TRANSACTION = 200


@dataclass(frozen=True)
class Measured:
    """Cases a second when every limit is new and when nothing moved; peak memory over one case and over all, in MB."""

    cases: int
    all_new: float
    nothing_moved: float
    one_case: float
    all_cases: float


def measure(reader: User, on: date) -> Measured:
    """Give every case ten facts, and derive them all twice."""
    with work.acting(work.Actor(reader.pk, kind="command")):
        rows = list(cases.visible().order_by("pk").values_list("pk", "reference"))
    for at in range(0, len(rows), _PER_TRANSACTION):
        with work.acting(work.Actor(reader.pk, kind="command")):
            Fact.objects.bulk_create(
                Fact(case_id=case_id, recorded_by=reader.pk, content={"fact": fact, "note": "Synthetic note."})
                for place, (case_id, _reference) in enumerate(rows[at : at + _PER_TRANSACTION])
                for fact in _ten_facts(on - timedelta(days=(at + place) % 150))
            )
    first, _memory = _timed("--workers", str(WORKERS))
    second, all_cases = _timed("--workers", str(WORKERS))
    _one, one_case = _timed("--case", rows[0][1])
    count = len(rows)
    return Measured(count, count / first, count / second, one_case, all_cases)


# Runs a command and tells the most memory that it, or a process of its own, took (kB). A process of its own, because a
# new one counts from what the one that started it had in memory.
_WATCHED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def _timed(*arguments: str) -> tuple[float, float]:
    """Run the command; return its seconds, start of the process included, and the peak memory of one process in MB."""
    began = time.perf_counter()
    command = [sys.executable, "-c", _WATCHED, sys.executable, "manage.py", "rebuild_deadlines", "--json", *arguments]
    own = {**os.environ, "CASEWORK_ROLE": "worker"}
    run = subprocess.run(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, text=True, check=False)
    took = time.perf_counter() - began
    if run.returncode:
        raise SystemExit(f"rebuild_deadlines fails: {run.returncode}")
    *told, memory = run.stdout.splitlines()
    if json.loads("".join(told))["failed"]:
        raise SystemExit("rebuild_deadlines could not derive every case")
    return took, int(memory) / 1024


def _ten_facts(registered: date) -> list[dict[str, Any]]:
    def on(days: int) -> str:
        return (registered + timedelta(days=days)).isoformat()

    return [
        {"fact": "application-made", "on": on(-2)},
        {"fact": "application-registered", "on": on(0), "state": "FR"},
        {"fact": "eurodac-hit", "on": on(1), "state": "HR", "category": "asylum"},
        {"fact": "application-lodged", "on": on(7), "state": "FR"},
        {"fact": "take-back-notified", "on": on(9), "state": "HR"},
        {"fact": "take-back-notification-received", "on": on(9), "state": "HR"},
        {"fact": "take-back-confirmed", "on": on(20), "state": "HR"},
        {"fact": "transfer-decision-notified", "on": on(30), "appeal_days": 7},
        {"fact": "appeal-lodged", "on": on(34), "against": "transfer-decision"},
        {"fact": "suspension-requested", "on": on(34)},
    ]
