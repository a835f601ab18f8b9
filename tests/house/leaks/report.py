"""The table of one run: where was searched, how much, what was found."""

from __future__ import annotations

from tests.house.leaks import allowed
from tests.house.leaks.run import Found

COMMAND = "python -m tests.house.leaks > docs/leaks.md"

_HEAD = f"""# The leak test

Written by `{COMMAND}`. `tests/house/test_leaks.py` runs the same and fails on anything unexplained.

The application runs as `make demo` starts it: gunicorn, Celery worker and beat, the sealer, PostgreSQL and Redis, all
logging as much as they can. A secret goes into every input: each field of each form, rightly and wrongly, each free
text of each fact, files and their names, search words, addresses, headers, commands, exceptions on every path. Then
every place is searched for them, in UTF-8, UTF-16, Windows-1251, KOI8-R, base64 at three offsets, hex,
quoted-printable, percent-encoding, JSON, HTML and Python escapes, composed and decomposed, and inside what zlib and
gzip pressed. What may be found, and why, is listed in the [threat model](threat-model.md#what-the-leak-test-may-find).
"""

_FOOT = """
Freed memory is not wiped: Python gives no way to do it. What a request or a task had opened stays in the process until
something else is written over it, so whoever can read the memory of the running server can read what was lately open
there ([not defended](threat-model.md#not-defended)). No live object holds any of it.
"""


def page(found: Found) -> str:
    """Return the whole page."""
    return f"{_HEAD}\n{table(found)}{_FOOT}"


def table(found: Found) -> str:
    """Return the table as Markdown."""
    planted = len({secret.typed for secret in found.journey.book.planted.values()})
    looked, live, in_memory = found.looked, found.live, found.in_memory
    lines = [
        f"{planted} secrets, in {len(found.journey.book.planted)} inputs.",
        "",
        "| where | bytes searched | secrets found | of these explained |",
    ]
    lines.append("|---|---|---|---|")
    for one in looked:
        keys = {hit.key for hit in one.hits}
        explained = {key for key in keys if any(entry.covers(key, one.place) for entry in allowed.ALLOWED)}
        lines.append(f"| {one.place} | {one.bytes:,} | {len(keys)} | {len(explained)} |")
    lines.append(f"| all places together | {sum(one.bytes for one in looked):,} | | |")
    for part in sorted({one.part for one in live}):
        held = {name for one in live if one.part == part for name in one.objects}
        lines.append(f"| live objects of {part} after the last request or task | | {len(held)} | 0 |")
    for one in in_memory:
        keys = {hit.key for hit in one.hits}
        lines.append(f"| {one.place} when idle, freed memory included | {one.bytes:,} | {len(keys)} | see below |")
    return "\n".join(lines) + "\n"
