"""Where somebody is signed in: their own list, and signing out what is elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from casework.accounts import devices
from casework.accounts.models import Device
from casework.core import clock
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(people):
    return cast.sign_in(Client(), people.user("wanda"))


@pytest.fixture
def elsewhere(people):
    return cast.sign_in(Client(), people.user("wanda"))


def is_in(client: Client) -> bool:
    return client.get(reverse("case_list")).status_code == 200


def other(people, client: Client) -> str:
    return str(Device.objects.exclude(pk=client.session[devices.SESSION_KEY]).get(user_id=people.wanda).pk)


class TestTheList:
    def test_shows_each_browser_and_which_is_this_one(self, here, elsewhere):
        page = here.get(reverse("profile")).content.decode()
        assert page.count("last used") == 2
        assert page.count("this browser") == 1

    def test_shows_nothing_of_colleagues(self, here, people):
        cast.sign_in(Client(), people.user("cora"))
        assert here.get(reverse("profile")).content.decode().count("last used") == 1

    def test_leaves_out_what_has_ended(self, here, elsewhere):
        elsewhere.post(reverse("account_logout"))
        assert here.get(reverse("profile")).content.decode().count("last used") == 1
        assert Device.objects.count() == 1

    def test_is_swept_of_sessions_that_ended_by_themselves(self, here, elsewhere, people):
        Session.objects.update(expire_date=clock.now() - timedelta(seconds=1))
        cast.sign_in(Client(), people.user("wanda"))
        assert (Device.objects.count(), Session.objects.count()) == (1, 1)

    def test_keeps_up_with_the_session_when_its_key_changes(self, here, people):
        elsewhere = cast.sign_in(Client(), people.user("wanda"))
        session = here.session
        session.cycle_key()
        here.cookies["sessionid"] = session.session_key
        with clock.fixed(clock.now() + timedelta(minutes=2)):
            assert is_in(here)
            elsewhere.post(reverse("sign_out_elsewhere"))
            assert not is_in(here)


class TestSigningOutABrowser:
    def test_ends_its_session_at_once(self, here, elsewhere, people):
        assert is_in(elsewhere)
        here.post(reverse("sign_out_device", args=[other(people, here)]))
        assert not is_in(elsewhere)
        assert is_in(here)

    def test_everywhere_else_leaves_this_one(self, here, elsewhere, people):
        third = cast.sign_in(Client(), people.user("wanda"))
        here.post(reverse("sign_out_elsewhere"))
        assert (is_in(here), is_in(elsewhere), is_in(third)) == (True, False, False)

    def test_is_only_for_ones_own(self, here, people):
        cora = cast.sign_in(Client(), people.user("cora"))
        answer = cora.post(reverse("sign_out_device", args=[here.session[devices.SESSION_KEY]]))
        assert answer.status_code == 404
        assert is_in(here)

    def test_is_not_for_the_one_at_hand(self, here):
        assert here.post(reverse("sign_out_device", args=[here.session[devices.SESSION_KEY]])).status_code == 404


class TestItsName:
    @pytest.mark.parametrize(
        ("agent", "said"),
        [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148 Safari/604.1", "Safari on iPhone"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605 Version/19 Safari/605", "Safari on Mac"),
            ("curl/8", "A browser"),
            ("", "A browser"),
        ],
    )  # fmt: skip
    def test_names_browser_and_system_without_a_version(self, agent, said):
        assert str(devices.label(devices.kind_of(agent))) == said
        assert not any(letter.isdigit() for letter in devices.kind_of(agent))
