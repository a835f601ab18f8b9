"""Numbers of the logical tables that hold sealed values. They are part of every ciphertext: never change or reuse one.

A model names its table with `sealed_table = "area.noun"`; a table renamed later keeps number and name here. History
tables have no entry: their rows carry the number of the table whose history they are.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

_ENTRIES: Final = (
    ("cases.case", 1),
    ("cases.person", 2),
    ("cases.usergrant", 3),
    ("cases.groupgrant", 4),
    ("accounts.authenticator", 5),
    ("procedure.fact", 6),
    ("documents.document", 7),
    ("procedure.timelimit", 8),
    ("cases.note", 9),
    ("cases.task", 10),
    ("cases.vetting", 11),
    ("detention.stay", 12),
    ("detention.risk", 13),
    ("imports.upload", 14),
    ("cases.draft", 15),
    ("desk.savedsearch", 16),
    ("operations.setting", 17),
    ("countries.page", 18),
    ("detention.place", 19),
    ("transfers.review", 20),
    ("accounts.user", 21),
    ("dossiers.dossier", 22),
    # From 65000 on: tables that exist only in tests.
    ("sealed_app.letter", 65_000),
    ("sealed_app.enclosure", 65_001),
)

TABLES: Final = MappingProxyType(dict(_ENTRIES))

if len(TABLES) != len(_ENTRIES) or len(set(TABLES.values())) != len(_ENTRIES):
    msg = "A logical table or its number is registered twice."
    raise ValueError(msg)
