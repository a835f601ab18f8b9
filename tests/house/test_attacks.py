"""What an attacker who has read this source tries first, and what stands in the way each time."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from allauth.account import signals
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from casework.access import policies, selectors, services
from casework.access.actions import Action
from casework.access.types import Level
from casework.accounts.adapters import MfaAdapter
from casework.accounts.models import User
from casework.accounts.sessions import SessionStore, stored_key
from casework.audit import actions
from casework.audit import services as audit
from casework.core import clock, work
from casework.core.errors import NotFound
from casework.core.logging import AllowListFormatter
from casework.crypto import blind_index
from casework.crypto import services as crypto
from casework.crypto.envelope import DecryptError
from casework.documents import uploads
from casework.dossiers import services as dossiers
from tests import cast
from tests.conftest import running_as
from tests.house import matrix, sessions

pytestmark = pytest.mark.django_db

NAME = "Testov Piotr"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> {{ settings.SECRET_KEY }} {% debug %}'


def _client(people: cast.Cast, name: str, **options: Any) -> Client:
    return cast.sign_in(Client(raise_request_exception=False, **options), people.user(name))


def _case(case_id: UUID, name: str = "case_detail", **more: Any) -> str:
    return reverse(name, kwargs={"case_id": case_id, **more})


def _decide(user_id: UUID, action: Action, case_id: UUID) -> Any:
    with cast.acting(user_id):
        return policies.decide(user_id, action, case_id)


def _a_document(people: cast.Cast, case_id: UUID, name: str = "paper.txt", content: bytes = b"Synthetic.\n") -> UUID:
    answer = _client(people, "wanda").post(
        _case(case_id, "document_new"), {"upload": SimpleUploadedFile(name, content), "title": "Paper", "kind": "other"}
    )
    assert answer.status_code == 302
    listed = _client(people, "wanda").get(_case(case_id, "case_documents")).content.decode()
    found = re.search(rf"{case_id}/documents/([0-9a-f-]{{36}})/", listed)
    assert found is not None
    return UUID(found.group(1))


def _entries(connection: psycopg.Connection[Any], action: str, **where: UUID) -> int:
    """Return how many entries of an action are committed; `connection` is not the application's own."""
    more = "".join(f" AND {column} = %s" for column in where)
    code = actions.action_named(action).code
    row = connection.execute(f"SELECT count(*) FROM audit_entry WHERE action = %s{more}", [code, *where.values()])
    return int(row.fetchone()[0])  # type: ignore[index]


@pytest.fixture
def broken_trail(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a switch: from then on no entry can be written."""

    def switch() -> None:
        def refuse(*_: object) -> None:
            raise psycopg.OperationalError("the trail cannot be written")

        monkeypatch.setattr(audit, "_append", refuse)

    return switch


class TestAPageWithoutItsEntry:
    """Invariants 29 and 30: what cannot be put on record is not shown."""

    PAGES = (
        "case_detail",
        "case_deadlines",
        "case_timeline",
        "case_documents",
        "case_access",
        "case_trail",
        "case_edit",
    )

    @pytest.mark.parametrize("page", PAGES)
    def test_is_not_sent(self, people, broken_trail, page):
        case_id = cast.open_a_case(people)
        client = _client(people, "wanda")
        shown = client.get(_case(case_id, page))
        assert shown.status_code == 200
        reference = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", shown.content.decode())
        broken_trail()
        answer = client.get(_case(case_id, page))
        assert answer.status_code == 500
        assert reference is not None
        assert reference.group(0) not in answer.content.decode()
        assert NAME not in answer.content.decode()

    @pytest.mark.parametrize("page", ["case_list", "home"])
    def test_is_not_sent_of_a_list(self, people, broken_trail, page):
        cast.open_a_case(people)
        client = _client(people, "wanda")
        assert client.get(reverse(page)).status_code == 200
        broken_trail()
        answer = client.get(reverse(page))
        assert answer.status_code == 500
        assert NAME not in answer.content.decode()

    def test_is_not_sent_of_a_search(self, people, broken_trail):
        cast.open_a_case(people)
        client = _client(people, "wanda")
        assert NAME in client.post(reverse("case_list"), {"words": "Testov"}).content.decode()
        broken_trail()
        assert NAME not in client.post(reverse("case_list"), {"words": "Testov"}).content.decode()

    def test_is_not_sent_of_a_document(self, people, broken_trail):
        case_id = cast.open_a_case(people)
        address = _case(case_id, "document_download", document_id=_a_document(people, case_id))
        client = _client(people, "wanda")
        assert client.post(address).getvalue() == b"Synthetic.\n"
        broken_trail()
        answer = client.post(address)
        assert answer.status_code == 500
        assert b"Synthetic." not in answer.getvalue()

    def test_signs_nobody_in(self, people, broken_trail):
        client = Client(raise_request_exception=False)
        _password(client, "wanda")
        broken_trail()
        assert client.post(reverse("mfa_authenticate"), {"code": _code(people.wanda)}).status_code == 500
        kept = sessions.opened()
        assert kept
        assert not any("_auth_user_id" in data for data in kept)


@pytest.mark.django_db(transaction=True)
class TestEveryLook:
    """A look is on record whatever shape its request has, and before its first byte."""

    def test_by_head_leaves_what_get_leaves(self, people, superuser):
        case_id = cast.open_a_case(people)
        _client(people, "wanda").head(_case(case_id))
        assert _entries(superuser, "case.read", stream=case_id, actor=people.wanda) == 1

    def test_that_asks_whether_anything_changed_gets_a_whole_page_and_an_entry(self, people, superuser):
        case_id = cast.open_a_case(people)
        client = _client(people, "wanda")
        first = client.get(_case(case_id))
        since = {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT", "if-none-match": first.headers.get("ETag", "*")}
        again = client.get(_case(case_id), headers=since)
        assert (again.status_code, again.headers["Cache-Control"]) == (200, "no-store")
        assert _entries(superuser, "case.read", stream=case_id, actor=people.wanda) == 2

    def test_through_a_form_that_was_not_accepted_stays_on_record(self, people, superuser):
        case_id = cast.open_a_case(people)
        given = {"email": "nobody@example.org", "level": "1", "reason": "Synthetic"}
        day = clock.today("FR").replace(year=clock.today("FR").year + 1)
        given |= {"until_0": str(day.day), "until_1": str(day.month), "until_2": str(day.year)}
        answer = _client(people, "wanda").post(_case(case_id, "case_share"), given)
        assert answer.status_code == 200
        assert "Nobody signs in with this address" in answer.content.decode()
        assert _entries(superuser, "case.read", stream=case_id) == 1
        assert _entries(superuser, "grant.given", actor=people.wanda) == 2  # the two of the new case, no third

    def test_at_a_file_is_committed_before_its_first_byte(self, people, superuser):
        case_id = cast.open_a_case(people)
        document_id = _a_document(people, case_id)
        answer = _client(people, "wanda").post(_case(case_id, "document_download", document_id=document_id))
        assert answer.streaming
        assert _entries(superuser, "document.downloaded", object=document_id) == 1
        assert answer.getvalue() == b"Synthetic.\n"

    def test_that_was_refused_is_on_record_with_its_person_and_not_with_the_case(self, people, superuser):
        case_id = cast.open_a_case(people)
        assert _client(people, "otto").get(_case(case_id)).status_code == 404
        assert _entries(superuser, "access.refused", actor=people.otto) == 1
        assert _entries(superuser, "access.refused", stream=case_id) == 0

    def test_ends_with_the_account(self, people, superuser):
        case_id = cast.open_a_case(people)
        client = _client(people, "wanda")
        assert client.get(_case(case_id)).status_code == 200
        superuser.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [people.wanda])
        assert matrix.outcome(client.get(_case(case_id))) == "sign in"

    def test_ends_with_the_grant(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="", until=None)
        client = _client(people, "lev")
        assert client.get(_case(case_id)).status_code == 200
        with cast.acting(people.wanda):
            given = next(one for one in selectors.grants_on(case_id) if one.holder_id == people.lev)
            services.revoke(case_id=case_id, grant_id=given.id)
        assert client.get(_case(case_id)).status_code == 404


@pytest.mark.django_db(transaction=True)
class TestARowChangedInSql:
    """A4: whoever writes to the database cannot make an existing grant or role say more than it was given for."""

    @pytest.fixture
    def case_id(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="", until=None)
        assert _decide(people.lev, Action.OPEN_CASE, case_id).allowed
        return case_id

    def test_raises_no_level(self, people, superuser, case_id):
        superuser.execute(
            "UPDATE cases_caseusergrant SET permission_id ="
            " (SELECT id FROM auth_permission WHERE codename = 'lead_case') WHERE user_id = %s",
            [people.lev],
        )
        assert not _decide(people.lev, Action.OPEN_CASE, case_id).visible

    def test_raises_no_level_by_exchanging_what_the_levels_are_called(self, people, superuser, case_id):
        for before, after in (("lead_case", "x"), ("view_case", "lead_case"), ("x", "view_case")):
            superuser.execute("UPDATE auth_permission SET codename = %s WHERE codename = %s", [after, before])
        assert not _decide(people.lev, Action.OPEN_CASE, case_id).visible

    def test_moves_no_grant_to_another_person(self, people, superuser, case_id):
        superuser.execute("UPDATE cases_caseusergrant SET user_id = %s WHERE user_id = %s", [people.otto, people.lev])
        assert not _decide(people.otto, Action.OPEN_CASE, case_id).visible

    def test_moves_no_grant_to_another_case(self, people, superuser, case_id):
        other = cast.open_a_case(people)
        superuser.execute("UPDATE cases_caseusergrant SET case_id = %s WHERE user_id = %s", [other, people.lev])
        assert not _decide(people.lev, Action.OPEN_CASE, other).visible
        assert not _decide(people.lev, Action.OPEN_CASE, case_id).visible

    def test_moves_no_team_grant_to_another_team(self, people, superuser, case_id):
        superuser.execute(
            "UPDATE cases_casegroupgrant SET group_id = (SELECT group_id FROM accounts_membership WHERE user_id = %s)",
            [people.olga],
        )
        assert not _decide(people.olga, Action.OPEN_CASE, case_id).visible

    def test_moves_nobody_into_another_team(self, people, superuser, case_id):
        superuser.execute(
            "UPDATE accounts_membership SET group_id = (SELECT group_id FROM accounts_membership WHERE user_id = %s)"
            " WHERE user_id = %s",
            [people.cora, people.olga],
        )
        assert not _decide(people.olga, Action.OPEN_CASE, case_id).visible

    def test_names_no_other_giver(self, people, superuser, case_id):
        superuser.execute(
            "UPDATE cases_caseusergrant SET granted_by = %s WHERE user_id = %s", [people.cora, people.lev]
        )
        assert not _decide(people.lev, Action.OPEN_CASE, case_id).visible


@pytest.mark.django_db(transaction=True)
class TestASessionInTheTable:
    """A1 and A4: whoever reads or writes the table of sessions is nobody by that."""

    @pytest.fixture
    def client(self, people):
        client = _client(people, "wanda")
        assert client.get(reverse("home")).status_code == 200
        return client

    @staticmethod
    def _try(cookie: str) -> str:
        thief = Client(raise_request_exception=False)
        thief.cookies[settings.SESSION_COOKIE_NAME] = cookie
        return matrix.outcome(thief.get(reverse("home")))

    def test_is_no_cookie(self, client, as_role):
        assert self._try(client.session.session_key) == "page"
        rows = as_role("backup").execute("SELECT session_key FROM django_session").fetchall()
        assert rows
        assert {self._try(key) for (key,) in rows} == {"sign in"}

    def test_copied_to_another_key_is_empty(self, client, superuser):
        for cookie in ("attackerchosenkeyattackerchosen1", client.session.session_key[::-1]):
            superuser.execute(
                "INSERT INTO django_session SELECT %s, session_data, expire_date FROM django_session LIMIT 1",
                [stored_key(cookie)],
            )
            superuser.execute(
                "INSERT INTO django_session SELECT %s, session_data, expire_date FROM django_session LIMIT 1", [cookie]
            )
            assert self._try(cookie) == "sign in"

    def test_ends_with_signing_out(self, client, superuser):
        cookie = client.session.session_key
        client.post(reverse("account_logout"))
        assert self._try(cookie) == "sign in"
        assert superuser.execute(
            "SELECT count(*) FROM django_session WHERE session_key = %s", [stored_key(cookie)]
        ).fetchone() == (0,)

    def test_that_is_over_is_cleared_and_opens_nothing(self, client, superuser):
        superuser.execute("UPDATE django_session SET expire_date = now() - interval '1 second'")
        assert self._try(client.session.session_key) == "sign in"
        SessionStore.clear_expired()
        assert superuser.execute("SELECT count(*) FROM django_session").fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
class TestASecondFactorPlantedInSql:
    """A4: a factor is sealed to its owner, and a kind that is off is no factor."""

    @staticmethod
    def _known_password(people: cast.Cast, superuser: psycopg.Connection[Any]) -> None:
        superuser.execute(
            "UPDATE accounts_user v SET password = a.password FROM accounts_user a WHERE v.id = %s AND a.id = %s",
            [people.wanda, people.otto],
        )

    def _signed_in(self, people: cast.Cast, code: str) -> bool:
        client = Client(raise_request_exception=False)
        assert _password(client, "wanda").status_code in {302, 500}
        client.post(reverse("mfa_authenticate"), {"code": code})
        return "_auth_user_id" in client.session

    def test_signs_in_with_the_owners_own_code(self, people, superuser):
        self._known_password(people, superuser)
        assert self._signed_in(people, _code(people.wanda))

    @pytest.mark.parametrize("relabelled", [False, True])
    def test_copied_from_another_person_signs_nobody_in(self, people, superuser, relabelled):
        code = _code(people.otto)
        self._known_password(people, superuser)
        superuser.execute(
            "UPDATE mfa_authenticator v SET data = a.data FROM mfa_authenticator a"
            " WHERE v.type = 'totp' AND a.type = 'totp' AND v.user_id = %s AND a.user_id = %s",
            [people.wanda, people.otto],
        )
        if relabelled:
            superuser.execute(
                "UPDATE mfa_authenticator SET data = replace(data::text, %s, %s)::jsonb WHERE user_id = %s",
                [str(people.otto), str(people.wanda), people.wanda],
            )
        assert not self._signed_in(people, code)
        if not relabelled:
            assert _entries(superuser, "auth.second_factor_failed", object=people.wanda) >= 1

    def test_of_recovery_codes_copied_from_another_person_signs_nobody_in(self, people, superuser):
        with cast.acting(people.otto):
            codes = RecoveryCodes.activate(people.user("otto"))
            code = codes.get_unused_codes()[0]
            sealed = MfaAdapter().encrypt(code)
        self._known_password(people, superuser)
        data = Authenticator.objects.get(user_id=people.otto, type="recovery_codes").data
        for planted in (data, {"migrated_codes": [sealed], "used_mask": 0}):
            superuser.execute(
                "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
                " VALUES (%s, 'recovery_codes', %s, now())",
                [people.wanda, json.dumps(planted)],
            )
            assert not self._signed_in(people, code)
            superuser.execute(
                "DELETE FROM mfa_authenticator WHERE user_id = %s AND type = 'recovery_codes'", [people.wanda]
            )

    def test_turned_into_a_passkey_is_no_strong_factor(self, people, superuser):
        client = _client(people, "wanda")
        superuser.execute("UPDATE mfa_authenticator SET type = 'webauthn' WHERE user_id = %s", [people.wanda])
        assert client.get(reverse("home")).status_code == 500

    def test_that_is_a_passkey_without_mac_is_not_asked_for_its_signature(self, people, superuser):
        superuser.execute(
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
            " SELECT user_id, 'webauthn', '{}', now() FROM mfa_authenticator WHERE user_id = %s",
            [people.wanda],
        )
        with pytest.raises(DecryptError):
            list(Authenticator.objects.filter(user_id=people.wanda, type="webauthn"))


@pytest.mark.django_db(transaction=True)
class TestTheTrailOfSigningIn:
    """What a thief of a password or a mailbox does is on record."""

    def test_holds_a_wrong_second_factor_under_its_owner(self, people, superuser):
        client = Client()
        _password(client, "wanda")
        before = _entries(superuser, "auth.second_factor_failed", object=people.wanda)
        wrong = f"{(int(_code(people.wanda)) + 1) % 1_000_000:06d}"
        client.post(reverse("mfa_authenticate"), {"code": wrong})
        assert _entries(superuser, "auth.second_factor_failed", object=people.wanda) == before + 1

    def test_holds_that_guessing_was_stopped(self, people, superuser):
        client = Client()
        _password(client, "wanda")
        for _ in range(7):
            client.post(reverse("mfa_authenticate"), {"code": "not one"})
        assert _entries(superuser, "auth.locked_out") >= 1

    def test_holds_a_recovery_code(self, people, superuser):
        with cast.acting(people.wanda):
            code = RecoveryCodes.activate(people.user("wanda")).get_unused_codes()[0]
        client = Client()
        _password(client, "wanda")
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert "_auth_user_id" in client.session
        assert _entries(superuser, "auth.recovery_code_used", actor=people.wanda) == 1

    def test_holds_a_password_set_by_a_link(self, people, superuser):
        client = Client()
        client.post(reverse("account_reset_password"), {"email": "wanda@example.org"})
        path = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body)).group(1)  # type: ignore[union-attr]
        words = "quite-another-synthetic-9"
        client.post(client.get(path).url, {"password1": words, "password2": words})
        assert _entries(superuser, "auth.password_reset", object=people.wanda) == 1

    def test_holds_a_confirmation_of_who_one_is(self, people, superuser):
        client = _client(people, "wanda")
        client.post(reverse("account_reauthenticate"), {"password": cast.PASSWORD})  # which does not count here
        client.post(reverse("mfa_reauthenticate"), {"code": "not one"})
        assert _entries(superuser, "auth.reauthenticated") == 0
        client.post(reverse("mfa_reauthenticate"), {"code": _code(people.wanda)})
        assert _entries(superuser, "auth.reauthenticated", actor=people.wanda) == 1

    def test_holds_each_change_of_an_address(self, people, superuser):
        wanda = people.user("wanda")
        other = EmailAddress(user=wanda, email="other@example.org")
        with cast.acting(people.wanda):
            signals.email_added.send(sender=EmailAddress, request=None, user=wanda, email_address=other)
            signals.email_confirmed.send(sender=EmailAddress, request=None, email_address=other)
            signals.email_changed.send(
                sender=User, request=None, user=wanda, from_email_address=None, to_email_address=other
            )
            signals.email_removed.send(sender=EmailAddress, request=None, user=wanda, email_address=other)
        assert _entries(superuser, "auth.email_changed", object=people.wanda) == 4


@pytest.mark.django_db(transaction=True)
class TestTheDatabaseRoles:
    """The second wall, as far as it must hold against a broken query of our own."""

    @pytest.mark.parametrize("role", ["web", "worker", "sealer", "backup"])
    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TEMP TABLE accounts_user (id uuid, is_active boolean)",  # searched before `public` by any function
            "CREATE TABLE public.planted (id int)",
            "CREATE FUNCTION public.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE SCHEMA planted",
            "ALTER FUNCTION cw_sees(uuid) RESET ALL",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/hostname')",
        ],
    )
    def test_make_nothing_and_reach_nothing_outside(self, as_role, role, statement):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            as_role(role).execute(statement)

    def test_hold_no_lock_for_ever_in_a_request_that_hangs(self):
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("15min",)

    def test_run_a_function_with_its_owners_rights_only_over_a_fixed_path(self, superuser):
        rows = superuser.execute(
            "SELECT proname, proconfig FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
            " WHERE nspname = 'public' AND prosecdef ORDER BY proname"
        ).fetchall()
        names = [
            "audit_follow",
            "audit_habits",
            "audit_head_hashes",
            "audit_hold",
            "audit_last_leaf",
            "audit_leaf_hashes",
            "audit_recent_acts",
            "cases_forget_tokens",
            "crypto_hold",
            "crypto_outdated",
            "crypto_reseal",
            "crypto_retire",
            "crypto_wrap_under_active",
            "cw_any_case",
            "cw_break_glass",
            "cw_checkpoint_over",
            "cw_emergency_case",
            "cw_erase_case",
            "cw_is_erased",
            "cw_leads",
            "cw_may_grant",
            "cw_no_case",
            "cw_no_stream",
            "cw_say_why",
            "cw_search",
            "cw_sees",
            "cw_sweep_erased",
        ]
        assert [name for name, _config in rows] == names
        assert all(config and config[0].startswith("search_path=public") for _name, config in rows)

    def test_have_every_table_that_names_a_case_behind_the_wall(self, superuser):
        open_tables = superuser.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind = 'r' AND a.attname = 'case_id' AND NOT a.attisdropped"
            " AND c.relname NOT LIKE 'sealed_app%' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        ).fetchall()
        assert open_tables == []

    def test_leave_the_public_no_right_on_any_table(self, superuser):
        found = superuser.execute(
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'PUBLIC' AND table_schema = 'public'"
        ).fetchall()
        assert found == []

    def test_let_the_web_role_delete_nothing_of_the_record(self, superuser):
        found = superuser.execute(
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'cw_web' AND privilege_type IN ('DELETE', 'TRUNCATE') AND table_schema = 'public'"
        ).fetchall()
        assert {name for (name,) in found} == {
            "account_emailaddress",
            "account_emailconfirmation",
            "accounts_device",
            "accounts_membership",
            "cases_casegroupgrant",
            "cases_caseusergrant",
            "cases_searchtokens",
            "crypto_keywrap",
            "django_session",
            "mfa_authenticator",
            "procedure_limit",
        }

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO cases_caseusergrant SELECT * FROM cases_caseusergrant LIMIT 0",
            "UPDATE accounts_membership SET mac = ''",
            "INSERT INTO accounts_user SELECT * FROM accounts_user LIMIT 0",
            "SELECT session_key FROM django_session",
            "SELECT data FROM mfa_authenticator",
            "SELECT token_hash FROM accounts_invitation",
            "DELETE FROM procedure_fact",
        ],
    )
    def test_let_the_worker_give_nobody_anything(self, as_role, statement):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role("worker").execute(statement)

    @pytest.mark.parametrize("table", ["cases_person", "procedure_fact", "documents_document", "cases_caseusergrant"])
    @pytest.mark.parametrize("statement", ["UPDATE {} SET id = id RETURNING id", "SELECT id FROM {} FOR UPDATE"])
    def test_show_no_row_of_others_through_a_statement_that_writes(self, people, as_role, table, statement):
        case_id = cast.open_a_case(people)
        _a_document(people, case_id)
        web = as_role("web")
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(people.otto)])
            try:
                found = web.execute(statement.format(table)).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                found = []
            assert found == []
            raise psycopg.Rollback

    def test_answer_a_foreign_keys_question_alike_for_a_hidden_and_an_absent_case(self, people, as_role):
        hidden, web = cast.open_a_case(people), as_role("web")
        answers = []
        for case_id in (hidden, uuid4()):
            with pytest.raises(psycopg.Error) as refused, web.transaction():
                web.execute("SELECT set_config('app.user_id', %s, true)", [str(people.otto)])
                web.execute("INSERT INTO procedure_derivation (case_id, derived_at) VALUES (%s, now())", [case_id])
            answers.append((type(refused.value), str(refused.value).replace(str(case_id), "")))
        assert answers[0] == answers[1]

    def test_keep_a_person_who_may_only_read_from_giving_access(self, people, as_role):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.grant(case_id=case_id, user_id=people.lev, level=Level.WORK, reason="", until=None)
        web = as_role("web")
        with web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(people.lev)])
            assert web.execute("SELECT count(*) FROM cases_caseusergrant").fetchone() == (2,)
            assert web.execute("UPDATE cases_caseusergrant SET until = NULL").rowcount == 0
            assert web.execute("DELETE FROM cases_caseusergrant").rowcount == 0
            with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
                web.execute("INSERT INTO cases_caseusergrant SELECT * FROM cases_caseusergrant")


@pytest.fixture(autouse=True)
def _a_code_outlives_a_slow_test(settings: Any) -> None:
    settings.MFA_TOTP_TOLERANCE = 1


def _password(client: Client, name: str) -> Any:
    return client.post(reverse("account_login"), {"login": f"{name}@example.org", "password": cast.PASSWORD})


def _code(user_id: UUID) -> str:
    """Return the current code of someone's authenticator app."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

    stored = Authenticator.objects.get(user_id=user_id, type=Authenticator.Type.TOTP).data["secret"]
    with cast.acting(user_id):
        secret = MfaAdapter().decrypt(stored)
    counters = list(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(secret, counters[len(counters) // 2])))


class TestSigningIn:
    """A10: a phished password alone is worth nothing."""

    def test_with_the_password_alone_opens_no_page(self, people):
        client = Client(raise_request_exception=False)
        assert _password(client, "wanda").url == reverse("mfa_authenticate")
        world = matrix.World(cast.open_a_case(people), *(uuid4() for _ in range(6)))
        opened = []
        for name, route, gaps in matrix.patterns():
            if route.startswith("account/") or name in {"healthz", "readyz", "accept_invitation", "new_factor"}:
                continue
            answers = {matrix.outcome(matrix.ask(client, method, name, gaps, world)) for method in ("GET", "POST")}
            if answers != {"sign in"}:
                opened.append((name, answers))
        assert opened == []

    @pytest.mark.parametrize("page", ["mfa_index", "mfa_activate_totp", "account_email", "account_change_password"])
    def test_with_the_password_alone_changes_no_account(self, people, page):
        client = Client(raise_request_exception=False)
        _password(client, "wanda")
        assert matrix.outcome(client.post(reverse(page), {"email": "thief@example.org"})) == "sign in"

    def test_takes_a_code_once(self, people):
        code = _code(people.wanda)
        first, second = Client(), Client()
        for client in (first, second):
            _password(client, "wanda")
            client.post(reverse("mfa_authenticate"), {"code": code})
        assert "_auth_user_id" in first.session
        assert "_auth_user_id" not in second.session

    def test_stops_guesses_at_the_code(self, people):
        client = Client(raise_request_exception=False)
        _password(client, "wanda")
        right = _code(people.wanda)
        wrong = f"{(int(right) + 1) % 1_000_000:06d}"
        for _ in range(6):
            client.post(reverse("mfa_authenticate"), {"code": wrong})
        client.post(reverse("mfa_authenticate"), {"code": right})
        assert "_auth_user_id" not in client.session

    def test_takes_a_new_session_each_time(self, people):
        client = Client()
        client.get(reverse("account_login"))
        _password(client, "wanda")
        before = client.session.session_key
        client.post(reverse("mfa_authenticate"), {"code": _code(people.wanda)})
        assert client.session["_auth_user_id"] == str(people.wanda)
        assert client.session.session_key != before
        assert not client.session.exists(before)

    def test_as_somebody_else_keeps_nothing_of_who_was_there_before(self, people):
        client = _client(people, "wanda")
        assert client.get(reverse("home")).status_code == 200
        assert client.session["second_factor_seen"]
        Authenticator.objects.filter(user_id=people.otto).delete()
        cast.sign_in(client, people.user("otto"))
        assert client.get(reverse("home")).url == reverse("factor_missing")

    @pytest.mark.parametrize(
        "target", ["https://thief.example/", "//thief.example", "/\\thief.example", "javascript:1"]
    )
    def test_leads_to_no_other_site(self, people, target):
        client = Client()
        given = {"login": "wanda@example.org", "password": cast.PASSWORD, "next": target}
        client.post(f"{reverse('account_login')}?next={target}", given)
        answer = client.post(
            f"{reverse('mfa_authenticate')}?next={target}", {"code": _code(people.wanda), "next": target}
        )
        assert answer.status_code == 302
        assert "thief" not in answer.url
        assert not answer.url.startswith("javascript")

    def test_anew_after_a_forgotten_password_needs_the_second_factor_and_ends_other_sessions(self, people):
        elsewhere = _client(people, "wanda")
        assert elsewhere.get(reverse("home")).status_code == 200
        client = Client()
        client.post(reverse("account_reset_password"), {"email": "wanda@example.org"})
        path = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body)).group(1)  # type: ignore[union-attr]
        form = client.get(path).url
        words = "quite-another-synthetic-9"
        assert client.post(form, {"password1": words, "password2": words}).status_code == 302
        assert "_auth_user_id" not in client.session
        assert matrix.outcome(elsewhere.get(reverse("home"))) == "sign in"
        assert Client().get(path, follow=True).context["token_fail"]
        client.post(reverse("account_login"), {"login": "wanda@example.org", "password": words})
        assert "_auth_user_id" not in client.session

    def test_in_a_stolen_session_adds_no_address_of_the_thief(self, people):
        answer = _client(people, "wanda").post(
            reverse("account_email"), {"action_add": "", "email": "thief@example.org"}
        )
        assert "cannot add an email address" in answer.content.decode()

    def test_in_a_stolen_session_touches_no_factor_without_a_fresh_proof(self, people):
        client = _client(people, "wanda")
        for page in ("mfa_deactivate_totp", "mfa_generate_recovery_codes"):
            answer = client.post(reverse(page))
            assert "reauthenticate" in answer.url
        assert Authenticator.objects.filter(user_id=people.wanda, type="totp").exists()

    def test_knows_no_demo_link_outside_the_demo(self, people):
        for name in ("demo_sign_in", "demo_mailbox", "gallery"):
            with pytest.raises(NoReverseMatch):
                reverse(name, kwargs={"token": "x"} if name == "demo_sign_in" else {})
        assert Client().get("/demo/sign-in/x/").status_code == 404


class TestAStrangersRequest:
    """Hosts, forged forms, floods."""

    @pytest.mark.parametrize("host", ["thief.example", "testserver.thief.example", "testserver:80@thief.example"])
    def test_under_another_host_is_refused(self, people, host):
        answer = Client(raise_request_exception=False).post(
            reverse("account_reset_password"), {"email": "wanda@example.org"}, headers={"host": host}
        )
        assert answer.status_code == 400
        assert mail.outbox == []

    def test_under_a_forwarded_host_changes_no_link(self, people):
        Client().post(
            reverse("account_reset_password"),
            {"email": "wanda@example.org"},
            headers={"x-forwarded-host": "thief.example", "forwarded": "host=thief.example"},
        )
        assert "thief" not in str(mail.outbox[-1].body)

    def test_from_another_site_is_refused_at_every_address(self, people):
        client = _client(people, "wanda", enforce_csrf_checks=True)
        world = matrix.World(cast.open_a_case(people), *(uuid4() for _ in range(6)))
        taken = [
            name
            for name, _route, gaps in matrix.patterns()
            if matrix.ask(client, "POST", name, gaps, world).status_code != 403
        ]
        assert taken == []

    def test_with_thousands_of_fields_or_megabytes_of_them_is_refused_before_any_view(self, people):
        case_id = cast.open_a_case(people)
        client = _client(people, "wanda")
        many = {f"field{number}": "x" for number in range(2_000)}
        assert client.post(_case(case_id, "case_edit"), many).status_code == 400
        assert client.post(_case(case_id, "case_edit"), {"summary": "x" * 3_000_000}).status_code == 400

    def test_sets_cookies_that_no_script_and_no_other_site_can_use(self, people):
        client = _client(people, "wanda")
        client.get(reverse("home"))
        for cookie in client.cookies.values():
            assert cookie["httponly"]
            assert cookie["samesite"] == "Lax"
        assert "csrftoken" not in client.cookies


@pytest.mark.django_db(transaction=True)
class TestAnUpload:
    """Nothing plain on disk, nothing left behind, nothing that runs when it is handed out."""

    @staticmethod
    def _left() -> list[Path]:
        folder = Path(settings.CASEWORK_FILES_DIR) / "incoming"
        return list(folder.iterdir()) if folder.is_dir() else []

    @staticmethod
    def _send(client: Client, form: str, case_id: UUID) -> Any:
        """Send a file as a browser does: the token stands in the body, so that all of it is read before any check."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(form).content.decode())
        given = {"upload": SimpleUploadedFile("a.txt", b"x" * 500_000), "title": "x", "kind": "other"}
        return client.post(
            _case(case_id, "document_new"),
            {**given, "csrfmiddlewaretoken": token.group(1)},  # type: ignore[union-attr]
        )

    def test_by_a_stranger_leaves_nothing(self, people):
        before = self._left()
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        assert matrix.outcome(self._send(client, reverse("account_login"), uuid4())) == "sign in"
        assert self._left() == before

    def test_to_a_case_that_one_may_not_see_leaves_nothing(self, people):
        case_id, before = cast.open_a_case(people), self._left()
        client = _client(people, "otto", enforce_csrf_checks=True)
        assert self._send(client, reverse("profile"), case_id).status_code == 404
        assert self._left() == before

    @pytest.mark.parametrize("who", ["a stranger", "otto", "lev"])
    def test_by_somebody_who_may_not_add_never_touches_the_disk(self, people, monkeypatch, who):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="", until=None)
        sealed: list[object] = []
        monkeypatch.setattr(uploads, "SealedUpload", lambda **given: sealed.append(given))
        if who == "a stranger":
            client, form = Client(enforce_csrf_checks=True, raise_request_exception=False), reverse("account_login")
        else:
            client, form = _client(people, who, enforce_csrf_checks=True), reverse("profile")
        answer = matrix.outcome(self._send(client, form, case_id))
        assert answer == {"a stranger": "sign in", "otto": "not found", "lev": "refused"}[who]
        assert sealed == []

    def test_with_a_second_file_is_refused_whole(self, people):
        case_id, before = cast.open_a_case(people), self._left()
        given = {name: SimpleUploadedFile("a.txt", b"x" * 90_000) for name in ("upload", "other")}
        answer = _client(people, "wanda").post(_case(case_id, "document_new"), {**given, "title": "x", "kind": "other"})
        assert answer.status_code == 400
        assert self._left() == before

    def test_that_does_not_decode_leaves_nothing(self, people):
        case_id, before = cast.open_a_case(people), self._left()
        head = b'--B\r\nContent-Disposition: form-data; name="upload"; filename="a.txt"\r\n'
        sent = head + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * 100_000 + b"QQ=\r\n--B--\r\n"
        answer = _client(people, "wanda").post(
            _case(case_id, "document_new"), data=sent, content_type="multipart/form-data; boundary=B"
        )
        assert answer.status_code == 400
        assert self._left() == before

    def test_whose_sender_goes_away_leaves_nothing(self, people):
        class Gone(io.BytesIO):
            def read(self, *size: int) -> bytes:
                if not (data := super().read(*size)):
                    raise OSError("the line is dead")
                return data

        case_id, before = cast.open_a_case(people), self._left()
        head = b'--B\r\nContent-Disposition: form-data; name="upload"; filename="a.txt"\r\n\r\n'
        more = {"wsgi.input": Gone(head + b"x" * 300_000), "CONTENT_LENGTH": "9000000"}
        more["CONTENT_TYPE"] = "multipart/form-data; boundary=B"
        client, seen = _client(people, "wanda"), []
        sealer = uploads.SealingUploadHandler.receive_data_chunk

        def watched(handler: uploads.SealingUploadHandler, data: bytes, start: int) -> None:
            seen.extend(set(self._left()) - set(before))
            sealer(handler, data, start)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(uploads.SealingUploadHandler, "receive_data_chunk", watched)
            client.generic("POST", _case(case_id, "document_new"), b"", **more)
        assert seen
        assert self._left() == before

    def test_larger_than_allowed_leaves_nothing(self, people, settings):
        case_id, before = cast.open_a_case(people), self._left()
        settings.MAX_DOCUMENT_BYTES = 100_000
        given = {"upload": SimpleUploadedFile("a.txt", b"x" * 500_000), "title": "x", "kind": "other"}
        _client(people, "wanda").post(_case(case_id, "document_new"), given)
        assert self._left() == before

    def test_elsewhere_than_at_a_case_is_not_taken_at_all(self, people):
        before = self._left()
        given = {"name": "Wanda", "language": "en-gb", "upload": SimpleUploadedFile("a.txt", b"x" * 500_000)}
        _client(people, "wanda").post(reverse("profile"), given)
        assert self._left() == before

    def test_of_a_page_that_a_browser_would_run_is_not_taken(self, people):
        case_id = cast.open_a_case(people)
        for content in (b"<html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"):
            given = {"upload": SimpleUploadedFile("letter.txt", content), "title": "Paper", "kind": "other"}
            answer = _client(people, "wanda").post(_case(case_id, "document_new"), given)
            assert "This kind of file is not taken" in answer.content.decode()

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("page.html", b"A letter. &lt;script&gt; javascript:alert(1)"),
            ("both.pdf", b"%PDF-1.7\n<html><script>alert(1)</script>"),
        ],
    )
    def test_runs_nowhere_when_it_is_handed_out(self, people, name, content):
        case_id = cast.open_a_case(people)
        document_id = _a_document(people, case_id, name, content)
        answer = _client(people, "wanda").post(_case(case_id, "document_download", document_id=document_id))
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] in {"application/octet-stream", "application/pdf"}
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"

    def test_with_a_hostile_name_forges_no_header(self, people):
        case_id = cast.open_a_case(people)
        name = 'a";\r\nSet-Cookie: sessionid=1\r\n filename="b.exe.txt\u202etxt.'
        document_id = _a_document(people, case_id, name, b"Synthetic.\n")
        answer = _client(people, "wanda").post(_case(case_id, "document_download", document_id=document_id))
        assert "Set-Cookie" not in answer.headers
        assert not re.search(r"[\r\n\u202e]|%E2%80%AE", answer.headers["Content-Disposition"])


class TestAHostileName:
    """A name, a title or a note may hold anything; it stays text."""

    def test_runs_on_no_page(self, people):
        applicant = cast.a_case().applicant
        case_id = cast.open_a_case(
            people,
            applicant=replace(applicant, name_latin=HOSTILE),
            title=HOSTILE,
            summary=HOSTILE,
            access_notes=HOSTILE,
        )
        client = _client(people, "wanda")
        for page in TestAPageWithoutItsEntry.PAGES:
            body = client.get(_case(case_id, page)).content.decode()
            assert "<script>alert" not in body, page
            assert "<img src=x" not in body, page
            assert settings.SECRET_KEY not in body, page
        assert "<script>alert" not in client.get(reverse("case_list")).content.decode()

    def test_stands_in_no_title_and_no_address_of_a_page(self, people):
        case_id = cast.open_a_case(people)
        client = _client(people, "wanda")
        for page in TestAPageWithoutItsEntry.PAGES:
            body = client.get(_case(case_id, page)).content.decode()
            title = re.search(r"<title>(.*?)</title>", body, re.S).group(1)  # type: ignore[union-attr]
            addresses = " ".join(re.findall(r'(?:href|action|src)="([^"]*)"', body))
            for part in ("Testov", "Piotr", "Тестов", "1994"):
                assert part not in title, page
                assert part not in addresses, page

    def test_runs_nothing_in_print(self, people):
        planted = '#read("/etc/hostname") #panic("x") \\#import "@preview/x:1.0.0" $ `code` <label> @ref */ //'
        applicant = replace(cast.a_case().applicant, name_latin=planted, name_original=planted)
        case_id = cast.open_a_case(people, applicant=applicant, title=planted)
        with cast.acting(people.wanda):
            export = dossiers.export(case_id, passphrase="synthetic passphrase 12", purpose=planted)
        assert export.content.startswith(b"age-encryption.org/v1")
        assert planted not in export.file_name

    @pytest.mark.parametrize("letter", ["j", "щ", "a ", "shch", "\u0301", "W\u0335\u0336", "﷽"])
    def test_does_not_hold_up_a_search(self, letter):
        name = (letter * 400)[:400]
        began = time.perf_counter()
        query = blind_index.Query(name[:120])
        query.matches(blind_index.Entry(blind_index.line([name] * 20)))
        assert time.perf_counter() - began < 1.0


class TestALogLine:
    """What a person typed has no way into the log, by whichever library it travels."""

    @staticmethod
    def _line(name: str, message: object, *values: object, **more: object) -> dict[str, Any]:
        record = logging.LogRecord(name, logging.ERROR, "x.py", 1, message, values, None)  # type: ignore[arg-type]
        record.__dict__.update(more)
        return dict(json.loads(AllowListFormatter().format(record)))

    @pytest.mark.parametrize(
        "logger", ["django.request", "django.security.csrf", "celery.app.trace", "py.warnings", "x"]
    )
    def test_of_a_library_keeps_no_words(self, logger):
        line = self._line(logger, "Refused: %s of Testov", "Piotr", request="GET /?q=Testov", case_name="Testov")
        assert "Testov" not in json.dumps(line)
        assert "Piotr" not in json.dumps(line)

    def test_of_our_own_keeps_no_values(self):
        assert "Piotr" not in json.dumps(self._line("casework.cases", "saved %s", "Piotr"))

    def test_of_an_error_keeps_neither_its_text_nor_its_cause(self):
        try:
            try:
                raise ValueError("Testov")
            except ValueError as cause:
                raise RuntimeError("Piotr") from cause
        except RuntimeError:
            record = logging.LogRecord("casework.x", logging.ERROR, "x.py", 1, "failed", (), sys.exc_info())
        line = AllowListFormatter().format(record)
        assert "Testov" not in line
        assert "Piotr" not in line
        assert "RuntimeError" in line

    def test_of_gunicorn_keeps_no_values(self):
        script = (
            "from gunicorn.config import Config; from gunicorn.glogging import Logger; import config.gunicorn as ours\n"
            "chosen = Config(); chosen.set('logconfig_dict', ours.logconfig_dict)\n"
            "Logger(chosen).warning('Invalid request from ip=%s: %s', '192.0.2.7', 'Testov')"
        )
        root = Path(__file__).resolve().parents[2]
        told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
        (line,) = (told.stdout + told.stderr).splitlines()
        assert json.loads(line)["message"] == "Invalid request from ip=%s: %s"
        assert '"python:config.gunicorn"' in (root / "Dockerfile").read_text()

    def test_of_the_proxy_keeps_no_token_and_no_query(self):
        caddyfile = (Path(__file__).resolve().parents[2] / "docs" / "server" / "Caddyfile").read_text()
        pattern, put = re.search(r"request>uri regexp `(.+)` `(.+)`", caddyfile).groups()  # type: ignore[union-attr]
        reset = reverse("account_reset_password_from_key", kwargs={"uidb36": "4", "key": "very-secret"})
        for path in (
            reverse("accept_invitation", args=["very-secret"]),
            reverse("account_confirm_email", args=["very-secret"]),
            reset,
        ):
            for query in ("", "?q=very-secret"):
                kept = re.sub(pattern, put.replace("$", "\\"), path + query)
                assert kept == path.split("very-secret")[0].removesuffix("4-")
        assert re.sub(pattern, put.replace("$", "\\"), "/cases/?q=very-secret") == "/cases/"

    def test_of_a_request_names_the_pattern_and_not_the_address(self, people, caplog):
        case_id = cast.open_a_case(people)
        with caplog.at_level(logging.DEBUG):
            _client(people, "wanda").get(_case(case_id) + "?q=Testov")
            Client().get("/invitation/very-secret-token/")
        lines = "\n".join(AllowListFormatter().format(record) for record in caplog.records)
        assert "cases/<uuid:case_id>/" in lines
        assert "Testov" not in lines
        assert "very-secret-token" not in lines


class TestTheUnitOfWork:
    """One actor, one transaction, keys for its length and no longer."""

    def test_is_never_that_of_two_people(self, people):
        with cast.acting(people.wanda), pytest.raises(work.OtherActor), cast.acting(people.otto):
            pass

    def test_leaves_no_key_and_no_identity_for_the_next(self, people):
        case_id = cast.open_a_case(people)
        with pytest.raises(ZeroDivisionError), cast.acting(people.wanda):
            crypto.keys_for(case_id)
            raise ZeroDivisionError
        assert crypto._unit.get() is None
        assert work.running() is None
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.user_id', true)")
            assert cursor.fetchone()[0] in {"", None}

    def test_keeps_threads_apart(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda), ThreadPoolExecutor(1) as pool:
            crypto.keys_for(case_id)
            assert pool.submit(work.running).result() is None
            assert pool.submit(crypto._unit.get).result() is None

    @pytest.mark.django_db(transaction=True)
    def test_opens_no_key_of_a_case_to_who_merely_names_it(self, people):
        case_id = cast.open_a_case(people)
        # As the worker's database role every wrap can be read: the check before the keyring stands alone.
        with running_as("worker"):
            for other in (people.otto, people.olga, people.lev, people.aud, people.ada, None):
                with work.acting(work.Actor(other)), pytest.raises(NotFound):
                    crypto.keys_for(case_id)
            with cast.acting(people.wanda):
                assert crypto.keys_for(case_id).scope == case_id
