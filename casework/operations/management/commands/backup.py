"""Make an encrypted backup: data, files, and keys apart."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.crypto.keyring import RootKeyError
from casework.operations import backups
from casework.operations.backup_sets import BadBackup
from casework.operations.backups import BackupFailed
from casework.operations.clients import ClientError


class Command(BaseCommand):
    """`backup PATH`: exit code 1 when there is no backup, or something about the older ones needs a look."""

    help = "Writes PATH/data (database without keys, files) and PATH/keys (wrapping keys and wraps, kept for 14 days)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="PATH", type=_folder, help="the folder of the backups, made when missing")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = backups.make(options["path"].absolute())
        except RootKeyError as error:
            raise CommandError(str(error), returncode=2) from None
        except (BackupFailed, BadBackup, ClientError) as error:
            raise CommandError(str(error), returncode=1) from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(made)))
        else:
            self.stdout.write(
                f"Backup {made.stamp}: {made.rows} rows in {made.tables} tables, {made.wraps} wraps, "
                f"{made.files} files ({made.copied} of them new); {made.bytes} bytes written."
            )
            if made.removed_keys:
                self.stdout.write(f"{len(made.removed_keys)} sets of keys older than 14 days removed.")
            if made.removed_files:
                self.stdout.write(f"{made.removed_files} files that no set needs, or of erased cases, removed.")
            for warning in made.warnings:
                self.stdout.write(f"BAD {warning}")
        if made.warnings:
            raise SystemExit(1)


def _folder(text: str) -> Path:
    # A variable that was never set must not mean the folder that we happen to be in.
    if not text:
        raise ArgumentTypeError("PATH is empty: name the folder of the backups.")
    return Path(text)
