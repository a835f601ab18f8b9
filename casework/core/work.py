"""The unit of work: one actor, one transaction, and what must happen as its last statements.

Row-level security reads `app.user_id`, which is set for the transaction only; so every statement about a case runs
inside `acting(...)`, pages included: a template is rendered before the block ends. Areas hook in without being known
here: the audit trail writes its entries just before the commit, the key cache is emptied at the end.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from django.db import connection, transaction

from casework.core import ids


class NoActor(RuntimeError):
    """A statement that needs an actor ran outside a unit of work."""


class OtherActor(RuntimeError):
    """A unit of work of one actor was entered inside that of another."""


@dataclass(frozen=True)
class Actor:
    """Who acts. `user_id` is None for someone not signed in; `kind` tells people from the machine's own work."""

    user_id: UUID | None
    request_id: UUID = field(default_factory=ids.new_id)
    kind: Literal["user", "command", "system"] = "user"


SYSTEM_ID = UUID("00000000-0000-4000-8000-000000000001")


def system_actor() -> Actor:
    """Return the machine's own principal, for what runs without a person (planning, sending, deriving again)."""
    return Actor(user_id=SYSTEM_ID, kind="system")


class Work:
    """One running unit of work."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.store: dict[str, object] = {}
        self._before_commit: dict[str, Callable[[], None]] = {}
        self._undo: list[Callable[[], None]] = []

    def _finish(self) -> None:
        # A hook may add another (planning reminders writes to the trail); the trail, registered with a key that
        # sorts last, is run when nothing else is left.
        while self._before_commit:
            key = min(self._before_commit)
            self._before_commit.pop(key)()


_current: ContextVar[Work | None] = ContextVar("casework_work", default=None)
_at_end: list[Callable[[], None]] = []


def on_end(fn: Callable[[], None]) -> None:
    """Register `fn` to run after every unit of work, committed or not (once a process, at start)."""
    if fn not in _at_end:
        _at_end.append(fn)


def running() -> Work | None:
    """Return the running unit of work, or None."""
    return _current.get()


def current() -> Work:
    """Return the running unit of work; raise NoActor outside one."""
    work = _current.get()
    if work is None:
        raise NoActor("this runs only inside core.work.acting(...)")
    return work


def before_commit(key: str, fn: Callable[[], None]) -> None:
    """Run `fn` once just before the commit; a second call with the same `key` changes nothing. Keys run in order."""
    current()._before_commit.setdefault(key, fn)


def if_undone(fn: Callable[[], None]) -> None:
    """Run `fn` when the running unit of work fails: for what the database cannot take back, such as a moved file."""
    current()._undo.append(fn)


@contextmanager
def acting(actor: Actor) -> Iterator[Work]:
    """Run the block as `actor` in one transaction; nested use is a savepoint of the same actor.

    Raises:
        OtherActor: nested inside the unit of work of somebody else.
    """
    outer = _current.get()
    if outer is not None:
        if outer.actor.user_id != actor.user_id:
            raise OtherActor("a unit of work belongs to one actor")
        with transaction.atomic():
            yield outer
        return
    work = Work(actor)
    token = _current.set(work)
    try:
        with transaction.atomic():
            _tell_database(actor.user_id)
            yield work
            work._finish()
            if _inside_a_test():
                _tell_database(None)
    except BaseException:
        for fn in work._undo:
            fn()
        raise
    finally:
        _current.reset(token)
        for fn in _at_end:
            fn()


def _tell_database(user_id: UUID | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id) if user_id else ""])


def _inside_a_test() -> bool:
    # A test that wraps itself in a transaction keeps `SET LOCAL` alive after our block: take it back by hand.
    return len(connection.savepoint_ids) > 0
