"""The page on which a case of another team is opened, the banner, the access tab, and opening frozen accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from casework.access import travel
from casework.cases import selectors as cases
from casework.core import clock, ids
from tests import cast

pytestmark = pytest.mark.django_db
WHY = "Police at the door, nobody of North answers."


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    """The database's own clock counts the hour, so these pages are looked at today."""
    with clock.fixed(datetime.now(UTC)):  # noqa: TID251
        yield


@pytest.fixture
def reference(people, case_id) -> str:
    with cast.acting(people.wanda):
        return str(cases.case_for(case_id).reference)


def _send(client: Client, reference: str, reason: str = WHY) -> tuple[int, str]:
    answer = client.post(reverse("emergency"), {"reference": reference, "reason": reason}, follow=True)
    return answer.status_code, answer.content.decode()


class TestTheEmergencyPage:
    def test_is_linked_where_a_coordinator_looks_and_nobody_else(self, people, visit, case_id):
        words = "Open it in an emergency"
        for who, is_there in (("olga", True), ("wanda", False)):
            client = visit(who)
            assert (words in client.get(reverse("case_list")).content.decode()) is is_there
            found = client.post(reverse("case_list"), {"words": "Nobodyhere"}).content.decode()
            assert (words in found) is is_there
            assert client.get(reverse("emergency")).status_code == (200 if is_there else 403)

    def test_asks_for_the_second_factor(self, people, visit):
        client = visit("olga")
        session = client.session
        session["account_authentication_methods"] = []
        session.save()
        assert client.get(reverse("emergency")).url.startswith(reverse("mfa_reauthenticate"))

    def test_opens_the_case_with_a_banner_on_each_of_its_pages(self, people, visit, case_id, reference):
        client = visit("olga")
        status, page = _send(client, reference.lower())
        assert status == 200
        assert "Opened in an emergency until" in page
        for name in ("case_detail", "case_deadlines", "case_timeline", "case_documents", "case_access", "fact_new"):
            shown = client.get(reverse(name, args=[case_id])).content.decode()
            assert "Opened in an emergency until" in shown, name
            assert "Everything that you do here is on record" in shown
        others = visit("cora").get(reverse("case_detail", args=[case_id])).content.decode()
        assert "Opened in an emergency until" not in others
        with clock.fixed(clock.now() + timedelta(minutes=61)):
            assert visit("olga").get(reverse("case_detail", args=[case_id])).status_code == 404

    def test_shows_the_lead_who_why_and_until_when_and_lets_them_end_it(self, people, visit, case_id, reference):
        olga, wanda = visit("olga"), visit("wanda")
        _send(olga, reference)
        tab = wanda.get(reverse("case_access", args=[case_id])).content.decode()
        for words in ("Olga Ozols", WHY, "Emergency"):
            assert words in tab
        found = re.search(rf"{case_id}/access/[0-9a-f-]{{36}}/revoke/", tab)
        assert found is not None
        wanda.post(f"/cases/{found.group(0)}")
        assert olga.get(reverse("case_detail", args=[case_id])).status_code == 404

    def test_loses_nothing_that_was_typed_and_answers_alike(self, people, visit, reference):
        client = visit("olga")
        unknown = ids.new_reference()
        status, page = _send(client, unknown)
        assert status == 200
        assert "There is no case with this reference" in page
        assert WHY in page
        assert unknown in page
        status, page = _send(client, reference, "urgent")
        assert "Say in a few words what is happening" in page
        assert reference in page

    def test_leads_to_a_case_that_one_sees_already(self, people, visit, case_id, reference):
        _status, page = _send(visit("cora"), reference)
        assert "You can open this case already" in page
        assert reverse("case_detail", args=[case_id]) in page

    def test_says_when_to_try_again(self, people, visit, reference):
        client = visit("olga")
        for _ in range(5):
            _send(client, ids.new_reference())
        status, page = _send(client, reference)
        assert status == 429
        assert "You can try again from" in page
        assert WHY in page


class TestAFrozenColleague:
    def _freeze(self, who) -> None:
        with cast.acting(who):
            travel.freeze_self()

    def test_is_opened_by_who_says_that_they_spoke(self, people, visit, case_id):
        self._freeze(people.wanda)
        cora, address = visit("cora"), reverse("unfreeze", args=[people.wanda])
        page = cora.get(address).content.decode()
        assert "Frozen account of Wanda Wójcik" in page
        assert "They lead 1 open case that you can see" in page
        assert "Speak with them first" in cora.post(address, {"act": "open"}).content.decode()
        assert cora.post(address, {"act": "open", "spoke": "on"}).status_code == 302
        assert people.user("wanda").is_active
        assert cora.get(address).status_code == 404

    def test_is_nothing_to_a_coordinator_of_another_team(self, people, visit):
        self._freeze(people.wanda)
        address = reverse("unfreeze", args=[people.wanda])
        assert visit("olga").get(address).status_code == 404
        assert visit("olga").post(address, {"act": "open", "spoke": "on"}).status_code == 404
        assert visit("otto").get(address).status_code == 403

    def test_who_administers_is_opened_in_a_day_unless_somebody_stops_it(self, people, visit):
        self._freeze(people.aud)
        ada, cora, address = visit("ada"), visit("cora"), reverse("unfreeze", args=[people.aud])
        assert cora.get(address).status_code == 404
        assert "after 24 hours you or another administrator" in ada.get(address).content.decode()
        assert ada.post(address, {"act": "open", "spoke": "on"}).status_code == 403
        asked = ada.post(address, {"act": "ask", "spoke": "on"}, follow=True).content.decode()
        assert "Everybody concerned is told" in asked
        assert "Ada Adler asked for this account to be opened again" in cora.get(address).content.decode()
        assert "Stopped." in cora.post(address, {"act": "stop"}, follow=True).content.decode()
        assert cora.get(address).status_code == 404
        assert not people.user("aud").is_active


class TestFreezing:
    @pytest.mark.parametrize(
        ("who", "names"),
        [("wanda", ("Cora Conti",)), ("cora", ("Ada Adler",)), ("aud", ("Ada Adler",)), ("ada", ("nobody here",))],
    )
    def test_says_what_happens_and_who_can_open_it(self, people, visit, who, names):
        client = visit(who)
        assert reverse("freeze") in client.get(reverse("profile")).content.decode()
        page = client.get(reverse("freeze")).content.decode()
        for words in ("You cannot undo it yourself.", "Freeze my account now", *names):
            assert words in page
        answer = client.post(reverse("freeze")).content.decode()
        assert "Your account is frozen" in answer
        assert not any(name in answer for name in names)
        assert client.get(reverse("profile")).status_code == 302
