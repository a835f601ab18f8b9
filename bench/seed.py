"""Seeds what is measured: cases made through the services, one of them with 30 facts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

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
    facts = _thirty_facts(today)
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
    return CaseInput(
        country="FR",
        applicant=PersonInput(
            name_original=f"Примеров{number} Пётр",
            name_latin=f"Primerov{number} Piotr",
            birth_on=date(1990, 1, 1) + timedelta(days=number % 9000),
            gender="male",
            nationalities=("RU",),
            languages=("ru",),
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


def _thirty_facts(today: date) -> list[dict[str, Any]]:
    def on(before: int) -> str:
        return (today - timedelta(days=before)).isoformat()

    facts: list[dict[str, Any]] = [
        {"fact": "irregular-crossing", "on": on(150), "state": "HR"},
        {"fact": "application-made", "on": on(130)},
        {"fact": "application-registered", "on": on(128), "state": "FR"},
        {"fact": "application-lodged", "on": on(120), "state": "FR"},
        {"fact": "eurodac-hit", "on": on(127), "state": "HR", "category": "asylum"},
        {"fact": "take-back-notified", "on": on(119), "state": "HR"},
        {"fact": "take-back-notification-received", "on": on(118), "state": "HR"},
        {"fact": "take-back-refused", "on": on(110), "state": "HR"},
        {"fact": "take-charge-requested", "on": on(105), "state": "HR", "basis": "eurodac"},
        {"fact": "take-charge-request-received", "on": on(104), "state": "HR"},
        {"fact": "take-charge-accepted", "on": on(95), "state": "HR"},
        {"fact": "transfer-decided", "on": on(85)},
        {"fact": "transfer-decision-notified", "on": on(80), "appeal_days": 7},
        {"fact": "appeal-lodged", "on": on(76), "against": "transfer-decision"},
        {"fact": "suspension-requested", "on": on(76)},
        {"fact": "legal-aid-requested", "on": on(75)},
        {"fact": "legal-aid-decided", "on": on(60)},
        {"fact": "detained", "on": on(70), "ground": "transfer"},
        {"fact": "detention-order-notified", "on": on(70)},
        {"fact": "detention-judge-seized", "on": on(69)},
        {"fact": "detention-reviewed", "on": on(66), "outcome": "released"},
        {"fact": "released", "on": on(66)},
        {"fact": "house-arrest-ordered", "on": on(65)},
        {"fact": "humanitarian-requested", "on": on(64), "state": "DE"},
        {"fact": "humanitarian-refused", "on": on(40), "state": "DE"},
        {"fact": "visa-expires", "on": on(20), "state": "ES"},
        {"fact": "permit-expires", "on": on(400), "state": "PL"},
        {"fact": "transfer-scheduled", "on": (today + timedelta(days=12)).isoformat()},
        {"fact": "appointment", "on": (today + timedelta(days=6)).isoformat(), "kind": "hearing"},
        {"fact": "time-limit-set", "on": on(2), "what": "Written reply", "due": (today + timedelta(days=9)).isoformat(),
         "whose": "applicant", "by": "court"},
    ]  # fmt: skip
    assert len(facts) == 30  # noqa: PLR2004
    return facts
