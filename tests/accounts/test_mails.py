"""The library's mails to colleagues: our address, whatever the request said, and as little else as can be."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.core import context
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse

from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _address(settings: Any) -> None:
    settings.BASE_URL = "https://casework.example.org"


class TestTheMailWithAResetLink:
    @pytest.fixture
    def sent(self, people: cast.Cast) -> mail.EmailMessage:
        Client().post(reverse("account_reset_password"), {"email": "wanda@example.org"}, headers={"host": "localhost"})
        return mail.outbox[-1]

    def test_leads_to_the_address_in_the_settings(self, sent: mail.EmailMessage) -> None:
        found = re.findall(r"https?://[^/\s]+", str(sent.body))
        assert set(found) == {"https://casework.example.org"}
        assert "localhost" not in str(sent.body)

    def test_has_a_subject_without_the_host(self, sent: mail.EmailMessage) -> None:
        assert sent.subject == "Password Reset Email"

    def test_has_an_id_that_does_not_name_the_machine(self, sent: mail.EmailMessage) -> None:
        assert str(sent.message()["Message-ID"]).endswith("@casework.example.org>")


class TestTheMailAboutAChange:
    def test_tells_neither_address_nor_browser(self, people: cast.Cast, rf: RequestFactory) -> None:
        request = rf.get("/", headers={"user-agent": "Synthetic Browser 7"}, REMOTE_ADDR="192.0.2.7")
        with context.request_context(request):
            get_adapter().send_notification_mail("account/email/password_changed", people.user("wanda"))
        words = str(mail.outbox[-1].message())
        assert "change was made to your account" in words
        assert "192.0.2.7" not in words
        assert "Synthetic Browser" not in words


class TestTheMailThatConfirmsAnAddress:
    def test_leads_to_the_address_in_the_settings(self, rf: RequestFactory) -> None:
        class Asked:
            key = "synthetic-key"

        link = get_adapter().get_email_confirmation_url(rf.get("/", headers={"host": "localhost"}), Asked())
        assert link == "https://casework.example.org" + reverse("account_confirm_email", args=["synthetic-key"])
