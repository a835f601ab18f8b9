"""No process but the migrating one runs as owner, and none as superuser; the settings know no such role."""

from __future__ import annotations

import re
from pathlib import Path

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


class TestTheSources:
    def test_name_the_superuser_in_the_engines_alone(self):
        guilty = [
            path.relative_to(ROOT).as_posix()
            for path in [*(ROOT / "casework").rglob("*.py"), *(ROOT / "config").rglob("*.py"), ROOT / "manage.py"]
            if re.search(r"cw_super|database_url\(\"super\"", path.read_text(encoding="utf-8"))
        ]
        assert [path for path in guilty if not path.startswith("casework/operations/embedded/")] == []
