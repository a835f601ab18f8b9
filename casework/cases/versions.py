"""Earlier versions of a case's record, each with its entry in the trail, and what the record was at a moment.

A version is believed for what the trail says of it: the application signed it, its sealed bytes are those of its digest
(or those that a renewal of the key put there, of which the trail has an entry), and its request has an entry that tells
of the change. What fails that is named and not shown; so is an entry whose version is gone. Versions from before they
were signed are matched by their digest alone.

What is derived from the facts (stage, next limit) changes with the entry that caused it: its request is theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db import models

from casework.access.actions import Action
from casework.audit import actions, chain
from casework.audit import services as audit
from casework.audit.history import Tracked
from casework.audit.models import Entry
from casework.audit.soundness import is_sound
from casework.audit.types import Row
from casework.cases import selectors
from casework.cases.damage import DOES_NOT_OPEN
from casework.cases.models import Case, Person
from casework.cases.types import CaseView
from casework.core.hidden import Hidden
from casework.crypto import services as crypto
from casework.crypto.fields import SealedField, sealed_fields

CHANGED, SHUT, GONE = "changed", "shut", "gone"
"""Why a version is not shown: it was changed outside the application, does not open, or is no more there."""

_ROTATED: Final = actions.action_named("key.rotated").code
# What no reader of versions needs: it follows from other columns, or says where something lies.
_LEFT_OUT: Final = frozenset(
    {
        *("id", "reference", "case", "version", "search", "next_due_at", "next_due_rule"),
        *("object_id", "file_key", "size_bucket", "uploaded_at", "uploaded_by", "sha256"),
    }
)


@dataclass(frozen=True, repr=False)
class Change(Hidden):
    """A field that another value was put into; of the first version, what stood there from the beginning."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, repr=False)
class Version(Hidden):
    """One version of one row, opened. `noun`: case, person or document. `kind`: `+` made, `~` changed, `-` removed.

    `entry` is the number of its entry in the case's trail (None: of before versions were signed, and not found),
    `action` that entry's name. `name`: what the person or document was called. With a `fault` nothing of it is told.
    """

    noun: str
    name: str
    row: UUID
    at: datetime
    by: UUID | None
    kind: str
    entry: int | None
    action: str
    fault: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, repr=False)
class Past(Hidden):
    """What the record was: the case with its people (None: it was not there yet, or is not shown) and its documents.

    `documents` are unsaved rows of the documents' model, for that area to put into words. `existed`: there was a record
    by then. `unshown`: how many rows are left out, since what the trail says of them does not stand there. `since`:
    how many versions came later.
    """

    case: CaseView | None
    documents: tuple[Any, ...]
    existed: bool
    unshown: int
    since: int


@dataclass(eq=False)
class Step:
    """A version and its entry; one of the two may be missing, which is its fault."""

    noun: str
    row: UUID
    at: datetime
    version: Any
    entry: Row | None
    fault: str

    @property
    def kind(self) -> str:
        """`+` made, `~` changed, `-` removed."""
        return "~" if self.version is None else str(self.version.history_type)

    @property
    def by(self) -> UUID | None:
        """Who changed it: as the version says, else as its entry does."""
        if self.version is not None and not self.fault:
            by: UUID | None = self.version.history_user_id
            return by
        return self.entry.actor if self.entry else None

    @property
    def order(self) -> tuple[datetime, int]:
        """Its place: versions of one request may have one time, their entries are in order."""
        return self.at, self.entry.seq if self.entry else 0


@dataclass
class History:
    """All versions of a case, oldest first, with the entries of those that are gone."""

    steps: list[Step]

    def told(self, step: Step) -> Version:
        """Return a step, opened, with what it changed."""
        changes: tuple[Change, ...] = ()
        fault, name = step.fault, ""
        if not fault:
            try:
                changes = tuple(_changes(self._before(step), step.version))
                name = _name(step.version)
            except DOES_NOT_OPEN:
                fault = SHUT
        action = actions.ACTION_BY_CODE.get(step.entry.action) if step.entry else None
        return Version(
            noun=step.noun,
            name=name,
            row=step.row,
            at=step.at,
            by=step.by,
            kind=step.kind,
            entry=step.entry.seq if step.entry else None,
            action=action.name if action else "",
            fault=fault,
            changes=changes,
        )

    def _before(self, step: Step) -> Any:
        before = None
        for other in self.steps:
            if other is step:
                break
            if other.row == step.row and not other.fault:
                before = other.version
        return before


def versions_of(case_id: UUID) -> History:
    """Return the versions of a case, none of them opened yet; one trail entry.

    The number of queries does not grow with that of the versions.

    Raises:
        NotFound, NotAllowed: the actor may not see the case, or not its versions.
    """
    history = _read(case_id)
    audit.record("case.history_viewed", case=case_id)
    return history


def as_of(case_id: UUID, moment: datetime) -> Past:
    """Return what the record of a case was just before `moment` (aware); one trail entry.

    Raises:
        NotFound, NotAllowed: as `versions_of`.
    """
    history = _read(case_id)
    audit.record("case.history_viewed", case=case_id, body={"until": moment.isoformat()})
    last: dict[UUID, Step] = {}
    for step in history.steps:
        if step.at < moment:
            last[step.row] = step
    since = sum(step.at >= moment for step in history.steps)
    rows: dict[type[models.Model], list[Any]] = defaultdict(list)
    unshown = 0
    for step in last.values():
        instance = None if step.fault or step.version is None else step.version.instance
        if instance is None or not _opens(instance):
            unshown += 1
        elif step.kind != "-":
            rows[type(instance)].append(instance)
    case = next(iter(rows.pop(Case, ())), None)
    people = rows.pop(Person, [])
    view = None
    # A record is shown with its applicant, or not at all.
    if case is not None and any(person.relation == "applicant" for person in people):
        view = selectors.opened(case, people)
    documents = [row for others in rows.values() for row in others]
    documents.sort(key=lambda row: (row.uploaded_at, row.pk))
    return Past(view, tuple(documents), bool(last), unshown, since)


def entries_of(case_id: UUID, objects: Iterable[UUID]) -> dict[UUID, int]:
    """Return the numbers of the entries that vouch for these rows, as the facts, which have one each."""
    found = Entry.objects.filter(stream=case_id, object__in=list(objects)).exclude(row_digest=chain.NO_DIGEST)
    return dict(found.exclude(action=_ROTATED).order_by("-seq").values_list("object", "seq"))


# --- versions and entries, matched ---------------------------------------------------------------------------------


class _Entries:
    """What the trail says of the changes of a case. An entry tells of one version."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.told: dict[tuple[UUID, UUID, bytes], list[Row]] = defaultdict(list)
        self.of_request: dict[UUID, Row] = {}
        self.renewed: dict[UUID, bytes] = {}
        self.digests: dict[tuple[UUID, bytes], list[Row]] = defaultdict(list)
        self.taken: set[int] = set()
        for row in rows:
            digest = bytes(row.row_digest)
            if not is_sound(row):
                continue
            if row.action == _ROTATED:
                self.renewed[row.object] = digest
                continue
            self.of_request.setdefault(row.request_id, row)
            if digest != chain.NO_DIGEST:
                self.told[row.request_id, row.object, digest].append(row)
                self.digests[row.object, digest].append(row)

    def take(self, found: Sequence[Row]) -> Row | None:
        """Return the first of these entries that tells of no other version yet."""
        row = next((row for row in found if row.seq not in self.taken), None)
        if row is not None:
            self.taken.add(row.seq)
        return row

    def left(self) -> Iterator[Row]:
        """Yield the entries of changes whose versions are not there."""
        for (_request, _row, _digest), rows in self.told.items():
            yield from (row for row in rows if row.seq not in self.taken)


def _read(case_id: UUID) -> History:
    selectors.case_for(case_id, Action.SEE_VERSIONS)
    crypto.keys_for(case_id)
    looks = [action.code for action in actions.ACTIONS if action.looks]
    wanted = Entry.objects.filter(stream=case_id, outcome=actions.DONE).exclude(action__in=looks)
    entries = _Entries(Row(*values) for values in wanted.order_by("seq").values_list(*Row._fields))
    found: list[tuple[str, Any]] = []
    for noun, model in _tracked().items():
        history: Any = model.history.model
        column = "id" if model is Case else "case_id"
        found += [(noun, row) for row in history.objects.filter(**{column: case_id})]
    found.sort(key=lambda pair: (pair[1].history_date, pair[1].history_type != "+"))
    signed_from = min((row.history_date for _noun, row in found if row.mac is not None), default=None)
    steps = [_matched(noun, row, entries, signed_from) for noun, row in found]
    nouns = _tracked().keys()
    for entry in entries.left():
        noun = actions.ACTION_BY_CODE[entry.action].noun
        # Of the noun "case" are also entries about requests to erase it, which have no versions.
        if noun in nouns and (noun != "case" or entry.object == case_id):
            steps.append(Step(noun, entry.object, chain.moment(entry.time_us), None, entry, GONE))
    steps.sort(key=lambda step: step.order)
    return History(steps)


def _tracked() -> Mapping[str, type[Tracked]]:
    """Return the models of a case that have versions, by the noun of the trail; also those of areas above this one."""
    found = [model for model in apps.get_models() if issubclass(model, Tracked)]
    return {str(model.sealed_table).rpartition(".")[2]: model for model in found}  # type: ignore[attr-defined]


def _matched(noun: str, version: Any, entries: _Entries, signed_from: datetime | None) -> Step:
    row: UUID = version.id
    digest = audit.row_digest(version)
    if version.mac is None:
        known = entries.digests.get((row, digest), [])
        entry = entries.take(known)
        # A version without a MAC is from before there were any.
        early = signed_from is None or version.history_date <= signed_from
        stands = early and (bool(known) or entries.renewed.get(version.pk) == digest)
    else:
        stored = bytes(version.digest or b"")
        entry = entries.take(entries.told.get((version.request_id, row, stored), []))
        # What was derived has no entry of its own: it is told by that of its request.
        entry = entry or entries.of_request.get(version.request_id)
        stands = (
            entry is not None
            and version.is_signed()
            and (digest == stored or entries.renewed.get(version.pk) == digest)
        )
    return Step(noun, row, version.history_date, version, entry, "" if stands else CHANGED)


# --- opened --------------------------------------------------------------------------------------------------------


def _opens(instance: models.Model) -> bool:
    try:
        for field in sealed_fields(type(instance)):
            field.opened(instance)
    except DOES_NOT_OPEN:
        return False
    return True


def _changes(before: Any, after: Any) -> Iterator[Change]:
    if after.history_type == "-":
        return
    for field in after.tracked_fields:
        name = field.name.removesuffix("_id") if isinstance(field, models.ForeignKey) else field.name
        if name in _LEFT_OUT:
            continue
        if before is not None and _raw(before, field) == _raw(after, field):
            continue
        old, new = (None if row is None else _value(row, field) for row in (before, after))
        if (old or new) and old != new:
            yield Change(name, old, new)


def _name(version: Any) -> str:
    if isinstance(version, Person.history.model):
        return str(version.name_latin or version.name_original)
    return str(version.title)


def _raw(row: Any, field: models.Field[Any, Any]) -> Any:
    value = getattr(row, field.attname)
    return value.blob if isinstance(field, SealedField) else value


def _value(row: Any, field: models.Field[Any, Any]) -> Any:
    return getattr(row, field.name if isinstance(field, SealedField) else field.attname)
