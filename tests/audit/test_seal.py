"""The sealer: order, refusals, checkpoints, what it puts where, and what it does not sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError, OperationalError

from casework.audit import chain, seal
from casework.audit.models import Checkpoint, Leaf, SealedHead, Tree
from casework.audit.types import COLUMNS, Row
from casework.core import clock
from casework.crypto import signing
from tests.audit.world import FIRST, SECOND, Trail


def leaves(stream: Any) -> list[int]:
    return list(Leaf.objects.filter(stream=stream).order_by("index").values_list("seq", flat=True))


class TestSealing:
    def test_gives_every_event_a_leaf_in_the_order_of_streams(self, trail):
        rows = list(Leaf.objects.order_by("index").values_list("index", "stream", "seq"))
        assert [index for index, *_ in rows] == list(range(len(rows)))
        assert [row[1:] for row in rows] == sorted(row[1:] for row in rows)
        assert seal.waiting() == 0

    def test_goes_on_after_what_is_sealed(self, trail):
        before = Leaf.objects.count()
        trail.write(FIRST, "case.read", "case.read")
        assert seal.waiting() == 2
        rounds = trail.seal()
        assert [done.sealed for done in rounds] == [2, 0]
        assert leaves(FIRST) == [1, 2, 3, 4, 5]
        assert SealedHead.objects.get(stream=FIRST).seq == 5
        assert Tree.objects.get().size == before + 2

    def test_keeps_an_edge_whose_root_is_that_of_all_leaves(self, trail):
        root = chain.root_of(
            chain.leaf_hash(leaf.stream.bytes, leaf.seq, bytes(leaf.hash)) for leaf in Leaf.objects.order_by("index")
        )
        tree = Tree.objects.get()
        assert chain.Frontier.load(tree.size, bytes(tree.frontier)).root() == root
        assert chain.read_note(trail.notes[-1]).root == root

    def test_signs_after_as_many_events_as_a_checkpoint_holds(self, trail, few):
        few(3)
        trail.write(FIRST, *["case.read"] * 4)
        trail.write(SECOND, *["case.read"] * 3)
        rounds = trail.seal()
        assert [done.sealed for done in rounds] == [3, 3, 1, 0]
        assert [done.note is not None for done in rounds] == [True, True, True, False]
        assert (leaves(FIRST), leaves(SECOND)) == ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5])
        assert trail.wrong(notes=trail.notes) == []

    def test_takes_only_as_many_streams_as_make_a_checkpoint(self, trail, few):
        few(1)
        trail.write(FIRST, "case.read")
        trail.write(SECOND, "case.read")
        assert [done.sealed for done in trail.seal()] == [1, 1, 0]


class TestADamagedStream:
    def test_is_sealed_up_to_the_gap_and_refused_from_there(self, trail):
        trail.write(FIRST, *["case.read"] * 3)
        trail.write(SECOND, "case.read")
        trail.execute("DELETE FROM audit_entry WHERE stream = %s AND seq = 5", FIRST)
        rounds = trail.seal()
        assert [(one.kind, one.stream, one.seq) for done in rounds for one in done.refused] == [("deleted", FIRST, 5)]
        assert (leaves(FIRST), leaves(SECOND)) == ([1, 2, 3, 4], [1, 2, 3])

    def test_is_refused_when_its_end_is_missing(self, trail):
        trail.write(FIRST, "case.read")
        trail.execute("DELETE FROM audit_entry WHERE stream = %s AND seq = 4", FIRST)
        rounds = trail.seal()
        assert [(one.kind, one.seq) for done in rounds for one in done.refused] == [("deleted", 4)]
        assert leaves(FIRST) == [1, 2, 3]

    @pytest.mark.parametrize("change", ["reason = 9", "prev = sha256('x')", "hash = sha256('x')"])
    def test_is_refused_when_an_event_does_not_follow(self, trail, change):
        trail.write(FIRST, "case.read", "case.read")
        trail.execute(f"UPDATE audit_entry SET {change} WHERE stream = %s AND seq = 5", FIRST)
        rounds = trail.seal()
        assert [(one.kind, one.seq) for done in rounds for one in done.refused] == [("edited", 5)]
        assert leaves(FIRST) == [1, 2, 3, 4]

    def test_is_refused_when_an_event_names_another_before_it(self, trail):
        trail.write(FIRST, "case.read", "case.read")
        (values,) = trail.execute(f"SELECT {COLUMNS} FROM audit_entry WHERE stream = %s AND seq = 5", FIRST)
        row = Row(*values)._replace(prev=bytes(32))
        digest = chain.event_hash(row.event())
        trail.execute(
            "UPDATE audit_entry SET prev = %s, hash = %s WHERE stream = %s AND seq = 5", row.prev, digest, FIRST
        )
        rounds = trail.seal()
        assert [(one.kind, one.seq) for done in rounds for one in done.refused] == [("edited", 5)]

    def test_is_refused_again_next_time_and_does_not_stop_the_others(self, trail, few):
        few(2)
        trail.write(FIRST, *["case.read"] * 4)
        trail.execute("UPDATE audit_entry SET reason = 9 WHERE stream = %s AND seq = 4", FIRST)
        for count in (1, 2):
            trail.write(SECOND, "case.read")
            rounds = trail.seal()
            assert sum(len(done.refused) for done in rounds) == 1
            assert len(leaves(SECOND)) == 2 + count


class TestCheckpoints:
    def test_name_the_one_before(self, trail):
        trail.write(FIRST, "case.read")
        trail.seal()
        first, second = (chain.read_note(note) for note in trail.notes)
        assert first.prev == bytes(32)
        assert second.prev == chain.note_hash(trail.notes[0])
        assert list(Checkpoint.objects.order_by("number").values_list("number", "note")) == [
            (1, trail.notes[0]),
            (2, trail.notes[1]),
        ]

    def test_are_signed_with_the_sealers_key(self, trail):
        note = chain.open_note(trail.notes[0], trail.sealer.key.public(), signing.verify)
        assert (note.origin, note.size) == (settings.CASEWORK_ORIGIN, Leaf.objects.count())

    def test_are_not_made_when_nothing_is_new(self, trail):
        assert [done.note for done in trail.seal()] == [None]

    def test_hold_the_ends_of_all_streams_once_a_day(self, trail):
        day = datetime(2036, 1, 1, 23, 0, tzinfo=UTC)
        for hours, expected in ((0, True), (0.5, False), (2, True)):
            with clock.fixed(day + timedelta(hours=hours)):
                trail.write(FIRST, "case.read")
                trail.seal()
            assert (chain.read_note(trail.notes[-1]).heads is not None) is expected
        heads = SealedHead.objects.order_by("stream").values_list("stream", "seq", "hash")
        expected_root = chain.heads_root((stream.bytes, seq, bytes(digest)) for stream, seq, digest in heads)
        assert chain.read_note(trail.notes[-1]).heads == expected_root

    def test_are_made_for_the_day_also_when_nothing_is_new(self, trail):
        with clock.fixed(clock.now() + timedelta(days=1)):
            (done,) = trail.seal()
        assert done.sealed == 0
        assert chain.read_note(done.note or "").heads is not None

    def test_are_not_made_of_an_empty_trail(self, trail):
        trail.execute("TRUNCATE audit_entry, audit_head, audit_leaf, audit_sealedhead, audit_checkpoint")
        trail.execute("UPDATE audit_tree SET size = 0, frontier = ''")
        assert [(done.sealed, done.note) for done in trail.seal()] == [(0, None)]


class TestATreeThatWasChanged:
    """A signature over it would hide the change."""

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE audit_tree SET size = 1, frontier = sha256('x')",
            "UPDATE audit_tree SET size = 0, frontier = ''",
            "DELETE FROM audit_checkpoint",
            "UPDATE audit_checkpoint SET note = replace(note, 'prev', 'perv')",
        ],
    )
    def test_is_not_signed(self, trail, change):
        trail.execute(change)
        trail.write(FIRST, "case.read")
        with pytest.raises(seal.TreeChanged):
            trail.seal()

    def test_is_not_signed_by_another_key(self, trail, tmp_path):
        signing.generate_signing_key_file(tmp_path / "other.key")
        other = seal.Sealer(signing.load_signing_key(tmp_path / "other.key"), settings.CASEWORK_ORIGIN)
        with pytest.raises(seal.TreeChanged):
            other.catch_up()


class TestTheFolder:
    def sealer(self, trail: Trail, folder: Path) -> seal.Sealer:
        return seal.Sealer(trail.sealer.key, trail.sealer.origin, folder)

    def test_gets_every_note_by_day_and_the_public_key(self, trail, tmp_path):
        folder = tmp_path / "notes"
        with clock.fixed(datetime(2036, 1, 2, 3, 4, tzinfo=UTC)):
            trail.write(FIRST, "case.read")
            self.sealer(trail, folder).catch_up()
        notes = sorted(folder.glob("*/*.note"))
        assert [note.name for note in notes] == ["00000001.note", "00000002.note"]
        assert notes[1].parent.name == "2036-01-02"
        assert notes[0].read_text(encoding="utf-8") == trail.notes[0]
        assert chain.public_key_of((folder / "sealer.pub").read_text()) == trail.sealer.key.public()

    def test_gets_what_an_earlier_run_signed_and_did_not_come_to_put(self, trail, tmp_path):
        self.sealer(trail, tmp_path).catch_up()
        trail.write(FIRST, "case.read")
        trail.seal()
        assert len(list(tmp_path.glob("*/*.note"))) == 1
        self.sealer(trail, tmp_path).catch_up()
        assert len(list(tmp_path.glob("*/*.note"))) == 2
        assert list(tmp_path.glob("**/.*")) == []


class TestTheLoop:
    def run(self, trail: Trail, *, every: float, stops: int, during: Any = None) -> list[seal.Round]:
        told: list[seal.Round] = []
        waits: list[float] = []

        def wait(seconds: float) -> bool:
            waits.append(seconds)
            if during:
                during(len(waits))
            return len(waits) == stops

        trail.sealer.keep_sealing(wait, every=every, tell=told.append)
        assert set(waits) == {min(every, 5.0)}
        return told

    def test_seals_at_once_and_then_waits_for_its_time(self, trail):
        start = datetime(2036, 1, 1, tzinfo=UTC)
        with clock.fixed(start):
            trail.write(FIRST, "case.read")
            told = self.run(trail, every=60, stops=3, during=lambda _: trail.write(FIRST, "case.read"))
        assert sum(done.sealed for done in told) == 1
        assert seal.waiting() == 3

    def test_seals_again_when_its_time_has_come(self, trail):
        trail.write(FIRST, "case.read")
        told = self.run(trail, every=0.001, stops=3, during=lambda _: trail.write(FIRST, "case.read"))
        assert sum(done.sealed for done in told) == 3

    def test_does_not_wait_when_a_checkpoints_worth_is_there(self, trail, few):
        few(2)
        with clock.fixed(datetime(2036, 1, 1, tzinfo=UTC)):
            told = self.run(
                trail,
                every=60,
                stops=2,
                during=lambda turn: trail.write(FIRST, *["case.read"] * (2 if turn == 1 else 0)),
            )
        assert sum(done.sealed for done in told) == 2

    @pytest.mark.parametrize(
        ("error", "event"),
        [(OperationalError, "seal.database_away"), (DataError, "seal.database_refused")],
    )
    def test_outlives_a_database_that_is_away_or_refuses(self, trail, monkeypatch, caplog, error, event):
        answers = iter([error("synthetic"), []])

        def catch_up(_self: seal.Sealer) -> list[seal.Round]:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(seal.Sealer, "catch_up", catch_up)
        closed: list[bool] = []
        monkeypatch.setattr(seal.connection, "close", lambda: closed.append(True))
        self.run(trail, every=0.001, stops=2)
        assert closed == [True]
        assert next(answers, None) is None
        assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [(event, None)]

    def test_counts_heads_that_claim_more_than_a_number_holds(self, trail):
        trail.execute("UPDATE audit_head SET seq = 9223372036854775807")
        assert seal.waiting() == 2**63 - 1


class TestTheSettings:
    def test_name_key_origin_and_folder(self, settings, tmp_path):
        settings.CASEWORK_CHECKPOINT_DIR = ""
        assert seal.sealer().folder is None
        settings.CASEWORK_CHECKPOINT_DIR = str(tmp_path)
        made = seal.sealer()
        assert (made.folder, made.origin) == (tmp_path, settings.CASEWORK_ORIGIN)
        assert seal.known_public_key() == made.key.public()

    def test_without_a_key_are_refused(self, settings):
        settings.CASEWORK_SEALER_KEY_FILE = ""
        with pytest.raises(seal.Unconfigured):
            seal.sealer()

    def test_without_a_key_still_find_the_public_one_beside_the_notes(self, settings, tmp_path):
        public = seal.sealer().key.public()
        settings.CASEWORK_SEALER_KEY_FILE = ""
        settings.CASEWORK_CHECKPOINT_DIR = str(tmp_path)
        assert seal.known_public_key() is None
        (tmp_path / "sealer.pub").write_text(chain.verifier_key("casework.test", public))
        assert seal.known_public_key() == public
        settings.CASEWORK_CHECKPOINT_DIR = ""
        assert seal.known_public_key() is None
