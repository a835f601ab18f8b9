#!/usr/bin/env python
"""Run a management command, under the database role that the command needs and no other."""

import os
import sys

# Which database role a command runs as; every other command runs as the web role, under row-level security.
ROLES = {
    "migrate": "owner",
    "set_up": "owner",
    "makemigrations": "owner",
    "sqlmigrate": "owner",
    "showmigrations": "owner",
    "rotate_keys": "owner",
    "recovery": "owner",
    "key_status": "worker",
    "backup": "worker",  # for its entry in the trail; what it copies is read as cw_backup, by another connection
    "restore": "owner",
    "audit_checkpoint": "sealer",
    "verify_audit": "sealer",
    "send_reminders": "worker",
    "rebuild_deadlines": "worker",
    "reindex_search": "worker",
}


def main() -> None:
    """Dispatch `deadlines` without any settings (it needs no key and no database); everything else through Django."""
    if sys.argv[1:2] == ["deadlines"]:
        from casework.law import cli

        sys.exit(cli.main(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("CASEWORK_ROLE", ROLES.get(sys.argv[1] if len(sys.argv) > 1 else "", "web"))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
