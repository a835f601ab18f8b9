"""Every way to tamper with the trail is found, and named by stream and event (invariants 32 to 34, 37, 39)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from casework.audit import chain, services, verify
from casework.audit.models import Entry, Leaf
from casework.audit.types import COLUMNS, Row
from casework.core import clock, work
from casework.crypto import services as crypto
from tests.audit.world import FIRST, SECOND, USER, Trail
from tests.sealed_app.models import Letter


def rewrite(trail: Trail, stream: UUID, *, key: bytes | None, **changes: Any) -> None:
    """Change the second event of a stream and compute all that follows again; `key`: that of the MACs, if known."""
    prev = b""
    for values in trail.execute(f"SELECT {COLUMNS} FROM audit_entry WHERE stream = %s ORDER BY seq", stream):
        row = Row(*values)
        if row.seq == 2:
            row = row._replace(**changes)
        if row.seq >= 2:
            row = row._replace(prev=prev)
        digest = chain.event_hash(row.event())
        mac = row.mac if key is None else chain.event_mac(key, digest)
        trail.execute(
            "UPDATE audit_entry SET prev = %s, reason = %s, hash = %s, mac = %s WHERE stream = %s AND seq = %s",
            row.prev, row.reason, digest, mac, stream, row.seq,
        )  # fmt: skip
        trail.execute("UPDATE audit_head SET hash = %s WHERE stream = %s AND seq = %s", digest, stream, row.seq)
        prev = digest


def rebuild_log(trail: Trail) -> None:
    """Make leaves, sealed heads and tree anew from the entries, as someone would who has the whole database."""
    trail.execute(
        "UPDATE audit_leaf l SET hash = e.hash FROM audit_entry e WHERE e.stream = l.stream AND e.seq = l.seq"
    )
    trail.execute("UPDATE audit_sealedhead s SET hash = h.hash FROM audit_head h WHERE h.stream = s.stream")
    leaves = Leaf.objects.order_by("index")
    frontier = chain.Frontier()
    for leaf in leaves:
        frontier.append(chain.leaf_hash(leaf.stream.bytes, leaf.seq, bytes(leaf.hash)))
    trail.execute("UPDATE audit_tree SET size = %s, frontier = %s", frontier.size, frontier.dump())


class TestAWholeTrail:
    def test_has_nothing_wrong(self, trail):
        verification = trail.verification(notes=trail.notes)
        assert verification.run() == []
        assert verification.position.entries == Entry.objects.count()
        assert verification.position.matched == verification.position.leaves == Leaf.objects.count()

    def test_may_have_events_that_are_not_sealed_yet(self, trail):
        trail.write(FIRST, "case.read")
        assert trail.wrong() == []

    def test_of_one_stream_has_nothing_wrong(self, trail):
        verification = trail.verification(stream=FIRST, notes=trail.notes)
        assert verification.run() == []
        assert (verification.position.entries, verification.position.matched) == (3, 3)

    def test_holds_the_kinds_of_stream_and_entry_that_there_are(self, trail):
        services.record_now(work.Actor(USER), "access.refused", obj=FIRST)
        services.record_now(work.Actor(None), "access.refused", obj=FIRST)
        services.record_now(work.Actor(USER), "access.refused")
        services.record_now(work.Actor(USER), "board.viewed", obj=FIRST)
        services.record_now(work.system_actor(), "limits.rebuilt")
        trail.seal()
        assert trail.wrong() == []

    def test_without_a_public_key_compares_all_but_the_signatures(self, trail):
        verification = trail.verification(public_key=None)
        assert verification.run() == []
        assert not verification.checks_signatures

    def test_of_a_stream_that_is_not_there_has_nothing_wrong(self, trail):
        verification = trail.verification(stream=uuid4())
        assert (verification.run(), verification.position.entries) == ([], 0)

    def test_verifies_after_its_key_is_destroyed(self, trail):
        """Invariant 11."""
        crypto.destroy_scope(FIRST)
        assert trail.wrong() == []


def never_sealed(trail: Trail) -> None:
    """Leave the database as if nothing had ever been sealed."""
    for table in ("audit_leaf", "audit_sealedhead", "audit_checkpoint"):
        trail.execute(f"DELETE FROM {table}")
    trail.execute("UPDATE audit_tree SET size = 0, frontier = ''")


EDITS = {
    "time_us": "time_us + 1",
    "actor": "'44444444-4444-4444-8444-444444444444'",
    "action": "100",
    "outcome": "1",
    "reason": "3",
    "object": "'44444444-4444-4444-8444-444444444444'",
    "row_digest": "sha256('x')",
    "body": "'x'",
    "prev": "sha256('x')",
    "hash": "sha256('x')",
    "request_id": "'44444444-4444-4444-8444-444444444444'",
    "case_id": "'44444444-4444-4444-8444-444444444444'",
}


class TestAnEditedEvent:
    """Invariant 32."""

    @pytest.mark.parametrize("column", EDITS)
    def test_is_found_whatever_the_column(self, trail, column):
        trail.execute(f"UPDATE audit_entry SET {column} = {EDITS[column]} WHERE stream = %s AND seq = 2", FIRST)
        kind, stream, seq = trail.wrong()[0]
        assert kind in {"edited", "reordered"}
        assert (stream, seq) == (FIRST, 2)

    def test_is_found_by_its_mac(self, trail):
        trail.execute("UPDATE audit_entry SET mac = '0123456789abcdef' WHERE stream = %s AND seq = 2", FIRST)
        assert trail.wrong() == [("forged", FIRST, 2)]

    @pytest.mark.parametrize("column", ["action", "outcome", "reason"])
    def test_is_found_above_the_bytes_that_are_hashed(self, trail, column):
        trail.execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_lengths")
        trail.execute(f"UPDATE audit_entry SET {column} = {column} + 65536 WHERE stream = %s AND seq = 2", FIRST)
        assert trail.wrong()[0] == ("edited", FIRST, 2)

    def test_is_found_when_bytes_move_from_one_column_to_the_next(self, trail):
        trail.execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_lengths")
        trail.execute(
            "UPDATE audit_entry SET hash = substr(hash, 1, 31), mac = substr(hash, 32, 1) || mac"
            " WHERE stream = %s AND seq = 3",
            FIRST,
        )
        assert trail.wrong()[0] == ("edited", FIRST, 3)

    def test_is_found_when_it_was_moved_out_of_its_case(self, trail):
        trail.execute("UPDATE audit_entry SET case_id = NULL WHERE stream = %s AND seq = 2", FIRST)
        assert trail.wrong() == [("edited", FIRST, 2)]

    def test_does_not_hide_the_next_one(self, trail):
        trail.execute("UPDATE audit_entry SET reason = 5 WHERE stream = %s AND seq IN (1, 3)", FIRST)
        assert trail.wrong() == [("edited", FIRST, 1), ("edited", FIRST, 3)]

    def test_is_found_in_the_check_of_its_own_stream_only(self, trail):
        trail.execute("UPDATE audit_entry SET reason = 5 WHERE stream = %s AND seq = 2", FIRST)
        assert trail.wrong(stream=FIRST) == [("edited", FIRST, 2)]
        assert trail.wrong(stream=SECOND) == []

    def test_keeps_a_hundred_of_very_many(self, trail):
        for _ in range(20):
            trail.write(SECOND, *["case.read"] * 6)
        trail.execute("UPDATE audit_entry SET reason = 5 WHERE stream = %s", SECOND)
        verification = trail.verification()
        assert len(verification.run()) == 100
        assert verification.position.wrong == 122


class TestADeletedEvent:
    """Invariants 32 and 34."""

    def cut(self, trail):
        """Take the last event away and set back what the database says of the end of the stream."""
        trail.execute("DELETE FROM audit_entry WHERE stream = %s AND seq = 3", FIRST)
        for table in ("audit_head", "audit_sealedhead"):
            trail.execute(
                f"UPDATE {table} h SET seq = e.seq, hash = e.hash FROM audit_entry e"
                " WHERE h.stream = %s AND e.stream = h.stream AND e.seq = 2",
                FIRST,
            )

    @pytest.mark.parametrize("seq", [1, 2])
    def test_is_found_at_its_place(self, trail, seq):
        trail.execute("DELETE FROM audit_entry WHERE stream = %s AND seq = %s", FIRST, seq)
        assert trail.wrong() == [("deleted", FIRST, seq)]

    def test_that_was_the_last_is_found_before_it_is_sealed(self, trail):
        trail.write(FIRST, "case.read")
        trail.execute("DELETE FROM audit_entry WHERE stream = %s AND seq = 4", FIRST)
        assert trail.wrong() == [("cut off", FIRST, 4)]

    def test_that_was_the_last_is_found_when_the_head_was_set_back(self, trail):
        trail.execute("DELETE FROM audit_entry WHERE stream = %s AND seq = 3", FIRST)
        trail.execute(
            "UPDATE audit_head h SET seq = e.seq, hash = e.hash FROM audit_entry e"
            " WHERE h.stream = %s AND e.stream = h.stream AND e.seq = 2",
            FIRST,
        )
        assert trail.wrong() == [("cut off", FIRST, 3)]
        assert trail.wrong(stream=FIRST) == [("cut off", FIRST, 3)]

    def test_that_was_the_last_is_found_when_what_was_sealed_was_set_back_too(self, trail):
        self.cut(trail)
        assert trail.wrong() == [("deleted", FIRST, 3)]
        assert trail.wrong(stream=FIRST) == [("deleted", FIRST, 3)]

    def test_that_was_the_last_is_found_by_the_log_when_its_leaf_is_gone_too(self, trail):
        self.cut(trail)
        trail.execute("DELETE FROM audit_leaf WHERE stream = %s AND seq = 3", FIRST)
        assert [kind for kind, *_ in trail.wrong()] == ["deleted"]  # a leaf
        trail.execute(
            'UPDATE audit_leaf SET "index" = "index" - 1 WHERE "index" >'
            ' (SELECT min(m."index") FROM audit_leaf m WHERE NOT EXISTS'
            ' (SELECT 1 FROM audit_leaf n WHERE n."index" = m."index" + 1))'
        )
        assert {kind for kind, *_ in trail.wrong()} == {"cut off", "edited"}  # the log, and the tree beside it

    def test_with_its_whole_stream_is_found(self, trail):
        trail.execute("DELETE FROM audit_entry WHERE stream = %s", SECOND)
        assert trail.wrong()[0] == ("cut off", SECOND, 1)
        trail.execute("DELETE FROM audit_head WHERE stream = %s", SECOND)
        assert trail.wrong()[0][1] == SECOND
        trail.execute("DELETE FROM audit_sealedhead WHERE stream = %s", SECOND)
        assert trail.wrong() == [("deleted", SECOND, 1), ("deleted", SECOND, 2)]

    def test_head_is_found(self, trail):
        trail.execute("DELETE FROM audit_head WHERE stream = %s", SECOND)
        assert trail.wrong() == [("deleted", SECOND, 2)]
        trail.execute("DELETE FROM audit_sealedhead WHERE stream = %s", SECOND)
        assert trail.wrong() == [("deleted", SECOND, 2)]
        assert trail.wrong(stream=SECOND) == [("deleted", SECOND, 2)]


class TestAnInsertedEvent:
    """Invariant 32."""

    def test_at_the_end_is_found(self, trail):
        trail.execute(
            f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS.replace('seq', '4', 1)} FROM audit_entry"
            " WHERE stream = %s AND seq = 3",
            FIRST,
        )
        kind, stream, seq = trail.wrong()[0]
        assert (kind, stream, seq) == ("reordered", FIRST, 4)

    def test_at_the_end_with_good_hashes_is_found_by_the_head(self, trail):
        values = trail.execute(f"SELECT {COLUMNS} FROM audit_entry WHERE stream = %s AND seq = 3", FIRST)[0]
        row = Row(*values)
        row = row._replace(seq=4, prev=row.hash)
        digest = chain.event_hash(row.event())
        row = row._replace(hash=digest, mac=chain.event_mac(crypto.audit_mac_key(), digest))
        trail.execute(f"INSERT INTO audit_entry ({COLUMNS}) VALUES ({', '.join(['%s'] * 15)})", *row)
        assert trail.wrong() == [("inserted", FIRST, 4)]

    def test_before_the_first_is_found(self, trail):
        trail.execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_lengths")
        trail.execute(
            f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS.replace('seq', '-5', 1)} FROM audit_entry"
            " WHERE stream = %s AND seq = 3",
            FIRST,
        )
        assert trail.wrong()[0] == ("inserted", FIRST, -5)


class TestReorderedEvents:
    """Invariant 32."""

    def test_that_swapped_their_contents_are_found(self, trail):
        trail.execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_lengths")
        trail.execute("UPDATE audit_entry SET seq = seq - 100 WHERE stream = %s AND seq IN (1, 2)", FIRST)
        trail.execute("UPDATE audit_entry SET seq = -97 - seq WHERE stream = %s AND seq < 0", FIRST)
        assert [entry.seq for entry in Entry.objects.filter(stream=FIRST).order_by("seq")] == [1, 2, 3]
        assert trail.wrong()[0][1:] == (FIRST, 1)

    def test_that_moved_between_streams_are_found(self, trail):
        trail.execute("UPDATE audit_entry SET stream = %s, seq = 3 WHERE stream = %s AND seq = 3", SECOND, FIRST)
        assert {(stream, seq) for _kind, stream, seq in trail.wrong()} >= {(FIRST, 3), (SECOND, 3)}


class TestARewrittenChain:
    """Invariant 33."""

    def test_without_the_key_is_found_by_its_macs(self, trail):
        rewrite(trail, FIRST, key=None, reason=5)
        rebuild_log(trail)
        assert trail.wrong()[:2] == [("forged", FIRST, 2), ("forged", FIRST, 3)]

    def test_with_the_key_is_found_by_what_was_sealed(self, trail):
        rewrite(trail, FIRST, key=crypto.audit_mac_key(), reason=5)
        assert trail.wrong() == [("rewritten", FIRST, 2), ("rewritten", FIRST, 3)]

    def test_with_the_key_and_the_log_is_found_by_the_signed_checkpoint(self, trail):
        rewrite(trail, FIRST, key=crypto.audit_mac_key(), reason=5)
        rebuild_log(trail)
        log, heads = trail.verification().run()
        assert (log.kind, heads.kind) == ("rewritten", "rewritten")
        assert log.message.startswith("The log is another than the one signed at")
        assert heads.message.startswith("The ends of the streams were others at")

    def test_with_key_log_and_checkpoints_is_found_by_the_one_kept_elsewhere(self, trail):
        rewrite(trail, FIRST, key=crypto.audit_mac_key(), reason=5)
        rebuild_log(trail)
        trail.execute("DELETE FROM audit_checkpoint")
        assert trail.wrong() == [("deleted", None, 0)]  # a log that nothing was signed over
        messages = [found.message for found in trail.verification(notes=trail.notes).run()]
        assert [message.startswith("The log is another") for message in messages] == [True, False, False]
        never_sealed(trail)
        assert trail.wrong() == []
        assert trail.wrong(notes=trail.notes) == [("cut off", None, 0)]

    def test_in_its_head_only_is_found(self, trail):
        trail.execute("UPDATE audit_head SET hash = sha256('x') WHERE stream = %s", FIRST)
        assert trail.wrong() == [("edited", FIRST, 3)]

    def test_in_its_kind_only_is_found(self, trail):
        trail.execute("UPDATE audit_head SET kind = 2 WHERE stream = %s", FIRST)
        assert trail.wrong() == [("edited", FIRST, 3)]

    def test_in_its_sealed_head_only_is_found(self, trail):
        trail.execute("UPDATE audit_sealedhead SET hash = sha256('x') WHERE stream = %s", FIRST)
        assert trail.wrong() == [("rewritten", FIRST, 3)]
        trail.execute("UPDATE audit_sealedhead SET seq = 2 WHERE stream = %s", FIRST)
        assert trail.wrong() == [("edited", FIRST, 3)]
        trail.execute("DELETE FROM audit_sealedhead WHERE stream = %s", FIRST)
        assert trail.wrong() == [("edited", FIRST, 3)]

    @pytest.mark.parametrize(
        "change", ["SET size = size - 1", "SET size = size + 1", "SET frontier = set_byte(frontier, 0, 0)"]
    )
    def test_in_the_sealers_tree_only_is_found(self, trail, few, change):
        trail.execute(f"UPDATE audit_tree {change}")
        assert trail.wrong() == [("edited", None, 0)]
        few(2)
        assert trail.wrong() == [("edited", None, 0)]


class TestCheckpoints:
    def test_of_a_longer_log_tell_that_it_was_cut_off(self, trail):
        trail.write(FIRST, "case.read")
        trail.seal()
        trail.execute("DELETE FROM audit_leaf WHERE stream = %s AND seq = 4", FIRST)
        assert ("cut off", None, 0) in trail.wrong()
        never_sealed(trail)
        assert trail.wrong() == []
        assert ("cut off", None, 0) in trail.wrong(notes=trail.notes)

    def test_that_are_missing_in_between_are_noticed(self, trail):
        for _ in range(2):
            trail.write(FIRST, "case.read")
            trail.seal()
        trail.execute("DELETE FROM audit_checkpoint WHERE number = 2")
        assert trail.wrong() == [("deleted", None, 0)]

    @pytest.mark.parametrize("change", ["note = replace(note, 'time ', 'time 1')", "note = 'x'"])
    def test_that_were_changed_are_noticed(self, trail, change):
        trail.execute(f"UPDATE audit_checkpoint SET {change}")
        assert {kind for kind, *_ in trail.wrong()} == {"rewritten"}

    def test_signed_by_another_key_are_refused(self, trail):
        with pytest.raises(chain.BadSignature):
            trail.verification(notes=trail.notes, public_key=bytes(32))

    def test_hold_the_end_of_every_stream_once_a_day(self, trail):
        with clock.fixed(clock.now() + timedelta(days=1)):
            trail.seal()
        assert [chain.read_note(note).heads is not None for note in trail.notes] == [True, True]
        assert trail.wrong(notes=trail.notes) == []

    def test_with_the_ends_of_other_streams_are_noticed(self, trail):
        last = chain.read_note(trail.notes[-1])
        lie = chain.Checkpoint(last.origin, last.size, last.root, last.prev, last.time, bytes(32))
        note = chain.sign_note(lie, trail.sealer.key.public(), trail.sealer.key.sign)
        assert trail.wrong(notes=[note]) == [("rewritten", None, 0)]
        short = chain.Checkpoint(last.origin, last.size, last.root, last.prev, last.time)
        note = chain.sign_note(short, trail.sealer.key.public(), trail.sealer.key.sign)
        assert trail.wrong(notes=[note]) == []


class TestStepping:
    """Invariant 37."""

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_stopped_anywhere_goes_on_to_the_same_verdict(self, trail, few, number):
        trail.write(FIRST, "case.read")
        trail.seal()
        trail.execute("UPDATE audit_entry SET reason = 5 WHERE stream = %s AND seq = 2", FIRST)
        trail.execute("DELETE FROM audit_entry WHERE stream = %s AND seq = 2", SECOND)
        expected = trail.wrong(notes=trail.notes)
        few(number)
        position, steps = verify.Position(), 0
        while True:
            saved = json.loads(json.dumps(position.save()))
            verification = trail.verification(notes=trail.notes, position=verify.Position(**saved))
            going_on = verification.step()
            position, steps = verification.position, steps + 1
            if not going_on:
                break
        assert [(found.kind, found.stream, found.seq) for found in verification.findings] == expected
        assert steps > 5
        assert not verification.step()

    def test_of_a_sound_trail_finds_nothing(self, trail, few):
        trail.write(FIRST, *["case.read"] * 5)
        trail.seal()
        few(2)
        assert trail.wrong(notes=trail.notes) == []

    def test_position_is_small(self, trail, few):
        few(1)
        verification = trail.verification()
        while verification.step():
            assert len(json.dumps(verification.position.save())) < 2_000


class TestARowPutBack:
    """Invariant 39: an older ciphertext in place of a newer one."""

    def test_is_noticed(self, trail):
        with work.acting(work.Actor(USER)):
            letter = Letter.objects.create(case_id=FIRST, title="Synthetic")
            assert not verify.row_is_current(letter, stream=FIRST)
            services.record("document.uploaded", case=FIRST, row=letter)
        older = letter.title_sealed.blob
        with work.acting(work.Actor(USER)):
            letter.title = "Synthetic too"
            letter.save()
            services.record("document.updated", case=FIRST, row=letter)
            services.record("document.downloaded", case=FIRST, obj=letter.pk)
        assert verify.row_is_current(Letter.objects.get(pk=letter.pk), stream=FIRST)
        trail.execute("UPDATE sealed_app_letter SET title_sealed = %s", older)
        assert not verify.row_is_current(Letter.objects.get(pk=letter.pk), stream=FIRST)
