"""One scenario for each rule of the packs: the facts that start it, when it ends, what meets, stops and replaces it.

`test_every_rule.py` fails when a rule has none. Dates were counted by hand on a calendar. A module for each group of
packs.
"""

from __future__ import annotations

from tests.law.scenarios import apr, eu, fr, states
from tests.law.scenarios.kinds import Note, Scenario

_PARTS = (eu, apr, fr, states)

SCENARIOS: tuple[Scenario, ...] = tuple(scenario for part in _PARTS for scenario in part.SCENARIOS)
NOTES: tuple[Note, ...] = tuple(note for part in _PARTS for note in part.NOTES)

__all__ = ["NOTES", "SCENARIOS", "Note", "Scenario"]
