"""The hashed bytes, the tree and the note: pure, against published vectors and against frozen bytes of our own."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.audit import chain
from casework.crypto import signing

# The leaves of RFC 6962's reference implementation (certificate-transparency, merkle_tree_test) and their roots.
LEAVES = [
    hashlib.sha256(b"\x00" + bytes.fromhex(data)).digest()
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EVENT = chain.Event(
    stream=UUID("11111111-1111-4111-8111-111111111111"),
    seq=7,
    prev=bytes(range(32)),
    time_us=1_790_000_000_123_456,
    actor=UUID("22222222-2222-4222-8222-222222222222"),
    action=101,
    outcome=1,
    reason=106,
    object=UUID("33333333-3333-4333-8333-333333333333"),
    row_digest=b"\x44" * 32,
    body=b"\x55" * 16 + b"sealed",
)
CHECKPOINT = chain.Checkpoint(
    origin="casework.test/audit",
    size=5,
    root=b"\x01" * 32,
    prev=b"\x02" * 32,
    time=datetime(2026, 9, 25, 10, 11, 12, tzinfo=UTC),
    heads=b"\x03" * 32,
)


class TestEventBytes:
    """security-design section 7: a format for ever."""

    def test_are_the_fields_one_after_another(self):
        assert chain.event_bytes(EVENT) == (
            b"cw/a1"
            + b"\x11" * 6 + b"\x41\x11\x81" + b"\x11" * 7
            + (7).to_bytes(8, "big")
            + bytes(range(32))
            + (1_790_000_000_123_456).to_bytes(8, "big")
            + b"\x22" * 6 + b"\x42\x22\x82" + b"\x22" * 7
            + (101).to_bytes(2, "big")
            + b"\x01"
            + (106).to_bytes(2, "big")
            + b"\x33" * 6 + b"\x43\x33\x83" + b"\x33" * 7
            + b"\x44" * 32
            + hashlib.sha256(b"\x55" * 16 + b"sealed").digest()
        )  # fmt: skip

    def test_have_a_hash_that_never_changes(self):
        assert chain.event_hash(EVENT).hex() == "eff371478dd9b9896ba42892f42029ef4a0c470cab26e9252eb48c26c6eddf6d"

    def test_are_170(self):
        assert len(chain.event_bytes(EVENT)) == 170

    @pytest.mark.parametrize(
        "change",
        [
            {"stream": chain.NIL},
            {"seq": 8},
            {"prev": bytes(32)},
            {"time_us": -1},
            {"actor": chain.NIL},
            {"action": 100},
            {"outcome": 0},
            {"reason": 0},
            {"object": chain.NIL},
            {"row_digest": bytes(32)},
            {"body": b""},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_change_with_every_field(self, change):
        assert chain.event_hash(replace(EVENT, **change)) != chain.event_hash(EVENT)


class TestMac:
    def test_is_the_beginning_of_hmac_sha256(self):
        expected = hmac.new(b"k" * 32, b"h" * 32, "sha256").digest()[:16]
        assert chain.event_mac(b"k" * 32, b"h" * 32) == expected

    @given(key=st.binary(min_size=1, max_size=64), digest=st.binary(min_size=32, max_size=32))
    def test_made_fast_is_the_same(self, key, digest):
        assert chain.mac_maker(key)(digest) == chain.event_mac(key, digest)


class TestRowDigest:
    def test_is_over_table_row_and_fields_by_rising_id(self):
        row = UUID("33333333-3333-4333-8333-333333333333")
        expected = hashlib.sha256(
            b"cw/rd1\x00\x07" + row.bytes
            + b"\x00\x01" + hashlib.sha256(b"one").digest()
            + b"\x01\x00" + hashlib.sha256(b"256").digest()
        ).digest()  # fmt: skip
        assert chain.row_digest(7, row, [(256, b"256"), (1, b"one")]) == expected

    def test_changes_when_two_fields_swap_their_bytes(self):
        row = UUID(int=5)
        assert chain.row_digest(1, row, [(1, b"a"), (2, b"b")]) != chain.row_digest(1, row, [(1, b"b"), (2, b"a")])


class TestTime:
    @given(st.datetimes(timezones=st.just(UTC)))
    def test_is_whole_microseconds_there_and_back(self, at):
        assert chain.moment(chain.time_us(at)) == at

    def test_begins_in_1970(self):
        assert chain.time_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000_000


class TestTree:
    """RFC 6962, section 2.1."""

    @pytest.mark.parametrize("size", range(1, 9))
    def test_has_the_published_roots(self, size):
        assert chain.root_of(LEAVES[:size]).hex() == ROOTS[size - 1]

    def test_that_is_empty_has_the_hash_of_nothing(self):
        assert chain.root_of([]) == hashlib.sha256(b"").digest()

    @pytest.mark.parametrize("size", range(9))
    def test_goes_on_from_a_saved_edge(self, size):
        frontier = chain.Frontier()
        for leaf in LEAVES[:size]:
            frontier.append(leaf)
        again = chain.Frontier.load(frontier.size, frontier.dump())
        for leaf in LEAVES[size:]:
            again.append(leaf)
        assert again.root().hex() == ROOTS[7]

    @pytest.mark.parametrize(("size", "roots"), [(-1, []), (1, []), (3, [bytes(32)]), (1, [bytes(31)])])
    def test_refuses_an_edge_that_does_not_fit_its_size(self, size, roots):
        with pytest.raises(ValueError, match="do not make a tree"):
            chain.Frontier(size, roots)

    def test_leaf_is_over_stream_seq_and_hash(self):
        expected = hashlib.sha256(b"\x00" + b"s" * 16 + (9).to_bytes(8, "big") + b"h" * 32).digest()
        assert chain.leaf_hash(b"s" * 16, 9, b"h" * 32) == expected

    def test_heads_are_leaves_in_the_order_given(self):
        heads = [(b"a" * 16, 1, b"x" * 32), (b"b" * 16, 2, b"y" * 32)]
        assert chain.heads_root(heads) == chain.node_hash(*(chain.leaf_hash(*head) for head in heads))


def _range_root(start: int, end: int) -> bytes:
    return chain.root_of(LEAVES[start:end])


class TestInclusionProof:
    """RFC 6962, section 2.1.1."""

    def test_is_the_published_one(self):
        assert [part.hex() for part in chain.inclusion_proof(0, 8, _range_root)] == [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]

    @pytest.mark.parametrize(("index", "size"), [(index, size) for size in range(1, 9) for index in range(size)])
    def test_leads_to_the_root(self, index, size):
        proof = chain.inclusion_proof(index, size, _range_root)
        assert chain.root_from_proof(LEAVES[index], index, size, proof).hex() == ROOTS[size - 1]

    @pytest.mark.parametrize("index", range(8))
    def test_does_not_lead_there_from_another_leaf(self, index):
        proof = chain.inclusion_proof(index, 8, _range_root)
        assert chain.root_from_proof(LEAVES[index - 1], index, 8, proof).hex() != ROOTS[7]

    @pytest.mark.parametrize("wrong", [[], [bytes(32)] * 2, [bytes(32)] * 4])
    def test_of_another_length_is_refused(self, wrong):
        with pytest.raises(ValueError, match="wrong length"):
            chain.root_from_proof(LEAVES[0], 0, 8, wrong)

    @pytest.mark.parametrize(("index", "size"), [(0, 0), (8, 8), (-1, 8)])
    def test_is_not_made_for_a_leaf_outside_the_tree(self, index, size):
        with pytest.raises(ValueError, match="not in the tree"):
            chain.proof_ranges(index, size)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> signing.SigningKey:
    path = tmp_path_factory.mktemp("keys") / "sealer.key"
    signing.generate_signing_key_file(path)
    return signing.load_signing_key(path)


@pytest.fixture
def note(key: signing.SigningKey) -> str:
    return chain.sign_note(CHECKPOINT, key.public(), key.sign)


class TestNote:
    """C2SP signed note and checkpoint, with our three extension lines."""

    def test_has_the_lines_of_the_format(self, note):
        text, signature = note.split("\n\n")
        assert text.split("\n") == [
            "casework.test/audit",
            "5",
            "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
            "prev AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
            "time 2026-09-25T10:11:12Z",
            "heads AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
        ]
        assert signature.startswith("\N{EM DASH} casework.test/audit ")
        assert signature.endswith("\n")

    @pytest.mark.parametrize("heads", [None, b"\x03" * 32])
    def test_says_what_was_signed(self, key, heads):
        checkpoint = replace(CHECKPOINT, heads=heads)
        note = chain.sign_note(checkpoint, key.public(), key.sign)
        assert chain.open_note(note, key.public(), signing.verify) == checkpoint
        assert chain.read_note(note) == checkpoint

    def test_gives_time_in_utc(self, key):
        from datetime import timedelta, timezone

        there = CHECKPOINT.time.astimezone(timezone(timedelta(hours=5)))
        assert replace(CHECKPOINT, time=there).body() == CHECKPOINT.body()

    def test_changed_anywhere_is_refused(self, key, note):
        for place in range(len(note)):
            changed = note[:place] + ("A" if note[place] != "A" else "B") + note[place + 1 :]
            with pytest.raises(chain.BadNote):
                chain.open_note(changed, key.public(), signing.verify)

    def test_whose_signature_ends_in_bits_that_nobody_reads_is_refused(self, key, note):
        digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        text = note.rstrip("\n").rstrip("=")
        padding = note[len(text) :]
        changed = text[:-1] + digits[digits.index(text[-1]) ^ 1] + padding
        assert changed != note
        with pytest.raises(chain.BadNote):
            chain.open_note(changed, key.public(), signing.verify)

    def test_of_another_key_is_refused(self, note):
        with pytest.raises(chain.BadSignature):
            chain.open_note(note, bytes(32), signing.verify)

    def test_may_carry_a_witness_signature_and_unknown_lines(self, key, note):
        body, _signed = note.split("\n\n")
        body += "\nother line"
        signature = chain.key_id(CHECKPOINT.origin, key.public()) + key.sign((body + "\n").encode())
        text = chain._b64(signature)
        witness = "\N{EM DASH} witness.example AAAAAAAA\n"
        grown = f"{body}\n\n{witness}\N{EM DASH} {CHECKPOINT.origin} {text}\n"
        assert chain.open_note(grown, key.public(), signing.verify) == CHECKPOINT

    @pytest.mark.parametrize(
        "damage",
        [
            lambda note: note.rstrip("\n"),
            lambda note: note.split("\n\n")[0] + "\n",
            lambda note: note + "stray\n",
            lambda note: note + "\N{EM DASH} nameonly\n",
            lambda note: note + "\N{EM DASH} name not-base64!\n",
            lambda note: note.replace("\n5\n", "\n05\n"),
            lambda note: note.replace("\n5\n", "\n-5\n"),
            lambda note: note.replace("\n5\n", "\nfive\n"),
            lambda note: note.replace("casework.test/audit\n5", "\n5", 1),
            lambda note: note.replace("prev ", "before "),
            lambda note: note.replace("time 2026", "time MMXXVI"),
            lambda note: note.replace("AQEB", "", 1),
            lambda note: note.replace("AQEB", "!!!!", 1),
            lambda note: "only\n\n\N{EM DASH} a AAAA\n",
            lambda note: "",
        ],
    )
    def test_that_is_none_is_refused(self, note, damage):
        with pytest.raises(chain.BadNote):
            chain.read_note(damage(note))

    def test_hash_is_over_the_whole_text(self, note):
        assert chain.note_hash(note) == hashlib.sha256(note.encode()).digest()

    @pytest.mark.parametrize("between", ["", "\n", "\n\n"])
    def test_several_in_a_file_are_told_apart(self, key, note, between):
        second = chain.sign_note(replace(CHECKPOINT, size=6), key.public(), key.sign)
        assert list(chain.split_notes(note + between + second)) == [note, second]

    def test_a_text_without_signature_is_one_note(self):
        assert list(chain.split_notes("garbage\n")) == ["garbage\n\n"]

    def test_an_empty_file_has_none(self):
        assert list(chain.split_notes("\n")) == []


class TestVerifierKey:
    def test_goes_there_and_back(self, key):
        text = chain.verifier_key("casework.test/audit", key.public())
        assert text.startswith("casework.test/audit+")
        assert chain.public_key_of(text + "\n") == key.public()

    @pytest.mark.parametrize(
        "text", ["", "name", "name+00000000+AAAA", "name+00000000+!!", "name+00000000+" + "AQ" + "A" * 42]
    )
    def test_that_is_none_is_refused(self, text):
        with pytest.raises(chain.BadNote):
            chain.public_key_of(text)

    def test_id_is_that_of_the_format(self):
        expected = hashlib.sha256(b"name\n\x01" + b"p" * 32).digest()[:4]
        assert chain.key_id("name", b"p" * 32) == expected
