"""What the leak test may find, and why. The documentation has the same table; a test compares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.house.leaks.places import Looked
from tests.house.leaks.searching import Hit

DOCUMENT: Final = Path(__file__).resolve().parents[3] / "docs" / "threat-model.md"
DATABASE: Final = ("database, whole dump", "database, files on disk", "database, write-ahead log")
OTHERS: Final = "pages shown to others"
HEADERS: Final = "headers of all answers"


@dataclass(frozen=True)
class Allowed:
    """Some inputs that stay readable at some places; `inputs` are patterns of whole keys."""

    what: str
    inputs: tuple[str, ...]
    places: tuple[str, ...]
    why: str
    always: bool = True
    """Whether every run finds it: what is gone again after minutes may be overwritten by then."""

    def covers(self, key: str, place: str) -> bool:
        """Tell whether this lets the secret of an input stand at a place."""
        return place in self.places and self.names(key)

    def names(self, key: str) -> bool:
        """Tell whether this is about the secret of an input."""
        return any(re.fullmatch(pattern, key) for pattern in self.inputs)


ALLOWED: Final = (
    Allowed(
        "e-mail addresses of colleagues, and of people who were invited",
        ("invitation email", r"InviteForm\.email", r"LoginForm\.login", r"command create_user email.*"),
        (*DATABASE, "sessions, decoded", "mail, as sent and decoded", OTHERS),
        "sign-in looks people up by their address; mail needs one; an administrator sees who was invited",
    ),
    Allowed(
        "names of colleagues",
        (r"AcceptInvitationForm\.name", r"ProfileForm\.name"),
        (*DATABASE, OTHERS),
        "lists and the trail name who did what",
    ),
    Allowed(
        "names of teams",
        (r"command create_user --team", r"TeamForm\.name"),
        (*DATABASE, OTHERS),
        "an organisation's own division of work",
    ),
    Allowed(
        "a colleague's public key for dossiers",
        (r"ProfileForm\.age_recipient",),
        DATABASE,
        "it is public: it encrypts, and opens nothing",
        # Saving it may ask for the second factor again first, and then it is not stored yet.
        always=False,
    ),
    Allowed(
        "the link to set a new password",
        ("password reset token",),
        ("mail, as sent and decoded", "sessions, decoded", *DATABASE),
        "the mail is what brings it; the session holds it until it was used, and it works once",
    ),
    Allowed(
        "the key of an app for codes, while it is being set up",
        ("TOTP secret",),
        DATABASE,
        "the session holds it until the first code was entered; afterwards it is sealed to its owner",
        always=False,
    ),
    Allowed(
        "the name of a downloaded file",
        (r"DocumentForm\.upload",),
        (HEADERS,),
        "the browser of whoever may read the document is told under which name to save it",
    ),
    Allowed(
        "the session's cookie", ("session cookie",), (HEADERS,), "its own browser is given it; the table has a digest"
    ),
)


def unexplained(looked: Iterable[Looked]) -> dict[str, list[Hit]]:
    """Return the finds that no entry of the list explains, by place."""
    found: dict[str, list[Hit]] = {}
    for one in looked:
        for hit in one.hits:
            if not any(entry.covers(hit.key, one.place) for entry in ALLOWED):
                found.setdefault(one.place, []).append(hit)
    return found


def unused(looked: Iterable[Looked]) -> list[str]:
    """Return the entries that explain nothing: what does not stay visible any more must not be said to."""
    hits = [(hit.key, one.place) for one in looked for hit in one.hits]
    return [entry.what for entry in ALLOWED if entry.always and not any(entry.covers(*hit) for hit in hits)]


def table() -> str:
    """Return the list as the documentation has it."""
    lines = ["| what | where | why |", "|---|---|---|"]
    lines += [f"| {entry.what} | {'; '.join(entry.places)} | {entry.why} |" for entry in ALLOWED]
    return "\n".join(lines)
