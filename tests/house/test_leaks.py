"""What a thief finds: a secret in every kind of input of the real application, sought in every place and shape."""

from __future__ import annotations

import base64
import gzip
import json
import quopri
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from django import forms
from django.core import signing

from tests.house.leaks import allowed, inputs, places, report
from tests.house.leaks.browsing import Answer
from tests.house.leaks.faulty import census
from tests.house.leaks.installation import Running
from tests.house.leaks.journey import Journey
from tests.house.leaks.planting import Book
from tests.house.leaks.run import once
from tests.house.leaks.searching import Searcher, shapes

LEAST = 40
# Typed, and shown on no page afterwards: passwords, search words, what was refused, what the machine made itself.
KEPT = ("CaseForm.", "FactForm.", "fact ", "DocumentForm.title", "DocumentForm.upload", "ShareForm.reason")
SHOWN_ELSEWHERE = {
    "CaseForm.birth_on",
    "CaseForm.summary",
    "CaseForm.summary too late",
    "DocumentForm.upload",
    "FactForm.reason",
    "ShareForm.reason",
}


class TestAThief:
    """Invariants 6, 7, 8, 21 to 23 and 45, on the application as `make demo` starts it."""

    def test_finds_no_secret_anywhere(self, tmp_path: Path) -> None:
        found = once(control)
        journey, looked = found.journey, found.looked
        text = report.table(found)
        (tmp_path / "leaks.md").write_text(text)
        sys.stdout.write(f"\n{text}")
        planted = journey.book.planted
        kept = [key for key in planted if key.startswith(KEPT) and key not in SHOWN_ELSEWHERE]
        assert {
            "planted": len({secret.typed for secret in planted.values()}) >= LEAST,
            "without a secret": inputs.missing(planted, journey.bad),
            "faults that broke nothing": journey.unbroken,
            "saved, but on no page": [key for key in kept if planted[key].typed not in journey.seen],
            "found": {
                place: sorted({f"{hit.key} ({hit.shape}): {hit.around!r}" for hit in hits})
                for place, hits in allowed.unexplained(looked).items()
            },
            "explained, but not there": allowed.unused(looked),
            "held by live objects": [name for one in found.live for name in one.objects],
            "places where the search is blind": found.blind,
            "places with nothing in them": [one.place for one in looked if not one.bytes],
        } == {
            "planted": True,
            "without a secret": [],
            "faults that broke nothing": [],
            "saved, but on no page": [],
            "found": {},
            "explained, but not there": [],
            "held by live objects": [],
            "places where the search is blind": [],
            "places with nothing in them": [],
        }


def control(app: Running, journey: Journey) -> list[str]:
    """Put one more secret into each place, in the clear; return the places where the search does not find it."""
    book = Book()
    for place, put in PUT.items():
        put(app, journey, book.word(f"control {place}"))
    process = subprocess.Popen(
        ["sleep", "60"], env={"NAME": book.word("control environments of processes")}, stdin=subprocess.DEVNULL
    )
    other = subprocess.Popen(
        ["python3", "-c", "import time; time.sleep(60)", book.word("control command lines of processes")]
    )
    app.also.extend([process.pid, other.pid])
    try:
        looked = places.everywhere(app, journey, Searcher(book.planted.values()))
    finally:
        for one in (process, other):
            one.kill()
            one.wait()
    found = {place.place: {hit.key for hit in place.hits} for place in looked}
    return [place for place, keys in found.items() if f"control {place}" not in keys]


def _file(*names: str) -> Callable[[Running, Journey, str], None]:
    def put(app: Running, _journey: Journey, secret: str) -> None:
        path = app.folder.joinpath(*names)
        with path.open("ab") as file:
            file.write(secret.encode() if path.suffix != ".gz" else gzip.compress(secret.encode() * 9))

    return put


def _row(app: Running, _journey: Journey, secret: str) -> None:
    with app.connect() as connection:
        connection.execute("UPDATE accounts_team SET name = name || %s WHERE name LIKE 'South%%'", [secret])


def _session(app: Running, _journey: Journey, secret: str) -> None:
    data = signing.dumps({"note": secret * 30}, key="k", compress=True)
    with app.connect() as connection:
        connection.execute("INSERT INTO django_session VALUES ('control', %s, now())", [data])


def _key(app: Running, _journey: Journey, secret: str) -> None:
    with redis.Redis.from_url(app.redis, db=2) as broker:
        broker.hset("control", "body", base64.b64encode(b"x" + secret.encode()))


def _mail(app: Running, _journey: Journey, secret: str) -> None:
    body = base64.encodebytes(b"ab" * 20 + secret.encode()).decode()
    head = f"Subject: =?utf-8?b?{base64.b64encode(b'News').decode()}?=\nContent-Transfer-Encoding: base64\n"
    (app.folder / "mailbox" / "control.eml").write_text(f"{head}Content-Type: text/plain; charset=utf-8\n\n{body}")


def _headers(_app: Running, journey: Journey, secret: str) -> None:
    journey.answers.append(Answer("/", 200, (("Location", f"/?next={secret}"),), b""))


def _error_page(_app: Running, journey: Journey, secret: str) -> None:
    journey.answers.append(Answer("/", 500, (), f"<pre>{secret}</pre>".encode()))


def _others(_app: Running, journey: Journey, secret: str) -> None:
    journey.strangers.append(Answer("/", 200, (), f"<td>{secret}</td>".encode()))


PUT: dict[str, Callable[[Running, Journey, str], None]] = {
    "database, whole dump": _row,
    "database, files on disk": _row,
    "database, write-ahead log": _row,
    "sessions, decoded": _session,
    "Redis, every key of every database": _key,
    "Redis, files": _file("engines", "valkey", "dump.rdb"),
    "logs of web, worker, beat and sealer": _file("logs", "worker.log"),
    "logs of PostgreSQL and Redis": _file("engines", "logs", "postgresql.log"),
    "mail, as sent and decoded": _mail,
    "files and uploads under way": _file("files", "control.gz"),
    "temporary, home and run folders": _file("tmp", "control.tmp"),
    "checkpoints": _file("checkpoints", "control"),
    "headers of all answers": _headers,
    "error pages": _error_page,
    "pages shown to others": _others,
}


class TestTheSearchItself:
    """The detector finds what is there, in each shape, and whose it is."""

    def _book(self) -> Book:
        book = Book()
        book.word("latin")
        book.cyrillic("cyrillic")
        book.cyrillic("decomposed", decomposed=True)
        book.number("number")
        book.day("day", date(1931, 7, 23))
        book.given("token", "Zr8-kQ_mB4xW")
        return book

    def test_knows_every_secret_in_every_shape(self) -> None:
        planted = self._book().planted
        searcher = Searcher(planted.values())
        missed = []
        for secret in planted.values():
            for name, kinds in shapes(secret.typed).items():
                for one in kinds:
                    found = searcher.find(b"\x00\xff before " + one + b" after")
                    missed += [] if secret.key in {hit.key for hit in found} else [(secret.key, name, one)]
        assert missed == []

    @pytest.mark.parametrize(
        "written",
        [
            lambda text: base64.b64encode(b"x" + text.encode() + b"tail"),
            lambda text: base64.urlsafe_b64encode(b"xy" + text.encode("utf-16-le") + b"tail"),
            lambda text: text.encode().hex().upper().encode(),
            lambda text: quopri.encodestring(f"é {text}".encode()),
            lambda text: quote(text).lower().encode(),
            lambda text: json.dumps(text).encode(),
            lambda text: ascii(text).encode(),
            lambda text: repr(text.encode()).encode(),
            lambda text: text.upper().encode(),
            lambda text: text.encode("cp1251", "replace"),
            lambda text: "".join(f"&#{ord(one)};" if ord(one) > 127 else one for one in text).encode(),
            lambda text: zlib.compress(text.encode() * 3),
            lambda text: gzip.compress(text.encode() * 3),
            lambda text: signing.dumps({"note": text * 40}, key="k", compress=True).encode(),
        ],
    )
    def test_finds_what_other_programs_wrote(self, written: Callable[[str], bytes]) -> None:
        book = self._book()
        searcher = Searcher(book.planted.values())
        for key in ("latin", "cyrillic"):
            data = b"before " + written(book.planted[key].typed) + b" after"
            assert key in {hit.key for hit in searcher.find(data)}, data

    def test_tells_a_piece_that_was_cut_off(self) -> None:
        book = self._book()
        whole = book.planted["latin"].typed
        assert {hit.key for hit in Searcher(book.planted.values()).find(whole[:12].encode())} == {"latin"}

    def test_finds_nothing_where_there_is_nothing(self) -> None:
        searcher = Searcher(self._book().planted.values())
        assert searcher.find(Path(json.__file__).read_bytes() + bytes(range(256)) * 40) == []


class TestTheCensus:
    """Invariant 22 is asked of live objects: what holds a secret is told, and what held one is not."""

    def test_tells_what_holds_a_secret_and_forgets_it_with_its_holder(self) -> None:
        secret = Book().word("census")
        asked = {name: [census.disguised(secret)] for name in ("marks", "all")}
        del secret
        case = {"summary": f"before {census.plain(asked['all'][0])} after"}
        assert list(census.held(asked)) == [0]
        case.clear()
        assert census.held(asked) == {}


class TestTheListOfInputs:
    """A new input without a secret fails the leak test."""

    def _all(self) -> tuple[set[str], set[str]]:
        return {*inputs.required(), *inputs.SEALED.values()}, set(inputs.refusing())

    def test_is_content_when_all_are_planted(self) -> None:
        assert inputs.missing(*self._all()) == []

    def test_names_a_new_field_of_a_form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from casework.desk.forms.facts import WithdrawForm

        planted, wrongly = self._all()
        monkeypatch.setitem(WithdrawForm.base_fields, "witness", forms.CharField())
        assert inputs.missing(planted, wrongly) == [
            "WithdrawForm.witness (form): no secret was planted in it",
            "WithdrawForm: witness was never sent wrongly",
        ]

    def test_names_a_new_field_that_a_form_makes_for_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from casework.cases.types import Ground
        from casework.desk.forms import cases

        planted, wrongly = self._all()
        choices = [*Ground.choices, ("drought", "Drought")]
        monkeypatch.setattr(cases, "Ground", type("Ground", (), {"choices": choices}))
        assert "CaseForm.account_drought (form): no secret was planted in it" in inputs.missing(planted, wrongly)

    def test_names_a_new_text_of_a_fact(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from casework.law.facts import VOCABULARY, FactKind, Member
        from tests.house.leaks import journey

        planted, wrongly = self._all()
        more = {**VOCABULARY, "rumour": FactKind("rumour", "evidence", (Member("heard", "text"),))}
        monkeypatch.setattr(journey, "VOCABULARY", more)
        assert inputs.missing(planted, wrongly) == ["fact rumour.heard (fact): no secret was planted in it"]

    def test_names_a_new_sealed_column(self, monkeypatch: pytest.MonkeyPatch) -> None:
        planted, wrongly = self._all()
        columns = inputs.sealed_columns()
        monkeypatch.setattr(inputs, "sealed_columns", lambda: [*columns, "cases.Case.rumour"])
        assert inputs.missing(planted, wrongly) == [
            "cases.Case.rumour: no planted input is said to end in this sealed column"
        ]

    def test_names_a_new_option_of_a_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from casework.operations.management.commands import doctor

        planted, wrongly = self._all()
        before = doctor.Command.add_arguments

        def more(command: doctor.Command, parser: object) -> None:
            before(command, parser)  # type: ignore[arg-type]
            parser.add_argument("--complaint")  # type: ignore[attr-defined]

        monkeypatch.setattr(doctor.Command, "add_arguments", more)
        assert inputs.missing(planted, wrongly) == [
            "command doctor --complaint (command line): no secret was planted in it"
        ]


class TestTheExceptions:
    """What may be found stands in the documentation, with its reason."""

    def test_are_those_of_the_threat_model(self) -> None:
        assert allowed.table() in allowed.DOCUMENT.read_text()
