"""Passkeys: a second factor as strong as the app, bound to its person, on record, and never the last one taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from casework.accounts import services as accounts
from casework.audit.actions import ACTION_BY_NAME
from casework.audit.models import Entry
from casework.core import work
from casework.crypto.envelope import DecryptError
from tests import cast
from tests.accounts.passkey import HOST, Key

pytestmark = pytest.mark.django_db


def browser(**options: Any) -> Client:
    return Client(SERVER_NAME=HOST, **options)


def options(answer: Any) -> Any:
    (found,) = answer.context["js_data"].values()
    return json.loads(json.dumps(found, default=dict))


def add(client: Client, key: Key, name: str = "blue key") -> Any:
    page = client.get(reverse("mfa_add_webauthn"))
    return client.post(reverse("mfa_add_webauthn"), {"name": name, "credential": json.dumps(key.made(options(page)))})


def password(client: Client, who: str = "wanda") -> Any:
    return client.post(reverse("account_login"), {"login": f"{who}@example.org", "password": cast.PASSWORD})


def answer_with(client: Client, key: Key) -> Any:
    page = client.get(reverse("mfa_authenticate"))
    return client.post(reverse("mfa_authenticate"), {"credential": json.dumps(key.used(options(page)))})


def is_in(client: Client) -> bool:
    return client.get(reverse("home")).status_code == 200


def entries(people: cast.Cast, action: str, user_id: Any) -> int:
    """Count as the auditor does."""
    with cast.acting(people.aud):
        return Entry.objects.filter(action=ACTION_BY_NAME[action].code, object=user_id).count()


def sql(statement: str, values: list[Any]) -> None:
    """Write as the web role may, without the application."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def confirmed(client: Client) -> Client:
    """Let allauth see a confirmation too: the cast's shortcut notes a sign-in only."""
    session = client.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**one, "reauthenticated": True} for one in records]
    session["account_authentication_methods_user"] = client.session["_auth_user_id"]
    session.save()
    return client


@pytest.fixture
def wanda(people):
    return confirmed(cast.sign_in(browser(), people.user("wanda")))


@pytest.fixture
def key(wanda):
    key = Key()
    assert add(wanda, key).status_code == 302
    return key


class TestAPasskey:
    def test_is_the_second_step_of_signing_in(self, people, key):
        client = browser()
        assert password(client).url == reverse("mfa_authenticate")
        assert answer_with(client, key).status_code == 302
        assert is_in(client)
        assert entries(people, "auth.mfa_added", people.wanda) == 3  # app, passkey, codes

    def test_does_not_take_the_passwords_place(self, people, key):
        assert "passkey" not in browser().get(reverse("account_login")).content.decode().lower()
        assert browser().get("/account/2fa/webauthn/login/").status_code == 404

    def test_of_another_key_another_person_or_another_site_signs_nobody_in(self, people, key):
        otto = confirmed(cast.sign_in(browser(), people.user("otto")))
        other = Key()
        add(otto, other)
        false = Key("https://casework.thief.example")
        false.private, false.id = key.private, key.id
        for wrong in (Key(), other, false):
            client = browser()
            password(client)
            assert "was not accepted" in answer_with(client, wrong).content.decode()
            assert not is_in(client)
        assert entries(people, "auth.second_factor_failed", people.wanda) == 3

    def test_answers_each_question_once(self, people, key):
        client = browser()
        password(client)
        sent = {"credential": json.dumps(key.used(options(client.get(reverse("mfa_authenticate")))))}
        client.post(reverse("mfa_authenticate"), sent)
        again = browser()
        password(again)
        again.get(reverse("mfa_authenticate"))
        again.post(reverse("mfa_authenticate"), sent)
        assert (is_in(client), is_in(again)) == (True, False)

    def test_that_no_browser_would_send_is_refused_and_breaks_nothing(self, people, wanda, key):
        client = browser()
        password(client)
        half = '{"id": "a", "rawId": "a", "type": "public-key", "response": {}}'
        for sent in ("", "{", "null", "[]", "1", "{}", half, json.dumps({"id": "\0", "x": "y" * 40_000})):
            client.get(reverse("mfa_authenticate"))
            assert client.post(reverse("mfa_authenticate"), {"credential": sent}).status_code == 200
            wanda.get(reverse("mfa_add_webauthn"))
            assert wanda.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": sent}).status_code == 200
            cache.clear()
        assert not is_in(client)
        assert Authenticator.objects.filter(user_id=people.wanda, type="webauthn").count() == 1

    def test_confirms_freshly(self, people, key):
        client = browser()
        password(client)
        answer_with(client, key)
        session = client.session
        session["account_authentication_methods"] = []
        session.save()
        case_id = cast.open_a_case(people)
        share = reverse("case_share", args=[case_id])
        assert client.get(share).status_code == 302
        Authenticator.objects.filter(user_id=people.wanda, type="totp").delete()
        asked = client.get(share).url
        assert asked.startswith(reverse("mfa_reauthenticate_webauthn"))
        page = client.get(asked)
        wrong = client.post(asked, {"credential": json.dumps(Key().used(options(page)))})
        assert "was not accepted" in wrong.content.decode()
        answer = client.post(asked, {"credential": json.dumps(key.used(options(wrong)))})
        assert answer.url == share
        assert client.get(share).status_code == 200

    def test_can_be_the_first_factor(self, people):
        with work.acting(work.Actor(None, kind="command")):
            new = accounts.create_account(email="new@example.org", name="Nia Novak", password=cast.PASSWORD)
            accounts.give_role(user=new, role="lawyer")
        nia = browser()
        assert password(nia, "new").status_code == 302
        assert nia.get(reverse("home")).url == reverse("mfa_activate_totp")
        asked = nia.get(reverse("mfa_add_webauthn")).url
        assert nia.post(asked, {"password": cast.PASSWORD}).url == reverse("mfa_add_webauthn")
        assert add(nia, Key()).url == reverse("mfa_view_recovery_codes")
        assert "Each lets you in once" in nia.get(reverse("mfa_view_recovery_codes")).content.decode()
        assert is_in(nia)
        again = browser()
        password(again, "new")
        page = again.get(reverse("mfa_authenticate")).content.decode()
        assert "Use the passkey that you set up" in page
        assert "Recovery code" in page


class TestManagingPasskeys:
    def test_shows_their_names_and_changes_them(self, people, wanda, key):
        row = Authenticator.objects.get(user_id=people.wanda, type="webauthn")
        wanda.post(reverse("mfa_edit_webauthn", args=[row.pk]), {"name": "green key"})
        page = wanda.get(reverse("mfa_list_webauthn")).content.decode()
        assert "green key" in page
        assert "blue key" not in page
        client = browser()
        password(client)
        answer_with(client, key)
        assert is_in(client)

    def test_keeps_the_last_strong_factor(self, people, wanda, key):
        row = Authenticator.objects.get(user_id=people.wanda, type="webauthn")
        totp = Authenticator.objects.get(user_id=people.wanda, type="totp")
        address = reverse("mfa_remove_webauthn", args=[row.pk])
        totp.delete()
        assert "only second factor" in wanda.get(address).content.decode()
        assert wanda.post(address).status_code == 200
        assert Authenticator.objects.filter(pk=row.pk).exists()
        add(wanda, Key(), "spare")
        assert wanda.post(address).status_code == 302
        assert not Authenticator.objects.filter(pk=row.pk).exists()
        assert entries(people, "auth.mfa_removed", people.wanda) == 1

    def test_is_for_ones_own_alone(self, people, wanda, key):
        row = Authenticator.objects.get(user_id=people.wanda, type="webauthn")
        otto = confirmed(cast.sign_in(browser(), people.user("otto")))
        for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
            assert otto.post(reverse(name, args=[row.pk]), {"name": "mine"}).status_code == 404

    @pytest.mark.parametrize("name", ["mfa_add_webauthn", "mfa_activate_totp", "mfa_deactivate_totp"])
    def test_asks_for_a_second_factor_first_and_not_for_the_password(self, people, name):
        client = cast.sign_in(browser(), people.user("wanda"))
        assert client.get(reverse("account_reauthenticate")).url.startswith(reverse("mfa_reauthenticate"))
        client.post(reverse("account_reauthenticate"), {"password": cast.PASSWORD})
        asked = client.get(reverse(name), follow=True)
        if name != "mfa_activate_totp":  # one app only: it is on already
            assert asked.request["PATH_INFO"] == reverse("mfa_reauthenticate")


class TestARowPlantedInSql:
    """A4: whoever writes the database makes no passkey, moves none, and unbinds none."""

    def planted(self, user_id: Any, data: Any) -> None:
        sql(
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES (%s, 'webauthn', %s, now())",
            [user_id, json.dumps(data)],
        )

    def test_signs_nobody_in(self, people, key):
        data = Authenticator.objects.get(user_id=people.wanda, type="webauthn").data
        thief = Key()
        page = browser()
        password(page)
        made = thief.made(options(page.get(reverse("mfa_authenticate"))))
        plants = [
            data,  # somebody else's, as it is
            {**data, "mac": "00" * 16},
            {**data, "mac": ""},
            {"name": "x", "credential": made},
            {"name": "x", "credential": made, "mac": data["mac"]},
            {"name": "x", "credential": made, "mac": 7},
            ["mac"],
            "secret",
        ]
        for plant in plants:
            self.planted(people.otto, plant)
            with pytest.raises(DecryptError):
                list(Authenticator.objects.filter(user_id=people.otto))
            client = browser(raise_request_exception=False)
            assert password(client, "otto").status_code in {302, 500}
            client.post(reverse("mfa_authenticate"), {"credential": json.dumps(made)})
            assert not is_in(client)
            sql("DELETE FROM mfa_authenticator WHERE user_id = %s AND type = 'webauthn'", [people.otto])
            cache.clear()

    def test_is_refused_when_its_credential_was_exchanged(self, people, key):
        sql(
            "UPDATE mfa_authenticator SET data = jsonb_set(data, '{credential,response,transports}', '[]')"
            " WHERE user_id = %s AND type = 'webauthn'",
            [people.wanda],
        )
        with pytest.raises(DecryptError):
            list(Authenticator.objects.filter(user_id=people.wanda, type="webauthn"))
