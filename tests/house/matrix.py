"""Walks every address of the product as every person and relation, by GET and POST, against real objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from casework.access import selectors as grants
from casework.access import services as access
from casework.access.types import Level
from casework.cases import erasing
from casework.core import clock
from casework.documents import services as documents
from casework.procedure import services as procedure
from tests import cast

# Who asks, about a case that Wanda leads in the team North.
PEOPLE = ("lead", "coordinator", "lawyer", "expired", "other team", "other coordinator", "auditor", "admin", "nobody")


@dataclass(frozen=True)
class World:
    """Real objects of the team North, and ids of nothing at all."""

    case_id: UUID
    fact_id: UUID
    document_id: UUID
    grant_id: UUID
    notice_id: UUID
    erasure_id: UUID
    erased_id: UUID

    def values(self) -> dict[str, Any]:
        """What fills the gaps of an address."""
        return {
            "case_id": self.case_id,
            "fact_id": self.fact_id,
            "document_id": self.document_id,
            "grant_id": self.grant_id,
            "device_id": uuid4(),
            "notice_id": self.notice_id,
            "erasure_id": self.erasure_id,
            "erased_id": self.erased_id,
            "kind": "application-registered",
            "token": "no-such-token",
            "uidb36": "x",
            "key": "x",
            "pk": 0,
        }

    @staticmethod
    def of_nothing() -> World:
        return World(*(uuid4() for _ in range(7)))


def build(people: cast.Cast, notice_id: UUID) -> World:
    """Make a case of North with a fact, a document and a grant to Lev; `notice_id` is an item of Wanda's inbox.

    Wanda has asked for two more cases to be erased: one waits, of the other Cora has confirmed it.
    """
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        fact = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}
        fact_id = procedure.record_fact(case_id, content=fact)
        upload = documents.seal_bytes(case_id, name="paper.txt", content=b"Synthetic paper.\n" * 50)
        document_id = documents.add_document(case_id, upload=upload, title="Paper", kind="other")
        access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="", until=None)
        access.grant(
            case_id=case_id,
            user_id=people.olga,
            level=Level.LEAD,
            reason="",
            until=clock.now() - timedelta(minutes=1),
        )
        grant_id = next(grant.id for grant in grants.grants_on(case_id) if grant.holder_id == people.lev)
    unwanted, unread = cast.open_a_case(people), cast.open_a_case(people)
    with cast.acting(people.wanda):
        erasure_id = erasing.request_erasure(unwanted, reason="person_request")
        erased_id = erasing.request_erasure(unread, reason="person_request")
    with cast.acting(people.cora):
        erasing.confirm_erasure(erased_id, reference=erasing.erasure(erased_id).reference)
    return World(case_id, fact_id, document_id, grant_id, notice_id, erasure_id, erased_id)


def clients(people: cast.Cast) -> dict[str, Client]:
    """Return a signed-in client for each of PEOPLE. `expired` (Olga) held a grant until a minute ago."""
    who = {
        "lead": "wanda",
        "coordinator": "cora",
        "lawyer": "lev",
        "expired": "olga",
        "other team": "otto",
        "other coordinator": "olga",
        "auditor": "aud",
        "admin": "ada",
    }
    found = {name: cast.sign_in(Client(raise_request_exception=False), people.user(key)) for name, key in who.items()}
    found["nobody"] = Client(raise_request_exception=False)
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


def ask(client: Client, method: str, name: str, gaps: list[str], world: World) -> Any:
    """Ask for one address and take back whatever it changed."""
    values = world.values()
    address = reverse(name, kwargs={gap: values[gap] for gap in gaps})
    before = client.cookies.copy()
    with transaction.atomic():
        answer = client.get(address) if method == "GET" else client.post(address, {})
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    client.cookies = before  # signing out is taken back too
    return answer


def outcome(answer: Any) -> str:
    """Return what an answer amounts to: page, sent on, sign in, refused, not found, wrong method, or its status."""
    if answer.status_code in {301, 302, 303}:
        return "sign in" if "/account/login" in answer.url else "sent on"
    words = {200: "page", 204: "page", 403: "refused", 404: "not found", 405: "wrong method", 409: "conflict"}
    return words.get(answer.status_code, str(answer.status_code))


def visible_text(answer: Any) -> str:
    """Return an answer's body without what differs from request to request by design (tokens)."""
    body = answer.content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", body)
