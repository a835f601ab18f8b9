"""`python -m bench.law`: the law engine by itself, without engines or a database."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from casework.law import derive, facts
from casework.law.types import CaseFile

_COLD = """
import time
began = time.perf_counter()
from casework.law import packs
imported = time.perf_counter()
packs.load()
print(imported - began, time.perf_counter() - imported)
"""


@dataclass(frozen=True)
class Loading:
    """Seconds in a process that has just begun: to import the engine with its libraries, and to read the packs."""

    importing: float
    packs: float


def derivations(case: CaseFile, on: date, *, explain: bool, seconds: float) -> float:
    """Return how many procedures of one case are derived in a second."""
    derive.procedure(case, on=on, explain=explain)
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        derive.procedure(case, on=on, explain=explain)
        done += 1
    return done / spent


def loading(rounds: int) -> Loading:
    """Return the medians over some new processes."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        said = subprocess.run([sys.executable, "-c", _COLD], check=True, capture_output=True, text=True).stdout
        for place, seconds in enumerate(said.split()):
            times[place].append(float(seconds))
    return Loading(statistics.median(times[0]), statistics.median(times[1]))


def thirty_facts(today: date) -> list[dict[str, Any]]:
    """Return a procedure of 30 facts in France, the last of them ahead."""

    def on(before: int) -> str:
        return (today - timedelta(days=before)).isoformat()

    facts: list[dict[str, Any]] = [
        {"fact": "irregular-crossing", "on": on(150), "state": "HR"},
        {"fact": "application-made", "on": on(130)},
        {"fact": "application-registered", "on": on(128), "state": "FR"},
        {"fact": "application-lodged", "on": on(120), "state": "FR"},
        {"fact": "eurodac-hit", "on": on(127), "state": "HR", "category": "asylum"},
        {"fact": "take-back-notified", "on": on(119), "state": "HR"},
        {"fact": "take-back-notification-received", "on": on(118), "state": "HR"},
        {"fact": "take-back-refused", "on": on(110), "state": "HR"},
        {"fact": "take-charge-requested", "on": on(105), "state": "HR", "basis": "eurodac"},
        {"fact": "take-charge-request-received", "on": on(104), "state": "HR"},
        {"fact": "take-charge-accepted", "on": on(95), "state": "HR"},
        {"fact": "transfer-decided", "on": on(85)},
        {"fact": "transfer-decision-notified", "on": on(80), "appeal_days": 7},
        {"fact": "appeal-lodged", "on": on(76), "against": "transfer-decision"},
        {"fact": "suspension-requested", "on": on(76)},
        {"fact": "legal-aid-requested", "on": on(75)},
        {"fact": "legal-aid-decided", "on": on(60)},
        {"fact": "detained", "on": on(70), "ground": "transfer"},
        {"fact": "detention-order-notified", "on": on(70)},
        {"fact": "detention-judge-seized", "on": on(69)},
        {"fact": "detention-reviewed", "on": on(66), "outcome": "released"},
        {"fact": "released", "on": on(66)},
        {"fact": "house-arrest-ordered", "on": on(65)},
        {"fact": "humanitarian-requested", "on": on(64), "state": "DE"},
        {"fact": "humanitarian-refused", "on": on(40), "state": "DE"},
        {"fact": "visa-expires", "on": on(20), "state": "ES"},
        {"fact": "permit-expires", "on": on(400), "state": "PL"},
        {"fact": "transfer-scheduled", "on": (today + timedelta(days=12)).isoformat()},
        {"fact": "appointment", "on": (today + timedelta(days=6)).isoformat(), "kind": "hearing"},
        {"fact": "time-limit-set", "on": on(2), "what": "Written reply", "due": (today + timedelta(days=9)).isoformat(),
         "whose": "applicant", "by": "court"},
    ]  # fmt: skip
    assert len(facts) == 30  # noqa: PLR2004
    return facts


def main() -> int:
    """Print what the engine does in a second, and how long it takes to be ready."""
    today = date(2026, 11, 23)
    case = facts.parse({"country": "FR", "facts": thirty_facts(today)})
    for explain in (True, False):
        rate = derivations(case, today, explain=explain, seconds=3.0)
        print(f"{rate:8,.0f} procedures of 30 facts a second {'with' if explain else 'without'} explanations")
    ready = loading(5)
    print(f"{ready.packs * 1e3:8.1f} ms to read the packs, after {ready.importing * 1e3:.1f} ms of imports")
    return 0


if __name__ == "__main__":
    sys.exit(main())
