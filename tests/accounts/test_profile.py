"""One's own name, language and key."""

from __future__ import annotations

import pyrage
import pytest
from django.test import Client

from casework.accounts import profiles
from casework.audit import selectors as audit
from casework.core.errors import NotAllowed
from tests import cast

PUBLIC_KEY = str(pyrage.x25519.Identity.generate().to_public())


def save(client: Client, **changes: str) -> str:
    given = {"name": "Lev Lindqvist", "language": "en-gb", "age_recipient": "", **changes}
    return client.post("/profile/", given, follow=True).content.decode()


@pytest.fixture
def lev(people: cast.Cast, client: Client) -> Client:
    signed_in: Client = cast.sign_in(client, people.user("lev"))
    return signed_in


class TestProfile:
    def test_needs_a_sign_in(self, people: cast.Cast, client: Client) -> None:
        assert client.get("/profile/")["Location"].startswith("/account/login/")

    def test_shows_address_roles_and_teams(self, people: cast.Cast, client: Client) -> None:
        page = cast.sign_in(client, people.user("cora")).get("/profile/").content.decode()
        assert "cora@example.org" in page
        assert "Coordinator" in page
        assert "North" in page

    def test_keeps_name_and_key(self, people: cast.Cast, lev: Client) -> None:
        page = save(lev, name="Lev Larsson", age_recipient=f"  {PUBLIC_KEY}\n")
        user = people.user("lev")
        assert (user.name, user.age_recipient) == ("Lev Larsson", PUBLIC_KEY)
        assert "Your profile is saved." in page

    @pytest.mark.parametrize(
        ("key", "words"),
        [
            ("age1nonsense", "incomplete or mistyped"),
            (PUBLIC_KEY[:-1], "incomplete or mistyped"),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ", "begins with age1 or ssh-ed25519"),
            (str(pyrage.x25519.Identity.generate()), "This is a secret key"),
        ],
        ids=["mistyped", "cut off", "of another kind", "secret"],
    )
    def test_refuses_a_key_that_no_dossier_could_be_encrypted_to(
        self, people: cast.Cast, lev: Client, key: str, words: str
    ) -> None:
        assert words in save(lev, age_recipient=key)
        assert people.user("lev").age_recipient == ""

    def test_writes_to_the_trail_only_what_changed(self, people: cast.Cast, lev: Client) -> None:
        def told() -> list[str]:
            with cast.acting(people.lev):
                return [entry.action for entry in audit.entries_of_actor(people.lev)]

        before = told()
        save(lev)
        assert told() == before
        save(lev, age_recipient=PUBLIC_KEY)
        assert sorted(told()) == sorted([*before, "account.recipient_key_set"])

    def test_is_nobody_elses_to_change(self, people: cast.Cast) -> None:
        with cast.acting(people.ada), pytest.raises(NotAllowed):
            profiles.update_profile(user=people.user("lev"), name="Mallory", language="en-gb", age_recipient="")
        assert people.user("lev").name == "Lev Lindqvist"
