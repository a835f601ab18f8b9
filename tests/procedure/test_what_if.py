"""What a fact would change, seen before it is recorded."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.audit.models import Entry
from casework.core.errors import Invalid, NotFound
from casework.core.ids import new_id
from casework.law.wording import NoSuchLanguage
from casework.procedure import selectors, services
from casework.procedure.models import Fact, Limit
from tests import cast
from tests.procedure.test_correcting import FACTS, NOTIFIED

pytestmark = pytest.mark.django_db

APPEAL = {"fact": "appeal-lodged", "on": "2026-10-16", "against": "transfer-decision"}
DECISION = {"fact": "transfer-decision-notified", "on": "2026-10-12"}


@pytest.fixture
def case_id(people):
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        for fact in [*FACTS, DECISION]:
            services.record_fact(case_id, content=fact)
    return case_id


def due(view, rule):
    return next(limit.due for limit in view.deadlines if limit.rule == rule)


class TestAFactAdded:
    def test_shows_the_procedure_as_it_is_and_as_it_would_be(self, people, case_id):
        with cast.acting(people.wanda):
            seen = selectors.what_if(case_id, "FR", content=APPEAL)
            assert seen.now == selectors.derived(case_id, "FR")
            assert (seen.now.status, seen.then.status) == ("transfer-decided", "appeal-pending")
            assert [fact.name for fact in seen.then.facts][-1] == "appeal-lodged"

    def test_is_what_recording_it_then_gives(self, people, case_id):
        with cast.acting(people.wanda):
            then = selectors.what_if(case_id, "FR", content=APPEAL).then
            services.record_fact(case_id, content=APPEAL)
            recorded = selectors.derived(case_id, "FR")
        assert (recorded.status, recorded.deadlines, recorded.warnings) == (then.status, then.deadlines, then.warnings)

    def test_stores_nothing(self, people, case_id):
        def stored():
            limits = sorted(Limit.objects.filter(case_id=case_id).values_list())
            return Fact.objects.filter(case_id=case_id).count(), limits, Entry.objects.filter(case_id=case_id).count()

        with cast.acting(people.wanda):
            before = stored()
            with CaptureQueriesContext(connection) as queries:
                selectors.what_if(case_id, "FR", content=APPEAL)
            assert stored() == before
        assert [query["sql"] for query in queries if not query["sql"].lstrip().startswith("SELECT")] == []
        for table in ("procedure_fact", "cases_person", "crypto_keywrap"):
            assert sum(f'"{table}"' in query["sql"] or f" {table} " in query["sql"] for query in queries) == 1, table

    def test_speaks_the_language_asked_for(self, people, case_id):
        with cast.acting(people.wanda), pytest.raises(NoSuchLanguage):
            selectors.what_if(case_id, "FR", content=APPEAL, lang="xx")


class TestAFactCorrected:
    def test_stands_in_the_place_of_the_first(self, people, case_id):
        with cast.acting(people.wanda):
            facts = {fact.name: fact for fact in selectors.recorded_facts(case_id)}
            received = facts["take-back-notification-received"]
            content = {**received.content, "on": "2026-09-11"}
            seen = selectors.what_if(case_id, "FR", content=content, corrects=received.id)
            moved = due(seen.then, "ammr-take-back-confirm-2w") - due(seen.now, "ammr-take-back-confirm-2w")
        assert moved.days == 1
        assert len(seen.then.facts) == len(seen.now.facts)

    def test_must_be_one_that_counts(self, people, case_id):
        with cast.acting(people.wanda), pytest.raises(NotFound):
            selectors.what_if(case_id, "FR", content=NOTIFIED, corrects=new_id())


class TestWhatIsNoFact:
    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"fact": "no-such-fact", "on": "2026-09-01"},
            {"fact": "application-registered", "on": "2026-02-30"},
            {"fact": "take-back-confirmed", "on": "2026-09-09", "state": "HR"},
        ],
    )
    def test_is_refused_as_recording_it_would_be(self, people, case_id, wrong):
        with cast.acting(people.wanda), pytest.raises(Invalid):
            selectors.what_if(case_id, "FR", content=wrong)
