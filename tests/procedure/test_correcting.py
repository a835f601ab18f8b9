"""Correcting what was recorded: the old fact stays readable, everything derived follows, and proof is kept."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from casework.core.errors import Conflict, Invalid, NotFound
from casework.documents import services as documents
from casework.procedure import selectors, services
from casework.procedure.models import Fact, Limit
from tests import cast

pytestmark = pytest.mark.django_db

NOTIFIED = {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"}
CONFIRMED = {"fact": "take-back-confirmed", "on": "2026-09-20", "state": "HR"}
FACTS = [
    {"fact": "application-registered", "on": "2026-09-01", "state": "FR"},
    {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
    NOTIFIED,
    {"fact": "take-back-notification-received", "on": "2026-09-10", "state": "HR"},
]
CONFIRM, DECIDE = "ammr-take-back-confirm-2w", "ammr-transfer-decision-2w"


@pytest.fixture
def case_id(people):
    return cast.open_a_case(people)


def a_document(case_id, who):
    with cast.acting(who):
        upload = documents.seal_bytes(case_id, name="paper.txt", content=b"Synthetic confirmation.")
        return documents.add_document(case_id, upload=upload, title="Letter", kind="letter", dated_on="2026-09-20")


@pytest.fixture
def met(people, case_id):
    """A case in which a document proves the fact that met a limit; returns the ids of fact and document."""
    document = a_document(case_id, people.wanda)
    with cast.acting(people.wanda):
        for fact in FACTS:
            services.record_fact(case_id, content=fact)
        return services.record_fact(case_id, content=CONFIRMED, document=document), document


def named(case_id, name):
    return next(fact for fact in selectors.recorded_facts(case_id) if fact.name == name)


def limit_of(case_id, rule=CONFIRM):
    view = selectors.derived(case_id, "FR")
    return view, next(limit for limit in view.deadlines if limit.rule == rule)


class TestAMetLimit:
    def test_shows_the_fact_that_met_it_and_the_document_that_proves_it(self, people, case_id, met):
        with cast.acting(people.wanda):
            view, limit = limit_of(case_id)
            assert limit.state == "met"
            proof = view.proof_of(limit)
            assert (proof.id, proof.document) == met
            running = next(other for other in view.deadlines if other.state == "running")
            assert view.proof_of(running) is None

    def test_keeps_its_proof_when_the_fact_that_started_it_moves(self, people, case_id, met):
        with cast.acting(people.wanda):
            before = limit_of(case_id)[1].due
            for name in ("take-back-notification-received", "take-back-notified"):
                fact = named(case_id, name)
                services.correct_fact(
                    case_id, fact_id=fact.id, content={**fact.content, "on": "2026-09-11"}, reason="The stamp says so"
                )
            view, limit = limit_of(case_id)
            assert (limit.due - before).days == 1
            assert limit.state == "met"
            assert (view.proof_of(limit).id, view.proof_of(limit).document) == met
            assert Limit.objects.get(case_id=case_id, rule=CONFIRM).due_on == limit.due

    def test_keeps_its_document_when_the_fact_that_met_it_is_corrected(self, people, case_id, met):
        with cast.acting(people.wanda):
            corrected = services.correct_fact(
                case_id, fact_id=met[0], content={**CONFIRMED, "on": "2026-09-21"}, reason="Read again"
            )
            view, limit = limit_of(case_id)
            assert (view.proof_of(limit).id, view.proof_of(limit).document) == (corrected, met[1])

    def test_takes_another_document_where_one_is_given_and_the_first_keeps_its_own(self, people, case_id, met):
        other = a_document(case_id, people.wanda)
        with cast.acting(people.wanda):
            services.correct_fact(case_id, fact_id=met[0], content=CONFIRMED, reason="The signed one", document=other)
            assert named(case_id, "take-back-confirmed").document == other
            (earlier,) = selectors.earlier_versions(case_id)
            assert (earlier.id, earlier.document) == met

    def test_has_no_document_any_more_where_none_is_said_in_so_many_words(self, people, case_id, met):
        with cast.acting(people.wanda):
            services.correct_fact(case_id, fact_id=met[0], content=CONFIRMED, reason="The wrong letter", document=None)
            assert named(case_id, "take-back-confirmed").document is None
            (earlier,) = selectors.earlier_versions(case_id)
            assert (earlier.id, earlier.document) == met

    def test_says_that_it_was_late_when_a_correction_makes_it_so(self, people, case_id, met):
        with cast.acting(people.wanda):
            decision = {"fact": "transfer-decision-notified", "on": "2026-10-02"}
            fact_id = services.record_fact(case_id, content=decision, document=met[1])
            assert limit_of(case_id, DECIDE)[1].state == "met"
            services.correct_fact(
                case_id, fact_id=fact_id, content={**decision, "on": "2026-10-12"}, reason="The day was misread"
            )
            view, limit = limit_of(case_id, DECIDE)
            assert (limit.state, view.proof_of(limit)) == ("expired", None)
            assert limit.because[-1].startswith("Only after its end, on 12 October 2026")
            assert Limit.objects.get(case_id=case_id, rule=DECIDE).state == "expired"
            assert selectors.earlier_versions(case_id)[0].document == met[1]

    def test_is_open_again_when_the_fact_that_met_it_is_withdrawn(self, people, case_id, met):
        with cast.acting(people.wanda):
            services.withdraw_fact(case_id, fact_id=met[0], note="Of another file")
            assert limit_of(case_id)[1].state == "expired"
            (earlier,) = selectors.earlier_versions(case_id)
            assert (earlier.document, earlier.replaced.withdrawn) == (met[1], True)
            assert earlier.replaced.reason == "Of another file"


class TestAReason:
    def test_is_asked_for(self, people, case_id, met):
        with cast.acting(people.wanda):
            with pytest.raises(Invalid) as refused:
                services.correct_fact(case_id, fact_id=met[0], content=CONFIRMED, reason="  ")
            assert list(refused.value.fields) == ["reason"]
            with pytest.raises(Invalid):
                services.withdraw_fact(case_id, fact_id=met[0], note="")
            assert Fact.objects.filter(case_id=case_id).count() == len(FACTS) + 1

    def test_stands_beside_the_earlier_version_and_nowhere_in_the_clear(self, people, case_id, met):
        with cast.acting(people.wanda):
            new = services.correct_fact(case_id, fact_id=met[0], content=CONFIRMED, reason="quillfeather")
            (earlier,) = selectors.earlier_versions(case_id)
            assert (earlier.replaced.fact_id, earlier.replaced.by) == (new, people.wanda)
            assert earlier.replaced.reason == named(case_id, "take-back-confirmed").reason == "quillfeather"
            with connection.cursor() as cursor:
                cursor.execute("SELECT t::text FROM procedure_fact t WHERE case_id = %s", [case_id])
                stored = "\n".join(row[0] for row in cursor.fetchall())
        assert "quillfeather" not in stored
        assert str(met[1]) not in stored
        assert b"quillfeather".hex() not in stored


class TestADocument:
    def test_of_another_case_proves_nothing(self, people, case_id):
        other_case = cast.open_a_case(people)
        elsewhere = a_document(other_case, people.wanda)
        with cast.acting(people.wanda):
            with pytest.raises(Invalid) as refused:
                services.record_fact(case_id, content=FACTS[0], document=elsewhere)
            assert list(refused.value.fields) == ["document"]
            assert not Fact.objects.filter(case_id=case_id).exists()


class TestACorrectionOfACorrection:
    def test_leaves_one_fact_that_counts_and_the_whole_chain_readable(self, people, case_id):
        with cast.acting(people.wanda):
            ids = [services.record_fact(case_id, content=FACTS[0])]
            for day in ("2026-08-20", "2026-08-21"):
                content = {**FACTS[0], "on": day}
                ids.append(services.correct_fact(case_id, fact_id=ids[-1], content=content, reason=f"Day {day}"))
            (fact,) = selectors.recorded_facts(case_id)
            assert (fact.id, fact.on, fact.corrects) == (ids[2], "2026-08-21", ids[1])
            earlier = selectors.earlier_versions(case_id)
            assert {(one.id, one.replaced.fact_id) for one in earlier} == {(ids[0], ids[1]), (ids[1], ids[2])}

    def test_is_refused_for_what_was_replaced_or_withdrawn_already(self, people, case_id):
        with cast.acting(people.wanda):
            first = services.record_fact(case_id, content=FACTS[0])
            second = services.correct_fact(case_id, fact_id=first, content=FACTS[0], reason="Read again")
            with pytest.raises(Conflict):
                services.correct_fact(case_id, fact_id=first, content=FACTS[0], reason="Late")
            services.withdraw_fact(case_id, fact_id=second, note="Of another file")
            for act in (
                lambda: services.correct_fact(case_id, fact_id=second, content=FACTS[0], reason="Late"),
                lambda: services.withdraw_fact(case_id, fact_id=second, note="Twice"),
            ):
                with pytest.raises(Conflict):
                    act()
            assert selectors.recorded_facts(case_id) == []

    def test_is_not_found_in_another_case(self, people, case_id, met):
        other = cast.open_a_case(people)
        with cast.acting(people.wanda), pytest.raises(NotFound):
            services.correct_fact(other, fact_id=met[0], content=CONFIRMED, reason="Wrong case")


class TestTwoAtOnce:
    @pytest.mark.django_db(transaction=True)
    def test_correct_one_fact_once_and_the_second_is_told(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            fact_id = services.record_fact(case_id, content=FACTS[0])
        start, outcomes = threading.Barrier(2), []

        def correct(day):
            start.wait()
            try:
                with cast.acting(people.wanda):
                    content = {**FACTS[0], "on": day}
                    outcomes.append(services.correct_fact(case_id, fact_id=fact_id, content=content, reason="At once"))
            except Conflict as conflict:
                outcomes.append(conflict)
            finally:
                connection.close()

        both = [threading.Thread(target=correct, args=(day,)) for day in ("2026-08-20", "2026-08-21")]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
        with cast.acting(people.wanda):
            (fact,) = selectors.recorded_facts(case_id)
            assert fact.id in outcomes
