"""The history of rows: the only door to django-simple-history.

A history row holds the same sealed bytes as the live row had, under the same place, so it opens with the same key and
dies with it. Who changed it is an id; why is a short code. What goes around `save()` and `delete()` would leave no
history, so managers of tracked models refuse it: `bulk(...)` does many rows at once, history included.

Each version names the request that wrote it, which is also that of its entry in the trail, and is signed: the MAC is
over all that stands in the clear and over the digest of the sealed fields as they were then. A renewed key seals those
bytes anew; the trail then has an entry about the version itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

from django.db import models, transaction
from django.dispatch import receiver
from simple_history.models import HistoricalChanges, HistoricalRecords
from simple_history.signals import pre_create_historical_record

from casework.audit import chain, services
from casework.core import clock, ids, work
from casework.crypto import services as crypto
from casework.crypto.fields import sealed_fields

_REASON = re.compile(r"[a-z][a-z0-9_.]{0,39}|")
_SIGNED: Final = b"cw/h1"


class BulkRefused(TypeError):
    """An operation on a tracked model would have left no history."""


class HistoryRow(HistoricalChanges):  # the library has no types
    """What history rows can do besides being rows; here so that migrations name this area and not the library."""

    request_id: UUID | None
    digest: bytes | None
    mac: bytes | None

    def sign(self) -> None:
        """Note the running request and the digest of the sealed fields, and sign the version; it is about to be saved.

        Raises:
            NoActor: outside a unit of work.
        """
        self.request_id = work.current().actor.request_id
        self.digest = services.row_digest(self)
        self.mac = chain.event_mac(crypto.audit_mac_key(), self._signed())

    def is_signed(self) -> bool:
        """Say whether the application wrote the version as it stands, its sealed fields aside; False without a MAC."""
        return self.mac is not None and any(
            chain.event_mac(key, self._signed()) == bytes(self.mac) for key in crypto.audit_mac_keys()
        )

    def _signed(self) -> bytes:
        """Return the MAC input: table, then what stands in the clear, as JSON (docs/formats-audit.md).

        Empty values are left out, so that a column that comes later and is empty on older rows breaks no MAC. Neither
        is a file's wrapped key in it, which a renewed key wraps again.
        """
        model: Any = type(self)
        apart = {"mac", *(field.attname for field in sealed_fields(model))}
        apart.update(getattr(self.instance_type, "wrapped_file_keys", ()))
        clear = {
            field.attname: _plain(value)
            for field in self._meta.concrete_fields
            if field.attname not in apart and (value := getattr(self, field.attname))
        }
        told = json.dumps(clear, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return b"\n".join((_SIGNED, self._meta.db_table.encode(), told.encode()))


def _plain(value: Any) -> Any:
    match value:
        case bytes() | memoryview():
            return bytes(value).hex()
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case bool() | int():
            return value
        case _:
            return str(value)


class Records(HistoricalRecords):
    """History as this house keeps it: random ids, the actor's id, a reason code, no foreign key enforced."""

    def __init__(self) -> None:
        super().__init__(
            inherit=True,
            history_id_field=models.UUIDField(default=ids.new_id),
            history_change_reason_field=models.CharField(max_length=40, blank=True),
            history_user_id_field=models.UUIDField(null=True),
            history_user_getter=_history_user,
            history_user_setter=_set_history_user,
            get_user=_actor,
        )
        self.bases = (HistoryRow, models.Model)

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        """Return the history table's options: those of the library, and no permissions of its own."""
        return {**super().get_meta_options(model), "default_permissions": ()}

    def get_extra_fields(self, model: type[models.Model], fields: dict[str, Any]) -> dict[str, Any]:
        """Return the history table's own columns; its text is the id, never the tracked row's."""
        return {
            **super().get_extra_fields(model, fields),
            # Of rows from before they were signed, all three are null.
            "request_id": models.UUIDField(null=True, editable=False),
            "digest": models.BinaryField(null=True, max_length=chain.HASH_BYTES),
            "mac": models.BinaryField(null=True, max_length=chain.MAC_BYTES),
            "__str__": _history_text,
        }

    def get_change_reason_for_object(self, instance: models.Model, history_type: str, using: str | None) -> str:
        """Return the reason code noted on the row, or an empty one."""
        return _reason_of(instance)

    def create_historical_record(self, instance: models.Model, history_type: str, using: str | None = None) -> None:
        """Write one history row at the time of the house's clock."""
        instance._history_date = clock.now()  # type: ignore[attr-defined]
        try:
            super().create_historical_record(instance, history_type, using)
        finally:
            # A reason is that of one change: the next save of the same instance must not carry it on.
            del instance._history_date  # type: ignore[attr-defined]
            instance.__dict__.pop("_change_reason", None)


@receiver(pre_create_historical_record)
def _sign(history_instance: models.Model, **_: object) -> None:
    if isinstance(history_instance, HistoryRow):
        history_instance.sign()


def _history_text(row: Any) -> str:
    return f"history {row.history_id}"


def _history_user(row: Any) -> UUID | None:
    user: UUID | None = row.history_user_id
    return user


def _set_history_user(row: Any, user: UUID | None) -> None:
    row.history_user_id = user


def _actor(**_: object) -> UUID | None:
    return work.current().actor.user_id


def _reason_of(instance: models.Model) -> str:
    reason: str = getattr(instance, "_change_reason", "")
    return reason


def _check_reason(reason: str) -> None:
    if not _REASON.fullmatch(reason):
        raise ValueError("a history reason is a short lower-case code; free words belong into a sealed field")


class TrackedQuerySet(models.QuerySet[Any]):
    """A queryset without the operations that would leave no history."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise BulkRefused(f"{self.model.__name__} keeps a history: save rows one by one, or use audit.history.bulk()")

    update = _refuse
    bulk_create = _refuse
    bulk_update = _refuse
    delete = _refuse
    update.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


TrackedManager = models.Manager.from_queryset(TrackedQuerySet, "TrackedManager")


class Tracked(models.Model):
    """Base of every model whose earlier versions are kept, in a table of its own beside it."""

    history = Records()
    objects = TrackedManager()

    class Meta:
        abstract = True


def because(row: Tracked, reason: str) -> None:
    """Note the reason code that the next history row of `row` carries."""
    _check_reason(reason)
    row._change_reason = reason  # type: ignore[attr-defined]


def bulk(
    model: type[Tracked],
    *,
    create: Sequence[Tracked] = (),
    update: Sequence[Tracked] = (),
    fields: Collection[str] = (),
    delete: Sequence[Tracked] = (),
    reason: str = "",
) -> None:
    """Create, update and delete many rows of one model with three statements and their history with three more.

    The entry in the trail stays the caller's, who knows what the rows mean: `services.record(...)` once for the whole.
    Sealed fields cannot be among `fields`: they are sealed by `save()`.

    Raises:
        ValueError: `update` without `fields`, rows of another model, or a reason that is no code.
    """
    rows = [*create, *update, *delete]
    if any(type(row) is not model for row in rows) or bool(update) != bool(fields):
        raise ValueError("bulk() takes rows of one model, and the fields of those to update")
    _check_reason(reason)
    plain: models.QuerySet[Any] = models.QuerySet(model)
    with transaction.atomic():
        if create:
            plain.bulk_create(create)
        if update:
            plain.bulk_update(update, list(fields))
        for kind, changed in (("+", create), ("~", update), ("-", delete)):
            _write_history(model, kind, changed, reason)
        if delete:
            plain.filter(pk__in=[row.pk for row in delete])._raw_delete(plain.db)


def _write_history(model: type[Tracked], kind: str, rows: Sequence[Tracked], reason: str) -> None:
    if not rows:
        return
    history: Any = model.history.model
    at, who = clock.now(), work.current().actor.user_id
    versions = [
        history(
            history_date=at,
            history_type=kind,
            history_user_id=who,
            history_change_reason=reason,
            **{field.attname: getattr(row, field.attname) for field in history.tracked_fields},
        )
        for row in rows
    ]
    for version in versions:
        version.sign()
    history.objects.bulk_create(versions)
