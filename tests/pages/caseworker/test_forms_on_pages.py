"""What holds for every page of a case: one heading, forms that are not forged, titles without names."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests import cast

PAGES = (
    "/",
    "/cases/",
    "/cases/new/",
    "/inbox/",
    "/board/",
    "/cases/{case}/",
    "/cases/{case}/edit/",
    "/cases/{case}/deadlines/",
    "/cases/{case}/timeline/",
    "/cases/{case}/facts/new/",
    "/cases/{case}/facts/new/time-limit-set/",
    "/cases/{case}/documents/",
    "/cases/{case}/documents/new/",
    "/cases/{case}/access/",
    "/cases/{case}/access/share/",
    "/cases/{case}/trail/",
    "/cases/{case}/assign/",
    "/cases/{case}/dossier/",
)


@pytest.mark.parametrize("path", PAGES)
class TestEveryPage:
    """Seen by the coordinator, who may do everything on a case of their team."""

    def test_each_form_that_writes_carries_its_token(self, visit, case_id, path):
        page = visit("cora").get(path.format(case=case_id)).content.decode()
        for form in re.findall(r'<form method="post".*?</form>', page, re.DOTALL):
            assert re.search(r'name="csrfmiddlewaretoken" value="\w{32,}"', form), form[:200]

    def test_has_one_heading_and_a_title_without_a_name(self, visit, case_id, path):
        page = visit("cora").get(path.format(case=case_id)).content.decode()
        assert page.count("<h1") == 1
        title = page.split("<title>")[1].split("</title>")[0]
        assert "Testov" not in title
        assert "Тестов" not in title
        assert not title.startswith(" ·")

    def test_has_no_style_or_script_of_its_own(self, visit, case_id, path):
        page = visit("cora").get(path.format(case=case_id)).content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)


class TestSearchForm:
    """A search is a POST that Django lets through."""

    def test_works_with_the_token_of_its_page(self, people, case_id):
        client = Client(enforce_csrf_checks=True)
        cast.sign_in(client, people.user("wanda"))
        page = client.get("/cases/").content.decode()
        form = next(form for form in page.split("<form")[1:] if 'role="search"' in form)
        token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        assert client.post("/cases/", {"words": "Testov"}).status_code == 403
        assert client.post("/cases/", {"words": "Testov", "csrfmiddlewaretoken": token}).status_code == 200
