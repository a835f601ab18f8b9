"""Deciding about erasures, the certificate, and how long closed cases are kept, as a coordinator."""

from __future__ import annotations

import io
from datetime import date, timedelta
from uuid import UUID, uuid4

import pikepdf
import pytest

from casework.audit import actions
from casework.cases import erasing
from casework.cases import services as case_services
from casework.crypto import services as crypto
from casework.documents import services as documents
from tests import cast


def ask(people, case_id, who="wanda", reason="person_request", note=""):
    with cast.acting(getattr(people, who)):
        return erasing.request_erasure(case_id, reason=reason, note=note)


def state_of(people, erasure_id, who="cora"):
    with cast.acting(getattr(people, who)):
        return erasing.erasure(erasure_id)


def reference_of(people, case_id, who="cora"):
    with cast.acting(getattr(people, who)):
        return case_services.open_case(case_id).reference


def text_of(pdf: bytes) -> str:
    """Return what stands in a PDF's own descriptions; its pages are checked where they are made."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return f"{len(opened.pages)} {opened.docinfo}"


@pytest.fixture
def full_case(people, case_id) -> UUID:
    """Wanda's case with a document."""
    with cast.acting(people.wanda):
        upload = documents.seal_bytes(case_id, name="paper.txt", content=b"Synthetic paper.\n" * 20)
        documents.add_document(case_id, upload=upload, title="Synthetic paper", kind="other")
    return case_id


class TestARequest:
    """What would go, who asked and why, before anybody decides."""

    def test_says_what_would_be_destroyed_and_what_is_under_way(self, people, visit, full_case):
        made = ask(people, full_case, note="Synthetic note: by letter.")
        page = visit("cora").get(f"/erasures/{made}/").content.decode()
        for words in (
            "Request to erase case",
            "Waits for a second person",
            "The person asked for it",
            "Synthetic note: by letter.",
            "Wanda Wójcik",
            "1 person",
            "5 facts with their history",
            "1 document",
            "It cannot be undone.",
            "A transfer is under way.",
            "Erase this case for good",
            "Refuse the request",
        ):
            assert words in page, words
        assert "Take the request back" not in page

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM crypto_keywrap WHERE scope = %s",
            "UPDATE cases_case SET title_sealed = set_byte(title_sealed, 30, get_byte(title_sealed, 30) # 1)"
            " WHERE id = %s",
        ],
        ids=["key", "title"],
    )
    def test_of_a_case_that_does_not_open_can_be_decided(self, people, visit, full_case, superuser, change):
        made, reference = ask(people, full_case), reference_of(people, full_case)
        assert superuser.execute(change, [full_case]).rowcount == 1
        crypto.forget_process_keys()
        cora = visit("cora")
        answer = cora.get(f"/erasures/{made}/")
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "This case was changed outside the application" in page
        assert "Testov" not in page
        assert "Refuse the request" in page
        assert "Erase this case for good" in page
        told = "SELECT count(*) FROM audit_entry WHERE action = %s AND actor = %s"
        damaged = actions.action_named("record.damaged").code
        assert superuser.execute(told, [damaged, people.cora]).fetchone() == (1,)
        assert cora.post(f"/erasures/{made}/", {"reference": reference}).status_code == 302
        assert state_of(people, made).state == "erased"

    def test_names_no_person_in_its_title(self, people, visit, full_case):
        page = visit("cora").get(f"/erasures/{ask(people, full_case)}/").content.decode()
        title = page.split("<title>")[1].split("</title>")[0]
        assert reference_of(people, full_case) in title
        assert "Testov" not in title
        assert "Wanda" not in title

    def test_waits_on_today_and_on_top_of_the_list(self, people, visit, full_case):
        cora = visit("cora")
        assert "request to erase" not in cora.get("/").content.decode()
        made = ask(people, full_case)
        assert "1 request to erase a case waits for you" in cora.get("/").content.decode()
        page = cora.get("/erasures/").content.decode()
        assert "Waiting for you" in page
        assert f"/erasures/{made}/" in page.split("The time for keeping them has ended")[0]
        assert "request to erase a case" not in visit("olga").get("/").content.decode()

    def test_of_ones_own_waits_for_somebody_else(self, people, visit, full_case):
        made = ask(people, full_case, "cora")
        cora = visit("cora")
        page = cora.get(f"/erasures/{made}/").content.decode()
        assert "You asked, so somebody else decides" in page
        assert "there is none. An administrator can invite one" in page
        assert "Erase this case for good" not in page
        assert "waits for you" not in cora.get("/").content.decode()
        answer = cora.post(f"/erasures/{made}/", {"reference": reference_of(people, full_case)})
        assert answer.status_code == 403
        assert "A second person has to confirm it." in answer.content.decode()
        assert state_of(people, made).state == "asked"

    def test_of_somebody_else_is_shown_to_who_leads_the_case_without_deciding(self, people, visit, full_case):
        made = ask(people, full_case, "cora")
        wanda = visit("wanda")
        page = wanda.get(f"/erasures/{made}/").content.decode()
        assert "Somebody else decides" in page
        assert "Refuse the request" not in page
        assert wanda.post(f"/erasures/{made}/refuse/").status_code == 403
        assert wanda.post(f"/erasures/{made}/withdraw/").status_code == 403
        assert wanda.post(f"/erasures/{made}/", {"reference": "x"}).status_code == 403
        assert state_of(people, made).state == "asked"


class TestConfirming:
    """The reference is typed; then the case is gone for everybody."""

    def test_erases_the_case_for_both(self, people, visit, full_case):
        made, reference = ask(people, full_case), reference_of(people, full_case)
        wanda, cora = visit("wanda"), visit("cora")
        answer = cora.post(f"/erasures/{made}/", {"reference": reference.lower().replace("-", " ")})
        assert answer.url == f"/erasures/{made}/"
        for client in (wanda, cora):
            assert client.get(f"/cases/{full_case}/").status_code == 404
            assert "Testov" not in client.get("/cases/?state=all").content.decode()
            page = client.get(f"/erasures/{made}/").content.decode()
            assert f"Case {reference} was erased" in page
            assert "Confirmed by" in page
            assert "Cora Conti" in page
            assert "1 file" in page
            last = state_of(people, made).decided_at + timedelta(days=14)
            assert f"Backups can open nothing of it after {last.day} {last:%B %Y}." in page
            assert "Testov" not in page
            assert f'href="/cases/{full_case}/"' not in page

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("", "Type the reference of the case as it stands above."),
            ("AAAA-AAAA", "This is not the reference of the case."),
        ],
    )
    def test_with_another_reference_erases_nothing_and_keeps_what_was_typed(
        self, people, visit, full_case, typed, said
    ):
        made = ask(people, full_case)
        page = visit("cora").post(f"/erasures/{made}/", {"reference": typed}).content.decode()
        assert said in page
        assert f'href="#id_reference">Type the reference of the case: {said}' in page
        assert not typed or f'value="{typed}"' in page
        assert state_of(people, made).state == "asked"
        assert visit("wanda").get(f"/cases/{full_case}/").status_code == 200

    def test_what_was_taken_back_meanwhile_says_so(self, people, visit, full_case):
        made, reference = ask(people, full_case), reference_of(people, full_case)
        with cast.acting(people.wanda):
            erasing.withdraw_erasure(made)
        cora = visit("cora")
        for act, data in (("", {"reference": reference}), ("refuse/", {})):
            answer = cora.post(f"/erasures/{made}/{act}", data)
            page = answer.content.decode()
            assert answer.status_code == 409
            assert "This request was decided already." in page
            assert "This is how it stands now." in page
            assert "Taken back by" in page
            assert "Erase this case for good" not in page
        assert cora.get(f"/cases/{full_case}/").status_code == 200

    def test_what_was_erased_meanwhile_says_so(self, people, visit, full_case):
        made, reference = ask(people, full_case), reference_of(people, full_case)
        cora, wanda = visit("cora"), visit("wanda")
        cora.post(f"/erasures/{made}/", {"reference": reference})
        for client, act in ((cora, ""), (cora, "refuse/"), (wanda, "withdraw/")):
            answer = client.post(f"/erasures/{made}/{act}", {"reference": reference})
            assert answer.status_code == 409, act
            assert f"Case {reference} was erased" in answer.content.decode()

    def test_can_be_refused_instead(self, people, visit, full_case):
        made, cora = ask(people, full_case), visit("cora")
        page = cora.post(f"/erasures/{made}/refuse/", follow=True).content.decode()
        assert "was not erased" in page
        assert "Refused by" in page
        assert state_of(people, made).state == "refused"
        assert "This case is to be erased" not in visit("wanda").get(f"/cases/{full_case}/").content.decode()


class TestCertificate:
    """What remains of a case that is gone."""

    def test_is_a_pdf_with_a_name_that_says_nothing(self, people, visit, full_case):
        made, reference = ask(people, full_case), reference_of(people, full_case)
        visit("cora").post(f"/erasures/{made}/", {"reference": reference})
        for who in ("cora", "wanda"):
            answer = visit(who).post(f"/erasures/{made}/certificate/")
            assert answer.status_code == 200
            assert answer["Content-Type"] == "application/pdf"
            assert answer["Content-Disposition"] == f'attachment; filename="certificate-{str(made)[:8]}.pdf"'
            assert answer["Cache-Control"] == "no-store"
            assert answer.content.startswith(b"%PDF-")
            assert "Testov" not in text_of(answer.content)

    def test_is_not_given_before_anything_was_erased(self, people, visit, full_case):
        made = ask(people, full_case)
        answer = visit("cora").post(f"/erasures/{made}/certificate/")
        assert answer.status_code == 409
        assert "There is no certificate: this case was not erased." in answer.content.decode()

    def test_is_not_there_for_others(self, people, visit, full_case):
        made, reference = ask(people, full_case), reference_of(people, full_case)
        visit("cora").post(f"/erasures/{made}/", {"reference": reference})
        for who in ("otto", "olga", "lev", "aud", "ada"):
            assert visit(who).post(f"/erasures/{made}/certificate/").status_code == 404, who
            assert visit(who).get(f"/erasures/{made}/").status_code == 404, who
        assert visit("cora").post(f"/erasures/{uuid4()}/certificate/").status_code == 404


class TestKeeping:
    """How long closed cases are kept: a number of months for each team."""

    def test_proposes_a_closed_case_after_its_time_and_leads_to_asking(self, people, visit, case_id):
        with cast.acting(people.wanda):
            case_services.close_case(case_id, on=date(2026, 10, 20))
        cora = visit("cora")
        address = f"/cases/{case_id}/erase/?reason=retention_ended"
        assert address not in cora.get("/erasures/").content.decode()
        answer = cora.post("/erasures/", {"team": str(people.north), "months": "1"}, follow=True)
        page = answer.content.decode()
        assert "The time for keeping closed cases was saved." in page
        assert address in page
        assert "20 November 2026" in page
        assert 'value="1"' in page
        assert address not in visit("olga").get("/erasures/").content.decode()

    @pytest.mark.parametrize("typed", ["0", "241", "two", "-3", "1.5"])
    def test_says_beside_the_field_what_is_wrong_and_keeps_it(self, people, visit, typed):
        page = visit("cora").post("/erasures/", {"team": str(people.north), "months": typed}).content.decode()
        assert page.count("Enter a whole number of months from 1 to 240, or leave the field empty.") == 2
        assert f'href="#id_months_{people.north}"' in page
        assert f'value="{typed}"' in page
        with cast.acting(people.cora):
            from casework.accounts import selectors as accounts

            assert [team.retention_months for team in accounts.teams_of(people.cora, "coordinator")] == [None]

    def test_is_emptied_again(self, people, visit):
        cora = visit("cora")
        cora.post("/erasures/", {"team": str(people.north), "months": "24"})
        assert 'value="24"' in cora.get("/erasures/").content.decode()
        cora.post("/erasures/", {"team": str(people.north), "months": ""})
        assert 'value="24"' not in cora.get("/erasures/").content.decode()

    def test_of_another_team_is_not_there(self, people, visit):
        cora = visit("cora")
        for team, months in ((people.south, "3"), (people.south, "x"), (uuid4(), "3"), ("nonsense", "3")):
            assert cora.post("/erasures/", {"team": str(team), "months": months}).status_code == 404

    def test_is_refused_to_caseworkers_and_the_page_to_all_others(self, people, visit):
        assert visit("wanda").post("/erasures/", {"team": str(people.north), "months": "3"}).status_code == 403
        for who in ("lev", "aud", "ada"):
            assert visit(who).get("/erasures/").status_code == 403, who


class TestStatements:
    """What the pages cost."""

    def test_of_the_list_are_as_many_for_two_requests_as_for_six(self, people, visit, count_queries):
        cora = visit("cora")
        cora.get("/erasures/")
        found = []
        for more in (2, 4):
            for _number in range(more):
                ask(people, cast.open_a_case(people))
            found.append(count_queries(lambda: cora.get("/erasures/")))
        assert found[0] == found[1]
        assert found[0] <= 13  # two of them write that somebody looked

    def test_of_today_are_as_many_whether_or_not_a_request_waits(self, people, visit, full_case, count_queries):
        cora = visit("cora")
        cora.get("/")
        before = count_queries(lambda: cora.get("/"))
        ask(people, full_case)
        assert count_queries(lambda: cora.get("/")) == before

    def test_of_a_request_are_few(self, people, visit, full_case, count_queries):
        made, cora = ask(people, full_case), visit("cora")
        cora.get("/")
        assert count_queries(lambda: cora.get(f"/erasures/{made}/")) <= 23
