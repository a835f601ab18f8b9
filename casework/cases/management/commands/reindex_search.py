"""Bring what cases are found by up to date, or switch how searches are answered."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.audit import services as audit
from casework.cases import indexing
from casework.core import work


class Command(BaseCommand):
    """`reindex_search [--mode scan|index] [--new-key]`: cut off, the next run goes on where it stopped."""

    help = (
        "Makes the search fields of older versions anew and, in mode index, the tokens that are missing. --mode"
        " switches between opening the visible cases for each search (scan) and keyed tokens (index). Searches are"
        " answered completely throughout."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mode", choices=["scan", "index"], help="switch to this mode; else the mode stays")
        parser.add_argument(
            "--new-key", action="store_true", help="in mode index: make all tokens again under a new index key"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = indexing.mode()
        # An index that is being filled, or one under older rules, was asked for and is not finished.
        wanted = options["mode"] or ("index" if now.version or now.filling else "scan")
        if wanted == "scan" and options["new_key"]:
            raise CommandError("--new-key needs mode index.", returncode=2)
        with work.acting(work.system_actor()):
            audit.record("command.run", body={"command": "reindex_search", "wanted": wanted})
        done: dict[str, Any] = {"tokens_made": 0, "tokens_deleted": 0, "fields_renewed": 0}
        if wanted == "scan":
            done["tokens_deleted"] = indexing.use_scan(progress=self._tell("Tokens of %s cases deleted."))
            done["fields_renewed"] = indexing.refresh(progress=self._tell("Search fields of %s cases renewed."))
        else:
            done["tokens_made"] = indexing.use_index(
                new_key_wanted=options["new_key"], progress=self._tell("Tokens of %s cases made.")
            )
        now = indexing.mode()
        if options["json"]:
            self.stdout.write(json.dumps({"mode": now.name, "index_key": now.version, **done}))
            return
        key = f", key {now.version}" if now.version else ""
        self.stdout.write(
            f"Mode {now.name}{key}. Cases: tokens made {done['tokens_made']}, tokens deleted {done['tokens_deleted']},"
            f" search fields renewed {done['fields_renewed']}."
        )

    def _tell(self, sentence: str) -> indexing.Progress:
        return lambda done: self.stderr.write(sentence % done)
