"""Fill an empty installation with synthetic people and cases, through the services."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from casework.accounts import services as accounts
from casework.accounts.models import Team, User
from casework.cases import selectors as cases
from casework.core import clock, work
from casework.operations import seeding
from casework.operations.demo_people import DEMO_PASSWORD, PEOPLE


class Command(BaseCommand):
    """`seed_demo --cases N [--seed S]`: goes on where an interrupted run stopped; a finished one changes nothing."""

    help = "Makes the demo's people and synthetic cases. Only in demo mode."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--cases", type=int, default=60, metavar="N")
        parser.add_argument("--seed", type=int, default=20261123, metavar="S")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.DEMO or settings.TESTING):
            raise CommandError("Synthetic people are made in demo mode alone (CASEWORK_DEMO=1).", returncode=2)
        if options["cases"] < 0:
            raise CommandError("--cases takes a number from 0 on.", returncode=2)
        people = self._people()
        teams = dict(Team.objects.values_list("name", "id"))
        done = self._done(people)
        plans = seeding.plans(options["cases"], seed=options["seed"], on=clock.today())
        for number, plan in enumerate(plans):
            if number >= done:
                maker = people["wanda@example.org" if plan.team == "North" else "otto@example.org"]
                seeding.make(plan, maker=maker, team_id=teams[plan.team], lawyer=people["lev@example.org"])
        made = max(0, options["cases"] - done)
        if options["json"]:
            self.stdout.write(json.dumps({"people": len(people), "cases": made, "were_there": done}))
        else:
            self.stdout.write(f"{len(people)} people; {made} cases made, {done} were there.")

    def _people(self) -> dict[str, UUID]:
        for name in sorted({person.team for person in PEOPLE if person.team}):
            if not Team.objects.filter(name=name).exists():
                with work.acting(work.Actor(None, kind="command")):
                    accounts.create_team(name=name)
        for person in PEOPLE:
            user = User.objects.filter(email=person.email).first()
            if user is None:
                with work.acting(work.Actor(None, kind="command")):
                    user = accounts.create_account(email=person.email, name=person.name, password=DEMO_PASSWORD)
                    team = Team.objects.get(name=person.team) if person.team else None
                    accounts.give_role(user=user, role=person.role, team=team)
                with work.acting(work.Actor(user.pk, kind="command")):
                    TOTP.activate(user, generate_totp_secret())
        return dict(User.objects.filter(email__in=[person.email for person in PEOPLE]).values_list("email", "id"))

    def _done(self, people: dict[str, UUID]) -> int:
        # One transaction per case, in order: as many as are there are the first ones of the plan.
        done = 0
        for email in ("wanda@example.org", "otto@example.org"):
            with work.acting(work.Actor(people[email], kind="command")):
                done += cases.visible().count()
        return done
