"""What a thief could take from a running installation, place by place."""

from __future__ import annotations

import contextlib
import email
import email.policy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis

from tests.house.leaks.installation import Running
from tests.house.leaks.journey import Journey
from tests.house.leaks.searching import Hit, Searcher

WEB_PROCESSES: Final = 2
_PART: Final = 8 * 1024 * 1024
# Longer than any shape of any secret: what lies across two parts is found in one of them.
_OVERLAP: Final = 4096


@dataclass
class Looked:
    """What was searched at one place, and what was found there."""

    place: str
    bytes: int = 0
    hits: list[Hit] = field(default_factory=list)


def look(searcher: Searcher, place: str, parts: Iterator[bytes], *, raw: bool = False) -> Looked:
    """Search the parts of one place."""
    looked = Looked(place)
    for part in parts:
        looked.bytes += len(part)
        for begins in range(0, max(len(part), 1), _PART):
            found = searcher.find(part[max(0, begins - _OVERLAP) : begins + _PART], raw=raw)
            looked.hits += [hit for hit in found if hit not in looked.hits]
    return looked


def everywhere(app: Running, journey: Journey, searcher: Searcher) -> list[Looked]:
    """Search every place of an installation; PostgreSQL has written everything down first."""
    with app.connect() as connection:
        connection.execute("CHECKPOINT")
    plain: list[tuple[str, Callable[[], Iterator[bytes]]]] = [
        ("database, whole dump", lambda: iter([app.dump()])),
        ("sessions, decoded", lambda: sessions(app)),
        ("Redis, every key of every database", lambda: keys(app)),
        ("Redis, files", lambda: files(app.folder / "engines" / "valkey")),
        ("logs of web, worker, beat and sealer", lambda: files(app.folder / "logs")),
        ("logs of PostgreSQL and Redis", lambda: files(app.folder / "engines" / "logs")),
        ("mail, as sent and decoded", lambda: mails(app.folder / "mailbox")),
        ("files and uploads under way", lambda: files(app.folder / "files")),
        ("temporary, home and run folders", lambda: temporary(app.folder)),
        ("checkpoints", lambda: files(app.folder / "checkpoints")),
        ("headers of all answers", lambda: (answer.head for answer in journey.answers)),
        ("error pages", lambda: (it.body for it in journey.answers if it.status in {400, 403, 404, 500})),
        ("pages shown to others", lambda: (it.head + it.body for it in journey.strangers)),
        ("command lines of processes", lambda: of_processes(app.pids(), "cmdline")),
        ("environments of processes", lambda: of_processes(app.pids(), "environ")),
    ]
    found = [look(searcher, place, parts()) for place, parts in plain]
    data = app.folder / "engines" / "postgres"
    found.append(look(searcher, "database, files on disk", files(data, beside="pg_wal"), raw=True))
    found.append(look(searcher, "database, write-ahead log", files(data / "pg_wal"), raw=True))
    return found


def files(folder: Path, *, beside: str = "") -> Iterator[bytes]:
    """Yield the name and the content of each file; pages of nothing but zeros at the end are left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not (beside and beside in path.relative_to(folder).parts):
            yield str(path.relative_to(folder)).encode()
            with contextlib.suppress(FileNotFoundError):
                yield path.read_bytes().rstrip(b"\0")


def temporary(folder: Path) -> Iterator[bytes]:
    """Yield what lies where processes put what they do not mean to keep."""
    for name in ("tmp", "home", "run"):
        yield from files(folder / name)


def sessions(app: Running) -> Iterator[bytes]:
    """Yield every session as its row has it, with what base64 and compression hide taken out of them."""
    from django.core.signing import b64_decode

    with app.connect() as connection:
        rows = connection.execute("SELECT session_key, session_data FROM django_session").fetchall()
    assert rows, "there is no session"
    for key, data in rows:
        yield f"{key} {data}".encode()
        body = str(data).lstrip(".").split(":")[0]
        with contextlib.suppress(ValueError):
            yield b64_decode(body.encode())


def keys(app: Running) -> Iterator[bytes]:
    """Yield every key of every database of Redis with its value, as text where it is text, and as Redis dumps it."""
    with redis.Redis.from_url(app.redis) as first:
        count = int(first.config_get("databases")["databases"])
    for number in range(count):
        with redis.Redis.from_url(app.redis, db=number) as broker:
            for key in broker.scan_iter():
                yield key + b"\n" + (broker.dump(key) or b"") + _value(broker, key)


def _value(broker: redis.Redis, key: bytes) -> bytes:
    readers: dict[object, Callable[[], object]] = {
        b"string": lambda: broker.get(key),
        b"list": lambda: broker.lrange(key, 0, -1),
        b"set": lambda: broker.smembers(key),
        b"zset": lambda: broker.zrange(key, 0, -1),
        b"hash": lambda: broker.hgetall(key),
        b"stream": lambda: broker.xrange(key),
    }
    value = readers.get(broker.type(key), lambda: b"")()
    return value if isinstance(value, bytes) else str(value).encode()


def mails(folder: Path) -> Iterator[bytes]:
    """Yield each mail as it was sent, and each of its parts and headers decoded."""
    for path in sorted(folder.glob("*")):
        sent = path.read_bytes()
        yield path.name.encode() + b"\n" + sent
        message = email.message_from_bytes(sent, policy=email.policy.default)
        for part in message.walk():
            yield "\n".join(f"{name}: {value}" for name, value in part.items()).encode()
            content = part.get_payload(decode=True)
            yield content if isinstance(content, bytes) else b""


def of_processes(pids: list[int], name: str) -> Iterator[bytes]:
    """Yield one file of /proc for each process."""
    for pid in pids:
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{pid}/{name}").read_bytes().replace(b"\0", b"\n")


def memory(app: Running, searcher: Searcher, parts: tuple[str, ...] = ("web", "worker")) -> list[Looked]:
    """Search what an idle process of each kind can write to: live objects, and what freed ones left behind."""
    looked = []
    for name in parts:
        one = Looked(f"memory of {name}")
        for part in _writable(_children(app.parts[name])[-1]):
            one.bytes += len(part)
            one.hits += [hit for hit in searcher.in_memory(part) if hit not in one.hits]
        looked.append(one)
    return looked


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _writable(pid: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as content:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *rest = line.split()
            if "w" not in rights or rest[-1].startswith("[v"):
                continue
            begins, ends = (int(one, 16) for one in span.split("-"))
            with contextlib.suppress(OSError, ValueError, OverflowError):
                content.seek(begins)
                yield content.read(ends - begins)
