"""Seeds what is measured: cases made through the services, one of them with 30 facts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from bench import search
from bench.law import thirty_facts
from bench.plain.copy import copy_all
from casework.accounts import services as accounts
from casework.accounts.models import User
from casework.cases import services as cases
from casework.cases.types import CaseInput, GroundInput, PersonInput, SafeContact, SummaryUpdate
from casework.core import clock, work
from casework.law.types import CaseFile
from casework.procedure import selectors as procedure_selectors
from casework.procedure import services as procedure

_PER_TRANSACTION = 100
_STAGES = ("registered", "take-back-notified", "accepted", "transfer-decided", "appeal-pending")


@dataclass(frozen=True)
class World:
    """What the measurements need: who reads, the case with 30 facts, and its facts as the law takes them."""

    cases: int
    reader: User
    long_case: UUID
    case_file: CaseFile
    on: date


def seed(count: int) -> World:
    """Make the people and `count` cases, the last with 30 facts, and copy everything into the baseline's tables."""
    chance = random.Random(7)
    with work.acting(work.Actor(None, kind="command")):
        team = accounts.create_team(name="Bench")
        user = accounts.create_account(email="bench@example.org", name="Bench Reader", password="synthetic-bench-7")
        accounts.give_role(user=user, role="coordinator", team=team)
    with work.acting(work.Actor(user.pk, kind="command")):
        TOTP.activate(user, generate_totp_secret())
    today = clock.today()
    made: list[UUID] = []
    while len(made) < count:
        with work.acting(work.Actor(user.pk, kind="command")):
            for number in range(len(made), min(count, len(made) + _PER_TRANSACTION)):
                case_id = cases.create_case(team_id=team.pk, given=_given(number))
                cases.update_summary(case_id, _summary(chance, today))
                made.append(case_id)
    facts = thirty_facts(today)
    with work.acting(work.Actor(user.pk, kind="command")):
        for fact in facts:
            procedure.record_fact(made[-1], content=fact, note="Synthetic note.")
    with work.acting(work.Actor(user.pk, kind="command")):
        file = procedure_selectors.case_file(country="FR", content=facts)
    copied = copy_all(user.pk)
    if copied != count:
        raise SystemExit(f"{copied} of {count} cases were copied")
    return World(count, user, made[-1], file, today)


def _given(number: int) -> CaseInput:
    original, latin = search.surname(search.rank(number))
    return CaseInput(
        country="FR",
        applicant=PersonInput(
            name_original=f"{original} Пётр",
            name_latin=f"{latin} Piotr",
            birth_on=search.born(number),
            gender="male",
            nationalities=("RU",),
            languages=("ru",),
            papers=(f"75 {number:07}",),
        ),
        grounds=(GroundInput("military", "Synthetic account of a person who does not exist."),),
        safe_contact=SafeContact(channels=("messenger",), details="synthetic", hours="after 18:00"),
        title="Synthetic",
        summary="Synthetic summary.",
        risk_level="raised",
    )


def _summary(chance: random.Random, today: date) -> SummaryUpdate:
    return SummaryUpdate(
        regime="ammr",
        stage=chance.choice(_STAGES),
        responsible_state="HR",
        next_due_at=None,
        next_due_on=today + timedelta(days=chance.randrange(-5, 180)),
        next_due_rule="ammr-transfer-6m",
        detained=chance.random() < 0.1,  # noqa: PLR2004
    )
