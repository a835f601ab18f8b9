"""The demo's supervisor: what it refuses, before it starts anything."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from casework.operations import demo
from casework.operations.embedded.folder import Folder

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "casework.operations.demo", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


class TestStart:
    """A demo that cannot run says why in a sentence."""

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
    def test_is_refused_on_any_address_but_this_machines_own(
        self, tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert demo.main(["run", "--dir", str(tmp_path / "demo"), "--host", host]) == 1
        assert f"listens on 127.0.0.1 only, never on {host}" in capsys.readouterr().err
        assert not (tmp_path / "demo").exists()

    def test_names_another_port_when_its_own_is_taken_and_starts_nothing(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            ended = run("run", "--dir", str(tmp_path / "demo"), "--port", str(port))
        assert ended.returncode == 1
        assert ended.stderr.strip() == (
            f"Port {port} is taken by another program. Choose another: PORT={port + 1} make demo"
        )
        assert not (tmp_path / "demo" / "engines").exists()

    def test_is_refused_in_a_folder_with_other_things(self, tmp_path: Path) -> None:
        (tmp_path / "letters.txt").write_text("mine")
        ended = run("run", "--dir", str(tmp_path))
        assert ended.returncode == 1
        assert "other things in it" in ended.stderr
        assert [entry.name for entry in tmp_path.iterdir()] == ["letters.txt"]

    def test_is_refused_when_the_key_of_older_data_is_gone(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "demo", mark=".casework-demo", called="A demo")
        folder.take()
        folder.write_state({"keyed": True})
        folder.release()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        ended = run("run", "--dir", str(tmp_path / "demo"), "--port", str(port))
        assert ended.returncode == 1
        assert "root.key is gone" in ended.stderr
        assert not (tmp_path / "demo" / "keys" / "root.key").exists()


class TestReset:
    """It removes one folder of ours and nothing else."""

    def test_removes_a_demo_folder_whole(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder = Folder(tmp_path / "demo", mark=".casework-demo", called="A demo")
        folder.take()
        (folder.subfolder("files") / "one").write_text("")
        (tmp_path / "outside").write_text("kept")
        (tmp_path / "demo" / "link").symlink_to(tmp_path / "outside")
        folder.release()
        assert demo.main(["reset", "--dir", str(tmp_path / "demo")]) == 0
        assert [entry.name for entry in tmp_path.iterdir()] == ["outside"]
        assert "Removed" in capsys.readouterr().out

    def test_leaves_a_folder_without_the_mark_alone(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "letters.txt").write_text("mine")
        assert demo.main(["reset", "--dir", str(tmp_path)]) == 1
        assert "does not carry our mark" in capsys.readouterr().err
        assert (tmp_path / "letters.txt").read_text() == "mine"

    def test_leaves_a_demo_alone_that_is_running(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder = Folder(tmp_path / "demo", mark=".casework-demo", called="A demo")
        folder.take()
        assert demo.main(["reset", "--dir", str(tmp_path / "demo")]) == 1
        assert f"process {os.getpid()}" in capsys.readouterr().err
        assert (tmp_path / "demo" / ".casework-demo").exists()
        folder.release()

    def test_of_a_folder_that_is_not_there_is_no_error(self, tmp_path: Path) -> None:
        assert demo.main(["reset", "--dir", str(tmp_path / "none")]) == 0


class TestSignIn:
    """New links need a running demo."""

    def test_says_how_to_start_one(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert demo.main(["signin", "--dir", str(tmp_path)]) == 1
        assert "start it with `make demo`" in capsys.readouterr().err
