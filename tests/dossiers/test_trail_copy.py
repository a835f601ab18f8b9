"""The copy of a case's trail for the person it is about: who saw their data and when, and nothing else."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from casework.access import services as access
from casework.access.types import Level
from casework.audit import proof, services
from casework.audit import selectors as trail
from casework.audit.types import EVERYTHING, TrailFilter
from casework.cases import services as cases
from casework.core import clock, work
from casework.core.errors import NotAllowed, NotFound
from casework.dossiers import trail_copy
from tests import cast
from tests.audit.test_proof import run, sealed
from tests.journeys.test_lawyer import _text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case_id(people: cast.Cast) -> Any:
    """A case that two caseworkers of North and the coordinator read, and Otto of South was refused."""
    made = cast.open_a_case(people)
    with cast.acting(people.wanda):
        access.grant(case_id=made, user_id=people.lev, level=Level.DOSSIER, reason="Secret strategy", until=None)
        services.record("dossier.exported", case=made, body={"purpose": "Secret appeal"})
        services.record("case.searched", body={"words": "Secret words"})
    for who in (people.cora, people.lev):
        with cast.acting(who):
            cases.open_case(made)
    for _time in range(2):
        services.record_now(work.Actor(people.otto), "access.refused", obj=made, reason="no_grant")
    return made


def copied(who: Any, case_id: Any, **options: Any) -> str:
    with cast.acting(who):
        pdf = trail_copy.copy_for_person(case_id, wanted=options.pop("wanted", EVERYTHING), **options)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return " ".join(" ".join(_text(page) for page in opened.pages).split())


class TestACopy:
    def test_says_what_was_done_by_whom_and_when_in_plain_words(self, people, case_id):
        said = copied(people.wanda, case_id)
        for words in (
            "Who saw your data, and when",
            "Article 15 GDPR",
            "Opened a new case",
            "Read the case",
            "Exported the dossier",
            "Caseworker, North",
            "Coordinator, North",
            "Lawyer",
            f"{clock.now():%Y}",
            "2: nothing was shown",
        ):
            assert words in said, words

    def test_tells_nothing_of_other_people_searches_purposes_or_the_record(self, people, case_id):
        said = copied(people.wanda, case_id)
        for secret in ("Secret", "Wójcik", "Conti", "Lindqvist", "Oja", "South", "Testov", "Тестов", "Synthetic"):
            assert secret not in said, secret
        # What was refused is counted, and not one of the list.
        assert "Was refused access" not in said

    def test_names_colleagues_where_the_organisation_wants_it(self, people, case_id):
        said = copied(people.wanda, case_id, names=True)
        assert "Cora Conti (Coordinator, North)" in said
        assert "Otto Oja" not in said

    def test_numbers_colleagues_whom_a_role_does_not_tell_apart(self, people, case_id):
        with work.acting(work.Actor(None, kind="command")):
            from casework.accounts import services as accounts

            second = accounts.create_account(email="second@example.org", name="Second Synthetic", password="x" * 20)
            accounts.give_role(user=second, role="lawyer", team=None)
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=second.pk, level=Level.VIEW, reason="", until=None)
        with cast.acting(second.pk):
            cases.open_case(case_id)
        said = copied(people.wanda, case_id)
        assert "Lawyer (1)" in said
        assert "Lawyer (2)" in said

    def test_that_was_shortened_says_so(self, people, case_id):
        assert "shortened" not in copied(people.wanda, case_id)
        later = TrailFilter(since=clock.now() + timedelta(days=1))
        said = copied(people.wanda, case_id, wanted=later)
        assert "This copy was shortened" in said
        assert "Nothing in this period." in said

    def test_leaves_one_entry_with_its_reason(self, people, case_id):
        copied(people.wanda, case_id)
        with cast.acting(people.wanda):
            newest = trail.entries_of_case(case_id)[0]
        assert (newest.action, str(newest.reason)) == ("audit.exported", "At the person's request")

    def test_does_not_repeat_what_somebody_else_may_have_written(self, people, case_id, superuser):
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE audit_entry SET action = 109 WHERE stream = %s AND seq = 1", [case_id])
        said = copied(people.wanda, case_id)
        assert "This entry was changed outside the application" in said
        assert "Erased the case" not in said

    def test_is_given_by_who_leads_the_case_alone(self, people, case_id):
        for who, refusal in ((people.lev, NotAllowed), (people.otto, NotFound), (people.aud, NotFound)):
            with pytest.raises(refusal):
                copied(who, case_id)


class TestTheEndOfACopy:
    def test_says_when_nothing_is_signed_yet(self, people, case_id):
        assert "Nothing of this trail was signed yet" in copied(people.wanda, case_id)

    def test_verifies_with_the_script_for_lawyers(self, people, case_id, tmp_path: Path):
        sealed()
        said = copied(people.wanda, case_id)
        with cast.acting(people.wanda):
            end, seal = trail.end_of_stream(case_id), trail.seal_over(case_id)
        assert end is not None
        assert seal is not None
        printed = re.sub(r"\s", "", said)
        assert all(re.sub(r"\s", "", line) in printed for line in seal.note.split("\n"))
        # The case goes on; a proof that is asked for later goes back to what stands on the paper.
        with cast.acting(people.wanda):
            cases.open_case(case_id)
        sealed()
        with cast.acting(people.wanda):
            made = proof.of_case(case_id, names=lambda _ids: {}, since=seal.size)
        (tmp_path / "proof.json").write_text(json.dumps(made))
        (tmp_path / "printed.txt").write_text(seal.note)
        code, verdict = run(tmp_path / "proof.json", "--checkpoint", str(tmp_path / "printed.txt"))
        assert (code, verdict["wrong"]) == (0, "")
