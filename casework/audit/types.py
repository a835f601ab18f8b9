"""What the trail hands out: rows as they lie in the table, entries as people read them, findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from casework.audit.chain import Event
from casework.core import work

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The stream of what nobody signed in and the machine itself do; also the actor of the latter.
SYSTEM_STREAM = work.SYSTEM_ID


class Row(NamedTuple):
    """One row of `audit_entry`, in the order of its columns."""

    stream: UUID
    seq: int
    prev: bytes
    time_us: int
    actor: UUID
    action: int
    outcome: int
    reason: int
    object: UUID
    row_digest: bytes
    body: bytes
    hash: bytes
    mac: bytes
    case_id: UUID | None
    request_id: UUID

    def event(self) -> Event:
        """Return what the row's hash is taken over; its body is the request id and the sealed particulars."""
        return Event(*self[:10], body=self.request_id.bytes + self.body)


COLUMNS = ", ".join(Row._fields)


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One entry for people. `particulars` are None where they were not asked for or their key is not here.

    `damaged`: the entry or its particulars are not what the application wrote; looked for where particulars are opened.
    """

    stream: UUID
    seq: int
    at: datetime
    actor: UUID | None
    by_machine: bool
    action: str
    sentence: StrOrPromise
    outcome: int
    outcome_label: StrOrPromise
    reason: StrOrPromise
    object: UUID | None
    case_id: UUID | None
    request_id: UUID
    particulars: dict[str, Any] | None
    cursor: str
    damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFilter:
    """Which entries are asked for; what is None or empty asks for all.

    `person`: whose they are, what nobody signed in did at their account included; `SYSTEM_STREAM` is the machine.
    `case`: the beginning of a case's id in hexadecimal digits. `action`: a name of the register. `since` is inclusive,
    `until` is not. `unusual`: only what is marked.
    """

    person: UUID | None = None
    case: str = ""
    action: str = ""
    outcome: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    unusual: bool = False


EVERYTHING = TrailFilter()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in the trail. `seq` is 0 where a whole stream or the log is meant, `stream` then may be None."""

    kind: str
    stream: UUID | None
    seq: int
    message: str
