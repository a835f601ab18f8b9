"""Delivery: the age format, opened by the reference program."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pyrage  # type: ignore[import-untyped]  # it ships no types
import pytest

from casework.printing import delivery
from casework.printing.delivery import InvalidRecipient, RecipientProblem

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"%PDF-1.7 synthetic " * 5_000


class TestRecipients:
    """A dossier opens for the keys that it was made for, and no other."""

    def test_open_it_with_the_reference_program(self, tmp_path: Path) -> None:
        identity = pyrage.x25519.Identity.generate()
        (tmp_path / "key").write_text(str(identity), encoding="ascii")
        (tmp_path / "dossier.age").write_bytes(delivery.encrypt_for_recipients(DATA, [str(identity.to_public())]))
        opened = subprocess.run(
            ["age", "--decrypt", "-i", tmp_path / "key", tmp_path / "dossier.age"], check=True, capture_output=True
        )
        assert opened.stdout == DATA

    def test_with_an_ssh_key_open_it_with_the_reference_program(self, tmp_path: Path) -> None:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "synthetic", "-f", tmp_path / "key"], check=True
        )
        public = (tmp_path / "key.pub").read_text(encoding="ascii")
        (tmp_path / "dossier.age").write_bytes(delivery.encrypt_for_recipients(DATA, [public]))
        opened = subprocess.run(
            ["age", "--decrypt", "-i", tmp_path / "key", tmp_path / "dossier.age"], check=True, capture_output=True
        )
        assert opened.stdout == DATA

    def test_can_be_several(self) -> None:
        identities = [pyrage.x25519.Identity.generate() for _ in range(2)]
        sealed = delivery.encrypt_for_recipients(DATA, [str(identity.to_public()) for identity in identities])
        assert [pyrage.decrypt(sealed, [identity]) for identity in identities] == [DATA, DATA]

    def test_do_not_include_a_stranger(self) -> None:
        ours, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
        sealed = delivery.encrypt_for_recipients(DATA, [str(ours.to_public())])
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(sealed, [stranger])

    def test_may_be_written_in_capitals_and_with_spaces_around(self) -> None:
        identity = pyrage.x25519.Identity.generate()
        sealed = delivery.encrypt_for_recipients(DATA, [f"  {str(identity.to_public()).upper()}\n"])
        assert pyrage.decrypt(sealed, [identity]) == DATA

    @pytest.mark.parametrize(
        ("recipient", "problem"),
        [
            ("", RecipientProblem.UNKNOWN_KIND),
            ("somebody@example.org", RecipientProblem.UNKNOWN_KIND),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ==", RecipientProblem.UNKNOWN_KIND),
            ("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", RecipientProblem.MALFORMED),
            ("age1", RecipientProblem.MALFORMED),
            ("ssh-ed25519 AAAA", RecipientProblem.MALFORMED),
            ("AGE-SECRET-KEY-1QQQQ", RecipientProblem.PRIVATE_KEY),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", RecipientProblem.PRIVATE_KEY),
        ],
    )
    def test_that_are_no_public_keys_are_refused(self, recipient: str, problem: RecipientProblem) -> None:
        good = str(pyrage.x25519.Identity.generate().to_public())
        with pytest.raises(InvalidRecipient) as refusal:
            delivery.encrypt_for_recipients(DATA, [good, recipient])
        assert (refusal.value.position, refusal.value.problem) == (2, problem)
        assert not recipient or recipient not in str(refusal.value)

    def test_with_one_letter_mistyped_are_refused(self) -> None:
        good = str(pyrage.x25519.Identity.generate().to_public())
        with pytest.raises(InvalidRecipient):
            delivery.encrypt_for_recipients(DATA, [good[:-1] + ("q" if good[-1] != "q" else "p")])

    def test_must_be_given(self) -> None:
        with pytest.raises(InvalidRecipient) as refusal:
            delivery.encrypt_for_recipients(DATA, [])
        assert refusal.value.problem is RecipientProblem.NONE_GIVEN


class TestPassphrase:
    """For who has no key: read out on the telephone, shown once."""

    def test_opens_the_file_and_another_does_not(self) -> None:
        passphrase = delivery.new_passphrase()
        sealed = delivery.encrypt_with_passphrase(DATA, passphrase)
        assert pyrage.passphrase.decrypt(sealed, passphrase) == DATA
        with pytest.raises(pyrage.DecryptError):
            pyrage.passphrase.decrypt(sealed, passphrase + "X")

    def test_is_six_groups_without_letters_that_look_alike(self) -> None:
        assert re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}", delivery.new_passphrase())

    def test_is_new_each_time(self) -> None:
        assert len({delivery.new_passphrase() for _ in range(100)}) == 100

    @pytest.mark.parametrize("passphrase", ["", "  "])
    def test_must_not_be_empty(self, passphrase: str) -> None:
        with pytest.raises(ValueError, match="must not be empty"):
            delivery.encrypt_with_passphrase(DATA, passphrase)
