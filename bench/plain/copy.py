"""Copies the seeded cases, opened, into the plain tables, so that both pages show the same rows."""

from __future__ import annotations

from uuid import UUID

from bench.plain import models as plain
from casework.cases import models as real
from casework.core import work
from casework.crypto import services as crypto
from casework.procedure.models import Fact

_CLEAR = (
    "id", "reference", "state", "country", "regime", "stage", "responsible_state", "next_due_on", "next_due_rule",
    "detained", "risk_level", "opened_on", "closed_on", "lead_id", "team_id", "version",
)  # fmt: skip
_SEALED = ("title", "summary", "safe_contact", "access_notes", "grounds", "search")
_PERSON = (
    "id", "case_id", "relation", "name_original", "name_latin", "birth_on", "birth_estimated", "gender",
    "nationalities", "languages", "particulars",
)  # fmt: skip
_BATCH = 1000


def copy_all(reader: UUID) -> int:
    """Copy every case that `reader` may see, with people, words, grants and facts; return how many cases there are."""
    with work.acting(work.Actor(reader, kind="command")):
        ids = list(real.Case.objects.order_by("id").values_list("id", flat=True))
    for start in range(0, len(ids), _BATCH):
        with work.acting(work.Actor(reader, kind="command")):
            _copy(ids[start : start + _BATCH])
    return len(ids)


def _copy(ids: list[UUID]) -> None:
    crypto.keys_for_many(ids)
    plain.Case.objects.bulk_create(
        plain.Case(**{name: getattr(case, name) for name in (*_CLEAR, *_SEALED)})
        for case in real.Case.objects.filter(pk__in=ids)
    )
    plain.Person.objects.bulk_create(
        plain.Person(**{name: getattr(person, name) for name in _PERSON})
        for person in real.Person.objects.filter(case_id__in=ids)
    )
    plain.Word.objects.bulk_create(
        plain.Word(case_id=person.case_id, word=word, born=person.birth_on)
        for person in plain.Person.objects.filter(case_id__in=ids)
        for word in {
            *f"{person.name_original} {person.name_latin}".lower().split(),
            *(paper.replace(" ", "") for paper in person.particulars.get("papers", ())),
        }
    )
    plain.UserGrant.objects.bulk_create(
        plain.UserGrant(id=row.id, case_id=row.content_object_id, user_id=row.user_id, level=row.level, until=row.until)
        for row in real.CaseUserGrant.objects.filter(content_object_id__in=ids).select_related("permission")
    )
    plain.GroupGrant.objects.bulk_create(
        plain.GroupGrant(
            id=row.id, case_id=row.content_object_id, group_id=row.group_id, level=row.level, until=row.until
        )
        for row in real.CaseGroupGrant.objects.filter(content_object_id__in=ids).select_related("permission")
    )
    plain.Fact.objects.bulk_create(
        plain.Fact(
            id=row.id,
            case_id=row.case_id,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            content=row.content,
        )
        for row in Fact.objects.filter(case_id__in=ids)
    )
