"""Who works in the demo: invented colleagues, all with one password that stands in the open here."""

from __future__ import annotations

from dataclasses import dataclass

from casework.accounts.types import Role

# Not a secret: the demo listens on this machine alone and holds nobody real.
DEMO_PASSWORD = "synthetic-people-only-7"  # noqa: S105


@dataclass(frozen=True)
class DemoPerson:
    """An invented colleague; `team` is empty for roles that belong to none."""

    email: str
    name: str
    role: Role
    team: str = ""


PEOPLE = (
    DemoPerson("wanda@example.org", "Wanda Wójcik", Role.CASEWORKER, "North"),
    DemoPerson("cora@example.org", "Cora Conti", Role.COORDINATOR, "North"),
    DemoPerson("lev@example.org", "Lev Lindqvist", Role.LAWYER),
    DemoPerson("aud@example.org", "Aud Aas", Role.AUDITOR),
    DemoPerson("ada@example.org", "Ada Adler", Role.ADMIN),
    DemoPerson("otto@example.org", "Otto Oja", Role.CASEWORKER, "South"),
    DemoPerson("olga@example.org", "Olga Ozols", Role.COORDINATOR, "South"),
)


def guides() -> dict[str, DemoPerson]:
    """Return for each role the first person who holds it: whom the demo's links sign in as."""
    first: dict[str, DemoPerson] = {}
    for person in PEOPLE:
        first.setdefault(person.role.value, person)
    return first
