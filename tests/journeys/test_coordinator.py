"""A coordinator sees how the team's transfers stand, and hands cases over."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from casework.cases.types import PersonInput
from casework.core import clock
from casework.procedure import services as procedure
from tests import cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _case(people, name, facts, *, who="wanda", risk="raised"):
    case_id = cast.open_a_case(people, who, applicant=PersonInput("", name_latin=name), risk_level=risk)
    with cast.acting(getattr(people, who)):
        for fact in facts:
            procedure.record_fact(case_id, content=fact)
    return case_id


def _confirmed(days_ago, *more):
    """A take-back procedure whose transfer limit began `days_ago` days ago: the earlier, the sooner it ends."""
    today = clock.today("FR")

    def on(days):
        return (today - timedelta(days=days_ago + days)).isoformat()

    return [
        {"fact": "application-registered", "on": on(20), "state": "FR"},
        {"fact": "eurodac-hit", "on": on(18), "state": "HR", "category": "asylum"},
        {"fact": "take-back-notified", "on": on(10), "state": "HR"},
        {"fact": "take-back-notification-received", "on": on(10), "state": "HR"},
        {"fact": "take-back-confirmed", "on": on(0), "state": "HR"},
        *more,
    ]


class TestCoordinator:
    """The transfer board: the nearest limit on top, responsibility, detention and risk in words."""

    def test_reads_the_board_from_the_most_pressing_case_and_assigns_it(self, people, visit):
        today = clock.today("FR")
        decided = {"fact": "transfer-decision-notified", "on": today.isoformat(), "appeal_days": 7}
        _case(people, "Lastova Vera", [{"fact": "application-registered", "on": today.isoformat(), "state": "FR"}])
        _case(people, "Secondov Ivan", _confirmed(40, {**decided, "on": (today - timedelta(days=20)).isoformat()}))
        _case(
            people,
            "Firstova Anna",
            _confirmed(150, {"fact": "detained", "on": today.isoformat(), "ground": "transfer"}),
            risk="imminent",
        )
        foreign = _case(people, "Foreignov Egor", _confirmed(160), who="otto")
        cora = visit("cora")
        expect(cora.page.get_by_role("heading", level=1)).to_have_text("Today")
        stats = dict(
            zip(
                cora.main.locator(".stat dt").all_inner_texts(),
                cora.main.locator(".stat dd").all_inner_texts(),
                strict=True,
            )
        )
        assert (stats["open cases"], stats["people in detention"]) == ("3", "1")
        cora.follow("Transfers")
        expect(cora.page.get_by_role("heading", level=1)).to_have_text("Transfer board")
        rows = cora.main.get_by_role("row").all()[1:]
        names = [re.search(r"Firstova|Secondov|Lastova|Foreignov", row.inner_text()).group() for row in rows]
        assert names == ["Firstova", "Secondov", "Lastova"]
        dues = [row.locator("time").get_attribute("datetime") for row in rows if row.locator("time").count()]
        assert len(dues) >= 2
        assert dues == sorted(dues)
        assert all(date.fromisoformat(due) > today for due in dues)
        first, _second, last = rows
        for words in ("Croatia", "Detained", "Risk: imminent", "in France", "Wanda Wójcik", "Accepted"):
            expect(first).to_contain_text(words)
        expect(last).to_contain_text("Not decided")
        expect(cora.main).not_to_contain_text("Foreignov")
        assert cora.open(f"/cases/{foreign}/assign/").status == 404

        cora.open("/board/?view=columns")
        column = cora.main.get_by_role("region", name=re.compile("^Accepted or confirmed"))
        expect(column.get_by_role("article").filter(has_text="Firstova")).to_contain_text("responsible: Croatia")

        cora.open("/board/")
        row = cora.main.get_by_role("row").filter(has_text="Firstova")
        reference = row.locator(".reference").inner_text()
        row.get_by_role("link", name=re.compile(f"^Assign ?: {reference}$")).click()
        expect(cora.page.get_by_role("heading", level=1)).to_have_text(f"Assign case {reference}")
        lead = cora.page.get_by_label("Who leads the case")
        assert set(lead.locator("option").all_inner_texts()) >= {"Wanda Wójcik", "Cora Conti"}
        assert "Otto Oja" not in lead.inner_text()
        lead.select_option(label="Cora Conti")
        cora.press("Assign the case")
        expect(cora.page.get_by_role("status").first).to_contain_text("The case was assigned.")
        expect(cora.main.get_by_role("row").filter(has_text="Firstova")).to_contain_text("Cora Conti")

        otto = visit("otto")
        otto.open("/cases/")
        expect(otto.main).to_contain_text("Foreignov")
        expect(otto.main).not_to_contain_text("Firstova")
