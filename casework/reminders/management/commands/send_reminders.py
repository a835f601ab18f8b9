"""Plan and deliver what is due, as beat does."""

import json
from argparse import ArgumentParser
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from casework.core import clock
from casework.notices import services as notices
from casework.reminders import services


class Command(BaseCommand):
    """`send_reminders [--now TIMESTAMP]`: safe to run at any time, by many at once. Exit 1: the mail server is down."""

    help = "Plans reminders from the stored time limits and delivers what is due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--now", metavar="TIMESTAMP", help="act as if it were then (demo and tests only)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = _instant(options["now"])
        with clock.fixed(now) if now else nullcontext():
            planned = services.plan()
            done = notices.dispatch()
        if options["json"]:
            words = {"planned": planned.planned, "voided": planned.voided, "inbox": done.inbox, "mail": done.mail}
            more = {"failed": done.failed, "postponed": done.postponed, "mail_server_down": done.mail_server_down}
            self.stdout.write(json.dumps(words | more))
        else:
            self.stdout.write(
                f"{planned.planned} planned, {planned.voided} called off; {done.inbox} put into inboxes, "
                f"{done.mail} sent by mail, {done.failed} given up."
            )
        if done.mail_server_down:
            raise CommandError("The mail server cannot be reached: mail waits and is tried again.", returncode=1)


def _instant(given: str | None) -> datetime | None:
    if not given:
        return None
    if not (settings.DEMO or settings.TESTING):
        raise CommandError("--now is for the demo and for tests: here reminders go by the real clock.", returncode=2)
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise CommandError("--now takes a date-time such as 2026-09-24T08:00:00+02:00.", returncode=2) from None
    if found.tzinfo is None:
        raise CommandError("--now needs an offset, such as +02:00.", returncode=2)
    return found
