"""Walks the addresses of `tests.house.addresses` as everybody, by any method, with real objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from casework.access import selectors as grants
from casework.access import services as access
from casework.access import staff, travel
from casework.access.types import Level
from casework.accounts import services as accounts
from casework.accounts.models import Membership, RoleRequest, Team, User
from casework.accounts.types import Role
from casework.cases import erasing
from casework.core import clock, work
from casework.documents import services as documents
from casework.procedure import services as procedure
from tests import cast
from tests.house.addresses import (
    ADDRESSES,
    CONFIRM,
    CONFLICT,
    ENROL,
    FACTOR_MISSING,
    NOT_FOUND,
    PAGE,
    PEOPLE,
    REFUSED,
    SENT_ON,
    SIGN_IN,
    WRONG_METHOD,
)

# Those of them whom the cast has; the others are made for the walk.
_CAST: Final = {
    "lead": "wanda",
    "coordinator": "cora",
    "lawyer": "lev",
    "other team": "otto",
    "other coordinator": "olga",
    "auditor": "aud",
    "admin": "ada",
}
_TEAM: Final = {"of the team, without a grant": "north", "frozen": "north"}


@dataclass(frozen=True)
class World:
    """Real objects of the team North, by the name of the gap that they fill; ids of nothing where none is given."""

    case_id: UUID
    fact_id: UUID = field(default_factory=uuid4)
    document_id: UUID = field(default_factory=uuid4)
    grant_id: UUID = field(default_factory=uuid4)
    notice_id: UUID = field(default_factory=uuid4)
    erasure_id: UUID = field(default_factory=uuid4)
    erased_id: UUID = field(default_factory=uuid4)
    user_id: UUID = field(default_factory=uuid4)
    membership_id: UUID = field(default_factory=uuid4)
    request_id: UUID = field(default_factory=uuid4)
    team_id: UUID = field(default_factory=uuid4)
    frozen_id: UUID = field(default_factory=uuid4)
    finding_id: UUID = field(default_factory=uuid4)
    device_id: UUID = field(default_factory=uuid4)

    def values(self) -> dict[str, Any]:
        """What fills the gaps of an address."""
        plain = {"kind": "application-registered", "token": "no-such-token", "uidb36": "x", "key": "x", "pk": 0}
        return vars(self) | plain

    @staticmethod
    def of_nothing() -> World:
        return World(uuid4())


def people_of_the_walk(people: cast.Cast) -> dict[str, UUID]:
    """Return everybody's id by who they are; makes the accounts that the cast lacks."""
    found = {who: getattr(people, key) for who, key in _CAST.items()}
    for number, who in enumerate(who for who in PEOPLE if who not in found and who != "nobody"):
        person = PEOPLE[who]
        with work.acting(work.Actor(None, kind="command")):
            user = accounts.create_account(
                email=f"walk{number}@example.org", name=f"Walker {number}", password=cast.PASSWORD
            )
            if person.role:
                in_a_team = person.role in {Role.CASEWORKER, Role.COORDINATOR}
                team = Team.objects.get(pk=getattr(people, _TEAM.get(who, "south"))) if in_a_team else None
                accounts.give_role(user=user, role=person.role, team=team)
        if person.state != "no second factor":
            with work.acting(work.Actor(user.pk)):
                TOTP.activate(user, generate_totp_secret())
        found[who] = user.pk
    return found


def put_into_inbox(superuser: psycopg.Connection[Any], recipient_id: UUID, case_id: UUID) -> UUID:
    """Put a line about a limit of a case into somebody's inbox by hand, and commit it; the web role may not."""
    notice_id = uuid4()
    superuser.execute(
        "INSERT INTO notices_notice (id, recipient_id, channel, kind, case_id, about_id, step, due_on, urgency, key,"
        " planned_at, send_at, next_try_at, state, attempts, sent_at, failure)"
        " VALUES (%s, %s, 'inbox', 'limit', %s, %s, '3', current_date + 3, 2, %s, now(), now(), now(), 'sent', 0,"
        " now(), '')",
        [notice_id, recipient_id, case_id, uuid4(), str(notice_id)],
    )
    return notice_id


def build(people: cast.Cast, notice_id: UUID, walkers: Mapping[str, UUID], **case: Any) -> World:
    """Make a case of North with a fact, a document and every grant that PEOPLE tells of; `case`: as in `cast.a_case`.

    `notice_id` is an item of Wanda's inbox. Wanda has asked for two more cases to be erased: one waits, of the other
    Cora has confirmed it.
    """
    case_id = cast.open_a_case(people, **case)
    with cast.acting(people.wanda):
        fact = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}
        fact_id = procedure.record_fact(case_id, content=fact)
        upload = documents.seal_bytes(case_id, name="paper.txt", content=b"Synthetic paper.\n" * 50)
        document_id = documents.add_document(case_id, upload=upload, title="Paper", kind="other")
        given = {who: person.level for who, person in PEOPLE.items() if person.level and who != "coordinator"}
        given |= {"expired": Level.LEAD, "revoked": Level.WORK}
        for who, level in given.items():
            until = clock.now() + timedelta(minutes=-1 if who == "expired" else 60 * 24)
            if who != "lead":
                access.grant(case_id=case_id, user_id=walkers[who], level=level, reason="", until=until)
        by_holder = {grant.holder_id: grant.id for grant in grants.grants_on(case_id)}
        access.revoke(case_id=case_id, grant_id=by_holder[walkers["revoked"]])
    unwanted, unread = cast.open_a_case(people), cast.open_a_case(people)
    with cast.acting(people.wanda):
        erasure_id = erasing.request_erasure(unwanted, reason="person_request")
        erased_id = erasing.request_erasure(unread, reason="person_request")
    with cast.acting(people.cora):
        erasing.confirm_erasure(erased_id, reference=erasing.erasure(erased_id).reference)
    with cast.acting(people.ada):
        staff.propose_role(people.otto, role=Role.COORDINATOR, team_id=people.north)
    return World(
        case_id=case_id,
        fact_id=fact_id,
        document_id=document_id,
        grant_id=by_holder[people.lev],
        notice_id=notice_id,
        erasure_id=erasure_id,
        erased_id=erased_id,
        user_id=people.wanda,
        membership_id=Membership.objects.get(user_id=people.wanda).pk,
        request_id=RoleRequest.objects.get().pk,
        team_id=people.north,
        frozen_id=walkers["frozen"],
    )


def clients(walkers: Mapping[str, UUID]) -> dict[str, Client]:
    """Return a client for each of PEOPLE, signed in as they are; "frozen" was frozen since."""
    found = {"nobody": Client(raise_request_exception=False)}
    for who, user_id in walkers.items():
        found[who] = cast.sign_in(Client(raise_request_exception=False), User.objects.get(pk=user_id))
    with cast.acting(walkers["frozen"]):
        travel.freeze_self()
    return found


def patterns() -> Iterator[tuple[str, str, list[str]]]:
    """Yield every address: its name, its route, and the names of its gaps."""
    yield from _walk(get_resolver().url_patterns, "")


def _walk(entries: list[Any], prefix: str) -> Iterator[tuple[str, str, list[str]]]:
    for entry in entries:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, route)
        elif isinstance(entry, URLPattern):
            yield entry.name or route, route, re.findall(r"<(?:\w+:)?(\w+)>", route)


def address_of(name: str, gaps: list[str], world: World) -> str:
    """Return the path of an address, its gaps filled with the objects of a world."""
    values, other = world.values(), ADDRESSES[name].gaps if name in ADDRESSES else {}
    return reverse(name, kwargs={gap: values[other.get(gap, gap)] for gap in gaps})


def ask(
    client: Client, method: str, name: str, gaps: list[str], world: World, *, given: Mapping[str, Any] | None = None
) -> Any:
    """Ask for one address and take back whatever it changed; `given`: what is sent with it."""
    before = client.cookies.copy()
    with transaction.atomic():
        answer = getattr(client, method.lower())(address_of(name, gaps, world), given or {})
        if answer.streaming:
            answer.gathered = b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    client.cookies = before  # signing out is taken back too
    return answer


def outcome(answer: Any) -> str:
    """Return what an answer amounts to: one of the words of `addresses`, or its status."""
    if answer.status_code in {301, 302, 303}:
        places = {
            "/account/login": SIGN_IN,
            reverse("mfa_activate_totp"): ENROL,
            reverse("mfa_reauthenticate"): CONFIRM,
            reverse("factor_missing"): FACTOR_MISSING,
        }
        return next((word for place, word in places.items() if answer.url.startswith(place)), SENT_ON)
    words = {200: PAGE, 204: PAGE, 403: REFUSED, 404: NOT_FOUND, 405: WRONG_METHOD, 409: CONFLICT}
    return words.get(answer.status_code, str(answer.status_code))


def body_of(answer: Any) -> bytes:
    """Return the body of an answer, also of one that was streamed."""
    body: bytes = answer.gathered if answer.streaming else answer.content
    return body


def visible_text(answer: Any) -> str:
    """Return an answer's body without what differs from request to request by design (tokens)."""
    body = body_of(answer).decode("utf-8", "replace")
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", body)
