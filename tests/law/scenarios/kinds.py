"""What a scenario says of one rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """`facts` start the rule; `strict` and `rolled` are its ends. Each other member is one more line of facts.

    Ends are days, or instants for a period in hours. `superseded` maps facts that make another rule take its place to
    that rule; "" means it starts anew.
    """

    rule: str
    facts: str
    strict: str
    rolled: str = ""
    met: str = ""
    late: str = ""
    stopped: str = ""
    superseded: dict[str, str] = field(default_factory=dict)
    country: str = "FR"
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """An entry without a period: `facts` bring it up, `other` do not."""

    rule: str
    facts: str
    other: str
    warns: str = ""
    country: str = "FR"
    more: dict[str, Any] = field(default_factory=dict)
