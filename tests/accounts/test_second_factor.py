"""A lost second factor: asked for by voice, told to everybody, a day of waiting, one link, and nothing by itself."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from casework.access import second_factor
from casework.access import services as access
from casework.access.types import Level
from casework.accounts import closing, resets
from casework.accounts import services as accounts
from casework.accounts.models import FactorReset
from casework.audit.actions import ACTION_BY_NAME
from casework.audit.models import Entry
from casework.core import clock, work
from casework.core.errors import Conflict, NotAllowed, NotFound
from casework.notices.models import Notice
from tests import cast

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def start():
    return clock.now()


def ask(people: cast.Cast, by: str = "cora", whom: str = "wanda") -> Any:
    with cast.acting(getattr(people, by)):
        return second_factor.ask_reset(getattr(people, whom))


def finish(people: cast.Cast, reset_id: Any, by: str = "cora") -> Any:
    with cast.acting(getattr(people, by)):
        return second_factor.finish_reset(reset_id)


def hire(role: str, team: Any = None, name: str = "Nia Novak") -> Any:
    """Make a colleague with an app."""
    with work.acting(work.Actor(None, kind="command")):
        email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
        user = accounts.create_account(email=email, name=name, password=cast.PASSWORD)
        accounts.give_role(user=user, role=role, team=team)
    with cast.acting(user.pk):
        TOTP.activate(user, generate_totp_secret())
    return user


def told(people: cast.Cast, about: Any) -> set[str]:
    """Return who has a line about this in their inbox; nobody sees another one's."""
    found = set()
    for name in ("wanda", "cora", "lev", "otto", "olga", "aud", "ada"):
        with cast.acting(getattr(people, name)):
            if Notice.objects.filter(about_id=about, channel="inbox").exists():
                found.add(name)
    return found


def on_record(people: cast.Cast, action: str, whom: Any) -> int:
    with cast.acting(people.aud):
        return Entry.objects.filter(action=ACTION_BY_NAME[action].code, object=whom).count()


def open_with(client: Client, token: str, password: str = cast.PASSWORD) -> Any:
    return client.post(reverse("new_factor", args=[token]), {"password": password})


class TestTheWholeWay:
    def test_from_the_call_to_the_new_app(self, people, start):
        page = reverse("factor_reset", args=[people.wanda])
        with clock.fixed(start - 24.1 * HOUR):
            cora = cast.sign_in(Client(), people.user("cora"))
            assert "recovery codes" in cora.get(page).content.decode()
            assert "Choose one" in cora.post(page, {"act": "ask"}).content.decode()
            assert cora.post(page, {"act": "ask", "known_by": "voice"}).url == page
            assert cora.post(page, {"act": "finish"}).status_code == 403
            wanda = cast.sign_in(Client(), people.user("wanda"))
            assert "Look at it" in wanda.get(reverse("profile")).content.decode()
            assert "stop it now" in wanda.get(page).content.decode()
        cora = cast.sign_in(Client(), people.user("cora"))
        made = cora.post(page, {"act": "finish"}).content.decode()
        token = re.search(r"/second-factor/([\w-]{43})/", made).group(1)
        assert token not in cora.get(page).content.decode()
        assert "made already" in cora.post(page, {"act": "finish"}, follow=True).content.decode()
        old = Authenticator.objects.get(user_id=people.wanda).pk
        client = Client()
        assert client.get(reverse("new_factor", args=[token])).status_code == 200
        assert open_with(client, token).url == reverse("mfa_activate_totp")
        assert not Authenticator.objects.filter(pk=old).exists()
        assert client.get(reverse("home")).url == reverse("mfa_activate_totp")
        with cast.acting(people.wanda):
            TOTP.activate(people.user("wanda"), generate_totp_secret())
        assert client.get(reverse("home")).status_code == 200
        assert open_with(Client(), token).status_code == 404
        assert FactorReset.objects.get().state == "done"
        for action in ("asked", "linked"):
            assert on_record(people, f"account.factor_reset_{action}", people.wanda) == 1
        assert on_record(people, "auth.factors_reset", people.wanda) == 1

    def test_ends_every_session_of_the_person(self, people, start):
        wanda = cast.sign_in(Client(), people.user("wanda"))
        reset_id = ask(people)
        with clock.fixed(start + 25 * HOUR):
            link = finish(people, reset_id)
            open_with(Client(), link.token)
        assert wanda.get(reverse("home")).url.startswith(reverse("account_login"))

    def test_can_be_interrupted_and_gone_on_with_by_the_link_alone(self, people, start):
        with clock.fixed(start - 25 * HOUR):
            reset_id = ask(people)
        link = finish(people, reset_id)
        open_with(Client(), link.token)
        thief = Client()
        thief.post(reverse("account_login"), {"login": "wanda@example.org", "password": cast.PASSWORD})
        for name in ("home", "mfa_activate_totp", "mfa_add_webauthn"):
            assert thief.get(reverse(name)).url == reverse("factor_missing")
        assert "not there any more" in thief.get(reverse("factor_missing")).content.decode()
        again = Client()
        assert open_with(again, link.token).url == reverse("mfa_activate_totp")
        assert again.get(reverse("mfa_activate_totp")).status_code == 200
        with clock.fixed(start + 73 * HOUR):
            assert open_with(Client(), link.token).status_code == 404

    def test_tells_everybody(self, people, start):
        assert told(people, ask(people)) == {"wanda", "ada", "aud"}
        assert told(people, ask(people, "ada", "aud")) == {"aud", "cora", "olga"}

    def test_is_asked_and_ended_only_with_a_fresh_confirmation(self, people, start):
        cora = cast.sign_in(Client(), people.user("cora"))
        with clock.fixed(start + timedelta(minutes=6)):
            page = reverse("factor_reset", args=[people.wanda])
            assert cora.get(page).status_code == 200
            answer = cora.post(page, {"act": "ask", "known_by": "voice"})
        assert answer.url.startswith(reverse("mfa_reauthenticate"))
        assert not FactorReset.objects.exists()


class TestTheLink:
    @pytest.fixture
    def token(self, people, start):
        reset_id = ask(people)
        with clock.fixed(start + 25 * HOUR):
            link = finish(people, reset_id)
        return link.token

    def test_needs_the_password_of_the_person(self, people, token):
        client = Client()
        wrong = open_with(client, token, "not-this-synthetic-1")
        assert "not the password" in wrong.content.decode()
        assert "wanda" not in wrong.content.decode().lower()
        assert Authenticator.objects.filter(user_id=people.wanda).exists()
        assert "_auth_user_id" not in client.session

    def test_stops_guesses_as_the_sign_in_page_does(self, people, token):
        client = Client()
        for _ in range(5):
            open_with(client, token, "not-this-synthetic-1")
        assert "Wait five minutes" in open_with(client, token).content.decode()
        assert Authenticator.objects.filter(user_id=people.wanda).exists()
        cache.clear()
        assert open_with(client, token).status_code == 302

    def test_is_stored_as_a_hash(self, people, token):
        row = FactorReset.objects.get()
        assert token.encode() not in bytes(row.token_hash)
        assert len(bytes(row.token_hash)) == 32

    def test_is_refused_alike_whether_unknown_stopped_or_of_a_closed_account(self, people, token):
        unknown = Client().get(reverse("new_factor", args=["no-such-token"]))
        closing.switch_off(people.wanda)
        closed = Client().get(reverse("new_factor", args=[token]))
        closing.switch_on(people.wanda)
        with cast.acting(people.wanda):
            second_factor.stop_reset(FactorReset.objects.get().pk)
        stopped = Client().get(reverse("new_factor", args=[token]))
        assert unknown.status_code == closed.status_code == stopped.status_code == 404
        assert unknown.content == closed.content == stopped.content

    def test_is_not_for_who_is_signed_in(self, people, token):
        otto = cast.sign_in(Client(), people.user("otto"))
        assert otto.get(reverse("new_factor", args=[token])).status_code == 409

    def test_takes_damaged_factors_away_too(self, people, token):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES (%s, 'webauthn', '{}', now())",
                [people.wanda],
            )
        assert open_with(Client(), token).status_code == 302
        assert not Authenticator.objects.filter(user_id=people.wanda).exists()


class TestWhoMayAsk:
    @pytest.mark.parametrize(
        ("by", "whom", "answer"),
        [
            ("cora", "wanda", None),
            ("olga", "wanda", NotFound),  # another team
            ("ada", "wanda", NotAllowed),  # an administrator would be let into cases
            ("ada", "cora", NotAllowed),
            ("wanda", "cora", NotAllowed),
            ("aud", "ada", NotAllowed),
            ("lev", "wanda", NotAllowed),
            ("cora", "cora", NotAllowed),  # oneself
            ("ada", "ada", NotAllowed),
            ("ada", "aud", None),
            ("cora", "aud", NotAllowed),
            ("cora", "ada", None),  # the only administrator
            ("olga", "cora", None),  # the only coordinator of her team
            ("ada", "lev", NotAllowed),
            ("cora", "lev", NotAllowed),  # they share no case
        ],
    )
    def test_follows_teams(self, people, by, whom, answer):
        if answer is None:
            assert ask(people, by, whom)
        else:
            with pytest.raises(answer):
                ask(people, by, whom)

    def test_is_another_coordinator_or_administrator_where_there_is_one(self, people):
        north = accounts.Team.objects.get(pk=people.north)
        second = hire("coordinator", north)
        admin = hire("admin", name="Ana Alba")
        with pytest.raises(NotFound), cast.acting(people.olga):
            second_factor.ask_reset(people.cora)
        with pytest.raises(NotAllowed), cast.acting(people.cora):
            second_factor.ask_reset(people.ada)
        for by, whom in ((second.pk, people.cora), (admin.pk, people.ada)):
            with cast.acting(by):
                assert second_factor.ask_reset(whom)

    def test_is_for_a_lawyer_a_coordinator_who_shares_a_case_now(self, people, start):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="", until=start + HOUR)
        with pytest.raises(NotAllowed):
            ask(people, "olga", "lev")
        with clock.fixed(start + 2 * HOUR), pytest.raises(NotAllowed):
            ask(people, "cora", "lev")
        assert ask(people, "cora", "lev")

    def test_is_nobody_for_a_closed_account(self, people):
        closing.switch_off(people.wanda)
        with pytest.raises((NotAllowed, NotFound)):
            ask(people)

    def test_is_told_alike_of_nobody_and_of_another_teams_person(self, people):
        for whom in (people.wanda, uuid4()):
            with pytest.raises(NotFound), cast.acting(people.olga):
                second_factor.factor_of(whom)


class TestStopping:
    @pytest.mark.parametrize("by", ["wanda", "cora", "ada"])
    def test_is_for_the_person_and_whoever_was_told(self, people, start, by):
        reset_id = ask(people)
        client = cast.sign_in(Client(), people.user(by))
        with clock.fixed(start + timedelta(minutes=6)):  # without a fresh confirmation: nothing is lost by it
            answer = client.post(reverse("factor_reset", args=[people.wanda]), {"act": "stop"})
        assert answer.status_code == 302
        assert on_record(people, "account.factor_reset_stopped", people.wanda) == 1
        with clock.fixed(start + 25 * HOUR), pytest.raises(Conflict):
            finish(people, reset_id)

    @pytest.mark.parametrize("by", ["olga", "otto", "lev", "aud"])
    def test_is_not_for_others(self, people, by):
        reset_id = ask(people)
        with pytest.raises((NotFound, NotAllowed)), cast.acting(getattr(people, by)):
            second_factor.stop_reset(reset_id)

    def test_makes_room_for_another_one(self, people):
        reset_id = ask(people)
        with pytest.raises(Conflict):
            ask(people)
        with cast.acting(people.cora):
            second_factor.stop_reset(reset_id)
        assert ask(people) != reset_id

    def test_happens_by_itself_after_a_week(self, people, start):
        reset_id = ask(people)
        with clock.fixed(start + 8.1 * 24 * HOUR):
            with pytest.raises(Conflict):
                finish(people, reset_id)
            assert ask(people) != reset_id


class TestARowChangedInSql:
    """A4: added, back-dated or advanced, it does nothing; and gone factors are set up anew by no password alone."""

    _ASKED = (
        "asked_at = asked_at - interval '2 days'",
        "asked_by = gen_random_uuid()",
        "known_by = 'person'",
        "user_id = (SELECT id FROM accounts_user WHERE email = 'otto@example.org')",
        "id = gen_random_uuid()",
        "state = 'linked', linked_by = asked_by, token_hash = sha256('mine'), expires_at = now() + interval '2 days'",
    )
    _LINKED = (
        "token_hash = sha256('mine')",
        "expires_at = expires_at + interval '9 days'",
        "linked_by = gen_random_uuid()",
        "ended_by = asked_by",
        "ended_at = now()",
        "state = 'opened'",
        "mac = ''",
    )

    @pytest.mark.django_db(transaction=True)
    def test_does_nothing(self, people, superuser, start):
        reset_id = ask(people)
        assert self.left_of_each(superuser, self._ASKED, lambda: resets.under_way(people.wanda)) == []
        with clock.fixed(start + 25 * HOUR):
            token = finish(people, reset_id).token
            assert resets.open_link(token).pk == reset_id
            assert self.left_of_each(superuser, self._LINKED, lambda: self.opened(token) or self.opened("mine")) == []
            assert resets.open_link(token).pk == reset_id

    @staticmethod
    def opened(token: str) -> Any:
        try:
            return resets.open_link(token)
        except NotFound:
            return None

    @staticmethod
    def left_of_each(superuser: Any, changes: tuple[str, ...], holds: Any) -> list[str]:
        """Return the changes after which the row still holds; each is taken back."""
        superuser.execute("CREATE TEMP TABLE kept AS SELECT * FROM accounts_factorreset")
        still = []
        for change in changes:
            superuser.execute(f"UPDATE accounts_factorreset SET {change}")
            if holds():
                still.append(change)
            superuser.execute("DELETE FROM accounts_factorreset")
            superuser.execute("INSERT INTO accounts_factorreset SELECT * FROM kept")
        superuser.execute("DROP TABLE kept")
        return still

    def test_is_held_by_the_database_to_its_course(self, people):
        reset_id = ask(people)
        for change in ("state = 'linked', linked_by = asked_by", "state = 'opened'", "state = 'done'"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"UPDATE accounts_factorreset SET {change} WHERE id = %s", [reset_id])

    def test_lets_nobody_enrol_whose_factors_were_deleted(self, people):
        Authenticator.objects.filter(user_id=people.wanda).delete()
        thief = Client()
        thief.post(reverse("account_login"), {"login": "wanda@example.org", "password": cast.PASSWORD})
        for name in ("home", "mfa_activate_totp", "mfa_add_webauthn", "mfa_index", "account_reauthenticate"):
            assert thief.get(reverse(name)).url == reverse("factor_missing")
            assert thief.post(reverse(name)).url == reverse("factor_missing")
        assert on_record(people, "auth.second_factor_failed", people.wanda) == 1
