"""Somebody of another team, and somebody who is not signed in: nothing is there."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client

CASE_PAGES = (
    "",
    "edit/",
    "deadlines/",
    "timeline/",
    "facts/new/",
    "facts/new/detained/",
    "documents/",
    "documents/new/",
    "access/",
    "access/share/",
    "trail/",
    "assign/",
    "dossier/",
)


def _without_token(content: bytes) -> bytes:
    """Take out what differs on every page of anybody: the masked token against forged requests."""
    return re.sub(
        rb'(csrfmiddlewaretoken" value="|X-CSRFToken&quot;: &quot;|X-CSRFToken": ")[A-Za-z0-9]+', rb"\1", content
    )


class TestAnotherTeam:
    """A case that one may not see answers exactly like one that does not exist."""

    @pytest.mark.parametrize("path", CASE_PAGES)
    @pytest.mark.parametrize("who", ["otto", "olga"])
    def test_a_real_case_answers_like_none(self, people, visit, case_id, who, path):
        other = visit(who)
        for send in (other.get, other.post):
            real, none = (send(f"/cases/{pk}/{path}") for pk in (case_id, uuid4()))
            assert real.status_code == none.status_code
            assert real.status_code in {404, 405}
            assert _without_token(real.content) == _without_token(none.content)


class TestNobody:
    """Who is not signed in is sent to sign in, whatever they ask for."""

    @pytest.mark.parametrize("path", ["/", "/cases/", "/cases/new/", "/inbox/", "/board/", "/trail/", "/people/"])
    def test_is_sent_to_sign_in(self, people, path):
        for send in (Client().get, Client().post):
            answer = send(path)
            assert answer.status_code in {302, 405}
            if answer.status_code == 302:
                assert answer.url.startswith("/account/login/")

    @pytest.mark.parametrize("path", CASE_PAGES)
    def test_learns_nothing_of_a_case(self, people, case_id, path):
        answer = Client().get(f"/cases/{case_id}/{path}")
        assert answer.status_code == 302
        assert answer.url.startswith("/account/login/")


class TestHealth:
    """What a proxy asks, without telling a stranger anything."""

    def test_the_process_answers(self, db):
        assert Client().get("/healthz").json() == {"ok": True}

    def test_readiness_names_parts_and_ages_alone(self, db):
        answer = Client().get("/readyz")
        assert answer.status_code == 200
        found = answer.json()
        assert {found[part] for part in ("ready", "database", "migrations", "key", "redis")} == {True}
        assert set(found) == {
            "ready", "database", "migrations", "key", "redis", "planned_age_seconds", "delivered_age_seconds",
        }  # fmt: skip

    def test_a_missing_engine_makes_it_not_ready(self, db, settings):
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1/0",
            }
        }
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["redis"] is False
