"""Export a case's dossier as a user, audited like an export in the browser."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from casework.accounts import selectors as accounts
from casework.cases import selectors as cases
from casework.core import work
from casework.core.errors import CaseworkError
from casework.documents import selectors as documents
from casework.dossiers import services


class Command(BaseCommand):
    """`export_dossier REF --as EMAIL [--recipient age1… | --passphrase-file F] --out PATH`."""

    help = "Writes the encrypted dossier of a case that the given user may export."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reference", metavar="REF")
        parser.add_argument("--as", dest="email", required=True, metavar="EMAIL", help="the user who exports")
        way = parser.add_mutually_exclusive_group(required=True)
        way.add_argument("--recipient", metavar="age1…", help="a public key of age, or ssh-ed25519")
        way.add_argument("--passphrase-file", metavar="F", help="a file whose first line is the passphrase")
        parser.add_argument("--out", required=True, metavar="PATH")
        parser.add_argument("--purpose", default="")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            passphrase = self._passphrase(options["passphrase_file"])
            user_id: UUID = accounts.by_email(options["email"]).pk
            with work.acting(work.Actor(user_id, kind="command")):
                case_id = cases.by_reference(options["reference"])
                exported = services.export(
                    case_id,
                    document_ids=[document.id for document in documents.documents_of(case_id)],
                    recipient=options["recipient"],
                    passphrase=passphrase,
                    purpose=options["purpose"],
                )
        except CaseworkError as error:
            raise CommandError(str(error), returncode=2) from None
        # Written after the trail entry is committed: an export that is not on record does not leave.
        Path(options["out"]).write_bytes(exported.content)
        if options["json"]:
            self.stdout.write(json.dumps({"pages": exported.pages, "sha256": exported.sha256, "out": options["out"]}))
        else:
            self.stdout.write(f"{exported.pages} pages written to {options['out']}, encrypted.")

    def _passphrase(self, path: str | None) -> str | None:
        if path is None:
            return None
        try:
            return Path(path).read_text(encoding="utf-8").splitlines()[0]
        except (OSError, IndexError):
            raise CommandError("The passphrase file cannot be read, or is empty.", returncode=2) from None
