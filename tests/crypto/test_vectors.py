"""Published vectors of what we build on, and fixed ones of our own formats: `vectors.json` is never made again."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from casework.crypto import envelope, signing
from casework.crypto._aead import ALG_AES_GCM, ALG_AES_GCM_SIV, ALG_CHACHA20, cipher
from casework.crypto.envelope import Place
from casework.crypto.keyring import EnvRoot, Kek, ScopeKeys, commitment

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
SCOPE, PARENT, ROW, FILE = (UUID(VECTORS[name]) for name in ("scope", "parent", "row", "file"))
KEYS = ScopeKeys(SCOPE, VECTORS["generation"], bytes.fromhex(VECTORS["dek"]))
PARENT_KEYS = ScopeKeys(PARENT, VECTORS["parent_generation"], bytes.fromhex(VECTORS["parent_dek"]))
KEK = Kek(VECTORS["kek_version"], bytes.fromhex(VECTORS["kek"]))
FILE_KEY = bytes.fromhex(VECTORS["file_key"])
PLACE = Place(VECTORS["table"], ROW, VECTORS["field"])


@pytest.fixture
def fixed_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    nonce = bytes.fromhex(VECTORS["nonce"])
    monkeypatch.setattr("casework.crypto._aead.os.urandom", lambda size: nonce[:size])


def value_of(vector: dict[str, Any]) -> Any:
    if vector["type"] == "date":
        return date.fromisoformat(vector["value"])
    return bytes.fromhex(vector["value"]) if vector["type"] == "bytes" else vector["value"]


class TestPublishedVectors:
    """RFC 5869, RFC 8452, RFC 8439, RFC 8032 and NIST's for AES-256-GCM."""

    @pytest.mark.parametrize(
        ("prk", "info", "okm"),
        [
            (
                "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
                "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
            ),
            (
                "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
                "",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
            ),
        ],
    )
    def test_hkdf_expand(self, prk: str, info: str, okm: str) -> None:
        assert envelope.hkdf_expand(bytes.fromhex(prk), bytes.fromhex(info)).hex() == okm

    @pytest.mark.parametrize(
        ("plain", "sealed"),
        [
            ("", "07f5f4169bbf55a8400cd47ea6fd400f"),
            ("0100000000000000", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
        ],
    )
    def test_aes_256_gcm_siv(self, plain: str, sealed: str) -> None:
        bound = cipher(ALG_AES_GCM_SIV, b"\1" + bytes(31))
        assert bound.encrypt(b"\3" + bytes(11), bytes.fromhex(plain), b"").hex() == sealed

    def test_aes_256_gcm(self) -> None:
        sealed = cipher(ALG_AES_GCM, bytes(32)).encrypt(bytes(12), bytes(16), b"").hex()
        assert sealed == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"

    def test_chacha20_poly1305(self) -> None:
        plain = (
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
            b"sunscreen would be it."
        )
        bound = cipher(ALG_CHACHA20, bytes(range(0x80, 0xA0)))
        sealed = bound.encrypt(
            bytes.fromhex("070000004041424344454647"), plain, bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
        )
        assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"

    def test_ed25519(self) -> None:
        public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        signature = bytes.fromhex(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        )
        assert signing.verify(b"", signature, public)
        assert not signing.verify(b"x", signature, public)


class TestOwnVectors:
    """Every format of docs/formats.md: what was written once is read, and written again, byte for byte."""

    @pytest.mark.parametrize("vector", VECTORS["values"], ids=lambda vector: f"{vector['type']}-{vector['alg']}")
    def test_field_value(self, vector: dict[str, Any], fixed_nonce: None) -> None:
        value = value_of(vector)
        assert envelope.open_(bytes.fromhex(vector["blob"]), keys=KEYS, place=PLACE) == value
        assert envelope.seal(value, key=KEYS, place=PLACE, alg=vector["alg"]).hex() == vector["blob"]

    def test_purpose_keys(self) -> None:
        assert {number: KEYS.purpose(int(number)).hex() for number in VECTORS["purposes"]} == VECTORS["purposes"]

    def test_labelled_keys(self) -> None:
        found = {label: KEYS.labelled(label.encode()).hex() for label in VECTORS["labelled"]}
        assert found == VECTORS["labelled"]

    def test_commitment(self) -> None:
        assert commitment(bytes.fromhex(VECTORS["dek"]), SCOPE, 3).hex() == VECTORS["commitment"]

    def test_sealed_body(self, fixed_nonce: None) -> None:
        vector = VECTORS["body"]
        data, context = bytes.fromhex(vector["data"]), bytes.fromhex(vector["context"])
        assert envelope.open_body(bytes.fromhex(vector["blob"]), keys=KEYS, context=context) == data
        assert envelope.seal_body(data, keys=KEYS, context=context).hex() == vector["blob"]

    def test_wrap_to_the_wrapping_key(self, fixed_nonce: None) -> None:
        commit = bytes.fromhex(VECTORS["commitment"])
        blob = bytes.fromhex(VECTORS["kek_wrap"])
        assert envelope.unwrap_scope_from_kek(blob, kek=KEK, scope=SCOPE, generation=3, commit=commit) == KEYS
        assert envelope.wrap_scope_to_kek(KEYS, KEK) == blob

    def test_wrap_to_the_outer_scope(self, fixed_nonce: None) -> None:
        commit = bytes.fromhex(VECTORS["commitment"])
        blob = bytes.fromhex(VECTORS["scope_wrap"])
        found = envelope.unwrap_scope_from_parent(blob, parents=PARENT_KEYS, scope=SCOPE, generation=3, commit=commit)
        assert found == KEYS
        assert envelope.wrap_scope_to_parent(KEYS, PARENT_KEYS) == blob

    def test_wrap_of_a_file_key(self, fixed_nonce: None) -> None:
        blob = bytes.fromhex(VECTORS["file_wrap"])
        assert envelope.unwrap_file_key(blob, keys=KEYS, file_id=FILE) == FILE_KEY
        assert envelope.wrap_file_key(FILE_KEY, key=KEYS, file_id=FILE) == blob

    def test_wrap_under_the_root_key(self, fixed_nonce: None) -> None:
        text = "cw-root-1:" + base64.b64encode(bytes.fromhex(VECTORS["root"])).decode()
        root = EnvRoot("ROOT", {"ROOT": text})
        blob = bytes.fromhex(VECTORS["root_wrap"])
        assert root.unwrap_kek(blob, KEK.version) == KEK
        assert root.wrap_kek(KEK) == blob

    def test_file_object(self) -> None:
        vector = VECTORS["file_object"]
        content, blob = bytes.fromhex(vector["content"]), bytes.fromhex(vector["blob"])
        pieces = envelope.decrypt_chunks(io.BytesIO(blob), key=FILE_KEY, scope=SCOPE, file_id=FILE)
        assert b"".join(pieces) == content
        assert self.file_object(content) == blob

    def test_long_file_object(self) -> None:
        blob = self.file_object(bytes(range(256)) * 600)
        vector = VECTORS["long_file_object"]
        assert (len(blob), hashlib.sha256(blob).hexdigest()) == (vector["length"], vector["sha256"])

    def file_object(self, content: bytes) -> bytes:
        sink = io.BytesIO()
        envelope.encrypt_stream(io.BytesIO(content), sink, key=FILE_KEY, scope=SCOPE, file_id=FILE, length=len(content))
        return sink.getvalue()
