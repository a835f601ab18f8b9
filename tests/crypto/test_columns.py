from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.crypto import envelope, macs
from casework.crypto.envelope import DecryptError, LockedValue, Place
from casework.crypto.keyring import Kek, ScopeKeyring, ScopeKeys, commitment

TABLE, FIELD = 7, 6
KEKS = {version: Kek(version, bytes([version]) * 32) for version in (1, 2)}
_ENTRIES: Any = st.dictionaries(st.text(max_size=9), st.text(max_size=40) | st.integers(), max_size=4)


def locked(
    number: int, value: Any, *, generation: int = 1, kek: int = 1, alg: int = envelope.ALG_AES_GCM
) -> LockedValue:
    """One row as the database has it, of a scope and a key made from its number."""
    scope, dek = UUID(int=number + 1), bytes([number + 1, generation]) * 16
    keys = ScopeKeys(scope, generation, dek)
    blob = envelope.seal(value, key=keys, place=Place(TABLE, scope, FIELD), alg=alg)
    return (
        scope.bytes,
        generation,
        commitment(dek, scope, generation),
        envelope.wrap_scope_to_kek(keys, KEKS[kek]),
        blob,
    )


def one_by_one(row: LockedValue) -> Any:
    """What the row holds, opened as every other value is; None where that is refused, or is no JSON."""
    scope_bytes, generation, commit, wrap, blob = row
    scope = UUID(bytes=scope_bytes)
    try:
        kek = KEKS.get(envelope.kek_version_of(wrap))
        if kek is None:
            return None
        keys = envelope.unwrap_scope_from_kek(wrap, kek=kek, scope=scope, generation=generation, commit=commit)
        value = envelope.open_(blob, keys=ScopeKeyring([keys]), place=Place(TABLE, scope, FIELD))
    except DecryptError:
        return None
    return value if isinstance(value, dict | bool) else None


def at_once(*rows: LockedValue, keks: dict[int, Kek] | None = None) -> dict[bytes, Any]:
    later: list[LockedValue] = []
    keks = KEKS if keks is None else keks
    found = list(envelope.open_texts(rows, keks=keks, table=TABLE, field=FIELD, later=later))
    assert len(found) == len({scope for scope, _text in found})
    opened = {scope: None if text is None else json.loads(text) for scope, text in found}
    return opened | {row[0]: None for row in later}


@st.composite
def rows(draw: st.DrawFn) -> list[LockedValue]:
    """Rows as they should be, and such as somebody changed, moved or sealed otherwise."""
    made = [
        locked(
            number,
            draw(_ENTRIES | st.text(max_size=5) | st.none() | st.booleans()),
            generation=draw(st.integers(1, 3)),
            kek=draw(st.sampled_from([1, 2])),
            alg=draw(st.sampled_from([1, 1, 2, 3])),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(made) - 1))
        row: list[Any] = list(made[at])
        column = draw(st.integers(1, 4))
        match draw(st.sampled_from(["flip", "cut", "swap", "header"])):
            case "swap":
                row[column] = made[draw(st.integers(0, len(made) - 1))][column]
            case "flip" if column > 1:
                bits = bytearray(row[column])
                bits[draw(st.integers(0, len(bits) - 1))] ^= 1 << draw(st.integers(0, 7))
                row[column] = bytes(bits)
            case "cut" if column > 1:
                row[column] = row[column][: draw(st.integers(0, len(row[column])))]
            case "header" if column > 1:
                row[column] = draw(st.binary(min_size=8, max_size=8)) + row[column][8:]
        made[at] = tuple(row)  # type: ignore[call-overload]
    return made


class TestManyRows:
    """Opened one after the other, rows give what each would give by itself, and are refused as it would be."""

    @given(rows())
    def test_open_as_one_by_one(self, made: list[LockedValue]) -> None:
        assert at_once(*made) == {row[0]: one_by_one(row) for row in made}

    def test_give_the_text_that_was_sealed(self) -> None:
        value = {"b": 'Соловьёв "O\'Neil"', "a": [1, True, None]}
        [(scope, text)] = envelope.open_texts([locked(0, value)], keks=KEKS, table=TABLE, field=FIELD, later=[])
        assert scope == UUID(int=1).bytes
        assert text == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @pytest.mark.parametrize("column", [2, 3, 4])
    def test_with_any_bit_flipped_are_refused_and_the_others_stand(self, column: int) -> None:
        """Invariant 2, 4 and 5."""
        row, other = locked(0, {"a": 1}), locked(1, {"a": 2})
        for at in range(len(row[column]) * 8):  # type: ignore[arg-type]
            bits = bytearray(row[column])  # type: ignore[arg-type]
            bits[at // 8] ^= 1 << at % 8
            changed = (*row[:column], bytes(bits), *row[column + 1 :])
            assert at_once(changed, other) == {row[0]: None, other[0]: {"a": 2}}  # type: ignore[arg-type]

    def test_moved_to_another_place_are_refused(self) -> None:
        """Invariant 1."""
        row, other = locked(0, {"a": 1}), locked(1, {"a": 2})
        assert at_once((*row[:4], other[4])) == {row[0]: None}
        for table, field in ((TABLE + 1, FIELD), (TABLE, FIELD + 1)):
            assert list(envelope.open_texts([row], keks=KEKS, table=table, field=field, later=[])) == [(row[0], None)]

    def test_of_several_generations_open_by_the_one_they_were_sealed_under(self) -> None:
        older, newer = locked(0, {"a": 1}), locked(0, {"a": 2}, generation=2)
        both = [(*older[:4], newer[4]), newer]
        assert at_once(*both) == at_once(*reversed(both)) == {newer[0]: {"a": 2}}
        assert at_once(both[0]) == {newer[0]: None}

    def test_under_a_key_that_is_not_known_wait(self) -> None:
        rows_ = [locked(0, {"a": 1}, kek=2), locked(1, {"a": 2})]
        later: list[LockedValue] = []
        found = envelope.open_texts(rows_, keks={1: KEKS[1]}, table=TABLE, field=FIELD, later=later)
        assert [scope for scope, _text in found] == [rows_[1][0]]
        assert later == [rows_[0]]

    def test_that_are_refused_are_counted(self) -> None:
        before = envelope.refusals()
        row = locked(0, {"a": 1}, generation=2)
        assert at_once((*row[:4], locked(0, {"a": 1})[4]), (*locked(1, {})[:4], b"")) == {
            row[0]: None,
            UUID(int=2).bytes: None,
        }
        assert envelope.refusals() == before + 2

    def test_are_opened_as_they_are_asked_for(self) -> None:
        def endless() -> Iterator[LockedValue]:
            yield locked(0, {"a": 1})
            raise AssertionError

        found = envelope.open_texts(endless(), keks=KEKS, table=TABLE, field=FIELD, later=[])
        assert next(found)[1] == b'{"a":1}'


class TestMacs:
    @given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=3))
    def test_are_hmac_sha256(self, key: bytes, messages: list[bytes]) -> None:
        mac = macs.keyed(key)
        assert [mac(data) for data in messages] == [hmac.digest(key, data, "sha256") for data in messages]

    def test_refuse_a_key_of_more_than_a_block(self) -> None:
        with pytest.raises(ValueError, match="longer key"):
            macs.keyed(bytes(65))
