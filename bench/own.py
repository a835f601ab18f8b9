"""A database of a measurement's own: a copy of the one that was just set up, thrown away afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
from django.db import connection

from casework.core import work

if TYPE_CHECKING:
    from casework.accounts.models import User

_ADDRESSES = ("DATABASE_SUPER_URL", "DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_WORKER_URL", "DATABASE_SEALER_URL")


def connect(role: str, database: str = "") -> psycopg.Connection[Any]:
    """Open a plain connection as one of the roles: owner, super, sealer."""
    url = urlsplit(os.environ[f"DATABASE_{role.upper()}_URL"])
    return psycopg.connect(
        host=parse_qs(url.query)["host"][0],
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        dbname=database or url.path[1:],
        autocommit=True,
    )


@contextmanager
def database(name: str) -> Iterator[None]:
    """Let this process, and those that it starts, work in a copy of the database inside the block."""
    from casework.crypto import services as crypto

    connection.close()
    before = {key: os.environ[key] for key in _ADDRESSES}
    usual = connection.settings_dict["NAME"]
    with connect("super", "postgres") as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {usual} OWNER cw_owner")
    os.environ.update({key: address.replace(f"/{usual}?", f"/{name}?") for key, address in before.items()})
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
        os.environ.update(before)
        crypto.clear()
        with connect("super", "postgres") as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def acting(user: User) -> Any:
    """Return a new unit of work of somebody, as every page begins one."""
    return work.acting(work.Actor(user.pk))
