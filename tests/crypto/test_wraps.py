from __future__ import annotations

import pytest

from casework.crypto.envelope import (
    WRAP_BYTES,
    DecryptError,
    kek_version_of,
    unwrap_file_key,
    unwrap_scope_from_kek,
    unwrap_scope_from_parent,
    wrap_file_key,
    wrap_scope_to_kek,
    wrap_scope_to_parent,
)
from casework.crypto.keyring import Kek, ScopeKeyring, ScopeKeys, commitment
from tests.crypto.conftest import OTHER_ROW, OTHER_SCOPE, ROW, SCOPE
from tests.crypto.test_values import flipped

DEK = bytes(range(32))
COMMIT = commitment(DEK, SCOPE, 1)


class TestKekWrap:
    """Security design, section 3: 68 bytes, AES-256-GCM-SIV; invariants 2, 4 and 5."""

    def open(self, blob: bytes, kek: Kek, *, generation: int = 1, commit: bytes = COMMIT) -> ScopeKeys:
        return unwrap_scope_from_kek(blob, kek=kek, scope=SCOPE, generation=generation, commit=commit)

    def test_opens_to_the_keys(self, keys: ScopeKeys, kek: Kek) -> None:
        blob = wrap_scope_to_kek(keys, kek)
        assert len(blob) == WRAP_BYTES == 68
        assert blob[:8] == bytes.fromhex("c2 02 0000 00000007")
        assert kek_version_of(blob) == 7
        assert self.open(blob, kek) == keys

    def test_with_any_single_bit_changed_is_refused(self, keys: ScopeKeys, kek: Kek) -> None:
        blob = wrap_scope_to_kek(keys, kek)
        for bit in range(len(blob) * 8):
            with pytest.raises(DecryptError):
                self.open(flipped(blob, bit), kek)

    def test_under_another_wrapping_key_is_refused(self, keys: ScopeKeys, kek: Kek) -> None:
        blob = wrap_scope_to_kek(keys, kek)
        for other in (Kek(7, bytes(32)), Kek(8, bytes(range(100, 132)))):
            with pytest.raises(DecryptError):
                self.open(blob, other)

    def test_for_another_scope_or_generation_is_refused(self, keys: ScopeKeys, kek: Kek) -> None:
        blob = wrap_scope_to_kek(keys, kek)
        with pytest.raises(DecryptError):
            self.open(blob, kek, generation=2, commit=commitment(DEK, SCOPE, 2))
        with pytest.raises(DecryptError):
            unwrap_scope_from_kek(
                blob, kek=kek, scope=OTHER_SCOPE, generation=1, commit=commitment(DEK, OTHER_SCOPE, 1)
            )

    def test_of_a_key_that_the_row_does_not_commit_to_is_refused(self, kek: Kek) -> None:
        other = wrap_scope_to_kek(ScopeKeys(SCOPE, 1, bytes(32)), kek)
        with pytest.raises(DecryptError):
            self.open(other, kek)
        for commit in (b"", bytes(32), COMMIT[:16]):
            with pytest.raises(DecryptError):
                self.open(other, kek, commit=commit)

    @pytest.mark.parametrize("alg", [0x10, 0x11])
    @pytest.mark.parametrize("length", [68, 88, 1176])
    def test_of_a_sealed_scope_is_refused_until_those_are_built(
        self, alg: int, length: int, keys: ScopeKeys, kek: Kek
    ) -> None:
        blob = (b"\xc2" + bytes([alg]) + wrap_scope_to_kek(keys, kek)[2:]).ljust(length, b"\0")
        with pytest.raises(DecryptError):
            self.open(blob, kek)
        with pytest.raises(DecryptError):
            kek_version_of(blob)


class TestScopeWrap:
    """A person's scope inside a case."""

    def test_opens_with_the_generation_of_the_case_that_made_it(self, keys: ScopeKeys, other_keys: ScopeKeys) -> None:
        blob = wrap_scope_to_parent(keys, other_keys)
        assert blob[:8] == bytes.fromhex("c2 02 0000 00000001")
        ring = ScopeKeyring([other_keys, ScopeKeys(OTHER_SCOPE, 2, bytes(32))])
        assert unwrap_scope_from_parent(blob, parents=ring, scope=SCOPE, generation=1, commit=COMMIT) == keys

    def test_with_any_single_bit_changed_is_refused(self, keys: ScopeKeys, other_keys: ScopeKeys) -> None:
        blob = wrap_scope_to_parent(keys, other_keys)
        for bit in range(len(blob) * 8):
            with pytest.raises(DecryptError):
                unwrap_scope_from_parent(
                    flipped(blob, bit), parents=other_keys, scope=SCOPE, generation=1, commit=COMMIT
                )

    def test_under_another_case_is_refused(self, keys: ScopeKeys, other_keys: ScopeKeys) -> None:
        stranger = ScopeKeys(ROW, 1, bytes(range(32)))
        with pytest.raises(DecryptError):
            unwrap_scope_from_parent(
                wrap_scope_to_parent(keys, other_keys), parents=stranger, scope=SCOPE, generation=1, commit=COMMIT
            )

    def test_of_a_key_that_the_row_does_not_commit_to_is_refused(self, keys: ScopeKeys, other_keys: ScopeKeys) -> None:
        blob = wrap_scope_to_parent(keys, other_keys)
        with pytest.raises(DecryptError):
            unwrap_scope_from_parent(blob, parents=other_keys, scope=SCOPE, generation=1, commit=bytes(32))

    def test_is_no_wrap_to_the_wrapping_key(self, keys: ScopeKeys, kek: Kek) -> None:
        same_key = ScopeKeys(OTHER_SCOPE, 7, bytes(range(100, 132)))
        with pytest.raises(DecryptError):
            unwrap_scope_from_kek(
                wrap_scope_to_parent(keys, same_key), kek=kek, scope=SCOPE, generation=1, commit=COMMIT
            )


class TestFileKeyWrap:
    """68 bytes in the file's row."""

    def test_opens_to_the_file_key(self, keys: ScopeKeys) -> None:
        blob = wrap_file_key(bytes(32), key=keys, file_id=ROW)
        assert len(blob) == 68
        assert blob[:8] == bytes.fromhex("c5 02 0000 00000001")
        assert unwrap_file_key(blob, keys=ScopeKeyring([keys]), file_id=ROW) == bytes(32)

    def test_with_any_single_bit_changed_is_refused(self, keys: ScopeKeys) -> None:
        blob = wrap_file_key(bytes(32), key=keys, file_id=ROW)
        for bit in range(len(blob) * 8):
            with pytest.raises(DecryptError):
                unwrap_file_key(flipped(blob, bit), keys=keys, file_id=ROW)

    def test_of_another_file_scope_or_generation_is_refused(self, keys: ScopeKeys, other_keys: ScopeKeys) -> None:
        blob = wrap_file_key(bytes(32), key=keys, file_id=ROW)
        relabelled = blob[:7] + b"\x02" + blob[8:]
        with pytest.raises(DecryptError):
            unwrap_file_key(blob, keys=keys, file_id=OTHER_ROW)
        with pytest.raises(DecryptError):
            unwrap_file_key(blob, keys=other_keys, file_id=ROW)
        with pytest.raises(DecryptError):
            unwrap_file_key(relabelled, keys=ScopeKeyring([keys, ScopeKeys(SCOPE, 2, DEK)]), file_id=ROW)
