"""The demo's one-time links: they sign in once, as if both factors had been given, and exist in the demo alone."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from casework.accounts import services
from casework.core import work
from casework.operations.demo_people import DEMO_PASSWORD, PEOPLE, guides
from tests import cast

# Loaded while the demo is off, whichever test runs first: the addresses are chosen when the module is imported.
from tests.accounts import demo_urls as _demo_urls  # noqa: F401


def a_link(people: cast.Cast, name: str = "wanda") -> str:
    with work.acting(work.Actor(None, kind="command")):
        return f"/demo/sign-in/{services.make_demo_link(people.user(name))}/"


@pytest.mark.urls("tests.accounts.demo_urls")
class TestADemoLink:
    def test_signs_in_and_goes_to_the_start_page(self, people: cast.Cast, client: Client) -> None:
        answer = client.get(a_link(people))
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert client.session["_auth_user_id"] == str(people.wanda)

    def test_works_once(self, people: cast.Cast, client: Client) -> None:
        link = a_link(people)
        client.get(link)
        other = Client()
        answer = other.get(link)
        assert answer.status_code == 404
        assert "demo_signin" in answer.content.decode()
        assert "_auth_user_id" not in other.session

    def test_is_refused_when_it_is_made_up(self, people: cast.Cast, client: Client) -> None:
        assert client.get("/demo/sign-in/made-up/").status_code == 404
        assert "_auth_user_id" not in client.session

    def test_counts_as_both_factors_just_given(self, people: cast.Cast, client: Client) -> None:
        client.get(a_link(people))
        request = HttpRequest()
        request.user, request.session = people.user("wanda"), client.session  # type: ignore[assignment]
        assert did_recently_reauthenticate(request)
        assert client.get("/account/2fa/recovery-codes/generate/").status_code == 200

    def test_changes_whom_one_is_signed_in_as(self, people: cast.Cast, client: Client) -> None:
        client.get(a_link(people, "wanda"))
        client.get(a_link(people, "cora"))
        assert client.session["_auth_user_id"] == str(people.cora)


class TestOutsideTheDemo:
    def test_there_is_no_such_address(self, people: cast.Cast, client: Client) -> None:
        with pytest.raises(NoReverseMatch):
            reverse("demo_sign_in", args=["x"])
        assert client.get(a_link(people)).status_code == 404
        assert "_auth_user_id" not in client.session

    def test_the_command_refuses(self, people: cast.Cast) -> None:
        with pytest.raises(CommandError, match="demo mode alone"):
            call_command("demo_signin", stdout=StringIO())


@pytest.mark.urls("tests.accounts.demo_urls")
class TestTheCommand:
    @pytest.fixture
    def told(self, people: cast.Cast, settings: Any) -> dict[str, Any]:
        settings.DEMO = True
        out = StringIO()
        call_command("demo_signin", "--json", stdout=out)
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    def test_gives_each_role_a_link_that_works(self, told: dict[str, Any], people: cast.Cast) -> None:
        for role, name in (("caseworker", "wanda"), ("coordinator", "cora"), ("lawyer", "lev"), ("auditor", "aud")):
            visitor = Client()
            visitor.get(told[role].removeprefix("http://127.0.0.1:8000"))
            assert visitor.session["_auth_user_id"] == str(getattr(people, name))

    def test_tells_a_code_that_counts(self, told: dict[str, Any], people: cast.Cast) -> None:
        code = told["people"]["admin"]["totp"]
        with cast.acting(people.ada):
            factor = Authenticator.objects.get(user_id=people.ada, type=Authenticator.Type.TOTP)
            assert factor.wrap().validate_code(code)

    def test_tells_the_password_of_the_demo(self, told: dict[str, Any]) -> None:
        assert {way["password"] for way in told["people"].values()} == {DEMO_PASSWORD}


class TestThePeopleOfTheDemo:
    def test_hold_every_role_and_two_teams(self) -> None:
        assert set(guides()) == {"caseworker", "coordinator", "lawyer", "auditor", "admin"}
        assert {person.team for person in PEOPLE if person.team} == {"North", "South"}

    def test_have_addresses_that_no_mail_can_reach(self) -> None:
        assert all(person.email.endswith("@example.org") for person in PEOPLE)
