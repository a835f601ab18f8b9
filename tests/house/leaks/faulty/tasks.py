"""Tasks of the leak test: one that breaks with an opened case in its hands, one that counts what is still held."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import UUID

from celery import shared_task
from django.conf import settings

from casework.cases.models import Case
from casework.core import work
from tests.house.leaks.faulty import census


def summary_of(case_id: UUID) -> str:
    """Open a case as the machine's own principal and return its summary."""
    with work.acting(work.Actor(None, kind="system")):
        return str(Case.objects.get(pk=case_id).summary)


@shared_task(name="faulty.fail")
def fail(case_id: str) -> None:
    """Raise with the case's own words in the exception and in a local variable."""
    summary = summary_of(UUID(case_id))
    raise RuntimeError(f"cannot derive: {summary}")


@shared_task(name="faulty.census")
def count(number: str) -> None:
    """Count for the list in `census-1.json` in the folder of temporary files; the answer becomes a file."""
    folder = Path(settings.CASEWORK_MAILBOX_DIR).parent / "tmp"
    hidden = json.loads((folder / "census-1.json").read_text())
    answer = {"pid": os.getpid(), "held": census.held(hidden)}
    part = folder / f"answer-{number}-{os.getpid()}.part"
    part.write_text(json.dumps(answer))
    part.rename(part.with_suffix(".json"))
