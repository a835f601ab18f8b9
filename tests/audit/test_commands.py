"""`audit_checkpoint` and `verify_audit`, as the sealer's database role and as processes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from casework.audit import chain, seal, services
from casework.crypto import services as crypto
from tests.audit.world import FIRST, SECOND
from tests.conftest import ROOT, running_as


def run(*arguments: str) -> tuple[int, str]:
    """Run a command here and return its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as stopped:
        return int(stopped.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.CASEWORK_CHECKPOINT_DIR = str(tmp_path / "notes")


class TestAuditCheckpoint:
    def test_seals_and_signs(self, trail):
        trail.write(FIRST, "case.read")
        code, printed = run("audit_checkpoint")
        assert (code, printed) == (0, "1 events sealed, checkpoint signed.\n")
        assert seal.waiting() == 0

    def test_writes_the_newest_note_also_when_nothing_is_new(self, trail, tmp_path):
        code, _printed = run("audit_checkpoint", "--out", str(tmp_path / "note"))
        assert code == 0
        assert (tmp_path / "note").read_text(encoding="utf-8") == trail.notes[-1]

    def test_prints_json(self, trail, tmp_path):
        trail.write(FIRST, "case.read")
        code, printed = run("audit_checkpoint", "--json", "--out", str(tmp_path / "note"))
        answer = json.loads(printed)
        assert (code, answer["sealed"], answer["refused"]) == (0, 1, [])
        assert answer["note"] == (tmp_path / "note").read_text(encoding="utf-8")

    @pytest.mark.parametrize("as_json", [[], ["--json"]])
    def test_reports_what_it_refused(self, trail, as_json):
        trail.write(FIRST, "case.read")
        trail.execute("UPDATE audit_entry SET reason = 9 WHERE stream = %s AND seq = 4", FIRST)
        code, printed = run("audit_checkpoint", *as_json)
        assert code == 1
        assert str(FIRST) in printed
        assert "4" in printed

    def test_of_an_empty_trail_has_nothing_to_write(self, trail, tmp_path):
        trail.execute("TRUNCATE audit_entry, audit_head, audit_leaf, audit_sealedhead, audit_checkpoint")
        trail.execute("UPDATE audit_tree SET size = 0, frontier = ''")
        assert run("audit_checkpoint")[0] == 0
        code, said = run("audit_checkpoint", "--out", str(tmp_path / "note"))
        assert (code, "nothing to sign" in said) == (1, True)

    def test_does_not_sign_a_changed_log(self, trail):
        trail.execute("UPDATE audit_tree SET size = 0, frontier = ''")
        assert run("audit_checkpoint")[0] == 1

    @pytest.mark.parametrize("every", ["0", "-1"])
    def test_misused_says_so(self, trail, every):
        assert run("audit_checkpoint", "--every", every)[0] == 2

    def test_without_its_key_says_what_to_do(self, trail, settings):
        settings.CASEWORK_SEALER_KEY_FILE = ""
        assert run("audit_checkpoint") == (2, "Set CASEWORK_SEALER_KEY_FILE to the sealer's key.")
        settings.CASEWORK_SEALER_KEY_FILE = "/nowhere/sealer.key"
        assert run("audit_checkpoint")[0] == 2

    def test_as_the_sealer_goes_on_until_it_is_stopped(self, trail, monkeypatch):
        handled: dict[int, Any] = {}
        monkeypatch.setattr(signal, "signal", handled.__setitem__)
        rounds: list[float] = []

        def keep(_self: seal.Sealer, wait: Any, *, every: float, tell: Any) -> None:
            assert not wait(0)
            handled[signal.SIGTERM](signal.SIGTERM, None)
            assert wait(60)
            rounds.append(every)

        monkeypatch.setattr(seal.Sealer, "keep_sealing", keep)
        assert run("audit_checkpoint", "--every", "7")[0] == 0
        assert rounds == [7.0]
        assert set(handled) == {signal.SIGTERM, signal.SIGINT}


class TestVerifyAudit:
    def test_says_that_nothing_is_wrong(self, trail):
        code, printed = run("verify_audit")
        assert code == 0
        assert "nothing is wrong" in printed
        assert "not checked" not in printed

    def test_prints_json(self, trail):
        code, printed = run("verify_audit", "--json")
        report = json.loads(printed)
        assert (code, report["ok"], report["findings"], report["checkpoints"]) == (0, True, [], 1)
        assert report["signatures_checked"]

    @pytest.mark.parametrize("as_json", [[], ["--json"]])
    def test_names_the_first_bad_entry(self, trail, as_json):
        trail.execute("UPDATE audit_entry SET reason = 9 WHERE stream = %s AND seq = 2", FIRST)
        code, printed = run("verify_audit", *as_json)
        assert code == 1
        if as_json:
            assert json.loads(printed)["findings"][0] == {
                "kind": "edited",
                "stream": str(FIRST),
                "seq": 2,
                "message": "The event is not what its hash was taken over.",
            }
        else:
            assert printed.splitlines()[0].startswith(f"edited: stream {FIRST}, event 2: ")

    def test_of_one_case_is_by_id_or_reference(self, trail, monkeypatch):
        trail.execute("UPDATE audit_entry SET reason = 9 WHERE stream = %s AND seq = 2", FIRST)
        monkeypatch.setattr(services, "_case_resolver", [{"K7Q2-M4XD": SECOND}.get])
        assert run("verify_audit", "--case", str(FIRST))[0] == 1
        assert run("verify_audit", "--case", str(SECOND))[0] == 0
        assert run("verify_audit", "--case", "K7Q2-M4XD")[0] == 0
        assert run("verify_audit", "--case", "K7Q2-AAAA")[0] == 2

    def test_compares_with_a_checkpoint_kept_elsewhere(self, trail, tmp_path):
        kept = tmp_path / "kept"
        kept.write_text("".join(trail.notes), encoding="utf-8")
        assert run("verify_audit", "--checkpoint", str(kept))[0] == 0
        trail.execute("DELETE FROM audit_checkpoint")
        trail.execute("DELETE FROM audit_leaf")
        trail.execute("DELETE FROM audit_sealedhead")
        trail.execute("UPDATE audit_tree SET size = 0, frontier = ''")
        assert run("verify_audit")[0] == 0
        code, printed = run("verify_audit", "--checkpoint", str(kept))
        assert (code, printed.splitlines()[0].split(":")[0]) == (1, "cut off")

    def test_finds_a_checkpoint_file_that_was_changed(self, trail, tmp_path):
        kept = tmp_path / "kept"
        kept.write_text(trail.notes[0].replace("\ntime 20", "\ntime 19"), encoding="utf-8")
        code, printed = run("verify_audit", "--checkpoint", str(kept))
        assert (code, "no good signature" in printed) == (1, True)

    @pytest.mark.parametrize("content", ["", "garbage\n", "\xff"])
    def test_misused_with_a_file_that_is_none_says_so(self, trail, tmp_path, content):
        (tmp_path / "kept").write_bytes(content.encode("latin-1"))
        assert run("verify_audit", "--checkpoint", str(tmp_path / "kept"))[0] == 2
        assert run("verify_audit", "--checkpoint", str(tmp_path / "missing"))[0] == 2

    def test_takes_the_public_key_that_it_is_given(self, trail, tmp_path, settings):
        key, kept = tmp_path / "key", tmp_path / "kept"
        key.write_text(chain.verifier_key(settings.CASEWORK_ORIGIN, trail.sealer.key.public()))
        kept.write_text(trail.notes[-1], encoding="utf-8")
        settings.CASEWORK_SEALER_KEY_FILE = ""
        assert run("verify_audit", "--checkpoint", str(kept), "--key", str(key))[0] == 0
        assert run("verify_audit", "--checkpoint", str(kept))[0] == 2
        code, printed = run("verify_audit")
        assert (code, "were not checked" in printed) == (0, True)
        key.write_text("garbage")
        assert run("verify_audit", "--key", str(key))[0] == 2

    def test_goes_on_from_a_position(self, trail, tmp_path, few, monkeypatch):
        few(1)
        place = tmp_path / "position"
        written = seal.write_whole
        seen: list[dict[str, Any]] = []

        def write(path: Path, text: str) -> None:
            written(path, text)
            seen.append(json.loads(text))
            if len(seen) == 3:
                raise KeyboardInterrupt

        monkeypatch.setattr(seal, "write_whole", write)
        with pytest.raises(KeyboardInterrupt):
            run("verify_audit", "--position", str(place))
        code, printed = run("verify_audit", "--position", str(place), "--json")
        assert (code, json.loads(printed)["ok"]) == (0, True)
        assert seen[3]["entries"] == seen[2]["entries"] + 1
        assert not place.exists()

    @pytest.mark.parametrize("content", ["garbage", '{"other": 1}', "[]"])
    def test_refuses_a_position_that_is_none(self, trail, tmp_path, content):
        (tmp_path / "position").write_text(content)
        assert run("verify_audit", "--position", str(tmp_path / "position"))[0] == 2

    def test_without_the_key_of_the_macs_says_so(self, trail):
        crypto.forget_process_keys()
        trail.execute("DELETE FROM crypto_keywrap WHERE scope = %s", crypto.INSTALLATION)
        assert run("verify_audit")[0] == 2
        crypto.forget_process_keys()


@pytest.mark.django_db(transaction=True)
class TestAsTheSealersRole:
    """Behind the database's walls, with the keys that they leave to that role."""

    @pytest.fixture(autouse=True)
    def _as_sealer(self) -> Iterator[None]:
        crypto.forget_process_keys()
        with running_as("sealer"):
            yield

    def test_both_commands_do_their_work(self, tmp_path):
        note = tmp_path / "note"
        assert run("audit_checkpoint", "--out", str(note))[0] == 0
        code, printed = run("verify_audit", "--checkpoint", str(note), "--json")
        report = json.loads(printed)
        assert (code, report["ok"]) == (0, True)
        assert report["entries"] == report["sealed"] > 0


@pytest.mark.django_db(transaction=True)
class TestAsProcesses:
    def test_the_sealer_ends_when_it_is_asked_to(self, tmp_path):
        folder = tmp_path / "notes"
        environment = {**os.environ, "CASEWORK_ROLE": "sealer", "CASEWORK_CHECKPOINT_DIR": str(folder)}
        with subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "audit_checkpoint", "--every", "1"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as sealer:
            for _ in range(300):
                if list(folder.glob("*/*.note")):
                    break
                time.sleep(0.1)
            sealer.terminate()
            out, problems = sealer.communicate(timeout=30)
        assert sealer.returncode == 0, problems
        assert "checkpoint signed" in out
        assert len(list(folder.glob("*/*.note"))) == 1

    def test_unknown_cases_are_wrong_usage(self):
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "verify_audit", "--case", str(uuid4()), "--json"],
            env={**os.environ, "CASEWORK_ROLE": "sealer"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert json.loads(done.stdout)["entries"] == 0
