"""No process but the migrating one runs as owner, and none as superuser; the settings know no such role."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


class TestTheSuiteItself:
    @pytest.mark.django_db
    def test_runs_as_the_web_role(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, usesuper FROM pg_user WHERE usename = current_user")
            assert cursor.fetchone() == ("cw_web", False)

    @pytest.mark.django_db
    def test_finds_every_table_of_a_case_behind_a_forced_wall(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'case_id' AND NOT a.attisdropped"
                " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            )
            walled = dict(cursor.fetchall())
        assert {"cases_person", "procedure_fact", "procedure_limit", "documents_document", "audit_entry"} <= set(walled)
        # Those of the suite's own app hold sealed letters of nobody, and the list of cases to plan holds ids alone.
        without = {table for table, forced in walled.items() if not forced and not table.startswith("sealed_app_")}
        assert without <= {"reminders_pending"}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class WHERE relname IN ('cases_case', 'cases_historicalcase', 'crypto_keywrap')"
                " AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
            assert cursor.fetchall() == []

    @pytest.mark.django_db
    @pytest.mark.parametrize("table", ["procedure_rebuild", "procedure_rebuildpart"])
    def test_has_no_right_to_what_is_the_workers_alone(self, table):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relrowsecurity AND relforcerowsecurity,"
                " has_table_privilege('cw_worker', oid, 'SELECT'),"
                " has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'),"
                " has_any_column_privilege(oid, 'SELECT, INSERT, UPDATE, REFERENCES')"
                " FROM pg_class WHERE relname = %s",
                [table],
            )
            walled, workers, ours, ours_by_column = cursor.fetchone()
        assert (walled, workers) == (True, True)
        assert (ours, ours_by_column) == (False, False)


# What a role may do with a table, with a column where not with all of them, or with a function of the owner's.
_RIGHTS = """
    SELECT grantee, table_name::text, privilege_type FROM information_schema.role_table_grants
     WHERE table_schema = 'public'
    UNION
    SELECT grantee, table_name::text,
           privilege_type || ' (' || string_agg(column_name, ', ' ORDER BY column_name) || ')'
      FROM information_schema.column_privileges c
     WHERE table_schema = 'public' AND NOT EXISTS (
           SELECT 1 FROM information_schema.role_table_grants g
            WHERE (g.grantee, g.table_schema, g.table_name, g.privilege_type)
                = (c.grantee, c.table_schema, c.table_name, c.privilege_type))
     GROUP BY grantee, table_name, privilege_type
    UNION
    SELECT grantee, routine_name::text, privilege_type FROM information_schema.role_routine_grants
     WHERE routine_schema = 'public' AND grantee <> 'PUBLIC'
"""
_ROLES = ("web", "worker", "sealer", "backup")


class TestTheRightsOfEachRole:
    """`rights.toml` gives the reason for each; one that does not stand there fails, and so does one that is gone."""

    @pytest.fixture
    def rights(self, db: None, superuser: Any) -> dict[str, dict[str, set[str]]]:
        found: dict[str, dict[str, set[str]]] = {role: {} for role in _ROLES}
        for grantee, thing, right in superuser.execute(_RIGHTS).fetchall():
            role = grantee.removeprefix("cw_")
            if role in found and not thing.startswith("sealed_app_"):
                found[role].setdefault(thing, set()).add(right)
        return found

    @pytest.mark.parametrize("role", _ROLES)
    def test_are_those_that_are_written_down(self, rights, role):
        written: dict[str, set[str]] = {}
        for entry in tomllib.loads((ROOT / "tests" / "house" / "rights.toml").read_text()).get(role, []):
            assert len(entry["why"].split()) > 2, entry
            for thing in entry["on"]:
                assert written.setdefault(thing, set()).isdisjoint(entry["rights"]), thing
                written[thing] |= set(entry["rights"])
        assert {thing: sorted(has) for thing, has in rights[role].items()} == {
            thing: sorted(has) for thing, has in written.items()
        }

    def test_of_the_backup_are_to_read_and_nothing_else(self, superuser):
        """Its role reads every row, as it must: so it writes none, and runs nothing of the owner's."""
        settings = superuser.execute(
            "SELECT rolbypassrls, rolsuper, rolconfig FROM pg_roles WHERE rolname = 'cw_backup'"
        ).fetchone()
        assert settings == (True, False, ["default_transaction_read_only=on"])
        writes = superuser.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
            " AND has_table_privilege('cw_backup', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
        ).fetchall()
        assert writes == []

    @pytest.mark.parametrize("role", [*_ROLES, "owner"])
    def test_come_from_no_other_role(self, superuser, role):
        member_of = superuser.execute(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = %s::regrole", [f"cw_{role}"]
        ).fetchall()
        assert member_of == ([("pg_read_all_data",)] if role == "backup" else [])

    def test_make_no_role_but_the_backups_blind_to_the_walls(self, superuser):
        free = superuser.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'cw\\_%' AND (rolbypassrls OR rolsuper) ORDER BY 1"
        ).fetchall()
        assert free == [("cw_backup",), ("cw_super",)]


class TestTheSources:
    def test_name_the_superuser_in_the_engines_alone(self):
        guilty = [
            path.relative_to(ROOT).as_posix()
            for path in [*(ROOT / "casework").rglob("*.py"), *(ROOT / "config").rglob("*.py"), ROOT / "manage.py"]
            if re.search(r"cw_super|database_url\(\"super\"", path.read_text(encoding="utf-8"))
        ]
        assert [path for path in guilty if not path.startswith("casework/operations/embedded/")] == []
