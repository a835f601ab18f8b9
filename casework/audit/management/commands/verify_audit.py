"""Verify the audit trail, whole or of one case, against itself and against checkpoints kept elsewhere."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from casework.audit import actions, chain, seal, services, verify
from casework.core import work
from casework.crypto import services as crypto
from casework.crypto.keyring import RootKeyError
from casework.crypto.types import KeyUnavailable


class Command(BaseCommand):
    """`verify_audit [--case REF] [--checkpoint FILE]`: exit 0: all is well, 1: the first bad entry, 2: misused."""

    help = "Verifies the audit trail and names the first bad entry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--case", metavar="REF", help="only this case, by its reference or id")
        parser.add_argument(
            "--checkpoint", metavar="FILE", type=Path, help="compare with the checkpoint, or several, in this file"
        )
        parser.add_argument("--key", metavar="FILE", type=Path, help="the sealer's public key (sealer.pub)")
        parser.add_argument(
            "--position", metavar="FILE", type=Path, help="note here how far it has come, and go on from there"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        stream = None
        if options["case"] and (stream := services.case_named(options["case"])) is None:
            raise CommandError("There is no case with this reference.", returncode=2)
        try:
            verification = self._prepared(stream, options)
        except chain.BadSignature as error:
            self._answer({"ok": False, "wrong": 1, "findings": [_of_file(str(error))]}, options["json"])
            raise SystemExit(1) from None
        except (chain.BadNote, RootKeyError, KeyUnavailable) as error:
            raise CommandError(str(error), returncode=2) from None
        while verification.step():
            if options["position"]:
                seal.write_whole(options["position"], json.dumps(verification.position.save()))
        if options["position"]:
            options["position"].unlink(missing_ok=True)
        at = verification.position
        report = {
            "ok": at.wrong == 0,
            "entries": at.entries,
            "streams": at.streams,
            "sealed": at.matched,
            "checkpoints": at.number,
            "signatures_checked": verification.checks_signatures,
            "wrong": at.wrong,
            "findings": at.findings,
        }
        on_record = _put_on_record(stream, at.wrong)
        self._answer(report, options["json"])
        if not on_record:
            self.stderr.write("This verification could not be put on record: the trail takes no entry.")
        if at.wrong:
            raise SystemExit(1)

    def _prepared(self, stream: Any, options: dict[str, Any]) -> verify.Verification:
        public = chain.public_key_of(_text(options["key"])) if options["key"] else seal.known_public_key()
        notes = list(chain.split_notes(_text(options["checkpoint"]))) if options["checkpoint"] else []
        if options["checkpoint"] and not notes:
            raise CommandError("The file of checkpoints is empty.", returncode=2)
        if notes and public is None:
            raise CommandError("A checkpoint needs the sealer's public key: name it with --key.", returncode=2)
        position = None
        if options["position"] and options["position"].exists():
            try:
                position = verify.Position(**json.loads(_text(options["position"])))
            except (ValueError, TypeError):
                raise CommandError("The file of the position is none of ours.", returncode=2) from None
        return verify.Verification(
            mac_keys=crypto.audit_mac_keys(), public_key=public, notes=notes, stream=stream, position=position
        )

    def _answer(self, report: dict[str, Any], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report))
            return
        for found in report["findings"]:
            where = f"stream {found['stream']}, event {found['seq']}: " if found["stream"] else ""
            self.stdout.write(f"{found['kind']}: {where}{found['message']}")
        if report["ok"]:
            self.stdout.write(
                f"{report['entries']} entries in {report['streams']} streams verified,"
                f" {report['sealed']} of them sealed: nothing is wrong."
            )
            if not report["signatures_checked"]:
                self.stdout.write("The signatures of the checkpoints were not checked: no public key was found.")
        else:
            self.stdout.write(f"{report['wrong']} wrong.")


def _put_on_record(stream: UUID | None, wrong: int) -> bool:
    """Write that the trail, or one stream of it, was verified; return False where the trail takes no entry any more."""
    outcome = actions.FAILED if wrong else actions.DONE
    try:
        with work.acting(work.Actor(None, kind="command")):
            services.record("audit.verified", obj=stream, outcome=outcome, reason="damaged" if wrong else 0)
    except DatabaseError:
        # What is wrong may be the end of the very stream that the entry belongs to: the answer comes first.
        return False
    return True


def _of_file(message: str) -> dict[str, Any]:
    return {"kind": "forged", "stream": "", "seq": 0, "message": message[:1].upper() + message[1:] + "."}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise CommandError(f"The file {path} cannot be read.", returncode=2) from None
