"""Keep the root key as shares on paper: make them, put them together, and rehearse that it works."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.crypto import recovery
from casework.crypto.keyring import RootKeyError
from casework.crypto.recovery import Gathered, ShareError
from casework.operations import recovering, share_reading
from casework.operations.recovering import Refused


class Command(BaseCommand):
    """`recovery split|join|drill`: exit code 1 when shares or a backup were refused.

    Shares are typed in without being shown, or come from a pipe (one on each line) or from files with mode 0600; they
    are never arguments, which the shell keeps and every process may read.
    """

    help = "Splits the root key into shares on paper, puts it together from them, and rehearses the recovery."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        doing = parser.add_subparsers(dest="doing", required=True)
        split = doing.add_parser("split", help="make a new set of shares and a sheet of paper for each")
        split.add_argument("--shares", type=int, default=recovery.SHARES, metavar="N", help="how many are made")
        split.add_argument(
            "--threshold", type=int, default=recovery.THRESHOLD, metavar="M", help="how many of them are needed"
        )
        split.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new or empty folder")
        join = doing.add_parser("join", help="put the root key together and try it on this database")
        join.add_argument("--out", type=Path, metavar="FILE", help="write the root key into this new file")
        drill = doing.add_parser("drill", help="restore the newest backup with nothing but shares, aside, and open it")
        drill.add_argument("backup", type=Path, metavar="BACKUP_PATH", help="where the backups are")
        for one in (join, drill):
            one.add_argument(
                "--share-file",
                type=Path,
                action="append",
                default=[],
                metavar="FILE",
                help="a file with mode 0600 that holds one share; once for each",
            )
        for one in (split, join, drill):
            one.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with _in_words():
            {"split": self._split, "join": self._join, "drill": self._drill}[options["doing"]](options)

    def _split(self, options: dict[str, Any]) -> None:
        folder: Path = options["out"]
        done = recovering.split(folder, shares=options["shares"], threshold=options["threshold"])
        self._say(
            options,
            {**asdict(done), "folder": str(folder)},
            f"{done.shares} shares of the set “{done.set_name}”, any {done.threshold} of which give the root key. "
            "That they do was proved before they were written.",
            f"The sheets are in {folder}. Now:",
            "1. Print each, on a printer that keeps nothing and hangs on a wire.",
            "2. Hand each to another person; no two in one building, best no two in one country.",
            f"3. Delete the folder: rm -r {folder}. Whoever finds {done.threshold} of these files has the key.",
            "4. Rehearse: manage.py recovery drill BACKUP_PATH, with the people who hold them.",
            "An older set, if there is one, still gives the same root key: collect and burn it.",
        )

    def _join(self, options: dict[str, Any]) -> None:
        out: Path | None = options["out"]
        if out is not None:
            recovering.refuse_to_overwrite(out)  # before people type 99 words
        done = recovering.join(self._shares(options), out)
        versions = ", ".join(map(str, done.checked))
        self._say(
            options,
            asdict(done),
            f"The shares of the set “{done.set_name}” give the root key of this installation: it opens wrapping key "
            f"version {versions}."
            if done.checked
            else f"The shares of the set “{done.set_name}” give a root key. There is no database with wrapping keys "
            "here to try it on.",
            f"It is in {out}, which only you may read. Name it in CASEWORK_ROOT_KEY_FILE, or seal it into a credential "
            "and delete it."
            if out
            else "Nothing was written: --out FILE would write it.",
            *(
                ()
                if done.noted or not done.checked
                else ("The trail could not be written, and does not tell of this.",)
            ),
        )

    def _drill(self, options: dict[str, Any]) -> None:
        done = recovering.drill_with(options["backup"], self._shares(options))
        versions = ", ".join(map(str, done.kek_versions))
        kinds = "; ".join(f"{count} {kind}" for kind, count in done.opened.items())
        self._say(
            options,
            {"ok": done.ok, **asdict(done), "backup_made_at": done.backup_made_at.isoformat()},
            f"The backup of {done.backup_made_at:%Y-%m-%d %H:%M} UTC was restored aside with the shares of the set "
            f"“{done.set_name}” alone, in {done.seconds} seconds. What was restored is gone again.",
            f"Opened: wrapping key version {versions}; {kinds}.",
            *(f"BAD {finding}" for finding in done.findings),
            "The recovery works. The next rehearsal is due in 90 days."
            if done.ok
            else "This rehearsal does not count: mend what was found and drill again.",
        )
        if not done.ok:
            raise SystemExit(1)

    def _shares(self, options: dict[str, Any]) -> Gathered:
        return share_reading.shares(options["share_file"], stdin=sys.stdin, tell=self.stderr.write)

    def _say(self, options: dict[str, Any], as_json: dict[str, Any], *lines: str) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(as_json))
        else:
            for line in lines:
                self.stdout.write(line)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (Refused, ShareError, RootKeyError) as error:
        raise CommandError(str(error), returncode=1) from None
    except ValueError as error:
        raise CommandError(str(error), returncode=2) from None
    except (KeyboardInterrupt, EOFError):
        raise CommandError("Stopped. Nothing was written.", returncode=1) from None
