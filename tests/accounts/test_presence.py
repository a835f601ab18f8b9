"""The end of a sign-in: 30 minutes without use, 12 hours at most, and nothing typed is lost or told to anybody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from casework.accounts import keeping, presence
from casework.audit.models import Entry
from casework.core import clock
from tests import cast
from tests.house import sessions

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "velvetharrow-synthetic"

pytestmark = pytest.mark.django_db


def at(minutes: float):
    return clock.fixed(NOON + timedelta(minutes=minutes))


@pytest.fixture
def wanda(people):
    with at(0):
        return cast.sign_in(Client(), people.user("wanda"))


def is_in(client: Client) -> bool:
    return client.get(reverse("case_list")).status_code == 200


class TestWithoutUse:
    def test_ends_after_half_an_hour(self, wanda):
        with at(29.9):
            assert is_in(wanda)
        with at(60):
            answer = wanda.get(reverse("case_list"))
        assert answer.status_code == 302
        assert answer.url == f"{reverse('account_login')}?next=%2Fcases%2F"
        with at(60):
            assert "half an hour without use" in wanda.get(answer.url).content.decode()

    def test_goes_on_while_it_is_used(self, wanda):
        for minutes in range(20, 700, 20):
            with at(minutes):
                assert is_in(wanda), minutes

    def test_is_not_kept_going_by_what_asks_by_itself(self, wanda):
        for minutes in (10, 20, 29):
            with at(minutes):
                assert wanda.get(reverse("case_list"), headers={presence.BACKGROUND: "1"}).status_code == 200
        with at(31):
            assert not is_in(wanda)

    def test_goes_on_by_the_button_of_the_warning(self, wanda):
        with at(29):
            assert wanda.post(reverse("stay")).status_code == 204
        with at(58):
            assert is_in(wanda)

    def test_is_on_record_with_the_reason(self, wanda, people):
        with at(31):
            wanda.get(reverse("case_list"))
        entry = Entry.objects.filter(action=1102, reason=116)
        with cast.acting(people.aud):
            assert [row.object for row in entry] == [people.wanda]


class TestTheLongestTime:
    def test_is_twelve_hours_however_much_it_is_used(self, wanda):
        for minutes in range(20, 720, 20):
            with at(minutes):
                assert is_in(wanda)
        with at(721):
            answer = wanda.get(reverse("case_list"), follow=True)
        assert "twelve hours at most" in answer.content.decode()


class TestWhatWasTyped:
    def send(self, client: Client, people):
        return client.post(
            reverse("case_new"), {"team": str(people.north), "country": "FR", "summary": SECRET, "channels": ["a", "b"]}
        )

    def test_is_given_back_after_signing_in_again(self, wanda, people):
        with at(45):
            answer = self.send(wanda, people)
            assert answer.url == f"{reverse('account_login')}?next=%2Fkept%2F"
            cast.sign_in(wanda, people.user("wanda"))
            page = wanda.get(reverse("kept_input")).content.decode()
            assert f'action="{reverse("case_new")}"' in page
            assert f'name="summary" value="{SECRET}"' in page
            assert page.count('name="channels"') == 2

    def test_is_forgotten_once_it_was_sent(self, wanda, people):
        with at(45):
            self.send(wanda, people)
            cast.sign_in(wanda, people.user("wanda"))
            wanda.get(reverse("kept_input"))
            token = wanda.session[keeping.SESSION_KEY]["id"]
            again = wanda.post(reverse("case_new"), {"country": "FR", "summary": SECRET, "_kept": token})
            assert SECRET in again.content.decode()
            assert "Nothing is kept" in wanda.get(reverse("kept_input")).content.decode()

    def test_is_nobody_elses_who_signs_in_there(self, wanda, people):
        with at(45):
            self.send(wanda, people)
            cast.sign_in(wanda, people.user("cora"))
            assert SECRET not in wanda.get(reverse("kept_input")).content.decode()
            assert keeping.SESSION_KEY not in wanda.session

    def test_ends_after_a_day(self, wanda, people):
        with at(45):
            self.send(wanda, people)
        with at(45 + 24 * 60 + 1):
            cast.sign_in(wanda, people.user("wanda"))
            assert SECRET not in wanda.get(reverse("kept_input")).content.decode()

    def test_lies_in_no_session_in_the_clear(self, wanda, people):
        with at(45):
            self.send(wanda, people)
        kept = [data for data in sessions.opened() if keeping.SESSION_KEY in data]
        assert len(kept) == 1
        assert SECRET not in repr(kept)

    def test_is_not_kept_of_a_form_with_a_password(self, wanda):
        with at(45):
            wanda.post(reverse("account_reauthenticate"), {"password": cast.PASSWORD})
        assert not any(keeping.SESSION_KEY in data for data in sessions.opened())

    @pytest.mark.parametrize("name", ["accept_invitation", "new_factor"])
    def test_is_not_kept_of_a_link_which_is_opened_signed_out(self, wanda, name):
        path = reverse(name, args=["x" * 43])
        with at(45):
            answer = wanda.post(path, {"name": "Nia", "password": SECRET, "password_again": SECRET})
            assert answer.url == path
            assert wanda.get(path).status_code == 404  # not "you are signed in already"
        assert not any(keeping.SESSION_KEY in data for data in sessions.opened())

    def test_is_kept_without_a_password_wherever_one_was_typed(self, wanda, people):
        with at(45):
            wanda.post(reverse("case_new"), {"country": "FR", "Old_Password": SECRET})
            cast.sign_in(wanda, people.user("wanda"))
            page = wanda.get(reverse("kept_input")).content.decode()
        assert 'value="FR"' in page
        assert SECRET not in page

    def test_is_kept_sealed_also_where_the_library_wants_to_know_again_who_it_is(self, wanda, people):
        page = reverse("mfa_generate_recovery_codes")
        with at(6):
            answer = wanda.post(page, {"words": SECRET})
            assert answer.url == f"{reverse('mfa_reauthenticate')}?next=%2Fkept%2F"
            assert f'action="{page}"' in wanda.get(reverse("kept_input")).content.decode()
        stored = repr(sessions.opened())
        for plain in (SECRET, wanda.cookies["sessionid"].value, "HTTP_COOKIE", "REMOTE_ADDR"):
            assert plain not in stored

    def test_is_thrown_away_on_wish(self, wanda, people):
        with at(45):
            self.send(wanda, people)
            cast.sign_in(wanda, people.user("wanda"))
            assert wanda.post(reverse("kept_input")).status_code == 302
            assert SECRET not in wanda.get(reverse("kept_input")).content.decode()

    def test_does_not_come_back_where_the_form_has_no_token(self, people):
        client = Client(enforce_csrf_checks=True)
        with at(0):
            cast.sign_in(client, people.user("wanda"))
        with at(45):
            assert self.send(client, people).status_code == 403
        assert not any(keeping.SESSION_KEY in data for data in sessions.opened())


class TestSigningOut:
    def test_clears_what_a_shared_computer_kept(self, wanda):
        with at(1):
            answer = wanda.post(reverse("account_logout"))
        assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


class TestAConfirmation:
    """Reference, trap 3: the password alone is not enough, and neither is a second factor of long ago."""

    @pytest.fixture
    def case_id(self, people):
        return cast.open_a_case(people)

    def factor(self, client: Client, method: str, minutes_ago: float) -> None:
        session = client.session
        given = (clock.now() - timedelta(minutes=minutes_ago)).timestamp()
        session["account_authentication_methods"] = [{"method": method, "at": given}]
        session.save()

    @pytest.mark.parametrize("name", ["dossier_new", "case_share"])
    def test_is_asked_before_a_dossier_and_before_sharing(self, wanda, case_id, name):
        path = reverse(name, args=[case_id])
        with at(5.1):
            answer = wanda.get(path)
            assert answer.status_code == 302
            assert answer.url.startswith(reverse("mfa_reauthenticate"))
            self.factor(wanda, "password", 0)
            assert wanda.get(path).status_code == 302
            self.factor(wanda, "mfa", 4.9)
            assert wanda.get(path).status_code == 200

    def test_keeps_what_was_sent(self, wanda, people, case_id):
        with at(6):
            answer = wanda.post(reverse("case_share", args=[case_id]), {"email": "x@example.org", "reason": SECRET})
            assert answer.url == f"{reverse('mfa_reauthenticate')}?next=%2Fkept%2F"
            self.factor(wanda, "mfa", 0)
            page = wanda.get(reverse("kept_input")).content.decode()
            assert SECRET in page
            assert "http" not in page.split(f'action="{reverse("case_share", args=[case_id])}"')[0][-40:]

    def test_tells_nothing_of_a_case_that_one_may_not_see(self, people, case_id):
        from uuid import uuid4

        with at(0):
            otto = cast.sign_in(Client(), people.user("otto"))
        with at(6):
            hidden, absent = (otto.get(reverse("case_share", args=[it])) for it in (case_id, uuid4()))
        assert hidden.status_code == absent.status_code == 302

    def test_is_asked_for_another_key_and_not_for_another_name(self, wanda, people):
        key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
        given = {"name": "Wanda W", "language": "en-gb", "age_recipient": ""}
        with at(6):
            assert wanda.post(reverse("profile"), given).url == reverse("profile")
            answer = wanda.post(reverse("profile"), {**given, "age_recipient": key})
            assert answer.url.startswith(reverse("mfa_reauthenticate"))
        assert people.user("wanda").age_recipient == ""

    def test_is_asked_before_an_invitation(self, people):
        with at(0):
            ada = cast.sign_in(Client(), people.user("ada"))
        with at(6):
            assert ada.get(reverse("people")).status_code == 200
            answer = ada.post(reverse("people"), {"email": "new@example.org", "role": "lawyer"})
        assert answer.url.startswith(reverse("mfa_reauthenticate"))


class TestTheSettings:
    @pytest.mark.parametrize(
        "name", ["MFA_TOTP_INSECURE_BYPASS_CODE", "MFA_TRUST_ENABLED", "SESSION_SAVE_EVERY_REQUEST"]
    )
    def test_are_refused_where_they_would_let_somebody_in(self, settings, name):
        assert not [found for found in run_checks() if found.id.startswith("accounts.E")]
        setattr(settings, name, "1")
        assert [found.id for found in run_checks() if found.id.startswith("accounts.E")] == ["accounts.E001"]

    def test_know_no_administration_pages(self, settings):
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin"]
        from casework.accounts.checks import sign_in_is_closed

        assert [found.id for found in sign_in_is_closed(None)] == ["accounts.E002"]
