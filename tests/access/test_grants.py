"""Grants: levels, expiry, MACs, and the one decision that everything asks."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from casework.access import policies, selectors, services
from casework.access.actions import Action
from casework.access.types import Level
from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.models import Case
from casework.cases.types import CaseFilter
from casework.core import clock, work
from casework.core.errors import NotAllowed, NotFound
from tests import cast

pytestmark = pytest.mark.django_db


def _decide(user_id, action, case_id):
    with cast.acting(user_id):
        return policies.decide(user_id, action, case_id)


class TestANewCase:
    """Its maker and the coordinators of the team lead it; nobody else knows of it."""

    def test_is_led_by_its_maker_and_by_the_teams_coordinators(self, people):
        case_id = cast.open_a_case(people)
        assert _decide(people.wanda, Action.RECORD_FACT, case_id).allowed
        assert _decide(people.cora, Action.ASSIGN_CASE, case_id).allowed

    @pytest.mark.parametrize("who", ["otto", "olga", "lev", "aud", "ada"])
    def test_does_not_exist_for_anybody_else(self, people, who):
        case_id = cast.open_a_case(people)
        for action in (Action.OPEN_CASE, Action.RECORD_FACT, Action.EXPORT_DOSSIER):
            decision = _decide(getattr(people, who), action, case_id)
            assert not decision.visible
            assert not decision.allowed
        with cast.acting(getattr(people, who)), pytest.raises(NotFound):
            case_services.open_case(case_id)

    def test_is_not_assigned_by_a_caseworker(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda), pytest.raises(NotAllowed):
            case_services.assign_case(case_id, lead_id=people.cora)


class TestALawyersGrant:
    """View and dossier, until a time, and no more."""

    @pytest.fixture
    def case_id(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.grant(
                case_id=case_id,
                user_id=people.lev,
                level=Level.DOSSIER,
                reason="Represents the applicant",
                until=clock.now() + timedelta(days=90),
            )
        return case_id

    def test_opens_and_exports_but_does_not_write(self, people, case_id):
        assert _decide(people.lev, Action.OPEN_CASE, case_id).allowed
        assert _decide(people.lev, Action.EXPORT_DOSSIER, case_id).allowed
        refused = _decide(people.lev, Action.RECORD_FACT, case_id)
        assert refused.visible
        assert not refused.allowed
        assert "record facts" in refused.reason

    def test_lists_that_case_and_no_other(self, people, case_id):
        cast.open_a_case(people, "otto")
        cast.open_a_case(people, "wanda")
        with cast.acting(people.lev):
            assert [row.id for row in cases.page_of_cases(CaseFilter()).rows] == [case_id]

    def test_stops_at_its_minute_without_a_job(self, people, case_id):
        with clock.fixed(clock.now() + timedelta(days=90, seconds=1)):
            assert not _decide(people.lev, Action.OPEN_CASE, case_id).visible
            with cast.acting(people.lev):
                assert cases.page_of_cases(CaseFilter()).rows == ()

    def test_stops_when_it_is_taken_back(self, people, case_id):
        with cast.acting(people.wanda):
            given = next(grant for grant in selectors.grants_on(case_id) if grant.holder_id == people.lev)
            services.revoke(case_id=case_id, grant_id=given.id)
        assert not _decide(people.lev, Action.OPEN_CASE, case_id).visible

    def test_gives_guardians_question_the_same_answer(self, people, case_id):
        with cast.acting(people.lev):
            case = Case.objects.get(pk=case_id)
            lev = people.user("lev")
            assert lev.has_perm("cases.dossier_case", case)
            assert lev.has_perm("cases.view_case", case)
            assert not lev.has_perm("cases.work_case", case)
            assert not lev.has_perm("cases.view_case")


@pytest.mark.django_db(transaction=True)
class TestAGrantAddedInSql:
    """Invariant 41: a grant or membership row that the application did not make opens nothing."""

    def _forge(self, superuser: psycopg.Connection, people, case_id) -> None:
        superuser.execute(
            "INSERT INTO cases_caseusergrant (id, case_id, user_id, permission_id, granted_at, reason_sealed, mac)"
            " SELECT gen_random_uuid(), %s, %s, id, now(), '\\x00', '\\x00112233445566778899aabbccddeeff'"
            " FROM auth_permission WHERE codename = 'lead_case'",
            [case_id, people.otto],
        )

    def test_shows_no_case_and_opens_no_key(self, people, superuser):
        from casework.crypto import services as crypto

        case_id = cast.open_a_case(people)
        self._forge(superuser, people, case_id)
        assert not _decide(people.otto, Action.OPEN_CASE, case_id).visible
        with cast.acting(people.otto):
            assert cases.page_of_cases(CaseFilter()).rows == ()
            with pytest.raises(NotFound):
                crypto.keys_for(case_id)

    def test_holds_for_a_forged_membership_too(self, people, superuser):
        case_id = cast.open_a_case(people)
        superuser.execute(
            "INSERT INTO accounts_membership (id, user_id, group_id, given_at, mac)"
            " SELECT gen_random_uuid(), %s, r.group_id, now(), '\\x00' FROM accounts_teamrole r"
            " WHERE r.role = 'coordinator' AND r.team_id = %s",
            [people.otto, people.north],
        )
        assert not _decide(people.otto, Action.OPEN_CASE, case_id).visible

    def test_does_not_follow_a_longer_life_written_into_a_true_grant(self, people, superuser):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            services.grant(
                case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="", until=clock.now() + timedelta(days=1)
            )
        superuser.execute("UPDATE cases_caseusergrant SET until = NULL WHERE user_id = %s", [people.lev])
        assert not _decide(people.lev, Action.OPEN_CASE, case_id).visible


class TestAssigning:
    """A coordinator gives the case to somebody of the team; the former lead may still work on it."""

    def test_hands_the_lead_over(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.cora):
            case_services.assign_case(case_id, lead_id=people.cora)
            assert cases.case_for(case_id).lead_id == people.cora
        assert _decide(people.wanda, Action.RECORD_FACT, case_id).allowed
        assert not _decide(people.wanda, Action.SHARE_CASE, case_id).allowed

    def test_takes_nobody_of_another_team(self, people):
        from casework.core.errors import Invalid

        case_id = cast.open_a_case(people)
        with cast.acting(people.cora), pytest.raises(Invalid):
            case_services.assign_case(case_id, lead_id=people.otto)


class TestRevoking:
    def test_does_not_end_ones_own_access(self, people):
        case_id = cast.open_a_case(people)
        with pytest.raises(NotAllowed), cast.acting(people.cora):
            team = next(grant for grant in selectors.grants_on(case_id) if grant.group_id)
            services.revoke(case_id=case_id, grant_id=team.id)
        assert _decide(people.cora, Action.OPEN_CASE, case_id).allowed

    def test_takes_a_colleagues_access(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            team = next(grant for grant in selectors.grants_on(case_id) if grant.group_id)
            services.revoke(case_id=case_id, grant_id=team.id)
        assert not _decide(people.cora, Action.OPEN_CASE, case_id).visible


@pytest.mark.django_db(transaction=True)
class TestTheTrailOfAHiddenCase:
    """The web role writes no entry into the trail of a case, or of a person, that is not the actor's to write."""

    @pytest.mark.parametrize("whose", ["case", "person"])
    def test_is_not_somebody_elses_to_write(self, people, as_role, whose):
        stream = cast.open_a_case(people) if whose == "case" else people.wanda
        web = as_role("web")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(people.otto)])
            web.execute(
                "INSERT INTO audit_entry (stream, seq, prev, time_us, actor, action, outcome, reason, object,"
                " row_digest, body, hash, mac, request_id) VALUES (%s, 9, %s, 1, %s, 1, 0, 0, %s, %s, '', %s, %s, %s)",
                [stream, b"x" * 32, people.otto, stream, bytes(32), bytes(32), bytes(16), people.otto],
            )


class TestTheGenericTablesOfGuardian:
    """Grants stand in our direct-key tables alone."""

    @pytest.mark.parametrize("role", ["cw_web", "cw_worker", "cw_sealer"])
    @pytest.mark.parametrize("table", ["guardian_userobjectpermission", "guardian_groupobjectpermission"])
    def test_are_closed_to_every_role(self, people, role, table):
        with connection.cursor() as cursor:
            cursor.execute("SELECT has_table_privilege(%s, %s, 'SELECT, INSERT, UPDATE, DELETE')", [role, table])
            assert cursor.fetchone() == (False,)
            cursor.execute("SELECT has_any_column_privilege(%s, %s, 'SELECT, INSERT, UPDATE')", [role, table])
            assert cursor.fetchone() == (False,)

    def test_are_used_by_nothing_and_neither_is_a_checker_or_a_shortcut(self):
        """Of the library, the abstract rows of direct keys are used, and nothing else."""
        used = [
            (path.name, line.strip())
            for path in Path(work.__file__).parents[1].rglob("*.py")
            for line in path.read_text(encoding="utf-8").splitlines()
            if re.match(r"\s*(from|import) guardian", line)
        ]
        bases = "from guardian.models.models import GroupObjectPermissionBase, UserObjectPermissionBase"
        assert used == [("models.py", bases)]

    def test_are_asked_by_no_backend(self, settings):
        """`has_perm` is answered by our own one, which knows levels, ends and MACs; there is no anonymous account."""
        assert settings.AUTHENTICATION_BACKENDS == [
            "casework.accounts.backends.SignInBackend",
            "casework.access.backends.GrantBackend",
        ]
        assert settings.ANONYMOUS_USER_NAME is None
        assert (settings.GUARDIAN_MONKEY_PATCH_USER, settings.GUARDIAN_MONKEY_PATCH_GROUP) == (False, False)

    def test_and_its_question_end_with_the_minute_of_a_grant(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            until = clock.now() + timedelta(minutes=1)
            services.grant(case_id=case_id, user_id=people.lev, level=Level.WORK, reason="", until=until)
        with cast.acting(people.lev):
            case = Case.objects.get(pk=case_id)
            assert people.user("lev").get_all_permissions(case) == {
                f"cases.{level}_case" for level in ("view", "dossier", "work")
            }
        with clock.fixed(until), cast.acting(people.lev):
            assert people.user("lev").get_all_permissions(case) == set()

    def test_expiry_holds_in_the_wall_as_well(self, people):
        """The database's own clock ends a grant: at the end it shows nothing, and no job has run."""
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda), connection.cursor() as cursor:
            cursor.execute("SELECT now()")  # the moment by which the wall judges in this transaction
            (moment,) = cursor.fetchone()
            for who, until in ((people.lev, moment), (people.otto, moment + timedelta(microseconds=1))):
                services.grant(case_id=case_id, user_id=who, level=Level.VIEW, reason="", until=until)
        for who, seen in ((people.lev, 0), (people.otto, 1)):
            with cast.acting(who):
                assert Case.objects.filter(pk=case_id).count() == seen


@pytest.mark.django_db(transaction=True)
class TestARoleRewrittenInSql:
    """What a group stands for is part of every MAC: rewriting the mapping gives nothing, now or later."""

    def test_gives_no_standing_to_the_holders_of_the_group(self, people, superuser):
        from casework.accounts import selectors as accounts

        self._point_at_otto(superuser, people)
        with cast.acting(people.otto):
            assert not accounts.standing_of(people.otto).roles

    def test_leaves_no_grant_behind_when_it_is_put_back(self, people, superuser):
        before = superuser.execute("SELECT id, group_id FROM accounts_teamrole").fetchall()
        self._point_at_otto(superuser, people)
        case_id = cast.open_a_case(people)
        superuser.execute("UPDATE accounts_teamrole SET group_id = -group_id")
        for role_id, group_id in before:
            superuser.execute("UPDATE accounts_teamrole SET group_id = %s WHERE id = %s", [group_id, role_id])
        assert not _decide(people.otto, Action.OPEN_CASE, case_id).visible

    def test_is_not_for_the_web_role(self, people, as_role):
        web = as_role("web")
        for table in ("accounts_teamrole", "accounts_team", "accounts_membership"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(f"UPDATE {table} SET id = id")

    def _point_at_otto(self, superuser, people) -> None:
        """Let the group of Otto's role mean "coordinators of North", and theirs mean his."""
        superuser.execute("SET session_replication_role = replica")
        rows = superuser.execute(
            "SELECT id, group_id FROM accounts_teamrole"
            " WHERE (team_id, role) IN ((%s, 'coordinator'), (%s, 'caseworker')) ORDER BY role",
            [people.north, people.south],
        ).fetchall()
        (his_role, his_group), (theirs_role, theirs_group) = rows
        superuser.execute("UPDATE accounts_teamrole SET group_id = -1 WHERE id = %s", [his_role])
        superuser.execute("UPDATE accounts_teamrole SET group_id = %s WHERE id = %s", [his_group, theirs_role])
        superuser.execute("UPDATE accounts_teamrole SET group_id = %s WHERE id = %s", [theirs_group, his_role])


class TestAnInvitation:
    """Single use, 72 hours, one address and role; a row added in SQL invites nobody."""

    def _invite(self, people):
        from casework.accounts import services as accounts
        from casework.accounts.models import Team

        with cast.acting(people.ada):
            team = Team.objects.get(pk=people.north)
            return accounts.invite(email="new@example.org", role="coordinator", team=team)

    def _accept(self, token):
        from casework.accounts import services as accounts

        with work.acting(work.Actor(None)):
            return accounts.accept_invitation(token=token, name="New Colleague", password=cast.PASSWORD)

    def test_lets_its_holder_in_once(self, people):
        invitation = self._invite(people)
        user = self._accept(invitation.token)
        assert user.email == "new@example.org"
        with pytest.raises(NotFound):
            self._accept(invitation.token)

    def test_ends_after_72_hours(self, people):
        invitation = self._invite(people)
        with clock.fixed(clock.now() + timedelta(hours=72, seconds=1)), pytest.raises(NotFound):
            self._accept(invitation.token)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("change", ["role = 'admin', team_id = NULL", "email = 'thief@example.org'", "mac = ''"])
    def test_that_was_changed_in_sql_is_none(self, people, superuser, as_role, change):
        invitation = self._invite(people)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role("web").execute(f"UPDATE accounts_invitation SET {change}")
        superuser.execute(f"UPDATE accounts_invitation SET {change}")
        with pytest.raises(NotFound):
            self._accept(invitation.token)

    @pytest.mark.django_db(transaction=True)
    def test_that_was_added_in_sql_is_none(self, people, superuser):
        from casework.accounts.models import Invitation

        superuser.execute(
            "INSERT INTO accounts_invitation (id, email, role, team_id, token_hash, expires_at, mac)"
            " VALUES (gen_random_uuid(), 'thief@example.org', 'coordinator', %s, %s, now() + interval '1 d', '\\x00')",
            [people.north, Invitation.hash_of("thief's token")],
        )
        with pytest.raises(NotFound):
            self._accept("thief's token")
