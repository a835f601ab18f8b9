"""The certificate of an erasure: what was erased, when, by whom and why, and what remains. Nothing about a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from casework.accounts import selectors as accounts
from casework.audit import selectors as trail
from casework.audit import services as audit
from casework.cases import erasing
from casework.cases.types import ErasureReason, ErasureState, ErasureView
from casework.core.errors import Conflict
from casework.crypto import rotation
from casework.printing import certificate
from casework.printing.certificate import Certificate, Section

_GROUP: Final = 8


def certificate_pdf(erasure_id: UUID, *, organisation: str = "") -> bytes:
    """Return the certificate of an erasure as PDF, in the reader's language; one entry in the trail of who prints it.

    Raises:
        NotFound: there is no such erasure, or the actor may not know of it.
        Conflict: nothing was erased, or the row was changed outside the application: no certificate can be given.
    """
    erased = erasing.erasure(erasure_id)
    if erased.state != ErasureState.ERASED or erased.decided_at is None:
        raise Conflict(_("There is no certificate: this case was not erased."))
    if not erased.sound:
        raise Conflict(_("There is no certificate: what is stored about this erasure was changed."))
    audit.record("case.erasure_certified", obj=erased.case_id)
    page = Certificate(
        title=_("Certificate of erasure"),
        subtitle=_("Case %(reference)s") % {"reference": erased.reference},
        organisation=organisation,
        language=get_language() or "en",
        footer=erased.reference,
        page=_("Page {page} / {pages}"),
        sections=(_what(erased), _remains(erased), _proof(erased)),
    )
    return certificate.build(page)


def _what(erased: ErasureView) -> Section:
    people = accounts.people([erased.asked_by, *([erased.decided_by] if erased.decided_by else [])])
    named = {key: person.name for key, person in people.items()}
    counts = erased.counts
    return Section(
        rows=(
            (_("Case"), erased.reference),
            (_("Team"), accounts.team_names([erased.team_id]).get(erased.team_id, "")),
            (_("Reason"), str(ErasureReason(erased.reason).label)),
            (_("Asked for by"), _by(named.get(erased.asked_by), erased.asked_by)),
            (_("Asked for on"), _moment(erased.asked_at)),
            (_("Confirmed by"), _by(named.get(erased.decided_by), erased.decided_by)),
            (_("Erased on"), _moment(erased.decided_at)),
            (
                _("Destroyed"),
                "\n".join(
                    (
                        ngettext("%(count)d key", "%(count)d keys", counts["keys"]) % {"count": counts["keys"]},
                        ngettext("%(count)d row of the database", "%(count)d rows of the database", counts["rows"])
                        % {"count": counts["rows"]},
                        ngettext("%(count)d file", "%(count)d files", counts["files"]) % {"count": counts["files"]},
                    )
                ),
            ),
        ),
        paragraphs=(
            _(
                "The key of this case was destroyed, and with it everything that was written under it: the record and"
                " its earlier versions, the documents, and the particulars of the audit trail. Whatever copy of them"
                " is left anywhere can no longer be read without that key."
            ),
        ),
    )


def _remains(erased: ErasureView) -> Section:
    assert erased.decided_at is not None
    until = erased.decided_at + rotation.KEPT
    return Section(
        heading=_("What remains"),
        paragraphs=(
            _(
                "The audit trail keeps that this case was opened, read, changed and erased, when and by whom; its"
                " particulars can no longer be read. Words that somebody typed into the search stand in the trail of"
                " whoever searched, not in that of the case, and are not erased with it. This certificate can be"
                " printed again."
            ),
            _(
                "Backups of keys that were made before the erasure may hold the key until %(day)s. They are kept apart"
                " from backups of the data, encrypted, for %(days)d days; the next backup then removes them. Restoring"
                " a backup takes the newest keys and erases this case again. Copies of such keys that were put"
                " elsewhere must be removed after the same time."
            )
            % {"day": date_format(until.astimezone(UTC), "j F Y"), "days": rotation.KEPT // timedelta(days=1)},
        ),
    )


def _proof(erased: ErasureView) -> Section:
    end = trail.end_of_stream(erased.case_id)
    rows = [
        (_("Erasure"), str(erased.id)),
        (_("Stream of the trail"), str(erased.case_id)),
    ]
    if end is not None:
        rows += [
            (_("Last entry"), _("No. %(number)d") % {"number": end.seq}),
            (_("Hash of the last entry (SHA-256)"), _grouped(end.hash.hex())),
            (
                _("First signed checkpoint over it"),
                _("No. %(number)d, %(size)d entries, signed on %(moment)s")
                % {"number": end.checkpoint, "size": end.size, "moment": _moment(end.signed_at)}
                if end.checkpoint is not None
                else _("Not signed yet when this was printed"),
            ),
        ]
    return Section(
        heading=_("In the audit trail"),
        rows=tuple(rows),
        paragraphs=(_("The trail verifies with verify_audit --case and the case's reference."),),
    )


def _by(name: str | None, user_id: UUID | None) -> str:
    return f"{name} ({user_id})" if name else str(user_id or "")


def _moment(at: datetime | None) -> str:
    # In UTC and said so: a certificate is read elsewhere too.
    return f"{date_format(at.astimezone(UTC), 'j F Y, H:i')} UTC" if at else ""


def _grouped(digest: str) -> str:
    return " ".join(digest[at : at + _GROUP] for at in range(0, len(digest), _GROUP))
