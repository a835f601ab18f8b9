"""The base of the sealed fields: place, sealing, opening, and what sealed columns do not do."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, cast
from uuid import UUID

from django import forms
from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Col
from django.db.models.signals import post_init
from django.db.models.sql.compiler import SQLAggregateCompiler, SQLCompiler, SQLDeleteCompiler, SQLUpdateCompiler
from django.utils.text import capfirst

from casework.crypto import envelope, services
from casework.crypto.envelope import DecryptError, Place, Value
from casework.crypto.fields._forms import opening
from casework.crypto.fields._opening import open_sealed
from casework.crypto.registry import TABLES
from casework.crypto.types import Origin, Plain, Sealed, SealedPlaceError, SealedValueLeak

if TYPE_CHECKING:
    from collections.abc import Sequence

    _Field = models.Field[Any, Any]
else:
    _Field = models.Field

SUFFIX: Final = "_sealed"


_NOT_SELECTING: Final = (SQLUpdateCompiler, SQLDeleteCompiler, SQLAggregateCompiler)


class RowCiphertexts(NamedTuple):
    """The sealed part of one row, for digests: logical table, row id, and (field id, ciphertext) by rising field id."""

    table: int
    row: UUID
    values: tuple[tuple[int, bytes], ...]


def ciphertexts(instance: models.Model) -> RowCiphertexts:
    """Return the stored ciphertexts of a live or history row; raises `SealedPlaceError` before it was saved."""
    fields = sealed_fields(type(instance))
    if not fields:
        msg = f"{type(instance).__name__} has no sealed fields."
        raise SealedPlaceError(msg)
    values = []
    for field in sorted(fields, key=lambda field: field.field_id):
        raw = getattr(instance, field.attname)
        if not isinstance(raw, Sealed):
            msg = f"{field} is not saved yet."
            raise SealedPlaceError(msg)
        values.append((field.field_id, raw.blob))
    return RowCiphertexts(fields[0].table, fields[0].row_of(instance), tuple(values))


class _Ciphertext(bytes):
    """What alone may reach a sealed column; made by `pre_save` after it has checked the place."""

    __slots__ = ()


class _SealedCol(Col):
    """A sealed column in SQL: selected with its row, and nothing else."""

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        query = compiler.query
        # The select list is compiled first: once it stands, what is compiled is a condition, an order or a group.
        whole_rows = query.default_cols and compiler.select is None and not isinstance(compiler, _NOT_SELECTING)
        if not whole_rows or any(_reads_sealed(part) for part in query.annotation_select.values()):
            msg = f"{self.target} is sealed: load its row and read the attribute."
            raise FieldError(msg)
        return super().as_sql(compiler, connection)


def _reads_sealed(expression: Any) -> bool:
    if isinstance(expression, _SealedCol):
        return True
    return any(_reads_sealed(part) for part in expression.get_source_expressions() if part is not None)


class _OpenedAttribute:
    """Reads and writes the plain value of a sealed field on an instance."""

    def __init__(self, field: SealedField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        raw = instance.__dict__.get(self.field.attname)
        if type(raw) is Sealed and raw.is_open():
            return raw.reveal()
        return self.field.opened(instance)

    def __set__(self, instance: models.Model, value: object) -> None:
        if isinstance(value, Sealed):
            self.field.check_movable(instance, value)
        elif not isinstance(value, Plain):
            value = Plain(cast("Value", value))
        instance.__dict__[self.field.attname] = value

    def raw(self, instance: models.Model) -> Sealed | Plain:
        """Return what the attribute holds without opening it."""
        return cast("Sealed | Plain", getattr(instance, self.field.attname))


class SealedField(_Field):
    """Base of the sealed fields. `field_id`: u16, unique in its table, never reused."""

    empty_strings_allowed = False
    empty: Value = None

    def __init__(self, *args: Any, field_id: int, **kwargs: Any) -> None:
        for option in ("null", "unique", "db_index", "primary_key"):
            if kwargs.get(option):
                # Presence is information (null is sealed too), and ciphertext has no equality or order.
                msg = f"A sealed field cannot have {option}."
                raise TypeError(msg)
        if not 0 < field_id < 1 << 16:
            msg = "field_id is a number from 1 to 65535."
            raise ValueError(msg)
        self.field_id = field_id
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        path = f"casework.crypto.fields.{type(self).__name__}"  # stays when the parts in here move
        kwargs["field_id"] = self.field_id
        for option in ("choices", "default"):
            kwargs.pop(option, None)  # the database knows neither, and a migration cannot seal a default
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "BinaryField"

    def get_attname(self) -> str:
        return f"{self.name}{SUFFIX}"

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        # simple-history renames its copies of fields to their raw attribute. Without this the copy would have another
        # column, and reading the opened value would give a plain one to the history.
        self.name = name = name.removesuffix(SUFFIX)
        tracked = getattr(cls, "instance_type", None)
        self._tracked: type[models.Model] | None = tracked if hasattr(tracked, "sealed_table") else None
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, _OpenedAttribute(self))
        if not cls._meta.abstract and (self._tracked or hasattr(cls, "sealed_table")):
            post_init.connect(_bind_loaded, sender=cls, dispatch_uid="casework.crypto.bind_loaded")

    # -- the place

    @property
    def table(self) -> int:
        """The number of the logical table: for a history row, that of the table whose history it is."""
        name = getattr(self._tracked or self.model, "sealed_table", None)
        number = TABLES.get(name) if isinstance(name, str) else None
        if number is None:
            msg = f"{self} belongs to no registered table; a data migration cannot open or save sealed rows."
            raise SealedPlaceError(msg)
        return number

    def row_of(self, instance: models.Model) -> UUID:
        """Return the row's id: for a history row, that of the row whose history it is."""
        row = instance.pk if self._tracked is None else getattr(instance, self._tracked._meta.pk.attname)
        if not isinstance(row, UUID):
            msg = f"{self} needs a row id made in advance, as a UUID."
            raise SealedPlaceError(msg)
        return row

    def origin_of(self, instance: models.Model) -> Origin:
        """Return row and key scope of an instance as they are now."""
        _ = self.table  # refuses models of migrations, which have no scope either
        row = self.row_of(instance)
        scope = (
            instance.sealed_scope()  # type: ignore[attr-defined]
            if self._tracked is None
            else self._tracked.sealed_scope(instance)  # type: ignore[attr-defined]
        )
        if not isinstance(scope, UUID):
            msg = f"{self} needs a key scope, as a UUID."
            raise SealedPlaceError(msg)
        return Origin(row, scope)

    def bind(self, sealed: Sealed, origin: Origin) -> None:
        """Tell a ciphertext just loaded where it came from."""
        sealed.table = self.table
        sealed.origin = origin

    def check_movable(self, instance: models.Model, sealed: Sealed) -> None:
        """Refuse early what can be known early: a ciphertext of another table, field or row."""
        other_row = (
            sealed.origin is not None and isinstance(instance.pk, UUID) and sealed.origin.row != self.row_of(instance)
        )
        if sealed.field_id != self.field_id or sealed.table not in (None, self.table) or other_row:
            self._refuse_place()

    def _refuse_place(self) -> NoReturn:
        msg = f"A ciphertext of another place was given to {self}: open it there and assign the value here."
        raise SealedPlaceError(msg) from None

    # -- opening and sealing

    def opened(self, instance: models.Model) -> Value:
        """Return the plain value of an instance, opening it if need be."""
        raw = getattr(instance, self.attname)  # loads a deferred column
        if isinstance(raw, Plain):
            return raw.reveal()
        if not isinstance(raw, Sealed):
            return cast("Value", raw)  # an expression on its way to a refusal
        if raw.origin is None:
            self.bind(raw, self.origin_of(instance))
        return open_sealed(raw)

    def pre_save(self, model_instance: models.Model, add: bool) -> _Ciphertext:
        raw = getattr(model_instance, self.attname)
        origin = self.origin_of(model_instance)
        if isinstance(raw, Plain):
            raw = self._sealed(raw, origin)
            setattr(model_instance, self.attname, raw)
        elif not isinstance(raw, Sealed):
            msg = f"{self} takes ciphertext; assign plain values to {self.name}."
            raise SealedPlaceError(msg)
        elif raw.origin is None:
            # Loaded with some columns only, so that its origin was not noted: the cipher itself tells.
            self.bind(raw, origin)
            try:
                open_sealed(raw)
            except DecryptError:
                raw.origin = None
                self._refuse_place()
        if raw.origin != origin or raw.field_id != self.field_id or raw.table != self.table:
            self._refuse_place()
        services.note_stored(origin.scope, envelope.generation_of(raw.blob))
        return _Ciphertext(raw.blob)

    def _sealed(self, plain: Plain, origin: Origin) -> Sealed:
        value = cast("Value", self.to_python(plain.reveal()))
        key = services.key_to_seal(origin.scope)
        place = Place(self.table, origin.row, self.field_id)
        blob = envelope.seal(value, key=key, place=place)
        services.count_sealed(origin.scope, key.generation, blob)
        sealed = Sealed(blob, place.table, self.field_id, origin)
        sealed.remember(value)
        return sealed

    def from_db_value(self, value: Any, expression: object, connection: object) -> Sealed | None:
        # None comes only from the empty side of an outer join.
        return None if value is None else Sealed(bytes(value), None, self.field_id)

    def get_default(self) -> Any:
        return Plain(super().get_default() if self.has_default() else self.empty)

    # -- validation and forms

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        if isinstance(value, Sealed):
            return value  # it was valid when it was sealed
        plain = value.reveal() if isinstance(value, Plain) else value
        if self.blank and plain in self.empty_values:
            return Plain(self.empty)
        return Plain(super().clean(plain, model_instance))

    def value_from_object(self, obj: models.Model) -> Sealed | Plain:
        raw = getattr(obj, self.attname)
        if isinstance(raw, Sealed) and raw.origin is None:
            self.bind(raw, self.origin_of(obj))
        return cast("Sealed | Plain", raw)

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        raw = getattr(instance, self.attname)
        # What a form did not change keeps its bytes: the history then shows no change either.
        if isinstance(raw, Sealed):
            before = self.opened(instance)
            if type(before) is type(data) and before == data:
                return
        setattr(instance, self.name, data)

    def formfield(self, form_class: Any = None, choices_form_class: Any = None, **kwargs: Any) -> Any:
        options: dict[str, Any] = {
            "required": not self.blank,
            "label": capfirst(self.verbose_name),
            "help_text": self.help_text,
        }
        if self.has_default():
            options["initial"] = super().get_default()
        return opening(form_class or self.form_class)(**options | self.form_options() | kwargs)

    form_class: type[forms.Field] = forms.CharField

    def form_options(self) -> dict[str, Any]:
        """Return what this field adds to its form field's arguments."""
        return {}

    # -- what sealed columns do not do

    def get_prep_value(self, value: Any) -> NoReturn:
        msg = f"{self} takes ciphertext from a saved instance only, not through update(), bulk_update() or raw values."
        raise SealedPlaceError(msg)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        # None is how a migration says "no default": it adds the column to an empty table and fails on any other. From
        # update() it does not get past `get_placeholder`.
        return None if value is None else super().get_db_prep_save(value, connection)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if type(value) is not _Ciphertext:
            self.get_prep_value(value)
        return connection.Database.Binary(value)

    def get_placeholder(self, value: Any, compiler: SQLCompiler, connection: Any) -> str:
        # The only place that sees what update() sets a column to when that is an expression, such as Value("plain").
        if value is None or hasattr(value, "as_sql"):
            self.get_prep_value(value)
        # Sealed for the row as it is given; the one it meets may belong to another scope, and would never open again.
        if self in getattr(compiler.query, "update_fields", ()):
            msg = f"{self} cannot be written over a row that it meets on the way: load the row, and save it."
            raise SealedPlaceError(msg)
        return "%s"

    def get_col(self, alias: str, output_field: Any = None) -> Col:
        return _SealedCol(alias, self, output_field)

    def get_lookup(self, lookup_name: str) -> NoReturn:
        msg = f"{self} is sealed: its column cannot be filtered or compared."
        raise FieldError(msg)

    def get_transform(self, lookup_name: str) -> NoReturn:
        self.get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> NoReturn:
        msg = f"{self} is sealed and not serialised; backups take the database as it is."
        raise SealedValueLeak(msg)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found = super().check(**kwargs)
        if any(self.name in names or self.attname in names for names in self._compared_names()):
            found.append(
                checks.Error("A sealed field is part of an index, ordering or unique set.", obj=self, id="crypto.E001")
            )
        return found

    def _compared_names(self) -> list[Sequence[str]]:
        meta = self.model._meta
        names: list[Sequence[str]] = [index.fields for index in meta.indexes]
        names += [getattr(constraint, "fields", ()) for constraint in meta.constraints]
        names += meta.unique_together
        names.append([str(name).lstrip("-") for name in meta.ordering or ()])
        return names


@cache
def sealed_fields(model: type[models.Model]) -> list[SealedField]:
    return [field for field in model._meta.concrete_fields if isinstance(field, SealedField)]


def _bind_loaded(sender: type[models.Model], instance: models.Model, **_kwargs: object) -> None:
    """Note on each ciphertext just loaded which row and scope it came with: a later move is then noticed unopened."""
    loaded = instance.__dict__
    # Where columns were left out, the scope may be among them, and finding it would cost a query for each row.
    partial = len(loaded) <= len(sender._meta.concrete_fields)
    origin: Origin | None = None
    for field in sealed_fields(sender):
        raw = loaded.get(field.attname)
        if type(raw) is not Sealed or raw.origin is not None or raw.loose:
            continue
        if partial:
            raw.loose = True
        else:
            origin = origin or field.origin_of(instance)
            field.bind(raw, origin)
