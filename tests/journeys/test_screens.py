"""Every screen of every role, wide and on a phone, light and dark: no axe violation, nothing wider than the screen, one
heading of the first level, the skip link first. axe runs beside the strict content security policy, never around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from casework.core import clock
from casework.operations import seeding
from tests import cast
from tests.conftest import manage
from tests.journeys.visitor import PHONE, WIDE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Act = Callable[[Visitor], None]
# All of axe's rules once for each width; dark changes colours only.
_ALL = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
_COLOURS = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}
_LOOKS = ((WIDE, "light", _ALL), (WIDE, "dark", _COLOURS), (PHONE, "dark", _COLOURS), (PHONE, "light", _ALL))
# What is folded is looked at too; the account menu would lie above the page and is looked at by itself.
_UNFOLD = "() => document.querySelectorAll('main details').forEach(part => { part.open = true; })"
_MEASURE = """() => {
  const root = document.scrollingElement;
  const first = document.querySelector('a[href], button, input:not([type=hidden]), select, textarea, summary');
  return {
    wider: root.scrollWidth - root.clientWidth,
    headings: document.querySelectorAll('h1').length,
    skips: first.classList.contains('skip-link') && document.querySelector(first.getAttribute('href')) !== null,
    title: document.title,
  };
}"""


def faults(visitor: Visitor, name: str) -> Iterator[str]:
    """Yield what is wrong with the page at hand."""
    page, axe = visitor.page, Axe()
    for viewport, scheme, options in _LOOKS:
        look = f"{name}, {viewport['width']} px, {scheme}"
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        page.evaluate(_UNFOLD)
        found = page.evaluate(_MEASURE)
        if found["wider"] > 0:
            yield f"{look}: {found['wider']} px wider than the screen"
        if found["headings"] != 1:
            yield f"{look}: {found['headings']} headings of the first level"
        if not found["skips"]:
            yield f"{look}: the skip link is not the first thing that takes the focus"
        if not found["title"].removesuffix("Casework").strip(" ·"):
            yield f"{look}: no title"
        # As high as the page: on a phone the main action lies over whatever is at the bottom edge just now.
        height = page.evaluate("document.scrollingElement.scrollHeight")
        page.set_viewport_size({"width": viewport["width"], "height": height + 200})
        for violation in axe.run(page, options=options).response["violations"]:
            nodes = violation["nodes"]
            where = [node["target"] for node in nodes[:4]]
            yield f"{look}: {violation['id']}, {violation['help']}: {where} {nodes[0]['failureSummary']}"


def _press(name: str) -> Act:
    return lambda visitor: visitor.page.get_by_role("button", name=name, exact=True).click()


def _open_menu(visitor: Visitor) -> None:
    visitor.page.locator(".account-menu > summary").click()


def _search(words: str) -> Act:
    def act(visitor: Visitor) -> None:
        visitor.page.get_by_role("searchbox").fill(words)
        visitor.press("Search")

    return act


def _look(visitor: Visitor, screens: list[tuple[str, str, Act | None]]) -> None:
    found: list[str] = []
    for name, path, act in screens:
        visitor.page.set_viewport_size(WIDE)
        visitor.open(path)
        if act is not None:
            act(visitor)
            visitor.page.wait_for_load_state()
        found += faults(visitor, name)
    assert found == [], "\n" + "\n".join(found)


@pytest.fixture
def case_ids(people: cast.Cast, sink: Any) -> list[UUID]:
    """The demo's own first cases, and reminders of their limits; the first belongs to Wanda and is shared with Lev."""
    made = []
    for plan in seeding.plans(9, seed=20261123, on=clock.today()):
        north = plan.team == "North" or not made
        maker, team = (people.wanda, people.north) if north else (people.otto, people.south)
        made.append(seeding.make(plan, maker=maker, team_id=team, lawyer=people.lev))
    assert manage("send_reminders", EMAIL_URL=sink.url).returncode == 0
    return made


def _ids_in(visitor: Visitor, path: str, part: str) -> str:
    visitor.open(path)
    link = visitor.main.locator(f"a[href*='{part}']").first.get_attribute("href")
    assert link is not None
    return link


class TestTheWatch:
    """What looks at the screens does see what it is there for."""

    def test_notices_each_kind_of_fault(self, people, visit):
        visitor = visit()
        visitor.open("/account/login/")
        visitor.page.evaluate(
            """() => {
              document.querySelector("h1").remove();
              document.querySelector(".skip-link").remove();
              const part = document.createElement("p");
              part.append("pale and wide");
              part.style.cssText = "width: 3000px; color: #999; background: #aaa";
              document.querySelector("main").append(part);
              const picture = document.createElement("img");
              picture.src = "http://elsewhere.example/picture.png";
              part.append(picture);
            }"""
        )
        found = "\n".join(faults(visitor, "sign in"))
        for word in (
            "wider than the screen",
            "headings of the first level",
            "skip link",
            "color-contrast",
            "image-alt",
        ):
            assert word in found, word
        assert "Content Security Policy" in "\n".join(visitor.faults)
        visitor.faults.clear()


def _suppose(visitor: Visitor) -> None:
    visitor.fill_date("Date", date(2026, 11, 20))
    visitor.page.locator("select[name=state]").select_option(label="Croatia")
    visitor.choose("Ground", "Absconded")
    visitor.press("See what it would change")
    expect(visitor.page.get_by_role("heading", level=2).first).to_be_visible()


class TestScreens:
    """Looked at by a machine; `make screenshots` makes the pictures for people."""

    def test_of_a_stranger(self, people, visit):
        _look(
            visit(),
            [
                ("sign in", "/account/login/", None),
                ("sign in, wrong", "/account/login/", _press("Sign in")),
                ("password forgotten", "/account/password/reset/", None),
                ("no such page", "/nonsense/", None),
                ("no such invitation", "/invitation/nonsense/", None),
            ],
        )

    def test_of_a_caseworker_at_large(self, people, visit, case_ids):
        wanda = visit("wanda")
        _look(
            wanda,
            [
                ("today", "/", None),
                ("account menu", "/profile/", _open_menu),
                ("cases", "/cases/", None),
                ("cases, filtered", "/cases/?view=mine&country=FR&risk=high", None),
                ("search", "/cases/", _search("Primerov")),
                ("search, nobody", "/cases/", _search("Nobody Atall")),
                ("new case", "/cases/new/", None),
                ("new case, wrong", "/cases/new/", _press("Save the case")),
                ("inbox", "/inbox/", None),
                ("profile", "/profile/", None),
                ("two factors", "/account/2fa/", None),
                ("nothing here", f"/cases/{people.ada}/", None),
            ],
        )

    def test_of_one_case(self, people, visit, case_ids):
        wanda = visit("wanda")
        case = f"/cases/{case_ids[0]}/"
        correct = _ids_in(wanda, f"{case}timeline/", "/correct/")
        revoke = _ids_in(wanda, f"{case}access/", "/revoke/")
        _look(
            wanda,
            [
                ("summary", case, None),
                ("deadlines", f"{case}deadlines/", None),
                ("two readings", f"/cases/{_across_the_change(case_ids)}/deadlines/", None),
                ("explained in Russian", f"{case}deadlines/?lang=ru", None),
                ("what if, kinds", f"{case}what-if/", None),
                ("what if, form", f"{case}what-if/absconding-notified/", None),
                ("what if, wrong", f"{case}what-if/absconding-notified/", _press("See what it would change")),
                ("what if, answer", f"{case}what-if/absconding-notified/", _suppose),
                ("fact without a date", f"{case}facts/new/imprisoned/", None),
                ("printed period", f"{case}facts/new/transfer-decision-notified/", None),
                ("timeline", f"{case}timeline/", None),
                ("documents", f"{case}documents/", None),
                ("access", f"{case}access/", None),
                ("trail of the case", f"{case}trail/", None),
                ("copy of the trail", f"{case}trail/copy/", None),
                ("own trail", "/profile/trail/", None),
                ("change the record", f"{case}edit/", None),
                ("kinds of fact", f"{case}facts/new/", None),
                ("fact with an hour", f"{case}facts/new/appointment/", None),
                ("fact, wrong", f"{case}facts/new/eurodac-hit/", _press("Record the fact")),
                ("correct a fact", correct, None),
                ("take a fact back", correct.replace("/correct/", "/withdraw/"), None),
                ("add a document", f"{case}documents/new/", None),
                ("give access", f"{case}access/share/", None),
                ("take access back", revoke, None),
                ("dossier", f"{case}dossier/", None),
                ("dossier, wrong", f"{case}dossier/", _press("Export")),
            ],
        )

    def test_of_a_coordinator(self, people, visit, case_ids):
        _look(
            visit("cora"),
            [
                ("today", "/", None),
                ("board", "/board/", None),
                ("board in columns", "/board/?view=columns", None),
                ("board, nothing", "/board/?column=ended&lead=none", None),
                ("assign", f"/cases/{case_ids[0]}/assign/", None),
            ],
        )

    def test_of_a_lawyer_an_auditor_and_an_administrator(self, people, visit, case_ids):
        lev, aud, ada = visit("lev"), visit("aud"), visit("ada")
        case = f"/cases/{case_ids[0]}/"
        _look(
            lev,
            [
                ("lawyer: today", "/", None),
                ("lawyer: case", case, None),
                ("lawyer: refused", f"{case}facts/new/", None),
            ],
        )
        no_such_day = "/trail/?day_from_0=31&day_from_1=2&day_from_2=2026"
        _look(aud, [("auditor: trail", "/trail/", None), ("auditor: trail, wrong", no_such_day, None)])
        _look(
            ada,
            [("administrator: people", "/people/", None), ("people, wrong", "/people/", _press("Make the invitation"))],
        )


def _across_the_change(case_ids: list[UUID]) -> UUID:
    """The demo's case that both regulations touch: the scenarios repeat in the order of the plans."""
    return case_ids[6]
