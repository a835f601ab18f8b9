"""Derive every case, or one, again from its facts."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.core import work
from casework.procedure import services


class Command(BaseCommand):
    """`rebuild_deadlines [--case REF]`: prints how many rows changed, 0 when all is well."""

    help = "Derives regime, stage, responsible state and time limits again from the facts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--case", metavar="REF", help="one case, by its reference")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with work.acting(work.system_actor()):
            ids = cases.ids_for_rebuild(options["case"])
        if options["case"] and not ids:
            raise CommandError("There is no case with this reference.", returncode=2)
        changed = 0
        for case_id in ids:
            with work.acting(work.system_actor()):
                changed += services.rebuild(case_id)
        with work.acting(work.system_actor()):
            audit.record("limits.rebuilt", body={"cases": len(ids), "changed": changed})
        if options["json"]:
            self.stdout.write(json.dumps({"cases": len(ids), "changed": changed}))
        else:
            self.stdout.write(f"{len(ids)} cases derived again, {changed} rows changed.")
