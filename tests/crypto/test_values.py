from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.crypto import envelope
from casework.crypto.envelope import (
    ALG_AES_GCM,
    ALG_AES_GCM_SIV,
    ALG_CHACHA20,
    DecryptError,
    Header,
    Place,
    open_,
    open_body,
    padded_length,
    parse_header,
    seal,
    seal_body,
)
from casework.crypto.keyring import ScopeKeyring, ScopeKeys
from tests.crypto.conftest import OTHER_ROW, ROW, SCOPE

VALUES = [
    None,
    "",
    "Абасов Рустам",
    "x" * 300,
    date(1990, 2, 28),
    b"",
    b"\x00\x80\x00",
    0,
    -7,
    1 << 80,
    True,
    False,
    1.5,
    [],
    {"b": [1, None, "ж"], "a": {}},
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def flipped(blob: bytes, bit: int) -> bytes:
    changed = bytearray(blob)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class TestFieldValue:
    """Security design, section 3, and invariants 1 to 6."""

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    @pytest.mark.parametrize("alg", [ALG_AES_GCM, ALG_AES_GCM_SIV, ALG_CHACHA20])
    def test_opens_to_what_was_sealed_and_to_its_type(
        self, value: Any, alg: int, keys: ScopeKeys, place: Place
    ) -> None:
        opened = open_(seal(value, key=keys, place=place, alg=alg), keys=keys, place=place)
        assert opened == value
        assert type(opened) is type(value)

    @given(json_values)
    def test_opens_to_any_structure(self, value: Any) -> None:
        keys, place = ScopeKeys(SCOPE, 1, bytes(32)), Place(1, ROW, 1)
        assert open_(seal(value, key=keys, place=place), keys=keys, place=place) == value

    def test_begins_with_the_documented_header(self, keys: ScopeKeys, place: Place) -> None:
        blob = seal("x", key=keys, place=place)
        assert blob[:8] == bytes.fromhex("c1 01 0002 00000001")
        assert len(blob) == 8 + 12 + 32 + 16
        assert parse_header(blob) == Header(alg=1, field=2, generation=1)

    @pytest.mark.parametrize("length", [0, 29, 30, 31, 62, 63, 254, 255, 500, 5000])
    def test_has_one_of_few_lengths(self, length: int, keys: ScopeKeys, place: Place) -> None:
        assert len(seal("x" * length, key=keys, place=place)) == 36 + padded_length(length + 2)

    @pytest.mark.parametrize("value", [None, True, False, "kind", "", date(2026, 1, 1), 5])
    def test_of_every_short_value_has_one_length(self, value: Any, keys: ScopeKeys, place: Place) -> None:
        assert len(seal(value, key=keys, place=place)) == 68

    def test_with_any_single_bit_changed_is_refused(self, keys: ScopeKeys, place: Place) -> None:
        blob = seal("synthetic", key=keys, place=place)
        for bit in range(len(blob) * 8):
            with pytest.raises(DecryptError):
                open_(flipped(blob, bit), keys=keys, place=place)

    def test_cut_or_lengthened_anywhere_is_refused(self, keys: ScopeKeys, place: Place) -> None:
        blob = seal("synthetic", key=keys, place=place)
        for length in range(len(blob)):
            with pytest.raises(DecryptError):
                open_(blob[:length], keys=keys, place=place)
        with pytest.raises(DecryptError):
            open_(blob + b"\0", keys=keys, place=place)

    @pytest.mark.parametrize(
        "elsewhere", [Place(2, ROW, 2), Place(1, OTHER_ROW, 2), Place(1, ROW, 3)], ids=["table", "row", "field"]
    )
    def test_moved_to_another_place_is_refused(self, elsewhere: Place, keys: ScopeKeys, place: Place) -> None:
        blob = seal("synthetic", key=keys, place=place)
        with pytest.raises(DecryptError):
            open_(blob, keys=keys, place=elsewhere)

    def test_moved_to_another_field_with_its_header_rewritten_is_refused(self, keys: ScopeKeys, place: Place) -> None:
        blob = bytearray(seal("synthetic", key=keys, place=place))
        blob[3] = 3
        with pytest.raises(DecryptError):
            open_(bytes(blob), keys=keys, place=place._replace(field=3))

    def test_moved_to_another_scope_is_refused_even_with_the_same_key(
        self, keys: ScopeKeys, other_keys: ScopeKeys, place: Place
    ) -> None:
        with pytest.raises(DecryptError):
            open_(seal("synthetic", key=keys, place=place), keys=other_keys, place=place)

    def test_relabelled_as_another_generation_is_refused_even_with_the_same_key(
        self, keys: ScopeKeys, place: Place
    ) -> None:
        ring = ScopeKeyring([keys, ScopeKeys(SCOPE, 2, bytes(range(32)))])
        blob = bytearray(seal("synthetic", key=keys, place=place))
        blob[7] = 2
        with pytest.raises(DecryptError):
            open_(bytes(blob), keys=ring, place=place)

    def test_of_an_older_generation_opens_while_that_lives(self, keys: ScopeKeys, place: Place) -> None:
        newer = ScopeKeys(SCOPE, 2, bytes(32))
        old, new = (seal("synthetic", key=key, place=place) for key in (keys, newer))
        ring = ScopeKeyring([keys, newer])
        assert open_(old, keys=ring, place=place) == open_(new, keys=ring, place=place) == "synthetic"
        with pytest.raises(DecryptError):
            open_(old, keys=ScopeKeyring([newer]), place=place)

    @pytest.mark.parametrize("version", [0x00, 0xC0, 0xC2, 0xC6, 0xFF])
    def test_of_an_unknown_version_is_refused_like_a_bad_tag(self, version: int, keys: ScopeKeys, place: Place) -> None:
        blob = seal("synthetic", key=keys, place=place)
        with pytest.raises(DecryptError) as unknown:
            open_(bytes([version]) + blob[1:], keys=keys, place=place)
        with pytest.raises(DecryptError) as tampered:
            open_(flipped(blob, 400), keys=keys, place=place)
        assert str(unknown.value) == str(tampered.value)
        assert unknown.value.__cause__ is None
        assert unknown.value.__context__ is None or unknown.value.__suppress_context__

    @pytest.mark.parametrize("alg", [0, 4, 0x10, 0x11, 0xFF])
    def test_of_an_unknown_algorithm_is_refused(self, alg: int, keys: ScopeKeys, place: Place) -> None:
        blob = seal("synthetic", key=keys, place=place)
        changed = blob[:1] + bytes([alg]) + blob[2:]
        with pytest.raises(DecryptError):
            open_(changed, keys=keys, place=place)
        with pytest.raises(DecryptError):
            parse_header(changed)
        with pytest.raises(DecryptError):
            seal("synthetic", key=keys, place=place, alg=alg)

    @pytest.mark.parametrize("blob", [b"", b"\xc1", bytes(67), b"\xc1\x01" + bytes(30)])
    def test_that_is_none_is_refused(self, blob: bytes, keys: ScopeKeys, place: Place) -> None:
        with pytest.raises(DecryptError):
            open_(blob, keys=keys, place=place)
        with pytest.raises(DecryptError):
            parse_header(blob)

    def test_never_repeats_a_nonce_or_a_ciphertext(self, keys: ScopeKeys, place: Place) -> None:
        nonces = {seal(None, key=keys, place=place)[8:20] for _ in range(100_000)}
        assert len(nonces) == 100_000

    @pytest.mark.parametrize(
        "value",
        [pytest.param(object(), id="object"), {1, 2}, datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1)],
        ids=repr,
    )
    def test_of_a_type_without_format_is_not_made(self, value: Any, keys: ScopeKeys, place: Place) -> None:
        with pytest.raises(TypeError):
            seal(value, key=keys, place=place)

    def test_of_no_number_is_not_made(self, keys: ScopeKeys, place: Place) -> None:
        with pytest.raises(ValueError, match="not JSON compliant"):
            seal([float("nan")], key=keys, place=place)

    @pytest.mark.parametrize(
        "plain", [b"", b"\x06x", b"\x00x", b"\x01\xff", b"\x02yesterday", b"\x03{", b"\x05x", b"\x021990-02-30"]
    )
    def test_with_a_plaintext_that_is_no_value_is_refused(self, plain: bytes, keys: ScopeKeys, place: Place) -> None:
        genuine = seal("x", key=keys, place=place)
        aad = b"cw/f1" + genuine[:8] + b"\0\1" + SCOPE.bytes + ROW.bytes
        made = genuine[:20] + keys.field_cipher().encrypt(genuine[8:20], envelope.pad(plain), aad)
        with pytest.raises(DecryptError):
            open_(made, keys=keys, place=place)

    def test_that_is_refused_is_counted(self, keys: ScopeKeys, place: Place) -> None:
        before = envelope.refusals()
        with pytest.raises(DecryptError):
            open_(b"", keys=keys, place=place)
        assert envelope.refusals() == before + 1


class TestSealedBody:
    """The details of an audit entry, under the scope's audit key."""

    def test_opens_to_what_was_sealed(self, keys: ScopeKeys) -> None:
        for data in (b"", b"synthetic", b"x" * 300, b"\x80\0"):
            assert open_body(seal_body(data, keys=keys, context=b"1"), keys=keys, context=b"1") == data

    def test_is_padded_and_begins_with_the_documented_header(self, keys: ScopeKeys) -> None:
        blob = seal_body(b"x" * 31, keys=keys, context=b"")
        assert blob[:8] == bytes.fromhex("c6 01 0000 00000001")
        assert len(blob) == 68

    def test_of_another_entry_or_scope_is_refused(self, keys: ScopeKeys, other_keys: ScopeKeys) -> None:
        blob = seal_body(b"synthetic", keys=keys, context=b"entry 1")
        with pytest.raises(DecryptError):
            open_body(blob, keys=keys, context=b"entry 2")
        with pytest.raises(DecryptError):
            open_body(blob, keys=other_keys, context=b"entry 1")

    def test_with_any_single_bit_changed_is_refused(self, keys: ScopeKeys) -> None:
        blob = seal_body(b"synthetic", keys=keys, context=b"")
        for bit in range(len(blob) * 8):
            with pytest.raises(DecryptError):
                open_body(flipped(blob, bit), keys=keys, context=b"")
        with pytest.raises(DecryptError):
            open_body(blob[:60], keys=keys, context=b"")

    def test_is_no_field_value(self, keys: ScopeKeys, place: Place) -> None:
        with pytest.raises(DecryptError):
            open_(seal_body(b"synthetic", keys=keys, context=b""), keys=keys, place=place)
