"""The proof of one case's trail: checked by the script for lawyers alone, and refused after any change."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from casework.audit import chain, proof, seal
from casework.audit import services as audit
from casework.core import work
from casework.crypto import signing
from tests import cast
from tests.conftest import running_as

SCRIPT = Path(settings.BASE_DIR) / "docs" / "verify_proof.py"


def sealed() -> seal.Sealer:
    with running_as("sealer"):
        made = seal.Sealer(signing.load_signing_key(settings.CASEWORK_SEALER_KEY_FILE), settings.CASEWORK_ORIGIN)
        made.catch_up()
    return made


def run(path: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the script as a lawyer would: on its own, isolated from this project and without its settings."""
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(path), "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,
        env={"PATH": "/usr/bin"},
    )
    return done.returncode, json.loads(done.stdout)


def nobody(_: Any) -> dict[Any, str]:
    return {}


def written(folder: Path, given: dict[str, Any]) -> Path:
    path = folder / "proof.json"
    path.write_text(json.dumps(given))
    return path


@pytest.fixture
def case_id(transactional_db, people):
    made = cast.open_a_case(people)
    for _ in range(3):
        with cast.acting(people.wanda):
            audit.record("case.read", case=made, obj=made, body={"why": "synthetic"})
    for _ in range(5):
        cast.open_a_case(people, "otto")
    return made


@pytest.fixture
def made(case_id, people):
    sealed()
    with cast.acting(people.wanda):
        return proof.of_case(case_id, names=lambda _: {people.wanda: "Wanda Wójcik"})


class TestAProof:
    def test_is_found_good_by_the_script_alone(self, made, tmp_path):
        code, said = run(written(tmp_path, made))
        assert (code, said["wrong"]) == (0, "")
        assert said["proved"][0].startswith(f"Entries 1 to {len(made['entries'])} are in the log")
        assert "was the last of this case" in said["proved"][1]

    def test_tells_what_happened_in_words(self, made, tmp_path):
        done = subprocess.run(
            [sys.executable, "-I", str(SCRIPT), str(written(tmp_path, made))],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.count("Wanda Wójcik: ") == len(made["entries"])
        assert "Created the case" in done.stdout or "case" in done.stdout.lower()
        assert "PROVED: " in done.stdout

    def test_holds_under_the_key_that_lies_beside_the_checkpoints(self, made, tmp_path):
        key = tmp_path / "sealer.pub"
        key.write_text(made["key"] + "\n")
        assert run(written(tmp_path, made), "--key", str(key))[0] == 0
        other = chain.verifier_key(settings.CASEWORK_ORIGIN, bytes(range(32)))
        code, said = run(written(tmp_path, made), "--key", other)
        assert code == 1
        assert "not the key that you named" in said["wrong"]

    def test_tells_entries_that_wait_for_the_sealer_apart(self, case_id, people, tmp_path):
        sealed()
        with cast.acting(people.wanda):
            audit.record("case.read", case=case_id, obj=case_id)
        with cast.acting(people.wanda):
            found = proof.of_case(case_id, names=nobody)
        code, said = run(written(tmp_path, found))
        assert code == 0
        last = len(found["entries"])
        assert f"Entries {last} to {last} follow one another, and were not signed yet." in said["proved"]

    def test_shows_that_the_log_goes_on_from_an_earlier_checkpoint(self, made, case_id, people, tmp_path):
        earlier = tmp_path / "dossier.txt"
        earlier.write_text(made["checkpoint"])
        size = chain.read_note(made["checkpoint"]).size
        for _ in range(4):
            cast.open_a_case(people, "otto")
        sealed()
        with cast.acting(people.wanda):
            found = proof.of_case(case_id, names=nobody, since=size)
        code, said = run(written(tmp_path, found), "--checkpoint", str(earlier))
        assert (code, said["wrong"]) == (0, "")
        assert said["proved"][-1].startswith("Nothing that was there on ")
        found["earlier"]["proof"][0] = base64.b64encode(bytes(32)).decode()
        assert run(written(tmp_path, found), "--checkpoint", str(earlier))[0] == 1
        found["earlier"] = None
        assert run(written(tmp_path, found), "--checkpoint", str(earlier))[0] == 2

    def test_refuses_a_size_that_no_checkpoint_names(self, made, case_id, people):
        with cast.acting(people.wanda), pytest.raises(proof.NoSuchCheckpoint):
            proof.of_case(case_id, names=nobody, since=1)

    def test_waits_for_the_sealer(self, case_id, people):
        with cast.acting(people.wanda), pytest.raises(proof.NotSealed):
            proof.of_case(case_id, names=nobody)

    def test_is_not_to_be_had_by_whoever_does_not_see_the_case(self, case_id, people):
        sealed()
        with cast.acting(people.otto), pytest.raises(proof.NotSealed):
            proof.of_case(case_id, names=nobody)
        with work.acting(work.Actor(people.aud)), pytest.raises(proof.NotSealed):
            proof.of_case(case_id, names=nobody)


class TestAnyChange:
    """Security design, invariant 38: the script fails after any one-byte change of what is proved."""

    def changed(self, given: dict[str, Any]):
        for place, entry in enumerate(given["entries"]):
            for name, value in entry.items():
                other = copy.deepcopy(given)
                if isinstance(value, int):
                    other["entries"][place][name] = value + 1
                elif name in {"row_digest", "body"}:
                    data = bytearray(base64.b64decode(value))
                    data[len(data) // 2] ^= 1
                    other["entries"][place][name] = base64.b64encode(bytes(data)).decode()
                else:
                    other["entries"][place][name] = value[:-1] + ("0" if value[-1] != "0" else "1")
                yield f"{name} of entry {place + 1}", other
            gone = copy.deepcopy(given)
            del gone["entries"][place]
            yield f"without entry {place + 1}", gone
        swapped = copy.deepcopy(given)
        swapped["entries"][1], swapped["entries"][2] = swapped["entries"][2], swapped["entries"][1]
        yield "two entries swapped", swapped
        for name in ("sealed", "last_on_day"):
            for step in range(len(given[name]["proof"])):
                other = copy.deepcopy(given)
                data = bytearray(base64.b64decode(other[name]["proof"][step]))
                data[0] ^= 1
                other[name]["proof"][step] = base64.b64encode(bytes(data)).decode()
                yield f"step {step} of {name}", other
            for member in ("seq", "index"):
                other = copy.deepcopy(given)
                other[name][member] -= 1
                yield f"{member} of {name}", other
        for at in range(0, len(given["checkpoint"]), 7):
            other = copy.deepcopy(given)
            letter = "A" if given["checkpoint"][at] != "A" else "B"
            other["checkpoint"] = given["checkpoint"][:at] + letter + given["checkpoint"][at + 1 :]
            yield f"letter {at} of the checkpoint", other
        stranger = copy.deepcopy(given)
        stranger["case"] = stranger["case"][:-1] + ("0" if stranger["case"][-1] != "0" else "1")
        yield "another case", stranger

    def test_is_found(self, made, monkeypatch, capsys):
        # In this process: some hundred runs of the script would take minutes.
        import importlib.util

        spec = importlib.util.spec_from_file_location("verify_proof", SCRIPT)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        assert script.check(made, None, [])[1] == len(made["entries"])
        tried = 0
        for what, other in self.changed(made):
            tried += 1
            with pytest.raises((script.Wrong, script.Unreadable, ValueError)):
                script.check(other, None, [])
                pytest.fail(f"not found: {what}")
        assert tried > 80

    def test_by_somebody_with_a_key_of_their_own_is_found_by_the_key(self, made, tmp_path):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        own = Ed25519PrivateKey.generate()
        public = own.public_key().public_bytes_raw()
        said = chain.read_note(made["checkpoint"])
        forged = copy.deepcopy(made)
        forged["last_on_day"] = None
        forged["key"] = chain.verifier_key(said.origin, public)
        forged["checkpoint"] = chain.sign_note(said, public, own.sign)
        assert run(written(tmp_path, forged))[0] == 0  # as its text says: the signature is worth as much as the key
        assert run(written(tmp_path, forged), "--key", made["key"])[0] == 1


class TestTheLogGoesOn:
    """RFC 6962, section 2.1.2: our proofs satisfy the script's check, which is written from RFC 9162."""

    @given(size=st.integers(1, 200), data=st.data())
    def test_for_every_pair_of_sizes(self, size, data):
        import importlib.util

        spec = importlib.util.spec_from_file_location("verify_proof", SCRIPT)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        before = data.draw(st.integers(1, size))
        index = data.draw(st.integers(0, size - 1))
        leaves = [chain.leaf_hash(bytes(16), number, bytes(32)) for number in range(size)]
        root = chain.root_of(leaves)
        steps = [chain.root_of(leaves[first:past]) for first, past in chain.consistency_ranges(before, size)]
        script.check_goes_on(before, chain.root_of(leaves[:before]), size, root, steps)
        way = [chain.root_of(leaves[first:past]) for first, past in chain.proof_ranges(index, size)]
        assert script.root_by_inclusion(leaves[index], index, size, way) == root
        if before < size:
            with pytest.raises(script.Wrong):
                script.check_goes_on(before, bytes(32), size, root, steps)
            for place in range(len(steps)):
                wrong = [bytes(32) if at == place else step for at, step in enumerate(steps)]
                with pytest.raises(script.Wrong):
                    script.check_goes_on(before, chain.root_of(leaves[:before]), size, root, wrong)
