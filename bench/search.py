"""Finding cases: by index beside a plain indexed lookup of the same words, and by scanning what one may see."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from casework.access import services as access
from casework.access.types import Level
from casework.accounts import services as accounts
from casework.accounts.models import User
from casework.cases import finding as search_of_cases
from casework.cases import selectors as cases
from casework.cases.models import Case
from casework.cases.types import CaseFilter, CaseState
from casework.core import work

ROOT = Path(__file__).resolve().parent.parent
VISIBLE = 5_000
SCAN_GOAL = 0.1
INDEX_GOAL = 2.0
_PER_TRANSACTION = 200
_RANK = 20

# Of (Cyrillic, Latin): three make a surname, so that names are as common and as rare as people's are.
_SYLLABLES = (
    ("ба", "ba"), ("ка", "ka"), ("ро", "ro"), ("ми", "mi"), ("ду", "du"), ("за", "za"), ("ле", "le"), ("но", "no"),
    ("ру", "ru"), ("са", "sa"), ("та", "ta"), ("ги", "gi"),
)  # fmt: skip
SURNAMES = len(_SYLLABLES) ** 3


def surname(rank: int) -> tuple[str, str]:
    """Return an invented surname in both scripts, by its rank among `SURNAMES`."""
    parts = [_SYLLABLES[rank // len(_SYLLABLES) ** place % len(_SYLLABLES)] for place in range(3)]
    cyrillic, latin = ("".join(column).capitalize() for column in zip(*parts, strict=True))
    return f"{cyrillic}нов", f"{latin}nov"


def rank(number: int) -> int:
    """Return the rank of a case's surname: some are common, many are rare."""
    return int(SURNAMES * random.Random(number).random() ** 2)


def born(number: int) -> date:
    """Return a case's birth date."""
    return date(1990, 1, 1) + timedelta(days=number % 9000)


def looked_for(count: int) -> dict[str, str]:
    """Return what is looked for among `count` cases, by kind: a surname that some have, with a birth date, a number."""
    number = next(number for number in range(count) if rank(number) == _RANK)
    name = surname(_RANK)[1]
    return {"name": name, "name and birth date": f"{name} {born(number)}", "number": f"75 {number:07}"}


def switch(mode: str) -> None:
    """Switch the mode of search, as the keeper of a server does."""
    env = {**os.environ, "CASEWORK_ROLE": "worker"}
    command = [sys.executable, "manage.py", "reindex_search", "--mode", mode]
    subprocess.run(command, check=True, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def somebody_who_sees(count: int, coordinator: UUID) -> User:
    """Make a lawyer with whom `count` cases are shared."""
    with work.acting(work.Actor(None, kind="command")):
        user = accounts.create_account(email="scan@example.org", name="Scan Reader", password="synthetic-bench-7")
        accounts.give_role(user=user, role="lawyer")
    with work.acting(work.Actor(user.pk, kind="command")):
        TOTP.activate(user, generate_totp_secret())
    with work.acting(work.Actor(coordinator, kind="command")):
        shared = list(cases.visible().order_by("pk").values_list("pk", flat=True)[:count])
    for at in range(0, len(shared), _PER_TRANSACTION):
        with work.acting(work.Actor(coordinator, kind="command")):
            for case_id in shared[at : at + _PER_TRANSACTION]:
                access.grant(case_id=case_id, user_id=user.pk, level=Level.VIEW, reason="Synthetic.")
    return user


def finding(user: User, words: str) -> Callable[[], Any]:
    """Return what finds the cases alone, in a unit of work of its own: grants, keys, values, comparing; no page."""

    def act() -> list[UUID]:
        with work.acting(work.Actor(user.pk, kind="command")):
            return search_of_cases.matching(Case.objects.filter(state=CaseState.OPEN), CaseFilter(words=words))

    return act


def timed(act: Callable[[], Any], rounds: int) -> float:
    """Return the median of `rounds` runs, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
