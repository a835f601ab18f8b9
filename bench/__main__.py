"""`python -m bench [--quick] [--cases N]`: start engines, seed, measure, write bench/results.json, print ratios."""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Rounds that warm up and do not count.
WARM = 5


@dataclass
class Row:
    """One measurement. `ours` and `baseline` in `unit`; `ratio` is ours to baseline; `goal` is what to reach."""

    ours: float
    baseline: float
    ratio: float
    unit: str
    n: int
    goal: str
    goal_met: bool


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds")
    parser.add_argument("--cases", type=int, default=None, help="how many cases to seed (10,000; 1,000 when quick)")
    given = parser.parse_args()
    cases = given.cases or (1_000 if given.quick else 10_000)
    # Below a thousand it is a rehearsal: all of it runs and every answer is compared, the figures say little.
    rounds = (20 if cases >= 1_000 else 6) if given.quick else 60  # noqa: PLR2004

    from casework.operations.embedded import Engines

    with tempfile.TemporaryDirectory(prefix="cw-bench-") as folder:
        Path(folder).chmod(0o711)
        with Engines(Path(folder) / "engines") as engines:
            _environment(engines, Path(folder))
            rows = _measure(cases, rounds)
    results = {name: asdict(row) for name, row in rows.items()}
    (ROOT / "bench" / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    _print(rows)
    return 0


def _environment(engines: Any, folder: Path) -> None:
    from casework.crypto import keyring, signing

    keyring.generate_root_key_file(folder / "root.key")
    signing.generate_signing_key_file(folder / "sealer.key")
    for name in ("files", "static", "checkpoints"):
        (folder / name).mkdir(mode=0o700)
    os.environ.update(
        {
            "CASEWORK_TESTING": "1",
            "CASEWORK_TEST_APPS": "bench.plain",
            "CASEWORK_SECRET_KEY": "only-for-measuring-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP",
            "CASEWORK_ALLOWED_HOSTS": "testserver",
            "CASEWORK_ROOT_KEY_FILE": str(folder / "root.key"),
            "CASEWORK_SEALER_KEY_FILE": str(folder / "sealer.key"),
            "CASEWORK_CHECKPOINT_DIR": str(folder / "checkpoints"),
            "CASEWORK_FILES_DIR": str(folder / "files"),
            "CASEWORK_STATIC_DIR": str(folder / "static"),
            "CASEWORK_LOG_LEVEL": "WARNING",
            "DATABASE_SUPER_URL": engines.database_url("super"),
            "DATABASE_URL": engines.database_url("web"),
            "DATABASE_OWNER_URL": engines.database_url("owner"),
            "DATABASE_WORKER_URL": engines.database_url("worker"),
            "DATABASE_SEALER_URL": engines.database_url("sealer"),
            "REDIS_URL": engines.redis_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
    )
    migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "--skip-checks", "--verbosity", "0"]
    # Tables without migrations come first in one run: so the real ones in a run of their own.
    for apps in ("", "bench.plain"):
        own = {**os.environ, "CASEWORK_ROLE": "owner", "CASEWORK_TEST_APPS": apps}
        subprocess.run(migrate, check=True, cwd=ROOT, env=own)
    subprocess.run([sys.executable, "manage.py", "set_up"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    _let_the_web_role_use_the_baseline()


def _settle() -> None:
    """Let the planner know the tables, ours and the plain ones, as it does of itself a minute after they have grown."""
    from bench import own

    with own.connect("owner") as owner:
        owner.execute("VACUUM ANALYZE")


def _let_the_web_role_use_the_baseline() -> None:
    from bench import own

    with own.connect("owner") as owner:
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'plain_%'").fetchall()
        for (table,) in tables:
            owner.execute(f"GRANT SELECT, INSERT ON {table} TO cw_web")


def _measure(cases: int, rounds: int) -> dict[str, Row]:
    import django

    django.setup()
    from django.conf import settings

    settings.ROOT_URLCONF = "bench.urls"
    from bench import seed

    quick = rounds < 60  # noqa: PLR2004
    # First, in copies of the empty database.
    share = min(1.0, cases / 1_000) if quick else 1.0
    rows = _access(int(share * (10_000 if quick else 100_000)), rounds, quick=quick)
    rows |= _trail(rounds, entries=int(share * (40_000 if quick else 200_000)))
    world = seed.seed(cases)
    _settle()
    rows |= _pages(world, rounds) | _search(world, rounds)
    rows |= _law(world, seconds=1.0 if quick else 3.0)
    # Before the deadlines are made anew: the copies would then be in another order.
    rows |= _encryption(world, rounds) | _files(50 if quick else 200)
    rows |= _rebuild(world)
    # Last: it makes the key tables long.
    rows |= _rotation(world, keys=int(share * (20_000 if quick else 100_000)), rounds=rounds)
    return rows


def _access(cases: int, rounds: int, *, quick: bool) -> dict[str, Row]:
    from bench import access, own, trail

    rows: dict[str, Row] = {}
    with own.database("bench_access"):
        crowd = access.seed(cases)
        people = len([user for role in crowd.people.values() for user in role])
        for name, ours, by_hand in access.pairs(crowd):
            # By hand in each way there is: the fastest counts, measured again beside ours.
            fastest = min(by_hand, key=lambda way: _alternate(way, way, max(5, rounds // 4))[0])
            mine, theirs = _alternate(ours, fastest, rounds)
            rows[f"{name}, of {cases:,} and {people} people"] = Row(
                round(mine * 1e3, 2),
                round(theirs * 1e3, 2),
                round(mine / theirs, 2),
                "ms",
                rounds,
                f"<= {access.GOAL} x a join by hand behind the same row-level security",
                mine / theirs <= access.GOAL,
            )
        people = trail.writers(crowd)
        trail.prepare_writers()
        for what, other_work, goal in (
            ("empty transactions", 0.0, trail.EMPTY_GOAL),
            ("4 ms of other work in each", trail.OTHER_WORK, trail.BUSY_GOAL),
        ):
            times, seconds = (3, 1.0) if quick else (7, 3.0)
            mine, theirs = trail.compared(people, other_work=other_work, times=times, seconds=seconds)
            rows[f"trail, {trail.WRITERS} writers, {what}"] = Row(
                round(mine),
                round(theirs),
                round(mine / theirs, 2),
                "per second",
                times,
                f">= {goal} x the same entries without a chain",
                mine / theirs >= goal,
            )
    return rows


def _trail(rounds: int, *, entries: int) -> dict[str, Row]:
    from bench import own, trail

    rows: dict[str, Row] = {}
    with own.database("bench_trail"):
        for name, ours, without in trail.units(rounds + WARM):
            mine, theirs = _alternate(ours, without, rounds)
            rows[f"trail, {name}"] = Row(
                round(mine * 1e3, 2),
                round(theirs * 1e3, 2),
                round(mine / theirs, 2),
                "ms",
                rounds,
                f"<= {trail.WRITE_GOAL} x the same transaction without its entry",
                mine / theirs <= trail.WRITE_GOAL,
            )
    with own.database("bench_verify"):
        trail.fill(entries // 4)
        few = trail.verify()
        trail.fill(entries - entries // 4)
        many = trail.verify()
    rows[f"verify_audit, {entries:,} entries"] = Row(
        round(many.rate),
        trail.VERIFY_GOAL,
        round(many.rate / trail.VERIFY_GOAL, 2),
        "per second",
        entries,
        f">= {trail.VERIFY_GOAL:,} entries a second (the baseline column)",
        many.rate >= trail.VERIFY_GOAL,
    )
    ratio = many.megabytes / few.megabytes
    rows["verify_audit, peak memory of the process"] = Row(
        round(many.megabytes, 1),
        round(few.megabytes, 1),
        round(ratio, 2),
        "MB",
        entries,
        f"<= {trail.FLAT} x over a quarter of the entries",
        ratio <= trail.FLAT,
    )
    return rows


def _clients(reader: Any) -> tuple[Any, Any]:
    """Return two signed-in clients: one through our middleware, one through the baseline's."""
    from django.conf import settings
    from django.test import Client

    from casework.core import work

    ours_chain = list(settings.MIDDLEWARE)
    plain_chain = [
        "bench.plain.middleware.PlainMiddleware" if name.endswith("ActingMiddleware") else name for name in ours_chain
    ]
    ours, plain = Client(), Client()
    with work.acting(work.Actor(None, kind="command")):  # signing in writes to the trail
        ours.force_login(reader, backend=settings.AUTHENTICATION_BACKENDS[0])
        plain.force_login(reader, backend=settings.AUTHENTICATION_BACKENDS[0])
    ours.get("/cases/")
    settings.MIDDLEWARE = plain_chain
    plain.get("/plain/cases/")  # builds the handler with the baseline's middleware
    settings.MIDDLEWARE = ours_chain
    return ours, plain


def _search(world: Any, rounds: int) -> dict[str, Row]:
    from bench import search

    rows: dict[str, Row] = {}
    ours, plain = _clients(world.reader)
    search.switch("index")
    for what, words in search.looked_for(world.cases).items():
        asked = {"words": words}
        _same(ours.post("/cases/", asked), plain.post("/plain/search/", asked))
        mine, theirs = _alternate(
            lambda asked=asked: ours.post("/cases/", asked),
            lambda asked=asked: plain.post("/plain/search/", asked),
            rounds,
        )
        rows[f"find by {what}, index, {world.cases:,} cases"] = Row(
            round(mine * 1e3, 2),
            round(theirs * 1e3, 2),
            round(mine / theirs, 2),
            "ms",
            rounds,
            f"<= {search.INDEX_GOAL} x an indexed lookup joined to the same grants",
            mine / theirs <= search.INDEX_GOAL,
        )
    search.switch("scan")
    visible = min(search.VISIBLE, world.cases)
    sees = search.somebody_who_sees(visible, world.reader.pk)
    _settle()
    ours, _ = _clients(sees)
    times = max(5, rounds // 4)
    for what, words in (search.looked_for(world.cases) | {"a name that nobody has": "Qwertzuiop"}).items():
        asked = {"words": words}
        whole, alone = search.timed(lambda asked=asked: ours.post("/cases/", asked), times), search.finding(sees, words)
        for part, took in (("whole page", whole), ("opening and comparing", search.timed(alone, times))):
            rows[f"find by {what}, scan, {visible:,} visible cases, {part}"] = Row(
                round(took * 1e3, 2),
                round(search.SCAN_GOAL * 1e3),
                round(took / search.SCAN_GOAL, 2),
                "ms",
                times,
                "<= 100 ms (the baseline column)",
                took <= search.SCAN_GOAL,
            )
    return rows


def _pages(world: Any, rounds: int) -> dict[str, Row]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ours, plain = _clients(world.reader)
    opened = world.long_case
    pages = {
        f"case list, page of 50, {world.cases:,} cases": ("/cases/", "/plain/cases/", 1.5, 12),
        "open a case (30 facts)": (f"/cases/{opened}/", f"/plain/cases/{opened}/", 2.0, 15),
    }
    found: dict[str, Row] = {}
    for name, (our_page, plain_page, goal, most_queries) in pages.items():
        _same(ours.get(our_page), plain.get(plain_page))
        with CaptureQueriesContext(connection) as queries:
            ours.get(our_page)
        # Read now: the log is emptied by the next request.
        framing = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
        count = len([query for query in queries.captured_queries if not query["sql"].startswith(framing)])
        mine, theirs = _alternate(lambda page=our_page: ours.get(page), lambda page=plain_page: plain.get(page), rounds)
        ratio = mine / theirs
        met = ratio <= goal and count <= most_queries
        text = f"<= {goal} x baseline, <= {most_queries} queries ({count} now)"
        found[name] = Row(round(mine * 1e3, 2), round(theirs * 1e3, 2), round(ratio, 2), "ms", rounds, text, met)
    return found


_ROWS = re.compile(rb"<tr role=\"row\">|<li class=\"timeline-item|class=\"limit-card")


def _same(ours: Any, plain: Any) -> None:
    """Refuse to compare pages that do not show the same: as many rows, and the same visible text but for tokens."""
    if (ours.status_code, plain.status_code) != (200, 200):
        raise SystemExit(f"a page does not answer: ours {ours.status_code}, baseline {plain.status_code}")
    texts = [_visible_text(answer.content.decode()) for answer in (ours, plain)]
    counts = [len(_ROWS.findall(answer.content)) for answer in (ours, plain)]
    if counts[0] != counts[1] or counts[0] == 0 or texts[0] != texts[1]:
        at = next((at for at, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1]), min(map(len, texts)))
        where = " / ".join(text[max(0, at - 40) : at + 40] for text in texts)
        raise SystemExit(f"the pages differ: {counts[0]} rows against {counts[1]}, {where}: no ratio has a meaning")


def _visible_text(html: str) -> str:
    body = html[html.index("<main") : html.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).strip()


def _alternate(ours: Callable[[], Any], baseline: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Return the medians of both, in seconds; measured in turn, so that whatever else the machine does meets both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(WARM):
        ours(), baseline()
    for _ in range(rounds):
        for place, act in enumerate((ours, baseline)):
            began = time.perf_counter()
            act()
            times[place].append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def _law(world: Any, *, seconds: float) -> dict[str, Row]:
    from bench import law

    explained, bare = (
        law.derivations(world.case_file, world.on, explain=explain, seconds=seconds) for explain in (True, False)
    )
    ready = law.loading(5)
    return {
        "derive a procedure of 30 facts": Row(
            round(explained),
            round(bare),
            round(explained / bare, 2),
            "per second",
            int((explained + bare) * seconds),
            ">= 1,000 a second explained, >= 3,000 without (the baseline column)",
            explained >= 1000 and bare >= 3000,  # noqa: PLR2004
        ),
        "read the rule packs in a new process": Row(
            round(ready.packs * 1e3, 1),
            round(ready.importing * 1e3, 1),
            round(ready.packs / ready.importing, 2),
            "ms",
            5,
            "<= 50 ms (beside it: importing the engine)",
            ready.packs <= 0.05,  # noqa: PLR2004
        ),
    }


def _rebuild(world: Any) -> dict[str, Row]:
    from bench import rebuild

    found = rebuild.measure(world.reader, world.on)
    goal = round(rebuild.GOAL)
    text = f">= {goal} a second, 100,000 cases in 10 minutes (the baseline column)"
    rows = {
        f"rebuild_deadlines, {what}, {rebuild.WORKERS} processes": Row(
            round(rate), goal, round(rate / rebuild.GOAL, 2), "per second", found.cases, text, rate >= rebuild.GOAL
        )
        for what, rate in (("nothing moved", found.nothing_moved), ("every limit new", found.all_new))
    }
    ratio = found.all_cases / found.one_case
    rows["rebuild_deadlines, peak memory of a process"] = Row(
        round(found.all_cases, 1),
        round(found.one_case, 1),
        round(ratio, 2),
        "MB",
        found.cases,
        f"<= {rebuild.FLAT} x over one case",
        ratio <= rebuild.FLAT,
    )
    return rows


def _encryption(world: Any, rounds: int) -> dict[str, Row]:
    from bench import encryption

    ours, plain = _alternate(*encryption.pages(world.reader), rounds)
    opening, page = _alternate(encryption.opening(), encryption.pages(world.reader)[1], rounds)
    one, raw = _alternate(*encryption.values(), max(5, rounds // 4))
    measured = {
        "50 rows of 6 sealed fields": (
            ours * 1e3,
            plain * 1e3,
            "ms",
            encryption.PAGE_GOAL,
            "the same of plain columns",
        ),
        "the cryptography of 50 rows of 6": (opening * 1e3, page * 1e3, "ms", encryption.CRYPTO_GOAL, "the plain rows"),
        "2,000 values of 64 bytes opened": (one * 1e3, raw * 1e3, "ms", encryption.VALUE_GOAL, "the bare cipher"),
    }
    return {
        name: Row(
            round(mine, 2), round(theirs, 2), round(mine / theirs, 2), unit, rounds, f"<= {goal} x {what}",
            mine / theirs <= goal,
        )
        for name, (mine, theirs, unit, goal, what) in measured.items()
    }  # fmt: skip


def _files(megabytes: int) -> dict[str, Row]:
    from bench import files

    with tempfile.TemporaryDirectory(prefix="cw-bench-file-") as folder:
        found = files.measure(Path(folder), megabytes, 3)
    rows: dict[str, Row] = {}
    for what, took, grew in (
        ("encrypted", found.encrypted, found.encrypting_grew),
        ("decrypted", found.decrypted, found.decrypting_grew),
    ):
        ratio = took / found.copied
        rows[f"a file of {megabytes} MB {what}"] = Row(
            round(took * 1e3),
            round(found.copied * 1e3),
            round(ratio, 2),
            "ms",
            3,
            f"<= {files.GOAL} x a copy, <= {files.MEMORY_GOAL:.0f} MB more memory ({grew:.1f} now)",
            ratio <= files.GOAL and grew <= files.MEMORY_GOAL,
        )
    return rows


def _rotation(world: Any, *, keys: int, rounds: int) -> dict[str, Row]:
    from bench import rotation

    found = rotation.measure(keys)
    ours, _ = _clients(world.reader)
    during, idle, asked = rotation.beside(lambda: ours.get("/cases/"), rounds)
    return {
        f"case list while {found.keys:,} keys are wrapped again": Row(
            round(during * 1e3, 2),
            round(idle * 1e3, 2),
            round(during / idle, 2),
            "ms",
            asked,
            f"<= {rotation.PAGE_GOAL} x the same page while nothing runs (the baseline column)",
            during / idle <= rotation.PAGE_GOAL,
        ),
        f"rotate_keys, {found.keys:,} keys": Row(
            round(found.rewrapped),
            round(found.read),
            round(found.rewrapped / found.read, 2),
            "per second",
            found.keys,
            f">= {rotation.GOAL:,} keys a second (beside it: reading them)",
            found.rewrapped >= rotation.GOAL,
        ),
    }


def _print(rows: dict[str, Row]) -> None:
    width = max(len(name) for name in rows)
    print(f"{'':{width}}  {'ours':>9} {'baseline':>9} {'ratio':>6}  {'':10}  goal")
    for name, row in rows.items():
        mark = "met" if row.goal_met else "NOT MET"
        print(f"{name:{width}}  {row.ours:>9} {row.baseline:>9} {row.ratio:>6}  {row.unit:10}  {row.goal}: {mark}")


if __name__ == "__main__":
    sys.exit(main())
