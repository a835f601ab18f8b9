"""People, teams and roles: nobody becomes coordinator alone or unnoticed, and nothing is lost when somebody leaves."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from casework.access import staff
from casework.accounts import asking, closing, selectors
from casework.accounts import services as accounts
from casework.accounts.models import Invitation, Membership, RoleRequest, Team, User
from casework.accounts.types import Role
from casework.core import clock, work
from casework.core.errors import Conflict, Invalid, NotAllowed, NotFound
from casework.notices import alerts
from casework.notices.types import Kind
from tests import cast

LATER = timedelta(days=8)  # the people of the cast are then no longer new in their roles


def make(name: str, role: str, team: str | None = None) -> UUID:
    """Make one more colleague, as the seed of the demo does."""
    with work.acting(work.Actor(None, kind="command")):
        user = accounts.create_account(email=f"{name}@example.org", name=name.title(), password=cast.PASSWORD)
        accounts.give_role(user=user, role=role, team=Team.objects.get(name=team) if team else None)
    return user.pk


def invited_as(people: cast.Cast, team_id: UUID) -> tuple[str, bool]:
    with cast.acting(people.ada):
        made, waits = staff.invite(email="eve@example.org", role=Role.COORDINATOR, team_id=team_id)
    return made.token, waits


def accept(token: str) -> UUID:
    with work.acting(work.Actor(None)):
        return accounts.accept_invitation(token=token, name="Eve Ersatz", password=cast.PASSWORD).pk


def roles(user_id: UUID) -> frozenset[str]:
    with cast.acting(user_id):
        return selectors.standing_of(user_id).roles


def sees(user_id: UUID, case_id: UUID) -> bool:
    from casework.access import selectors as grants

    with cast.acting(user_id):
        return grants.level_on(user_id, case_id) is not None


@pytest.fixture
def told(monkeypatch):
    """Who was told of what, by kind; the notices themselves are written as well."""
    found: dict[str, set[UUID]] = {}

    def tell(kind, recipients, **about):
        found.setdefault(str(kind), set()).update(recipients)
        return real(kind, recipients, **about)

    real = alerts.tell
    monkeypatch.setattr(alerts, "tell", tell)
    return found


def waiting() -> RoleRequest:
    return RoleRequest.objects.get(state="waiting")


def turn(at: timedelta):
    return clock.fixed(clock.now() + at)


class TestAnAdministratorWhoInvitesThemselves:
    """Row A6 of the threat model: an address of their own as coordinator of a team."""

    def test_sees_nothing_until_a_coordinator_of_the_team_confirms(self, people):
        case_id = cast.open_a_case(people)
        token, waits = invited_as(people, people.north)
        assert waits
        eve = accept(token)
        assert roles(eve) == frozenset()
        assert not sees(eve, case_id)
        with cast.acting(people.cora):
            staff.confirm_role(waiting().pk)
        assert sees(eve, case_id)

    def test_is_seen_by_the_team_at_once(self, people, told):
        invited_as(people, people.north)
        assert people.cora in told[Kind.ROLE_ASKED]
        assert people.ada not in told[Kind.ROLE_ASKED]

    def test_may_be_confirmed_before_the_invitation_is_accepted(self, people):
        case_id = cast.open_a_case(people)
        token, _waits = invited_as(people, people.north)
        with cast.acting(people.cora):
            staff.confirm_role(waiting().pk)
        assert sees(accept(token), case_id)

    def test_has_no_way_in_once_the_team_refused(self, people):
        token, _waits = invited_as(people, people.north)
        with cast.acting(people.cora):
            staff.refuse_role(waiting().pk)
        with pytest.raises(NotFound):
            accept(token)
        assert not User.objects.filter(email="eve@example.org").exists()

    @pytest.mark.parametrize("who", ["ada", "olga", "wanda", "aud", "lev"])
    def test_is_confirmed_by_nobody_else(self, people, who):
        eve = accept(invited_as(people, people.north)[0])
        with turn(LATER), cast.acting(getattr(people, who)), pytest.raises((NotAllowed, NotFound)):
            staff.confirm_role(waiting().pk)
        assert roles(eve) == frozenset()

    def test_does_not_confirm_from_the_new_account(self, people):
        eve = accept(invited_as(people, people.south)[0])
        with cast.acting(people.olga):
            staff.confirm_role(waiting().pk)
        with cast.acting(people.ada):
            assert not staff.propose_role(eve, role=Role.COORDINATOR, team_id=people.north)
        with cast.acting(eve), pytest.raises((NotAllowed, NotFound)):
            staff.confirm_role(waiting().pk)

    def test_gains_nothing_by_an_invitation_from_before_this_rule(self, people):
        token, _waits = invited_as(people, people.north)
        with cast.acting(people.ada):
            old = accounts.invite(email="old@example.org", role=Role.CASEWORKER, team=Team.objects.get(pk=people.north))
            row = Invitation.objects.get(pk=old.id)
        assert row.role == Role.CASEWORKER
        # As an older release left it: a coordinator's invitation of an administrator's, and no request beside it.
        made = Invitation(
            email="older@example.org", role=Role.COORDINATOR, team_id=people.north, invited_by=people.ada,
            token_hash=Invitation.hash_of("older"), expires_at=clock.now() + timedelta(hours=1),
        )  # fmt: skip
        with cast.acting(people.ada):
            made.mac = selectors.mac_of(made.signed_bytes())
            made.save(force_insert=True)
        older = accept("older")
        assert roles(older) == frozenset()
        assert RoleRequest.objects.get(user_id=older).state == "waiting"
        assert token


class TestGettingRoundIt:
    """What else an administrator could try; each is one sentence of the decision 0015."""

    def test_switching_the_coordinators_off_first_leaves_a_second_person_needed(self, people):
        cast.open_a_case(people)
        with turn(LATER):
            with cast.acting(people.ada):
                staff.switch_off(people.cora)
            eve = accept(invited_as(people, people.north)[0])
            assert roles(eve) == frozenset()
            # An auditor may be a second account of the administrator's, kept for this.
            for who in (people.ada, people.aud):
                with cast.acting(who), pytest.raises(NotAllowed):
                    staff.confirm_role(waiting().pk)
            with cast.acting(people.olga):
                staff.confirm_role(waiting().pk)
        assert roles(eve) == {Role.COORDINATOR}

    def test_where_nobody_coordinates_anything_an_auditor_decides(self, people):
        cast.open_a_case(people)
        with turn(LATER):
            with cast.acting(people.ada):
                staff.switch_off(people.cora)
                staff.switch_off(people.olga)
            eve = accept(invited_as(people, people.north)[0])
            with cast.acting(people.ada), pytest.raises(NotAllowed):
                staff.confirm_role(waiting().pk)
            with cast.acting(people.aud):
                staff.confirm_role(waiting().pk)
        assert roles(eve) == {Role.COORDINATOR}

    def test_taking_the_coordinators_role_away_first_is_the_same(self, people):
        cast.open_a_case(people)
        with turn(LATER), cast.acting(people.ada):
            role = Membership.objects.get(user_id=people.cora)
            staff.remove_role(people.cora, role.pk)
            assert not staff.propose_role(people.ada, role=Role.COORDINATOR, team_id=people.north)
        assert roles(people.ada) == {Role.ADMIN}

    def test_a_second_account_made_for_it_counts_only_after_a_week(self, people):
        cast.open_a_case(people)
        with turn(LATER):
            sock = make("sock", Role.AUDITOR)
            with cast.acting(people.ada):
                for one in (people.aud, people.cora, people.olga):
                    staff.switch_off(one)
            eve = accept(invited_as(people, people.north)[0])
            with cast.acting(sock), pytest.raises(NotAllowed):
                staff.confirm_role(waiting().pk)
            # Nobody else is left: that is for the keeper of the server.
            assert asking.of(waiting()) == frozenset()
        assert roles(eve) == frozenset()

    def test_switching_an_old_auditor_on_again_makes_no_second_person(self, people):
        cast.open_a_case(people)
        with turn(LATER):
            with cast.acting(people.ada):
                for one in (people.aud, people.cora, people.olga):
                    staff.switch_off(one)
                staff.switch_on(people.aud)
            invited_as(people, people.north)
            assert asking.of(waiting()) == frozenset()

    def test_switching_a_former_coordinator_on_again_is_asked_anew(self, people):
        case_id = cast.open_a_case(people)
        gone = make("gina", Role.COORDINATOR, "North")
        with cast.acting(people.ada):
            staff.switch_off(gone)
            assert staff.switch_on(gone) == ("North",)
        assert User.objects.get(pk=gone).is_active
        assert not sees(gone, case_id)
        with cast.acting(people.cora):
            staff.confirm_role(waiting().pk)
        assert sees(gone, case_id)

    def test_a_new_team_would_open_any_case_in_an_emergency_so_it_asks_too(self, people):
        with turn(LATER):
            with cast.acting(people.ada):
                team_id = staff.make_team("Anything")
                assert not staff.propose_role(people.ada, role=Role.COORDINATOR, team_id=team_id)
            with cast.acting(people.aud), pytest.raises(NotAllowed):
                staff.confirm_role(waiting().pk)
            with cast.acting(people.olga):
                staff.confirm_role(waiting().pk)
        assert Role.COORDINATOR in roles(people.ada)

    def test_of_whoever_becomes_administrator_or_auditor_the_others_are_told(self, people, told):
        with cast.acting(people.ada):
            staff.propose_role(people.otto, role=Role.AUDITOR)
        assert told[Kind.ROLE_GIVEN] == {people.aud}

    @pytest.mark.django_db(transaction=True)
    def test_a_request_written_or_confirmed_in_sql_gives_nothing(self, people, superuser, as_role):
        eve = accept(invited_as(people, people.north)[0])
        web = as_role("web")
        for change in ("state = 'confirmed'", f"state = 'confirmed', decided_by = '{people.cora}'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(f"UPDATE accounts_rolerequest SET {change}")
        superuser.execute("UPDATE accounts_rolerequest SET asked_by = %s", [people.aud])
        with cast.acting(people.cora), pytest.raises(NotFound):
            staff.confirm_role(RoleRequest.objects.get().pk)
        assert roles(eve) == frozenset()


class TestWhoNeedsNobodyElse:
    def test_a_new_installation_without_a_case(self, people):
        with cast.acting(people.ada):
            for who in (people.cora, people.olga, people.aud):
                staff.switch_off(who)
        token, waits = invited_as(people, people.north)
        assert not waits
        assert roles(accept(token)) == {Role.COORDINATOR}

    def test_the_same_with_a_case_waits_for_somebody_who_is_not_there(self, people):
        cast.open_a_case(people)
        with cast.acting(people.ada):
            for who in (people.cora, people.olga, people.aud):
                staff.switch_off(who)
        token, waits = invited_as(people, people.north)
        assert waits
        assert roles(accept(token)) == frozenset()

    def test_a_coordinator_of_the_team_who_is_administrator_too(self, people):
        with cast.acting(people.ada):
            staff.propose_role(people.cora, role=Role.ADMIN)
        with cast.acting(people.cora):
            assert staff.propose_role(people.wanda, role=Role.COORDINATOR, team_id=people.north)

    def test_the_keeper_of_the_server_of_whom_the_team_hears(self, people, told):
        with work.acting(work.Actor(None, kind="command")):
            team = Team.objects.get(pk=people.north)
            token = accounts.invite(email="eve@example.org", role=Role.COORDINATOR, team=team).token
        eve = accept(token)
        assert roles(eve) == {Role.COORDINATOR}
        assert told[Kind.ROLE_GIVEN] == {people.cora}


class TestDeciding:
    def test_is_done_once(self, people):
        accept(invited_as(people, people.north)[0])
        with cast.acting(people.cora):
            request = waiting().pk
            staff.refuse_role(request)
            with pytest.raises(Conflict):
                staff.confirm_role(request)

    def test_is_taken_back_by_whoever_asked(self, people):
        accept(invited_as(people, people.north)[0])
        with cast.acting(people.ada):
            staff.withdraw_role(waiting().pk)
        assert RoleRequest.objects.get().state == "withdrawn"
        with cast.acting(people.cora):
            assert staff.waiting_for_me() == []

    def test_is_offered_to_those_who_may(self, people):
        invited_as(people, people.north)
        shown = {}
        for who in ("cora", "olga", "ada", "aud", "wanda"):
            with cast.acting(getattr(people, who)):
                shown[who] = len(staff.waiting_for_me())
        assert shown == {"cora": 1, "olga": 0, "ada": 0, "aud": 0, "wanda": 0}


class TestSwitchingOff:
    def test_ends_every_session_and_takes_no_lead_away(self, people, client, told):
        from casework.cases.models import Case

        case_id = cast.open_a_case(people)
        cast.sign_in(client, people.user("wanda"))
        assert client.get(f"/cases/{case_id}/").status_code == 200
        with cast.acting(people.ada):
            staff.switch_off(people.wanda)
        assert client.get(f"/cases/{case_id}/").status_code == 302
        assert not sees(people.wanda, case_id)
        with cast.acting(people.cora):
            assert Case.objects.get(pk=case_id).lead_id == people.wanda
        assert told[Kind.SWITCHED_OFF] == {people.cora, people.aud}

    def test_is_not_for_oneself_nor_the_last_administrator(self, people):
        with cast.acting(people.ada):
            with pytest.raises(NotAllowed, match="your own"):
                staff.switch_off(people.ada)
            role = Membership.objects.get(user_id=people.ada)
            with pytest.raises(NotAllowed, match="last administrator"):
                staff.remove_role(people.ada, role.pk)

    @pytest.mark.parametrize("who", ["cora", "wanda", "lev", "aud"])
    def test_is_for_administrators(self, people, who):
        with cast.acting(getattr(people, who)):
            for act in (staff.switch_off, staff.switch_on):
                with pytest.raises(NotAllowed):
                    act(people.otto)
            with pytest.raises(NotAllowed):
                staff.propose_role(people.otto, role=Role.LAWYER)
            with pytest.raises(NotAllowed):
                staff.make_team("West")

    def test_names_the_teams_that_would_have_no_coordinator(self, people):
        with cast.acting(people.ada):
            held = asking.sound_roles(people.cora)
            assert [team.name for team in staff.teams_left_alone(held)] == ["North"]
        make("gina", Role.COORDINATOR, "North")
        with cast.acting(people.ada):
            assert staff.teams_left_alone(held) == []
            staff.switch_off(people.cora)
            assert staff.teams_left_alone(asking.sound_roles(people.cora)) == []


class TestTeams:
    def test_keep_their_names_apart(self, people):
        with cast.acting(people.ada):
            with pytest.raises(Invalid):
                staff.make_team("  north ")
            with pytest.raises(Invalid):
                staff.rename_team(people.south, "NORTH")
            staff.rename_team(people.south, "South-East")
        assert Team.objects.get(pk=people.south).name == "South-East"


def test_an_invitation_ends_with_the_account_of_who_made_it(people):
    with cast.acting(people.ada):
        made = accounts.invite(email="nia@example.org", role="admin")
    with work.acting(work.Actor(None)):
        assert accounts.open_invitation(made.token).pk == made.id
    with cast.acting(people.aud):
        closing.switch_off(people.ada)
    with work.acting(work.Actor(None)), pytest.raises(NotFound):
        accounts.open_invitation(made.token)
