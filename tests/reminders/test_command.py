"""`send_reminders`: what beat runs, by hand."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from casework.core import clock
from casework.notices.models import Notice
from tests import cast
from tests.cast import Cast
from tests.conftest import manage, running_as
from tests.reminders.test_services import a_limit

pytestmark = pytest.mark.django_db(transaction=True)
NOW = "2026-09-19T12:00:00+02:00"


def send_reminders(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    with running_as("worker"):
        call_command("send_reminders", "--json", *options)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


class TestSendReminders:
    """Plans and delivers; exit codes of the design."""

    def test_plans_and_delivers_once(self, people: Cast, capsys: pytest.CaptureFixture[str]) -> None:
        with clock.fixed(datetime(2026, 9, 1, tzinfo=UTC)):
            a_limit(cast.open_a_case(people), date(2026, 9, 24), people.wanda)
        first = send_reminders(capsys, "--now", NOW)
        assert (first["inbox"], first["mail"], first["failed"]) == (1, 1, 0)
        second = send_reminders(capsys, "--now", NOW)
        assert (second["planned"], second["inbox"], second["mail"]) == (0, 0, 0)

    def test_catches_up_after_the_clock_jumped(self, people: Cast, capsys: pytest.CaptureFixture[str]) -> None:
        with clock.fixed(datetime(2026, 9, 1, tzinfo=UTC)):
            a_limit(cast.open_a_case(people), date(2026, 9, 24), people.wanda)
        send_reminders(capsys, "--now", NOW)
        later = send_reminders(capsys, "--now", "2026-09-25T09:00:00+02:00")
        assert (later["inbox"], later["mail"]) == (2, 2)
        with running_as("worker"):
            sent = Notice.objects.filter(state="sent", channel="inbox").order_by("sent_at")
            assert list(sent.values_list("step", flat=True)) == ["7d", "overdue", "overdue"]

    @pytest.mark.parametrize("given", ["tomorrow", "2026-09-19T12:00:00"])
    def test_refuses_a_time_without_sense_or_offset(self, given: str) -> None:
        with pytest.raises(CommandError) as refused:
            call_command("send_reminders", "--now", given)
        assert refused.value.returncode == 2

    def test_moves_no_clock_outside_the_demo_and_tests(self, settings: Any) -> None:
        settings.DEMO = settings.TESTING = False
        with pytest.raises(CommandError) as refused:
            call_command("send_reminders", "--now", NOW)
        assert refused.value.returncode == 2

    def test_ends_with_1_when_the_mail_server_is_down(self, people: Cast) -> None:
        with clock.fixed(datetime(2026, 9, 1, tzinfo=UTC)):
            a_limit(cast.open_a_case(people), date(2026, 9, 24), people.wanda)
        done = manage("send_reminders", "--now", NOW, EMAIL_URL="smtp://127.0.0.1:9")
        assert done.returncode == 1, done.stderr
        assert "mail server" in done.stderr
        with running_as("worker"):
            assert set(Notice.objects.filter(step="7d").values_list("channel", "state")) == {
                ("inbox", "sent"),
                ("mail", "planned"),
            }
