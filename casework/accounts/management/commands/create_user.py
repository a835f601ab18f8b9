"""Invite someone from the command line: the first administrator, or anyone when there is no browser at hand."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.urls import reverse

from casework.accounts import selectors, services
from casework.accounts.models import Team
from casework.accounts.types import TEAM_ROLES, Role
from casework.core import work
from casework.core.errors import Invalid, NotFound


class Command(BaseCommand):
    """`create_user EMAIL --role ROLE [--team NAME [--create-team]] [--json]`: prints a link, good once."""

    help = "Invites an address to a role and prints the one-time link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--team", metavar="NAME", default="", help="needed for caseworkers and coordinators")
        parser.add_argument("--create-team", action="store_true", help="make the team when there is none of this name")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        email, role, name = options["email"].strip(), options["role"], options["team"].strip()
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError("This is not an e-mail address.", returncode=2) from None
        if role in TEAM_ROLES and not name:
            raise CommandError(f"A {role} belongs to a team: name it with --team.", returncode=2)
        with work.acting(work.Actor(None, kind="command")):
            if _has_account(email):
                raise CommandError("Somebody already signs in with this address.", returncode=2)
            team = self._team(name, create=options["create_team"]) if name else None
            try:
                invitation = services.invite(email=email, role=role, team=team)
            except Invalid as error:
                raise CommandError(str(error), returncode=2) from None
        link = settings.BASE_URL + reverse("accept_invitation", args=[invitation.token])
        told = {"email": email, "role": role, "team": name, "link": link, "until": invitation.expires_at.isoformat()}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write("The invitation, valid once within 72 hours. Send it over a channel that you trust:")
            self.stdout.write(link)

    def _team(self, name: str, *, create: bool) -> Team:
        team = Team.objects.filter(name__iexact=name).first()
        if team is not None:
            return team
        if not create:
            raise CommandError("There is no team of this name; add --create-team to make it.", returncode=2)
        return services.create_team(name=name)


def _has_account(email: str) -> bool:
    try:
        selectors.by_email(email)
    except NotFound:
        return False
    return True
