"""The command `deadlines`, as a caseworker's script runs it: a process of its own with an empty environment."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from casework.law import cli, packs

ROOT = Path(__file__).resolve().parents[2]
FACTS = {
    "country": "FR",
    "person": {"minor": False, "unaccompanied": False},
    "family": [{"relation": "spouse", "state": "DE", "status": "protected", "consent_on": "2026-09-05"}],
    "facts": [
        {"fact": "application-registered", "on": "2026-09-01", "state": "FR"},
        {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
        {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
    ],
}
MEMBERS = [
    "rule",
    "starts",
    "due",
    "due_strict",
    "due_rolled",
    "reading",
    "state",
    "whose",
    "on_expiry",
    "legal_basis",
    "source",
    "confidence",
    "because",
    "would_change",
]


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with nothing in its environment."""
    command = [sys.executable, "-m", "casework.law.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env={}, input=given, capture_output=True, text=True, check=False)


@pytest.fixture
def facts_file(tmp_path: Path) -> Path:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FACTS), "utf-8")
    return path


class TestTheCommand:
    """`deadlines FILE [--on DATE] [--lang en] [--json]`."""

    def test_prints_the_json_of_the_design(self, facts_file: Path) -> None:
        result = run(str(facts_file), "--on", "2026-09-20", "--json")
        assert (result.returncode, result.stderr) == (0, "")
        output = json.loads(result.stdout)
        assert list(output) == ["regime", "status", "responsible_state", "deadlines", "warnings"]
        assert (output["regime"], output["status"], output["responsible_state"]) == ("ammr", "take-back-notified", None)
        limit = next(d for d in output["deadlines"] if d["rule"] == "ammr-take-back-confirm-2w")
        assert list(limit) == MEMBERS
        assert (limit["starts"], limit["due"], limit["reading"]) == ("2026-09-10", "2026-09-24", None)
        assert (limit["state"], limit["whose"], limit["confidence"]) == ("running", "HR", "verified")
        met = next(d for d in output["deadlines"] if d["rule"] == "ammr-take-back-notify-2w")
        assert met["met_on"] == "2026-09-10"

    def test_says_what_would_change_each_limit(self, facts_file: Path) -> None:
        result = run(str(facts_file), "--on", "2026-09-20", "--json")
        limit = next(d for d in json.loads(result.stdout)["deadlines"] if d["rule"] == "ammr-take-back-confirm-2w")
        assert limit["would_change"][0].startswith("It is met by any of these, up to 24 September 2026")
        printed = run(str(facts_file), "--on", "2026-09-20").stdout
        assert f"      - {limit['would_change'][0]}" in printed

    def test_reads_standard_input(self) -> None:
        result = run("-", "--on", "2026-09-20", "--json", given=json.dumps(FACTS))
        assert json.loads(result.stdout)["regime"] == "ammr"

    def test_prints_a_table_for_people(self, facts_file: Path) -> None:
        result = run(str(facts_file), "--on", "2026-10-20")
        assert result.returncode == 0
        assert "On 20 October 2026: Accepted." in result.stdout
        assert "Responsible: Croatia." in result.stdout
        assert "24 September 2026" in result.stdout
        assert "To beware of:" in result.stdout

    def test_takes_today_when_no_day_is_given(self, facts_file: Path) -> None:
        result = run(str(facts_file), "--json")
        assert result.returncode == 0

    def test_expired_limits_are_results_and_not_errors(self, facts_file: Path) -> None:
        result = run(str(facts_file), "--on", "2030-01-01", "--json")
        assert result.returncode == 0
        assert any(d["state"] == "expired" for d in json.loads(result.stdout)["deadlines"])

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ('{"country": "FR", "facts": [{"fact": "eurodac-hit", "on": "2026-09-02"}]}', "facts[0] (eurodac-hit)"),
            ('{"country": "FR", "facts": [{"fact": "x", "on": "2026-09-02"}]}', "'x' is not a known fact"),
            ('{"country": "FR", "country": "DE"}', "'country' stands twice"),
            ('{"country": "FR",}', "is not JSON"),
            ("[" * 100_000, "nested too deeply"),
            ("", "is not JSON"),
        ],
    )
    def test_refuses_facts_that_it_cannot_use(self, content: str, reason: str) -> None:
        result = run("-", given=content)
        assert (result.returncode, result.stdout) == (2, "")
        assert reason in result.stderr
        assert result.stderr.startswith("deadlines: ")
        assert "Traceback" not in result.stderr

    @pytest.mark.parametrize(
        "arguments", [(), ("--on", "tomorrow", "-"), ("/nowhere/facts.json",), ("--lang", "xx", "-"), ("--huh",)]
    )
    def test_refuses_wrong_usage(self, arguments: tuple[str, ...]) -> None:
        result = run(*arguments, given=json.dumps(FACTS))
        assert (result.returncode, result.stdout) == (2, "")
        assert "Traceback" not in result.stderr

    def test_refuses_what_is_not_text(self, tmp_path: Path) -> None:
        path = tmp_path / "facts.json"
        path.write_bytes(b"\xff\xfe{}")
        result = run(str(path))
        assert (result.returncode, "is not UTF-8 text" in result.stderr) == (2, True)

    def test_explains_itself(self) -> None:
        assert run("--help").returncode == 0


class TestMain:
    """The function behind it, for a caller with a clock of its own."""

    def test_asks_the_callers_clock_for_the_day_in_the_case_s_state(
        self, facts_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked: list[str] = []

        def today(country: str) -> date:
            asked.append(country)
            return date(2026, 9, 24)

        assert cli.main([str(facts_file), "--json"], today=today) == 0
        assert asked == ["FR"]
        assert json.loads(capsys.readouterr().out)["status"] == "take-back-notified"

    def test_needs_no_django(self) -> None:
        code = "import sys, casework.law.cli; sys.exit('django' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, check=False)
        assert done.returncode == 0

    def test_prints_a_case_without_facts(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        path = tmp_path / "facts.json"
        path.write_text('{"country": "FR"}', "utf-8")
        assert cli.main([str(path), "--on", "2026-11-20"]) == 0
        printed = capsys.readouterr().out
        assert "To beware of:" not in printed
        assert "changes on" not in printed

    def test_prints_what_it_asks_instead_of_a_date(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        rule = next(
            rule
            for rule in packs.load()
            if rule.asks and rule.place and [spec.text for spec in rule.starts_on] == ["transfer-decision-notified"]
        )
        path = tmp_path / "facts.json"
        notified = {"fact": "transfer-decision-notified", "on": "2026-11-16"}
        path.write_text(json.dumps({"country": rule.place, "facts": [notified]}), "utf-8")
        assert cli.main([str(path), "--on", "2026-11-20", "--json"]) == 0
        asked = json.loads(capsys.readouterr().out)["questions"]
        question = next(it for it in asked if it["rule"] == rule.id)
        assert list(question) == ["rule", "label", "text", "legal_basis", "source", "confidence"]
        assert (question["source"], question["confidence"]) == (rule.source, "unverified")
        assert cli.main([str(path), "--on", "2026-11-20"]) == 0
        printed = capsys.readouterr().out
        assert "To find out before a date can be given:" in printed
        assert f"{question['label']}: {question['text']}" in printed
        assert f"{rule.id}: {rule.legal_basis}, {rule.source}" in printed

    def test_prints_both_readings(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        path = tmp_path / "facts.json"
        registered = {"fact": "application-registered", "on": "2026-06-15"}
        path.write_text(json.dumps({"country": "FR", "facts": [registered]}), "utf-8")
        assert cli.main([str(path), "--on", "2026-07-02"]) == 0
        printed = capsys.readouterr().out
        assert "Take charge request [A]" in printed
        assert "Take charge request [B]" in printed

    @pytest.mark.parametrize(
        ("content", "reason"),
        [("{", "is not JSON"), ("[" * 100_000, "nested too deeply"), ('{"a": 1, "a": 2}', "stands twice")],
    )
    def test_refuses_facts_that_it_cannot_use(
        self, content: str, reason: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "facts.json"
        path.write_text(content, "utf-8")
        assert cli.main([str(path)]) == cli.WRONG_USAGE
        assert reason in capsys.readouterr().err

    def test_refuses_files_that_cannot_be_read(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "bytes").write_bytes(b"\xff")
        assert cli.main([str(tmp_path / "bytes")]) == cli.WRONG_USAGE
        assert cli.main([str(tmp_path / "nothing")]) == cli.WRONG_USAGE
        assert cli.main(["--huh"]) == cli.WRONG_USAGE
        assert cli.main([str(tmp_path / "bytes"), "--on", "x"]) == cli.WRONG_USAGE
        assert "cannot be read" in capsys.readouterr().err

    def test_reads_standard_input(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(FACTS)))
        assert cli.main(["-"]) == 0
        assert capsys.readouterr().out

    def test_knows_the_day_in_a_state(self) -> None:
        assert abs((cli.today_in("FR") - cli.today_in("XZ")).days) <= 1
