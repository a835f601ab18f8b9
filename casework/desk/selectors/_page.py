"""The case page: its head, its limits, its people and its timeline, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from casework.access import policies
from casework.access.actions import Action
from casework.accounts.types import Person as Colleague
from casework.cases.types import CaseState, CaseView, Channel, Ground, PersonView, Relation, SafeContact
from casework.core import clock, places, work
from casework.desk import labels
from casework.desk.selectors._names import name_of
from casework.law.facts import VOCABULARY
from casework.law.types import Deadline
from casework.procedure.services import as_date
from casework.procedure.types import ProcedureView, RecordedFact


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
    due_on: date | None
    rule: str
    lead: str
    may: Mapping[str, bool]


@dataclass(frozen=True)
class LimitCard:
    """One derived limit as `components/limit_card.html` shows it; `state_code` is the law's own word for its state."""

    rule: str
    label: str
    due: date | datetime
    days: int | None
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


@dataclass(frozen=True)
class TimelineItem:
    """One fact as `components/timeline.html` shows it."""

    date: date | datetime | None
    title: str
    text: str
    meta: str
    badge: str
    tone: str
    url: str
    url_text: str
    group: str


_ASKED = (
    Action.EDIT_CASE,
    Action.RECORD_FACT,
    Action.ADD_DOCUMENT,
    Action.SHARE_CASE,
    Action.SEE_CASE_TRAIL,
    Action.EXPORT_DOSSIER,
    Action.ASSIGN_CASE,
)


def header_of(
    case: CaseView, procedure: ProcedureView | None = None, *, people: Mapping[UUID | None, Colleague]
) -> CaseHeader:
    """Return the head of a case's pages; `people` holds who leads it. No query: the level on the case is read already.

    With `procedure` given, stage and next limit are those just derived; without it, those stored.
    """
    actor = work.current().actor.user_id
    applicant = case.applicant
    due_on, rule = case.next_due_on, ""
    if procedure is not None:
        running = [limit for limit in procedure.deadlines if limit.state == "running"]
        due_on = as_date(running[0].due) if running else None
        rule = _label(running[0]) if running else ""
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
    )


def _label(deadline: Deadline) -> str:
    return deadline.label or labels.rule(deadline.rule)


def limit_cards(procedure: ProcedureView, *, states: Iterable[str] = ()) -> list[LimitCard]:
    """Return the limits of a case as cards, by due date; only those in `states`, where any are named."""
    wanted = frozenset(states)
    return [_card(limit, procedure.on) for limit in procedure.deadlines if not wanted or limit.state in wanted]


def _card(limit: Deadline, today: date) -> LimitCard:
    days = (as_date(limit.due) - today).days
    return LimitCard(
        rule=limit.rule,
        label=_label(limit),
        due=limit.due,
        days=days if limit.state == "running" or _is_missed(limit) else None,
        state=_state(limit),
        state_code=limit.state,
        badge=_tone(limit, days),
        whose=labels.whose(limit.whose),
        legal_basis=limit.legal_basis,
        source=limit.source if limit.source.startswith("https://") else "",
        confidence="" if limit.confidence == "verified" else str(_("Likely – unconfirmed")),
        because=limit.because,
        on_expiry=limit.on_expiry,
        reading=limit.reading or "",
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
) -> list[TimelineItem]:
    """Return facts, newest first, with who recorded them and when; `people` holds their authors."""
    found = [fact for fact in facts if not group or _group(fact) == group]
    return [_item(case_id, fact, people, may_correct) for fact in reversed(found)]


def _group(fact: RecordedFact) -> str:
    kind = VOCABULARY.get(fact.name)
    return kind.group if kind else ""


def _item(
    case_id: UUID, fact: RecordedFact, authors: Mapping[UUID | None, Colleague], may_correct: bool
) -> TimelineItem:
    title, text = fact_line(fact.content)
    recorded = {"at": labels.instant(fact.recorded_at), "who": name_of(fact.recorded_by, authors, str(_("the system")))}
    meta = [str(_("Recorded %(at)s by %(who)s") % recorded)]
    if certainty := labels.CERTAINTIES.get(str(fact.content.get("certainty", ""))):
        meta.append(str(certainty))
    return TimelineItem(
        date=_moment(fact.on),
        title=title,
        text="\n".join(line for line in (text, fact.note) if line),
        meta=" · ".join(meta),
        badge=str(_("Corrected")) if fact.corrected else "",
        tone="info",
        url=reverse("fact_correct", args=[case_id, fact.id]) if may_correct else "",
        url_text=str(_("Correct or take back")),
        group=_group(fact),
    )


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


def people_summary(case: CaseView) -> dict[str, list[tuple[str, object]]]:
    """Return the record of a case as lists of (label, value): `person`, `contact`, `grounds`, `family`."""
    applicant, contact = case.applicant, case.safe_contact
    channels = [str(dict(Channel.choices).get(channel, channel)) for channel in contact.channels]
    grounds = dict(Ground.choices)
    return {
        "person": [
            (str(_("Date of birth")), _birth(applicant)),
            (str(_("Gender")), applicant.gender),
            (str(_("Nationalities")), [str(places.state_name(code)) for code in applicant.nationalities]),
            (str(_("Languages")), [str(places.language_name(code)) for code in applicant.languages]),
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


def _birth(person: PersonView) -> object:
    if person.birth_on is None:
        return None
    years = _age(person.birth_on, clock.today())
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
