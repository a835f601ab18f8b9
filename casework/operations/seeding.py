"""Synthetic cases for the demo: invented people, made through the services, the same for one seed.

No name here is of a person we know of; every text says that it is synthetic. Dates are told back from the day of
seeding, so that a demo always has limits that are near; the first case is a fixed one, as the documentation has it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from casework.access import services as access
from casework.access.types import Level
from casework.cases import services as cases
from casework.cases.types import CaseInput, Ground, GroundInput, PersonInput, Relation, SafeContact
from casework.core import clock, work
from casework.documents import services as documents
from casework.procedure import services as procedure

Facts = list[dict[str, Any]]

_MALE = (
    ("Пётр", "Piotr"), ("Алексей", "Alexei"), ("Рустам", "Rustam"), ("Игорь", "Igor"), ("Тимур", "Timur"),
    ("Егор", "Yegor"), ("Баир", "Bair"), ("Мурад", "Murad"), ("Степан", "Stepan"), ("Ильдар", "Ildar"),
)  # fmt: skip
_FEMALE = (
    ("Анна", "Anna"), ("Полина", "Polina"), ("Зарема", "Zarema"), ("Юлия", "Yulia"), ("Вера", "Vera"),
    ("Алия", "Aliya"), ("Сояна", "Soyana"), ("Марта", "Marta"), ("Дарья", "Daria"), ("Нина", "Nina"),
)  # fmt: skip
# Surnames built for the demo: each ends in a word that marks it as made up.
_ROOTS = (
    ("Вымыслов", "Vymyslov"), ("Примеров", "Primerov"), ("Образцов", "Obraztsov"), ("Тестов", "Testov"),
    ("Условнов", "Uslovnov"), ("Макетов", "Maketov"), ("Шаблонов", "Shablonov"), ("Черновиков", "Chernovikov"),
    ("Эскизов", "Eskizov"), ("Бумагин", "Bumagin"), ("Задачин", "Zadachin"), ("Ненастоящев", "Nenastoyashchev"),
)  # fmt: skip

_STATES = ("FR", "DE", "NL", "AT", "ES", "FI", "SE", "PL", "HR", "BE")
_OTHERS = ("HR", "PL", "FI", "LT", "LV", "IT", "ES", "BG", "EE")
_ACCOUNTS = {
    Ground.MILITARY: "Synthetic account. Says he left his unit in 2024 after refusing to return to the front.",
    Ground.LGBTQI: "Synthetic account. Says a neighbour reported her to the police after a search of her flat.",
    Ground.POLITICAL: "Synthetic account. Says he was fined twice for single-person pickets and then searched for.",
    Ground.ANTI_WAR: "Synthetic account. Says she put anti-war stickers in shops and a case was opened.",
    Ground.JOURNALIST: "Synthetic account. Says he wrote for a medium that was declared undesirable.",
    Ground.RELIGIOUS: "Synthetic account. Says meetings of her community were raided.",
    Ground.ETHNIC: "Synthetic account. Says men of his village were taken to the army by force.",
}


@dataclass(frozen=True)
class Plan:
    """One synthetic case: what the form would be given, the facts in the order recorded, and who else may see it."""

    team: str
    given: CaseInput
    facts: Facts
    family: tuple[PersonInput, ...] = ()
    shared_with_lawyer: bool = False
    documents: tuple[tuple[str, str, str], ...] = ()


def plans(count: int, *, seed: int, on: date) -> Iterator[Plan]:
    """Yield `count` plans, the same for the same seed and day; the first is the documented one."""
    chance = random.Random(seed)  # noqa: S311  (invented people, no secret)
    for number in range(count):
        yield _documented(chance) if number == 0 else _plan(number, chance, on)


def _documented(chance: random.Random) -> Plan:
    person = PersonInput(
        name_original="Примеров Пётр",
        name_latin="Primerov Piotr",
        birth_on=date(1994, 5, 17),
        gender="male",
        nationalities=("RU",),
        languages=("ru",),
    )
    return Plan(
        team="North",
        given=_input("FR", person, (Ground.MILITARY,), "raised"),
        facts=[
            {"fact": "application-registered", "on": "2026-09-01", "state": "FR", "certainty": "document"},
            {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum", "certainty": "document"},
            {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
            {"fact": "take-back-notification-received", "on": "2026-09-10", "state": "HR"},
            {"fact": "transfer-decision-notified", "on": "2026-10-12", "certainty": "document"},
            {"fact": "appeal-lodged", "on": "2026-10-16", "against": "transfer-decision"},
            {"fact": "suspension-requested", "on": "2026-10-16"},
        ],
        shared_with_lawyer=True,
        documents=(
            ("Transfer decision", "decision", "The transfer decision of 12 October 2026 (synthetic)."),
            ("Statement of the applicant", "evidence", "A statement in the first person (synthetic)."),
        ),
    )


def _plan(number: int, chance: random.Random, on: date) -> Plan:
    country = chance.choice(_STATES)
    other = chance.choice([state for state in _OTHERS if state != country])
    make = _SCENARIOS[number % len(_SCENARIOS)]
    person = _person(chance)
    grounds = tuple(chance.sample(list(_ACCOUNTS), k=chance.choice((1, 1, 2))))
    family: tuple[PersonInput, ...] = ()
    if chance.random() < 0.25:
        relative = _person(chance)
        family = (_relative(relative, chance.choice((Relation.SPOUSE, Relation.SIBLING)), other),)
    shared = number % 7 == 0
    return Plan(
        team="South" if number % 4 == 3 else "North",
        given=_input(country, person, grounds, chance.choice(("unknown", "low", "raised", "high", "imminent"))),
        facts=make(country, other, on - timedelta(days=chance.randrange(0, 12))),
        family=family,
        shared_with_lawyer=shared,
        documents=(("Call-up paper", "military", "A call-up paper (synthetic)."),) if shared else (),
    )


def _person(chance: random.Random) -> PersonInput:
    female = chance.random() < 0.4
    (first, first_latin), (root, root_latin) = chance.choice(_FEMALE if female else _MALE), chance.choice(_ROOTS)
    ending = ("а", "a") if female else ("", "")
    return PersonInput(
        name_original=f"{root}{ending[0]} {first}",
        name_latin=f"{root_latin}{ending[1]} {first_latin}",
        birth_on=date(chance.randrange(1968, 2006), chance.randrange(1, 13), chance.randrange(1, 28)),
        birth_estimated=chance.random() < 0.1,
        gender="female" if female else "male",
        nationalities=("RU",),
        languages=("ru", "en") if chance.random() < 0.4 else ("ru",),
    )


def _relative(person: PersonInput, relation: str, state: str) -> PersonInput:
    return PersonInput(
        name_original=person.name_original,
        name_latin=person.name_latin,
        relation=relation,
        birth_on=person.birth_on,
        gender=person.gender,
        nationalities=person.nationalities,
        languages=person.languages,
        state=state,
    )


def _input(country: str, person: PersonInput, grounds: tuple[Ground, ...], risk: str) -> CaseInput:
    return CaseInput(
        country=country,
        applicant=person,
        grounds=tuple(GroundInput(ground.value, _ACCOUNTS[ground]) for ground in grounds),
        safe_contact=SafeContact(
            channels=("messenger",),
            details="synthetic handle",
            hours="after 18:00",
            may_leave_message=False,
            code_word="birch",
        ),
        title="Synthetic case",
        summary="A synthetic case of the demo: nobody of this name exists.",
        risk_level=risk,
    )


def _day(on: date, before: int) -> str:
    return (on - timedelta(days=before)).isoformat()


def _take_back_open(country: str, other: str, on: date) -> Facts:
    return [
        {"fact": "application-registered", "on": _day(on, 20), "state": country, "certainty": "document"},
        {"fact": "eurodac-hit", "on": _day(on, 18), "state": other, "category": "asylum"},
        {"fact": "take-back-notified", "on": _day(on, 8), "state": other},
        {"fact": "take-back-notification-received", "on": _day(on, 8), "state": other},
    ]


def _take_charge_open(country: str, other: str, on: date) -> Facts:
    return [
        {"fact": "application-registered", "on": _day(on, 40), "state": country, "certainty": "document"},
        {"fact": "irregular-crossing", "on": _day(on, 90), "state": other, "certainty": "told"},
    ]


def _take_charge_waiting(country: str, other: str, on: date) -> Facts:
    return [
        {"fact": "application-registered", "on": _day(on, 60), "state": country},
        {"fact": "vis-hit", "on": _day(on, 55), "state": other},
        {"fact": "take-charge-requested", "on": _day(on, 30), "state": other, "basis": "vis"},
        {"fact": "take-charge-request-received", "on": _day(on, 30), "state": other},
    ]


def _transfer_decided(country: str, other: str, on: date) -> Facts:
    return [
        {"fact": "application-registered", "on": _day(on, 70), "state": country},
        {"fact": "eurodac-hit", "on": _day(on, 68), "state": other, "category": "asylum"},
        {"fact": "take-back-notified", "on": _day(on, 60), "state": other},
        {"fact": "take-back-confirmed", "on": _day(on, 50), "state": other, "certainty": "document"},
        {"fact": "transfer-decided", "on": _day(on, 40)},
        {"fact": "transfer-decision-notified", "on": _day(on, 4), "appeal_days": 7, "certainty": "document"},
    ]


def _hearing(country: str, other: str, on: date) -> Facts:
    zone = clock.zone_of(country)
    hearing = datetime.combine(on + timedelta(days=16), time(9, 30), zone)
    return [
        *_transfer_decided(country, other, on - timedelta(days=10)),
        {"fact": "appeal-lodged", "on": _day(on, 8), "against": "transfer-decision"},
        {"fact": "suspension-requested", "on": _day(on, 8)},
        {"fact": "appointment", "at": hearing.isoformat(), "kind": "hearing", "place": "Synthetic court, room 4"},
    ]


def _detained(country: str, other: str, on: date) -> Facts:
    return [
        {"fact": "application-registered", "on": _day(on, 25), "state": country},
        {"fact": "eurodac-hit", "on": _day(on, 24), "state": other, "category": "asylum"},
        {"fact": "detained", "on": _day(on, 9), "ground": "transfer", "certainty": "document"},
        {"fact": "take-back-notified", "on": _day(on, 7), "state": other},
    ]


def _old_regulation(country: str, other: str, on: date) -> Facts:
    return [
        {"fact": "application-lodged", "on": "2026-03-09", "certainty": "document"},
        {"fact": "application-registered", "on": "2026-03-09", "state": country},
        {"fact": "eurodac-hit", "on": "2026-03-12", "state": other, "category": "asylum"},
        {"fact": "take-back-requested", "on": "2026-04-14", "state": other, "basis": "eurodac"},
        {"fact": "take-back-accepted", "on": "2026-04-24", "state": other, "certainty": "document"},
    ]


def _across_the_change(country: str, other: str, on: date) -> Facts:
    return [
        {"fact": "application-lodged", "on": "2026-04-20"},
        {"fact": "application-registered", "on": "2026-04-20", "state": country},
        {"fact": "irregular-crossing", "on": "2026-02-02", "state": other},
        {"fact": "eurodac-hit", "on": "2026-04-22", "state": other, "category": "irregular-crossing"},
        {"fact": "take-charge-requested", "on": "2026-06-10", "state": other, "basis": "eurodac"},
        {"fact": "take-charge-request-received", "on": "2026-06-10", "state": other},
        {"fact": "take-charge-accepted", "on": "2026-07-28", "state": other, "certainty": "document"},
    ]


def _registered_only(country: str, other: str, on: date) -> Facts:
    return [{"fact": "application-registered", "on": _day(on, 6), "state": country, "certainty": "document"}]


_SCENARIOS: tuple[Callable[[str, str, date], Facts], ...] = (
    _take_back_open,
    _transfer_decided,
    _old_regulation,
    _detained,
    _take_charge_waiting,
    _hearing,
    _across_the_change,
    _take_charge_open,
    _registered_only,
)


def make(plan: Plan, *, maker: UUID, team_id: UUID, lawyer: UUID) -> UUID:
    """Make one planned case through the services, as `maker`, in one transaction; return its id."""
    with work.acting(work.Actor(maker, kind="command")):
        case_id = cases.create_case(team_id=team_id, given=plan.given)
        for relative in plan.family:
            cases.add_family_member(case_id, given=relative)
        for fact in plan.facts:
            procedure.record_fact(case_id, content=fact, note="")
        for title, kind, text in plan.documents:
            upload = documents.seal_bytes(case_id, name=f"{title}.txt", content=_page(title, text))
            documents.add_document(case_id, upload=upload, title=title, kind=kind, dated_on=_dated(plan, kind))
        if plan.shared_with_lawyer:
            access.grant(
                case_id=case_id,
                user_id=lawyer,
                level=Level.DOSSIER,
                reason="Synthetic: represents the applicant.",
                until=clock.now() + timedelta(days=90),
            )
    return case_id


def _dated(plan: Plan, kind: str) -> str:
    """Return the day of the fact that a document is about: a decision's notification, else the first fact."""
    told = [fact["on"] for fact in plan.facts if kind == "decision" and fact["fact"] == "transfer-decision-notified"]
    return str((told or [plan.facts[0]["on"]])[0])


def _page(title: str, text: str) -> bytes:
    lines = [title.upper(), "", text, "", "This document is synthetic. Этот документ вымышлен.", ""]
    lines += [f"Paragraph {number}. Nothing in it is about a person who exists." for number in range(1, 9)]
    return "\n".join(lines).encode()
