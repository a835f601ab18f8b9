"""The cast, with fixed parts: Wanda (caseworker) and Cora (coordinator) are one team, Otto and Olga another that must
see nothing of theirs; Lev is an outside lawyer, Aud audits, Ada administers. All are invented."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from casework.accounts.models import Team, User
from casework.core import clock, work

PASSWORD = "synthetic-people-only-7"
_PARTS = {
    "wanda": ("Wanda Wójcik", "caseworker", "North"),
    "cora": ("Cora Conti", "coordinator", "North"),
    "lev": ("Lev Lindqvist", "lawyer", None),
    "otto": ("Otto Oja", "caseworker", "South"),
    "olga": ("Olga Ozols", "coordinator", "South"),
    "aud": ("Aud Aas", "auditor", None),
    "ada": ("Ada Adler", "admin", None),
}


@dataclass(frozen=True)
class Cast:
    """Ids of the people and teams."""

    wanda: UUID
    cora: UUID
    lev: UUID
    otto: UUID
    olga: UUID
    aud: UUID
    ada: UUID
    north: UUID
    south: UUID

    def user(self, name: str) -> User:
        return User.objects.get(pk=getattr(self, name))


def hire() -> None:
    """Make teams and people through the services; the database template keeps them. Everyone has TOTP."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    from casework.accounts import services as accounts

    with work.acting(work.Actor(None, kind="command")):
        teams = {name: accounts.create_team(name=name, country="FR") for name in ("North", "South")}
        for key, (name, role, team) in _PARTS.items():
            user = accounts.create_account(email=f"{key}@example.org", name=name, password=PASSWORD)
            accounts.give_role(user=user, role=role, team=teams[team] if team else None)
    for key in _PARTS:
        user = User.objects.get(email=f"{key}@example.org")
        with work.acting(work.Actor(user.pk)):
            TOTP.activate(user, generate_totp_secret())


def meet() -> Cast:
    """Return the cast's ids."""
    users = dict(User.objects.values_list("email", "id"))
    teams = dict(Team.objects.values_list("name", "id"))
    return Cast(**{key: users[f"{key}@example.org"] for key in _PARTS}, north=teams["North"], south=teams["South"])


@contextmanager
def acting(user_id: UUID) -> Iterator[work.Work]:
    """Act as one of the cast."""
    with work.acting(work.Actor(user_id)) as unit:
        yield unit


def a_case(**changes: Any) -> Any:
    """Return the input of a synthetic case; `changes` replace members of `CaseInput`."""
    from casework.cases.types import CaseInput, GroundInput, PersonInput, SafeContact

    given = CaseInput(
        country="FR",
        applicant=PersonInput(
            name_original="Тестов Пётр",
            name_latin="Testov Piotr",
            birth_on=date(1994, 5, 17),
            gender="male",
            nationalities=("RU",),
            languages=("ru",),
        ),
        grounds=(GroundInput("military", "Synthetic account: left his unit in 2024."),),
        safe_contact=SafeContact(channels=("messenger",), details="synthetic-handle", hours="after 18:00"),
        title="Synthetic title",
        summary="Synthetic summary of a person who does not exist.",
        access_notes="Synthetic note on access.",
        risk_level="raised",
    )
    return replace(given, **changes)


def open_a_case(cast: Cast, who: str = "wanda", **changes: Any) -> UUID:
    """Make a synthetic case as `who` in their team and return its id."""
    from casework.cases import services as cases

    team = cast.north if who in {"wanda", "cora"} else cast.south
    with acting(getattr(cast, who)):
        return cases.create_case(team_id=team, given=a_case(**changes))


def sign_in(client: Any, user: User) -> Any:
    """Sign a test client in as someone who has just passed both factors."""
    with work.acting(work.Actor(None)):  # signing in writes to the trail
        client.force_login(user, backend="casework.accounts.backends.SignInBackend")
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": clock.now().timestamp()}]
    session.save()
    return client
