"""Derive every open case, or one, again from its facts; or show what that would move."""

import json
import multiprocessing
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from casework.cases import selectors as cases
from casework.core import work
from casework.procedure import rebuilding
from casework.procedure.rebuilding import Run, Totals
from casework.procedure.types import Move

_MOST_WORKERS = 32


class Command(BaseCommand):
    """`rebuild_deadlines [--case REF] [--dry-run] [--workers N]`: prints how many rows changed, 0 when all is well.

    Exit code 1: a dry run found limits that would move, a case could not be derived, or a newer run took over.
    """

    help = (
        "Derives regime, stage, responsible state and time limits of all open cases again from the facts, as after a"
        " change of law. Cut off, it goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--case", metavar="REF", help="one case, by its reference, open or closed")
        parser.add_argument("--dry-run", action="store_true", help="store nothing; show which limits would move")
        parser.add_argument("--workers", type=int, default=1, metavar="N", help="how many processes share the work")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["workers"] <= _MOST_WORKERS:
            raise CommandError(f"--workers takes a number from 1 to {_MOST_WORKERS}.", returncode=2)
        case_id = self._case(options["case"])
        if options["dry_run"]:
            found = self._preview(case_id, as_json=options["json"])
        else:
            found = self._rebuild(case_id, options["workers"], as_json=options["json"])
        if found:
            sys.exit(1)

    def _case(self, reference: str | None) -> UUID | None:
        if reference is None:
            return None
        with work.acting(work.system_actor()):
            case_id = cases.id_of_reference(reference)
        if case_id is None:
            raise CommandError("There is no case with this reference.", returncode=2)
        return case_id

    # -- for real

    def _rebuild(self, case_id: UUID | None, workers: int, *, as_json: bool) -> bool:
        told: dict[str, Any] = {}
        if case_id is not None:
            totals = rebuilding.rebuild_case(case_id)
        else:
            run = rebuilding.begin()
            if run.resumed:
                told = {"gone_on_from": run.began_at.isoformat(), "parts_done_before": run.done}
                began = run.began_at.strftime("%Y-%m-%d %H:%M UTC")
                text = f"Going on with the run of {began}: {run.done} of {run.parts} parts were done."
                (self.stderr if as_json else self.stdout).write(text)
            totals = _together(run, workers)
        failed = self._references(totals.failed)
        if as_json:
            counts = {"cases": totals.looked, "changed": totals.changed, "moved": totals.moved}
            self.stdout.write(json.dumps({**counts, "failed": failed, "superseded": totals.superseded, **told}))
        else:
            self.stdout.write(f"{totals.looked} cases derived again, {totals.changed} rows changed.")
            if totals.moved:
                self.stdout.write(f"Limits of {totals.moved} cases moved; those who lead them are told.")
            self._say_failed(failed)
            if totals.superseded:
                self.stdout.write("A newer run took the place of this one before all was done; it does the rest.")
        return bool(failed) or totals.superseded

    def _references(self, failed: Iterable[UUID]) -> list[str]:
        with work.acting(work.system_actor()):
            return sorted(case.reference for case in cases.clear_columns(failed).values())

    def _say_failed(self, failed: Iterable[str]) -> None:
        for reference in failed:
            self.stdout.write(f"{reference}: could not be derived and was left as it is; the log has the reason.")

    # -- to see

    def _preview(self, case_id: UUID | None, *, as_json: bool) -> bool:
        looked = moved = count = 0
        failed: list[UUID] = []
        rebuilding.note_preview(case_id)
        # Written as it is found: among many cases, much may move.
        if as_json:
            self.stdout.write('{"moves": [', ending="")
        for seen, moves, unsound in rebuilding.preview(case_id):
            looked += seen
            moved += len({reference for reference, _move in moves})
            failed += unsound
            for reference, move in moves:
                line = json.dumps(_members(reference, move)) if as_json else _line(reference, move)
                self.stdout.write((", " if as_json and count else "") + line, ending="" if as_json else None)
                count += 1
        references = self._references(failed)
        if as_json:
            rest = {"cases": looked, "moved": moved, "limits": count, "failed": references}
            self.stdout.write("], " + json.dumps(rest)[1:])
        else:
            self.stdout.write(f"{looked} cases looked at, nothing stored: {count} limits of {moved} cases would move.")
            self._say_failed(references)
        return bool(count or failed)


def _together(run: Run, workers: int) -> Totals:
    """Do a run in several processes, of which this is one; a process that dies leaves its part to the others."""
    # A connection must not be shared with a child; each opens its own.
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    helpers = [fork.Process(target=rebuilding.work_on, args=(run,)) for _ in range(workers - 1)]
    for helper in helpers:
        helper.start()
    rebuilding.work_on(run)
    for helper in helpers:
        helper.join()
    return rebuilding.finish(run)


def _members(reference: str, move: Move) -> dict[str, Any]:
    return {
        "case": reference,
        "rule": move.rule,
        "reading": move.reading or None,
        "change": move.kind,
        "was": move.was.isoformat() if move.was else None,
        "now": move.now.isoformat() if move.now else None,
        "days": move.days,
    }


def _line(reference: str, move: Move) -> str:
    name = f"{move.rule} (reading {move.reading})" if move.reading else move.rule
    was, now = _shown(move.was), _shown(move.now)
    if move.kind == "new":
        return f"{reference}  {name}: new, ends {now}"
    if move.kind == "gone":
        return f"{reference}  {name}: no longer stands, ended {was}"
    return f"{reference}  {name}: {was} -> {now} ({move.days:+d} days)"


def _shown(due: date | datetime | None) -> str:
    if isinstance(due, datetime):
        return due.strftime("%Y-%m-%d %H:%M %Z")
    return due.isoformat() if due else ""
