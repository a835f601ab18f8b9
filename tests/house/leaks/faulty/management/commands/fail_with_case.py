"""A management command that breaks with an opened case in its hands."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from tests.house.leaks.faulty.tasks import summary_of


class Command(BaseCommand):
    """`fail_with_case ID`."""

    help = "Breaks, for the leak test."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("case")

    def handle(self, *args: Any, **options: Any) -> None:
        summary = summary_of(UUID(options["case"]))
        raise RuntimeError(f"cannot derive: {summary}")
