"""One long journey through the running application that types a secret into every kind of input."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from celery import Celery

from casework.core import clock
from casework.law.facts import VOCABULARY
from tests.house.leaks.browsing import OWN, Answer, Browser, Form
from tests.house.leaks.installation import Running
from tests.house.leaks.planting import Book

_ID: Final = re.compile(r"/cases/([0-9a-f-]{36})/")
_FOUND, _SENT_ON = 200, 302
_PATIENCE_SECONDS: Final = 60.0
BORN: Final = date(1931, 7, 23)
DATED: Final = date(1987, 11, 19)
# Faults that end a request with the page for faults; the others are told by Python itself while the page goes on.
_BREAKING: Final = ("view", "template", "sql", "constraint", "timeout", "task-argument", "task-named-argument")
_TOLD_BY_PYTHON: Final = ("thread", "unraisable", "warning")


def text_members() -> list[tuple[str, str]]:
    """Return every free text of the vocabulary: the fact's name and the member's."""
    return [(kind.name, it.name) for kind in VOCABULARY.values() for it in kind.members if it.kind == "text"]


def covering(fields: Mapping[str, Collection[str]]) -> list[str]:
    """Return few kinds of facts whose forms together ask everything that any of them asks."""
    left = {field for asked in fields.values() for field in asked}
    chosen: list[str] = []
    while left:
        best = max(fields, key=lambda kind: len(left & set(fields[kind])))
        chosen.append(best)
        left -= set(fields[best])
    return chosen


class Journey:
    """Runs once; `book` knows afterwards what was typed, `answers` what the server said, `seen` what pages showed."""

    def __init__(self, app: Running) -> None:
        self.app, self.book = app, Book()
        self.answers: list[Answer] = []
        self.strangers: list[Answer] = []
        self.seen = ""
        self.case = ""
        self.case_id = ""
        self.unbroken: list[str] = []
        self.bad: set[str] = set()
        self.colleague = self.book.word("invitation email", begins="bel", ends="@example.org")
        self.password = ""

    def run(self) -> None:
        """Go everywhere."""
        people = self._people()
        self._accounts(people["admin"])
        wanda = people["caseworker"]
        self._case(wanda)
        self._facts(wanda)
        self._documents(wanda)
        self._sharing(wanda)
        self._ending(wanda, people["coordinator"])
        self._emergency(people["coordinator"])
        self._lost_factor(people["coordinator"])
        self._team(people["admin"], people["coordinator"])
        self._dossier(wanda)
        self._searches(wanda)
        self._headers(wanda)
        self._look_around(wanda)
        wait_for_commands = self._commands()
        self._wrong(people)
        self._faults(wanda)
        wait_for_commands()
        self._tasks()
        self._strangers(people)

    # -- people ------------------------------------------------------------------------------------------------------

    def _people(self) -> dict[str, Browser]:
        links = json.loads((self.app.folder / "signin.json").read_text())
        people = {}
        for role, link in links.items():
            people[role] = Browser(self.app.port, self.answers)
            people[role].follow(people[role].get(urlsplit(link).path))
        self._given("session cookie", people["caseworker"].cookies["sessionid"])
        return people

    def _given(self, key: str, text: str) -> str:
        return self.book.given(key, text)

    def _accounts(self, admin: Browser) -> None:
        page = admin.get("/people/")
        team = _form(page, "email").controls["team"].values[1]
        shown = admin.post(
            "/people/", {"email": self._typed("InviteForm.email", self.colleague), "role": "caseworker", "team": team}
        )
        link = re.search(r"/invitation/([\w-]+)/", shown.text)
        assert link, "the page shows no invitation"
        self._given("invitation token", link[1])
        comer = Browser(self.app.port, self.answers)
        self._post_wrongly(comer, link[0])
        self.password = self.book.word("AcceptInvitationForm.password", ends=" 4471 JUMBO-CUPBOARD 9923 MANGO 8830 TUF")
        self._same("AcceptInvitationForm.password_again", "AcceptInvitationForm.password")
        name = self.book.word("AcceptInvitationForm.name", ends=" Testova")
        given = {"name": name, "password": self.password, "password_again": self.password}
        assert comer.post(link[0], given).status == _SENT_ON
        self._enrol(comer)
        self._profile(comer)
        self._passwords(comer)

    def _typed(self, key: str, text: str) -> str:
        # The same secret under the name of the field it went into.
        return self._given(key, text)

    def _same(self, key: str, other: str) -> None:
        self.book.planted[key] = self.book.planted[other]

    def _enrol(self, comer: Browser) -> None:
        page = comer.get("/account/2fa/totp/activate/")
        secret = re.search(r"<code>([A-Z2-7]+)</code>", page.text)
        assert secret, "the page shows no key for the app"
        self._given("TOTP secret", secret[1])
        code = _code(secret[1])
        answer = comer.post("/account/2fa/totp/activate/", {"code": code}, page=page)
        assert answer.status == _SENT_ON, answer.text[:2000]
        shown = comer.follow(answer)
        if "recovery" not in shown.path:
            shown = comer.get("/account/2fa/recovery-codes/")
        if not (codes := _codes_on(shown)):
            codes = _codes_on(comer.follow(comer.post("/account/2fa/recovery-codes/generate/", {})))
        assert codes, "the page shows no recovery codes"
        for number, one in enumerate(dict.fromkeys(codes)):
            self._given(f"recovery code {number}", one)

    def _profile(self, comer: Browser) -> None:
        name = self.book.word("ProfileForm.name", ends=" Testova")
        key = self._given("ProfileForm.age_recipient", "age1" + "q" * 58)
        page = comer.get("/profile/")
        refused = comer.post(
            "/profile/", {**_form(page, "age_recipient").filled(), "name": name, "age_recipient": key}, page=page
        )
        assert refused.status == _FOUND, "a key that is none was taken"
        from pyrage import x25519

        own = x25519.Identity.generate()
        self._given("ProfileForm.age_recipient", str(own.to_public()))
        self._given("pasted secret key", str(own))
        for pasted in (str(own), str(own.to_public())):
            given = {**_form(page, "age_recipient").filled(), "name": name, "age_recipient": pasted}
            saved = comer.post("/profile/", given, page=page)
        assert saved.status == _SENT_ON, saved.text[:3000]

    def _passwords(self, comer: Browser) -> None:
        new = self.book.word("ChangePasswordForm.password1", ends=" 6620 WINDOW-JACKET 7712 FUDGE 0339 KIT")
        self._same("ChangePasswordForm.password2", "ChangePasswordForm.password1")
        self._same("ChangePasswordForm.oldpassword", "AcceptInvitationForm.password")
        given = {"oldpassword": self.password, "password1": new, "password2": new}
        assert comer.post("/account/password/change/", given).status == _SENT_ON
        fresh = Browser(self.app.port, self.answers)
        wrong = self.book.word("LoginForm.password wrong")
        unknown = self.book.word("LoginForm.login unknown", begins="fal", ends="@example.org")
        for login, password in ((self.colleague, wrong), (unknown, wrong)):
            assert fresh.post("/account/login/", {"login": login, "password": password}).status == _FOUND
        self._same("LoginForm.login", "InviteForm.email")
        self._same("LoginForm.password", "ChangePasswordForm.password1")
        second = fresh.post("/account/login/", {"login": self.colleague, "password": new})
        assert second.status == _SENT_ON, second.text[:2000]
        recovery = self.book.planted["recovery code 0"].typed
        page = fresh.follow(second)
        self._same("AuthenticateForm.code", "recovery code 0")
        assert fresh.post(page.path, {"code": recovery}, page=page).status == _SENT_ON
        self._forgotten(unknown)

    def _forgotten(self, unknown: str) -> None:
        lost = Browser(self.app.port, self.answers)
        self._given("ResetPasswordForm.email", self.book.word("reset unknown", begins="fal", ends="@example.org"))
        for email in (self.book.planted["ResetPasswordForm.email"].typed, self.colleague):
            lost.post("/account/password/reset/", {"email": email})
        link = self._in_mail(r"/account/password/reset/key/([^\s/]+)/")
        self._given("password reset token", link[1].partition("-")[2])
        page = lost.follow(lost.get(link[0]))
        new = self.book.word("ResetPasswordKeyForm.password1", ends=" 5518 SUNNY-COFFIN 2204 WICK 6671 JUG")
        self._same("ResetPasswordKeyForm.password2", "ResetPasswordKeyForm.password1")
        assert lost.post(page.path, {"password1": new, "password2": new}, page=page).status == _SENT_ON
        self.password = new

    def _in_mail(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for path in sorted((self.app.folder / "mailbox").glob("*.eml"), reverse=True):
                if found := re.search(
                    pattern, path.read_text(errors="replace").replace("=\n", "").replace("=\r\n", "")
                ):
                    return found
            time.sleep(0.1)
        raise AssertionError(f"no mail has {pattern}")

    # -- a case ------------------------------------------------------------------------------------------------------

    def _case(self, wanda: Browser) -> None:
        given = self._case_words("CaseForm")
        made = wanda.post("/cases/new/", given)
        assert made.status == _SENT_ON, made.text[-6000:]
        self.case = made.location
        self.case_id = _ID.search(self.case + "/")[1]  # type: ignore[index]
        page = wanda.get(f"{self.case}edit/")
        again = _form(page, "summary").filled() | {"summary": self.book.word("CaseForm.summary changed", ends=" text")}
        assert wanda.post(f"{self.case}edit/", again, page=page).status == _SENT_ON
        late = _form(page, "summary").filled() | {"summary": self.book.word("CaseForm.summary too late", ends=" text")}
        assert wanda.post(f"{self.case}edit/", late, page=page).status == 409

    def _case_words(self, form: str) -> dict[str, str | list[str]]:
        book = self.book
        born = book.day(f"{form}.birth_on", BORN)
        return {
            "country": "FR",
            "name_original": book.cyrillic(f"{form}.name_original") + " Пётр",
            "name_latin": book.word(f"{form}.name_latin", ends=" Piotr"),
            "birth_on_0": str(born.day),
            "birth_on_1": str(born.month),
            "birth_on_2": str(born.year),
            "gender": book.cyrillic(f"{form}.gender", decomposed=True),
            "papers": book.number(f"{form}.papers"),
            "nationalities_0": "RU",
            "languages_0": "ru",
            "ground_lgbtqi": "on",
            **{f"account_{kind}": book.word(f"{form}.account_{kind}", ends=" account") for kind in _grounds()},
            "channels": ["messenger"],
            "contact_details": book.word(f"{form}.contact_details", ends=" +49 30 0000"),
            "contact_hours": book.word(f"{form}.contact_hours"),
            "code_word": book.word(f"{form}.code_word"),
            "risk_level": "high",
            "title": book.word(f"{form}.title"),
            "summary": book.cyrillic(f"{form}.summary") + " " + "повод к бегству " * 20,
            "access_notes": book.word(f"{form}.access_notes"),
        }

    def _facts(self, wanda: Browser) -> None:
        today = clock.today("FR")
        path = f"{self.case}facts/new/application-registered/"
        given = {**_day("on", today - timedelta(days=9)), "state": "FR", "note": self.book.word("FactForm.note")}
        assert wanda.post(path, given).status == _SENT_ON
        texts: dict[str, dict[str, str]] = {}
        for fact, member in text_members():
            texts.setdefault(fact, {})[member] = self.book.word(f"fact {fact}.{member}", ends=" said")
        extra = {
            "time-limit-set": {**_day("due", today + timedelta(days=20)), "whose": "applicant", "by": "court"},
            "appointment": {"kind": "hearing"},
        }
        for fact, members in texts.items():
            on = today + timedelta(days=12) if VOCABULARY[fact].planned else today - timedelta(days=3)
            answer = wanda.post(f"{self.case}facts/new/{fact}/", {**_day("on", on), **members, **extra.get(fact, {})})
            assert answer.status == _SENT_ON, f"{fact}: {answer.text[-5000:]}"
        timeline = wanda.get(f"{self.case}timeline/").text
        first, second, *_ = dict.fromkeys(re.findall(rf"{self.case}facts/([0-9a-f-]{{36}})/correct/", timeline))
        page = wanda.get(f"{self.case}facts/{first}/correct/")
        corrected = _form(page, "why_corrected").filled() | {
            "why_corrected": self.book.word("FactForm.why_corrected", ends=" postmark")
        }
        assert wanda.post(page.path, corrected, page=page).status == _SENT_ON
        reason = self.book.word("WithdrawForm.note", ends=" wrong case")
        assert wanda.post(f"{self.case}facts/{second}/withdraw/", {"note": reason}).status == _SENT_ON
        what_if = {**_day("on", today), "what": self.book.word("what if"), **extra["time-limit-set"]}
        assert self.book.planted["what if"].typed in wanda.post(f"{self.case}what-if/time-limit-set/", what_if).text

    def _documents(self, wanda: Browser) -> None:
        book = self.book
        content = f"{book.word('document content')} {book.cyrillic('document content, Cyrillic')}\n".encode() * 6000
        name = book.word("DocumentForm.upload") + ".txt"
        dated = _day("dated_on", book.day("DocumentForm.dated_on", DATED))
        given = {"title": book.cyrillic("DocumentForm.title"), "kind": "other", **dated}
        path = f"{self.case}documents/new/"
        added = wanda.post(path, given, files={"upload": (name, content)})
        assert added.status == _SENT_ON, added.text[-4000:]
        # Refused: the file of a form that has another fault, and a file of a kind that is not taken.
        wrong = book.word("refused upload") + ".txt"
        refused = wanda.post(
            path,
            {"title": "x", "kind": "none"},
            files={"upload": (wrong, book.word("refused content").encode() * 9000)},
        )
        assert refused.status == _FOUND
        program = b"MZ\x90\x00" + book.word("refused program").encode() * 9000
        wanda.post(
            path, {"title": "x", "kind": "other"}, files={"upload": (book.word("refused name") + ".exe", program)}
        )
        shown = wanda.get(f"{self.case}documents/").text
        there = re.search(rf"{self.case}documents/[0-9a-f-]{{36}}/", shown)
        assert there
        taken = wanda.post(there[0], {}, page=wanda.get(path))
        assert content in taken.body

    def _sharing(self, wanda: Browser) -> None:
        until = _day("until", clock.today("FR") + timedelta(days=30))
        reason = self.book.cyrillic("ShareForm.reason")
        unknown = self.book.word("ShareForm.email", begins="fal", ends="@example.org")
        path = f"{self.case}access/share/"
        assert wanda.post(path, {"email": unknown, "level": "2", **until, "reason": reason}).status == _FOUND
        given = {"email": "lev@example.org", "level": "2", **until, "reason": reason}
        assert wanda.post(path, given).status == _SENT_ON
        shown = wanda.get(f"{self.case}access/").text
        revoke = re.search(rf"{self.case}access/[0-9a-f-]{{36}}/revoke/", shown)
        assert revoke, "nothing to take back"
        page = wanda.get(revoke[0])
        wanda.post(revoke[0], {"for_cause": self._wrong_word("access revoke", "for_cause")}, page=page)

    def _wrong_word(self, kind: str, name: str) -> str:
        self.bad.add(name)
        return self.book.bad(f"{kind} {name}")

    def _ending(self, wanda: Browser, cora: Browser) -> None:
        """Ask for the case to be erased, and take that back: it is needed further on."""
        path = f"{self.case}erase/"
        note = self.book.cyrillic("AskErasureForm.note")
        asked = wanda.post(path, {"reason": "person_request", "note": note})
        assert asked.status == _SENT_ON, asked.text[-4000:]
        shown = cora.get(asked.location)
        assert note in shown.text, "the second person does not see the note"
        wrong = self.book.word("ConfirmErasureForm.reference")
        assert cora.post(asked.location, {"reference": wrong}, page=shown).status == _FOUND
        self._post_wrongly(cora, asked.location)
        assert wanda.post(f"{asked.location}withdraw/", {}, page=wanda.get(asked.location)).status == _SENT_ON

    def _emergency(self, cora: Browser) -> None:
        """Ask for cases that are not there, and for an account that is not frozen."""
        page = cora.get("/emergency/")
        assert page.status == _FOUND
        reason = self.book.cyrillic("EmergencyForm.reason")
        for reference in (self.book.word("EmergencyForm.reference"), "K7Q2-M4XD"):
            given = {"reference": reference, "reason": f"{reason} and more words"}
            answer = cora.post("/emergency/", given, page=page)
            assert answer.status == _FOUND
            assert reason in answer.text
        self._post_wrongly(cora, "/emergency/")
        cora.post(f"/team/unfreeze/{uuid4()}/", {"spoke": self._wrong_word("unfreeze", "spoke")}, page=page)

    def _lost_factor(self, cora: Browser) -> None:
        """Ask wrongly for a colleague's new second factor."""
        lost = re.search(r"/people/[0-9a-f-]{36}/second-factor/", cora.get("/team/").text)
        assert lost, "the team's page leads to no lost second factor"
        self._post_wrongly(cora, lost[0])

    def _team(self, admin: Browser, cora: Browser) -> None:
        """Make a team and rename it; hand the case over and back again: it is needed further on."""
        made = admin.post("/teams/", {"name": self.book.word("TeamForm.name")}, page=admin.get("/teams/"))
        assert made.status == _SENT_ON
        renamed = re.findall(r"/teams/[0-9a-f-]{36}/", admin.get("/teams/").text)
        self._post_wrongly(admin, renamed[0])
        url = "/team/hand-over/"
        reason = self.book.cyrillic("HandOverForm.reason")
        for former, lead in (("Wanda", "Cora"), ("Cora", "Wanda")):
            start = self._lead(cora, former)
            page = cora.get(f"{url}?start={start}")
            to = re.search(rf'<option value="([0-9a-f-]{{36}})"[^>]*>{lead}[^(]*</option>', page.text)
            assert to, f"{lead} could not lead"
            given = {"start": start, "cases": self.case_id, "to": "", "reason": reason}
            again = cora.post(url, given, page=page)
            assert again.status == _FOUND
            assert reason in again.text
            assert cora.post(url, given | {"to": to[1]}, page=page).status == _SENT_ON

    def _lead(self, cora: Browser, name: str) -> str:
        """Return the id of somebody whose cases can be handed over."""
        found = re.search(rf'<option value="([0-9a-f-]{{36}})"[^>]*>{name}', cora.get("/team/hand-over/").text)
        assert found, f"{name} leads nothing that could be handed over"
        return found[1]

    def _dossier(self, wanda: Browser) -> None:
        book, path = self.book, f"{self.case}dossier/"
        page = wanda.get(path)
        form = _form(page, "purpose")
        self._given("proposed passphrase", form.controls["passphrase"].value)
        phrase = book.word("DossierForm.passphrase", ends=" and more words")
        given = form.filled() | {"purpose": book.cyrillic("DossierForm.purpose"), "method": "passphrase"}
        export = wanda.post(path, given | {"passphrase": phrase}, page=page)
        assert export.body.startswith(b"age-encryption"), export.text[-4000:]
        from pyrage import x25519

        key = self._given("DossierForm.recipient", str(x25519.Identity.generate().to_public()))
        export = wanda.post(path, given | {"method": "key", "recipient": key, "passphrase": ""}, page=page)
        assert export.body.startswith(b"age-encryption"), export.text[-4000:]

    def _searches(self, wanda: Browser) -> None:
        book = self.book
        found = wanda.post("/cases/", {"words": book.planted["CaseForm.name_latin"].typed})
        assert book.planted["CaseForm.name_latin"].typed in found.text
        for words in (book.word("SearchForm.words"), book.cyrillic("search in Cyrillic"), book.number("search number")):
            wanda.post("/cases/", {"words": words})
        wanda.post("/cases/", {"words": f"{BORN:%d.%m.%Y} {book.planted['CaseForm.name_latin'].typed}"})
        wrong = {name: self._wrong_word("cases", name) for name in ("words", "ground", "nationality", "page")}
        wanda.post("/cases/", wrong)
        wanda.get("/rules/?q=" + quote(book.word("RuleFilterForm.q")))

    def _headers(self, wanda: Browser) -> None:
        book = self.book
        sent = {
            "User-Agent": book.word("header User-Agent"),
            "Referer": f"http://127.0.0.1/{book.word('header Referer')}",
            "X-Forwarded-For": f"203.0.113.7, {book.word('header X-Forwarded-For')}",
            "Accept-Language": book.word("header Accept-Language"),
            "Cookie": f"odd={book.word('header Cookie')}",
            "HX-Current-URL": f"http://127.0.0.1/{book.word('header HX-Current-URL')}",
            "X-Request-ID": book.word("header X-Request-ID"),
        }
        wanda.get(self.case, headers=sent)
        for origin in (sent, {**sent, "Host": book.word("header Host", begins="fal")}):
            wanda.send("/cases/new/", b"name_latin=" + book.word("no token").encode(), {**origin, "Origin": "http://x"})
        wanda.get(f"{self.case}?q={quote(book.cyrillic('query'))}")
        wanda.get(f"/cases/?country={quote(book.word('query of the list'))}&page=x")
        wanda.get(f"/{book.word('path')}/")
        wanda.send("/cases/", f'{{"words": "{book.word("JSON body")}"}}'.encode(), {"Content-Type": "application/json"})
        broken = b'--x\r\nContent-Disposition: form-data; name="upload"; filename="%s.txt"\r\n\r\n%s'
        wanda.send(
            f"{self.case}documents/new/",
            broken % (book.word("broken upload name").encode(), book.word("broken upload").encode() * 9000),
            {"Content-Type": "multipart/form-data; boundary=x"},
        )

    def _look_around(self, wanda: Browser) -> None:
        """Read every page of the case: what is planted shows there, or the search would prove nothing."""
        tabs = ("", "edit/", "deadlines/", "timeline/", "documents/", "access/", "trail/", "what-if/")
        timeline = wanda.get(f"{self.case}timeline/").text
        first = next(iter(re.findall(rf"{self.case}facts/[0-9a-f-]{{36}}/correct/", timeline)))
        pages = [wanda.get(self.case + tab).text for tab in tabs] + [wanda.get(first).text]
        pages += [wanda.get("/").text, wanda.get("/cases/").text, wanda.get("/inbox/").text]
        self.seen = "\n".join(pages)

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    def _wrong(self, people: Mapping[str, Browser]) -> None:
        """Send each form once with every control filled wrongly: nothing of it may stay anywhere."""
        timeline = people["caseworker"].get(f"{self.case}timeline/").text
        fact = next(iter(re.findall(rf"{self.case}facts/([0-9a-f-]{{36}})/correct/", timeline)))
        self._post_wrongly(Browser(self.app.port, self.answers), "/account/password/reset/")
        nobody = Browser(self.app.port, self.answers)
        self._post_wrongly(nobody, "/account/login/")
        addresses = {
            "caseworker": [
                "/cases/new/",
                "/cases/",
                f"{self.case}edit/",
                f"{self.case}access/share/",
                f"{self.case}documents/new/",
                f"{self.case}dossier/",
                f"{self.case}facts/{fact}/correct/",
                f"{self.case}facts/{fact}/withdraw/",
                f"{self.case}what-if/appointment/",
                *(f"{self.case}facts/new/{name}/" for name in _kinds()),
                f"{self.case}close/",
                f"{self.case}erase/",
                f"{self.case}trail/",
                f"{self.case}trail/copy/",
                f"{self.case}versions/",
                "/rules/",
                "/profile/",
                "/profile/trail/",
                "/account/password/change/",
                "/account/email/",
                "/account/2fa/reauthenticate/",
                "/account/reauthenticate/",
            ],
            "coordinator": [
                f"{self.case}assign/",
                "/board/",
                "/erasures/",
                "/team/hand-over/",
                f"/team/hand-over/?start={self._lead(people['coordinator'], 'Wanda')}",
            ],
            "admin": ["/people/"],
            "auditor": ["/trail/"],
        }
        for who, paths in addresses.items():
            for path in paths:
                self._post_wrongly(people[who], path)
        # A box cannot be ticked wrongly: any word ticks it. So it is the account of nobody.
        admin = people["admin"]
        admin.post(f"/people/{uuid4()}/off/", {"sure": self._wrong_word("off", "sure")}, page=admin.get("/people/"))

    def _post_wrongly(self, person: Browser, path: str) -> None:
        page = person.get(path)
        if page.status != _FOUND:
            return
        kind = re.sub(r"/[0-9a-f-]{36}", "", path).strip("/")
        for form in page.forms():
            # A button alone is nothing to fill in; pressing it would change things.
            if not any(name not in OWN for name in form.controls):
                continue
            given = self._wrongly(kind, form)
            if form.method == "post":
                person.post(form.action or path, given, page=page)
            elif given:
                pairs = "&".join(f"{name}={quote(one)}" for name, values in given.items() for one in values)
                person.get(f"{path}?{pairs}")

    def _wrongly(self, kind: str, form: Form) -> dict[str, list[str]]:
        given: dict[str, list[str]] = {}
        refuses = any(it.kind in {"select", "radio", "number", "email"} for it in form.controls.values())
        for name, control in form.controls.items():
            if name in OWN or control.kind in {"submit", "file"}:
                given[name] = [control.value]
                continue
            word = self._wrong_word(kind, name)
            # The boxes of an hour that the clocks showed twice are drawn once they are needed.
            if control.kind == "time":
                given[f"{name}_which"] = [self._wrong_word(kind, f"{name}_which")]
            # Where nothing but its length makes a text wrong.
            given[name] = [word if refuses or form.method == "get" else word + " much too long" * 2000]
        return given

    def _faults(self, wanda: Browser) -> None:
        for fault in _BREAKING:
            answer = self._fault(wanda, fault)
            if answer.status != 500:
                self.unbroken.append(fault)
        for fault in _TOLD_BY_PYTHON:
            self._fault(wanda, fault)
        answers: list[Answer] = []
        halves = [
            threading.Thread(target=lambda half=half: answers.append(self._fault(wanda, half)))
            for half in ("deadlock-a", "deadlock-b")
        ]
        for half in halves:
            half.start()
        for half in halves:
            half.join()
        if [answer.status for answer in answers].count(500) != 1:
            self.unbroken.append("deadlock")

    def _fault(self, person: Browser, fault: str) -> Answer:
        secret = self.book.cyrillic(f"fault {fault}") + " " + self.book.word(f"fault {fault}, Latin")
        return person.get(f"{self.case}timeline/", headers={"X-Fault": fault, "X-Fault-Secret": quote(secret)})

    # -- the command line and the queue ------------------------------------------------------------------------------

    def _commands(self) -> Callable[[], None]:
        """Run what its keeper runs, beside the rest; what their own terminal shows is theirs. Returns how to wait."""
        word, folder = self._command_word, self.app.folder / "tmp"
        phrase, facts, out = folder / "phrase", folder / "facts.json", folder / "dossier.age"
        phrase.write_text(word("export_dossier --passphrase-file") + " and more words\n")
        fact = {"fact": "transfer-failed", "on": "2026-09-01", "reason": word("deadlines facts")}
        facts.write_text(json.dumps({"country": "FR", "facts": [fact, {"fact": word("deadlines unknown fact")}]}))
        for path in (phrase, facts):
            path.chmod(0o644)
        reference = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", self.seen)
        assert reference, "no page shows the reference"
        wanda = ["--as", "wanda@example.org", "--out", str(out)]
        nobody = ["--as", word("export_dossier --as", mail=True), "--out", str(out)]
        purpose = ["--purpose", word("export_dossier --purpose")]
        team = ["--team", word("create_user --team"), "--create-team"]
        lines = [
            ("web", "create_user", word("create_user email", mail=True), "--role", "auditor"),
            ("web", "create_user", word("create_user email of a team", mail=True), "--role", "caseworker", *team),
            ("sealer", "verify_audit", "--case", word("verify_audit --case")),
            ("owner", "rotate_keys", "--case", word("rotate_keys --case")),
            ("worker", "rebuild_deadlines", "--case", word("rebuild_deadlines --case")),
            ("worker", "send_reminders", "--now", word("send_reminders --now")),
            ("web", "export_dossier", reference[0], *wanda, "--passphrase-file", str(phrase), *purpose),
            ("web", "export_dossier", reference[0], *wanda, "--recipient", word("export_dossier --recipient")),
            ("web", "export_dossier", word("export_dossier reference"), *wanda, "--recipient", "age1"),
            ("web", "export_dossier", reference[0], *nobody, "--recipient", "age1"),
            (
                "web",
                "erase_case",
                word("erase_case reference"),
                *("--as", word("erase_case --as", mail=True)),
                *("--confirmed-by", word("erase_case --confirmed-by", mail=True), "--reason", "person_request"),
            ),
            ("web", "deadlines", str(facts)),
            ("worker", "fail_with_case", self.case_id),
        ]
        pool = ThreadPoolExecutor(max_workers=3)
        done = [pool.submit(self.app.manage, role, *words) for role, *words in lines]

        def wait() -> None:
            told = [one.result() for one in done]
            pool.shutdown()
            assert out.exists(), told[6].stderr.decode()
            # What a service keeps of a command that broke is what it printed.
            (self.app.folder / "logs" / "command.log").write_bytes(told[-1].stdout + told[-1].stderr)
            assert told[-1].returncode == 1, told[-1].stderr.decode()
            # The keeper's own files are the keeper's to remove; the machine has no part in them.
            phrase.unlink()
            facts.unlink()

        return wait

    def _command_word(self, key: str, *, mail: bool = False) -> str:
        return self.book.word(f"command {key}", begins="com", ends="@example.org" if mail else "")

    def _tasks(self) -> None:
        """Let the worker break with the opened case in its hands, and meet a task that does not exist."""
        for name in ("faulty.fail", "faulty.no_such_task"):
            self.wake(name, self.case_id)
        for name in ("procedure.refresh", "documents.sweep", "reminders.plan"):
            self.wake(name)
        self.wake("notices.dispatch", queue="urgent")
        log = self.app.folder / "logs" / "worker.log"
        self.wait(lambda: b"tests/house/leaks/faulty/tasks.py" in log.read_bytes(), "the worker meets its fault")

    def wake(self, task: str, *codes: str, queue: str = "ordinary") -> None:
        """Put a task into the queue from outside."""
        outside = Celery("outside", broker=self.app.redis, set_as_current=False)
        outside.send_task(task, args=codes, queue=queue, ignore_result=True)
        outside.close()

    def wait(self, true: Callable[[], bool], what: str) -> None:
        """Wait until something has happened; fail when it does not."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, f"waited in vain: {what}"
            time.sleep(0.05)

    def _strangers(self, people: Mapping[str, Browser]) -> None:
        """What people without this case are shown."""
        for who in ("admin", "auditor", "lawyer"):
            stranger = Browser(self.app.port, self.strangers)
            stranger.cookies = dict(people[who].cookies)
            for path in ("/", "/cases/", "/trail/", "/people/", "/board/", "/inbox/", self.case, f"{self.case}trail/"):
                stranger.follow(stranger.get(path))


def _grounds() -> list[str]:
    from casework.cases.types import Ground

    return list(Ground.values)


def _kinds() -> list[str]:
    from casework.desk.forms.facts import FactForm

    return covering({kind.name: set(FactForm(kind=kind, country="FR").fields) for kind in VOCABULARY.values()})


def _day(name: str, day: date) -> dict[str, str]:
    return {f"{name}_0": str(day.day), f"{name}_1": str(day.month), f"{name}_2": str(day.year)}


def _form(page: Answer, control: str) -> Form:
    found = [form for form in page.forms() if control in form.controls]
    assert found, f"{page.path} ({page.status}) has no form with {control}: {page.text[-3000:]}"
    return found[0]


def _codes_on(page: Answer) -> list[str]:
    return re.findall(r"^(?:.*>)?([0-9a-z]{8,})(?:<.*)?$", page.text.partition("recovery_codes")[2], re.MULTILINE)


def _code(secret: str) -> str:
    counters = list(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(secret, counters[len(counters) // 2])))
