"""Erase a case as two people, from the server: for when the web page cannot be used."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from casework.accounts import selectors as accounts
from casework.audit import services as audit
from casework.cases import erasing, services
from casework.cases import selectors as cases
from casework.cases.types import ErasureReason, ErasureView
from casework.core import work
from casework.core.errors import CaseworkError
from casework.crypto.envelope import DecryptError
from casework.crypto.types import KeyUnavailable
from casework.dossiers.certificate import certificate_pdf


class Command(BaseCommand):
    """`erase_case REF --as EMAIL --confirmed-by EMAIL --reason R [--certificate PATH]`: exit code 1 when not erased.

    Also when erased without the certificate that was asked for, which the message says.
    Exit code 2: wrong usage, nobody of that address, or no such case that the first of them may see.
    """

    help = (
        "Destroys the key of a case and deletes its record, history and files, as one person who asks and another who"
        " confirms. There is no way back. The usual way is the case's own page: there, each of the two signs in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reference", metavar="REF", help="typed out, this is the confirmation")
        parser.add_argument("--as", dest="asked_by", required=True, metavar="EMAIL", help="who asks; leads the case")
        parser.add_argument(
            "--confirmed-by", required=True, metavar="EMAIL", help="another person, a coordinator of the case's team"
        )
        parser.add_argument("--reason", required=True, choices=ErasureReason.values, metavar="R", help="%(choices)s")
        parser.add_argument("--certificate", metavar="PATH", help="write the certificate (PDF) there")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        asks, confirms = self._user(options["asked_by"]), self._user(options["confirmed_by"])
        if asks == confirms:
            raise CommandError("Two people are needed: --as and --confirmed-by name the same one.", returncode=2)
        path = Path(options["certificate"]) if options["certificate"] else None
        # Looked at before anything is erased: afterwards it is too late to find the folder missing.
        if path is not None and (path.exists() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK)):
            raise CommandError(
                "--certificate names a file that is there already, or a folder that is not there or cannot be written.",
                returncode=2,
            )
        request_id, is_new = self._ask(asks, options)
        try:
            with work.acting(_as(confirms)):
                audit.record("command.run", body={"command": "erase_case"})
                erased = services.confirm_erasure(request_id, reference=options["reference"])
        except CaseworkError as error:
            if is_new:
                with work.acting(_as(asks)):
                    services.withdraw_erasure(request_id)
            raise CommandError(f"Nothing was erased. {error}", returncode=1) from None
        why = self._certify(request_id, confirms, path) if path is not None else ""
        self._tell(erased, path if not why else None, as_json=options["json"])
        if why:
            raise CommandError(
                f"The case is erased, but there is no certificate in {path} ({why}). Either of the two can print it"
                " from the page “Erasing cases”.",
                returncode=1,
            )

    def _certify(self, request_id: UUID, confirms: UUID, path: Path) -> str:
        """Write the certificate; return why that failed: the case is gone by then, and nobody must think otherwise."""
        try:
            with work.acting(_as(confirms)):
                printed = certificate_pdf(request_id)
            path.write_bytes(printed)
        except OSError as error:
            return error.strerror or type(error).__name__
        except Exception as error:  # noqa: BLE001  (whatever broke, what has to be said is that the case is erased)
            return str(error) if isinstance(error, CaseworkError) else type(error).__name__
        return ""

    def _user(self, email: str) -> UUID:
        try:
            found: UUID = accounts.by_email(email).pk
        except CaseworkError:
            raise CommandError("Nobody signs in with this address.", returncode=2) from None
        return found

    def _ask(self, asks: UUID, options: dict[str, Any]) -> tuple[UUID, bool]:
        """Ask for the erasure, or find what the same person asked for already; say whether the request is new."""
        try:
            with work.acting(_as(asks)):
                audit.record("command.run", body={"command": "erase_case"})
                case_id = cases.by_reference(options["reference"])
                waiting = erasing.erasure_of(case_id)
                if waiting is not None and waiting.asked_by == asks and waiting.reason == options["reason"]:
                    return waiting.id, False
                self._explain()
                return services.request_erasure(case_id, reason=options["reason"]), True
        except CaseworkError as error:
            raise CommandError(f"Nothing was erased. {error}", returncode=2) from None
        except (DecryptError, KeyUnavailable):
            raise CommandError(
                "Nothing was erased. The key of this case is missing or damaged, and a request is kept under it: look"
                " for the key in a backup first (docs/running.md).",
                returncode=1,
            ) from None

    def _explain(self) -> None:
        self.stderr.write(
            "What goes: the key of the case, its record with all earlier versions, time limits, notices, accesses and"
            " documents. What stays: the audit trail without particulars, and the certificate. Backups of keys hold"
            " the key for 14 days at most."
        )

    def _tell(self, erased: ErasureView, path: Path | None, *, as_json: bool) -> None:
        assert erased.decided_at is not None
        if as_json:
            said = {"erasure": str(erased.id), "case": str(erased.case_id), "reference": erased.reference}
            said |= {"erased_at": erased.decided_at.isoformat(), "certificate": str(path) if path else ""}
            self.stdout.write(json.dumps({**said, **erased.counts}))
            return
        counts = erased.counts
        self.stdout.write(
            f"{erased.reference} is erased: {counts['keys']} keys, {counts['rows']} rows, {counts['files']} files."
        )
        if path is not None:
            self.stdout.write(f"The certificate is in {path}.")


def _as(user_id: UUID) -> work.Actor:
    return work.Actor(user_id, kind="command")
