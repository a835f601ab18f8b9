"""The root key as shares, and back (security design, section 2 and invariant 17)."""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import secrets
import subprocess
import traceback

import pyrage
import pytest
import shamir_mnemonic.shamir
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import wordlist

from casework.crypto import recovery
from casework.crypto.keyring import EnvRoot, JoinedRoot, Kek, RootKeyError, generate_root_key_file, root_provider
from casework.crypto.recovery import NotEnough, Share, ShareError, UnknownWord

KEY = bytes(range(32))
PUBLIC = "age18fcecgluhkuhym47wj2n2ezu3scd3hhq872x8zpqp9wfl9el432qsyjwxa"


def _texts(shares: tuple[Share, ...]) -> list[str]:
    return [" ".join(share.reveal_words()) for share in shares]


def _joined(texts: list[str]) -> bytes:
    return recovery.join(recovery.gather(texts)).reveal_for_shares()


def _other(word: str) -> str:
    return wordlist.WORDLIST[(wordlist.WORD_INDEX_MAP[word] + 517) % 1024]


@pytest.fixture(scope="module")
def shares() -> list[str]:
    return _texts(recovery.split(JoinedRoot(KEY)))


class TestInvariant17:
    """Any M of N shares restore the root; any M-1 fail; a share with a typo is refused by checksum."""

    def test_any_three_of_five_restore_the_root_in_any_order(self, shares):
        for chosen in itertools.permutations(shares, 3):
            assert _joined(list(chosen)) == KEY

    def test_any_two_of_five_fail_and_say_how_many_more(self, shares):
        for chosen in itertools.combinations(shares, 2):
            with pytest.raises(NotEnough, match="1 more share of this set is needed") as refused:
                _joined(list(chosen))
            assert refused.value.missing == 1
        with pytest.raises(NotEnough, match="2 more shares"):
            _joined(shares[:1])

    def test_two_of_three_needed_tell_nothing_even_without_our_check(self, shares):
        from shamir_mnemonic.shamir import RawShare, _interpolate
        from shamir_mnemonic.share import Share as Slip39

        two = [Slip39.from_mnemonic(text) for text in shares[:2]]
        three = [Slip39.from_mnemonic(text) for text in shares[:3]]
        whole = _interpolate([RawShare(share.index, share.value) for share in three], 255)
        assert _interpolate([RawShare(share.index, share.value) for share in two], 255) != whole

    @settings(max_examples=8, deadline=None)
    @given(key=st.binary(min_size=32, max_size=32), numbers=st.data())
    def test_holds_for_every_key_and_every_size_of_set(self, key, numbers):
        count = numbers.draw(st.sampled_from([2, 3, 4, 5, 6, 16]))
        threshold = numbers.draw(st.integers(2, count) if count < 16 else st.sampled_from([2, 15, 16]))
        made = _texts(recovery.split(JoinedRoot(key), shares=count, threshold=threshold))
        order = numbers.draw(st.permutations(made))
        assert _joined(order[:threshold]) == key
        with pytest.raises(NotEnough):
            _joined(order[: threshold - 1])

    @pytest.mark.parametrize("place", range(33))
    def test_another_word_anywhere_is_refused_by_the_checksum_which_finds_it(self, shares, place):
        words = shares[0].split()
        words[place] = _other(words[place])
        with pytest.raises(ShareError, match=rf"checksum .* word {place + 1} is another"):
            recovery.read_share(" ".join(words))

    @pytest.mark.parametrize("place", [0, 5, 16, 31])
    def test_swapped_neighbours_are_refused_and_found(self, shares, place):
        words = shares[0].split()
        # Words may repeat by chance, and two alike cannot be swapped: then the nearest pair that can.
        swappable = [at for at in range(32) if words[at] != words[at + 1]]
        place = min(swappable, key=lambda at: abs(at - place))
        words[place], words[place + 1] = words[place + 1], words[place]
        with pytest.raises(ShareError, match=f"words {place + 1} and {place + 2} are swapped"):
            recovery.read_share(" ".join(words))

    def test_another_order_or_two_other_words_are_refused(self, shares):
        words = shares[0].split()
        two = [_other(words[0]), *words[1:20], _other(words[20]), *words[21:]]
        for wrong in (words[::-1], sorted(words), words[1:] + words[:1], two):
            with pytest.raises(ShareError, match="checksum"):
                recovery.read_share(" ".join(wrong))

    def test_a_word_left_out_or_too_many_are_counted(self, shares):
        words = shares[0].split()
        with pytest.raises(ShareError, match="has 33 words; these are 32"):
            recovery.read_share(" ".join(words[1:]))
        with pytest.raises(ShareError, match="has 33 words; these are 66"):
            recovery.read_share(" ".join(shares[:2]))


class TestRefusals:
    """What is no share, not of this set, or here already."""

    def test_an_unknown_word_is_named_by_its_position_with_near_ones(self, shares):
        words = shares[0].split()
        words[6] = "akademic"
        with pytest.raises(UnknownWord, match="Word 7 is not in the list") as refused:
            recovery.read_share(" ".join(words))
        assert refused.value.position == 7
        assert "academic" in refused.value.near
        assert "akademic" not in str(refused.value)

    def test_shares_of_two_sets_do_not_fit_and_both_sets_give_the_root(self, shares):
        others = _texts(recovery.split(JoinedRoot(KEY)))
        assert _joined(others[:3]) == KEY
        with pytest.raises(ShareError, match="Shares of two sets do not fit together") as refused:
            _joined([*shares[:2], others[2]])
        named = str(refused.value)
        assert " ".join(shares[0].split()[:2]) in named
        assert " ".join(others[0].split()[:2]) in named

    def test_each_share_names_its_set_by_its_own_words(self, shares):
        assert {" ".join(text.split()[:2]) for text in shares} == {recovery.read_share(shares[0]).set_name}
        assert [recovery.read_share(text).number for text in shares] == [1, 2, 3, 4, 5]
        assert {recovery.read_share(text).threshold for text in shares} == {3}

    def test_one_share_twice_counts_once(self, shares):
        with pytest.raises(ShareError, match=r"Share 3 of those given was refused\. Share 1 is here already"):
            _joined([shares[0], shares[1], shares[0]])

    def test_a_forged_share_of_the_same_set_is_refused(self, shares):
        """Its checksum is right and its number free: only the digest inside the key tells."""
        from dataclasses import replace

        from shamir_mnemonic.share import Share as Slip39

        genuine = Slip39.from_mnemonic(shares[3])
        forged = replace(genuine, value=bytes(byte ^ 1 for byte in genuine.value)).mnemonic()
        with pytest.raises(ShareError, match="one of them is not genuine"):
            _joined([*shares[:2], forged])
        with pytest.raises(ShareError, match=r"not genuine"):
            _joined([*shares[:3], forged])
        with pytest.raises(ShareError, match="both say that they are number 4"):
            _joined([*shares[2:4], forged])

    def test_more_shares_than_needed_are_welcome(self, shares):
        assert _joined(shares) == KEY

    def test_shares_of_something_else_are_refused(self):
        (other,) = shamir_mnemonic.generate_mnemonics(1, [(2, 3)], os.urandom(16))
        padded = shamir_mnemonic.generate_mnemonics(2, [(2, 3), (2, 3)], os.urandom(32))
        with pytest.raises(ShareError, match="has 33 words; these are 20"):
            recovery.read_share(other[0])
        with pytest.raises(ShareError, match="share of something else"):
            recovery.read_share(padded[0][0])

    @pytest.mark.parametrize(("count", "threshold"), [(1, 1), (3, 1), (17, 3), (3, 4), (0, 0), (5, -1)])
    def test_sets_outside_the_bounds_are_refused(self, count, threshold):
        with pytest.raises(ValueError, match="2 to 16"):
            recovery.split(JoinedRoot(KEY), shares=count, threshold=threshold)

    def test_no_share_at_all_is_refused(self):
        with pytest.raises(ShareError, match="No share"):
            _joined([])


class TestTyping:
    """People type, from paper."""

    def test_four_letters_of_each_word_in_any_case_are_enough(self, shares):
        short = [" ".join(word[:4].upper() for word in text.split()) for text in shares[:3]]
        assert _joined(short) == KEY

    def test_capitals_as_a_scanner_reads_them_and_odd_spaces_are_fine(self, shares):
        assert _joined([f"  {text.upper()} \r\n".replace(" ", "\t ") for text in shares[:3]]) == KEY

    @pytest.mark.parametrize(
        "written",
        [
            lambda words: "\ufeff" + " ".join(words),
            "\u00a0".join,
            lambda words: " ".join(f"{place}. {word}" for place, word in enumerate(words, start=1)),
            lambda words: ",\n".join(words) + ".",
            lambda words: " \u200b".join(f"{word[:3]}\u00ad{word[3:]}" for word in words),
            lambda words: " ".join("".join(chr(ord(letter) + 0xFEE0) for letter in word) for word in words),
        ],
        ids=["mark-of-an-editor", "hard-spaces", "numbered", "commas", "invisible", "wide"],
    )
    def test_files_as_editors_write_them_are_read(self, shares, tmp_path, written):
        path = tmp_path / "share"
        path.write_text(written(shares[0].split()), encoding="utf-8")
        path.chmod(0o600)
        assert recovery.read_share(recovery.share_in_file(path)).reveal_words() == tuple(shares[0].split())

    def test_letters_that_only_look_alike_are_no_words_of_the_list(self):
        with pytest.raises(recovery.UnknownWord, match=r"^Word 2 .* mean: academic"):
            recovery.words_of("acid \u0430cademic")  # a Cyrillic a

    def test_every_word_of_the_list_differs_in_its_first_four_letters(self):
        assert len({word[:4] for word in wordlist.WORDLIST}) == 1024
        assert recovery.words_of(" ".join(word[:4] for word in wordlist.WORDLIST)) == wordlist.WORDLIST


class TestSplitting:
    """What is made is proved before anybody prints it."""

    def test_takes_its_randomness_from_the_system(self):
        assert shamir_mnemonic.shamir.RANDOM_BYTES is secrets.token_bytes

    def test_is_random_each_time(self, shares):
        assert set(_texts(recovery.split(JoinedRoot(KEY)))).isdisjoint(shares)

    def test_refuses_to_print_shares_that_do_not_give_the_root_back(self, monkeypatch):
        made = shamir_mnemonic.generate_mnemonics

        def other_key(groups, members, key):
            return made(groups, members, bytes(reversed(key)))

        monkeypatch.setattr(shamir_mnemonic, "generate_mnemonics", other_key)
        with pytest.raises(ShareError, match="nothing was printed"):
            recovery.split(JoinedRoot(KEY))

    def test_tries_every_choice_of_shares_when_there_are_few(self, monkeypatch):
        tried = []
        combined = recovery._combined
        monkeypatch.setattr(recovery, "_combined", lambda chosen: tried.append(chosen) or combined(chosen))
        recovery.split(JoinedRoot(KEY))
        assert len({tuple(share.number for share in chosen) for chosen in tried}) == 10

    def test_tries_three_hundred_and_every_share_when_there_are_many(self, monkeypatch):
        tried = []
        monkeypatch.setattr(recovery, "_combined", lambda chosen: tried.append(chosen) or KEY)
        recovery.split(JoinedRoot(KEY), shares=16, threshold=8)
        assert 280 <= len(tried) <= 340
        assert all(len({share.number for share in chosen}) == 8 for chosen in tried)
        assert {share.number for chosen in tried for share in chosen} == set(range(1, 17))

    def test_splits_only_what_is_a_root_key(self):
        with pytest.raises(RootKeyError):
            recovery.split(EnvRoot(environ={"CASEWORK_ROOT_KEY": "cw-root-1:short"}))


class TestTheJoinedRoot:
    """It opens what the key that was split has wrapped."""

    def test_opens_the_wrapping_keys_of_the_file_that_was_split(self, tmp_path):
        generate_root_key_file(tmp_path / "root.key")
        kept = root_provider("file", path=tmp_path / "root.key")
        kek = Kek(4, os.urandom(32))
        blob = kept.wrap_kek(kek)
        joined = recovery.join(recovery.gather(_texts(recovery.split(kept))[2:]))
        assert joined.unwrap_kek(blob, 4) == kek
        joined.write(tmp_path / "again.key")
        assert (tmp_path / "again.key").read_bytes() == (tmp_path / "root.key").read_bytes()
        assert (tmp_path / "again.key").stat().st_mode & 0o777 == 0o600
        with pytest.raises(FileExistsError):
            joined.write(tmp_path / "again.key")

    def test_names_the_version_and_never_the_key_when_it_is_another(self):
        blob = JoinedRoot(KEY).wrap_kek(Kek(7, os.urandom(32)))
        with pytest.raises(RootKeyError, match="the recovery shares does not open wrapping key version 7"):
            JoinedRoot(os.urandom(32)).unwrap_kek(blob, 7)

    def test_gives_the_identity_that_opens_the_backups(self):
        ours, others = recovery.backup_identity(JoinedRoot(KEY)), recovery.backup_identity(JoinedRoot(os.urandom(32)))
        sealed = pyrage.encrypt(b"dump", [ours.to_public()])
        assert pyrage.decrypt(sealed, [recovery.backup_identity(JoinedRoot(KEY))]) == b"dump"
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(sealed, [others])

    def test_the_identity_stays_the_same_for_ever(self):
        """Backups made today open in ten years: a change here is a loss of backups."""
        assert str(recovery.backup_identity(JoinedRoot(KEY)).to_public()) == PUBLIC

    def test_the_identity_works_with_the_reference_tool(self, tmp_path):
        identity = recovery.backup_identity(JoinedRoot(KEY))
        (tmp_path / "key").write_text(str(identity))
        (tmp_path / "sealed").write_bytes(pyrage.encrypt(b"dump", [identity.to_public()]))
        opened = subprocess.run(
            ["age", "-d", "-i", tmp_path / "key", tmp_path / "sealed"], capture_output=True, check=True
        )
        assert opened.stdout == b"dump"

    def test_derives_other_keys_for_other_labels_and_takes_no_label_of_others(self):
        root = JoinedRoot(KEY)
        assert root.derive(b"cw/one") != root.derive(b"cw/two") != KEY
        assert (
            recovery.root_mark(root) == recovery.root_mark(JoinedRoot(KEY)) != recovery.root_mark(JoinedRoot(KEY[::-1]))
        )
        assert recovery.root_mark(root) != root.derive(b"cw/backup1")[:16]
        with pytest.raises(ValueError, match="label"):
            root.derive(b"backup")


class TestSecrecy:
    """No message, representation or traceback shows a word of a share or a byte of the key."""

    def test_shares_and_joined_keys_never_show_themselves(self, shares, caplog):
        share, root = recovery.read_share(shares[0]), JoinedRoot(KEY)
        caplog.set_level(logging.DEBUG)

        def shown(of: Share) -> str:
            caplog.clear()
            logging.getLogger("casework.crypto").warning("%s %r %s", of, of, recovery.gather(shares))
            return caplog.text + repr(of) + str(root) + f"{of}"

        assert shown(share) == shown(recovery.read_share(shares[1]))
        assert "cw-root-1" not in shown(share)
        for secret in (share, root):
            with pytest.raises(TypeError):
                pickle.dumps(secret)

    @pytest.mark.parametrize("wrong", ["typo", "unknown", "missing", "swapped", "again", "forged"])
    def test_no_refusal_prints_a_word_of_the_share(self, shares, wrong):
        # What is said of another share too are our own words, some of which are in the list.
        said = self._said_against(shares[0], wrong) - self._said_against(shares[1], wrong)
        assert not said & set(shares[0].split()[4:])

    def _said_against(self, share: str, wrong: str) -> set[str]:
        words = share.split()
        at = next(at for at in range(4, 32) if words[at] != words[at + 1])
        given = {
            "typo": [" ".join([*words[:9], _other(words[9]), *words[10:]])],
            "unknown": [" ".join([*words[:9], "qqqqqq", *words[10:]])],
            "missing": [" ".join(words[:-1])],
            "swapped": [" ".join([*words[:at], words[at + 1], words[at], *words[at + 2 :]])],
            "again": [share, share],
            "forged": [" ".join([words[0], _other(words[1]), *words[2:]])],
        }[wrong]
        with pytest.raises(ShareError) as refused:
            _joined(given)
        error = refused.value
        told = "".join(traceback.format_exception(error)) + repr(error) + str(error.args)
        return set(told.replace(",", " ").replace(".", " ").split())
