"""The certificate of an erasure."""

from __future__ import annotations

import io
import re
from uuid import UUID

import pikepdf
import pytest
from django.core.management import call_command
from django.utils import translation

from casework.audit import actions
from casework.cases import erasing, services
from casework.core.errors import Conflict, NotFound
from casework.dossiers import certificate
from casework.dossiers.certificate import certificate_pdf
from tests import cast
from tests.conftest import running_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def erased(people: cast.Cast) -> UUID:
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        reference = services.open_case(case_id).reference
        request = services.request_erasure(case_id, reason="consent_withdrawn", note="Synthetic wish")
    with cast.acting(people.cora):
        services.confirm_erasure(request, reference=reference)
    return request


def _said(erasure_id: UUID) -> str:
    """Return the words of the certificate as they go to the printer."""
    said: list[str] = []
    real = certificate.certificate.build

    def listen(page: certificate.Certificate) -> bytes:
        said.extend([page.title, page.subtitle, page.organisation])
        for section in page.sections:
            said.append(section.heading)
            said.extend(f"{label}: {value}" for label, value in section.rows)
            said.extend(section.paragraphs)
        return real(page)

    certificate.certificate.build = listen
    try:
        certificate_pdf(erasure_id)
    finally:
        certificate.certificate.build = real
    return "\n".join(said)


class TestACertificate:
    def test_says_what_was_erased_when_by_whom_and_why(self, people, erased):
        with cast.acting(people.cora):
            said, view = _said(erased), erasing.erasure(erased)
            assert view.decided_at is not None
        for words in (
            view.reference,
            "Wanda Wójcik",
            "Cora Conti",
            "Consent was withdrawn",
            "North",
            "1 key",
            f"{view.counts['rows']} rows",
            "0 files",
            view.decided_at.strftime("%H:%M UTC"),
            str(view.case_id),
        ):
            assert words in said, words

    def test_says_nothing_about_the_person(self, people, erased):
        with cast.acting(people.cora):
            said = _said(erased)
        for words in ("Testov", "Тестов", "Synthetic", "1994"):
            assert words not in said

    def test_names_the_end_of_the_trail_and_then_the_checkpoint_over_it(self, people, erased, superuser):
        with cast.acting(people.cora):
            assert "Not signed yet" in _said(erased)
        with running_as("sealer"):
            call_command("audit_checkpoint", stdout=io.StringIO())
        with cast.acting(people.cora):
            said = _said(erased)
            case_id = erasing.erasure(erased).case_id
        assert "signed on" in said
        last = superuser.execute(
            "SELECT hash FROM audit_entry WHERE stream = %s ORDER BY seq DESC LIMIT 1", [case_id]
        ).fetchone()
        assert bytes(last[0]).hex() in re.sub(r"(?<=[0-9a-f]{8}) (?=[0-9a-f]{8})", "", said)

    def test_is_a_pdf_that_names_no_program_and_is_the_same_twice(self, people, erased):
        with cast.acting(people.cora):
            first, again = certificate_pdf(erased), certificate_pdf(erased)
        assert first == again
        with pikepdf.open(io.BytesIO(first)) as pdf:
            assert set(pdf.docinfo.keys()) == {"/Title"}
            assert len(pdf.pages) in (1, 2)

    def test_is_on_record_with_who_printed_it(self, people, erased, superuser):
        with cast.acting(people.wanda):
            certificate_pdf(erased)
            case_id = erasing.erasure(erased).case_id
        code = actions.action_named("case.erasure_certified").code
        row = superuser.execute("SELECT stream, object, case_id FROM audit_entry WHERE action = %s", [code]).fetchone()
        assert row == (people.wanda, case_id, case_id)

    @pytest.mark.parametrize("name", ["lev", "otto", "olga", "aud", "ada"])
    def test_is_for_who_asked_and_the_teams_coordinators(self, people, erased, name):
        with cast.acting(getattr(people, name)), pytest.raises(NotFound):
            certificate_pdf(erased)

    def test_is_not_given_before(self, people):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            request = services.request_erasure(case_id, reason="correction")
        with cast.acting(people.cora), pytest.raises(Conflict):
            certificate_pdf(request)

    def test_is_not_given_of_a_row_changed_in_sql(self, people, erased, superuser):
        superuser.execute("UPDATE cases_erasure SET row_count = row_count + 1")
        with cast.acting(people.cora), pytest.raises(Conflict):
            certificate_pdf(erased)

    @pytest.mark.parametrize("language", ["de", "fr", "ru"])
    def test_can_be_printed_in_other_languages(self, people, erased, language):
        with translation.override(language), cast.acting(people.cora):
            assert certificate_pdf(erased).startswith(b"%PDF-")
