"""The dossier: what a lawyer with a grant takes away, encrypted to them, on record."""

from __future__ import annotations

import io
import json

import pikepdf
import pyrage
import pytest

from casework.access import services as access
from casework.access.types import Level
from casework.audit import selectors as trail
from casework.core.errors import Invalid, NotAllowed, NotFound
from casework.documents import services as documents
from casework.dossiers import services
from casework.procedure import services as procedure
from casework.procedure.models import Fact
from tests import cast

pytestmark = pytest.mark.django_db
FACTS = [
    {"fact": "application-registered", "on": "2026-09-01", "state": "FR", "certainty": "document"},
    {"fact": "eurodac-hit", "on": "2026-09-02", "state": "HR", "category": "asylum"},
    {"fact": "take-back-notified", "on": "2026-09-10", "state": "HR"},
]


@pytest.fixture
def case_id(people):
    case_id = cast.open_a_case(people)
    with cast.acting(people.wanda):
        for fact in FACTS:
            procedure.record_fact(case_id, content=fact)
        for title in ("Decision", "Statement"):
            upload = documents.seal_bytes(case_id, name=f"{title}.txt", content=f"{title}: synthetic.\n".encode() * 90)
            documents.add_document(case_id, upload=upload, title=title, kind="decision", dated_on="2026-09-10")
        access.grant(case_id=case_id, user_id=people.lev, level=Level.DOSSIER, reason="", until=None)
    return case_id


def _documents(case_id):
    from casework.documents import selectors

    return [view.id for view in selectors.documents_of(case_id)]


class TestExporting:
    def test_gives_the_lawyer_one_pdf_that_their_key_alone_opens(self, people, case_id):
        key = pyrage.x25519.Identity.generate()
        with cast.acting(people.lev):
            exported = services.export(
                case_id, document_ids=_documents(case_id), recipient=str(key.to_public()), purpose="Appeal"
            )
        assert exported.content.startswith(b"age-encryption.org/v1")
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(exported.content, [pyrage.x25519.Identity.generate()])
        with pikepdf.open(io.BytesIO(pyrage.decrypt(exported.content, [key]))) as pdf:
            assert len(pdf.pages) == exported.pages
            titles = json.dumps([str(item.title) for item in pdf.open_outline().root])
        for heading in ("Parties", "Chronology", "Time limits", "List of exhibits", "Decision", "Statement"):
            assert heading in titles or heading in str(_all_titles(exported, key))

    def test_opens_with_a_passphrase(self, people, case_id):
        with cast.acting(people.lev):
            exported = services.export(case_id, passphrase="six groups of four letters")
        assert pyrage.passphrase.decrypt(exported.content, "six groups of four letters").startswith(b"%PDF")

    def test_names_no_person_in_the_file_name(self, people, case_id):
        with cast.acting(people.lev):
            exported = services.export(case_id, passphrase="six groups of four letters")
        assert "Testov" not in exported.file_name

    def test_is_in_the_trail_with_its_fingerprint(self, people, case_id):
        with cast.acting(people.lev):
            exported = services.export(case_id, passphrase="six groups of four letters", purpose="Appeal")
        with cast.acting(people.wanda):
            entry = next(e for e in trail.entries_of_case(case_id) if e.action == "dossier.exported")
            assert entry.actor == people.lev
            assert entry.particulars["sha256"] == exported.sha256

    def test_needs_the_level_for_it(self, people, case_id):
        other = cast.open_a_case(people)
        with cast.acting(people.wanda):
            access.grant(case_id=other, user_id=people.lev, level=Level.VIEW, reason="", until=None)
        with cast.acting(people.lev), pytest.raises(NotAllowed):
            services.export(other, passphrase="six groups of four letters")
        with cast.acting(people.otto), pytest.raises(NotFound):
            services.export(case_id, passphrase="six groups of four letters")

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({}, "recipient"),
            ({"recipient": "age1nonsense"}, "recipient"),
            ({"passphrase": "short"}, "passphrase"),
            ({"recipient": "age1x", "passphrase": "six groups of four letters"}, "recipient"),
        ],
    )
    def test_refuses_to_leave_unencrypted_or_to_nobody(self, people, case_id, given, field):
        with cast.acting(people.lev), pytest.raises(Invalid) as refused:
            services.export(case_id, **given)
        assert field in refused.value.fields

    def test_takes_no_document_of_another_case(self, people, case_id):
        other = cast.open_a_case(people)
        with cast.acting(people.wanda):
            upload = documents.seal_bytes(other, name="x.txt", content=b"synthetic")
            foreign = documents.add_document(other, upload=upload, title="", kind="other")
            with pytest.raises(Invalid):
                services.export(case_id, document_ids=[foreign], passphrase="six groups of four letters")


def _all_titles(exported, key):
    found = []

    def walk(items):
        for item in items:
            found.append(str(item.title))
            walk(item.children)

    with pikepdf.open(io.BytesIO(pyrage.decrypt(exported.content, [key]))) as pdf, pdf.open_outline() as outline:
        walk(outline.root)
    return found


class TestWhatTheLawCannotSay:
    """A dossier says what is open instead of leaving it out."""

    @pytest.fixture
    def remarks(self, monkeypatch):
        """What the exported dossiers say beside their limits."""
        found = []
        build = services.dossier.build

        def seen(data, exhibits):
            found.extend(data.procedure.remarks)
            return build(data, exhibits)

        monkeypatch.setattr(services.dossier, "build", seen)
        return found

    def test_asks_for_a_figure_that_nobody_has_confirmed(self, people, remarks):
        case_id = cast.open_a_case(people, country="HR")
        with cast.acting(people.wanda):
            procedure.record_fact(case_id, content={"fact": "transfer-decision-notified", "on": "2026-10-12"})
            services.export(case_id, passphrase="six groups of four letters")
        assert any("nobody has confirmed it" in remark for remark in remarks)

    def test_says_why_there_are_no_limits_where_the_record_contradicts_itself(self, people, remarks):
        case_id = cast.open_a_case(people)
        with cast.acting(people.wanda):
            # As it could be recorded before the law refused it.
            Fact(case_id=case_id, content={"fact": {**FACTS[1], "state": "FR"}, "note": ""}).save()
            services.export(case_id, passphrase="six groups of four letters")
        assert remarks[0] == "No time limits were computed: the recorded facts contradict each other."
