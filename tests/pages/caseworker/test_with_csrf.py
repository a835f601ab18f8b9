"""Forms as a browser sends them, with the token that the page itself carries."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests import cast

pytestmark = pytest.mark.django_db


class TestEveryFormOnThePage:
    @pytest.mark.parametrize("page", ["case_list", "case_new", "profile"])
    def test_carries_a_token_that_is_accepted(self, people, page):
        cast.open_a_case(people)
        client = cast.sign_in(Client(enforce_csrf_checks=True), people.user("wanda"))
        html = client.get(reverse(page)).content.decode()
        posted = re.findall(r"<form[^>]*method=\"post\"[^>]*>.*?</form>", html, flags=re.DOTALL)
        assert posted
        for form in posted:
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
            assert token, form[:200]
            answer = client.post(reverse("case_list"), {"words": "Testov", "csrfmiddlewaretoken": token.group(1)})
            assert "Testov" in answer.content.decode()
