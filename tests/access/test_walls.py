"""The second wall, asked as the web role itself, with every check of the application out of the way."""

from __future__ import annotations

import psycopg
import pytest

from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)

CASE_TABLES = {
    "cases_case": "id",
    "cases_person": "case_id",
    "cases_historicalcase": "id",
    "cases_historicalperson": "case_id",
    "cases_caseusergrant": "case_id",
    "cases_casegroupgrant": "case_id",
    "crypto_keywrap": "scope",
}


def _count(connection, table, column, case_id, user_id):
    with connection.transaction():
        connection.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id) if user_id else ""])
        row = connection.execute(f"SELECT count(*) FROM {table} WHERE {column} = %s", [case_id]).fetchone()
    return row[0]


class TestTheWebRole:
    """Invariant 40: without `app.user_id` no case; with user A never a case of B alone."""

    def test_is_no_owner_no_superuser_and_cannot_bypass(self, as_role):
        web = as_role("web")
        row = web.execute("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert row.fetchone() == (False, False, False)
        owned = web.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user")
        assert owned.fetchone() == (0,)

    @pytest.mark.parametrize(("table", "column"), CASE_TABLES.items())
    def test_sees_a_row_only_as_someone_with_a_grant(self, people, as_role, table, column):
        case_id = cast.open_a_case(people)
        web = as_role("web")
        assert _count(web, table, column, case_id, people.wanda) > 0
        assert _count(web, table, column, case_id, people.cora) > 0
        for other in (None, people.otto, people.olga, people.lev, people.ada, people.aud):
            assert _count(web, table, column, case_id, other) == 0

    def test_may_not_switch_the_wall_off(self, people, as_role):
        web = as_role("web")
        for statement in (
            "ALTER TABLE cases_case DISABLE ROW LEVEL SECURITY",
            "SET session_replication_role = replica",
            "SET ROLE cw_owner",
            "DROP POLICY cases_case_web ON cases_case",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement)

    def test_cannot_grant_itself_a_case(self, people, as_role):
        case_id = cast.open_a_case(people)
        web = as_role("web")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
            web.execute("SELECT set_config('app.user_id', %s, true)", [str(people.otto)])
            web.execute(
                "INSERT INTO cases_caseusergrant (id, case_id, user_id, permission_id, granted_at, reason_sealed, mac)"
                " SELECT gen_random_uuid(), %s, %s, id, now(), '', '' FROM auth_permission"
                " WHERE codename = 'lead_case'",
                [case_id, people.otto],
            )
