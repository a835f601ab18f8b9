"""`python -m tests.screenshots [--out DIR]`: the pages of every role as pictures, for people to look at.

A private installation in a temporary folder: engines, migrations, the demo's synthetic cases, reminders sent once, the
real web server. Each page is taken at 1280 and 360 pixels, light and dark. `--readme` makes docs/images/case.png anew.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from casework.crypto.keyring import generate_root_key_file
from casework.operations.embedded import Engines

ROOT = Path(__file__).resolve().parent.parent
README_PICTURE = ROOT / "docs" / "images" / "case.png"
WIDTHS, SCHEMES = (1280, 360), ("light", "dark")
_HEIGHTS = {1280: 800, 360: 740}
_READY_SECONDS = 60.0
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")

Act = Callable[[Page], None]


@dataclass(frozen=True)
class Shot:
    """One page: its address, in which `{case}` stands for the documented case, and what is done on it first."""

    name: str
    path: str
    act: Act | None = None


def _press(name: str) -> Act:
    return lambda page: page.get_by_role("button", name=name, exact=True).click()


def _search(page: Page) -> None:
    page.get_by_role("searchbox").fill("Примеров")
    page.get_by_role("button", name="Search", exact=True).click()


def _unfold(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('main details').forEach(part => { part.open = true; })")


def _suppose(page: Page) -> None:
    for label, text in (("Day", "20"), ("Month", "November"), ("Year", "2026")):
        page.get_by_label(label, exact=True).first.fill(text)
    page.locator("select[name=state]").select_option(label="Croatia")
    page.get_by_label("Absconded", exact=True).check()
    page.get_by_role("button", name="See what it would change", exact=True).click()


def _no_such_day(page: Page) -> None:
    for label, text in (("Day", "31"), ("Month", "November"), ("Year", "2026")):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Close the case", exact=True).click()


def _keep_for_ever(page: Page) -> None:
    page.get_by_label("Months after closing").first.fill("999")
    page.get_by_role("button", name="Save", exact=True).first.click()


def _last_of_mine(page: Page) -> None:
    page.locator("tbody a.reference").last.click()


def _ask_for_erasure(page: Page) -> None:
    # Another case than the documented one, which the other roles' pictures show.
    _last_of_mine(page)
    page.get_by_role("link", name="Ask for the case to be erased").click()
    page.get_by_label("The person asked for it", exact=True).check()
    page.get_by_role("button", name="Ask for the case to be erased", exact=True).click()


def _decide(page: Page) -> None:
    page.get_by_role("link", name="Decide").first.click()


def _confirm_another(page: Page) -> None:
    _decide(page)
    page.get_by_label("Type the reference of the case").fill("AAAA-AAAA")
    page.get_by_role("button", name="Erase this case for good", exact=True).click()


def _confirm(page: Page) -> None:
    _decide(page)
    page.get_by_label("Type the reference of the case").fill(page.locator("dd .reference").inner_text())
    page.get_by_role("button", name="Erase this case for good", exact=True).click()


def _half_filled(page: Page) -> None:
    page.get_by_label("Name in the original script").fill("Вымыслова Анна")
    for label, text in (("Day", "30"), ("Month", "February"), ("Year", "1990")):
        page.get_by_label(label, exact=True).first.fill(text)
    page.get_by_role("button", name="Save the case", exact=True).click()


STRANGER = (
    Shot("sign-in", "/account/login/"),
    Shot("sign-in-wrong", "/account/login/", _press("Sign in")),
    Shot("nothing-here", "/nonsense/"),
)
SHOTS: dict[str, tuple[Shot, ...]] = {
    "caseworker": (
        Shot("today", "/"),
        Shot("cases", "/cases/"),
        Shot("search", "/cases/", _search),
        Shot("new-case", "/cases/new/"),
        Shot("new-case-wrong", "/cases/new/", _half_filled),
        Shot("case", "{case}"),
        Shot("deadlines", "{case}deadlines/"),
        Shot("deadlines-unfolded", "{case}deadlines/", _unfold),
        Shot("deadlines-russian", "{case}deadlines/?lang=ru", _unfold),
        Shot("what-if-kinds", "{case}what-if/"),
        Shot("what-if", "{case}what-if/absconding-notified/"),
        Shot("what-if-answer", "{case}what-if/absconding-notified/", _suppose),
        Shot("timeline", "{case}timeline/"),
        Shot("fact-kinds", "{case}facts/new/"),
        Shot("fact", "{case}facts/new/transfer-decision-notified/"),
        Shot("fact-wrong", "{case}facts/new/eurodac-hit/", _press("Record the fact")),
        Shot("documents", "{case}documents/"),
        Shot("document-new", "{case}documents/new/"),
        Shot("access", "{case}access/"),
        Shot("share", "{case}access/share/"),
        Shot("trail-of-case", "{case}trail/"),
        Shot("trail-filter", "{case}trail/", _unfold),
        Shot("trail-copy", "{case}trail/copy/"),
        Shot("own-trail", "/profile/trail/"),
        Shot("edit", "{case}edit/"),
        Shot("close", "{case}close/"),
        Shot("close-wrong", "{case}close/", _no_such_day),
        Shot("erase", "{case}erase/"),
        Shot("erase-wrong", "{case}erase/", _press("Ask for the case to be erased")),
        Shot("erasures", "/erasures/"),
        Shot("inbox", "/inbox/"),
        Shot("profile", "/profile/"),
        Shot("two-factors", "/account/2fa/"),
        Shot("mailbox", "/demo/mailbox/"),
        Shot("own-request", "/cases/?view=mine", _ask_for_erasure),
        Shot("case-to-be-erased", "/cases/?view=mine", _last_of_mine),
    ),
    "coordinator": (
        Shot("today", "/"),
        Shot("board", "/board/"),
        Shot("board-columns", "/board/?view=columns"),
        Shot("assign", "{case}assign/"),
        Shot("erasures", "/erasures/"),
        Shot("keeping-wrong", "/erasures/", _keep_for_ever),
        Shot("erasure", "/erasures/", _decide),
        Shot("erasure-wrong", "/erasures/", _confirm_another),
        Shot("erased", "/erasures/", _confirm),
        Shot("erasures-decided", "/erasures/"),
    ),
    "lawyer": (
        Shot("today", "/"),
        Shot("case", "{case}"),
        Shot("dossier", "{case}dossier/"),
        Shot("dossier-wrong", "{case}dossier/", _press("Export")),
    ),
    "auditor": (Shot("trail", "/trail/"), Shot("trail-filter", "/trail/", _unfold)),
    "admin": (Shot("people", "/people/"), Shot("invite-wrong", "/people/", _press("Make the invitation"))),
}


class Installation:
    """A demo of its own, without the supervisor: everything below one temporary folder."""

    def __init__(self, folder: Path, engines: Engines) -> None:
        generate_root_key_file(folder / "root.key")
        for name in ("files", "static", "mailbox"):
            (folder / name).mkdir(mode=0o700)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        self._env = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
            "CASEWORK_DEMO": "1",
            "CASEWORK_BASE_URL": self.address,
            "CASEWORK_SECRET_KEY": "only-for-pictures-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP",
            "CASEWORK_ROOT_KEY_FILE": str(folder / "root.key"),
            "CASEWORK_FILES_DIR": str(folder / "files"),
            "CASEWORK_STATIC_DIR": str(folder / "static"),
            "CASEWORK_MAILBOX_DIR": str(folder / "mailbox"),
            "CASEWORK_LOG_LEVEL": "WARNING",
            "DATABASE_URL": engines.database_url("web"),
            "DATABASE_OWNER_URL": engines.database_url("owner"),
            "DATABASE_WORKER_URL": engines.database_url("worker"),
            "REDIS_URL": engines.redis_url,
        }

    def manage(self, *words: str) -> str:
        """Run a management command and return what it printed."""
        line = [sys.executable, "manage.py", *words]
        return subprocess.run(line, cwd=ROOT, env=self._env, check=True, stdout=subprocess.PIPE, text=True).stdout

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve the pages inside the block."""
        bind = ["--bind", f"127.0.0.1:{self._port}", "--worker-class", "gthread", "--threads", "4"]
        line = [sys.executable, "-m", "gunicorn", "config.wsgi:application", *bind, "--log-level", "warning"]
        line += ["--no-control-socket", "--worker-tmp-dir", str(self._folder)]
        server = subprocess.Popen(line, cwd=ROOT, env=self._env)
        try:
            self._wait(server)
            yield
        finally:
            server.terminate()
            server.wait()

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise SystemExit("The web server does not start: see what it said above.")


def _at(page: Page, installation: Installation, shot: Shot, case: str) -> None:
    """Bring a page to where its picture is taken."""
    page.goto(installation.address + shot.path.replace("{case}", case))
    if shot.act is not None:
        shot.act(page)
        page.wait_for_load_state()
    page.evaluate("() => window.scrollTo(0, 0)")


def _sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("navigation", name="Main").wait_for()


def _documented_case(page: Page, installation: Installation) -> str:
    """Return the path of the demo's case whose dates stand in the documentation, as the search finds it."""
    page.goto(f"{installation.address}/cases/")
    page.get_by_role("searchbox").fill("Primerov Piotr")
    page.get_by_role("button", name="Search", exact=True).click()
    path = page.get_by_role("row").filter(has_text="Primerov Piotr").locator("a.reference").first.get_attribute("href")
    if path is None:
        raise SystemExit("The documented case is not in the demo: casework/operations/seeding.py makes it first.")
    return path


def take(browser: Browser, installation: Installation, out: Path) -> int:
    """Take every picture and return their number."""
    links = json.loads(installation.manage("demo_signin", "--json"))
    count, case = 0, ""
    for role, shots in {"stranger": STRANGER, **SHOTS}.items():
        context = browser.new_context(locale="en-GB", reduced_motion="reduce")
        page = context.new_page()
        if role in links:
            _sign_in(page, links[role])
        case = case or (_documented_case(page, installation) if role == "caseworker" else "")
        for shot in shots:
            _at(page, installation, shot, case)
            for width in WIDTHS:
                # What sticks to the edge of the screen belongs to the edge of the picture: so the screen grows.
                page.set_viewport_size({"width": width, "height": _HEIGHTS[width]})
                height = page.evaluate("() => document.documentElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": height})
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    page.screenshot(path=out / f"{role}-{shot.name}-{width}-{scheme}.png")
                    count += 1
        context.close()
    return count


def take_for_readme(browser: Browser, installation: Installation) -> None:
    """Take the one picture that the README shows, with few colours so that it is small."""
    links = json.loads(installation.manage("demo_signin", "--json"))
    context = browser.new_context(
        locale="en-GB",
        color_scheme="light",
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 1040},
        device_scale_factor=1.5,
    )
    page = context.new_page()
    _sign_in(page, links["caseworker"])
    page.goto(installation.address + _documented_case(page, installation))
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(colors=128, dither=Image.Dither.NONE).save(README_PICTURE, optimize=True)


def main() -> int:
    """Make the installation, take the pictures, say where they are."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots", help="folder for the pictures")
    parser.add_argument("--cases", type=int, default=24, help="how many synthetic cases to make")
    parser.add_argument("--readme", action="store_true", help="make only docs/images/case.png")
    given = parser.parse_args()
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        raise SystemExit("Screenshots need Chromium, which is not on this machine. As root: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="cw-pictures-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Engines(folder / "engines", fast=True) as engines:
            installation = Installation(folder, engines)
            installation.manage("migrate", "--skip-checks", "--verbosity", "0")
            installation.manage("set_up")
            installation.manage("collectstatic", "--no-input", "--verbosity", "0")
            installation.manage("seed_demo", "--cases", str(given.cases))
            installation.manage("send_reminders")
            with installation.running(), sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
                )
                if given.readme:
                    take_for_readme(browser, installation)
                    sys.stdout.write(f"{README_PICTURE}\n")
                else:
                    given.out.mkdir(parents=True, exist_ok=True)
                    sys.stdout.write(f"{take(browser, installation, given.out)} pictures in {given.out}\n")
                browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
