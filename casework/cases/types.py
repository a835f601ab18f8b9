"""What the case area hands out and takes in: frozen values, no queries behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from django.db import models
from django.utils.translation import pgettext_lazy

from casework.core.hidden import Hidden


class CaseState(models.TextChoices):
    """Whether the organisation works on the case."""

    OPEN = "open", pgettext_lazy("case state", "Open")
    CLOSED = "closed", pgettext_lazy("case state", "Closed")


class RiskLevel(models.TextChoices):
    """How near removal to danger is, as the caseworker judges it; the reasons are sealed."""

    UNKNOWN = "unknown", pgettext_lazy("risk", "Not assessed")
    LOW = "low", pgettext_lazy("risk", "Low")
    RAISED = "raised", pgettext_lazy("risk", "Raised")
    HIGH = "high", pgettext_lazy("risk", "High")
    IMMINENT = "imminent", pgettext_lazy("risk", "Imminent")


class SearchKeyState(models.TextChoices):
    """Whether an index key answers searches, or its tokens are still being made."""

    FILLING = "filling", pgettext_lazy("search key", "Filling")
    LIVE = "live", pgettext_lazy("search key", "Live")


class ErasureState(models.TextChoices):
    """How far a request to erase a case has come."""

    ASKED = "asked", pgettext_lazy("erasure", "Waits for a second person")
    WITHDRAWN = "withdrawn", pgettext_lazy("erasure", "Withdrawn")
    REFUSED = "refused", pgettext_lazy("erasure", "Refused")
    ERASED = "erased", pgettext_lazy("erasure", "Erased")


class ErasureReason(models.TextChoices):
    """Why a case is erased; the values are names of the trail's reasons."""

    PERSON_REQUEST = "person_request", pgettext_lazy("erasure", "The person asked for it")
    CONSENT_WITHDRAWN = "consent_withdrawn", pgettext_lazy("erasure", "Consent was withdrawn")
    RETENTION_ENDED = "retention_ended", pgettext_lazy("erasure", "The time for keeping it has ended")
    AUTHORITY_ORDER = "authority_order", pgettext_lazy("erasure", "A court or an authority ordered it")
    CORRECTION = "correction", pgettext_lazy("erasure", "It was opened by mistake")


class Relation(models.TextChoices):
    """Who a person is in the case."""

    APPLICANT = "applicant", pgettext_lazy("relation", "Applicant")
    SPOUSE = "spouse", pgettext_lazy("relation", "Spouse or partner")
    CHILD = "child", pgettext_lazy("relation", "Child")
    PARENT = "parent", pgettext_lazy("relation", "Parent")
    SIBLING = "sibling", pgettext_lazy("relation", "Brother or sister")
    OTHER = "other", pgettext_lazy("relation", "Other relative")


class Ground(models.TextChoices):
    """Why the person fled; several at once."""

    MILITARY = "military", pgettext_lazy("ground", "Deserter or conscientious objector")
    LGBTQI = "lgbtqi", pgettext_lazy("ground", "LGBTQI+")
    POLITICAL = "political", pgettext_lazy("ground", "Political opinion")
    ANTI_WAR = "anti-war", pgettext_lazy("ground", "Anti-war activity")
    JOURNALIST = "journalist", pgettext_lazy("ground", "Journalist")
    RELIGIOUS = "religious", pgettext_lazy("ground", "Religion")
    ETHNIC = "ethnic", pgettext_lazy("ground", "Ethnicity")
    OTHER = "other", pgettext_lazy("ground", "Other")


class Channel(models.TextChoices):
    """How the person may be reached safely."""

    PHONE = "phone", pgettext_lazy("channel", "Phone call")
    SMS = "sms", pgettext_lazy("channel", "Text message")
    MESSENGER = "messenger", pgettext_lazy("channel", "Messenger")
    EMAIL = "email", pgettext_lazy("channel", "E-mail")
    IN_PERSON = "in-person", pgettext_lazy("channel", "In person only")
    VIA_OTHER = "via-other", pgettext_lazy("channel", "Through somebody they trust")


@dataclass(frozen=True, repr=False)
class PersonInput(Hidden):
    """A person as the form gives them. `birth_on` may be known only roughly: then `birth_estimated` is true.

    `papers`: numbers of passports and other papers, as they are written there.
    """

    name_original: str
    name_latin: str
    relation: str = Relation.APPLICANT
    birth_on: date | None = None
    birth_estimated: bool = False
    gender: str = ""
    nationalities: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    state: str = ""
    papers: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class SafeContact(Hidden):
    """How to reach the applicant without endangering them."""

    channels: tuple[str, ...] = ()
    details: str = ""
    hours: str = ""
    may_leave_message: bool = False
    code_word: str = ""


@dataclass(frozen=True, repr=False)
class GroundInput(Hidden):
    """One ground and what the person says of it."""

    kind: str
    account: str = ""


@dataclass(frozen=True, repr=False)
class CaseInput(Hidden):
    """Everything that the new-case form asks for. Only `country` and the applicant's name are required."""

    country: str
    applicant: PersonInput
    grounds: tuple[GroundInput, ...] = ()
    safe_contact: SafeContact = field(default_factory=SafeContact)
    title: str = ""
    summary: str = ""
    access_notes: str = ""
    risk_level: str = RiskLevel.UNKNOWN


@dataclass(frozen=True, repr=False)
class PersonView(Hidden):
    """A person, opened."""

    id: UUID
    relation: str
    name_original: str
    name_latin: str
    birth_on: date | None
    birth_estimated: bool
    gender: str
    nationalities: tuple[str, ...]
    languages: tuple[str, ...]
    state: str
    papers: tuple[str, ...] = ()

    @property
    def initials(self) -> str:
        """The initials of the Latin name, for lists."""
        return "".join(f"{word[0]}." for word in (self.name_latin or self.name_original).split()[:3])


@dataclass(frozen=True, repr=False)
class CaseView(Hidden):
    """A case, opened: its clear columns and everything sealed, people included."""

    id: UUID
    reference: str
    state: str
    country: str
    regime: str
    stage: str
    responsible_state: str
    next_due_on: date | None
    detained: bool
    risk_level: str
    opened_on: date
    closed_on: date | None
    lead_id: UUID | None
    team_id: UUID
    version: int
    title: str
    summary: str
    access_notes: str
    grounds: tuple[GroundInput, ...]
    safe_contact: SafeContact
    people: tuple[PersonView, ...]

    @property
    def applicant(self) -> PersonView:
        """The applicant; every case has one."""
        return next(person for person in self.people if person.relation == Relation.APPLICANT)


@dataclass(frozen=True, repr=False)
class Household(Hidden):
    """What the law asks about a case's people: when the applicant comes of age, and which relatives are where.

    `elsewhere`: relation and state (ISO 3166 alpha-2) of each relative whose state is known.
    """

    grown_on: date | None = None
    elsewhere: tuple[tuple[str, str], ...] = ()

    def is_minor(self, on: date) -> bool:
        """Whether the applicant is under eighteen on that day; nobody whose birth date is not known is."""
        return self.grown_on is not None and on < self.grown_on


@dataclass(frozen=True, repr=False)
class CaseRow(Hidden):
    """A case as lists and the board show it: clear columns and the applicant's name.

    `damaged`: the name does not open, since somebody changed it outside the application; it is then empty.
    """

    id: UUID
    reference: str
    name_latin: str
    name_original: str
    state: str
    country: str
    regime: str
    stage: str
    responsible_state: str
    next_due_on: date | None
    next_due_rule: str
    detained: bool
    risk_level: str
    lead_id: UUID | None
    team_id: UUID
    damaged: bool = False


@dataclass(frozen=True, repr=False)
class CaseFilter(Hidden):
    """What a list asks for; empty means no restriction.

    `words`: names, a document's number, or a birth date beside a name. `ground`, `nationality`: sealed choices, which
    are found by opening the visible cases' search fields.
    """

    words: str = ""
    ground: str = ""
    nationality: str = ""
    country: str = ""
    stage: str = ""
    risk: str = ""
    detained: bool = False
    mine: bool = False
    state: str = CaseState.OPEN
    sort: str = "due"


@dataclass(frozen=True)
class Page:
    """One page of a list, and how many rows there are in all; `more` where there are more than `total`, which is
    then as far as anybody counted. `unsearched`: references of cases that did not open, and so may have been missed."""

    rows: tuple[CaseRow, ...]
    total: int
    number: int
    size: int
    more: bool = False
    unsearched: tuple[str, ...] = ()

    @property
    def pages(self) -> int:
        """How many pages there are; where nobody counted to the end, one more than this one as long as it is full."""
        counted = max(1, -(-self.total // self.size))
        return max(counted, self.number + (len(self.rows) == self.size)) if self.more else counted


@dataclass(frozen=True, repr=False)
class SummaryUpdate(Hidden):
    """What derived state writes into the case's clear columns."""

    regime: str
    stage: str
    responsible_state: str
    next_due_at: datetime | None
    next_due_on: date | None
    next_due_rule: str
    detained: bool


@dataclass(frozen=True, repr=False)
class ErasureView(Hidden):
    """A request to erase a case and what became of it.

    `reason`: a value of `ErasureReason`. `note`: what was written with it, while the case's key exists. `counts`: what
    went, once erased: `keys`, `rows`, `files`. `sound`: the application wrote the row; otherwise nobody may confirm it.
    """

    id: UUID
    case_id: UUID
    reference: str
    team_id: UUID
    state: str
    reason: str
    note: str
    asked_by: UUID
    asked_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    counts: dict[str, int]
    may_confirm: bool
    may_withdraw: bool
    may_refuse: bool
    sound: bool = True


@dataclass(frozen=True)
class Proposal:
    """A closed case whose time for keeping has ended: somebody decides whether it is erased."""

    case_id: UUID
    reference: str
    closed_on: date
    ended_on: date
    team: str
