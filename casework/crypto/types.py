"""Values that hide themselves, and what can go wrong with them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, NoReturn, TypeVar, final

if TYPE_CHECKING:
    from uuid import UUID

    from casework.crypto.envelope import Value

T = TypeVar("T")

HIDDEN: Final = "<hidden>"
SEALED: Final = "<sealed>"


class SealedPlaceError(Exception):
    """A ciphertext was about to be stored where it does not belong, or a plain value where only ciphertext may go."""


class SealedValueLeak(TypeError):
    """A sealed or secret value was about to leave by pickling, serialising or copying out of the database."""


class KeyUnavailable(Exception):
    """There is no key for this scope here: it does not exist, was erased, or is not for this server."""


class StaleKeys(Exception):
    """A value was about to be stored under a generation of a key that was retired since its row was read."""


class KeyWornOut(Exception):
    """A key has sealed as many values as is safe, and could not be renewed here."""


class _Hidden:
    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return str(self)

    def _refuse(self, *_: object) -> NoReturn:
        msg = "Sealed and secret values are never pickled or serialised."
        raise SealedValueLeak(msg)

    __reduce__ = __reduce_ex__ = __getstate__ = _refuse


@final
class Secret(_Hidden, Generic[T]):
    """Holds a value that must not appear in a log, a traceback or a message; `reveal()` gives it."""

    __slots__ = ("__value",)

    def __init__(self, value: T) -> None:
        self.__value = value

    def reveal(self) -> T:
        """Return the value."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)


@final
class Plain(_Hidden):
    """A value that was assigned to a sealed attribute and is not sealed yet."""

    __slots__ = ("__value",)

    def __init__(self, value: Value) -> None:
        # A copy: what the caller does to a list afterwards is not what was assigned.
        self.__value = copy.deepcopy(value)

    def reveal(self) -> Value:
        """Return the value; lists and dicts as a copy."""
        return copy.deepcopy(self.__value) if isinstance(self.__value, dict | list) else self.__value

    def __copy__(self) -> Plain:
        return self

    def __deepcopy__(self, memo: object) -> Plain:
        return self


class Origin(NamedTuple):
    """The row and key scope that a ciphertext was loaded from or sealed for."""

    row: UUID
    scope: UUID


_UNOPENED: Final = object()


@final
class Sealed(_Hidden):
    """The ciphertext of one attribute, with the place that it belongs to; its text is `<sealed>`."""

    __slots__ = ("__value", "blob", "field_id", "loose", "origin", "table")

    def __init__(self, blob: bytes, table: int | None, field_id: int, origin: Origin | None = None) -> None:
        self.blob = blob
        self.table = table
        self.field_id = field_id
        self.origin = origin
        self.loose = False  # loaded without the columns that tell its origin: only opening it can
        self.__value: object = _UNOPENED

    def __repr__(self) -> str:
        return SEALED

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sealed):
            return NotImplemented
        return self.blob == other.blob

    def __hash__(self) -> int:
        return hash(self.blob)

    def __copy__(self) -> Sealed:
        return self

    def __deepcopy__(self, memo: object) -> Sealed:
        return self

    def is_open(self) -> bool:
        """Say whether the value was opened already."""
        return self.__value is not _UNOPENED

    def remember(self, value: Value) -> None:
        """Keep the opened value for as long as this object lives."""
        self.__value = value

    def reveal(self) -> Value:
        """Return the opened value, lists and dicts as a copy; call only when `is_open()`."""
        value = self.__value
        return copy.deepcopy(value) if isinstance(value, dict | list) else value  # type: ignore[return-value]
