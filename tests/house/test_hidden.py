"""What was opened shows nowhere and outlives nothing (security design, invariants 21 and 22)."""

from __future__ import annotations

import copy
import dataclasses
import gc
import json
import pickle
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from casework.access import selectors as grants
from casework.cases import services as cases
from casework.core.hidden import Hidden
from casework.crypto import services as crypto
from casework.crypto.keyring import ScopeKeys
from casework.crypto.types import Plain, Sealed
from casework.documents import selectors as documents
from casework.documents import services as document_services
from casework.procedure import selectors as procedure
from casework.procedure import services as recording
from tests import cast

pytestmark = pytest.mark.django_db

MARK = "lanternmoss"


@pytest.fixture
def case_id(people: Any) -> UUID:
    case_id = cast.open_a_case(people, title=f"Title {MARK}", summary=MARK, access_notes=MARK)
    with cast.acting(people.wanda):
        upload = document_services.seal_bytes(case_id, name=f"{MARK}.txt", content=MARK.encode())
        document_services.add_document(case_id, upload=upload, title=MARK, kind="other")
        fact = {"fact": "application-registered", "on": "2026-09-01", "state": "FR"}
        recording.record_fact(case_id, content=fact)
    return case_id


def _records(case_id: UUID) -> list[Any]:
    view = cases.open_case(case_id)
    return [
        view,
        *grants.grants_on(case_id),
        *documents.documents_of(case_id),
        document_services.open_document(case_id, documents.documents_of(case_id)[0].id),
        *procedure.recorded_facts(case_id),
        *(getattr(view, "people", None) or [view.applicant]),
        cast.a_case(title=MARK),
    ]


class TestRecords:
    """21: `repr`, `str`, pickling and JSON of key objects and decrypted records never show content."""

    def test_show_nothing_and_stay_in_their_process(self, people: Any, case_id: UUID) -> None:
        with cast.acting(people.wanda):
            records = _records(case_id)
            assert len({type(record) for record in records}) >= 6
            assert MARK in str([dataclasses.astuple(record) for record in documents.documents_of(case_id)])
            for record in records:
                assert isinstance(record, Hidden), type(record)
                for shown in (repr(record), str(record), f"{record}", f"{[record]}", format(record, "")):
                    assert shown.strip("[]") == f"<{type(record).__name__}>"
                for refuse in (pickle.dumps, json.dumps, copy.deepcopy):
                    with pytest.raises(TypeError) as refused:
                        refuse(record)
                    assert MARK not in str(refused.value)


class TestAfterARequest:
    """22: no case key and no plaintext outlives its request or task."""

    def test_no_key_record_or_opened_value_is_left(self, people: Any, case_id: UUID) -> None:
        client = cast.sign_in(Client(), people.user("wanda"))
        crypto.clear()
        for page in ("case_detail", "case_timeline", "case_documents", "case_access", "case_trail"):
            answer = client.get(reverse(page, args=[case_id]))
            assert answer.status_code == 200
            del answer
        gc.collect()
        left = [thing for thing in gc.get_objects() if _holds(thing, case_id)]
        assert [type(thing).__name__ for thing in left] == []

    def test_the_same_look_finds_them_while_the_unit_runs(self, people: Any, case_id: UUID) -> None:
        with cast.acting(people.wanda):
            view = cases.open_case(case_id)
            found = {type(thing).__name__ for thing in gc.get_objects() if _holds(thing, case_id)}
            assert view.title == f"Title {MARK}"
        assert {"ScopeKeys", "CaseView"} <= found


def _holds(thing: object, case_id: UUID) -> bool:
    if type(thing) is ScopeKeys:
        return thing.scope == case_id
    if type(thing) is Plain:
        return MARK in str(thing.reveal())
    if type(thing) is Sealed:
        return thing.is_open() and MARK in str(thing.reveal())
    return issubclass(type(thing), Hidden) and getattr(thing, "id", getattr(thing, "case_id", None)) == case_id
