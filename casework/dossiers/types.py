"""What an export takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Export:
    """A dossier ready to leave. `content` is an age file; `sha256` is that of the PDF inside it."""

    file_name: str
    content: bytes = field(repr=False)
    pages: int
    sha256: str
    troubles: tuple[str, ...] = ()
