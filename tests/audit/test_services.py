"""Writing the trail: with the unit of work, once a page, and what outlives a rollback."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from casework.audit import actions, chain, services
from casework.audit.models import Entry, Head
from casework.core import clock, ids, work
from casework.crypto import services as crypto
from casework.crypto.envelope import open_body
from casework.crypto.types import KeyUnavailable
from tests.sealed_app.models import Letter

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> UUID:
    """A synthetic person with a key of their own."""
    made = ids.new_id()
    with work.acting(work.Actor(made)):
        crypto.create_scope("user", made)
    return made


@pytest.fixture
def case(user: UUID) -> UUID:
    """A synthetic case's id, with a key and without anything else: the trail knows ids only."""
    made = ids.new_id()
    with work.acting(work.Actor(user)):
        crypto.create_scope("import", made)
    return made


@pytest.fixture
def letters(as_role: Any) -> type[Letter]:
    """A model with sealed fields that the web role may write."""
    as_role("owner").execute("GRANT SELECT, INSERT, UPDATE ON sealed_app_letter, sealed_app_historicalletter TO cw_web")
    return Letter


def stream_of(stream: UUID, reader: UUID | None = None) -> list[Entry]:
    """Return the entries of a stream as its reader sees them."""
    with work.acting(work.Actor(reader or stream)):
        return list(Entry.objects.filter(stream=stream).order_by("seq"))


def names(entries: list[Entry]) -> list[str]:
    return [actions.ACTION_BY_CODE[entry.action].name for entry in entries]


def particulars(entry: Entry) -> Any:
    keys = crypto.keys_for(services.scope_of(entry.stream))
    return json.loads(open_body(bytes(entry.body), keys=keys, context=chain.body_context(entry.stream, entry.seq)))


class TestRecord:
    def test_goes_to_the_stream_of_the_case(self, user, case):
        with work.acting(work.Actor(user)):
            services.record("case.read", case=case)
        (entry,) = stream_of(case, user)
        assert (entry.seq, entry.actor, entry.object, entry.case_id) == (1, user, case, case)
        assert Head.objects.get(stream=case).kind == Head.Kind.CASE

    def test_without_a_case_goes_to_the_stream_of_who_acts(self, user):
        with work.acting(work.Actor(user)):
            services.record("board.viewed")
        (entry,) = stream_of(user)
        assert (entry.actor, entry.object, entry.case_id) == (user, chain.NIL, None)
        assert Head.objects.get(stream=user).kind == Head.Kind.USER

    @pytest.mark.parametrize("user_id", [None, work.SYSTEM_ID])
    def test_by_nobody_or_the_machine_goes_to_the_stream_of_the_system(self, user_id):
        with work.acting(work.Actor(user_id, kind="system")):
            services.record("command.run", body={"command": "synthetic"})
        head = Head.objects.get(stream=services.SYSTEM_STREAM)
        assert head.kind == Head.Kind.SYSTEM
        assert head.seq >= 1

    def test_is_written_at_the_very_end_of_the_unit(self, user, case):
        with work.acting(work.Actor(user)):
            services.record("case.read", case=case)
            assert not Head.objects.filter(stream=case).exists()
            work.before_commit("later", lambda: services.record("note.added", case=case))
        assert names(stream_of(case, user)) == ["case.read", "note.added"]

    def test_chains_each_event_to_the_one_before(self, user, case):
        for action in ("case.created", "case.read", "case.updated"):
            with work.acting(work.Actor(user)):
                services.record(action, case=case)
        first, second, third = stream_of(case, user)
        assert [first.seq, second.seq, third.seq] == [1, 2, 3]
        assert bytes(first.prev) == bytes(32)
        assert (bytes(second.prev), bytes(third.prev)) == (bytes(first.hash), bytes(second.hash))
        head = Head.objects.get(stream=case)
        assert (head.seq, bytes(head.hash)) == (3, bytes(third.hash))

    def test_holds_what_its_hash_and_mac_are_made_of(self, user, case):
        actor = work.Actor(user)
        with clock.fixed(datetime(2026, 9, 25, 10, 11, 12, 345678, tzinfo=UTC)), work.acting(actor):
            services.record("case.read", case=case, body={"why": "synthetic"}, reason="cover")
        (entry,) = stream_of(case, user)
        event = chain.Event(
            stream=case,
            seq=1,
            prev=bytes(32),
            time_us=chain.time_us(datetime(2026, 9, 25, 10, 11, 12, 345678, tzinfo=UTC)),
            actor=user,
            action=101,
            outcome=0,
            reason=3,
            object=case,
            row_digest=bytes(32),
            body=actor.request_id.bytes + bytes(entry.body),
        )
        assert bytes(entry.hash) == chain.event_hash(event)
        assert bytes(entry.mac) == chain.event_mac(crypto.audit_mac_key(), chain.event_hash(event))
        assert entry.request_id == actor.request_id

    def test_seals_the_particulars_under_the_key_of_the_stream(self, user, case):
        given = {"id": user, "on": date(2026, 9, 25), "word": "synthetic word"}
        with work.acting(work.Actor(user)):
            services.record("case.read", case=case, body=given)
            services.record("case.searched", body=given)
        for entry in (*stream_of(case, user), *stream_of(user)):
            assert b"synthetic" not in bytes(entry.body)
            assert particulars(entry) == {"id": str(user), "on": "2026-09-25", "word": "synthetic word"}

    def test_seals_those_of_the_system_under_the_key_of_the_installation(self):
        services.record_now(work.Actor(None), "auth.sign_in_failed", body={"address_digest": "synthetic"})
        with work.acting(work.system_actor()), connection.cursor() as cursor:
            cursor.execute("SELECT max(seq) FROM audit_head WHERE stream = %s", [services.SYSTEM_STREAM])
            assert cursor.fetchone()[0] >= 1

    def test_refuses_particulars_that_are_no_plain_values(self, user, case):
        with pytest.raises(TypeError, match="cannot hold a object"), work.acting(work.Actor(user)):
            services.record("case.read", case=case, body={"thing": object()})

    def test_without_a_key_for_the_particulars_fails_the_act(self, user):
        with pytest.raises(KeyUnavailable), work.acting(work.Actor(user)):
            services.record("case.read", case=ids.new_id(), body={"why": "synthetic"})

    def test_takes_the_time_that_is_given(self, user, case):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        with work.acting(work.Actor(user)):
            services.record("case.read", case=case, at=at)
        assert chain.moment(stream_of(case, user)[0].time_us) == at

    def test_twice_alike_in_one_unit_is_one_entry(self, user, case):
        with work.acting(work.Actor(user)):
            for _ in range(3):
                services.record("case.read", case=case, body={"tab": "facts"})
            services.record("case.read", case=case, body={"tab": "documents"})
            services.record("case.read", case=case, body={"tab": "facts"}, reason="cover")
        assert len(stream_of(case, user)) == 3

    def test_may_be_by_someone_who_has_just_proved_who_they_are(self, user):
        with work.acting(work.Actor(None)) as unit:
            services.record("auth.signed_in", actor=user, obj=user)
            services.record("case.listed")
            assert unit.actor.user_id is None
        (entry,) = stream_of(user)
        assert (entry.actor, entry.stream) == (user, user)
        assert names([entry]) == ["auth.signed_in"]

    def test_many_at_once_keep_their_order(self, user, case):
        with work.acting(work.Actor(user)):
            for number in range(1_203):
                services.record("fact.recorded", case=case, obj=UUID(int=number + 1))
        entries = stream_of(case, user)
        assert [entry.seq for entry in entries] == list(range(1, 1_204))
        assert [entry.object.int for entry in entries] == list(range(1, 1_204))

    @pytest.mark.parametrize(
        "wrong", [{"action": "case.raed"}, {"reason": "because"}, {"reason": 9_999}, {"outcome": 3}]
    )
    def test_refuses_what_is_not_in_the_register(self, user, wrong):
        with pytest.raises(actions.UnknownCode), work.acting(work.Actor(user)):
            services.record(**({"action": "case.read"} | wrong))

    def test_outside_a_unit_of_work_is_refused(self):
        with pytest.raises(work.NoActor):
            services.record("case.read")


class TestRollback:
    def test_of_the_unit_leaves_no_entry(self, user, case):
        with suppress(KeyError), work.acting(work.Actor(user)):
            services.record("case.updated", case=case)
            raise KeyError
        assert stream_of(case, user) == []
        assert not Head.objects.filter(stream=case).exists()

    def test_of_a_savepoint_leaves_only_what_was_seen_in_it(self, user, case):
        with work.acting(work.Actor(user)):
            services.record("case.created", case=case)
            with suppress(KeyError), transaction.atomic():
                services.record("case.read", case=case)
                services.record("case.updated", case=case)
                raise KeyError
        assert names(stream_of(case, user)) == ["case.created", "case.read"]

    def test_of_everything_written_leaves_nothing_to_write(self, user, case):
        with work.acting(work.Actor(user)), suppress(KeyError), transaction.atomic():
            services.record("case.updated", case=case)
            raise KeyError
        assert stream_of(case, user) == []

    def test_leaves_no_gap(self, user, case):
        for fails in (False, True, False):
            with suppress(KeyError), work.acting(work.Actor(user)):
                services.record("case.updated", case=case)
                if fails:
                    raise KeyError
        assert [entry.seq for entry in stream_of(case, user)] == [1, 2]


class TestRecordNow:
    def test_outside_a_unit_writes_at_once(self, user):
        services.record_now(work.Actor(user), "access.refused", body={"path": "/synthetic"})
        (entry,) = stream_of(user)
        assert (entry.outcome, particulars(entry)) == (actions.REFUSED, {"path": "/synthetic"})

    def test_inside_a_unit_that_commits_is_written_once(self, user, case):
        with work.acting(work.Actor(user)) as unit:
            services.record("case.read", case=case)
            services.record_now(unit.actor, "access.refused", obj=case)
        assert names(stream_of(user)) == ["access.refused"]

    def test_inside_a_unit_that_fails_is_written_all_the_same(self, user, case):
        actor = work.Actor(user)
        with suppress(KeyError), work.acting(actor):
            services.record("case.updated", case=case)
            services.record_now(actor, "access.refused", obj=case, body={"path": "/synthetic"})
            raise KeyError
        (entry,) = stream_of(user)
        assert (entry.object, entry.case_id, entry.request_id) == (case, case, actor.request_id)
        assert particulars(entry) == {"path": "/synthetic"}
        assert stream_of(case, user) == []

    def test_inside_a_savepoint_that_fails_is_written_with_the_unit(self, user):
        with work.acting(work.Actor(user)) as unit:
            services.record("board.viewed")
            with suppress(KeyError), transaction.atomic():
                services.record_now(unit.actor, "access.refused")
                raise KeyError
        assert names(stream_of(user)) == ["board.viewed", "access.refused"]

    def test_leaves_nothing_behind_for_the_next_unit(self, user):
        with suppress(KeyError), work.acting(work.Actor(user)) as unit:
            services.record_now(unit.actor, "access.refused")
            raise KeyError
        with work.acting(work.Actor(user)):
            pass
        assert len(stream_of(user)) == 1

    def test_of_a_refusal_goes_to_the_stream_of_who_was_refused(self, user, case):
        services.record_refusal(work.Actor(user), case=case, reason="no_grant")
        (entry,) = stream_of(user)
        assert (entry.object, entry.case_id, entry.reason) == (case, case, 100)


class TestCommittedForGood:
    """The same with real commits: nothing around the unit of work."""

    @pytest.mark.django_db(transaction=True)
    def test_a_refusal_survives_the_rollback_of_its_unit(self, user, case, superuser):
        with suppress(KeyError), work.acting(work.Actor(user)) as unit:
            services.record_now(unit.actor, "access.refused", obj=case)
            raise KeyError
        with work.acting(work.Actor(user)) as unit:
            services.record_now(unit.actor, "access.refused", obj=user)
        found = superuser.execute("SELECT object FROM audit_entry WHERE stream = %s ORDER BY seq", [user]).fetchall()
        assert found == [(case,), (user,)]

    @pytest.mark.django_db(transaction=True)
    def test_a_refusal_survives_a_commit_that_fails(self, user, superuser):
        def break_the_commit() -> None:
            with connection.cursor() as cursor:
                cursor.execute("CREATE TEMP TABLE broken (id int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP")
                cursor.execute("INSERT INTO broken VALUES (1), (1)")

        superuser.execute("GRANT TEMP ON DATABASE casework TO cw_web")
        with suppress(DatabaseError), work.acting(work.Actor(user)) as unit:
            services.record("board.viewed")
            services.record_now(unit.actor, "access.refused")
            break_the_commit()
        found = superuser.execute("SELECT action FROM audit_entry WHERE stream = %s", [user]).fetchall()
        assert found == [(504,)]


class TestAnEntryThatCannotBeWritten:
    """Invariant 30."""

    @pytest.mark.django_db(transaction=True)
    def test_fails_the_act(self, user, case, superuser, letters):
        superuser.execute("REVOKE INSERT ON audit_entry FROM cw_web")
        with suppress(DatabaseError), work.acting(work.Actor(user)):
            letters.objects.create(case_id=case, title="Synthetic")
            services.record("document.uploaded", case=case)
        assert superuser.execute("SELECT count(*) FROM sealed_app_letter").fetchone() == (0,)
        with pytest.raises(DatabaseError), work.acting(work.Actor(user)):
            services.record("case.read", case=case)


class TestRowDigest:
    def test_vouches_for_the_ciphertexts_of_the_row(self, user, case, letters):
        with work.acting(work.Actor(user)):
            letter = letters.objects.create(case_id=case, title="Synthetic")
            services.record("document.uploaded", case=case, row=letter)
        (entry,) = stream_of(case, user)
        sealed = [(field.field_id, getattr(letter, field.attname).blob) for field in _sealed(Letter)]
        assert bytes(entry.row_digest) == chain.row_digest(65_000, letter.pk, sealed)
        assert entry.object == letter.pk

    def test_of_a_row_under_another_object_is_refused(self, user, case, letters):
        with work.acting(work.Actor(user)):
            letter = letters.objects.create(case_id=case, title="Synthetic")
            with pytest.raises(ValueError, match="that row as its object"):
                services.record("document.uploaded", case=case, row=letter, obj=uuid4())

    def test_of_two_versions_in_one_unit_makes_two_entries(self, user, case, letters):
        with work.acting(work.Actor(user)):
            letter = letters.objects.create(case_id=case, title="Synthetic")
            services.record("document.updated", case=case, row=letter)
            letter.title = "Synthetic too"
            letter.save()
            services.record("document.updated", case=case, row=letter)
        assert len(stream_of(case, user)) == 2


def _sealed(model: Any) -> list[Any]:
    return [field for field in model._meta.concrete_fields if hasattr(field, "field_id")]


class TestCaseNames:
    def test_are_ids_or_what_the_resolver_knows(self, monkeypatch):
        known = uuid4()
        monkeypatch.setattr(services, "_case_resolver", [])
        assert services.case_named(str(known)) == known
        assert services.case_named("K7Q2-M4XD") is None
        services.set_case_resolver({"K7Q2-M4XD": known}.get)
        assert services.case_named("K7Q2-M4XD") == known


class TestRegister:
    """Numbers are hashed into the trail: one that was given keeps its meaning for ever."""

    def test_gives_no_number_or_name_twice(self):
        assert len(actions.ACTION_BY_CODE) == len(actions.ACTION_BY_NAME) == len(actions.ACTIONS)
        assert len(actions.REASON_BY_CODE) == len(actions.REASON_BY_NAME) == len(actions.REASONS)

    def test_fits_the_format(self):
        assert all(0 < action.code < 1 << 16 for action in actions.ACTIONS)
        assert all(0 <= reason.code < 1 << 16 for reason in actions.REASONS)

    def test_has_a_sentence_for_everything(self):
        assert all(str(action.sentence) for action in actions.ACTIONS)
        assert all(str(reason.sentence) for reason in actions.REASONS[1:])

    def test_gives_the_numbers_that_it_always_gave(self):
        numbers = {"case.created": 100, "case.read": 101, "fact.recorded": 300, "grant.given": 500}
        numbers |= {"access.refused": 504, "auth.signed_in": 1100, "key.created": 1300, "command.run": 1320}
        assert {name: actions.ACTION_BY_NAME[name].code for name in numbers} == numbers
