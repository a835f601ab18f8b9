from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from casework.crypto.envelope import DecryptError
from casework.crypto.keyring import Kek, ScopeKeyring, ScopeKeys, commitment, new_key
from casework.crypto.signing import generate_signing_key_file, load_signing_key
from casework.crypto.types import Origin, Plain, Sealed, Secret
from tests.crypto.conftest import OTHER_SCOPE, ROW, SCOPE

DEK = bytes(range(32))


class TestScopeKeys:
    """Security design, section 2."""

    def test_of_each_purpose_differ(self, keys: ScopeKeys) -> None:
        found = {keys.purpose(number) for number in range(1, 6)}
        assert len(found) == 5
        assert DEK not in found
        assert keys.purpose(1) is keys.purpose(1)

    @pytest.mark.parametrize("number", [0, 6, 256, -1])
    def test_have_no_other_purpose(self, number: int, keys: ScopeKeys) -> None:
        with pytest.raises(ValueError, match="purpose"):
            keys.purpose(number)

    def test_of_each_scope_and_generation_differ(self) -> None:
        rings = [ScopeKeys(SCOPE, 1, DEK), ScopeKeys(SCOPE, 2, DEK), ScopeKeys(OTHER_SCOPE, 1, DEK)]
        assert len({keys.purpose(1) for keys in rings}) == 3
        assert len({keys.labelled(b"cw/mac1/audit") for keys in rings}) == 3
        assert len({commitment(DEK, keys.scope, keys.generation) for keys in rings}) == 3

    def test_of_each_label_differ(self, keys: ScopeKeys) -> None:
        assert keys.labelled(b"cw/mac1/audit") != keys.labelled(b"cw/mac1/grant")

    @pytest.mark.parametrize("label", [b"", b"other", b"cw/k1", b"cw/k1\x01"])
    def test_have_no_label_that_could_be_a_purpose(self, label: bytes, keys: ScopeKeys) -> None:
        with pytest.raises(ValueError, match="label"):
            keys.labelled(label)

    def test_are_refused_when_the_row_commits_to_others(self) -> None:
        commit = commitment(DEK, SCOPE, 1)
        assert ScopeKeys.committed(SCOPE, 1, DEK, commit) == ScopeKeys(SCOPE, 1, DEK)
        for dek, scope, generation in ((bytes(32), SCOPE, 1), (DEK, OTHER_SCOPE, 1), (DEK, SCOPE, 2)):
            with pytest.raises(DecryptError):
                ScopeKeys.committed(scope, generation, dek, commit)

    def test_are_compared_by_their_key(self, keys: ScopeKeys) -> None:
        assert keys == ScopeKeys(SCOPE, 1, DEK)
        assert hash(keys) == hash(ScopeKeys(SCOPE, 1, DEK))
        assert keys not in (ScopeKeys(SCOPE, 1, bytes(32)), ScopeKeys(SCOPE, 2, DEK), "keys")

    @pytest.mark.parametrize(("dek", "generation"), [(b"", 1), (bytes(16), 1), (DEK, 0), (DEK, 1 << 32)])
    def test_have_32_bytes_and_a_generation(self, dek: bytes, generation: int) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            ScopeKeys(SCOPE, generation, dek)

    def test_are_fresh_each_time(self) -> None:
        assert len({new_key() for _ in range(1000)}) == 1000


class TestScopeKeyring:
    def test_gives_writers_the_newest_and_readers_each(self) -> None:
        keys = [ScopeKeys(SCOPE, number, new_key()) for number in (2, 3, 1)]
        ring = ScopeKeyring(keys)
        assert ring.newest is keys[1]
        assert ring.generation(1) is keys[2]
        assert (len(ring), list(ring), ring.scope) == (3, keys, SCOPE)
        with pytest.raises(DecryptError):
            ring.generation(4)

    def test_holds_keys_of_one_scope(self, keys: ScopeKeys, other_keys: ScopeKeys) -> None:
        with pytest.raises(ValueError, match="one scope"):
            ScopeKeyring([keys, ScopeKeys(OTHER_SCOPE, 2, DEK)])
        with pytest.raises(ValueError, match="at least one"):
            ScopeKeyring([])


class TestWrappingKey:
    def test_is_compared_by_version_and_key(self, kek: Kek) -> None:
        assert kek == Kek(7, bytes(range(100, 132)))
        assert hash(kek) == hash(Kek(7, bytes(32)))
        assert kek not in (Kek(7, bytes(32)), Kek(8, bytes(range(100, 132))), 7)

    @pytest.mark.parametrize(("version", "key"), [(0, DEK), (1 << 32, DEK), (1, b"")])
    def test_has_32_bytes_and_a_version(self, version: int, key: bytes) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            Kek(version, key)


@pytest.fixture(params=["scope keys", "keyring", "wrapping key", "signing key", "secret", "plain", "sealed"])
def hidden(request: pytest.FixtureRequest, tmp_path: Any) -> object:
    keys = ScopeKeys(SCOPE, 1, b"synthetic-key-synthetic-key-1234")
    keys.purpose(1)
    sealed = Sealed(b"ciphertext", 1, 2, Origin(ROW, SCOPE))
    sealed.remember("synthetic")
    generate_signing_key_file(tmp_path / "key")
    return {
        "scope keys": keys,
        "keyring": ScopeKeyring([keys]),
        "wrapping key": Kek(1, b"synthetic-key-synthetic-key-1234"),
        "signing key": load_signing_key(tmp_path / "key"),
        "secret": Secret("synthetic"),
        "plain": Plain("synthetic"),
        "sealed": sealed,
    }[request.param]


class TestHiddenThings:
    """Invariant 21."""

    def test_show_nothing_as_text(self, hidden: object) -> None:
        for text in (
            repr(hidden),
            str(hidden),
            f"{hidden}",
            f"{hidden:>30}",
            f"{[hidden]}",
        ):
            assert "synthetic" not in text
            assert "ciphertext" not in text
            assert "hidden" in text or "sealed" in text

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_are_not_pickled(self, hidden: object, protocol: int) -> None:
        with pytest.raises(TypeError, match="never"):
            pickle.dumps(hidden, protocol)

    def test_are_not_made_into_json(self, hidden: object) -> None:
        with pytest.raises(TypeError):
            json.dumps(hidden)

    def test_have_no_dictionary_to_look_into(self, hidden: object) -> None:
        assert not hasattr(hidden, "__dict__")

    def test_are_not_copied_when_they_hold_a_key(self, keys: ScopeKeys, kek: Kek) -> None:
        for thing in (keys, kek, ScopeKeyring([keys])):
            with pytest.raises(TypeError, match="never"):
                copy.copy(thing)
            with pytest.raises(TypeError, match="never"):
                copy.deepcopy(thing)


class TestSecret:
    def test_gives_its_value_when_asked(self) -> None:
        assert Secret("synthetic").reveal() == "synthetic"
        assert Secret("synthetic")
        assert not Secret("")


class TestUnsealedValue:
    def test_is_what_was_assigned_whatever_happens_to_that_later(self) -> None:
        given = ["synthetic"]
        plain = Plain(given)
        given.append("more")
        taken = plain.reveal()
        assert taken == ["synthetic"]
        assert isinstance(taken, list)
        taken.append("more")
        assert plain.reveal() == ["synthetic"]
        assert copy.copy(plain) is copy.deepcopy(plain) is plain


class TestCiphertext:
    def test_is_compared_by_its_bytes_and_copied_as_itself(self) -> None:
        one, same, other = Sealed(b"a", 1, 1), Sealed(b"a", None, 1), Sealed(b"b", 1, 1)
        assert one == same
        assert hash(one) == hash(same)
        assert one not in (other, b"a")
        assert copy.copy(one) is copy.deepcopy(one) is one
