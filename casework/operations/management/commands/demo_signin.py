"""Make new one-time links into the running demo, and tell the passwords and codes of the ordinary way in."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from casework.accounts import selectors, services
from casework.accounts.models import User
from casework.core import work
from casework.core.errors import NotFound
from casework.operations.demo_people import DEMO_PASSWORD, guides


class Command(BaseCommand):
    """`demo_signin [--json]`: a link for each role; `people` holds e-mail, password and the code that counts now."""

    help = "Prints new one-time sign-in links of the demo. Only in demo mode."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("One-time links exist in demo mode alone (CASEWORK_DEMO=1).", returncode=2)
        links: dict[str, str] = {}
        people: dict[str, dict[str, str]] = {}
        with work.acting(work.Actor(None, kind="command")):
            for role, person in guides().items():
                try:
                    user = selectors.by_email(person.email)
                except NotFound:
                    raise CommandError("The demo's people are not there yet: run seed_demo.", returncode=1) from None
                links[role] = settings.BASE_URL + reverse("demo_sign_in", args=[services.make_demo_link(user)])
                people[role] = {"email": person.email, "password": DEMO_PASSWORD, "totp": _code_of(user)}
        if options["json"]:
            self.stdout.write(json.dumps({**links, "people": people}))
            return
        for role, link in links.items():
            self.stdout.write(f"{role:<12} {link}")
        for role, way in people.items():
            self.stdout.write(f"{role:<12} {way['email']:<24} {way['password']}  {way['totp']}")


def _code_of(user: User) -> str:
    """Return the code that the user's app would show now."""
    factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    counters = list(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(decrypt(factor.data["secret"]), counters[len(counters) // 2])))
