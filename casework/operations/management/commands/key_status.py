"""Show what is wrapped by what, and prove it by opening."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casework.audit import services as audit
from casework.core import work
from casework.crypto import services as crypto
from casework.crypto import status
from casework.crypto.keyring import RootKeyError
from casework.crypto.status import Status


class Command(BaseCommand):
    """`key_status [--verify]`: exit code 1 when something is missing, does not open, or was not finished."""

    help = "Counts the keys under each version of the wrapping key and opens a sample of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verify", action="store_true", help="open every key, not a sample")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = status.status(every=options["verify"])
        except RootKeyError as error:
            raise CommandError(str(error), returncode=2) from None
        # Without the root key there is no MAC either, and so no entry: the finding itself matters more.
        if all(version.opens for version in found.versions):
            with work.acting(work.system_actor()):
                audit.record("key.status_viewed", body={"checked": found.checked, "findings": len(found.findings)})
        if options["json"]:
            cache = crypto.cache_limits()._asdict()
            self.stdout.write(json.dumps({"ok": not found.findings, **asdict(found), "cache": cache}))
        else:
            for line in _in_words(found):
                self.stdout.write(line)
        if found.findings:
            raise SystemExit(1)


def _in_words(found: Status) -> list[str]:
    cache = crypto.cache_limits()
    lines = [f"Root key: provider {found.provider}."]
    for version in found.versions:
        since = f" since {version.retired_at[:10]}" if version.retired_at else ""
        lines.append(f"Wrapping key {version.version}: {version.state}{since}, {version.wraps} wraps.")
    lines.append(f"{found.scopes} scopes with keys, {found.erased} erased.")
    lines.append(f"{found.opened} of {found.checked} wraps opened.")
    if found.renewed:
        lines.append(f"{found.renewed} scopes have values under an older generation: rotate_keys seals them anew.")
    lines.append(
        f"Each process keeps {cache.wrapping_keys} wrapping keys and reads their rows again after"
        f" {cache.wrapping_keys_seconds:.0f} seconds; keys of cases for one unit of work."
    )
    return lines + [f"Warning: {text}" for text in found.warnings] + [f"BAD {text}" for text in found.findings]
