"""Renew keys while people work: the wrapping key, the key of one case, or the installation's own."""

import json
import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from casework.cases import selectors as cases
from casework.core import work
from casework.crypto import renewal, rotation
from casework.crypto.keyring import RootKeyError
from casework.crypto.renewal import Renewed
from casework.crypto.rotation import Done, Rotation
from casework.operations import keys

_EVERY = 1.0


class Command(BaseCommand):
    """`rotate_keys [--case REF | --installation | --finish]`: exit code 1 when something did not open or is not done.

    Progress goes to stderr. Cut off, it goes on where it stopped when it is started again; several at once share the
    work.
    """

    help = "Wraps every key again under a new wrapping key and retires the old one; or renews the key of one case."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--case", metavar="REF", help="renew the key of one case and seal its values anew")
        what.add_argument(
            "--installation", action="store_true", help="begin a new epoch of the MACs on grants and trail"
        )
        what.add_argument("--finish", action="store_true", help="begin nothing; finish what was begun")
        parser.add_argument(
            "--batch", type=int, default=rotation.BATCH, metavar="N", help="how many keys in one transaction"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch takes a number from 1 on.", returncode=2)
        self._told = time.monotonic()
        try:
            if options["case"]:
                said = self._case(options["case"])
            elif options["installation"]:
                said = {"installation": keys.renew_installation_key()}
            else:
                said = self._all(options["batch"], finish=options["finish"])
        except RootKeyError as error:
            raise CommandError(str(error), returncode=2) from None
        if options["json"]:
            self.stdout.write(json.dumps(said))
        else:
            for line in _in_words(said):
                self.stdout.write(line)
        if said.get("failed") or said.get("needed"):
            raise SystemExit(1)

    def _all(self, batch: int, *, finish: bool) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if not finish or rotation.unfinished():
            began = time.monotonic()
            rotated, done, ended = keys.rotate_wrapping_key(batch=batch, began=self._began, progress=self._rewrapped)
            said = {
                "wrapping_key": rotated.version,
                "resumed": rotated.resumed,
                "rewrapped": done.rewrapped,
                "removed": done.removed,
                "failed": done.failed,
                "retired": list(ended.retired),
                "destroyed": list(ended.destroyed),
                "needed": list(ended.needed),
                "seconds": round(time.monotonic() - began, 2),
            }
        renewed = Renewed()
        waiting = renewal.waiting()
        for case_id in waiting:
            renewed += keys.finish_case_key(case_id, progress=self._resealed)
        said |= {"cases": len(waiting), "values": renewed.values, "file_keys": renewed.file_keys}
        said["failed"] = said.get("failed", 0) + renewed.failed
        return said

    def _case(self, reference: str) -> dict[str, Any]:
        case_id = self._named(reference)
        generation, done = keys.renew_case_key(case_id, progress=self._resealed)
        return {
            "case": reference,
            "generation": generation,
            "values": done.values,
            "file_keys": done.file_keys,
            "inner": done.inner,
            "failed": done.failed,
        }

    def _named(self, reference: str) -> UUID:
        with work.acting(work.system_actor()):
            case_id = cases.id_of_reference(reference)
        if case_id is None:
            raise CommandError("There is no case with this reference.", returncode=2)
        return case_id

    # -- progress

    def _began(self, rotation_: Rotation) -> None:
        self._wraps = rotation_.wraps
        how = "Going on with" if rotation_.resumed else "Made"
        self.stderr.write(f"{how} wrapping key version {rotation_.version}: {rotation_.wraps} keys to wrap again.")

    def _rewrapped(self, done: Done) -> None:
        self._say(f"{done.rewrapped} of {self._wraps} keys wrapped again.")

    def _resealed(self, done: Renewed) -> None:
        self._say(f"{done.values} values sealed anew.")

    def _say(self, text: str) -> None:
        if time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self.stderr.write(text)


def _in_words(said: dict[str, Any]) -> list[str]:
    lines = []
    if "wrapping_key" in said:
        lines.append(
            f"{said['rewrapped']} keys wrapped again under version {said['wrapping_key']} in {said['seconds']} seconds."
        )
        if said["removed"]:
            lines.append(f"{said['removed']} wraps of erased scopes removed.")
        lines += [f"Version {version} is retired: nothing needs it." for version in said["retired"]]
        lines += [f"Version {version} is destroyed." for version in said["destroyed"]]
        lines += [f"Version {version} is still needed: run this again." for version in said["needed"]]
    if "installation" in said:
        lines.append(f"Epoch {said['installation']} of the MACs has begun; older MACs stay right.")
    if "generation" in said:
        lines.append(f"The key of {said['case']} is in generation {said['generation']}.")
    if said.get("values") or said.get("file_keys"):
        lines.append(f"{said['values']} values and {said['file_keys']} keys of files sealed anew.")
    if said.get("failed"):
        lines.append(f"{said['failed']} do not open and were left as they are: run key_status --verify.")
    return lines or ["There was nothing to finish."]
