from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casework.crypto.signing import (
    SigningKeyError,
    generate_signing_key_file,
    load_signing_key,
    mac,
    mac_matches,
    verify,
)


class TestSigningKey:
    """The sealer's Ed25519 key."""

    def test_signs_what_its_public_half_verifies(self, tmp_path: Path) -> None:
        public = generate_signing_key_file(tmp_path / "key")
        key = load_signing_key(tmp_path / "key")
        signature = key.sign(b"checkpoint")
        assert key.public() == public
        assert len(public) == 32
        assert len(signature) == 64
        assert verify(b"checkpoint", signature, public)

    def test_does_not_verify_anything_else(self, tmp_path: Path) -> None:
        public = generate_signing_key_file(tmp_path / "key")
        other = generate_signing_key_file(tmp_path / "other")
        signature = load_signing_key(tmp_path / "key").sign(b"checkpoint")
        assert not verify(b"other", signature, public)
        assert not verify(b"checkpoint", signature, other)
        assert not verify(b"checkpoint", signature[:-1] + bytes([signature[-1] ^ 1]), public)
        assert not verify(b"checkpoint", b"", public)
        assert not verify(b"checkpoint", signature, b"short")

    def test_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        generate_signing_key_file(tmp_path / "key")
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        with pytest.raises(FileExistsError):
            generate_signing_key_file(tmp_path / "key")

    def test_that_is_missing_or_open_to_others_or_no_key_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        with pytest.raises(SigningKeyError, match="cannot be read"):
            load_signing_key(path)
        generate_signing_key_file(path)
        path.chmod(0o640)
        with pytest.raises(SigningKeyError, match="chmod 600"):
            load_signing_key(path)
        path.chmod(0o600)
        path.write_text("synthetic", encoding="ascii")
        with pytest.raises(SigningKeyError, match="no Ed25519") as found:
            load_signing_key(path)
        assert "synthetic" not in str(found.value)

    def test_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        path.touch(mode=0o600)
        path.write_bytes(
            X25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        with pytest.raises(SigningKeyError, match="no Ed25519"):
            load_signing_key(path)


class TestMac:
    """RFC 4231, case 2."""

    def test_has_the_published_value(self) -> None:
        found = mac(b"Jefe", b"what do ya want for nothing?")
        assert found.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    def test_matches_whole_or_cut_to_16_bytes_and_not_shorter(self) -> None:
        full = mac(b"key", b"message")
        assert mac_matches(b"key", b"message", full)
        assert mac_matches(b"key", b"message", full[:16])
        assert not mac_matches(b"key", b"message", full[:15])
        assert not mac_matches(b"key", b"other", full)
        assert not mac_matches(b"other", b"message", full[:16])
