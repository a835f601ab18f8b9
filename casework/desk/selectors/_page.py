"""The case page: its head, its limits, its people and its timeline, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casework.access import emergency, policies
from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.accounts.types import Person as Colleague
from casework.accounts.types import Role
from casework.cases.types import CaseState, CaseView, Channel, Ground, PersonView, Relation, SafeContact
from casework.core import clock, places, work
from casework.desk import labels
from casework.desk.selectors._names import name_of
from casework.law.changes import Name
from casework.law.facts import VOCABULARY
from casework.law.types import Deadline, Question
from casework.procedure.services import as_date
from casework.procedure.types import ProcedureView, RecordedFact, Replacement


@dataclass(frozen=True)
class CaseHeader:
    """The identity bar above every tab, and what the reader may do."""

    id: UUID
    reference: str
    name_latin: str
    name_original: str
    title: str
    country: str
    stage: str
    regime: str
    responsible_state: str
    languages: tuple[str, ...]
    risk: str
    risk_tone: str
    detained: bool
    closed_on: date | None
    due_on: date | datetime | None
    rule: str
    lead: str
    may: Mapping[str, bool]
    emergency_until: datetime | None = None


@dataclass(frozen=True)
class DocumentLink:
    """A document of the case as it stands beside what it proves: its title, and the address that hands it out."""

    title: str
    url: str


@dataclass(frozen=True)
class Proof:
    """What met a limit: the fact in words, its day, and the document that proves it where one was named.

    `before`: the titles of other documents that earlier versions of the fact named, the latest first.
    """

    fact: str
    on: date | datetime | None
    document: DocumentLink | None
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class LimitCard:
    """One derived limit as `components/limit_card.html` shows it; `state_code` is the law's own word for its state.

    `days`: how many are left, or the moment itself where the limit ends at an hour. `lang`: the language of what the
    law says, where it is not the page's.
    """

    rule: str
    label: str
    due: date | datetime
    days: int | datetime | None
    state: str
    state_code: str
    badge: str
    whose: str
    legal_basis: str
    source: str
    confidence: str
    because: tuple[str, ...]
    on_expiry: str
    reading: str
    would_change: tuple[str, ...] = ()
    proof: Proof | None = None
    lang: str = ""


@dataclass(frozen=True)
class QuestionCard:
    """What the law would need to know before it gives a date; `url` leads to where the answer is recorded."""

    label: str
    text: str
    legal_basis: str
    source: str
    confidence: str
    starts: date | None
    period: str
    url: str
    url_text: str
    lang: str


@dataclass(frozen=True)
class TimelineItem:
    """One fact as `components/timeline.html` shows it; `before` is what an earlier version of it said, newest first.

    `document` is the one that proves it.
    """

    date: date | datetime | None
    title: str
    text: str
    meta: str
    badge: str
    tone: str
    url: str
    url_text: str
    group: str
    reason: str = ""
    before: tuple[str, ...] = ()
    document: DocumentLink | None = None


_ASKED = (
    Action.EDIT_CASE,
    Action.RECORD_FACT,
    Action.ADD_DOCUMENT,
    Action.SHARE_CASE,
    Action.SEE_CASE_TRAIL,
    Action.SEE_VERSIONS,
    Action.EXPORT_DOSSIER,
    Action.ASSIGN_CASE,
    Action.ASK_ERASURE,
)


def header_of(
    case: CaseView, procedure: ProcedureView | None = None, *, people: Mapping[UUID | None, Colleague]
) -> CaseHeader:
    """Return the head of a case's pages; `people` holds who leads it. The level on the case is read already.

    With `procedure` given, stage and next limit are those just derived; without it, or where the facts contradict each
    other, those stored.
    """
    if procedure is not None and procedure.fault:
        procedure = None
    actor = work.current().actor.user_id
    applicant = case.applicant
    due_on: date | datetime | None = case.next_due_on
    rule = ""
    if procedure is not None:
        running = [limit for limit in procedure.deadlines if limit.state == "running"]
        due_on = running[0].due if running else None
        # By its id: the limit's own label is in the language that the law is explained in, this bar in the page's.
        rule = labels.rule(running[0].rule) if running else ""
    return CaseHeader(
        id=case.id,
        reference=case.reference,
        name_latin=applicant.name_latin,
        name_original=applicant.name_original,
        title=case.title,
        country=labels.country(case.country),
        stage=labels.stage(procedure.status if procedure and procedure.facts else case.stage),
        regime=labels.regime(procedure.regime if procedure and procedure.facts else case.regime),
        responsible_state=labels.country((procedure.responsible_state or "") if procedure else case.responsible_state),
        languages=tuple(str(places.language_name(code)) for code in applicant.languages),
        risk=labels.risk(case.risk_level),
        risk_tone=labels.RISK_TONES.get(case.risk_level, "neutral"),
        detained=case.detained,
        closed_on=case.closed_on if case.state == CaseState.CLOSED else None,
        due_on=due_on,
        rule=rule,
        lead=name_of(case.lead_id, people),
        may={action.value: policies.decide(actor, action, case.id).allowed for action in _ASKED},
        emergency_until=_emergency_until(case),
    )


def _emergency_until(case: CaseView) -> datetime | None:
    """Return until when the reader is here in an emergency; a query for the coordinators of other teams alone."""
    teams = accounts.standing_of(work.current().actor.user_id).teams(Role.COORDINATOR)
    return emergency.open_until(case.id) if teams and case.team_id not in teams else None


def _label(deadline: Deadline) -> str:
    return deadline.label or labels.rule(deadline.rule)


def limit_cards(
    procedure: ProcedureView,
    *,
    states: Iterable[str] = (),
    would_change: Mapping[Name, tuple[str, ...]] | None = None,
    documents: Mapping[UUID, DocumentLink] | None = None,
    earlier: Iterable[RecordedFact] = (),
    lang: str = "",
) -> list[LimitCard]:
    """Return the limits of a case as cards, by due date; only those in `states`, where any are named.

    `would_change`: as `law.changes` says it. `documents`: by id, for what proves that a limit was met, now or in one of
    the `earlier` versions of the fact. `lang`: the language in which the law was explained, where it is not the
    page's.
    """
    wanted = frozenset(states)
    former = {fact.id: fact for fact in earlier}
    return [
        replace(
            limit_card(limit, procedure.on, lang=lang),
            would_change=(would_change or {}).get((limit.rule, limit.reading, limit.starts), ()),
            proof=_proof(procedure.proof_of(limit), former, documents or {}),
        )
        for limit in procedure.deadlines
        if not wanted or limit.state in wanted
    ]


def limit_card(limit: Deadline, today: date, *, lang: str = "") -> LimitCard:
    """Return one limit as a card on the day `today`."""
    days = (as_date(limit.due) - today).days
    counting = limit.state == "running" or _is_missed(limit)
    return LimitCard(
        rule=limit.rule,
        label=_label(limit),
        due=limit.due,
        days=(limit.due if isinstance(limit.due, datetime) else days) if counting else None,
        state=_state(limit),
        state_code=limit.state,
        badge=_tone(limit, days),
        whose=labels.whose(limit.whose, lang),
        legal_basis=labels.basis(limit.legal_basis, lang),
        source=limit.source if limit.source.startswith("https://") else "",
        confidence="" if limit.confidence == "verified" else str(_("Likely – unconfirmed")),
        because=limit.because,
        on_expiry=limit.on_expiry,
        reading=limit.reading or "",
        lang=lang,
    )


def _proof(
    fact: RecordedFact | None, former: Mapping[UUID, RecordedFact], documents: Mapping[UUID, DocumentLink]
) -> Proof | None:
    if fact is None:
        return None
    document = _document(fact, documents)
    older = (_document(version, documents) for version in _older(fact, former))
    before = dict.fromkeys(other.title for other in older if other and other != document)
    return Proof(labels.fact(fact.name), _moment(fact.on), document, tuple(before))


def _document(fact: RecordedFact, documents: Mapping[UUID, DocumentLink]) -> DocumentLink | None:
    return documents.get(fact.document) if fact.document else None


def _older(fact: RecordedFact, former: Mapping[UUID, RecordedFact]) -> Iterator[RecordedFact]:
    """Yield the versions before this one, the latest first."""
    older = former.get(fact.corrects) if fact.corrects else None
    while older is not None:
        yield older
        older = former.get(older.corrects) if older.corrects else None


def question_cards(case_id: UUID, procedure: ProcedureView, *, may_record: bool, lang: str = "") -> list[QuestionCard]:
    """Return what has to be found out before the law gives a date, each with where to record the answer."""
    return [
        _question(case_id, question, procedure, may_record=may_record, lang=lang) for question in procedure.questions
    ]


def _question(
    case_id: UUID, question: Question, procedure: ProcedureView, *, may_record: bool, lang: str
) -> QuestionCard:
    url = text = ""
    if may_record and question.fact is not None:
        fact = procedure.facts[question.fact]
        url = reverse("fact_correct", args=[case_id, fact.id])
        text = str(_("Record it in: %(fact)s") % {"fact": labels.fact(fact.name)})
    elif may_record:
        url, text = reverse("fact_new", args=[case_id]), str(_("Record a fact"))
    return QuestionCard(
        label=question.label,
        text=question.text,
        legal_basis=labels.basis(question.legal_basis, lang),
        source=question.source if question.source.startswith("https://") else "",
        confidence={
            "unverified": str(_("Figure not confirmed")),
            "likely": str(_("Likely – unconfirmed")),
        }.get(question.confidence, ""),
        starts=question.starts,
        period=question.period or "",
        url=url,
        url_text=text,
        lang=lang,
    )


def _is_missed(limit: Deadline) -> bool:
    # What a state or an authority let pass is a claim of ours, or what the law makes of silence: nobody here is late.
    return limit.state == "expired" and limit.whose == "applicant"


def _tone(limit: Deadline, days: int) -> str:
    if limit.state == "running":
        return labels.due_tone(days)
    if limit.state == "met":
        return "good"
    return "danger" if _is_missed(limit) else "neutral"


def _state(limit: Deadline) -> str:
    word = str(labels.LIMIT_STATES.get(limit.state, limit.state))
    if limit.state == "met" and limit.met_on:
        return str(_("Met on %(date)s") % {"date": labels.day(limit.met_on)})
    if limit.state == "stopped" and limit.stopped_by:
        return str(_("Stopped: %(fact)s") % {"fact": labels.fact(limit.stopped_by)})
    if limit.state == "superseded" and limit.superseded_by:
        return str(_("Superseded: %(rule)s") % {"rule": labels.rule(limit.superseded_by)})
    return word


# -- facts -----------------------------------------------------------------------------------------------------------


def timeline_items(
    case_id: UUID,
    facts: Iterable[RecordedFact],
    *,
    people: Mapping[UUID | None, Colleague],
    may_correct: bool,
    group: str = "",
    earlier: Iterable[RecordedFact] = (),
    documents: Mapping[UUID, DocumentLink] | None = None,
) -> list[TimelineItem]:
    """Return facts, newest first, with who recorded them and when; `people` holds their authors.

    `earlier`: versions that count no more; each stands below the fact that took its place. `documents`: the case's, by
    id.
    """
    found = [fact for fact in facts if not group or _group(fact) == group]
    former = {fact.id: fact for fact in earlier}
    return [
        _item(case_id, fact, people, may_correct=may_correct, former=former, documents=documents or {})
        for fact in reversed(found)
    ]


def _group(fact: RecordedFact) -> str:
    kind = VOCABULARY.get(fact.name)
    return kind.group if kind else ""


def _item(
    case_id: UUID,
    fact: RecordedFact,
    authors: Mapping[UUID | None, Colleague],
    *,
    may_correct: bool,
    former: Mapping[UUID, RecordedFact],
    documents: Mapping[UUID, DocumentLink],
) -> TimelineItem:
    title, text = fact_line(fact.content)
    meta = [_recorded(fact.recorded_at, fact.recorded_by, authors)]
    if certainty := labels.CERTAINTIES.get(str(fact.content.get("certainty", ""))):
        meta.append(str(certainty))
    badge, reason = "", fact.reason
    if fact.replaced is not None:
        badge, reason = str(_("Taken back") if fact.replaced.withdrawn else _("Replaced")), fact.replaced.reason
        meta.append(_gone(fact.replaced, authors))
    elif fact.corrected:
        badge = str(_("Corrected"))
    return TimelineItem(
        date=_moment(fact.on),
        title=title,
        text="\n".join(line for line in (_unknown(fact), text, fact.note) if line),
        meta=" · ".join(meta),
        badge=badge,
        tone="neutral" if fact.replaced is not None else "info",
        url=reverse("fact_correct", args=[case_id, fact.id]) if may_correct else "",
        url_text=str(_("Correct or take back")),
        group=_group(fact),
        reason=reason,
        before=tuple(_before(fact, former, authors, documents)),
        document=_document(fact, documents),
    )


def _before(
    fact: RecordedFact,
    former: Mapping[UUID, RecordedFact],
    authors: Mapping[UUID | None, Colleague],
    documents: Mapping[UUID, DocumentLink],
) -> Iterator[str]:
    """Yield what the versions before this one said, the latest first."""
    for older in _older(fact, former):
        day = labels.moment(older.on) if older.on else str(_("Date not known"))
        document = _document(older, documents)
        proof = str(_("Document: %(title)s") % {"title": document.title}) if document else ""
        said = " · ".join(part for part in (day, fact_line(older.content)[1], older.note, proof) if part)
        yield f"{said} ({_recorded(older.recorded_at, older.recorded_by, authors)})"


def _recorded(at: datetime, by: UUID | None, authors: Mapping[UUID | None, Colleague]) -> str:
    return str(
        _("Recorded %(at)s by %(who)s") % {"at": labels.instant(at), "who": name_of(by, authors, str(_("the system")))}
    )


def _gone(replaced: Replacement, authors: Mapping[UUID | None, Colleague]) -> str:
    said = _("Taken back %(at)s by %(who)s") if replaced.withdrawn else _("Replaced %(at)s by %(who)s")
    who = name_of(replaced.by, authors, str(_("the system")))
    return str(said % {"at": labels.instant(replaced.at), "who": who})


def _unknown(fact: RecordedFact) -> str:
    """Say between which days a fact without a date lies, as far as that is known."""
    if not fact.undated:
        return ""
    since, until = (labels.moment(str(fact.content.get(name) or "")) for name in ("not_before", "not_after"))
    if since and until:
        return str(_("The date is not known: between %(since)s and %(until)s") % {"since": since, "until": until})
    if since:
        return str(_("The date is not known: not before %(since)s") % {"since": since})
    if until:
        return str(_("The date is not known: not after %(until)s") % {"until": until})
    return str(_("The date is not known"))


def fact_line(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return a fact's name in words, and its particulars as one line."""
    name = str(content["fact"])
    kind = VOCABULARY.get(name)
    parts: list[str] = []
    for member in kind.members if kind else ():
        value = content.get(member.name)
        if value is None:
            continue
        words = labels.particular(member, value)
        if member.kind == "flag":
            parts += [labels.member(member.name)] if value else []
        elif member.name in {"state", "what", "kind", "category"}:
            parts.append(words)
        else:
            parts.append(f"{labels.member(member.name)}: {words}")
    if service := labels.SERVICES.get(str(content.get("service", ""))):
        parts.append(str(service))
    if addressee := labels.ADDRESSEES.get(str(content.get("notified_to", ""))):
        parts.append(str(_("To: %(who)s") % {"who": str(addressee).lower()}))
    return labels.fact(name), " · ".join(parts)


def _moment(text: str) -> date | datetime | None:
    if not text:
        return None
    return datetime.fromisoformat(text) if len(text) > len("2026-09-01") else date.fromisoformat(text)


def procedure_summary(header: CaseHeader, case: CaseView) -> list[tuple[str, object]]:
    """Return where the procedure stands, as a list of (label, value)."""
    return [
        (str(_("Regulation")), header.regime),
        (str(_("Stage")), header.stage),
        (str(_("Responsible state")), header.responsible_state or str(_("Not decided"))),
        (str(_("Opened here")), case.opened_on),
        *([(str(_("Closed")), header.closed_on)] if header.closed_on else []),
    ]


# -- people ----------------------------------------------------------------------------------------------------------


def people_summary(case: CaseView, *, on: date | None = None) -> dict[str, list[tuple[str, object]]]:
    """Return the record of a case as lists of (label, value): `person`, `contact`, `grounds`, `family`.

    `on`: the day on which the applicant's age is told, today by default.
    """
    applicant, contact = case.applicant, case.safe_contact
    channels = [str(dict(Channel.choices).get(channel, channel)) for channel in contact.channels]
    grounds = dict(Ground.choices)
    return {
        "person": [
            (str(_("Date of birth")), _birth(applicant, on or clock.today())),
            (str(_("Gender")), applicant.gender),
            (str(_("Nationalities")), [str(places.state_name(code)) for code in applicant.nationalities]),
            (str(_("Languages")), [str(places.language_name(code)) for code in applicant.languages]),
            (str(_("Numbers of papers")), list(applicant.papers)),
            (str(_("Access notes")), case.access_notes),
        ],
        "contact": [
            (str(_("How to reach them")), channels),
            (str(_("Numbers and addresses")), contact.details),
            (str(_("When")), contact.hours),
            (str(_("May we leave a message?")), _may_leave(contact)),
            (str(_("Code word")), contact.code_word),
        ],
        "grounds": [(str(grounds.get(ground.kind, ground.kind)), ground.account) for ground in case.grounds],
        "family": [
            (str(dict(Relation.choices).get(person.relation, person.relation)), _relative(person))
            for person in case.people
            if person.relation != Relation.APPLICANT
        ],
    }


def _may_leave(contact: SafeContact) -> str:
    # "No" that nobody said is told apart from "no" that the person said; both keep us from leaving one.
    if contact.may_leave_message:
        return str(_("Yes"))
    return str(_("No, never")) if contact != SafeContact() else ""


def _birth(person: PersonView, on: date) -> object:
    if person.birth_on is None:
        return None
    years = _age(person.birth_on, on)
    text = _("%(date)s (%(years)s years, estimated)") if person.birth_estimated else _("%(date)s (%(years)s years)")
    return str(text % {"date": labels.day(person.birth_on), "years": years})


def _age(birth_on: date, today: date) -> int:
    return today.year - birth_on.year - ((today.month, today.day) < (birth_on.month, birth_on.day))


def _relative(person: PersonView) -> str:
    parts = [person.name_latin or person.name_original]
    if person.name_original and person.name_original != parts[0]:
        parts.append(person.name_original)
    if person.state:
        parts.append(labels.country(person.state))
    return " · ".join(parts)
