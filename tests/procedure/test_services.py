"""Recording facts and deriving again, as the web role on real PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from casework.audit.models import Entry
from casework.cases import selectors as cases
from casework.core import clock
from casework.core.errors import Invalid, NotAllowed, NotFound
from casework.procedure import selectors, services
from casework.procedure.models import Fact, Limit
from tests import cast

pytestmark = pytest.mark.django_db

DOCUMENTED = [
    {"fact": "application-registered", "on": "2026-09-01", "state": "FR"},
    {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
    {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
    {"fact": "take-back-notification-received", "on": "2026-09-10", "state": "HR"},
    {"fact": "transfer-decision-notified", "on": "2026-10-12"},
    {"fact": "appeal-lodged", "on": "2026-10-16", "against": "transfer-decision"},
    {"fact": "suspension-requested", "on": "2026-10-16"},
]


def record_all(case_id, facts=DOCUMENTED):
    for fact in facts:
        services.record_fact(case_id, content=fact)


@pytest.fixture
def case_id(people):
    return cast.open_a_case(people)


class TestTheDocumentedCase:
    """Articles 41, 42 and 46 of Regulation (EU) 2024/1351: the run that the issue and the documentation name."""

    @pytest.fixture(autouse=True)
    def _recorded(self, people, case_id):
        with cast.acting(people.wanda):
            record_all(case_id)

    def test_has_the_expected_dates(self, people, case_id):
        with cast.acting(people.wanda):
            due = {limit.rule: limit.due_on for limit in selectors.stored_limits([case_id])}
        assert due["ammr-take-back-confirm-2w"] == date(2026, 9, 24)
        assert due["ammr-transfer-decision-2w"] == date(2026, 10, 9)
        assert due["ammr-transfer-6m"] == date(2027, 3, 25)

    def test_is_what_the_command_computes_without_key_or_database(self, people, case_id, tmp_path):
        file = tmp_path / "facts.json"
        file.write_text(json.dumps({"country": "FR", "facts": DOCUMENTED}))
        today = clock.today("FR").isoformat()
        printed = subprocess.run(
            [sys.executable, "manage.py", "deadlines", str(file), "--json", "--on", today],
            env={},
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        computed = json.loads(printed.stdout)
        with cast.acting(people.wanda):
            shown = selectors.derived(case_id, "FR")
        assert computed["regime"] == shown.regime == "ammr"
        assert computed["status"] == shown.status
        assert computed["responsible_state"] == shown.responsible_state == "HR"
        assert [(limit["rule"], limit["due"], limit["state"], limit["because"]) for limit in computed["deadlines"]] == [
            (limit.rule, limit.due.isoformat(), limit.state, list(limit.because)) for limit in shown.deadlines
        ]

    def test_shows_in_the_cases_clear_columns(self, people, case_id):
        with cast.acting(people.wanda):
            case = cases.case_for(case_id)
        assert (case.regime, case.responsible_state, case.detained) == ("ammr", "HR", False)
        assert case.stage == "appeal-pending"
        assert case.next_due_on is not None

    def test_stores_no_fact_in_the_clear(self, people, case_id):
        with cast.acting(people.wanda), connection.cursor() as cursor:
            cursor.execute("SELECT t::text FROM procedure_fact t WHERE case_id = %s", [case_id])
            stored = "\n".join(row[0] for row in cursor.fetchall())
        assert stored.count("\n") == len(DOCUMENTED) - 1
        assert "eurodac" not in stored
        assert "2026-09-02" not in stored
        assert b"eurodac".hex() not in stored

    def test_derives_the_same_again(self, people, case_id):
        with cast.acting(people.wanda):
            assert services.derive_again(case_id) == 0


class TestRecording:
    def test_writes_one_entry_and_derives(self, people, case_id):
        with cast.acting(people.wanda):
            before = Entry.objects.filter(case_id=case_id).count()
        with cast.acting(people.wanda):
            services.record_fact(case_id, content=DOCUMENTED[0])
        with cast.acting(people.wanda):
            assert Entry.objects.filter(case_id=case_id).count() == before + 1
            assert cases.case_for(case_id).stage == "registered"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"fact": "no-such-fact", "on": "2026-09-01"},
            {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR"},
            {"fact": "application-registered", "on": "2026-02-30"},
            {"fact": "take-back-confirmed", "on": "2026-09-09", "state": "HR"},
        ],
    )
    def test_refuses_what_is_no_fact_and_writes_nothing(self, people, case_id, wrong):
        with cast.acting(people.wanda):
            services.record_fact(case_id, content=DOCUMENTED[2])
        with pytest.raises(Invalid), cast.acting(people.wanda):
            services.record_fact(case_id, content=wrong)
        with cast.acting(people.wanda):
            assert Fact.objects.filter(case_id=case_id).count() == 1

    def test_is_refused_to_a_lawyer_and_hidden_from_another_team(self, people, case_id):
        from casework.access import services as access
        from casework.access.types import Level

        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="", until=None)
        with cast.acting(people.lev), pytest.raises(NotAllowed):
            services.record_fact(case_id, content=DOCUMENTED[0])
        with cast.acting(people.otto), pytest.raises(NotFound):
            services.record_fact(case_id, content=DOCUMENTED[0])


class TestCorrecting:
    """A fact is never changed: another takes its place, and both stay in the record."""

    def test_moves_the_limits(self, people, case_id):
        with cast.acting(people.wanda):
            record_all(case_id, DOCUMENTED[:2])
            registered = selectors.recorded_facts(case_id)[0]
            services.correct_fact(
                case_id, fact_id=registered.id, content={**DOCUMENTED[0], "on": "2026-08-20"}, reason="Read again"
            )
            facts = selectors.recorded_facts(case_id)
            assert [fact.on for fact in facts] == ["2026-08-20", "2026-09-02"]
            assert facts[0].corrected
            assert Fact.objects.filter(case_id=case_id).count() == 3

    def test_withdraws(self, people, case_id):
        with cast.acting(people.wanda):
            record_all(case_id, DOCUMENTED[:3])
            last = selectors.recorded_facts(case_id)[-1]
            services.withdraw_fact(case_id, fact_id=last.id, note="Of another file")
            assert [fact.name for fact in selectors.recorded_facts(case_id)] == [
                "application-registered",
                "eurodac-hit",
            ]

    def test_keeps_the_row_of_a_limit_whose_date_moved(self, people, case_id):
        with cast.acting(people.wanda):
            record_all(case_id, DOCUMENTED[:3])
            before = {limit.rule: limit.id for limit in selectors.stored_limits([case_id])}
            notified = selectors.recorded_facts(case_id)[-1]
            services.correct_fact(
                case_id, fact_id=notified.id, content={**DOCUMENTED[2], "on": "2026-09-11"}, reason="The stamp"
            )
            after = {limit.rule: limit.id for limit in selectors.stored_limits([case_id])}
        assert after["ammr-take-back-confirm-2w"] == before["ammr-take-back-confirm-2w"]


class TestDetention:
    """The mark on the case is a projection of the liberty facts."""

    def test_follows_detention_and_release(self, people, case_id):
        with cast.acting(people.wanda):
            services.record_fact(case_id, content={"fact": "detained", "on": "2026-10-01", "ground": "transfer"})
            assert cases.case_for(case_id).detained
            services.record_fact(case_id, content={"fact": "released", "on": "2026-10-09"})
            assert not cases.case_for(case_id).detained


class TestThePassingOfTime:
    """Articles 41(4), 40(8): silence becomes confirmation without anybody recording it."""

    @pytest.mark.django_db(transaction=True)
    def test_is_derived_by_the_worker_under_its_own_role(self, people):
        from tests.conftest import running_as

        case_id = cast.open_a_case(people)
        with clock.fixed(clock.now().replace(year=2026, month=9, day=12)), cast.acting(people.wanda):
            record_all(case_id, DOCUMENTED[:4])
            assert cases.case_for(case_id).stage == "take-back-notified"
        with running_as("worker"), clock.fixed(clock.now().replace(year=2026, month=9, day=26)):
            assert services.refresh_due(on=date(2026, 9, 26)) > 0
            assert services.refresh_due(on=date(2026, 9, 26)) == 0
        with cast.acting(people.wanda):
            case = cases.case_for(case_id)
            assert (case.stage, case.responsible_state) == ("accepted", "HR")
            assert Limit.objects.filter(case_id=case_id, rule="ammr-transfer-6m").exists()
