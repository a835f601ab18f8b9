"""The way in: a single-use link, a name, a password, a second factor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from casework.accounts import selectors, services
from casework.accounts.models import Invitation, Team, User
from casework.accounts.types import Role
from casework.core import clock, work
from tests import cast

PASSWORD = "weeds lamp orbit 31"


def invite(email: str = "nora@example.org", role: str = Role.CASEWORKER) -> str:
    with work.acting(work.Actor(None, kind="command")):
        team = Team.objects.get(name="North") if role == Role.CASEWORKER else None
        return services.invite(email=email, role=role, team=team).token


def accept(client: Client, token: str, **changes: str) -> Any:
    given = {"name": "Nora Neu", "password": PASSWORD, "password_again": PASSWORD, **changes}
    return client.post(f"/invitation/{token}/", given)


def roles_of(user_id: UUID) -> frozenset[str]:
    with work.acting(work.Actor(user_id)):
        return selectors.standing_of(user_id).roles


class TestAcceptingAnInvitation:
    def test_shows_to_whom_and_for_what_it_is(self, people: cast.Cast, client: Client) -> None:
        page = client.get(f"/invitation/{invite()}/").content.decode()
        assert "nora@example.org" in page
        assert "Caseworker" in page
        assert "North" in page

    def test_makes_the_account_with_its_role_and_leads_to_the_second_factor(
        self, people: cast.Cast, client: Client
    ) -> None:
        answer = accept(client, invite())
        user = User.objects.get(email="nora@example.org")
        assert (answer.status_code, answer["Location"]) == (302, "/account/2fa/totp/activate/")
        assert client.session["_auth_user_id"] == str(user.pk)
        assert user.check_password(PASSWORD)
        assert roles_of(user.pk) == {Role.CASEWORKER}

    def test_lets_nobody_past_enrolment_who_has_no_second_factor(self, people: cast.Cast, client: Client) -> None:
        accept(client, invite())
        assert client.get("/profile/")["Location"] == "/account/2fa/totp/activate/"

    def test_leads_to_the_second_factor_without_asking_for_the_password_just_chosen(
        self, people: cast.Cast, client: Client
    ) -> None:
        accept(client, invite())
        page = client.get("/account/2fa/totp/activate/")
        assert page.status_code == 200
        assert "data:image/svg+xml" in page.content.decode()

    def test_works_once(self, people: cast.Cast, client: Client) -> None:
        token = invite()
        accept(client, token)
        again = accept(Client(), token, name="Somebody Else")
        assert again.status_code == 404
        assert User.objects.filter(name="Somebody Else").count() == 0

    def test_ends_after_three_days(self, people: cast.Cast, client: Client) -> None:
        token = invite()
        with clock.fixed(clock.now() + timedelta(hours=72, seconds=1)):
            assert accept(client, token).status_code == 404
        assert not User.objects.filter(email="nora@example.org").exists()

    def test_answers_alike_for_unknown_and_used_links(self, people: cast.Cast, client: Client) -> None:
        token = invite()
        accept(client, token)
        used, unknown = Client().get(f"/invitation/{token}/"), Client().get("/invitation/made-up/")
        assert used.status_code == unknown.status_code == 404
        assert used.content == unknown.content

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"password": "short", "password_again": "short"}, "too short"),
            ({"password_again": "weeds lamp orbit 32"}, "not the same"),
            ({"name": "  "}, "This field is required"),
            ({"password": "password1234", "password_again": "password1234"}, "too common"),
        ],
    )
    def test_says_in_words_what_is_wrong_and_makes_nothing(
        self, people: cast.Cast, client: Client, changes: dict[str, str], words: str
    ) -> None:
        page = accept(client, invite(), **changes).content.decode()
        assert words in page
        assert "There is a problem" in page
        assert not User.objects.filter(email="nora@example.org").exists()
        assert Invitation.objects.filter(used_at__isnull=False).count() == 0

    def test_says_so_when_the_address_got_an_account_meanwhile(self, people: cast.Cast, client: Client) -> None:
        page = accept(client, invite(email="WANDA@example.org")).content.decode()
        assert "already signs in with this address" in page

    def test_is_refused_to_someone_who_is_signed_in(self, people: cast.Cast, client: Client) -> None:
        token = invite()
        cast.sign_in(client, people.user("wanda"))
        assert accept(client, token).status_code == 409
        assert not User.objects.filter(email="nora@example.org").exists()

    def test_keeps_the_link_out_of_caches(self, people: cast.Cast, client: Client) -> None:
        assert "no-store" in client.get(f"/invitation/{invite()}/")["Cache-Control"]


class TestSigningUp:
    def test_is_closed_with_a_page_that_says_why(self, people: cast.Cast, client: Client) -> None:
        answer = client.post(
            "/account/signup/", {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
        )
        assert "by invitation" in answer.content.decode()
        assert not User.objects.filter(email="eve@example.org").exists()
