"""What an outside lawyer sees: the cases shared with them, and their dossiers."""

from __future__ import annotations

import io
from datetime import timedelta

import pikepdf
import pyrage
import pytest

from casework.access import services as access
from casework.access.types import Level
from casework.accounts import profiles
from casework.accounts.models import User
from casework.cases.types import PersonInput
from casework.core import clock
from tests import cast


@pytest.fixture
def shared(people, case_id):
    """Wanda's case, shared with Lev for its dossier."""
    with cast.acting(people.wanda):
        access.grant(
            case_id=case_id,
            user_id=people.lev,
            level=Level.DOSSIER,
            reason="represents the applicant",
            until=clock.now() + timedelta(days=30),
        )
    return case_id


class TestLawyer:
    """That case and no other."""

    def test_sees_the_shared_case_and_no_other(self, people, visit, shared):
        cast.open_a_case(people, applicant=PersonInput("", "Not Shared"))
        lev = visit("lev")
        for url in ("/", "/cases/"):
            page = lev.get(url).content.decode()
            assert "Testov Piotr" in page
            assert "Not Shared" not in page
        assert "Nobody like that" in lev.post("/cases/", {"words": "Not Shared"}).content.decode()

    def test_reads_everything_and_is_offered_nothing_that_writes(self, people, visit, shared):
        lev = visit("lev")
        for tab in ("", "deadlines/", "timeline/", "documents/", "access/"):
            page = lev.get(f"/cases/{shared}/{tab}").content.decode()
            for path in ("facts/new/", "edit/", "documents/new/", "share/", "assign/", "correct/"):
                assert f"/cases/{shared}/{path}" not in page, (tab, path)

    @pytest.mark.parametrize(
        "path", ["edit/", "facts/new/", "facts/new/detained/", "documents/new/", "access/share/", "assign/", "trail/"]
    )
    def test_is_refused_what_writes(self, people, visit, shared, path):
        lev = visit("lev")
        assert lev.get(f"/cases/{shared}/{path}").status_code == 403
        assert lev.post(f"/cases/{shared}/{path}", {}).status_code in {403, 405}

    def test_finds_nothing_without_a_grant(self, people, visit, case_id):
        assert "No case is shared with you" in visit("lev").get("/").content.decode()


class TestDossier:
    """One encrypted file, named after the reference."""

    def test_opens_with_the_lawyers_own_key(self, people, visit, shared):
        identity = pyrage.x25519.Identity.generate()
        with cast.acting(people.lev):
            user = User.objects.get(pk=people.lev)
            profiles.update_profile(
                user=user, name=user.name, language=user.language, age_recipient=str(identity.to_public())
            )
        lev = visit("lev")
        assert "My own key" in lev.get(f"/cases/{shared}/dossier/").content.decode()
        answer = lev.post(f"/cases/{shared}/dossier/", {"purpose": "Appeal", "method": "own"})
        assert answer["Content-Disposition"].startswith("attachment")
        assert "Testov" not in answer["Content-Disposition"]
        assert answer["Cache-Control"] == "no-store"
        opened = pikepdf.open(io.BytesIO(pyrage.decrypt(answer.content, [identity])))
        assert len(opened.pages) >= 2

    def test_proposes_another_passphrase_each_time(self, people, visit, shared):
        lev = visit("lev")
        proposed = {
            lev.get(f"/cases/{shared}/dossier/").content.decode().split('name="passphrase" value="')[1].split('"')[0]
            for _time in range(3)
        }
        assert len(proposed) == 3

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"method": "key", "recipient": ""}, "Paste the recipient&#x27;s public key."),
            ({"method": "key", "recipient": "age1nonsense"}, "This is not a public key."),
            ({"method": "passphrase", "passphrase": "too short"}, "at least 16 characters"),
            ({"method": "own"}, "own is not one of the available choices"),
        ],
    )
    def test_refuses_what_would_not_protect_it(self, people, visit, shared, given, said):
        page = visit("lev").post(f"/cases/{shared}/dossier/", {"purpose": "Appeal", **given}).content.decode()
        assert said in page

    def test_is_refused_to_who_may_only_read(self, people, visit, case_id):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="reads")
        assert visit("lev").get(f"/cases/{case_id}/dossier/").status_code == 403
