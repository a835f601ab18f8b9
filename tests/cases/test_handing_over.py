"""Handing over a whole caseload: all or nothing, on record for each case, and its reminders follow."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.access import selectors as grants
from casework.access import services as access
from casework.access import staff
from casework.access.types import Level
from casework.audit.models import Entry
from casework.cases import handing_over
from casework.cases import services as cases
from casework.cases.models import Case
from casework.core import clock
from casework.core.errors import Conflict, Invalid, NotAllowed, NotFound
from casework.crypto.models import KeyWrap
from casework.notices import alerts
from casework.notices import services as notices
from casework.notices.models import Notice
from casework.procedure.models import Limit
from casework.procedure.signals import limits_changed
from tests import cast
from tests.access.test_staff import make
from tests.conftest import running_as


def hand_over(people: cast.Cast, to: UUID, case_ids, *, who: str = "cora", start: UUID | None = None, **more) -> int:
    given = {"reason": "She leaves.", "take_back": True} | more
    with cast.acting(getattr(people, who)):
        return handing_over.hand_over(start or people.wanda, to, case_ids, **given)


def leads_of(people: cast.Cast, case_ids) -> set[UUID | None]:
    with cast.acting(people.cora):
        return set(Case.objects.filter(pk__in=case_ids).values_list("lead_id", flat=True))


@pytest.fixture
def nina(people) -> UUID:
    return make("nina", "caseworker", "North")


class TestHandingOver:
    def test_moves_lead_access_history_and_trail_of_each_case(self, people, nina):
        made = [cast.open_a_case(people) for _ in range(3)]
        assert hand_over(people, nina, made) == 3
        assert leads_of(people, made) == {nina}
        for case_id in made:
            with cast.acting(nina):
                assert grants.level_on(nina, case_id) == Level.LEAD
                assert cases.open_case(case_id).summary
            with cast.acting(people.wanda):
                assert grants.level_on(people.wanda, case_id) is None
            with cast.acting(people.cora):
                counted = Counter(Entry.objects.filter(stream=case_id).values_list("action", flat=True))
                newest = Case.history.filter(id=case_id).order_by("-history_date").first()
                assert (newest.lead_id, newest.version, newest.history_change_reason) == (nina, 2, "handed_over")
            # At first two grants (its maker's, the coordinators'); now one given, one taken back, and the assignment.
            assert (counted[500], counted[502], counted[105]) == (3, 1, 1)

    def test_can_leave_the_former_lead_at_work(self, people, nina):
        case_id = cast.open_a_case(people)
        hand_over(people, nina, [case_id], take_back=False)
        with cast.acting(people.wanda):
            assert grants.level_on(people.wanda, case_id) == Level.WORK

    def test_works_when_the_account_is_off_already(self, people, nina):
        case_id = cast.open_a_case(people)
        with cast.acting(people.ada):
            staff.switch_off(people.wanda)
        with cast.acting(people.cora):
            assert handing_over.left_behind() == {people.wanda: 1}
        hand_over(people, nina, [case_id])
        with cast.acting(people.cora):
            assert handing_over.left_behind() == {}

    def test_takes_no_more_statements_for_many_cases_than_for_two(self, people, nina):
        def statements(made: list[UUID]) -> int:
            with CaptureQueriesContext(connection) as captured:
                hand_over(people, nina, made)
            return len(captured)

        few = statements([cast.open_a_case(people) for _ in range(2)])
        many = [cast.open_a_case(people) for _ in range(30)]
        assert statements(many) <= few + 10
        assert leads_of(people, many) == {nina}

    def test_tells_both_once(self, people, nina, monkeypatch):
        told: list[tuple[str, UUID]] = []
        monkeypatch.setattr(alerts, "tell", lambda kind, who, **_: told.extend((str(kind), one) for one in who))
        hand_over(people, nina, [cast.open_a_case(people) for _ in range(3)])
        assert sorted(told) == sorted([("handed_over", nina), ("handed_over", people.wanda)])

    @pytest.mark.parametrize("to", ["otto", "lev", "ada", "off", "nobody"])
    def test_is_refused_to_whoever_may_not_lead(self, people, nina, to):
        made = [cast.open_a_case(people) for _ in range(2)]
        if to == "off":
            with cast.acting(people.ada):
                staff.switch_off(nina)
        target = {"off": nina, "nobody": uuid4()}.get(to) or getattr(people, to)
        with pytest.raises(Invalid) as refused:
            hand_over(people, target, made)
        assert set(refused.value.fields) == {"to"}
        assert leads_of(people, made) == {people.wanda}

    def test_is_all_or_nothing(self, people, nina):
        made = [cast.open_a_case(people) for _ in range(2)]
        theirs = cast.open_a_case(people, "otto")
        with pytest.raises(NotFound):
            hand_over(people, nina, [*made, theirs])
        with pytest.raises(NotFound):
            hand_over(people, nina, [*made, uuid4()])
        with cast.acting(people.cora):
            cases.assign_case(made[0], lead_id=nina)
        with pytest.raises(Conflict):
            hand_over(people, nina, made)
        assert leads_of(people, made) == {nina, people.wanda}

    def test_names_the_case_that_has_lost_its_key(self, people, nina):
        made = [cast.open_a_case(people) for _ in range(3)]
        with cast.acting(people.cora):
            KeyWrap.objects.filter(scope=made[1]).delete()
            reference = Case.objects.get(pk=made[1]).reference
        with pytest.raises(Invalid, match=reference) as refused:
            hand_over(people, nina, made)
        assert set(refused.value.fields) == {"cases"}
        assert hand_over(people, nina, [made[0], made[2]]) == 2

    def test_of_another_teams_cases_needs_more_than_a_grant_on_them(self, people, nina):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.olga, level=Level.LEAD, reason="")
        with pytest.raises(NotFound):
            hand_over(people, nina, [case_id], who="olga")
        for who in ("wanda", "ada", "aud", "lev"):
            with pytest.raises(NotAllowed):
                hand_over(people, nina, [case_id], who=who)

    def test_of_ones_own_cases_cuts_nobody_off(self, people, nina):
        # The coordinators' own access was taken back: Cora sees the case as its lead, and not else.
        case_id = cast.open_a_case(people, "cora")
        with cast.acting(people.cora):
            group = next(one for one in grants.grants_on(case_id) if one.group_id is not None)
            access.revoke(case_id=case_id, grant_id=group.id)
        with pytest.raises(Invalid) as refused:
            hand_over(people, nina, [case_id], start=people.cora, take_back=True)
        assert set(refused.value.fields) == {"take_back"}
        hand_over(people, nina, [case_id], start=people.cora, take_back=False)
        for who, level in ((nina, Level.LEAD), (people.cora, Level.WORK)):
            with cast.acting(who):
                assert grants.level_on(who, case_id) == level

    def test_wants_a_reason_and_a_case(self, people, nina):
        with pytest.raises(Invalid, match="why"):
            hand_over(people, nina, [cast.open_a_case(people)], reason=" ")
        with pytest.raises(Invalid, match="at least one"):
            hand_over(people, nina, [])


@pytest.mark.django_db(transaction=True)
class TestReminders:
    def test_go_to_the_new_lead(self, people):
        nina = make("nina", "caseworker", "North")
        case_id = cast.open_a_case(people)
        limit = {"rule": "ammr-take-back-confirm-2w", "state": "running", "whose": "HR", "case_id": case_id}
        on = clock.today() + timedelta(days=6)
        with cast.acting(people.wanda):
            Limit(**limit, due_on=on, due_strict_on=on, due_rolled_on=on).save(force_insert=True)
            limits_changed.send(sender=Limit, case_id=case_id)
        assert waiting_lines() == {people.wanda}
        hand_over(people, nina, [case_id])
        assert waiting_lines() == {nina}


def waiting_lines() -> set[UUID]:
    """Dispatch as the worker; return in whose inbox a time limit stands now."""
    with running_as("worker"):
        notices.dispatch()
        rows = Notice.objects.filter(channel="inbox", kind="limit", state="sent", settled_at__isnull=True)
        return set(rows.values_list("recipient_id", flat=True))
