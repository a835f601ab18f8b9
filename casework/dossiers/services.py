"""The dossier: a case put into print with its exhibits, encrypted to who takes it away. Nothing of it stays here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from casework.access.actions import Action
from casework.accounts import selectors as accounts
from casework.audit import seal
from casework.audit import selectors as trail
from casework.audit import services as audit
from casework.cases import selectors as cases
from casework.cases.types import CaseView, PersonView, Relation
from casework.core import work
from casework.core.errors import Invalid
from casework.core.places import COUNTRIES, LANGUAGES_SPOKEN
from casework.documents import selectors as documents
from casework.documents import services as document_services
from casework.documents.types import DocumentKind, DocumentView
from casework.dossiers import words
from casework.dossiers.types import Export
from casework.law.types import Deadline
from casework.printing import delivery, dossier
from casework.printing.types import Checkpoint, DossierData, Entry, Exhibit, Limit, Party, Procedure
from casework.procedure import selectors as procedure
from casework.procedure.types import ProcedureView, RecordedFact


def export(
    case_id: UUID,
    *,
    document_ids: Sequence[UUID] = (),
    recipient: str | None = None,
    passphrase: str | None = None,
    purpose: str = "",
    organisation: str = "",
) -> Export:
    """Print a case with the chosen documents as exhibits, in the order given, and encrypt it; one trail entry.

    `recipient`: an `age1…` or `ssh-ed25519` public key; or `passphrase`. Exactly one of the two.

    Raises:
        NotFound, NotAllowed: the actor may not see the case, or not export its dossier.
        Invalid: neither or both ways to encrypt, a bad key (field `recipient`), a passphrase too short (`passphrase`),
            or a document of another case (`documents`).
    """
    case_row = cases.case_for(case_id, Action.EXPORT_DOSSIER)
    _check_delivery(recipient, passphrase)
    available = {document.id: document for document in documents.documents_of(case_id)}
    if any(document_id not in available for document_id in document_ids):
        raise Invalid({"documents": _("Choose documents of this case.")})
    chosen = [available[document_id] for document_id in document_ids]
    case = cases.view_of(case_row)
    derived = procedure.derived(case_id, case.country)
    printed = dossier.build(
        _data(case, derived, purpose=purpose, organisation=organisation),
        [_exhibit(case_id, number, document) for number, document in enumerate(chosen, start=1)],
    )
    if recipient:
        sealed = delivery.encrypt_for_recipients(printed.pdf, [recipient])
    else:
        assert passphrase is not None
        sealed = delivery.encrypt_with_passphrase(printed.pdf, passphrase)
    audit.record(
        "dossier.exported",
        case=case_id,
        obj=case_id,
        body={
            "purpose": purpose,
            "to": recipient or "passphrase",
            "documents": [str(document_id) for document_id in document_ids],
            "pages": printed.page_count,
            "sha256": printed.manifest.sha256,
        },
    )
    troubles = {trouble for entry in printed.manifest.entries for trouble in entry.troubles} | set(
        printed.manifest.troubles
    )
    sentences = words.labels().troubles
    return Export(
        file_name=f"dossier-{case.reference}.pdf.age",
        content=sealed,
        pages=printed.page_count,
        sha256=printed.manifest.sha256,
        troubles=tuple(sorted(sentences[trouble] for trouble in troubles)),
    )


_SHORTEST_PASSPHRASE = 16


def _check_delivery(recipient: str | None, passphrase: str | None) -> None:
    if bool(recipient) == bool(passphrase):
        raise Invalid({"recipient": _("Choose one way to encrypt the dossier: a public key, or a passphrase.")})
    if recipient:
        try:
            delivery.check_recipient(recipient)
        except delivery.InvalidRecipient:
            raise Invalid(
                {"recipient": _("This is not a public key. It begins with age1 or with ssh-ed25519.")}
            ) from None
    elif passphrase is not None and len(passphrase) < _SHORTEST_PASSPHRASE:
        raise Invalid({"passphrase": _("Use at least 16 characters, or take the proposed passphrase.")})


def _exhibit(case_id: UUID, number: int, document: DocumentView) -> Exhibit:
    kinds = dict(DocumentKind.choices)
    return Exhibit(
        number=str(number),
        title=document.title,
        media_type=document.media_type,
        kind=str(kinds.get(document.kind, "")),
        dated=in_words(document.dated_on),
        open=lambda: document_services.content_of(case_id, document),
    )


def _faults(derived: ProcedureView) -> tuple[str, ...]:
    """Return why no time limits could be computed, where the recorded facts contradict each other."""
    if not derived.fault:
        return ()
    return (str(_("No time limits were computed: the recorded facts contradict each other.")), derived.fault)


def _data(case: CaseView, derived: ProcedureView, *, purpose: str, organisation: str) -> DossierData:
    actor_id = work.current().actor.user_id
    assert actor_id is not None
    actor = accounts.people([actor_id])[actor_id]
    return DossierData(
        reference=case.reference,
        title=case.applicant.name_latin or case.applicant.name_original,
        organisation=organisation,
        country=words.state(case.country),
        generated_on=in_words(derived.on),
        prepared_by=actor.name,
        prepared_for=actor.name,
        purpose=purpose,
        language="en-GB",
        labels=words.labels(),
        procedure=Procedure(
            regime=words.regime(derived.regime),
            status=words.stage(derived.status),
            responsible_state=words.state(derived.responsible_state or ""),
            remarks=(*_faults(derived), *derived.warnings, *(question.text for question in derived.questions)),
        ),
        notice=_("Computed from the facts recorded on the date above. It is not legal advice: check each limit."),
        parties=tuple(_party(person) for person in case.people),
        chronology=tuple(_entry(fact) for fact in derived.facts),
        limits=tuple(_limit(deadline) for deadline in derived.deadlines),
        checkpoint=_checkpoint(case.id),
    )


def _checkpoint(case_id: UUID) -> Checkpoint | None:
    """Return the newest checkpoint of the audit trail, and where the case's own stream stood; None before the first."""
    signed = seal.newest()
    end = trail.end_of_stream(case_id)
    if signed is None or end is None:
        return None
    return Checkpoint(
        title=_("Seal of the audit trail"),
        text=_(
            "This dossier was made when the trail of this case stood at the entry named here. The code and the lines"
            " below hold the newest signed checkpoint of the whole trail. Keep this page: with it anybody can show"
            " later whether something of before was changed, without the server. It names nobody."
        ),
        lines=(
            (_("Entry"), str(end.seq)),
            (_("Its hash"), end.hash.hex()),
            (_("Signed"), in_words(timezone.localtime(signed.time))),
            (_("Over"), ngettext("%(n)d entry", "%(n)d entries", signed.size) % {"n": signed.size}),
        ),
        note=signed.note,
    )


def _party(person: PersonView) -> Party:
    countries, languages = dict(COUNTRIES), dict(LANGUAGES_SPOKEN)
    born = in_words(person.birth_on) if person.birth_on else ""
    if born and person.birth_estimated:
        born = _("%(date)s (estimated)") % {"date": born}
    particulars = ((_("Where"), words.state(person.state)),) if person.state else ()
    return Party(
        relation=str(Relation(person.relation).label),
        name=person.name_original or person.name_latin,
        name_transliterated=person.name_latin if person.name_original else "",
        born=born,
        nationalities=tuple(str(countries.get(code, code)) for code in person.nationalities),
        languages=tuple(str(languages.get(code, code)) for code in person.languages),
        particulars=particulars,
    )


def _entry(fact: RecordedFact) -> Entry:
    content = fact.content
    parts = [words.state(str(content["state"]))] if content.get("state") else []
    parts += [fact.note] if fact.note else []
    return Entry(
        dated=in_words(fact.on),
        what=words.fact(fact.name),
        particulars=" · ".join(parts),
        certainty=words.certainty(str(content.get("certainty") or "")),
    )


def _limit(deadline: Deadline) -> Limit:
    label = deadline.label or words.rule(deadline.rule)
    if deadline.reading:
        label = _("%(label)s (reading %(reading)s)") % {"label": label, "reading": deadline.reading}
    return Limit(
        label=label,
        due=in_words(deadline.due),
        state=deadline.state,
        state_text=words.state_of_limit(deadline.state),
        whose=words.whose(deadline.whose),
        legal_basis=deadline.legal_basis,
        source=deadline.source,
        confidence=deadline.confidence,
        why=deadline.because,
        on_expiry=deadline.on_expiry,
    )


def in_words(value: date | datetime | str | None) -> str:
    """Return a date, date-time or ISO text with the month in words; empty for nothing."""
    if not value:
        return ""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        return date_format(value, "j F Y, H:i")
    return date_format(value, "j F Y")
