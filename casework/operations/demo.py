"""`python -m casework.operations.demo`: set up and run the whole system on this machine, with synthetic people.

One supervisor holds everything: the embedded engines, web, worker, beat and sealer. What it starts ends with it,
however it ends; what it keeps is in one folder that carries its mark, and nowhere else.
"""

import argparse
import contextlib
import errno
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psycopg

from casework.core.ids import new_id
from casework.crypto.keyring import generate_root_key_file
from casework.crypto.signing import generate_signing_key_file

from .embedded import EngineError, Engines, end_leftovers, processes
from .embedded.folder import Folder

ROOT = Path(__file__).resolve().parents[2]
_MARK = ".casework-demo"
_ENVIRONMENT = "environment.json"
_LOOPBACK = "127.0.0.1"
_READY_SECONDS = 60.0
_STOP_SECONDS = 4.0
_SETTLED_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 30.0


class DemoError(RuntimeError):
    """The demo cannot run; the message is a sentence for the person at the terminal."""


class _Asked(BaseException):
    """Somebody asked us to end; not an error."""


@dataclass
class _Part:
    """One process of the demo, started again when it ends by itself."""

    name: str
    line: Sequence[str]
    env: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    pause_seconds: float = field(default=1.0)


class Demo:
    """The supervisor of one demo folder."""

    def __init__(self, folder: Folder, *, port: int, cases: int) -> None:
        """Name the folder, held by the caller; nothing is started before `run`."""
        self._folder = folder
        self._port = port
        self._cases = cases
        self._engines = Engines(folder.path / "engines")
        self._parts: list[_Part] = []
        self._hurry = False

    def run(self) -> None:
        """Run until somebody asks to end, or web or an engine ends by itself.

        Raises:
            DemoError, EngineError: with a sentence; everything has been stopped.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked)
        try:
            self._check_port()
            _say(f"Starting PostgreSQL and Valkey in {self._folder.path} …")
            self._engines.start()
            self._prepare()
            self._start_parts()
            self._wait_until_ready()
            self._tell()
            self._watch()
        except _Asked:
            _say("\nStopping …")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._hurried)
            self._stop()
        _say("Stopped. `make demo` goes on with the same data; `make demo-reset` removes it.")

    # -- before the parts run ------------------------------------------------------------------------------------

    def _check_port(self) -> None:
        for again in (True, True, True, False):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((_LOOPBACK, self._port))
                except PermissionError:
                    raise DemoError(
                        f"Port {self._port} is reserved for the system: choose one above 1023, PORT=8000 make demo"
                    ) from None
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise DemoError(f"Cannot listen on {_LOOPBACK}:{self._port}: {error.strerror}.") from None
                else:
                    return
            if again:
                time.sleep(0.7)  # a web process whose supervisor was killed leaves within a second
        raise DemoError(
            f"Port {self._port} is taken by another program. Choose another: PORT={self._port + 1} make demo"
        )

    def _prepare(self) -> None:
        self._make_keys()
        for name in ("files", "mailbox", "checkpoints", "home", "run"):
            self._folder.subfolder(name)
        shutil.rmtree(self._folder.path / "tmp", ignore_errors=True)
        self._folder.subfolder("tmp")
        _say("Bringing the database up to date …")
        manage(self._folder, "migrate", "--no-input", env=self._env("owner"))
        manage(self._folder, "set_up", env=self._env("owner"))
        self._collect_static()
        state = self._folder.read_state()
        if "seeded" not in state:
            _say(f"Making {self._cases} synthetic cases (once; CASES= changes the number) …")
            manage(self._folder, "seed_demo", "--cases", str(self._cases), env=self._env("web", "worker"))
            self._folder.write_state(self._folder.read_state() | {"seeded": self._cases})

    def _make_keys(self) -> None:
        keys, sealer = self._folder.subfolder("keys"), self._folder.subfolder("sealer")
        wanted = {keys / "root.key": generate_root_key_file, sealer / "sealer.key": generate_signing_key_file}
        is_old = "keyed" in self._folder.read_state()
        for path, generate in wanted.items():
            if not path.exists():
                if is_old:
                    raise DemoError(
                        f"{path} is gone, and nothing else opens or signs what this demo has written. "
                        "Put it back, or start over with `make demo-reset`."
                    )
                part = path.with_suffix(".part")
                part.unlink(missing_ok=True)
                generate(part)
                part.replace(path)
        if not (keys / "secret.key").exists():
            self._folder.write_private(keys / "secret.key", new_id().hex + new_id().hex)
        self._folder.write_state(self._folder.read_state() | {"keyed": True})

    def _collect_static(self) -> None:
        """Collect the static files unless they are the same as last time."""
        print_of = hashlib.sha256((ROOT / "requirements" / "embedded.txt").read_bytes())
        for path in sorted(ROOT.glob("casework/*/static/**/*")):
            print_of.update(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n".encode())
        state = self._folder.read_state()
        if state.get("static") != print_of.hexdigest() or not self._static.exists():
            shutil.rmtree(self._static, ignore_errors=True)
            self._folder.subfolder("static")
            manage(self._folder, "collectstatic", "--no-input", "--verbosity", "0", env=self._env("web"))
            self._folder.write_state(self._folder.read_state() | {"static": print_of.hexdigest()})

    def _env(self, *roles: str) -> dict[str, str]:
        """Return the whole environment of a process with these roles: each gets what it needs and no more."""
        keys, path = self._folder.path / "keys", self._folder.path
        env = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL", "LANGUAGE"}}
        env |= {
            "HOME": str(path / "home"),
            "TMPDIR": str(path / "tmp"),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "CASEWORK_DEMO": "1",
            "CASEWORK_BASE_URL": self._address,
            "CASEWORK_SECRET_KEY_FILE": str(keys / "secret.key"),
            "CASEWORK_FILES_DIR": str(path / "files"),
            "CASEWORK_STATIC_DIR": str(self._static),
            "CASEWORK_MAILBOX_DIR": str(path / "mailbox"),
            "REDIS_URL": self._engines.redis_url,
        }
        if "owner" in roles:
            env |= {"CASEWORK_ROLE": "owner", "DATABASE_OWNER_URL": self._engines.database_url("owner")}
        if "web" in roles:
            env["DATABASE_URL"] = self._engines.database_url("web")
            env["CASEWORK_CHECKPOINT_DIR"] = str(path / "checkpoints")
        if "worker" in roles:
            env["DATABASE_WORKER_URL"] = self._engines.database_url("worker")
        if "sealer" not in roles:
            env["CASEWORK_ROOT_KEY_FILE"] = str(keys / "root.key")
        else:
            env |= {
                "CASEWORK_ROLE": "sealer",
                "DATABASE_SEALER_URL": self._engines.database_url("sealer"),
                "CASEWORK_SEALER_KEY_FILE": str(path / "sealer" / "sealer.key"),
                "CASEWORK_CHECKPOINT_DIR": str(path / "checkpoints"),
            }
        return env

    # -- the parts -----------------------------------------------------------------------------------------------

    def _start_parts(self) -> None:
        _say("Starting web, worker, beat and sealer …")
        run = self._folder.path / "run"
        web = self._env("web") | {"CASEWORK_ROLE": "web"}
        worker = self._env("worker") | {"CASEWORK_ROLE": "worker"}
        only_wakes = {name: value for name, value in worker.items() if name != "CASEWORK_ROOT_KEY_FILE"}
        gunicorn = ["gunicorn", "config.wsgi:application", "--bind", f"{_LOOPBACK}:{self._port}", "--workers", "2"]
        gunicorn += ["--worker-class", "gthread", "--threads", "4", "--worker-tmp-dir", str(run)]
        gunicorn += ["--graceful-timeout", "3", "--no-control-socket", "--log-level", "warning"]
        celery = ["celery", "--app", "config", "--quiet"]
        work = ["worker", "--queues", "urgent,ordinary", "--concurrency", "2", "--hostname", "demo@localhost"]
        work += ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
        beat = ["beat", "--schedule", str(run / "beat-schedule"), "--pidfile", "", "--loglevel", "WARNING"]
        self._parts = [
            _Part("web", [sys.executable, "-m", *gunicorn], web),
            _Part("worker", [sys.executable, "-m", *celery, *work], worker),
            _Part("beat", [sys.executable, "-m", *celery, *beat], only_wakes),
            _Part("sealer", [sys.executable, "manage.py", "audit_checkpoint", "--every", "60"], self._env("sealer")),
        ]
        for part in self._parts:
            self._start(part)

    def _start(self, part: _Part) -> None:
        with self._folder.open_log(self._log(part.name)) as log:
            part.process = processes.spawn(
                part.line, identity=self._folder.identity, reach=[], cwd=ROOT, log=log, env=part.env
            )
        part.started_at = time.monotonic()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            self._check_alive()
            if time.monotonic() > deadline:
                raise DemoError(f"Web gave no answer for {_READY_SECONDS:.0f} seconds: see {self._log('web')}.")
            time.sleep(0.2)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _watch(self) -> NoReturn:
        while True:
            self._check_alive()
            for part in self._parts:
                self._start_again_if_ended(part)
            time.sleep(0.5)

    def _check_alive(self) -> None:
        if (sentence := self._engines.failed()) is not None:
            raise DemoError(sentence)
        web = self._parts[0]
        if web.process is not None and web.process.poll() is not None:
            raise DemoError(
                f"Web has ended by itself. The last lines of {self._log('web')}:\n" + _last_lines(self._log("web"), 0)
            )

    def _start_again_if_ended(self, part: _Part) -> None:
        now = time.monotonic()
        if part.process is not None and part.process.poll() is not None:
            if now - part.started_at > _SETTLED_SECONDS:
                part.pause_seconds = 1.0
            _say(
                f"The {part.name} has ended by itself and starts again in {part.pause_seconds:.0f} s: "
                f"see {self._log(part.name)}."
            )
            _kill_group(part.process)
            part.process = None
            part.start_again_at = now + part.pause_seconds
            part.pause_seconds = min(part.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
        elif part.process is None and now >= part.start_again_at:
            self._start(part)

    def _stop(self) -> None:
        running = [part.process for part in self._parts if part.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        while not self._hurry and time.monotonic() < deadline and any(process.poll() is None for process in running):
            time.sleep(0.05)
        for process in running:
            _kill_group(process)
        (self._folder.path / _ENVIRONMENT).unlink(missing_ok=True)
        self._engines.stop()

    # -- telling -------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        env = self._env("web") | {"CASEWORK_ROLE": "web"}
        self._folder.write_private(self._folder.path / _ENVIRONMENT, json.dumps(env))
        tell(self._folder, env)

    @property
    def _address(self) -> str:
        return f"http://{_LOOPBACK}:{self._port}"

    @property
    def _static(self) -> Path:
        return self._folder.path / "static"

    def _log(self, name: str) -> Path:
        return self._folder.subfolder("logs") / f"{name}.log"

    def _asked(self, _number: int, _frame: FrameType | None) -> NoReturn:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hurried)
        raise _Asked

    def _hurried(self, _number: int, _frame: FrameType | None) -> None:
        self._hurry = True


def manage(folder: Folder, *words: str, env: Mapping[str, str]) -> str:
    """Run one management command to its end; return what it printed.

    Raises:
        DemoError: it failed; with the last lines of the log.
    """
    log_path, output = folder.subfolder("logs") / "setup.log", folder.subfolder("tmp") / f"{words[0]}.out"
    with folder.open_log(log_path) as log, output.open("w+b") as out:
        began = log.tell()
        process = subprocess.Popen(
            processes.command([sys.executable, "manage.py", *words], identity=folder.identity),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            cwd=ROOT,
            env=env,
            process_group=0,
        )
        try:
            status = process.wait()
        except BaseException:
            _kill_group(process)
            raise
        out.seek(0)
        printed = out.read().decode(errors="replace")
    output.unlink()
    if status != 0:
        lines = _last_lines(log_path, began)
        raise DemoError(f"`manage.py {words[0]}` failed. The last lines of {log_path}:\n{lines}")
    return printed


def tell(folder: Folder, env: Mapping[str, str]) -> None:
    """Print how to sign in to the running demo, with fresh links and codes, and write the links to `signin.json`."""
    signin = json.loads(manage(folder, "demo_signin", "--json", env=env))
    links = {role: link for role, link in signin.items() if isinstance(link, str)}
    folder.write_private(folder.path / "signin.json", json.dumps(links, indent=2) + "\n")
    _say(
        f"\nCasework runs on {env['CASEWORK_BASE_URL']} with invented people only. Sign in with one click, once each:\n"
    )
    for role, link in links.items():
        _say(f"  {role:<12} {link}")
    _say("\nOr as anybody does, with e-mail, password and code (`make demo-signin` prints new links and codes):\n")
    for role, person in signin["people"].items():
        _say(f"  {role:<12} {person['email']:<24} {person['password']}  {person['totp']}")
    _say(f"\nLogs: {folder.path / 'logs'}. Ctrl-C in the terminal of `make demo` stops everything.")


def reset(folder: Folder) -> None:
    """Remove a demo folder with everything in it; refuse any folder that does not carry our mark.

    Raises:
        EngineError: it is not ours, or a demo runs on it.
    """
    if not folder.path.exists():
        _say(f"There is no {folder.path}: nothing to remove.")
        return
    folder.take(new=False)
    end_leftovers(folder.path / "engines")
    # The mark goes last: a removal that was cut off can be done again.
    for entry in folder.path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARK:
            entry.unlink()
    (folder.path / _MARK).unlink()
    folder.path.rmdir()
    folder.release()
    _say(f"Removed {folder.path}.")


def _say(words: str) -> None:
    print(words, flush=True)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it started, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_lines(log: Path, began: int, count: int = 8) -> str:
    with log.open("rb") as file:
        file.seek(max(began, log.stat().st_size - 20_000))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:]) or "  (nothing)"


def _step_down(folder: Folder, *, port: int, cases: int) -> NoReturn:
    """As root: give the folder to an ordinary user and go on as that user, in this same process."""
    folder.take()
    os.environ["HOME"] = str(folder.subfolder("home"))
    folder.release()
    again = ["-m", "casework.operations.demo", "--dir", str(folder.path), "--port", str(port), "--cases", str(cases)]
    reach = [folder.path, ROOT / "manage.py", Path(sys.executable), Path(os.__file__), Path(psycopg.__file__)]
    line = processes.command([sys.executable, *again], identity=folder.identity, reach=reach, on_parent_death=None)
    os.chdir(ROOT)
    os.execv(line[0], line)  # noqa: S606 (no shell is wanted)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a demo, print new sign-in links of a running one, or remove one; 1 after a sentence about what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m casework.operations.demo", description=main.__doc__)
    parser.add_argument("act", choices=("run", "signin", "reset"), nargs="?", default="run")
    parser.add_argument("--dir", type=Path, default=ROOT / ".demo", help="data folder: made when missing, then kept")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default=_LOOPBACK, help="there to be refused: the demo serves this machine only")
    parser.add_argument("--cases", type=int, default=60, help="how many cases to make on the first start")
    chosen = parser.parse_args(arguments)
    folder = Folder(chosen.dir, mark=_MARK, called="A demo")
    try:
        if chosen.host not in {_LOOPBACK, "localhost"}:
            raise DemoError(
                f"The demo signs people in without a password and listens on {_LOOPBACK} only, never on {chosen.host}."
            )
        if chosen.act == "reset":
            reset(folder)
        elif chosen.act == "signin":
            tell(folder, _environment(folder))
        else:
            if os.geteuid() == 0:
                _step_down(folder, port=chosen.port, cases=chosen.cases)
            folder.take()
            Demo(folder, port=chosen.port, cases=chosen.cases).run()
    except (DemoError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _environment(folder: Folder) -> dict[str, str]:
    try:
        env = json.loads((folder.path / _ENVIRONMENT).read_text())
    except OSError:
        raise DemoError(f"No demo runs on {folder.path}: start it with `make demo`.") from None
    return {str(name): str(value) for name, value in env.items()}


if __name__ == "__main__":
    sys.exit(main())
