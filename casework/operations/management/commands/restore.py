"""Restore a backup into an empty system, or try one out."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from casework.crypto.keyring import RootKeyError
from casework.operations import restoring
from casework.operations.restoring import NotEmpty, Restored, RestoreFailed


class Command(BaseCommand):
    """`restore PATH [--data STAMP] [--verify]`: exit code 1 on a finding, 2 when it could not begin."""

    help = "Restores data of any age with the newest keys into an empty system; --verify only tries it out."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", type=Path, help="the folder of the backups")
        parser.add_argument("--data", metavar="STAMP", default="", help="the data set to take (the newest)")
        parser.add_argument(
            "--verify", action="store_true", help="restore into the scratch database, check, and empty it again"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["path"].absolute()
        try:
            if options["verify"]:
                restored = restoring.verify(path, data=options["data"])
            else:
                restored = restoring.restore(path, data=options["data"])
        except (NotEmpty, RootKeyError) as error:
            raise CommandError(str(error), returncode=2) from None
        except RestoreFailed as error:
            raise CommandError(str(error), returncode=1) from None
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not restored.findings, **asdict(restored)}, default=str))
        else:
            for line in _in_words(restored, verify=options["verify"]):
                self.stdout.write(line)
        if restored.findings:
            raise SystemExit(1)


def _in_words(restored: Restored, *, verify: bool) -> list[str]:
    lines = [
        f"Data of {restored.data} with the keys of {restored.keys}: {restored.rows} rows in {restored.tables} tables, "
        f"{restored.files} files, {restored.wraps} wraps, in {restored.seconds} seconds.",
        f"{restored.trail_entries} entries of the audit trail verified.",
    ]
    if restored.erased:
        lines.append(f"{len(restored.erased)} cases that were erased after the data were saved were erased again.")
    lines += [f"Opened: {count} {kind}." for kind, count in restored.opened.items()]
    lines += [f"BAD {finding}" for finding in restored.findings]
    if verify:
        lines.append("The scratch database is empty again." if not restored.findings else "Do not rely on this backup.")
    else:
        lines.append(f"Restored into this system; files in {settings.CASEWORK_FILES_DIR}. Everybody signs in again.")
    return lines
