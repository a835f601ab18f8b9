"""The proof of a case's trail: downloaded by who leads the case, and checked by the script without this server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests import cast
from tests.audit.test_proof import sealed

pytestmark = pytest.mark.django_db(transaction=True)


class TestTheProof:
    def test_is_what_the_script_finds_good(self, people, visit, tmp_path):
        case_id = cast.open_a_case(people)
        wanda = visit("wanda")
        assert "Take the proof along" in wanda.get(f"/cases/{case_id}/trail/").content.decode()
        sealed()
        answer = wanda.post(f"/cases/{case_id}/trail/proof/")
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="proof-')
        assert answer.headers["Cache-Control"] == "no-store"
        path = tmp_path / "proof.json"
        path.write_bytes(answer.content)
        script = Path(settings.BASE_DIR) / "docs" / "verify_proof.py"
        done = subprocess.run(
            [sys.executable, "-I", str(script), str(path)], capture_output=True, text=True, check=True
        )
        assert "Wanda Wójcik: Created a case" in done.stdout or "Wanda Wójcik: " in done.stdout
        assert "PROVED: Entries 1 to " in done.stdout
        assert json.loads(answer.content)["entries"][-1]["action"] != 1003  # its own entry comes after it
        assert "Exported the audit trail" in wanda.get(f"/cases/{case_id}/trail/").content.decode()

    def test_says_that_the_sealer_has_not_been_there(self, people, visit):
        case_id = cast.open_a_case(people)
        page = visit("wanda").post(f"/cases/{case_id}/trail/proof/").content.decode()
        assert "Nothing of this case is sealed yet" in page

    def test_says_beside_the_field_that_no_checkpoint_has_that_size(self, people, visit):
        case_id = cast.open_a_case(people)
        sealed()
        page = visit("wanda").post(f"/cases/{case_id}/trail/proof/", {"since": "1"}).content.decode()
        assert "No checkpoint was signed over that many entries" in page
        assert 'value="1"' in page

    def test_costs_a_fixed_number_of_queries(self, people, visit, django_assert_max_num_queries):
        case_id = cast.open_a_case(people)
        wanda = visit("wanda")
        for _ in range(6):
            wanda.get(f"/cases/{case_id}/")
        sealed()
        with django_assert_max_num_queries(60):
            wanda.post(f"/cases/{case_id}/trail/proof/")
