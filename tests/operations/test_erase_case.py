"""`manage.py erase_case`, as its own process under the web role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from casework.cases import services
from casework.cases.types import ErasureReason
from tests import cast
from tests.conftest import manage

pytestmark = pytest.mark.django_db(transaction=True)

WANDA, CORA, OLGA = "wanda@example.org", "cora@example.org", "olga@example.org"


@pytest.fixture
def case_id(people: cast.Cast) -> UUID:
    return cast.open_a_case(people)


@pytest.fixture
def reference(people: cast.Cast, case_id: UUID) -> str:
    with cast.acting(people.wanda):
        found = services.open_case(case_id).reference
    return found


def _run(reference: str, *more: str, by: str = WANDA, confirmed: str = CORA) -> Any:
    reason = () if "--reason" in more else ("--reason", "person_request")
    return manage("erase_case", reference, "--as", by, "--confirmed-by", confirmed, *reason, *more)


def _is_there(superuser: Any, case_id: UUID) -> bool:
    return bool(superuser.execute("SELECT count(*) FROM cases_case WHERE id = %s", [case_id]).fetchone()[0])


class TestEraseCase:
    def test_erases_and_writes_the_certificate(self, superuser, case_id, reference, tmp_path):
        path = tmp_path / "certificate.pdf"
        done = _run(reference, "--certificate", str(path), "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["case"], said["reference"], said["keys"]) == (str(case_id), reference, 1)
        assert said["rows"] > 5
        assert path.read_bytes().startswith(b"%PDF-")
        assert "There is no way back" not in done.stdout
        assert "What goes" in done.stderr
        assert not _is_there(superuser, case_id)

    def test_again_finds_nothing(self, superuser, case_id, reference):
        assert _run(reference).returncode == 0
        again = _run(reference)
        assert again.returncode == 2
        assert "Traceback" not in again.stderr

    def test_is_not_done_by_one_person(self, superuser, case_id, reference):
        for email in (CORA, "CORA@example.org"):
            done = _run(reference, by=CORA, confirmed=email)
            assert done.returncode == 2
            assert "Two people" in done.stderr
        assert _is_there(superuser, case_id)

    @pytest.mark.parametrize(
        "given",
        [
            (WANDA, OLGA, 1),  # of another team
            (CORA, WANDA, 1),  # no coordinator
            (OLGA, CORA, 2),  # may not know of the case
            ("nobody@example.org", CORA, 2),
            (WANDA, "nobody@example.org", 2),
        ],
    )
    def test_is_refused_to_others(self, superuser, case_id, reference, given):
        by, confirmed, code = given
        done = _run(reference, by=by, confirmed=confirmed)
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert _is_there(superuser, case_id)
        assert superuser.execute("SELECT count(*) FROM cases_erasure WHERE state = 'asked'").fetchone() == (0,)

    def test_takes_known_reasons_alone(self, superuser, case_id, reference):
        assert _run(reference, "--reason", "because").returncode == 2
        assert {"person_request", "authority_order"} <= set(ErasureReason.values)
        assert _is_there(superuser, case_id)

    def test_looks_for_the_certificates_place_before_it_erases(self, superuser, case_id, reference, tmp_path):
        there = tmp_path / "there.pdf"
        there.write_bytes(b"kept")
        for path in (there, Path("/nowhere/certificate.pdf")):
            assert _run(reference, "--certificate", str(path)).returncode == 2
        assert there.read_bytes() == b"kept"
        assert _is_there(superuser, case_id)

    def test_says_that_the_case_is_gone_when_the_certificate_cannot_be_written(self, superuser, case_id, reference):
        # A folder that takes no files although root may write everywhere.
        done = _run(reference, "--certificate", "/proc/certificate.pdf", "--json")
        assert done.returncode == 1
        assert "The case is erased, but" in done.stderr
        assert "Traceback" not in done.stderr
        assert json.loads(done.stdout)["certificate"] == ""
        assert not _is_there(superuser, case_id)

    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM crypto_keywrap WHERE scope = %s",
            "UPDATE crypto_keywrap SET blob = set_byte(blob, 30, get_byte(blob, 30) # 1) WHERE scope = %s",
        ],
    )
    def test_says_plainly_that_a_case_has_lost_its_key(self, superuser, case_id, reference, change):
        superuser.execute(change, [case_id])
        done = _run(reference)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("CommandError: Nothing was erased. The key of this case")
        assert "traceback" not in done.stderr.lower()
        assert _is_there(superuser, case_id)

    def test_confirms_what_was_asked_for_on_the_page(self, people, superuser, case_id, reference):
        with cast.acting(people.wanda):
            services.request_erasure(case_id, reason="person_request")
        assert _run(reference).returncode == 0
        assert not _is_there(superuser, case_id)
        assert superuser.execute("SELECT count(*) FROM cases_erasure").fetchone() == (1,)
