"""Seal the trail and sign a checkpoint of it; with `--every`, this is the sealer."""

import json
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.audit import seal
from casework.audit.models import Checkpoint
from casework.crypto.signing import SigningKeyError


class Command(BaseCommand):
    """`audit_checkpoint [--out FILE] [--every SECONDS] [--json]`; exit 1 when an event could not be sealed."""

    help = "Seals all events of the audit trail and signs a checkpoint to keep elsewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", metavar="FILE", type=Path, help="write the newest checkpoint to this file")
        parser.add_argument("--every", metavar="SECONDS", type=float, help="go on, and sign this often")
        parser.add_argument("--json", action="store_true", help="print JSON, a line for each checkpoint")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["every"] is not None and options["every"] <= 0:
            raise CommandError("--every takes a number of seconds above zero.", returncode=2)
        self._options = options
        self._refused = False
        try:
            sealer = seal.sealer()
            if options["every"] is None:
                for done in sealer.catch_up():
                    self._tell(done)
                self._finish()
            else:
                sealer.keep_sealing(self._stopped(), every=options["every"], tell=self._tell)
        except (seal.Unconfigured, SigningKeyError) as error:
            raise CommandError(str(error), returncode=2) from None
        except seal.TreeChanged as error:
            raise CommandError(str(error), returncode=1) from None

    def _stopped(self) -> Any:
        """Return a wait that a signal to stop ends early; a round under way is finished first."""
        stop = threading.Event()

        def ask(_number: int, _frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, ask)
        return stop.wait

    def _tell(self, done: seal.Round) -> None:
        if done.note is not None and self._options["out"]:
            seal.write_whole(self._options["out"], done.note)
        if self._options["json"]:
            if done.note is not None or done.refused:
                self.stdout.write(json.dumps(_as_json(done)))
            self._refused |= bool(done.refused)
            return
        if done.note is not None:
            self.stdout.write(f"{done.sealed} events sealed, checkpoint signed.")
        for finding in done.refused:
            self._refused = True
            self.stderr.write(f"refused: stream {finding.stream}, event {finding.seq}: {finding.message}")

    def _finish(self) -> None:
        """Write the newest checkpoint also when nothing new was signed, and fail when something was refused."""
        newest = Checkpoint.objects.order_by("-number").first()
        if self._options["out"]:
            if newest is None:
                raise CommandError("The trail is empty: there is nothing to sign yet.", returncode=1)
            seal.write_whole(self._options["out"], newest.note)
        if self._refused:
            raise SystemExit(1)


def _as_json(done: seal.Round) -> dict[str, Any]:
    refused = [{"stream": str(one.stream), "seq": one.seq, "message": one.message} for one in done.refused]
    return {"sealed": done.sealed, "note": done.note, "refused": refused}
