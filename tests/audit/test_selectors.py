"""The trail as people read it."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection

from casework.audit import actions, selectors, services
from casework.core import ids, work
from casework.crypto import services as crypto
from tests import cast as people
from tests.audit.world import FIRST, SECOND, USER


class TestTheTrailOfACase:
    def test_is_newest_first_with_sentences_and_particulars(self, trail):
        shown = selectors.entries_of_case(FIRST)
        assert [entry.action for entry in shown] == ["case.updated", "case.read", "case.created"]
        newest = shown[0]
        assert str(newest.sentence) == "Changed the case"
        assert (newest.actor, newest.seq, newest.stream, newest.case_id) == (USER, 3, FIRST, FIRST)
        assert newest.particulars == {"why": "synthetic"}
        assert newest.at.tzinfo is not None
        assert (str(newest.outcome_label), str(newest.reason), newest.by_machine) == ("Done", "", False)

    def test_shows_what_was_refused_without_its_particulars(self, trail):
        services.record_now(work.Actor(USER), "access.refused", obj=FIRST, body={"path": "/x"}, reason="no_grant")
        newest = selectors.entries_of_case(FIRST)[0]
        assert (newest.action, newest.stream, newest.particulars) == ("access.refused", USER, None)
        assert (str(newest.outcome_label), str(newest.reason)) == ("Refused", "No access to the case")

    def test_shows_what_the_machine_and_nobody_did(self, trail):
        for actor in (work.system_actor(), work.Actor(None)):
            with work.acting(actor):
                services.record("limits.rebuilt", case=FIRST)
        nobody, machine = selectors.entries_of_case(FIRST)[:2]
        assert (nobody.actor, nobody.by_machine, nobody.particulars) == (None, False, {})
        assert (machine.actor, machine.by_machine) == (work.SYSTEM_ID, True)

    def test_without_its_key_shows_no_particulars(self, trail):
        crypto.clear()
        crypto.destroy_scope(FIRST)
        assert [entry.particulars for entry in selectors.entries_of_case(FIRST)] == [None] * 3

    def test_that_was_tampered_with_shows_no_particulars(self, trail):
        trail.execute("UPDATE audit_entry SET body = 'x' WHERE stream = %s AND seq = 2", FIRST)
        trail.execute(
            "UPDATE audit_entry SET body = (SELECT body FROM audit_entry WHERE stream = %s AND seq = 1)"
            " WHERE stream = %s AND seq = 3",
            FIRST,
            FIRST,
        )
        assert [entry.particulars for entry in selectors.entries_of_case(FIRST)] == [None, None, {"why": "synthetic"}]

    def test_goes_on_page_by_page(self, trail):
        trail.write(FIRST, *["case.read"] * 4)
        trail.execute("UPDATE audit_entry SET time_us = 7 WHERE stream = %s AND seq IN (3, 4)", FIRST)
        seen: list[int] = []
        before = ""
        while page := selectors.entries_of_case(FIRST, limit=2, before=before):
            seen += [entry.seq for entry in page]
            before = page[-1].cursor
        assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7]
        assert seen[-2:] == [4, 3]

    @pytest.mark.parametrize("cursor", ["x", "1.2", "1.x.3", "x.11111111111141118111111111111111.1"])
    def test_refuses_a_place_that_it_never_named(self, trail, cursor):
        with pytest.raises(selectors.BadCursor):
            selectors.entries_of_case(FIRST, before=cursor)

    def test_survives_a_number_that_this_version_does_not_know(self, trail):
        trail.execute("UPDATE audit_entry SET action = 65000, reason = 65000, outcome = 77 WHERE stream = %s", FIRST)
        entry = selectors.entries_of_case(FIRST)[0]
        assert (entry.action, str(entry.outcome_label), str(entry.reason)) == ("", "", "")
        assert "does not know" in str(entry.sentence)


class TestTheWholeTrail:
    def test_comes_without_particulars(self, trail, django_assert_num_queries):
        with django_assert_num_queries(1):
            shown = selectors.entries_all(limit=5)
        assert [(entry.case_id, entry.particulars) for entry in shown] == [(SECOND, None)] * 2 + [(FIRST, None)] * 3

    def test_of_one_person_is_what_they_did(self, trail):
        trail.write(FIRST, "case.read", actor=ids.new_id())
        assert {entry.actor for entry in selectors.entries_of_actor(USER)} == {USER}
        assert len(selectors.entries_of_actor(USER)) == 5


@pytest.mark.django_db
class TestWhoSeesWhat:
    """As the web role, behind the walls."""

    def seen(self, reader: UUID) -> set[UUID | None]:
        with work.acting(work.Actor(reader)):
            return {entry.case_id for entry in selectors.entries_all(limit=1_000)}

    def test_an_auditor_sees_everything_and_others_their_own(self):
        cast = people.meet()
        case = ids.new_id()
        with people.acting(cast.wanda):
            services.record("case.created", case=case)
        assert case in self.seen(cast.aud)
        assert case in self.seen(cast.wanda)
        assert case not in self.seen(cast.otto)
        assert case not in self.seen(cast.ada)

    def test_an_auditor_needs_few_queries_of_the_database_for_it(self):
        cast = people.meet()
        with people.acting(cast.aud), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN SELECT * FROM audit_entry ORDER BY time_us DESC LIMIT 50")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "audit_entry_time" in plan


def test_every_action_has_an_english_sentence_without_a_subject():
    assert all(str(action.sentence)[0].isupper() for action in actions.ACTIONS)
