"""Prints the table of one run: `python -m tests.house.leaks > docs/leaks.md`."""

from __future__ import annotations

import os
import sys

import django

_NOWHERE = "postgresql://nobody:nothing@/none?host=/nonexistent"


def main() -> None:
    """Run the journey once and print what was searched and found; 1 when something is unexplained."""
    # These settings only read forms and commands; the installation that is searched has its own.
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "CASEWORK_TESTING": "1",
            "CASEWORK_SECRET_KEY": "only-to-read-the-forms",
            "CASEWORK_FILES_DIR": "/nonexistent",
            "DATABASE_URL": _NOWHERE,
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
    )
    django.setup()
    from tests.house.leaks import allowed, report
    from tests.house.leaks.run import once

    found = once()
    sys.stdout.write(report.page(found))
    if allowed.unexplained(found.looked):
        sys.exit("Something was found that nothing explains.")


if __name__ == "__main__":
    main()
