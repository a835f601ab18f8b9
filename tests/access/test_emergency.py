"""Break-glass: one coordinator, one case, one hour, and everybody told."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from casework.access import emergency, policies, selectors, services
from casework.access.actions import Action
from casework.access.emergency import AlreadySeen, TooManyTries, break_glass
from casework.access.types import Level
from casework.accounts.models import User
from casework.audit import actions
from casework.audit import selectors as trail
from casework.audit.models import Entry
from casework.cases import erasing
from casework.cases import selectors as cases
from casework.cases.types import CaseFilter
from casework.core import clock, ids
from casework.core.errors import Invalid, NotAllowed, NotFound
from casework.crypto import services as crypto
from casework.notices import selectors as notices
from casework.notices import services as outbox
from casework.procedure import services as procedure
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db

WHY = "Police at the door, nobody of North answers."
CODE = actions.action_named("access.glass_broken").code


@pytest.fixture
def case_id(people) -> UUID:
    return cast.open_a_case(people)


@pytest.fixture
def reference(people, case_id) -> str:
    with cast.acting(people.wanda):
        return cases.case_for(case_id).reference


def _break(who: UUID, reference: str, reason: str = WHY) -> UUID:
    with cast.acting(who):
        return break_glass(reference, reason)


def _may(who: UUID, action: Action, case_id: UUID) -> tuple[bool, bool]:
    with cast.acting(who):
        decided = policies.decide(who, action, case_id)
    return decided.visible, decided.allowed


def _tries(who: UUID, outcome: int) -> int:
    with cast.acting(who):
        return Entry.objects.filter(actor=who, action=CODE, outcome=outcome).count()


class TestOpening:
    """Olga coordinates South; the case is North's."""

    @pytest.mark.parametrize("typed", ["{}", " {} ", "lower", "without"])
    def test_opens_the_case_to_work_and_to_nothing_more(self, people, case_id, reference, typed):
        given = {"lower": reference.lower(), "without": reference.replace("-", "")}.get(typed, typed.format(reference))
        assert _may(people.olga, Action.OPEN_CASE, case_id) == (False, False)
        assert _break(people.olga, given) == case_id
        for action in (Action.OPEN_CASE, Action.RECORD_FACT, Action.EXPORT_DOSSIER):
            assert _may(people.olga, action, case_id) == (True, True)
        for action in (Action.SHARE_CASE, Action.ASSIGN_CASE, Action.ASK_ERASURE, Action.CONFIRM_ERASURE):
            assert _may(people.olga, action, case_id) == (True, False)
        with cast.acting(people.olga):
            assert [row.id for row in cases.page_of_cases(CaseFilter()).rows] == [case_id]
            procedure.record_fact(
                case_id, content={"fact": "application-registered", "on": "2026-09-01", "state": "FR"}
            )

    def test_ends_after_60_minutes_without_a_job(self, people, case_id, reference):
        _break(people.olga, reference)
        now = clock.now()
        with clock.fixed(now + timedelta(minutes=59)):
            assert _may(people.olga, Action.OPEN_CASE, case_id) == (True, True)
        with clock.fixed(now + timedelta(minutes=60, seconds=1)):
            assert _may(people.olga, Action.OPEN_CASE, case_id) == (False, False)
            with cast.acting(people.olga), pytest.raises(NotFound):
                crypto.keys_for(case_id)

    def test_is_on_record_in_the_case_with_its_reason(self, people, case_id, reference):
        _break(people.olga, reference)
        with cast.acting(people.wanda):
            entry = next(one for one in trail.entries_of_case(case_id) if one.action == "access.glass_broken")
            (grant,) = [one for one in selectors.grants_on(case_id) if emergency.is_emergency(one)]
        assert (entry.actor, entry.particulars["reason"]) == (people.olga, WHY)
        assert (grant.holder_id, grant.level, grant.reason) == (people.olga, Level.WORK, WHY)
        assert grant.until - grant.granted_at == timedelta(minutes=60)

    def test_says_until_when_to_who_opened_it_and_nobody_else(self, people, case_id, reference):
        _break(people.olga, reference)
        with cast.acting(people.olga):
            until = emergency.open_until(case_id)
        assert until is not None
        assert timedelta(minutes=59) < until - clock.now() <= timedelta(minutes=60)
        with cast.acting(people.cora):
            assert emergency.open_until(case_id) is None

    def test_is_taken_back_by_who_leads_the_case(self, people, case_id, reference):
        _break(people.olga, reference)
        with cast.acting(people.wanda):
            (grant,) = [one for one in selectors.grants_on(case_id) if emergency.is_emergency(one)]
            services.revoke(case_id=case_id, grant_id=grant.id)
        assert _may(people.olga, Action.OPEN_CASE, case_id) == (False, False)

    def test_is_for_who_does_not_see_the_case_already(self, people, case_id, reference):
        with cast.acting(people.wanda):
            services.grant(case_id=case_id, user_id=people.olga, level=Level.VIEW, reason="", until=None)
        with pytest.raises(AlreadySeen) as seen:
            _break(people.olga, reference)
        assert seen.value.case_id == case_id
        assert _tries(people.olga, actions.DONE) == 0


class TestWhoMayNot:
    @pytest.mark.parametrize("who", ["otto", "lev", "aud", "ada"])
    def test_is_refused_by_its_role(self, people, case_id, reference, who):
        user_id = getattr(people, who)
        with pytest.raises(NotAllowed):
            _break(user_id, reference)
        assert _may(user_id, Action.OPEN_CASE, case_id) == (False, False)

    def test_is_a_coordinator_whose_account_is_frozen(self, people, case_id, reference):
        from casework.access import travel

        with cast.acting(people.olga):
            travel.freeze_self()
        with pytest.raises(NotAllowed):
            _break(people.olga, reference)

    @pytest.mark.parametrize("reason", ["", "   ", "urgent", "aaaaaaaaaaaaaaaaaaaaa", "a b c d"])
    def test_is_who_gives_no_reason(self, people, reference, reason):
        with pytest.raises(Invalid) as refused:
            _break(people.olga, reference, reason)
        assert set(refused.value.fields) == {"reason"}
        assert _tries(people.olga, actions.REFUSED) == 0


class TestGuessing:
    """What does not exist, or no more, answers alike; each try is on record, and five an hour are the most."""

    def _answer(self, who: UUID, reference: str) -> str:
        with pytest.raises(Invalid) as refused:
            _break(who, reference)
        return str(refused.value.fields)

    def test_tells_an_unknown_reference_and_an_erased_case_apart_in_nothing(self, people, case_id, reference):
        with cast.acting(people.wanda):
            erasure = erasing.request_erasure(case_id, reason="person_request")
        with cast.acting(people.cora):
            erasing.confirm_erasure(erasure, reference=reference)
        assert self._answer(people.olga, reference) == self._answer(people.olga, ids.new_reference())
        assert _tries(people.olga, actions.REFUSED) == 2

    def test_counts_no_slip_that_cannot_be_a_reference(self, people):
        for typed in ("", "K7Q2", "K7Q2-M4XDD", "K7Q2_M4X;"):
            self._answer(people.olga, typed)
        assert _tries(people.olga, actions.REFUSED) == 0

    def test_ends_after_five_tries_within_an_hour_also_with_an_empty_cache(self, people, reference):
        from django.core.cache import cache

        now = clock.now()
        for minute in range(5):
            with clock.fixed(now + timedelta(minutes=minute)):
                self._answer(people.olga, ids.new_reference())
        cache.clear()
        for minute in (5, 59):
            with clock.fixed(now + timedelta(minutes=minute)), pytest.raises(TooManyTries) as refused:
                _break(people.olga, reference)
            assert refused.value.again_at == now + timedelta(hours=1)
        # Nobody is kept out for longer because they went on trying, and nobody because somebody else did.
        with clock.fixed(now + timedelta(hours=1, seconds=1)):
            self._answer(people.olga, ids.new_reference())
            with pytest.raises(TooManyTries):
                _break(people.olga, reference)
            with cast.acting(people.cora):
                assert emergency.trail.tries_since(people.cora, "access.glass_broken", now, but="none") == []


@pytest.mark.django_db(transaction=True)
class TestBeingTold:
    def test_reaches_the_inbox_and_the_mail_of_lead_and_coordinators(self, people, case_id, reference):
        _break(people.olga, reference)
        with running_as("worker"):
            outbox.dispatch()
        for who in (people.wanda, people.cora):
            with cast.acting(who):
                (line,) = [one for one in notices.inbox_for(who).items if one.kind == "glass_broken"]
                assert (line.case_id, line.urgent) == (case_id, True)
        with cast.acting(people.olga):
            assert not [one for one in notices.inbox_for(people.olga).items if one.kind == "glass_broken"]
        told = [message for message in mail.outbox if message.to[0] in {"wanda@example.org", "cora@example.org"}]
        assert sorted(message.to[0] for message in told) == ["cora@example.org", "wanda@example.org"]
        for message in told:
            for secret in (reference, "Olga", "Testov", WHY):
                assert secret not in f"{message.subject} {message.body}"

    def test_happens_with_the_opening_or_not_at_all(self, people, case_id, reference, monkeypatch):
        def fail(*_: Any, **__: Any) -> None:
            raise RuntimeError("nobody can be told")

        monkeypatch.setattr(emergency.alerts, "tell", fail)
        with pytest.raises(RuntimeError):
            _break(people.olga, reference)
        assert _may(people.olga, Action.OPEN_CASE, case_id) == (False, False)


@pytest.mark.django_db(transaction=True)
class TestTheDatabase:
    """What somebody with the web role's connection makes of the functions."""

    def _as(self, web: psycopg.Connection[Any], who: UUID, statement: str, values: list[Any]) -> Any:
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(who)])
            found = web.execute(statement, values)
            return found.fetchall() if found.description else None

    def test_opens_nothing_for_a_grant_without_the_applications_mac(self, people, case_id, as_role):
        mac = hashlib.sha256(b"guessed").digest()[:16]
        self._as(as_role("web"), people.olga, "SELECT cw_break_glass(%s, %s, %s)", [case_id, ids.new_id(), mac])
        assert _may(people.olga, Action.OPEN_CASE, case_id) == (False, False)
        with cast.acting(people.olga), pytest.raises(NotFound):
            crypto.keys_for(case_id)
        # The row stands in nobody's way: a true one takes its place.
        with cast.acting(people.wanda):
            reference = cases.case_for(case_id).reference
        _break(people.olga, reference)
        assert _may(people.olga, Action.RECORD_FACT, case_id) == (True, True)

    @pytest.mark.parametrize("who", ["otto", "lev", "aud", "ada"])
    def test_answers_nobody_who_coordinates_no_team(self, people, case_id, reference, as_role, who):
        web, user_id = as_role("web"), getattr(people, who)
        assert self._as(web, user_id, "SELECT * FROM cw_emergency_case(%s)", [reference]) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(web, user_id, "SELECT cw_break_glass(%s, %s, %s)", [case_id, ids.new_id(), b"x" * 16])

    def test_answers_no_frozen_coordinator(self, people, case_id, reference, superuser, as_role):
        superuser.execute("UPDATE accounts_user SET is_active = false, frozen_at = now() WHERE id = %s", [people.olga])
        assert self._as(as_role("web"), people.olga, "SELECT * FROM cw_emergency_case(%s)", [reference]) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(as_role("web"), people.olga, "SELECT cw_break_glass(%s, %s, '')", [case_id, ids.new_id()])

    def test_hides_the_case_again_when_the_hour_is_over(self, people, case_id, reference, superuser, as_role):
        _break(people.olga, reference)
        count = "SELECT count(*) FROM cases_case WHERE id = %s"
        assert self._as(as_role("web"), people.olga, count, [case_id]) == [(1,)]
        superuser.execute(
            "UPDATE cases_caseusergrant SET until = until - interval '61 minutes' WHERE user_id = %s", [people.olga]
        )
        assert self._as(as_role("web"), people.olga, count, [case_id]) == [(0,)]
        # And can be opened again, with its own reason and its own notice.
        _break(people.olga, reference)
        assert self._as(as_role("web"), people.olga, count, [case_id]) == [(1,)]

    def test_gives_no_reason_twice_and_lengthens_nothing(self, people, case_id, reference, as_role):
        _break(people.olga, reference)
        web = as_role("web")
        mine = "SELECT id FROM cases_caseusergrant WHERE user_id = %s"
        ((grant_id,),) = self._as(web, people.olga, mine, [people.olga])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(web, people.olga, "SELECT cw_say_why(%s, 'another')", [grant_id])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            self._as(web, people.cora, "SELECT cw_say_why(%s, 'another')", [grant_id])
        longer = "UPDATE cases_caseusergrant SET until = NULL WHERE id = %s RETURNING id"
        assert self._as(web, people.olga, longer, [grant_id]) == []

    def test_counts_tries_at_the_same_moment_one_after_the_other(self, people):
        client = cast.sign_in(Client(), people.user("olga"))
        cookie, address = client.cookies["sessionid"].value, reverse("emergency")

        def attempt(_: int) -> int:
            browser = Client()
            browser.cookies["sessionid"] = cookie
            try:
                return browser.post(address, {"reference": ids.new_reference(), "reason": WHY}).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(attempt, range(8)))
        assert (answers.count(200), answers.count(429)) == (5, 3)

    @pytest.mark.parametrize("role", ["worker", "sealer", "backup"])
    def test_lets_no_other_role_ask(self, as_role, role):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            as_role(role).execute("SELECT cw_emergency_case('K7Q2-M4XD')")


def test_a_switched_off_lead_is_not_told_and_without_anybody_all_coordinators_are(people, case_id, reference):
    User.objects.filter(pk__in=[people.wanda, people.cora]).update(is_active=False)
    with cast.acting(people.olga):
        break_glass(reference, WHY)
        assert emergency._to_be_told(case_id) == {people.olga}
