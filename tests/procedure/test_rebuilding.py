"""Deriving all cases again, as the worker's role on real PostgreSQL: what a change of law does, and what it may not."""

from __future__ import annotations

import io
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import InternalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test.utils import CaptureQueriesContext

from casework.audit import services as audit
from casework.audit.models import Entry
from casework.cases import selectors as cases
from casework.cases import services as case_services
from casework.cases.types import PersonInput
from casework.core import clock, work
from casework.core.ids import new_id
from casework.desk.selectors import inbox_groups
from casework.law import packs, reading
from casework.law.calendars import VERSION
from casework.notices import selectors as notice_selectors
from casework.notices import services as notices
from casework.notices.models import Notice
from casework.notices.types import Kind
from casework.procedure import deriving, rebuilding, selectors, services
from casework.procedure.models import Derivation, Fact, Limit, Rebuild, RebuildPart
from casework.procedure.models import Pending as Asked
from casework.procedure.signals import limits_changed
from casework.procedure.telling import Teller
from casework.reminders import services as reminders
from casework.reminders.models import Pending
from config import env
from tests import cast
from tests.conftest import _connect, _started, running_as
from tests.procedure.test_correcting import FACTS

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRM = "ammr-take-back-confirm-2w"
DAY = clock.now().replace(year=2026, month=9, day=12)


@pytest.fixture(autouse=True)
def _on_a_day_on_which_limits_run():
    with clock.fixed(DAY):
        yield


@pytest.fixture
def cases_of(people):
    """Make cases with facts, led by Wanda; returns their ids in order."""

    def make(count):
        made = [cast.open_a_case(people) for _ in range(count)]
        for case_id in made:
            with cast.acting(people.wanda):
                for fact in FACTS:
                    services.record_fact(case_id, content=fact)
        return sorted(made)

    return make


@pytest.fixture
def law(monkeypatch):
    """Change the law: a function that gives the confirmation another length."""
    original = packs._texts()

    def forget():
        for module in (packs, reading):
            for name in dir(module):
                clear = getattr(getattr(module, name), "cache_clear", None)
                if clear is not None:
                    clear()

    def change(length):
        def texts():
            name = next(name for name, text in original.items() if f'id = "{CONFIRM}"' in text)
            head, entry = original[name].split(f'id = "{CONFIRM}"')
            entry = re.sub(r'length = "[^"]+"', f'length = "{length}"', entry, count=1)
            return {**original, name: f'{head}id = "{CONFIRM}"{entry}'}

        monkeypatch.setattr(packs, "_texts", texts)
        forget()

    yield change
    monkeypatch.undo()
    forget()


def run():
    with running_as("worker"):
        begun = rebuilding.begin()
        rebuilding.work_on(begun)
        return rebuilding.finish(begun)


def stored(people, case_id):
    with cast.acting(people.wanda):
        return {limit.rule: limit.due_on for limit in selectors.stored_limits([case_id])}


def told():
    with running_as("worker"), work.acting(work.system_actor()):
        return list(Notice.objects.filter(kind=Kind.RULES).order_by("channel", "case_id"))


@contextmanager
def threads_run_as_worker(prefix):
    """Let connections that are opened in threads of these names be the worker's."""
    worker = env.database(_started["engines"].database_url("worker"))
    original = DatabaseWrapper.get_connection_params

    def parameters(wrapper):
        found = original(wrapper)
        if threading.current_thread().name.startswith(prefix):
            found |= {"user": worker["USER"], "password": worker["PASSWORD"]}
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseWrapper, "get_connection_params", parameters)
        yield


class TestWhenAllIsWell:
    def test_changes_nothing_and_tells_nobody(self, people, cases_of):
        cases_of(3)
        assert run() == rebuilding.Totals(looked=3)
        assert told() == []

    def test_reads_a_batch_with_as_many_queries_as_one_case(self, people, cases_of):
        ids = cases_of(6)
        counts = []
        for some in (ids[:1], ids):
            with running_as("worker"), work.acting(work.system_actor()), CaptureQueriesContext(connection) as queries:
                batch = deriving.derive_batch(deriving.lock(some))
                deriving.store(batch.derived)
            counts.append(len(queries))
            assert [one.changed for one in batch.derived] == [0] * len(some)
        assert counts[0] == counts[1] <= 7

    def test_leaves_closed_cases_and_those_without_facts_alone(self, people, cases_of):
        (closed,) = cases_of(1)
        with cast.acting(people.wanda):
            case_services.close_case(closed, on=date(2026, 9, 12))
        cast.open_a_case(people)
        assert run() == rebuilding.Totals(looked=1)


class TestAChangeOfLaw:
    def test_is_shown_before_it_is_applied(self, people, cases_of, law):
        ids = cases_of(2)
        before = [stored(people, case_id) for case_id in ids]
        law("3 weeks")
        with running_as("worker"):
            ((looked, moves, failed),) = rebuilding.preview()
        assert (looked, failed) == (2, ())
        moved = {move.case_id: move for _reference, move in moves if move.rule == CONFIRM}
        assert {move.days for move in moved.values()} == {7}
        assert {move.kind for move in moved.values()} == {"moved"}
        assert set(moved) == set(ids)
        assert [stored(people, case_id) for case_id in ids] == before
        with running_as("worker"), work.acting(work.system_actor()):
            assert not Rebuild.objects.exists()
            assert not Notice.objects.filter(kind=Kind.RULES).exists()

    def test_cannot_be_stored_by_the_one_who_only_looks(self, people, cases_of, monkeypatch):
        cases_of(1)
        monkeypatch.setattr(deriving, "derive_batch", lambda _states: Limit.objects.all().delete())
        with running_as("worker"), pytest.raises(InternalError, match="read-only transaction"):
            list(rebuilding.preview())

    def test_moves_the_limits_says_from_what_and_asks_for_reminders(self, people, cases_of, law):
        (case_id,) = cases_of(1)
        with running_as("worker"):
            reminders.plan_pending()
        law("3 weeks")
        totals = run()
        assert (totals.looked, totals.moved) == (1, 1)
        assert totals.changed > 0
        assert stored(people, case_id)[CONFIRM] == date(2026, 10, 1)
        with running_as("worker"), work.acting(work.system_actor()):
            source = Derivation.objects.values_list("rules", "calendar").get(case_id=case_id)
            assert source == (packs.digest(), VERSION)
            assert Pending.objects.filter(case_id=case_id).exists()
        assert run().changed == 0

    def test_is_on_record_for_the_run_and_for_each_case_that_changed(self, people, cases_of, law):
        ids = cases_of(2)
        law("3 weeks")
        run()
        with cast.acting(people.wanda):
            for case_id in ids:
                entries = Entry.objects.filter(case_id=case_id, action=304)
                assert [entry.actor for entry in entries] == [work.SYSTEM_ID]
        with running_as("worker"), work.acting(work.system_actor()):
            assert Entry.objects.filter(action=303).count() == 1

    def test_is_told_to_the_lead_once_a_case_with_one_mail(self, people, cases_of, law):
        ids = cases_of(3)
        law("3 weeks")
        run()
        run()
        found = told()
        assert {notice.recipient_id for notice in found} == {people.wanda}
        inbox = [notice for notice in found if notice.channel == "inbox"]
        assert sorted(notice.case_id for notice in inbox) == ids
        assert {(notice.due_on, notice.was_due_on) for notice in inbox} == {(date(2026, 10, 1), date(2026, 9, 24))}
        assert sum(notice.channel == "mail" for notice in found) == 1

    def test_stands_in_the_inbox_until_it_is_taken_in_hand_and_is_not_called_off(self, people, cases_of, law):
        (case_id,) = cases_of(1)
        law("3 weeks")
        run()
        with running_as("worker"), clock.fixed(DAY + timedelta(minutes=1)):
            reminders.plan()
            notices.dispatch()
            reminders.plan()
        with cast.acting(people.wanda):
            (item,) = [one for one in notice_selectors.inbox_for(people.wanda).items if one.kind == Kind.RULES]
            assert item.case_id == case_id
            lines = [line for group in inbox_groups(notice_selectors.inbox_for(people.wanda)) for line in group.lines]
            label = next(line.label for line in lines if line.id == item.id)
            assert label == "Time limits of this case moved when all were computed again"
            notices.acknowledge(item.id)
            assert all(one.kind != Kind.RULES for one in notice_selectors.inbox_for(people.wanda).items)

    def test_costs_no_more_statements_for_more_cases_whose_limits_move(self, people, cases_of, law):
        ids = cases_of(6)
        counts = []
        for some, length in ((ids[:2], "3 weeks"), (ids, "4 weeks")):
            law(length)
            with running_as("worker"), work.acting(work.system_actor()):
                deriving.lock(some)
            with running_as("worker"), CaptureQueriesContext(connection) as queries:
                teller = Teller(new_id(), clock.now())
                with work.acting(work.system_actor()):
                    done = rebuilding._rebuild(some, new_id(), teller)
            assert done.moved == len(some)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 30


class TestWhoIsTold:
    """One person hears once of one move, and it is whoever answers for the case when it goes out."""

    def test_are_coordinators_where_nobody_leads(self, people, cases_of, law, superuser):
        cases_of(1)
        superuser.execute("UPDATE cases_case SET lead_id = NULL")
        law("3 weeks")
        run()
        assert {notice.recipient_id for notice in told()} == {people.cora}

    def test_are_all_coordinators_where_the_team_has_none(self, people, cases_of, law, superuser):
        cases_of(1)
        superuser.execute("UPDATE cases_case SET lead_id = NULL")
        self._dismiss(superuser, people.cora)
        law("3 weeks")
        run()
        assert {notice.recipient_id for notice in told()} == {people.olga}

    def test_is_nobody_without_an_error_in_the_log(self, people, cases_of, law, superuser, caplog):
        (case_id,) = cases_of(1)
        superuser.execute("UPDATE cases_case SET lead_id = NULL")
        for coordinator in (people.cora, people.olga):
            self._dismiss(superuser, coordinator)
        law("3 weeks")
        assert run().moved == 1
        assert told() == []
        (record,) = [record for record in caplog.records if record.message == "procedure.nobody_to_tell"]
        assert (record.levelname, record.__dict__["case_id"]) == ("ERROR", case_id)

    def test_is_the_new_lead_of_a_case_that_was_given_on_before(self, people, cases_of, law):
        (case_id,) = cases_of(1)
        law("3 weeks")
        run()
        with cast.acting(people.cora):
            case_services.assign_case(case_id, lead_id=people.cora)
        self._dispatch()
        assert self._heard() == {(people.cora, "inbox"), (people.cora, "mail")}
        (line,) = [notice for notice in told() if notice.state == "sent" and notice.channel == "inbox"]
        assert (line.due_on, line.was_due_on) == (date(2026, 10, 1), date(2026, 9, 24))

    def test_has_one_mail_for_a_case_of_their_own_and_one_that_was_given_to_them(self, people, cases_of, law):
        kept, given_on = cases_of(2)
        with cast.acting(people.cora):
            case_services.assign_case(given_on, lead_id=people.cora)
        law("3 weeks")
        run()
        with cast.acting(people.cora):
            case_services.assign_case(kept, lead_id=people.cora)
        self._dispatch()
        sent = [(notice.recipient_id, notice.channel) for notice in told() if notice.state == "sent"]
        assert sorted(sent, key=str) == sorted([(people.cora, "inbox")] * 2 + [(people.cora, "mail")], key=str)

    def test_is_nobody_about_a_case_that_was_closed_before(self, people, cases_of, law):
        (case_id,) = cases_of(1)
        law("3 weeks")
        run()
        with cast.acting(people.wanda):
            case_services.close_case(case_id, on=date(2026, 9, 12))
        self._dispatch()
        assert self._heard() == set()

    def test_hears_the_new_date_and_not_also_that_something_moved(self, people, cases_of, law, monkeypatch):
        cases_of(1)
        day = datetime(2026, 9, 18, 9, tzinfo=UTC)
        with running_as("worker"):
            with clock.fixed(day):
                reminders.plan()
            with clock.fixed(day + timedelta(minutes=5)):
                notices.dispatch()
        law("3 weeks")
        with clock.fixed(day + timedelta(hours=1)):
            run()
        # A dispatch that was under way already, and had planned before the run was committed.
        with monkeypatch.context() as patch:
            patch.setattr(reminders, "plan_pending", lambda: None)
            self._dispatch(day + timedelta(hours=1))
        for minutes in (61, 62):
            self._dispatch(day + timedelta(minutes=minutes))
        with running_as("worker"), work.acting(work.system_actor()):
            of_the_move = Notice.objects.filter(state="sent", kind__in=[Kind.RULES, Kind.CORRECTION])
            found = sorted(of_the_move.values_list("kind", "channel", "recipient_id"))
        assert found == [("correction", "inbox", people.wanda), ("correction", "mail", people.wanda)]

    def _dispatch(self, at=DAY + timedelta(minutes=1)):
        with running_as("worker"), clock.fixed(at):
            notices.dispatch()

    def _heard(self):
        return {(notice.recipient_id, notice.channel) for notice in told() if notice.state == "sent"}

    def _dismiss(self, superuser, user_id):
        superuser.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [user_id])


class TestARunThatWasCutOff:
    def test_goes_on_where_it_stopped_and_tells_nobody_twice(self, people, cases_of, law, monkeypatch):
        ids = cases_of(3)
        monkeypatch.setattr(rebuilding, "PART", 1)
        law("3 weeks")
        with running_as("worker"):
            begun = rebuilding.begin()
            teller = Teller(begun.id, begun.began_at)
            assert rebuilding._do_part(begun.id, teller, waiting=False)
            again = rebuilding.begin()
            assert (again.id, again.parts, again.done, again.resumed) == (begun.id, 3, 1, True)
            totals = rebuilding.finish(again)
        assert (totals.looked, totals.moved) == (3, 3)
        assert sorted(notice.case_id for notice in told() if notice.channel == "inbox") == ids

    def test_is_begun_anew_when_the_law_changed_meanwhile_or_a_day_has_passed(self, people, cases_of, law):
        cases_of(1)
        with running_as("worker"):
            first = rebuilding.begin()
            law("3 weeks")
            second = rebuilding.begin()
            assert (second.id == first.id, second.resumed) == (False, False)
            with clock.fixed(DAY + timedelta(days=2)):
                assert rebuilding.begin().id != second.id

    def test_that_a_newer_one_superseded_says_so_and_is_on_record(self, people, cases_of, law, monkeypatch):
        cases_of(3)
        monkeypatch.setattr(rebuilding, "PART", 1)
        with running_as("worker"):
            first = rebuilding.begin()
            assert rebuilding._do_part(first.id, Teller(first.id, first.began_at), waiting=False)
            rules, bodies, record = packs.digest(), [], audit.record

            def recorded(action, *, body, **members):
                bodies.append(body)
                record(action, body=body, **members)

            law("3 weeks")
            with monkeypatch.context() as patch:
                patch.setattr(rebuilding.audit, "record", recorded)
                second = rebuilding.begin()
            told = {"cases": 1, "superseded": True, "rules": rules}
            assert [{name: body[name] for name in told} for body in bodies] == [told]
            with work.acting(work.system_actor()):
                (entry,) = Entry.objects.filter(action=303)
                assert entry.object == first.id
            rebuilding.work_on(first)
            totals = rebuilding.finish(first)
            assert (totals.looked, totals.superseded) == (1, True)
            done = rebuilding.finish(second)
            assert (done.looked, done.moved, done.superseded) == (3, 3, False)
            with work.acting(work.system_actor()):
                assert Entry.objects.filter(action=303).count() == 2

    def test_ends_the_command_with_an_exit_code(self, people, cases_of, law):
        cases_of(1)
        work_on = rebuilding.work_on

        def overtaken(run):
            work_on(run)
            law("3 weeks")
            rebuilding.begin()

        out = io.StringIO()
        with running_as("worker"), pytest.MonkeyPatch.context() as patch:
            patch.setattr(rebuilding, "work_on", overtaken)
            with pytest.raises(SystemExit) as ended:
                call_command("rebuild_deadlines", stdout=out)
        assert ended.value.code == 1
        assert "A newer run took the place of this one" in out.getvalue()

    def test_leaves_no_part_half_done(self, people, cases_of, law, monkeypatch):
        (case_id,) = cases_of(1)
        before = stored(people, case_id)
        law("3 weeks")

        def die(*_args):
            raise SystemExit

        with running_as("worker"):
            begun = rebuilding.begin()
            with monkeypatch.context() as patch:
                patch.setattr(Teller, "tell", die)
                with pytest.raises(SystemExit):
                    rebuilding.work_on(begun)
            with work.acting(work.system_actor()):
                assert RebuildPart.objects.filter(rebuild=begun.id, done_at__isnull=True).count() == 1
        assert stored(people, case_id) == before
        assert run().moved == 1


class TestACaseThatCannotBeDerived:
    def test_is_left_as_it_is_and_named_and_holds_up_no_other(self, people, cases_of, law, caplog):
        ids = cases_of(3)
        broken = ids[1]
        with cast.acting(people.wanda):
            Fact(case_id=broken, recorded_by=people.wanda, content={"fact": {"fact": "velvetharrow"}}).save()
        before = stored(people, broken)
        law("3 weeks")
        totals = run()
        assert (totals.looked, totals.moved, totals.failed) == (3, 2, (broken,))
        assert stored(people, broken) == before
        assert "velvetharrow" not in caplog.text
        assert any(record.__dict__.get("case_id") == broken for record in caplog.records)


def flip(superuser, table, column, key, case_id):
    superuser.execute(
        f"UPDATE {table} SET {column} = set_byte({column}, 40, get_byte({column}, 40) # 1) WHERE {key} = %s", [case_id]
    )


class TestADamagedRow:
    """A flipped byte in one case: that one is named, and every other is done."""

    @pytest.fixture(params=[("cases_person", "birth_on_sealed", "case_id"), ("crypto_keywrap", "blob", "scope")])
    def damaged(self, request, cases_of, superuser):
        ids = cases_of(3)
        flip(superuser, *request.param, ids[1])
        return ids, ids[1]

    def test_holds_up_no_other_case_of_a_run(self, people, damaged, law):
        ids, broken = damaged
        law("3 weeks")
        totals = run()
        assert (totals.looked, totals.moved, totals.failed) == (3, 2, (broken,))
        whole = [case_id for case_id in ids if case_id != broken]
        assert {stored(people, case_id)[CONFIRM] for case_id in whole} == {date(2026, 10, 1)}

    def test_holds_up_no_other_case_of_a_dry_run(self, damaged, law):
        law("3 weeks")
        with running_as("worker"):
            ((looked, moves, failed),) = rebuilding.preview()
        assert (looked, failed) == (3, (damaged[1],))
        assert len({reference for reference, _move in moves}) == 2

    def test_holds_up_no_other_case_as_time_passes(self, people, damaged):
        ids, broken = damaged
        with running_as("worker"), clock.fixed(DAY.replace(day=26)):
            assert services.refresh_due(on=date(2026, 9, 26)) > 0
        with running_as("worker"), work.acting(work.system_actor()):
            stages = {case_id: case.stage for case_id, case in cases.clear_columns(ids).items()}
        assert stages == {case_id: "take-back-notified" if case_id == broken else "accepted" for case_id in ids}

    def test_is_named_by_reference_by_the_command(self, damaged, law):
        law("3 weeks")
        out = io.StringIO()
        with running_as("worker"), pytest.raises(SystemExit) as ended:
            call_command("rebuild_deadlines", "--json", stdout=out)
        with running_as("worker"), work.acting(work.system_actor()):
            reference = cases.clear_columns([damaged[1]])[damaged[1]].reference
        assert (ended.value.code, json.loads(out.getvalue())["failed"]) == (1, [reference])


class TestAFaultInStoring:
    """In the statements, in a receiver, or in telling: case by case then, each wholly or not at all."""

    @pytest.mark.parametrize("where", ["store", "receiver", "teller"])
    def test_leaves_that_case_as_it_was_and_holds_up_no_other(self, people, cases_of, law, monkeypatch, where):
        ids = cases_of(3)
        broken, before = ids[1], stored(people, ids[1])
        law("3 weeks")
        store, tell = deriving.store, Teller.tell

        def storing(derived):
            store(derived)
            if any(one.case_id == broken for one in derived):
                raise ValueError("synthetic")

        def receiving(case_id, **_kwargs):
            if case_id == broken:
                raise ValueError("synthetic")

        def telling(self, moved):
            tell(self, moved)
            if broken in moved:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1 / 0")

        if where == "store":
            monkeypatch.setattr(deriving, "store", storing)
        elif where == "teller":
            monkeypatch.setattr(Teller, "tell", telling)
        else:
            limits_changed.connect(receiving)
        try:
            totals = run()
        finally:
            limits_changed.disconnect(receiving)
        assert (totals.looked, totals.moved, totals.failed) == (3, 2, (broken,))
        assert stored(people, broken) == before
        assert broken not in {notice.case_id for notice in told() if notice.channel == "inbox"}
        with running_as("worker"), work.acting(work.system_actor()):
            assert not Entry.objects.filter(case_id=broken, action=304).exists()
            assert set(Entry.objects.filter(action=304).values_list("case_id", flat=True)) == {*ids} - {broken}


class TestADryRun:
    def test_is_on_record_before_its_first_line_is_out(self, cases_of, law):
        cases_of(2)
        law("3 weeks")

        class Pipe(io.StringIO):
            def write(self, _text):
                raise BrokenPipeError

        with running_as("worker"):
            with pytest.raises(BrokenPipeError):
                call_command("rebuild_deadlines", "--dry-run", stdout=Pipe())
            with work.acting(work.system_actor()):
                assert Entry.objects.filter(action=1320).count() == 1


class TestBesidePeopleWhoWork:
    def test_lets_who_records_a_fact_wait_for_the_part_that_has_the_case(self, people, cases_of, law, monkeypatch):
        (case_id,) = cases_of(1)
        law("3 weeks")
        reached, go_on, recorded = threading.Event(), threading.Event(), threading.Event()
        store = deriving.store

        def store_later(derived):
            if threading.current_thread().name.startswith("rebuild"):
                reached.set()
                assert go_on.wait(30)
            store(derived)

        def rebuild():
            try:
                with clock.fixed(DAY):
                    rebuilding.finish(rebuilding.begin())
            finally:
                connection.close()

        def record():
            try:
                with clock.fixed(DAY), cast.acting(people.wanda):
                    content = {"fact": "appointment", "on": "2026-10-01", "kind": "hearing"}
                    services.record_fact(case_id, content=content)
                recorded.set()
            finally:
                connection.close()

        monkeypatch.setattr(deriving, "store", store_later)
        with (
            threads_run_as_worker("rebuild"),
            ThreadPoolExecutor(thread_name_prefix="rebuild") as one,
            ThreadPoolExecutor(thread_name_prefix="record") as other,
        ):
            rebuilt = one.submit(rebuild)
            assert reached.wait(30)
            waiting = other.submit(record)
            assert not recorded.wait(1)
            go_on.set()
            for each in (rebuilt, waiting):
                each.result()
        assert "appointment-hearing" in stored(people, case_id)
        assert run().changed == 0

    def test_loses_nothing_that_is_recorded_meanwhile(self, people, cases_of, monkeypatch):
        ids = cases_of(4)
        monkeypatch.setattr(rebuilding, "PART", 2)
        done = threading.Event()

        def record():
            try:
                with clock.fixed(DAY):
                    for number in range(12):
                        content = {"fact": "appointment", "on": f"2026-10-{number + 1:02}", "kind": "hearing"}
                        with cast.acting(people.wanda):
                            services.record_fact(ids[number % 4], content=content)
            finally:
                done.set()
                connection.close()

        def rebuild():
            try:
                with clock.fixed(DAY):
                    while not done.is_set():
                        begun = rebuilding.begin()
                        rebuilding.work_on(begun)
                        rebuilding.finish(begun)
            finally:
                connection.close()

        with (
            threads_run_as_worker("rebuild"),
            ThreadPoolExecutor(thread_name_prefix="record") as one,
            ThreadPoolExecutor(thread_name_prefix="rebuild") as others,
        ):
            at_work = [one.submit(record), others.submit(rebuild), others.submit(rebuild)]
            for each in at_work:
                each.result()
        with cast.acting(people.wanda):
            assert Limit.objects.filter(rule="appointment-hearing", state="running").count() == 12
        assert run().changed == 0


class TestThePassingOfTime:
    def test_takes_the_same_way_in_batches_and_a_broken_case_holds_up_no_other(self, people, cases_of, monkeypatch):
        ids = cases_of(3)
        with cast.acting(people.wanda):
            Fact(case_id=ids[0], recorded_by=people.wanda, content={"fact": {"fact": "velvetharrow"}}).save()
        monkeypatch.setattr(services, "BATCH", 2)
        with running_as("worker"), clock.fixed(DAY.replace(day=26)):
            assert services.refresh_due(on=date(2026, 9, 26)) > 0
            assert services.refresh_due(on=date(2026, 9, 26)) == 0
        with cast.acting(people.wanda):
            stages = {case_id: cases.case_for(case_id).stage for case_id in ids}
        assert stages == {ids[0]: "take-back-notified", ids[1]: "accepted", ids[2]: "accepted"}


class TestPeopleOfTheCase:
    def test_are_told_to_the_law_without_a_query_for_each(self, people):
        grown_up = cast.open_a_case(people)
        given = cast.a_case()
        young = replace(given.applicant, birth_on=date(2010, 5, 17))
        minor = cast.open_a_case(people, applicant=young)
        with cast.acting(people.wanda):
            sister = PersonInput("Synthetic Sister", "Synthetic Sister", relation="sibling", state="DE")
            case_services.add_family_member(minor, given=sister)
            with CaptureQueriesContext(connection) as queries:
                households = cases.households([grown_up, minor])
            assert sum('"cases_person"' in query["sql"] for query in queries) == 1
            files = {
                case_id: selectors.file_of("FR", [], households[case_id], date(2026, 9, 12))
                for case_id in (grown_up, minor)
            }
        assert [files[grown_up].person.minor, files[minor].person.minor] == [False, True]
        assert [(member.relation, member.state) for member in files[minor].family] == [("sibling", "DE")]

    def test_derive_the_case_again_when_they_change(self, people, cases_of):
        (case_id,) = cases_of(1)
        with cast.acting(people.wanda):
            before = Derivation.objects.get(case_id=case_id)
            Limit.objects.filter(case_id=case_id).delete()
        with cast.acting(people.wanda):
            person = PersonInput("Synthetic Sister", "Synthetic Sister", relation="sibling", state="DE")
            case_services.add_family_member(case_id, given=person)
        with cast.acting(people.wanda):
            assert Limit.objects.filter(case_id=case_id).exists()
            assert Derivation.objects.get(case_id=case_id).changes_on == before.changes_on

    def test_leave_a_mark_that_beat_finds_where_somebody_else_derives_and_the_task_is_lost(
        self, people, cases_of, monkeypatch
    ):
        (case_id,) = cases_of(1)
        monkeypatch.setattr(services, "enqueue", lambda *_args: None)
        with _connect("super") as holder:
            holder.execute("BEGIN")
            holder.execute("SELECT 1 FROM procedure_derivation WHERE case_id = %s FOR UPDATE", [case_id])
            with cast.acting(people.wanda):
                version = cases.case_for(case_id).version
                case_services.update_case(case_id, given=cast.a_case(country="DE"), version=version)
            holder.execute("ROLLBACK")
        with running_as("worker"):
            assert services.refresh_due(on=DAY.date()) > 0
            with work.acting(work.system_actor()):
                assert not Asked.objects.exists()
        assert run().changed == 0

    def test_leave_no_mark_where_they_were_derived_at_once(self, people, cases_of):
        (case_id,) = cases_of(1)
        with cast.acting(people.wanda):
            given = PersonInput("Synthetic Sister", "Synthetic Sister", relation="sibling", state="DE")
            case_services.add_family_member(case_id, given=given)
        with running_as("worker"), work.acting(work.system_actor()):
            assert not Asked.objects.exists()


class TestPeriodsInHours:
    """Article 15 of Regulation (EU) 2024/1358: 72 hours from registration, to the minute."""

    RULE = "eurodac-72h"

    def test_end_to_the_minute_and_are_looked_at_again_on_that_day(self, people):
        case_id = cast.open_a_case(people)
        registered = {"fact": "application-registered", "at": "2026-09-09T10:00:00+02:00", "state": "FR"}
        due = datetime(2026, 9, 12, 8, 0, tzinfo=UTC)
        with clock.fixed(due - timedelta(minutes=2)), cast.acting(people.wanda):
            services.record_fact(case_id, content=registered)
        for minutes, state in ((-1, "running"), (1, "expired")):
            with running_as("worker"), clock.fixed(due + timedelta(minutes=minutes)):
                services.refresh_due(on=date(2026, 9, 12))
                assert self._state_as_worker(case_id) == (state, due)

    def _state_as_worker(self, case_id):
        with work.acting(work.system_actor()):
            return Limit.objects.values_list("state", "due_at").get(case_id=case_id, rule=self.RULE)
