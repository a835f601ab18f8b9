"""Records that hold what was opened: they show nothing of it where a program shows its values."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex


class Hidden:
    """Base of dataclasses (made with `repr=False`) of opened values: not in a trace, a log, a cache or a message.

    JSON refuses a dataclass by itself.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        msg = f"{type(self).__name__} holds opened values, and does not leave its process."
        raise TypeError(msg)
