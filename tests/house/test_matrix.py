"""Every address x method x person and relation, with real objects of another team, against the table of actions."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client

from casework.access.actions import CASE_RULES, ROLE_RULES, Action
from casework.core import clock
from tests import cast
from tests.house import addresses, matrix

# Signing in is django-allauth's: what it shows to someone who is not signed in, all else leads to the sign-in page.
OPEN_TO_NOBODY = {
    "account_login",
    "account_inactive",
    "account_signup",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_email",
}
# What is asked of few, as it is the same view and the same refusal for all.
FEW = ("lead", "other team", "without a second factor", "nobody")
METHODS = {"HEAD": FEW, "PUT": FEW[::3], "PATCH": FEW[::3], "DELETE": FEW[::3], "OPTIONS": FEW[::3]}
OF_A_CASE = {"case_id", "erasure_id", "erased_id", "notice_id"}
STALE = ("lead", "coordinator", "admin")
HIDDEN_FROM = ("other team", "expired", "of the team, without a grant", "admin")
# What these let somebody do is a part of a page that already asks for another action, or for none.
ON_OTHER_PAGES = {Action.CONFIRM_ERASURE}

pytestmark = pytest.mark.django_db


@pytest.fixture
def walkers(people, settings):
    # Nobody signs in with these passwords: that they are slow to make is of no use here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return matrix.people_of_the_walk(people)


@pytest.fixture
def world(people, walkers, superuser):
    notice_id = matrix.put_into_inbox(superuser, people.wanda, uuid4())
    yield matrix.build(people, notice_id, walkers)
    superuser.execute("DELETE FROM notices_notice WHERE id = %s", [notice_id])


@pytest.fixture
def clients(world, walkers):
    return matrix.clients(walkers)


def _gaps() -> dict[str, list[str]]:
    return {name: gaps for name, _route, gaps in matrix.patterns()}


class TestEveryAddress:
    def test_has_a_row(self):
        ours = {name for name, route, _gaps in matrix.patterns() if not route.startswith("account/")}
        assert ours == set(addresses.ADDRESSES)

    def test_answers_each_person_as_the_table_of_actions_says(self, world, clients):
        gaps, wrong = _gaps(), []
        for name in addresses.ADDRESSES:
            for method in ("GET", "POST"):
                for who in addresses.PEOPLE:
                    found = matrix.outcome(matrix.ask(clients[who], method, name, gaps[name], world))
                    if found != (wanted := addresses.expected(name, method, who)):
                        wrong.append(f"{method} {name} as {who}: {found}, and not {wanted}")
        assert wrong == []

    def test_answers_any_other_method_as_strictly(self, world, clients):
        gaps, wrong = _gaps(), []
        for name in addresses.ADDRESSES:
            for method, few in METHODS.items():
                for who in few:
                    answer = matrix.ask(clients[who], method, name, gaps[name], world)
                    found, wanted = matrix.outcome(answer), addresses.expected(name, method, who)
                    if found != wanted or (method == "HEAD" and matrix.body_of(answer)):
                        wrong.append(f"{method} {name} as {who}: {found}, and not {wanted}")
        assert wrong == []

    def test_needs_an_action_of_the_table_and_each_action_an_address(self):
        asked = {one.action for one in addresses.ADDRESSES.values()} | {
            one.post_action for one in addresses.ADDRESSES.values() if one.post_action
        }
        assert {action for action in asked if isinstance(action, Action)} | ON_OTHER_PAGES == set(Action)
        assert {action for action in asked if not isinstance(action, Action)} == {
            addresses.ANYBODY,
            addresses.SIGNED_IN,
        }

    def test_is_asked_by_somebody_who_may_and_somebody_who_may_not(self):
        """So that the walk can fail: no action is allowed to all of them, or to none."""
        for name, address in addresses.ADDRESSES.items():
            answers = {
                addresses.expected(name, "POST" if address.get == "wrong method" else "GET", who)
                for who in addresses.PEOPLE
            }
            assert len(answers) > 1 or address.action == addresses.ANYBODY, name
        levels = {person.level for person in addresses.PEOPLE.values()}
        assert {rule.level for rule in CASE_RULES.values()} < levels
        assert {role for roles in ROLE_RULES.values() for role in roles} < {
            one.role for one in addresses.PEOPLE.values()
        }

    def test_explains_what_the_actions_do_not_say(self):
        assert [name for name, one in addresses.ADDRESSES.items() if bool(one.other) != bool(one.why)] == []


class TestAStaleSignIn:
    """Rights, keys and exports: the second factor was given hours ago, so it is asked for again, of those who may."""

    @pytest.fixture
    def stale(self, world, walkers, clients):
        for who in STALE:
            session = clients[who].session
            session["account_authentication_methods"] = [
                {"method": "mfa", "type": "totp", "at": clock.now().timestamp() - 3600}
            ]
            session.save()
        return clients

    def test_leads_to_the_second_factor_where_the_table_says(self, world, stale):
        gaps, found = _gaps(), {}
        for name, address in addresses.ADDRESSES.items():
            asked = set()
            for method in ("GET", "POST"):
                may = (who for who in STALE if addresses.expected(name, method, who) not in {"refused", "wrong method"})
                who = next(may, STALE[0])
                if matrix.outcome(matrix.ask(stale[who], method, name, gaps[name], world)) == "confirm":
                    asked.add(method)
            opens = "GET" in asked or address.get == "wrong method"
            word = "" if not asked else "open" if opens else "send"
            if word != address.fresh:
                found[name] = word
        assert found == {}


class TestAHiddenCase:
    """Invariant 25: absent and hidden answer alike, to the letter, and at the same cost."""

    def test_answers_exactly_like_one_that_does_not_exist(self, world, clients):
        assert {who: found for who in HIDDEN_FROM if (found := _different(clients[who], world))} == {}

    def test_answers_differently_to_who_may_see_it(self, world, clients):
        """The same comparison finds something where there is something to be found."""
        found = _different(clients["coordinator"], world)
        assert found >= {"GET case_detail", "GET case_trail", "POST document_download", "POST erasure_certificate"}

    def test_is_hidden_from_its_own_lawyer_under_a_foreign_documents_address(self, people, world, clients):
        from dataclasses import replace

        mixed = replace(world, document_id=uuid4())
        answer = matrix.ask(clients["lawyer"], "POST", "document_download", ["case_id", "document_id"], mixed)
        assert matrix.outcome(answer) == "not found"


def _different(client: Client, world: matrix.World) -> set[str]:
    """Return what answers differently about things that are and things that never were."""
    nothing, found = matrix.World.of_nothing(), set()
    for name, gaps in _gaps().items():
        if name in addresses.ADDRESSES and OF_A_CASE & set(gaps):
            for method in ("GET", "POST"):
                # Twice, as a session notes now and then, in passing, that it is still in use.
                if all(
                    _told(client, method, name, gaps, world) != _told(client, method, name, gaps, nothing)
                    for _ in range(2)
                ):
                    found.add(f"{method} {name}")
    return found


def _told(client: Client, method: str, name: str, gaps: list[str], world: matrix.World) -> tuple[Any, ...]:
    """Return all that an answer tells: status, headers, body, and how often the database was asked (for its time)."""
    asked = 0

    def count(execute: Any, *given: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*given)

    with connection.execute_wrapper(count):
        answer = matrix.ask(client, method, name, gaps, world)
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return answer.status_code, asked, headers, matrix.visible_text(answer)


class TestSigningIn:
    """The pages of django-allauth under account/."""

    def test_shows_nobody_more_than_the_ways_in(self, world, clients):
        for name, route, gaps in matrix.patterns():
            if not route.startswith("account/"):
                continue
            for method in ("GET", "POST"):
                answer = matrix.ask(clients["nobody"], method, name, gaps, world)
                assert answer.status_code < 500, name
                if name not in OPEN_TO_NOBODY:
                    assert matrix.outcome(answer) != "page", name

    def test_faults_for_no_signed_in_person(self, world, clients):
        for name, route, gaps in matrix.patterns():
            if route.startswith("account/"):
                for method in ("GET", "POST"):
                    assert matrix.ask(clients["lead"], method, name, gaps, world).status_code < 500, name


class TestSomebodyWithoutASecondFactor:
    """No page opens, for every role: they had one, and it is gone."""

    def test_gets_nowhere_whose_factor_is_gone(self, people):
        gaps, world, further = _gaps(), matrix.World.of_nothing(), []
        for who in ("wanda", "cora", "lev", "aud", "ada"):
            Authenticator.objects.filter(user_id=getattr(people, who)).delete()
            client = cast.sign_in(Client(), people.user(who))
            for name in addresses.ADDRESSES.keys() - addresses.ALWAYS_OPEN:
                found = matrix.outcome(matrix.ask(client, "GET", name, gaps[name], world))
                if found != addresses.FACTOR_MISSING:
                    further.append((who, name, found))
        assert further == []
