"""Earlier versions of a case, and what it looked like on a day, as who works on it sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from casework.access import services as access
from casework.access.types import Level
from casework.cases import services as cases
from casework.cases.types import PersonInput
from casework.core import clock
from casework.documents import services as documents
from casework.procedure import services as procedure
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)
DAY = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def case_id(people):
    with clock.fixed(DAY):
        case_id = cast.open_a_case(people)
    fact = {"fact": "application-registered", "on": "2026-05-01", "state": "FR"}
    steps = [
        lambda: cases.update_case(case_id, given=cast.a_case(title="Synthetic later title"), version=1),
        lambda: cases.add_family_member(
            case_id, given=PersonInput(name_original="", name_latin="Testova Anna", relation="spouse")
        ),
        lambda: documents.add_document(
            case_id,
            upload=documents.seal_bytes(case_id, name="a.txt", content=b"Synthetic"),
            title="Synthetic paper",
            kind="other",
        ),
        lambda: procedure.record_fact(case_id, content=fact, note="Synthetic first note"),
    ]
    for number, step in enumerate(steps, start=1):
        with clock.fixed(DAY + timedelta(days=number)), cast.acting(people.wanda):
            step()
    with clock.fixed(DAY + timedelta(days=6)), cast.acting(people.wanda):
        (recorded,) = procedure.selectors.recorded_facts(case_id)
        procedure.correct_fact(
            case_id, fact_id=recorded.id, content=fact, note="Synthetic second note", reason="Synthetic reason"
        )
    return case_id


def show(people, case_id, who="wanda", **query):
    client = cast.sign_in(Client(), people.user(who))
    return client.get(reverse("case_versions", args=[case_id]), query)


class TestTheVersions:
    def test_say_who_changed_what_from_what_to_what(self, people, case_id):
        page = show(people, case_id)
        shown = page.content.decode()
        for words in ("Synthetic title", "Synthetic later title", "Testova Anna", "Synthetic paper", "Wanda Wójcik"):
            assert words in shown
        assert "Synthetic first note" in shown
        assert "Synthetic reason" in shown
        lines = page.context["page"].lines
        assert all(line.entry for line in lines)
        assert lines == tuple(sorted(lines, key=lambda line: (line.at, line.entry), reverse=True))
        assert "outside the application" not in shown

    def test_that_somebody_changed_by_sql_are_named_and_not_shown(self, people, case_id, superuser):
        superuser.execute("UPDATE cases_historicalperson SET relation = 'child' WHERE relation = 'spouse'")
        shown = show(people, case_id).content.decode()
        assert "This version was changed outside the application" in shown
        assert "Testova Anna" not in shown.partition("<table")[2]

    def test_are_reached_from_the_timeline_by_who_works_on_the_case(self, people, case_id):
        with cast.acting(people.wanda):
            access.grant(case_id=case_id, user_id=people.lev, level=Level.VIEW, reason="synthetic reason")
        link = reverse("case_versions", args=[case_id])
        for who, status in (("wanda", 200), ("cora", 200), ("lev", 403), ("otto", 404), ("aud", 404), ("ada", 404)):
            assert show(people, case_id, who).status_code == status, who
        for who, there in (("wanda", True), ("lev", False)):
            client = cast.sign_in(Client(), people.user(who))
            assert (link in client.get(reverse("case_timeline", args=[case_id])).content.decode()) is there


class TestAPastDay:
    def test_shows_what_stood_at_its_end_and_how_much_changed_since(self, people, case_id):
        page = show(people, case_id, on="2026-05-03")
        shown = page.content.decode()
        assert "This is how it stood on 3 May 2026" in shown
        assert "Testova Anna" in shown
        past = page.context["past"]
        assert (past.facts, past.documents, past.title) == ((), (), "Synthetic later title")
        # The document, the fact with what was derived from it, and its correction.
        assert past.since == 4
        first = show(people, case_id, on="2026-05-01").context["past"]
        assert (first.title, first.record["family"]) == ("Synthetic title", [])
        later = show(people, case_id, on="2026-05-06").context["past"]
        assert [fact.text.count("first") for fact in later.facts] == [1]
        assert [document.title for document in later.documents] == ["Synthetic paper"]

    def test_ends_with_the_organisations_own_midnight(self, people, case_id):
        # 23:30 of the 8th in Paris is 21:30 UTC; 22:30 UTC is the 9th there.
        for hour, title in ((21, "Synthetic before midnight"), (22, "Synthetic after midnight")):
            with clock.fixed(datetime(2026, 5, 8, hour, 30, tzinfo=UTC)), cast.acting(people.wanda):
                version = cases.open_case(case_id).version
                cases.update_case(case_id, given=cast.a_case(title=title), version=version)
        assert show(people, case_id, on="2026-05-08").context["past"].title == "Synthetic before midnight"

    def test_before_there_was_a_case_says_so(self, people, case_id):
        assert "There was no such case yet on 30 April 2026" in show(people, case_id, on="2026-04-30").content.decode()

    def test_that_is_none_is_refused_beside_the_field_and_kept(self, people, case_id):
        for typed in ("2999-01-01", "31.02.2026x", ""):
            page = show(people, case_id, on=typed)
            assert page.status_code == 200
            assert page.context["form"].errors["on"]
            assert f'value="{typed}"' in page.content.decode() or not typed
            assert page.context["page"].lines
