"""What the trail costs: one entry beside its transaction without it, four writers at once, and verifying it all.

The chain's cost is measured against the same entries in a table of the same columns, indexes and row policies, with the
same MAC for each, but with no lock on the head of its stream, no `prev`, and no trigger that looks whether it follows.
`python -m bench.trail` is the process that verifies: as the sealer, timed, with the most memory that it took.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from uuid import UUID, uuid4

from bench import own

if TYPE_CHECKING:
    from bench.access import Crowd

ROOT = Path(__file__).resolve().parent.parent
WRITE_GOAL, EMPTY_GOAL, BUSY_GOAL = 1.3, 0.65, 0.85
VERIFY_GOAL = 100_000
# Memory over four times as many entries, to that over a quarter.
FLAT = 1.1
WRITERS = 4
OTHER_WORK = 0.004
_CASES_OF_A_WRITER = 25
_EVENTS_OF_A_STREAM = 20

# --- one entry beside its transaction --------------------------------------------------------------------------------


def units(times: int) -> Iterator[tuple[str, Callable[[], Any], Callable[[], Any]]]:
    """Make the cases for it, and yield what is done, with the trail and without.

    A case is written to once: without the entry of the first time, the second would rightly be refused.
    """
    from bench import seed
    from casework.accounts import services as accounts
    from casework.audit import services as audit
    from casework.cases import services as cases
    from casework.core import clock, work
    from casework.procedure import services as procedure

    with work.acting(work.Actor(None, kind="command")):
        team = accounts.create_team(name="Trail")
        user = accounts.create_account(email="trail@example.org", name="Trail Writer", password="synthetic-bench-7")
        accounts.give_role(user=user, role="coordinator", team=team)
    with own.acting(user):
        made = [cases.create_case(team_id=team.pk, given=seed._given(number)) for number in range(2 * times)]
    fact = {"fact": "application-registered", "on": clock.today("FR").isoformat(), "state": "FR"}
    unused = iter(made)

    def record() -> None:
        with own.acting(user):
            procedure.record_fact(next(unused), content=fact, note="Synthetic note.")

    opened = itertools.cycle(made[:50])

    def read() -> None:
        with own.acting(user):
            cases.open_case(next(opened))

    def without(act: Callable[[], None]) -> Callable[[], None]:
        def bare() -> None:
            with mock.patch.object(audit, "record", _nothing):
                act()

        return bare

    # Before anything is recorded without its entry.
    yield "open a case", read, without(read)
    yield "record a fact", record, without(record)


def _nothing(*_given: Any, **_named: Any) -> None:
    pass


# --- four writers ----------------------------------------------------------------------------------------------------

_UNCHAINED = """
CREATE TABLE plain_entry (LIKE audit_entry INCLUDING ALL);
ALTER TABLE plain_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE plain_entry FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON plain_entry TO cw_web;
CREATE POLICY plain_entry_read ON plain_entry FOR SELECT TO cw_web USING (
    actor = (SELECT cw_user()) OR (SELECT cw_has_role('auditor')) OR (case_id IS NOT NULL AND cw_sees(case_id)));
CREATE POLICY plain_entry_write ON plain_entry FOR INSERT TO cw_web
    WITH CHECK (audit_may_write(stream, case_id, actor));
"""


def prepare_writers() -> None:
    """Make the table without a chain."""
    with own.connect("owner") as owner:
        owner.execute(_UNCHAINED)


def written(people: list[tuple[UUID, list[UUID]]], *, chained: bool, other_work: float, seconds: float) -> float:
    """Return how many transactions of one entry four processes commit in a second, each on its own cases."""
    from django.db import connection

    connection.close()
    forking = multiprocessing.get_context("fork")
    ready, counted = forking.Barrier(WRITERS), forking.Queue()
    turn = _Turn(ready, counted, chained, other_work, seconds)
    writers = [forking.Process(target=_write, args=(turn, *person)) for person in people[:WRITERS]]
    for writer in writers:
        writer.start()
    total = sum(counted.get(timeout=seconds + 60) for _ in writers)
    for writer in writers:
        writer.join()
    return float(total)


def writers(crowd: Crowd) -> list[tuple[UUID, list[UUID]]]:
    """Return four people, each with some of the cases that they lead."""
    chosen = sorted(set(crowd.leads.values()))[:WRITERS]
    return [
        (lead, [case_id for case_id, leads in crowd.leads.items() if leads == lead][:_CASES_OF_A_WRITER])
        for lead in chosen
    ]


@dataclass(frozen=True)
class _Turn:
    ready: Any
    counted: Any
    chained: bool
    other_work: float
    seconds: float


def _write(turn: _Turn, user_id: UUID, case_ids: list[UUID]) -> None:
    from django.db import connection

    from casework.audit import services as audit
    from casework.core import work

    cases = itertools.cycle(case_ids)

    def once() -> None:
        with work.acting(work.Actor(user_id)):
            if turn.other_work:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(%s)", [turn.other_work])
            audit.record("case.read", case=next(cases))

    with nullcontext() if turn.chained else _unchained():
        for _ in range(10):
            once()
        turn.ready.wait()
        done, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < turn.seconds:
            once()
            done += 1
    turn.counted.put(done / spent)
    connection.close()


@contextmanager
def _unchained() -> Iterator[None]:
    from casework.audit import chain
    from casework.audit import services as audit

    numbers = itertools.count(time.time_ns())

    def heads(streams: Iterable[UUID]) -> dict[UUID, tuple[int, bytes]]:
        return {stream: (next(numbers), chain.GENESIS) for stream in streams}

    insert = audit._INSERT.replace("audit_entry", "plain_entry")
    with mock.patch.object(audit, "_held", heads), mock.patch.object(audit, "_INSERT", insert):
        yield


def compared(people: list[tuple[UUID, list[UUID]]], *, other_work: float, times: int, seconds: float) -> Any:
    """Return the medians of both in turn: chained, unchained, chained, …"""
    found: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(times):
        for chained in (True, False):
            found[chained].append(written(people, chained=chained, other_work=other_work, seconds=seconds))
    return statistics.median(found[True]), statistics.median(found[False])


# --- verifying -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verified:
    """Entries, how many of them a second, and the most memory that the process took, in MB."""

    entries: int
    rate: float
    megabytes: float


def fill(count: int) -> None:
    """Put so many entries into the trail: streams of twenty, as the application writes them; then seal them all.

    Straight into the tables: the database looks at none of it, and the verification finds nothing wrong with it.
    """
    from casework.audit import actions, chain
    from casework.audit.types import COLUMNS, Row
    from casework.core import clock
    from casework.crypto import services as crypto

    chance, mac_of = random.Random(13), chain.mac_maker(crypto.audit_mac_key())
    actors = [uuid4() for _ in range(200)]
    codes = [actions.action_named(name).code for name in ("case.read", "fact.recorded", "document.downloaded")]
    now, heads = chain.time_us(clock.now()), []
    with own.connect("super") as admin, admin.transaction(), admin.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with cursor.copy(f"COPY audit_entry ({COLUMNS}) FROM STDIN") as copy:
            for number in range(count):
                if number % _EVENTS_OF_A_STREAM == 0:
                    stream, seq, prev = uuid4(), 0, chain.GENESIS
                seq += 1
                row = Row(
                    stream=stream,
                    seq=seq,
                    prev=prev,
                    time_us=now + number,
                    actor=chance.choice(actors),
                    action=chance.choice(codes),
                    outcome=actions.DONE,
                    reason=0,
                    object=stream,
                    row_digest=chain.NO_DIGEST,
                    body=chance.randbytes(chance.choice((0, 0, 80, 144))),
                    hash=b"",
                    mac=b"",
                    case_id=stream,
                    request_id=uuid4(),
                )
                prev = chain.event_hash(row.event())
                copy.write_row(row._replace(hash=prev, mac=mac_of(prev)))
                if seq == _EVENTS_OF_A_STREAM or number == count - 1:
                    heads.append((stream, seq, prev))
        with cursor.copy("COPY audit_head (stream, kind, seq, hash) FROM STDIN") as copy:
            for stream, seq, prev in heads:
                copy.write_row((stream, 1, seq, prev))
    with own.connect("super") as admin:
        admin.execute("VACUUM ANALYZE")
    command = [sys.executable, "manage.py", "audit_checkpoint"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with own.connect("super") as admin:
        admin.execute("VACUUM ANALYZE")


def verify() -> Verified:
    """Verify the whole trail in a process of its own, as the sealer; the start of the process does not count."""
    command = [sys.executable, "-m", "bench.trail"]
    own_environment = {**os.environ, "CASEWORK_ROLE": "sealer"}
    done = subprocess.run(command, cwd=ROOT, env=own_environment, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)
    if said["wrong"] or said["sealed"] != said["entries"]:
        raise SystemExit(f"the trail that was to be verified is not whole: {said}")
    return Verified(said["entries"], said["entries"] / said["seconds"], said["megabytes"])


def main() -> int:
    import django

    django.setup()
    from casework.audit import seal
    from casework.audit.verify import Verification
    from casework.crypto import services as crypto

    verification = Verification(mac_keys=crypto.audit_mac_keys(), public_key=seal.known_public_key())
    began = time.perf_counter()
    verification.run()
    seconds = time.perf_counter() - began
    at = verification.position
    most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    said = {"entries": at.entries, "sealed": at.matched, "wrong": at.wrong, "seconds": seconds}
    print(json.dumps(said | {"megabytes": int(most.split()[1]) / 1024}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
