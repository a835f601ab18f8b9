"""Say what is wrong with this installation."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from casework.operations import health


class Command(BaseCommand):
    """`doctor [--json]`: exit 0 when all is well, 1 when something is not."""

    help = "Checks keys, engines, clock, mail, migrations, worker and beat."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(health.findings())
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in found]))
        else:
            for finding in found:
                self.stdout.write(f"{'ok  ' if finding.ok else 'BAD '} {finding.name}: {finding.says}")
        if not all(finding.ok for finding in found):
            sys.exit(1)
