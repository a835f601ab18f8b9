"""Recovery with real commands: sheets in a folder, joining against a database, rehearsing with a real backup."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.conf import settings

from casework.core import clock, work
from casework.crypto import recovery, rehearsal
from casework.crypto import services as crypto
from casework.crypto.keyring import JoinedRoot, generate_root_key_file, root_provider
from casework.crypto.recovery import ShareError
from casework.crypto.rehearsal import Lack
from casework.operations import health, recovering, share_papers, share_reading
from casework.operations.recovering import Refused
from tests import cast
from tests.conftest import ROOT, manage, running_as
from tests.printing.printing_samples import words_on

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_keys() -> Any:
    crypto.forget_process_keys()
    yield
    crypto.forget_process_keys()


def _shares() -> list[str]:
    return [" ".join(share.reveal_words()) for share in recovery.split(crypto.root())]


def _given(shares: list[str], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `recovery` with shares from a pipe."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "recovery", *arguments],
        input="\n".join(shares),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def _told(superuser: Any, action: int) -> int:
    return int(superuser.execute("SELECT count(*) FROM audit_entry WHERE action = %s", [action]).fetchone()[0])


def _secrets(shares: list[str], text: str) -> bool:
    """Say whether the text holds three words of a share in a row, or the root key."""
    runs = {" ".join(words[at : at + 3]) for words in map(str.split, shares) for at in range(2, 31)}
    flat = " ".join(re.findall(r"[a-z]+", text.lower()))
    return any(run in flat for run in runs) or Path(settings.CASEWORK_ROOT_KEY_FILE).read_text().strip() in text


class TestSplit:
    """Sheets of paper, in a folder of their own."""

    def test_writes_a_private_sheet_for_each_share_and_tells_the_trail(self, tmp_path, superuser):
        folder = tmp_path / "sheets"
        done = manage("recovery", "split", "--out", str(folder), "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["shares"], said["threshold"]) == (5, 3)
        assert said["files"] == [f"share-0{number}-of-05.pdf" for number in range(1, 6)]
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == dict.fromkeys(
            said["files"], 0o600
        )
        assert all(path.read_bytes().startswith(b"%PDF") for path in folder.iterdir())
        assert _told(superuser, 1303) == 1

    @pytest.mark.parametrize("what", ["full", "file", "link"])
    def test_takes_only_a_folder_of_its_own(self, tmp_path, superuser, what):
        folder = tmp_path / "sheets"
        if what == "file":
            folder.write_text("")
        else:
            (tmp_path / "other").mkdir()
            (tmp_path / "other" / "kept").touch()
            folder.symlink_to(tmp_path / "other") if what == "link" else (tmp_path / "other").rename(folder)
        done = manage("recovery", "split", "--out", str(folder))
        assert done.returncode == 1
        assert "folder" in done.stderr
        assert "Traceback" not in done.stderr
        assert _told(superuser, 1303) == 0

    def test_refuses_numbers_that_make_no_set_before_anything_is_written(self, tmp_path):
        for shares, threshold in (("2", "3"), ("17", "2"), ("5", "1")):
            told = ["--shares", shares, "--threshold", threshold]
            done = manage("recovery", "split", "--out", str(tmp_path / "s"), *told)
            assert done.returncode == 2
            assert "2 to 16" in done.stderr

    def test_splits_no_root_key_of_another_installation(self, tmp_path, superuser):
        generate_root_key_file(tmp_path / "other.key")
        done = manage(
            "recovery",
            "split",
            "--out",
            str(tmp_path / "sheets"),
            CASEWORK_ROOT_KEY_FILE=str(tmp_path / "other.key"),
        )
        assert done.returncode == 1
        assert "wrapping key version 1" in done.stderr
        assert not list((tmp_path / "sheets").iterdir())

    def test_leaves_no_sheet_behind_when_the_trail_cannot_be_written(self, tmp_path, monkeypatch):
        def broken(*_: object, **__: object) -> None:
            raise OSError("no trail")

        monkeypatch.setattr(recovering.audit, "record", broken)
        with running_as("owner"), pytest.raises(OSError, match="no trail"):
            recovering.split(tmp_path / "sheets", shares=3, threshold=2)
        assert not list((tmp_path / "sheets").iterdir())


class TestJoin:
    """Shares put together, tried on this database."""

    def test_writes_the_key_that_was_split_into_a_new_private_file(self, tmp_path, superuser):
        shares = _shares()
        out = tmp_path / "root.key"
        done = _given(shares[1:4], "join", "--out", str(out), "--json", CASEWORK_ROOT_KEY_FILE=str(tmp_path / "lost"))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) | {"set_name": ""} == {
            "set_name": "",
            "checked": [1],
            "written": str(out),
            "noted": True,
        }
        assert out.read_text() == Path(settings.CASEWORK_ROOT_KEY_FILE).read_text()
        assert out.stat().st_mode & 0o777 == 0o600
        assert _told(superuser, 1304) == 1
        assert not _secrets(shares, done.stdout + done.stderr)

    def test_never_overwrites_and_says_so_before_it_asks(self, tmp_path):
        out = tmp_path / "root.key"
        out.write_text("kept")
        done = _given([], "join", "--out", str(out))
        assert (done.returncode, out.read_text()) == (1, "kept")
        assert "never overwritten" in done.stderr

    def test_refuses_the_shares_of_another_installation_and_writes_nothing(self, tmp_path, superuser):
        others = [" ".join(share.reveal_words()) for share in recovery.split(JoinedRoot(os.urandom(32)))]
        done = _given(others[:3], "join", "--out", str(tmp_path / "root.key"))
        assert done.returncode == 1
        assert "not that of this installation" in done.stderr
        assert "wrapping key version 1" in done.stderr
        assert not (tmp_path / "root.key").exists()
        assert _told(superuser, 1304) == 0
        assert not _secrets(others, done.stdout + done.stderr)

    def test_works_without_a_database_and_says_that_nothing_was_tried(self, tmp_path):
        out = tmp_path / "root.key"
        done = _given(
            _shares()[:3], "join", "--out", str(out), DATABASE_OWNER_URL=f"postgresql://a:b@/c?host={tmp_path}"
        )
        assert done.returncode == 0, done.stderr
        assert "no database" in done.stdout
        assert out.read_text() == Path(settings.CASEWORK_ROOT_KEY_FILE).read_text()

    @pytest.mark.parametrize(
        ("mistake", "says"),
        [
            ("few", "1 more share of this set is needed"),
            ("typo", "Most likely word 9 is another"),
            ("mixed", "Shares of two sets do not fit together"),
            ("twice", "is here already"),
        ],
    )
    def test_says_what_is_wrong_with_shares_and_prints_none(self, tmp_path, mistake, says):
        shares, others = _shares(), _shares()
        words = shares[2].split()
        words[8] = "academic" if words[8] != "academic" else "acid"
        given = {
            "few": shares[:2],
            "typo": [*shares[:2], " ".join(words)],
            "mixed": [*shares[:2], others[2]],
            "twice": [shares[0], shares[1], shares[1]],
        }[mistake]
        done = _given(given, "join", "--out", str(tmp_path / "root.key"))
        assert done.returncode == 1
        assert says in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "root.key").exists()
        assert not _secrets(shares + others, done.stdout + done.stderr)

    def test_reads_files_that_only_their_owner_may_read(self, tmp_path):
        files = []
        for number, text in enumerate(_shares()[:3]):
            path = tmp_path / f"share{number}"
            path.write_text(text)
            path.chmod(0o600)
            files += ["--share-file", str(path)]
        assert _given([], "join", *files).returncode == 0
        path.chmod(0o644)
        refused = _given([], "join", *files)
        assert refused.returncode == 1
        assert "mode 0600" in refused.stderr

    def test_takes_no_share_from_the_command_line(self):
        share = _shares()[0]
        done = _given([], "join", *share.split())
        assert done.returncode == 2
        assert "unrecognized arguments" in done.stderr

    def test_what_is_typed_at_a_terminal_is_not_shown(self, tmp_path):
        shares = _shares()
        typed = [line for text in shares[:3] for line in _lines(text)]
        child, terminal = pty.fork()
        if child == 0:  # pragma: no cover  (another process)
            os.chdir(ROOT)
            manage_py = str(ROOT / "manage.py")
            os.execve(sys.executable, [sys.executable, manage_py, "recovery", "join"], os.environ)
        shown = ""
        while line := _until_asked(terminal):
            shown += line
            if not typed:
                break
            os.write(terminal, (typed.pop(0) + "\n").encode())
        assert os.waitpid(child, 0)[1] == 0, shown
        assert "give the root key of this installation" in shown
        assert "from word 12" in shown
        assert not _secrets(shares, shown)
        assert shares[0].split()[9] + " " not in shown


def _lines(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[at : at + 11]) for at in (0, 11, 22)]


def _until_asked(terminal: int) -> str:
    shown = b""
    while not re.search(rb"from word \d+: $", shown):
        try:
            read = os.read(terminal, 4096)
        except OSError:  # the other end is gone
            break
        if not read:
            break
        shown += read
    time.sleep(0.05)  # the echo is off before the prompt stands; this is for a terminal that is slow to say so
    return shown.decode()


class TestTyping:
    """Words are checked line by line, and one of them can be mended."""

    def _typed(self, answers: list[str]) -> tuple[recovery.Gathered, str]:
        told: list[str] = []
        given = iter(answers)

        def ask(prompt: str) -> str:
            told.append(prompt)
            return next(given)

        return share_reading.typed(ask, told.append), "\n".join(told)

    def test_asks_for_as_many_as_the_first_share_needs(self):
        shares = _shares()
        gathered, told = self._typed([line for text in shares[2:] for line in _lines(text)])
        assert recovery.join(gathered).reveal_for_shares() == crypto.root().reveal_for_shares()
        assert "Share 1, from word 1" in told
        assert "Share 2 of 3, from word 23" in told
        assert "More needed: 0" in told
        assert not _secrets(shares, told)

    def test_a_line_with_an_unknown_word_is_asked_again_alone(self):
        shares = _shares()
        lines = [line for text in shares[:3] for line in _lines(text)]
        lines[1:1] = ["academic qqqqqq", "", "-", *lines[:1], "academic " * 40]
        _gathered, told = self._typed(lines)
        assert "Word 13 is not in the list" in told
        assert "Taken back." in told
        assert "more than 33 words" in told

    def test_a_wrong_word_is_mended_without_typing_the_share_again(self):
        shares = _shares()
        words = shares[0].split()
        right, words[4] = words[4], "academic" if words[4] != "academic" else "acid"
        answers = [*_lines(" ".join(words)), "five", "5 qqqq", "5 33", f"5 {right[:4]}"]
        _gathered, told = self._typed([*answers, *(line for text in shares[1:3] for line in _lines(text))])
        assert "Most likely word 5 is another" in told
        assert "A number from 1 to 33" in told
        assert "Word 5 is not in the list" in told
        assert "One word" in told
        assert not _secrets(shares, told)

    def test_a_share_of_another_set_is_begun_again(self):
        shares, others = _shares(), _shares()
        lines = [line for text in (shares[0], others[1]) for line in _lines(text)]
        gathered, told = self._typed([*lines, "", *(line for text in shares[1:3] for line in _lines(text))])
        assert "Shares of two sets do not fit together" in told
        assert len(gathered.shares) == 3


@pytest.fixture
def backup(people, tmp_path) -> Path:
    """A case with a file, under two versions of the wrapping key, and a backup of it."""
    from casework.documents import services as documents

    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        upload = documents.seal_bytes(case_id, name="letter.txt", content=b"synthetic " * 20_000)
        documents.add_document(case_id, upload=upload, title="letter", kind="other")
    assert manage("rotate_keys").returncode == 0
    made = manage("backup", str(tmp_path / "backups"))
    assert made.returncode == 0, made.stderr
    return tmp_path / "backups"


def _scratch_tables(engines: Any) -> int:
    import psycopg

    with psycopg.connect(engines.database_url("owner", database="casework_scratch")) as scratch:
        row = scratch.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert row is not None
        return int(row[0])


class TestDrill:
    """The newest backup, opened with nothing but shares."""

    def test_restores_opens_notes_and_leaves_nothing(self, backup, engines, superuser, tmp_path):
        shares = _shares()
        done = _given(shares[2:], "drill", str(backup), "--json", CASEWORK_ROOT_KEY_FILE=str(tmp_path / "lost"))
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["ok"]
        assert said["kek_versions"] == [1, 2]
        kinds = {kind for kind, count in said["opened"].items() if count}
        assert {f"{what} under wrapping key 2" for what in ("keys", "values", "keys of files", "files")} <= kinds
        row = superuser.execute("SELECT kek_versions, values, backup_made_at, at FROM crypto_drill").fetchone()
        assert row[0] == [1, 2]
        assert row[1] == sum(said["opened"].values()) > 10
        assert row[2] <= row[3]
        assert _told(superuser, 1305) == 1
        assert _scratch_tables(engines) == 0
        assert not _secrets(shares, done.stdout + done.stderr)
        assert not health.recovery()

    def test_counts_only_with_this_installations_shares_and_an_undamaged_backup(self, backup, engines, superuser):
        others = [" ".join(share.reveal_words()) for share in recovery.split(JoinedRoot(os.urandom(32)))]
        with running_as("owner"), pytest.raises(Refused, match="not that of this installation"):
            recovering.drill(backup, others[:3])
        with running_as("owner"), pytest.raises(ShareError, match="1 more share"):
            recovering.drill(backup, _shares()[:2])
        (database,) = backup.glob("data/*/database.age")
        content = bytearray(database.read_bytes())
        content[len(content) // 2] ^= 1
        database.write_bytes(content)
        with running_as("owner"), pytest.raises(Refused, match="The recovery does not work yet"):
            recovering.drill(backup, _shares()[:3])
        with running_as("owner"), pytest.raises(Refused, match="no backup"):
            recovering.drill(backup / "nowhere", _shares()[:3])
        assert superuser.execute("SELECT count(*) FROM crypto_drill").fetchone() == (0,)
        assert _told(superuser, 1305) == 0
        assert _scratch_tables(engines) == 0
        assert "never rehearsed" in health.recovery()


def _note(**changes: Any) -> None:
    with running_as("owner"), work.acting(work.system_actor()):
        rehearsal.note_drill(
            **{"at": clock.now(), "kek_versions": [1], "values": 9, "backup_made_at": clock.now()} | changes
        )


class TestNagging:
    """The doctor and the administrators' first page, until the recovery was rehearsed lately."""

    def test_begins_on_the_first_day_and_ends_with_a_rehearsal(self):
        assert rehearsal.lack(clock.now()) is Lack.NEVER
        assert "recovery split" in health.recovery()
        _note()
        assert health.recovery() == ""
        assert rehearsal.last_drill().kek_versions == (1,)

    def test_begins_again_after_ninety_days_to_the_second(self):
        at = clock.now()
        _note(at=at)
        assert rehearsal.lack(at + timedelta(days=90)) is None
        assert rehearsal.lack(at + timedelta(days=90, seconds=1)) is Lack.OLD
        _note(at=at + timedelta(days=91))
        assert rehearsal.lack(at + timedelta(days=92)) is None

    def test_begins_again_with_another_root_key_but_not_with_a_new_wrapping_key(self, superuser):
        _note()
        assert manage("rotate_keys").returncode == 0
        crypto.forget_process_keys()
        assert health.recovery() == ""
        superuser.execute("UPDATE crypto_drill SET root_mark = decode('00000000000000000000000000000000', 'hex')")
        assert "is another than the one whose recovery" in health.recovery()

    def test_is_a_finding_of_the_doctor(self):
        found = {one["name"]: one for one in json.loads(manage("doctor", "--json").stdout)}
        assert not found["recovery"]["ok"]
        assert "never rehearsed" in found["recovery"]["says"]

    def test_cannot_be_silenced_by_the_roles_that_serve(self, as_role):
        import psycopg

        for role in ("web", "worker"):
            for statement in (
                "INSERT INTO crypto_drill VALUES (gen_random_uuid(), now(), '{1}', 1, now(), '')",
                "UPDATE crypto_drill SET at = now()",
                "DELETE FROM crypto_drill",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    as_role(role).execute(statement)

    def test_set_up_says_what_a_lost_root_key_means(self):
        done = manage("set_up")
        assert done.returncode == 0
        assert "every case is lost" in done.stdout
        assert "recovery split" in done.stdout
        _note()
        assert "every case is lost" not in manage("set_up").stdout


class TestStarting:
    """Web and worker start with the right root key alone (invariant 16), and warn of a weak place."""

    STARTS: dict[str, list[str]] = {
        "web": ["-c", "import config.wsgi"],
        "worker": ["-m", "celery", "-A", "config", "worker", "--pool", "solo", "--loglevel", "INFO"],
    }

    def _start(self, role: str, ends: str, **environment: str) -> tuple[int, str]:
        """Start a process and return its exit code and what it said until it ended, or until it said `ends`."""
        process = subprocess.Popen(
            [sys.executable, *self.STARTS[role]],
            cwd=ROOT,
            env={**os.environ, "CASEWORK_ROLE": role, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        patience = threading.Timer(40, process.kill)
        patience.start()
        shown = ""
        assert process.stdout is not None
        for line in process.stdout:
            shown += line
            if ends in shown:
                process.terminate()
        patience.cancel()
        return process.wait(30), shown

    @pytest.mark.parametrize("role", ["web", "worker"])
    def test_a_missing_or_wrong_root_key_names_the_version_and_never_the_key(self, role, tmp_path):
        wrong = tmp_path / "wrong.key"
        generate_root_key_file(wrong)
        for path in (tmp_path / "missing.key", wrong):
            code, shown = self._start(role, "rehearsed", CASEWORK_ROOT_KEY_FILE=str(path))
            assert code == 1, shown
            assert "wrapping key version 1" in shown
            assert "rehearsed" not in shown
            assert wrong.read_text().strip() not in shown
            assert root_provider("file", path=wrong).derive(b"cw/mark1").hex() not in shown

    @pytest.mark.parametrize("role", ["web", "worker"])
    def test_a_root_key_in_a_plain_file_and_no_rehearsal_are_warned_of(self, role):
        _code, shown = self._start(role, "was not rehearsed")
        assert "The root key lies in a plain file" in shown
        assert "The recovery of the root key was not rehearsed" in shown


class TestSheets:
    """What is printed."""

    def test_hold_every_word_and_a_code_of_all_of_them(self):
        from casework.printing import qr_codes, share_sheets

        share = recovery.split(crypto.root(), shares=5, threshold=3)[1]
        words = share.reveal_words()
        svg = qr_codes.svg(share_sheets.code_matrix(words))
        drawn = {(int(down) - 4, int(across) - 4) for across, down in re.findall(r"M(\d+) (\d+)h1v1h-1z", svg)}
        assert drawn == {
            (down, across)
            for down, row in enumerate(share_sheets.code_matrix(words))
            for across, black in enumerate(row)
            if black
        }
        given: list[Any] = []
        original = share_sheets.typeset
        try:
            share_sheets.typeset = lambda **values: given.append(values["values"]) or original(**values)  # type: ignore[assignment]
            sheet = share_papers.paper(share, shares=5, made_on=clock.today())
        finally:
            share_sheets.typeset = original
        assert given[0]["share"] == words
        assert given[0]["svg"] == svg
        assert given[0]["title"] == "Share 2 of 5"
        text = json.dumps(given[0])
        assert share.set_name in text
        assert "3 of 5" in text
        for name in ("Casework", "casework", "example.org", settings.BASE_URL):
            assert name not in text.replace(svg, "")
        with pikepdf.open(io.BytesIO(sheet)) as pdf:
            assert len(pdf.pages) == 1
            assert [round(float(side)) for side in pdf.pages[0].mediabox] == [0, 0, 595, 842]
            assert "/Author" not in (pdf.docinfo or {})
            printed = words_on(pdf.pages[0])
        assert set(words) <= set(printed)
        assert {str(number) for number in range(1, 34)} <= set(printed)
