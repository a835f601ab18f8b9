"""Two procedures of one case side by side: which time limits are new, gone, moved or in another state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from casework.law.types import Deadline

CHANGES = ("new", "state", "moved", "gone", "same")
"""What can have become of a time limit, what matters most first; one in another state may have moved besides."""


class Derived(Protocol):
    """What a comparison reads of a procedure."""

    @property
    def deadlines(self) -> Sequence[Deadline]:
        """The time limits, by due date."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What to beware of, as sentences."""
        ...

    @property
    def status(self) -> str:
        """The stage."""
        ...

    @property
    def responsible_state(self) -> str | None:
        """The responsible state, where one is known."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One time limit as it is and as it would be; one of the two is None where it is new or gone.

    `days` says by how many days its date moves, negative for earlier; `seconds` by how much in all, for hours.
    """

    change: str
    now: Deadline | None
    then: Deadline | None
    days: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two procedures: `rows` by date as it would be, `appear` and `go` the warnings."""

    rows: tuple[Row, ...]
    appear: tuple[str, ...]
    go: tuple[str, ...]
    status: tuple[str, str]
    responsible_state: tuple[str | None, str | None]

    @property
    def changed(self) -> tuple[Row, ...]:
        """Return the rows in which something differs."""
        return tuple(row for row in self.rows if row.change != "same")

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing at all differs."""
        return not (
            self.changed
            or self.appear
            or self.go
            or self.status[0] != self.status[1]
            or self.responsible_state[0] != self.responsible_state[1]
        )


def compare(now: Derived, then: Derived) -> Comparison:
    """Hold two procedures of one case against each other.

    Time limits belong together when rule and reading agree and they start on the same day about the same state. Those
    that are left over of a rule (its start has moved) are joined in the order of their starts, about the same state;
    and one of a case that is read in one way goes with reading A, or B, of a case that is read in two.
    """
    rows = [_row(one, other) for one, other in pairs(now.deadlines, then.deadlines)]
    rows.sort(key=_place)
    return Comparison(
        rows=tuple(rows),
        appear=tuple(text for text in then.warnings if text not in now.warnings),
        go=tuple(text for text in now.warnings if text not in then.warnings),
        status=(now.status, then.status),
        responsible_state=(now.responsible_state, then.responsible_state),
    )


def pairs(now: Iterable[Deadline], then: Iterable[Deadline]) -> Iterator[tuple[Deadline | None, Deadline | None]]:
    """Yield each time limit with what it becomes, None where it is new or gone; as `compare` joins them."""
    waiting, coming = _by_rule(now), _by_rule(then)
    for rule in dict.fromkeys((*waiting, *coming)):
        old, new = waiting.get(rule, []), coming.get(rule, [])
        for same in (_exactly, _about, _in_some_reading):
            for one in list(old):
                other = next((it for it in new if same(one, it)), None)
                if other is not None:
                    old.remove(one)
                    new.remove(other)
                    yield one, other
        yield from ((one, None) for one in old)
        yield from ((None, other) for other in new)


def _by_rule(deadlines: Iterable[Deadline]) -> dict[str, list[Deadline]]:
    found: dict[str, list[Deadline]] = {}
    for deadline in sorted(deadlines, key=lambda it: (it.reading or "", _instant(it.starts), _instant(it.due))):
        found.setdefault(deadline.rule, []).append(deadline)
    return found


def _exactly(one: Deadline, other: Deadline) -> bool:
    return (one.reading, one.starts, one.concerns) == (other.reading, other.starts, other.concerns)


def _about(one: Deadline, other: Deadline) -> bool:
    unnamed = one.concerns is None or other.concerns is None
    return one.reading == other.reading and (unnamed or one.concerns == other.concerns)


def _in_some_reading(one: Deadline, other: Deadline) -> bool:
    """Tell whether a limit is one of two readings of what had but one: a fact can open or settle which law governs."""
    return same_reading(one.reading, other.reading) and one.starts == other.starts


def same_reading(one: str | None, other: str | None) -> bool:
    """Tell whether two readings can be the same; a case that is read in one way only has none."""
    return one is None or other is None or one == other


def _row(now: Deadline | None, then: Deadline | None) -> Row:
    if now is None or then is None:
        return Row("new" if now is None else "gone", now, then)
    seconds = _instant(then.due) - _instant(now.due)
    days = (_day(then.due) - _day(now.due)).days
    if now.state != then.state:
        change = "state"
    elif seconds:
        change = "moved"
    else:
        change = "same"
    return Row(change, now, then, days, seconds)


def _place(row: Row) -> tuple[int, str, str, str]:
    shown = row.then or row.now
    assert shown is not None
    return _instant(shown.due), shown.rule, shown.reading or "", shown.concerns or ""


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _instant(moment: date | datetime) -> int:
    """Return a number that orders dates and date-times; a date counts as its midnight, wherever that is."""
    if isinstance(moment, datetime):
        utc = moment.astimezone(UTC)
        return utc.toordinal() * 86_400 + utc.hour * 3600 + utc.minute * 60 + utc.second
    return moment.toordinal() * 86_400
