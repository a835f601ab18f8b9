"""Make the keys of a new installation; harmless when they exist."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.audit import services as audit
from casework.core import clock, work
from casework.crypto import rehearsal
from casework.crypto import services as crypto
from casework.crypto.keyring import RootKeyError

_BEFORE_PEOPLE = (
    "The set-up is not finished yet. The root key opens everything, and is in no backup. If it is lost, every case is "
    "lost, for ever, and nobody can help. Before real people's cases go in:",
    "1. manage.py recovery split --out FOLDER: 5 sheets of paper, any 3 of which give the root key.",
    "2. Print them, hand them to people in different places, delete the folder.",
    "3. manage.py backup BACKUP_PATH, and manage.py recovery drill BACKUP_PATH with those people.",
    "Until then, and 90 days after each rehearsal, the doctor and the administrators' first page say so.",
)


class Command(BaseCommand):
    """`set_up`: run once after the first `migrate`, as the owner of the tables, with the root key in place."""

    help = "Makes the first wrapping key and the installation's own key, and opens them with the root key."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            is_new = crypto.ensure_installation()
            crypto.verify_root()
        except RootKeyError as error:
            raise CommandError(str(error), returncode=1) from None
        with work.acting(work.system_actor()):
            audit.record("installation.created" if is_new else "command.run", body={"command": "set_up"})
        self.stdout.write("The keys of this installation are in place.")
        if rehearsal.lack(clock.now()):
            for line in _BEFORE_PEOPLE:
                self.stdout.write(line)
