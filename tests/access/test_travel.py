"""Travel mode: whoever freezes their account cannot open it, and nobody else can be talked into it alone in silence."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from casework.access import policies, services, travel
from casework.access.actions import Action
from casework.access.types import Level
from casework.accounts import closing
from casework.accounts import selectors as accounts
from casework.accounts import services as account_services
from casework.accounts.models import Team, Unfreezing, User
from casework.accounts.types import Role
from casework.audit import actions
from casework.audit.models import Entry
from casework.core import clock, work
from casework.core.errors import Conflict, NotAllowed, NotFound
from casework.crypto import services as crypto
from casework.crypto.types import KeyUnavailable
from casework.notices import selectors as notices
from casework.notices import services as outbox
from casework.procedure.models import Limit
from casework.procedure.signals import limits_changed
from casework.reminders import services as reminders
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db


def _freeze(who: UUID) -> None:
    with cast.acting(who):
        travel.freeze_self()


def _is_open(who: UUID) -> bool:
    return User.objects.get(pk=who).is_active


def _unfreeze(who: UUID, of: UUID) -> None:
    with cast.acting(who):
        travel.unfreeze(of)


def _entries(who: UUID, action: str) -> list[UUID]:
    with cast.acting(who):
        code = actions.action_named(action).code
        return list(Entry.objects.filter(actor=who, action=code).values_list("object", flat=True))


def _told(who: UUID, kind: str) -> int:
    with running_as("worker"):
        outbox.dispatch()
    with cast.acting(who):
        return sum(line.kind == kind for line in notices.inbox_for(who).items)


def _hire(name: str, role: str, team: UUID | None = None) -> UUID:
    with work.acting(work.Actor(None, kind="command")):
        user = account_services.create_account(email=f"{name}@example.org", name=name.title(), password=cast.PASSWORD)
        account_services.give_role(user=user, role=role, team=Team.objects.get(pk=team) if team else None)
    return user.pk


class TestAFrozenAccount:
    def test_counts_for_nothing(self, people):
        case_id = cast.open_a_case(people)
        _freeze(people.wanda)
        assert _entries(people.wanda, "account.frozen") == [people.wanda]
        with cast.acting(people.wanda):
            assert not accounts.standing_of(people.wanda).roles
            assert not policies.decide(people.wanda, Action.OPEN_CASE, case_id).visible
            with pytest.raises(KeyUnavailable):
                crypto.keys_for(case_id)
        assert people.wanda not in {person.id for person in accounts.holders(Role.CASEWORKER)}

    def test_ends_every_session_and_none_comes_back_with_it(self, people):
        here, elsewhere = (cast.sign_in(Client(), people.user("wanda")) for _ in range(2))
        answer = here.post(reverse("freeze"))
        assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (200, '"cache", "cookies", "storage"')
        assert "Your account is frozen" in answer.content.decode()
        for client in (here, elsewhere):
            assert client.get(reverse("case_list")).status_code == 302
        _unfreeze(people.cora, people.wanda)
        for client in (here, elsewhere):
            assert client.get(reverse("case_list")).status_code == 302

    def test_is_refused_at_the_door_as_one_that_was_switched_off(self, people):
        with cast.acting(people.ada):
            closing.switch_off(people.otto)
        _freeze(people.wanda)
        answers = []
        for name in ("otto", "wanda"):
            client = Client()
            given = {"login": f"{name}@example.org", "password": cast.PASSWORD}
            answer = client.post(reverse("account_login"), given, follow=True)
            assert "_auth_user_id" not in client.session
            answers.append((answer.redirect_chain, re.sub(r'value="[^"]+"', "", answer.content.decode())))
        assert answers[0] == answers[1]

    def test_is_not_opened_by_a_new_password(self, people):
        client = Client()
        client.post(reverse("account_reset_password"), {"email": "wanda@example.org"})
        path = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body)).group(1)
        _freeze(people.wanda)
        before = User.objects.get(pk=people.wanda).password
        words = "quite-another-synthetic-9"
        client.post(client.get(path, follow=True).request["PATH_INFO"], {"password1": words, "password2": words})
        client.post(reverse("account_login"), {"login": "wanda@example.org", "password": words})
        assert "_auth_user_id" not in client.session
        assert not _is_open(people.wanda)
        wanda = User.objects.get(pk=people.wanda)
        assert wanda.frozen_at is not None
        # Whoever holds the mailbox does not choose the password that will count once the account is open again.
        assert wanda.password == before

    def test_is_not_signed_in_to_by_who_had_given_the_password_before(self, people):
        client = Client()
        given = {"login": "wanda@example.org", "password": cast.PASSWORD}
        assert client.post(reverse("account_login"), given).url == reverse("mfa_authenticate")
        _freeze(people.wanda)
        with cast.acting(people.wanda):
            secret = get_adapter().decrypt(Authenticator.objects.get(user_id=people.wanda, type="totp").data["secret"])
        code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
        assert client.post(reverse("mfa_authenticate"), {"code": code}).url == reverse("account_login")
        assert "_auth_user_id" not in client.session
        assert client.get(reverse("account_login")).status_code == 200

    def test_is_opened_without_the_sessions_that_began_meanwhile(self, people):
        _freeze(people.wanda)
        client = cast.sign_in(Client(), people.user("wanda"))
        _unfreeze(people.cora, people.wanda)
        assert client.get(reverse("home")).status_code == 302


class TestWhoOpensIt:
    def test_is_a_coordinator_of_the_team_at_once(self, people):
        _freeze(people.wanda)
        for who in (people.olga, people.aud, people.otto, people.wanda):
            with cast.acting(who), pytest.raises((NotAllowed, NotFound)):
                travel.unfreeze(people.wanda)
        for do in (travel.unfreeze, travel.ask_unfreeze):
            with cast.acting(people.ada), pytest.raises(NotFound):
                do(people.wanda)
        _unfreeze(people.cora, people.wanda)
        assert _is_open(people.wanda)
        assert _entries(people.cora, "account.unfrozen") == [people.wanda]
        with cast.acting(people.cora), pytest.raises(NotFound):
            travel.unfreeze(people.wanda)

    def test_is_for_a_lawyer_a_coordinator_of_a_team_that_gave_them_access_also_when_that_has_ended(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            until = clock.now() + timedelta(days=1)
            services.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="", until=until)
        with cast.acting(people.lev):
            assert [person.id for person in travel.openers_of(people.lev).at_once] == [people.cora]
        _freeze(people.lev)
        with cast.acting(people.olga), pytest.raises(NotFound):
            travel.unfreeze(people.lev)
        with clock.fixed(clock.now() + timedelta(days=30)):
            _unfreeze(people.cora, people.lev)
        assert _is_open(people.lev)

    @pytest.mark.parametrize("who", ["ada", "aud", "cora"])
    def test_is_another_administrator_after_a_day_where_no_coordinator_may(self, people, who):
        of, eva, now = getattr(people, who), _hire("eva", "admin"), clock.now()
        _freeze(of)
        with cast.acting(eva):
            with pytest.raises(NotAllowed):
                travel.unfreeze(of)
            travel.ask_unfreeze(of)
            with pytest.raises(Conflict):
                travel.ask_unfreeze(of)
        with clock.fixed(now + timedelta(hours=23, minutes=59)), cast.acting(eva), pytest.raises(NotAllowed):
            travel.unfreeze(of)
        with clock.fixed(now + timedelta(hours=24, minutes=1)):
            _unfreeze(eva, of)
        assert _is_open(of)
        assert _entries(eva, "account.unfreezing_asked") == _entries(eva, "account.unfrozen") == [of]

    def test_is_after_a_day_nobody_where_a_colleague_stopped_it(self, people):
        now = clock.now()
        _freeze(people.cora)
        with cast.acting(people.ada):
            travel.ask_unfreeze(people.cora)
        with cast.acting(people.olga):
            travel.stop_unfreezing(people.cora)
            with pytest.raises(NotFound):
                travel.unfreeze(people.cora)
        with clock.fixed(now + timedelta(hours=25)), cast.acting(people.ada), pytest.raises(NotAllowed):
            travel.unfreeze(people.cora)

    def test_is_asked_again_for_another_journey_and_after_a_week(self, people):
        now = clock.now()
        _freeze(people.cora)
        with cast.acting(people.ada):
            travel.ask_unfreeze(people.cora)
        with clock.fixed(now + timedelta(days=8, hours=1)), cast.acting(people.ada):
            with pytest.raises(NotAllowed):
                travel.unfreeze(people.cora)
            travel.ask_unfreeze(people.cora)
        assert set(Unfreezing.objects.values_list("state", flat=True)) == {"asked", "stopped"}

    def test_does_not_undo_a_switching_off_nor_the_other_way_round(self, people):
        for first, second in ((self._thaw, closing.switch_on), (closing.switch_on, self._thaw)):
            _freeze(people.wanda)
            with cast.acting(people.ada):
                closing.switch_off(people.wanda)
            for step, is_open in ((first, False), (second, True)):
                with cast.acting(people.cora):
                    step(people.wanda)
                assert _is_open(people.wanda) is is_open

    @staticmethod
    def _thaw(user_id: UUID) -> None:
        travel.unfreeze(user_id)


@pytest.mark.django_db(transaction=True)
class TestTelling:
    def test_reaches_the_coordinators_when_it_is_frozen_and_its_owner_when_it_is_opened(self, people):
        _freeze(people.wanda)
        assert (_told(people.cora, "frozen"), _told(people.olga, "frozen")) == (1, 0)
        _unfreeze(people.cora, people.wanda)
        assert (_told(people.wanda, "unfreezing"), _told(people.cora, "unfreezing")) == (1, 0)
        _freeze(people.wanda)
        assert _told(people.cora, "frozen") == 2

    def test_reaches_everybody_when_an_administrator_asks(self, people):
        eva = _hire("eva", "admin")
        _freeze(people.ada)
        with cast.acting(eva):
            travel.ask_unfreeze(people.ada)
        assert [_told(who, "unfreezing") for who in (people.cora, people.olga, people.aud, eva, people.otto)] == [
            1, 1, 1, 0, 0,
        ]  # fmt: skip

    def test_leaves_reminders_to_the_coordinators_at_once_and_gives_them_back(self, people):
        case_id = cast.open_a_case(people)
        due = clock.today() + timedelta(days=20)
        with cast.acting(people.wanda):
            limit = Limit(
                case_id=case_id, due_on=due, due_strict_on=due, due_rolled_on=due, rule="ammr-take-back-confirm-2w",
                state="running", whose="HR",
            )  # fmt: skip
            limit.save(force_insert=True)
            limits_changed.send(sender=Limit, case_id=case_id)
        assert self._hears(limit.pk) == {people.wanda}
        _freeze(people.wanda)
        assert self._hears(limit.pk) == {people.cora}
        _unfreeze(people.cora, people.wanda)
        assert self._hears(limit.pk) == {people.wanda}

    def test_asks_for_the_plan_when_it_is_frozen(self, people, monkeypatch):
        asked: list[str] = []
        monkeypatch.setattr(closing, "enqueue", lambda name, *_, **__: asked.append(name))
        _freeze(people.wanda)
        assert asked == ["reminders.plan"]

    @staticmethod
    def _hears(limit_id: UUID) -> set[UUID]:
        """Return who is to be told of a limit, once what `closing` asks for has run."""
        with running_as("worker"):
            reminders.plan()
            with work.acting(work.system_actor()):
                known = notices.about([limit_id])[limit_id]
        first = min(notice.send_at for notice in known if notice.state == "planned")
        return {notice.recipient_id for notice in known if notice.state == "planned" and notice.send_at == first}


@pytest.mark.django_db(transaction=True)
class TestTheDatabase:
    """What somebody with the web role's connection, or who writes to the tables, makes of it."""

    def _as(self, web: psycopg.Connection[Any], who: UUID | None, statement: str, values: list[Any]) -> None:
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(who) if who else ""])
            web.execute(statement, values)

    def test_lets_nobody_open_their_own_account_or_freeze_anothers(self, people, as_role):
        _freeze(people.wanda)
        web = as_role("web")
        thaw = "UPDATE accounts_user SET is_active = true, frozen_at = NULL WHERE id = %s"
        freeze = "UPDATE accounts_user SET is_active = false, frozen_at = now() WHERE id = %s"
        for who, statement, of in (
            (people.wanda, thaw, people.wanda),
            (None, thaw, people.wanda),  # where nobody is signed in: a link in a mail
            (people.otto, thaw, people.wanda),
            (people.cora, freeze, people.olga),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                self._as(web, who, statement, [of])
        with pytest.raises(psycopg.errors.CheckViolation):
            self._as(web, people.ada, "UPDATE accounts_user SET is_active = true WHERE id = %s", [people.wanda])

    @pytest.mark.parametrize("change", ["asked_at = asked_at - interval '25 hours'", "mac = '\\x00'", None])
    def test_makes_no_request_older_than_it_is(self, people, superuser, change):
        _freeze(people.aud)
        if change is None:
            superuser.execute(
                "INSERT INTO accounts_unfreezing (id, user_id, asked_by, asked_at, state, mac)"
                " VALUES (gen_random_uuid(), %s, %s, now(), 'asked', '\\x00')",
                [people.aud, people.ada],
            )
        else:
            with cast.acting(people.ada):
                travel.ask_unfreeze(people.aud)
            superuser.execute(f"UPDATE accounts_unfreezing SET {change}")
        superuser.execute("UPDATE accounts_user SET frozen_at = frozen_at - interval '2 days'")
        with clock.fixed(clock.now() + timedelta(hours=25)), cast.acting(people.ada):
            with pytest.raises(NotAllowed):
                travel.unfreeze(people.aud)
            travel.ask_unfreeze(people.aud)  # a true one takes its place

    def test_ends_a_request_once(self, people, as_role):
        _freeze(people.aud)
        with cast.acting(people.ada):
            travel.ask_unfreeze(people.aud)
            travel.stop_unfreezing(people.aud)
        back = "UPDATE accounts_unfreezing SET state = 'asked', ended_by = NULL, ended_at = NULL"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(as_role("web"), people.ada, back, [])


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_an_account_at_once_one_does(people):
    _freeze(people.wanda)

    def second() -> str:
        try:
            _unfreeze(people.cora, people.wanda)
        except NotFound:
            return "not found"
        finally:
            connection.close()
        return "opened"

    waiting = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cw_web' AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool:
        with cast.acting(people.cora), connection.cursor() as cursor:
            travel.unfreeze(people.wanda)
            other = pool.submit(second)
            for _ in range(500):
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(waiting)
                if cursor.fetchone()[0]:
                    break
                cursor.execute("SELECT pg_sleep(0.01)")
        assert other.result() == "not found"
    assert _entries(people.cora, "account.unfrozen") == [people.wanda]
