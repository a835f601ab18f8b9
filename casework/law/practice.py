"""Where the courts of one state read the Union's rules in their own way, each with the ruling that says so."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FIRST_REMEDY_ONLY: Mapping[str, str] = MappingProxyType(
    {
        "FR": "Conseil d'État, 24 September 2018, 420708",
        "IE": "High Court, 19 December 2023, [2023] IEHC 742",
    }
)
"""States in which only the first court's suspension stops the transfer period.

Elsewhere a stay by a second court stops it too where the first had suspended the transfer (C-556/21 E.N.; in Sweden
MIG 2009:16).
"""

LONGER_AFTER_LATER_DETENTION: Mapping[str, str] = MappingProxyType({"SE": "MIG 2017:23"})
"""States that may hold somebody longer than six weeks who was detained only after the acceptance.

C-60/16 Amayry: two months were accepted, three were too long. In Switzerland the six weeks hold (BGer 2C_610/2021).
"""
