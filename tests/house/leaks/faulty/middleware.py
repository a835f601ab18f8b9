"""Breaks a request as its headers ask, holding the secret that they bring."""

from __future__ import annotations

import json
import os
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import unquote

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import Context, Engine

from casework.core import jobs
from tests.house.leaks.faulty import census


class Faults:
    """Looks at `X-Fault` (the name of a fault) and `X-Fault-Secret` (percent-encoded)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _more: Any) -> HttpResponse | None:
        """Break here, inside the unit of work and before the view."""
        name = request.headers.get("X-Fault")
        if name == "census":
            return JsonResponse({"pid": os.getpid(), "held": census.held(json.loads(request.body))})
        if name is not None:
            FAULTS[name](unquote(request.headers["X-Fault-Secret"]))
        return None


def view(secret: str) -> NoReturn:
    """An exception with the secret in its text, in its cause and in a local variable."""
    person = {"name": secret}
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise RuntimeError(f"cannot save {person}") from error


class _Hollow:
    def __init__(self, secret: str) -> None:
        self.secret = secret

    def broken(self) -> NoReturn:
        raise ValueError(f"no such name: {self.secret}")


def template(secret: str) -> None:
    """A template that breaks while it is rendered."""
    Engine().from_string("{{ person.secret }} {{ person.broken }}").render(Context({"person": _Hollow(secret)}))


def sql(secret: str) -> None:
    """A statement that the database refuses with the value in its message."""
    _run("SELECT CAST(%s AS integer)", secret)


def constraint(secret: str) -> None:
    """A row that a constraint refuses: the database's DETAIL repeats the whole row."""
    _run("INSERT INTO django_session (session_key, session_data, expire_date) VALUES (%s, NULL, now())", secret)


def timeout(secret: str) -> None:
    """A statement that takes too long and is cancelled."""
    _run("SET LOCAL statement_timeout = '60ms'; SELECT pg_sleep(5), %s", secret)


def deadlock_a(secret: str) -> None:
    """One half of a deadlock; the database's DETAIL repeats both statements."""
    _locks(secret, 71, 72)


def deadlock_b(secret: str) -> None:
    """The other half."""
    _locks(secret, 72, 71)


def _locks(secret: str, first: int, then: int) -> None:
    _run(f"SELECT pg_advisory_xact_lock({first}), %s", secret)
    time.sleep(0.6)
    _run(f"SELECT pg_advisory_xact_lock({then}), %s", secret)


def _run(statement: str, *values: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def task_argument(secret: str) -> None:
    """A task with a person in its argument, by our own way to wake tasks."""
    jobs.enqueue("notices.dispatch", secret)


def task_named_argument(secret: str) -> None:
    """The same by the task's own way, as a keyword."""
    from casework.procedure.tasks import derive_case

    derive_case.apply_async(kwargs={"case_id": secret})


def thread(secret: str) -> None:
    """An exception that ends a thread: Python itself prints it."""
    worker = threading.Thread(target=view, args=(secret,), name="broken")
    worker.start()
    worker.join()


def unraisable(secret: str) -> None:
    """An exception where none can be raised: Python itself prints it."""

    class Broken:
        def __del__(self) -> None:
            raise RuntimeError(f"cannot forget {secret}")

    Broken()


def warning(secret: str) -> None:
    """A warning: Python itself prints it."""
    warnings.warn(f"odd value {secret}", RuntimeWarning, stacklevel=2)


FAULTS: dict[str, Callable[[str], None]] = {
    "view": view,
    "template": template,
    "sql": sql,
    "constraint": constraint,
    "timeout": timeout,
    "deadlock-a": deadlock_a,
    "deadlock-b": deadlock_b,
    "task-argument": task_argument,
    "task-named-argument": task_named_argument,
    "thread": thread,
    "unraisable": unraisable,
    "warning": warning,
}
