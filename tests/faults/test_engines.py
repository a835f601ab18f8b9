"""The embedded engines when they, or whoever holds them, die in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from casework.operations.embedded import Engines, processes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20.0


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def servers(data: Path) -> list[int]:
    return processes.running_in(data / "postgres", "postgres") + processes.running_in(data / "valkey", "valkey-server")


def start_holder(data: Path, *options: str) -> subprocess.Popen[str]:
    """Start a process that holds the engines, durable unless told otherwise; do not wait for them."""
    return subprocess.Popen(
        [sys.executable, "-m", "casework.operations.embedded", "--data", str(data), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def started(holder: subprocess.Popen[str]) -> str:
    """Wait for the engines of a holder; return the owner's database address."""
    assert holder.stdout is not None
    owner = ""
    for line in holder.stdout:
        name, _, value = line.strip().partition("=")
        if name == "DATABASE_OWNER_URL":
            owner = value.strip("'")
        if name == "REDIS_URL":
            return owner
    raise AssertionError(holder.communicate()[1])


def finish(holder: subprocess.Popen[str]) -> None:
    if holder.poll() is None:
        holder.kill()
    holder.communicate()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    wait_until(lambda: not servers(tmp_path / "data"), "a test left no server behind")


class TestHolderKilled:
    """kill -9 of the process that holds the engines."""

    def test_takes_its_servers_along(self, data: Path) -> None:
        holder = start_holder(data)
        started(holder)
        assert servers(data)
        finish(holder)
        wait_until(lambda: not servers(data), "servers outlived their holder")

    def test_loses_no_committed_row_and_starts_again(self, data: Path) -> None:
        holder = start_holder(data)
        with psycopg.connect(started(holder)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        finish(holder)
        with Engines(data, fast=True) as engines, psycopg.connect(engines.database_url("owner")) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)

    def test_together_with_its_servers_starts_again(self, data: Path) -> None:
        holder = start_holder(data)
        with psycopg.connect(started(holder)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        for pid in servers(data):
            os.kill(pid, signal.SIGSTOP)  # none of them may react to the end of another
        for pid in servers(data):
            os.kill(pid, signal.SIGKILL)
        finish(holder)
        with Engines(data) as engines, psycopg.connect(engines.database_url("owner")) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)

    def test_while_the_folder_is_half_made_makes_it_again(self, data: Path) -> None:
        holder = start_holder(data)
        wait_until((data / "postgres" / "base").exists, "the database is being made")
        finish(holder)
        assert json.loads((data / ".casework-engines").read_text()) == {}
        with Engines(data, fast=True) as engines, psycopg.connect(engines.database_url("web")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


class TestHolderAsked:
    """A signal to end, or Ctrl-C."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_stops_its_servers_in_order(self, data: Path, number: signal.Signals) -> None:
        holder = start_holder(data)
        started(holder)
        holder.send_signal(number)
        assert holder.wait(10) == 0
        assert not servers(data)
        assert "database system is shut down" in (data / "logs" / "postgresql.log").read_text()
        finish(holder)


class TestLeftovers:
    """What an earlier holder may have left although it should not."""

    def test_servers_still_running_are_ended_before_a_new_start(self, data: Path) -> None:
        with Engines(data, fast=True) as engines:
            programs = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1] for pid in servers(data)]
            postgres = next([part.decode() for part in line] for line in programs if b"-D" in line)
            identity = engines.identity
        line = processes.command(postgres, identity=identity, reach=[data, Path(postgres[0])], on_parent_death=None)
        orphan = subprocess.Popen(line, cwd=data / "postgres", stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until((data / "run" / ".s.PGSQL.5432").exists, "the orphan is up")
        with Engines(data, fast=True) as engines:
            assert orphan.wait(5) is not None
            assert engines.failed() is None

    def test_pid_file_that_names_a_stranger_does_not_stop_a_start(self, data: Path) -> None:
        with Engines(data, fast=True) as engines:
            pid_file = data / "postgres" / "postmaster.pid"
            words = pid_file.read_text()
            identity = engines.identity
        stranger = subprocess.Popen(processes.command(["/bin/sleep", "60"], identity=identity))
        pid_file.write_text(words.replace(words.split()[0], str(stranger.pid), 1))
        try:
            with Engines(data, fast=True) as engines:
                assert engines.failed() is None
                assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


class TestServerKilled:
    """kill -9 of one server under a holder that lives."""

    @pytest.mark.parametrize(("program", "name"), [("postgres", "PostgreSQL"), ("valkey", "Valkey")])
    def test_is_told_with_the_log_to_read(self, data: Path, program: str, name: str) -> None:
        with Engines(data, fast=True) as engines:
            pid_file = data / ("postgres/postmaster.pid" if program == "postgres" else "valkey/valkey.pid")
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
            wait_until(lambda: engines.failed() is not None, "the end is noticed")
            assert (engines.failed() or "").startswith(f"{name} has stopped by itself: see {data}")
