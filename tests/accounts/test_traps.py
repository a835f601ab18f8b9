"""The ten facts of signing in "that will bite whoever does not know them" (reference, section 3): each is a test.

Kept elsewhere and named here: every page without a second factor (1) in `tests/house/test_matrix.py`; the confirmation
before an act (3), the end of a sign-in (8) in `test_presence.py`; invitations (5) in `test_invitations.py`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings as configured
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from casework.accounts import closing
from casework.accounts import services as accounts
from casework.core import clock, work
from tests import cast
from tests.conftest import manage

pytestmark = pytest.mark.django_db
WRONG = "quite-wrong-synthetic-1"


def sign_in(client: Client, who: str = "wanda", password: str = cast.PASSWORD, **extra: Any) -> Any:
    given = {"login": f"{who}@example.org", "password": password}
    return client.post(reverse("account_login"), given, **extra)


def words(answer: Any) -> str:
    """Return a page without what differs from request to request, and without what was typed."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())
    return re.sub(r"[\w.-]+@example\.org", "", text)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def newcomer() -> Any:
    with work.acting(work.Actor(None, kind="command")):
        user = accounts.create_account(email="nia@example.org", name="Nia Novak", password=cast.PASSWORD)
        accounts.give_role(user=user, role="auditor")
    return user


class TestTrap1NobodyWithoutAStrongFactor:
    def test_and_recovery_codes_are_none(self, newcomer):
        with cast.acting(newcomer.pk):
            RecoveryCodes.activate(newcomer)
        client = cast.sign_in(Client(), newcomer)
        assert client.get(reverse("home")).url in {reverse("mfa_activate_totp"), reverse("factor_missing")}

    def test_and_the_last_one_stays(self, people):
        client = cast.sign_in(Client(), people.user("wanda"))
        records = client.session["account_authentication_methods"]
        session = client.session
        session["account_authentication_methods"] = [{**records[0], "reauthenticated": True}]
        session["account_authentication_methods_user"] = str(people.wanda)
        session.save()
        assert "only second factor" in client.post(reverse("mfa_deactivate_totp")).content.decode()
        assert Authenticator.objects.filter(user_id=people.wanda, type="totp").exists()


class TestTrap2SigningInIsNoConfirmation:
    def test_so_the_first_set_up_says_why_it_asks_for_the_password_again(self, newcomer):
        client = Client()
        sign_in(client, "nia")
        page = client.get(reverse("mfa_activate_totp"), follow=True)
        assert page.request["PATH_INFO"] == reverse("account_reauthenticate")
        assert "nothing was mistyped" in page.content.decode()
        asked = f"{reverse('account_reauthenticate')}?next={reverse('mfa_activate_totp')}"
        assert client.post(asked, {"password": cast.PASSWORD}).url == reverse("mfa_activate_totp")


class TestTrap3APasswordConfirmsNothing:
    def test_for_who_has_a_second_factor(self, people):
        client = cast.sign_in(Client(), people.user("wanda"))
        answer = client.post(reverse("account_reauthenticate"), {"password": cast.PASSWORD})
        assert answer.url.startswith(reverse("mfa_reauthenticate"))
        assert "Use your password" not in client.get(reverse("mfa_reauthenticate")).content.decode()


class TestTrap4SecretsAreSealed:
    def test_of_the_app_and_of_recovery_codes(self, people):
        with cast.acting(people.wanda):
            codes = RecoveryCodes.activate(people.user("wanda"))
            seed, shown = codes.instance.data["seed"], codes.get_unused_codes()
        rows = Authenticator.objects.filter(user_id=people.wanda)
        stored = " ".join(str(row.data) for row in rows)
        assert all(text.startswith(f"{people.wanda}:") for text in (rows.get(type="totp").data["secret"], seed))
        assert not any(code in stored for code in shown)
        assert not re.search(r"'secret': '[A-Z2-7]{32}'", stored)


class TestTrap5NobodySignsUp:
    def test_without_an_invitation(self, people):
        client = Client()
        given = {"email": "new@example.org", "password1": cast.PASSWORD, "password2": cast.PASSWORD}
        assert "by invitation" in client.post(reverse("account_signup"), given).content.decode()
        assert not is_in(client)


class TestTrap6LimitsOnAttempts:
    def test_are_shared_by_all_processes(self):
        assert configured.CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache"

    def test_tell_people_behind_the_proxy_apart_and_believe_nobody_else(self, people, settings, rf):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

        def address(said: str) -> str:
            return str(ratelimit.get_ip(rf.get("/", headers={"x-forwarded-for": said}, REMOTE_ADDR="10.0.0.1")))

        assert address("192.0.2.1") != address("192.0.2.2")
        assert address("198.51.100.7, 192.0.2.1") == address("192.0.2.1")  # made up by who asks

    def test_count_one_proxy_on_a_server(self):
        asked = "from django.conf import settings; print(settings.ALLAUTH_TRUSTED_PROXY_COUNT)"
        done = manage("shell", "--no-imports", "-c", asked, CASEWORK_TESTING="", CASEWORK_TEST_APPS="")
        assert done.stdout.strip().endswith("1"), done.stderr

    def test_refuse_the_right_password_too_and_show_the_wait(self, people):
        client = Client()
        for _ in range(5):
            assert sign_in(client, password=WRONG).status_code == 200
        page = sign_in(client).content.decode()
        assert "Wait five minutes" in page
        assert reverse("account_reset_password") in page

    def test_end_by_themselves_whatever_is_tried_meanwhile(self, people, monkeypatch):
        client, now = Client(), [1_000_000.0]
        monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: now[0])
        for _ in range(5):
            sign_in(client, password=WRONG)
        for _ in range(3):
            now[0] += 90
            assert sign_in(client).status_code == 200
        now[0] += 31
        assert sign_in(client).url == reverse("mfa_authenticate")

    def test_lock_nobody_out_of_a_browser_they_know(self, people):
        wanda, stranger = Client(), Client()
        with cast.acting(people.wanda):
            code = RecoveryCodes.activate(people.user("wanda")).get_unused_codes()[0]
        sign_in(wanda)
        wanda.post(reverse("mfa_authenticate"), {"code": code})
        assert is_in(wanda)
        wanda.post(reverse("account_logout"))
        for _ in range(6):
            sign_in(stranger, password=WRONG, REMOTE_ADDR="192.0.2.9")
        assert "Wait five minutes" in sign_in(stranger, REMOTE_ADDR="192.0.2.8").content.decode()
        assert sign_in(wanda, REMOTE_ADDR="192.0.2.7").url == reverse("mfa_authenticate")
        # The mark is Wanda's, and guessing in that browser stops as everywhere.
        stolen = Client()
        stolen.cookies["known"] = wanda.cookies["known"].value
        for _ in range(6):
            sign_in(stolen, "otto", WRONG, REMOTE_ADDR="192.0.2.6")
        assert "Wait five minutes" in sign_in(Client(), "otto", REMOTE_ADDR="192.0.2.5").content.decode()
        for _ in range(6):
            sign_in(stolen, password=WRONG, REMOTE_ADDR="192.0.2.4")
        assert "Wait five minutes" in sign_in(stolen, REMOTE_ADDR="192.0.2.3").content.decode()

    def test_are_ended_by_a_new_password(self, people):
        client = Client()
        for _ in range(6):
            sign_in(client, password=WRONG)
        client.post(reverse("account_reset_password"), {"email": "wanda@example.org"})
        path = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body)).group(1)  # type: ignore[union-attr]
        new = "quite-another-synthetic-9"
        client.post(client.get(path).url, {"password1": new, "password2": new})
        assert sign_in(client, password=new).url == reverse("mfa_authenticate")


class TestTrap6And7TheSameAnswerForEverybody:
    """Who has an account, and whose is frozen, is nobody's business."""

    @pytest.fixture
    def hashed(self, monkeypatch):
        """Count how often the hasher of passwords works: that is what takes the time."""
        counted: list[str] = []
        for name in ("encode", "verify"):
            original = getattr(Argon2PasswordHasher, name)

            def count(self, *args, _original=original, _name=name, **kwargs):
                counted.append(_name)
                return _original(self, *args, **kwargs)

            monkeypatch.setattr(Argon2PasswordHasher, name, count)
        return counted

    def test_wrong_password_unknown_address_closed_and_frozen_account(self, people, hashed):
        closing.switch_off(people.otto)
        with cast.acting(people.olga):
            closing.freeze(people.olga)
        tried = [("wanda", WRONG), ("nobody", WRONG), ("otto", WRONG), ("olga", WRONG)]
        # The right one too: whoever is made to give it away does not betray that the account is frozen.
        tried += [("otto", cast.PASSWORD), ("olga", cast.PASSWORD)]
        answers = set()
        for who, password in tried:
            hashed.clear()
            client = Client()
            answer = sign_in(client, who, password)
            answers.add((answer.status_code, words(answer), len(hashed)))
            assert not is_in(client)
            cache.clear()
        assert len(answers) == 1
        (status, text, count) = answers.pop()
        assert (status, count) == (200, 1)
        assert "not correct" in text

    def test_and_the_same_work_for_a_made_up_mark_of_a_known_browser(self, people):
        asked = []
        for who in ("wanda", "nobody"):
            client = Client()
            client.cookies["known"] = f"made-up.{'00' * 16}"
            cache.clear()
            with CaptureQueriesContext(connection) as queries:
                sign_in(client, who, WRONG)
            asked.append(sum("crypto_keyscope" in query["sql"] for query in queries))
        assert asked[0] == asked[1] > 0

    def test_a_forgotten_password_which_mails_the_known_one_alone(self, people):
        closing.switch_off(people.otto)
        answers = []
        for who in ("wanda", "nobody", "otto"):
            client = Client()
            answer = client.post(reverse("account_reset_password"), {"email": f"{who}@example.org"})
            answers.append((answer.status_code, answer.url, words(client.get(answer.url))))
        assert answers[0] == answers[1] == answers[2]
        assert [message.to for message in mail.outbox] == [["wanda@example.org"]]

    def test_also_while_the_mail_server_is_slow_or_gone(self, people, monkeypatch):
        """The mail leaves after the answer: neither its time nor its failing tells that the address is known."""
        order: list[str] = []

        def send(*_args: Any, **_kwargs: Any) -> int:
            order.append("mail")
            raise OSError("synthetic: no mail server")

        monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
        monkeypatch.setattr("django.http.HttpResponseRedirect.close", _noting(order, "answer"))
        answer = Client().post(reverse("account_reset_password"), {"email": "wanda@example.org"})
        assert answer.url == reverse("account_reset_password_done")
        assert order == ["answer", "mail"]


def _noting(order: list[str], word: str) -> Any:
    from django.http import HttpResponse

    def close(self: Any) -> None:
        order.append(word)
        HttpResponse.close(self)

    return close


class TestTrap9SettingsThatOpenTheDoor:
    @pytest.mark.parametrize(
        "name",
        [
            "MFA_TOTP_INSECURE_BYPASS_CODE",
            "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN",
            "MFA_TRUST_ENABLED",
            "MFA_PASSKEY_LOGIN_ENABLED",
            "ACCOUNT_SESSION_REMEMBER",
        ],
    )
    def test_stop_the_start(self, settings, name):
        assert "accounts.E001" not in {found.id for found in run_checks()}
        setattr(settings, name, "1")
        assert "accounts.E001" in {found.id for found in run_checks()}


class TestTrap10SessionsArePurged:
    def test_when_anybody_signs_in(self, people):
        cast.sign_in(Client(), people.user("otto"))
        Session.objects.update(expire_date=clock.now() - timedelta(minutes=1))
        assert Session.objects.count() == 1
        wanda = cast.sign_in(Client(), people.user("wanda"))
        assert Session.objects.count() == 1
        assert is_in(wanda)

    def test_and_keep_no_network_address(self, people):
        client = Client(REMOTE_ADDR="192.0.2.77", headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/999.1"})
        cast.sign_in(client, people.user("wanda"))
        kept = str(dict(client.session))
        assert "192.0.2.77" not in kept
        assert "999" not in kept
