"""The commands of a server's keeper, run as their own processes against the suite's engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import ClassVar

import pyrage
import pytest

from casework.cases import selectors as cases
from casework.cases.types import CaseFilter
from casework.procedure import services as procedure
from tests import cast
from tests.conftest import ROOT, manage

pytestmark = pytest.mark.django_db(transaction=True)


def _printed(*arguments: str, **environment: str):
    done = manage(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class TestSeedDemo:
    """Synthetic cases through the services: both regulations, several countries, some detained, once."""

    def test_makes_what_the_demo_promises_and_goes_on_where_it_stopped(self, people):
        assert _printed("seed_demo", "--cases", "6")["cases"] == 6
        assert _printed("seed_demo", "--cases", "20") | {"people": 0} == {"people": 0, "cases": 14, "were_there": 6}
        assert _printed("seed_demo", "--cases", "20")["cases"] == 0
        rows = []
        for who in ("wanda", "otto"):
            with cast.acting(getattr(people, who)):
                rows += cases.page_of_cases(CaseFilter(), size=100).rows
        assert len(rows) == 20
        assert {"dublin3", "dublin3-open", "ammr"} >= {row.regime for row in rows} >= {"ammr", "dublin3-open"}
        assert len({row.country for row in rows}) >= 3
        assert any(row.detained for row in rows)
        assert all(any("а" <= letter.lower() <= "я" for letter in row.name_original) for row in rows)
        with cast.acting(people.lev):
            shared = cases.page_of_cases(CaseFilter()).rows
        assert 0 < len(shared) < 20

    def test_is_refused_outside_demo_and_tests(self):
        done = manage("seed_demo", "--cases", "1", CASEWORK_TESTING="0", CASEWORK_TEST_APPS="")
        assert done.returncode == 2
        assert "demo mode" in done.stderr


class TestExportDossier:
    def test_writes_an_encrypted_file_as_a_user_who_may(self, people, tmp_path):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            reference = cases.case_for(case_id).reference
        key, out = pyrage.x25519.Identity.generate(), tmp_path / "out.age"
        told = ["--recipient", str(key.to_public()), "--out", str(out)]
        printed = _printed("export_dossier", reference, "--as", "wanda@example.org", *told)
        assert printed["pages"] > 1
        assert pyrage.decrypt(out.read_bytes(), [key]).startswith(b"%PDF")
        refused = manage("export_dossier", reference, "--as", "otto@example.org", *told)
        assert refused.returncode == 2
        unknown = manage("export_dossier", "ZZZZ-ZZZZ", "--as", "otto@example.org", *told)
        assert refused.stderr == unknown.stderr


class TestRebuildDeadlines:
    """A change of law is data: seen before it is applied, applied once, whatever crashes."""

    FACT: ClassVar = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}

    @pytest.fixture
    def case_id(self, people):
        return self._recorded(people)

    def _recorded(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            procedure.record_fact(case_id, content=self.FACT)
        return case_id

    def test_changes_nothing_when_all_is_well_and_mends_what_was_changed(self, case_id, superuser):
        assert _printed("rebuild_deadlines") == {
            "cases": 1,
            "changed": 0,
            "moved": 0,
            "failed": [],
            "superseded": False,
        }
        superuser.execute("UPDATE procedure_limit SET due_on = due_on + 30")
        assert _printed("rebuild_deadlines")["changed"] > 0
        assert _printed("rebuild_deadlines")["changed"] == 0

    def test_shows_what_would_move_by_reference_alone_and_stores_nothing(self, people, case_id, superuser):
        assert _printed("rebuild_deadlines", "--dry-run") == {
            "moves": [],
            "cases": 1,
            "moved": 0,
            "limits": 0,
            "failed": [],
        }
        rule = "ammr-take-charge-request-2m"
        superuser.execute("UPDATE procedure_limit SET due_on = due_on - 7 WHERE rule = %s", [rule])
        superuser.execute("DELETE FROM procedure_limit WHERE rule = 'apr-lodge-21d'")
        before = superuser.execute("SELECT * FROM procedure_limit ORDER BY id").fetchall()
        done = manage("rebuild_deadlines", "--dry-run", "--json")
        assert done.returncode == 1
        shown = json.loads(done.stdout)
        with cast.acting(people.wanda):
            reference = cases.case_for(case_id).reference
        assert {move["case"] for move in shown["moves"]} == {reference}
        changes = {(move["rule"], move["change"], move["days"]) for move in shown["moves"]}
        assert changes == {(rule, "moved", 7), ("apr-lodge-21d", "new", None)}
        assert (shown["moved"], shown["limits"]) == (1, 2)
        in_words = manage("rebuild_deadlines", "--dry-run", "--case", reference)
        assert (in_words.returncode, f"{rule}: 2026-10-26 -> 2026-11-02 (+7 days)" in in_words.stdout) == (1, True)
        assert superuser.execute("SELECT * FROM procedure_limit ORDER BY id").fetchall() == before
        assert not superuser.execute("SELECT 1 FROM notices_notice WHERE kind = 'rules'").fetchall()

    def test_takes_one_case_by_its_reference(self, people, case_id, superuser):
        self._recorded(people)
        superuser.execute("UPDATE procedure_limit SET due_on = due_on + 30")
        with cast.acting(people.wanda):
            reference = cases.case_for(case_id).reference
        assert _printed("rebuild_deadlines", "--case", reference)["cases"] == 1
        moved = superuser.execute(
            "SELECT DISTINCT case_id FROM procedure_limit WHERE due_on > due_rolled_on"
        ).fetchall()
        assert len(moved) == 1
        assert moved != [(case_id,)]

    def test_says_what_is_wrong_with_how_it_was_called(self):
        assert manage("rebuild_deadlines", "--case", "ZZZZ-ZZZZ").returncode == 2
        assert manage("rebuild_deadlines", "--dry-run", "--case", "ZZZZ-ZZZZ").returncode == 2
        assert manage("rebuild_deadlines", "--workers", "0").returncode == 2

    def test_shares_the_work_and_several_runs_at_once_tell_each_lead_once(self, people, superuser):
        ids = sorted(self._recorded(people) for _ in range(4))
        superuser.execute("UPDATE procedure_limit SET due_on = due_on + 30")
        runs = [_started("rebuild_deadlines", "--workers", "2", "--json") for _ in range(2)]
        assert [run.wait() for run in runs] == [0, 0]
        assert _printed("rebuild_deadlines")["changed"] == 0
        told = superuser.execute(
            "SELECT case_id FROM notices_notice WHERE kind = 'rules' AND channel = 'inbox' ORDER BY case_id"
        )
        assert [row[0] for row in told.fetchall()] == ids

    def test_killed_goes_on_where_it_stopped_and_says_so(self, people, superuser):
        # Two parts of a hundred; the second waits for a row that somebody holds, and is killed there.
        everything = sorted(cast.open_a_case(people) for _ in range(101))
        first, last = everything[0], everything[-1]
        for case_id in (first, last):
            with cast.acting(people.wanda):
                procedure.record_fact(case_id, content=self.FACT)
        superuser.execute("UPDATE procedure_limit SET due_on = due_on + 30")
        with superuser.transaction():
            superuser.execute("SELECT 1 FROM procedure_derivation WHERE case_id = %s FOR UPDATE", [last])
            cut_off = _started("rebuild_deadlines")
            _until(lambda: superuser.execute(_DONE).fetchone() == (1, 1))
            cut_off.kill()
            assert cut_off.wait() == -9
        done = manage("rebuild_deadlines")
        assert done.returncode == 0
        assert "Going on with the run" in done.stdout
        assert "1 of 2 parts were done" in done.stdout
        assert "101 cases derived again" in done.stdout
        assert _printed("rebuild_deadlines")["changed"] == 0
        told = superuser.execute("SELECT case_id FROM notices_notice WHERE kind = 'rules' AND channel = 'inbox'")
        assert sorted(row[0] for row in told.fetchall()) == [first, last]


_DONE = "SELECT count(*) FILTER (WHERE done_at IS NULL), count(done_at) FROM procedure_rebuildpart"


def _started(*arguments):
    return subprocess.Popen([sys.executable, str(ROOT / "manage.py"), *arguments], cwd=ROOT)


def _until(holds, seconds=60):
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it does not come to pass"
        time.sleep(0.05)


class TestVerifyAudit:
    def test_takes_a_case_by_its_reference(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            reference = cases.case_for(case_id).reference
        assert manage("audit_checkpoint").returncode == 0
        assert manage("verify_audit", "--case", reference).returncode == 0
        assert manage("verify_audit", "--case", "ZZZZ-ZZZZ").returncode == 2


class TestStarting:
    """Invariant 16: a missing or wrong root key stops the start with a sentence, never with the key."""

    def test_refuses_a_missing_and_a_wrong_root_key(self, tmp_path):
        from casework.crypto.keyring import generate_root_key_file

        missing = manage("set_up", CASEWORK_ROOT_KEY_FILE=str(tmp_path / "none"))
        assert missing.returncode == 1
        generate_root_key_file(tmp_path / "other")
        wrong = manage("set_up", CASEWORK_ROOT_KEY_FILE=str(tmp_path / "other"))
        assert wrong.returncode == 1
        assert (tmp_path / "other").read_text().strip() not in wrong.stderr
        for done in (missing, wrong):
            assert "Traceback" not in done.stderr

    def test_refuses_the_owner_as_the_web_role(self, engines):
        done = manage("doctor", "--json", DATABASE_URL=engines.database_url("owner"))
        found = {finding["name"]: finding for finding in json.loads(done.stdout)}
        assert not found["database role"]["ok"]
        assert "cw_web" in found["database role"]["says"]
        served = subprocess.run(
            [sys.executable, "-c", "import config.wsgi"],
            env={**os.environ, "DATABASE_URL": engines.database_url("owner"), "CASEWORK_ROLE": "web"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert served.returncode != 0
        assert "cw_web" in served.stderr

    def test_leaves_no_core_of_a_process_that_holds_keys(self):
        asked = "import config.wsgi, resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
        served = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
        assert served.stdout.strip() == "(0, 0)"

    def test_lets_the_doctor_say_what_is_wrong(self):
        done = manage("doctor", "--json")
        found = {finding["name"]: finding["ok"] for finding in json.loads(done.stdout)}
        assert found["database role"]
        assert found["keys"]
        assert found["migrations"]
        assert not found["reminders"]
        assert done.returncode == 1
