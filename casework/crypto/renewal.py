"""Renewal of a scope's key: what lies under older generations is sealed anew under the newest, and those are retired.

Fields, their history and the keys of files are sealed anew; the objects in the file store are not touched, since their
keys stay. Particulars of the trail keep their generation for ever: the chain is over their ciphertext.

Generations are told apart in the database, by the clear part of each value, so a renewal that was cut off goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from django.apps import apps
from django.db import connection, models, transaction

from casework.crypto import envelope, services
from casework.crypto.envelope import DecryptError, Place
from casework.crypto.fields import SealedField, sealed_fields
from casework.crypto.keyring import ScopeKeyring
from casework.crypto.models import KeyScope, KeyWrap
from casework.crypto.types import Sealed, SealedPlaceError

BATCH: Final = 50


@dataclass(frozen=True)
class Renewed:
    """What was sealed anew. `rows` and `versions`: live rows and rows of history of the last part, with their new
    ciphertexts. `failed`: do not open."""

    values: int = 0
    file_keys: int = 0
    inner: int = 0
    failed: int = 0
    rows: tuple[models.Model, ...] = ()
    versions: tuple[models.Model, ...] = ()

    def __add__(self, other: Renewed) -> Renewed:
        return Renewed(
            self.values + other.values,
            self.file_keys + other.file_keys,
            self.inner + other.inner,
            self.failed + other.failed,
        )


class _Table(NamedTuple):
    """A live model with sealed fields, or its history: where scope and row stand, and what is sealed."""

    model: type[models.Model]
    live: bool
    scope: str
    row: str
    fields: tuple[SealedField, ...]
    file_keys: Mapping[str, str]

    def column(self, attribute: str) -> str:
        """Return the column of an attribute."""
        return _column(self.model, attribute)

    @property
    def columns(self) -> list[str]:
        """The columns whose bytes 5 to 8 are a generation."""
        return [field.column for field in self.fields] + [_column(self.model, name) for name in self.file_keys]


class Part(NamedTuple):
    """Some rows of one logical table that hold older generations."""

    table: int
    rows: tuple[UUID, ...]


def scope_attribute(model: type[models.Model]) -> str | None:
    """Return the attribute that `sealed_scope()` answers with; None when all rows have one and the same scope.

    Found by asking rows whose ids are all different, so that no model has to say the same thing twice. Raises
    `SealedPlaceError` for a scope that stands elsewhere: a renewal would not find the rows.
    """
    probe = _probe(model)
    scope = probe.sealed_scope()  # type: ignore[attr-defined]
    for field in model._meta.concrete_fields:
        if getattr(probe, field.attname) == scope:
            return field.attname
    if _probe(model).sealed_scope() == scope:  # type: ignore[attr-defined]
        return None
    msg = f"sealed_scope() of {model.__name__} is no column of its own: a renewed key would not find its rows."
    raise SealedPlaceError(msg)


def _probe(model: type[models.Model]) -> models.Model:
    probe = model()
    for field in model._meta.concrete_fields:
        if isinstance(field.target_field if isinstance(field, models.ForeignKey) else field, models.UUIDField):
            setattr(probe, field.attname, uuid4())
    return probe


def waiting() -> list[UUID]:
    """Return the cases whose key was renewed and whose older values wait to be sealed anew."""
    several = KeyScope.objects.filter(kind=KeyScope.Kind.CASE, state=KeyScope.State.LIVE)
    counted = several.values("scope").annotate(generations=models.Count("generation")).filter(generations__gt=1)
    return sorted(counted.values_list("scope", flat=True))


def unfinished(scope: UUID) -> int | None:
    """Return the newest generation of a scope while older ones are not retired; None when there is nothing to do."""
    live = sorted(KeyScope.objects.filter(scope=scope, state=KeyScope.State.LIVE).values_list("generation", flat=True))
    return live[-1] if len(live) > 1 else None


def outdated(scope: UUID) -> Iterator[Part]:
    """Yield, a few rows at a time, what lies under an older generation than the newest."""
    for table, pair in _tables().items():
        found: set[UUID] = set()
        for one in pair:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT * FROM crypto_outdated(%s::regclass, %s, %s, %s, %s::name[])",
                    [_quoted(one), one.column(one.row), one.column(one.scope), scope, one.columns],
                )
                found.update(row for (row,) in cursor.fetchall())
        rows = sorted(found)
        for at in range(0, len(rows), BATCH):
            yield Part(table, tuple(rows[at : at + BATCH]))


def reseal(
    scope: UUID,
    part: Part,
    *,
    stands: Callable[[models.Model], bool] = lambda row: True,
    stood: Callable[[models.Model], bool] = lambda version: True,
) -> Renewed:
    """Seal the older values of these rows and of their history anew, bytes that were equal staying equal.

    Runs in the caller's transaction, which holds the rows until its end. A value that does not open is left and
    counted. So is a live row of which `stands` says that it is not the one that was stored last: whoever vouches for
    what is sealed here would vouch for it. A row of history of which `stood` says that it is not as it was written is
    sealed anew, so that the older key can go, and is none of the `versions`: it stays one that nothing vouches for.
    """
    keys = services.keys_for(scope)
    memo: dict[bytes, bytes] = {}
    done = Renewed()
    changed: list[models.Model] = []
    versions: list[models.Model] = []
    for table in _tables()[part.table]:
        for held in _hold(table, scope, part.rows):
            sound = (stands if table.live else stood)(_instance(table, scope, held))
            if table.live and not sound:
                done += Renewed(failed=1)
                continue
            renewed = _renew(table, scope, held, keys, memo)
            done += renewed
            if sound and renewed.values:
                now = held._replace(sealed=[memo.get(blob, blob) for blob in held.sealed])
                (changed if table.live else versions).append(_instance(table, scope, now))
    return Renewed(done.values, done.file_keys, 0, done.failed, tuple(changed), tuple(versions))


def rewrap_inside(scope: UUID) -> Renewed:
    """Wrap the keys of scopes inside this one again under its newest generation."""
    keys = services.keys_for(scope)
    inside = KeyWrap.objects.filter(recipient_kind=KeyWrap.Recipient.SCOPE, recipient_id=scope)
    if not inside.filter(key_version__lt=keys.newest.generation).exists():
        return Renewed()  # without a lock, which only the keeper may ask for
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.id, w.scope, w.generation, w.blob, s.commit FROM crypto_keywrap w"
            " JOIN crypto_keyscope s ON s.id = w.scope AND s.generation = w.generation"
            " WHERE w.recipient_kind = 3 AND w.recipient_id = %s AND w.key_version < %s AND s.state <> 'erased'"
            " ORDER BY w.id FOR UPDATE OF w",
            [scope, keys.newest.generation],
        )
        done = failed = 0
        for row, inner, generation, blob, commit in cursor.fetchall():
            try:
                opened = envelope.unwrap_scope_from_parent(
                    bytes(blob), parents=keys, scope=inner, generation=generation, commit=bytes(commit)
                )
            except DecryptError:
                failed += 1
                continue
            cursor.execute(
                "UPDATE crypto_keywrap SET key_version = %s, blob = %s WHERE id = %s",
                [keys.newest.generation, envelope.wrap_scope_to_parent(opened, keys.newest), row],
            )
            done += 1
    return Renewed(inner=done, failed=failed)


def retire(scope: UUID) -> list[int] | None:
    """Retire the older generations of a scope and return them; None while a value still lies under one.

    Waits for units of work that are about to commit values of this scope; those that come later are refused.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [services.FENCE, services.fence_of(scope)])
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM crypto_keywrap WHERE recipient_kind = 3 AND recipient_id = %s"
                " AND key_version < %s)",
                [scope, _newest(scope)],
            )
            (inner,) = cursor.fetchone()
        if inner or next(outdated(scope), None) is not None:
            return None
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM crypto_retire(%s)", [scope])
            return sorted(generation for (generation,) in cursor.fetchall())


def _newest(scope: UUID) -> int:
    newest = KeyScope.objects.filter(scope=scope).aggregate(models.Max("generation"))["generation__max"]
    return int(newest or 0)


@cache
def _tables() -> dict[int, list[_Table]]:
    """Return live and history tables by the number of the logical table; the live one first, as its rows are locked."""
    found: dict[int, list[_Table]] = {}
    scopes: dict[type[models.Model], str | None] = {}
    for model in sorted(apps.get_models(), key=lambda model: hasattr(model, "instance_type")):
        fields = tuple(sealed_fields(model))
        if not fields or model._meta.proxy:
            continue
        tracked: Any = getattr(model, "instance_type", None)
        live: Any = tracked if hasattr(tracked, "sealed_table") else model
        if live not in scopes:
            scopes[live] = scope_attribute(live)
        scope = scopes[live]
        if scope is None:
            continue  # the installation's own values keep their generation
        found.setdefault(fields[0].table, []).append(
            _Table(
                model=model,
                live=live is model,
                scope=scope,
                row=live._meta.pk.attname,
                fields=fields,
                file_keys=getattr(live, "wrapped_file_keys", {}),
            )
        )
    return found


def _column(model: type[models.Model], attribute: str) -> str:
    field: Any = model._meta.get_field(attribute)
    return str(field.column)


class _Held(NamedTuple):
    """A row that this transaction holds: its own id, that of the row it is or whose history it is, and ciphertexts."""

    key: UUID
    row: UUID
    sealed: list[bytes]  # in the order of `Table.columns`
    files: list[UUID]


def _hold(table: _Table, scope: UUID, rows: Sequence[UUID]) -> list[_Held]:
    files = [table.column(file_id) for file_id in table.file_keys.values()]
    key = table.model._meta.pk.attname
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM crypto_hold(%s::regclass, %s, %s, %s, %s, %s::uuid[], %s::name[], %s::name[])",
            [
                _quoted(table),
                *(table.column(name) for name in (key, table.row, table.scope)),
                scope,
                list(rows),
                table.columns,
                files,
            ],
        )
        return [_Held(key, row, [bytes(blob) for blob in sealed], list(ids)) for key, row, sealed, ids in cursor]


def _instance(table: _Table, scope: UUID, held: _Held) -> models.Model:
    """Return a row with its sealed values alone, for the trail: nothing else of it is ours to read."""
    instance = table.model(**{table.model._meta.pk.attname: held.key})
    setattr(instance, table.row, held.row)
    setattr(instance, table.scope, scope)
    for field, blob in zip(table.fields, held.sealed, strict=False):
        setattr(instance, field.attname, _in_place(field, blob, instance))
    return instance


def _in_place(field: SealedField, blob: bytes, instance: models.Model) -> Sealed:
    return Sealed(blob, field.table, field.field_id, field.origin_of(instance))


def _renew(table: _Table, scope: UUID, held: _Held, keys: ScopeKeyring, memo: dict[bytes, bytes]) -> Renewed:
    """Seal a held row's older values anew and store them; what does not open is left and counted."""
    newest, count = keys.newest, len(table.fields)
    before: dict[str, bytes] = {}
    failed = file_keys = 0
    for at, (column, blob) in enumerate(zip(table.columns, held.sealed, strict=True)):
        is_file = at >= count
        generation = envelope.generation_of_file_key(blob) if is_file else envelope.generation_of(blob)
        if generation >= newest.generation:
            continue
        try:
            if blob in memo:
                pass
            elif is_file:
                file = held.files[at - count]
                opened = envelope.unwrap_file_key(blob, keys=keys, file_id=file)
                memo[blob] = envelope.wrap_file_key(opened, key=newest, file_id=file)
            else:
                place = Place(table.fields[at].table, held.row, table.fields[at].field_id)
                value = envelope.open_(blob, keys=keys, place=place)
                memo[blob] = envelope.seal(value, key=newest, place=place)
                services.count_sealed(scope, newest.generation, memo[blob])
        except DecryptError:
            failed += 1
            continue
        before[column] = blob
        file_keys += is_file
    if before:
        _put(table, scope, held.key, before, [memo[blob] for blob in before.values()])
    return Renewed(len(before) - file_keys, file_keys, 0, failed)


def _put(table: _Table, scope: UUID, key: UUID, before: Mapping[str, bytes], after: Sequence[bytes]) -> None:
    """Write ciphertexts past the model: it is no change of the record, and leaves no row of history."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT crypto_reseal(%s::regclass, %s, %s, %s, %s, %s::name[], %s::bytea[], %s::bytea[])",
            [
                _quoted(table),
                table.column(table.model._meta.pk.attname),
                key,
                table.column(table.scope),
                scope,
                list(before),
                list(before.values()),
                list(after),
            ],
        )


def _quoted(table: _Table) -> str:
    return str(connection.ops.quote_name(table.model._meta.db_table))
