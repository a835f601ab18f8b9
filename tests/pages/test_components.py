"""The design system: dates in words, names in both scripts, forms that say what is wrong, a gallery without faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django import forms
from django.template import engines
from django.template.loader import get_template
from django.test import Client
from django.utils.safestring import mark_safe
from playwright.sync_api import Browser, Page

from casework.core import clock, places
from casework.core.forms import DayMonthYearField, month_number
from casework.core.gallery import SampleForm
from tests import cast

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with clock.fixed(NOON):
        yield


def render(text: str, **context: Any) -> str:
    return str(engines["django"].from_string(text).render(context)).strip()


def component(name: str, **context: Any) -> str:
    return str(get_template(f"components/{name}.html").render(context)).strip()


class TestDates:
    def test_write_the_month_in_words(self) -> None:
        assert render("{{ day|long_date }}", day=date(2026, 11, 3)) == "3 November 2026"

    def test_say_the_hour_of_a_date_time_in_the_offices_zone(self) -> None:
        assert render("{{ at|long_date }}", at=datetime(2026, 7, 1, 7, 5, tzinfo=UTC)) == "1 July 2026, 09:05"

    def test_are_isolated_from_the_text_around_them(self) -> None:
        written = component("date", date=date(2026, 11, 3))
        assert written == '<bdi class="date"><time datetime="2026-11-03">3 November 2026</time></bdi>'

    def test_that_are_missing_are_said_to_be(self) -> None:
        assert "Not recorded" in component("date", date=None)

    @pytest.mark.parametrize(
        ("days", "words", "tone"),
        [
            (-2, "overdue by 2 days", "danger"),
            (-1, "overdue by 1 day", "danger"),
            (0, "today", "warn"),
            (1, "tomorrow", "warn"),
            (7, "in 7 days", "warn"),
            (8, "in 8 days", "neutral"),
        ],
    )
    def test_say_how_far_away_they_are_in_words_with_a_tone(self, days: int, words: str, tone: str) -> None:
        as_day = component("days_left", due=TODAY + timedelta(days=days))
        assert as_day == component("days_left", due=days) == f'<span class="badge tone-{tone}">{words}</span>'

    def test_that_no_longer_count_say_nothing(self) -> None:
        assert component("days_left", due=None) == ""


class TestNames:
    def test_stand_in_both_scripts_each_marked_as_such(self) -> None:
        written = component("person_name", latin="Anna Petrova", original="Анна Петрова")
        assert '<bdi lang="und-Latn">Anna Petrova</bdi>' in written
        assert 'lang="und-Cyrl">Анна Петрова</bdi>' in written

    def test_leave_initials_when_they_are_hidden(self) -> None:
        written = component("person_name", latin="Anna Maria Petrova Kuznetsova", original="")
        assert '<span class="person-initials"><bdi>A.M.P.</bdi></span>' in written

    def test_are_written_once_when_both_scripts_are_the_same(self) -> None:
        assert component("person_name", latin="Anna Petrova", original="Anna Petrova").count("Anna Petrova") == 1

    def test_cannot_act_as_markup(self) -> None:
        assert "<script" not in component("person_name", latin="<script>", original="<script>x")


class TestSummaryLists:
    @pytest.mark.parametrize(
        ("value", "written"),
        [
            (TODAY, '<bdi><time datetime="2026-11-23">23 November 2026</time></bdi>'),
            (True, "Yes"),
            (False, "No"),
            (["a", "<b>"], '<ul class="plain-list"><li>a</li><li>&lt;b&gt;</li></ul>'),
            ("<b>", "&lt;b&gt;"),
            (mark_safe("<b>kept</b>"), "<b>kept</b>"),
            ("", '<span class="not-recorded">Not recorded</span>'),
            (0, "0"),
        ],
    )
    def test_write_each_kind_of_value(self, value: object, written: str) -> None:
        assert f"<dd>{written}</dd>" in component("summary_list", items=[("Label", value)])


class TestLimits:
    """What the law says stands in its own language, each part of it marked."""

    def test_mark_the_law_s_words_and_nothing_else(self) -> None:
        limit = {
            "label": "Überstellung",
            "legal_basis": "Artikel 46",
            "source": "",
            "because": ["Sechs Monate"],
            "would_change": ["Danach"],
            "lang": "de",
        }
        card = component("limit_card", limit=limit)
        compared = render(
            '{% include "desk/_compared_limit.html" %}',
            line={"label": "Überstellung", "lang": "de", "shown": limit, "now": None, "then": limit},
        )
        for written, summaries in ((card, 2), (compared, 1)):
            assert written.count('<span class="visually-hidden" lang="de"> Überstellung</span></summary>') == summaries
            assert '<span lang="de">Artikel 46</span>' in written


class TestPlaces:
    def test_name_the_states_of_the_dublin_system(self) -> None:
        assert len(places.MEMBER_STATES) == 27 + 4
        assert places.state_name("HR") == "Croatia"

    def test_give_back_an_unknown_code(self) -> None:
        assert places.state_name("ZZ") == "ZZ"

    def test_list_each_code_once(self) -> None:
        for listed in (places.COUNTRIES, places.LANGUAGES_SPOKEN):
            assert len({code for code, _name in listed}) == len(listed)

    def test_know_every_state_that_the_clock_knows(self) -> None:
        assert {code for code, _name in places.MEMBER_STATES} == set(clock._ZONES)

    def test_are_put_in_the_order_of_their_names(self) -> None:
        names = [name for _code, name in places.by_name(places.COUNTRIES)]
        assert names == sorted(names, key=str.casefold)


class OneDate(forms.Form):
    day = DayMonthYearField(label="Day", required=False, earliest=date(1900, 1, 1), latest=date(2026, 12, 31))


def typed(day: str, month: str, year: str) -> OneDate:
    return OneDate({"day_0": day, "day_1": month, "day_2": year})


class TestADateInThreeBoxes:
    @pytest.mark.parametrize(
        ("boxes", "found"),
        [
            (("3", "11", "2026"), date(2026, 11, 3)),
            ((" 03 ", "November", "2026"), date(2026, 11, 3)),
            (("3", "nov", "2026"), date(2026, 11, 3)),
            (("29", "feb.", "2024"), date(2024, 2, 29)),
            (("", "", ""), None),
        ],
    )
    def test_takes_a_month_as_a_number_or_a_word(self, boxes: tuple[str, str, str], found: date | None) -> None:
        form = typed(*boxes)
        assert form.is_valid(), form.errors
        assert form.cleaned_data["day"] == found

    @pytest.mark.parametrize(
        ("boxes", "words"),
        [
            (("30", "2", "2026"), "30 February 2026 does not exist."),
            (("29", "2", "1900"), "29 February 1900 does not exist."),
            (("3", "", "2026"), "Enter a day, a month and a year."),
            (("3", "13", "2026"), "Enter the month as a number from 1 to 12 or as a word."),
            (("3", "Brumaire", "2026"), "Enter the month as a number from 1 to 12 or as a word."),
            (("3", "11", "26"), "Enter the day and the year in digits, the year with all four."),
            (("x", "11", "2026"), "Enter the day and the year in digits, the year with all four."),
            (("31", "12", "1899"), "Enter a date that is not before 1 January 1900."),
            (("1", "1", "2027"), "Enter a date that is not after 31 December 2026."),
        ],
    )
    def test_says_in_words_what_is_wrong_and_keeps_what_was_typed(
        self, boxes: tuple[str, str, str], words: str
    ) -> None:
        form = typed(*boxes)
        assert form.errors["day"] == [words]
        drawn = str(form)
        assert all(f'value="{box}"' in drawn for box in boxes if box)

    def test_is_one_question_with_three_named_boxes(self) -> None:
        drawn = str(OneDate())
        assert drawn.count("<fieldset") == 1
        assert [f'<label for="id_day_{number}">' in drawn for number in range(3)] == [True] * 3

    def test_shows_a_date_that_is_already_known(self) -> None:
        drawn = str(OneDate(initial={"day": date(1994, 5, 17)}))
        assert [f'value="{part}"' in drawn for part in ("17", "5", "1994")] == [True] * 3

    def test_is_unchanged_when_the_same_day_is_typed_otherwise(self) -> None:
        field = DayMonthYearField()
        assert not field.has_changed(date(2026, 11, 3), ["03", "nov", "2026"])
        assert field.has_changed(date(2026, 11, 3), ["4", "11", "2026"])
        assert field.has_changed(date(2026, 11, 3), ["40", "11", "2026"])

    def test_reads_no_month_into_other_words(self) -> None:
        assert [month_number(text) for text in ("0", "13", "001", "", "novem")] == [None] * 5


class TestForms:
    def test_tie_help_and_error_to_the_control(self) -> None:
        drawn = str(SampleForm({"name": ""})["name"].as_field_group())
        assert 'aria-describedby="id_name_helptext id_name_error"' in drawn
        assert 'aria-invalid="true"' in drawn
        assert 'id="id_name_helptext"' in drawn
        assert 'id="id_name_error"' in drawn

    def test_lead_from_the_summary_to_each_wrong_control(self) -> None:
        form = SampleForm({"born_on_0": "30", "born_on_1": "2", "born_on_2": "1994"})
        summary = component("error_summary", form=form)
        drawn = component("form_fields", form=form)
        for name in ("id_name", "id_born_on_0", "id_country", "id_reply_0", "id_agreed"):
            assert f'href="#{name}"' in summary
            assert f'id="{name}"' in drawn

    def test_without_errors_have_no_summary(self) -> None:
        assert component("error_summary", form=SampleForm()) == ""

    def test_mark_the_optional_fields(self) -> None:
        assert component("form_fields", form=SampleForm()).count("(optional)") == 3


class TestTheShell:
    def navigation(self, people: cast.Cast, name: str) -> list[str]:
        context = cast.sign_in(Client(), people.user(name)).get("/profile/").context
        return [entry.label for entry in context["shell"].entries]

    @pytest.mark.parametrize(
        ("name", "labels"),
        [
            ("wanda", ["Today", "Cases", "Inbox", "Rules"]),
            ("cora", ["Today", "Cases", "Transfers", "Team", "Inbox", "Rules"]),
            ("lev", ["Today", "Cases", "Inbox", "Rules"]),
            ("aud", ["Inbox", "Audit trail", "Rules", "Roles"]),
            ("ada", ["Inbox", "Rules", "People", "Teams", "Roles"]),
        ],
    )
    def test_shows_each_role_its_own_navigation(self, people: cast.Cast, name: str, labels: list[str]) -> None:
        assert self.navigation(people, name) == labels

    def test_shows_nothing_of_it_to_strangers(self, people: cast.Cast, client: Client) -> None:
        page = client.get("/account/login/").content.decode()
        assert "app-nav" not in page
        assert page.index("skip-link") < page.index("app-head")

    def test_signs_out_by_post(self, people: cast.Cast, client: Client) -> None:
        cast.sign_in(client, people.user("wanda"))
        assert 'method="post" action="/account/logout/"' in client.get("/profile/").content.decode()
        client.post("/account/logout/")
        assert "_auth_user_id" not in client.session

    def test_error_pages_need_no_request(self) -> None:
        for name in ("400", "500"):
            assert "<h1>" in get_template(f"{name}.html").render({})


def open_gallery(browser: Browser, address: str, *, width: int, scheme: Any, said: list[str]) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith(address) else None)
    page.goto(f"{address}/demo/components/")
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.browser
@pytest.mark.urls("tests.accounts.demo_urls")
class TestTheGallery:
    @pytest.mark.parametrize("width", [320, 360, 1280])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_has_no_fault_that_a_machine_can_find(
        self, browser: Browser, live_server: Any, width: int, scheme: str
    ) -> None:
        said: list[str] = []
        page = open_gallery(browser, live_server.url, width=width, scheme=scheme, said=said)
        # As high as the page: on a phone the main action lies over whatever is at the bottom edge just now.
        page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight + 200")})
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme
        # Neither a word of the security policy in the console, nor a request to another host (data: is the icons').
        assert [line for line in said if not line.startswith("data:")] == []
        page.context.close()

    def test_prints_black_on_white_from_a_dark_screen(self, browser: Browser, live_server: Any) -> None:
        page = open_gallery(browser, live_server.url, width=1280, scheme="dark", said=[])
        page.emulate_media(media="print", color_scheme="dark")
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
        page.context.close()

    def test_puts_the_focus_into_the_error_summary(self, browser: Browser, live_server: Any) -> None:
        page = open_gallery(browser, live_server.url, width=1280, scheme="light", said=[])
        assert page.evaluate("document.activeElement.className") == "error-summary"
        page.click("text=Date of birth: 30 February 1994 does not exist.")
        assert page.evaluate("document.activeElement.id") == "id_born_on_0"
        page.context.close()
