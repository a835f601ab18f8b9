"""`create_user`: an invitation from the command line."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from casework.accounts.models import Invitation, Team
from tests import cast


def create(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("create_user", *words, "--json", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


class TestCreateUser:
    def test_prints_a_link_that_opens_the_invitation(self, people: cast.Cast, client: Client) -> None:
        told = create("nora@example.org", "--role", "caseworker", "--team", "north")
        path = "/" + told["link"].split("/", 3)[3]
        assert "nora@example.org" in client.get(path).content.decode()

    def test_keeps_no_token(self, people: cast.Cast) -> None:
        token = create("ann@example.org", "--role", "admin")["link"].rstrip("/").rsplit("/", 1)[1]
        assert bytes(Invitation.objects.get().token_hash) == Invitation.hash_of(token)

    def test_makes_a_team_only_when_told_to(self, people: cast.Cast) -> None:
        words = ("nora@example.org", "--role", "coordinator", "--team", "East")
        with pytest.raises(CommandError, match="--create-team"):
            create(*words)
        create(*words, "--create-team")
        assert Team.objects.filter(name="East").exists()

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("nobody", "--role", "admin"), "not an e-mail address"),
            (("nora@example.org", "--role", "caseworker"), "belongs to a team"),
            (("nora@example.org", "--role", "admin", "--team", "North"), "other roles to none"),
            (("Wanda@example.org", "--role", "admin"), "already signs in"),
        ],
    )
    def test_refuses_wrong_usage_with_a_sentence_and_2(
        self, people: cast.Cast, words: tuple[str, ...], sentence: str
    ) -> None:
        with pytest.raises(CommandError, match=sentence) as refused:
            create(*words)
        assert refused.value.returncode == 2
        assert not Invitation.objects.exists()
