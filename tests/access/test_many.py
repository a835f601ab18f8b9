"""Who may see which cases, asked of thousands at once: the same answers as one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.access import guard, selectors, services
from casework.access.types import Level
from casework.accounts.models import counted_microseconds, microseconds
from casework.core import clock, work
from tests import cast

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def cases(people):
    """Cases of both teams; one shared with the lawyer for good, one for a while."""
    made = [cast.open_a_case(people), cast.open_a_case(people), cast.open_a_case(people, "otto")]
    with cast.acting(people.wanda):
        for case_id, until in ((made[0], None), (made[1], clock.now() + timedelta(days=3, microseconds=7))):
            services.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="Synthetic.", until=until)
    return made


def _both(user_id, cases):
    """What both ways say; they read their rows anew."""
    with cast.acting(user_id):
        one_by_one = {case_id.bytes for case_id in selectors.levels_for(user_id, cases)}
        assert set(selectors.sound_among(user_id, [case_id.bytes for case_id in cases])) == one_by_one
        everything = selectors.sound_among(user_id)
    assert len(everything) == len(set(everything))
    assert set(everything) == one_by_one
    return one_by_one


@pytest.mark.django_db(transaction=True)
class TestManyCases:
    """Invariants 41 and 42, and what a grant is: sound, live, held by an active account in a sound role."""

    def test_are_those_of_each(self, people, cases):
        seen = {who: len(_both(getattr(people, who), cases)) for who in ("wanda", "cora", "otto", "olga", "lev", "aud")}
        assert seen == {"wanda": 2, "cora": 2, "otto": 1, "olga": 1, "lev": 2, "aud": 0}

    def test_are_those_among_which_it_is_asked(self, people, cases):
        with cast.acting(people.cora):
            assert selectors.sound_among(people.cora, [cases[0].bytes, cases[2].bytes]) == [cases[0].bytes]
            assert selectors.sound_among(people.cora, []) == []
            assert selectors.sound_among(None) == []

    def test_end_at_their_minute(self, people, cases):
        with clock.fixed(clock.now() + timedelta(days=4)):
            assert _both(people.lev, cases) == {cases[0].bytes}

    def test_are_not_given_in_sql(self, people, superuser, cases):
        superuser.execute(
            "INSERT INTO cases_caseusergrant (id, case_id, user_id, permission_id, granted_at, reason_sealed, mac)"
            " SELECT gen_random_uuid(), %s, %s, id, now(), '\\x00', '\\x00112233445566778899aabbccddeeff'"
            " FROM auth_permission WHERE codename = 'lead_case'",
            [cases[2], people.lev],
        )
        assert _both(people.lev, cases) == {cases[0].bytes, cases[1].bytes}

    @pytest.mark.parametrize(
        "change",
        [
            "until = now() + interval '9 years'",
            "granted_at = granted_at - interval '3 seconds'",
            "granted_by = gen_random_uuid()",
            "permission_id = (SELECT id FROM auth_permission WHERE codename = 'lead_case')",
            "id = gen_random_uuid()",
            "mac = mac || '\\x00'",
            "mac = substring(mac FOR 8)",
        ],
    )
    def test_are_lost_with_a_grant_changed_in_sql(self, people, superuser, cases, change):
        superuser.execute(
            f"UPDATE cases_caseusergrant SET {change} WHERE user_id = %s AND case_id = %s", [people.lev, cases[1]]
        )
        assert _both(people.lev, cases) == {cases[0].bytes}

    def test_of_a_role_are_lost_with_its_grant_changed_in_sql(self, people, superuser, cases):
        superuser.execute(
            "UPDATE cases_casegroupgrant SET granted_at = granted_at - interval '3 seconds' WHERE case_id = %s",
            [cases[0]],
        )
        assert _both(people.cora, cases) == {cases[1].bytes}

    def test_of_a_frozen_account_are_none(self, people, superuser, cases):
        superuser.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [people.lev])
        assert _both(people.lev, cases) == set()

    def test_pass_the_guard_as_they_do_one_by_one(self, people, cases):
        ids = [case_id.bytes for case_id in cases]
        with cast.acting(people.lev):
            assert set(guard.sieve(ids)) == set(ids[:2])
            assert set(guard.sieve(None)) == set(ids[:2])
        with work.acting(work.system_actor()):
            assert guard.sieve(ids) == ids


@given(st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)))
def test_times_are_counted_as_grants_were_signed(at):
    count = (at - _EPOCH) // timedelta(microseconds=1)
    assert counted_microseconds(count) == microseconds(at)
