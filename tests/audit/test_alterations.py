"""A thousand random alterations of the trail by SQL as a superuser, at least a hundred of each kind: each is found by
the real verifier, and named by stream and event where anything is left that tells them (docs/audit-alterations.md).

The draw is fixed by its seed. Each alteration is made in a savepoint on one small sealed trail, verified and undone.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.db import transaction

from casework.audit import chain, services
from casework.audit.types import COLUMNS, SYSTEM_STREAM, Row
from casework.core import clock, ids, work
from casework.crypto import services as crypto
from tests.audit import world
from tests.audit.world import FIRST, SECOND, USER, Trail

SEED = 20260503
EACH = 112
PAGE = Path(__file__).resolve().parents[2] / "docs" / "audit-alterations.md"
OTHER = UUID("44444444-4444-4444-8444-444444444444")
BYTES = ("prev", "row_digest", "body", "hash", "mac")
NUMBERS = {"time_us": 62, "action": 14, "outcome": 6, "reason": 14}
IDS = ("actor", "object", "case_id", "request_id")
Place = tuple[UUID, int]
Line = tuple[str, str]


class Done(NamedTuple):
    """What was altered: the first of these places must be named, unless `places` is empty."""

    what: str
    places: frozenset[Place] = frozenset()


class Attacker:
    """Somebody with a superuser's connection. Knows the whole database, and draws what to do with it."""

    def __init__(self, trail: Trail) -> None:
        self.trail, self.draw, self.turn = trail, random.Random(SEED), 0
        self.rows = self._read()
        self.key = crypto.audit_mac_key()
        self.streams = sorted({row.stream for row in self.rows}, key=lambda stream: stream.bytes)

    def _read(self) -> list[Row]:
        rows = [Row(*one) for one in self.sql(f"SELECT {COLUMNS} FROM audit_entry ORDER BY stream, seq")]
        return [row._replace(**{name: bytes(getattr(row, name)) for name in BYTES}) for row in rows]

    def sql(self, statement: str, *values: Any) -> list[Any]:
        return self.trail.execute(statement, *values)

    def way(self, *ways: Any) -> Any:
        """Return the ways of a kind in turn, so that each has its share whatever ids were drawn."""
        return ways[self.turn % len(ways)]

    def of(self, stream: UUID) -> list[Row]:
        return [row for row in self.rows if row.stream == stream]

    def some(self, least: int = 1) -> list[Row]:
        """Return the rows of a random stream that has so many."""
        return self.draw.choice([rows for rows in map(self.of, self.streams) if len(rows) >= least])

    def put(self, row: Row) -> None:
        held = ", ".join(["%s"] * len(row))
        self.sql(f"INSERT INTO audit_entry ({COLUMNS}) VALUES ({held})", *row)

    def drop(self, *rows: Row) -> None:
        for row in rows:
            self.sql("DELETE FROM audit_entry WHERE stream = %s AND seq = %s", row.stream, row.seq)

    def exchange(self, rows: list[Row]) -> None:
        self.drop(*rows)
        for row in rows:
            self.put(row)

    def set_head(self, row: Row) -> None:
        self.sql("UPDATE audit_head SET seq = %s, hash = %s WHERE stream = %s", row.seq, row.hash, row.stream)

    def linked(self, rows: list[Row], prev: bytes, *, key: bytes | None) -> list[Row]:
        """Return rows that follow one another, hashes computed anew; their MACs too where the key is known."""
        made = []
        for row in rows:
            after = row._replace(prev=prev)
            prev = chain.event_hash(after.event())
            made.append(after._replace(hash=prev, mac=row.mac if key is None else chain.event_mac(key, prev)))
        return made

    def follow(self) -> None:
        """Let leaves, sealed heads and tree say what the entries now say."""
        self.sql("UPDATE audit_leaf l SET hash = e.hash FROM audit_entry e WHERE (e.stream, e.seq) = (l.stream, l.seq)")
        self.sql("UPDATE audit_sealedhead s SET hash = h.hash FROM audit_head h WHERE h.stream = s.stream")
        frontier = chain.Frontier()
        for stream, seq, digest in self.sql('SELECT stream, seq, hash FROM audit_leaf ORDER BY "index"'):
            frontier.append(chain.leaf_hash(stream.bytes, seq, bytes(digest)))
        self.sql("UPDATE audit_tree SET size = %s, frontier = %s", frontier.size, frontier.dump())

    def flipped(self, value: bytes) -> bytes:
        if not value:
            return bytes([self.draw.randrange(256)])
        at = self.draw.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << self.draw.randrange(8))]) + value[at + 1 :]

    # --- the kinds

    def edit(self) -> Done:
        row = self.draw.choice(self.rows)
        name = self.way(*BYTES, *NUMBERS, *IDS)
        value = getattr(row, name)
        new: Any
        if name in BYTES:
            new = self.flipped(value)
        elif name in NUMBERS:
            new = value ^ (1 << self.draw.randrange(NUMBERS[name]))
        else:
            new = UUID(bytes=self.flipped(value.bytes)) if value else OTHER
        self.sql(f"UPDATE audit_entry SET {name} = %s WHERE stream = %s AND seq = %s", new, row.stream, row.seq)
        return Done(f"one byte of {name}", frozenset({(row.stream, row.seq)}))

    def delete(self) -> Done:
        rows = self.some(2)
        row = self.draw.choice(rows[:-1])
        self.drop(row)
        if self.way(True, False):
            return Done("an entry", frozenset({(row.stream, row.seq)}))
        # And close the gap: those after it move up and are hashed again.
        after = [one._replace(seq=one.seq - 1) for one in rows[row.seq :]]
        self.drop(*rows[row.seq :])
        moved = self.linked(after, row.prev, key=None)
        for one in moved:
            self.put(one)
        self.set_head(moved[-1])
        return Done("an entry, the gap closed", frozenset({(row.stream, row.seq)}))

    def insert(self) -> Done:
        rows = self.some(2)
        stream = rows[0].stream
        mac = self.draw.randbytes(16)
        how = self.way("at the end", "at the end, with the head", "in between", "before the first", "a stream")
        like = self.draw.choice(rows)._replace(mac=mac, request_id=ids.new_id())
        if how == "in between":
            at = self.draw.randrange(1, len(rows))
            new = [like._replace(seq=at + 1), *(row._replace(seq=row.seq + 1) for row in rows[at:])]
            linked = self.linked(new, rows[at - 1].hash, key=None)
            self.drop(*rows[at:])
            for row in linked:
                self.put(row)
            self.set_head(linked[-1])
            return Done(how, frozenset({(stream, at + 1)}))
        if how == "a stream":
            new_stream = ids.new_id()
            like = like._replace(stream=new_stream, seq=1, actor=OTHER, case_id=new_stream)
            (row,) = self.linked([like], chain.GENESIS, key=None)
            self.put(row)
            self.sql("INSERT INTO audit_head (stream, kind, seq, hash) VALUES (%s, 1, 1, %s)", new_stream, row.hash)
            return Done(how, frozenset({(new_stream, 1)}))
        seq = 0 if how == "before the first" else rows[-1].seq + 1
        (row,) = self.linked([like._replace(seq=seq)], chain.GENESIS if seq < 1 else rows[-1].hash, key=None)
        self.put(row)
        if how == "at the end, with the head":
            self.set_head(row)
        return Done(how, frozenset({(stream, seq)}))

    def swap(self) -> Done:
        how = self.way("two entries", "two entries, linked anew", "their times", "between streams")
        rows = self.some(3)
        one, two = sorted(self.draw.sample(rows, 2))
        places = frozenset({(one.stream, one.seq), (two.stream, two.seq)})
        if how == "between streams":
            two = self.draw.choice(self.of(self.draw.choice([s for s in self.streams if s != one.stream])))
            places = frozenset({(one.stream, one.seq), (two.stream, two.seq)})
            self.exchange([two._replace(stream=one.stream, seq=one.seq), one._replace(stream=two.stream, seq=two.seq)])
        elif how == "their times":
            self.exchange([one._replace(time_us=two.time_us), two._replace(time_us=one.time_us)])
        elif how == "two entries":
            self.exchange([two._replace(seq=one.seq), one._replace(seq=two.seq)])
        else:
            order = [{one.seq: two, two.seq: one}.get(row.seq, row)._replace(seq=row.seq) for row in rows]
            linked = self.linked(order, chain.GENESIS, key=None)
            self.exchange(linked)
            self.set_head(linked[-1])
        return Done(how, places)

    def cut_off(self) -> Done:
        rows = self.some(2)
        kept = rows[: self.draw.randrange(1, len(rows))]
        gone = rows[len(kept) :]
        first = frozenset({(gone[0].stream, gone[0].seq)})
        self.drop(*gone)
        depth = self.way(0, 1, 2, 3, 4)
        if depth == 0:
            return Done("entries", first)
        self.set_head(kept[-1])
        if depth == 1:
            return Done("… and the head set back", first)
        last = kept[-1]
        self.sql("UPDATE audit_sealedhead SET seq = %s, hash = %s WHERE stream = %s", last.seq, last.hash, last.stream)
        if depth == 2:
            return Done("… and what was sealed of the stream", first)
        self.sql("DELETE FROM audit_leaf WHERE stream = %s AND seq > %s", last.stream, last.seq)
        self.sql(
            'UPDATE audit_leaf l SET "index" = n.place + 1000000 FROM'
            ' (SELECT "index", row_number() OVER (ORDER BY "index") AS place FROM audit_leaf) n'
            ' WHERE n."index" = l."index"'
        )
        self.sql('UPDATE audit_leaf SET "index" = "index" - 1000001')
        self.follow()
        if depth == 3:
            return Done("… and the log made anew")
        self.sql("DELETE FROM audit_checkpoint")
        return Done("… and the checkpoints removed")

    def rewrite(self) -> Done:
        rows = self.some(2)
        at = self.draw.randrange(len(rows))
        changed = rows[at]._replace(reason=rows[at].reason ^ 1)
        wrong = self.draw.choice([None, self.draw.randbytes(32)])
        linked = self.linked([changed, *rows[at + 1 :]], rows[at].prev, key=wrong)
        self.exchange(linked)
        self.set_head(linked[-1])
        place = frozenset({(changed.stream, changed.seq)})
        if self.way(True, False):
            return Done("the tail", place)
        self.follow()
        return Done("the tail and the log", place)

    def replay(self) -> Done:
        rows = self.some(2)
        old, last = self.draw.choice(rows), rows[-1]
        how = self.way("at the end", "at the end, linked anew", "over a newer one", "in another stream")
        if how == "over a newer one":
            old, new = rows[0], self.draw.choice(rows[1:])
            self.exchange([old._replace(seq=new.seq)] if self.draw.random() < 0.5 else [new._replace(**_told(old))])
            self.sql("DELETE FROM audit_entry WHERE stream = %s AND seq = %s", old.stream, old.seq)
            self.put(old)
            return Done(how, frozenset({(new.stream, new.seq)}))
        if how == "in another stream":
            last = self.of(self.draw.choice([stream for stream in self.streams if stream != old.stream]))[-1]
            old = old._replace(stream=last.stream)
        row = old._replace(seq=last.seq + 1)
        if how != "at the end":
            (row,) = self.linked([row], last.hash, key=None)
        self.put(row)
        self.set_head(row)
        return Done(how, frozenset({(row.stream, row.seq)}))

    def beside(self) -> Done:
        """Change a row of the tables beside the entries."""
        stream = self.draw.choice(self.streams)
        last = self.of(stream)[-1]
        leaf = self.draw.choice(self.rows)
        at = {(leaf.stream, leaf.seq)}
        number = self.draw.choice(self.sql("SELECT number FROM audit_checkpoint"))[0]
        named, end, after = frozenset(at), frozenset({(stream, last.seq)}), frozenset({(stream, last.seq + 1)})
        nothing: frozenset[Place] = frozenset()
        flipped = self.flipped(last.hash)
        of_leaf = "WHERE stream = %s AND seq = %s"
        head, sealed = "UPDATE audit_head SET {} WHERE stream = %s", "UPDATE audit_sealedhead SET {} WHERE stream = %s"
        signed = "UPDATE audit_checkpoint SET {} WHERE number = %s"
        sign = self.draw.randrange(1, 150)
        ways: list[tuple[str, str, tuple[Any, ...], frozenset[Place]]] = [
            ("hash of a head", head.format("hash = %s"), (flipped, stream), end),
            ("kind of a head", head.format("kind = kind %% 3 + 1"), (stream,), end),
            ("seq of a head", head.format("seq = seq + 1"), (stream,), after),
            ("seq of a head, back", head.format("seq = seq - 1"), (stream,), end),
            ("head removed", "DELETE FROM audit_head WHERE stream = %s", (stream,), end),
            ("hash of a sealed head", sealed.format("hash = %s"), (flipped, stream), end),
            ("seq of a sealed head, back", sealed.format("seq = seq - 1"), (stream,), end),
            ("sealed head removed", "DELETE FROM audit_sealedhead WHERE stream = %s", (stream,), end),
            (
                "hash of a leaf",
                f"UPDATE audit_leaf SET hash = %s {of_leaf}",
                (self.flipped(leaf.hash), *leaf[:2]),
                named,
            ),
            (
                "leaf of another stream",
                f"UPDATE audit_leaf SET stream = %s {of_leaf}",
                (OTHER, *leaf[:2]),
                frozenset({(OTHER, leaf.seq)}),
            ),
            ("leaf removed", f"DELETE FROM audit_leaf {of_leaf}", leaf[:2], nothing),
            (
                "note of a checkpoint",
                signed.format(f"note = overlay(note placing '~' from {sign})"),
                (number,),
                nothing,
            ),
            ("size of a checkpoint", signed.format("size = size - 1"), (number,), nothing),
            ("time of a checkpoint", signed.format("time = time - interval '1 hour'"), (number,), nothing),
            ("heads of a checkpoint", signed.format("has_heads = NOT has_heads"), (number,), nothing),
            ("checkpoint removed", "DELETE FROM audit_checkpoint WHERE number = %s", (number,), nothing),
            ("size of the tree", "UPDATE audit_tree SET size = size - 1", (), nothing),
            ("edge of the tree", "UPDATE audit_tree SET frontier = overlay(frontier placing ' ' from 1)", (), nothing),
            ("tree removed", "DELETE FROM audit_tree", (), nothing),
        ]
        what, statement, values, places = self.way(*ways)
        self.sql(statement, *values)
        return Done(what, places)

    def rewrite_with_key(self) -> Done:
        """Rewrite a stream with the MAC key, and then leave nothing in the database that says otherwise."""
        rows = self.some(2)
        at = self.draw.randrange(len(rows))
        changed = rows[at]._replace(reason=rows[at].reason ^ 1)
        linked = self.linked([changed, *rows[at + 1 :]], rows[at].prev, key=self.key)
        self.exchange(linked)
        self.set_head(linked[-1])
        if self.way(True, False):
            # As if nothing had ever been sealed.
            for table in ("audit_leaf", "audit_sealedhead", "audit_checkpoint"):
                self.sql(f"DELETE FROM {table}")
            self.sql("UPDATE audit_tree SET size = 0, frontier = ''")
            return Done("as if nothing was ever sealed")
        # With the sealer's key as well: the log is signed anew.
        self.follow()
        frontier, prev = chain.Frontier(), chain.GENESIS
        leaves = self.sql('SELECT stream, seq, hash FROM audit_leaf ORDER BY "index"')
        ends: dict[bytes, tuple[int, bytes]] = {}
        sealer = self.trail.sealer
        for number, note in self.sql("SELECT number, note FROM audit_checkpoint ORDER BY number"):
            said = chain.read_note(note)
            for stream, seq, digest in leaves[frontier.size : said.size]:
                frontier.append(chain.leaf_hash(stream.bytes, seq, bytes(digest)))
                ends[stream.bytes] = (seq, bytes(digest))
            heads = chain.heads_root((stream, *ends[stream]) for stream in sorted(ends)) if said.heads else None
            lie = chain.Checkpoint(said.origin, said.size, frontier.root(), prev, said.time, heads)
            signed = chain.sign_note(lie, sealer.key.public(), sealer.key.sign)
            self.sql("UPDATE audit_checkpoint SET note = %s WHERE number = %s", signed, number)
            prev = chain.note_hash(signed)
        return Done("the log signed anew, with the sealer's key")


def _told(row: Row) -> dict[str, Any]:
    """What an entry tells, without its place in the chain."""
    return {name: getattr(row, name) for name in ("time_us", "actor", "action", "object", "body", "hash", "mac")}


WITH_KEY = "rewritten with the MAC key"
KINDS: dict[str, Callable[[Attacker], Done]] = {
    "edited": Attacker.edit,
    "deleted in the middle": Attacker.delete,
    "inserted": Attacker.insert,
    "reordered": Attacker.swap,
    "cut off at the end": Attacker.cut_off,
    "rewritten without the MAC key": Attacker.rewrite,
    "replayed": Attacker.replay,
    "tables beside the entries": Attacker.beside,
    WITH_KEY: Attacker.rewrite_with_key,
}


@pytest.fixture
def attacked(as_super: None) -> Trail:
    """A trail of two cases, a person's and the system's stream, sealed in rounds on three days."""
    trail = world.make()
    names = ("case.read", "case.updated", "document.downloaded", "case.assigned")
    for day in range(3):
        trail.write(FIRST, *names[: 2 + day])
        trail.write(SECOND, *names[:2])
        services.record_now(work.Actor(USER), "access.refused", obj=FIRST, reason="no_grant")
        services.record_now(work.system_actor(), "limits.rebuilt", body={"run": str(day)})
        with clock.fixed(clock.now() + timedelta(days=day)):
            trail.seal()
    assert SYSTEM_STREAM in {row[0] for row in trail.execute("SELECT stream FROM audit_head")}
    trail.execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_lengths")
    return trail


def test_every_random_alteration_of_the_trail_is_found(attacked):
    attacker = Attacker(attacked)
    assert attacked.wrong(notes=attacked.notes) == []
    tried: Counter[Line] = Counter()
    found: Counter[Line] = Counter()
    named: Counter[Line] = Counter()
    missed = []
    for kind, alter in KINDS.items():
        for attacker.turn in range(EACH):
            with transaction.atomic():
                done = alter(attacker)
                if kind == WITH_KEY:
                    # Nothing in the database tells it, so it is the copy kept elsewhere that does.
                    assert attacked.wrong() == [], done
                wrong = attacked.verification(notes=attacked.notes).run()
                transaction.set_rollback(True)
            line = (kind, done.what)
            told = bool(done.places & {(one.stream, one.seq) for one in wrong if one.stream})
            tried[line] += 1
            found[line] += bool(wrong)
            named[line] += told
            if not wrong or (done.places and not told):
                missed.append((done, wrong))
    assert not missed, missed[:5]
    assert {sum(count for (of, _), count in tried.items() if of == kind) for kind in KINDS} == {EACH}
    assert tried.total() >= 1_000
    assert attacked.wrong(notes=attacked.notes) == [], "each was undone"
    _compare_page("\n".join(_table(tried, found, named)) + "\n")


def _table(tried: Counter[Line], found: Counter[Line], named: Counter[Line]) -> Iterator[str]:
    yield "| kind | what was done | tried | found | stream and event named |"
    yield "|---|---|---|---|---|"
    for kind in KINDS:
        lines = sorted(line for line in tried if line[0] == kind)
        for line in lines:
            yield f"| {kind} | {line[1]} | {tried[line]} | {found[line]} | {named[line]} |"
        counts = [sum(counter[line] for line in lines) for counter in (tried, found, named)]
        yield f"| **{kind}** | all of these | " + " | ".join(f"**{count}**" for count in counts) + " |"
    yield "| **all** | | " + " | ".join(f"**{counter.total()}**" for counter in (tried, found, named)) + " |"


def _compare_page(table: str) -> None:
    if os.environ.get("CASEWORK_WRITE_ALTERATIONS"):
        head = PAGE.read_text(encoding="utf-8").partition("| kind |")[0]
        PAGE.write_text(head + table, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8").endswith("\n\n" + table), "docs/audit-alterations.md is older"
