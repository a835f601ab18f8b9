"""The case, its people and the grants on it. Clear columns are those of the design's section 5 and no others."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from casework.access.models import GroupGrant, UserGrant
from casework.access.types import LEVEL_LABELS
from casework.accounts.models import microseconds
from casework.audit.history import Tracked
from casework.cases.types import CaseState, ErasureReason, ErasureState, Relation, RiskLevel, SearchKeyState
from casework.core import clock, ids
from casework.crypto import services as crypto
from casework.crypto.fields import SealedDateField, SealedJSONField, SealedTextField


class Case(Tracked):
    """A person's asylum file: what lists and reminders need in the clear, all else sealed under the case's own key."""

    sealed_table = "cases.case"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    reference = models.CharField(max_length=9, unique=True, default=ids.new_reference, editable=False)
    state = models.CharField(max_length=8, choices=CaseState.choices, default=CaseState.OPEN)
    country = models.CharField(max_length=2)
    regime = models.CharField(max_length=16, blank=True)
    stage = models.CharField(max_length=32, blank=True)
    responsible_state = models.CharField(max_length=2, blank=True)
    next_due_on = models.DateField(null=True)
    next_due_at = models.DateTimeField(null=True)
    next_due_rule = models.CharField(max_length=48, blank=True)
    detained = models.BooleanField(default=False)
    risk_level = models.CharField(max_length=8, choices=RiskLevel.choices, default=RiskLevel.UNKNOWN)
    opened_on = models.DateField(default=clock.today)
    closed_on = models.DateField(null=True)
    lead = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)

    title = SealedTextField(field_id=1)
    summary = SealedTextField(field_id=2)
    safe_contact = SealedJSONField(field_id=3)
    access_notes = SealedTextField(field_id=4)
    grounds = SealedJSONField(field_id=5)
    # What the people of the case can be found by, padded: opened and compared in memory (`finding`), in either mode.
    search = SealedJSONField(field_id=6)

    class Meta:
        default_permissions = ()
        permissions: ClassVar = [(level.codename, str(level.name.title())) for level in LEVEL_LABELS]
        indexes: ClassVar = [
            models.Index(fields=["state", "next_due_on", "id"], name="cases_case_due"),
            models.Index(fields=["team", "state", "next_due_on"], name="cases_case_team_due"),
            models.Index(fields=["lead", "state", "next_due_on"], name="cases_case_lead_due"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state=CaseState.OPEN, closed_on__isnull=True)
                | models.Q(state=CaseState.CLOSED, closed_on__isnull=False),
                name="cases_case_closed_has_date",
            )
        ]

    def __str__(self) -> str:
        return f"case {self.reference}"

    def sealed_scope(self) -> UUID:
        """The key scope: the case itself."""
        return self.id


class Person(Tracked):
    """The applicant or a family member."""

    sealed_table = "cases.person"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="people")
    relation = models.CharField(max_length=12, choices=Relation.choices)

    name_original = SealedTextField(field_id=1)
    name_latin = SealedTextField(field_id=2)
    birth_on = SealedDateField(field_id=3)
    birth_estimated = SealedJSONField(field_id=4)
    gender = SealedTextField(field_id=5)
    nationalities = SealedJSONField(field_id=6)
    languages = SealedJSONField(field_id=7)
    # Where the person is, and the numbers of their papers.
    particulars = SealedJSONField(field_id=8)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(relation=Relation.APPLICANT), name="cases_person_one_applicant"
            )
        ]

    def __str__(self) -> str:
        return f"person {self.pk}"

    def sealed_scope(self) -> UUID:
        """The key scope: the case."""
        return self.case_id


class CaseUserGrant(UserGrant):
    """What one person may do with one case."""

    sealed_table = "cases.usergrant"

    content_object = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="user_grants", db_column="case_id")

    class Meta:
        default_permissions = ()
        unique_together: ClassVar = [("user", "permission", "content_object")]
        indexes: ClassVar = [
            models.Index(fields=["user", "content_object"], include=["until"], name="cases_usergrant_list")
        ]


class CaseGroupGrant(GroupGrant):
    """What the holders of one team role may do with one case."""

    sealed_table = "cases.groupgrant"

    content_object = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="group_grants", db_column="case_id")

    class Meta:
        default_permissions = ()
        unique_together: ClassVar = [("group", "permission", "content_object")]
        indexes: ClassVar = [
            models.Index(fields=["group", "content_object"], include=["until"], name="cases_groupgrant_list")
        ]


class SearchKey(models.Model):
    """A version of the index key. Tokens are made for every version here; with none, the mode of search is `scan`.

    One is `live` and answers; one may be `filling` beside it, until every case has its tokens under it.
    """

    sealed_table = "cases.searchkey"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    version = models.PositiveSmallIntegerField(unique=True)
    # Of the rules by which words became tokens: under other rules they would not be found, and nobody asks them.
    folding = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=SearchKeyState.choices, default=SearchKeyState.FILLING)
    scope = models.UUIDField(default=crypto.INSTALLATION, editable=False)
    root = SealedTextField(field_id=1)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(version__gte=1, version__lte=255), name="cases_searchkey_version_u8"
            ),
            models.UniqueConstraint(fields=["state"], name="cases_searchkey_one_of_each"),
        ]

    def __str__(self) -> str:
        return f"search key {self.version}"

    def sealed_scope(self) -> UUID:
        """The key scope: the installation."""
        return self.scope


class SearchTokens(models.Model):
    """The tokens of one case under one version of the index key; asked through `cw_search` in the database."""

    pk = models.CompositePrimaryKey("case_id", "version")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.PositiveSmallIntegerField()
    tokens = ArrayField(models.BigIntegerField())

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [GinIndex(fields=["tokens"], name="cases_searchtokens_gin")]

    def __str__(self) -> str:
        return f"search tokens of case {self.case_id}"


class Erasure(models.Model):
    """One request to erase a case, and what became of it. It outlives the case: no foreign key, nothing about a person.

    The MAC is keyed by the application, over everything below but the note and `objects_left`: a request put into the
    table by SQL is nobody's, and cannot be confirmed. `objects_left`: files in the store that are still to be removed.
    """

    sealed_table = "cases.erasure"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    case_id = models.UUIDField(db_index=True)
    reference = models.CharField(max_length=9)
    team_id = models.UUIDField()
    state = models.CharField(max_length=9, choices=ErasureState.choices, default=ErasureState.ASKED)
    reason = models.CharField(max_length=20, choices=ErasureReason.choices)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    key_count = models.PositiveIntegerField(default=0)
    row_count = models.PositiveIntegerField(default=0)
    file_count = models.PositiveIntegerField(default=0)
    objects_left = ArrayField(models.UUIDField(), default=list)
    mac = models.BinaryField(max_length=16)

    note = SealedTextField(field_id=1)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case_id"], condition=models.Q(state=ErasureState.ASKED), name="cases_erasure_one_waits"
            ),
            models.UniqueConstraint(
                fields=["case_id"], condition=models.Q(state=ErasureState.ERASED), name="cases_erasure_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state=ErasureState.ASKED, decided_by__isnull=True, decided_at__isnull=True)
                | (~models.Q(state=ErasureState.ASKED) & models.Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="cases_erasure_decided_by_whom",
            ),
            # Two people: the database says so as well.
            models.CheckConstraint(
                condition=~models.Q(state=ErasureState.ERASED) | ~models.Q(decided_by=models.F("asked_by")),
                name="cases_erasure_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"

    def sealed_scope(self) -> UUID:
        """The key scope: the case, so that the note goes with it."""
        return self.case_id

    def signed_bytes(self) -> bytes:
        """Return the MAC input.

        `"cw/e1" || id(16) || case(16) || reference, padded with zeros (16) || team(16) || state (16) || reason (32) ||
        asked_by(16) || i64 asked_at || decided_by(16, zero if none) || i64 decided_at (0 if none) || u64 keys ||
        u64 rows || u64 files`. Times in microseconds since 1970, UTC.
        """
        return b"".join(
            (
                b"cw/e1",
                self.id.bytes,
                self.case_id.bytes,
                self.reference.encode().ljust(16, b"\0"),
                self.team_id.bytes,
                self.state.encode().ljust(16, b"\0"),
                self.reason.encode().ljust(32, b"\0"),
                self.asked_by.bytes,
                microseconds(self.asked_at),
                (self.decided_by or UUID(int=0)).bytes,
                microseconds(self.decided_at) if self.decided_at else bytes(8),
                *(count.to_bytes(8, "big") for count in (self.key_count, self.row_count, self.file_count)),
            )
        )
