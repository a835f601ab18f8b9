"""Who can see a case; giving access and taking it back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from casework.access import selectors as access
from casework.access.types import Level
from casework.core import clock
from tests import cast


def _give(client, case_id, **changes):
    given = {"email": "lev@example.org", "level": Level.DOSSIER, "year": "2027", "reason": "represents them"} | changes
    given |= {"until_0": "1", "until_1": "3", "until_2": given.pop("year"), "level": given["level"].value}
    return client.post(f"/cases/{case_id}/access/share/", given)


class TestGivingAccess:
    """Whom, how far, until when and why."""

    def test_lets_the_lawyer_in_until_the_end_of_that_day(self, people, visit, case_id, settings):
        settings.SESSION_COOKIE_AGE = 365 * 24 * 60 * 60  # the grant is to end, not the row of the session
        lev = visit("lev")
        assert lev.get(f"/cases/{case_id}/").status_code == 404
        assert _give(visit("wanda"), case_id).status_code == 302
        assert lev.get(f"/cases/{case_id}/").status_code == 200
        # 1 March ends at midnight in Paris, which is 23:00 UTC.
        with clock.fixed(datetime(2027, 3, 1, 22, 59, tzinfo=UTC)):
            lev = visit("lev")
            assert lev.get(f"/cases/{case_id}/").status_code == 200
        with clock.fixed(datetime(2027, 3, 1, 23, 0, tzinfo=UTC)):
            assert lev.get(f"/cases/{case_id}/").status_code == 404

    def test_shows_who_and_until_when(self, people, visit, case_id):
        wanda = visit("wanda")
        _give(wanda, case_id)
        page = wanda.get(f"/cases/{case_id}/access/").content.decode()
        assert "Lev Lindqvist" in page
        assert "1 March 2027" in page
        assert "Coordinators of North" in page

    def test_proposes_ninety_days(self, people, visit, case_id):
        page = visit("wanda").get(f"/cases/{case_id}/access/share/").content.decode()
        assert all(box in page for box in ('value="21"', 'value="2"', 'value="2027"'))

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"email": "nobody@example.org"}, "Nobody signs in with this address."),
            ({"email": "aud@example.org"}, "role works with no cases"),
            ({"level": Level.WORK}, "Outside lawyers can read a case"),
            ({"year": "2020"}, "This day has passed."),
            ({"year": "2040"}, "Two years are the longest"),
            ({"reason": ""}, "This field is required."),
        ],
    )
    def test_refuses_with_a_sentence(self, people, visit, case_id, changes, said):
        answer = _give(visit("wanda"), case_id, **changes)
        assert answer.status_code == 200
        assert said in answer.content.decode()
        with cast.acting(people.lev):
            assert access.level_on(people.lev, case_id) is None

    def test_nobody_gives_more_than_working_on_it(self, people, visit, case_id):
        assert _give(visit("wanda"), case_id, email="otto@example.org", level=Level.LEAD).status_code == 200

    def test_who_may_only_read_gives_nothing(self, people, visit, case_id):
        _give(visit("wanda"), case_id)
        lev = visit("lev")
        assert lev.get(f"/cases/{case_id}/access/share/").status_code == 403
        assert _give(lev, case_id, email="otto@example.org").status_code == 403


class TestTakingAccessBack:
    """It ends at once."""

    def _grant(self, people, case_id, holder):
        with cast.acting(people.wanda):
            return next(grant for grant in access.grants_on(case_id) if grant.holder_id == holder)

    def test_ends_at_once(self, people, visit, case_id):
        wanda, lev = visit("wanda"), visit("lev")
        _give(wanda, case_id)
        url = f"/cases/{case_id}/access/{self._grant(people, case_id, people.lev).id}/revoke/"
        assert "Lev Lindqvist" in wanda.get(url).content.decode()
        assert lev.get(f"/cases/{case_id}/").status_code == 200
        assert wanda.post(url).status_code == 302
        assert lev.get(f"/cases/{case_id}/").status_code == 404

    def test_the_leads_own_access_is_not_taken_back_here(self, people, visit, case_id):
        grant = self._grant(people, case_id, people.wanda)
        assert visit("cora").post(f"/cases/{case_id}/access/{grant.id}/revoke/").status_code == 404


class TestTrail:
    """Who opened the case, for who leads it."""

    def test_shows_every_look_with_its_person(self, people, visit, case_id):
        wanda = visit("wanda")
        visit("cora").get(f"/cases/{case_id}/")
        _give(wanda, case_id)
        page = wanda.get(f"/cases/{case_id}/trail/").content.decode()
        assert "Cora Conti" in page
        assert "Read the case" in page
        assert "To: Lev Lindqvist" in page

    def test_is_not_for_who_was_only_given_access(self, people, visit, case_id):
        _give(visit("wanda"), case_id)
        lev = visit("lev")
        assert lev.get(f"/cases/{case_id}/trail/").status_code == 403
        assert "/trail/" not in lev.get(f"/cases/{case_id}/").content.decode()
