"""Make the keys of a new installation; harmless when they exist."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.crypto import services as crypto
from casework.crypto.keyring import RootKeyError


class Command(BaseCommand):
    """`set_up`: run once after the first `migrate`, as the owner of the tables, with the root key in place."""

    help = "Makes the first wrapping key and the installation's own key, and opens them with the root key."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            crypto.ensure_installation()
            crypto.verify_root()
        except RootKeyError as error:
            raise CommandError(str(error), returncode=1) from None
        self.stdout.write("The keys of this installation are in place.")
