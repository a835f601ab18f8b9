"""A person at a screen: signs in as anybody does, fills in forms by their labels, notices what a page does wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect

from casework.accounts.models import User
from casework.core import work
from tests import cast

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
# The browser's own word for an answer of 400 and above; which answers are wrong is told by `_answered`.
_STATUS = "Failed to load resource"


shown: list[tuple[str, int]] = []


def code_of(email: str) -> str:
    """Return the code that the app on this person's phone shows now, or the next one where this one was used."""
    user = User.objects.get(email=email)
    with work.acting(work.Actor(user.pk)):
        return code_from(decrypt(Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP).data["secret"]))


def code_from(secret: str) -> str:
    """Return what an app that knows this secret shows now, or within the next half minute."""
    counters = list(yield_hotp_counters_from_time())
    middle = len(counters) // 2
    # A code works once: whoever signs in again within the half minute waits, or is a little ahead.
    found = next((one for one in counters[middle:] if (secret, one) not in shown), counters[middle])
    shown.append((secret, found))
    return str(format_hotp_value(hotp_value(secret, found)))


class Visitor:
    """One person's browser window. `faults` collects what no page may do; the fixture looks at it at the end."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        # A slow machine is no fault of the pages; nothing here waits for time to pass.
        self.page.set_default_timeout(8_000)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"error on {self.path}: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    # -- what a page may not do --------------------------------------------------------------------------------------

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_STATUS):
            self.faults.append(f"console on {self.path}: {message.text}")
        elif "Content Security Policy" in message.text:
            self.faults.append(f"content security policy on {self.path}: {message.text}")

    def _asked(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme in {"http", "https"} and asked.netloc != urlsplit(self.address).netloc:
            self.faults.append(f"{self.path} asks another host: {asked.netloc}")

    def _answered(self, response: Response) -> None:
        part_of_a_page = response.request.resource_type != "document"
        if response.status >= 500 or (part_of_a_page and response.status >= 400):
            self.faults.append(f"{urlsplit(response.url).path} answers {response.status}")

    # -- going about -------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The path of the page at hand."""
        return urlsplit(self.page.url).path

    @property
    def main(self) -> Locator:
        """The page's own content."""
        return self.page.locator("main")

    def open(self, path: str) -> Response:
        """Type an address."""
        response = self.page.goto(self.address + path)
        assert response is not None
        return response

    def sign_in(self, who: str) -> None:
        """Sign in with e-mail, password and the code of the app; ends on the person's first page."""
        self.open("/account/login/")
        self.page.locator("#id_login").fill(f"{who}@example.org")
        self.page.locator("#id_password").fill(cast.PASSWORD)
        self.press("Sign in")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Second step")
        self.page.locator("#id_code").fill(code_of(f"{who}@example.org"))
        self.press("Sign in")
        expect(self.page.get_by_role("navigation", name="Main")).to_be_visible()

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press a button by its words."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str, within: Locator | None = None) -> None:
        """Follow a link by its words."""
        (within or self.page).get_by_role("link", name=name, exact=True).first.click()

    def fill_date(self, question: str, day: date | tuple[str, str, str]) -> None:
        """Type a date into the three boxes below a question, the month as a word."""
        boxes = (str(day.day), f"{day:%B}", str(day.year)) if isinstance(day, date) else day
        group = self.group(question)
        for label, text in zip(("Day", "Month", "Year"), boxes, strict=True):
            group.get_by_label(label, exact=True).fill(text)

    def group(self, question: str) -> Locator:
        """Return the group of controls below a question."""
        return self.page.get_by_role("group", name=re.compile(rf"^{re.escape(question)}( \(optional\))?$"))

    def choose(self, question: str, answer: str) -> None:
        """Choose one of several radio buttons."""
        self.group(question).get_by_label(answer, exact=True).check()

    def record_fact(self, case_path: str, fact: Mapping[str, Any], words: Mapping[str, str]) -> None:
        """Record one fact as the facts file has it, by the form: `words` holds what choices and states are called."""
        self.open(f"{case_path}facts/new/")
        self.page.locator(f".link-list a[href='{case_path}facts/new/{fact['fact']}/']").click()
        self.page.locator("#id_on_0").fill(fact["on"][8:])
        self.page.locator("#id_on_1").fill(fact["on"][5:7])
        self.page.locator("#id_on_2").fill(fact["on"][:4])
        if "time" in fact:
            self.page.locator("#id_time").fill(fact["time"])
        for name in fact.keys() - {"fact", "on", "time"}:
            control = self.page.locator(f"select[name={name}]")
            if control.count():
                control.select_option(label=words[fact[name]])
            elif self.page.locator(f"input[type=radio][name={name}]").count():
                self.page.locator("main").get_by_label(words[fact[name]], exact=True).check()
            else:
                self.page.locator(f"[name={name}]").fill(fact[name])
        self.press("Record the fact")
        expect(self.page.get_by_role("status").first).to_contain_text("The fact was recorded")


def without_tokens(html: str) -> str:
    """Return a page's source without what differs from request to request."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", html)
