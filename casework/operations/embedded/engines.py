"""Start and stop one private PostgreSQL and one private Valkey over a data folder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from . import binaries, processes
from .errors import EngineError
from .folder import Folder
from .identity import Identity

Role = Literal["super", "owner", "web", "worker", "sealer", "backup"]

DATABASE = "casework"
SCRATCH = "casework_scratch"  # where backups are tried out: empty between two tries, and the owner's alone
_SUPERUSER = "cw_super"
_ROLES = ("cw_owner", "cw_web", "cw_worker", "cw_sealer", "cw_backup")
_MARK = ".casework-engines"
_FORMAT = 1
# The kernel allows 107 bytes for a socket's path; PostgreSQL adds ".s.PGSQL.5432" to the folder's, and a lock file.
_LONGEST_RUN_DIR = 107 - len("/.s.PGSQL.5432.lock")
_FRESH_BYTES = 400_000_000
_STARTED_BYTES = 150_000_000
_PATIENCE_SECONDS = 60.0

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # A log of statements would be a log of persons: no statement, no parameter, no error that quotes a value.
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_lock_waits": "off",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
}
# For tests, whose data nobody will miss.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class Engines:
    """PostgreSQL and Valkey for as long as this object, or the thread that started it, lives."""

    def __init__(self, data_dir: Path, run_dir: Path | None = None, *, fast: bool = False) -> None:
        """Name the folders; nothing is touched before `start`.

        `data_dir`: a folder of ours, or one to be made. `run_dir`: an existing folder for sockets, with a path short
        enough for them; by default one is found. `fast`: give up durability, for tests.
        """
        self._folder = Folder(data_dir, mark=_MARK, called="A server")
        self._wanted_run_dir = Path(os.path.abspath(run_dir)) if run_dir is not None else None
        self._fast = fast
        self._run_dir: Path | None = None
        self._temporary: Path | None = None
        self._holder = 0
        self._passwords: dict[str, str] = {}
        self._valkey_port = 0
        self._postgres: subprocess.Popen[bytes] | None = None
        self._valkey: subprocess.Popen[bytes] | None = None

    @property
    def data_dir(self) -> Path:
        """Return the data folder, absolute."""
        return self._folder.path

    @property
    def identity(self) -> Identity:
        """Return the user whom the servers run as."""
        return self._folder.identity

    def start(self) -> None:
        """Start both servers and return when they answer.

        Call from a thread that stays: the servers end with it. Ends what an earlier holder left running, and makes
        the database, its roles and their passwords on first use.

        Raises:
            EngineError: with a sentence for the person at the terminal; nothing is left running.
        """
        if self._folder.is_held:
            raise EngineError("These engines are already started.")
        self._programs = binaries.find()
        self._folder.take()
        self._holder = os.getpid()
        try:
            self._start()
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise EngineError(f"Cannot start on {self.data_dir}: {error}.") from error
            raise

    def stop(self) -> None:
        """Stop both servers (a few seconds at most) and free the data folder; harmless when not started."""
        if self._holder != os.getpid():
            return  # a forked child ends: the servers are not its to stop
        if self._valkey is not None:
            processes.end(self._valkey, [(signal.SIGTERM, 1.0)])
        if self._postgres is not None:
            processes.end(self._postgres, [(signal.SIGINT, 3.0), (signal.SIGQUIT, 1.0)])
        self._postgres = self._valkey = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
        self._folder.release()

    def failed(self) -> str | None:
        """Return a sentence when a server has ended by itself, else None."""
        for name, process in (("PostgreSQL", self._postgres), ("Valkey", self._valkey)):
            if process is not None and process.poll() is not None:
                return f"{name} has stopped by itself: see {self._log(name)}."
        return None

    def database_url(self, role: Role, *, database: str = DATABASE) -> str:
        """Return a PostgreSQL address for one of the roles (`super` is for the engines and for tests alone)."""
        user = f"cw_{role}"
        return f"postgresql://{user}:{self._passwords[user]}@/{database}?host={quote(str(self._socket_dir), safe='')}"

    @property
    def redis_url(self) -> str:
        """Return the address of Valkey, as Celery, Django's cache and the `redis` client take it."""
        return f"redis://:{self._passwords['valkey']}@127.0.0.1:{self._valkey_port}/0"

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    # -- starting ------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._folder.need_room(_STARTED_BYTES if self._is_made() else _FRESH_BYTES)
        end_leftovers(self._folder.path)
        self._choose_run_dir()
        if not self._is_made():
            # Half made by a start that was cut off: only what is inside our own folder goes.
            shutil.rmtree(self._pgdata, ignore_errors=True)
        self._passwords = self._folder.secrets((_SUPERUSER, *_ROLES, "valkey"))
        if not self._is_made():
            self._initialise()
        self._check_version()
        self._start_postgres()
        if not self._is_made():
            self._make_roles()
            self._folder.write_state({"format": _FORMAT, "postgres": binaries.POSTGRES_MAJOR})
        self._make_scratch()
        self._start_valkey()

    def _is_made(self) -> bool:
        return self._folder.read_state().get("format") == _FORMAT

    def _choose_run_dir(self) -> None:
        inside = self._wanted_run_dir or self._folder.subfolder("run")
        if len(os.fsencode(inside)) <= _LONGEST_RUN_DIR:
            self._run_dir = inside
            for stale in inside.glob(".s.PGSQL.*"):
                stale.unlink()
            return
        if self._wanted_run_dir is not None:
            raise EngineError(
                f"The path {inside} is too long for a socket: choose one of at most {_LONGEST_RUN_DIR} bytes."
            )
        roomy = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 (mkdtemp makes it ours)
        parent = next(place for place in roomy if len(os.fsencode(place)) < _LONGEST_RUN_DIR - 20)
        self._temporary = self._run_dir = Path(tempfile.mkdtemp(prefix="casework-", dir=parent))
        self._folder.own(self._run_dir)

    def _initialise(self) -> None:
        words = self._socket_dir / "initdb-password"
        words.touch(mode=0o600)
        words.write_text(self._passwords[_SUPERUSER])
        self._folder.own(words)
        line = [
            str(self._programs.initdb),
            f"--pgdata={self._pgdata}",
            f"--username={_SUPERUSER}",
            f"--pwfile={words}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *(["--no-sync"] if self._fast else []),
        ]
        try:
            with self._folder.open_log(self._log("PostgreSQL")) as log:
                began = log.tell()
                process = processes.spawn(
                    line, identity=self._folder.identity, reach=self._reach(), cwd=self._folder.path, log=log
                )
                try:
                    status = process.wait(_PATIENCE_SECONDS)
                except BaseException:
                    process.kill()
                    process.wait()
                    raise
        except subprocess.TimeoutExpired:
            raise EngineError(f"Making the database took more than {_PATIENCE_SECONDS:.0f} seconds.") from None
        finally:
            words.unlink(missing_ok=True)
        if status != 0:
            raise EngineError(self._why("PostgreSQL", began))

    def _check_version(self) -> None:
        try:
            found = (self._pgdata / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise EngineError(
                f"The database in {self._pgdata} is gone although it was made once: restore it, or start over with "
                "`make demo-reset`."
            ) from None
        if found != str(binaries.POSTGRES_MAJOR):
            raise EngineError(
                f"The database in {self._pgdata} was made by PostgreSQL {found}, and this is "
                f"{binaries.POSTGRES_MAJOR}: start over with `make demo-reset`."
            )

    def _start_postgres(self) -> None:
        settings = SETTINGS | {"unix_socket_directories": str(self._socket_dir)} | (_FAST if self._fast else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._folder.open_log(self._log("PostgreSQL")) as log:
            began = log.tell()
            self._postgres = processes.spawn(
                [str(self._programs.postgres), "-D", str(self._pgdata), *options],
                identity=self._folder.identity,
                reach=self._reach(),
                cwd=self._pgdata,
                log=log,
                on_parent_death=signal.SIGINT,  # the fast shutdown: clean, and no waiting for clients
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._postgres_answers():
            if self._postgres.poll() is not None:
                raise EngineError(self._why("PostgreSQL", began))
            if time.monotonic() > deadline:
                raise EngineError(
                    f"PostgreSQL gave no answer for {_PATIENCE_SECONDS:.0f} seconds: see {self._log('PostgreSQL')}."
                )
            time.sleep(0.05)

    def _postgres_answers(self) -> bool:
        try:
            psycopg.connect(self.database_url("super", database="postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EngineError(
                    f"The database in {self._pgdata} does not know the password in {self._folder.path}: the folder was "
                    "put together from two. Start over with `make demo-reset`."
                ) from None
            return False
        return True

    def _make_roles(self) -> None:
        roles = Path(__file__).with_name("roles.sql").read_text()
        with psycopg.connect(self.database_url("super", database="postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        with psycopg.connect(self.database_url("super")) as connection:
            connection.execute(roles.encode())
            for role in _ROLES:
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Literal(self._passwords[role])))

    def _make_scratch(self) -> None:
        """Make the scratch database where it is missing: folders of an older version have none."""
        statements = Path(__file__).with_name("scratch.sql").read_text().strip().split(";\n")
        with psycopg.connect(self.database_url("super", database="postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [SCRATCH]).fetchone():
                statements = statements[1:]  # a start that was cut off may have made it and done no more
            for statement in statements:
                connection.execute(statement.encode())

    def _start_valkey(self) -> None:
        # Nothing is kept on disk: the queue may be lost at any time, the outbox in the database decides what is sent.
        for _ in range(5):
            self._valkey_port = _free_port()
            lines = {
                "bind": "127.0.0.1",
                "port": str(self._valkey_port),
                "requirepass": self._passwords["valkey"],
                "save": '""',
                "appendonly": "no",
                "dir": str(self._valkey_dir),
                "pidfile": str(self._valkey_dir / "valkey.pid"),
                "maxmemory-policy": "noeviction",
                "enable-debug-command": "no",
                "databases": "4",
            }
            conf = self._valkey_dir / "valkey.conf"
            conf.unlink(missing_ok=True)
            conf.touch(mode=0o600)
            conf.write_text("".join(f"{name} {_quoted(value)}\n" for name, value in lines.items()))
            self._folder.own(conf)
            with self._folder.open_log(self._log("Valkey")) as log:
                began = log.tell()
                self._valkey = processes.spawn(
                    [str(self._programs.valkey), str(conf)],
                    identity=self._folder.identity,
                    reach=self._reach(),
                    cwd=self._valkey_dir,
                    log=log,
                    on_parent_death=signal.SIGTERM,
                    group=self._postgres.pid if self._postgres is not None else 0,
                )
            if self._valkey_started(began):
                return
        raise EngineError(self._why("Valkey", began))

    def _valkey_started(self, began: int) -> bool:
        """Wait for an answer; False when another program took the port in between."""
        assert self._valkey is not None
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._valkey_answers():
            if self._valkey.poll() is not None:
                if "Address already in use" in self._tail("Valkey", began):
                    return False
                raise EngineError(self._why("Valkey", began))
            if time.monotonic() > deadline:
                raise EngineError(
                    f"Valkey gave no answer for {_PATIENCE_SECONDS:.0f} seconds: see {self._log('Valkey')}."
                )
            time.sleep(0.02)
        return True

    def _valkey_answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._valkey_port), timeout=2) as line,
        ):
            line.sendall(f"AUTH {self._passwords['valkey']}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:  # noqa: PLR2004 (one line each for AUTH and PING)
                part = line.recv(64)
                if not part:
                    return False
                answer += part
            return answer == b"+OK\r\n+PONG\r\n"
        return False

    # -- places and sentences ------------------------------------------------------------------------------------

    @property
    def _pgdata(self) -> Path:
        return self._folder.path / "postgres"

    @property
    def _valkey_dir(self) -> Path:
        return self._folder.subfolder("valkey")

    @property
    def _socket_dir(self) -> Path:
        assert self._run_dir is not None, "the engines are not started"
        return self._run_dir

    def _log(self, server: str) -> Path:
        return self._folder.subfolder("logs") / f"{server.lower()}.log"

    def _reach(self) -> list[Path]:
        programs = self._programs
        return [self._folder.path, self._socket_dir, programs.postgres, programs.valkey]

    def _tail(self, server: str, began: int) -> str:
        with self._log(server).open("rb") as log:
            log.seek(began)
            return log.read(20_000).decode(errors="replace")

    def _why(self, server: str, began: int) -> str:
        """Return a sentence for the end of a server whose log of this start begins at byte `began`."""
        said = self._tail(server, began)
        for line in said.splitlines():
            if line.startswith("casework: "):
                return line.removeprefix("casework: ")
        if "No space left on device" in said or "Disk quota exceeded" in said:
            return f"The disk under {self._folder.path} is full: make room, or choose a folder on another disk."
        if "shared memory" in said and "could not" in said:
            return f"PostgreSQL got no shared memory from this machine: see {self._log(server)}."
        last = [line for line in said.splitlines() if line.strip()][-3:]
        return f"{server} did not start. The last lines of {self._log(server)}: {' / '.join(last) or 'nothing'}"


def end_leftovers(data_dir: Path) -> None:
    """End the servers that an earlier holder of this data folder left running, if any."""
    pgdata = data_dir.resolve() / "postgres"
    processes.end_leftovers(pgdata, "postgres", first=signal.SIGINT)
    processes.end_leftovers(data_dir.resolve() / "valkey", "valkey-server", first=signal.SIGTERM)
    # Nothing of ours runs any more. A pid file whose number meanwhile belongs to a stranger would keep PostgreSQL
    # from starting; one whose process is gone it clears away itself, after checking for shared memory in use.
    pid_file = pgdata / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(pid_file.read_text().split()[0])
        if processes.is_running(pid):
            pid_file.unlink()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quoted(value: str) -> str:
    return value if value == '""' else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
