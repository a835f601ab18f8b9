"""Numbers of the logical tables that hold sealed values. They are part of every ciphertext: never change or reuse one.

A model names its table with `sealed_table = "area.noun"`; a table renamed later keeps number and name here. History
tables have no entry: their rows carry the number of the table whose history they are.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

TABLES: Final = MappingProxyType(
    {
        "cases.case": 1,
        "cases.person": 2,
        "cases.usergrant": 3,
        "cases.groupgrant": 4,
        "accounts.authenticator": 5,
        "procedure.fact": 6,
        "documents.document": 7,
        "cases.searchkey": 8,
        "cases.erasure": 9,
        "accounts.kept": 10,
        # From 65000 on: tables that exist only in tests.
        "sealed_app.letter": 65_000,
        "sealed_app.enclosure": 65_001,
    }
)
